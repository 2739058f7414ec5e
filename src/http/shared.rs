//! One execution for all who follow the same.
//!
//! ```text
//!  clients     Follower ── alone ──▶ an execution of its own
//!                 │
//!               member
//!                 ▼
//!  Groups ──▶  Group ──▶ Run ◀──publishes── a task with the one execution
//!                         └─ the last messages, finished
//! ```
//!
//! Two subscriptions are the same when their clients belong to one audience ([`Gate::audience`]), and document,
//! operation and variables are the same, except for variables that say nothing but where to begin.
//!
//! 1. A client's [`Follower`] begins alone: its operation is executed with its own Caller, and so refused where it
//!    must be. As soon as its position is known ([`Progress`]), it looks at the run of its group.
//! 2. If the run still has every message after that position, the follower drops its own execution and becomes a
//!    member: **from its own position**, whether the run is ahead of it or behind it.
//! 3. If there is no run, it starts one, from its position; unless that lies so far back in the log that others who
//!    come would wait for the log to be read.
//! 4. Otherwise it goes on alone, and tries again after each message.
//! 5. A member who has not taken a message when the run lets go of it is alone again, from its own position: who is
//!    too slow goes back to the log, and never ahead.
//! 6. What ends the execution ends it for each member, after the messages before it. When the last member leaves,
//!    the execution is dropped.
//!
//! Promises: a member gets exactly what it would get alone: no hole, no repeat, no message of another subscription.
//! The run waits for nobody. It is executed for a Caller who has only what the audience has in common, so no
//! token's end ends it; that a member's token is still good is for the member's connection to see to.

use std::{
    collections::{HashMap, VecDeque},
    hash::{Hash, Hasher},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, OnceLock, Weak},
    task::{Context, Poll, Waker},
};

use async_graphql::{Executor, Request};
use axum::extract::ws::Utf8Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use tokio::task::{AbortHandle, coop};
use tracing::Instrument;

use super::{
    Gate, RequestId,
    answer::Answer,
    operation::{Endpoint, Template},
    websocket::next_message,
};
use crate::graphql::progress::Progress;

/// Messages that a run keeps for members who have not taken them yet, and for those who come with a position.
const MESSAGES_MAX: usize = 256;

/// How many bytes of messages each member brings room for, so that clients who follow something of their own each
/// do not make the server keep much for each.
const MESSAGE_BYTES_PER_MEMBER: usize = 16 * 1024;

/// The most that a run keeps, however many its members are; but for its last message, which it always keeps.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How far behind the end of the log a run may begin. (For who was too slow for one it is the end of the log: else
/// the next one would run away from it, too.)
const BEHIND_MAX: u64 = 256;

/// Messages that are published at once: they are written to each socket at once.
const BATCH_MAX: usize = 32;

/// All groups that have followers.
pub(super) struct Groups<E, G: Gate>(Mutex<ByKey<E, G>>);

type ByKey<E, G> = HashMap<Arc<Key<<G as Gate>::Audience>>, Weak<Group<E, G>>>;

impl<E, G: Gate> Default for Groups<E, G> {
    fn default() -> Groups<E, G> {
        Groups(Mutex::default())
    }
}

/// What those follow the same in whose keys are equal.
#[derive(PartialEq, Eq)]
pub(super) struct Key<A> {
    pub audience: A,
    pub query: String,
    pub operation_name: Option<String>,
    /// As JSON, without those that say where to begin.
    pub variables: String,
}

impl<A: Hash> Hash for Key<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Key { audience, query, operation_name, variables } = self;
        (audience, query, operation_name, variables).hash(state);
    }
}

/// A subscription that several may follow.
pub(super) struct Group<E, G: Gate> {
    endpoint: Arc<Endpoint<E, G>>,
    key: Arc<Key<G::Audience>>,
    /// Of who came first: where it begins is prescribed.
    template: Template,
    /// For whom it is executed where it is not for one client.
    representative: G::Caller,
    /// What it is called in the log: as the request of who came first.
    id: RequestId,
    /// The execution that new members join.
    run: Mutex<Option<Arc<Run>>>,
}

