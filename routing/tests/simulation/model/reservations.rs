//! What Workers answer, and how their work ends (`routing.md` 6.1, 6.2).

use std::sync::Arc;

use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::state::task::{Assignment, Ended, Phase};
use routing::state::task_transfer::TransferStatus;
use routing::state::{Reservation, ReservationStatus, Task, TaskStatus};

use super::Model;
use super::checks::{self, Answer, Refusal, demand, find};

impl Model {
    pub(super) fn accept_reservation(&mut self, command: AcceptReservation) -> Answer {
        let AcceptReservation { id, expected_version } = command;
        let old = self.reservation(id, expected_version)?;
        demand(old.status == ReservationStatus::Pending, Refusal::invalid_state())?;
        let mut reservation = self.changed_reservation(id);
        reservation.status = ReservationStatus::Accepted;
        reservation.accepted_at = Some(self.now);
        let mut task = self.changed(old.task);
        task.phase = Phase::Assigned(Assignment { reservation: id, at: self.now });
        task.cool_downs.clear();
        self.record_reservation(reservation, task, |reservation, task, worker| Event::ReservationAccepted {
            reservation,
            task,
            worker,
        });
        self.transfer_is_complete(old.task, id);
        for sibling in self.offers_of(old.task) {
            self.end_offer(sibling, ReservationStatus::Rescinded, None);
        }
        Ok(())
    }

    pub(super) fn reject_reservation(&mut self, command: RejectReservation) -> Answer {
        let RejectReservation { id, expected_version, reason, activity } = command;
        let old = self.reservation(id, expected_version)?;
        let reason = reason.map(|reason| checks::reason(&reason)).transpose()?;
        demand(old.status == ReservationStatus::Pending, Refusal::invalid_state())?;
        if let Some(activity) = activity {
            find(&self.activities, activity, "activityId")?;
        }
        self.end_offer(id, ReservationStatus::Rejected, reason);
        if let Some(activity) = activity {
            self.move_worker(old.worker, activity);
        }
        self.offer_has_failed(old.task);
        Ok(())
    }

    pub(super) fn wrap_up_reservation(&mut self, command: WrapUpReservation) -> Answer {
        let WrapUpReservation { id, expected_version } = command;
        let old = self.reservation(id, expected_version)?;
        demand(old.status == ReservationStatus::Accepted, Refusal::invalid_state())?;
        demand(!self.holds_meanwhile(&old), Refusal::invalid_state())?;
        self.begin_wrap_up(id);
        Ok(())
    }

    pub(super) fn complete_reservation(&mut self, command: CompleteReservation) -> Answer {
        let CompleteReservation { id, expected_version } = command;
        let old = self.reservation(id, expected_version)?;
        let is_work = matches!(old.status, ReservationStatus::Accepted | ReservationStatus::Wrapping);
        demand(is_work, Refusal::invalid_state())?;
        demand(!self.holds_meanwhile(&old), Refusal::invalid_state())?;
        self.finish(id);
        Ok(())
    }

    /// A Worker is done with a Task, and the Task with its last Worker.
    pub(super) fn finish(&mut self, id: ReservationId) {
        let task = self.reservations[&id].task;
        let has_task = matches!(self.tasks[&task].status(), TaskStatus::Assigned | TaskStatus::Wrapping);
        if has_task && self.open(task) == [id] {
            self.complete(task, None, |task| Event::TaskCompleted { task });
        } else {
            self.end_work(id);
            self.follow_who_is_left(task, id);
        }
    }

    /// 2.9.
    pub(super) fn assigned_for_long(&mut self, id: TaskId) {
        let hours = self.workspace.assigned_limit_hours.expect("there is a limit");
        let reason = format!("Task assigned for more than {hours} h");
        self.complete(id, Some(reason), |task| Event::TaskSystemDeleted { task });
    }

    /// The end of an assigned or wrapping Task, and of all who have it.
    pub(super) fn complete(
        &mut self,
        id: TaskId,
        reason: Option<String>,
        event: impl FnOnce(Arc<Task>) -> Event,
    ) {
        let mut task = self.changed(id);
        let (Phase::Assigned(owner) | Phase::Wrapping(owner)) = task.phase else {
            panic!("{id} has an owner")
        };
        task.phase = Phase::Completed(Ended { at: self.now, reason, reservation: Some(owner.reservation) });
        self.record_task(task, event);
        for open in self.open(id) {
            self.end_work(open);
        }
    }

