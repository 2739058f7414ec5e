//! Who may do what, and who may see what. Every right of a token is decided in this file.
//!
//! **Commands.** [`permits`] is one match over [`Command`] without `_`: a new command does not compile until
//! somebody has decided who may run it.
//!
//! |            | configuration | Workers, Tasks, Reservations | own Activity, Reservations, Tasks |
//! |------------|---------------|------------------------------|-----------------------------------|
//! | admin      | yes           | yes                          | –                                 |
//! | supervisor | no            | yes                          | –                                 |
//! | reporter   | no            | no                           | –                                 |
//! | worker     | no            | no                           | yes                               |
//!
//! The question is asked before the command reaches the Workspace, of a state that may be outdated when the
//! command arrives there. So a permission rests either on facts that never change, such as the Worker of a
//! Reservation ([`Basis::Lasting`]), or on facts that are part of a Task's version ([`Basis::TaskVersion`]): then
//! the command carries that version, the core refuses it if the Task has changed, and the question is asked again.
//!
//! **Reads.** [`Visible`] says of each kind of object whether somebody sees it, and [`sees_event`] of the log.

use routing::command::{Command, UpdateTask};
use routing::event::{Event, Object};
use routing::ids::{Id, ReservationId, TaskId, WorkerId};
use routing::state::{Activity, Reservation, Task, TaskChannel, TaskQueue, TaskStatus, Worker, Workflow};
use routing::time::Timestamp;
use routing::{Rejection, State};

use super::{Grant, Role};
use crate::eligibility::Candidate;

/// What a permission rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Basis {
    /// Facts that never change: it holds whenever the command arrives.
    Lasting,
    /// Facts about the command's Task that hold as long as it has this version.
    TaskVersion(u32),
}

/// Why somebody may not.
#[derive(Clone, PartialEq, Debug)]
pub enum Refusal {
    /// The role may never do this, whatever the object.
    Forbidden {
        /// What is missing, as a sentence for people.
        message: &'static str,
        /// The input field that goes too far, if it is not the command as a whole.
        field: Option<&'static str>,
    },
    /// The object is none of the caller's business: for this caller, it does not exist.
    Hidden {
        /// `Worker`, `Task`, …
        kind: &'static str,
        /// The id, as the caller gave it.
        id: String,
        /// The input field that names it.
        field: &'static str,
    },
    /// The object is the caller's business, but not in its present status.
    NotNow(Rejection),
}

/// May the bearer of `grant` have `command` carried out, as far as can be seen from `state`?
pub fn permits(grant: &Grant, command: &Command, state: &State) -> Result<Basis, Refusal> {
    match command {
        Command::UpdateWorkspace(_)
        | Command::CreateActivity(_)
        | Command::UpdateActivity(_)
        | Command::CreateTaskQueue(_)
        | Command::UpdateTaskQueue(_)
        | Command::CreateWorkflow(_)
        | Command::UpdateWorkflow(_) => configure(grant),

        Command::CreateWorker(_)
        // Attributes decide which work comes to a Worker, so they are not the Worker's own to write.
        | Command::UpdateWorker(_)
        | Command::UpdateWorkerChannel(_)
        | Command::CreateTask(_)
        | Command::CancelTask(_) => direct(grant),

        Command::SetWorkerActivity(command) => work(grant, |own| own_worker(own, command.id)),

        Command::UpdateTask(command) => work(grant, |own| {
            only_attributes(command)?;
            let basis = own_task(own, state, command.id, "updated by its Worker")?;
            not_ended(state, command.id, "updated by its Worker")?;
            Ok(basis)
        }),
        Command::WrapUpTask(command) => work(grant, |own| own_task(own, state, command.id, "wrapped up")),
        Command::CompleteTask(command) => work(grant, |own| own_task(own, state, command.id, "completed")),

        Command::AcceptReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::RejectReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::WrapUpReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::CompleteReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
    }
}

