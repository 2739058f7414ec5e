//! Where a Task waits that no Workflow routes: it was directed to a Worker or a TaskQueue when it was created, or is
//! transferred there (`routing.md` 2.10 and 6.4).

use std::sync::Arc;

use super::check::bad_input;
use crate::command::CreateTask;
use crate::event::Event;
use crate::ids::{TaskId, TaskQueueId, WorkflowId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::task::{Place, RoutingTarget};
use crate::state::{Phase, Task};

/// How a new Task is to be routed.
pub(super) struct Direction {
    pub(super) to: RoutingTarget,
    /// The Worker is offered it whatever they do.
    pub(super) ignore_capacity: bool,
}

impl Router {
    /// How a Task that is to be created wants to be routed: through the Workflow that it names, or the only one; or
    /// directly.
    pub(super) fn direction(&self, command: &CreateTask) -> Result<Direction, Rejection> {
        let CreateTask { workflow, routing_target, ignore_capacity, .. } = command;
        if let (Some(_), Some(_)) = (workflow, routing_target) {
            let message = "a Task goes either through a Workflow or to a target: name one of them";
            return Err(bad_input("routingTargetId", message));
        }
        if ignore_capacity.is_some() && !matches!(routing_target, Some(RoutingTarget::Worker(_))) {
            let message = "capacity can be ignored only for a Task that is directed to a Worker";
            return Err(bad_input("ignoreCapacity", message));
        }
        let field = "routingTargetId";
        let to = match *routing_target {
            None => RoutingTarget::Workflow(self.workflow_of_new_task(*workflow)?),
            Some(RoutingTarget::Workflow(id)) => RoutingTarget::Workflow(self.workflow(id, field)?.id),
            Some(RoutingTarget::TaskQueue(id)) => RoutingTarget::TaskQueue(self.task_queue(id, field)?.id),
            Some(RoutingTarget::Worker(id)) => RoutingTarget::Worker(self.worker(id, field)?.id),
        };
        let is_to_worker = matches!(to, RoutingTarget::Worker(_));
        Ok(Direction { to, ignore_capacity: is_to_worker && ignore_capacity.unwrap_or(true) })
    }

    /// A pending Task goes where it is sent.
    pub(super) fn send(&mut self, id: TaskId, to: RoutingTarget) {
        match to {
            RoutingTarget::Workflow(_) => self.enter_workflow(id),
            RoutingTarget::TaskQueue(queue) => self.enter_queue(id, queue),
            // It waits for the Worker already: see `first_place`.
            RoutingTarget::Worker(_) => {}
        }
    }

    /// A pending Task waits in a TaskQueue, for whoever serves it.
    fn enter_queue(&mut self, id: TaskId, queue: TaskQueueId) {
        let old = &self.state.tasks[&id];
        let from = old.task_queue;
        let mut task = self.changed(old);
        wait_at(&mut task, Place::TaskQueue);
        task.task_queue = Some(queue);
        task.task_queue_entered_at = Some(self.now);
        self.emit(entered(task, from));
    }

    fn workflow_of_new_task(&self, given: Option<WorkflowId>) -> Result<WorkflowId, Rejection> {
        if let Some(id) = given {
            return Ok(self.workflow(id, "workflowId")?.id);
        }
        let mut workflows = self.state.workflows.keys();
        match (workflows.next(), workflows.next()) {
            (Some(only), None) => Ok(*only),
            _ => {
                let n_workflows = self.state.workflows.len();
                let message =
                    format!("the Workspace has {n_workflows} Workflows: name the one that routes the Task");
                Err(bad_input("workflowId", message))
            }
        }
    }
}

/// Sets where a pending Task waits.
pub(super) fn wait_at(task: &mut Task, place: Place) {
    let Phase::Pending(waiting) = &mut task.phase else {
        unreachable!("only a pending Task is sent somewhere");
    };
    waiting.place = Some(place);
}

/// That a Task has come to its TaskQueue.
pub(super) fn entered(task: Task, from: Option<TaskQueueId>) -> Event {
    let to = task.task_queue;
    let task = Arc::new(task);
    match from {
        Some(previous_task_queue) if Some(previous_task_queue) != to => {
            Event::TaskQueueMoved { task, previous_task_queue }
        }
        _ => Event::TaskQueueEntered { task },
    }
}

/// Where a Task waits before it has gone anywhere: a Worker is waited for from the beginning, while a TaskQueue or a
/// Workflow is entered.
pub(super) fn first_place(target: RoutingTarget) -> Option<Place> {
    match target {
        RoutingTarget::Worker(worker) => Some(Place::Worker(worker)),
        RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => None,
    }
}
