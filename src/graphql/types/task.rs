//! Tasks.

use std::collections::BTreeSet;
use std::ops::RangeBounds;
use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object, Union};
use routing::ids::{TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId};
use routing::{State, state};

use super::OrderDirection;
use super::event::{Begin, EventConnection, EventFilter};
use super::explanation::RoutingExplanation;
use super::reservation::{Of, Reservation, ReservationFilter, Reservations};
use super::task_channel::TaskChannel;
use super::task_queue::TaskQueue;
use super::task_transfer::TaskTransfer;
use super::worker::Worker;
use super::workflow::Workflow;
use super::workspace::Workspace;
use crate::graphql::error::Result;
use crate::graphql::page::{self, Connection, End, Listing, OrderedBy, Page, Place, Stretch};
use crate::graphql::scalars::{DateTime, JsonObject, optional_count, optional_id};
use crate::graphql::scope::{Scope, View};

/// Where a Task is in its life. `PENDING` comes first; from `COMPLETED` and `CANCELED` nothing leads on.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "state::TaskStatus")]
pub enum TaskStatus {
    /// Waiting for a Worker.
    Pending,
    /// Offered, and waiting for an answer. Goes back to `PENDING` when nobody accepts.
    Reserved,
    /// A Worker has it.
    Assigned,
    /// The Worker wraps it up.
    Wrapping,
    /// Done.
    Completed,
    /// Given up.
    Canceled,
}

/// A Task, at one moment.
#[derive(Clone)]
pub struct Task {
    scope: Scope,
    task: Arc<state::Task>,
}

impl Task {
    /// Its id.
    pub fn core_id(&self) -> TaskId {
        self.task.id
    }
}

impl View for Task {
    type Object = state::Task;

    fn over(scope: Scope, task: Arc<state::Task>) -> Task {
        Task { scope, task }
    }
}

