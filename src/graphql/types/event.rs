//! Events, and the log that they make.

use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object};
use routing::event::{Actor, Event as Core, Recorded};
use routing::ids::{
    ActivityId, Id, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId,
};
use routing::state;
use routing::time::Timestamp;

use super::activity::Activity;
use super::event_data;
use super::reservation::Reservation;
use super::skill::Skill;
use super::task::Task;
use super::task_channel::TaskChannel;
use super::task_queue::TaskQueue;
use super::worker::Worker;
use super::workflow::Workflow;
use crate::caller::Topic;
use crate::graphql::error::{Error, Result};
use crate::graphql::page::{Edge, OrderedBy, Page, PageInfo, Place, cursor_at};
use crate::graphql::scalars::{DateTime, JsonObject, Sequence, optional_id};
use crate::graphql::scope::Scope;

/// How many events one request reads at most in search of those that fit. It bounds the work of a filter that
/// nothing fits; the client goes on from where the search ended.
const EVENTS_READ_MAX: u64 = 20_000;
/// How many events are read at once where a filter lets few of them through.
const CHUNK: u64 = 500;

/// One event type, with what it means, for each core event.
macro_rules! event_types {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// What happened. One for each event type of TaskRouter: `task.created` is `TASK_CREATED`,
        /// `task-queue.entered` is `TASK_QUEUE_ENTERED`.
        #[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
        pub enum EventType {
            $($(#[doc = $doc])+ $name,)*
        }

        impl EventType {
            /// The type of an event.
            pub fn of(event: &Core) -> EventType {
                match event { $(Core::$name { .. } => EventType::$name,)* }
            }
        }
    };
}

event_types! {
    /// The Workspace began.
    WorkspaceCreated,
    /// A setting of the Workspace changed.
    WorkspaceUpdated,
    /// An Activity was created.
    ActivityCreated,
    /// An Activity was renamed.
    ActivityUpdated,
    /// An Activity was deleted.
    ActivityDeleted,
    /// A Task Channel was created.
    TaskChannelCreated,
    /// A Skill was created.
    SkillCreated,
    /// Name or levels of a Skill changed.
    SkillUpdated,
    /// A Skill was deleted. `data` shows it as it was.
    SkillDeleted,
    /// Name or circle of a Task Channel changed.
    TaskChannelUpdated,
    /// A Task Channel was deleted.
    TaskChannelDeleted,
    /// A TaskQueue was created.
    TaskQueueCreated,
    /// Name, order or number of reserved Workers of a TaskQueue changed.
    TaskQueueUpdated,
    /// The target expression of a TaskQueue changed.
    TaskQueueExpressionUpdated,
    /// A TaskQueue was deleted.
    TaskQueueDeleted,
    /// A Workflow was created.
    WorkflowCreated,
    /// A Workflow changed.
    WorkflowUpdated,
    /// A Workflow was deleted.
    WorkflowDeleted,
    /// A Worker was created.
    WorkerCreated,
    /// A Worker was renamed.
    WorkerUpdated,
    /// The attributes of a Worker changed.
    WorkerAttributesUpdate,
    /// A Worker went from one Activity to another. `data` has `previousActivityId` and
    /// `millisecondsInPreviousActivity`.
    WorkerActivityUpdate,
    /// The configured capacity of a worker channel changed. `data` has `taskChannelId` and `previousCapacity`.
    WorkerCapacityUpdate,
    /// A worker channel was switched on or off. `data` has `taskChannelId`.
    WorkerChannelAvailabilityUpdate,
    /// A Worker was deleted.
    WorkerDeleted,
    /// A Task was created.
    TaskCreated,
    /// Attributes, priority, Task Channel or virtual start time of a Task changed.
    TaskUpdated,
    /// A Task was canceled.
    TaskCanceled,
    /// The wrap-up of a Task began.
    TaskWrapup,
    /// A Task was completed.
    TaskCompleted,
    /// A Task was assigned for longer than `assignedLimitHours` of the Workspace, and was completed with all its
    /// Reservations.
    TaskSystemDeleted,
    /// A Worker began to hand a Task on. `data` has `transferId`; the transfer is in `task.transfers`.
    TaskTransferInitiated,
    /// Those whom a transferred Task was offered to did not take it, and others are asked. `data` has `transferId`.
    TaskTransferAttemptFailed,
    /// Nobody took a transferred Task. `data` has `transferId`.
    TaskTransferFailed,
    /// A transfer was called off. `data` has `transferId`.
    TaskTransferCanceled,
    /// Somebody took a transferred Task. `data` has `transferId`.
    TaskTransferCompleted,
    /// A Task was deleted. What was offered of it was canceled before, and what Workers had was completed.
    TaskDeleted,
    /// A Task that ended a while ago is no longer found by its id. `data` has `taskId`.
    TaskPurged,
    /// A Task entered its Workflow.
    WorkflowEntered,
    /// A Task came to a target of its Workflow. It enters that target's TaskQueue next, and has it here already.
    WorkflowTargetMatched,
    /// A Task reached the end of its Workflow, and no Worker took it.
    WorkflowTimeout,
    /// A Task was sent past the last target of its Workflow by `skip_if`, and nothing there takes it.
    WorkflowSkipped,
    /// A Task entered a TaskQueue, coming from none.
    TaskQueueEntered,
    /// A Task left a target, and with it the TaskQueue, because its time there was over.
    TaskQueueTimeout,
    /// A Task went from one TaskQueue to another. `data` has `previousTaskQueueId`.
    TaskQueueMoved,
    /// A Task was sent to a Worker by its `routingTarget`, and that Worker cannot be offered it any more. There is no
    /// Reservation and no Worker in it. The Task is canceled next.
    ReservationFailed,
    /// A Task was offered to a Worker.
    ReservationCreated,
    /// The Worker took the Task.
    ReservationAccepted,
    /// The Worker refused.
    ReservationRejected,
    /// The Worker did not answer in time.
    ReservationTimeout,
    /// The offer was withdrawn.
    ReservationCanceled,
    /// Another Worker took the Task.
    ReservationRescinded,
    /// The Worker began to wrap up.
    ReservationWrapup,
    /// The Worker is done with the Task.
    ReservationCompleted,
}

/// Who caused an event.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ActorKind {
    /// A person or program with an admin's token.
    Admin,
    /// A person or program with a supervisor's token.
    Supervisor,
    /// A Worker.
    Worker,
    /// Switchyard itself: routing, and what time brings.
    System,
}

