//! Workspaces.

use async_graphql::{ID, Object};

use super::activity::Activity;
use super::event::{Begin, EventConnection, EventFilter};
use super::reservation::{Of, Reservation, ReservationFilter, Reservations};
use super::skill::{Skill, Skills};
use super::task::{Task, TaskFilter, TaskOrderBy, Tasks};
use super::task_channel::TaskChannel;
use super::task_queue::{TaskOrder, TaskQueue, TaskQueueFilter, TaskQueues};
use super::transfer_target::{TransferTarget, TransferTargets};
use super::worker::{Worker, WorkerFilter, WorkerOrderBy, Workers};
use super::workflow::{Workflow, Workflows};
use crate::graphql::error::Result;
use crate::graphql::page::{Connection, End, Listing, OrderedBy, Page, Place, Stretch};
use crate::graphql::scalars::{DateTime, Sequence};
use crate::graphql::scope::Scope;

/// A Workspace, at one moment.
#[derive(Clone)]
pub struct Workspace {
    scope: Scope,
}

impl Workspace {
    /// The Workspace of a scope. Who has a scope may enter.
    pub fn of(scope: Scope) -> Workspace {
        Workspace { scope }
    }

    fn settings(&self) -> &routing::state::Workspace {
        &self.scope.state().workspace
    }
}

/// Everything that belongs together: Workers, Tasks, and the rules that bring them together. What a query shows
/// of a Workspace is one moment of it, `sequence`. A Worker's token sees in each list only what concerns the
/// Worker; `queueOrderPriority` and `reofferDelaySeconds` are `FORBIDDEN` for it.
#[Object]
impl Workspace {
    /// Begins with `WS`.
    pub async fn id(&self) -> ID {
        self.settings().id.into()
    }

    /// What people call it; at most 64 characters.
    async fn name(&self) -> &str {
        &self.settings().name
    }

    /// Counts the changes of the settings, from 1; for `expectedVersion`.
    async fn version(&self) -> u32 {
        self.settings().version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.settings().created_at.into()
    }

    /// When its settings changed last.
    async fn updated_at(&self) -> DateTime {
        self.settings().updated_at.into()
    }

    /// The newest committed event: the moment that the whole answer shows. A subscription with `after` set to
    /// it goes on from here without gap.
    async fn sequence(&self) -> Sequence {
        Sequence(self.scope.state().sequence)
    }

    /// Which kind of TaskQueue is served first by a Worker who is eligible for both kinds.
    async fn queue_order_priority(&self) -> Result<TaskOrder> {
        self.scope.check_sees_configuration()?;
        Ok(self.settings().queue_order_priority.into())
    }

    /// Where new Workers begin.
    async fn default_activity(&self) -> Activity {
        self.scope
            .activity(self.settings().default_activity)
            .expect("Activities can be read for good, and all see them")
    }

    /// Where a Worker goes whose Reservation timed out. Null: the Worker is not moved.
    async fn timeout_activity(&self) -> Option<Activity> {
        self.scope.activity(self.settings().timeout_activity?)
    }

    /// Where a Worker goes whose desktop is gone.
    async fn logout_activity(&self) -> Activity {
        self.scope
            .activity(self.settings().logout_activity)
            .expect("Activities can be read for good, and all see them")
    }

    /// For how many seconds a Task is not offered again to a Worker who rejected it or let it time out: 1 to
    /// 3,600.
    async fn reoffer_delay_seconds(&self) -> Result<u32> {
        self.scope.check_sees_configuration()?;
        Ok(self.settings().reoffer_delay_seconds)
    }

    /// After how many hours an assigned Task is ended by the server, with all its Reservations: 1 to 8,760. Null: it
    /// may take as long as it takes.
    async fn assigned_limit_hours(&self) -> Result<Option<u32>> {
        self.scope.check_sees_configuration()?;
        Ok(self.settings().assigned_limit_hours)
    }

    /// All Activities, oldest first. There are at most 100.
    async fn activities(&self) -> Vec<Activity> {
        self.scope.state().activities.values().filter_map(|activity| self.scope.see(activity)).collect()
    }

    /// All Task Channels, oldest first.
    async fn task_channels(&self) -> Vec<TaskChannel> {
        self.scope.state().task_channels.values().filter_map(|channel| self.scope.see(channel)).collect()
    }

    /// The Activity of this name.
    async fn activity(&self, #[graphql(desc = "Without regard to case.")] name: String) -> Option<Activity> {
        self.scope.see(self.scope.state().activity_named(&name)?)
    }

