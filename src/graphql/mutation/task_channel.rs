//! Task Channels.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{CreateTaskChannel, UpdateTaskChannel};
use routing::ids::TaskChannelId;

use super::{Change, keep};
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count};
use crate::graphql::scope::Scope;
use crate::graphql::types::task_channel::TaskChannel;

/// The mutations of Task Channels.
#[derive(Default)]
pub struct TaskChannelMutations;

#[Object]
impl TaskChannelMutations {
    /// Creates a Task Channel. Each Worker can take one Task of it at a time, until that is changed with
    /// `updateWorkerChannel`. Admins only. Errors: `BAD_USER_INPUT` where the unique name is taken or cannot be
    /// written in an expression, `LIMIT_EXCEEDED` where there are 15 of them.
    async fn create_task_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateTaskChannelInput,
    ) -> Result<TaskChannelPayload> {
        let CreateTaskChannelInput {
            workspace_id,
            name,
            unique_name,
            channel_optimized_routing,
            idempotency_key,
        } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: TaskChannelId = scope.access().mint();
        let channel_optimized_routing = channel_optimized_routing.unwrap_or(false);
        let command = Command::CreateTaskChannel(CreateTaskChannel {
            id: new,
            name,
            unique_name,
            channel_optimized_routing,
        });
        TaskChannelPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Changes a Task Channel. Its unique name cannot change. Admins only.
    async fn update_task_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateTaskChannelInput,
    ) -> Result<TaskChannelPayload> {
        let UpdateTaskChannelInput {
            task_channel_id,
            name,
            channel_optimized_routing,
            expected_version,
            idempotency_key,
        } = input;
        let channel: TaskChannelId = id("taskChannelId", &task_channel_id)?;
        let command = Command::UpdateTaskChannel(UpdateTaskChannel {
            id: channel,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            channel_optimized_routing: keep("channelOptimizedRouting", channel_optimized_routing)?,
        });
        let scope = Scope::around(ctx, "taskChannelId", channel).await?;
        TaskChannelPayload::of(&Change::make(ctx, &scope, channel, idempotency_key, command).await?)
    }
}

/// A new Task Channel.
#[derive(InputObject)]
pub struct CreateTaskChannelInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// What people call it; 1 to 64 characters.
    pub name: String,
    /// Identifier used in expressions and when Tasks are created: 1 to 64 letters, digits, `_` and `$`, without a
    /// digit in front. Unique in the Workspace without regard to case. Cannot change later.
    pub unique_name: String,
    /// Is it to have a round-robin circle of its own? False where left out.
    pub channel_optimized_routing: Option<bool>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a Task Channel. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateTaskChannelInput {
    /// The Task Channel.
    pub task_channel_id: ID,
    /// What people call it; 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Is it to have a round-robin circle of its own? From then on, Workers take turns on this channel by their last
    /// Reservation on it; without, by their last one on any channel.
    pub channel_optimized_routing: MaybeUndefined<bool>,
    /// The `version` of the Task Channel that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Task Channel that was created or changed.
#[derive(SimpleObject)]
pub struct TaskChannelPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Task Channel after the change.
    pub task_channel: TaskChannel,
}

impl TaskChannelPayload {
    fn of(change: &Change<TaskChannelId>) -> Result<TaskChannelPayload> {
        let task_channel = change.show(|state| &state.task_channels)?;
        Ok(TaskChannelPayload { sequence: change.sequence, task_channel })
    }
}
