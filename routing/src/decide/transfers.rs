//! Transfers: the Worker who has a Task hands it on (`routing.md` 6.4).
//!
//! The Task waits again, for the Worker, the TaskQueue or the Workflow that it is handed to. What became of it is
//! decided by whoever is offered it:
//!
//! | | WARM | COLD |
//! |---|---|---|
//! | the initiator meanwhile | has the Task | wraps up; who handed it on before, and is still there, has the Task |
//! | accepted | both have it; the newer one is the owner until they wrap up | the other has it |
//! | a Worker refuses | has it as before | routed again, from where it came |
//! | a TaskQueue's Workers refuse | others are asked, until the time to live ends; then as above | the same |
//! | a Workflow comes to its end | has it as before | canceled, as in any Workflow |
//!
//! Nobody loses a customer because a colleague did not answer: that is why a COLD transfer that fails does not
//! cancel the Task, and why a failed one gives it a new time to live.

use std::sync::Arc;

use thin_vec::ThinVec;

use super::check::{self, bad_input};
use super::direct::first_place;
use crate::command::{CancelTransfer, TransferTask};
use crate::event::Event;
use crate::ids::{Id, ReservationId, TaskId, TaskTransferId, WorkerId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::task::{Place, RoutingTarget, Waiting};
use crate::state::task_transfer::{Origin, TaskTransfer, TransferMode, TransferStatus};
use crate::state::{Phase, Task, TaskStatus, Worker};
use crate::workflow_configuration::PRIORITY_MAX;

/// How often one Task may be transferred. Every event about the Task carries all of them.
const TRANSFERS_MAX: usize = 100;
/// What is said of a Task whose transfer failed when there was nowhere to go back to.
const GONE_REASON: &str = "Transfer failed, and where the Task came from was deleted";

impl Router {
    pub(super) fn transfer_task(&mut self, command: TransferTask) -> Result<(), Rejection> {
        let TransferTask { id, expected_version, to, mode, attributes, priority } = command;
        let old = self.task(id)?;
        check::version(TaskId::KIND, expected_version, old.version)?;
        self.check_no_transfer(&old, "transferred")?;
        let (TaskStatus::Assigned, Some(owner)) = (old.status(), old.assignment()) else {
            return Err(super::tasks::invalid_state(&old, "ASSIGNED Tasks", "transferred"));
        };
        let held = owner.clone();
        let holder = self.state.reservations[&held.reservation].worker;
        check::room(old.transfers.len(), TRANSFERS_MAX, "transfers of one Task")?;
        self.check_destination(&old, holder, to)?;
        let mut new = Task::clone(&old);
        if let Some(attributes) = attributes {
            self.check_attributes(&attributes)?;
            new.attributes = attributes;
        }
        if let Some(priority) = priority {
            new.priority = check::range(priority, 0, PRIORITY_MAX, "priority")?;
        }

        if new != *old {
            self.emit(Event::TaskUpdated { task: Arc::new(self.changed(&new)) });
        }
        let transfer = self.begin_transfer(id, to, mode, holder, held.reservation);
        if mode == TransferMode::Cold {
            self.begin_wrap_up(held.reservation);
        }
        debug_assert_eq!(self.state.tasks[&id].open_transfer().map(|transfer| transfer.id), Some(transfer));
        match to {
            // The Worker has room, so there is nothing to wait for, and nobody may come between.
            RoutingTarget::Worker(worker) => self.make_offer(id, worker),
            RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => self.send(id, to),
        }
        Ok(())
    }

    pub(super) fn cancel_transfer(&mut self, command: CancelTransfer) -> Result<(), Rejection> {
        let CancelTransfer { id, reason } = command;
        let reason = reason.map(|reason| check::reason(&reason)).transpose()?;
        let (task, transfer) = self.state.transfer(id).ok_or_else(|| Rejection::NotFound {
            kind: TaskTransferId::KIND,
            id: id.to_string(),
            field: "transferId",
        })?;
        if !transfer.is_open() {
            return Err(Rejection::InvalidState {
                kind: TaskTransferId::KIND,
                present: transfer.status.name(),
                allowed: "INITIATED transfers",
                action: "canceled",
            });
        }
        let task = task.id;
        self.end_transfer(task, TransferStatus::Canceled, reason);
        Ok(())
    }

    /// What was asked cannot be done while somebody is being looked for who takes the Task over.
    pub(super) fn check_no_transfer(&self, task: &Task, action: &'static str) -> Result<(), Rejection> {
        match task.open_transfer() {
            None => Ok(()),
            Some(transfer) => Err(Rejection::InTransfer { transfer: transfer.id, action }),
        }
    }

    /// The last offer of a transferred Task was not accepted. True where the transfer goes on.
    pub(super) fn transfer_goes_on(&mut self, id: TaskId) -> bool {
        let task = &self.state.tasks[&id];
        let transfer = task.open_transfer().expect("the caller has looked");
        match transfer.to {
            RoutingTarget::Worker(worker) => {
                let name = self.state.worker(worker).map_or("the Worker", |worker| &worker.name);
                let reason = format!("{name} did not take the Task");
                self.end_transfer(id, TransferStatus::Failed, Some(reason));
                false
            }
            RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => {
                let (transfer, task) = (transfer.id, Arc::clone(task));
                self.emit(Event::TaskTransferAttemptFailed { task, transfer });
                true
            }
        }
    }

    /// Somebody has accepted the Task: if it was transferred to them, that is done.
    pub(super) fn complete_transfer(&mut self, id: TaskId, reservation: ReservationId) {
        if self.state.tasks[&id].open_transfer().is_none() {
            return;
        }
        let mut task = self.changed(&self.state.tasks[&id]);
        let transfer = close(&mut task, TransferStatus::Complete, None, self.now);
        transfer.reservation = Some(reservation);
        let transfer = transfer.id;
        self.emit(Event::TaskTransferCompleted { task: Arc::new(task), transfer });
    }

    /// A transferred Task has waited for as long as it may, or its Workflow has nothing more for it. True where that
    /// is the end of the transfer and not of the Task.
    pub(super) fn transfer_fails(&mut self, id: TaskId, reason: &str) -> bool {
        let Some(transfer) = self.state.tasks[&id].open_transfer() else { return false };
        let is_to_workflow = matches!(transfer.to, RoutingTarget::Workflow(_));
        if is_to_workflow && self.state.tasks[&id].owner().is_none() {
            return false;
        }
        self.end_transfer(id, TransferStatus::Failed, Some(reason.to_owned()));
        true
    }

    /// Ends a transfer that nobody accepted: the initiator has the Task as before, or it is routed again.
    fn end_transfer(&mut self, id: TaskId, status: TransferStatus, reason: Option<String>) {
        self.withdraw_offers(id, "The transfer has ended");
        let mut task = self.changed(&self.state.tasks[&id]);
        let transfer = close(&mut task, status, reason, self.now);
        let (transfer, origin) = (transfer.id, transfer.origin);
        let held_by = task.waiting().and_then(|waiting| waiting.held_by.clone());
        let is_held = held_by.is_some();
        let Origin { workflow, task_queue, task_queue_entered_at } = origin;
        task.workflow = workflow;
        let back_to = self.back_to(&task);
        if is_held || !matches!(back_to, Some(RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_))) {
            // It is not in the TaskQueue any more that it was transferred to, and comes to no other.
            (task.task_queue, task.task_queue_entered_at) = (task_queue, task_queue_entered_at);
        }
        match held_by {
            Some(held_by) => {
                task.phase = Phase::Assigned(*held_by);
                task.cool_downs = ThinVec::new();
            }
            None => task.phase = self.waiting_anew(&task, back_to.and_then(first_place)),
        }
        let task = Arc::new(task);
        self.emit(match status {
            TransferStatus::Failed => Event::TaskTransferFailed { task, transfer },
            TransferStatus::Canceled => Event::TaskTransferCanceled { task, transfer },
            TransferStatus::Initiated | TransferStatus::Complete => {
                unreachable!("a transfer that nobody accepted does not end {status:?}")
            }
        });
        match back_to {
            _ if is_held => {}
            Some(back_to) => self.send(id, back_to),
            None => self.give_up(id, GONE_REASON.to_owned()),
        }
    }

    /// Where a Task goes whose COLD transfer failed: to where it was routed from, as far as that is still there. The last
    /// transfer is that one.
    fn back_to(&self, task: &Task) -> Option<RoutingTarget> {
        let Origin { workflow, task_queue, .. } = task.transfers.last()?.origin;
        let workflow = workflow.filter(|id| self.state.workflows.contains_key(id));
        let queue = task_queue.filter(|id| self.state.task_queues.contains_key(id));
        let worker = |target: &RoutingTarget| match target {
            RoutingTarget::Worker(id) => self.state.workers.contains_key(id),
            RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => false,
        };
        let workflow = workflow.map(RoutingTarget::Workflow);
        workflow.or(queue.map(RoutingTarget::TaskQueue)).or(task.routing_target.filter(worker))
    }

    /// Closes the transfer of a Task that is given up with it.
    pub(super) fn close_transfer(&mut self, id: TaskId, status: TransferStatus, reason: &str) {
        if self.state.tasks[&id].open_transfer().is_none() {
            return;
        }
        let mut task = self.changed(&self.state.tasks[&id]);
        let transfer = close(&mut task, status, Some(reason.to_owned()), self.now).id;
        let task = Arc::new(task);
        self.emit(match status {
            TransferStatus::Canceled => Event::TaskTransferCanceled { task, transfer },
            _ => Event::TaskTransferFailed { task, transfer },
        });
    }

    /// The Task waits again. A Worker is waited for from the beginning; a TaskQueue or a Workflow is entered.
    fn begin_transfer(
        &mut self,
        id: TaskId,
        to: RoutingTarget,
        mode: TransferMode,
        initiator: WorkerId,
        initiating_reservation: ReservationId,
    ) -> TaskTransferId {
        let mut task = self.changed(&self.state.tasks[&id]);
        let transfer = TaskTransferId::derived(self.now, self.state.sequence + 1, self.state.tag());
        task.transfers.push(TaskTransfer {
            id: transfer,
            mode,
            status: TransferStatus::Initiated,
            to,
            initiating_reservation,
            initiator,
            reservation: None,
            reason: None,
            origin: Origin {
                workflow: task.workflow,
                task_queue: task.task_queue,
                task_queue_entered_at: task.task_queue_entered_at,
            },
            created_at: self.now,
            updated_at: self.now,
        });
        if let RoutingTarget::Workflow(workflow) = to {
            task.workflow = Some(workflow);
        }
        let mut phase = self.waiting_anew(&task, first_place(to));
        if let Phase::Pending(waiting) = &mut phase {
            waiting.held_by = match mode {
                TransferMode::Warm => task.assignment().cloned().map(Box::new),
                // Whoever handed it on WARM before, and is still there.
                TransferMode::Cold => self.working_heir(&task, initiating_reservation).map(Box::new),
            };
        }
        task.phase = phase;
        self.emit(Event::TaskTransferInitiated { task: Arc::new(task), transfer });
        transfer
    }

    /// Each time that a Task begins to wait, it has its full time to live.
    fn waiting_anew(&self, task: &Task, place: Option<Place>) -> Phase {
        let expires_at = self.now.plus_seconds(task.timeout_seconds);
        Phase::Pending(Waiting { expires_at, place, held_by: None })
    }

    fn check_destination(
        &self,
        task: &Task,
        initiator: WorkerId,
        to: RoutingTarget,
    ) -> Result<(), Rejection> {
        match to {
            RoutingTarget::TaskQueue(id) => self.task_queue(id, "toId").map(drop),
            RoutingTarget::Workflow(id) => self.workflow(id, "toId").map(drop),
            RoutingTarget::Worker(id) => {
                let worker = self.worker(id, "toId")?;
                if id == initiator {
                    return Err(bad_input("toId", "a Worker cannot transfer a Task to themselves"));
                }
                match self.why_not_now(task, &worker) {
                    None => Ok(()),
                    Some(why) => Err(Rejection::CannotTake { worker: worker.name.clone(), why }),
                }
            }
        }
    }

    /// What keeps a Worker from taking a Task now that is handed to them by name.
    fn why_not_now(&self, task: &Task, worker: &Worker) -> Option<String> {
        let activity = &self.state.activities[&worker.activity];
        let task_channel = &self.state.task_channels[&task.task_channel];
        let channel = worker.channel(task_channel);
        let name = &task_channel.unique_name;
        if !activity.available {
            Some(format!("the Activity {} is not available", activity.name))
        } else if !channel.available {
            Some(format!("the channel {name} is switched off"))
        } else if !channel.has_capacity() {
            let (open, capacity) = (channel.open(), channel.configured_capacity);
            Some(format!("{open} of {capacity} on the channel {name} taken"))
        } else if self.state.has_open_reservation(task, worker.id) {
            Some("an open Reservation of the Task is there already".to_owned())
        } else {
            None
        }
    }
}

fn close(
    task: &mut Task,
    status: TransferStatus,
    reason: Option<String>,
    now: crate::time::Timestamp,
) -> &mut TaskTransfer {
    let transfer = task.transfers.last_mut().expect("a transfer is open");
    debug_assert!(transfer.is_open());
    transfer.status = status;
    transfer.reason = reason;
    transfer.updated_at = now;
    transfer
}
