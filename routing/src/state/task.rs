//! A Task and its life:
//!
//! ```text
//!            ┌────────── all offers ended unaccepted ──────────┐
//!            ▼                                                 │
//!  create ─▶ Pending ──── offered to 1..n Workers ──────▶ Reserved
//!            │   ▲                                             │ one accepts
//!            │   └───────────── transfer ──────────────┐       │
//!            │ cancel · TTL · end of Workflow          │       ├──▶ Assigned ──▶ Wrapping
//!            ▼                                         └───────┼────────┘           │
//!          Canceled ◀──────────────────────────────────────────┘        └─▶ Completed ◀┘
//! ```
//!
//! A Task that is transferred waits again, for another Worker. In a WARM transfer the Worker who has it keeps it
//! meanwhile ([`Waiting::held_by`]), and has it as before when the transfer fails.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thin_vec::ThinVec;

use crate::attributes::Attributes;
use crate::ids::{AnyId, ReservationId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId};
use crate::state::task_transfer::TaskTransfer;
use crate::time::Timestamp;
use crate::written::written_once;

/// A piece of work waiting for, or in the hands of, a Worker.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Task {
    /// The Task itself.
    pub id: TaskId,
    /// The sequence of its `task.created` event: orders Tasks of the same millisecond.
    pub created_sequence: u64,
    /// What the work is about; expressions look at it.
    pub attributes: Attributes,
    /// Larger goes first in FIFO TaskQueues; 0 to 2,147,483,647.
    pub priority: u32,
    /// Which capacity it uses.
    pub task_channel: TaskChannelId,
    /// The Workflow that routes it; `None` for a Task that was directed to a Worker or a TaskQueue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
    /// Where whoever created it sent it, if not through the Workspace's only Workflow or one by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_target: Option<RoutingTarget>,
    /// It was offered to its target at once, whatever that Worker was doing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_capacity: bool,
    /// The TaskQueue that it waits in, or waited in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue: Option<TaskQueueId>,
    /// When it entered that TaskQueue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue_entered_at: Option<Timestamp>,
    /// How long it may wait before it is canceled; 1 to 1,209,600 seconds.
    pub timeout_seconds: u32,
    /// Stands for the creation time when Tasks are ordered by age. It moves nothing but the order.
    pub virtual_start_time: Timestamp,
    /// How often it went from pending to reserved.
    pub assignment_count: u32,
    /// Where it is in its life.
    pub phase: Phase,
    /// Reservations that are pending, accepted or wrapping, oldest first.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub open_reservations: ThinVec<ReservationId>,
    /// Its transfers, oldest first. At most the last one is in progress.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub transfers: ThinVec<TaskTransfer>,
    /// Workers who must not be offered it again before a time.
    #[serde(default, skip_serializing_if = "ThinVec::is_empty")]
    pub cool_downs: ThinVec<CoolDown>,
    /// Counts the changes of the Task's own fields.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When it was deleted. It has ended then, and is in no list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

written_once!(Task);

/// Where a Task is in its life, with what only that phase has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// Waiting for a Worker.
    Pending(Waiting),
    /// Offered; waiting for an answer.
    Reserved(Waiting),
    /// A Worker has it.
    Assigned(Assignment),
    /// The Worker wraps it up.
    Wrapping(Assignment),
    /// Done.
    Completed(Ended),
    /// Given up.
    Canceled(Ended),
}

/// Of a Task that nobody has taken yet, or that is transferred.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// When the time to live ends.
    pub expires_at: Timestamp,
    /// Where it waits; `None` only between the events of the command that lets it wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Who has it meanwhile: in a WARM transfer, the Worker who transfers it; in a COLD one, who had it before that one
    /// and is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Box<Assignment>>,
}

/// Where a Task waits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Place {
    /// In a step of its Workflow.
    Step(RoutingStep),
    /// In its TaskQueue, for whoever serves it: it was directed or transferred there.
    TaskQueue,
    /// For this Worker and nobody else: it was directed or is transferred there.
    Worker(WorkerId),
}

/// Whom or what a Task is sent to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum RoutingTarget {
    /// This Worker, and nobody else.
    Worker(WorkerId),
    /// Whoever serves this TaskQueue.
    TaskQueue(TaskQueueId),
    /// Whom this Workflow finds.
    Workflow(WorkflowId),
}

/// Of a Task that a Worker has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The accepted Reservation of the present owner.
    pub reservation: ReservationId,
    /// When the Task came to this owner: when it was accepted, or when whoever had it since was done with it.
    pub at: Timestamp,
}

/// Of a Task whose life is over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why; always there for a canceled Task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who had it at the end, for a completed Task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
}

