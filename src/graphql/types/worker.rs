//! Workers.

use std::ops::RangeBounds;
use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object};
use routing::eligibility::WorkerView;
use routing::expression::{Expression, Kind, TaskFacts};
use routing::ids::{ActivityId, TaskQueueId, WorkerId};
use routing::state::{Skill as CoreSkill, TaskQueue as CoreTaskQueue};
use routing::{Rejection, State, warnings};

use super::activity::Activity;
use super::reservation::{Of, Reservation, ReservationFilter, Reservations};
use super::skill::WorkerSkill;
use super::task_queue::{TaskQueue, TaskQueueFilter, TaskQueues};
use super::warning::ConfigurationWarning;
use super::worker_channel::WorkerChannel;
use super::workspace::Workspace;
use super::{OrderDirection, contains};
use crate::caller;
use crate::graphql::error::{Error, Result};
use crate::graphql::page::{self, Connection, End, Listing, OrderedBy, Page, Place, Stretch};
use crate::graphql::scalars::{DateTime, JsonObject, optional_id};
use crate::graphql::scope::{Scope, View};

/// A Worker, at one moment.
#[derive(Clone)]
pub struct Worker {
    scope: Scope,
    worker: Arc<routing::state::Worker>,
}

impl View for Worker {
    type Object = routing::state::Worker;

    fn over(scope: Scope, worker: Arc<routing::state::Worker>) -> Worker {
        Worker { scope, worker }
    }
}

impl Worker {
    /// The moment.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What it shows.
    pub fn worker(&self) -> &routing::state::Worker {
        &self.worker
    }

    /// Is its Activity one in which work may come?
    pub fn is_available(&self) -> bool {
        self.scope.state().is_available(&self.worker)
    }
}

/// A person, or a program, who takes Tasks.
#[Object]
impl Worker {
    /// Begins with `WK`.
    pub async fn id(&self) -> ID {
        self.worker.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Unique in the Workspace without regard to case; at most 64 characters.
    async fn name(&self) -> &str {
        &self.worker.name
    }

    /// What expressions look at, such as skills and languages.
    async fn attributes(&self) -> JsonObject {
        JsonObject::Attributes(self.worker.attributes.clone())
    }

    /// What the Worker is doing.
    async fn activity(&self) -> Activity {
        self.scope.activity(self.worker.activity).expect("Activities can be read for good, and all see them")
    }

    /// Since when the Worker has been doing it.
    async fn activity_changed_at(&self) -> DateTime {
        self.worker.activity_changed_at.into()
    }

    /// May work come, as far as the Activity goes? Whether there is capacity is asked of the channels.
    async fn available(&self) -> bool {
        self.is_available()
    }

    /// What the Worker can take, by Task Channel.
    async fn channels(&self) -> Vec<WorkerChannel> {
        let task_channels = self.scope.state().task_channels.values();
        task_channels.map(|channel| WorkerChannel::of(self.clone(), channel)).collect()
    }

    /// The Skills of the Worker, in the order of `attributes.routing.skills`. Names there that are no Skill, in this
    /// very spelling, are passed over; `warnings` tells them.
    async fn skills(&self) -> Vec<WorkerSkill> {
        let skills = self.scope.state().skills_of(&self.worker);
        let of = |(skill, level)| Some(WorkerSkill { skill: self.scope.see(skill)?, level });
        skills.into_iter().filter_map(of).collect()
    }

    /// What in the attributes is legal and probably not meant: names that are no Skill, and levels that do not suit
    /// the Skill. Nothing without Skills in the Workspace. `FORBIDDEN` for a Worker's token.
    async fn warnings(&self) -> Result<Vec<ConfigurationWarning>> {
        self.scope.check_sees_configuration()?;
        Ok(ConfigurationWarning::all(warnings::of_worker(self.scope.state(), &self.worker)))
    }

    /// The TaskQueues whose target expression this Worker satisfies, by name.
    async fn task_queues(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
    ) -> Result<Connection<TaskQueue>> {
        let filter = TaskQueueFilter { name_contains: None, worker_id: Some(self.worker.id.into()) };
        Connection::of(&Page::forward(first, after)?, TaskQueues::of(&self.scope, Some(filter))?)
    }

    /// What was offered to this Worker, newest first. Reservations of Tasks that ended stay for some minutes.
    async fn reservations(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only Reservations that fit.")] filter: Option<ReservationFilter>,
    ) -> Result<Connection<Reservation>> {
        let list = Reservations::of(&self.scope, Of::Worker(self.worker.id), filter)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// Counts the changes of name, attributes and Activity, from 1; for `expectedVersion`. Reservations do not
    /// count.
    async fn version(&self) -> u32 {
        self.worker.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.worker.created_at.into()
    }

    /// When name, attributes or Activity changed last.
    async fn updated_at(&self) -> DateTime {
        self.worker.updated_at.into()
    }

    /// When it was deleted. Then it is in no list and has no name any more, and is shown where something refers to it.
    /// Null where it was not.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.worker.deleted_at.map(DateTime)
    }
}

/// Which Workers. All conditions that are given must hold.
#[derive(InputObject, Default)]
pub struct WorkerFilter {
    /// In this Activity.
    pub activity_id: Option<ID>,
    /// In the Activity of this name, without regard to case.
    pub activity_name: Option<String>,
    /// In an Activity that is available, or in one that is not.
    pub available: Option<bool>,
    /// With a name that contains this text, without regard to case.
    pub name_contains: Option<String>,
    /// Eligible for this TaskQueue.
    pub task_queue_id: Option<ID>,
    /// For whom this worker expression is true, written as the `targetWorkers` of a TaskQueue: `routing.skills
    /// HAS "es"`. Error: `INVALID_EXPRESSION`.
    pub matching: Option<String>,
}

/// The order of Workers.
#[derive(InputObject)]
pub struct WorkerOrderBy {
    /// By what.
    pub field: WorkerOrderField,
    /// From which end.
    #[graphql(default)]
    pub direction: OrderDirection,
}

/// What Workers can be ordered by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorkerOrderField {
    /// The name, without regard to case.
    Name,
    /// When the Worker was created.
    CreatedAt,
    /// Since when the Worker has been in the present Activity; then when it was created.
    ActivityChangedAt,
}

