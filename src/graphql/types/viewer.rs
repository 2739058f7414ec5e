//! Who is asking.

use async_graphql::{Enum, Object};

use super::worker::Worker;
use super::workspace::Workspace;
use crate::auth;
use crate::caller::Caller;
use crate::graphql::scalars::DateTime;
use crate::graphql::scope::Scope;

/// What a token allows.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "auth::Role")]
pub enum Role {
    /// Everything, in one Workspace or in all.
    Admin,
    /// To see everything in one Workspace, and to direct its Workers, Tasks and Reservations.
    Supervisor,
    /// To see everything in one Workspace, and to change nothing.
    Reporter,
    /// One Worker's own affairs: to set the Activity, and to work on what is offered.
    Worker,
}

/// The bearer of the token.
pub struct Viewer {
    caller: Caller,
    /// The Workspace of the token, where it is for one.
    scope: Option<Scope>,
}

impl Viewer {
    /// Who is asking.
    pub fn of(caller: Caller, scope: Option<Scope>) -> Viewer {
        Viewer { caller, scope }
    }
}

/// Who is asking, as the token says.
#[Object]
impl Viewer {
    /// What the token allows.
    async fn role(&self) -> Role {
        self.caller.grant().role().into()
    }

    /// The only Workspace that the token is for. Null for an admin of all Workspaces.
    async fn workspace(&self) -> Option<Workspace> {
        self.scope.as_ref().map(Scope::workspace)
    }

    /// The Worker whose token it is. Null for other roles.
    async fn worker(&self) -> Option<Worker> {
        self.scope.as_ref()?.worker(self.caller.grant().worker()?)
    }

    /// From then on, the token is worth nothing, and open subscriptions end.
    async fn expires_at(&self) -> Option<DateTime> {
        Some(self.caller.expires_at().into())
    }
}