/// An event of the log. The objects are reached as they are at the moment of the scope.
#[derive(Clone)]
pub struct Event {
    scope: Scope,
    recorded: Arc<Recorded>,
}

impl Event {
    /// The view of an event that came through the viewer's access, which lets through only what the viewer sees.
    pub fn of(scope: Scope, recorded: Arc<Recorded>) -> Event {
        Event { scope, recorded }
    }

    fn concerns(&self) -> Concerns {
        Concerns::of(&self.recorded.event)
    }
}

/// Something that happened, in its place in the Workspace's log.
#[Object]
impl Event {
    /// Begins with `EV`.
    pub async fn id(&self) -> ID {
        self.recorded.id(self.scope.state().tag()).into()
    }

    /// The position in the log: 1, 2, 3, … with no hole.
    async fn sequence(&self) -> Sequence {
        Sequence(self.recorded.sequence)
    }

    /// What happened.
    #[graphql(name = "type")]
    async fn event_type(&self) -> EventType {
        EventType::of(&self.recorded.event)
    }

    /// When, on the server's clock. Never earlier than the event before.
    async fn occurred_at(&self) -> DateTime {
        self.recorded.at.into()
    }

    /// What kind of caller caused it.
    async fn actor_kind(&self) -> ActorKind {
        match self.recorded.actor {
            Actor::Admin(_) => ActorKind::Admin,
            Actor::Supervisor(_) => ActorKind::Supervisor,
            Actor::Worker(_) => ActorKind::Worker,
            Actor::System => ActorKind::System,
        }
    }

    /// Who caused it: a Worker's id, or the subject of the token. Null for `SYSTEM`, and where the viewer may
    /// not see it.
    async fn actor_id(&self) -> Option<ID> {
        match (&self.recorded.actor, self.scope.own_worker()) {
            (Actor::Worker(worker), None) => Some(worker.into()),
            (Actor::Worker(worker), Some(own)) => (*worker == own).then(|| own.into()),
            (Actor::Admin(subject) | Actor::Supervisor(subject), None) => Some(subject.into()),
            (Actor::Admin(_) | Actor::Supervisor(_), Some(_)) | (Actor::System, _) => None,
        }
    }

