//! Following the events of a Workspace: first the log, then live, without gap or repeat.
//!
//! Events are delivered by topic, so that one event costs as much as there are followers who want it, however many
//! there are in all. Each follower has a bounded queue.
//!
//! 1. A follower registers with the [`Hub`], and is told the last position that was published before. From here on
//!    everything newer comes into its queue. **Before** it reads the log: so nothing falls between.
//! 2. It reads the log from where it stands up to that position.
//! 3. It takes events from its queue.
//! 4. When its queue is full, the hub lets go of it, and notes how far it was served. It empties the queue and begins
//!    again with the first point, from there: who is too slow goes back to the log, and never ahead.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::stream;
use routing::ids::{TaskId, TaskQueueId, WorkerId};
use routing::{Event, Recorded};
use tokio::sync::mpsc;
use tokio_stream::Stream;

use super::handle;
use crate::store;

/// How many events may wait for a follower before it is sent back to the log.
const QUEUE_EVENTS_MAX: usize = 256;
/// How many events of the log are read at once.
const LOG_PAGE_EVENTS: usize = 500;

/// Which events a follower wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Topic {
    /// All of them.
    Workspace,
    /// Those of one Worker: its own, and its Reservations'.
    Worker(WorkerId),
    /// Those of one Task, its Reservations' included.
    Task(TaskId),
    /// Those of the Tasks of one TaskQueue.
    TaskQueue(TaskQueueId),
}

/// The hub's end of a follower.
struct Listener {
    queue: mpsc::Sender<Arc<Recorded>>,
    /// Up to which position the follower was given all that it wants, when the hub lets go of it.
    served: Arc<AtomicU64>,
}

/// The follower's end. Leaves the hub when it is dropped.
struct Listening {
    workspace: Arc<handle::Inner>,
    topic: Topic,
    queue: mpsc::Receiver<Arc<Recorded>>,
    served: Arc<AtomicU64>,
}

/// Why a follower cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FollowError {
    /// The log does not reach back to where the follower wants to begin.
    #[error("the log no longer reaches back to the given position")]
    Expired,
    /// The position lies behind the end of the log.
    #[error("the log has not reached the given position")]
    Future,
    /// The log cannot be read at present, or the server shuts down.
    #[error("the event log cannot be read at present")]
    Unavailable,
}

/// A stream of events in the order of the log. Ends after an error; that the server stops is one.
pub struct Follow(Pin<Box<dyn Stream<Item = Result<Arc<Recorded>, FollowError>> + Send>>);

