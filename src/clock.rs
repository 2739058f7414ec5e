//! What time it is: by the system's clock, or by one that tests move.
//!
//! The core is told the time; this is where the tellers get it. Time does not go back, because timers that have
//! fired cannot be unfired: when the system's clock is set back, [`Clock::now`] stands still until it is reached
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use routing::time::Timestamp;
use tokio::sync::watch;

/// The longest sleep between two looks at the system's clock. A timer of the runtime does not notice that the
/// clock was set forward, or that the machine was suspended; this bounds how late a deadline is seen then.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A source of the present time. Clones tell the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The latest time that was told, by any clone.
    System(Arc<AtomicI64>),
    Manual(watch::Receiver<Timestamp>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock(Source::System(Arc::new(AtomicI64::new(i64::MIN))))
    }

    /// A clock that stands at `start` until the second part is moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Clock, ManualClock) {
        let (sender, receiver) = watch::channel(start);
        (Clock(Source::Manual(receiver)), ManualClock(sender))
    }

    /// The present time: never before one that was told already.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System(latest) => not_before(latest, system_now()),
            Source::Manual(time) => *time.borrow(),
        }
    }

    /// Returns when the time is `deadline` or later. Nothing is lost if the future is dropped.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match &self.0 {
            Source::System(_) => loop {
                let left = deadline.milliseconds_since(self.now());
                if left <= 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(left.unsigned_abs()).min(SLEEP_MAX)).await;
            },
            Source::Manual(time) => {
                if time.clone().wait_for(|now| *now >= deadline).await.is_err() {
                    // Nobody is left to move the time, so the deadline never comes.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}

/// Moves the time of a [`Clock::manual`]. When it is dropped, the time stands still for good.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<Timestamp>);

impl ManualClock {
    /// Moves the time forward and wakes those who sleep until then.
    pub fn advance(&self, by: Duration) {
        let milliseconds = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.send_modify(|now| now.0 = now.0.saturating_add(milliseconds));
    }

    /// Moves the time to `at`; a time that has passed already changes nothing.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.send_if_modified(|now| {
            let later = at > *now;
            *now = at.max(*now);
            later
        });
    }
}

/// `told`, or the latest time that was told before, and remembers it.
fn not_before(latest: &AtomicI64, told: Timestamp) -> Timestamp {
    // Relaxed is enough: the value orders itself, and guards no other memory.
    Timestamp(latest.fetch_max(told.0, Ordering::Relaxed).max(told.0))
}

fn system_now() -> Timestamp {
    // A clock set before 1970 counts as 1970: ids cannot be older.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::Poll;

    const START: Timestamp = Timestamp(1_767_607_800_000);

    /// Whether the future is ready without anybody waiting for it.
    async fn is_ready(future: std::pin::Pin<&mut impl Future>) -> bool {
        let mut future = future;
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn sleepers_of_a_manual_clock_wake_when_it_is_moved_to_their_deadline() {
        let (clock, manual) = Clock::manual(START);
        let mut sleep = pin!(clock.sleep_until(START.plus_seconds(10)));
        assert!(!is_ready(sleep.as_mut()).await);

        manual.advance(Duration::from_millis(9_999));
        assert!(!is_ready(sleep.as_mut()).await);

        manual.advance(Duration::from_millis(1));
        assert!(is_ready(sleep.as_mut()).await);
        assert_eq!(clock.clone().now(), START.plus_seconds(10));
    }

    #[tokio::test]
    async fn a_task_that_sleeps_is_woken() {
        let (clock, manual) = Clock::manual(START);
        let sleeper = tokio::spawn(async move { clock.sleep_until(START.plus_seconds(1)).await });
        tokio::task::yield_now().await;
        manual.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[tokio::test]
    async fn a_deadline_that_has_passed_is_no_wait() {
        let (clock, _manual) = Clock::manual(START);
        assert!(is_ready(pin!(clock.sleep_until(START))).await);
        assert!(is_ready(pin!(Clock::system().sleep_until(START))).await);
    }

    #[tokio::test]
    async fn a_manual_clock_does_not_go_back_and_stands_still_when_nobody_moves_it() {
        let (clock, manual) = Clock::manual(START);
        manual.advance_to(START.plus_seconds(5));
        manual.advance_to(START);
        assert_eq!(clock.now(), START.plus_seconds(5));

        drop(manual);
        assert_eq!(clock.now(), START.plus_seconds(5));
        assert!(is_ready(pin!(clock.sleep_until(START.plus_seconds(5)))).await);
        assert!(!is_ready(pin!(clock.sleep_until(START.plus_seconds(6)))).await);
    }

    #[test]
    fn the_time_stands_still_while_the_system_is_set_back() {
        let latest = AtomicI64::new(i64::MIN);
        let told = [10, 12, 7, 11, 12, 13].map(|at| not_before(&latest, Timestamp(at)).0);
        assert_eq!(told, [10, 12, 12, 12, 12, 13]);
    }

    #[tokio::test]
    async fn the_system_clock_sleeps_until_its_own_time() {
        let clock = Clock::system();
        let deadline = Timestamp(clock.now().0 + 5);
        clock.sleep_until(deadline).await;
        assert!(clock.now() >= deadline);
    }
}
