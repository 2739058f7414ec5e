//! Every refusal. Part of the API: the variant is the reason, its fields are the facts, and `Display` is a
//! sentence for people, without a full stop.

use std::fmt;

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
    /// Others rely on the object.
    #[error("the {kind} {what} is in use by {}", Users { users, n_users: *n_users })]
    InUse {
        /// `Skill`, …
        kind: &'static str,
        /// Its name.
        what: String,
        /// The first of those who use it; never empty.
        users: Vec<User>,
        /// How many use it in all.
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

/// What uses an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// `Worker`, `TaskQueue`, …
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// `Worker Ann, TaskQueue Spain and 7 more`.
struct Users<'a> {
    users: &'a [User],
    n_users: usize,
}

impl fmt::Display for Users<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named =
            self.users.iter().map(|user| format!("{} {}", user.kind, user.name)).collect::<Vec<_>>();
        let n_more = self.n_users.saturating_sub(named.len());
        if n_more > 0 {
            named.push(format!("{n_more} more"));
        }
        match named.split_last() {
            None => Ok(()),
            Some((only, [])) => f.write_str(only),
            Some((last, others)) => write!(f, "{} and {last}", others.join(", ")),
        }
    }
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
