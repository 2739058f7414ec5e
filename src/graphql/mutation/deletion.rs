//! Deletions.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use routing::Command;
use routing::command::{
    DeleteActivity, DeleteSkill, DeleteTask, DeleteTaskChannel, DeleteTaskQueue, DeleteWorker, DeleteWorkflow,
};
use routing::ids::Id;

use super::Change;
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count};
use crate::graphql::scope::Scope;

/// The mutations that delete something.
#[derive(Default)]
pub struct DeletionMutations;

/// What is deleted is in no list and has no name any more, so that the name is free; nothing is routed by it. It can be
/// read by what refers to it, with `deletedAt`.
#[Object]
impl DeletionMutations {
    /// Deletes an Activity. Admins only. Error: `IN_USE` where the Workspace has it as its default, timeout or logout
    /// Activity, or a Worker is in it.
    async fn delete_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command = |id, expected_version| Command::DeleteActivity(DeleteActivity { id, expected_version });
        delete(ctx, input, command).await
    }

    /// Deletes a Task Channel. Admins only. Error: `IN_USE` where every Workspace has it (default, voice, chat, sms and
    /// video), or a Task uses it that has not ended or is still wrapped up.
    async fn delete_task_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command =
            |id, expected_version| Command::DeleteTaskChannel(DeleteTaskChannel { id, expected_version });
        delete(ctx, input, command).await
    }

    /// Deletes a TaskQueue. Admins only. Error: `IN_USE` where a Task is in it that has not ended, or a Workflow refers
    /// to it: in its present document, or in an earlier one that a waiting Task still follows.
    async fn delete_task_queue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command =
            |id, expected_version| Command::DeleteTaskQueue(DeleteTaskQueue { id, expected_version });
        delete(ctx, input, command).await
    }

    /// Deletes a Workflow. Admins only. Error: `IN_USE` where a pending or reserved Task follows it.
    async fn delete_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command = |id, expected_version| Command::DeleteWorkflow(DeleteWorkflow { id, expected_version });
        delete(ctx, input, command).await
    }

    /// Deletes a Skill. Admins only. Errors: `IN_USE` where a Worker has it, or an expression of a TaskQueue or a
    /// Workflow names it: `routing.skills HAS "es"`, `"es" IN worker.routing.skills`, `routing.levels.es`.
    async fn delete_skill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command = |id, expected_version| Command::DeleteSkill(DeleteSkill { id, expected_version });
        delete(ctx, input, command).await
    }

    /// Deletes a Worker. Admins and supervisors. Error: `IN_USE` where the Worker has open Reservations; with `force`,
    /// pending ones are canceled, so that their Tasks are offered to others, and only accepted and wrapping ones are in
    /// the way.
    async fn delete_worker(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to delete.")] input: DeleteWorkerInput,
    ) -> Result<DeletePayload> {
        let DeleteWorkerInput { id, force, expected_version, idempotency_key } = input;
        let force = force.unwrap_or(false);
        let command =
            |id, expected_version| Command::DeleteWorker(DeleteWorker { id, expected_version, force });
        delete(ctx, DeleteInput { id, expected_version, idempotency_key }, command).await
    }

    /// Deletes a Task, whatever its status: what is offered is canceled, what Workers have is completed. It has ended
    /// then, as canceled or completed. Admins and supervisors.
    async fn delete_task(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to delete.")] input: DeleteInput,
    ) -> Result<DeletePayload> {
        let command = |id, expected_version| Command::DeleteTask(DeleteTask { id, expected_version });
        delete(ctx, input, command).await
    }
}

async fn delete<I: Id>(
    ctx: &Context<'_>,
    input: DeleteInput,
    command: impl FnOnce(I, Option<u32>) -> Command,
) -> Result<DeletePayload> {
    let DeleteInput { id: text, expected_version, idempotency_key } = input;
    let object: I = id("id", &text)?;
    let command = command(object, optional_count("expectedVersion", expected_version)?);
    let scope = Scope::around(ctx, "id", object).await?;
    let change = Change::make(ctx, &scope, object, idempotency_key, command).await?;
    Ok(DeletePayload { sequence: change.sequence, deleted_id: change.subject.to_string().into() })
}

/// What to delete.
#[derive(InputObject)]
pub struct DeleteInput {
    /// The object.
    pub id: ID,
    /// The `version` of it that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Whom to delete.
#[derive(InputObject)]
pub struct DeleteWorkerInput {
    /// The Worker.
    pub id: ID,
    /// Cancel what is offered to the Worker. False where left out: then that is in the way.
    pub force: Option<bool>,
    /// The `version` of the Worker that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Something was deleted.
#[derive(SimpleObject)]
pub struct DeletePayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// What was deleted.
    pub deleted_id: ID,
}
