//! TaskQueues.

use std::sync::Arc;

use super::check;
use crate::command::{CreateTaskQueue, UpdateTaskQueue};
use crate::event::Event;
use crate::ids::{Id, TaskQueueId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::{TargetWorkers, TaskOrder, TaskQueue};

/// How many Workers one Task may be offered to at the same time (`routing.md` 3.1).
const MAX_RESERVED_WORKERS_MAX: u32 = 50;
/// The longest limit of wrapping up, in seconds: a day.
const WRAP_UP_LIMIT_SECONDS_MAX: u32 = 86_400;

impl Router {
    pub(super) fn create_task_queue(&mut self, command: CreateTaskQueue) -> Result<(), Rejection> {
        let CreateTaskQueue {
            id,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
        } = command;
        check::unused(&self.state.task_queues, id)?;
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.task_queue_named(&name).map(|queue| queue.id), &name)?;
        check::room(
            self.state.task_queues.len(),
            self.limits.task_queues_max,
            "TaskQueues in the Workspace",
        )?;
        let task_queue = TaskQueue {
            id,
            name,
            target_workers: parse(target_workers.as_deref().unwrap_or("1==1"))?,
            max_reserved_workers: max_reserved(max_reserved_workers.unwrap_or(1))?,
            task_order: task_order.unwrap_or(TaskOrder::Fifo),
            wrap_up_limit_seconds: wrap_up_limit_seconds.map(wrap_up_limit).transpose()?,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.emit(Event::TaskQueueCreated { task_queue: Arc::new(task_queue) });
        Ok(())
    }

    pub(super) fn update_task_queue(&mut self, command: UpdateTaskQueue) -> Result<(), Rejection> {
        let UpdateTaskQueue {
            id,
            expected_version,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
        } = command;
        let old = self.task_queue(id, "taskQueueId")?;
        check::version(TaskQueueId::KIND, expected_version, old.version)?;
        let mut new = TaskQueue::clone(&old);
        if let Some(name) = name {
            new.name = check::name(&name, "name")?;
            check::unique(id, self.state.task_queue_named(&new.name).map(|queue| queue.id), &new.name)?;
        }
        if let Some(workers) = max_reserved_workers {
            new.max_reserved_workers = max_reserved(workers)?;
        }
        if let Some(order) = task_order {
            new.task_order = order;
        }
        if let Some(limit) = wrap_up_limit_seconds {
            new.wrap_up_limit_seconds = limit.map(wrap_up_limit).transpose()?;
        }
        let target_workers = target_workers.as_deref().map(parse).transpose()?;

        if new != *old {
            new.version += 1;
            new.updated_at = self.now;
            self.emit(Event::TaskQueueUpdated { task_queue: Arc::new(new.clone()) });
        }
        if let Some(target_workers) = target_workers.filter(|target| *target != old.target_workers) {
            let (version, updated_at) = (new.version + 1, self.now);
            let task_queue = Arc::new(TaskQueue { target_workers, version, updated_at, ..new });
            self.emit(Event::TaskQueueExpressionUpdated { task_queue });
        }
        Ok(())
    }
}

fn parse(target_workers: &str) -> Result<TargetWorkers, Rejection> {
    check::without_nul(target_workers, "targetWorkers")?;
    TargetWorkers::parse(target_workers)
        .map_err(|error| Rejection::InvalidExpression { field: "targetWorkers", error })
}

fn max_reserved(workers: u32) -> Result<u32, Rejection> {
    check::range(workers, 1, MAX_RESERVED_WORKERS_MAX, "maxReservedWorkers")
}

fn wrap_up_limit(seconds: u32) -> Result<u32, Rejection> {
    check::range(seconds, 1, WRAP_UP_LIMIT_SECONDS_MAX, "wrapUpLimitSeconds")
}
