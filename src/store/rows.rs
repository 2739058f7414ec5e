//! State ↔ rows: the only mapping between the router's types and the tables.
//!
//! Two functions for each table, next to each other. Both take their argument apart without `..`, so that a new
//! field compiles only after somebody has decided how it is stored.
//!
//! Reading never guesses: a row that makes no sense is [`Corrupt`], neither a panic nor a default.

use std::str::FromStr;

use routing::Attributes;
use routing::event::{FORMAT_VERSION, Recorded};
use routing::ids::{Id, WorkspaceId};
use routing::state::reservation::CircleBefore;
use routing::state::skill::Levels;
use routing::state::task::{Assignment, Ended, Place, Waiting};
use routing::state::worker::CircleStamp;
use routing::state::workflow::Revision;
use routing::state::{
    Activity, Phase, Reservation, ReservationStatus, Skill, TargetWorkers, Task, TaskChannel, TaskOrder,
    TaskQueue, TaskStatus, Worker, WorkerChannel, Workflow, Workspace,
};
use routing::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Corrupt, Key};

/// Up to where, and when, rows stand for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EndOfLog {
    pub sequence: u64,
    pub at: Timestamp,
}

// --- workspace -------------------------------------------------------------------------------------------------

/// The row of a Workspace whose rows stand for the log up to `end`.
pub fn workspace_row(workspace: &Workspace, end: EndOfLog) -> entity::workspace::Model {
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
    } = workspace;
    entity::workspace::Model {
        id: id.to_string(),
        tag: i64::from(id.workspace_tag().0),
        sequence: position(end.sequence),
        sequence_at: end.at.0,
        name: name.clone(),
        queue_order_priority: task_order_text(*queue_order_priority).to_owned(),
        default_activity_id: default_activity.to_string(),
        timeout_activity_id: timeout_activity.map(|id| id.to_string()),
        logout_activity_id: logout_activity.to_string(),
        reoffer_delay_seconds: i64::from(*reoffer_delay_seconds),
        assigned_limit_hours: assigned_limit_hours.map(i64::from),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
    }
}

/// The Workspace, and how far in the log its rows stand for.
pub fn workspace(row: entity::workspace::Model) -> Result<(Workspace, EndOfLog), Corrupt> {
    let entity::workspace::Model {
        id,
        tag,
        sequence,
        sequence_at,
        name,
        queue_order_priority,
        default_activity_id,
        timeout_activity_id,
        logout_activity_id,
        reoffer_delay_seconds,
        assigned_limit_hours,
        version,
        created_at,
        updated_at,
    } = row;
    let row = Row { table: "workspace", id: &id };
    let workspace = Workspace {
        id: row.parse("id", &id)?,
        name,
        queue_order_priority: row.task_order("queue_order_priority", &queue_order_priority)?,
        default_activity: row.parse("default_activity_id", &default_activity_id)?,
        timeout_activity: row.parse_null("timeout_activity_id", timeout_activity_id.as_deref())?,
        logout_activity: row.parse("logout_activity_id", &logout_activity_id)?,
        reoffer_delay_seconds: row.number("reoffer_delay_seconds", reoffer_delay_seconds)?,
        assigned_limit_hours: row.number_null("assigned_limit_hours", assigned_limit_hours)?,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
    };
    if tag != i64::from(workspace.id.workspace_tag().0) {
        return Err(row.corrupt("tag", format!("{tag} is not the tag of the id")));
    }
    let end = EndOfLog { sequence: row.position("sequence", sequence)?, at: Timestamp(sequence_at) };
    Ok((workspace, end))
}

// --- activity --------------------------------------------------------------------------------------------------

pub fn activity_row(workspace: WorkspaceId, activity: &Activity) -> entity::activity::Model {
    let Activity { id, name, available, version, created_at, updated_at, deleted_at } = activity;
    entity::activity::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        available: *available,
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
    }
}

