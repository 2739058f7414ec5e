//! Deletions. What others need cannot be deleted; the refusal names them (`routing.md` 6.5).

use std::sync::Arc;

use thin_vec::ThinVec;

use super::check::{self, user};
use super::workspaces::TASK_CHANNELS;
use crate::command::{
    DeleteActivity, DeleteTask, DeleteTaskChannel, DeleteTaskQueue, DeleteWorker, DeleteWorkflow,
};
use crate::event::Event;
use crate::ids::{
    ActivityId, Id, ReservationId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId,
};
use crate::rejection::{Rejection, User};
use crate::router::Router;
use crate::state::task::{Ended, Phase, Place};
use crate::state::task_transfer::{Origin, TransferStatus};
use crate::state::{Activity, ReservationStatus, Task, TaskChannel, TaskQueue, Worker, Workflow};

/// What is said of a Task that was deleted before it had ended.
const TASK_DELETED_REASON: &str = "Task deleted";
/// What is said of an offer whose Worker was deleted.
const WORKER_DELETED_REASON: &str = "Worker deleted";

impl Router {
    pub(super) fn delete_activity(&mut self, command: DeleteActivity) -> Result<(), Rejection> {
        let DeleteActivity { id, expected_version } = command;
        let old = self.activity(id, "id")?;
        check::version(ActivityId::KIND, expected_version, old.version)?;
        let workspace = &self.state.workspace;
        let settings = [
            (Some(workspace.default_activity), "has it as its default Activity"),
            (workspace.timeout_activity, "has it as its timeout Activity"),
            (Some(workspace.logout_activity), "has it as its logout Activity"),
        ];
        let settings = settings.into_iter().filter(|(activity, _)| *activity == Some(id));
        let settings = settings.map(|(_, how)| self.workspace_as_user(how));
        let workers = self.state.workers.values().filter(|worker| worker.activity == id);
        let workers = workers.map(|worker| user(worker.id, Some(&worker.name), "is in it"));
        check::not_in_use(ActivityId::KIND, "deleted", settings.chain(workers))?;
        let activity = Activity {
            version: old.version + 1,
            updated_at: self.now,
            deleted_at: Some(self.now),
            ..Activity::clone(&old)
        };
        self.emit(Event::ActivityDeleted { activity: Arc::new(activity) });
        Ok(())
    }

    pub(super) fn delete_task_channel(&mut self, command: DeleteTaskChannel) -> Result<(), Rejection> {
        let DeleteTaskChannel { id, expected_version } = command;
        let old = check::find(&self.state.task_channels, id, "id")?;
        check::version(TaskChannelId::KIND, expected_version, old.version)?;
        let is_founding = TASK_CHANNELS.iter().any(|(unique_name, _)| *unique_name == old.unique_name);
        let founding = is_founding.then(|| self.workspace_as_user("always has it"));
        // Whoever still wraps up takes up capacity of the channel that the Task was on then.
        let is_wrapped_up = |task: &Task| {
            let mut open = task.open_reservations.iter().map(|open| &self.state.reservations[open]);
            open.any(|reservation| reservation.task_channel == id)
        };
        let uses = |task: &Task| (task.task_channel == id && task.ended().is_none()) || is_wrapped_up(task);
        let tasks = self.state.tasks.values().filter(|task| uses(task));
        let tasks = tasks.map(|task| user(task.id, None, "uses it"));
        check::not_in_use(TaskChannelId::KIND, "deleted", founding.into_iter().chain(tasks))?;
        let task_channel = TaskChannel {
            version: old.version + 1,
            updated_at: self.now,
            deleted_at: Some(self.now),
            ..TaskChannel::clone(&old)
        };
        self.emit(Event::TaskChannelDeleted { task_channel: Arc::new(task_channel) });
        Ok(())
    }

    pub(super) fn delete_task_queue(&mut self, command: DeleteTaskQueue) -> Result<(), Rejection> {
        let DeleteTaskQueue { id, expected_version } = command;
        let old = self.task_queue(id, "id")?;
        check::version(TaskQueueId::KIND, expected_version, old.version)?;
        let workflows = self.state.workflows.values().filter(|workflow| self.leads_to(workflow, id));
        let workflows = workflows.map(|workflow| user(workflow.id, Some(&workflow.name), "refers to it"));
        let tasks = self.state.tasks_of_queue(id).map(|task| user(task.id, None, "is in it"));
        let transfers = self.transfers_from(|origin| origin.task_queue == Some(id));
        check::not_in_use(TaskQueueId::KIND, "deleted", workflows.chain(tasks).chain(transfers))?;
        let task_queue = TaskQueue {
            version: old.version + 1,
            updated_at: self.now,
            deleted_at: Some(self.now),
            ..TaskQueue::clone(&old)
        };
        self.emit(Event::TaskQueueDeleted { task_queue: Arc::new(task_queue) });
        Ok(())
    }

    pub(super) fn delete_workflow(&mut self, command: DeleteWorkflow) -> Result<(), Rejection> {
        let DeleteWorkflow { id, expected_version } = command;
        let old = self.workflow(id, "id")?;
        check::version(WorkflowId::KIND, expected_version, old.version)?;
        let tasks =
            self.state.tasks.values().filter(|task| task.workflow == Some(id) && task.waiting().is_some());
        let tasks = tasks.map(|task| user(task.id, None, "follows it"));
        let transfers = self.transfers_from(|origin| origin.workflow == Some(id));
        check::not_in_use(WorkflowId::KIND, "deleted", tasks.chain(transfers))?;
        let workflow = Workflow {
            version: old.version + 1,
            updated_at: self.now,
            deleted_at: Some(self.now),
            ..Workflow::clone(&old)
        };
        self.emit(Event::WorkflowDeleted { workflow: Arc::new(workflow) });
        Ok(())
    }

