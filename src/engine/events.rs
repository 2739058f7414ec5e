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
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};

use routing::ids::{TaskId, TaskQueueId, WorkerId};
use routing::{Event, Recorded};
use tokio_stream::Stream;

use super::handle;
use crate::store::{self, LogPage};

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
    /// Those of all Reservations.
    Reservations,
}

/// What a follower hears.
pub enum News {
    /// It happened.
    Event(Arc<Recorded>),
    /// The log was read, and nothing that the follower wants happened after the last event up to this position.
    NothingUpTo(u64),
}

impl News {
    /// Everything up to here has been heard.
    #[must_use]
    pub fn position(&self) -> u64 {
        match self {
            News::Event(recorded) => recorded.sequence,
            News::NothingUpTo(position) => *position,
        }
    }
}

/// What waits for a follower. Almost always empty, so it is nothing but a lock then: there are as many as sockets.
#[derive(Default)]
struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    events: VecDeque<Arc<Recorded>>,
    /// Of a follower who found nothing.
    waker: Option<Waker>,
    /// Up to which position the follower was given all that it wants. The hub has let go of it.
    served: Option<u64>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().expect("nothing panics while it holds a queue")
    }

    /// Whether there was room.
    fn give(&self, recorded: &Arc<Recorded>) -> bool {
        let mut waiting = self.lock();
        let has_room = waiting.events.len() < QUEUE_EVENTS_MAX;
        if has_room {
            waiting.events.push_back(Arc::clone(recorded));
        } else {
            waiting.served = Some(recorded.sequence - 1);
        }
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
        has_room
    }

    fn let_go(&self, served: u64) {
        let mut waiting = self.lock();
        waiting.served = Some(served);
        let waker = waiting.waker.take();
        drop(waiting);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Everything that waits, into what is empty; or, when there is nothing more to come, how far it went.
    fn poll_take(&self, into: &mut VecDeque<Arc<Recorded>>, context: &mut Context<'_>) -> Poll<Option<u64>> {
        let mut waiting = self.lock();
        if !waiting.events.is_empty() {
            std::mem::swap(&mut waiting.events, into);
            return Poll::Ready(None);
        }
        if let Some(served) = waiting.served {
            return Poll::Ready(Some(served));
        }
        match &mut waiting.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

/// The follower's end. Leaves the hub when it is dropped.
struct Listening {
    workspace: Arc<handle::Inner>,
    topic: Topic,
    queue: Arc<Queue>,
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
pub struct Follow {
    workspace: Arc<handle::Inner>,
    topic: Topic,
    /// Everything up to here is `ready`, was delivered, or was not wanted.
    position: u64,
    /// How far the caller was told.
    told: u64,
    /// Wanted events that are here.
    ready: VecDeque<Arc<Recorded>>,
    source: Source,
}

pub(super) fn follow(workspace: Arc<handle::Inner>, topic: Topic, after: u64) -> Follow {
    Follow { workspace, topic, position: after, told: after, ready: VecDeque::new(), source: Source::None }
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

/// Where a follower's next event comes from.
enum Source {
    /// Not registered.
    None,
    /// The log, up to `until`; then the queue.
    Log { until: u64, queue: Listening },
    /// The same, while a page is being read. It is in a box because it is large, and almost never there.
    Reading { until: u64, queue: Listening, page: Page },
    /// The queue.
    Live(Listening),
    /// Nowhere.
    Ended,
}

type Page = Pin<Box<dyn Future<Output = Result<LogPage, store::Error>> + Send>>;

impl Stream for Follow {
    type Item = Result<News, FollowError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let follow = self.get_mut();
        let item = ready!(follow.poll_event(context));
        if let Some(Err(_)) = item {
            follow.source = Source::Ended;
        }
        Poll::Ready(item)
    }
}

impl Follow {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<News, FollowError>>> {
        loop {
            if let Some(recorded) = self.ready.pop_front() {
                self.told = recorded.sequence;
                return Poll::Ready(Some(Ok(News::Event(recorded))));
            }
            if self.told < self.position {
                self.told = self.position;
                return Poll::Ready(Some(Ok(News::NothingUpTo(self.position))));
            }
            match std::mem::replace(&mut self.source, Source::None) {
                Source::None => {
                    let Some((queue, published)) = Hub::register(&self.workspace, self.topic) else {
                        return Poll::Ready(Some(Err(FollowError::Unavailable)));
                    };
                    // States are published before their events are handed out, so the caller may have seen more.
                    if self.position > published.max(self.workspace.state.load().sequence) {
                        return Poll::Ready(Some(Err(FollowError::Future)));
                    }
                    self.source = Source::Log { until: published, queue };
                }
                Source::Log { until, queue } if self.position >= until => self.source = Source::Live(queue),
                Source::Log { until, queue } => {
                    let (workspace, after) = (Arc::clone(&self.workspace), self.position);
                    let page = async move { workspace.store.log(workspace.id, after, LOG_PAGE_EVENTS).await };
                    self.source = Source::Reading { until, queue, page: Box::pin(page) };
                }
                Source::Reading { until, queue, mut page } => {
                    let Poll::Ready(page) = page.as_mut().poll(context) else {
                        self.source = Source::Reading { until, queue, page };
                        return Poll::Pending;
                    };
                    let page = match page.map_err(follow_error) {
                        Ok(page) if !page.events.is_empty() => page,
                        // What was published is in the log.
                        Ok(_) => return Poll::Ready(Some(Err(FollowError::Unavailable))),
                        Err(error) => return Poll::Ready(Some(Err(error))),
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
                Source::Live(queue) => {
                    let taken = queue.queue.poll_take(&mut self.ready, context);
                    match taken {
                        Poll::Ready(None) => {
                            // What the caller has seen already, by a state that was ahead of its events.
                            self.ready.retain(|recorded| recorded.sequence > self.position);
                            self.position =
                                self.ready.back().map_or(self.position, |recorded| recorded.sequence);
                        }
                        // The hub has let go of this follower; what it missed is in the log.
                        Poll::Ready(Some(served)) => {
                            self.position = self.position.max(served);
                            continue;
                        }
                        Poll::Pending => {}
                    }
                    self.source = Source::Live(queue);
                    if taken.is_pending() {
                        return Poll::Pending;
                    }
                }
                Source::Ended => return Poll::Ready(None),
            }
        }
    }
}

/// Who wants which events.
pub(super) struct Hub(Mutex<Registry>);

struct Registry {
    /// Everything up to here has been handed out.
    published: u64,
    followers: BTreeMap<Topic, Vec<Arc<Queue>>>,
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
        let queue = Arc::new(Queue::default());
        // One follower is the rule for most topics.
        let followers = registry.followers.entry(topic).or_insert_with(|| Vec::with_capacity(1));
        followers.push(Arc::clone(&queue));
        let listening = Listening { workspace: Arc::clone(workspace), topic, queue };
        Some((listening, registry.published))
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().expect("nothing panics while it holds the registry")
    }

    /// Hands out committed events.
    pub(super) fn publish(&self, events: &[Arc<Recorded>]) {
        let registry = &mut *self.lock();
        for recorded in events {
            for topic in topics(&recorded.event) {
                let Some(followers) = registry.followers.get_mut(&topic) else { continue };
                // Whose queue is full is let go of.
                followers.retain(|follower| follower.give(recorded));
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
            follower.let_go(served);
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut registry = self.workspace.hub.lock();
        if let Some(followers) = registry.followers.get_mut(&self.topic) {
            if let Some(place) = followers.iter().position(|queue| Arc::ptr_eq(queue, &self.queue)) {
                followers.swap_remove(place);
            }
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
        | Event::ActivityDeleted { .. }
        | Event::TaskChannelCreated { .. }
        | Event::SkillCreated { .. }
        | Event::SkillUpdated { .. }
        | Event::SkillDeleted { .. }
        | Event::TaskChannelUpdated { .. }
        | Event::TaskChannelDeleted { .. }
        | Event::WorkflowCreated { .. }
        | Event::WorkflowUpdated { .. }
        | Event::WorkflowDeleted { .. } => [None; 4],
        Event::TaskQueueCreated { task_queue }
        | Event::TaskQueueUpdated { task_queue }
        | Event::TaskQueueExpressionUpdated { task_queue }
        | Event::TaskQueueDeleted { task_queue } => [Some(Topic::TaskQueue(task_queue.id)), None, None, None],
        Event::WorkerCreated { worker }
        | Event::WorkerUpdated { worker }
        | Event::WorkerAttributesUpdate { worker }
        | Event::WorkerActivityUpdate { worker, .. }
        | Event::WorkerCapacityUpdate { worker, .. }
        | Event::WorkerChannelAvailabilityUpdate { worker, .. }
        | Event::WorkerDeleted { worker } => [Some(Topic::Worker(worker.id)), None, None, None],
        Event::TaskCreated { task }
        | Event::TaskUpdated { task }
        | Event::TaskCanceled { task }
        | Event::TaskWrapup { task }
        | Event::TaskCompleted { task }
        | Event::TaskSystemDeleted { task }
        | Event::TaskDeleted { task }
        | Event::ReservationFailed { task }
        | Event::WorkflowEntered { task }
        | Event::WorkflowTargetMatched { task }
        | Event::WorkflowTimeout { task }
        | Event::WorkflowSkipped { task }
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
        Event::TaskTransferInitiated { task, transfer }
        | Event::TaskTransferAttemptFailed { task, transfer }
        | Event::TaskTransferFailed { task, transfer }
        | Event::TaskTransferCanceled { task, transfer }
        | Event::TaskTransferCompleted { task, transfer } => {
            let mut transfers = task.transfers.iter();
            let initiator = transfers.find(|each| each.id == *transfer).map(|transfer| transfer.initiator);
            let queue = task.task_queue.map(Topic::TaskQueue);
            [Some(Topic::Task(task.id)), initiator.map(Topic::Worker), queue, None]
        }
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
            reservation.task_queue.map(Topic::TaskQueue),
            Some(Topic::Reservations),
        ],
    };
    topics.into_iter().flatten().chain([Topic::Workspace])
}
