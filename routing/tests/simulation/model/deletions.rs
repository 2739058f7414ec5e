//! What is deleted, what is in the way, and what stays to be read (`routing.md` 6.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::state::task::{Ended, Phase, Place};
use routing::state::task_transfer::{Origin, TransferStatus};
use routing::state::{
    Activity, Reservation, ReservationStatus, RoutingTarget, Task, TaskChannel, TaskQueue, Worker, Workflow,
};

use super::Model;
use super::checks::{self, Answer, Refusal, demand, find};
use super::comparison::same;
use super::transfers::open_transfer;

/// Everything that was ever deleted. What of it can still be read is found by looking for who refers to it.
#[derive(Default)]
pub struct Deleted {
    activities: BTreeMap<ActivityId, Activity>,
    task_channels: BTreeMap<TaskChannelId, TaskChannel>,
    task_queues: BTreeMap<TaskQueueId, TaskQueue>,
    workflows: BTreeMap<WorkflowId, Workflow>,
    workers: BTreeMap<WorkerId, Worker>,
}

/// Those that every Workspace has (5.1).
const TASK_CHANNELS: [&str; 5] = ["default", "voice", "chat", "sms", "video"];

const TASK_DELETED: &str = "Task deleted";
const WORKER_DELETED: &str = "Worker deleted";

impl Model {
    pub(super) fn delete_activity(&mut self, command: DeleteActivity) -> Answer {
        let DeleteActivity { id, expected_version } = command;
        let old = find(&self.activities, id, "id")?;
        checks::version(expected_version, old.version)?;
        let workspace = &self.workspace;
        let is_set = workspace.default_activity == id
            || workspace.timeout_activity == Some(id)
            || workspace.logout_activity == id;
        let has_workers = self.workers.values().any(|worker| worker.activity == id);
        demand(!is_set && !has_workers, Refusal::in_use())?;
        let (version, now) = (old.version + 1, self.now);
        let activity = Activity { version, updated_at: now, deleted_at: Some(now), ..old };
        self.activities.remove(&id);
        self.deleted.activities.insert(id, activity.clone());
        self.record(Event::ActivityDeleted { activity: Arc::new(activity) });
        Ok(())
    }

    pub(super) fn delete_task_channel(&mut self, command: DeleteTaskChannel) -> Answer {
        let DeleteTaskChannel { id, expected_version } = command;
        let old = find(&self.task_channels, id, "id")?;
        checks::version(expected_version, old.version)?;
        demand(!TASK_CHANNELS.contains(&&*old.unique_name), Refusal::in_use())?;
        let uses = |task: &Task| task.task_channel == id && !has_ended(task);
        demand(!self.tasks.values().any(uses), Refusal::in_use())?;
        // Room on the channel that the Task was on then is taken up.
        let takes_room = |open: &Reservation| open.task_channel == id && open.status.is_open();
        demand(!self.reservations.values().any(takes_room), Refusal::in_use())?;
        let (version, now) = (old.version + 1, self.now);
        let task_channel = TaskChannel { version, updated_at: now, deleted_at: Some(now), ..old };
        self.task_channels.remove(&id);
        self.deleted.task_channels.insert(id, task_channel.clone());
        self.record(Event::TaskChannelDeleted { task_channel: Arc::new(task_channel) });
        Ok(())
    }

    pub(super) fn delete_task_queue(&mut self, command: DeleteTaskQueue) -> Answer {
        let DeleteTaskQueue { id, expected_version } = command;
        let old = find(&self.task_queues, id, "id")?;
        checks::version(expected_version, old.version)?;
        let holds = |task: &Task| task.task_queue == Some(id) && !has_ended(task);
        demand(!self.tasks.values().any(holds), Refusal::in_use())?;
        demand(!self.workflows.values().any(|workflow| self.leads_to(workflow, id)), Refusal::in_use())?;
        demand(!self.may_come_back(|origin| origin.task_queue == Some(id)), Refusal::in_use())?;
        let (version, now) = (old.version + 1, self.now);
        let task_queue = TaskQueue { version, updated_at: now, deleted_at: Some(now), ..old };
        self.task_queues.remove(&id);
        self.deleted.task_queues.insert(id, task_queue.clone());
        self.record(Event::TaskQueueDeleted { task_queue: Arc::new(task_queue) });
        Ok(())
    }

