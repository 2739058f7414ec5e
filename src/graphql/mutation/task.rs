//! Tasks.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::command::{CancelTask, CompleteTask, CreateTask, TaskChannelRef, UpdateTask, WrapUpTask};
use routing::ids::TaskId;
use routing::{Attributes, Command};

use super::{Change, keep, once};
use crate::caller::{Once, Request};
use crate::graphql::error::{Error, ErrorCode, Result};
use crate::graphql::scalars::{
    DateTime, JsonObject, Sequence, id, optional_count, optional_id, routing_target,
};
use crate::graphql::scope::Scope;
use crate::graphql::types::task::Task;

/// How many Tasks can be created at once: what one commit takes without keeping others waiting.
const TASKS_AT_ONCE_MAX: usize = 500;

/// The Task Channel of a Task that names none.
const TASK_CHANNEL_DEFAULT: &str = "default";

/// The mutations of Tasks.
#[derive(Default)]
pub struct TaskMutations;

#[Object]
impl TaskMutations {
    /// Creates a Task and routes it: through a Workflow, or directly to a Worker or a TaskQueue. Admins and
    /// supervisors. Errors: `LIMIT_EXCEEDED`.
    async fn create_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateTaskInput,
    ) -> Result<TaskPayload> {
        let CreateTaskInput {
            workspace_id,
            workflow_id,
            routing_target_id,
            ignore_capacity,
            task_channel_id,
            task_channel_name,
            attributes,
            priority,
            timeout_seconds,
            virtual_start_time,
            idempotency_key,
        } = input;
        let new_task = NewTaskInput {
            workflow_id,
            routing_target_id,
            ignore_capacity,
            task_channel_id,
            task_channel_name,
            attributes,
            priority,
            timeout_seconds,
            virtual_start_time,
        };
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: TaskId = scope.access().mint();
        let command = new_task.into_command(new)?;
        TaskPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Creates up to 500 Tasks at once, in one commit. Each has its own outcome: those that cannot be created
    /// do not hinder the others. Admins and supervisors.
    async fn create_tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateTasksInput,
    ) -> Result<CreateTasksPayload> {
        let CreateTasksInput { workspace_id, tasks, idempotency_key } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        scope.access().check_may_create_tasks()?;
        if tasks.is_empty() || tasks.len() > TASKS_AT_ONCE_MAX {
            let message = format!("expected 1 to {TASKS_AT_ONCE_MAX} Tasks, not {}", tasks.len());
            return Err(Error::bad_input("tasks", message));
        }
        let once = once::once(ctx, idempotency_key)?;

        let mut requests = Vec::with_capacity(tasks.len());
        let mut outcomes: Vec<Result<TaskId>> = Vec::with_capacity(tasks.len());
        for (part, (task, new)) in tasks.into_iter().zip(scope.access().mint_several()).enumerate() {
            let once = once.clone().map(|once| Once { part, ..once });
            let request = task.into_command(new);
            let request = request.map(|command| Request { command, subject: new.to_string(), once });
            outcomes.push(request.map(|request| {
                requests.push(request);
                new
            }));
        }
        let mut answers = scope.access().execute_all(requests).await?.into_iter();
        let changes = outcomes.into_iter().map(|outcome| {
            let new = outcome?;
            let answer = answers.next();
            let answer = answer.ok_or_else(|| Error::internal("a command of several has no outcome"))?;
            Change::of(&scope, new, answer?)
        });
        CreateTasksPayload::of(&scope, changes.collect())
    }

    /// Changes a Task. New attributes send a pending Task through its Workflow again. A Worker's token may
    /// change the attributes of a Task that its Worker has accepted. Errors: `INVALID_STATE` where another Task
    /// Channel is wanted and the Task is not `PENDING` or is transferred, `LIMIT_EXCEEDED`.
    async fn update_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateTaskInput,
    ) -> Result<TaskPayload> {
        let UpdateTaskInput {
            task_id,
            attributes,
            priority,
            task_channel_id,
            task_channel_name,
            virtual_start_time,
            expected_version,
            idempotency_key,
        } = input;
        let task: TaskId = id("taskId", &task_id)?;
        let channel_id = keep("taskChannelId", task_channel_id)?;
        let channel_name = keep("taskChannelName", task_channel_name)?;
        let command = Command::UpdateTask(UpdateTask {
            id: task,
            expected_version: optional_count("expectedVersion", expected_version)?,
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
            priority: optional_count("priority", keep("priority", priority)?)?,
            task_channel: task_channel(channel_id.as_ref(), channel_name)?,
            virtual_start_time: keep("virtualStartTime", virtual_start_time)?.map(|at| at.0),
        });
        let scope = Scope::around(ctx, "taskId", task).await?;
        TaskPayload::of(&Change::make(ctx, &scope, task, idempotency_key, command).await?)
    }

    /// Cancels a Task that no Worker has yet, with all its offers. Admins and supervisors. Errors:
    /// `INVALID_STATE` unless it is `PENDING` or `RESERVED`, and while it is transferred `WARM`.
    async fn cancel_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to cancel.")] input: CancelTaskInput,
    ) -> Result<TaskPayload> {
        let CancelTaskInput { task_id, reason, attributes, expected_version, idempotency_key } = input;
        let task: TaskId = id("taskId", &task_id)?;
        let command = Command::CancelTask(CancelTask {
            id: task,
            expected_version: optional_count("expectedVersion", expected_version)?,
            reason,
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
        });
        let scope = Scope::around(ctx, "taskId", task).await?;
        TaskPayload::of(&Change::make(ctx, &scope, task, idempotency_key, command).await?)
    }

    /// Begins the wrap-up of a Task, with all its accepted Reservations. A Worker's token may do it with a Task
    /// that its Worker has accepted. Errors: `INVALID_STATE` unless it is `ASSIGNED`, and while it is transferred.
    async fn wrap_up_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to wrap up.")] input: WrapUpTaskInput,
    ) -> Result<TaskPayload> {
        let WrapUpTaskInput { task_id, attributes, expected_version, idempotency_key } = input;
        let task: TaskId = id("taskId", &task_id)?;
        let command = Command::WrapUpTask(WrapUpTask {
            id: task,
            expected_version: optional_count("expectedVersion", expected_version)?,
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
        });
        let scope = Scope::around(ctx, "taskId", task).await?;
        TaskPayload::of(&Change::make(ctx, &scope, task, idempotency_key, command).await?)
    }

    /// Completes a Task, with all its open Reservations. A Worker's token may do it with a Task that its Worker
    /// has accepted. Errors: `INVALID_STATE` unless it is `ASSIGNED` or `WRAPPING`.
    async fn complete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to complete.")] input: CompleteTaskInput,
    ) -> Result<TaskPayload> {
        let CompleteTaskInput { task_id, reason, attributes, expected_version, idempotency_key } = input;
        let task: TaskId = id("taskId", &task_id)?;
        let command = Command::CompleteTask(CompleteTask {
            id: task,
            expected_version: optional_count("expectedVersion", expected_version)?,
            reason,
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
        });
        let scope = Scope::around(ctx, "taskId", task).await?;
        TaskPayload::of(&Change::make(ctx, &scope, task, idempotency_key, command).await?)
    }
}