/// A list of Workers.
pub struct Workers {
    scope: Scope,
    conditions: Conditions,
    field: WorkerOrderField,
    direction: OrderDirection,
}

/// A [`WorkerFilter`], understood.
#[derive(Default)]
struct Conditions {
    activity: Option<ActivityId>,
    activity_name: Option<String>,
    available: Option<bool>,
    name_contains: Option<String>,
    task_queue: Option<Queue>,
    matching: Option<Expression>,
    skill: Option<Arc<CoreSkill>>,
}

/// The TaskQueue that the Workers are to be eligible for.
enum Queue {
    Known(Arc<CoreTaskQueue>),
    /// For what does not exist, nobody is eligible.
    Unknown,
}

impl Workers {
    /// The Workers that the viewer sees and the filter lets through; by name, unless an order is given.
    pub fn of(
        scope: &Scope,
        filter: Option<WorkerFilter>,
        order_by: Option<WorkerOrderBy>,
    ) -> Result<Workers> {
        let conditions = Conditions::of(scope, filter.unwrap_or_default())?;
        let order_by = order_by
            .unwrap_or(WorkerOrderBy { field: WorkerOrderField::Name, direction: OrderDirection::Asc });
        let WorkerOrderBy { field, direction } = order_by;
        Ok(Workers { scope: scope.clone(), conditions, field, direction })
    }

    /// The Workers who are eligible for a TaskQueue, by name.
    pub fn eligible(scope: &Scope, queue: Arc<CoreTaskQueue>) -> Workers {
        let queue = if queue.deleted_at.is_none() { Queue::Known(queue) } else { Queue::Unknown };
        let conditions = Conditions { task_queue: Some(queue), ..Conditions::default() };
        let (field, direction) = (WorkerOrderField::Name, OrderDirection::Asc);
        Workers { scope: scope.clone(), conditions, field, direction }
    }

    /// The Workers who have a Skill, by name.
    pub fn with_skill(scope: &Scope, skill: Arc<CoreSkill>) -> Workers {
        let conditions = Conditions { skill: Some(skill), ..Conditions::default() };
        let (field, direction) = (WorkerOrderField::Name, OrderDirection::Asc);
        Workers { scope: scope.clone(), conditions, field, direction }
    }

    fn admits(&self, worker: &routing::state::Worker) -> bool {
        self.scope.sees(worker) && self.conditions.hold(&self.scope, worker)
    }

    fn place(&self, worker: &routing::state::Worker) -> Place {
        match self.field {
            WorkerOrderField::Name => Place::named(worker.name.to_lowercase()),
            WorkerOrderField::CreatedAt => Place::of_id(worker.id),
            WorkerOrderField::ActivityChangedAt => Place::ranked(worker.activity_changed_at.0, worker.id),
        }
    }

