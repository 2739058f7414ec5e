//! What an event holds, as JSON: every object that it changed, as it was afterwards, shaped like the GraphQL
//! types.
//!
//! Keys are the names of the fields. Where a field leads to another object, its id stands under the name with
//! `Id` behind it. Ids are texts, instants are RFC 3339, statuses are the names of the enum values. Each core
//! struct is taken apart without `..`, so that a new field does not compile until it is decided whether it is
//! shown.

use async_graphql::resolver_utils::enum_value;
use async_graphql::{Name, Value};
use routing::event::{Event, Object, Recorded};
use routing::ids::WorkerChannelId;
use routing::state::task::{Phase, RoutingStep, Waiting};
use routing::state::{
    Activity, Reservation, Skill, Task, TaskChannel, TaskQueue, TaskTransfer, Worker, WorkerChannel,
    Workflow, Workspace,
};
use routing::time::Timestamp;

use super::reservation::ReservationStatus;
use super::task::TaskStatus;
use super::task_queue::TaskOrder;
use super::task_transfer::{TransferMode, TransferStatus};
use crate::graphql::scalars::{text_of, value_of};
use crate::graphql::scope::Scope;

/// The objects of the event that the viewer may see, and what else there is to say.
pub fn of(scope: &Scope, recorded: &Recorded) -> Value {
    let Recorded { sequence: _, at, actor: _, event } = recorded;
    let objects = event.objects().filter(|object| scope.sees_in_event(object));
    let objects = objects.map(|object| match &object {
        Object::Workspace(it) => ("workspace", workspace(it)),
        Object::Activity(it) => ("activity", activity(it)),
        Object::TaskChannel(it) => ("taskChannel", task_channel(it)),
        Object::Skill(it) | Object::DeletedSkill(it) => ("skill", skill(it)),
        Object::TaskQueue(it) => ("taskQueue", task_queue(it)),
        Object::Workflow(it) => ("workflow", workflow(it)),
        Object::Worker(it) => ("worker", worker(scope, it, *at)),
        Object::Task(it) => ("task", task(it)),
        Object::Reservation(it) => ("reservation", reservation(scope, it)),
        Object::PurgedTask(task) => ("taskId", text(task)),
    });
    Value::Object(objects.chain(circumstances(event)).map(|(key, value)| (Name::new(key), value)).collect())
}