/// Where a Task stands in its Workflow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoutingStep {
    /// Which document of the Workflow it follows.
    pub revision: u32,
    /// Which filter took it: its position, or `None` for the default filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<u32>,
    /// The filter's name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_name: Option<Arc<str>>,
    /// Which target of the filter, counted from 0.
    pub target: u32,
    /// When it entered this step.
    pub entered_at: Timestamp,
    /// From when the timeouts of the filter's targets count.
    pub clock_started_at: Timestamp,
    /// From which target on they count: those before it were left by being skipped.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub clock_target: u32,
    /// When the step is left; `None`: not by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

impl fmt::Display for RoutingTarget {
    /// The id, which says by itself what it is of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoutingTarget::Worker(id) => id.fmt(f),
            RoutingTarget::TaskQueue(id) => id.fmt(f),
            RoutingTarget::Workflow(id) => id.fmt(f),
        }
    }
}

impl FromStr for RoutingTarget {
    type Err = NotATarget;

    fn from_str(text: &str) -> Result<RoutingTarget, NotATarget> {
        match text.parse() {
            Ok(AnyId::WorkerId(id)) => Ok(RoutingTarget::Worker(id)),
            Ok(AnyId::TaskQueueId(id)) => Ok(RoutingTarget::TaskQueue(id)),
            Ok(AnyId::WorkflowId(id)) => Ok(RoutingTarget::Workflow(id)),
            Ok(_) | Err(_) => Err(NotATarget),
        }
    }
}

/// The text is not the id of something that a Task can be sent to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the id of a Worker, a TaskQueue or a Workflow")]
pub struct NotATarget;

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_false(truth: &bool) -> bool {
    !*truth
}

/// A Worker who must not be offered a Task again before a time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CoolDown {
    /// Who rejected it or let it time out.
    pub worker: WorkerId,
    /// Until when.
    pub until: Timestamp,
}

/// The name of a [`Phase`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[allow(missing_docs)] // As the phases.
pub enum TaskStatus {
    Pending,
    Reserved,
    Assigned,
    Wrapping,
    Completed,
    Canceled,
}

impl TaskStatus {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TaskStatus::Pending => "PENDING",
            TaskStatus::Reserved => "RESERVED",
            TaskStatus::Assigned => "ASSIGNED",
            TaskStatus::Wrapping => "WRAPPING",
            TaskStatus::Completed => "COMPLETED",
            TaskStatus::Canceled => "CANCELED",
        }
    }
}

impl Task {
    /// The name of its phase.
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        match self.phase {
            Phase::Pending(_) => TaskStatus::Pending,
            Phase::Reserved(_) => TaskStatus::Reserved,
            Phase::Assigned(_) => TaskStatus::Assigned,
            Phase::Wrapping(_) => TaskStatus::Wrapping,
            Phase::Completed(_) => TaskStatus::Completed,
            Phase::Canceled(_) => TaskStatus::Canceled,
        }
    }

    /// What a pending or reserved Task has.
    #[must_use]
    pub fn waiting(&self) -> Option<&Waiting> {
        match &self.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => Some(waiting),
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => None,
        }
    }

    /// Where it stands in its Workflow, while it waits there.
    #[must_use]
    pub fn step(&self) -> Option<&RoutingStep> {
        match self.waiting()?.place.as_ref()? {
            Place::Step(step) => Some(step),
            Place::TaskQueue | Place::Worker(_) => None,
        }
    }

    /// The document that it follows while it waits: of which Workflow, and which revision.
    #[must_use]
    pub fn followed(&self) -> Option<(WorkflowId, u32)> {
        self.workflow.zip(self.step().map(|step| step.revision))
    }

    /// The transfer that is in progress.
    #[must_use]
    pub fn open_transfer(&self) -> Option<&TaskTransfer> {
        self.transfers.last().filter(|transfer| transfer.is_open())
    }

    /// Who has it: the accepted or wrapping Reservation of the present owner.
    #[must_use]
    pub fn owner(&self) -> Option<&Assignment> {
        self.assignment().or_else(|| self.waiting()?.held_by.as_deref())
    }

    /// What an assigned or wrapping Task has.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        match &self.phase {
            Phase::Assigned(assignment) | Phase::Wrapping(assignment) => Some(assignment),
            Phase::Pending(_) | Phase::Reserved(_) | Phase::Completed(_) | Phase::Canceled(_) => None,
        }
    }

    /// What a completed or canceled Task has.
    #[must_use]
    pub fn ended(&self) -> Option<&Ended> {
        match &self.phase {
            Phase::Completed(ended) | Phase::Canceled(ended) => Some(ended),
            Phase::Pending(_) | Phase::Reserved(_) | Phase::Assigned(_) | Phase::Wrapping(_) => None,
        }
    }

    /// Has `worker` refused this Task a moment ago?
    #[must_use]
    pub fn is_cooling_down(&self, worker: WorkerId, now: Timestamp) -> bool {
        self.cool_downs.iter().any(|cool_down| cool_down.worker == worker && cool_down.until > now)
    }
}
