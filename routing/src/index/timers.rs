//! What time will bring. Derived from the objects; nothing fires by itself.

use std::collections::BTreeSet;

use crate::ids::{ReservationId, TaskId, WorkerId};
use crate::limits::Limits;
use crate::state::{Phase, Reservation, ReservationStatus, Task};
use crate::time::Timestamp;

/// Something that is due at a time. Where several are due at once, they happen in the order of the variants,
/// then of the ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Timer {
    /// The Worker has not answered.
    Reservation(ReservationId),
    /// The Task has been in its step for as long as it may.
    Step(TaskId),
    /// The Task has waited for as long as it may.
    TimeToLive(TaskId),
    /// The Task may be offered to the Worker again.
    CoolDown(TaskId, WorkerId),
    /// The finished Task may leave the memory.
    Purge(TaskId),
}

/// All timers of a Workspace.
#[derive(Default)]
pub(super) struct Timers {
    due: BTreeSet<(Timestamp, Timer)>,
}

impl Timers {
    /// The first one, if it is due at `now`.
    pub(super) fn first_due(&self, now: Timestamp) -> Option<Timer> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, timer)| *timer)
    }

    /// When the first one is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Removes the first one. For those that change nothing in the state; the others go with their cause.
    pub(super) fn drop_first(&mut self) {
        self.due.pop_first();
    }

    pub(super) fn task_changed(
        &mut self,
        old: Option<&Task>,
        new: Option<&Task>,
        limits: &Limits,
        now: Timestamp,
    ) {
        let (before, after) = (old.map(|task| of_task(task, limits)), new.map(|task| of_task(task, limits)));
        if before != after {
            self.replace(before.into_iter().flatten().flatten(), after.into_iter().flatten().flatten());
        }
        // A cool-down that is over has no timer any more, so only those to come are put in.
        let before: Vec<_> = old.into_iter().flat_map(cool_downs).collect();
        let after: Vec<_> = new.into_iter().flat_map(cool_downs).filter(|(at, _)| *at > now).collect();
        if before != after {
            self.replace(before.into_iter(), after.into_iter());
        }
    }

    pub(super) fn reservation_changed(&mut self, old: Option<&Reservation>, new: Option<&Reservation>) {
        let timer = |reservation: &Reservation| {
            (reservation.status == ReservationStatus::Pending)
                .then(|| (reservation.expires_at(), Timer::Reservation(reservation.id)))
        };
        let (before, after) = (old.and_then(timer), new.and_then(timer));
        if before != after {
            self.replace(before.into_iter(), after.into_iter());
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &(Timestamp, Timer)> {
        self.due.iter()
    }

    fn replace(
        &mut self,
        before: impl Iterator<Item = (Timestamp, Timer)>,
        after: impl Iterator<Item = (Timestamp, Timer)>,
    ) {
        for timer in before {
            self.due.remove(&timer);
        }
        self.due.extend(after);
    }
}

fn of_task(task: &Task, limits: &Limits) -> [Option<(Timestamp, Timer)>; 2] {
    match &task.phase {
        Phase::Pending(waiting) => {
            let deadline = waiting.step.as_ref().and_then(|step| step.deadline);
            [
                Some((waiting.expires_at, Timer::TimeToLive(task.id))),
                deadline.map(|at| (at, Timer::Step(task.id))),
            ]
        }
        // The step's deadline is looked at when the offer has failed.
        Phase::Reserved(waiting) => [Some((waiting.expires_at, Timer::TimeToLive(task.id))), None],
        Phase::Assigned(_) | Phase::Wrapping(_) => [None, None],
        Phase::Completed(ended) | Phase::Canceled(ended) => [
            Some((ended.at.plus_seconds(limits.finished_task_retention_seconds), Timer::Purge(task.id))),
            None,
        ],
    }
}

fn cool_downs(task: &Task) -> impl Iterator<Item = (Timestamp, Timer)> {
    let pending = matches!(task.phase, Phase::Pending(_));
    task.cool_downs
        .iter()
        .filter(move |_| pending)
        .map(|cool_down| (cool_down.until, Timer::CoolDown(task.id, cool_down.worker)))
}
