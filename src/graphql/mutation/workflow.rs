//! Workflows.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{CreateWorkflow, UpdateWorkflow};
use routing::ids::WorkflowId;

use super::{Change, keep};
use crate::graphql::error::Result;
use crate::graphql::scalars::{JsonObject, Sequence, id, optional_count};
use crate::graphql::scope::Scope;
use crate::graphql::types::workflow::Workflow;

/// The mutations of Workflows.
#[derive(Default)]
pub struct WorkflowMutations;

#[Object]
impl WorkflowMutations {
    /// Creates a Workflow. Admins only. Errors: `BAD_USER_INPUT` where the name is taken, `INVALID_WORKFLOW`
    /// with every fault of the document, `LIMIT_EXCEEDED`.
    async fn create_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateWorkflowInput,
    ) -> Result<WorkflowPayload> {
        let CreateWorkflowInput {
            workspace_id,
            name,
            configuration,
            task_reservation_timeout_seconds: timeout,
            idempotency_key,
        } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: WorkflowId = scope.access().mint();
        let command = Command::CreateWorkflow(CreateWorkflow {
            id: new,
            name,
            configuration: configuration.into_attributes(),
            task_reservation_timeout_seconds: optional_count("taskReservationTimeoutSeconds", timeout)?,
        });
        WorkflowPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Changes a Workflow. New Tasks follow a new document; Tasks under way follow the one that they began
    /// with. Admins only. Errors: `BAD_USER_INPUT` where the name is taken, `INVALID_WORKFLOW` with every fault
    /// of the document, `LIMIT_EXCEEDED`.
    async fn update_workflow(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateWorkflowInput,
    ) -> Result<WorkflowPayload> {
        let UpdateWorkflowInput {
            workflow_id,
            name,
            configuration,
            task_reservation_timeout_seconds: timeout,
            re_evaluate_tasks,
            expected_version,
            idempotency_key,
        } = input;
        let workflow: WorkflowId = id("workflowId", &workflow_id)?;
        let timeout = keep("taskReservationTimeoutSeconds", timeout)?;
        let command = Command::UpdateWorkflow(UpdateWorkflow {
            id: workflow,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            configuration: keep("configuration", configuration)?.map(JsonObject::into_attributes),
            task_reservation_timeout_seconds: optional_count("taskReservationTimeoutSeconds", timeout)?,
            re_evaluate_tasks: re_evaluate_tasks.unwrap_or(false),
        });
        let scope = Scope::around(ctx, "workflowId", workflow).await?;
        WorkflowPayload::of(&Change::make(ctx, &scope, workflow, idempotency_key, command).await?)
    }
}

/// A new Workflow.
#[derive(InputObject)]
pub struct CreateWorkflowInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: String,
    /// The routing document: `{"task_routing": {"filters": […], "default_filter": {…}}}`, at most 1,038,576
    /// bytes. Documents of TaskRouter are understood as they are, once their `queue` names TaskQueues of this
    /// Workspace.
    pub configuration: JsonObject,
    /// How long a Worker has to answer an offer, in seconds: 1 to 86,400, 120 where left out.
    pub task_reservation_timeout_seconds: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a Workflow. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateWorkflowInput {
    /// The Workflow.
    pub workflow_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// The whole routing document, at most 1,038,576 bytes.
    pub configuration: MaybeUndefined<JsonObject>,
    /// How long a Worker has to answer an offer, in seconds: 1 to 86,400. Offers that were made keep their time.
    pub task_reservation_timeout_seconds: MaybeUndefined<i32>,
    /// Send the Workflow's pending Tasks through it again, as it is now. One that comes to the filter and step where it
    /// stands keeps its place. Where left out, or false, waiting Tasks go on with the document that they follow.
    pub re_evaluate_tasks: Option<bool>,
    /// The `version` of the Workflow that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Workflow that was created or changed.
#[derive(SimpleObject)]
pub struct WorkflowPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Workflow after the change.
    pub workflow: Workflow,
}

impl WorkflowPayload {
    fn of(change: &Change<WorkflowId>) -> Result<WorkflowPayload> {
        Ok(WorkflowPayload { sequence: change.sequence, workflow: change.show(|state| &state.workflows)? })
    }
}
