//! Has the rows follow the log, beside the commits.
//!
//! The actor notes what its commits changed; a task of its own writes it down, some seconds later or as soon as there is
//! much of it, each object once. While it falls behind by too much, the actor waits: what is behind is what the next
//! start has to read from the log.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use routing::Recorded;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::store::{self, Store, Trail};

/// How long changes are gathered. An object that changes several times meanwhile is written once, as a Worker does who
/// gets one Task after the other.
const GATHER: Duration = Duration::from_secs(5);
/// So many events are not gathered any longer.
const GATHERED_EVENTS_MAX: usize = 100_000;
/// How many events the rows may be behind before commits wait for them: a second or two of reading, when the next start
/// follows on a crash.
const BEHIND_EVENTS_MAX: usize = 250_000;
/// How long to wait after the database refused.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What the rows of a Workspace do not show yet. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rows(Arc<Inner>);

struct Inner {
    store: Store,
    behind: Mutex<Behind>,
    /// There is something to write.
    noted: Notify,
    /// Something was written.
    written: Notify,
}

struct Behind {
    gathered: Trail,
    /// Of the trail that is being written.
    n_events_in_hand: usize,
}

impl Rows {
    pub(super) fn new(store: Store, trail: Trail) -> Rows {
        let behind = Mutex::new(Behind { gathered: trail, n_events_in_hand: 0 });
        Rows(Arc::new(Inner { store, behind, noted: Notify::new(), written: Notify::new() }))
    }

    /// Notes what committed events changed.
    pub(super) fn note<'a>(&self, events: impl IntoIterator<Item = &'a Recorded>) {
        self.behind(|behind| behind.gathered.add(events));
        self.0.noted.notify_one();
    }

    /// Waits while the rows are too far behind.
    pub(super) async fn keep_up(&self) {
        let is_far =
            |behind: &mut Behind| behind.gathered.n_events() + behind.n_events_in_hand > BEHIND_EVENTS_MAX;
        while self.behind(is_far) {
            self.0.written.notified().await;
        }
    }

    /// Writes, until it is told to stop; then what is left.
    pub(super) async fn follow(self, stop: CancellationToken) {
        loop {
            if self.behind(|behind| behind.gathered.n_events()) == 0 {
                tokio::select! {
                    biased;
                    () = self.0.noted.notified() => {}
                    () = stop.cancelled() => return,
                }
                continue;
            }
            tokio::select! {
                () = self.gathered_much() => {}
                () = tokio::time::sleep(GATHER) => {}
                () = stop.cancelled() => {}
            }
            if !self.write(&stop).await {
                return;
            }
        }
    }

    async fn gathered_much(&self) {
        while self.behind(|behind| behind.gathered.n_events()) < GATHERED_EVENTS_MAX {
            self.0.noted.notified().await;
        }
    }

    /// Writes what was gathered. False when there is no use in going on.
    async fn write(&self, stop: &CancellationToken) -> bool {
        let trail = self.behind(|behind| {
            let trail = behind.gathered.take();
            behind.n_events_in_hand = trail.n_events();
            trail
        });
        while let Err(error) = self.0.store.write_rows(&trail).await {
            if matches!(error, store::Error::TakenOver) {
                return false;
            }
            tracing::warn!(cause = store::chain(&error), "rows cannot be written; they stay behind the log");
            if stop.is_cancelled() {
                // The next start reads it from the log.
                return false;
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        self.behind(|behind| behind.n_events_in_hand = 0);
        self.0.written.notify_one();
        true
    }

    fn behind<T>(&self, look: impl FnOnce(&mut Behind) -> T) -> T {
        look(&mut self.0.behind.lock().expect("nothing panics while it holds this"))
    }
}