    /// A sentence for people. It may change; programs look at `type` and `data`.
    async fn description(&self) -> String {
        description(&self.scope, &self.recorded.event)
    }

    /// A snapshot of every object concerned that the viewer may see, as it was when the event happened: under
    /// `task`, `worker`, `reservation`, … with the fields of these types, ids in place of objects
    /// (`taskQueueId`), and what the event type adds.
    async fn data(&self) -> JsonObject {
        JsonObject::Fields(event_data::of(&self.scope, &self.recorded))
    }

    /// The Task as it is now; null where it is gone or hidden from the viewer.
    async fn task(&self) -> Option<Task> {
        self.scope.task(self.concerns().task?)
    }

    /// The Worker as they are now; null where they are hidden from the viewer.
    async fn worker(&self) -> Option<Worker> {
        self.scope.worker(self.concerns().worker?)
    }

    /// The Reservation as it is now; null where it is gone or hidden from the viewer.
    async fn reservation(&self) -> Option<Reservation> {
        self.scope.reservation(self.concerns().reservation?)
    }

    /// The TaskQueue as it is now; null where it is hidden from the viewer.
    async fn task_queue(&self) -> Option<TaskQueue> {
        self.scope.task_queue(self.concerns().task_queue?)
    }

    /// The Workflow as it is now; null where it is hidden from the viewer.
    async fn workflow(&self) -> Option<Workflow> {
        self.scope.workflow(self.concerns().workflow?)
    }

    /// The Activity as it is now: one that changed, or the one that the Worker went to.
    async fn activity(&self) -> Option<Activity> {
        self.scope.activity(self.concerns().activity?)
    }

    /// The Task Channel as it is now.
    async fn task_channel(&self) -> Option<TaskChannel> {
        self.scope.task_channel(self.concerns().task_channel?)
    }

    /// The Skill as it is now; null where it is gone or hidden from the viewer.
    async fn skill(&self) -> Option<Skill> {
        self.scope.skill(self.concerns().skill?)
    }
}

/// What an event is about.
#[derive(Clone, Copy, Default)]
struct Concerns {
    task: Option<TaskId>,
    worker: Option<WorkerId>,
    reservation: Option<ReservationId>,
    task_queue: Option<TaskQueueId>,
    previous_task_queue: Option<TaskQueueId>,
    workflow: Option<WorkflowId>,
    activity: Option<ActivityId>,
    task_channel: Option<TaskChannelId>,
    skill: Option<SkillId>,
}