/// What an event says beyond the objects that it changed.
fn circumstances(event: &Event) -> Vec<(&'static str, Value)> {
    match event {
        Event::WorkerActivityUpdate { worker: _, previous_activity, milliseconds_in_previous } => vec![
            ("previousActivityId", text(previous_activity)),
            ("millisecondsInPreviousActivity", (*milliseconds_in_previous).into()),
        ],
        Event::WorkerCapacityUpdate { worker: _, task_channel, previous_capacity } => {
            vec![("taskChannelId", text(task_channel)), ("previousCapacity", (*previous_capacity).into())]
        }
        Event::WorkerChannelAvailabilityUpdate { worker: _, task_channel } => {
            vec![("taskChannelId", text(task_channel))]
        }
        Event::TaskQueueMoved { task: _, previous_task_queue } => {
            vec![("previousTaskQueueId", text(previous_task_queue))]
        }
        Event::TaskTransferInitiated { task: _, transfer }
        | Event::TaskTransferAttemptFailed { task: _, transfer }
        | Event::TaskTransferFailed { task: _, transfer }
        | Event::TaskTransferCanceled { task: _, transfer }
        | Event::TaskTransferCompleted { task: _, transfer } => vec![("transferId", text(transfer))],
        Event::WorkspaceCreated { workspace: _ }
        | Event::WorkspaceUpdated { workspace: _ }
        | Event::ActivityCreated { activity: _ }
        | Event::ActivityUpdated { activity: _ }
        | Event::ActivityDeleted { activity: _ }
        | Event::TaskChannelCreated { task_channel: _ }
        | Event::SkillCreated { skill: _ }
        | Event::SkillUpdated { skill: _ }
        | Event::SkillDeleted { skill: _ }
        | Event::TaskChannelUpdated { task_channel: _ }
        | Event::TaskChannelDeleted { task_channel: _ }
        | Event::TaskQueueCreated { task_queue: _ }
        | Event::TaskQueueUpdated { task_queue: _ }
        | Event::TaskQueueExpressionUpdated { task_queue: _ }
        | Event::TaskQueueDeleted { task_queue: _ }
        | Event::WorkflowCreated { workflow: _ }
        | Event::WorkflowUpdated { workflow: _ }
        | Event::WorkflowDeleted { workflow: _ }
        | Event::WorkerCreated { worker: _ }
        | Event::WorkerUpdated { worker: _ }
        | Event::WorkerAttributesUpdate { worker: _ }
        | Event::WorkerDeleted { worker: _ }
        | Event::TaskCreated { task: _ }
        | Event::TaskUpdated { task: _ }
        | Event::TaskCanceled { task: _ }
        | Event::TaskWrapup { task: _ }
        | Event::TaskCompleted { task: _ }
        | Event::TaskSystemDeleted { task: _ }
        | Event::TaskDeleted { task: _ }
        | Event::ReservationFailed { task: _ }
        | Event::TaskPurged { task: _ }
        | Event::WorkflowEntered { task: _ }
        | Event::WorkflowTargetMatched { task: _ }
        | Event::WorkflowTimeout { task: _ }
        | Event::WorkflowSkipped { task: _ }
        | Event::TaskQueueEntered { task: _ }
        | Event::TaskQueueTimeout { task: _ }
        | Event::ReservationCreated { reservation: _, task: _, worker: _ }
        | Event::ReservationAccepted { reservation: _, task: _, worker: _ }
        | Event::ReservationRejected { reservation: _, task: _, worker: _ }
        | Event::ReservationTimeout { reservation: _, task: _, worker: _ }
        | Event::ReservationCanceled { reservation: _, task: _, worker: _ }
        | Event::ReservationRescinded { reservation: _, task: _, worker: _ }
        | Event::ReservationWrapup { reservation: _, task: _, worker: _ }
        | Event::ReservationCompleted { reservation: _, task: _, worker: _ } => Vec::new(),
    }
}

fn workspace(it: &Workspace) -> Value {
    let Workspace {
        id,
        name,
        queue_order_priority,
        default_activity,
        timeout_activity,
        logout_activity,
        reoffer_delay_seconds,
        assigned_limit_hours,
        version,
        created_at,
        updated_at,
    } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("queueOrderPriority", enum_value(TaskOrder::from(*queue_order_priority))),
        ("defaultActivityId", text(default_activity)),
        ("timeoutActivityId", timeout_activity.as_ref().map(text).into()),
        ("logoutActivityId", text(logout_activity)),
        ("reofferDelaySeconds", (*reoffer_delay_seconds).into()),
        ("assignedLimitHours", (*assigned_limit_hours).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
    ])
}

