//! Reservations.

use std::ops::RangeBounds;
use std::sync::Arc;

use async_graphql::{Enum, ID, InputObject, Object};
use routing::ids::{ReservationId, TaskId, WorkerId};
use routing::state;

use super::task::Task;
use super::task_channel::TaskChannel;
use super::task_queue::TaskQueue;
use super::task_transfer::TaskTransfer;
use super::worker::Worker;
use super::workflow::Workflow;
use super::workspace::Workspace;
use crate::graphql::error::Result;
use crate::graphql::page::{self, End, Listing, OrderedBy, Place, Stretch};
use crate::graphql::scalars::{DateTime, optional_id};
use crate::graphql::scope::{Scope, View};

/// Where a Reservation is in its life. `PENDING` comes first; from `REJECTED`, `TIMEOUT`, `CANCELED`,
/// `RESCINDED` and `COMPLETED` nothing leads on.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "state::ReservationStatus")]
pub enum ReservationStatus {
    /// Offered, and not answered yet.
    Pending,
    /// The Worker has the Task.
    Accepted,
    /// The Worker refused.
    Rejected,
    /// The Worker did not answer in time.
    #[graphql(name = "TIMEOUT")]
    TimedOut,
    /// The offer was withdrawn, because the Task or the Worker went away.
    Canceled,
    /// Another Worker accepted the Task.
    Rescinded,
    /// The Worker wraps the Task up, and still uses capacity.
    Wrapping,
    /// The Worker is done with the Task.
    Completed,
}

/// A Reservation, at one moment.
#[derive(Clone)]
pub struct Reservation {
    scope: Scope,
    reservation: Arc<state::Reservation>,
}

impl View for Reservation {
    type Object = state::Reservation;

    fn over(scope: Scope, reservation: Arc<state::Reservation>) -> Reservation {
        Reservation { scope, reservation }
    }
}

/// The offer of one Task to one Worker, and what became of it.
#[Object]
impl Reservation {
    /// Begins with `WR`.
    pub async fn id(&self) -> ID {
        self.reservation.id.into()
    }

    /// The Workspace that it belongs to.
    async fn workspace(&self) -> Workspace {
        self.scope.workspace()
    }

    /// Where it is in its life.
    async fn status(&self) -> ReservationStatus {
        self.reservation.status.into()
    }

    /// The Task, also where the viewer may not see it (any more).
    async fn task_id(&self) -> ID {
        self.reservation.task.into()
    }

    /// The Task. Null where the viewer may not see it: a Worker sees a Task only while this Reservation is open.
    async fn task(&self) -> Option<Task> {
        self.scope.task(self.reservation.task)
    }

    /// The Worker, also where the viewer may not see them.
    async fn worker_id(&self) -> ID {
        self.reservation.worker.into()
    }

    /// The Worker. Null where the viewer may not see them.
    async fn worker(&self) -> Option<Worker> {
        self.scope.worker(self.reservation.worker)
    }

    /// The TaskQueue that the Task waited in. Null where it was directed to the Worker, or the viewer may not see
    /// it.
    async fn task_queue(&self) -> Option<TaskQueue> {
        self.scope.task_queue(self.reservation.task_queue?)
    }

    /// The Workflow that routed the Task. Null where none did, or the viewer may not see it.
    async fn workflow(&self) -> Option<Workflow> {
        self.scope.workflow(self.reservation.workflow?)
    }

    /// The transfer that offered the Task to this Worker. Null where none did, or the viewer may not see the Task
    /// (any more).
    async fn transfer(&self) -> Option<TaskTransfer> {
        TaskTransfer::find(&self.scope, self.reservation.transfer?)
    }

    /// Which capacity of the Worker it uses while it is open.
    async fn task_channel(&self) -> TaskChannel {
        let channel = self.scope.task_channel(self.reservation.task_channel);
        channel.expect("Task Channels can be read for good, and all see them")
    }

    /// When the Task was offered.
    async fn created_at(&self) -> DateTime {
        self.reservation.created_at.into()
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        self.reservation.updated_at.into()
    }

    /// When the Worker accepted.
    async fn accepted_at(&self) -> Option<DateTime> {
        self.reservation.accepted_at.map(DateTime)
    }

    /// When the Worker began to wrap up.
    async fn wrap_up_at(&self) -> Option<DateTime> {
        self.reservation.wrap_up_at.map(DateTime)
    }

    /// When it ended, in whichever way.
    async fn ended_at(&self) -> Option<DateTime> {
        self.reservation.ended_at.map(DateTime)
    }

    /// How long the Worker had to answer, in seconds.
    async fn timeout_seconds(&self) -> u32 {
        self.reservation.timeout_seconds
    }

