//! What can go wrong, as API users see it: one type, one conversion.
//!
//! [`Error`] is deliberately not `Display`. async-graphql makes an error of its own from everything that is, and
//! `?` would carry the text of any library to the client.

use async_graphql::{Enum, ErrorExtensionValues, Name, Value};
use routing::rejection::{Code, User};
use routing::workflow_configuration::Fault;
use routing::{Rejection, expression, ids::Id};
use uuid::Uuid;

use crate::caller;

/// When to try again, in milliseconds, after the server had too much to do.
const RETRY_AFTER_MS: u64 = 1_000;

/// What resolvers return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a field has no answer.
#[derive(Clone, Debug)]
pub enum Error {
    /// No token, or one whose time has ended. The client should get a new one.
    Unauthenticated {
        /// Which of the two.
        message: &'static str,
    },
    /// The role may never do or see this.
    Forbidden {
        /// What is missing.
        message: &'static str,
        /// The input field that goes too far, if it is not the request as a whole.
        field: Option<String>,
    },
    /// There is no such object, or not for this viewer. The client cannot tell which.
    NotFound {
        /// What there is none of, as a sentence.
        message: String,
        /// The input field that names it.
        field: Option<String>,
    },
    /// The change was made when it was asked for first; what it was made to is gone, or not for this viewer any more.
    Gone {
        /// That, as a sentence.
        message: String,
        /// The position of the last event of the change.
        sequence: u64,
    },
    /// One input is wrong.
    BadUserInput {
        /// The path of the input field.
        field: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// The core refused; the client sees the reason with all facts.
    Rejected(Rejection),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// Too much to do; the client should try again after a while.
    Overloaded,
    /// The position lies before the beginning of the log; the client should begin with a new snapshot.
    EventsExpired,
    /// It does not work at present; the client may try again.
    Unavailable {
        /// What does not work.
        message: String,
    },
    /// A fault of ours. The client gets the number under which the log has the rest.
    Internal {
        /// The number.
        request_id: Uuid,
    },
}

/// What programs can tell errors apart by: the `code` in the `extensions` of each error.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// There is no token, it is not valid, or its time has ended.
    Unauthenticated,
    /// The role of the token may never do or see this.
    Forbidden,
    /// There is no such object, or this viewer may not see it: the two cannot be told apart. In the answer to a repeat,
    /// `sequence` is where the change was made: only what it was made to cannot be shown any more.
    NotFound,
    /// An input is wrong; `field` says which one.
    BadUserInput,
    /// An expression does not parse; `line`, `column`, `found` and `expected` say where and why.
    InvalidExpression,
    /// A routing document is wrong; `errors` lists every fault with its `path`.
    InvalidWorkflow,
    /// The object is not in a status that allows this; `status` is the present one. Of a Task that is being
    /// transferred, `transferId` is the transfer that has to end first.
    InvalidState,
    /// The object is not in the expected version, `version` is the present one; or an idempotency key was used
    /// before with another input.
    Conflict,
    /// The object can be neither deleted nor renamed because others need it; `users` lists the first of them, each with `kind`, `id`,
    /// `name` (null where it has none) and `how`, and `userCount` says how many there are.
    InUse,
    /// A limit would be exceeded; `limit` is how much is allowed.
    LimitExceeded,
    /// The server has too much to do; try again after `retryAfterMs`.
    Overloaded,
    /// The event log no longer reaches back to `after`: begin with a new snapshot.
    EventsExpired,
    /// It does not work at present, or it is not known whether it did. Repeating with the same `idempotencyKey`
    /// is safe.
    Unavailable,
    /// A fault of the server; `requestId` is what its operator needs to find it.
    Internal,
}

impl Error {
    /// The input field `field` is wrong.
    pub fn bad_input(field: impl Into<String>, message: impl Into<String>) -> Error {
        Error::BadUserInput { field: field.into(), message: message.into() }
    }

    /// There is no such object, or not for this viewer.
    pub fn not_found(id: impl Id, field: &str) -> Error {
        Error::NotFound { message: no_such(kind(id), &id.to_string()), field: Some(field.to_owned()) }
    }