impl<E: Executor, G: Gate> Group<E, G> {
    /// The group with this key, or a new one.
    pub fn find(
        endpoint: &Arc<Endpoint<E, G>>,
        key: Key<G::Audience>,
        template: Template,
        caller: &G::Caller,
        id: &RequestId,
    ) -> Arc<Group<E, G>> {
        let mut groups = lock(&endpoint.groups.0);
        if let Some(group) = groups.get(&key).and_then(Weak::upgrade) {
            return group;
        }
        let key = Arc::new(key);
        let group = Arc::new(Group {
            endpoint: Arc::clone(endpoint),
            key: Arc::clone(&key),
            template,
            representative: G::representative(caller),
            id: id.clone(),
            run: Mutex::new(None),
        });
        groups.insert(key, Arc::downgrade(&group));
        group
    }

    /// Follows for one client, whose own request this is.
    pub fn follow(
        self: Arc<Self>,
        request: Request,
        progress: Arc<Progress>,
        id: RequestId,
    ) -> Follower<E, G> {
        let answers = self.endpoint.execute_stream(request, id);
        let source = Source::Alone { answers, progress, is_fresh: true, behind_max: BEHIND_MAX };
        Follower { group: self, source }
    }

    /// An execution for the audience, from behind `position`.
    fn execute(&self, position: u64) -> (BoxStream<'static, Answer>, Arc<Progress>) {
        let progress = Arc::new(Progress::from(position));
        let request = self.template.request(self.representative.clone(), Arc::clone(&progress));
        (self.endpoint.execute_stream(request, self.id.clone()), progress)
    }

    /// Makes a member of who has everything up to `position`.
    /// `may_begin` says whether there may be a run from there, if there is none.
    fn join(&self, position: u64, may_begin: bool) -> Option<Member> {
        let mut current = lock(&self.run);
        if let Some(run) = &*current {
            match run.attach(position) {
                Attached::Member(member) => return Some(member),
                Attached::TooEarly => return None,
                Attached::Over => *current = None,
            }
        }
        if !may_begin {
            return None;
        }
        let run = Arc::new(Run::new(position));
        let Attached::Member(member) = run.attach(position) else { unreachable!("it has just begun") };
        let (answers, progress) = self.execute(position);
        let execution = execute(answers, progress, Arc::clone(&run), self.id.clone());
        let span = tracing::info_span!(parent: None, "shared", id = %self.id);
        let task = tokio::spawn(execution.instrument(span));
        run.task.set(task.abort_handle()).expect("it is set once");
        *current = Some(run);
        Some(member)
    }
}

impl<E, G: Gate> Drop for Group<E, G> {
    fn drop(&mut self) {
        let mut groups = lock(&self.endpoint.groups.0);
        // There may be a new group with the key by now.
        if groups.get(&self.key).is_some_and(|group| group.strong_count() == 0) {
            groups.remove(&self.key);
        }
    }
}

/// One client's subscription.
pub(super) struct Follower<E, G: Gate> {
    group: Arc<Group<E, G>>,
    source: Source,
}

enum Source {
    Alone {
        answers: BoxStream<'static, Answer>,
        progress: Arc<Progress>,
        /// It was not polled yet.
        is_fresh: bool,
        /// How far behind the end of the log it may become a run.
        behind_max: u64,
    },
    Member(Member),
    Ended,
}

