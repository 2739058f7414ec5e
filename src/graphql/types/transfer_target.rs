//! Where a Task can be handed on to: what everybody may know of Workers, TaskQueues and Workflows.
//!
//! The one place where an agent learns the names of other Workers. It shows nothing that leads further.

use std::ops::RangeBounds;

use async_graphql::{Enum, ID, Object};
use routing::ids::WorkerId;
use routing::state::RoutingTarget;

use super::contains;
use crate::graphql::page::{End, Listing, OrderedBy, Place, Stretch};
use crate::graphql::scope::Scope;

/// What a Task is handed to.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TransferTargetKind {
    /// One Worker.
    Worker,
    /// Whoever serves a TaskQueue.
    TaskQueue,
    /// Whom a Workflow finds.
    Workflow,
}

/// Where a Task can be handed on to, at one moment.
#[derive(Clone)]
pub struct TransferTarget {
    scope: Scope,
    target: RoutingTarget,
}

impl TransferTarget {
    /// What may be known of the target by everybody.
    pub fn of(scope: &Scope, target: RoutingTarget) -> TransferTarget {
        TransferTarget { scope: scope.clone(), target }
    }
}

/// Where a Task can be handed on to, or was.
#[Object]
impl TransferTarget {
    /// For `toId` of `transferTask`. Begins with `WK`, `WQ` or `WW`.
    async fn id(&self) -> ID {
        ID(self.target.to_string())
    }

    /// The name. Empty where it was deleted and nothing else refers to it any more.
    async fn name(&self) -> &str {
        let state = self.scope.state();
        let name = match self.target {
            RoutingTarget::Worker(id) => state.worker(id).map(|worker| &worker.name),
            RoutingTarget::TaskQueue(id) => state.task_queue(id).map(|queue| &queue.name),
            RoutingTarget::Workflow(id) => state.workflow(id).map(|workflow| &workflow.name),
        };
        name.map_or("", String::as_str)
    }

    /// What it is.
    async fn kind(&self) -> TransferTargetKind {
        match self.target {
            RoutingTarget::Worker(_) => TransferTargetKind::Worker,
            RoutingTarget::TaskQueue(_) => TransferTargetKind::TaskQueue,
            RoutingTarget::Workflow(_) => TransferTargetKind::Workflow,
        }
    }

    /// Can a Task be handed there now? Of a Worker: is their Activity available; whether there is room on the Task's
    /// channel turns out with the transfer. In a TaskQueue or a Workflow a Task can always wait.
    async fn available(&self) -> bool {
        match self.target {
            RoutingTarget::Worker(id) => is_available(&self.scope, id),
            RoutingTarget::TaskQueue(_) | RoutingTarget::Workflow(_) => true,
        }
    }
}

fn is_available(scope: &Scope, id: WorkerId) -> bool {
    scope.state().workers.get(&id).is_some_and(|worker| scope.state().is_available(worker))
}

/// All of them: the Workers, then the TaskQueues, then the Workflows, each by name.
pub struct TransferTargets {
    scope: Scope,
    /// Part of the name, in lower case.
    search: Option<String>,
}

impl TransferTargets {
    /// Those whose names contain `search`.
    pub fn of(scope: &Scope, search: Option<String>) -> TransferTargets {
        TransferTargets { scope: scope.clone(), search: search.map(|search| search.to_lowercase()) }
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = (Place, RoutingTarget)> + '_ {
        let lookups = &self.scope.state().lookups;
        let own = self.scope.own_worker();
        let workers = lookups.worker_names.iter().filter(move |(_, id)| Some(**id) != own);
        let workers = workers.map(|(name, id)| ('1', name, RoutingTarget::Worker(*id)));
        let queues =
            lookups.task_queue_names.iter().map(|(name, id)| ('2', name, RoutingTarget::TaskQueue(*id)));
        let workflows =
            lookups.workflow_names.iter().map(|(name, id)| ('3', name, RoutingTarget::Workflow(*id)));
        let all = workers.chain(queues).chain(workflows);
        // Names are unique within a kind, so the kind goes before them.
        all.filter(|(_, name, _)| contains(name, self.search.as_deref()))
            .map(|(kind, name, target)| (Place::named(format!("{kind}{name}")), target))
    }
}

impl Listing for TransferTargets {
    type Item = TransferTarget;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Name
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, TransferTarget)> {
        let inside = self.all().filter(|(place, _)| stretch.contains(place));
        end.take(inside.map(|(place, target)| (place, TransferTarget::of(&self.scope, target))), limit)
    }

    fn count(&self) -> usize {
        self.all().count()
    }
}
