//! Activities.

use std::sync::Arc;

use async_graphql::{ID, Object};

use super::workspace::Workspace;
use crate::graphql::scalars::DateTime;
use crate::graphql::scope::{Scope, View};

/// An Activity, at one moment.
#[derive(Clone)]
pub struct Activity {
    scope: Scope,
    activity: Arc<routing::state::Activity>,
}

impl View for Activity {
    type Object = routing::state::Activity;

    fn over(scope: Scope, activity: Arc<routing::state::Activity>) -> Activity {
        Activity { scope, activity }
    }
}

/// What a Worker is doing, such as "Available" or "Break", and whether work may come meanwhile.
#[Object]
impl Activity {
    /// Begins with `WA`.
    pub async fn id(&self) -> ID {
        self.activity.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Unique in the Workspace without regard to case; at most 64 characters.
    async fn name(&self) -> &str {
        &self.activity.name
    }

    /// May a Worker in this Activity be offered Tasks? Cannot change.
    async fn available(&self) -> bool {
        self.activity.available
    }

    /// Counts the changes, from 1; for `expectedVersion`.
    async fn version(&self) -> u32 {
        self.activity.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.activity.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        self.activity.updated_at.into()
    }

    /// When it was deleted. Then it is in no list and has no name any more, and is shown where something refers to it.
    /// Null where it was not.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.activity.deleted_at.map(DateTime)
    }
}
