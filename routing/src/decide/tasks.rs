//! Tasks: what callers do with them.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::check::{self, bad_input};
use super::direct::{Direction, first_place};
use crate::attributes::Attributes;
use crate::command::{CancelTask, CompleteTask, CreateTask, UpdateTask, WrapUpTask};
use crate::event::Event;
use crate::ids::{Id, ReservationId, TaskId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::task::{Ended, Phase, RoutingTarget, Waiting};
use crate::state::task_transfer::TransferStatus;
use crate::state::{ReservationStatus, Task, TaskStatus};
use crate::time::Timestamp;
use crate::workflow_configuration::PRIORITY_MAX;

/// The time to live of a Task, in seconds (`routing.md` 2.9): a day, at most two weeks.
const TIMEOUT_SECONDS_DEFAULT: u32 = 86_400;
const TIMEOUT_SECONDS_MAX: u32 = 1_209_600;
/// The first moment of the year 1900, before which no virtual start time may lie (`routing.md` 3.2).
const VIRTUAL_START_TIME_MIN: Timestamp = Timestamp(-2_208_988_800_000);

const MOVED_CHANNEL: &str = "moved to another Task Channel";

impl Router {
    pub(super) fn create_task(&mut self, command: CreateTask) -> Result<(), Rejection> {
        check::unused(&self.state.tasks, command.id)?;
        check::room(self.state.tasks.len(), self.limits.tasks_max, "Tasks in the Workspace")?;
        let Direction { to, ignore_capacity } = self.direction(&command)?;
        let CreateTask {
            id,
            workflow: _,
            routing_target,
            ignore_capacity: _,
            task_channel,
            attributes,
            priority,
            timeout_seconds,
            virtual_start_time,
        } = command;
        let task_channel = self.task_channel(&task_channel)?.id;
        self.check_attributes(&attributes)?;
        let priority = check::range(priority.unwrap_or(0), 0, PRIORITY_MAX, "priority")?;
        let timeout_seconds = timeout_seconds.unwrap_or(TIMEOUT_SECONDS_DEFAULT);
        check::range(timeout_seconds, 1, TIMEOUT_SECONDS_MAX, "timeoutSeconds")?;
        let virtual_start_time = self.virtual_start_time(virtual_start_time.unwrap_or(self.now))?;

        let expires_at = self.now.plus_seconds(timeout_seconds);
        let waiting = Waiting { expires_at, place: first_place(to), held_by: None };
        let task = Task {
            id,
            created_sequence: self.state.sequence + 1,
            attributes,
            priority,
            task_channel,
            workflow: if let RoutingTarget::Workflow(workflow) = to { Some(workflow) } else { None },
            routing_target,
            ignore_capacity,
            task_queue: None,
            task_queue_entered_at: None,
            timeout_seconds,
            virtual_start_time,
            assignment_count: 0,
            phase: Phase::Pending(waiting),
            open_reservations: ThinVec::new(),
            transfers: ThinVec::new(),
            cool_downs: ThinVec::new(),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.emit(Event::TaskCreated { task: Arc::new(task) });
        self.send(id, to);
        if let (RoutingTarget::Worker(worker), true) = (to, ignore_capacity) {
            self.make_offer(id, worker);
        }
        Ok(())
    }

    pub(super) fn update_task(&mut self, command: UpdateTask) -> Result<(), Rejection> {
        let UpdateTask { id, expected_version, attributes, priority, task_channel, virtual_start_time } =
            command;
        let old = self.task(id)?;
        check::version(TaskId::KIND, expected_version, old.version)?;
        let mut new = Task::clone(&old);
        if let Some(attributes) = attributes.filter(|attributes| *attributes != old.attributes) {
            self.check_attributes(&attributes)?;
            new.attributes = attributes;
        }
        if let Some(priority) = priority {
            new.priority = check::range(priority, 0, PRIORITY_MAX, "priority")?;
        }
        if let Some(channel) = task_channel {
            new.task_channel = self.task_channel(&channel)?.id;
            if new.task_channel != old.task_channel && old.status() != TaskStatus::Pending {
                // An open Reservation takes up capacity of the channel that it was made for.
                return Err(invalid_state(&old, "PENDING Tasks", MOVED_CHANNEL));
            }
            if new.task_channel != old.task_channel {
                self.check_no_transfer(&old, MOVED_CHANNEL)?;
            }
        }
        if let Some(at) = virtual_start_time {
            new.virtual_start_time = self.virtual_start_time(at)?;
        }
        if new == *old {
            return Ok(());
        }
        let has_new_attributes = new.attributes != old.attributes;
        let is_in_step = old.status() == TaskStatus::Pending && old.step().is_some();
        let task = Arc::new(self.changed(&new));
        self.emit(Event::TaskUpdated { task });
        if has_new_attributes && is_in_step {
            self.redrive(id);
        }
        Ok(())
    }

    pub(super) fn cancel_task(&mut self, command: CancelTask) -> Result<(), Rejection> {
        let CancelTask { id, expected_version, reason, attributes } = command;
        let task = self.task(id)?;
        check::version(TaskId::KIND, expected_version, task.version)?;
        let reason = check::reason(&reason)?;
        if task.waiting().is_none() {
            return Err(invalid_state(&task, "PENDING and RESERVED Tasks", "canceled"));
        }
        if task.owner().is_some() {
            self.check_no_transfer(&task, "canceled")?;
        }
        self.write_attributes(&task, attributes)?;
        self.close_transfer(id, TransferStatus::Canceled, &reason);
        self.give_up(id, reason);
        Ok(())
    }

    pub(super) fn wrap_up_task(&mut self, command: WrapUpTask) -> Result<(), Rejection> {
        let WrapUpTask { id, expected_version, attributes } = command;
        let task = self.task(id)?;
        check::version(TaskId::KIND, expected_version, task.version)?;
        self.check_no_transfer(&task, "wrapped up")?;
        if task.status() != TaskStatus::Assigned {
            return Err(invalid_state(&task, "ASSIGNED Tasks", "wrapped up"));
        }
        self.write_attributes(&task, attributes)?;
        for reservation in self.accepted_reservations(&task) {
            self.begin_wrap_up(reservation);
        }
        Ok(())
    }

    pub(super) fn complete_task(&mut self, command: CompleteTask) -> Result<(), Rejection> {
        let CompleteTask { id, expected_version, reason, attributes } = command;
        let task = self.task(id)?;
        check::version(TaskId::KIND, expected_version, task.version)?;
        let reason = reason.map(|reason| check::reason(&reason)).transpose()?;
        self.check_no_transfer(&task, "completed")?;
        if task.assignment().is_none() {
            return Err(invalid_state(&task, "ASSIGNED and WRAPPING Tasks", "completed"));
        }
        self.write_attributes(&task, attributes)?;
        self.complete(id, reason, |task| Event::TaskCompleted { task });
        Ok(())
    }

    /// A Task has been assigned for longer than the Workspace allows.
    pub(super) fn end_long_assignment(&mut self, id: TaskId) {
        let hours = self.state.workspace.assigned_limit_hours.expect("the timer comes with the limit");
        let reason = format!("Task assigned for more than {hours} h");
        self.complete(id, Some(reason), |task| Event::TaskSystemDeleted { task });
    }

    /// A Task has waited for as long as it may, or its Workflow has nothing more for it. Where it was transferred,
    /// that is the end of the transfer.
    pub(super) fn stop_waiting(&mut self, id: TaskId, reason: String) {
        if !self.transfer_fails(id, &reason) {
            self.close_transfer(id, TransferStatus::Failed, &reason);
            self.give_up(id, reason);
        }
    }

    /// Cancels a waiting Task with all its offers. The Worker who let go of it in a COLD transfer goes on wrapping
    /// up.
    pub(super) fn give_up(&mut self, id: TaskId, reason: String) {
        self.withdraw_offers(id, &reason);
        let mut task = self.changed(&self.state.tasks[&id]);
        task.phase = Phase::Canceled(Ended { at: self.now, reason: Some(reason), reservation: None });
        task.cool_downs = ThinVec::new();
        self.emit(Event::TaskCanceled { task: Arc::new(task) });
    }

    /// Completes an assigned or wrapping Task, and then the Reservations that are still open.
    pub(super) fn complete(
        &mut self,
        id: TaskId,
        reason: Option<String>,
        event: impl FnOnce(Arc<Task>) -> Event,
    ) {
        let open = self.state.tasks[&id].open_reservations.clone();
        let mut task = self.changed(&self.state.tasks[&id]);
        let owner = task.assignment().expect("the Task is assigned or wrapping").reservation;
        task.phase = Phase::Completed(Ended { at: self.now, reason, reservation: Some(owner) });
        self.emit(event(Arc::new(task)));
        for reservation in open {
            self.end_work(reservation);
        }
    }

    /// A copy to be changed: its version is the next one.
    pub(super) fn changed(&self, task: &Task) -> Task {
        Task { version: task.version + 1, updated_at: self.now, ..task.clone() }
    }

    fn accepted_reservations(&self, task: &Task) -> Vec<ReservationId> {
        let is_accepted =
            |id: &ReservationId| self.state.reservations[id].status == ReservationStatus::Accepted;
        task.open_reservations.iter().copied().filter(is_accepted).collect()
    }

    /// New attributes that come along with another change. They do not route the Task anew.
    fn write_attributes(&mut self, task: &Task, attributes: Option<Attributes>) -> Result<(), Rejection> {
        let Some(attributes) = attributes.filter(|attributes| *attributes != task.attributes) else {
            return Ok(());
        };
        self.check_attributes(&attributes)?;
        let task = Arc::new(Task { attributes, ..self.changed(task) });
        self.emit(Event::TaskUpdated { task });
        Ok(())
    }

    fn virtual_start_time(&self, at: Timestamp) -> Result<Timestamp, Rejection> {
        if at < VIRTUAL_START_TIME_MIN || at > self.now {
            return Err(bad_input(
                "virtualStartTime",
                "a virtual start time is not before the year 1900 and not in the future",
            ));
        }
        Ok(at)
    }
}

pub(super) fn invalid_state(task: &Task, allowed: &'static str, action: &'static str) -> Rejection {
    let present = task.status().name();
    Rejection::InvalidState { kind: TaskId::KIND, present, allowed, action }
}
