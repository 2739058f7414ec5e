//! Task Channels.

use std::sync::Arc;

use async_graphql::{ID, Object};

use super::workspace::Workspace;
use crate::graphql::scalars::DateTime;
use crate::graphql::scope::{Scope, View};

/// A Task Channel, at one moment.
#[derive(Clone)]
pub struct TaskChannel {
    scope: Scope,
    channel: Arc<routing::state::TaskChannel>,
}

impl View for TaskChannel {
    type Object = routing::state::TaskChannel;

    fn over(scope: Scope, channel: Arc<routing::state::TaskChannel>) -> TaskChannel {
        TaskChannel { scope, channel }
    }
}

/// A kind of work, such as voice or chat, for which each Worker has a capacity of its own.
#[Object]
impl TaskChannel {
    /// Begins with `TC`.
    pub async fn id(&self) -> ID {
        self.channel.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// What people call it; at most 64 characters.
    async fn name(&self) -> &str {
        &self.channel.name
    }

    /// Identifier used in expressions (`worker.channel.<uniqueName>.…`) and when Tasks are created; cannot
    /// change.
    async fn unique_name(&self) -> &str {
        &self.channel.unique_name
    }

    /// Has it a round-robin circle of its own? Then a Worker who got other work meanwhile does not lose their
    /// place.
    async fn channel_optimized_routing(&self) -> bool {
        self.channel.channel_optimized_routing
    }

    /// Counts the changes, from 1; for `expectedVersion`.
    async fn version(&self) -> u32 {
        self.channel.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.channel.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        self.channel.updated_at.into()
    }

    /// When it was deleted. Then it is in no list and has no name any more, and is shown where something refers to it.
    /// Null where it was not.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.channel.deleted_at.map(DateTime)
    }
}
