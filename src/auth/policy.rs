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
//! Reservation ([`Basis::Lasting`]), or on facts that are part of a Task's version ([`Basis::TaskVersion`]):
//! then the command carries that version, the core refuses it if the Task has changed, and the question is
//! asked again.
//!
//! **Reads.** [`Visible`] says of each kind of object whether somebody sees it, and [`sees_event`] of the log.

use routing::command::{Command, TransferTask, UpdateTask};
use routing::eligibility::WorkerView;
use routing::event::{Event, Object};
use routing::ids::{Id, ReservationId, TaskId, TaskTransferId, WorkerId};
use routing::state::{Activity, Reservation, Skill, Task, TaskChannel, TaskQueue, Worker, Workflow};
use routing::time::Timestamp;
use routing::{Rejection, State};

use super::{Grant, Role};

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
        | Command::CreateSkill(_)
        | Command::UpdateSkill(_)
        | Command::DeleteSkill(_)
        | Command::DeleteActivity(_)
        | Command::CreateTaskChannel(_)
        | Command::UpdateTaskChannel(_)
        | Command::DeleteTaskChannel(_)
        | Command::CreateTaskQueue(_)
        | Command::UpdateTaskQueue(_)
        | Command::DeleteTaskQueue(_)
        | Command::CreateWorkflow(_)
        | Command::UpdateWorkflow(_)
        | Command::DeleteWorkflow(_) => configure(grant),

        Command::CreateWorker(_)
        // Attributes decide which work comes to a Worker, so they are not the Worker's own to write.
        | Command::UpdateWorker(_)
        | Command::UpdateWorkerChannel(_)
        | Command::AssignSkill(_)
        | Command::UnassignSkill(_)
        | Command::DeleteWorker(_)
        | Command::CreateTask(_)
        | Command::CancelTask(_)
        | Command::DeleteTask(_) => direct(grant),

        Command::SetWorkerActivity(command) => work(grant, |own| own_worker(own, command.id)),

        Command::UpdateTask(command) => work(grant, |own| {
            only_attributes(command)?;
            let basis = own_task(own, state, command.id, "updated by its Worker")?;
            not_ended(state, command.id, "updated by its Worker")?;
            Ok(basis)
        }),
        Command::WrapUpTask(command) => work(grant, |own| own_task(own, state, command.id, "wrapped up")),
        Command::CompleteTask(command) => work(grant, |own| own_task(own, state, command.id, "completed")),
        Command::TransferTask(command) => work(grant, |own| {
            only_own_fields(command)?;
            own_task(own, state, command.id, "transferred")
        }),
        Command::CancelTransfer(command) => work(grant, |own| own_transfer(own, state, command.id)),

        Command::AcceptReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::RejectReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::WrapUpReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
        Command::CompleteReservation(command) => work(grant, |own| own_reservation(own, state, command.id)),
    }
}

/// May the bearer of `grant` create Tasks? The same as [`permits`] says of the command, for a request that may
/// turn out to hold none.
pub fn may_create_tasks(grant: &Grant) -> Result<(), Refusal> {
    direct(grant).map(|_| ())
}

/// May somebody be told why a Task is routed as it is? That speaks of the other Workers, too.
pub fn may_see_routing(sight: Sight) -> Result<(), Refusal> {
    match sight {
        Sight::Everything => Ok(()),
        Sight::OwnWork(_) => Err(forbidden("a Worker does not see how Tasks are routed")),
    }
}

/// May the bearer of `grant` have tokens made?
pub fn may_sign(grant: &Grant) -> Result<(), Refusal> {
    match grant {
        Grant::Admin { .. } | Grant::Supervisor { .. } => Ok(()),
        Grant::Reporter { .. } | Grant::Worker { .. } => {
            Err(forbidden("only admins and supervisors make tokens"))
        }
    }
}