impl Stream for Follow {
    type Item = Result<Arc<Recorded>, FollowError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

pub(super) fn follow(workspace: Arc<handle::Inner>, topic: Topic, after: u64) -> Follow {
    let follower =
        Follower { workspace, topic, position: after, ready: VecDeque::new(), source: Source::None };
    Follow(Box::pin(stream::unfold(follower, |mut follower| async {
        let item = follower.next().await?;
        if item.is_err() {
            follower.source = Source::Ended;
        }
        Some((item, follower))
    })))
}

pub(super) fn follow_error(error: store::Error) -> FollowError {
    match error {
        store::Error::LogExpired { .. } => FollowError::Expired,
        error => {
            tracing::error!(cause = store::chain(&error), "the event log cannot be read");
            FollowError::Unavailable
        }
    }
}

struct Follower {
    workspace: Arc<handle::Inner>,
    topic: Topic,
    /// Everything up to here has been delivered, or was not wanted.
    position: u64,
    /// Wanted events of the log that have been read.
    ready: VecDeque<Arc<Recorded>>,
    source: Source,
}

/// Where a follower's next event comes from.
enum Source {
    /// Not registered.
    None,
    /// The log, up to `until`; then the queue.
    Log { until: u64, queue: Listening },
    /// The queue.
    Live(Listening),
    /// Nowhere.
    Ended,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Arc<Recorded>, FollowError>> {
        loop {
            if let Some(recorded) = self.ready.pop_front() {
                return Some(Ok(recorded));
            }
            match std::mem::replace(&mut self.source, Source::None) {
                Source::None => {
                    let Some((queue, published)) = Hub::register(&self.workspace, self.topic) else {
                        return Some(Err(FollowError::Unavailable));
                    };
                    // States are published before their events are handed out, so the caller may have seen more.
                    if self.position > published.max(self.workspace.state.load().sequence) {
                        return Some(Err(FollowError::Future));
                    }
                    self.source = Source::Log { until: published, queue };
                }
                Source::Log { until, queue } if self.position >= until => self.source = Source::Live(queue),
                Source::Log { until, queue } => {
                    let store = &self.workspace.store;
                    let page = store.log(self.workspace.id, self.position, LOG_PAGE_EVENTS).await;
                    let page = match page.map_err(follow_error) {
                        Ok(page) if !page.events.is_empty() => page,
                        Ok(_) => return Some(Err(FollowError::Unavailable)), // What was published is in the log.
                        Err(error) => return Some(Err(error)),
                    };
                    for recorded in page.events {
                        // What was written after the registration comes by the queue.
                        if recorded.sequence > until {
                            break;
                        }
                        self.position = recorded.sequence;
                        if topics(&recorded.event).any(|topic| topic == self.topic) {
                            self.ready.push_back(Arc::new(recorded));
                        }
                    }
                    self.source = Source::Log { until, queue };
                }
                Source::Live(mut queue) => {
                    match queue.queue.recv().await {
                        Some(recorded) => {
                            // What the caller has seen already, by a state that was ahead of its events.
                            if recorded.sequence > self.position {
                                self.position = recorded.sequence;
                                self.ready.push_back(recorded);
                            }
                            self.source = Source::Live(queue);
                        }
                        // The hub has let go of this follower; what it missed is in the log.
                        None => self.position = self.position.max(queue.served.load(Ordering::Acquire)),
                    }
                }
                Source::Ended => return None,
            }
        }
    }
}

/// Who wants which events.
pub(super) struct Hub(Mutex<Registry>);

struct Registry {
    /// Everything up to here has been handed out.
    published: u64,
    followers: BTreeMap<Topic, Vec<Listener>>,
    is_closed: bool,
}

impl Hub {
    pub(super) fn new(published: u64) -> Hub {
        Hub(Mutex::new(Registry { published, followers: BTreeMap::new(), is_closed: false }))
    }

    /// A queue for the events of `topic` after the returned position. `None` when the Workspace has stopped.
    fn register(workspace: &Arc<handle::Inner>, topic: Topic) -> Option<(Listening, u64)> {
        let mut registry = workspace.hub.lock();
        if registry.is_closed {
            return None;
        }
        let (sender, queue) = mpsc::channel(QUEUE_EVENTS_MAX);
        let served = Arc::new(AtomicU64::new(0));
        let listener = Listener { queue: sender, served: Arc::clone(&served) };
        registry.followers.entry(topic).or_default().push(listener);
        let listening = Listening { workspace: Arc::clone(workspace), topic, queue, served };
        Some((listening, registry.published))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.0.lock().expect("nothing panics while it holds the registry")
    }

    /// Hands out committed events.
    pub(super) fn publish(&self, events: &[Arc<Recorded>]) {
        let registry = &mut *self.lock();
        for recorded in events {
            for topic in topics(&recorded.event) {
                let Some(followers) = registry.followers.get_mut(&topic) else { continue };
                // Who has gone away, or whose queue is full, is let go of.
                followers.retain(|follower| {
                    let is_given = follower.queue.try_send(Arc::clone(recorded)).is_ok();
                    if !is_given {
                        follower.served.store(recorded.sequence - 1, Ordering::Release);
                    }
                    is_given
                });
                if followers.is_empty() {
                    registry.followers.remove(&topic);
                }
            }
            registry.published = recorded.sequence;
        }
    }

