//! A transfer: a Worker who has a Task hands it on.
//!
//! ```text
//!               ┌─▶ Complete    somebody accepted it
//!  Initiated ───┼─▶ Failed      nobody did
//!               └─▶ Canceled    it was called off
//! ```

use serde::{Deserialize, Serialize};

use crate::ids::{ReservationId, TaskQueueId, TaskTransferId, WorkerId, WorkflowId};
use crate::state::task::RoutingTarget;
use crate::time::Timestamp;

/// How one Task was handed on, or was to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskTransfer {
    /// The transfer itself.
    pub id: TaskTransferId,
    /// Does the Worker who hands it on stay with it?
    pub mode: TransferMode,
    /// Where it is in its life.
    pub status: TransferStatus,
    /// Whom or what the Task is handed to.
    pub to: RoutingTarget,
    /// The Reservation of the Worker who hands it on.
    pub initiating_reservation: ReservationId,
    /// That Worker, who is not offered the Task by the transfer.
    pub initiator: WorkerId,
    /// The Reservation that took the Task over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where the Task came from, and goes back to if nobody takes it.
    pub origin: Origin,
    /// When it was initiated.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
}

/// How a Task was routed before it was transferred.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Origin {
    /// The Workflow that routed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
    /// The TaskQueue that it had waited in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue: Option<TaskQueueId>,
    /// When it had entered that TaskQueue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_queue_entered_at: Option<Timestamp>,
}

/// Does the Worker who hands a Task on stay with it?
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TransferMode {
    /// Yes, until the Worker wraps up. When the transfer fails, the Worker has the Task as before.
    Warm,
    /// No: the Worker wraps up at once. When the transfer fails, the Task is routed again.
    Cold,
}

/// Where a transfer is in its life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TransferStatus {
    /// Somebody is being looked for, or has been asked.
    Initiated,
    /// Somebody accepted the Task.
    Complete,
    /// Nobody accepted it.
    Failed,
    /// It was called off.
    Canceled,
}

impl TaskTransfer {
    /// Is it in progress?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status == TransferStatus::Initiated
    }
}

impl TransferMode {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TransferMode::Warm => "WARM",
            TransferMode::Cold => "COLD",
        }
    }
}

impl TransferStatus {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TransferStatus::Initiated => "INITIATED",
            TransferStatus::Complete => "COMPLETE",
            TransferStatus::Failed => "FAILED",
            TransferStatus::Canceled => "CANCELED",
        }
    }
}
