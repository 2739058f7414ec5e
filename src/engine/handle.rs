//! How the rest of the server talks to a Workspace.

use std::sync::Arc;

use routing::event::Actor;
use routing::ids::WorkspaceId;
use routing::{Command, Recorded, State};

use super::{Error, Follow, Topic};

/// The way to one running Workspace. Cheap to clone.
#[derive(Clone)]
pub struct WorkspaceHandle {}

/// A command with everything that comes with it.
pub struct Submission {
    /// What to do.
    pub command: Command,
    /// Who asks.
    pub actor: Actor,
    /// How a repeat is recognised, if the caller wants that.
    pub idempotency: Option<Idempotency>,
}

/// How a repeat of a mutation is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Caller, mutation and the caller's key, as one text: the scope in which the key is unique (in the Workspace).
    pub key: String,
    /// SHA-256 over the input: the same key with another input is refused.
    pub fingerprint: [u8; 32],
    /// The id (as text) of the object that the mutation answers with; a repeat answers with the first one's.
    pub subject: String,
}

/// A change that is durable.
#[derive(Clone)]
pub struct Committed {
    /// The position of the last event of the change.
    pub sequence: u64,
    /// The state that the commit left behind, which includes the change.
    pub state: Arc<State>,
    /// `Some(subject of the first request)` when this is the answer to a repeat.
    pub repeated: Option<String>,
}

impl WorkspaceHandle {
    /// The Workspace's id.
    pub fn id(&self) -> WorkspaceId {
        todo!()
    }
    /// The newest committed state. Never waits.
    pub fn state(&self) -> Arc<State> {
        todo!()
    }
    /// A committed state of at least `sequence`; `Overloaded` when it does not come in time.
    pub async fn state_at(&self, _sequence: u64) -> Result<Arc<State>, Error> {
        todo!()
    }
    /// Carries out a command and waits until it is durable.
    pub async fn execute(&self, _submission: Submission) -> Result<Committed, Error> {
        todo!()
    }
    /// Carries out several in one commit; each has its own outcome.
    pub async fn execute_all(
        &self,
        _submissions: Vec<Submission>,
    ) -> Result<Vec<Result<Committed, Error>>, Error> {
        todo!()
    }
    /// Events of interest after `after`: the log up to the live edge, then live, without gap or repeat.
    pub fn follow(&self, _topic: Topic, _after: u64) -> Follow {
        todo!()
    }
    /// One page of the log: events after `after`, oldest first, at most `limit` of them, and whether there are more.
    pub async fn history(&self, _after: u64, _limit: usize) -> Result<(Vec<Arc<Recorded>>, bool), Error> {
        todo!()
    }
}
