//! What time will bring. Derived from the objects; nothing fires by itself.

use std::collections::BTreeSet;

use crate::ids::{ReservationId, TaskId, WorkerId};
use crate::limits::Limits;
use crate::state::{Phase, Reservation, ReservationStatus, State, Task};
use crate::time::Timestamp;

/// Something that is due at a time. Where several are due at once, they happen in the order of the variants,
/// then of the ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Timer {
    /// The Worker has not answered.
    Reservation(ReservationId),
    /// The Worker has wrapped up for as long as they may.
    WrapUp(ReservationId),
    /// The Task has been in its step for as long as it may.
    Step(TaskId),
    /// The Task has waited for as long as it may.
    TimeToLive(TaskId),
    /// The Task has been assigned for as long as it may.
    Assignment(TaskId),
    /// The Task may be offered to the Worker again.
    CoolDown(TaskId, WorkerId),
    /// The finished Task may leave the memory.
    Purge(TaskId),
}

/// All timers of a Workspace. Each kind by itself: nearly all are the times to live of waiting Tasks, which are small.
#[derive(Default)]
pub(super) struct Timers {
    reservations: BTreeSet<(Timestamp, ReservationId)>,
    wrap_ups: BTreeSet<(Timestamp, ReservationId)>,
    steps: BTreeSet<(Timestamp, TaskId)>,
    times_to_live: BTreeSet<(Timestamp, TaskId)>,
    assignments: BTreeSet<(Timestamp, TaskId)>,
    cool_downs: BTreeSet<(Timestamp, TaskId, WorkerId)>,
    purges: BTreeSet<(Timestamp, TaskId)>,
}

impl Timers {
    /// The timers of all objects.
    pub(super) fn load(state: &State, limits: &Limits, now: Timestamp) -> Timers {
        // As a list first: to make a set of all at once is quicker, and the set is denser.
        let mut times_to_live = Vec::new();
        let mut timers = Timers::default();
        for task in state.tasks.values() {
            let cool_downs = cool_downs(task).filter(|(at, _)| *at > now);
            for (at, timer) in of_task(state, task, limits).into_iter().flatten().chain(cool_downs) {
                match timer {
                    Timer::TimeToLive(id) => times_to_live.push((at, id)),
                    Timer::Reservation(_)
                    | Timer::WrapUp(_)
                    | Timer::Step(_)
                    | Timer::Assignment(_)
                    | Timer::CoolDown(..)
                    | Timer::Purge(_) => timers.insert(at, timer),
                }
            }
        }
        timers.times_to_live = times_to_live.into_iter().collect();
        for reservation in state.reservations.values() {
            timers.reservation_changed(state, None, Some(reservation));
        }
        timers
    }

    /// The first one, if it is due at `now`.
    pub(super) fn first_due(&self, now: Timestamp) -> Option<Timer> {
        self.first().filter(|(at, _)| *at <= now).map(|(_, timer)| timer)
    }