impl<E: Executor, G: Gate> Follower<E, G> {
    /// What is next for the operation with this id (as JSON).
    pub fn poll_next(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Followed> {
        loop {
            match &mut self.source {
                Source::Alone { answers, progress, is_fresh, behind_max } => {
                    // An execution that is dropped after the first poll must not wake anybody; if it is not
                    // dropped, it is polled again at once.
                    let was_fresh = std::mem::replace(is_fresh, false);
                    let mut no_wake = Context::from_waker(Waker::noop());
                    let polled =
                        answers.poll_next_unpin(if was_fresh { &mut no_wake } else { &mut *context });
                    match &polled {
                        Poll::Ready(Some(Answer::Executed(_))) => {
                            progress.delivered();
                        }
                        Poll::Ready(_) => {
                            self.source = Source::Ended;
                            return polled.map(Followed::Own);
                        }
                        Poll::Pending => {}
                    }
                    let joined = match progress.position() {
                        Some(position) => self.group.join(position, progress.behind() <= *behind_max),
                        None => None,
                    };
                    let has_joined = joined.is_some();
                    if let Some(member) = joined {
                        self.source = Source::Member(member);
                    }
                    if polled.is_ready() || !(has_joined || was_fresh) {
                        return polled.map(Followed::Own);
                    }
                }
                Source::Member(member) => match member.poll_take(context, id) {
                    Poll::Ready(Taken::Message(frame)) => return Poll::Ready(Followed::Shared(frame)),
                    Poll::Ready(Taken::Missed) => {
                        let (answers, progress) = self.group.execute(member.position);
                        self.source = Source::Alone { answers, progress, is_fresh: true, behind_max: 0 };
                    }
                    Poll::Ready(Taken::End(end)) => {
                        self.source = Source::Ended;
                        return Poll::Ready(Followed::Own(end));
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Source::Ended => return Poll::Ready(Followed::Own(None)),
            }
        }
    }
}

/// One execution, as its members see it.
struct Run {
    state: Mutex<RunState>,
    /// Drives the execution. Set before anybody else knows of the run.
    task: OnceLock<AbortHandle>,
}

struct RunState {
    /// Those after `floor`, in the order of their positions.
    messages: VecDeque<Message>,
    bytes: usize,
    /// Everything after this position that was published is in `messages`.
    floor: u64,
    /// How the execution ended: with an answer, or just so.
    end: Option<Option<Answer>>,
    n_members: usize,
    /// The members' places. A member who waits has its waker there.
    places: Vec<Option<Waker>>,
    free: Vec<usize>,
}

struct Message {
    position: u64,
    text: Utf8Bytes,
    /// As the first one took it who took it, with the id of that one's operation. Most clients count their
    /// operations from 1, so it fits most.
    frame: Option<(Box<str>, Utf8Bytes)>,
}

impl Message {
    fn size(&self) -> usize {
        self.text.len() + self.frame.as_ref().map_or(0, |(id, frame)| id.len() + frame.len())
    }

    /// In the envelope of an operation.
    fn frame(&mut self, id: &str) -> Utf8Bytes {
        let (of, frame) = self.frame.get_or_insert_with(|| (id.into(), next_message(id, &self.text)));
        if **of == *id { frame.clone() } else { next_message(id, &self.text) }
    }
}

/// What a follower gets.
pub(super) enum Followed {
    /// A result that the run has for many, in the envelope of the follower's operation.
    Shared(Utf8Bytes),
    /// What was executed for this one alone, or the end.
    Own(Option<Answer>),
}

/// What a follower finds who wants to join a run.
enum Attached {
    Member(Member),
    /// The run no longer has every message after the position.
    TooEarly,
    /// The execution has ended.
    Over,
}

impl Run {
    fn new(position: u64) -> Run {
        Run {
            state: Mutex::new(RunState {
                messages: VecDeque::new(),
                bytes: 0,
                floor: position,
                end: None,
                n_members: 0,
                places: Vec::new(),
                free: Vec::new(),
            }),
            task: OnceLock::new(),
        }
    }

    fn attach(self: &Arc<Self>, position: u64) -> Attached {
        let mut state = lock(&self.state);
        if state.end.is_some() {
            return Attached::Over;
        }
        if position < state.floor {
            return Attached::TooEarly;
        }
        state.n_members += 1;
        let place = state.free.pop().unwrap_or_else(|| {
            state.places.push(None);
            state.places.len() - 1
        });
        Attached::Member(Member { run: Arc::clone(self), place, position })
    }

    /// Hands messages to the members, and wakes those who wait. `wakers` is empty, before and after.
    fn publish(&self, messages: &mut Vec<Message>, end: Option<Option<Answer>>, wakers: &mut Vec<Waker>) {
        {
            let mut state = lock(&self.state);
            state.keep(messages);
            if state.end.is_none() {
                state.end = end;
            }
            wakers.extend(state.places.iter_mut().filter_map(Option::take));
        }
        // Not under the lock, which is the first thing that those who wake take.
        for waker in wakers.drain(..) {
            waker.wake();
        }
    }
}

impl RunState {
    fn keep(&mut self, messages: &mut Vec<Message>) {
        let bytes_max = MESSAGE_BYTES_MAX.min(self.n_members.saturating_mul(MESSAGE_BYTES_PER_MEMBER));
        for message in messages.drain(..) {
            self.bytes += message.size();
            self.messages.push_back(message);
            while self.messages.len() > MESSAGES_MAX || (self.bytes > bytes_max && self.messages.len() > 1) {
                let Some(oldest) = self.messages.pop_front() else { break };
                self.bytes -= oldest.size();
                self.floor = oldest.position;
            }
        }
    }
}

/// A follower's place in a run, which it leaves when it is dropped.
struct Member {
    run: Arc<Run>,
    place: usize,
    /// It has everything up to here, and wants nothing of it again.
    position: u64,
}

enum Taken {
    Message(Utf8Bytes),
    /// The run no longer has every message that the member wants.
    Missed,
    End(Option<Answer>),
}

impl Member {
    fn poll_take(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Taken> {
        let state = &mut *lock(&self.run.state);
        if self.position < state.floor {
            return Poll::Ready(Taken::Missed);
        }
        if state.messages.back().is_some_and(|last| last.position > self.position) {
            let next = state.messages.partition_point(|message| message.position <= self.position);
            let message = &mut state.messages[next];
            let size = message.size();
            let frame = message.frame(id);
            state.bytes += message.size() - size;
            self.position = message.position;
            return Poll::Ready(Taken::Message(frame));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Taken::End(end.clone()));
        }
        match &mut state.places[self.place] {
            Some(waker) => waker.clone_from(context.waker()),
            place => *place = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = lock(&self.run.state);
        state.places[self.place] = None;
        state.free.push(self.place);
        state.n_members -= 1;
        if state.n_members == 0 {
            // Whoever comes now begins another.
            state.end.get_or_insert(None);
            state.messages = VecDeque::new();
            drop(state);
            if let Some(task) = self.run.task.get() {
                task.abort();
            }
        }
    }
}

/// Drives an execution to its end.
async fn execute(
    mut answers: BoxStream<'static, Answer>,
    progress: Arc<Progress>,
    run: Arc<Run>,
    id: RequestId,
) {
    let (mut messages, mut wakers) = (Vec::new(), Vec::new());
    loop {
        coop::consume_budget().await;
        // All that is ready, after the first.
        let end = std::future::poll_fn(|context| {
            loop {
                let polled = std::panic::catch_unwind(AssertUnwindSafe(|| answers.poll_next_unpin(context)));
                match polled {
                    Ok(Poll::Ready(Some(Answer::Executed(text)))) => {
                        messages.push(Message { position: progress.delivered(), text, frame: None });
                        if messages.len() >= BATCH_MAX {
                            return Poll::Ready(None);
                        }
                    }
                    Ok(Poll::Ready(end)) => return Poll::Ready(Some(end)),
                    Ok(Poll::Pending) if messages.is_empty() => return Poll::Pending,
                    Ok(Poll::Pending) => return Poll::Ready(None),
                    Err(panic) => return Poll::Ready(Some(Some(Answer::of_panic(&*panic, &id)))),
                }
            }
        });
        let end = end.await;
        let is_over = end.is_some();
        run.publish(&mut messages, end, &mut wakers);
        if is_over {
            return;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this")
}
