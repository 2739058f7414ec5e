//! Reservations: what Workers answer, and how their work ends.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::check;
use crate::command::{AcceptReservation, CompleteReservation, RejectReservation, WrapUpReservation};
use crate::event::Event;
use crate::ids::{Id, ReservationId, TaskId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::task::{Assignment, Phase};
use crate::state::{Reservation, ReservationStatus, Task, TaskStatus, Worker, WorkerChannel};

impl Router {
    pub(super) fn accept_reservation(&mut self, command: AcceptReservation) -> Result<(), Rejection> {
        let AcceptReservation { id, expected_version } = command;
        let old = self.reservation(id)?;
        check::version(ReservationId::KIND, expected_version, old.version)?;
        if old.status != ReservationStatus::Pending {
            return Err(invalid_state(&old, "PENDING Reservations", "accepted"));
        }

        let reservation = Reservation {
            status: ReservationStatus::Accepted,
            accepted_at: Some(self.now),
            version: old.version + 1,
            updated_at: self.now,
            ..Reservation::clone(&old)
        };
        let worker = self.with_channel(&old, |channel| {
            channel.pending -= 1;
            channel.accepted += 1;
        });
        let mut task = self.changed(&self.state.tasks[&old.task]);
        task.phase = Phase::Assigned(Assignment { reservation: id, at: self.now });
        task.cool_downs = ThinVec::new();
        let task_id = task.id;
        self.emit(Event::ReservationAccepted {
            reservation: Arc::new(reservation),
            task: Arc::new(task),
            worker,
        });
        self.complete_transfer(task_id, id);
        for sibling in self.pending_offers(task_id) {
            self.end_offer(sibling, ReservationStatus::Rescinded, None);
        }
        Ok(())
    }

    pub(super) fn reject_reservation(&mut self, command: RejectReservation) -> Result<(), Rejection> {
        let RejectReservation { id, expected_version, reason, activity } = command;
        let old = self.reservation(id)?;
        check::version(ReservationId::KIND, expected_version, old.version)?;
        let reason = reason.map(|reason| check::reason(&reason)).transpose()?;
        if old.status != ReservationStatus::Pending {
            return Err(invalid_state(&old, "PENDING Reservations", "rejected"));
        }
        let activity = activity.map(|activity| self.activity(activity, "activityId")).transpose()?;
        let task = self.end_offer(id, ReservationStatus::Rejected, reason);
        if let Some(activity) = activity {
            self.move_to_activity(old.worker, activity.id);
        }
        self.after_failed_offer(task);
        Ok(())
    }

    pub(super) fn wrap_up_reservation(&mut self, command: WrapUpReservation) -> Result<(), Rejection> {
        let WrapUpReservation { id, expected_version } = command;
        let old = self.reservation(id)?;
        check::version(ReservationId::KIND, expected_version, old.version)?;
        if old.status != ReservationStatus::Accepted {
            return Err(invalid_state(&old, "ACCEPTED Reservations", "wrapped up"));
        }
        self.check_is_not_held(&old, "wrapped up")?;
        self.begin_wrap_up(id);
        Ok(())
    }

    pub(super) fn complete_reservation(&mut self, command: CompleteReservation) -> Result<(), Rejection> {
        let CompleteReservation { id, expected_version } = command;
        let old = self.reservation(id)?;
        check::version(ReservationId::KIND, expected_version, old.version)?;
        if !matches!(old.status, ReservationStatus::Accepted | ReservationStatus::Wrapping) {
            return Err(invalid_state(&old, "ACCEPTED and WRAPPING Reservations", "completed"));
        }
        self.check_is_not_held(&old, "completed")?;
        self.finish(id);
        Ok(())
    }

    /// A Worker is done with a Task, and so is the Task if nobody else has it.
    pub(super) fn finish(&mut self, id: ReservationId) {
        let task = &self.state.tasks[&self.state.reservations[&id].task];
        if task.assignment().is_some() && task.open_reservations == [id] {
            self.complete(task.id, None, |task| Event::TaskCompleted { task });
        } else {
            let task = task.id;
            self.end_work(id);
            self.follow_reservations(task);
        }
    }

    /// In a WARM transfer the initiator stays until somebody else has the Task.
    fn check_is_not_held(&self, reservation: &Reservation, action: &'static str) -> Result<(), Rejection> {
        let task = &self.state.tasks[&reservation.task];
        let initiates = task.open_transfer().map(|transfer| transfer.initiating_reservation);
        let holds = task.owner().map(|owner| owner.reservation);
        if holds == Some(reservation.id) && initiates == holds {
            self.check_no_transfer(task, action)?;
        }
        Ok(())
    }

    /// Begins the wrap-up of an accepted Reservation. The Task follows the last of its Reservations; before that, its
    /// owner is one of those who have not begun to.
    pub(super) fn begin_wrap_up(&mut self, id: ReservationId) {
        let old = Arc::clone(&self.state.reservations[&id]);
        let task = &self.state.tasks[&old.task];
        let status = |id: &ReservationId| self.state.reservations[id].status;
        let is_last = task
            .open_reservations
            .iter()
            .all(|open| *open == id || status(open) == ReservationStatus::Wrapping);
        if let (true, Some(assignment)) = (is_last, task.assignment()) {
            let phase = Phase::Wrapping(assignment.clone());
            let task = Arc::new(Task { phase, ..self.changed(task) });
            self.emit(Event::TaskWrapup { task });
        }

        let reservation = Arc::new(Reservation {
            status: ReservationStatus::Wrapping,
            wrap_up_at: Some(self.now),
            version: old.version + 1,
            updated_at: self.now,
            ..Reservation::clone(&old)
        });
        let worker = self.with_channel(&old, |channel| {
            channel.accepted -= 1;
            channel.wrapping += 1;
        });
        let mut task = Arc::clone(&self.state.tasks[&old.task]);
        let is_owner = task.owner().is_some_and(|owner| owner.reservation == id);
        if is_owner && task.status() != TaskStatus::Wrapping {
            let mut new = self.changed(&task);
            self.leave(&mut new, id);
            task = Arc::new(new);
        }
        self.emit(Event::ReservationWrapup { reservation, task, worker });
    }

    /// Completes an accepted or wrapping Reservation and gives the Worker the room back.
    pub(super) fn end_work(&mut self, id: ReservationId) {
        let old = Arc::clone(&self.state.reservations[&id]);
        let reservation = Arc::new(Reservation {
            status: ReservationStatus::Completed,
            ended_at: Some(self.now),
            version: old.version + 1,
            updated_at: self.now,
            ..Reservation::clone(&old)
        });
        let worker = self.with_channel(&old, |channel| match old.status {
            ReservationStatus::Accepted => channel.accepted -= 1,
            ReservationStatus::Wrapping => channel.wrapping -= 1,
            other => unreachable!("work does not end in a Reservation that is {other:?}"),
        });
        let mut task = self.changed(&self.state.tasks[&old.task]);
        task.open_reservations.retain(|open| *open != id);
        self.leave(&mut task, id);
        self.emit(Event::ReservationCompleted { reservation, task: Arc::new(task), worker });
    }

    /// If `left` was the Task's owner, another one is.
    fn leave(&self, task: &mut Task, left: ReservationId) {
        let (heir, working_heir) = (self.heir(task, left), self.working_heir(task, left));
        match &mut task.phase {
            Phase::Assigned(assignment) | Phase::Wrapping(assignment) => {
                if let Some(heir) = heir {
                    *assignment = heir;
                }
            }
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                if waiting.held_by.as_ref().is_some_and(|held_by| held_by.reservation == left) {
                    waiting.held_by = working_heir.map(Box::new);
                }
            }
            Phase::Completed(_) | Phase::Canceled(_) => {}
        }
    }

    /// Who has a Task when its owner `left` is done, or wraps up, before those who had it earlier: the newest of these
    /// who does not wrap up, if there is one.
    fn heir(&self, task: &Task, left: ReservationId) -> Option<Assignment> {
        task.owner().filter(|assignment| assignment.reservation == left)?;
        let others = task.open_reservations.iter().filter(|open| **open != left);
        let others = others.map(|id| &self.state.reservations[id]);
        let newest =
            others.max_by_key(|open| (open.status == ReservationStatus::Accepted, open.accepted_at))?;
        Some(Assignment { reservation: newest.id, at: self.now })
    }

    /// The same, but only who does not wrap up: nobody else has a Task that waits.
    pub(super) fn working_heir(&self, task: &Task, left: ReservationId) -> Option<Assignment> {
        let heir = self.heir(task, left)?;
        (self.state.reservations[&heir.reservation].status == ReservationStatus::Accepted).then_some(heir)
    }

    /// A Task is wrapped up when all who have it do.
    fn follow_reservations(&mut self, id: TaskId) {
        let task = &self.state.tasks[&id];
        let Phase::Assigned(assignment) = &task.phase else { return };
        let is_wrapping =
            |id: &ReservationId| self.state.reservations[id].status == ReservationStatus::Wrapping;
        if !task.open_reservations.is_empty() && task.open_reservations.iter().all(is_wrapping) {
            let phase = Phase::Wrapping(assignment.clone());
            let task = Arc::new(Task { phase, ..self.changed(task) });
            self.emit(Event::TaskWrapup { task });
        }
    }

    fn with_channel(
        &self,
        reservation: &Reservation,
        change: impl FnOnce(&mut WorkerChannel),
    ) -> Arc<Worker> {
        let mut worker = Worker::clone(&self.state.workers[&reservation.worker]);
        change(worker.channel_mut(&self.state.task_channels[&reservation.task_channel]));
        Arc::new(worker)
    }
}

fn invalid_state(reservation: &Reservation, allowed: &'static str, action: &'static str) -> Rejection {
    let present = reservation.status.name();
    Rejection::InvalidState { kind: ReservationId::KIND, present, allowed, action }
}