impl Concerns {
    fn of(event: &Core) -> Concerns {
        match event {
            Core::WorkspaceCreated { .. } | Core::WorkspaceUpdated { .. } => Concerns::default(),
            Core::ActivityCreated { activity }
            | Core::ActivityUpdated { activity }
            | Core::ActivityDeleted { activity } => {
                Concerns { activity: Some(activity.id), ..Concerns::default() }
            }
            Core::TaskChannelCreated { task_channel }
            | Core::TaskChannelUpdated { task_channel }
            | Core::TaskChannelDeleted { task_channel } => {
                Concerns { task_channel: Some(task_channel.id), ..Concerns::default() }
            }
            Core::SkillCreated { skill } | Core::SkillUpdated { skill } | Core::SkillDeleted { skill } => {
                Concerns { skill: Some(skill.id), ..Concerns::default() }
            }
            Core::TaskQueueCreated { task_queue }
            | Core::TaskQueueUpdated { task_queue }
            | Core::TaskQueueExpressionUpdated { task_queue }
            | Core::TaskQueueDeleted { task_queue } => {
                Concerns { task_queue: Some(task_queue.id), ..Concerns::default() }
            }
            Core::WorkflowCreated { workflow }
            | Core::WorkflowUpdated { workflow }
            | Core::WorkflowDeleted { workflow } => {
                Concerns { workflow: Some(workflow.id), ..Concerns::default() }
            }
            Core::WorkerCreated { worker } | Core::WorkerActivityUpdate { worker, .. } => {
                Concerns { worker: Some(worker.id), activity: Some(worker.activity), ..Concerns::default() }
            }
            Core::WorkerUpdated { worker }
            | Core::WorkerAttributesUpdate { worker }
            | Core::WorkerDeleted { worker } => Concerns { worker: Some(worker.id), ..Concerns::default() },
            Core::WorkerCapacityUpdate { worker, task_channel, .. }
            | Core::WorkerChannelAvailabilityUpdate { worker, task_channel } => {
                Concerns { worker: Some(worker.id), task_channel: Some(*task_channel), ..Concerns::default() }
            }
            Core::TaskCreated { task }
            | Core::TaskUpdated { task }
            | Core::TaskCanceled { task }
            | Core::TaskWrapup { task }
            | Core::TaskCompleted { task }
            | Core::TaskSystemDeleted { task }
            | Core::TaskTransferInitiated { task, transfer: _ }
            | Core::TaskTransferAttemptFailed { task, transfer: _ }
            | Core::TaskTransferFailed { task, transfer: _ }
            | Core::TaskTransferCanceled { task, transfer: _ }
            | Core::TaskTransferCompleted { task, transfer: _ }
            | Core::TaskDeleted { task }
            | Core::ReservationFailed { task }
            | Core::WorkflowEntered { task }
            | Core::WorkflowTargetMatched { task }
            | Core::WorkflowTimeout { task }
            | Core::WorkflowSkipped { task }
            | Core::TaskQueueEntered { task }
            | Core::TaskQueueTimeout { task } => Concerns::of_task(task),
            Core::TaskQueueMoved { task, previous_task_queue } => {
                Concerns { previous_task_queue: Some(*previous_task_queue), ..Concerns::of_task(task) }
            }
            Core::TaskPurged { task } => Concerns { task: Some(*task), ..Concerns::default() },
            Core::ReservationCreated { reservation, .. }
            | Core::ReservationAccepted { reservation, .. }
            | Core::ReservationRejected { reservation, .. }
            | Core::ReservationTimeout { reservation, .. }
            | Core::ReservationCanceled { reservation, .. }
            | Core::ReservationRescinded { reservation, .. }
            | Core::ReservationWrapup { reservation, .. }
            | Core::ReservationCompleted { reservation, .. } => Concerns {
                task: Some(reservation.task),
                worker: Some(reservation.worker),
                reservation: Some(reservation.id),
                task_queue: reservation.task_queue,
                workflow: reservation.workflow,
                task_channel: Some(reservation.task_channel),
                ..Concerns::default()
            },
        }
    }

    fn of_task(task: &state::Task) -> Concerns {
        Concerns {
            task: Some(task.id),
            task_queue: task.task_queue,
            workflow: task.workflow,
            task_channel: Some(task.task_channel),
            ..Concerns::default()
        }
    }
}