/// May the bearer of `grant` have a token made with the rights of `wanted`?
///
/// Nobody hands out more than they have: not another Workspace, and not a role above their own.
pub fn may_sign(grant: &Grant, wanted: &Grant) -> Result<(), Refusal> {
    let is_inside = grant.workspace().is_none() || grant.workspace() == wanted.workspace();
    let is_below = match (grant.role(), wanted.role()) {
        (Role::Admin, _) => true,
        (Role::Supervisor, role) => role != Role::Admin,
        (Role::Reporter | Role::Worker, _) => {
            return Err(forbidden("only admins and supervisors make tokens"));
        }
    };
    match (is_inside, is_below) {
        (true, true) => Ok(()),
        (false, _) => Err(forbidden("a token is made only for the maker's own Workspace")),
        (true, false) => Err(Refusal::Forbidden {
            message: "only an admin makes the token of an admin",
            field: Some("role"),
        }),
    }
}

/// Setting a Workspace up.
fn configure(grant: &Grant) -> Result<Basis, Refusal> {
    match grant {
        Grant::Admin { .. } => Ok(Basis::Lasting),
        Grant::Supervisor { .. } | Grant::Reporter { .. } | Grant::Worker { .. } => {
            Err(forbidden("only an admin changes the configuration"))
        }
    }
}

/// Directing the work of others.
fn direct(grant: &Grant) -> Result<Basis, Refusal> {
    match grant {
        Grant::Admin { .. } | Grant::Supervisor { .. } => Ok(Basis::Lasting),
        Grant::Reporter { .. } | Grant::Worker { .. } => {
            Err(forbidden("only an admin or a supervisor does this"))
        }
    }
}

/// Working. Who directs may do it in the Worker's place; a Worker may where `own` says so.
fn work(grant: &Grant, own: impl FnOnce(WorkerId) -> Result<Basis, Refusal>) -> Result<Basis, Refusal> {
    match grant {
        Grant::Admin { .. } | Grant::Supervisor { .. } => Ok(Basis::Lasting),
        Grant::Reporter { .. } => Err(forbidden("a reporter only reads")),
        Grant::Worker { worker, .. } => own(*worker),
    }
}

fn own_worker(own: WorkerId, id: WorkerId) -> Result<Basis, Refusal> {
    if id == own { Ok(Basis::Lasting) } else { Err(hidden(id, "workerId")) }
}

/// A Reservation keeps its Worker for ever.
fn own_reservation(own: WorkerId, state: &State, id: ReservationId) -> Result<Basis, Refusal> {
    let reservation = state.reservations.get(&id).filter(|reservation| reservation.worker == own);
    reservation.map(|_| Basis::Lasting).ok_or_else(|| hidden(id, "reservationId"))
}

/// A Task belongs to the Worker who accepted it. Who that is may change with the Task's version only.
///
/// It still does when the Task has ended: so that a Worker whose answer was lost can ask again, and hears how
/// things stand.
fn own_task(own: WorkerId, state: &State, id: TaskId, action: &'static str) -> Result<Basis, Refusal> {
    let Some(task) = state.tasks.get(&id) else { return Err(hidden(id, "taskId")) };
    let owner = owner(state, task);
    if owner == Some(own) {
        return Ok(Basis::TaskVersion(task.version));
    }
    if owner.is_none() && has_open_reservation(own, state, task) {
        // It is offered to the Worker, who would have to accept it first.
        return Err(not_now(task, action));
    }
    Err(hidden(id, "taskId"))
}

/// Others may still write the attributes of a Task that has ended; it is not its Worker's any more.
fn not_ended(state: &State, id: TaskId, action: &'static str) -> Result<(), Refusal> {
    match state.tasks.get(&id).filter(|task| task.ended().is_some()) {
        Some(task) => Err(not_now(task, action)),
        None => Ok(()),
    }
}

fn only_attributes(command: &UpdateTask) -> Result<(), Refusal> {
    let UpdateTask { id: _, expected_version: _, attributes: _, priority, task_channel, virtual_start_time } =
        command;
    let fields = [
        (priority.is_some(), "priority"),
        (task_channel.is_some(), "taskChannelId"),
        (virtual_start_time.is_some(), "virtualStartTime"),
    ];
    match fields.into_iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, field)) => Err(Refusal::Forbidden {
            message: "a Worker changes only the attributes of a Task",
            field: Some(field),
        }),
    }
}