/// A new Task.
#[derive(InputObject)]
pub struct CreateTaskInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// The Workflow that routes it. May be left out where the Workspace has only one, or with `routingTargetId`.
    pub workflow_id: Option<ID>,
    /// Sends the Task here directly: the id of a Worker, a TaskQueue or a Workflow. In a TaskQueue, and for a Worker,
    /// it waits without steps, until its time to live ends. Not together with `workflowId`.
    pub routing_target_id: Option<ID>,
    /// Only where `routingTargetId` is a Worker; true where left out. True: the Task is offered at once, whatever the
    /// Worker does and however much they have; when that offer fails it waits for them. False: it waits until the
    /// Worker is available and has room.
    pub ignore_capacity: Option<bool>,
    /// Which capacity it uses, by the id of the Task Channel. Left out together with `taskChannelName`: the
    /// channel `default`.
    pub task_channel_id: Option<ID>,
    /// Which capacity it uses, by the unique name of the Task Channel. Not together with `taskChannelId`.
    pub task_channel_name: Option<String>,
    /// What the work is about: at most 4,096 characters. `{}` where left out.
    pub attributes: Option<JsonObject>,
    /// Larger is served first: 0 to 2,147,483,647, 0 where left out. A target of the Workflow that sets a
    /// priority wins.
    pub priority: Option<i32>,
    /// Time to live while no Worker has it, in seconds: 1 to 1,209,600, 86,400 where left out.
    pub timeout_seconds: Option<i32>,
    /// Stands for the creation time where Tasks are ordered by how long they wait: since 1900, and not in the
    /// future. Now where left out.
    pub virtual_start_time: Option<DateTime>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Several new Tasks.
