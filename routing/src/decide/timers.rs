//! What time brings.

use crate::event::Event;
use crate::index::Timer;
use crate::router::Router;

use super::offers::TIME_TO_LIVE_REASON;

impl Router {
    /// Does what is due. The timer is gone afterwards, with its cause or by itself.
    pub(crate) fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Reservation(id) => self.time_out(id),
            Timer::WrapUp(id) => self.finish(id),
            Timer::Step(id) => self.leave_step(id),
            Timer::TimeToLive(id) => self.stop_waiting(id, TIME_TO_LIVE_REASON.to_owned()),
            Timer::Assignment(id) => self.end_long_assignment(id),
            Timer::CoolDown(task, _worker) => {
                self.index.cool_down_over();
                self.wakes.tasks.insert(task);
            }
            Timer::Purge(task) => self.emit(Event::TaskPurged { task }),
        }
    }
}