/// Names are those of today, and only where the viewer may see what they name.
fn description(scope: &Scope, event: &Core) -> String {
    let queue = |id: Option<TaskQueueId>| {
        let queue = id.and_then(|id| scope.state().task_queue(id)).filter(|queue| scope.sees(&***queue));
        queue.map_or("a TaskQueue".to_owned(), |queue| format!("TaskQueue {}", queue.name))
    };
    let workflow = |id: Option<WorkflowId>| {
        let workflow =
            id.and_then(|id| scope.state().workflow(id)).filter(|workflow| scope.sees(&***workflow));
        workflow.map_or("a Workflow".to_owned(), |workflow| format!("Workflow {}", workflow.name))
    };
    let activity = |id: ActivityId| scope.state().activity(id).map_or("another", |activity| &activity.name);
    let channel =
        |id: TaskChannelId| scope.state().task_channel(id).map_or("another", |channel| &channel.unique_name);
    let because = |reason: &Option<String>| {
        let reason = reason.as_ref().filter(|_| scope.access().sight().includes_reasons());
        reason.map_or(String::new(), |reason| format!(": {reason}"))
    };
    let ended = |task: &state::Task| task.ended().map_or(String::new(), |ended| because(&ended.reason));

    match event {
        Core::WorkspaceCreated { workspace } => format!("Workspace {} created", workspace.name),
        Core::WorkspaceUpdated { workspace } => format!("Workspace {} updated", workspace.name),
        Core::ActivityCreated { activity } => format!("Activity {} created", activity.name),
        Core::ActivityUpdated { activity } => format!("Activity renamed to {}", activity.name),
        Core::ActivityDeleted { activity } => format!("Activity {} deleted", activity.name),
        Core::TaskChannelCreated { task_channel } => format!("Task Channel {} created", task_channel.name),
        Core::SkillCreated { skill } => format!("Skill {} created", skill.name),
        Core::SkillUpdated { skill } => format!("Skill {} updated", skill.name),
        Core::SkillDeleted { skill } => format!("Skill {} deleted", skill.name),
        Core::TaskChannelUpdated { task_channel } => format!("Task Channel {} updated", task_channel.name),
        Core::TaskChannelDeleted { task_channel } => format!("Task Channel {} deleted", task_channel.name),
        Core::TaskQueueCreated { task_queue } => format!("TaskQueue {} created", task_queue.name),
        Core::TaskQueueUpdated { task_queue } => format!("TaskQueue {} updated", task_queue.name),
        Core::TaskQueueExpressionUpdated { task_queue } => {
            format!("Target expression of TaskQueue {} updated", task_queue.name)
        }
        Core::TaskQueueDeleted { task_queue } => format!("TaskQueue {} deleted", task_queue.name),
        Core::WorkflowDeleted { workflow } => format!("Workflow {} deleted", workflow.name),
        Core::WorkerDeleted { worker } => format!("Worker {} deleted", worker.name),
        Core::TaskDeleted { task } => format!("Task {} deleted", task.id),
        Core::WorkflowCreated { workflow } => format!("Workflow {} created", workflow.name),
        Core::WorkflowUpdated { workflow } => format!("Workflow {} updated", workflow.name),
        Core::WorkerCreated { worker } => format!("Worker {} created", worker.name),
        Core::WorkerUpdated { worker } => format!("Worker renamed to {}", worker.name),
        Core::WorkerAttributesUpdate { worker } => format!("Attributes of Worker {} updated", worker.name),
        Core::WorkerActivityUpdate { worker, .. } => {
            format!("Worker {} updated to {} Activity", worker.name, activity(worker.activity))
        }
        Core::WorkerCapacityUpdate { worker, task_channel, previous_capacity: _ } => {
            let of_channel = worker.channels.iter().find(|channel| channel.task_channel == *task_channel);
            let capacity = of_channel.map_or(0, |channel| channel.configured_capacity);
            format!(
                "Capacity of Worker {} on channel {} set to {capacity}",
                worker.name,
                channel(*task_channel)
            )
        }
        Core::WorkerChannelAvailabilityUpdate { worker, task_channel } => {
            let of_channel = worker.channels.iter().find(|channel| channel.task_channel == *task_channel);
            let is_on = of_channel.is_some_and(|channel| channel.available);
            let to = if is_on { "on" } else { "off" };
            format!("Channel {} of Worker {} switched {to}", channel(*task_channel), worker.name)
        }
        Core::TaskCreated { task } => format!("Task {} created", task.id),
        Core::TaskUpdated { task } => format!("Task {} updated", task.id),
        Core::TaskCanceled { task } => format!("Task {} canceled{}", task.id, ended(task)),
        Core::TaskWrapup { task } => format!("Task {} moved to wrap-up", task.id),
        Core::TaskCompleted { task } => format!("Task {} completed{}", task.id, ended(task)),
        Core::TaskSystemDeleted { task } => format!("Task {} ended by the system{}", task.id, ended(task)),
        Core::TaskTransferInitiated { task, .. } => format!("Transfer of Task {} initiated", task.id),
        Core::TaskTransferAttemptFailed { task, .. } => {
            format!("Transfer of Task {} goes on: an offer was not accepted", task.id)
        }
        Core::TaskTransferFailed { task, transfer } => {
            let transfer = task.transfers.iter().find(|each| each.id == *transfer);
            let reason = transfer.map_or(String::new(), |transfer| because(&transfer.reason));
            format!("Transfer of Task {} failed{reason}", task.id)
        }
        Core::TaskTransferCanceled { task, .. } => format!("Transfer of Task {} canceled", task.id),
        Core::TaskTransferCompleted { task, .. } => format!("Transfer of Task {} completed", task.id),
        Core::ReservationFailed { task } => {
            format!("Task {} cannot be offered to the Worker that it was sent to", task.id)
        }
        Core::TaskPurged { task } => format!("Task {task} left the memory"),
        Core::WorkflowEntered { task } => format!("Task {} entered {}", task.id, workflow(task.workflow)),
        Core::WorkflowTargetMatched { task } => format!("Task {} matched a Workflow target", task.id),
        Core::WorkflowTimeout { task } => {
            format!("Task {} reached the end of {}", task.id, workflow(task.workflow))
        }
        Core::WorkflowSkipped { task } => {
            format!("Task {} was skipped out of {}", task.id, workflow(task.workflow))
        }
        Core::TaskQueueEntered { task } => format!("Task {} entered {}", task.id, queue(task.task_queue)),
        Core::TaskQueueTimeout { task } => {
            format!("The time of Task {} in {} is over", task.id, queue(task.task_queue))
        }
        Core::TaskQueueMoved { task, previous_task_queue: _ } => {
            format!("Task {} moved to {}", task.id, queue(task.task_queue))
        }
        Core::ReservationCreated { reservation, .. } => format!("Reservation {} created", reservation.id),
        Core::ReservationAccepted { reservation, .. } => format!("Reservation {} accepted", reservation.id),
        Core::ReservationRejected { reservation, .. } => {
            format!("Reservation {} rejected{}", reservation.id, because(&reservation.reason))
        }
        Core::ReservationTimeout { reservation, .. } => format!("Reservation {} timed out", reservation.id),
        Core::ReservationCanceled { reservation, .. } => {
            format!("Reservation {} canceled{}", reservation.id, because(&reservation.reason))
        }
        Core::ReservationRescinded { reservation, .. } => format!("Reservation {} rescinded", reservation.id),
        Core::ReservationWrapup { reservation, .. } => {
            format!("Reservation {} moved to wrap-up", reservation.id)
        }
        Core::ReservationCompleted { reservation, .. } => format!("Reservation {} completed", reservation.id),
    }
}

