//! Everything a Workspace can be asked to do. Imperatives; the answers are events or a [`crate::Rejection`].
//!
//! What a caller creates carries an id minted at the edge. In updates, `None` keeps what is there.

use crate::attributes::Attributes;
use crate::ids::{
    ActivityId, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, TaskTransferId, WorkerId,
    WorkflowId,
};
use crate::state::TaskOrder;
use crate::state::task::RoutingTarget;
use crate::state::task_transfer::TransferMode;
use crate::time::Timestamp;

/// A request for a change. Fields are named as the objects' fields that they set.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)] // Each variant is a struct below, with its meaning.
pub enum Command {
    UpdateWorkspace(UpdateWorkspace),
    CreateActivity(CreateActivity),
    UpdateActivity(UpdateActivity),
    CreateSkill(CreateSkill),
    UpdateSkill(UpdateSkill),
    DeleteSkill(DeleteSkill),
    AssignSkill(AssignSkill),
    UnassignSkill(UnassignSkill),
    DeleteActivity(DeleteActivity),
    CreateTaskChannel(CreateTaskChannel),
    UpdateTaskChannel(UpdateTaskChannel),
    DeleteTaskChannel(DeleteTaskChannel),
    CreateTaskQueue(CreateTaskQueue),
    UpdateTaskQueue(UpdateTaskQueue),
    DeleteTaskQueue(DeleteTaskQueue),
    CreateWorkflow(CreateWorkflow),
    UpdateWorkflow(UpdateWorkflow),
    DeleteWorkflow(DeleteWorkflow),
    CreateWorker(CreateWorker),
    UpdateWorker(UpdateWorker),
    SetWorkerActivity(SetWorkerActivity),
    UpdateWorkerChannel(UpdateWorkerChannel),
    DeleteWorker(DeleteWorker),
    CreateTask(CreateTask),
    UpdateTask(UpdateTask),
    CancelTask(CancelTask),
    WrapUpTask(WrapUpTask),
    CompleteTask(CompleteTask),
    TransferTask(TransferTask),
    CancelTransfer(CancelTransfer),
    DeleteTask(DeleteTask),
    AcceptReservation(AcceptReservation),
    RejectReservation(RejectReservation),
    WrapUpReservation(WrapUpReservation),
    CompleteReservation(CompleteReservation),
}

/// Changes the settings of the Workspace.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs)]
pub struct UpdateWorkspace {
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    pub queue_order_priority: Option<TaskOrder>,
    pub default_activity: Option<ActivityId>,
    /// `Some(None)`: a Worker whose Reservation times out is not moved.
    pub timeout_activity: Option<Option<ActivityId>>,
    pub logout_activity: Option<ActivityId>,
    pub reoffer_delay_seconds: Option<u32>,
    /// `Some(None)`: there is no limit.
    pub assigned_limit_hours: Option<Option<u32>>,
}

/// Creates an Activity.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateActivity {
    pub id: ActivityId,
    pub name: String,
    pub available: bool,
}

/// Renames an Activity.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateActivity {
    pub id: ActivityId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
}

/// Creates a Skill.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateSkill {
    pub id: SkillId,
    pub name: String,
    /// Both levels or neither.
    pub minimum_level: Option<u32>,
    pub maximum_level: Option<u32>,
}

/// Changes a Skill. A Skill that is in use keeps its name.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateSkill {
    pub id: SkillId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    /// `Some(None)`: without this level from now on. Afterwards there are both levels or neither.
    pub minimum_level: Option<Option<u32>>,
    pub maximum_level: Option<Option<u32>>,
}

/// Deletes a Skill that is not in use.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteSkill {
    pub id: SkillId,
    pub expected_version: Option<u32>,
}

/// Writes a Skill into the attributes of a Worker, or its new level.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct AssignSkill {
    pub worker: WorkerId,
    pub skill: SkillId,
    /// That of the Worker.
    pub expected_version: Option<u32>,
    /// Required where the Skill has levels, and refused where it has none.
    pub level: Option<u32>,
}

/// Takes a Skill and its level out of the attributes of a Worker.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UnassignSkill {
    pub worker: WorkerId,
    pub skill: SkillId,
    /// That of the Worker.
    pub expected_version: Option<u32>,
}

/// Creates a Task Channel. Each Worker has a worker channel of capacity 1 for it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateTaskChannel {
    pub id: TaskChannelId,
    pub name: String,
    /// How expressions call it. Cannot change later.
    pub unique_name: String,
    /// Has it a circle of its own?
    pub channel_optimized_routing: bool,
}

/// Changes a Task Channel. What is open and what waits stays as it is; whose turn it is may change.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateTaskChannel {
    pub id: TaskChannelId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    pub channel_optimized_routing: Option<bool>,
}

/// Creates a TaskQueue.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateTaskQueue {
    pub id: TaskQueueId,
    pub name: String,
    /// `None` is `1==1`, everybody. Empty text is nobody.
    pub target_workers: Option<String>,
    /// `None` is 1.
    pub max_reserved_workers: Option<u32>,
    /// `None` is FIFO.
    pub task_order: Option<TaskOrder>,
    pub wrap_up_limit_seconds: Option<u32>,
}

/// Changes a TaskQueue. Workers who become eligible are offered waiting Tasks at once.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateTaskQueue {
    pub id: TaskQueueId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    pub target_workers: Option<String>,
    pub max_reserved_workers: Option<u32>,
    pub task_order: Option<TaskOrder>,
    /// `Some(None)`: there is no limit.
    pub wrap_up_limit_seconds: Option<Option<u32>>,
}

