//! What time brings.

use routing::event::Event;
use routing::ids::*;
use routing::state::{Phase, ReservationStatus};
use routing::time::Timestamp;

use super::{Model, seconds_after};

/// What is due. What is due at the same moment happens in this order, then in that of the ids (`routing.md` 8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Due {
    /// The Worker has not answered.
    Answer(ReservationId),
    /// The Worker has wrapped up for as long as they may.
    WrapUp(ReservationId),
    /// The Task has been in its step for as long as it may.
    Step(TaskId),
    /// The Task has waited for as long as it may.
    TimeToLive(TaskId),
    /// The Task has had its owner for as long as it may.
    Assignment(TaskId),
    /// The Task may be offered to somebody again who refused it. Nothing happens but that everything is settled.
    Reoffer(TaskId, WorkerId),
    /// The Task has ended long ago.
    Purge(TaskId),
}

pub const TIME_TO_LIVE: &str = "Task TTL Exceeded";

impl Model {
    /// What is due now, the first.
    pub(super) fn first_due(&self) -> Option<Due> {
        let due = self.all_due().into_iter().filter(|(at, _)| *at <= self.now);
        // The end of a delay changes nothing that is kept, so it is left where it is.
        due.filter(|(_, due)| !matches!(due, Due::Reoffer(..))).min().map(|(_, due)| due)
    }

    /// When something will be due, or should have been.
    pub fn next_due(&self) -> Option<Timestamp> {
        let is_past_delay = |at: Timestamp, due: Due| matches!(due, Due::Reoffer(..)) && at <= self.now;
        let due = self.all_due().into_iter().filter(|(at, due)| !is_past_delay(*at, *due));
        // 1.12: a step that looks at the time of day is looked at when a minute begins.
        let next_minute = Timestamp((self.now.0.div_euclid(60_000) + 1) * 60_000);
        let looks_at_clock = self.tasks.values().any(|task| {
            let target = if matches!(task.phase, Phase::Pending(_)) { self.target(task.id) } else { None };
            let expression = target.and_then(|target| target.expression.as_ref());
            expression.is_some_and(|expression| expression.source().contains("taskrouter."))
        });
        due.map(|(at, _)| at).chain(looks_at_clock.then_some(next_minute)).min()
    }

    pub(super) fn happen(&mut self, due: Due) {
        match due {
            Due::Answer(reservation) => self.time_out(reservation),
            Due::WrapUp(reservation) => self.finish(reservation),
            Due::Step(task) => self.step_is_over(task),
            Due::TimeToLive(task) => self.stop_waiting(task, TIME_TO_LIVE),
            Due::Assignment(task) => self.assigned_for_long(task),
            Due::Reoffer(..) => {}
            Due::Purge(task) => {
                self.tasks.remove(&task);
                self.reservations.retain(|_, reservation| reservation.task != task);
                self.record(Event::TaskPurged { task });
            }
        }
    }

    fn all_due(&self) -> Vec<(Timestamp, Due)> {
        let mut all = Vec::new();
        for reservation in self.reservations.values() {
            if reservation.status == ReservationStatus::Pending {
                let at = seconds_after(reservation.created_at, reservation.timeout_seconds);
                all.push((at, Due::Answer(reservation.id)));
            }
            // 6.1: by the TaskQueue that it was offered out of, also where that was deleted since.
            let queue = reservation.task_queue.and_then(|queue| self.queue_or_deleted(queue));
            let limit = queue.and_then(|queue| queue.wrap_up_limit_seconds);
            if let (ReservationStatus::Wrapping, Some(began), Some(limit)) =
                (reservation.status, reservation.wrap_up_at, limit)
            {
                all.push((seconds_after(began, limit), Due::WrapUp(reservation.id)));
            }
        }
        for task in self.tasks.values() {
            match &task.phase {
                Phase::Pending(waiting) => {
                    all.push((waiting.expires_at, Due::TimeToLive(task.id)));
                    let step = self.step(task.id);
                    all.extend(step.and_then(|step| step.deadline).map(|at| (at, Due::Step(task.id))));
                    for cool_down in &task.cool_downs {
                        all.push((cool_down.until, Due::Reoffer(task.id, cool_down.worker)));
                    }
                }
                // 2.4: while a Task is offered, the deadline of its step takes nothing away.
                Phase::Reserved(waiting) => all.push((waiting.expires_at, Due::TimeToLive(task.id))),
                // 2.9.
                Phase::Assigned(owner) | Phase::Wrapping(owner) => {
                    if let Some(hours) = self.workspace.assigned_limit_hours {
                        all.push((seconds_after(owner.at, 3_600 * hours), Due::Assignment(task.id)));
                    }
                }
                // Whoever still has it is done first.
                Phase::Completed(_) | Phase::Canceled(_) if self.open(task.id).is_empty() => {
                    let at = seconds_after(task.updated_at, self.limits.finished_task_retention_seconds);
                    all.push((at, Due::Purge(task.id)));
                }
                Phase::Completed(_) | Phase::Canceled(_) => {}
            }
        }
        all
    }
}