/// Which events. All conditions that are given must hold.
#[derive(InputObject, Default)]
pub struct EventFilter {
    /// Of one of these types. An empty list is the same as none.
    pub types: Option<Vec<EventType>>,
    /// About this Task, or a Reservation of it.
    pub task_id: Option<ID>,
    /// About this Worker, or a Reservation of theirs.
    pub worker_id: Option<ID>,
    /// About this TaskQueue, or about a Task or Reservation that was in it, or left it, with this event.
    pub task_queue_id: Option<ID>,
    /// About this Workflow, or about a Task or Reservation that it routes.
    pub workflow_id: Option<ID>,
    /// About this Reservation.
    pub reservation_id: Option<ID>,
    /// About this Task Channel, a worker channel of it, or a Task or Reservation that uses it.
    pub task_channel_id: Option<ID>,
    /// Not before this instant.
    pub since: Option<DateTime>,
    /// Before this instant.
    pub until: Option<DateTime>,
}

/// An [`EventFilter`], understood.
#[derive(Default)]
pub struct Conditions {
    types: Vec<EventType>,
    task: Option<TaskId>,
    worker: Option<WorkerId>,
    task_queue: Option<TaskQueueId>,
    workflow: Option<WorkflowId>,
    reservation: Option<ReservationId>,
    task_channel: Option<TaskChannelId>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Conditions {
    /// What the filter asks for.
    pub fn of(filter: Option<EventFilter>) -> Result<Conditions> {
        let EventFilter {
            types,
            task_id,
            worker_id,
            task_queue_id,
            workflow_id,
            reservation_id,
            task_channel_id,
            since,
            until,
        } = filter.unwrap_or_default();
        Ok(Conditions {
            types: types.unwrap_or_default(),
            task: optional_id("filter.taskId", task_id.as_ref())?,
            worker: optional_id("filter.workerId", worker_id.as_ref())?,
            task_queue: optional_id("filter.taskQueueId", task_queue_id.as_ref())?,
            workflow: optional_id("filter.workflowId", workflow_id.as_ref())?,
            reservation: optional_id("filter.reservationId", reservation_id.as_ref())?,
            task_channel: optional_id("filter.taskChannelId", task_channel_id.as_ref())?,
            since: since.map(|at| at.0),
            until: until.map(|at| at.0),
        })
    }

    /// The narrowest topic whose events include all that fit.
    pub fn topic(&self) -> Topic {
        match (self.task, self.worker) {
            (Some(task), _) => Topic::Task(task),
            (None, Some(worker)) => Topic::Worker(worker),
            (None, None) => Topic::Workspace,
        }
    }

    /// Does the event fit?
    pub fn admit(&self, recorded: &Recorded) -> bool {
        let Conditions { types, task, worker, task_queue, workflow, reservation, task_channel, since, until } =
            self;
        let concerns = Concerns::of(&recorded.event);
        (types.is_empty() || types.contains(&EventType::of(&recorded.event)))
            && fits(*task, concerns.task)
            && fits(*worker, concerns.worker)
            && (fits(*task_queue, concerns.task_queue) || fits(*task_queue, concerns.previous_task_queue))
            && fits(*workflow, concerns.workflow)
            && fits(*reservation, concerns.reservation)
            && fits(*task_channel, concerns.task_channel)
            && since.is_none_or(|since| recorded.at >= since)
            && until.is_none_or(|until| recorded.at < until)
    }

    fn admit_all(&self) -> bool {
        let Conditions { types, task, worker, task_queue, workflow, reservation, task_channel, since, until } =
            self;
        types.is_empty()
            && task.is_none()
            && worker.is_none()
            && task_queue.is_none()
            && workflow.is_none()
            && reservation.is_none()
            && task_channel.is_none()
            && since.is_none()
            && until.is_none()
    }
}

fn fits<I: Id>(wanted: Option<I>, there: Option<I>) -> bool {
    wanted.is_none() || wanted == there
}

/// Where in the log a list of events begins.
#[derive(Clone, Copy)]
pub enum Begin {
    /// Behind this position, or, where the log has lost that, with what it still has.
    About(u64),
    /// Behind this position, which the client has named: it must not miss an event.
    Exactly(u64),
}

impl Begin {
    fn position(self) -> u64 {
        match self {
            Begin::About(position) | Begin::Exactly(position) => position,
        }
    }
}

/// One page of a list of events.
pub struct EventConnection {
    edges: Vec<Edge<Event>>,
    page_info: PageInfo,
}

/// One page of events. There is no total count: the log is long, and is not read to its end. Where a filter
/// makes the search long, a page may have fewer events than were asked for, even none; it goes on behind
/// `pageInfo.endCursor` as long as there is `pageInfo.hasNextPage` (with `last`, before `startCursor` as long
/// as there is `hasPreviousPage`).
#[Object]
impl EventConnection {
    /// The events of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<Event>] {
        &self.edges
    }

