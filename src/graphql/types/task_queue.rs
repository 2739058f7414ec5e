//! TaskQueues.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object};
use routing::eligibility::WorkerView;
use routing::ids::WorkerId;
use routing::warnings;

use super::contains;
use super::task::{Task, TaskFilter, Tasks};
use super::warning::ConfigurationWarning;
use super::worker::{Worker, Workers};
use super::workspace::Workspace;
use crate::graphql::error::Result;
use crate::graphql::page::{self, Connection, End, Listing, OrderedBy, Page, Place, Stretch};
use crate::graphql::scalars::{DateTime, optional_id};
use crate::graphql::scope::{Scope, View};

/// Which Task of a TaskQueue is served first.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "routing::state::TaskOrder")]
pub enum TaskOrder {
    /// Higher priority first; among equals the one that waits longest, by its virtual start time.
    Fifo,
    /// The newest first, by its virtual start time, whatever the priority.
    Lifo,
}

/// A TaskQueue, at one moment.
#[derive(Clone)]
pub struct TaskQueue {
    scope: Scope,
    queue: Arc<routing::state::TaskQueue>,
}

impl View for TaskQueue {
    type Object = routing::state::TaskQueue;

    fn over(scope: Scope, queue: Arc<routing::state::TaskQueue>) -> TaskQueue {
        TaskQueue { scope, queue }
    }
}

/// Where Tasks wait, and which Workers serve them. A Worker's token sees id and name of the TaskQueues that the
/// Worker serves or has a Task of; the other fields are `FORBIDDEN` for it, and its lists hold what it sees
/// anyway.
#[Object]
impl TaskQueue {
    /// Begins with `WQ`.
    pub async fn id(&self) -> ID {
        self.queue.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Unique in the Workspace without regard to case; at most 64 characters.
    async fn name(&self) -> &str {
        &self.queue.name
    }

    /// The expression that is true for the Workers who serve it. `1==1` is everybody, empty text is nobody.
    async fn target_workers(&self) -> Result<&str> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.target_workers.source())
    }

    /// What in the target expression is legal and probably not meant: conditions that are never true, attributes that
    /// no Worker has, names of Skills that there are not, prefixes without meaning. Nothing is refused for it.
    async fn warnings(&self) -> Result<Vec<ConfigurationWarning>> {
        self.scope.check_sees_configuration()?;
        Ok(ConfigurationWarning::all(warnings::of_task_queue(self.scope.state(), &self.queue)))
    }

    /// How many Workers a Task may be offered to at the same time: 1 to 50. The first who accepts has it.
    async fn max_reserved_workers(&self) -> Result<u32> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.max_reserved_workers)
    }

    /// After how many seconds a Reservation of its Tasks that is being wrapped up is completed by the server: 1 to
    /// 86,400. Null: it may take as long as it takes.
    async fn wrap_up_limit_seconds(&self) -> Result<Option<u32>> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.wrap_up_limit_seconds)
    }

    /// Which Task is served first.
    async fn task_order(&self) -> Result<TaskOrder> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.task_order.into())
    }

    /// The Workers for whom the target expression is true, by name, whatever they do at present.
    async fn eligible_workers(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<Worker>> {
        let list = Workers::eligible(&self.scope, Arc::clone(&self.queue));
        Connection::of(&Page::forward(first, after)?, list)
    }

    /// The Tasks that wait in it, or waited in it last and have not ended; oldest first.
    async fn tasks(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only Tasks that fit.")] filter: Option<TaskFilter>,
    ) -> Result<Connection<Task>> {
        let list = Tasks::held_by(&self.scope, self.queue.id, filter)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// Counts the changes, from 1; for `expectedVersion`.
    async fn version(&self) -> Result<u32> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.version)
    }

    /// When it was created.
    async fn created_at(&self) -> Result<DateTime> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.created_at.into())
    }

    /// When it changed last.
    async fn updated_at(&self) -> Result<DateTime> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.updated_at.into())
    }

    /// When it was deleted. Then it is in no list and has no name any more, and is shown where something refers to it.
    /// Null where it was not.
    async fn deleted_at(&self) -> Result<Option<DateTime>> {
        self.scope.check_sees_configuration()?;
        Ok(self.queue.deleted_at.map(DateTime))
    }
}

/// Which TaskQueues. All conditions that are given must hold.
#[derive(InputObject, Default)]
pub struct TaskQueueFilter {
    /// With a name that contains this text, without regard to case.
    pub name_contains: Option<String>,
    /// For which this Worker is eligible.
    pub worker_id: Option<ID>,
}

/// A list of TaskQueues, by name.
pub struct TaskQueues {
    scope: Scope,
    name_contains: Option<String>,
    worker: Option<WorkerId>,
}

impl TaskQueues {
    /// The TaskQueues that the viewer sees and the filter lets through.
    pub fn of(scope: &Scope, filter: Option<TaskQueueFilter>) -> Result<TaskQueues> {
        let TaskQueueFilter { name_contains, worker_id } = filter.unwrap_or_default();
        Ok(TaskQueues {
            scope: scope.clone(),
            name_contains: name_contains.map(|part| part.to_lowercase()),
            worker: optional_id("filter.workerId", worker_id.as_ref())?,
        })
    }

    /// The names of a stretch with their TaskQueues, as far as these belong to the list.
    fn named<'a>(
        &'a self,
        stretch: &Stretch,
    ) -> Option<impl DoubleEndedIterator<Item = (&'a String, &'a Arc<routing::state::TaskQueue>)>> {
        let state = self.scope.state();
        let candidate = match self.worker {
            None => None,
            // For somebody who does not exist, or is out of sight, there is no TaskQueue.
            Some(id) => {
                let worker = state.workers.get(&id).filter(|worker| self.scope.sees(&***worker))?;
                Some(WorkerView::of(state, worker))
            }
        };
        let names = state.lookups.task_queue_names.range(page::names(stretch));
        Some(names.map(|(name, id)| (name, &state.task_queues[id])).filter(move |(name, queue)| {
            let target = &queue.target_workers;
            let is_served = |candidate: &WorkerView<'_>| candidate.is_eligible_for(target, self.scope.now());
            contains(name, self.name_contains.as_deref())
                && candidate.as_ref().is_none_or(is_served)
                && self.scope.sees(&***queue)
        }))
    }
}

impl Listing for TaskQueues {
    type Item = TaskQueue;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Name
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, TaskQueue)> {
        let Some(named) = self.named(stretch) else { return Vec::new() };
        let shown =
            named.filter_map(|(name, queue)| Some((Place::named(name.clone()), self.scope.see(queue)?)));
        end.take(shown, limit)
    }

    fn count(&self) -> usize {
        let everything = (std::ops::Bound::Unbounded, std::ops::Bound::Unbounded);
        self.named(&everything).map_or(0, Iterator::count)
    }
}