fn activity(it: &Activity) -> Value {
    let Activity { id, name, available, version, created_at, updated_at, deleted_at } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("available", (*available).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn task_channel(it: &TaskChannel) -> Value {
    let TaskChannel {
        id,
        name,
        unique_name,
        channel_optimized_routing,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("uniqueName", unique_name.into()),
        ("channelOptimizedRouting", (*channel_optimized_routing).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn skill(it: &Skill) -> Value {
    let Skill { id, name, levels, version, created_at, updated_at } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("minimumLevel", levels.map(|levels| levels.minimum).into()),
        ("maximumLevel", levels.map(|levels| levels.maximum).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
    ])
}

fn task_queue(it: &TaskQueue) -> Value {
    let TaskQueue {
        id,
        name,
        target_workers,
        max_reserved_workers,
        task_order,
        wrap_up_limit_seconds,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("targetWorkers", target_workers.source().into()),
        ("maxReservedWorkers", (*max_reserved_workers).into()),
        ("taskOrder", enum_value(TaskOrder::from(*task_order))),
        ("wrapUpLimitSeconds", (*wrap_up_limit_seconds).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn workflow(it: &Workflow) -> Value {
    let present = it.present();
    let Workflow {
        id,
        name,
        revisions: _, // The present one is shown; the others are how Tasks under way are kept on their path.
        task_reservation_timeout_seconds,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = it;
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("configuration", value_of(&present.configuration.document)),
        ("taskReservationTimeoutSeconds", (*task_reservation_timeout_seconds).into()),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn worker(scope: &Scope, it: &Worker, at: Timestamp) -> Value {
    let Worker {
        id,
        name,
        attributes,
        activity,
        activity_changed_at,
        channels: _, // Those that are as they were at first are not among them, but are shown as well.
        last_reserved: _, // The common circle; the circles of the channels are shown there.
        version,
        created_at,
        updated_at,
        deleted_at,
    } = it;
    // Availability never changes, so it is that of the moment of the event.
    let is_available = scope.state().activity(*activity).is_some_and(|activity| activity.available);
    let task_channels = scope.state().task_channels.values().filter(|channel| channel.created_at <= at);
    let channels = task_channels.map(|channel| worker_channel(it, &it.channel(channel), is_available));
    object([
        ("id", text(id)),
        ("name", name.into()),
        ("attributes", value_of(attributes)),
        ("activityId", text(activity)),
        ("activityChangedAt", instant(activity_changed_at)),
        ("available", is_available.into()),
        ("channels", Value::List(channels.collect())),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn worker_channel(worker: &Worker, it: &WorkerChannel, is_worker_available: bool) -> Value {
    let WorkerChannel {
        task_channel,
        configured_capacity,
        available,
        pending: _, // In the number of open Reservations.
        accepted,
        wrapping: _, // Likewise.
        last_reserved,
        version,
        created_at: _, // That of the Worker, or of the Task Channel.
        updated_at: _, // Not part of the GraphQL type.
    } = it;
    object([
        ("id", text(WorkerChannelId::of(worker.id, *task_channel))),
        ("taskChannelId", text(task_channel)),
        ("configuredCapacity", (*configured_capacity).into()),
        ("available", (*available).into()),
        ("effectiveAvailable", (is_worker_available && it.has_room()).into()),
        ("assignedTasks", (*accepted).into()),
        ("openReservations", it.open().into()),
        ("availableCapacityPercentage", it.available_capacity_percentage().into()),
        ("lastReservedAt", optional_instant(last_reserved.map(|stamp| stamp.at))),
        ("version", (*version).into()),
    ])
}

fn task(it: &Task) -> Value {
    let Task {
        id,
        created_sequence: _, // The sequence of its first event.
        attributes,
        priority,
        task_channel,
        workflow,
        routing_target,
        ignore_capacity,
        task_queue,
        task_queue_entered_at,
        timeout_seconds,
        virtual_start_time,
        assignment_count,
        phase,
        open_reservations: _, // They come with events of their own.
        transfers,
        cool_downs: _, // How refusals are kept from being repeated.
        version,
        created_at,
        updated_at,
        deleted_at,
    } = it;
    let (waiting, ended) = match phase {
        Phase::Pending(waiting) | Phase::Reserved(waiting) => (Some(waiting), None),
        Phase::Assigned(_) | Phase::Wrapping(_) => (None, None),
        Phase::Completed(ended) | Phase::Canceled(ended) => (None, Some(ended)),
    };
    // Where it waits outside of a Workflow follows from the target and the transfers; who holds it, from its owner.
    let expires_at = waiting.map(|Waiting { expires_at, place: _, held_by: _ }| *expires_at);
    object([
        ("id", text(id)),
        ("status", enum_value(TaskStatus::from(it.status()))),
        ("attributes", value_of(attributes)),
        ("priority", (*priority).into()),
        ("reason", ended.and_then(|ended| ended.reason.clone()).into()),
        ("taskChannelId", text(task_channel)),
        ("workflowId", workflow.as_ref().map(text).into()),
        ("routingTargetId", routing_target.as_ref().map(text).into()),
        ("ignoreCapacity", (*ignore_capacity).into()),
        ("taskQueueId", task_queue.as_ref().map(text).into()),
        ("taskQueueEnteredAt", optional_instant(*task_queue_entered_at)),
        ("timeoutSeconds", (*timeout_seconds).into()),
        ("expiresAt", optional_instant(expires_at)),
        ("virtualStartTime", instant(virtual_start_time)),
        ("endedAt", optional_instant(ended.map(|ended| ended.at))),
        ("assignedReservationId", it.owner().map(|assignment| text(assignment.reservation)).into()),
        ("routingStep", it.step().map(routing_step).into()),
        ("assignmentCount", (*assignment_count).into()),
        ("transfers", Value::List(transfers.iter().map(task_transfer).collect())),
        ("version", (*version).into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("deletedAt", optional_instant(*deleted_at)),
    ])
}

fn task_transfer(it: &TaskTransfer) -> Value {
    let TaskTransfer {
        id,
        mode,
        status,
        to,
        initiating_reservation,
        initiator: _, // The Worker of that Reservation.
        reservation,
        reason,
        origin: _, // Where the Task goes back to.
        created_at,
        updated_at,
    } = it;
    object([
        ("id", text(id)),
        ("mode", enum_value(TransferMode::from(*mode))),
        ("status", enum_value(TransferStatus::from(*status))),
        ("toId", text(to)),
        ("initiatingReservationId", text(initiating_reservation)),
        ("reservationId", reservation.as_ref().map(text).into()),
        ("failedReason", reason.clone().into()),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
    ])
}

fn routing_step(it: &RoutingStep) -> Value {
    let RoutingStep {
        revision: _, // Which document of the Workflow; the names below are of that one.
        filter,
        filter_name,
        target,
        entered_at,
        clock_started_at: _, // What the deadline is counted from,
        clock_target: _,     // and by which timeouts.
        deadline,
    } = it;
    object([
        ("filterName", filter_name.as_deref().into()),
        ("filterIndex", (*filter).into()),
        ("targetIndex", (*target).into()),
        ("enteredAt", instant(entered_at)),
        ("deadline", optional_instant(*deadline)),
    ])
}

fn reservation(scope: &Scope, it: &Reservation) -> Value {
    let Reservation {
        id,
        task,
        worker,
        task_channel,
        task_queue,
        workflow,
        transfer,
        status,
        timeout_seconds,
        accepted_at,
        wrap_up_at,
        ended_at,
        reason,
        circle_before: _, // How the Worker gets the place in the circle back.
        version,
        created_at,
        updated_at,
    } = it;
    use routing::state::ReservationStatus as Status;
    let sees_reasons = scope.access().sight().includes_reasons();
    let reason_of = |wanted: Status| reason.clone().filter(|_| *status == wanted && sees_reasons);
    let expires_at = Some(it.expires_at()).filter(|_| *status == Status::Pending);
    object([
        ("id", text(id)),
        ("status", enum_value(ReservationStatus::from(*status))),
        ("taskId", text(task)),
        ("workerId", text(worker)),
        ("taskQueueId", task_queue.as_ref().map(text).into()),
        ("workflowId", workflow.as_ref().map(text).into()),
        ("transferId", transfer.as_ref().map(text).into()),
        ("taskChannelId", text(task_channel)),
        ("createdAt", instant(created_at)),
        ("updatedAt", instant(updated_at)),
        ("acceptedAt", optional_instant(*accepted_at)),
        ("wrapUpAt", optional_instant(*wrap_up_at)),
        ("endedAt", optional_instant(*ended_at)),
        ("timeoutSeconds", (*timeout_seconds).into()),
        ("expiresAt", optional_instant(expires_at)),
        ("rejectedReason", reason_of(Status::Rejected).into()),
        ("canceledReason", reason_of(Status::Canceled).into()),
        ("version", (*version).into()),
    ])
}

fn object<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(key, value)| (Name::new(key), value)).collect())
}

fn text(id: impl std::fmt::Display) -> Value {
    id.to_string().into()
}

fn instant(at: &Timestamp) -> Value {
    text_of(*at).into()
}

fn optional_instant(at: Option<Timestamp>) -> Value {
    at.map(text_of).into()
}
