//! Who speaks: what a token grants, to whom, and until when. (A stand-in with the shape of the real one.)

pub mod jwt;
pub mod policy;

use routing::ids::{WorkerId, WorkspaceId};
use routing::time::Timestamp;

/// Somebody whose token was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The role, and where it holds.
    pub grant: Grant,
    /// Who the token was made for: a Worker's id, or the name of a program.
    pub subject: String,
    /// From this instant on, the token is worth nothing.
    pub expires_at: Timestamp,
    /// Tells the tokens of one subject apart in the log.
    pub token_id: String,
}

/// What a token allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Grant {
    Admin { workspace: Option<WorkspaceId> },
    Supervisor { workspace: WorkspaceId },
    Reporter { workspace: WorkspaceId },
    Worker { workspace: WorkspaceId, worker: WorkerId },
}

impl Grant {
    /// The role alone.
    #[must_use]
    pub fn role(&self) -> Role {
        match self {
            Grant::Admin { .. } => Role::Admin,
            Grant::Supervisor { .. } => Role::Supervisor,
            Grant::Reporter { .. } => Role::Reporter,
            Grant::Worker { .. } => Role::Worker,
        }
    }

    /// The Workspace that the grant is limited to; `None` is an admin of all.
    #[must_use]
    pub fn workspace(&self) -> Option<WorkspaceId> {
        match *self {
            Grant::Admin { workspace } => workspace,
            Grant::Supervisor { workspace }
            | Grant::Reporter { workspace }
            | Grant::Worker { workspace, .. } => Some(workspace),
        }
    }

    /// The Worker that the grant is limited to.
    #[must_use]
    pub fn worker(&self) -> Option<WorkerId> {
        match *self {
            Grant::Admin { .. } | Grant::Supervisor { .. } | Grant::Reporter { .. } => None,
            Grant::Worker { worker, .. } => Some(worker),
        }
    }
}

/// The four kinds of callers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Sets a Workspace up.
    Admin,
    /// Watches and directs.
    Supervisor,
    /// Reads.
    Reporter,
    /// Works.
    Worker,
}

/// Why there is no Principal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The client should send a token.
    #[error("a bearer token is required")]
    Missing,
    /// The client should fetch a new token.
    #[error("the token has expired")]
    Expired,
    /// No token like this one will ever do.
    #[error("the token is not valid")]
    Invalid,
}

/// The token of an `Authorization` header.
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
}