/// A piece of work that waits for a Worker, or is in a Worker's hands. Tasks that have ended leave the lists
/// and `node` after some minutes; their events stay.
#[Object]
impl Task {
    /// Begins with `WT`.
    pub async fn id(&self) -> ID {
        self.task.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Where it is in its life.
    async fn status(&self) -> TaskStatus {
        self.task.status().into()
    }

    /// What the work is about; expressions look at it.
    async fn attributes(&self) -> JsonObject {
        JsonObject::Attributes(self.task.attributes.clone())
    }

    /// Larger is served first in a `FIFO` TaskQueue: 0 to 2,147,483,647. Targets of the Workflow may set it.
    async fn priority(&self) -> u32 {
        self.task.priority
    }

    /// Whole seconds since its creation.
    async fn age_seconds(&self) -> i64 {
        self.scope.now().seconds_since(self.task.created_at)
    }

    /// Why it was canceled, or how it was completed where somebody said so.
    async fn reason(&self) -> Option<&str> {
        self.task.ended()?.reason.as_deref()
    }

    /// Which capacity of a Worker it uses.
    async fn task_channel(&self) -> TaskChannel {
        self.scope
            .task_channel(self.task.task_channel)
            .expect("Task Channels can be read for good, and all see them")
    }

    /// The Workflow that routes it. Null where it was directed to a Worker or a TaskQueue.
    async fn workflow(&self) -> Option<Workflow> {
        self.scope.workflow(self.task.workflow?)
    }

    /// What it was created for directly. Null where it was not, or the viewer may not see that.
    async fn routing_target(&self) -> Option<RoutingTarget> {
        match self.task.routing_target? {
            state::RoutingTarget::Worker(id) => self.scope.worker(id).map(RoutingTarget::Worker),
            state::RoutingTarget::TaskQueue(id) => self.scope.task_queue(id).map(RoutingTarget::TaskQueue),
            state::RoutingTarget::Workflow(id) => self.scope.workflow(id).map(RoutingTarget::Workflow),
        }
    }

    /// It was offered to the Worker of its `routingTarget` at once, whatever that Worker was doing.
    async fn ignore_capacity(&self) -> bool {
        self.task.ignore_capacity
    }

    /// The TaskQueue that it waits in, or waited in last. Null where it was directed to a Worker.
    async fn task_queue(&self) -> Option<TaskQueue> {
        self.scope.task_queue(self.task.task_queue?)
    }

    /// When it entered that TaskQueue.
    async fn task_queue_entered_at(&self) -> Option<DateTime> {
        self.task.task_queue_entered_at.map(DateTime)
    }

    /// Time to live while pending or reserved, in seconds: 1 to 1,209,600. When it is over, the Task is
    /// canceled.
    async fn timeout_seconds(&self) -> u32 {
        self.task.timeout_seconds
    }

    /// When the time to live ends. Null once a Worker has it, or it has ended.
    async fn expires_at(&self) -> Option<DateTime> {
        self.task.waiting().map(|waiting| waiting.expires_at.into())
    }

    /// Stands for the creation time where Tasks are ordered by how long they wait. Moves nothing but the order.
    async fn virtual_start_time(&self) -> DateTime {
        self.task.virtual_start_time.into()
    }

    /// When it was completed or canceled.
    async fn ended_at(&self) -> Option<DateTime> {
        self.task.ended().map(|ended| ended.at.into())
    }

    /// The accepted Reservation of the present owner: of several, the one that was accepted last; while the Task is
    /// transferred `WARM`, that of the Worker who transfers it. Null before, while it is transferred `COLD` unless
    /// somebody who had handed it on before is still there, and once the Task has ended.
    async fn assigned_reservation(&self) -> Option<Reservation> {
        self.scope.reservation(self.task.owner()?.reservation)
    }

    /// How it was handed on, oldest first. At most the last one is in progress; there are at most 100.
    async fn transfers(&self) -> Vec<TaskTransfer> {
        TaskTransfer::all_of(&self.scope, &self.task)
    }

    /// Where it stands in its Workflow. Null unless it is pending or reserved there.
    async fn routing_step(&self) -> Option<RoutingStep> {
        self.task.step()?;
        Some(RoutingStep(Arc::clone(&self.task)))
    }

    /// How often it went from pending to reserved. At 1,000 it is canceled.
    async fn assignment_count(&self) -> u32 {
        self.task.assignment_count
    }

    /// Why it waits, or how it was routed, as things are now: for one Worker, or for those who are nearest to getting
    /// it. Of a Task that is offered already, only a Worker who is asked for is looked at. Looks at every Worker, so ask for one Task at a time. Errors: `FORBIDDEN` for a Worker's token,
    /// `OVERLOADED` when too many ask.
    async fn explanation(
        &self,
        #[graphql(desc = "Only this Worker.")] worker_id: Option<ID>,
        #[graphql(desc = "How many Workers: 0 to 50, 10 where left out.")] first: Option<i32>,
    ) -> Result<RoutingExplanation> {
        RoutingExplanation::of(&self.scope, self.clone(), worker_id, first).await
    }

    /// To whom it was offered, newest first.
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
        let list = Reservations::of(&self.scope, Of::Task(self.task.id), filter)?;
        Connection::of(&Page::of(first, after, last, before)?, list)
    }

    /// What happened to it, oldest first.
    async fn events(
        &self,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
    ) -> Result<EventConnection> {
        let filter = EventFilter { task_id: Some(self.task.id.into()), ..EventFilter::default() };
        let since = self.task.created_sequence - 1;
        EventConnection::read(&self.scope, &Page::forward(first, after)?, Begin::About(since), Some(filter))
            .await
    }

    /// Counts the changes, from 1; for `expectedVersion`. The end of one of its Reservations counts, too.
    async fn version(&self) -> u32 {
        self.task.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        self.task.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        self.task.updated_at.into()
    }

    /// When it was deleted. Then it has ended, is in no list, and is shown by its id for some minutes. Null where it was
    /// not.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.task.deleted_at.map(DateTime)
    }
}

/// What a Task can be created for directly.
#[derive(Union)]
#[allow(missing_docs)] // Described where the types are.
pub enum RoutingTarget {
    Worker(Worker),
    TaskQueue(TaskQueue),
    Workflow(Workflow),
}

/// Where a Task stands in its Workflow.
pub struct RoutingStep(Arc<state::Task>);

impl RoutingStep {
    fn step(&self) -> &state::task::RoutingStep {
        self.0.step().expect("checked when the view was made")
    }
}

/// Where a Task stands in its Workflow: at which target of which filter.
#[Object]
impl RoutingStep {
    /// The name of the filter, if it has one. Null in the default filter.
    async fn filter_name(&self) -> Option<&str> {
        self.step().filter_name.as_deref()
    }

    /// The position of the filter, from 0. Null in the default filter.
    async fn filter_index(&self) -> Option<u32> {
        self.step().filter
    }