/// Who has the Task, or had it at its end.
fn owner(state: &State, task: &Task) -> Option<WorkerId> {
    let present = task.assignment().map(|assignment| assignment.reservation);
    let last = task.ended().and_then(|ended| ended.reservation);
    state.reservations.get(&present.or(last)?).map(|reservation| reservation.worker)
}

fn forbidden(message: &'static str) -> Refusal {
    Refusal::Forbidden { message, field: None }
}

fn hidden<I: Id>(id: I, field: &'static str) -> Refusal {
    Refusal::Hidden { kind: I::KIND, id: id.to_string(), field }
}

fn not_now(task: &Task, action: &'static str) -> Refusal {
    let (kind, present, allowed) = (TaskId::KIND, status_name(task.status()), "ASSIGNED and WRAPPING Tasks");
    Refusal::NotNow(Rejection::InvalidState { kind, present, allowed, action })
}

fn status_name(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Pending => "PENDING",
        TaskStatus::Reserved => "RESERVED",
        TaskStatus::Assigned => "ASSIGNED",
        TaskStatus::Wrapping => "WRAPPING",
        TaskStatus::Completed => "COMPLETED",
        TaskStatus::Canceled => "CANCELED",
    }
}

/// How much of a Workspace somebody sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    /// All of it.
    Everything,
    /// What concerns one Worker: the Worker, the Tasks that are offered to it or in its hands, its own
    /// Reservations for good, and of their TaskQueues and Workflows no more than the names.
    OwnWork(WorkerId),
}

impl Sight {
    /// How much the bearer of `grant` sees.
    #[must_use]
    pub fn of(grant: &Grant) -> Sight {
        match *grant {
            Grant::Admin { .. } | Grant::Supervisor { .. } | Grant::Reporter { .. } => Sight::Everything,
            Grant::Worker { worker, .. } => Sight::OwnWork(worker),
        }
    }

    /// Does it include how the Workspace routes: the settings, the expressions, the routing documents?
    #[must_use]
    pub fn includes_configuration(self) -> bool {
        self == Sight::Everything
    }
}

/// An object that some see and others do not. What somebody does not see does not exist for them.
pub trait Visible {
    /// Does it exist for somebody with this `sight`, at the moment of `state` and the time `now`?
    fn is_visible(&self, sight: Sight, state: &State, now: Timestamp) -> bool;
}

impl Visible for Activity {
    fn is_visible(&self, _: Sight, _: &State, _: Timestamp) -> bool {
        true
    }
}

impl Visible for TaskChannel {
    fn is_visible(&self, _: Sight, _: &State, _: Timestamp) -> bool {
        true
    }
}

impl Visible for Worker {
    fn is_visible(&self, sight: Sight, _: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => self.id == own,
        }
    }
}

impl Visible for Reservation {
    fn is_visible(&self, sight: Sight, _: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => self.worker == own,
        }
    }
}

impl Visible for Task {
    fn is_visible(&self, sight: Sight, state: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => has_open_reservation(own, state, self),
        }
    }
}

/// A Worker sees the TaskQueues that it is eligible for, and those that its Tasks come from.
impl Visible for TaskQueue {
    fn is_visible(&self, sight: Sight, state: &State, now: Timestamp) -> bool {
        let own = match sight {
            Sight::Everything => return true,
            Sight::OwnWork(own) => own,
        };
        open_reservations(own, state).any(|reservation| {
            reservation.task_queue == self.id
                || state.tasks.get(&reservation.task).is_some_and(|task| task.task_queue == Some(self.id))
        }) || state
            .workers
            .get(&own)
            .is_some_and(|worker| Candidate::of(state, worker).is_eligible_for(self, now))
    }
}

/// A Worker sees the Workflows of its Tasks.
impl Visible for Workflow {
    fn is_visible(&self, sight: Sight, state: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => {
                open_reservations(own, state).any(|reservation| reservation.workflow == self.id)
            }
        }
    }
}