    /// The events of the page.
    async fn nodes(&self) -> Vec<&Event> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// How the log goes on.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }
}

impl EventConnection {
    /// The page of those events that fit and that the viewer sees, up to the moment of the scope.
    pub async fn read(
        scope: &Scope,
        page: &Page,
        begin: Begin,
        filter: Option<EventFilter>,
    ) -> Result<EventConnection> {
        let conditions = Conditions::of(filter)?;
        let (after, before) = page.between(OrderedBy::Sequence)?;
        let end = scope.state().sequence + 1;
        // Everything lies strictly between the two.
        let mut low = after.as_ref().map_or(0, Place::sequence).max(begin.position());
        let mut high = before.as_ref().map_or(end, |place| place.sequence().min(end));
        if let Some(since) = conditions.since {
            low = low.max(scope.access().position_before(since).await?);
        }
        if let Some(until) = conditions.until {
            high = high.min(scope.access().position_before(until).await? + 1);
        }

        let (limit, backward) = (page.limit(), page.is_backward());
        let search = Search { scope, conditions: &conditions, limit, backward };
        let found = match (search.run(low, high).await, begin, &after) {
            (Err(Error::EventsExpired), Begin::About(_), None) => {
                let low = low.max(scope.access().beginning().await?);
                search.run(low, high).await?
            }
            (found, _, _) => found?,
        };

        let edges: Vec<Edge<Event>> = (found.events.into_iter())
            .map(|event| Edge { cursor: cursor_at(event.sequence), node: Event::of(scope.clone(), event) })
            .collect();
        let first = edges.first().map(|edge| edge.cursor.clone());
        let last = edges.last().map(|edge| edge.cursor.clone());
        let reached = found.has_more.then(|| cursor_at(found.reached));
        let is_behind = after.is_some_and(|place| place.sequence() > begin.position());
        let is_before = before.is_some_and(|place| place.sequence() < end);
        let page_info = match backward {
            false => PageInfo {
                has_previous_page: is_behind,
                has_next_page: found.has_more || is_before,
                start_cursor: first.or_else(|| reached.clone()),
                end_cursor: reached.or(last),
            },
            true => PageInfo {
                has_previous_page: found.has_more || is_behind,
                has_next_page: is_before,
                start_cursor: reached.clone().or(first),
                end_cursor: last.or(reached),
            },
        };
        Ok(EventConnection { edges, page_info })
    }
}