    /// When the first one is due.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.first().map(|(at, _)| at)
    }

    /// Removes one. For those that change nothing in the state; the others go with their cause.
    pub(super) fn drop_first_cool_down(&mut self) {
        self.cool_downs.pop_first();
    }

    pub(super) fn task_changed(
        &mut self,
        state: &State,
        old: Option<&Task>,
        new: Option<&Task>,
        limits: &Limits,
        now: Timestamp,
    ) {
        let of = |task| of_task(state, task, limits);
        let (before, after) = (old.map(of), new.map(of));
        if before != after {
            for (at, timer) in before.into_iter().flatten().flatten() {
                self.remove(at, timer);
            }
            for (at, timer) in after.into_iter().flatten().flatten() {
                self.insert(at, timer);
            }
        }
        // A cool-down that is over has no timer any more, so only those to come are put in.
        let had_any = old.is_some_and(|task| !task.cool_downs.is_empty());
        let has_any = new.is_some_and(|task| !task.cool_downs.is_empty());
        if had_any || has_any {
            for (at, timer) in old.into_iter().flat_map(cool_downs) {
                self.remove(at, timer);
            }
            for (at, timer) in new.into_iter().flat_map(cool_downs).filter(|(at, _)| *at > now) {
                self.insert(at, timer);
            }
        }
    }

    pub(super) fn reservation_changed(
        &mut self,
        state: &State,
        old: Option<&Reservation>,
        new: Option<&Reservation>,
    ) {
        let of = |reservation| of_reservation(state, reservation);
        let (before, after) = (old.and_then(of), new.and_then(of));
        if before != after {
            if let Some((at, timer)) = before {
                self.remove(at, timer);
            }
            if let Some((at, timer)) = after {
                self.insert(at, timer);
            }
        }
    }

    /// Takes in another limit for the assignment of Tasks.
    pub(super) fn assigned_limit_changed(&mut self, state: &State) {
        let of = |task| assignment(state, task);
        self.assignments = state.tasks.values().filter_map(|task| of(task)).collect();
    }

    /// Takes in another limit for wrapping up.
    pub(super) fn wrap_up_limit_changed(&mut self, state: &State) {
        let of = |reservation| Some((wrap_up_end(state, reservation)?, reservation.id));
        self.wrap_ups = state.reservations.values().filter_map(|reservation| of(reservation)).collect();
    }

    pub(super) fn all(&self) -> BTreeSet<(Timestamp, Timer)> {
        let reservations = self.reservations.iter().map(|(at, id)| (*at, Timer::Reservation(*id)));
        let wrap_ups = self.wrap_ups.iter().map(|(at, id)| (*at, Timer::WrapUp(*id)));
        let steps = self.steps.iter().map(|(at, id)| (*at, Timer::Step(*id)));
        let assignments = self.assignments.iter().map(|(at, id)| (*at, Timer::Assignment(*id)));
        let times_to_live = self.times_to_live.iter().map(|(at, id)| (*at, Timer::TimeToLive(*id)));
        let cool_downs = self.cool_downs.iter().map(|(at, id, worker)| (*at, Timer::CoolDown(*id, *worker)));
        let purges = self.purges.iter().map(|(at, id)| (*at, Timer::Purge(*id)));
        let of_reservations = reservations.chain(wrap_ups);
        of_reservations
            .chain(steps)
            .chain(times_to_live)
            .chain(assignments)
            .chain(cool_downs)
            .chain(purges)
            .collect()
    }

    fn first(&self) -> Option<(Timestamp, Timer)> {
        let firsts = [
            self.reservations.first().map(|(at, id)| (*at, Timer::Reservation(*id))),
            self.wrap_ups.first().map(|(at, id)| (*at, Timer::WrapUp(*id))),
            self.steps.first().map(|(at, id)| (*at, Timer::Step(*id))),
            self.times_to_live.first().map(|(at, id)| (*at, Timer::TimeToLive(*id))),
            self.assignments.first().map(|(at, id)| (*at, Timer::Assignment(*id))),
            self.cool_downs.first().map(|(at, id, worker)| (*at, Timer::CoolDown(*id, *worker))),
            self.purges.first().map(|(at, id)| (*at, Timer::Purge(*id))),
        ];
        firsts.into_iter().flatten().min()
    }

    fn insert(&mut self, at: Timestamp, timer: Timer) {
        match timer {
            Timer::Reservation(id) => self.reservations.insert((at, id)),
            Timer::WrapUp(id) => self.wrap_ups.insert((at, id)),
            Timer::Step(id) => self.steps.insert((at, id)),
            Timer::TimeToLive(id) => self.times_to_live.insert((at, id)),
            Timer::Assignment(id) => self.assignments.insert((at, id)),
            Timer::CoolDown(id, worker) => self.cool_downs.insert((at, id, worker)),
            Timer::Purge(id) => self.purges.insert((at, id)),
        };
    }

    fn remove(&mut self, at: Timestamp, timer: Timer) {
        match timer {
            Timer::Reservation(id) => self.reservations.remove(&(at, id)),
            Timer::WrapUp(id) => self.wrap_ups.remove(&(at, id)),
            Timer::Step(id) => self.steps.remove(&(at, id)),
            Timer::TimeToLive(id) => self.times_to_live.remove(&(at, id)),
            Timer::Assignment(id) => self.assignments.remove(&(at, id)),
            Timer::CoolDown(id, worker) => self.cool_downs.remove(&(at, id, worker)),
            Timer::Purge(id) => self.purges.remove(&(at, id)),
        };
    }
}

fn of_task(state: &State, task: &Task, limits: &Limits) -> [Option<(Timestamp, Timer)>; 2] {
    match &task.phase {
        Phase::Pending(waiting) => {
            let deadline = task.step().and_then(|step| step.deadline);
            [
                Some((waiting.expires_at, Timer::TimeToLive(task.id))),
                deadline.map(|at| (at, Timer::Step(task.id))),
            ]
        }
        // The step's deadline is looked at when the offer has failed.
        Phase::Reserved(waiting) => [Some((waiting.expires_at, Timer::TimeToLive(task.id))), None],
        Phase::Assigned(_) | Phase::Wrapping(_) => {
            [assignment(state, task).map(|(at, id)| (at, Timer::Assignment(id))), None]
        }
        // Whoever still wraps it up takes up capacity with it. After that it stays as long as any other.
        Phase::Completed(_) | Phase::Canceled(_) if !task.open_reservations.is_empty() => [None, None],
        Phase::Completed(_) | Phase::Canceled(_) => [
            Some((
                task.updated_at.plus_seconds(limits.finished_task_retention_seconds),
                Timer::Purge(task.id),
            )),
            None,
        ],
    }
}

/// When an assigned Task is ended, where there is a limit.
fn assignment(state: &State, task: &Task) -> Option<(Timestamp, TaskId)> {
    let (assignment, hours) = task.assignment().zip(state.workspace.assigned_limit_hours)?;
    Some((assignment.at.plus_seconds(hours * 3_600), task.id))
}

fn of_reservation(state: &State, reservation: &Reservation) -> Option<(Timestamp, Timer)> {
    if reservation.status == ReservationStatus::Pending {
        return Some((reservation.expires_at(), Timer::Reservation(reservation.id)));
    }
    Some((wrap_up_end(state, reservation)?, Timer::WrapUp(reservation.id)))
}

/// When a Reservation that is wrapped up is completed, where there is a limit.
fn wrap_up_end(state: &State, reservation: &Reservation) -> Option<Timestamp> {
    let began = reservation.wrap_up_at.filter(|_| reservation.status == ReservationStatus::Wrapping)?;
    // Also where the TaskQueue was deleted meanwhile: it is kept as long as the Reservation refers to it.
    let limit = state.task_queue(reservation.task_queue?)?.wrap_up_limit_seconds?;
    Some(began.plus_seconds(limit))
}

fn cool_downs(task: &Task) -> impl Iterator<Item = (Timestamp, Timer)> {
    let pending = matches!(task.phase, Phase::Pending(_));
    task.cool_downs
        .iter()
        .filter(move |_| pending)
        .map(|cool_down| (cool_down.until, Timer::CoolDown(task.id, cool_down.worker)))
}
