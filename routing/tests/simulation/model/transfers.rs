//! A Worker hands a Task on (`routing.md` 6.4).

use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::rejection::Code;
use routing::state::task::{Assignment, Phase, Place, Waiting};
use routing::state::task_transfer::{Origin, TaskTransfer, TransferMode, TransferStatus};
use routing::state::{ReservationStatus, RoutingTarget, Task};

use super::checks::{self, Answer, Refusal, demand};
use super::matching::has_room;
use super::{Model, seconds_after};

/// How often one Task may be transferred.
const TRANSFERS_MAX: usize = 100;
const GONE: &str = "Transfer failed, and where the Task came from was deleted";

impl Model {
    pub(super) fn transfer_task(&mut self, command: TransferTask) -> Answer {
        let TransferTask { id, expected_version, to, mode, attributes, priority } = command;
        let old = self.task(id, expected_version)?;
        let Phase::Assigned(owner) = &old.phase else { return Err(Refusal::invalid_state()) };
        let holder = self.reservations[&owner.reservation].worker;
        demand(old.transfers.len() < TRANSFERS_MAX, Refusal::limit(None))?;
        self.check_exists(to, "toId")?;
        if let RoutingTarget::Worker(worker) = to {
            demand(worker != holder, Refusal::bad_input("toId"))?;
            let cannot = Refusal { code: Code::InvalidState, field: Some("toId") };
            demand(self.can_take_now(&old, worker), cannot)?;
        }
        let mut new = self.changed(id);
        if let Some(attributes) = attributes {
            self.check_attributes(&attributes)?;
            new.attributes = attributes;
        }
        if let Some(priority) = priority {
            checks::within(priority, 0..=2_147_483_647, "priority")?;
            new.priority = priority;
        }
        if new.attributes != old.attributes || new.priority != old.priority {
            self.record_task(new, |task| Event::TaskUpdated { task });
        }

        self.begin_transfer(id, to, mode, owner, holder);
        if mode == TransferMode::Cold {
            self.begin_wrap_up(owner.reservation);
        }
        match to {
            RoutingTarget::Worker(worker) => self.make_offer(id, worker),
            RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => self.send(id, to),
        }
        Ok(())
    }

    /// The Task waits again, with its full time to live.
    fn begin_transfer(
        &mut self,
        id: TaskId,
        to: RoutingTarget,
        mode: TransferMode,
        owner: &Assignment,
        initiator: WorkerId,
    ) {
        let mut task = self.changed(id);
        let transfer = TaskTransferId::derived(self.now, self.sequence + 1, self.tag());
        let origin = Origin {
            workflow: task.workflow,
            task_queue: task.task_queue,
            task_queue_entered_at: task.task_queue_entered_at,
        };
        task.transfers.push(TaskTransfer {
            id: transfer,
            mode,
            status: TransferStatus::Initiated,
            to,
            initiating_reservation: owner.reservation,
            initiator,
            reservation: None,
            reason: None,
            origin,
            created_at: self.now,
            updated_at: self.now,
        });
        // COLD, it is whoever handed it on WARM before and is still there.
        let held_by = match mode {
            TransferMode::Warm => Some(owner.clone()),
            TransferMode::Cold => self.last_to_accept(id, ReservationStatus::Accepted, owner.reservation),
        };
        let place = match to {
            RoutingTarget::Worker(worker) => Some(Place::Worker(worker)),
            RoutingTarget::TaskQueue(_) => None,
            RoutingTarget::Workflow(workflow) => {
                task.workflow = Some(workflow);
                None
            }
        };
        let held_by = held_by.map(Box::new);
        task.phase = Phase::Pending(Waiting { held_by, ..self.waiting_afresh(&task, place) });
        self.record_task(task, |task| Event::TaskTransferInitiated { task, transfer });
    }

    pub(super) fn cancel_transfer(&mut self, command: CancelTransfer) -> Answer {
        let CancelTransfer { id, reason } = command;
        let reason = reason.map(|reason| checks::reason(&reason)).transpose()?;
        let found = self.tasks.values().find_map(|task| {
            let transfer = task.transfers.iter().find(|transfer| transfer.id == id)?;
            Some((task.id, transfer.status))
        });
        let (task, status) = found.ok_or(Refusal::not_found("transferId"))?;
        demand(status == TransferStatus::Initiated, Refusal::invalid_state())?;
        self.end_transfer(task, TransferStatus::Canceled, reason);
        Ok(())
    }

    /// Nobody who was offered a transferred Task took it. A Worker is asked once; of a TaskQueue or a Workflow others
    /// are asked. True where the transfer has ended.
    pub(super) fn transfer_has_failed(&mut self, id: TaskId) -> bool {
        let Some(open) = open_transfer(&self.tasks[&id]) else { return false };
        let (transfer, to) = (open.id, open.to);
        if let RoutingTarget::Worker(worker) = to {
            let reason = format!("{} did not take the Task", self.worker_or_deleted(worker).name);
            self.end_transfer(id, TransferStatus::Failed, Some(reason));
            return true;
        }
        let task = self.tasks[&id].clone();
        self.record_task(task, |task| Event::TaskTransferAttemptFailed { task, transfer });
        false
    }

    pub(super) fn transfer_is_complete(&mut self, id: TaskId, reservation: ReservationId) {
        let Some(transfer) = open_transfer(&self.tasks[&id]).map(|transfer| transfer.id) else { return };
        let mut task = self.with_ended_transfer(id, TransferStatus::Complete, None);
        task.transfers.last_mut().expect("it has one").reservation = Some(reservation);
        self.record_task(task, |task| Event::TaskTransferCompleted { task, transfer });
    }