    /// The Task Channel of this unique name.
    async fn task_channel(
        &self,
        #[graphql(desc = "Exactly as it is written in expressions.")] unique_name: String,
    ) -> Option<TaskChannel> {
        self.scope.see(self.scope.state().task_channel_named(&unique_name)?)
    }

    /// The Skill of this name.
    async fn skill(&self, #[graphql(desc = "Without regard to case.")] name: String) -> Option<Skill> {
        self.scope.see(self.scope.state().skill_named(&name)?)
    }

    /// The TaskQueue of this name.
    async fn task_queue(
        &self,
        #[graphql(desc = "Without regard to case.")] name: String,
    ) -> Option<TaskQueue> {
        self.scope.see(self.scope.state().task_queue_named(&name)?)
    }

    /// The Workflow of this name.
    async fn workflow(&self, #[graphql(desc = "Without regard to case.")] name: String) -> Option<Workflow> {
        self.scope.see(self.scope.state().workflow_named(&name)?)
    }

    /// The Worker of this name.
    async fn worker(&self, #[graphql(desc = "Without regard to case.")] name: String) -> Option<Worker> {
        self.scope.see(self.scope.state().worker_named(&name)?)
    }

    /// The Workers, by name unless `orderBy` says otherwise.
    #[allow(clippy::too_many_arguments)] // They are the arguments of the API.
    async fn workers(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only Workers that fit.")] filter: Option<WorkerFilter>,
        #[graphql(desc = "The order; cursors hold only in the order in which they were got.")]
        order_by: Option<WorkerOrderBy>,
    ) -> Result<Connection<Worker>> {
        let list = Workers::of(&self.scope, filter, order_by)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// The Skills, by name. A Worker's token sees those of its Worker.
    async fn skills(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Skill>> {
        Connection::of(&Page::of(first, after, last, before)?, Skills(self.scope.clone()))
    }

    /// The TaskQueues, by name.
    async fn task_queues(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only TaskQueues that fit.")] filter: Option<TaskQueueFilter>,
    ) -> Result<Connection<TaskQueue>> {
        let list = TaskQueues::of(&self.scope, filter)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// The Workflows, by name.
    async fn workflows(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Workflow>> {
        Connection::of(&Page::of(first, after, last, before)?, Workflows(self.scope.clone()))
    }

    /// The Tasks, oldest first unless `orderBy` says otherwise. Tasks that ended stay for some minutes.
    #[allow(clippy::too_many_arguments)] // They are the arguments of the API.
    async fn tasks(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only Tasks that fit.")] filter: Option<TaskFilter>,
        #[graphql(desc = "The order; cursors hold only in the order in which they were got.")]
        order_by: Option<TaskOrderBy>,
    ) -> Result<Connection<Task>> {
        let list = Tasks::of(&self.scope, filter, order_by)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// The Reservations, newest first. Reservations of Tasks that ended stay for some minutes.
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
        let list = Reservations::of(&self.scope, Of::Workspace, filter)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// Where an agent can send a Task: first the Workers, then the TaskQueues, then the Workflows, each by name. A
    /// Worker is not shown to themselves. All roles see names and availability, and nothing more.
    async fn transfer_targets(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those whose name contains this, without regard to case.")] search: Option<
            String,
        >,
    ) -> Result<Connection<TransferTarget>> {
        Connection::of(&Page::forward(first, after)?, TransferTargets::of(&self.scope, search))
    }

    /// The event log up to this moment, oldest first.
    #[allow(clippy::too_many_arguments)] // They are the arguments of the API.
    async fn events(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Only events behind this position of the log. Error: `EVENTS_EXPIRED` where the log no longer reaches back to it."
        )]
        after_sequence: Option<Sequence>,
        #[graphql(desc = "Only events that fit.")] filter: Option<EventFilter>,
    ) -> Result<EventConnection> {
        let begin = after_sequence.map_or(Begin::About(0), |sequence| Begin::Exactly(sequence.0));
        EventConnection::read(&self.scope, &Page::of(first, after, last, before)?, begin, filter).await
    }
}

/// The Workspaces that the viewer may enter, by creation.
pub struct Workspaces(pub Vec<Scope>);

impl Listing for Workspaces {
    type Item = Workspace;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Creation
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Workspace)> {
        let placed = self.0.iter().map(|scope| (Place::of_id(scope.state().id()), scope));
        let inside = placed.filter(|(place, _)| std::ops::RangeBounds::contains(stretch, place));
        end.select(inside.map(|(place, scope)| (place, scope.workspace())).collect(), limit)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}