    /// When a pending Reservation times out, on the server's clock. Null once it is answered or over.
    async fn expires_at(&self) -> Option<DateTime> {
        let is_pending = self.reservation.status == state::ReservationStatus::Pending;
        is_pending.then(|| self.reservation.expires_at().into())
    }

    /// Why the Worker refused, where they said so. Null for a Worker's token.
    async fn rejected_reason(&self) -> Option<&str> {
        self.reason_of(state::ReservationStatus::Rejected)
    }

    /// Why the offer was withdrawn. Null for a Worker's token.
    async fn canceled_reason(&self) -> Option<&str> {
        self.reason_of(state::ReservationStatus::Canceled)
    }

    /// Counts the changes, from 1; for `expectedVersion`.
    async fn version(&self) -> u32 {
        self.reservation.version
    }
}

impl Reservation {
    fn reason_of(&self, status: state::ReservationStatus) -> Option<&str> {
        let reason = self.reservation.reason.as_deref().filter(|_| self.reservation.status == status);
        reason.filter(|_| self.scope.access().sight().includes_reasons())
    }
}

/// Which Reservations. All conditions that are given must hold.
#[derive(InputObject, Default)]
pub struct ReservationFilter {
    /// In one of these statuses. An empty list is the same as none.
    pub statuses: Option<Vec<ReservationStatus>>,
    /// Of this Worker.
    pub worker_id: Option<ID>,
    /// Of this Task.
    pub task_id: Option<ID>,
}

/// Whose Reservations.
#[derive(Clone, Copy)]
pub enum Of {
    /// All of the Workspace.
    Workspace,
    /// One Worker's.
    Worker(WorkerId),
    /// One Task's.
    Task(TaskId),
}

/// A list of Reservations, newest first.
pub struct Reservations {
    scope: Scope,
    of: Of,
    statuses: Vec<state::ReservationStatus>,
    worker: Option<WorkerId>,
    task: Option<TaskId>,
}

impl Reservations {
    /// The Reservations that the viewer sees and the filter lets through.
    pub fn of(scope: &Scope, of: Of, filter: Option<ReservationFilter>) -> Result<Reservations> {
        let ReservationFilter { statuses, worker_id, task_id } = filter.unwrap_or_default();
        let statuses = statuses.unwrap_or_default().into_iter().map(Into::into).collect();
        let worker: Option<WorkerId> = optional_id("filter.workerId", worker_id.as_ref())?;
        let task: Option<TaskId> = optional_id("filter.taskId", task_id.as_ref())?;
        // The fewest that the others must be among.
        let narrowed = match (of, task, worker.or(scope.own_worker())) {
            (Of::Workspace, Some(task), _) => Of::Task(task),
            (Of::Workspace, None, Some(worker)) => Of::Worker(worker),
            (of, _, _) => of,
        };
        Ok(Reservations { scope: scope.clone(), of: narrowed, statuses, worker, task })
    }

    fn candidates(&self) -> Box<dyn Iterator<Item = &Arc<state::Reservation>> + '_> {
        let state = self.scope.state();
        match self.of {
            Of::Workspace => Box::new(state.reservations.values()),
            Of::Worker(worker) => Box::new(state.reservations_of_worker(worker)),
            Of::Task(task) => Box::new(state.reservations_of_task(task)),
        }
    }

    fn admits(&self, reservation: &state::Reservation) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&reservation.status))
            && self.worker.is_none_or(|worker| worker == reservation.worker)
            && self.task.is_none_or(|task| task == reservation.task)
            && self.scope.sees(reservation)
    }
}

impl Listing for Reservations {
    type Item = Reservation;

    fn ordered_by(&self) -> OrderedBy {
        OrderedBy::Creation
    }

    fn is_descending(&self) -> bool {
        true
    }

    fn read(&self, stretch: &Stretch, end: End, limit: usize) -> Vec<(Place, Reservation)> {
        let shown = |(place, reservation): (Place, &Arc<state::Reservation>)| {
            Some((place, self.scope.see(reservation)?))
        };
        if let Of::Workspace = self.of {
            let all = self.scope.state().reservations.range(page::ids::<ReservationId>(stretch));
            let admitted = all.filter(|(_, reservation)| self.admits(reservation));
            return end.take(admitted.filter_map(|(id, each)| shown((Place::of_id(*id), each))), limit);
        }
        let admitted = self.candidates().filter(|reservation| self.admits(reservation));
        let placed = admitted.map(|reservation| (Place::of_id(reservation.id), reservation));
        let inside = placed.filter(|(place, _)| stretch.contains(place)).collect();
        end.select(inside, limit).into_iter().filter_map(shown).collect()
    }

    fn count(&self) -> usize {
        self.candidates().filter(|reservation| self.admits(reservation)).count()
    }
}