#[derive(InputObject)]
pub struct CreateTasksInput {
    /// The Workspace that they are to belong to.
    pub workspace_id: ID,
    /// The Tasks, 1 to 500.
    pub tasks: Vec<NewTaskInput>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client. A repeat creates
    /// the Tasks that could not be created before, if they can be now.
    pub idempotency_key: Option<String>,
}

/// One of several new Tasks.
#[derive(InputObject)]
pub struct NewTaskInput {
    /// The Workflow that routes it. May be left out where the Workspace has only one, or with `routingTargetId`.
    pub workflow_id: Option<ID>,
    /// Sends the Task here directly: the id of a Worker, a TaskQueue or a Workflow. In a TaskQueue, and for a Worker,
    /// it waits without steps, until its time to live ends. Not together with `workflowId`.
    pub routing_target_id: Option<ID>,
    /// Only where `routingTargetId` is a Worker; true where left out. True: the Task is offered at once, whatever the
    /// Worker does and however much they have; when that offer fails it waits for them. False: it waits until the
    /// Worker is available and has room.
    pub ignore_capacity: Option<bool>,
    /// Which capacity it uses, by the id of the Task Channel. Left out together with `taskChannelName`: the
    /// channel `default`.
    pub task_channel_id: Option<ID>,
    /// Which capacity it uses, by the unique name of the Task Channel. Not together with `taskChannelId`.
    pub task_channel_name: Option<String>,
    /// What the work is about: at most 4,096 characters. `{}` where left out.
    pub attributes: Option<JsonObject>,
    /// Larger is served first: 0 to 2,147,483,647, 0 where left out. A target of the Workflow that sets a
    /// priority wins.
    pub priority: Option<i32>,
    /// Time to live while no Worker has it, in seconds: 1 to 1,209,600, 86,400 where left out.
    pub timeout_seconds: Option<i32>,
    /// Stands for the creation time where Tasks are ordered by how long they wait: since 1900, and not in the
    /// future. Now where left out.
    pub virtual_start_time: Option<DateTime>,
}

impl NewTaskInput {
    fn into_command(self, new: TaskId) -> Result<Command> {
        let NewTaskInput {
            workflow_id,
            routing_target_id,
            ignore_capacity,
            task_channel_id,
            task_channel_name,
            attributes,
            priority,
            timeout_seconds,
            virtual_start_time,
        } = self;
        let channel = task_channel(task_channel_id.as_ref(), task_channel_name)?;
        Ok(Command::CreateTask(CreateTask {
            id: new,
            workflow: optional_id("workflowId", workflow_id.as_ref())?,
            routing_target: routing_target_id
                .map(|target| routing_target("routingTargetId", &target))
                .transpose()?,
            ignore_capacity,
            task_channel: channel
                .unwrap_or_else(|| TaskChannelRef::UniqueName(TASK_CHANNEL_DEFAULT.to_owned())),
            attributes: attributes.map_or_else(Attributes::empty, JsonObject::into_attributes),
            priority: optional_count("priority", priority)?,
            timeout_seconds: optional_count("timeoutSeconds", timeout_seconds)?,
            virtual_start_time: virtual_start_time.map(|at| at.0),
        }))
    }
}

fn task_channel(channel_id: Option<&ID>, name: Option<String>) -> Result<Option<TaskChannelRef>> {
    match (channel_id, name) {
        (None, None) => Ok(None),
        (Some(channel_id), None) => Ok(Some(TaskChannelRef::Id(id("taskChannelId", channel_id)?))),
        (None, Some(name)) => Ok(Some(TaskChannelRef::UniqueName(name))),
        (Some(_), Some(_)) => Err(Error::bad_input(
            "taskChannelName",
            "expected either taskChannelId or taskChannelName, not both",
        )),
    }
}