/// May the bearer of `grant` have a token made with the rights of `wanted`?
///
/// Nobody hands out more than they have: not another Workspace, and not a role above their own.
pub fn may_hand_out(grant: &Grant, wanted: &Grant) -> Result<(), Refusal> {
    may_sign(grant)?;
    if grant.workspace().is_some() && grant.workspace() != wanted.workspace() {
        return Err(forbidden("a token is made only for the maker's own Workspace"));
    }
    if wanted.role() == Role::Admin && grant.role() != Role::Admin {
        let message = "only an admin makes the token of an admin";
        return Err(Refusal::Forbidden { message, field: Some("role") });
    }
    Ok(())
}

/// May somebody with this `sight` follow the log: of one Worker, or (`None`) of all?
pub fn may_follow(sight: Sight, worker: Option<WorkerId>) -> Result<(), Refusal> {
    match (sight, worker) {
        (Sight::Everything, _) => Ok(()),
        (Sight::OwnWork(_), None) => Err(forbidden("a Worker follows only its own Reservations")),
        (Sight::OwnWork(own), Some(worker)) => own_worker(own, worker).map(|_| ()),
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

/// A transfer belongs for ever to the Worker who began it.
fn own_transfer(own: WorkerId, state: &State, id: TaskTransferId) -> Result<Basis, Refusal> {
    let transfer = state.transfer(id).filter(|(_, transfer)| transfer.initiator == own);
    transfer.map(|_| Basis::Lasting).ok_or_else(|| hidden(id, "transferId"))
}

/// Others may still write the attributes of a Task that has ended; it is not its Worker's any more.
fn not_ended(state: &State, id: TaskId, action: &'static str) -> Result<(), Refusal> {
    match state.tasks.get(&id).filter(|task| task.ended().is_some()) {
        Some(task) => Err(not_now(task, action)),
        None => Ok(()),
    }
}

/// Which Task goes first is not for its Worker to say.
fn only_own_fields(command: &TransferTask) -> Result<(), Refusal> {
    let TransferTask { id: _, expected_version: _, to: _, mode: _, attributes: _, priority } = command;
    match priority {
        None => Ok(()),
        Some(_) => Err(Refusal::Forbidden {
            message: "a Worker does not change the priority of a Task",
            field: Some("priority"),
        }),
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
    let present = task.owner().map(|assignment| assignment.reservation);
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
    let (kind, present, allowed) = (TaskId::KIND, task.status().name(), "ASSIGNED and WRAPPING Tasks");
    Refusal::NotNow(Rejection::InvalidState { kind, present, allowed, action })
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

    /// Does it include what people wrote about a Reservation? To its Worker belong status and times.
    #[must_use]
    pub fn includes_reasons(self) -> bool {
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

/// A Worker sees its own Skills.
impl Visible for Skill {
    fn is_visible(&self, sight: Sight, state: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => state.workers.get(&own).is_some_and(|worker| self.is_assigned_to(worker)),
        }
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
            reservation.task_queue == Some(self.id)
                || state.tasks.get(&reservation.task).is_some_and(|task| task.task_queue == Some(self.id))
        }) || state
            .workers
            .get(&own)
            .filter(|_| self.deleted_at.is_none())
            .is_some_and(|worker| WorkerView::of(state, worker).is_eligible_for(&self.target_workers, now))
    }
}

/// A Worker sees the Workflows of its Tasks: the one in which a Task was offered, and the one that it is in now.
impl Visible for Workflow {
    fn is_visible(&self, sight: Sight, state: &State, _: Timestamp) -> bool {
        match sight {
            Sight::Everything => true,
            Sight::OwnWork(own) => open_reservations(own, state).any(|reservation| {
                reservation.workflow == Some(self.id)
                    || state.tasks.get(&reservation.task).is_some_and(|task| task.workflow == Some(self.id))
            }),
        }
    }
}

/// Does the event exist for somebody with this `sight`? It does when what it is about is visible at the moment
/// of `state`. The other objects that it holds are to be asked one by one.
#[must_use]
pub fn sees_event(sight: Sight, event: &Event, state: &State, now: Timestamp) -> bool {
    if sight == Sight::Everything {
        return true;
    }
    match event {
        Event::ActivityCreated { .. }
        | Event::ActivityUpdated { .. }
        | Event::ActivityDeleted { .. }
        | Event::TaskChannelCreated { .. }
        | Event::TaskChannelUpdated { .. }
        | Event::TaskChannelDeleted { .. } => true,

        // One that was deleted is nobody's.
        Event::SkillCreated { skill } | Event::SkillUpdated { skill } | Event::SkillDeleted { skill } => {
            skill.is_visible(sight, state, now)
        }

        // The settings, and how the Workspace routes.
        Event::WorkspaceCreated { .. }
        | Event::WorkspaceUpdated { .. }
        | Event::TaskQueueCreated { .. }
        | Event::TaskQueueUpdated { .. }
        | Event::TaskQueueExpressionUpdated { .. }
        | Event::TaskQueueDeleted { .. }
        | Event::WorkflowCreated { .. }
        | Event::WorkflowUpdated { .. }
        | Event::WorkflowDeleted { .. } => false,

        Event::WorkerCreated { worker }
        | Event::WorkerUpdated { worker }
        | Event::WorkerAttributesUpdate { worker }
        | Event::WorkerActivityUpdate { worker, .. }
        | Event::WorkerCapacityUpdate { worker, .. }
        | Event::WorkerChannelAvailabilityUpdate { worker, .. }
        | Event::WorkerDeleted { worker } => worker.is_visible(sight, state, now),

        // As the Task is now: it is visible while the Worker has it, with all that happened to it before.
        Event::TaskCreated { task }
        | Event::TaskUpdated { task }
        | Event::TaskCanceled { task }
        | Event::TaskWrapup { task }
        | Event::TaskCompleted { task }
        | Event::TaskSystemDeleted { task }
        | Event::TaskTransferInitiated { task, .. }
        | Event::TaskTransferAttemptFailed { task, .. }
        | Event::TaskTransferFailed { task, .. }
        | Event::TaskTransferCanceled { task, .. }
        | Event::TaskTransferCompleted { task, .. }
        | Event::TaskDeleted { task }
        | Event::ReservationFailed { task }
        | Event::WorkflowEntered { task }
        | Event::WorkflowTargetMatched { task }
        | Event::WorkflowTimeout { task }
        | Event::WorkflowSkipped { task }
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
        Object::Skill(skill) | Object::DeletedSkill(skill) => skill.is_visible(sight, state, now),
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

#[cfg(test)]
mod tests {
    use super::*;
    use routing::command::*;
    use routing::event::Actor;
    use routing::ids::*;
    use routing::state::RoutingTarget;
    use routing::state::task_transfer::TransferMode;
    use routing::{Attributes, Limits, Router};

    const NOW: Timestamp = Timestamp(1_767_607_800_000);
    const TAG: WorkspaceTag = WorkspaceTag(7);

    /// Ann and Bo, each with one Task that they have accepted and one that is offered to them.
    struct World {
        router: Router,
        workspace: WorkspaceId,
        ann: Side,
        bo: Side,
    }

    struct Side {
        worker: WorkerId,
        queue: TaskQueueId,
        accepted: (TaskId, ReservationId),
        offered: (TaskId, ReservationId),
    }

    impl World {
        fn new() -> World {
            let workspace = WorkspaceId::minted(NOW, 1, TAG);
            let mut router = Router::found(workspace, "Test".to_owned(), Limits::default(), NOW);
            let ann = Side::new(&mut router, "ann", 100);
            let bo = Side::new(&mut router, "bo", 200);
            World { router, workspace, ann, bo }
        }

        fn state(&self) -> &State {
            self.router.state()
        }

        fn grants(&self) -> [Grant; 4] {
            let workspace = self.workspace;
            [
                Grant::Admin { workspace: None },
                Grant::Supervisor { workspace },
                Grant::Reporter { workspace },
                Grant::Worker { workspace, worker: self.ann.worker },
            ]
        }

        fn ann_is_permitted(&self, command: Command) -> Result<Basis, Refusal> {
            permits(
                &Grant::Worker { workspace: self.workspace, worker: self.ann.worker },
                &command,
                self.state(),
            )
        }
    }

    impl Side {
        fn new(router: &mut Router, name: &str, number: u64) -> Side {
            let attributes = Attributes::of(&serde_json::json!({ "name": name })).unwrap();
            let (worker, queue) = (WorkerId::minted(NOW, number, TAG), TaskQueueId::minted(NOW, number, TAG));
            let workflow = WorkflowId::minted(NOW, number, TAG);
            let channel = router.state().task_channel_named("default").unwrap().id;
            apply(
                router,
                Command::CreateTaskQueue(CreateTaskQueue {
                    id: queue,
                    name: name.to_owned(),
                    target_workers: Some(format!("name == \"{name}\"")),
                    max_reserved_workers: None,
                    task_order: None,
                    wrap_up_limit_seconds: None,
                }),
            );
            let document = serde_json::json!({ "task_routing": { "default_filter": { "queue": queue } } });
            apply(
                router,
                Command::CreateWorkflow(CreateWorkflow {
                    id: workflow,
                    name: name.to_owned(),
                    configuration: Attributes::of(&document).unwrap(),
                    task_reservation_timeout_seconds: None,
                }),
            );
            let activity = router.state().activity_named("Available").map(|activity| activity.id);
            apply(
                router,
                Command::CreateWorker(CreateWorker {
                    id: worker,
                    name: name.to_owned(),
                    attributes,
                    activity,
                }),
            );
            apply(
                router,
                Command::UpdateWorkerChannel(UpdateWorkerChannel {
                    worker,
                    task_channel: channel,
                    expected_version: None,
                    configured_capacity: Some(2),
                    available: None,
                }),
            );
            let mut offer = |number| {
                let id = TaskId::minted(NOW, number, TAG);
                apply(
                    router,
                    Command::CreateTask(CreateTask {
                        id,
                        workflow: Some(workflow),
                        routing_target: None,
                        ignore_capacity: None,
                        task_channel: TaskChannelRef::Id(channel),
                        attributes: Attributes::empty(),
                        priority: None,
                        timeout_seconds: None,
                        virtual_start_time: None,
                    }),
                );
                (id, router.state().reservations_of_task(id).next().expect("an offer").id)
            };
            let (accepted, offered) = (offer(number), offer(number + 1));
            let accept = AcceptReservation { id: accepted.1, expected_version: None };
            apply(router, Command::AcceptReservation(accept));
            Side { worker, queue, accepted, offered }
        }
    }

    fn apply(router: &mut Router, command: Command) {
        router.apply(command, Actor::System).expect("the command is right");
    }

    fn update_task(id: TaskId, priority: Option<u32>) -> Command {
        Command::UpdateTask(UpdateTask {
            id,
            expected_version: None,
            attributes: None,
            priority,
            task_channel: None,
            virtual_start_time: None,
        })
    }

    fn complete_task(id: TaskId) -> Command {
        Command::CompleteTask(CompleteTask { id, expected_version: None, reason: None, attributes: None })
    }

    fn transfer_task(id: TaskId, to: WorkerId, priority: Option<u32>) -> Command {
        let (to, mode) = (RoutingTarget::Worker(to), TransferMode::Warm);
        Command::TransferTask(TransferTask {
            id,
            expected_version: None,
            to,
            mode,
            attributes: None,
            priority,
        })
    }

    fn is_forbidden<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> bool {
        matches!(answer, Err(Refusal::Forbidden { .. }))
    }

    fn is_hidden<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> bool {
        matches!(answer, Err(Refusal::Hidden { .. }))
    }

    #[test]
    fn each_role_may_do_what_the_table_says() {
        let world = World::new();
        let Side { worker, accepted: (task, reservation), .. } = world.ann;
        let expected_version = None;
        let configuration = [
            Command::UpdateWorkspace(UpdateWorkspace::default()),
            Command::UpdateActivity(UpdateActivity {
                id: world.state().workspace.default_activity,
                expected_version,
                name: None,
            }),
            Command::DeleteSkill(DeleteSkill { id: SkillId::minted(NOW, 1, TAG), expected_version }),
            Command::CreateTaskChannel(CreateTaskChannel {
                id: TaskChannelId::minted(NOW, 999, TAG),
                name: "Mail".to_owned(),
                unique_name: "mail".to_owned(),
                channel_optimized_routing: false,
            }),
            Command::DeleteTaskQueue(DeleteTaskQueue { id: world.ann.queue, expected_version }),
        ];
        let direction = [
            Command::AssignSkill(AssignSkill {
                worker,
                skill: SkillId::minted(NOW, 1, TAG),
                expected_version,
                level: None,
            }),
            Command::DeleteWorker(DeleteWorker { id: worker, expected_version, force: true }),
            Command::DeleteTask(DeleteTask { id: task, expected_version }),
            Command::UpdateWorker(UpdateWorker {
                id: worker,
                expected_version,
                name: None,
                attributes: None,
            }),
            Command::CancelTask(CancelTask {
                id: task,
                expected_version,
                reason: "because".to_owned(),
                attributes: None,
            }),
        ];
        let work = [
            Command::SetWorkerActivity(SetWorkerActivity {
                id: worker,
                expected_version,
                activity: world.state().workspace.default_activity,
                reject_pending_reservations: false,
            }),
            update_task(task, None),
            complete_task(task),
            transfer_task(task, worker, None),
            Command::CompleteReservation(CompleteReservation { id: reservation, expected_version }),
        ];
        for (commands, expected) in [
            (&configuration[..], [true, false, false, false]),
            (&direction[..], [true, true, false, false]),
            (&work[..], [true, true, false, true]),
        ] {
            for command in commands {
                for (grant, expected) in world.grants().iter().zip(expected) {
                    let answer = permits(grant, command, world.state());
                    assert_eq!(answer.is_ok(), expected, "{grant:?}: {command:?}");
                    assert!(expected || is_forbidden(answer), "{grant:?}: {command:?}");
                }
            }
        }
    }

    #[test]
    fn to_a_worker_what_is_anothers_does_not_exist() {
        let world = World::new();
        let (task, reservation) = world.bo.accepted;
        let accept = AcceptReservation { id: world.bo.offered.1, expected_version: None };
        assert!(is_hidden(world.ann_is_permitted(Command::AcceptReservation(accept))));
        let complete = CompleteReservation { id: reservation, expected_version: None };
        assert!(is_hidden(world.ann_is_permitted(Command::CompleteReservation(complete))));
        assert!(is_hidden(world.ann_is_permitted(complete_task(task))));
        let nothing = TaskId::minted(NOW, 999, TAG);
        assert!(is_hidden(world.ann_is_permitted(complete_task(nothing))));
    }

    #[test]
    fn a_worker_hands_on_what_it_has_and_calls_off_what_it_began() {
        let mut world = World::new();
        let (ann, bo) = ((world.ann.worker, world.ann.accepted.0), (world.bo.worker, world.bo.accepted.0));
        assert!(world.ann_is_permitted(transfer_task(ann.1, bo.0, None)).is_ok());
        assert!(is_forbidden(world.ann_is_permitted(transfer_task(ann.1, bo.0, Some(1)))));
        assert!(is_hidden(world.ann_is_permitted(transfer_task(bo.1, ann.0, None))));

        for task in [ann.1, bo.1] {
            let queue = RoutingTarget::TaskQueue(world.bo.queue);
            apply(
                &mut world.router,
                Command::TransferTask(TransferTask {
                    id: task,
                    expected_version: None,
                    to: queue,
                    mode: TransferMode::Warm,
                    attributes: None,
                    priority: None,
                }),
            );
        }
        let begun = |task: TaskId| world.state().tasks[&task].transfers[0].id;
        let cancel = |task| Command::CancelTransfer(CancelTransfer { id: begun(task), reason: None });
        assert_eq!(world.ann_is_permitted(cancel(ann.1)), Ok(Basis::Lasting));
        assert!(is_hidden(world.ann_is_permitted(cancel(bo.1))));
        // While she transfers it, the Task is still hers.
        assert!(world.ann_is_permitted(update_task(ann.1, None)).is_ok());
    }

    #[test]
    fn a_worker_acts_on_a_task_only_once_it_has_accepted_it_and_writes_no_more_than_attributes() {
        let mut world = World::new();
        let (task, _) = world.ann.accepted;
        let version = world.state().tasks[&task].version;
        assert_eq!(world.ann_is_permitted(update_task(task, None)), Ok(Basis::TaskVersion(version)));
        assert!(is_forbidden(world.ann_is_permitted(update_task(task, Some(1)))));
        let offered = world.ann_is_permitted(complete_task(world.ann.offered.0));
        assert!(matches!(offered, Err(Refusal::NotNow(Rejection::InvalidState { present: "RESERVED", .. }))));

        // Having completed it, the Worker can ask again and is not told that there is no such Task.
        apply(&mut world.router, complete_task(task));
        assert!(world.ann_is_permitted(complete_task(task)).is_ok());
        let update = world.ann_is_permitted(update_task(task, None));
        assert!(matches!(update, Err(Refusal::NotNow(Rejection::InvalidState { present: "COMPLETED", .. }))));
    }

    #[test]
    fn nobody_hands_out_more_than_they_have() {
        let (here, there) = (WorkspaceId::minted(NOW, 1, TAG), WorkspaceId::minted(NOW, 2, WorkspaceTag(8)));
        let all = Grant::Admin { workspace: None };
        let admin = |workspace| Grant::Admin { workspace: Some(workspace) };
        let supervisor = |workspace| Grant::Supervisor { workspace };
        let reporter = |workspace| Grant::Reporter { workspace };
        for (grant, wanted, expected) in [
            (all, admin(here), true),
            (admin(here), admin(here), true),
            (admin(here), all, false),
            (admin(here), reporter(there), false),
            (supervisor(here), supervisor(here), true),
            (supervisor(here), admin(here), false),
            (supervisor(here), reporter(there), false),
            (reporter(here), reporter(here), false),
        ] {
            assert_eq!(may_hand_out(&grant, &wanted).is_ok(), expected, "{grant:?} hands out {wanted:?}");
        }
    }

    #[test]
    fn a_worker_sees_its_own_work_and_no_more() {
        let mut world = World::new();
        let seen = |world: &World, object: &dyn Fn(&State) -> bool| object(world.state());
        let ann = Sight::OwnWork(world.ann.worker);
        let sees_task =
            |world: &World, id: TaskId| seen(world, &|state| state.tasks[&id].is_visible(ann, state, NOW));
        let sees_reservation = |world: &World, id: ReservationId| {
            seen(world, &|state| state.reservations[&id].is_visible(ann, state, NOW))
        };
        let sees_queue = |world: &World, id: TaskQueueId| {
            seen(world, &|state| state.task_queues[&id].is_visible(ann, state, NOW))
        };

        assert!(sees_task(&world, world.ann.offered.0) && sees_task(&world, world.ann.accepted.0));
        assert!(!sees_task(&world, world.bo.offered.0) && !sees_task(&world, world.bo.accepted.0));
        assert!(!sees_reservation(&world, world.bo.accepted.1));
        assert!(sees_queue(&world, world.ann.queue) && !sees_queue(&world, world.bo.queue));

        let (task, reservation) = world.ann.accepted;
        apply(&mut world.router, complete_task(task));
        assert!(!sees_task(&world, task), "a Task is seen only while the Worker has it");
        assert!(sees_reservation(&world, reservation), "a Reservation is seen for good");
    }

    #[test]
    fn a_worker_sees_of_the_log_what_its_own_work_is_about() {
        let mut world = World::new();
        let sight = Sight::OwnWork(world.ann.worker);
        let events = world.router.take_events();
        let seen = |event: &Event| sees_event(sight, event, world.state(), NOW);
        let about = |id: &dyn std::fmt::Display| {
            let id = id.to_string();
            move |event: &Event| serde_json::to_string(event).unwrap().contains(&id)
        };
        let (of_ann, of_bo) = (about(&world.ann.worker), about(&world.bo.worker));
        assert!(events.iter().any(|recorded| seen(&recorded.event) && of_ann(&recorded.event)));
        assert!(!events.iter().any(|recorded| seen(&recorded.event) && of_bo(&recorded.event)));
        let is_everything = |event: &Event| sees_event(Sight::Everything, event, world.state(), NOW);
        assert!(events.iter().all(|recorded| is_everything(&recorded.event)));
    }
}
