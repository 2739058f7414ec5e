//! Every refusal. Part of the API: the variant is the reason, its fields are the facts, and `Display` is a
//! sentence for people, without a full stop.

use crate::expression;
use crate::ids::TaskTransferId;
use crate::workflow_configuration;

/// Why a command changed nothing.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The command names an object that does not exist.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// `Worker`, `Task`, …
        kind: &'static str,
        /// The id, as the caller gave it.
        id: String,
        /// The input field that names it.
        field: &'static str,
    },
    /// The caller expected another version of the object.
    #[error("the {kind} has changed: its version is {present}, not {expected}")]
    VersionConflict {
        /// `Worker`, `Task`, …
        kind: &'static str,
        /// What the caller expected.
        expected: u32,
        /// What is there.
        present: u32,
    },
    /// The object is not in a state that allows it.
    #[error("the {kind} is {present}, but only {allowed} can be {action}")]
    InvalidState {
        /// `Task` or `Reservation`.
        kind: &'static str,
        /// Its status, in the API's words: `PENDING`, …
        present: &'static str,
        /// Which would be right: `PENDING or RESERVED`.
        allowed: &'static str,
        /// What was asked: `canceled`, …
        action: &'static str,
    },
    /// The Task is being handed on, which must end first.
    #[error(
        "the Task is being transferred: before it can be {action}, the transfer {transfer} must have ended"
    )]
    InTransfer {
        /// The transfer in progress.
        transfer: TaskTransferId,
        /// What was asked: `canceled`, …
        action: &'static str,
    },
    /// The Worker whom a Task would be handed to cannot take it now.
    #[error("the Task cannot be transferred to {worker}: {why}")]
    CannotTake {
        /// The Worker's name.
        worker: String,
        /// What stands in the way.
        why: String,
    },
    /// One input is wrong.
    #[error("{message}")]
    BadInput {
        /// The input field.
        field: &'static str,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// An expression does not parse.
    #[error("{error}")]
    InvalidExpression {
        /// The input field.
        field: &'static str,
        /// Where, and what was expected.
        error: expression::Error,
    },
    /// A routing document is wrong.
    #[error("the workflow configuration has {} fault(s), the first at {}: {}", .faults.len(), .faults[0].path_text(), .faults[0].message)]
    InvalidWorkflow {
        /// The input field.
        field: &'static str,
        /// Every fault; never empty.
        faults: Vec<workflow_configuration::Fault>,
    },
    /// The object must stay as it is, because others need it.
    #[error("the {kind} cannot be {action}: {}", in_words(.users, *.n_users))]
    InUse {
        /// `TaskQueue`, `Worker`, …
        kind: &'static str,
        /// What was asked: `deleted` or `renamed`.
        action: &'static str,
        /// The first of those who need it, at most [`USERS_NAMED_MAX`]; never empty.
        users: Vec<User>,
        /// How many there are.
        n_users: usize,
    },
    /// A limit of the Workspace is reached.
    #[error("{what}: the limit is {limit}")]
    LimitExceeded {
        /// Of what there would be too much.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
        /// The input field, where one is to blame.
        field: Option<&'static str>,
    },
}

/// How many of those who need an object a refusal names.
pub const USERS_NAMED_MAX: usize = 10;
/// How many of them its sentence names.
const USERS_IN_SENTENCE_MAX: usize = 3;

/// Something because of which an object must stay as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// `Task`, `Worker`, …
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// In which way it needs the object, as the end of a sentence: `is in it`.
    pub how: &'static str,
}

/// `Workflow Sales refers to it, Task WT… is in it, and 3 more`.
fn in_words(users: &[User], n_users: usize) -> String {
    let named = users.iter().take(USERS_IN_SENTENCE_MAX).map(|User { kind, id, name, how }| {
        let name = name.as_ref().unwrap_or(id);
        format!("{kind} {name} {how}")
    });
    let n_more = n_users.saturating_sub(USERS_IN_SENTENCE_MAX);
    let more = (n_more > 0).then(|| format!("and {n_more} more"));
    named.chain(more).collect::<Vec<_>>().join(", ")
}

/// What a program can tell refusals apart by. Stable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // As the names say; described in the API.
pub enum Code {
    NotFound,
    Conflict,
    InvalidState,
    BadUserInput,
    InvalidExpression,
    InvalidWorkflow,
    InUse,
    LimitExceeded,
}

impl Rejection {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Rejection::NotFound { .. } => Code::NotFound,
            Rejection::VersionConflict { .. } => Code::Conflict,
            Rejection::InvalidState { .. } | Rejection::InTransfer { .. } | Rejection::CannotTake { .. } => {
                Code::InvalidState
            }
            Rejection::BadInput { .. } => Code::BadUserInput,
            Rejection::InvalidExpression { .. } => Code::InvalidExpression,
            Rejection::InvalidWorkflow { .. } => Code::InvalidWorkflow,
            Rejection::InUse { .. } => Code::InUse,
            Rejection::LimitExceeded { .. } => Code::LimitExceeded,
        }
    }

    /// The input field at fault, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Rejection::NotFound { field, .. }
            | Rejection::BadInput { field, .. }
            | Rejection::InvalidExpression { field, .. }
            | Rejection::InvalidWorkflow { field, .. } => Some(field),
            Rejection::LimitExceeded { field, .. } => *field,
            Rejection::VersionConflict { .. } => Some("expectedVersion"),
            Rejection::CannotTake { .. } => Some("toId"),
            Rejection::InvalidState { .. } | Rejection::InTransfer { .. } | Rejection::InUse { .. } => None,
        }
    }
}
