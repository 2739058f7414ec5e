//! One execution, each message of which is for all members.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll, Waker},
};

use axum::extract::ws::Utf8Bytes;
use futures_util::stream::BoxStream;
use tokio::task::{AbortHandle, coop};

use super::{
    super::{RequestId, answer::Answer, websocket::next_message},
    Attached, MESSAGE_BYTES_PER_MEMBER, Taken, lock, next_batch,
};
use crate::graphql::progress::Progress;

/// Messages that a run keeps for members who have not taken them yet, and for those who come with a position.
const MESSAGES_MAX: usize = 256;

/// The most that a run keeps, however many its members are; but for its last message, which it always keeps.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One execution, as its members see it.
pub(super) struct Run<C> {
    /// For whom it is executed.
    representative: C,
    state: Mutex<RunState>,
    /// Drives the execution. Set before anybody else knows of the run.
    pub task: OnceLock<AbortHandle>,
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

impl<C: Clone> Run<C> {
    pub fn new(position: u64, representative: C) -> Run<C> {
        Run {
            representative,
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

    pub fn attach(self: &Arc<Self>, position: u64) -> Attached<Member<C>> {
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
    fn publish(&self, messages: Vec<Message>, end: Option<Option<Answer>>, wakers: &mut Vec<Waker>) {
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
    fn keep(&mut self, messages: Vec<Message>) {
        let bytes_max = MESSAGE_BYTES_MAX.min(self.n_members.saturating_mul(MESSAGE_BYTES_PER_MEMBER));
        for message in messages {
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
pub(super) struct Member<C> {
    run: Arc<Run<C>>,
    place: usize,
    /// It has everything up to here, and wants nothing of it again.
    position: u64,
}

impl<C: Clone> Member<C> {
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn representative(&self) -> C {
        self.run.representative.clone()
    }

    pub fn poll_take(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Taken> {
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

impl<C> Drop for Member<C> {
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

/// Drives the execution of a run to its end.
pub(super) async fn publish_all<C: Clone>(
    run: Arc<Run<C>>,
    mut answers: BoxStream<'static, Answer>,
    progress: Arc<Progress>,
    id: RequestId,
) {
    let mut wakers = Vec::new();
    let message = |text| Message { position: progress.delivered(), text, frame: None };
    loop {
        coop::consume_budget().await;
        let (messages, end) = next_batch(&mut answers, message, &id).await;
        let is_over = end.is_some();
        run.publish(messages, end, &mut wakers);
        if is_over {
            return;
        }
    }
}
