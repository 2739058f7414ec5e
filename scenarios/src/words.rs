//! What there is and what happens, in the words that a file uses for it.

use std::fmt;
use std::sync::Arc;

use routing::Event;
use routing::ids::{ActivityId, ReservationId, TaskChannelId};
use routing::state::task::RoutingStep;
use routing::state::{
    Activity, Phase, Reservation, ReservationStatus, RoutingTarget, Task, TaskChannel, Worker,
};
use routing::time::Timestamp;

use crate::format::Standing;
use crate::read::RESERVATION_STATUSES;
use crate::world::World;

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Pending => formatter.write_str("pending"),
            Standing::ReservedFor(workers) => write!(formatter, "reserved for {}", workers.join(", ")),
            Standing::AssignedTo(worker) => write!(formatter, "assigned to {worker}"),
            Standing::WrappingBy(worker) => write!(formatter, "wrapping by {worker}"),
            Standing::Completed => formatter.write_str("completed"),
            Standing::CompletedBy(worker) => write!(formatter, "completed by {worker}"),
            Standing::Canceled => formatter.write_str("canceled"),
            Standing::Deleted => formatter.write_str("deleted"),
            Standing::Purged => formatter.write_str("purged"),
        }
    }
}

/// Where a Task is in its life, and who has it.
pub(crate) fn standing(world: &World, task: Option<&Task>) -> Standing {
    let Some(task) = task else { return Standing::Purged };
    let holder = |reservation: ReservationId| {
        let reservation = &world.state().reservations[&reservation];
        world.worker_name(reservation.worker).to_owned()
    };
    match &task.phase {
        _ if task.deleted_at.is_some() => Standing::Deleted,
        Phase::Pending(_) => Standing::Pending,
        Phase::Reserved(_) => {
            let is_pending =
                |id: &ReservationId| world.state().reservations[id].status == ReservationStatus::Pending;
            let pending = task.open_reservations.iter().copied().filter(is_pending);
            Standing::ReservedFor(pending.map(holder).collect())
        }
        Phase::Assigned(assignment) => Standing::AssignedTo(holder(assignment.reservation)),
        Phase::Wrapping(assignment) => Standing::WrappingBy(holder(assignment.reservation)),
        Phase::Completed(ended) => match ended.reservation {
            Some(reservation) => Standing::CompletedBy(holder(reservation)),
            None => Standing::Completed,
        },
        Phase::Canceled(_) => Standing::Canceled,
    }
}

/// A step of a Workflow: `Billing/1`, `2/1` for the second filter where it has no name, or `default`.
pub(crate) fn step(step: &RoutingStep) -> String {
    let Some(filter) = step.filter else { return "default".to_owned() };
    let filter = step.filter_name.as_deref().map_or_else(|| (filter + 1).to_string(), str::to_owned);
    format!("{filter}/{}", step.target + 1)
}

/// Where a Task stands: `pending in Billing, step Billing/1, priority 10, until 30s`.
pub(crate) fn place(world: &World, task: &Task) -> String {
    let mut parts = vec![standing(world, Some(task)).to_string()];
    if let Some(queue) = task.task_queue.filter(|_| task.ended().is_none()) {
        parts[0] = format!("{} in {}", parts[0], world.queue_name(queue));
    }
    if let Some(at) = task.step() {
        parts.push(format!("step {}", step(at)));
        parts.push(format!("priority {}", task.priority));
        parts.extend(at.deadline.map(|deadline| format!("until {}", world.since_start(deadline))));
    }
    if let Some(reason) = task.ended().and_then(|ended| ended.reason.as_ref()) {
        parts.push(format!("because of {reason:?}"));
    }
    parts.join(", ")
}

/// The status of a Reservation, as files write it.
pub(crate) fn status(status: ReservationStatus) -> &'static str {
    let word = RESERVATION_STATUSES.iter().find(|(_, known)| *known == status);
    word.map_or(status.name(), |(word, _)| word)
}

/// A moment, as so long after the start; `none` where there is none.
pub(crate) fn moment(world: &World, at: Option<Timestamp>) -> String {
    at.map_or_else(|| "none".to_owned(), |at| world.since_start(at).to_string())
}