    pub(super) fn delete_worker(&mut self, command: DeleteWorker) -> Result<(), Rejection> {
        let DeleteWorker { id, expected_version, force } = command;
        let old = self.worker(id, "id")?;
        check::version(WorkerId::KIND, expected_version, old.version)?;
        let open = self.state.reservations_of_worker(id).filter_map(|reservation| {
            let how = match reservation.status {
                ReservationStatus::Pending if force => return None,
                ReservationStatus::Pending => "is pending",
                ReservationStatus::Accepted => "is accepted",
                ReservationStatus::Wrapping => "is wrapping up",
                ReservationStatus::Rejected
                | ReservationStatus::TimedOut
                | ReservationStatus::Canceled
                | ReservationStatus::Rescinded
                | ReservationStatus::Completed => return None,
            };
            Some(user(reservation.id, None, how))
        });
        check::not_in_use(WorkerId::KIND, "deleted", open)?;

        let mut tasks = Vec::new();
        for offer in self.pending_reservations(id) {
            let reason = Some(WORKER_DELETED_REASON.to_owned());
            tasks.push(self.end_offer(offer, ReservationStatus::Canceled, reason));
        }
        let worker = Worker {
            version: old.version + 1,
            updated_at: self.now,
            deleted_at: Some(self.now),
            // As the withdrawn offers have left them.
            ..Worker::clone(&self.state.workers[&id])
        };
        self.emit(Event::WorkerDeleted { worker: Arc::new(worker) });
        for task in tasks {
            self.after_failed_offer(task);
        }
        self.cancel_tasks_for(id);
        Ok(())
    }

    /// Whoever waits for a Worker who is gone waits in vain.
    fn cancel_tasks_for(&mut self, worker: WorkerId) {
        let place = Some(&Place::Worker(worker));
        let waits = |task: &Task| task.waiting().is_some_and(|waiting| waiting.place.as_ref() == place);
        let tasks: Vec<TaskId> =
            self.state.tasks.values().filter(|task| waits(task)).map(|task| task.id).collect();
        for id in tasks {
            let task = &self.state.tasks[&id];
            if task.open_transfer().is_none() {
                self.emit(Event::ReservationFailed { task: Arc::clone(task) });
            }
            self.stop_waiting(id, WORKER_DELETED_REASON.to_owned());
        }
    }

    /// The Tasks that go back to where they came from if nobody takes them over.
    fn transfers_from(&self, is_there: impl Fn(&Origin) -> bool) -> impl Iterator<Item = User> {
        let open = self.state.tasks.values().filter_map(|task| Some((task.id, task.open_transfer()?.origin)));
        let from_there = open.filter(move |(_, origin)| is_there(origin));
        from_there.map(|(task, _)| user(task, None, "is transferred, and may come back to it"))
    }

    pub(super) fn delete_task(&mut self, command: DeleteTask) -> Result<(), Rejection> {
        let DeleteTask { id, expected_version } = command;
        let old = check::find(&self.state.tasks, id, "id")?;
        if old.deleted_at.is_some() {
            return Err(Rejection::NotFound { kind: TaskId::KIND, id: id.to_string(), field: "id" });
        }
        check::version(TaskId::KIND, expected_version, old.version)?;
        self.close_transfer(id, TransferStatus::Canceled, TASK_DELETED_REASON);
        for reservation in old.open_reservations.clone() {
            self.end_for_good(reservation);
        }
        let mut task = self.changed(&self.state.tasks[&id]);
        // As what has ended, it stays in memory for a while: whoever was told of it may ask what it was.
        let owner = old.owner().map(|owner| owner.reservation);
        let ended =
            |reservation| Ended { at: self.now, reason: Some(TASK_DELETED_REASON.to_owned()), reservation };
        match &old.phase {
            Phase::Completed(_) | Phase::Canceled(_) => {}
            _ if owner.is_some() => task.phase = Phase::Completed(ended(owner)),
            _ => task.phase = Phase::Canceled(ended(None)),
        }
        task.cool_downs = ThinVec::new();
        task.deleted_at = Some(self.now);
        self.emit(Event::TaskDeleted { task: Arc::new(task) });
        Ok(())
    }

    /// Cancels an offer, completes work.
    fn end_for_good(&mut self, reservation: ReservationId) {
        match self.state.reservations[&reservation].status {
            ReservationStatus::Pending => {
                let reason = Some(TASK_DELETED_REASON.to_owned());
                self.end_offer(reservation, ReservationStatus::Canceled, reason);
            }
            ReservationStatus::Accepted | ReservationStatus::Wrapping => self.end_work(reservation),
            ReservationStatus::Rejected
            | ReservationStatus::TimedOut
            | ReservationStatus::Canceled
            | ReservationStatus::Rescinded
            | ReservationStatus::Completed => unreachable!("it is open"),
        }
    }

    /// Does the Workflow lead into the TaskQueue, by its present document or by one that Tasks still follow?
    fn leads_to(&self, workflow: &Workflow, queue: TaskQueueId) -> bool {
        let present = workflow.present().number;
        let in_use = workflow.revisions.iter().filter(|revision| {
            revision.number == present || self.index.is_followed(workflow.id, revision.number)
        });
        in_use.flat_map(|revision| revision.configuration.queues()).any(|(named, _)| named == queue)
    }

    fn workspace_as_user(&self, how: &'static str) -> User {
        user::<WorkspaceId>(self.state.id(), Some(&self.state.workspace.name), how)
    }
}
