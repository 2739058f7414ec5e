//! Skills.

use std::sync::Arc;

use async_graphql::{ID, Object, SimpleObject};

use super::worker::{Worker, Workers};
use super::workspace::Workspace;
use crate::graphql::error::{Error, Result};
use crate::graphql::page::{self, Connection, End, Listing, OrderedBy, Page, Place, Stretch};
use crate::graphql::scalars::{DateTime, optional_count};
use crate::graphql::scope::{Scope, View};

/// A Skill, at one moment.
#[derive(Clone)]
pub struct Skill {
    scope: Scope,
    skill: Arc<routing::state::Skill>,
}

impl View for Skill {
    type Object = routing::state::Skill;

    fn over(scope: Scope, skill: Arc<routing::state::Skill>) -> Skill {
        Skill { scope, skill }
    }
}

/// Something that Workers can have learned. Who has it stands in the attributes of the Workers, where expressions look
/// for it: its name in the list `attributes.routing.skills`, and the level, if it has levels, in
/// `attributes.routing.levels.<name>`. A Worker's token sees the Skills of its Worker.
#[Object]
impl Skill {
    /// Begins with `SK`.
    pub async fn id(&self) -> ID {
        self.skill.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Unique in the Workspace without regard to case; at most 64 characters. With levels, it consists of letters,
    /// digits, `_` and `$`, because expressions name the level as `routing.levels.<name>`.
    async fn name(&self) -> &str {
        &self.skill.name
    }

    /// The least level, 0 or more. Null without levels: a Worker has the Skill or not.
    async fn minimum_level(&self) -> Option<u32> {
        self.skill.levels.map(|levels| levels.minimum)
    }

    /// The highest level. Null without levels.
    async fn maximum_level(&self) -> Option<u32> {
        self.skill.levels.map(|levels| levels.maximum)
    }

    /// The worker expression that is true for those who have the Skill, ready to paste into the `targetWorkers` of a
    /// TaskQueue or the `expression` of a target: `worker.routing.skills HAS "es" AND worker.routing.levels.es >= 3`.
    async fn expression(
        &self,
        #[graphql(
            desc = "Only who has this level at least. Error: `BAD_USER_INPUT` where it is no level of the Skill."
        )]
        minimum_level: Option<i32>,
    ) -> Result<String> {
        let minimum = optional_count("minimumLevel", minimum_level)?;
        if let Some(level) = minimum
            && !self.skill.levels.is_some_and(|levels| levels.contain(level))
        {
            let name = &self.skill.name;
            let message = match self.skill.levels {
                None => format!("the Skill {name} has no levels: leave it out"),
                Some(levels) => format!(
                    "{level} is no level of the Skill {name}, which has those from {} to {}",
                    levels.minimum, levels.maximum
                ),
            };
            return Err(Error::bad_input("minimumLevel", message));
        }
        Ok(self.skill.expression(minimum))
    }

    /// The Workers who have it, by name, at any level. It takes a look at all Workers.
    async fn workers(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<Worker>> {
        let list = Workers::with_skill(&self.scope, Arc::clone(&self.skill));
        Connection::of(&Page::forward(first, after)?, list)
    }

    /// Counts the changes, from 1; for `expectedVersion`. To give it to Workers does not count.
    async fn version(&self) -> u32 {
        self.skill.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.skill.created_at.into()
    }

    /// When name or levels changed last.
    async fn updated_at(&self) -> DateTime {
        self.skill.updated_at.into()
    }
}

/// A Skill of one Worker.
#[derive(SimpleObject)]
pub struct WorkerSkill {
    /// The Skill.
    pub skill: Skill,
    /// What `attributes.routing.levels` says, even where it is out of the range of the Skill. Null where the Skill has
    /// no levels, or no whole number stands there.
    pub level: Option<u32>,
}

/// The Skills that the viewer sees, by name.
pub struct Skills(pub Scope);

impl Listing for Skills {
    type Item = Skill;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Name
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Skill)> {
        let names = self.0.state().lookups.skill_names.range(page::names(stretch));
        let shown = names.filter_map(|(name, id)| Some((Place::named(name.clone()), self.0.skill(*id)?)));
        end.take(shown, limit)
    }

    fn count(&self) -> usize {
        self.0.state().skills.values().filter(|skill| self.0.sees(&***skill)).count()
    }
}