    /// The position of the target in its filter, from 0.
    async fn target_index(&self) -> u32 {
        self.step().target
    }

    /// When the Task came here.
    async fn entered_at(&self) -> DateTime {
        self.step().entered_at.into()
    }

    /// When it goes on to the next target. Null: not by time.
    async fn deadline(&self) -> Option<DateTime> {
        self.step().deadline.map(DateTime)
    }
}

/// Which Tasks. All conditions that are given must hold.
#[derive(InputObject, Default)]
pub struct TaskFilter {
    /// In one of these statuses. An empty list is the same as none.
    pub statuses: Option<Vec<TaskStatus>>,
    /// Waiting in this TaskQueue, or waited in it last.
    pub task_queue_id: Option<ID>,
    /// Routed by this Workflow.
    pub workflow_id: Option<ID>,
    /// Of this Task Channel.
    pub task_channel_id: Option<ID>,
    /// Of exactly this priority.
    pub priority: Option<i32>,
    /// Offered to this Worker, or in the Worker's hands.
    pub worker_id: Option<ID>,
}

/// The order of Tasks.
#[derive(InputObject)]
pub struct TaskOrderBy {
    /// By what.
    pub field: TaskOrderField,
    /// From which end.
    #[graphql(default)]
    pub direction: OrderDirection,
}

/// What Tasks can be ordered by.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskOrderField {
    /// When the Task was created.
    CreatedAt,
    /// The priority; then when it was created.
    Priority,
    /// The virtual start time; then when it was created.
    VirtualStartTime,
}

/// A list of Tasks.
pub struct Tasks {
    scope: Scope,
    among: Among,
    conditions: Conditions,
    field: TaskOrderField,
    direction: OrderDirection,
}

/// The fewest that are easily found and hold all of a list.
#[derive(Clone, Copy)]
enum Among {
    Everything,
    /// The Tasks of a TaskQueue that have not ended.
    Queue(TaskQueueId),
    /// The Tasks that a Worker has open Reservations of.
    Worker(WorkerId),
}

/// A [`TaskFilter`], understood.
struct Conditions {
    statuses: Vec<state::TaskStatus>,
    task_queue: Option<TaskQueueId>,
    workflow: Option<WorkflowId>,
    task_channel: Option<TaskChannelId>,
    priority: Option<u32>,
    worker: Option<WorkerId>,
    /// The TaskQueue that holds the Task: it is in there, and has not ended.
    held_by: Option<TaskQueueId>,
}

impl Tasks {
    /// The Tasks that the viewer sees and the filter lets through; by creation, unless an order is given.
    pub fn of(scope: &Scope, filter: Option<TaskFilter>, order_by: Option<TaskOrderBy>) -> Result<Tasks> {
        let conditions = Conditions::of(filter.unwrap_or_default(), None)?;
        let order_by = order_by
            .unwrap_or(TaskOrderBy { field: TaskOrderField::CreatedAt, direction: OrderDirection::Asc });
        Ok(Tasks::new(scope, conditions, order_by))
    }

    /// Of those that a TaskQueue holds, the Tasks that the viewer sees and the filter lets through; by creation.
    pub fn held_by(scope: &Scope, queue: TaskQueueId, filter: Option<TaskFilter>) -> Result<Tasks> {
        let conditions = Conditions::of(filter.unwrap_or_default(), Some(queue))?;
        let order_by = TaskOrderBy { field: TaskOrderField::CreatedAt, direction: OrderDirection::Asc };
        Ok(Tasks::new(scope, conditions, order_by))
    }

    fn new(scope: &Scope, conditions: Conditions, order_by: TaskOrderBy) -> Tasks {
        let TaskOrderBy { field, direction } = order_by;
        let queue = conditions.held_by.or(conditions.task_queue.filter(|_| conditions.is_of_open_tasks()));
        let among = match (scope.own_worker().or(conditions.worker), queue) {
            (Some(worker), _) => Among::Worker(worker),
            (None, Some(queue)) => Among::Queue(queue),
            (None, None) => Among::Everything,
        };
        Tasks { scope: scope.clone(), among, conditions, field, direction }
    }

