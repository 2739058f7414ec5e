//! Workflows.

use std::sync::Arc;

use async_graphql::{ID, Object};
use routing::warnings;

use super::warning::ConfigurationWarning;
use super::workspace::Workspace;
use crate::graphql::error::Result;
use crate::graphql::page::{self, End, Listing, OrderedBy, Place, Stretch};
use crate::graphql::scalars::{DateTime, JsonObject};
use crate::graphql::scope::{Scope, View};

/// A Workflow, at one moment.
#[derive(Clone)]
pub struct Workflow {
    scope: Scope,
    workflow: Arc<routing::state::Workflow>,
}

impl View for Workflow {
    type Object = routing::state::Workflow;

    fn over(scope: Scope, workflow: Arc<routing::state::Workflow>) -> Workflow {
        Workflow { scope, workflow }
    }
}

/// Rules that put Tasks into TaskQueues. A Worker's token sees id and name of the Workflows of its Tasks; the
/// other fields are `FORBIDDEN` for it.
#[Object]
impl Workflow {
    /// Begins with `WW`.
    pub async fn id(&self) -> ID {
        self.workflow.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Unique in the Workspace without regard to case; at most 64 characters.
    async fn name(&self) -> &str {
        &self.workflow.name
    }

    /// The routing document: `{"task_routing": {"filters": […], "default_filter": {…}}}`. New Tasks follow it;
    /// Tasks under way follow the one that they began with.
    async fn configuration(&self) -> Result<JsonObject> {
        self.scope.check_sees_configuration()?;
        Ok(JsonObject::Attributes(self.workflow.present().configuration.document.clone()))
    }

    /// What in the document is legal and probably not meant, in its order: filters and targets that no Task reaches,
    /// keys without effect, conditions that are never true, attributes that no Worker has, names of Skills that there
    /// are not, orders by what is no integer for some Workers. Nothing is refused for it.
    async fn warnings(&self) -> Result<Vec<ConfigurationWarning>> {
        self.scope.check_sees_configuration()?;
        Ok(ConfigurationWarning::all(warnings::of_workflow(self.scope.state(), &self.workflow)))
    }

    /// How long a Worker has to answer an offer, in seconds: 1 to 86,400.
    async fn task_reservation_timeout_seconds(&self) -> Result<u32> {
        self.scope.check_sees_configuration()?;
        Ok(self.workflow.task_reservation_timeout_seconds)
    }

    /// Counts the changes, from 1; for `expectedVersion`.
    async fn version(&self) -> Result<u32> {
        self.scope.check_sees_configuration()?;
        Ok(self.workflow.version)
    }

    /// When it was created.
    async fn created_at(&self) -> Result<DateTime> {
        self.scope.check_sees_configuration()?;
        Ok(self.workflow.created_at.into())
    }

    /// When it changed last.
    async fn updated_at(&self) -> Result<DateTime> {
        self.scope.check_sees_configuration()?;
        Ok(self.workflow.updated_at.into())
    }

    /// When it was deleted. Then it is in no list and has no name any more, and is shown where something refers to it.
    /// Null where it was not.
    async fn deleted_at(&self) -> Result<Option<DateTime>> {
        self.scope.check_sees_configuration()?;
        Ok(self.workflow.deleted_at.map(DateTime))
    }
}

/// The Workflows that the viewer sees, by name.
pub struct Workflows(pub Scope);

impl Listing for Workflows {
    type Item = Workflow;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Name
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Workflow)> {
        let names = self.0.state().lookups.workflow_names.range(page::names(stretch));
        let shown = names.filter_map(|(name, id)| Some((Place::named(name.clone()), self.0.workflow(*id)?)));
        end.take(shown, limit)
    }

    fn count(&self) -> usize {
        self.0.state().workflows.values().filter(|workflow| self.0.sees(&***workflow)).count()
    }
}