    /// The Workers among whom those of the list are, in no order.
    fn candidates(&self) -> Box<dyn Iterator<Item = &Arc<routing::state::Worker>> + '_> {
        let workers = &self.scope.state().workers;
        match self.scope.own_worker() {
            None => Box::new(workers.values()),
            Some(own) => Box::new(workers.get(&own).into_iter()),
        }
    }
}

impl Listing for Workers {
    type Item = Worker;

    fn ordered_by(&self) -> OrderedBy {
        match self.field {
            WorkerOrderField::Name => OrderedBy::Name,
            WorkerOrderField::CreatedAt => OrderedBy::Creation,
            WorkerOrderField::ActivityChangedAt => OrderedBy::ActivityChange,
        }
    }

    fn is_descending(&self) -> bool {
        self.direction == OrderDirection::Desc
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Worker)> {
        let state: &State = self.scope.state();
        let shown =
            |(place, worker): (Place, &Arc<routing::state::Worker>)| Some((place, self.scope.see(worker)?));
        let found = |id: &WorkerId| Some(&state.workers[id]).filter(|worker| self.admits(worker));

        if self.scope.own_worker().is_none() && self.field == WorkerOrderField::Name {
            let names = state.lookups.worker_names.range(page::names(stretch));
            let workers = names.filter_map(|(name, id)| shown((Place::named(name.clone()), found(id)?)));
            return end.take(workers, limit);
        }
        if self.scope.own_worker().is_none() && self.field == WorkerOrderField::CreatedAt {
            let ids = state.workers.range(page::ids::<WorkerId>(stretch));
            let workers = ids.filter_map(|(id, _)| shown((Place::of_id(*id), found(id)?)));
            return end.take(workers, limit);
        }
        let admitted = self.candidates().filter(|worker| self.admits(worker));
        let placed = admitted.map(|worker| (self.place(worker), worker));
        let inside = placed.filter(|(place, _)| stretch.contains(place)).collect();
        end.select(inside, limit).into_iter().filter_map(shown).collect()
    }

    fn count(&self) -> usize {
        self.candidates().filter(|worker| self.admits(worker)).count()
    }
}

impl Conditions {
    fn of(scope: &Scope, filter: WorkerFilter) -> Result<Conditions> {
        let WorkerFilter { activity_id, activity_name, available, name_contains, task_queue_id, matching } =
            filter;
        let queue = optional_id::<TaskQueueId>("filter.taskQueueId", task_queue_id.as_ref())?;
        let queue = queue.map(|id| {
            let known = scope.state().task_queues.get(&id).filter(|queue| scope.sees(&***queue));
            known.cloned().map_or(Queue::Unknown, Queue::Known)
        });
        let matching = matching.map(|source| Expression::parse(Kind::Queue, &source)).transpose();
        let matching = matching.map_err(|error| {
            let rejection = Rejection::InvalidExpression { field: "filter.matching", error };
            Error::from(caller::Error::from(rejection))
        })?;
        Ok(Conditions {
            activity: optional_id("filter.activityId", activity_id.as_ref())?,
            activity_name: activity_name.map(|name| name.to_lowercase()),
            available,
            name_contains: name_contains.map(|part| part.to_lowercase()),
            task_queue: queue,
            matching,
            skill: None,
        })
    }

    fn hold(&self, scope: &Scope, worker: &routing::state::Worker) -> bool {
        let Conditions { activity, activity_name, available, name_contains, task_queue, matching, skill } =
            self;
        let state = scope.state();
        let fits = activity.is_none_or(|activity| activity == worker.activity)
            && available.is_none_or(|available| available == state.is_available(worker))
            && activity_name
                .as_ref()
                .is_none_or(|name| state.activities[&worker.activity].name.to_lowercase() == *name)
            && contains(&worker.name, name_contains.as_deref())
            && skill.as_ref().is_none_or(|skill| skill.is_assigned_to(worker));
        if !fits || (task_queue.is_none() && matching.is_none()) {
            return fits;
        }
        // Last, because the attributes have to be parsed for it.
        let candidate = WorkerView::of(state, worker);
        let is_eligible = match task_queue {
            None => true,
            Some(Queue::Known(queue)) => candidate.is_eligible_for(&queue.target_workers, scope.now()),
            Some(Queue::Unknown) => false,
        };
        is_eligible
            && matching
                .as_ref()
                .is_none_or(|expression| candidate.satisfies(expression, TaskFacts::None, scope.now()))
    }
}