    /// The Task is wrapped up with the last of those who have it. Before that, when its owner begins to, it goes over to
    /// whoever of the others took it last.
    pub(super) fn begin_wrap_up(&mut self, id: ReservationId) {
        let mut reservation = self.changed_reservation(id);
        reservation.status = ReservationStatus::Wrapping;
        reservation.wrap_up_at = Some(self.now);
        let mut task = self.tasks[&reservation.task].clone();
        if let Phase::Assigned(owner) = task.phase.clone() {
            match self.last_to_accept(task.id, ReservationStatus::Accepted, id) {
                None => {
                    let wrapping = self.changed(task.id);
                    let wrapping = Task { phase: Phase::Wrapping(owner), ..wrapping };
                    self.record_task(wrapping.clone(), |task| Event::TaskWrapup { task });
                    task = wrapping;
                }
                Some(heir) if owner.reservation == id => {
                    task = self.changed(task.id);
                    task.phase = Phase::Assigned(heir);
                }
                Some(_) => {}
            }
        }
        if self.is_held_by(&task, id) {
            task = self.changed(task.id);
            self.pass_on(&mut task, id);
        }
        self.record_reservation(reservation, task, |reservation, task, worker| Event::ReservationWrapup {
            reservation,
            task,
            worker,
        });
    }

    /// A Worker is done with a Task.
    pub(super) fn end_work(&mut self, id: ReservationId) {
        let mut reservation = self.changed_reservation(id);
        reservation.status = ReservationStatus::Completed;
        reservation.ended_at = Some(self.now);
        let mut task = self.changed(reservation.task);
        let task_id = task.id;
        if let Phase::Assigned(owner) | Phase::Wrapping(owner) = &mut task.phase
            && owner.reservation == id
        {
            let accepted = self.last_to_accept(task_id, ReservationStatus::Accepted, id);
            let heir = accepted.or_else(|| self.last_to_accept(task_id, ReservationStatus::Wrapping, id));
            // Nobody is left where the Task is being deleted.
            *owner = heir.unwrap_or(owner.clone());
        }
        self.pass_on(&mut task, id);
        self.record_reservation(reservation, task, |reservation, task, worker| Event::ReservationCompleted {
            reservation,
            task,
            worker,
        });
    }

    /// A Task is wrapped up where all who are left do that.
    fn follow_who_is_left(&mut self, task: TaskId, id: ReservationId) {
        let mut task = self.changed(task);
        let task_id = task.id;
        if let Phase::Assigned(owner) = task.phase.clone()
            && self.last_to_accept(task_id, ReservationStatus::Accepted, id).is_none()
            && self.last_to_accept(task_id, ReservationStatus::Wrapping, id).is_some()
        {
            task.phase = Phase::Wrapping(owner);
            self.record_task(task, |task| Event::TaskWrapup { task });
        }
    }

    /// Does the Task wait, and has this one it meanwhile?
    fn is_held_by(&self, task: &Task, id: ReservationId) -> bool {
        match &task.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                waiting.held_by.as_ref().is_some_and(|owner| owner.reservation == id)
            }
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => false,
        }
    }

    /// Of a Task that waits, and that this one has meanwhile: whoever else is still there has it.
    fn pass_on(&self, task: &mut Task, id: ReservationId) {
        if self.is_held_by(task, id)
            && let Phase::Pending(waiting) | Phase::Reserved(waiting) = &mut task.phase
        {
            waiting.held_by = self.last_to_accept(task.id, ReservationStatus::Accepted, id).map(Box::new);
        }
    }

    /// Of those who have the Task in this way, but for one, who took it last.
    pub(super) fn last_to_accept(
        &self,
        task: TaskId,
        status: ReservationStatus,
        but: ReservationId,
    ) -> Option<Assignment> {
        let mut others = self.open(task).into_iter().filter(|id| *id != but);
        let last = others.rfind(|id| self.reservations[id].status == status)?;
        Some(Assignment { reservation: last, at: self.now })
    }

    fn reservation(&self, id: ReservationId, expected_version: Option<u32>) -> Result<Reservation, Refusal> {
        let reservation = find(&self.reservations, id, "reservationId")?;
        checks::version(expected_version, reservation.version)?;
        Ok(reservation)
    }

    /// In a WARM transfer the initiator stays until somebody else has the Task.
    fn holds_meanwhile(&self, reservation: &Reservation) -> bool {
        match &self.tasks[&reservation.task].phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                let mut transfers = self.tasks[&reservation.task].transfers.iter();
                let is_initiator = transfers.next_back().is_some_and(|transfer| {
                    transfer.status == TransferStatus::Initiated
                        && transfer.initiating_reservation == reservation.id
                });
                is_initiator
                    && waiting.held_by.as_ref().is_some_and(|owner| owner.reservation == reservation.id)
            }
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => false,
        }
    }
}
