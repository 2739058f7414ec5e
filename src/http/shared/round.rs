//! One execution, each message of which is for one addressee.
//!
//! Each member has a box of its own. What is resolved for an addressee is put into the boxes of those members who
//! are that addressee: one, or several where somebody has more than one socket. A box that is not emptied is shut,
//! and so is every box when the execution ends: who finds it shut and empty goes back to the log.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
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
use crate::graphql::{addressees::Addressees, progress::Progress};

/// One execution, as its members see it.
pub(super) struct Round<A: Copy + Eq + Hash, C: Clone> {
    addressees: Arc<Addressees<A, C>>,
    boxes: Mutex<Boxes<A>>,
    /// Drives the execution. Set before anybody else knows of the round.
    pub task: OnceLock<AbortHandle>,
}

struct Boxes<A> {
    /// Those that are not shut.
    of: HashMap<A, Vec<Arc<Letterbox>>>,
    n_members: usize,
    is_over: bool,
}

/// What waits for a member. Almost always empty, so it is nothing but a lock then: there are as many as agents.
#[derive(Default)]
struct Letterbox(Mutex<Letters>);

#[derive(Default)]
struct Letters {
    /// With their positions, which grow.
    texts: VecDeque<(u64, Utf8Bytes)>,
    bytes: usize,
    /// There is nothing more to come.
    is_shut: bool,
    /// Of a member who found nothing.
    waker: Option<Waker>,
}

impl Letterbox {
    /// Whether there was room. If not, the box is shut. There is always room for one.
    fn put(&self, position: u64, text: &Utf8Bytes) -> bool {
        let mut letters = lock(&self.0);
        let has_room =
            letters.texts.is_empty() || letters.bytes.saturating_add(text.len()) <= MESSAGE_BYTES_PER_MEMBER;
        if has_room {
            letters.bytes += text.len();
            letters.texts.push_back((position, text.clone()));
        } else {
            letters.is_shut = true;
        }
        let waker = letters.waker.take();
        drop(letters);
        waker.into_iter().for_each(Waker::wake);
        has_room
    }

    fn shut(&self) {
        let mut letters = lock(&self.0);
        letters.is_shut = true;
        let waker = letters.waker.take();
        drop(letters);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<A: Copy + Eq + Hash, C: Clone> Round<A, C> {
    pub fn new(addressees: Arc<Addressees<A, C>>) -> Round<A, C> {
        let boxes = Boxes { of: HashMap::new(), n_members: 0, is_over: false };
        Round { addressees, boxes: Mutex::new(boxes), task: OnceLock::new() }
    }

    /// Makes a member of the addressee, who has everything up to `position`.
    pub fn attach(self: &Arc<Self>, addressee: A, caller: &C, position: u64) -> Attached<Member<A, C>> {
        let letterbox = Arc::new(Letterbox::default());
        {
            let mut boxes = lock(&self.boxes);
            if boxes.is_over {
                return Attached::Over;
            }
            boxes.n_members += 1;
            // One is the rule.
            let of_addressee = boxes.of.entry(addressee).or_insert_with(|| Vec::with_capacity(1));
            of_addressee.push(Arc::clone(&letterbox));
        }
        // After the box is there: what is claimed from now on comes into it.
        let has_entered = self.addressees.enter(addressee, caller, position);
        let member = Member { round: Arc::clone(self), letterbox, addressee, position, has_entered };
        if has_entered { Attached::Member(member) } else { Attached::TooEarly }
    }

    fn deliver(&self, letter: &Letter<A>) {
        let boxes = &mut *lock(&self.boxes);
        let Some(addressee) = letter.addressee else { return };
        let Some(of_addressee) = boxes.of.get_mut(&addressee) else { return };
        of_addressee.retain(|letterbox| letterbox.put(letter.position, &letter.text));
        if of_addressee.is_empty() {
            boxes.of.remove(&addressee);
        }
    }

    /// The execution has ended.
    fn end(&self) {
        let mut boxes = lock(&self.boxes);
        boxes.is_over = true;
        for letterbox in boxes.of.drain().flat_map(|(_, of_addressee)| of_addressee) {
            letterbox.shut();
        }
    }
}

/// A follower's place in a round, which it leaves when it is dropped.
pub(super) struct Member<A: Copy + Eq + Hash, C: Clone> {
    round: Arc<Round<A, C>>,
    letterbox: Arc<Letterbox>,
    addressee: A,
    /// It has everything up to here, and wants nothing of it again.
    position: u64,
    has_entered: bool,
}

impl<A: Copy + Eq + Hash, C: Clone> Member<A, C> {
    pub fn position(&self) -> u64 {
        self.position
    }

    pub fn addressee(&self) -> A {
        self.addressee
    }

    pub fn representative(&self) -> C {
        self.round.addressees.caller(self.addressee).expect("this member has entered, and not left")
    }

    pub fn poll_take(&mut self, context: &mut Context<'_>, id: &str) -> Poll<Taken> {
        let mut letters = lock(&self.letterbox.0);
        while let Some((position, text)) = letters.texts.pop_front() {
            letters.bytes -= text.len();
            if position > self.position {
                self.position = position;
                return Poll::Ready(Taken::Message(next_message(id, &text)));
            }
        }
        if letters.is_shut {
            return Poll::Ready(Taken::Missed);
        }
        // Most boxes are empty most of the time.
        letters.texts.shrink_to(0);
        match &mut letters.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl<A: Copy + Eq + Hash, C: Clone> Drop for Member<A, C> {
    fn drop(&mut self) {
        if self.has_entered {
            self.round.addressees.leave(self.addressee);
        }
        let boxes = &mut *lock(&self.round.boxes);
        if let Some(of_addressee) = boxes.of.get_mut(&self.addressee) {
            of_addressee.retain(|letterbox| !Arc::ptr_eq(letterbox, &self.letterbox));
            if of_addressee.is_empty() {
                boxes.of.remove(&self.addressee);
            }
        }
        boxes.n_members -= 1;
        if boxes.n_members == 0 {
            // Whoever comes now begins another.
            boxes.is_over = true;
            if let Some(task) = self.round.task.get() {
                task.abort();
            }
        }
    }
}

struct Letter<A> {
    addressee: Option<A>,
    position: u64,
    text: Utf8Bytes,
}

/// Drives the execution of a round to its end.
pub(super) async fn deliver_all<A: Copy + Eq + Hash, C: Clone>(
    round: Arc<Round<A, C>>,
    mut answers: BoxStream<'static, Answer>,
    progress: Arc<Progress>,
    id: RequestId,
) {
    let addressees = Arc::clone(&round.addressees);
    let letter = |text| Letter { addressee: addressees.addressee(), position: progress.delivered(), text };
    loop {
        coop::consume_budget().await;
        let (letters, end) = next_batch(&mut answers, letter, &id).await;
        for letter in &letters {
            round.deliver(letter);
        }
        if end.is_some() {
            // Whatever it was, whom it concerns finds out alone.
            round.end();
            return;
        }
    }
}