/// Does the event exist for somebody with this `sight`? It does when what it is about is visible at the moment of
/// `state`. The other objects that it holds are to be asked one by one.
#[must_use]
pub fn sees_event(sight: Sight, event: &Event, state: &State, now: Timestamp) -> bool {
    if sight == Sight::Everything {
        return true;
    }
    match event {
        Event::ActivityCreated { .. } | Event::ActivityUpdated { .. } | Event::TaskChannelCreated { .. } => {
            true
        }

        // The settings, and how the Workspace routes.
        Event::WorkspaceCreated { .. }
        | Event::WorkspaceUpdated { .. }
        | Event::TaskQueueCreated { .. }
        | Event::TaskQueueUpdated { .. }
        | Event::TaskQueueExpressionUpdated { .. }
        | Event::WorkflowCreated { .. }
        | Event::WorkflowUpdated { .. } => false,

        Event::WorkerCreated { worker }
        | Event::WorkerUpdated { worker }
        | Event::WorkerAttributesUpdate { worker }
        | Event::WorkerActivityUpdate { worker, .. }
        | Event::WorkerCapacityUpdate { worker, .. }
        | Event::WorkerChannelAvailabilityUpdate { worker, .. } => worker.is_visible(sight, state, now),

        // As the Task is now: it is visible while the Worker has it, with all that happened to it before.
        Event::TaskCreated { task }
        | Event::TaskUpdated { task }
        | Event::TaskCanceled { task }
        | Event::TaskWrapup { task }
        | Event::TaskCompleted { task }
        | Event::WorkflowEntered { task }
        | Event::WorkflowTargetMatched { task }
        | Event::WorkflowTimeout { task }
        | Event::TaskQueueEntered { task }
        | Event::TaskQueueTimeout { task }
        | Event::TaskQueueMoved { task, .. } => {
            state.tasks.get(&task.id).is_some_and(|task| task.is_visible(sight, state, now))
        }
        Event::TaskPurged { .. } => false, // It ended before.

        Event::ReservationCreated { reservation, .. }
        | Event::ReservationAccepted { reservation, .. }
        | Event::ReservationRejected { reservation, .. }
        | Event::ReservationTimeout { reservation, .. }
        | Event::ReservationCanceled { reservation, .. }
        | Event::ReservationRescinded { reservation, .. }
        | Event::ReservationWrapup { reservation, .. }
        | Event::ReservationCompleted { reservation, .. } => reservation.is_visible(sight, state, now),
    }
}

/// Does an object of an event exist for somebody with this `sight`, as it is at the moment of `state`?
#[must_use]
pub fn sees_object(sight: Sight, object: &Object, state: &State, now: Timestamp) -> bool {
    match object {
        Object::Workspace(_) | Object::PurgedTask(_) => sight.includes_configuration(),
        // Their names can be seen through other objects; as objects of an event they come with everything.
        Object::TaskQueue(_) | Object::Workflow(_) => sight.includes_configuration(),
        Object::Activity(activity) => activity.is_visible(sight, state, now),
        Object::TaskChannel(channel) => channel.is_visible(sight, state, now),
        Object::Worker(worker) => worker.is_visible(sight, state, now),
        Object::Reservation(reservation) => reservation.is_visible(sight, state, now),
        Object::Task(task) => match sight {
            Sight::Everything => true,
            Sight::OwnWork(_) => {
                state.tasks.get(&task.id).is_some_and(|task| task.is_visible(sight, state, now))
            }
        },
    }
}

fn has_open_reservation(own: WorkerId, state: &State, task: &Task) -> bool {
    task.open_reservations
        .iter()
        .any(|id| state.reservations.get(id).is_some_and(|reservation| reservation.worker == own))
}

fn open_reservations(own: WorkerId, state: &State) -> impl Iterator<Item = &Reservation> {
    let reservations = state.reservations_of_worker(own).map(|reservation| &**reservation);
    reservations.filter(|reservation| reservation.status.is_open())
}