/// Creates a Workflow.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateWorkflow {
    pub id: WorkflowId,
    pub name: String,
    /// The routing document, a JSON object.
    pub configuration: Attributes,
    /// `None` is 120.
    pub task_reservation_timeout_seconds: Option<u32>,
}

/// Changes a Workflow. Tasks under way keep the document that they follow, unless they are to be looked at again.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateWorkflow {
    pub id: WorkflowId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    pub configuration: Option<Attributes>,
    pub task_reservation_timeout_seconds: Option<u32>,
    /// Send the Workflow's pending Tasks through it again, as it is now.
    pub re_evaluate_tasks: bool,
}

/// Creates a Worker, with a worker channel of capacity 1 for each Task Channel.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateWorker {
    pub id: WorkerId,
    pub name: String,
    pub attributes: Attributes,
    /// `None` is the Workspace's default Activity.
    pub activity: Option<ActivityId>,
}

/// Changes name or attributes of a Worker.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateWorker {
    pub id: WorkerId,
    pub expected_version: Option<u32>,
    pub name: Option<String>,
    pub attributes: Option<Attributes>,
}

/// Moves a Worker to an Activity.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct SetWorkerActivity {
    pub id: WorkerId,
    pub expected_version: Option<u32>,
    pub activity: ActivityId,
    /// Reject the Worker's pending Reservations in the same change; only with an unavailable Activity.
    pub reject_pending_reservations: bool,
}

/// Sets capacity or switch of a worker channel.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateWorkerChannel {
    pub worker: WorkerId,
    pub task_channel: TaskChannelId,
    pub expected_version: Option<u32>,
    pub configured_capacity: Option<u32>,
    pub available: Option<bool>,
}

/// Creates a Task and routes it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CreateTask {
    pub id: TaskId,
    /// `None`: the only Workflow of the Workspace, unless there is a target.
    pub workflow: Option<WorkflowId>,
    /// Sends the Task here directly. Not together with a Workflow.
    pub routing_target: Option<RoutingTarget>,
    /// Offer the Task to its Worker at once, whatever they do; only for a Worker, where `None` is true.
    pub ignore_capacity: Option<bool>,
    pub task_channel: TaskChannelRef,
    pub attributes: Attributes,
    /// `None`: what the matching target says, else 0.
    pub priority: Option<u32>,
    /// `None` is 86,400.
    pub timeout_seconds: Option<u32>,
    /// `None` is now.
    pub virtual_start_time: Option<Timestamp>,
}

/// How a caller names a Task Channel.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub enum TaskChannelRef {
    Id(TaskChannelId),
    UniqueName(String),
}

/// Changes a Task. New attributes send a pending Task through its Workflow again.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct UpdateTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
    pub attributes: Option<Attributes>,
    pub priority: Option<u32>,
    pub task_channel: Option<TaskChannelRef>,
    pub virtual_start_time: Option<Timestamp>,
}

/// Cancels a pending or reserved Task.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CancelTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
    pub reason: String,
    pub attributes: Option<Attributes>,
}

/// Begins the wrap-up of an assigned Task, with all its accepted Reservations.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct WrapUpTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
    pub attributes: Option<Attributes>,
}

/// Completes an assigned or wrapping Task, with all its open Reservations.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CompleteTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
    pub reason: Option<String>,
    pub attributes: Option<Attributes>,
}

/// Hands an assigned Task on. The Worker who has it is the one who does.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct TransferTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
    pub to: RoutingTarget,
    pub mode: TransferMode,
    pub attributes: Option<Attributes>,
    pub priority: Option<u32>,
}

/// Calls a transfer off that is in progress.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CancelTransfer {
    pub id: TaskTransferId,
    pub reason: Option<String>,
}

/// Takes an offered Task.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct AcceptReservation {
    pub id: ReservationId,
    pub expected_version: Option<u32>,
}

/// Refuses an offered Task.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct RejectReservation {
    pub id: ReservationId,
    pub expected_version: Option<u32>,
    pub reason: Option<String>,
    /// Where the Worker goes with it; `None` leaves the Worker where they are.
    pub activity: Option<ActivityId>,
}

/// Begins the wrap-up of an accepted Reservation; the Task follows its last open one.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct WrapUpReservation {
    pub id: ReservationId,
    pub expected_version: Option<u32>,
}

/// Ends an accepted or wrapping Reservation; the Task follows its last open one.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct CompleteReservation {
    pub id: ReservationId,
    pub expected_version: Option<u32>,
}

/// Deletes an Activity, unless the Workspace's settings name it or a Worker is in it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteActivity {
    pub id: ActivityId,
    pub expected_version: Option<u32>,
}

/// Deletes a Task Channel, unless it is one of those that every Workspace has, or a Task uses it that has not ended or
/// is still wrapped up.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteTaskChannel {
    pub id: TaskChannelId,
    pub expected_version: Option<u32>,
}

/// Deletes a TaskQueue, unless a Task is in it that has not ended, or a Workflow refers to it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteTaskQueue {
    pub id: TaskQueueId,
    pub expected_version: Option<u32>,
}

/// Deletes a Workflow, unless a pending or reserved Task follows it.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteWorkflow {
    pub id: WorkflowId,
    pub expected_version: Option<u32>,
}

/// Deletes a Worker, unless there are open Reservations.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteWorker {
    pub id: WorkerId,
    pub expected_version: Option<u32>,
    /// Cancel the pending ones, so that only accepted and wrapping ones are in the way.
    pub force: bool,
}

/// Deletes a Task, whatever its status. What is offered is canceled, and what Workers have is completed.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub struct DeleteTask {
    pub id: TaskId,
    pub expected_version: Option<u32>,
}