pub fn activity(row: entity::activity::Model) -> Result<Activity, Corrupt> {
    let entity::activity::Model {
        id,
        workspace_id: _,
        name,
        available,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = row;
    let row = Row { table: "activity", id: &id };
    Ok(Activity {
        id: row.parse("id", &id)?,
        name,
        available,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

// --- task_channel ----------------------------------------------------------------------------------------------

pub fn task_channel_row(workspace: WorkspaceId, channel: &TaskChannel) -> entity::task_channel::Model {
    let TaskChannel {
        id,
        name,
        unique_name,
        channel_optimized_routing,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = channel;
    entity::task_channel::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        unique_name: unique_name.clone(),
        channel_optimized_routing: *channel_optimized_routing,
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
    }
}

pub fn task_channel(row: entity::task_channel::Model) -> Result<TaskChannel, Corrupt> {
    let entity::task_channel::Model {
        id,
        workspace_id: _,
        name,
        unique_name,
        channel_optimized_routing,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = row;
    let row = Row { table: "task_channel", id: &id };
    Ok(TaskChannel {
        id: row.parse("id", &id)?,
        name,
        unique_name,
        channel_optimized_routing,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

// --- skill -----------------------------------------------------------------------------------------------------

pub fn skill_row(workspace: WorkspaceId, skill: &Skill) -> entity::skill::Model {
    let Skill { id, name, levels, version, created_at, updated_at } = skill;
    entity::skill::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        minimum_level: levels.map(|Levels { minimum, maximum: _ }| i64::from(minimum)),
        maximum_level: levels.map(|Levels { minimum: _, maximum }| i64::from(maximum)),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
    }
}

pub fn skill(row: entity::skill::Model) -> Result<Skill, Corrupt> {
    let entity::skill::Model {
        id,
        workspace_id: _,
        name,
        minimum_level,
        maximum_level,
        version,
        created_at,
        updated_at,
    } = row;
    let row = Row { table: "skill", id: &id };
    let levels = match (minimum_level, maximum_level) {
        (None, None) => None,
        (Some(minimum), Some(maximum)) => {
            let minimum = row.number("minimum_level", minimum)?;
            let maximum = row.number("maximum_level", maximum)?;
            if minimum > maximum {
                return Err(row.corrupt("maximum_level", "it is below the least level"));
            }
            Some(Levels { minimum, maximum })
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(row.corrupt("maximum_level", "expected both levels, or neither"));
        }
    };
    Ok(Skill {
        id: row.parse("id", &id)?,
        name,
        levels,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
    })
}

// --- task_queue ------------------------------------------------------------------------------------------------

pub fn task_queue_row(workspace: WorkspaceId, queue: &TaskQueue) -> entity::task_queue::Model {
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
    } = queue;
    entity::task_queue::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        target_workers: target_workers.source().to_owned(),
        max_reserved_workers: i64::from(*max_reserved_workers),
        task_order: task_order_text(*task_order).to_owned(),
        wrap_up_limit_seconds: wrap_up_limit_seconds.map(i64::from),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
    }
}

pub fn task_queue(row: entity::task_queue::Model) -> Result<TaskQueue, Corrupt> {
    let entity::task_queue::Model {
        id,
        workspace_id: _,
        name,
        target_workers,
        max_reserved_workers,
        task_order,
        wrap_up_limit_seconds,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = row;
    let row = Row { table: "task_queue", id: &id };
    Ok(TaskQueue {
        id: row.parse("id", &id)?,
        name,
        target_workers: TargetWorkers::parse(&target_workers)
            .map_err(|error| row.corrupt("target_workers", error.to_string()))?,
        max_reserved_workers: row.number("max_reserved_workers", max_reserved_workers)?,
        task_order: row.task_order("task_order", &task_order)?,
        wrap_up_limit_seconds: row.number_null("wrap_up_limit_seconds", wrap_up_limit_seconds)?,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

// --- workflow --------------------------------------------------------------------------------------------------

pub fn workflow_row(workspace: WorkspaceId, workflow: &Workflow) -> entity::workflow::Model {
    let Workflow {
        id,
        name,
        revisions,
        task_reservation_timeout_seconds,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = workflow;
    entity::workflow::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        revisions: json(revisions),
        task_reservation_timeout_seconds: i64::from(*task_reservation_timeout_seconds),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
    }
}

pub fn workflow(row: entity::workflow::Model) -> Result<Workflow, Corrupt> {
    let entity::workflow::Model {
        id,
        workspace_id: _,
        name,
        revisions,
        task_reservation_timeout_seconds,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = row;
    let row = Row { table: "workflow", id: &id };
    let revisions: Vec<Revision> = row.json("revisions", &revisions)?;
    if revisions.is_empty() || !revisions.is_sorted_by(|a, b| a.number < b.number) {
        return Err(row.corrupt("revisions", "expected at least one, in the order of their numbers"));
    }
    Ok(Workflow {
        id: row.parse("id", &id)?,
        name,
        revisions,
        task_reservation_timeout_seconds: row
            .number("task_reservation_timeout_seconds", task_reservation_timeout_seconds)?,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

// --- worker ----------------------------------------------------------------------------------------------------

pub fn worker_row(workspace: WorkspaceId, worker: &Worker) -> entity::worker::Model {
    let Worker {
        id,
        name,
        attributes,
        activity,
        activity_changed_at,
        channels,
        last_reserved,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = worker;
    entity::worker::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        name: name.clone(),
        attributes: attributes.as_str().to_owned(),
        activity_id: activity.to_string(),
        activity_changed_at: activity_changed_at.0,
        channels: json(channels),
        last_reserved_sequence: last_reserved.map(|stamp| position(stamp.sequence)),
        last_reserved_at: last_reserved.map(|stamp| stamp.at.0),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
    }
}

pub fn worker(row: entity::worker::Model) -> Result<Worker, Corrupt> {
    let entity::worker::Model {
        id,
        workspace_id: _,
        name,
        attributes,
        activity_id,
        activity_changed_at,
        channels,
        last_reserved_sequence,
        last_reserved_at,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = row;
    let row = Row { table: "worker", id: &id };
    let channels: Vec<WorkerChannel> = row.json("channels", &channels)?;
    if !channels.is_sorted_by(|a, b| a.task_channel < b.task_channel) {
        return Err(
            row.corrupt("channels", "expected at most one for each Task Channel, in the order of their ids")
        );
    }
    let last_reserved = match (last_reserved_sequence, last_reserved_at) {
        (None, None) => None,
        (Some(sequence), Some(at)) => Some(CircleStamp {
            sequence: row.position("last_reserved_sequence", sequence)?,
            at: Timestamp(at),
        }),
        (Some(_), None) | (None, Some(_)) => {
            return Err(row.corrupt("last_reserved_at", "expected both sequence and time, or neither"));
        }
    };
    Ok(Worker {
        id: row.parse("id", &id)?,
        name,
        attributes: row.attributes("attributes", &attributes)?,
        activity: row.parse("activity_id", &activity_id)?,
        activity_changed_at: Timestamp(activity_changed_at),
        channels,
        last_reserved,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

// --- task ------------------------------------------------------------------------------------------------------

pub fn task_row(workspace: WorkspaceId, task: &Task) -> entity::task::Model {
    let Task {
        id,
        created_sequence,
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
        open_reservations,
        transfers,
        cool_downs,
        version,
        created_at,
        updated_at,
        deleted_at,
    } = task;
    let PhaseColumns { status, expires_at, place, reservation_id, assigned_at, ended_at, reason } =
        phase_columns(phase);
    entity::task::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        created_sequence: position(*created_sequence),
        attributes: attributes.as_str().to_owned(),
        priority: i64::from(*priority),
        task_channel_id: task_channel.to_string(),
        workflow_id: workflow.map(|id| id.to_string()),
        routing_target_id: routing_target.map(|target| target.to_string()),
        ignore_capacity: *ignore_capacity,
        task_queue_id: task_queue.map(|id| id.to_string()),
        task_queue_entered_at: task_queue_entered_at.map(|at| at.0),
        timeout_seconds: i64::from(*timeout_seconds),
        virtual_start_time: virtual_start_time.0,
        assignment_count: i64::from(*assignment_count),
        status: task_status_text(status).to_owned(),
        expires_at,
        place,
        reservation_id,
        assigned_at,
        ended_at,
        reason,
        open_reservations: json(open_reservations),
        transfers: json(transfers),
        cool_downs: json(cool_downs),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        deleted_at: deleted_at.map(|at| at.0),
        purged_at: None,
    }
}

/// The Task, whether or not it has left the memory meanwhile.
pub fn task(row: entity::task::Model) -> Result<Task, Corrupt> {
    let entity::task::Model {
        id,
        workspace_id: _,
        created_sequence,
        attributes,
        priority,
        task_channel_id,
        workflow_id,
        routing_target_id,
        ignore_capacity,
        task_queue_id,
        task_queue_entered_at,
        timeout_seconds,
        virtual_start_time,
        assignment_count,
        status,
        expires_at,
        place,
        reservation_id,
        assigned_at,
        ended_at,
        reason,
        open_reservations,
        transfers,
        cool_downs,
        version,
        created_at,
        updated_at,
        deleted_at,
        purged_at: _,
    } = row;
    let row = Row { table: "task", id: &id };
    let status =
        task_status(&status).ok_or_else(|| row.corrupt("status", format!("{status:?} is no status")))?;
    let columns = PhaseColumns { status, expires_at, place, reservation_id, assigned_at, ended_at, reason };
    Ok(Task {
        id: row.parse("id", &id)?,
        created_sequence: row.position("created_sequence", created_sequence)?,
        attributes: row.attributes("attributes", &attributes)?,
        priority: row.number("priority", priority)?,
        task_channel: row.parse("task_channel_id", &task_channel_id)?,
        workflow: row.parse_null("workflow_id", workflow_id.as_deref())?,
        routing_target: row.parse_null("routing_target_id", routing_target_id.as_deref())?,
        ignore_capacity,
        task_queue: row.parse_null("task_queue_id", task_queue_id.as_deref())?,
        task_queue_entered_at: task_queue_entered_at.map(Timestamp),
        timeout_seconds: row.number("timeout_seconds", timeout_seconds)?,
        virtual_start_time: Timestamp(virtual_start_time),
        assignment_count: row.number("assignment_count", assignment_count)?,
        phase: phase(&row, columns)?,
        open_reservations: row.json("open_reservations", &open_reservations)?,
        transfers: row.json("transfers", &transfers)?,
        cool_downs: row.json("cool_downs", &cool_downs)?,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
        deleted_at: deleted_at.map(Timestamp),
    })
}

/// The columns of a Task that depend on its phase.
struct PhaseColumns {
    status: TaskStatus,
    expires_at: Option<i64>,
    place: Option<String>,
    reservation_id: Option<String>,
    assigned_at: Option<i64>,
    ended_at: Option<i64>,
    reason: Option<String>,
}

fn phase_columns(phase: &Phase) -> PhaseColumns {
    let (status, waiting, assignment, ended) = match phase {
        Phase::Pending(waiting) => (TaskStatus::Pending, Some(waiting), None, None),
        Phase::Reserved(waiting) => (TaskStatus::Reserved, Some(waiting), None, None),
        Phase::Assigned(assignment) => (TaskStatus::Assigned, None, Some(assignment), None),
        Phase::Wrapping(assignment) => (TaskStatus::Wrapping, None, Some(assignment), None),
        Phase::Completed(ended) => (TaskStatus::Completed, None, None, Some(ended)),
        Phase::Canceled(ended) => (TaskStatus::Canceled, None, None, Some(ended)),
    };
    let mut columns = PhaseColumns {
        status,
        expires_at: None,
        place: None,
        reservation_id: None,
        assigned_at: None,
        ended_at: None,
        reason: None,
    };
    let mut owner = assignment;
    if let Some(Waiting { expires_at, place, held_by }) = waiting {
        columns.expires_at = Some(expires_at.0);
        columns.place = place.as_ref().map(json);
        owner = held_by.as_deref();
    }
    if let Some(Assignment { reservation, at }) = owner {
        columns.reservation_id = Some(reservation.to_string());
        columns.assigned_at = Some(at.0);
    }
    if let Some(Ended { at, reason, reservation }) = ended {
        columns.ended_at = Some(at.0);
        columns.reason = reason.clone();
        columns.reservation_id = reservation.map(|id| id.to_string());
    }
    columns
}

fn phase(row: &Row<'_>, columns: PhaseColumns) -> Result<Phase, Corrupt> {
    let PhaseColumns { status, expires_at, place, reservation_id, assigned_at, ended_at, reason } = columns;
    let place = place.map(|place| row.json::<Place>("place", &place)).transpose()?;
    let reservation = row.parse_null("reservation_id", reservation_id.as_deref())?;
    let is_waiting = matches!(status, TaskStatus::Pending | TaskStatus::Reserved);
    let is_assigned = matches!(status, TaskStatus::Assigned | TaskStatus::Wrapping);

    // What a phase does not have must be null: else the row says two things at once.
    match (expires_at, place, reservation, assigned_at, ended_at, reason) {
        (Some(expires_at), place, owner, at, None, None) if is_waiting && owner.is_some() == at.is_some() => {
            let held_by = owner
                .zip(at)
                .map(|(reservation, at)| Box::new(Assignment { reservation, at: Timestamp(at) }));
            let waiting = Waiting { expires_at: Timestamp(expires_at), place, held_by };
            Ok(if status == TaskStatus::Pending { Phase::Pending(waiting) } else { Phase::Reserved(waiting) })
        }
        (None, None, Some(reservation), Some(at), None, None) if is_assigned => {
            let assignment = Assignment { reservation, at: Timestamp(at) };
            Ok(if status == TaskStatus::Assigned {
                Phase::Assigned(assignment)
            } else {
                Phase::Wrapping(assignment)
            })
        }
        (None, None, reservation, None, Some(at), reason) if !is_waiting && !is_assigned => {
            let ended = Ended { at: Timestamp(at), reason, reservation };
            Ok(if status == TaskStatus::Completed { Phase::Completed(ended) } else { Phase::Canceled(ended) })
        }
        _ => Err(row.corrupt("status", "the other columns belong to another status")),
    }
}

// --- reservation -----------------------------------------------------------------------------------------------

pub fn reservation_row(workspace: WorkspaceId, reservation: &Reservation) -> entity::reservation::Model {
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
        circle_before,
        version,
        created_at,
        updated_at,
    } = reservation;
    entity::reservation::Model {
        id: id.to_string(),
        workspace_id: workspace.to_string(),
        task_id: task.to_string(),
        worker_id: worker.to_string(),
        task_channel_id: task_channel.to_string(),
        task_queue_id: task_queue.map(|id| id.to_string()),
        workflow_id: workflow.map(|id| id.to_string()),
        transfer_id: transfer.map(|id| id.to_string()),
        status: reservation_status_text(*status).to_owned(),
        timeout_seconds: i64::from(*timeout_seconds),
        accepted_at: accepted_at.map(|at| at.0),
        wrap_up_at: wrap_up_at.map(|at| at.0),
        ended_at: ended_at.map(|at| at.0),
        reason: reason.clone(),
        circle_before: json(circle_before),
        version: i64::from(*version),
        created_at: created_at.0,
        updated_at: updated_at.0,
        purged_at: None,
    }
}

/// The Reservation, whether or not it has left the memory meanwhile.
pub fn reservation(row: entity::reservation::Model) -> Result<Reservation, Corrupt> {
    let entity::reservation::Model {
        id,
        workspace_id: _,
        task_id,
        worker_id,
        task_channel_id,
        task_queue_id,
        workflow_id,
        transfer_id,
        status,
        timeout_seconds,
        accepted_at,
        wrap_up_at,
        ended_at,
        reason,
        circle_before,
        version,
        created_at,
        updated_at,
        purged_at: _,
    } = row;
    let row = Row { table: "reservation", id: &id };
    Ok(Reservation {
        id: row.parse("id", &id)?,
        task: row.parse("task_id", &task_id)?,
        worker: row.parse("worker_id", &worker_id)?,
        task_channel: row.parse("task_channel_id", &task_channel_id)?,
        task_queue: row.parse_null("task_queue_id", task_queue_id.as_deref())?,
        workflow: row.parse_null("workflow_id", workflow_id.as_deref())?,
        transfer: row.parse_null("transfer_id", transfer_id.as_deref())?,
        status: reservation_status(&status)
            .ok_or_else(|| row.corrupt("status", format!("{status:?} is no status")))?,
        timeout_seconds: row.number("timeout_seconds", timeout_seconds)?,
        accepted_at: accepted_at.map(Timestamp),
        wrap_up_at: wrap_up_at.map(Timestamp),
        ended_at: ended_at.map(Timestamp),
        reason,
        circle_before: row.json::<CircleBefore>("circle_before", &circle_before)?,
        version: row.number("version", version)?,
        created_at: Timestamp(created_at),
        updated_at: Timestamp(updated_at),
    })
}

// --- event_log -------------------------------------------------------------------------------------------------

/// The row of the events of one command; `None` when there are none.
pub fn event_log_row(workspace: WorkspaceId, events: &[Recorded]) -> Option<entity::event_log::Model> {
    let (first, last) = (events.first()?, events.last()?);
    Some(entity::event_log::Model {
        workspace_id: workspace.to_string(),
        first_sequence: position(first.sequence),
        last_sequence: position(last.sequence),
        at: last.at.0,
        format_version: i64::from(FORMAT_VERSION),
        events: lz4_flex::compress_prepend_size(routing::written::write(events).as_bytes()),
    })
}

pub fn events(row: entity::event_log::Model) -> Result<Vec<Recorded>, Corrupt> {
    let entity::event_log::Model {
        workspace_id,
        first_sequence,
        last_sequence,
        at: _,
        format_version,
        events,
    } = row;
    let id = format!("{workspace_id} {first_sequence}");
    let row = Row { table: "event_log", id: &id };
    if format_version != i64::from(FORMAT_VERSION) {
        let why = format!(
            "expected {FORMAT_VERSION}, the only one that this release reads; found {format_version}"
        );
        return Err(row.corrupt("format_version", why));
    }
    let events = expanded(&events).map_err(|why| row.corrupt("events", why))?;
    let events: Vec<Recorded> =
        routing::written::read(&events).map_err(|error| row.corrupt("events", error.to_string()))?;
    let first = row.position("first_sequence", first_sequence)?;
    let last = row.position("last_sequence", last_sequence)?;
    if !events.iter().map(|recorded| recorded.sequence).eq(first..=last) {
        return Err(row.corrupt("events", format!("expected the events {first} to {last}")));
    }
    Ok(events)
}

/// The text of compressed events. What is broken takes no more memory than it could have come from.
fn expanded(events: &[u8]) -> Result<String, String> {
    const RATIO_MAX: usize = 255;
    let (length, _) = lz4_flex::block::uncompressed_size(events).map_err(|error| error.to_string())?;
    if length / RATIO_MAX > events.len() {
        return Err(format!("{} bytes cannot be {length}", events.len()));
    }
    let text = lz4_flex::decompress_size_prepended(events).map_err(|error| error.to_string())?;
    String::from_utf8(text).map_err(|error| error.to_string())
}

// --- idempotency_key -------------------------------------------------------------------------------------------

pub fn key_row(workspace: WorkspaceId, key: &Key) -> entity::idempotency_key::Model {
    let Key { key, fingerprint, subject, sequence, at } = key;
    entity::idempotency_key::Model {
        workspace_id: workspace.to_string(),
        key: key.clone(),
        fingerprint: fingerprint.iter().map(|byte| format!("{byte:02x}")).collect(),
        subject: subject.clone(),
        sequence: position(*sequence),
        at: at.0,
    }
}

pub fn key(row: entity::idempotency_key::Model) -> Result<Key, Corrupt> {
    let entity::idempotency_key::Model { workspace_id: _, key, fingerprint, subject, sequence, at } = row;
    let row = Row { table: "idempotency_key", id: &key };
    let fingerprint =
        bytes(&fingerprint).ok_or_else(|| row.corrupt("fingerprint", "expected 64 hex digits"))?;
    let sequence = row.position("sequence", sequence)?;
    Ok(Key { fingerprint, subject, sequence, at: Timestamp(at), key })
}

fn bytes(hex: &str) -> Option<[u8; 32]> {
    if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

// --- words -----------------------------------------------------------------------------------------------------

fn task_order_text(order: TaskOrder) -> &'static str {
    match order {
        TaskOrder::Fifo => "fifo",
        TaskOrder::Lifo => "lifo",
    }
}

fn task_order(text: &str) -> Option<TaskOrder> {
    [TaskOrder::Fifo, TaskOrder::Lifo].into_iter().find(|&order| task_order_text(order) == text)
}

fn task_status_text(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending => "pending",
        TaskStatus::Reserved => "reserved",
        TaskStatus::Assigned => "assigned",
        TaskStatus::Wrapping => "wrapping",
        TaskStatus::Completed => "completed",
        TaskStatus::Canceled => "canceled",
    }
}

fn task_status(text: &str) -> Option<TaskStatus> {
    use TaskStatus::{Assigned, Canceled, Completed, Pending, Reserved, Wrapping};
    let all = [Pending, Reserved, Assigned, Wrapping, Completed, Canceled];
    all.into_iter().find(|&status| task_status_text(status) == text)
}

fn reservation_status_text(status: ReservationStatus) -> &'static str {
    match status {
        ReservationStatus::Pending => "pending",
        ReservationStatus::Accepted => "accepted",
        ReservationStatus::Rejected => "rejected",
        ReservationStatus::TimedOut => "timed_out",
        ReservationStatus::Canceled => "canceled",
        ReservationStatus::Rescinded => "rescinded",
        ReservationStatus::Wrapping => "wrapping",
        ReservationStatus::Completed => "completed",
    }
}

fn reservation_status(text: &str) -> Option<ReservationStatus> {
    use ReservationStatus::{
        Accepted, Canceled, Completed, Pending, Rejected, Rescinded, TimedOut, Wrapping,
    };
    let all = [Pending, Accepted, Rejected, TimedOut, Canceled, Rescinded, Wrapping, Completed];
    all.into_iter().find(|&status| reservation_status_text(status) == text)
}

// --- values ----------------------------------------------------------------------------------------------------

/// A position in the log as the databases have it. Ids hold 42 bits of it, so that it never comes near the limit.
pub fn position(sequence: u64) -> i64 {
    i64::try_from(sequence).expect("a log has fewer than 2^63 events")
}

fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("what the router keeps can be written as JSON")
}

/// A row that is being read: says which one when something is wrong.
struct Row<'a> {
    table: &'static str,
    id: &'a str,
}

impl Row<'_> {
    fn corrupt(&self, column: &'static str, why: impl Into<String>) -> Corrupt {
        Corrupt { table: self.table, id: self.id.to_owned(), column, why: why.into() }
    }

    fn parse<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &'static str,
        text: &str,
    ) -> Result<T, Corrupt> {
        text.parse().map_err(|error: T::Err| self.corrupt(column, error.to_string()))
    }

    fn parse_null<T: FromStr<Err: std::fmt::Display>>(
        &self,
        column: &'static str,
        text: Option<&str>,
    ) -> Result<Option<T>, Corrupt> {
        text.map(|text| self.parse(column, text)).transpose()
    }

    fn number(&self, column: &'static str, number: i64) -> Result<u32, Corrupt> {
        u32::try_from(number)
            .map_err(|_| self.corrupt(column, format!("{number} is not within 0 to {}", u32::MAX)))
    }

    fn number_null(&self, column: &'static str, number: Option<i64>) -> Result<Option<u32>, Corrupt> {
        number.map(|number| self.number(column, number)).transpose()
    }

    fn position(&self, column: &'static str, number: i64) -> Result<u64, Corrupt> {
        u64::try_from(number)
            .map_err(|_| self.corrupt(column, format!("{number} is not a position in the log")))
    }

    fn json<T: DeserializeOwned>(&self, column: &'static str, text: &str) -> Result<T, Corrupt> {
        serde_json::from_str(text).map_err(|error| self.corrupt(column, error.to_string()))
    }

    fn attributes(&self, column: &'static str, text: &str) -> Result<Attributes, Corrupt> {
        self.json(column, text)
    }

    fn task_order(&self, column: &'static str, text: &str) -> Result<TaskOrder, Corrupt> {
        task_order(text).ok_or_else(|| self.corrupt(column, format!("{text:?} is neither fifo nor lifo")))
    }
}