    fn candidates(&self) -> Box<dyn Iterator<Item = &Arc<state::Task>> + '_> {
        let state = self.scope.state();
        match self.among {
            Among::Everything => Box::new(state.tasks.values()),
            Among::Queue(queue) => Box::new(state.tasks_of_queue(queue)),
            Among::Worker(worker) => {
                let open = state.reservations_of_worker(worker).filter(|each| each.status.is_open());
                // A Worker may have more than one Reservation of the same Task.
                let tasks: BTreeSet<TaskId> = open.map(|reservation| reservation.task).collect();
                Box::new(tasks.into_iter().filter_map(|id| state.tasks.get(&id)))
            }
        }
    }

    fn admits(&self, task: &state::Task) -> bool {
        self.conditions.hold(self.scope.state(), task) && self.scope.sees(task)
    }

    fn place(&self, task: &state::Task) -> Place {
        match self.field {
            TaskOrderField::CreatedAt => Place::of_id(task.id),
            TaskOrderField::Priority => Place::ranked(task.priority.into(), task.id),
            TaskOrderField::VirtualStartTime => Place::ranked(task.virtual_start_time.0, task.id),
        }
    }
}

impl Listing for Tasks {
    type Item = Task;

    fn ordered_by(&self) -> OrderedBy {
        match self.field {
            TaskOrderField::CreatedAt => OrderedBy::Creation,
            TaskOrderField::Priority => OrderedBy::Priority,
            TaskOrderField::VirtualStartTime => OrderedBy::VirtualStart,
        }
    }

    fn is_descending(&self) -> bool {
        self.direction == OrderDirection::Desc
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Task)> {
        let shown = |(place, task): (Place, &Arc<state::Task>)| Some((place, self.scope.see(task)?));
        if let (Among::Everything, TaskOrderField::CreatedAt) = (self.among, self.field) {
            let all = self.scope.state().tasks.range(page::ids::<TaskId>(stretch));
            let admitted = all.filter(|(_, task)| self.admits(task));
            return end.take(admitted.filter_map(|(id, task)| shown((Place::of_id(*id), task))), limit);
        }
        let admitted = self.candidates().filter(|task| self.admits(task));
        let placed = admitted.map(|task| (self.place(task), task));
        let inside = placed.filter(|(place, _)| stretch.contains(place)).collect();
        end.select(inside, limit).into_iter().filter_map(shown).collect()
    }

    fn count(&self) -> usize {
        self.candidates().filter(|task| self.admits(task)).count()
    }
}

impl Conditions {
    fn of(filter: TaskFilter, held_by: Option<TaskQueueId>) -> Result<Conditions> {
        let TaskFilter { statuses, task_queue_id, workflow_id, task_channel_id, priority, worker_id } =
            filter;
        Ok(Conditions {
            statuses: statuses.unwrap_or_default().into_iter().map(Into::into).collect(),
            task_queue: optional_id("filter.taskQueueId", task_queue_id.as_ref())?,
            workflow: optional_id("filter.workflowId", workflow_id.as_ref())?,
            task_channel: optional_id("filter.taskChannelId", task_channel_id.as_ref())?,
            priority: optional_count("filter.priority", priority)?,
            worker: optional_id("filter.workerId", worker_id.as_ref())?,
            held_by,
        })
    }

    fn hold(&self, core: &State, task: &state::Task) -> bool {
        let Conditions { statuses, task_queue, workflow, task_channel, priority, worker, held_by } = self;
        let is_open_for = |worker: WorkerId| {
            let mut open = task.open_reservations.iter();
            open.any(|id| core.reservations.get(id).is_some_and(|reservation| reservation.worker == worker))
        };
        task.deleted_at.is_none()
            && (statuses.is_empty() || statuses.contains(&task.status()))
            && task_queue.is_none_or(|queue| task.task_queue == Some(queue))
            && workflow.is_none_or(|workflow| task.workflow == Some(workflow))
            && task_channel.is_none_or(|channel| task.task_channel == channel)
            && priority.is_none_or(|priority| task.priority == priority)
            && worker.is_none_or(is_open_for)
            && held_by.is_none_or(|queue| task.task_queue == Some(queue) && task.ended().is_none())
    }

    /// Do the statuses rule out that a Task has ended?
    fn is_of_open_tasks(&self) -> bool {
        let has_ended = |status: &state::TaskStatus| match status {
            state::TaskStatus::Completed | state::TaskStatus::Canceled => true,
            state::TaskStatus::Pending
            | state::TaskStatus::Reserved
            | state::TaskStatus::Assigned
            | state::TaskStatus::Wrapping => false,
        };
        !self.statuses.is_empty() && !self.statuses.iter().any(has_ended)
    }
}
