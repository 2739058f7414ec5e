//! Tasks: what callers do with them.

use routing::Attributes;
use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::state::task::{Ended, Phase, Place, Waiting};
use routing::state::task_transfer::TransferStatus;
use routing::state::{ReservationStatus, RoutingTarget, Task, TaskStatus};
use routing::time::Timestamp;

use super::checks::{self, Answer, Refusal, demand, find};
use super::transfers::open_transfer;
use super::{Model, seconds_after};

const PRIORITY_MAX: u32 = 2_147_483_647;
/// 1900-01-01T00:00:00Z.
const YEAR_1900: Timestamp = Timestamp(-2_208_988_800_000);

impl Model {
    pub(super) fn create_task(&mut self, command: CreateTask) -> Answer {
        let CreateTask {
            id,
            workflow,
            routing_target,
            ignore_capacity,
            task_channel,
            attributes,
            priority,
            timeout_seconds,
            virtual_start_time,
        } = command;
        demand(!self.tasks.contains_key(&id), Refusal::bad_input("id"))?;
        demand(self.tasks.len() < self.limits.tasks_max, Refusal::limit(None))?;
        let to = self.way(workflow, routing_target, ignore_capacity)?;
        let task_channel = self.task_channel(&task_channel)?;
        self.check_attributes(&attributes)?;
        let priority = priority.unwrap_or(0);
        checks::within(priority, 0..=PRIORITY_MAX, "priority")?;
        let timeout_seconds = timeout_seconds.unwrap_or(86_400);
        checks::within(timeout_seconds, 1..=1_209_600, "timeoutSeconds")?;
        let virtual_start_time = virtual_start_time.unwrap_or(self.now);
        self.check_virtual_start_time(virtual_start_time)?;

        let (workflow, place) = match to {
            RoutingTarget::Workflow(workflow) => (Some(workflow), None),
            RoutingTarget::TaskQueue(_) => (None, None),
            RoutingTarget::Worker(worker) => (None, Some(Place::Worker(worker))),
        };
        let is_for_worker = matches!(to, RoutingTarget::Worker(_));
        let ignore_capacity = is_for_worker && ignore_capacity != Some(false);
        let expires_at = seconds_after(self.now, timeout_seconds);
        let task = Task {
            id,
            created_sequence: self.sequence + 1,
            attributes,
            priority,
            task_channel,
            workflow,
            routing_target,
            ignore_capacity,
            task_queue: None,
            task_queue_entered_at: None,
            timeout_seconds,
            virtual_start_time,
            assignment_count: 0,
            phase: Phase::Pending(Waiting { expires_at, place, held_by: None }),
            open_reservations: Default::default(),
            transfers: Default::default(),
            cool_downs: Default::default(),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.record_task(task, |task| Event::TaskCreated { task });
        self.send(id, to);
        // 2.10: whatever the Worker does.
        if let (RoutingTarget::Worker(worker), true) = (to, ignore_capacity) {
            self.make_offer(id, worker);
        }
        Ok(())
    }

    /// 2.1 and 2.10: which way a new Task goes.
    fn way(
        &self,
        workflow: Option<WorkflowId>,
        target: Option<RoutingTarget>,
        ignore_capacity: Option<bool>,
    ) -> Result<RoutingTarget, Refusal> {
        demand(workflow.is_none() || target.is_none(), Refusal::bad_input("routingTargetId"))?;
        let is_for_worker = matches!(target, Some(RoutingTarget::Worker(_)));
        demand(is_for_worker || ignore_capacity.is_none(), Refusal::bad_input("ignoreCapacity"))?;
        match (target, workflow) {
            (Some(target), _) => {
                self.check_exists(target, "routingTargetId")?;
                Ok(target)
            }
            (None, Some(workflow)) => {
                find(&self.workflows, workflow, "workflowId")?;
                Ok(RoutingTarget::Workflow(workflow))
            }
            (None, None) => match Vec::from_iter(self.workflows.keys()).as_slice() {
                [only] => Ok(RoutingTarget::Workflow(**only)),
                _ => Err(Refusal::bad_input("workflowId")),
            },
        }
    }

    pub(super) fn check_exists(&self, target: RoutingTarget, field: &'static str) -> Answer {
        match target {
            RoutingTarget::Worker(id) => find(&self.workers, id, field).map(drop),
            RoutingTarget::TaskQueue(id) => find(&self.task_queues, id, field).map(drop),
            RoutingTarget::Workflow(id) => find(&self.workflows, id, field).map(drop),
        }
    }

    /// A pending Task goes where it is sent. For a Worker it waits where it is.
    pub(super) fn send(&mut self, id: TaskId, to: RoutingTarget) {
        match to {
            RoutingTarget::Workflow(_) => self.enter_workflow(id),
            RoutingTarget::TaskQueue(queue) => {
                let mut task = self.changed(id);
                set_place(&mut task, Place::TaskQueue);
                self.enter_queue(task, queue);
            }
            RoutingTarget::Worker(_) => {}
        }
    }

    /// 2.3: `task-queue.moved` when it comes from another TaskQueue.
    pub(super) fn enter_queue(&mut self, mut task: Task, queue: TaskQueueId) {
        let previous = task.task_queue.replace(queue);
        task.task_queue_entered_at = Some(self.now);
        self.record_entered(task, previous);
    }

    /// That a Task has come to its TaskQueue.
    pub(super) fn record_entered(&mut self, task: Task, previous: Option<TaskQueueId>) {
        let queue = task.task_queue;
        self.record_task(task, |task| match previous {
            Some(previous_task_queue) if Some(previous_task_queue) != queue => {
                Event::TaskQueueMoved { task, previous_task_queue }
            }
            _ => Event::TaskQueueEntered { task },
        });
    }

    pub(super) fn update_task(&mut self, command: UpdateTask) -> Answer {
        let UpdateTask { id, expected_version, attributes, priority, task_channel, virtual_start_time } =
            command;
        let old = self.task(id, expected_version)?;
        let mut new = self.changed(id);
        if let Some(attributes) = attributes
            && attributes != old.attributes
        {
            self.check_attributes(&attributes)?;
            new.attributes = attributes;
        }
        if let Some(priority) = priority {
            checks::within(priority, 0..=PRIORITY_MAX, "priority")?;
            new.priority = priority;
        }
        if let Some(channel) = task_channel {
            new.task_channel = self.task_channel(&channel)?;
            // Who has it, or is offered it, has room taken up on its channel.
            let may_move = old.status() == TaskStatus::Pending && open_transfer(&old).is_none();
            demand(may_move || new.task_channel == old.task_channel, Refusal::invalid_state())?;
        }
        if let Some(at) = virtual_start_time {
            self.check_virtual_start_time(at)?;
            new.virtual_start_time = at;
        }
        let has_new_attributes = new.attributes != old.attributes;
        let is_changed = has_new_attributes
            || new.priority != old.priority
            || new.task_channel != old.task_channel
            || new.virtual_start_time != old.virtual_start_time;
        if is_changed {
            self.record_task(new, |task| Event::TaskUpdated { task });
        }
        // 2.8.
        if has_new_attributes && old.status() == TaskStatus::Pending && self.step(id).is_some() {
            self.redrive(id);
        }
        Ok(())
    }

    pub(super) fn cancel_task(&mut self, command: CancelTask) -> Answer {
        let CancelTask { id, expected_version, reason, attributes } = command;
        let task = self.task(id, expected_version)?;
        let reason = checks::reason(&reason)?;
        // Not while somebody has it, as the initiator of a WARM transfer does.
        match &task.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                demand(waiting.held_by.is_none(), Refusal::invalid_state())?;
            }
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => {
                return Err(Refusal::invalid_state());
            }
        }
        self.write_attributes(&task, attributes)?;
        self.close_transfer(id, TransferStatus::Canceled, &reason);
        self.cancel(id, &reason);
        Ok(())
    }

    pub(super) fn wrap_up_task(&mut self, command: WrapUpTask) -> Answer {
        let WrapUpTask { id, expected_version, attributes } = command;
        let task = self.task(id, expected_version)?;
        demand(task.status() == TaskStatus::Assigned, Refusal::invalid_state())?;
        self.write_attributes(&task, attributes)?;
        for open in self.open(id) {
            if self.reservations[&open].status == ReservationStatus::Accepted {
                self.begin_wrap_up(open);
            }
        }
        Ok(())
    }

    pub(super) fn complete_task(&mut self, command: CompleteTask) -> Answer {
        let CompleteTask { id, expected_version, reason, attributes } = command;
        let task = self.task(id, expected_version)?;
        let reason = reason.map(|reason| checks::reason(&reason)).transpose()?;
        let has_owner = matches!(task.status(), TaskStatus::Assigned | TaskStatus::Wrapping);
        demand(has_owner, Refusal::invalid_state())?;
        self.write_attributes(&task, attributes)?;
        self.complete(id, reason, |task| Event::TaskCompleted { task });
        Ok(())
    }

    /// A Task has waited for as long as it may, or there is nothing more for it: the end of the transfer that it waits
    /// in, or else its own.
    pub(super) fn stop_waiting(&mut self, id: TaskId, reason: &str) {
        if self.ends_with_transfer(id) {
            self.close_transfer(id, TransferStatus::Failed, reason);
            self.cancel(id, reason);
        } else {
            self.end_transfer(id, TransferStatus::Failed, Some(reason.to_owned()));
        }
    }

    pub(super) fn cancel(&mut self, id: TaskId, reason: &str) {
        self.withdraw_offers(id, reason);
        let mut task = self.changed(id);
        let reason = Some(reason.to_owned());
        task.phase = Phase::Canceled(Ended { at: self.now, reason, reservation: None });
        task.cool_downs.clear();
        self.record_task(task, |task| Event::TaskCanceled { task });
    }

    /// 6.1: attributes may change in the same call, without a re-drive.
    fn write_attributes(&mut self, task: &Task, attributes: Option<Attributes>) -> Answer {
        if let Some(attributes) = attributes
            && attributes != task.attributes
        {
            self.check_attributes(&attributes)?;
            let task = Task { attributes, ..self.changed(task.id) };
            self.record_task(task, |task| Event::TaskUpdated { task });
        }
        Ok(())
    }

    pub(super) fn task(&self, id: TaskId, expected_version: Option<u32>) -> Result<Task, Refusal> {
        let task = find(&self.tasks, id, "taskId")?;
        demand(task.deleted_at.is_none(), Refusal::not_found("taskId"))?;
        checks::version(expected_version, task.version)?;
        Ok(task)
    }

    /// 3.2.
    fn check_virtual_start_time(&self, at: Timestamp) -> Answer {
        demand((YEAR_1900..=self.now).contains(&at), Refusal::bad_input("virtualStartTime"))
    }
}

/// Where a pending Task waits from now on.
pub fn set_place(task: &mut Task, place: Place) {
    match &mut task.phase {
        Phase::Pending(waiting) => waiting.place = Some(place),
        other => panic!("{} is sent somewhere while it is {other:?}", task.id),
    }
}
