//! How far a subscription has come, told by its resolver to whoever executes it.
//!
//! A resolver whose stream has one message at most for each position of the log can take part: then several who
//! follow the same (or the like, see [`super::addressees`]) can be served by one execution, because whoever executes it knows at which position it may be
//! left and where to go on. One that does not take part is executed for each client, as ever.
//!
//! 1. The resolver finds out where it begins, unless that is prescribed ([`Progress::prescribed`]), and says so:
//!    [`Progress::begin`]. **Before** it follows anything: here it may be dropped, at no cost. Where it has a message
//!    about that very position, it says [`Progress::begin_with_message`]: it may be dropped when that has come.
//! 2. For each event it says [`Progress::produce`] if it makes a message of it, else [`Progress::skip`].
//! 3. Who executes it says [`Progress::delivered`] when it has got a message, and reads [`Progress::position`].
//!
//! The stream and who polls it are in one task, so the numbers need no order among each other.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Poll;

/// The position of one execution. In the data of its request, as `Arc<Progress>`, where somebody wants to know.
#[derive(Debug, Default)]
pub struct Progress {
    prescribed: Option<u64>,
    has_begun: AtomicBool,
    /// Everything up to here has been delivered, or was not wanted.
    position: AtomicU64,
    /// The message that is being made, or was made last, is of this position.
    under_way: AtomicU64,
    /// How far the log reached when the position was told.
    edge: AtomicU64,
}

impl Progress {
    /// Of an execution that begins where the client wishes.
    #[must_use]
    pub fn new() -> Progress {
        Progress::default()
    }

    /// Of an execution that begins at `position`, whatever the client wished.
    #[must_use]
    pub fn from(position: u64) -> Progress {
        Progress { prescribed: Some(position), ..Progress::default() }
    }

    /// Where to begin, if it is not the client's wish that counts.
    #[must_use]
    pub fn prescribed(&self) -> Option<u64> {
        self.prescribed
    }

    /// The resolver: it begins at `position`, and the log reaches to `edge`. Comes back at the second poll, so that
    /// the execution can be dropped before anything is done.
    pub async fn begin(&self, position: u64, edge: u64) {
        self.under_way.store(position, Relaxed);
        self.position.store(position, Relaxed);
        self.edge.store(edge, Relaxed);
        let mut was_polled = self.has_begun.swap(true, Relaxed);
        poll_fn(|context| {
            if std::mem::replace(&mut was_polled, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// The resolver: its first message is about `position`, up to which the log reaches.
    pub fn begin_with_message(&self, position: u64) {
        self.under_way.store(position, Relaxed);
        self.position.store(position.wrapping_sub(1), Relaxed);
        self.edge.store(position, Relaxed);
        self.has_begun.store(true, Relaxed);
    }

    /// The resolver: the next message is the one of `position`; the log reaches to `edge`.
    pub fn produce(&self, position: u64, edge: u64) {
        self.under_way.store(position, Relaxed);
        self.edge.store(edge, Relaxed);
    }

    /// The resolver: nothing is made of the event at `position`; the log reaches to `edge`.
    pub fn skip(&self, position: u64, edge: u64) {
        self.under_way.store(position, Relaxed);
        self.position.store(position, Relaxed);
        self.edge.store(edge, Relaxed);
    }

    /// The other side: the message that was under way has come. Its position.
    pub fn delivered(&self) -> u64 {
        let position = self.under_way.load(Relaxed);
        self.position.store(position, Relaxed);
        position
    }

    /// Where the execution may be left without loss: everything up to here has been delivered or was not wanted.
    /// `None` before it has begun, and while a message is under way.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        let position = self.position.load(Relaxed);
        (self.has_begun.load(Relaxed) && position == self.under_way.load(Relaxed)).then_some(position)
    }

    /// How many events the log had after the position when that was told.
    #[must_use]
    pub fn behind(&self) -> u64 {
        self.edge.load(Relaxed).saturating_sub(self.position.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::pin::pin;

    #[tokio::test]
    async fn an_execution_may_be_left_at_its_beginning_and_between_messages() {
        let progress = Progress::new();
        assert_eq!(progress.position(), None);
        let mut beginning = pin!(progress.begin(7, 9));
        assert!(poll!(beginning.as_mut()).is_pending());
        assert_eq!((progress.position(), progress.behind()), (Some(7), 2));
        assert!(poll!(beginning.as_mut()).is_ready());
        progress.skip(8, 9);
        assert_eq!((progress.position(), progress.behind()), (Some(8), 1));
        progress.produce(9, 9);
        assert_eq!(progress.position(), None);
        assert_eq!(progress.delivered(), 9);
        assert_eq!((progress.position(), progress.behind()), (Some(9), 0));
    }

    #[test]
    fn one_that_begins_with_a_message_may_be_left_after_it() {
        let progress = Progress::new();
        progress.begin_with_message(7);
        assert_eq!(progress.position(), None);
        assert_eq!(progress.delivered(), 7);
        assert_eq!((progress.position(), progress.behind()), (Some(7), 0));
    }
}
