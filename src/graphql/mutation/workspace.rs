//! The settings of a Workspace.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::UpdateWorkspace;
use routing::ids::{ActivityId, WorkspaceId};

use super::{Change, keep, keep_or_clear};
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count, optional_id};
use crate::graphql::scope::Scope;
use crate::graphql::types::task_queue::TaskOrder;
use crate::graphql::types::workspace::Workspace;

/// The mutations of Workspaces.
#[derive(Default)]
pub struct WorkspaceMutations;

#[Object]
impl WorkspaceMutations {
    /// Changes the settings of a Workspace. Admins only.
    async fn update_workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateWorkspaceInput,
    ) -> Result<WorkspacePayload> {
        let UpdateWorkspaceInput {
            workspace_id,
            name,
            queue_order_priority,
            default_activity_id,
            timeout_activity_id,
            logout_activity_id,
            reoffer_delay_seconds,
            assigned_limit_hours,
            expected_version,
            idempotency_key,
        } = input;
        let workspace: WorkspaceId = id("workspaceId", &workspace_id)?;
        let activity = |field: &str, input: MaybeUndefined<ID>| -> Result<Option<ActivityId>> {
            optional_id(field, keep(field, input)?.as_ref())
        };
        let timeout_activity = keep_or_clear(timeout_activity_id)
            .map(|activity| optional_id("timeoutActivityId", activity.as_ref()))
            .transpose()?;
        let reoffer_delay_seconds = keep("reofferDelaySeconds", reoffer_delay_seconds)?;
        let command = Command::UpdateWorkspace(UpdateWorkspace {
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            queue_order_priority: keep("queueOrderPriority", queue_order_priority)?.map(Into::into),
            default_activity: activity("defaultActivityId", default_activity_id)?,
            timeout_activity,
            logout_activity: activity("logoutActivityId", logout_activity_id)?,
            reoffer_delay_seconds: optional_count("reofferDelaySeconds", reoffer_delay_seconds)?,
            assigned_limit_hours: keep_or_clear(assigned_limit_hours)
                .map(|hours| optional_count("assignedLimitHours", hours))
                .transpose()?,
        });

        let scope = Scope::workspace_named(ctx, "workspaceId", workspace).await?;
        let change = Change::make(ctx, &scope, workspace, idempotency_key, command).await?;
        Ok(WorkspacePayload { sequence: change.sequence, workspace: change.scope.workspace() })
    }
}

/// New settings of a Workspace. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateWorkspaceInput {
    /// The Workspace.
    pub workspace_id: ID,
    /// 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// Which kind of TaskQueue is served first by a Worker who is eligible for both kinds.
    pub queue_order_priority: MaybeUndefined<TaskOrder>,
    /// Where new Workers begin.
    pub default_activity_id: MaybeUndefined<ID>,
    /// Where a Worker goes whose Reservation timed out. Null: the Worker is not moved.
    pub timeout_activity_id: MaybeUndefined<ID>,
    /// Where a Worker goes whose desktop is gone.
    pub logout_activity_id: MaybeUndefined<ID>,
    /// For how many seconds a Task is not offered again to a Worker who rejected it or let it time out: 1 to
    /// 3,600.
    pub reoffer_delay_seconds: MaybeUndefined<i32>,
    /// After how many hours an assigned Task is ended by the server: 1 to 8,760. Null: it may take as long as it takes,
    /// as in a new Workspace.
    pub assigned_limit_hours: MaybeUndefined<i32>,
    /// The `version` of the Workspace that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Workspace that was changed.
#[derive(SimpleObject)]
pub struct WorkspacePayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Workspace after the change.
    pub workspace: Workspace,
}
