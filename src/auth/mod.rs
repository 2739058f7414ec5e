//! Who speaks: what a token grants, to whom, and until when.
//!
//! A [`Principal`] is all that the rest of the server learns of a token. [`jwt`] turns one into the other,
//! [`signing_key`] keeps the secret between the two. What a Principal may do with a grant is not decided here,
//! and nothing here reads a clock: the time is an argument.

pub mod jwt;
pub mod policy;
pub mod signing_key;

use std::fmt;
use std::str::FromStr;

use routing::ids::{Id, WorkerId, WorkspaceId};
use routing::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Somebody whose token was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The role, and where it holds.
    pub grant: Grant,
    /// Who the token was made for: a Worker's id, or the name of a program. For the log and for idempotency
    /// keys, which are kept per caller; no right depends on it.
    pub subject: String,
    /// From this instant on, the token is worth nothing, and what it opened must close.
    pub expires_at: Timestamp,
    /// Tells the tokens of one subject apart in the log.
    pub token_id: String,
}

/// What a token allows, as one of the combinations that make sense.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Grant {
    /// Everything, in one Workspace or (`None`) in all of them.
    Admin {
        /// The only Workspace, if there is such a limit.
        workspace: Option<WorkspaceId>,
    },
    /// Watching and directing the work of one Workspace.
    Supervisor {
        /// The Workspace.
        workspace: WorkspaceId,
    },
    /// Reading one Workspace.
    Reporter {
        /// The Workspace.
        workspace: WorkspaceId,
    },
    /// Working: one Worker's own affairs.
    Worker {
        /// The Worker's Workspace.
        workspace: WorkspaceId,
        /// The Worker.
        worker: WorkerId,
    },
}

impl Grant {
    /// The grant that these parts make, as they stand in a token or on a command line.
    pub fn of(
        role: Role,
        workspace: Option<WorkspaceId>,
        worker: Option<WorkerId>,
    ) -> Result<Grant, ImpossibleGrant> {
        match (role, workspace, worker) {
            (Role::Admin, workspace, None) => Ok(Grant::Admin { workspace }),
            (Role::Supervisor, Some(workspace), None) => Ok(Grant::Supervisor { workspace }),
            (Role::Reporter, Some(workspace), None) => Ok(Grant::Reporter { workspace }),
            (Role::Worker, Some(workspace), Some(worker)) => {
                if worker.workspace_tag() == workspace.workspace_tag() {
                    Ok(Grant::Worker { workspace, worker })
                } else {
                    Err(ImpossibleGrant::WorkerOfAnotherWorkspace)
                }
            }
            (Role::Admin | Role::Supervisor | Role::Reporter, _, Some(_)) => {
                Err(ImpossibleGrant::WorkerNamed(role))
            }
            (Role::Worker, _, None) => Err(ImpossibleGrant::WorkerMissing),
            (Role::Supervisor | Role::Reporter | Role::Worker, None, _) => {
                Err(ImpossibleGrant::WorkspaceMissing(role))
            }
        }
    }

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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

impl Role {
    const ALL: [Role; 4] = [Role::Admin, Role::Supervisor, Role::Reporter, Role::Worker];
}

/// As written in tokens and on the command line.
impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Admin => "admin",
            Role::Supervisor => "supervisor",
            Role::Reporter => "reporter",
            Role::Worker => "worker",
        })
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.to_string() == text).ok_or(UnknownRole)
    }
}

/// The text names none of the roles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected admin, supervisor, reporter or worker")]
pub struct UnknownRole;

/// A role with a Workspace or Worker too many or too few.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ImpossibleGrant {
    /// Only an admin may have all Workspaces.
    #[error("the role {0} needs a Workspace")]
    WorkspaceMissing(Role),
    /// Somebody works, but who?
    #[error("the role worker needs a Worker")]
    WorkerMissing,
    /// A limit to one Worker would be ignored, so it is refused.
    #[error("the role {0} is not limited to a Worker")]
    WorkerNamed(Role),
    /// The two ids carry different Workspace tags.
    #[error("the Worker belongs to another Workspace")]
    WorkerOfAnotherWorkspace,
}

/// Why there is no Principal. The client hears the `Display` text under the code `UNAUTHENTICATED`, so nobody
/// learns how close a forged token came; the reason is the source, for the log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The client should send a token.
    #[error("a bearer token is required")]
    Missing,
    /// The client should fetch a new token. Said only of tokens whose signature was right.
    #[error("the token has expired")]
    Expired,
    /// No token like this one will ever do, and the client is not told why.
    #[error("the token is not valid")]
    Invalid(#[source] jwt::Reason),
}

/// The token of an `Authorization` header. `None` where the header is of another scheme or carries nothing.
#[must_use]
pub fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim_start();
    let well_formed = scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ');
    well_formed.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use routing::ids::WorkspaceTag;

    #[test]
    fn the_scheme_is_bearer_in_any_case_and_the_token_is_one_word() {
        for (header, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("BEARER   abc ", Some("abc")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Bearer a b", None),
            ("Basic abc", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(header), token, "{header:?}");
        }
    }

    #[test]
    fn a_grant_is_what_its_parts_say_and_only_sensible_parts_make_one() {
        const AT: Timestamp = Timestamp(1_767_607_800_000);
        let workspace = WorkspaceId::minted(AT, 1, WorkspaceTag(7));
        let worker = WorkerId::minted(AT, 2, WorkspaceTag(7));
        let foreign = WorkerId::minted(AT, 2, WorkspaceTag(8));

        for role in Role::ALL {
            for named in [None, Some(workspace)] {
                for worker in [None, Some(worker), Some(foreign)] {
                    let Ok(grant) = Grant::of(role, named, worker) else { continue };
                    assert_eq!((grant.role(), grant.workspace(), grant.worker()), (role, named, worker));
                }
            }
        }

        let w = Some(workspace);
        assert!(Grant::of(Role::Admin, None, None).is_ok());
        assert!(Grant::of(Role::Admin, w, None).is_ok());
        assert!(Grant::of(Role::Supervisor, w, None).is_ok());
        assert!(Grant::of(Role::Reporter, w, None).is_ok());
        assert!(Grant::of(Role::Worker, w, Some(worker)).is_ok());
        for (role, workspace, worker, why) in [
            (Role::Admin, w, Some(worker), ImpossibleGrant::WorkerNamed(Role::Admin)),
            (Role::Supervisor, None, None, ImpossibleGrant::WorkspaceMissing(Role::Supervisor)),
            (Role::Reporter, None, None, ImpossibleGrant::WorkspaceMissing(Role::Reporter)),
            (Role::Reporter, w, Some(worker), ImpossibleGrant::WorkerNamed(Role::Reporter)),
            (Role::Worker, None, Some(worker), ImpossibleGrant::WorkspaceMissing(Role::Worker)),
            (Role::Worker, w, None, ImpossibleGrant::WorkerMissing),
            (Role::Worker, w, Some(foreign), ImpossibleGrant::WorkerOfAnotherWorkspace),
        ] {
            assert_eq!(Grant::of(role, workspace, worker), Err(why));
        }
    }

    #[test]
    fn a_role_has_one_spelling() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.to_string());
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownRole));
    }
}
