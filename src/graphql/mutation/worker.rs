//! Workers and their channels.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::command::{CreateWorker, SetWorkerActivity, UpdateWorker, UpdateWorkerChannel};
use routing::ids::{WorkerChannelId, WorkerId};
use routing::{Attributes, Command};

use super::{Change, keep};
use crate::graphql::error::{Error, Result};
use crate::graphql::scalars::{JsonObject, Sequence, id, optional_count, optional_id};
use crate::graphql::scope::Scope;
use crate::graphql::types::worker::Worker;
use crate::graphql::types::worker_channel::WorkerChannel;

/// The mutations of Workers.
#[derive(Default)]
pub struct WorkerMutations;

#[Object]
impl WorkerMutations {
    /// Creates a Worker, with a capacity of 1 on each Task Channel. Admins and supervisors. Errors:
    /// `BAD_USER_INPUT` where the name is taken, `LIMIT_EXCEEDED`.
    async fn create_worker(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateWorkerInput,
    ) -> Result<WorkerPayload> {
        let CreateWorkerInput { workspace_id, name, attributes, activity_id, idempotency_key } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: WorkerId = scope.access().mint();
        let command = Command::CreateWorker(CreateWorker {
            id: new,
            name,
            attributes: attributes.map_or_else(Attributes::empty, JsonObject::into_attributes),
            activity: optional_id("activityId", activity_id.as_ref())?,
        });
        WorkerPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Changes name or attributes of a Worker. With new attributes, the Worker may serve other TaskQueues;
    /// offers that were made stay. Admins and supervisors: attributes decide which work comes to a Worker.
    /// Errors: `BAD_USER_INPUT` where the name is taken, `LIMIT_EXCEEDED`.
    async fn update_worker(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateWorkerInput,
    ) -> Result<WorkerPayload> {
        let UpdateWorkerInput { worker_id, name, attributes, expected_version, idempotency_key } = input;
        let worker: WorkerId = id("workerId", &worker_id)?;
        let command = Command::UpdateWorker(UpdateWorker {
            id: worker,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
        });
        let scope = Scope::around(ctx, "workerId", worker).await?;
        WorkerPayload::of(&Change::make(ctx, &scope, worker, idempotency_key, command).await?)
    }

    /// Moves a Worker to an Activity. In one that is not available, nothing new is offered; what the Worker has
    /// stays. A Worker's token may move its own Worker.
    async fn set_worker_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who goes where.")] input: SetWorkerActivityInput,
    ) -> Result<WorkerPayload> {
        let SetWorkerActivityInput {
            worker_id,
            activity_id,
            reject_pending_reservations,
            expected_version,
            idempotency_key,
        } = input;
        let worker: WorkerId = id("workerId", &worker_id)?;
        let command = Command::SetWorkerActivity(SetWorkerActivity {
            id: worker,
            expected_version: optional_count("expectedVersion", expected_version)?,
            activity: id("activityId", &activity_id)?,
            reject_pending_reservations: reject_pending_reservations.unwrap_or(false),
        });
        let scope = Scope::around(ctx, "workerId", worker).await?;
        WorkerPayload::of(&Change::make(ctx, &scope, worker, idempotency_key, command).await?)
    }

    /// Sets capacity or switch of a worker channel. Less capacity than there is open work takes nothing away;
    /// nothing new is offered until there is room. Admins and supervisors.
    async fn update_worker_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateWorkerChannelInput,
    ) -> Result<WorkerChannelPayload> {
        let UpdateWorkerChannelInput {
            worker_channel_id,
            configured_capacity,
            available,
            expected_version,
            idempotency_key,
        } = input;
        let channel: WorkerChannelId = id("workerChannelId", &worker_channel_id)?;
        let configured_capacity = keep("configuredCapacity", configured_capacity)?;
        let scope = Scope::around(ctx, "workerChannelId", channel).await?;
        let present = scope.worker_channel(channel);
        let present = present.ok_or_else(|| Error::not_found(channel, "workerChannelId"))?;
        let command = Command::UpdateWorkerChannel(UpdateWorkerChannel {
            worker: present.worker_id(),
            task_channel: present.task_channel_id(),
            expected_version: optional_count("expectedVersion", expected_version)?,
            configured_capacity: optional_count("configuredCapacity", configured_capacity)?,
            available: keep("available", available)?,
        });
        let change = Change::make(ctx, &scope, channel, idempotency_key, command).await?;
        let worker_channel = change.scope.worker_channel(change.subject).ok_or_else(|| change.gone())?;
        Ok(WorkerChannelPayload { sequence: change.sequence, worker_channel })
    }
}

/// A new Worker.
#[derive(InputObject)]
pub struct CreateWorkerInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: String,
    /// What expressions look at: at most 4,096 characters. `{}` where left out.
    pub attributes: Option<JsonObject>,
    /// Where the Worker begins. The `defaultActivity` of the Workspace where left out.
    pub activity_id: Option<ID>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a Worker. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateWorkerInput {
    /// The Worker.
    pub worker_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// All attributes: what is not among them is gone. At most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// The `version` of the Worker that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// What a Worker does from now on.
#[derive(InputObject)]
pub struct SetWorkerActivityInput {
    /// The Worker.
    pub worker_id: ID,
    /// The Activity.
    pub activity_id: ID,
    /// Reject what is offered to the Worker, in the same change. Only with an Activity that is not available.
    /// False where left out: then offers stay until they are answered or time out.
    pub reject_pending_reservations: Option<bool>,
    /// The `version` of the Worker that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a worker channel. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateWorkerChannelInput {
    /// The worker channel.
    pub worker_channel_id: ID,
    /// How many Reservations may be open at the same time: 0 to 50. 0 means no work.
    pub configured_capacity: MaybeUndefined<i32>,
    /// The switch. Off means no new Tasks.
    pub available: MaybeUndefined<bool>,
    /// The `version` of the worker channel that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Worker that was created or changed.
#[derive(SimpleObject)]
pub struct WorkerPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Worker after the change.
    pub worker: Worker,
}

impl WorkerPayload {
    /// The Worker as the change has left it.
    pub(super) fn of(change: &Change<WorkerId>) -> Result<WorkerPayload> {
        Ok(WorkerPayload { sequence: change.sequence, worker: change.show(|state| &state.workers)? })
    }
}

/// A worker channel that was changed.
#[derive(SimpleObject)]
pub struct WorkerChannelPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The worker channel after the change.
    pub worker_channel: WorkerChannel,
}
