//! Activities.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{CreateActivity, UpdateActivity};
use routing::ids::ActivityId;

use super::{Change, keep};
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count};
use crate::graphql::scope::Scope;
use crate::graphql::types::activity::Activity;

/// The mutations of Activities.
#[derive(Default)]
pub struct ActivityMutations;

#[Object]
impl ActivityMutations {
    /// Creates an Activity. Admins only. Errors: `BAD_USER_INPUT` where the name is taken, `LIMIT_EXCEEDED`.
    async fn create_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateActivityInput,
    ) -> Result<ActivityPayload> {
        let CreateActivityInput { workspace_id, name, available, idempotency_key } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: ActivityId = scope.access().mint();
        let available = available.unwrap_or(false);
        let command = Command::CreateActivity(CreateActivity { id: new, name, available });
        ActivityPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Renames an Activity. Admins only. Errors: `BAD_USER_INPUT` where the name is taken.
    async fn update_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateActivityInput,
    ) -> Result<ActivityPayload> {
        let UpdateActivityInput { activity_id, name, expected_version, idempotency_key } = input;
        let activity: ActivityId = id("activityId", &activity_id)?;
        let command = Command::UpdateActivity(UpdateActivity {
            id: activity,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
        });
        let scope = Scope::around(ctx, "activityId", activity).await?;
        ActivityPayload::of(&Change::make(ctx, &scope, activity, idempotency_key, command).await?)
    }
}

/// A new Activity.
#[derive(InputObject)]
pub struct CreateActivityInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: String,
    /// May a Worker in this Activity be offered Tasks? Cannot change later. False where left out.
    pub available: Option<bool>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for an Activity. What is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateActivityInput {
    /// The Activity.
    pub activity_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters.
    pub name: MaybeUndefined<String>,
    /// The `version` of the Activity that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// An Activity that was created or changed.
#[derive(SimpleObject)]
pub struct ActivityPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Activity after the change.
    pub activity: Activity,
}

impl ActivityPayload {
    fn of(change: &Change<ActivityId>) -> Result<ActivityPayload> {
        Ok(ActivityPayload { sequence: change.sequence, activity: change.show(|state| &state.activities)? })
    }
}
