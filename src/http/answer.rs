//! What a client may read of what became of its operation.
//!
//! Promises: every error carries `extensions.code`; nothing that a resolver did not mean for the client
//! leaves the server; `data` is absent where nothing was executed; the text of an error is bounded.
//!
//! How an error gets its code:
//!
//! | origin | code |
//! | --- | --- |
//! | a resolver that says one | the resolver's; `INTERNAL` loses its text and gains a `requestId` |
//! | this floor (malformed, too large, too deep, no token) | the one of its [`Refusal`] |
//! | the engine before execution (validation, coercion) | `BAD_USER_INPUT` |
//! | the engine while it reads a field's arguments | `BAD_USER_INPUT` |
//! | anything else: a resolver's foreign error, a panic | `INTERNAL`, logged here once under the same id |
//!
//! This module knows nothing about transports: `graphql` and `websocket` put its text into their envelopes.

use std::{any::Any, borrow::Cow};

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError, Value};
use axum::{extract::ws::Utf8Bytes, http::StatusCode};
use serde::Serialize;

use super::RequestId;

/// The text of one error is cut here: the engine's messages repeat what they object to, which may be megabytes.
const MESSAGE_BYTES_MAX: usize = 1_000;

/// Faults of one document beyond this many help nobody, and a hostile document can have thousands.
const REFUSAL_ERRORS_MAX: usize = 20;

/// How the engine's own complaints about an argument begin. It gives them no code, so they are told from a
/// resolver's uncoded error by their text; one that is not recognised is hidden, not shown.
const COERCION_MESSAGES: [&str; 2] = ["Expected input type \"", "Failed to parse \""];

/// The codes that arise on this floor. Resolvers have more; they pass through as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Code {
    BadUserInput,
    Unauthenticated,
    Forbidden,
    LimitExceeded,
    Unavailable,
    Internal,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::LimitExceeded => "LIMIT_EXCEEDED",
            Code::Unavailable => "UNAVAILABLE",
            Code::Internal => INTERNAL,
        }
    }

    /// The status of an answer that refuses a well-formed HTTP request with this code.
    pub fn status(self) -> StatusCode {
        match self {
            Code::BadUserInput | Code::LimitExceeded => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::Forbidden => StatusCode::FORBIDDEN,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

const INTERNAL: &str = "INTERNAL";
const INTERNAL_MESSAGE: &str = "Something went wrong on the server";

/// A request that this floor does not let through to the engine, and why.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub code: Code,
    pub message: Cow<'static, str>,
    /// Where in the document, if it is a place in the document.
    pub position: Option<Pos>,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { code, message: message.into(), position: None }
    }

    pub fn bad_input(message: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::new(Code::BadUserInput, message)
    }

    #[must_use]
    pub fn at(mut self, position: Pos) -> Refusal {
        self.position = Some(position);
        self
    }

    /// As a list of GraphQL errors.
    pub fn into_errors(self) -> Utf8Bytes {
        let mut error = ServerError::new(self.message, self.position);
        shorten(&mut error.message);
        set_code(&mut error, self.code);
        json(&[error])
    }
}

/// The end of an operation, or one event of a subscription.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// It was executed: a GraphQL result with `data`, perhaps with errors.
    Executed(Utf8Bytes),
    /// It was not, or it can not go on: a list of GraphQL errors, without `data`.
    Refused { code: Code, errors: Utf8Bytes },
}

impl Answer {
    /// The answer to a query or mutation. It was executed if there is `data`, or a field to blame for its lack.
    pub fn of(response: Response, request: &RequestId) -> Answer {
        Answer::from_response(response, 0, request)
    }

    /// One event of a subscription. A failure of the subscription itself, that is of its root field, ends
    /// it; a failure inside an event is part of that event.
    pub fn of_event(response: Response, request: &RequestId) -> Answer {
        Answer::from_response(response, 1, request)
    }

    /// It is a refusal if there is no `data` and no error comes from deeper than `depth` fields.
    fn from_response(mut response: Response, depth: usize, request: &RequestId) -> Answer {
        let refused = !response.errors.is_empty()
            && response.data == Value::Null
            && response.errors.iter().all(|error| error.path.len() <= depth);
        if refused {
            response.errors.truncate(REFUSAL_ERRORS_MAX);
        }
        for error in &mut response.errors {
            present(error, request);
        }
        if refused {
            let internal = response.errors.iter().any(|error| code_of(error) == Some(INTERNAL));
            let code = if internal { Code::Internal } else { Code::BadUserInput };
            Answer::Refused { code, errors: json(&response.errors) }
        } else {
            Answer::Executed(json(&response))
        }
    }

    /// The answer to what panicked. Logs it.
    pub fn of_panic(panic: &(dyn Any + Send), request: &RequestId) -> Answer {
        tracing::error!(request_id = %request, panic = panic_message(panic), "a panic was hidden from the client");
        Answer::Refused { code: Code::Internal, errors: json(&[internal(request)]) }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Answer {
        Answer::Refused { code: refusal.code, errors: refusal.into_errors() }
    }
}

/// Makes an error of the engine or of a resolver fit to be read by the client.
fn present(error: &mut ServerError, request: &RequestId) {
    match code_of(error) {
        // The floor that said INTERNAL has logged the cause, in the span of this request.
        Some(INTERNAL) => hide(error, request),
        Some(_) => shorten(&mut error.message),
        None if is_about_input(error) => {
            shorten(&mut error.message);
            set_code(error, Code::BadUserInput);
        }
        None => {
            tracing::error!(request_id = %request, path = ?error.path, error = %error.message, "an unforeseen error was hidden from the client");
            hide(error, request);
        }
    }
}

/// Whether an error without a code is the engine's complaint about what the client sent.
fn is_about_input(error: &ServerError) -> bool {
    error.source.is_none()
        && (error.path.is_empty() || COERCION_MESSAGES.iter().any(|start| error.message.starts_with(start)))
}

fn hide(error: &mut ServerError, request: &RequestId) {
    let shown = internal(request);
    error.message = shown.message;
    error.source = None;
    error.extensions = shown.extensions;
}

fn internal(request: &RequestId) -> ServerError {
    let mut error = ServerError::new(INTERNAL_MESSAGE, None);
    set_code(&mut error, Code::Internal);
    error.extensions.get_or_insert_default().set("requestId", request.as_str());
    error
}

fn code_of(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref()?.get("code")? {
        Value::String(code) => Some(code),
        Value::Enum(code) => Some(code),
        _ => None,
    }
}

fn set_code(error: &mut ServerError, code: Code) {
    let extensions: &mut ErrorExtensionValues = error.extensions.get_or_insert_default();
    extensions.set("code", code.as_str());
}

fn shorten(message: &mut String) {
    if message.len() > MESSAGE_BYTES_MAX {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        message.push('…');
    }
}

/// What a panic said, for the log.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(not a text)")
}

fn json<T: Serialize + ?Sized>(value: &T) -> Utf8Bytes {
    serde_json::to_string(value).expect("GraphQL values have string keys and finite numbers").into()
}