/// An event with the names of what it is about: `reservation.created T1 Ann`.
pub(crate) fn event(world: &World, event: &Event) -> String {
    let task = |task: &Task| world.task_name(task.id);
    let in_queue = |of: &Task| {
        let queue = of.task_queue.map(|queue| world.queue_name(queue).to_owned());
        [Some(task(of)), queue].into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let of_activity = |activity: &Arc<Activity>| activity.name.clone();
    let activity = |id: ActivityId| world.state().activity(id).map_or(id.to_string(), of_activity);
    let of_channel = |channel: &Arc<TaskChannel>| channel.unique_name.clone();
    let channel = |id: TaskChannelId| world.state().task_channel(id).map_or(id.to_string(), of_channel);
    let about = match event {
        Event::WorkspaceCreated { .. } | Event::WorkspaceUpdated { .. } => String::new(),
        Event::ActivityCreated { activity }
        | Event::ActivityUpdated { activity }
        | Event::ActivityDeleted { activity } => activity.name.clone(),
        Event::TaskChannelCreated { task_channel }
        | Event::TaskChannelUpdated { task_channel }
        | Event::TaskChannelDeleted { task_channel } => task_channel.unique_name.clone(),
        Event::SkillCreated { skill } | Event::SkillUpdated { skill } | Event::SkillDeleted { skill } => {
            skill.name.clone()
        }
        Event::TaskQueueCreated { task_queue }
        | Event::TaskQueueUpdated { task_queue }
        | Event::TaskQueueExpressionUpdated { task_queue }
        | Event::TaskQueueDeleted { task_queue } => task_queue.name.clone(),
        Event::WorkflowCreated { workflow }
        | Event::WorkflowUpdated { workflow }
        | Event::WorkflowDeleted { workflow } => workflow.name.clone(),
        Event::WorkerCreated { worker }
        | Event::WorkerUpdated { worker }
        | Event::WorkerAttributesUpdate { worker }
        | Event::WorkerDeleted { worker } => worker.name.clone(),
        Event::WorkerActivityUpdate { worker, previous_activity: _, milliseconds_in_previous: _ } => {
            format!("{} {}", worker.name, activity(worker.activity))
        }
        Event::WorkerCapacityUpdate { worker, task_channel, previous_capacity: _ }
        | Event::WorkerChannelAvailabilityUpdate { worker, task_channel } => {
            format!("{} {}", worker.name, channel(*task_channel))
        }
        Event::TaskCreated { task: of }
        | Event::TaskUpdated { task: of }
        | Event::TaskCanceled { task: of }
        | Event::TaskWrapup { task: of }
        | Event::TaskCompleted { task: of }
        | Event::TaskDeleted { task: of }
        | Event::ReservationFailed { task: of }
        | Event::TaskSystemDeleted { task: of } => task(of),
        Event::TaskTransferInitiated { task: of, transfer }
        | Event::TaskTransferAttemptFailed { task: of, transfer }
        | Event::TaskTransferFailed { task: of, transfer }
        | Event::TaskTransferCanceled { task: of, transfer }
        | Event::TaskTransferCompleted { task: of, transfer } => {
            let to = of.transfers.iter().find(|each| each.id == *transfer).map(|transfer| transfer.to);
            format!("{} {}", task(of), to.map_or("", |to| target(world, to)))
        }
        Event::TaskPurged { task: id } => world.task_name(*id),
        Event::WorkflowEntered { task: of }
        | Event::WorkflowTimeout { task: of }
        | Event::WorkflowSkipped { task: of } => {
            format!("{} {}", task(of), of.workflow.map_or("", |workflow| world.workflow_name(workflow)))
        }
        Event::WorkflowTargetMatched { task: of } => {
            let at = of.step().map(step).unwrap_or_default();
            format!("{} {at}", task(of))
        }
        Event::TaskQueueEntered { task: of } | Event::TaskQueueTimeout { task: of } => in_queue(of),
        Event::TaskQueueMoved { task: of, previous_task_queue: _ } => in_queue(of),
        Event::ReservationCreated { reservation: _, task: of, worker }
        | Event::ReservationAccepted { reservation: _, task: of, worker }
        | Event::ReservationRejected { reservation: _, task: of, worker }
        | Event::ReservationTimeout { reservation: _, task: of, worker }
        | Event::ReservationCanceled { reservation: _, task: of, worker }
        | Event::ReservationRescinded { reservation: _, task: of, worker }
        | Event::ReservationWrapup { reservation: _, task: of, worker }
        | Event::ReservationCompleted { reservation: _, task: of, worker } => {
            format!("{} {}", task(of), worker.name)
        }
    };
    format!("{} {about}", event.name()).trim_end().to_owned()
}

fn target(world: &World, target: RoutingTarget) -> &str {
    match target {
        RoutingTarget::Worker(id) => world.worker_name(id),
        RoutingTarget::TaskQueue(id) => world.queue_name(id),
        RoutingTarget::Workflow(id) => world.workflow_name(id),
    }
}

/// The Tasks of a Worker's open Reservations, in the order of the offers.
pub(crate) fn held_by(world: &World, worker: &Worker) -> Vec<String> {
    held(world, worker).map(|reservation| world.task_name(reservation.task)).collect()
}

/// The same for one Task Channel: what takes up its capacity.
pub(crate) fn held_on(world: &World, worker: &Worker, channel: TaskChannelId) -> Vec<String> {
    let on_channel = held(world, worker).filter(|reservation| reservation.task_channel == channel);
    on_channel.map(|reservation| world.task_name(reservation.task)).collect()
}

fn held<'a>(world: &'a World, worker: &Worker) -> impl Iterator<Item = &'a Arc<Reservation>> {
    world.state().reservations_of_worker(worker.id).filter(|reservation| reservation.status.is_open())
}