/// The search for events that fit, in one direction.
struct Search<'a> {
    scope: &'a Scope,
    conditions: &'a Conditions,
    limit: usize,
    backward: bool,
}

/// What a search has found.
struct Found {
    /// Oldest first.
    events: Vec<Arc<Recorded>>,
    /// The last position that was looked at and belongs to the page, even if nothing was found there.
    reached: u64,
    /// May there be more?
    has_more: bool,
}

impl Search<'_> {
    /// Strictly between the two positions.
    async fn run(&self, low: u64, high: u64) -> Result<Found> {
        // Cursors may be made up, so `low` may be anything.
        match (low.saturating_add(1) < high, self.backward) {
            (false, _) => Ok(Found { events: Vec::new(), reached: low, has_more: false }),
            (true, false) => self.forward(low, high).await,
            (true, true) => self.backward(low, high).await,
        }
    }

    /// From behind `low` on, to before `high`.
    async fn forward(&self, low: u64, high: u64) -> Result<Found> {
        let mut events: Vec<Arc<Recorded>> = Vec::new();
        let mut position = low;
        while position + 1 < high && position - low < EVENTS_READ_MAX {
            let wanted = self.chunk().min(high - 1 - position);
            let page = self.scope.access().history(position, usize_of(wanted)).await?;
            let is_at_end = page.read_to == position;
            events
                .extend(page.events.into_iter().filter(|it| it.sequence < high && self.conditions.admit(it)));
            position = page.read_to;
            if events.len() > self.limit {
                events.truncate(self.limit);
                let reached = events.last().map_or(low, |event| event.sequence);
                return Ok(Found { events, reached, has_more: true });
            }
            if is_at_end || !page.has_more {
                return Ok(Found { events, reached: position, has_more: false });
            }
        }
        Ok(Found { events, reached: position, has_more: position + 1 < high })
    }

    /// From before `high` on, back to behind `low`.
    async fn backward(&self, low: u64, high: u64) -> Result<Found> {
        let mut events: Vec<Arc<Recorded>> = Vec::new();
        let mut position = high;
        while low + 1 < position && high - position < EVENTS_READ_MAX {
            let wanted = self.chunk().min(position - 1 - low);
            let start = position - 1 - wanted;
            let page = self.scope.access().history(start, usize_of(wanted)).await?;
            let older = page.events.into_iter();
            let older = older.filter(|it| it.sequence < position && self.conditions.admit(it));
            events.splice(0..0, older);
            position = start + 1;
            if events.len() > self.limit {
                events.drain(..events.len() - self.limit);
                let reached = events.first().map_or(high, |event| event.sequence);
                return Ok(Found { events, reached, has_more: true });
            }
        }
        Ok(Found { events, reached: position, has_more: low + 1 < position })
    }

    /// How many events to read at once.
    fn chunk(&self) -> u64 {
        let enough = self.limit as u64 + 1;
        if self.conditions.admit_all() && self.scope.own_worker().is_none() {
            enough
        } else {
            enough.max(CHUNK)
        }
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::resolver_utils::enum_value;
    use routing::ids::{WorkspaceId, WorkspaceTag};
    use routing::{Limits, Router};

    #[test]
    fn an_event_type_is_named_like_the_event() {
        let now = Timestamp(1_767_607_800_000);
        let id = WorkspaceId::minted(now, 1, WorkspaceTag(7));
        let mut router = Router::found(id, "Test".to_owned(), Limits::default(), now);
        let mut names = std::collections::BTreeSet::new();
        for recorded in router.take_events() {
            let name = recorded.event.name().to_uppercase().replace(['.', '-'], "_");
            let value = enum_value(EventType::of(&recorded.event));
            assert_eq!(value.to_string(), name);
            names.insert(name);
        }
        assert!(names.contains("TASK_QUEUE_CREATED"), "{names:?}");
    }
}
