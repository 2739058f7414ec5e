//! Transfers.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{CancelTransfer, TransferTask};
use routing::ids::{TaskId, TaskTransferId};

use super::{Change, keep};
use crate::graphql::error::{Error, Result};
use crate::graphql::scalars::{JsonObject, Sequence, id, optional_count, routing_target};
use crate::graphql::scope::Scope;
use crate::graphql::types::task_transfer::{TaskTransfer, TransferMode};

/// The mutations of transfers.
#[derive(Default)]
pub struct TransferMutations;

#[Object]
impl TransferMutations {
    /// Hands a Task on, to a Worker, a TaskQueue or a Workflow. The Worker who has the Task is the one who does; a
    /// Worker's token may name only a Task that its Worker has accepted, admins and supervisors any. A Worker whom the
    /// Task is handed to must be available and have room on its channel; in a TaskQueue all who serve it are asked,
    /// whatever the Workflow's targets say. Until somebody accepts, the Task is `PENDING` or `RESERVED`, and its
    /// time to live counts anew. Errors: `INVALID_STATE` unless it is `ASSIGNED`, while another transfer is in
    /// progress, and where the Worker cannot take it now (the message says why); `LIMIT_EXCEEDED` at 100 transfers of
    /// one Task, and for attributes that are too long.
    async fn transfer_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to hand on, and to whom.")] input: TransferTaskInput,
    ) -> Result<TaskTransferPayload> {
        let TransferTaskInput {
            task_id,
            to_id,
            mode,
            attributes,
            priority,
            expected_version,
            idempotency_key,
        } = input;
        let task: TaskId = id("taskId", &task_id)?;
        let command = Command::TransferTask(TransferTask {
            id: task,
            expected_version: optional_count("expectedVersion", expected_version)?,
            to: routing_target("toId", &to_id)?,
            mode: mode.into(),
            attributes: keep("attributes", attributes)?.map(JsonObject::into_attributes),
            priority: optional_count("priority", keep("priority", priority)?)?,
        });
        let scope = Scope::around(ctx, "taskId", task).await?;
        let change = Change::make(ctx, &scope, task, idempotency_key, command).await?;
        // The last one that had begun when the change was made: a repeat may come after others.
        let task = change.scope.state().tasks.get(&change.subject);
        let begun = task.and_then(|task| {
            let mut transfers = task.transfers.iter().rev();
            transfers.find(|transfer| transfer.id.sequence() <= change.sequence.0).map(|transfer| transfer.id)
        });
        TaskTransferPayload::of(&change, begun.ok_or_else(|| change.gone())?)
    }

    /// Calls a transfer off. A `WARM` one leaves the Task with the Worker who has it; after a `COLD` one it goes
    /// through its Workflow again, or back to where it had been directed. A Worker's token may name only a transfer
    /// that its Worker began; admins and supervisors any. Errors: `INVALID_STATE` unless it is `INITIATED`.
    async fn cancel_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to call off.")] input: CancelTransferInput,
    ) -> Result<TaskTransferPayload> {
        let CancelTransferInput { transfer_id, reason, idempotency_key } = input;
        let transfer: TaskTransferId = id("transferId", &transfer_id)?;
        let command = Command::CancelTransfer(CancelTransfer { id: transfer, reason });
        let scope = Scope::around(ctx, "transferId", transfer).await?;
        let change = Change::make(ctx, &scope, transfer, idempotency_key, command).await?;
        TaskTransferPayload::of(&change, change.subject)
    }
}

/// A Task to be handed on.
#[derive(InputObject)]
pub struct TransferTaskInput {
    /// The Task.
    pub task_id: ID,
    /// The Worker, the TaskQueue or the Workflow: an id of `transferTargets`.
    pub to_id: ID,
    /// Does the Worker who hands it on stay with it?
    #[graphql(default)]
    pub mode: TransferMode,
    /// All attributes, to be changed along with it: at most 4,096 characters.
    pub attributes: MaybeUndefined<JsonObject>,
    /// Larger is served first: 0 to 2,147,483,647. Not for a Worker's token.
    pub priority: MaybeUndefined<i32>,
    /// The `version` of the Task that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A transfer to be called off.
#[derive(InputObject)]
pub struct CancelTransferInput {
    /// The transfer.
    pub transfer_id: ID,
    /// Why; 1 to 1,024 characters.
    pub reason: Option<String>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A transfer that was begun or called off.
#[derive(SimpleObject)]
pub struct TaskTransferPayload {
    /// The position of the last event of the change. Routing follows at once, and belongs to it.
    pub sequence: Sequence,
    /// The transfer after the change.
    pub transfer: TaskTransfer,
}

impl TaskTransferPayload {
    fn of<I: routing::ids::Id>(change: &Change<I>, id: TaskTransferId) -> Result<TaskTransferPayload> {
        let shown = match change.is_repeat {
            true => TaskTransfer::find(&change.scope, id),
            // Shown although the change may have taken the Task out of the viewer's sight.
            false => {
                let found = change.scope.state().transfer(id);
                found.map(|(task, transfer)| TaskTransfer::of(&change.scope, task, transfer))
            }
        };
        let transfer = shown.ok_or_else(|| -> Error { change.gone() })?;
        Ok(TaskTransferPayload { sequence: change.sequence, transfer })
    }
}