/// New values for a Task. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateTaskInput {
    /// The Task.
    pub task_id: ID,
    /// All attributes: what is not among them is gone. At most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// Larger is served first: 0 to 2,147,483,647. The next target of the Workflow that sets a priority
    /// overwrites it.
    pub priority: MaybeUndefined<i32>,
    /// Which capacity it uses, by the id of the Task Channel. Only while it is `PENDING`.
    pub task_channel_id: MaybeUndefined<ID>,
    /// Which capacity it uses, by the unique name of the Task Channel. Not together with `taskChannelId`.
    pub task_channel_name: MaybeUndefined<String>,
    /// Stands for the creation time where Tasks are ordered by how long they wait: since 1900, and not in the
    /// future.
    pub virtual_start_time: MaybeUndefined<DateTime>,
    /// The `version` of the Task that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Task to be canceled.
#[derive(InputObject)]
pub struct CancelTaskInput {
    /// The Task.
    pub task_id: ID,
    /// Why; 1 to 1,024 characters.
    pub reason: String,
    /// All attributes, to be changed along with it: at most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// The `version` of the Task that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Task to be wrapped up.
#[derive(InputObject)]
pub struct WrapUpTaskInput {
    /// The Task.
    pub task_id: ID,
    /// All attributes, to be changed along with it: at most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// The `version` of the Task that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Task to be completed.
#[derive(InputObject)]
pub struct CompleteTaskInput {
    /// The Task.
    pub task_id: ID,
    /// How it ended, for people and reports; 1 to 1,024 characters.
    pub reason: Option<String>,
    /// All attributes, to be changed along with it: at most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// The `version` of the Task that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Task that was created or changed.
#[derive(SimpleObject)]
pub struct TaskPayload {
    /// The position of the last event of the change. Routing follows at once, and belongs to it.
    pub sequence: Sequence,
    /// The Task after the change.
    pub task: Task,
}

impl TaskPayload {
    fn of(change: &Change<TaskId>) -> Result<TaskPayload> {
        Ok(TaskPayload { sequence: change.sequence, task: change.show(|state| &state.tasks)? })
    }
}

/// What became of several new Tasks.
#[derive(SimpleObject)]
pub struct CreateTasksPayload {
    /// The position of the last event of the change; the newest one where nothing could be created.
    pub sequence: Sequence,
    /// One for each Task of the input, in the same order.
    pub outcomes: Vec<CreateTasksOutcome>,
}

/// What became of one of several new Tasks: either `task` or `error` is there.
#[derive(SimpleObject)]
pub struct CreateTasksOutcome {
    /// The Task, after the change.
    pub task: Option<Task>,
    /// Why it could not be created.
    pub error: Option<CreateTasksError>,
}

/// Why one of several Tasks could not be created.
#[derive(SimpleObject)]
pub struct CreateTasksError {
    /// For programs.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// The field of this Task's input that is to blame, where one is.
    pub field: Option<String>,
}

impl CreateTasksPayload {
    fn of(scope: &Scope, changes: Vec<Result<Change<TaskId>>>) -> Result<CreateTasksPayload> {
        // The client is told of a wrong key once, and not for each Task.
        if changes.iter().any(|change| matches!(change, Err(Error::KeyReused))) {
            return Err(Error::KeyReused);
        }
        let sequences = changes.iter().flatten().map(|change| change.sequence);
        let sequence = sequences.max().unwrap_or(Sequence(scope.state().sequence));
        let outcome = |change: Result<Change<TaskId>>| match change
            .and_then(|change| change.show(|state| &state.tasks))
        {
            Ok(task) => CreateTasksOutcome { task: Some(task), error: None },
            Err(error) => CreateTasksOutcome { task: None, error: Some(CreateTasksError::of(&error)) },
        };
        Ok(CreateTasksPayload { sequence, outcomes: changes.into_iter().map(outcome).collect() })
    }
}

impl CreateTasksError {
    fn of(error: &Error) -> CreateTasksError {
        CreateTasksError { code: error.code(), message: error.message(), field: error.field() }
    }
}
