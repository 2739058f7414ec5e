//! TaskQueues.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{CreateTaskQueue, UpdateTaskQueue};
use routing::ids::TaskQueueId;

use super::{Change, keep, keep_or_clear};
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count};
use crate::graphql::scope::Scope;
use crate::graphql::types::task_queue::{TaskOrder, TaskQueue};

/// The mutations of TaskQueues.
#[derive(Default)]
pub struct TaskQueueMutations;

#[Object]
impl TaskQueueMutations {
    /// Creates a TaskQueue. Admins only. Errors: `BAD_USER_INPUT` where the name is taken, `INVALID_EXPRESSION`,
    /// `LIMIT_EXCEEDED`.
    async fn create_task_queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateTaskQueueInput,
    ) -> Result<TaskQueuePayload> {
        let CreateTaskQueueInput {
            workspace_id,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
            idempotency_key,
        } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: TaskQueueId = scope.access().mint();
        let command = Command::CreateTaskQueue(CreateTaskQueue {
            id: new,
            name,
            target_workers,
            max_reserved_workers: optional_count("maxReservedWorkers", max_reserved_workers)?,
            task_order: task_order.map(Into::into),
            wrap_up_limit_seconds: optional_count("wrapUpLimitSeconds", wrap_up_limit_seconds)?,
        });
        TaskQueuePayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Changes a TaskQueue. Workers who become eligible are offered waiting Tasks at once; offers that were
    /// made stay. Admins only. Errors: `BAD_USER_INPUT` where the name is taken, `INVALID_EXPRESSION`.
    async fn update_task_queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateTaskQueueInput,
    ) -> Result<TaskQueuePayload> {
        let UpdateTaskQueueInput {
            task_queue_id,
            name,
            target_workers,
            max_reserved_workers,
            task_order,
            wrap_up_limit_seconds,
            expected_version,
            idempotency_key,
        } = input;
        let queue: TaskQueueId = id("taskQueueId", &task_queue_id)?;
        let max_reserved_workers = keep("maxReservedWorkers", max_reserved_workers)?;
        let command = Command::UpdateTaskQueue(UpdateTaskQueue {
            id: queue,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            target_workers: keep("targetWorkers", target_workers)?,
            max_reserved_workers: optional_count("maxReservedWorkers", max_reserved_workers)?,
            task_order: keep("taskOrder", task_order)?.map(Into::into),
            wrap_up_limit_seconds: keep_or_clear(wrap_up_limit_seconds)
                .map(|seconds| optional_count("wrapUpLimitSeconds", seconds))
                .transpose()?,
        });
        let scope = Scope::around(ctx, "taskQueueId", queue).await?;
        TaskQueuePayload::of(&Change::make(ctx, &scope, queue, idempotency_key, command).await?)
    }
}

/// A new TaskQueue.
#[derive(InputObject)]
pub struct CreateTaskQueueInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: String,
    /// The expression that is true for the Workers who are to serve it. `1==1`, everybody, where left out;
    /// empty text is nobody.
    pub target_workers: Option<String>,
    /// How many Workers a Task may be offered to at the same time: 1 to 50, 1 where left out.
    pub max_reserved_workers: Option<i32>,
    /// Which Task is served first. `FIFO` where left out.
    pub task_order: Option<TaskOrder>,
    /// After how many seconds a Reservation of its Tasks that is being wrapped up is completed by the server: 1 to
    /// 86,400. Left out: it may take as long as it takes.
    pub wrap_up_limit_seconds: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a TaskQueue. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateTaskQueueInput {
    /// The TaskQueue.
    pub task_queue_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// The expression that is true for the Workers who are to serve it. Empty text is nobody.
    pub target_workers: MaybeUndefined<String>,
    /// How many Workers a Task may be offered to at the same time: 1 to 50.
    pub max_reserved_workers: MaybeUndefined<i32>,
    /// Which Task is served first.
    pub task_order: MaybeUndefined<TaskOrder>,
    /// After how many seconds a Reservation of its Tasks that is being wrapped up is completed by the server: 1 to
    /// 86,400. Null: it may take as long as it takes.
    pub wrap_up_limit_seconds: MaybeUndefined<i32>,
    /// The `version` of the TaskQueue that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A TaskQueue that was created or changed.
#[derive(SimpleObject)]
pub struct TaskQueuePayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The TaskQueue after the change.
    pub task_queue: TaskQueue,
}

impl TaskQueuePayload {
    fn of(change: &Change<TaskQueueId>) -> Result<TaskQueuePayload> {
        Ok(TaskQueuePayload {
            sequence: change.sequence,
            task_queue: change.show(|state| &state.task_queues)?,
        })
    }
}