    /// The Workspace was loaded again, and may hold events that were never handed out: all go back to the log.
    pub(super) fn resynchronise(&self, sequence: u64) {
        let mut registry = self.lock();
        let served = std::mem::replace(&mut registry.published, sequence);
        registry.let_go_of_all(served);
    }

    /// Ends all streams.
    pub(super) fn close(&self) {
        let mut registry = self.lock();
        registry.is_closed = true;
        let served = registry.published;
        registry.let_go_of_all(served);
    }
}

impl Registry {
    fn let_go_of_all(&mut self, served: u64) {
        for follower in std::mem::take(&mut self.followers).into_values().flatten() {
            follower.served.store(served, Ordering::Release);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Otherwise a topic of which nothing happens any more would keep its queues for ever.
        self.queue.close();
        let mut registry = self.workspace.hub.lock();
        if let Some(followers) = registry.followers.get_mut(&self.topic) {
            followers.retain(|follower| !follower.queue.is_closed());
            if followers.is_empty() {
                registry.followers.remove(&self.topic);
            }
        }
    }
}

/// Which followers want an event.
fn topics(event: &Event) -> impl Iterator<Item = Topic> {
    let topics: [Option<Topic>; 4] = match event {
        Event::WorkspaceCreated { .. }
        | Event::WorkspaceUpdated { .. }
        | Event::ActivityCreated { .. }
        | Event::ActivityUpdated { .. }
        | Event::TaskChannelCreated { .. }
        | Event::WorkflowCreated { .. }
        | Event::WorkflowUpdated { .. } => [None; 4],
        Event::TaskQueueCreated { task_queue }
        | Event::TaskQueueUpdated { task_queue }
        | Event::TaskQueueExpressionUpdated { task_queue } => {
            [Some(Topic::TaskQueue(task_queue.id)), None, None, None]
        }
        Event::WorkerCreated { worker }
        | Event::WorkerUpdated { worker }
        | Event::WorkerAttributesUpdate { worker }
        | Event::WorkerActivityUpdate { worker, .. }
        | Event::WorkerCapacityUpdate { worker, .. }
        | Event::WorkerChannelAvailabilityUpdate { worker, .. } => {
            [Some(Topic::Worker(worker.id)), None, None, None]
        }
        Event::TaskCreated { task }
        | Event::TaskUpdated { task }
        | Event::TaskCanceled { task }
        | Event::TaskWrapup { task }
        | Event::TaskCompleted { task }
        | Event::WorkflowEntered { task }
        | Event::WorkflowTargetMatched { task }
        | Event::WorkflowTimeout { task }
        | Event::TaskQueueEntered { task }
        | Event::TaskQueueTimeout { task } => {
            [Some(Topic::Task(task.id)), task.task_queue.map(Topic::TaskQueue), None, None]
        }
        Event::TaskQueueMoved { task, previous_task_queue } => [
            Some(Topic::Task(task.id)),
            task.task_queue.map(Topic::TaskQueue),
            Some(Topic::TaskQueue(*previous_task_queue)),
            None,
        ],
        Event::TaskPurged { task } => [Some(Topic::Task(*task)), None, None, None],
        Event::ReservationCreated { reservation, .. }
        | Event::ReservationAccepted { reservation, .. }
        | Event::ReservationRejected { reservation, .. }
        | Event::ReservationTimeout { reservation, .. }
        | Event::ReservationCanceled { reservation, .. }
        | Event::ReservationRescinded { reservation, .. }
        | Event::ReservationWrapup { reservation, .. }
        | Event::ReservationCompleted { reservation, .. } => [
            Some(Topic::Worker(reservation.worker)),
            Some(Topic::Task(reservation.task)),
            Some(Topic::TaskQueue(reservation.task_queue)),
            None,
        ],
    };
    topics.into_iter().flatten().chain([Topic::Workspace])
}