    /// A fault of ours: written to the log here, and nowhere else.
    pub fn internal(what: &str) -> Error {
        let request_id = Uuid::now_v7();
        tracing::error!(%request_id, "{what}");
        Error::Internal { request_id }
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::Unauthenticated { .. } => ErrorCode::Unauthenticated,
            Error::Forbidden { .. } => ErrorCode::Forbidden,
            Error::NotFound { .. } | Error::Gone { .. } => ErrorCode::NotFound,
            Error::BadUserInput { .. } => ErrorCode::BadUserInput,
            Error::Rejected(rejection) => match rejection.code() {
                Code::NotFound => ErrorCode::NotFound,
                Code::Conflict => ErrorCode::Conflict,
                Code::InvalidState => ErrorCode::InvalidState,
                Code::BadUserInput => ErrorCode::BadUserInput,
                Code::InvalidExpression => ErrorCode::InvalidExpression,
                Code::InvalidWorkflow => ErrorCode::InvalidWorkflow,
                Code::InUse => ErrorCode::InUse,
                Code::LimitExceeded => ErrorCode::LimitExceeded,
            },
            Error::KeyReused => ErrorCode::Conflict,
            Error::Overloaded => ErrorCode::Overloaded,
            Error::EventsExpired => ErrorCode::EventsExpired,
            Error::Unavailable { .. } => ErrorCode::Unavailable,
            Error::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// The sentence for people.
    pub fn message(&self) -> String {
        match self {
            Error::Unauthenticated { message } | Error::Forbidden { message, .. } => (*message).to_owned(),
            Error::NotFound { message, .. }
            | Error::Gone { message, .. }
            | Error::BadUserInput { message, .. }
            | Error::Unavailable { message } => message.clone(),
            Error::Rejected(rejection) => rejection.to_string(),
            Error::KeyReused => "the idempotency key was used before with another input".to_owned(),
            Error::Overloaded => "the server has too much to do at present".to_owned(),
            Error::EventsExpired => "the event log no longer reaches back to this position".to_owned(),
            Error::Internal { .. } => "internal error".to_owned(),
        }
    }

    /// The path of the input field that is to blame, where one is.
    pub fn field(&self) -> Option<String> {
        match self {
            Error::Forbidden { field, .. } | Error::NotFound { field, .. } => field.clone(),
            Error::BadUserInput { field, .. } => Some(field.clone()),
            Error::Rejected(rejection) => rejection.field().map(str::to_owned),
            Error::KeyReused => Some("idempotencyKey".to_owned()),
            Error::EventsExpired => Some("after".to_owned()),
            Error::Unauthenticated { .. }
            | Error::Gone { .. }
            | Error::Overloaded
            | Error::Unavailable { .. }
            | Error::Internal { .. } => None,
        }
    }

    /// The facts, each under a name of its own.
    fn facts(&self) -> Vec<(&'static str, Value)> {
        match self {
            Error::Rejected(rejection) => facts_of(rejection),
            Error::Gone { sequence, .. } => vec![("sequence", (*sequence).into())],
            Error::Overloaded => vec![("retryAfterMs", RETRY_AFTER_MS.into())],
            Error::Internal { request_id } => vec![("requestId", request_id.to_string().into())],
            Error::Unauthenticated { .. }
            | Error::Forbidden { .. }
            | Error::NotFound { .. }
            | Error::BadUserInput { .. }
            | Error::KeyReused
            | Error::EventsExpired
            | Error::Unavailable { .. } => Vec::new(),
        }
    }
}

impl From<Error> for async_graphql::Error {
    fn from(error: Error) -> async_graphql::Error {
        let mut extensions = ErrorExtensionValues::default();
        let code = async_graphql::resolver_utils::enum_value(error.code());
        extensions.set("code", code);
        if let Some(field) = error.field() {
            extensions.set("field", field);
        }
        for (name, fact) in error.facts() {
            extensions.set(name, fact);
        }
        async_graphql::Error { message: error.message(), source: None, extensions: Some(extensions) }
    }
}

impl From<caller::Error> for Error {
    fn from(error: caller::Error) -> Error {
        let unavailable = |message: &str| Error::Unavailable { message: message.to_owned() };
        match error {
            caller::Error::Expired => Error::Unauthenticated { message: "the token has expired" },
            caller::Error::NoWorkspace => {
                Error::NotFound { message: "there is no such Workspace".to_owned(), field: None }
            }
            caller::Error::Forbidden { message, field } => {
                Error::Forbidden { message, field: field.map(str::to_owned) }
            }
            caller::Error::NotFound { kind, id, field } => {
                Error::NotFound { message: no_such(kind, &id), field: Some(field.to_owned()) }
            }
            caller::Error::Rejected(rejection) => Error::Rejected(rejection),
            caller::Error::KeyReused => Error::KeyReused,
            caller::Error::InDoubt => {
                unavailable("the change could not be made durable; it is not known whether it will be there")
            }
            caller::Error::Overloaded => Error::Overloaded,
            caller::Error::Stopped => unavailable("the Workspace does not run at present"),
            caller::Error::NotReached { sequence } => {
                let message = format!("the Workspace has not reached the sequence {sequence} in time");
                Error::Unavailable { message }
            }
            caller::Error::EventsExpired => Error::EventsExpired,
            caller::Error::EventsAhead => {
                Error::bad_input("after", "the event log has not reached this position")
            }
            caller::Error::LogUnreadable => unavailable("the event log cannot be read at present"),
        }
    }
}

fn facts_of(rejection: &Rejection) -> Vec<(&'static str, Value)> {
    match rejection {
        Rejection::VersionConflict { kind: _, expected, present } => {
            vec![("version", (*present).into()), ("expectedVersion", (*expected).into())]
        }
        Rejection::InvalidState { kind: _, present, allowed: _, action: _ } => {
            vec![("status", (*present).into())]
        }
        Rejection::InvalidExpression { field: _, error } => place(error).into_iter().collect(),
        Rejection::InvalidWorkflow { field: _, faults } => {
            vec![("errors", Value::List(faults.iter().map(fault).collect()))]
        }
        Rejection::InUse { kind: _, action: _, users, n_users } => {
            vec![("users", Value::List(users.iter().map(user).collect())), ("userCount", (*n_users).into())]
        }
        Rejection::LimitExceeded { what: _, limit, field: _ } => vec![("limit", (*limit).into())],
        Rejection::InTransfer { transfer, action: _ } => vec![("transferId", transfer.to_string().into())],
        Rejection::NotFound { .. } | Rejection::BadInput { .. } | Rejection::CannotTake { .. } => Vec::new(),
    }
}

/// Something because of which an object cannot be deleted.
fn user(user: &User) -> Value {
    let User { kind, id, name, how } = user;
    let facts: [(&'static str, Value); 4] = [
        ("kind", (*kind).into()),
        ("id", id.as_str().into()),
        ("name", name.clone().into()),
        ("how", (*how).into()),
    ];
    Value::Object(facts.into_iter().map(|(name, fact)| (Name::new(name), fact)).collect())
}

fn fault(fault: &Fault) -> Value {
    let Fault { path, message, expression_error } = fault;
    let facts: [(&'static str, Value); 2] =
        [("path", path.clone().into()), ("message", message.clone().into())];
    let place = expression_error.as_ref().map(place);
    let all = facts.into_iter().chain(place.into_iter().flatten());
    Value::Object(all.map(|(name, fact)| (Name::new(name), fact)).collect())
}

/// Where an expression is wrong, so that an editor can underline it.
fn place(error: &expression::Error) -> [(&'static str, Value); 4] {
    let expression::Error { line, column, found, expected, hint: _ } = error;
    [
        ("line", (*line).into()),
        ("column", (*column).into()),
        ("found", found.as_str().into()),
        ("expected", expected.as_str().into()),
    ]
}

fn kind<I: Id>(_: I) -> &'static str {
    I::KIND
}

fn no_such(kind: &str, id: &str) -> String {
    format!("there is no {kind} {id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extensions(error: Error) -> serde_json::Value {
        let error = async_graphql::Error::from(error);
        serde_json::to_value(error).unwrap()["extensions"].clone()
    }

    #[test]
    fn a_refusal_carries_its_facts() {
        let rejected = |rejection| extensions(Error::from(caller::Error::from(rejection)));
        let conflict = Rejection::VersionConflict { kind: "Task", expected: 3, present: 5 };
        assert_eq!(
            rejected(conflict),
            serde_json::json!({
                "code": "CONFLICT", "field": "expectedVersion", "version": 5, "expectedVersion": 3
            })
        );
        let error = routing::expression::Expression::parse(expression::Kind::Queue, "a ==").unwrap_err();
        let invalid = rejected(Rejection::InvalidExpression { field: "targetWorkers", error });
        assert_eq!(invalid["code"], "INVALID_EXPRESSION");
        assert_eq!((&invalid["line"], &invalid["column"]), (&1.into(), &5.into()));

        let fault =
            Fault { path: vec!["task_routing".into()], message: "is missing".into(), expression_error: None };
        let invalid = rejected(Rejection::InvalidWorkflow { field: "configuration", faults: vec![fault] });
        assert_eq!(
            invalid["errors"],
            serde_json::json!([{ "path": ["task_routing"], "message": "is missing" }])
        );
    }
}
