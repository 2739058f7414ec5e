//! Transfers.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object};
use routing::ids::TaskTransferId;
use routing::state;

use super::reservation::Reservation;
use super::task::Task;
use super::transfer_target::TransferTarget;
use crate::graphql::scalars::DateTime;
use crate::graphql::scope::Scope;

/// Does the Worker who hands a Task on stay with it?
#[derive(Enum, Clone, Copy, PartialEq, Eq, Default, Debug)]
#[graphql(remote = "state::task_transfer::TransferMode")]
pub enum TransferMode {
    /// Yes: the Worker keeps the accepted Reservation, also after somebody has taken the Task, until the Worker wraps
    /// it up or completes it. When the transfer fails, the Worker has the Task as before.
    #[default]
    Warm,
    /// No: the Worker's Reservation is wrapped up when the transfer begins. When the transfer fails, the Task goes
    /// through its Workflow again, or back to where it had been directed.
    Cold,
}

/// Where a transfer is in its life.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "state::task_transfer::TransferStatus")]
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

/// A transfer, at one moment.
#[derive(Clone)]
pub struct TaskTransfer {
    scope: Scope,
    task: Arc<state::Task>,
    transfer: state::TaskTransfer,
}

impl TaskTransfer {
    /// The transfer, if the viewer may see its Task.
    pub fn find(scope: &Scope, id: TaskTransferId) -> Option<TaskTransfer> {
        let (task, transfer) = scope.state().transfer(id)?;
        scope.sees(&**task).then(|| TaskTransfer::of(scope, task, transfer))
    }

    /// All transfers of a Task that the viewer sees.
    pub fn all_of(scope: &Scope, task: &Arc<state::Task>) -> Vec<TaskTransfer> {
        task.transfers.iter().map(|transfer| TaskTransfer::of(scope, task, transfer)).collect()
    }

    /// A transfer that the viewer sees, or has just changed.
    pub fn of(scope: &Scope, task: &Arc<state::Task>, transfer: &state::TaskTransfer) -> TaskTransfer {
        TaskTransfer { scope: scope.clone(), task: Arc::clone(task), transfer: transfer.clone() }
    }
}

/// How a Worker handed a Task on, or wanted to. Whoever sees the Task sees its transfers.
#[Object]
impl TaskTransfer {
    /// Begins with `TT`.
    pub async fn id(&self) -> ID {
        self.transfer.id.into()
    }

    /// The Task. Null where the viewer may not see it (any more).
    async fn task(&self) -> Option<Task> {
        self.scope.task(self.task.id)
    }

    /// Does the Worker who hands it on stay with it?
    async fn mode(&self) -> TransferMode {
        self.transfer.mode.into()
    }

    /// Where it is in its life.
    async fn status(&self) -> TransferStatus {
        self.transfer.status.into()
    }

    /// Whom or what the Task is handed to.
    async fn to(&self) -> TransferTarget {
        TransferTarget::of(&self.scope, self.transfer.to)
    }

    /// The Reservation of the Worker who handed it on, also where the viewer may not see it.
    async fn initiating_reservation_id(&self) -> ID {
        self.transfer.initiating_reservation.into()
    }

    /// The Reservation of the Worker who handed it on. Null where the viewer may not see it.
    async fn initiating_reservation(&self) -> Option<Reservation> {
        self.scope.reservation(self.transfer.initiating_reservation)
    }

    /// The Reservation that took the Task over; before, the one that was offered last. Null where the viewer may not
    /// see it, or nobody has been asked yet.
    async fn reservation(&self) -> Option<Reservation> {
        let offers = self.scope.state().reservations_of_task(self.task.id);
        let last = offers.rev().find(|offer| offer.transfer == Some(self.transfer.id)).map(|offer| offer.id);
        self.scope.reservation(self.transfer.reservation.or(last)?)
    }

    /// Why it failed or was canceled, where there is something to say.
    async fn failed_reason(&self) -> Option<&str> {
        self.transfer.reason.as_deref()
    }

    /// When it began.
    async fn created_at(&self) -> DateTime {
        self.transfer.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        self.transfer.updated_at.into()
    }
}
