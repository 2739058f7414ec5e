//! Everything that can have happened in a Workspace, in the past tense.
//!
//! An event is complete: it holds every object that it changed, as it was afterwards. That is all that `evolve`
//! needs, all that a subscriber wants to see, and cheap, because the objects are shared with the state.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ids::{
    ActivityId, EventId, Id, TaskChannelId, TaskId, TaskQueueId, TaskTransferId, WorkerId, WorkspaceTag,
};
use crate::state::{Activity, Reservation, Skill, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace};
use crate::time::Timestamp;

/// The version of the [written form](crate::written) of events. It is stored beside every row of the log.
pub const FORMAT_VERSION: u32 = 3;

/// An event in its place in the log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The position: 1, 2, 3, … with no hole.
    pub sequence: u64,
    /// When it happened. Never earlier than the event before.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
}

/// Who caused an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Actor {
    /// A program or person who administers.
    Admin(Arc<str>),
    /// A supervisor, by the subject of the token.
    Supervisor(Arc<str>),
    /// A Worker.
    Worker(WorkerId),
    /// Switchyard itself: routing, and what time brings.
    System,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[allow(missing_docs)] // The fields are the objects, as they were afterwards.
pub enum Event {
    /// The Workspace began.
    WorkspaceCreated { workspace: Arc<Workspace> },
    /// A setting of the Workspace changed.
    WorkspaceUpdated { workspace: Arc<Workspace> },
    /// An Activity was created.
    ActivityCreated { activity: Arc<Activity> },
    /// An Activity was renamed.
    ActivityUpdated { activity: Arc<Activity> },
    /// An Activity was deleted.
    ActivityDeleted { activity: Arc<Activity> },
    /// A Task Channel was created.
    TaskChannelCreated { task_channel: Arc<TaskChannel> },
    /// A Skill was created.
    SkillCreated { skill: Arc<Skill> },
    /// Name or levels of a Skill changed.
    SkillUpdated { skill: Arc<Skill> },
    /// A Skill was deleted. The Skill is shown as it was.
    SkillDeleted { skill: Arc<Skill> },
    /// Name or circle of a Task Channel changed.
    TaskChannelUpdated { task_channel: Arc<TaskChannel> },
    /// A Task Channel was deleted.
    TaskChannelDeleted { task_channel: Arc<TaskChannel> },
    /// A TaskQueue was created.
    TaskQueueCreated { task_queue: Arc<TaskQueue> },
    /// Name, order or number of reserved Workers of a TaskQueue changed.
    TaskQueueUpdated { task_queue: Arc<TaskQueue> },
    /// The target expression of a TaskQueue changed.
    TaskQueueExpressionUpdated { task_queue: Arc<TaskQueue> },
    /// A TaskQueue was deleted.
    TaskQueueDeleted { task_queue: Arc<TaskQueue> },
    /// A Workflow was created.
    WorkflowCreated { workflow: Arc<Workflow> },
    /// A Workflow changed.
    WorkflowUpdated { workflow: Arc<Workflow> },
    /// A Workflow was deleted.
    WorkflowDeleted { workflow: Arc<Workflow> },
    /// A Worker was created.
    WorkerCreated { worker: Arc<Worker> },
    /// A Worker was renamed.
    WorkerUpdated { worker: Arc<Worker> },
    /// The attributes of a Worker changed.
    WorkerAttributesUpdate { worker: Arc<Worker> },
    /// A Worker went from one Activity to another.
    WorkerActivityUpdate { worker: Arc<Worker>, previous_activity: ActivityId, milliseconds_in_previous: i64 },
    /// The configured capacity of a worker channel changed.
    WorkerCapacityUpdate { worker: Arc<Worker>, task_channel: TaskChannelId, previous_capacity: u32 },
    /// A worker channel was switched on or off.
    WorkerChannelAvailabilityUpdate { worker: Arc<Worker>, task_channel: TaskChannelId },
    /// A Worker was deleted.
    WorkerDeleted { worker: Arc<Worker> },
    /// A Task was created.
    TaskCreated { task: Arc<Task> },
    /// Attributes, priority, Task Channel or virtual start time of a Task changed.
    TaskUpdated { task: Arc<Task> },
    /// A Task was canceled.
    TaskCanceled { task: Arc<Task> },
    /// The wrap-up of a Task began.
    TaskWrapup { task: Arc<Task> },
    /// A Task was completed.
    TaskCompleted { task: Arc<Task> },
    /// A Worker began to hand a Task on. The transfer is the Task's last.
    TaskTransferInitiated { task: Arc<Task>, transfer: TaskTransferId },
    /// Whoever was offered a transferred Task last did not take it; others are asked.
    TaskTransferAttemptFailed { task: Arc<Task>, transfer: TaskTransferId },
    /// Nobody took a transferred Task.
    TaskTransferFailed { task: Arc<Task>, transfer: TaskTransferId },
    /// A transfer was called off.
    TaskTransferCanceled { task: Arc<Task>, transfer: TaskTransferId },
    /// Somebody took a transferred Task.
    TaskTransferCompleted { task: Arc<Task>, transfer: TaskTransferId },
    /// A Task was assigned for longer than the Workspace allows, and was ended.
    TaskSystemDeleted { task: Arc<Task> },
    /// A Task was deleted. Its Reservations have ended before.
    TaskDeleted { task: Arc<Task> },
    /// A Task was sent to a Worker who cannot be offered it any more. It is canceled next.
    ReservationFailed { task: Arc<Task> },
    /// A Task that ended a while ago left the memory; its row and its events stay.
    TaskPurged { task: TaskId },
    /// A Task entered its Workflow.
    WorkflowEntered { task: Arc<Task> },
    /// A Task entered a step of its Workflow.
    WorkflowTargetMatched { task: Arc<Task> },
    /// A Task reached the end of its Workflow, and no Worker took it.
    WorkflowTimeout { task: Arc<Task> },
    /// A Task was sent past the last step of its Workflow, and nothing there takes it.
    WorkflowSkipped { task: Arc<Task> },
    /// A Task entered a TaskQueue, coming from none or from the same one.
    TaskQueueEntered { task: Arc<Task> },
    /// A Task left a step, and with it the TaskQueue, because its time there was over.
    TaskQueueTimeout { task: Arc<Task> },
    /// A Task went from one TaskQueue to another.
    TaskQueueMoved { task: Arc<Task>, previous_task_queue: TaskQueueId },
    /// A Task was offered to a Worker.
    ReservationCreated { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The Worker took the Task.
    ReservationAccepted { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The Worker refused.
    ReservationRejected { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The Worker did not answer in time.
    ReservationTimeout { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The offer was withdrawn.
    ReservationCanceled { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// Another Worker took the Task.
    ReservationRescinded { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The Worker began to wrap up.
    ReservationWrapup { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
    /// The Worker is done with the Task.
    ReservationCompleted { reservation: Arc<Reservation>, task: Arc<Task>, worker: Arc<Worker> },
}

/// An object that an event changed.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // As the types inside.
pub enum Object {
    Workspace(Arc<Workspace>),
    Activity(Arc<Activity>),
    TaskChannel(Arc<TaskChannel>),
    Skill(Arc<Skill>),
    DeletedSkill(Arc<Skill>),
    TaskQueue(Arc<TaskQueue>),
    Workflow(Arc<Workflow>),
    Worker(Arc<Worker>),
    Task(Arc<Task>),
    Reservation(Arc<Reservation>),
    PurgedTask(TaskId),
}

impl Object {
    pub(crate) fn as_workspace(&self) -> Option<&Workspace> {
        if let Object::Workspace(workspace) = self { Some(workspace) } else { None }
    }

    /// Is it in the state only to be read by what refers to it? (A deleted Task is like one that has ended.)
    pub(crate) fn is_deleted(&self) -> bool {
        match self {
            Object::Activity(activity) => activity.deleted_at.is_some(),
            Object::TaskChannel(channel) => channel.deleted_at.is_some(),
            Object::TaskQueue(queue) => queue.deleted_at.is_some(),
            Object::Workflow(workflow) => workflow.deleted_at.is_some(),
            Object::Worker(worker) => worker.deleted_at.is_some(),
            // A Skill is gone when it is deleted: nothing refers to it.
            Object::Workspace(_)
            | Object::Skill(_)
            | Object::DeletedSkill(_)
            | Object::Task(_)
            | Object::Reservation(_)
            | Object::PurgedTask(_) => false,
        }
    }

    pub(crate) fn as_task_queue(&self) -> Option<&TaskQueue> {
        if let Object::TaskQueue(queue) = self { Some(queue) } else { None }
    }

    pub(crate) fn as_worker(&self) -> Option<&Worker> {
        if let Object::Worker(worker) = self { Some(worker) } else { None }
    }

    pub(crate) fn as_task(&self) -> Option<&Task> {
        if let Object::Task(task) = self { Some(task) } else { None }
    }

    pub(crate) fn as_reservation(&self) -> Option<&Reservation> {
        if let Object::Reservation(reservation) = self { Some(reservation) } else { None }
    }
}

impl Recorded {
    /// The id of the event, which follows from its place.
    #[must_use]
    pub fn id(&self, tag: WorkspaceTag) -> EventId {
        EventId::derived(self.at, self.sequence, tag)
    }
}

impl Event {
    /// Every object that the event changed, as it was afterwards.
    pub fn objects(&self) -> impl Iterator<Item = Object> + use<> {
        let objects: [Option<Object>; 3] = match self {
            Event::WorkspaceCreated { workspace } | Event::WorkspaceUpdated { workspace } => {
                [Some(Object::Workspace(workspace.clone())), None, None]
            }
            Event::ActivityCreated { activity }
            | Event::ActivityUpdated { activity }
            | Event::ActivityDeleted { activity } => [Some(Object::Activity(activity.clone())), None, None],
            Event::TaskChannelCreated { task_channel }
            | Event::TaskChannelUpdated { task_channel }
            | Event::TaskChannelDeleted { task_channel } => {
                [Some(Object::TaskChannel(task_channel.clone())), None, None]
            }
            Event::SkillCreated { skill } | Event::SkillUpdated { skill } => {
                [Some(Object::Skill(skill.clone())), None, None]
            }
            Event::SkillDeleted { skill } => [Some(Object::DeletedSkill(skill.clone())), None, None],
            Event::TaskQueueCreated { task_queue }
            | Event::TaskQueueUpdated { task_queue }
            | Event::TaskQueueExpressionUpdated { task_queue }
            | Event::TaskQueueDeleted { task_queue } => {
                [Some(Object::TaskQueue(task_queue.clone())), None, None]
            }
            Event::WorkflowCreated { workflow }
            | Event::WorkflowUpdated { workflow }
            | Event::WorkflowDeleted { workflow } => [Some(Object::Workflow(workflow.clone())), None, None],
            Event::WorkerCreated { worker }
            | Event::WorkerUpdated { worker }
            | Event::WorkerAttributesUpdate { worker }
            | Event::WorkerActivityUpdate { worker, previous_activity: _, milliseconds_in_previous: _ }
            | Event::WorkerCapacityUpdate { worker, task_channel: _, previous_capacity: _ }
            | Event::WorkerChannelAvailabilityUpdate { worker, task_channel: _ }
            | Event::WorkerDeleted { worker } => [Some(Object::Worker(worker.clone())), None, None],
            Event::TaskCreated { task }
            | Event::TaskUpdated { task }
            | Event::TaskCanceled { task }
            | Event::TaskWrapup { task }
            | Event::TaskCompleted { task }
            | Event::TaskSystemDeleted { task }
            | Event::TaskTransferInitiated { task, transfer: _ }
            | Event::TaskTransferAttemptFailed { task, transfer: _ }
            | Event::TaskTransferFailed { task, transfer: _ }
            | Event::TaskTransferCanceled { task, transfer: _ }
            | Event::TaskTransferCompleted { task, transfer: _ }
            | Event::TaskDeleted { task }
            | Event::ReservationFailed { task }
            | Event::WorkflowEntered { task }
            | Event::WorkflowTargetMatched { task }
            | Event::WorkflowTimeout { task }
            | Event::WorkflowSkipped { task }
            | Event::TaskQueueEntered { task }
            | Event::TaskQueueTimeout { task }
            | Event::TaskQueueMoved { task, previous_task_queue: _ } => {
                [Some(Object::Task(task.clone())), None, None]
            }
            Event::TaskPurged { task } => [Some(Object::PurgedTask(*task)), None, None],
            Event::ReservationCreated { reservation, task, worker }
            | Event::ReservationAccepted { reservation, task, worker }
            | Event::ReservationRejected { reservation, task, worker }
            | Event::ReservationTimeout { reservation, task, worker }
            | Event::ReservationCanceled { reservation, task, worker }
            | Event::ReservationRescinded { reservation, task, worker }
            | Event::ReservationWrapup { reservation, task, worker }
            | Event::ReservationCompleted { reservation, task, worker } => [
                Some(Object::Task(task.clone())),
                Some(Object::Worker(worker.clone())),
                Some(Object::Reservation(reservation.clone())),
            ],
        };
        objects.into_iter().flatten()
    }

    /// The name in the log and in the API's documentation, as TaskRouter calls it: `task-queue.entered`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Event::WorkspaceCreated { .. } => "workspace.created",
            Event::WorkspaceUpdated { .. } => "workspace.updated",
            Event::ActivityCreated { .. } => "activity.created",
            Event::ActivityUpdated { .. } => "activity.updated",
            Event::ActivityDeleted { .. } => "activity.deleted",
            Event::TaskChannelCreated { .. } => "task-channel.created",
            Event::SkillCreated { .. } => "skill.created",
            Event::SkillUpdated { .. } => "skill.updated",
            Event::SkillDeleted { .. } => "skill.deleted",
            Event::TaskChannelUpdated { .. } => "task-channel.updated",
            Event::TaskChannelDeleted { .. } => "task-channel.deleted",
            Event::TaskQueueCreated { .. } => "task-queue.created",
            Event::TaskQueueUpdated { .. } => "task-queue.updated",
            Event::TaskQueueExpressionUpdated { .. } => "task-queue.expression.updated",
            Event::TaskQueueDeleted { .. } => "task-queue.deleted",
            Event::WorkflowCreated { .. } => "workflow.created",
            Event::WorkflowUpdated { .. } => "workflow.updated",
            Event::WorkflowDeleted { .. } => "workflow.deleted",
            Event::WorkerCreated { .. } => "worker.created",
            Event::WorkerUpdated { .. } => "worker.updated",
            Event::WorkerAttributesUpdate { .. } => "worker.attributes.update",
            Event::WorkerActivityUpdate { .. } => "worker.activity.update",
            Event::WorkerCapacityUpdate { .. } => "worker.capacity.update",
            Event::WorkerChannelAvailabilityUpdate { .. } => "worker.channel.availability.update",
            Event::WorkerDeleted { .. } => "worker.deleted",
            Event::TaskCreated { .. } => "task.created",
            Event::TaskUpdated { .. } => "task.updated",
            Event::TaskCanceled { .. } => "task.canceled",
            Event::TaskWrapup { .. } => "task.wrapup",
            Event::TaskCompleted { .. } => "task.completed",
            Event::TaskSystemDeleted { .. } => "task.system-deleted",
            Event::TaskTransferInitiated { .. } => "task.transfer-initiated",
            Event::TaskTransferAttemptFailed { .. } => "task.transfer-attempt-failed",
            Event::TaskTransferFailed { .. } => "task.transfer-failed",
            Event::TaskTransferCanceled { .. } => "task.transfer-canceled",
            Event::TaskTransferCompleted { .. } => "task.transfer-completed",
            Event::TaskDeleted { .. } => "task.deleted",
            Event::ReservationFailed { .. } => "reservation.failed",
            Event::TaskPurged { .. } => "task.purged",
            Event::WorkflowEntered { .. } => "workflow.entered",
            Event::WorkflowTargetMatched { .. } => "workflow.target-matched",
            Event::WorkflowTimeout { .. } => "workflow.timeout",
            Event::WorkflowSkipped { .. } => "workflow.skipped",
            Event::TaskQueueEntered { .. } => "task-queue.entered",
            Event::TaskQueueTimeout { .. } => "task-queue.timeout",
            Event::TaskQueueMoved { .. } => "task-queue.moved",
            Event::ReservationCreated { .. } => "reservation.created",
            Event::ReservationAccepted { .. } => "reservation.accepted",
            Event::ReservationRejected { .. } => "reservation.rejected",
            Event::ReservationTimeout { .. } => "reservation.timeout",
            Event::ReservationCanceled { .. } => "reservation.canceled",
            Event::ReservationRescinded { .. } => "reservation.rescinded",
            Event::ReservationWrapup { .. } => "reservation.wrapup",
            Event::ReservationCompleted { .. } => "reservation.completed",
        }
    }
}
