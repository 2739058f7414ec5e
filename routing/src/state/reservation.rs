//! A Reservation and its life:
//!
//! ```text
//!            ┌─▶ Rejected      the Worker said no
//!            ├─▶ TimedOut      the Worker said nothing
//!  Pending ──┼─▶ Rescinded     another Worker accepted the Task
//!            ├─▶ Canceled      the Task, or the Worker, went away
//!            └─▶ Accepted ──▶ Wrapping ──▶ Completed
//!                    └─────────────────────────▲
//! ```

use serde::{Deserialize, Serialize};

use crate::ids::{ReservationId, TaskChannelId, TaskId, TaskQueueId, TaskTransferId, WorkerId, WorkflowId};
use crate::state::worker::CircleStamp;
use crate::time::Timestamp;
use crate::written::written_once;

/// The offer of one Task to one Worker, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Reservation {
    /// The Reservation itself.
    pub id: ReservationId,
    /// What is offered.
    pub task: TaskId,
    /// To whom.
    pub worker: WorkerId,
    /// Which capacity of the Worker it uses while it is open.
    pub task_channel: TaskChannelId,
    /// The TaskQueue that the Task waited in; `None` where it was directed to the Worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue: Option<TaskQueueId>,
    /// The Workflow that routed the Task; `None` where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
    /// The transfer that this offer belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TaskTransferId>,
    /// Where it is in its life.
    pub status: ReservationStatus,
    /// How long the Worker had to answer.
    pub timeout_seconds: u32,
    /// When it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// When wrapping up began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap_up_at: Option<Timestamp>,
    /// When it ended, in whichever way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why it was rejected or canceled, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The Worker's places in the circles before this offer: an offer that is rescinded or canceled was not the
    /// Worker's doing, and gives them back. Once it has, these are the places that it gave back.
    pub circle_before: CircleBefore,
    /// Counts the changes.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

written_once!(Reservation);

/// A Worker's places in the circles.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct CircleBefore {
    /// In the common circle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common: Option<CircleStamp>,
    /// In the circle of the Task Channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<CircleStamp>,
}

/// Where a Reservation is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum ReservationStatus {
    /// Offered, not answered.
    Pending,
    /// The Worker has the Task.
    Accepted,
    /// The Worker refused.
    Rejected,
    /// The Worker did not answer in time.
    TimedOut,
    /// The offer was withdrawn because the Task or the Worker went away.
    Canceled,
    /// Another Worker accepted the Task.
    Rescinded,
    /// The Worker wraps the Task up.
    Wrapping,
    /// Done.
    Completed,
}

impl Reservation {
    /// When a pending Reservation times out.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus_seconds(self.timeout_seconds)
    }
}

impl ReservationStatus {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReservationStatus::Pending => "PENDING",
            ReservationStatus::Accepted => "ACCEPTED",
            ReservationStatus::Rejected => "REJECTED",
            ReservationStatus::TimedOut => "TIMEOUT",
            ReservationStatus::Canceled => "CANCELED",
            ReservationStatus::Rescinded => "RESCINDED",
            ReservationStatus::Wrapping => "WRAPPING",
            ReservationStatus::Completed => "COMPLETED",
        }
    }

    /// Did the offer end without the Worker's doing?
    #[must_use]
    pub fn is_withdrawn(self) -> bool {
        matches!(self, ReservationStatus::Canceled | ReservationStatus::Rescinded)
    }

    /// Does it use up capacity?
    #[must_use]
    pub fn is_open(self) -> bool {
        match self {
            ReservationStatus::Pending | ReservationStatus::Accepted | ReservationStatus::Wrapping => true,
            ReservationStatus::Rejected
            | ReservationStatus::TimedOut
            | ReservationStatus::Canceled
            | ReservationStatus::Rescinded
            | ReservationStatus::Completed => false,
        }
    }
}
