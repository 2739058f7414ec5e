//! Skills, and who has them.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use routing::Command;
use routing::command::{AssignSkill, CreateSkill, UnassignSkill, UpdateSkill};
use routing::ids::{SkillId, WorkerId};

use super::worker::WorkerPayload;
use super::{Change, keep, keep_or_clear};
use crate::graphql::error::Result;
use crate::graphql::scalars::{Sequence, id, optional_count};
use crate::graphql::scope::Scope;
use crate::graphql::types::skill::Skill;

/// The mutations of Skills.
#[derive(Default)]
pub struct SkillMutations;

#[Object]
impl SkillMutations {
    /// Creates a Skill. Admins only. Errors: `BAD_USER_INPUT` where the name is taken or the levels are wrong,
    /// `LIMIT_EXCEEDED`.
    async fn create_skill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to create.")] input: CreateSkillInput,
    ) -> Result<SkillPayload> {
        let CreateSkillInput { workspace_id, name, minimum_level, maximum_level, idempotency_key } = input;
        let scope = Scope::workspace_named(ctx, "workspaceId", id("workspaceId", &workspace_id)?).await?;
        let new: SkillId = scope.access().mint();
        let command = Command::CreateSkill(CreateSkill {
            id: new,
            name,
            minimum_level: optional_count("minimumLevel", minimum_level)?,
            maximum_level: optional_count("maximumLevel", maximum_level)?,
        });
        SkillPayload::of(&Change::make(ctx, &scope, new, idempotency_key, command).await?)
    }

    /// Changes name or levels of a Skill. Other levels change no Worker; `Worker.warnings` tells which levels do not
    /// suit any more. Admins only. Errors: `BAD_USER_INPUT` where the name is taken or the levels are wrong, `IN_USE`
    /// where a Skill is to be renamed that a Worker has or that an expression of a TaskQueue or a Workflow names.
    async fn update_skill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change.")] input: UpdateSkillInput,
    ) -> Result<SkillPayload> {
        let UpdateSkillInput {
            skill_id,
            name,
            minimum_level,
            maximum_level,
            expected_version,
            idempotency_key,
        } = input;
        let skill: SkillId = id("skillId", &skill_id)?;
        let level = |field: &str, level: MaybeUndefined<i32>| {
            keep_or_clear(level).map(|level| optional_count(field, level)).transpose()
        };
        let command = Command::UpdateSkill(UpdateSkill {
            id: skill,
            expected_version: optional_count("expectedVersion", expected_version)?,
            name: keep("name", name)?,
            minimum_level: level("minimumLevel", minimum_level)?,
            maximum_level: level("maximumLevel", maximum_level)?,
        });
        let scope = Scope::around(ctx, "skillId", skill).await?;
        SkillPayload::of(&Change::make(ctx, &scope, skill, idempotency_key, command).await?)
    }

    /// Gives a Worker a Skill, or another level of it: writes it into `attributes.routing`. The Worker may serve other
    /// TaskQueues at once; offers that were made stay. Admins and supervisors. Errors: `BAD_USER_INPUT` where the level
    /// is none of the Skill, or where `routing`, `routing.skills` or `routing.levels` is of another type; `LIMIT_EXCEEDED`
    /// where the attributes would be too long.
    async fn assign_skill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who gets what.")] input: AssignSkillInput,
    ) -> Result<WorkerPayload> {
        let AssignSkillInput { worker_id, skill_id, level, expected_version, idempotency_key } = input;
        let worker: WorkerId = id("workerId", &worker_id)?;
        let command = Command::AssignSkill(AssignSkill {
            worker,
            skill: id("skillId", &skill_id)?,
            expected_version: optional_count("expectedVersion", expected_version)?,
            level: optional_count("level", level)?,
        });
        let scope = Scope::around(ctx, "workerId", worker).await?;
        WorkerPayload::of(&Change::make(ctx, &scope, worker, idempotency_key, command).await?)
    }

    /// Takes a Skill and its level out of the attributes of a Worker; nothing changes where the Worker does not have
    /// it. Offers that were made stay. Admins and supervisors. Errors: `BAD_USER_INPUT` where `routing`,
    /// `routing.skills` or `routing.levels` is of another type.
    async fn unassign_skill(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who loses what.")] input: UnassignSkillInput,
    ) -> Result<WorkerPayload> {
        let UnassignSkillInput { worker_id, skill_id, expected_version, idempotency_key } = input;
        let worker: WorkerId = id("workerId", &worker_id)?;
        let command = Command::UnassignSkill(UnassignSkill {
            worker,
            skill: id("skillId", &skill_id)?,
            expected_version: optional_count("expectedVersion", expected_version)?,
        });
        let scope = Scope::around(ctx, "workerId", worker).await?;
        WorkerPayload::of(&Change::make(ctx, &scope, worker, idempotency_key, command).await?)
    }
}

/// A new Skill. It has both levels or neither.
#[derive(InputObject)]
pub struct CreateSkillInput {
    /// The Workspace that it is to belong to.
    pub workspace_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters. With levels: only letters, digits, `_` and
    /// `$`.
    pub name: String,
    /// The least level: 0 to 2,147,483,647. Without levels where both are left out.
    pub minimum_level: Option<i32>,
    /// The highest level: `minimumLevel` to 2,147,483,647.
    pub maximum_level: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// New values for a Skill. What is left out stays as it is. Afterwards it has both levels or neither.
#[derive(InputObject)]
pub struct UpdateSkillInput {
    /// The Skill.
    pub skill_id: ID,
    /// Unique in the Workspace without regard to case; 1 to 64 characters. With levels: only letters, digits, `_` and
    /// `$`.
    pub name: MaybeUndefined<String>,
    /// The least level: 0 to 2,147,483,647. Null for both: without levels.
    pub minimum_level: MaybeUndefined<i32>,
    /// The highest level: `minimumLevel` to 2,147,483,647.
    pub maximum_level: MaybeUndefined<i32>,
    /// The `version` of the Skill that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Who gets which Skill.
#[derive(InputObject)]
pub struct AssignSkillInput {
    /// The Worker.
    pub worker_id: ID,
    /// The Skill.
    pub skill_id: ID,
    /// How well: from `minimumLevel` to `maximumLevel` of the Skill. To be left out where the Skill has no levels.
    pub level: Option<i32>,
    /// The `version` of the Worker that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Who loses which Skill.
#[derive(InputObject)]
pub struct UnassignSkillInput {
    /// The Worker.
    pub worker_id: ID,
    /// The Skill.
    pub skill_id: ID,
    /// The `version` of the Worker that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// A Skill that was created or changed.
#[derive(SimpleObject)]
pub struct SkillPayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// The Skill after the change.
    pub skill: Skill,
}

impl SkillPayload {
    fn of(change: &Change<SkillId>) -> Result<SkillPayload> {
        Ok(SkillPayload { sequence: change.sequence, skill: change.show(|state| &state.skills)? })
    }
}
