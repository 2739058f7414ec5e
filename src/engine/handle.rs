//! How the rest of the server talks to a Workspace.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use routing::event::Actor;
use routing::ids::{TaskId, WorkerId, WorkspaceId};
use routing::index::explain::Explanation;
use routing::{Command, Recorded, Rejection, State};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::events::{self, Follow, FollowError, Hub, Topic};
use super::{Error, actor};
use crate::store::Store;

/// The way to one running Workspace. Cheap to clone.
#[derive(Clone)]
pub struct WorkspaceHandle(Arc<Inner>);

pub(super) struct Inner {
    pub(super) id: WorkspaceId,
    pub(super) mailbox: mpsc::Sender<actor::Message>,
    pub(super) ask: mpsc::Sender<actor::Question>,
    /// The last committed state: whoever reads, reads this, and never asks the actor.
    pub(super) state: ArcSwap<State>,
    /// The sequence of that state, for those who wait for one.
    pub(super) published: watch::Sender<u64>,
    pub(super) hub: Hub,
    pub(super) store: Store,
    pub(super) request_timeout: Duration,
}

/// A command with everything that comes with it.
pub struct Submission {
    /// What to do; or why the caller may not have it done, which is the answer unless it was done before.
    pub command: Result<Command, Rejection>,
    /// Who asks.
    pub actor: Actor,
    /// How a repeat is recognised, if the caller wants that.
    pub idempotency: Option<Idempotency>,
}

/// How a repeat of a mutation is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Caller, mutation and the caller's key, as one text: unique in the Workspace.
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
    /// A committed state that includes the change.
    pub state: Arc<State>,
    /// The subject of the first request, when this is the answer to a repeat.
    pub repeated: Option<String>,
}

impl WorkspaceHandle {
    pub(super) fn new(inner: Arc<Inner>) -> WorkspaceHandle {
        WorkspaceHandle(inner)
    }

    /// The Workspace's id.
    #[must_use]
    pub fn id(&self) -> WorkspaceId {
        self.0.id
    }

    /// Does it take commands? No, when the server shuts down, or another one has taken the database over.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.0.mailbox.is_closed()
    }

    /// The last committed state. Never waits.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.0.state.load_full()
    }

    /// The sequence of the last committed state.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.0.state.load().sequence
    }

    /// A committed state of at least `sequence`; `Overloaded` when it does not come in time.
    pub async fn state_at(&self, sequence: u64) -> Result<Arc<State>, Error> {
        let mut published = self.0.published.subscribe();
        match timeout(self.0.request_timeout, published.wait_for(|published| *published >= sequence)).await {
            Ok(Ok(_)) => Ok(self.state()),
            Ok(Err(_)) => Err(Error::Stopped),
            Err(_) => Err(Error::Overloaded),
        }
    }

    /// Carries out a command and waits until it is durable.
    pub async fn execute(&self, submission: Submission) -> Result<Committed, Error> {
        let mut outcomes = self.execute_all(vec![submission]).await?;
        outcomes.pop().expect("one outcome for one command")
    }

    /// Carries out several in one commit; each has its own outcome.
    pub async fn execute_all(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<Vec<Result<Committed, Error>>, Error> {
        let (reply, outcomes) = oneshot::channel();
        let room = match timeout(self.0.request_timeout, self.0.mailbox.reserve()).await {
            Ok(Ok(room)) => room,
            Ok(Err(_)) => return Err(Error::Stopped),
            Err(_) => return Err(Error::Overloaded),
        };
        room.send(actor::Message { submissions, reply });
        match timeout(self.0.request_timeout, outcomes).await {
            Ok(Ok(outcomes)) => Ok(outcomes),
            // The actor broke down, or still works on it: nobody can say how it ends.
            Ok(Err(_)) | Err(_) => Err(Error::NotCommitted),
        }
    }

    /// Why a Task waits, or how it was routed; `None` where there is no such Task.
    pub async fn explain(
        &self,
        task: TaskId,
        worker: Option<WorkerId>,
        first: usize,
    ) -> Result<Option<Explanation>, Error> {
        let (reply, explanation) = oneshot::channel();
        let asked = self.0.ask.try_send(actor::Question { task, worker, first, reply });
        asked.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Error::Stopped,
        })?;
        match timeout(self.0.request_timeout, explanation).await {
            Ok(Ok(explanation)) => Ok(explanation),
            Ok(Err(_)) => Err(Error::Stopped),
            Err(_) => Err(Error::Overloaded),
        }
    }

    /// Events of interest after `after`: the log up to the live edge, then live, without gap or repeat.
    #[must_use]
    pub fn follow(&self, topic: Topic, after: u64) -> Follow {
        events::follow(Arc::clone(&self.0), topic, after)
    }

    /// A page of the log: at least `limit` events after `after`, unless it ends before; and whether there are more.
    pub async fn history(&self, after: u64, limit: usize) -> Result<(Vec<Arc<Recorded>>, bool), FollowError> {
        let page = self.0.store.log(self.0.id, after, limit).await.map_err(events::follow_error)?;
        Ok((page.events.into_iter().map(Arc::new).collect(), page.more))
    }
}