    pub(super) fn delete_workflow(&mut self, command: DeleteWorkflow) -> Answer {
        let DeleteWorkflow { id, expected_version } = command;
        let old = find(&self.workflows, id, "id")?;
        checks::version(expected_version, old.version)?;
        let follows = |task: &Task| task.workflow == Some(id) && task.waiting().is_some();
        demand(!self.tasks.values().any(follows), Refusal::in_use())?;
        demand(!self.may_come_back(|origin| origin.workflow == Some(id)), Refusal::in_use())?;
        let (version, now) = (old.version + 1, self.now);
        let workflow = Workflow { version, updated_at: now, deleted_at: Some(now), ..old };
        self.workflows.remove(&id);
        self.deleted.workflows.insert(id, workflow.clone());
        self.record(Event::WorkflowDeleted { workflow: Arc::new(workflow) });
        Ok(())
    }

    /// The Worker is gone before anybody else is asked.
    pub(super) fn delete_worker(&mut self, command: DeleteWorker) -> Answer {
        let DeleteWorker { id, expected_version, force } = command;
        let old = find(&self.workers, id, "id")?;
        checks::version(expected_version, old.version)?;
        for reservation in self.reservations.values().filter(|reservation| reservation.worker == id) {
            let is_in_the_way = match reservation.status {
                ReservationStatus::Pending => !force,
                ReservationStatus::Accepted | ReservationStatus::Wrapping => true,
                ReservationStatus::Rejected
                | ReservationStatus::TimedOut
                | ReservationStatus::Canceled
                | ReservationStatus::Rescinded
                | ReservationStatus::Completed => false,
            };
            demand(!is_in_the_way, Refusal::in_use())?;
        }
        let offers = self.offers_to(id);
        for offer in &offers {
            self.end_offer(*offer, ReservationStatus::Canceled, Some(WORKER_DELETED.to_owned()));
        }
        let worker = Worker { deleted_at: Some(self.now), ..self.changed_worker(id) };
        self.workers.remove(&id);
        self.deleted.workers.insert(id, worker.clone());
        self.record(Event::WorkerDeleted { worker: Arc::new(worker) });
        for offer in offers {
            self.offer_has_failed(self.reservations[&offer].task);
        }
        let waits =
            |task: &&Task| task.waiting().is_some_and(|waiting| waiting.place == Some(Place::Worker(id)));
        let in_vain: Vec<TaskId> = self.tasks.values().filter(waits).map(|task| task.id).collect();
        for task in in_vain {
            let failed = self.tasks[&task].clone();
            if open_transfer(&failed).is_none() {
                self.record(Event::ReservationFailed { task: Arc::new(failed) });
            }
            self.stop_waiting(task, WORKER_DELETED);
        }
        Ok(())
    }

