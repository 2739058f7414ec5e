//! The running Workspaces: each is owned by one actor, and reached through its [`WorkspaceHandle`].

pub mod events;
pub mod handle;

use std::sync::Arc;

use routing::ids::{WorkspaceId, WorkspaceTag};

pub use events::{Follow, Topic};
pub use handle::{Committed, Idempotency, Submission, WorkspaceHandle};

/// All running Workspaces of this server. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    workspaces: Arc<std::collections::BTreeMap<WorkspaceId, WorkspaceHandle>>,
}

impl Engine {
    /// The Workspace with this id.
    pub fn workspace(&self, id: WorkspaceId) -> Option<&WorkspaceHandle> {
        self.workspaces.get(&id)
    }
    /// The Workspace whose ids end in `tag`.
    pub fn workspace_tagged(&self, _tag: WorkspaceTag) -> Option<&WorkspaceHandle> {
        todo!()
    }
    /// All Workspaces, ordered by id.
    pub fn workspaces(&self) -> impl Iterator<Item = &WorkspaceHandle> {
        self.workspaces.values()
    }
}

/// Why a command was not carried out, or not known to be.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The core refused; nothing changed.
    #[error(transparent)]
    Rejected(#[from] routing::Rejection),
    /// The idempotency key was used before with another input; nothing changed.
    #[error("the idempotency key was used before with another input")]
    KeyReused,
    /// The change could not be committed, or it is not known whether it was.
    #[error("the change could not be made durable; it is not known whether it will be there")]
    NotCommitted,
    /// The mailbox was full, or the wanted sequence did not come, for as long as a caller waits.
    #[error("the Workspace did not answer in time")]
    Overloaded,
    /// The Workspace is not running, or the server shuts down.
    #[error("the Workspace is not running")]
    Stopped,
}
