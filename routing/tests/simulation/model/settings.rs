//! The Workspace, and what it is set up with: Activities, TaskQueues, Workflows.

use std::sync::Arc;

use routing::Attributes;
use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::rejection::Code;
use routing::state::workflow::Revision;
use routing::state::{Activity, TargetWorkers, TaskOrder, TaskQueue, TaskStatus, Workflow, Workspace};
use routing::workflow_configuration::WorkflowConfiguration;

use super::Model;
use super::checks::{self, Answer, Refusal, demand, find};

/// How many earlier documents of a Workflow waiting Tasks may follow.
const REVISIONS_MAX: usize = 20;

impl Model {
    pub(super) fn update_workspace(&mut self, command: UpdateWorkspace) -> Answer {
        let UpdateWorkspace {
            expected_version,
            name,
            queue_order_priority,
            default_activity,
            timeout_activity,
            logout_activity,
            reoffer_delay_seconds,
            assigned_limit_hours,
        } = command;
        let old = self.workspace.clone();
        checks::version(expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = name {
            new.name = checks::unshared_name(&name)?;
        }
        if let Some(order) = queue_order_priority {
            new.queue_order_priority = order;
        }
        if let Some(activity) = default_activity {
            new.default_activity = find(&self.activities, activity, "defaultActivityId")?.id;
        }
        if let Some(activity) = timeout_activity {
            new.timeout_activity = match activity {
                None => None,
                Some(activity) => Some(find(&self.activities, activity, "timeoutActivityId")?.id),
            };
        }
        if let Some(activity) = logout_activity {
            new.logout_activity = find(&self.activities, activity, "logoutActivityId")?.id;
        }
        if let Some(seconds) = reoffer_delay_seconds {
            checks::within(seconds, 1..=3_600, "reofferDelaySeconds")?;
            new.reoffer_delay_seconds = seconds;
        }
        if let Some(limit) = assigned_limit_hours {
            if let Some(hours) = limit {
                checks::within(hours, 1..=8_760, "assignedLimitHours")?;
            }
            new.assigned_limit_hours = limit;
        }
        if new != old {
            let new = Workspace { version: old.version + 1, updated_at: self.now, ..new };
            self.workspace = new.clone();
            self.record(Event::WorkspaceUpdated { workspace: Arc::new(new) });
        }
        Ok(())
    }

    pub(super) fn create_activity(&mut self, command: CreateActivity) -> Answer {
        let CreateActivity { id, name, available } = command;
        demand(!self.activities.contains_key(&id), Refusal::bad_input("id"))?;
        let name = self.name_of_activity(id, &name)?;
        demand(self.activities.len() < self.limits.activities_max, Refusal::limit(None))?;
        let (created_at, updated_at) = (self.now, self.now);
        let activity = Activity { id, name, available, version: 1, created_at, updated_at, deleted_at: None };
        self.activities.insert(id, activity.clone());
        self.record(Event::ActivityCreated { activity: Arc::new(activity) });
        Ok(())
    }

    pub(super) fn update_activity(&mut self, command: UpdateActivity) -> Answer {
        let UpdateActivity { id, expected_version, name } = command;
        let mut activity = find(&self.activities, id, "activityId")?;
        checks::version(expected_version, activity.version)?;
        let Some(name) = name else { return Ok(()) };
        let name = self.name_of_activity(id, &name)?;
        if name != activity.name {
            activity.name = name;
            activity.version += 1;
            activity.updated_at = self.now;
            self.activities.insert(id, activity.clone());
            self.record(Event::ActivityUpdated { activity: Arc::new(activity) });
        }
        Ok(())
    }

    fn name_of_activity(&self, id: ActivityId, name: &str) -> Result<String, Refusal> {
        let others = self.activities.values().filter(|other| other.id != id);
        checks::name(name, others.map(|other| &other.name))
    }

    pub(super) fn create_task_queue(&mut self, command: CreateTaskQueue) -> Answer {
        let CreateTaskQueue {
            id,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
        } = command;
        demand(!self.task_queues.contains_key(&id), Refusal::bad_input("id"))?;
        let name = self.name_of_queue(id, &name)?;
        demand(self.task_queues.len() < self.limits.task_queues_max, Refusal::limit(None))?;
        let target_workers = target(&target_workers.unwrap_or("1==1".to_owned()))?;
        let max_reserved_workers = max_reserved_workers.unwrap_or(1);
        checks::within(max_reserved_workers, 1..=50, "maxReservedWorkers")?;
        check_wrap_up_limit(wrap_up_limit_seconds)?;
        let task_queue = TaskQueue {
            id,
            name,
            target_workers,
            max_reserved_workers,
            task_order: task_order.unwrap_or(TaskOrder::Fifo),
            wrap_up_limit_seconds,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.task_queues.insert(id, task_queue.clone());
        self.record(Event::TaskQueueCreated { task_queue: Arc::new(task_queue) });
        Ok(())
    }

    /// Two events where the expression changes and something else does.
    pub(super) fn update_task_queue(&mut self, command: UpdateTaskQueue) -> Answer {
        let UpdateTaskQueue {
            id,
            expected_version,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
        } = command;
        let old = find(&self.task_queues, id, "taskQueueId")?;
        checks::version(expected_version, old.version)?;
        let mut queue = old.clone();
        if let Some(name) = name {
            queue.name = self.name_of_queue(id, &name)?;
        }
        if let Some(workers) = max_reserved_workers {
            checks::within(workers, 1..=50, "maxReservedWorkers")?;
            queue.max_reserved_workers = workers;
        }
        if let Some(order) = task_order {
            queue.task_order = order;
        }
        if let Some(limit) = wrap_up_limit_seconds {
            check_wrap_up_limit(limit)?;
            queue.wrap_up_limit_seconds = limit;
        }
        let target_workers = match target_workers {
            None => old.target_workers.clone(),
            Some(text) => target(&text)?,
        };
        if queue != old {
            queue.version += 1;
            queue.updated_at = self.now;
            self.task_queues.insert(id, queue.clone());
            self.record(Event::TaskQueueUpdated { task_queue: Arc::new(queue.clone()) });
        }
        if target_workers != old.target_workers {
            queue.target_workers = target_workers;
            queue.version += 1;
            queue.updated_at = self.now;
            self.task_queues.insert(id, queue.clone());
            self.record(Event::TaskQueueExpressionUpdated { task_queue: Arc::new(queue) });
        }
        Ok(())
    }

    fn name_of_queue(&self, id: TaskQueueId, name: &str) -> Result<String, Refusal> {
        let others = self.task_queues.values().filter(|other| other.id != id);
        checks::name(name, others.map(|other| &other.name))
    }

    pub(super) fn create_workflow(&mut self, command: CreateWorkflow) -> Answer {
        let CreateWorkflow { id, name, configuration, task_reservation_timeout_seconds } = command;
        demand(!self.workflows.contains_key(&id), Refusal::bad_input("id"))?;
        let name = self.name_of_workflow(id, &name)?;
        demand(self.workflows.len() < self.limits.workflows_max, Refusal::limit(None))?;
        let configuration = self.configuration(&configuration)?;
        let seconds = task_reservation_timeout_seconds.unwrap_or(120);
        checks::within(seconds, 1..=86_400, "taskReservationTimeoutSeconds")?;
        let workflow = Workflow {
            id,
            name,
            revisions: vec![Revision { number: 1, configuration }],
            task_reservation_timeout_seconds: seconds,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.workflows.insert(id, workflow.clone());
        self.record(Event::WorkflowCreated { workflow: Arc::new(workflow) });
        Ok(())
    }

    /// `routing.md` 2.8: Tasks under way go on with the document that they follow, which therefore stays.
    pub(super) fn update_workflow(&mut self, command: UpdateWorkflow) -> Answer {
        let UpdateWorkflow {
            id,
            expected_version,
            name,
            configuration,
            task_reservation_timeout_seconds,
            re_evaluate_tasks,
        } = command;
        let old = find(&self.workflows, id, "workflowId")?;
        checks::version(expected_version, old.version)?;
        let mut new = old.clone();
        if let Some(name) = name {
            new.name = self.name_of_workflow(id, &name)?;
        }
        if let Some(seconds) = task_reservation_timeout_seconds {
            checks::within(seconds, 1..=86_400, "taskReservationTimeoutSeconds")?;
            new.task_reservation_timeout_seconds = seconds;
        }
        let present = old.revisions.last().expect("there is one").clone();
        if let Some(document) = configuration
            && document != present.configuration.document
        {
            let configuration = self.configuration(&document)?;
            new.revisions.retain(|revision| self.is_followed(id, revision.number));
            // Whoever is not pending goes on with the old one in any case.
            let stays = |revision: &&Revision| {
                self.tasks.values().any(|task| {
                    let step = if task.workflow == Some(id) { task.step() } else { None };
                    let goes = re_evaluate_tasks && task.status() == TaskStatus::Pending;
                    step.is_some_and(|step| step.revision == revision.number && !goes)
                })
            };
            let n_followed = new.revisions.iter().filter(stays).count();
            demand(n_followed < REVISIONS_MAX, Refusal::limit(None))?;
            new.revisions.push(Revision { number: present.number + 1, configuration });
        }
        if new != old {
            new.version += 1;
            new.updated_at = self.now;
            self.workflows.insert(id, new.clone());
            self.record(Event::WorkflowUpdated { workflow: Arc::new(new) });
        }
        if re_evaluate_tasks {
            let tasks: Vec<TaskId> = self.tasks.keys().copied().collect();
            for task in tasks {
                let is_in_workflow = self.tasks[&task].workflow == Some(id) && self.step(task).is_some();
                if is_in_workflow && self.tasks[&task].status() == TaskStatus::Pending {
                    self.redrive(task);
                }
            }
        }
        Ok(())
    }

    pub(super) fn is_followed(&self, workflow: WorkflowId, revision: u32) -> bool {
        self.tasks.values().any(|task| {
            task.workflow == Some(workflow)
                && self.step(task.id).is_some_and(|step| step.revision == revision)
        })
    }

    fn name_of_workflow(&self, id: WorkflowId, name: &str) -> Result<String, Refusal> {
        let others = self.workflows.values().filter(|other| other.id != id);
        checks::name(name, others.map(|other| &other.name))
    }

    fn configuration(&self, document: &Attributes) -> Result<Arc<WorkflowConfiguration>, Refusal> {
        let is_short = document.as_str().len() <= self.limits.workflow_configuration_bytes_max;
        demand(is_short, Refusal::limit(Some("configuration")))?;
        let invalid = Refusal { code: Code::InvalidWorkflow, field: Some("configuration") };
        let configuration = WorkflowConfiguration::parse(document).map_err(|_| invalid.clone())?;
        let of_filters = configuration.filters.iter().flat_map(|filter| &filter.targets);
        for target in of_filters.chain(&configuration.default_filter) {
            demand(self.task_queues.contains_key(&target.queue), invalid.clone())?;
        }
        Ok(Arc::new(configuration))
    }
}

/// 6.1.
fn check_wrap_up_limit(limit: Option<u32>) -> Answer {
    limit.map_or(Ok(()), |seconds| checks::within(seconds, 1..=86_400, "wrapUpLimitSeconds"))
}

fn target(target_workers: &str) -> Result<TargetWorkers, Refusal> {
    demand(!target_workers.contains('\0'), Refusal::bad_input("targetWorkers"))?;
    let invalid = Refusal { code: Code::InvalidExpression, field: Some("targetWorkers") };
    TargetWorkers::parse(target_workers).map_err(|_| invalid)
}