    /// First all that is open of it ends, one by one; then the Task does.
    pub(super) fn delete_task(&mut self, command: DeleteTask) -> Answer {
        let DeleteTask { id, expected_version } = command;
        let old = find(&self.tasks, id, "id")?;
        demand(old.deleted_at.is_none(), Refusal::not_found("id"))?;
        checks::version(expected_version, old.version)?;
        self.close_transfer(id, TransferStatus::Canceled, TASK_DELETED);
        for open in self.open(id) {
            match self.reservations[&open].status {
                ReservationStatus::Pending => {
                    self.end_offer(open, ReservationStatus::Canceled, Some(TASK_DELETED.to_owned()));
                }
                ReservationStatus::Accepted | ReservationStatus::Wrapping => self.end_work(open),
                other => panic!("{open} is open, and not {other:?}"),
            }
        }
        let owner = match &old.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => waiting.held_by.as_deref().cloned(),
            Phase::Assigned(owner) | Phase::Wrapping(owner) => Some(owner.clone()),
            Phase::Completed(_) | Phase::Canceled(_) => None,
        };
        let mut task = self.changed(id);
        let reservation = owner.map(|owner| owner.reservation);
        let ended = Ended { at: self.now, reason: Some(TASK_DELETED.to_owned()), reservation };
        if !has_ended(&old) {
            let is_completed = reservation.is_some();
            task.phase = if is_completed { Phase::Completed(ended) } else { Phase::Canceled(ended) };
        }
        task.cool_downs.clear();
        task.deleted_at = Some(self.now);
        self.record_task(task, |task| Event::TaskDeleted { task });
        Ok(())
    }

    /// Does a Task that is being transferred come from there?
    fn may_come_back(&self, is_there: impl Fn(Origin) -> bool) -> bool {
        let transfers = self.tasks.values().filter_map(open_transfer);
        transfers.into_iter().any(|transfer| is_there(transfer.origin))
    }

    /// By its present document, or by one that a Task in it follows.
    fn leads_to(&self, workflow: &Workflow, queue: TaskQueueId) -> bool {
        let present = workflow.revisions.last().expect("there is one").number;
        workflow.revisions.iter().any(|revision| {
            let document = &revision.configuration;
            let of_filters = document.filters.iter().flat_map(|filter| &filter.targets);
            let names = of_filters.chain(&document.default_filter).any(|target| target.queue == queue);
            names && (revision.number == present || self.is_followed(workflow.id, revision.number))
        })
    }

    pub(super) fn queue_or_deleted(&self, id: TaskQueueId) -> Option<&TaskQueue> {
        self.task_queues.get(&id).or_else(|| self.deleted.task_queues.get(&id))
    }

    pub(super) fn workflow_or_deleted(&self, id: WorkflowId) -> &Workflow {
        let workflow = self.workflows.get(&id).or_else(|| self.deleted.workflows.get(&id));
        workflow.expect("what routed a Task is there, or was")
    }

    pub(super) fn worker_or_deleted(&self, id: WorkerId) -> &Worker {
        let worker = self.workers.get(&id).or_else(|| self.deleted.workers.get(&id));
        worker.expect("who was offered a Task is there, or was")
    }

    /// An Activity and a Task Channel can be read for good, anything else as long as a Task or Reservation refers to it.
    pub(super) fn assert_deleted_are(&self, present: &routing::state::Deleted) {
        let Deleted { activities, task_channels, task_queues, workflows, workers } = &self.deleted;
        same("deleted Activities", activities.values(), present.activities.values());
        same("deleted Task Channels", task_channels.values(), present.task_channels.values());
        let (tasks, reservations) = (|| self.tasks.values(), || self.reservations.values());
        let task_queues = task_queues.values().filter(|queue| {
            let target = Some(RoutingTarget::TaskQueue(queue.id));
            tasks().any(|task| task.task_queue == Some(queue.id) || task.routing_target == target)
                || reservations().any(|reservation| reservation.task_queue == Some(queue.id))
        });
        same("deleted TaskQueues", task_queues, present.task_queues.values());
        let workflows = workflows.values().filter(|workflow| {
            let target = Some(RoutingTarget::Workflow(workflow.id));
            tasks().any(|task| task.workflow == Some(workflow.id) || task.routing_target == target)
                || reservations().any(|reservation| reservation.workflow == Some(workflow.id))
        });
        same("deleted Workflows", workflows, present.workflows.values());
        let workers = workers.values().filter(|worker| {
            let target = Some(RoutingTarget::Worker(worker.id));
            tasks().any(|task| task.routing_target == target)
                || reservations().any(|reservation| reservation.worker == worker.id)
        });
        same("deleted Workers", workers, present.workers.values());
    }
}

fn has_ended(task: &Task) -> bool {
    match &task.phase {
        Phase::Completed(_) | Phase::Canceled(_) => true,
        Phase::Pending(_) | Phase::Reserved(_) | Phase::Assigned(_) | Phase::Wrapping(_) => false,
    }
}