    /// Does a Task end when its waiting does? A transfer ends instead; but a Workflow that a Task was let go into has
    /// the last word, as always.
    pub(super) fn ends_with_transfer(&self, id: TaskId) -> bool {
        let is_held = match &self.tasks[&id].phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => waiting.held_by.is_some(),
            other => panic!("{id} waits, and is not {other:?}"),
        };
        let is_to_workflow =
            |transfer: &TaskTransfer| matches!(transfer.to, RoutingTarget::Workflow(_)) && !is_held;
        open_transfer(&self.tasks[&id]).is_none_or(is_to_workflow)
    }

    /// A transfer ends that nobody accepted: WARM, the initiator has the Task as before; COLD, it goes back to where it
    /// came from.
    pub(super) fn end_transfer(&mut self, id: TaskId, status: TransferStatus, reason: Option<String>) {
        self.withdraw_offers(id, "The transfer has ended");
        let mut task = self.with_ended_transfer(id, status, reason);
        let ended = task.transfers.last().expect("it has one").clone();
        let Origin { workflow, task_queue, task_queue_entered_at } = ended.origin;
        task.workflow = workflow;
        let held_by = match &task.phase {
            Phase::Pending(waiting) => waiting.held_by.clone(),
            other => panic!("{id} waits, and is not {other:?}"),
        };
        let back_to = self.back_to(&task, ended.origin);
        let goes_back = held_by.is_none();
        match (held_by, back_to) {
            (Some(owner), _) => {
                (task.task_queue, task.task_queue_entered_at) = (task_queue, task_queue_entered_at);
                task.phase = Phase::Assigned(*owner);
                task.cool_downs.clear();
            }
            (None, Some(RoutingTarget::Worker(worker))) => {
                (task.task_queue, task.task_queue_entered_at) = (task_queue, task_queue_entered_at);
                task.phase = Phase::Pending(self.waiting_afresh(&task, Some(Place::Worker(worker))));
            }
            (None, None) => {
                (task.task_queue, task.task_queue_entered_at) = (task_queue, task_queue_entered_at);
                task.phase = Phase::Pending(self.waiting_afresh(&task, None));
            }
            (None, Some(RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_))) => {
                task.phase = Phase::Pending(self.waiting_afresh(&task, None));
            }
        }
        self.record_end_of_transfer(task);
        match back_to {
            Some(back_to) if goes_back => self.send(id, back_to),
            None if goes_back => self.cancel(id, GONE),
            _ => {}
        }
    }

    /// 6.4: through its Workflow again; else to the TaskQueue that it was in, else to the Worker whom it was directed
    /// to; the first of these that has not been deleted.
    fn back_to(&self, task: &Task, origin: Origin) -> Option<RoutingTarget> {
        let workflow = origin.workflow.map(RoutingTarget::Workflow);
        let queue = origin.task_queue.map(RoutingTarget::TaskQueue);
        let worker = task.routing_target.filter(|target| matches!(target, RoutingTarget::Worker(_)));
        let mut ways = [workflow, queue, worker].into_iter().flatten();
        ways.find(|way| match way {
            RoutingTarget::Workflow(id) => self.workflows.contains_key(id),
            RoutingTarget::TaskQueue(id) => self.task_queues.contains_key(id),
            RoutingTarget::Worker(id) => self.workers.contains_key(id),
        })
    }

    /// A transfer ends with its Task.
    pub(super) fn close_transfer(&mut self, id: TaskId, status: TransferStatus, reason: &str) {
        if open_transfer(&self.tasks[&id]).is_some() {
            let task = self.with_ended_transfer(id, status, Some(reason.to_owned()));
            self.record_end_of_transfer(task);
        }
    }

    fn record_end_of_transfer(&mut self, task: Task) {
        let TaskTransfer { id: transfer, status, .. } = *task.transfers.last().expect("it has one");
        self.record_task(task, |task| match status {
            TransferStatus::Canceled => Event::TaskTransferCanceled { task, transfer },
            TransferStatus::Failed => Event::TaskTransferFailed { task, transfer },
            TransferStatus::Initiated | TransferStatus::Complete => panic!("the transfer is {status:?}"),
        });
    }

    fn with_ended_transfer(&self, id: TaskId, status: TransferStatus, reason: Option<String>) -> Task {
        let mut task = self.changed(id);
        let transfer = task.transfers.last_mut().expect("it has one");
        transfer.status = status;
        transfer.reason = reason;
        transfer.updated_at = self.now;
        task
    }

    fn waiting_afresh(&self, task: &Task, place: Option<Place>) -> Waiting {
        Waiting { expires_at: seconds_after(self.now, task.timeout_seconds), place, held_by: None }
    }

    fn can_take_now(&self, task: &Task, worker: WorkerId) -> bool {
        let worker = &self.workers[&worker];
        let channel = &self.channel(worker, task.task_channel);
        self.activities[&worker.activity].available
            && channel.available
            && has_room(channel)
            && !self.has_open(task.id, worker.id)
    }
}

/// The transfer in progress.
pub fn open_transfer(task: &Task) -> Option<&TaskTransfer> {
    task.transfers.last().filter(|transfer| transfer.status == TransferStatus::Initiated)
}
