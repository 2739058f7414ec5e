//! The running Workspaces. Each is owned by one actor, which batches, commits, and then publishes; the rest of the
//! server reaches it through its [`WorkspaceHandle`].
//!
//! What holds here: nobody hears of a change before it is durable; a change is published in the order state,
//! answers, events; who was answered reads its own write. This module knows nothing about GraphQL, tokens or rights.

mod actor;
mod events;
mod handle;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use routing::event::{Actor, Recorded};
use routing::ids::{Id, WorkspaceId, WorkspaceTag};
use routing::{Limits, Rejection, Router};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::store::{self, Commit, Store};

pub use events::{Follow, FollowError, News, Topic};
pub use handle::{Committed, Idempotency, Submission, WorkspaceHandle};

/// The name of the Workspace that a new database gets.
const FIRST_WORKSPACE_NAME: &str = "Switchyard";

/// How long Workspaces may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// What the engine can be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How much a Workspace takes.
    pub limits: Limits,
    /// How long a caller waits for an answer.
    pub request_timeout: Duration,
    /// How long a repeat of a mutation is recognised.
    pub idempotency_window: Duration,
}

/// All running Workspaces of this server. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    workspaces: BTreeMap<WorkspaceId, WorkspaceHandle>,
    store: Store,
    stop: CancellationToken,
    actors: TaskTracker,
}

/// Why a command was not carried out, or is not known to have been.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The core refused; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The idempotency key was used before with another input; nothing changed.
    #[error("the idempotency key was used before with another input")]
    KeyReused,
    /// The change could not be committed, or it is not known whether it was.
    #[error("the change could not be made durable in time; it is not known whether it will be there")]
    NotCommitted,
    /// There was no room for the command, or the wanted sequence did not come, for as long as a caller waits.
    #[error("the Workspace did not answer in time")]
    Overloaded,
    /// The Workspace is not running, or the server shuts down.
    #[error("the Workspace is not running")]
    Stopped,
}

impl Engine {
    /// Loads and runs every Workspace of the database. A database without any gets one, with the default set-up.
    pub async fn open(store: Store, settings: Settings, clock: Clock) -> Result<Engine, store::Error> {
        if store.workspaces().await?.is_empty() {
            found_workspace(&store, &settings, &clock).await?;
        }
        let (stop, actors) = (CancellationToken::new(), TaskTracker::new());
        let mut workspaces = BTreeMap::new();
        for (id, _) in store.workspaces().await? {
            let loaded = store.load_with_trail(id).await?;
            let handle = actor::start(loaded, store.clone(), &settings, clock.clone(), &actors, &stop);
            workspaces.insert(id, handle);
        }
        actors.close();
        Ok(Engine(Arc::new(Inner { workspaces, store, stop, actors })))
    }

    /// The Workspace with this id.
    #[must_use]
    pub fn workspace(&self, id: WorkspaceId) -> Option<&WorkspaceHandle> {
        self.0.workspaces.get(&id)
    }

    /// The Workspace whose ids end in `tag`.
    #[must_use]
    pub fn workspace_tagged(&self, tag: WorkspaceTag) -> Option<&WorkspaceHandle> {
        self.0.workspaces.values().find(|handle| handle.id().workspace_tag() == tag)
    }

    /// All Workspaces, ordered by id.
    pub fn workspaces(&self) -> impl Iterator<Item = &WorkspaceHandle> {
        self.0.workspaces.values()
    }

    /// Can the database be reached?
    pub async fn ping(&self) -> Result<(), store::Error> {
        self.0.store.ping().await
    }

    /// Carries out what is queued, then stops; streams of events end. Gives up on a database that is silent: what
    /// it has not answered, nobody was told.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        if tokio::time::timeout(STOP_TIMEOUT, self.0.actors.wait()).await.is_err() {
            tracing::error!("a Workspace could not be stopped in time");
        }
    }

    /// Resolves when a Workspace has stopped although nobody asked for it: another server has taken over.
    pub async fn has_stopped(&self) {
        self.0.stop.cancelled().await;
    }
}

async fn found_workspace(store: &Store, settings: &Settings, clock: &Clock) -> Result<(), store::Error> {
    let random = || getrandom::u64().expect("the operating system has random numbers");
    let now = clock.now();
    let tag = WorkspaceTag(random() as u32);
    let id = WorkspaceId::minted(now, random(), tag);
    let mut router = Router::found(id, FIRST_WORKSPACE_NAME.to_owned(), settings.limits.clone(), now);
    let events: Vec<Recorded> = router.take_events();
    debug_assert!(events.iter().all(|event| event.actor == Actor::System));
    let (workspace, state) = (id, router.state());
    store.commit(&Commit { workspace, expected_sequence: 0, state, entries: vec![&events], keys: &[] }).await
}
