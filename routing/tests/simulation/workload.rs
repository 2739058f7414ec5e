//! A seeded workload: what programs, supervisors and agents might do with a Workspace, in a random order, right and
//! wrong, and how time moves on meanwhile.
//!
//! The same seed gives the same steps for the same states, so a run is repeated from its seed alone. Each seed draws
//! which features are in play and how large everything is ("swarm testing"): a run in which nobody ever accepts, or
//! in which all TaskQueues are LIFO, reaches states that an even mixture would hardly ever reach.
//!
//! This file knows the crate `routing` and nothing else, because other test binaries include it by its path:
//!
//! ```text
//! #[path = "../routing/tests/simulation/workload.rs"]
//! #[allow(dead_code)]
//! mod workload;
//! ```
//!
//! A run is [`Workload::new`], a router loaded with [`Workload::founding_state`] and [`Workload::limits`], and then
//! [`Workload::next`] until there were [`Workload::n_commands`] commands.

use std::collections::VecDeque;
use std::sync::Arc;

use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::state::task_transfer::TransferMode;
use routing::state::{
    Reservation, ReservationStatus, RoutingTarget, Task, TaskChannel, TaskOrder, TaskStatus, TaskTransfer,
};
use routing::time::Timestamp;
use routing::{Attributes, Command, Limits, Router, State};
use serde_json::{Value, json};

/// When all runs begin: 2026-01-05T10:10:00Z.
const START: Timestamp = Timestamp(1_767_607_800_000);

/// The next thing to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    /// Apply this, at the present time.
    Command(Box<Command>, Actor),
    /// Move time to here. Now and then it lies before the present, as a clock that was set back would have it.
    Time(Timestamp),
}

/// A generator of steps.
pub struct Workload {
    random: Random,
    features: Features,
    limits: Limits,
    tag: WorkspaceTag,
    now: Timestamp,
    n_minted: u64,
    founding_state: State,
    set_up: VecDeque<Command>,
}

/// What a seed draws once: which features are in play, and the sizes.
struct Features {
    /// How many commands make a run of this seed.
    n_commands: usize,
    n_workers: usize,
    /// So many Workers there are from the beginning: more than a walk around the circle looks at.
    n_workers_of_crowd: usize,
    n_queues: usize,
    /// So many TaskQueues there are from the beginning: more than are looked at in one go.
    n_queues_of_maze: usize,
    n_workflows: usize,
    n_activities: usize,
    /// With so many Tasks that have not ended, no more are created.
    n_tasks: usize,
    channels: Vec<&'static str>,
    /// Channels with a circle of their own.
    optimized_channels: Vec<&'static str>,
    queue_expressions: Vec<&'static str>,
    target_expressions: Vec<&'static str>,
    filter_expressions: Vec<&'static str>,
    skip_expressions: Vec<&'static str>,
    orders: Vec<&'static str>,
    capacity_max: u32,
    reservation_timeouts: Vec<u32>,
    step_timeouts: Vec<u32>,
    times_to_live: Vec<Option<u32>>,
    reoffer_delays: Vec<u32>,
    /// In seconds and in hours; `None` is none.
    wrap_up_limits: Vec<Option<u32>>,
    assigned_limits: Vec<Option<u32>>,
    priorities: Vec<u32>,
    /// In percent, as all that follows: a TaskQueue is LIFO, offers to several Workers, …
    lifo: u64,
    multi_reservation: u64,
    known_worker: u64,
    skip_if: u64,
    order_by: u64,
    steps_with_timeout: u64,
    default_filter: u64,
    /// A Task is directed to a Worker, a TaskQueue or a Workflow.
    directed: u64,
    available_workers: u64,
    /// Where most Workers are away, somebody changes that.
    shift_begins: u64,
    invalid: u64,
    time: u64,
    /// How often each of [`ACTIONS`] is taken, relative to the others.
    weights: Vec<u64>,
}

/// What may be done, each with its usual weight.
const ACTIONS: [(Action, u64); 35] = [
    (Action::UpdateWorkspace, 1),
    (Action::CreateActivity, 1),
    (Action::UpdateActivity, 2),
    (Action::CreateTaskChannel, 1),
    (Action::UpdateTaskChannel, 2),
    (Action::CreateTaskQueue, 1),
    (Action::UpdateTaskQueue, 3),
    (Action::CreateWorkflow, 1),
    (Action::UpdateWorkflow, 3),
    (Action::CreateWorker, 2),
    (Action::UpdateWorker, 5),
    (Action::SetWorkerActivity, 12),
    (Action::UpdateWorkerChannel, 8),
    (Action::CreateTask, 40),
    (Action::UpdateTask, 12),
    (Action::CancelTask, 4),
    (Action::WrapUpTask, 4),
    (Action::CompleteTask, 8),
    (Action::TransferTask, 20),
    (Action::CancelTransfer, 2),
    (Action::AcceptReservation, 20),
    (Action::RejectReservation, 12),
    (Action::WrapUpReservation, 6),
    (Action::CompleteReservation, 12),
    (Action::CreateSkill, 3),
    (Action::UpdateSkill, 2),
    (Action::DeleteSkill, 2),
    (Action::AssignSkill, 8),
    (Action::UnassignSkill, 3),
    (Action::DeleteActivity, 1),
    (Action::DeleteTaskChannel, 1),
    (Action::DeleteTaskQueue, 2),
    (Action::DeleteWorkflow, 1),
    (Action::DeleteWorker, 3),
    (Action::DeleteTask, 3),
];

#[derive(Clone, Copy, PartialEq, Debug)]
enum Action {
    UpdateWorkspace,
    CreateActivity,
    UpdateActivity,
    CreateTaskChannel,
    UpdateTaskChannel,
    CreateTaskQueue,
    UpdateTaskQueue,
    CreateWorkflow,
    UpdateWorkflow,
    CreateWorker,
    UpdateWorker,
    SetWorkerActivity,
    UpdateWorkerChannel,
    CreateTask,
    UpdateTask,
    CancelTask,
    WrapUpTask,
    CompleteTask,
    TransferTask,
    CancelTransfer,
    AcceptReservation,
    RejectReservation,
    WrapUpReservation,
    CompleteReservation,
    CreateSkill,
    UpdateSkill,
    DeleteSkill,
    AssignSkill,
    UnassignSkill,
    DeleteActivity,
    DeleteTaskChannel,
    DeleteTaskQueue,
    DeleteWorkflow,
    DeleteWorker,
    DeleteTask,
}

const CHANNELS: [&str; 5] = ["default", "voice", "chat", "sms", "video"];

/// What Task Channels are called that are created on the way. Some expressions name them before they are there.
const NEW_CHANNELS: [&str; 4] = ["mail", "fax", "Chat", "post_card"];

/// Names are drawn from few, so that they collide and so that expressions hit them.
const ACTIVITY_NAMES: [&str; 6] = ["Front desk", "Back office", "Home", "Lunch", "Training", "front DESK"];

/// Those of Skills, too. One of them cannot have levels.
const SKILL_NAMES: [&str; 5] = ["Spanish", "SPANISH", "billing", "x2", "first aid"];

const QUEUE_EXPRESSIONS: [&str; 15] = [
    "1==1",
    "",
    "skills HAS 'a'",
    "skills HAS 'b' AND level < 4",
    "level >= 2",
    "level >= 1 OR vip == true",
    "language == 'en'",
    "language IN ['de', 'es']",
    "friendly_name != 'Worker 1'",
    "activity_name == 'Front desk'",
    "activity_name != 'Available' AND activity_name != 'Home'",
    "worker.odd == null",
    "routing.skills HAS 'Spanish'",
    "worker.routing.skills HAS 'first aid' OR vip == true",
    "routing.levels.x2 > 1",
];

const TARGET_EXPRESSIONS: [&str; 25] = [
    "1==1",
    "1==0",
    "worker.skills HAS task.skill",
    "worker.level >= task.level",
    "worker.level > 1 AND worker.vip != true",
    "task.language == null OR worker.language == task.language",
    "worker.activity_name == 'Front desk' OR worker.activity_name == 'Available'",
    "worker.channel.voice.available_capacity_percentage > 50",
    "worker.channel.default.available_capacity_percentage < 100",
    "worker.channel.default.assigned_tasks == 0",
    "worker.channel.chat.configured_capacity >= 2",
    "worker.channel.mail.configured_capacity == 1",
    "worker.channel.fax.assigned_tasks == null",
    "worker.friendly_name == task.agent_name",
    "task.excluded == null OR worker.sid NOT IN task.excluded",
    "worker.odd == task.odd",
    "worker.odd != task.odd AND worker.skills != task.skill",
    "worker.odd < task.odd OR task.odd >= worker.level",
    "worker.odd IN [task.odd, 3, 'a'] OR worker.skills CONTAINS 'a'",
    "task.odd HAS worker.odd OR worker.level NOT IN task.odd",
    "taskrouter.currentMin IN ['11', '13', '20', '40']",
    "taskrouter.currentTime >= 1030 AND worker.level >= task.level",
    "taskrouter.dayOfWeek == 'mon' OR worker.vip == true",
    "'billing' IN worker.routing.skills",
    "worker.routing.levels.Spanish >= task.level",
];

const FILTER_EXPRESSIONS: [&str; 10] = [
    "1==1",
    "1==0",
    "kind == 'a'",
    "kind == 'b' OR urgent == true",
    "level > 2",
    "skill != null",
    "agent != null",
    "task.kind IN ['a', 'c']",
    "odd != 'x' AND odd[0][0][0] != 'deep'",
    "taskrouter.currentTime < 1015",
];

const SKIP_EXPRESSIONS: [&str; 6] = [
    "1==1",
    "1==0",
    "workers.available == 0",
    "workers.available < 2 OR workers.unavailable > 3",
    "workers.unavailable > 0",
    "workers.WA00000000000000000000000000000001 == null",
];

const ORDERS: [&str; 7] = [
    "worker.level DESC",
    "worker.level ASC, worker.odd DESC",
    "worker.channel.default.assigned_tasks, worker.level",
    "worker.odd",
    "worker.skills DESC",
    "worker.channel.voice.available_capacity_percentage desc",
    "worker.routing.levels.billing DESC, worker.level",
];

impl Workload {
    /// The workload of a seed.
    pub fn new(seed: u64) -> Workload {
        let mut random = Random::new(seed);
        let features = Features::draw(&mut random);
        let limits = draw_limits(&mut random, &features);
        let tag = WorkspaceTag(random.next() as u32);
        let id = WorkspaceId::minted(START, 0, tag);
        let router = Router::found(id, "Simulated".to_owned(), limits.clone(), START);
        let mut workload = Workload {
            random,
            features,
            limits,
            tag,
            now: START,
            n_minted: 0,
            founding_state: router.state().clone(),
            set_up: VecDeque::new(),
        };
        workload.grow(router);
        workload.set_up();
        workload
    }

    /// The limits that the Workspace is run with.
    pub fn limits(&self) -> Limits {
        self.limits.clone()
    }

    /// How many commands make a run.
    pub fn n_commands(&self) -> usize {
        self.features.n_commands
    }

    /// The Workspace before the first step, and the time of it.
    pub fn founding_state(&self) -> (State, Timestamp) {
        (self.founding_state.clone(), START)
    }

    /// The next thing to do, with a Workspace in this state.
    pub fn next(&mut self, state: &State) -> Step {
        if let Some(command) = self.set_up.pop_front() {
            return Step::Command(Box::new(command), self.person());
        }
        // Those that somebody still wraps up are not purged, however long one waits.
        let is_over = |task: &&Arc<Task>| task.ended().is_some() && task.open_reservations.is_empty();
        let n_ended = state.tasks.values().filter(is_over).count();
        if n_ended > 4 * self.features.n_tasks {
            return self.time(START.max(self.now).plus_seconds(self.limits.finished_task_retention_seconds));
        }
        let n_away = state.workers.values().filter(|worker| !state.is_available(worker)).count();
        if 2 * n_away > state.workers.len() && self.random.percent(self.features.shift_begins) {
            return Step::Command(Box::new(self.set_worker_activity(state)), self.person());
        }
        if state.workers.len() < self.features.n_workers && self.random.percent(10) {
            let activity = self.activity_of_worker(state);
            return Step::Command(Box::new(self.create_worker(activity)), self.person());
        }
        if self.random.percent(self.features.time) {
            let to = self.instant(state);
            return self.time(to);
        }
        let command =
            if self.random.percent(self.features.invalid) { self.invalid(state) } else { self.likely(state) };
        let actor = match &command {
            Command::AcceptReservation(AcceptReservation { id, .. })
            | Command::RejectReservation(RejectReservation { id, .. }) => {
                state.reservations.get(id).map(|reservation| Actor::Worker(reservation.worker))
            }
            Command::TransferTask(TransferTask { id, .. }) => {
                owner_of(state, *id).filter(|_| self.random.percent(70)).map(Actor::Worker)
            }
            _ => None,
        };
        let actor = actor.unwrap_or_else(|| self.person());
        Step::Command(Box::new(command), actor)
    }

    fn person(&mut self) -> Actor {
        if self.random.percent(50) { Actor::Admin("root".into()) } else { Actor::Supervisor("eve".into()) }
    }

    fn time(&mut self, to: Timestamp) -> Step {
        self.now = self.now.max(to);
        Step::Time(to)
    }

    /// Where time may go: a little further, to where something is due and one beside it, far away, or back.
    fn instant(&mut self, state: &State) -> Timestamp {
        let mut due = self.instants_due(state);
        due.sort();
        let earliest = due.first().copied().unwrap_or(self.now);
        let Timestamp(at) = match self.random.below(10) {
            0 | 1 => Timestamp(self.now.0 + self.random.below(2_000) as i64),
            2..=5 => earliest,
            6 => Timestamp(earliest.0 - 1),
            7 => self.random.pick_or(&due, self.now),
            8 if self.random.percent(80) => Timestamp(self.now.0 + self.random.below(30_000) as i64),
            8 => Timestamp(self.now.0 + self.random.below(100_000_000) as i64),
            _ => return Timestamp(self.now.0 - self.random.below(5_000) as i64),
        };
        Timestamp(at.max(self.now.0))
    }

    fn instants_due(&self, state: &State) -> Vec<Timestamp> {
        let offers = state
            .reservations
            .values()
            .filter(|reservation| reservation.status == ReservationStatus::Pending)
            .map(|reservation| reservation.expires_at());
        let wrap_ups = state.reservations.values().filter_map(|reservation| {
            let began = reservation.wrap_up_at.filter(|_| reservation.status.is_open())?;
            let limit = state.task_queue(reservation.task_queue?)?.wrap_up_limit_seconds?;
            Some(began.plus_seconds(limit))
        });
        let retention = self.limits.finished_task_retention_seconds;
        let tasks = state.tasks.values().flat_map(|task| {
            let waiting = task.waiting().map(|waiting| waiting.expires_at);
            let deadline = task.step().and_then(|step| step.deadline);
            let purge = task.ended().map(|_| task.updated_at.plus_seconds(retention));
            let cool_downs = task.cool_downs.iter().map(|cool_down| cool_down.until);
            let limit = task.owner().zip(state.workspace.assigned_limit_hours);
            let assigned = limit.map(|(owner, hours)| owner.at.plus_seconds(3_600 * hours));
            [waiting, deadline, purge, assigned].into_iter().flatten().chain(cool_downs)
        });
        let looks_at_clock = self.features.target_expressions.iter().any(|text| text.contains("taskrouter."));
        let minute = looks_at_clock.then(|| Timestamp((self.now.0 / 60_000 + 1) * 60_000));
        offers.chain(wrap_ups).chain(tasks).chain(minute).filter(|at| *at > self.now).collect()
    }

    // ---- set-up ----

    /// Some Workspaces are large from the beginning, and some have channels with a circle of their own.
    fn grow(&mut self, mut router: Router) {
        let available = router.state().activity_named("Available").expect("in every Workspace").id;
        for number in 0..self.features.n_workers_of_crowd {
            let command = Command::CreateWorker(CreateWorker {
                id: self.mint(),
                name: format!("Worker {number}"),
                attributes: self.worker_attributes(),
                activity: Some(available),
            });
            router.apply(command, Actor::System).expect("nothing is wrong with it");
        }
        for _ in 0..self.features.n_queues_of_maze {
            let command = Command::CreateTaskQueue(self.create_task_queue());
            router.apply(command, Actor::System).expect("nothing is wrong with it");
        }
        for name in &self.features.optimized_channels {
            let channel = router.state().task_channel_named(name).expect("of every Workspace").id;
            let command = Command::UpdateTaskChannel(UpdateTaskChannel {
                id: channel,
                expected_version: None,
                name: None,
                channel_optimized_routing: Some(true),
            });
            router.apply(command, Actor::System).expect("nothing is wrong with it");
        }
        self.founding_state = router.state().clone();
    }

    fn set_up(&mut self) {
        let settings = self.update_workspace_blindly();
        self.set_up.push_back(settings);
        for _ in 0..self.features.n_activities {
            let activity = self.create_activity();
            self.set_up.push_back(activity);
        }
        let mut queues: Vec<TaskQueueId> = self.founding_state.task_queues.keys().copied().collect();
        for _ in 0..self.features.n_queues {
            let command = self.create_task_queue();
            queues.push(command.id);
            self.set_up.push_back(Command::CreateTaskQueue(command));
        }
        for _ in 0..self.features.n_workflows {
            let workflow = self.create_workflow(&queues);
            self.set_up.push_back(workflow);
        }
    }

    /// Before any Activity is known by its id.
    fn update_workspace_blindly(&mut self) -> Command {
        Command::UpdateWorkspace(UpdateWorkspace {
            queue_order_priority: Some(self.task_order()),
            timeout_activity: if self.random.percent(40) { Some(None) } else { None },
            reoffer_delay_seconds: Some(*self.random.pick(&self.features.reoffer_delays)),
            assigned_limit_hours: Some(*self.random.pick(&self.features.assigned_limits)),
            ..UpdateWorkspace::default()
        })
    }

    // ---- what is likely to be accepted ----

    fn likely(&mut self, state: &State) -> Command {
        let (action, _) = ACTIONS[self.random.weighted(&self.features.weights)];
        match action {
            Action::UpdateWorkspace => {
                let activity = self.random.pick_key(&state.activities);
                let timeout = self.random.below(3);
                Command::UpdateWorkspace(UpdateWorkspace {
                    expected_version: self.expected(state.workspace.version),
                    name: self.random.maybe(20).map(|n| format!("Workspace {n}")),
                    queue_order_priority: if self.random.percent(30) {
                        Some(self.task_order())
                    } else {
                        None
                    },
                    default_activity: if self.random.percent(30) { activity } else { None },
                    timeout_activity: match timeout {
                        0 => Some(None),
                        1 => activity.map(Some),
                        _ => None,
                    },
                    logout_activity: if self.random.percent(10) { activity } else { None },
                    reoffer_delay_seconds: Some(*self.random.pick(&self.features.reoffer_delays)),
                    assigned_limit_hours: if self.random.percent(50) {
                        Some(*self.random.pick(&self.features.assigned_limits))
                    } else {
                        None
                    },
                })
            }
            Action::CreateActivity => self.create_activity(),
            Action::UpdateActivity => match self.random.pick_value(&state.activities) {
                Some(activity) => Command::UpdateActivity(UpdateActivity {
                    id: activity.id,
                    expected_version: self.expected(activity.version),
                    name: if self.random.percent(90) { Some(self.activity_name()) } else { None },
                }),
                None => self.create_activity(),
            },
            Action::CreateTaskChannel => self.create_task_channel(),
            Action::UpdateTaskChannel => {
                let channel = self.channel(state);
                Command::UpdateTaskChannel(UpdateTaskChannel {
                    id: channel.id,
                    expected_version: self.expected(channel.version),
                    name: self.random.maybe(30).map(|n| format!("Channel {n}")),
                    channel_optimized_routing: if self.random.percent(70) {
                        Some(self.random.percent(50))
                    } else {
                        None
                    },
                })
            }
            Action::CreateTaskQueue => Command::CreateTaskQueue(self.create_task_queue()),
            Action::UpdateTaskQueue => match self.random.pick_value(&state.task_queues) {
                Some(queue) => self.update_task_queue(queue.id, queue.version),
                None => Command::CreateTaskQueue(self.create_task_queue()),
            },
            Action::CreateWorkflow => {
                let queues: Vec<TaskQueueId> = state.task_queues.keys().copied().collect();
                self.create_workflow(&queues)
            }
            Action::UpdateWorkflow => self.update_workflow(state),
            Action::CreateWorker if state.workers.len() < self.features.n_workers => {
                let activity = self.activity_of_worker(state);
                self.create_worker(activity)
            }
            Action::CreateWorker | Action::UpdateWorker => self.update_worker(state),
            Action::SetWorkerActivity => self.set_worker_activity(state),
            Action::UpdateWorkerChannel => self.update_worker_channel(state),
            Action::CreateTask => {
                let n_open = state.tasks.values().filter(|task| task.ended().is_none()).count();
                if n_open < self.features.n_tasks { self.create_task(state) } else { self.cancel_task(state) }
            }
            Action::UpdateTask => self.update_task(state),
            Action::CancelTask => self.cancel_task(state),
            Action::WrapUpTask => match self.task(state, &[TaskStatus::Assigned]) {
                Some((id, version)) => Command::WrapUpTask(WrapUpTask {
                    id,
                    expected_version: self.expected(version),
                    attributes: if self.random.percent(20) {
                        Some(self.task_attributes(state))
                    } else {
                        None
                    },
                }),
                None => self.bring_work(state),
            },
            Action::CompleteTask => match self.task(state, &[TaskStatus::Assigned, TaskStatus::Wrapping]) {
                Some((id, version)) => Command::CompleteTask(CompleteTask {
                    id,
                    expected_version: self.expected(version),
                    reason: self.random.maybe(50).map(|n| format!("solved {n}")),
                    attributes: if self.random.percent(20) {
                        Some(self.task_attributes(state))
                    } else {
                        None
                    },
                }),
                None => self.bring_work(state),
            },
            Action::TransferTask => self.transfer_task(state),
            Action::CancelTransfer => self.cancel_transfer(state),
            Action::AcceptReservation => match self.reservation(state, &[ReservationStatus::Pending]) {
                Some((id, expected_version)) => {
                    Command::AcceptReservation(AcceptReservation { id, expected_version })
                }
                None => self.bring_work(state),
            },
            Action::RejectReservation => match self.reservation(state, &[ReservationStatus::Pending]) {
                Some((id, expected_version)) => {
                    let reason = self.random.maybe(50).map(|n| format!("busy {n}"));
                    let goes = self.random.percent(20);
                    let activity = if goes { self.random.pick_key(&state.activities) } else { None };
                    Command::RejectReservation(RejectReservation { id, expected_version, reason, activity })
                }
                None => self.bring_work(state),
            },
            Action::DeleteActivity
            | Action::DeleteTaskChannel
            | Action::DeleteTaskQueue
            | Action::DeleteWorkflow
            | Action::DeleteWorker
            | Action::DeleteTask => match self.delete(action, state) {
                Some(command) => command,
                None => self.bring_work(state),
            },
            Action::WrapUpReservation => match self.reservation(state, &[ReservationStatus::Accepted]) {
                Some((id, expected_version)) => {
                    Command::WrapUpReservation(WrapUpReservation { id, expected_version })
                }
                None => self.bring_work(state),
            },
            Action::CompleteReservation => {
                let statuses = [ReservationStatus::Accepted, ReservationStatus::Wrapping];
                match self.reservation(state, &statuses) {
                    Some((id, expected_version)) => {
                        Command::CompleteReservation(CompleteReservation { id, expected_version })
                    }
                    None => self.bring_work(state),
                }
            }
            Action::CreateSkill => self.create_skill(),
            Action::UpdateSkill => match self.random.pick_value(&state.skills) {
                Some(skill) => {
                    let levels = self.random.below(4) as u32;
                    Command::UpdateSkill(UpdateSkill {
                        id: skill.id,
                        expected_version: self.expected(skill.version),
                        name: if self.random.percent(50) { Some(self.skill_name()) } else { None },
                        minimum_level: [None, Some(None), Some(Some(1)), Some(Some(0))][levels as usize],
                        maximum_level: [None, Some(None), Some(Some(4)), None][levels as usize],
                    })
                }
                None => self.create_skill(),
            },
            Action::DeleteSkill => match self.random.pick_value(&state.skills) {
                Some(skill) => {
                    let expected_version = self.expected(skill.version);
                    Command::DeleteSkill(DeleteSkill { id: skill.id, expected_version })
                }
                None => self.create_skill(),
            },
            Action::AssignSkill | Action::UnassignSkill => {
                let skill = self.random.pick_value(&state.skills);
                match self.random.pick_value(&state.workers).zip(skill) {
                    Some((worker, skill)) if action == Action::AssignSkill => {
                        let level = self.random.below(6) as u32;
                        let has_level = skill.levels.is_some() != self.random.percent(5);
                        Command::AssignSkill(AssignSkill {
                            worker: worker.id,
                            skill: skill.id,
                            expected_version: self.expected(worker.version),
                            level: has_level.then_some(level),
                        })
                    }
                    Some((worker, skill)) => Command::UnassignSkill(UnassignSkill {
                        worker: worker.id,
                        skill: skill.id,
                        expected_version: self.expected(worker.version),
                    }),
                    None => self.create_skill(),
                }
            }
        }
    }

    fn create_skill(&mut self) -> Command {
        let levels = self.random.below(8) as u32;
        let (minimum_level, maximum_level) = match levels {
            0 => (Some(3), Some(2)),
            1 => (Some(1), None),
            2..=4 => (Some(levels - 2), Some(levels)),
            _ => (None, None),
        };
        Command::CreateSkill(CreateSkill {
            id: self.mint(),
            name: self.skill_name(),
            minimum_level,
            maximum_level,
        })
    }

    fn skill_name(&mut self) -> String {
        (*self.random.pick(&SKILL_NAMES)).to_owned()
    }

    /// Something is deleted, or at least tried to be. One of each kind stays, so that the others can go on.
    fn delete(&mut self, action: Action, state: &State) -> Option<Command> {
        Some(match action {
            Action::DeleteActivity => {
                let activity = self.random.pick_value(&state.activities)?;
                let alike = state.activities.values().filter(|other| other.available == activity.available);
                if alike.count() == 1 {
                    return None;
                }
                let expected_version = self.expected(activity.version);
                Command::DeleteActivity(DeleteActivity { id: activity.id, expected_version })
            }
            Action::DeleteTaskChannel => {
                let channel = self.channel(state);
                let expected_version = self.expected(channel.version);
                Command::DeleteTaskChannel(DeleteTaskChannel { id: channel.id, expected_version })
            }
            Action::DeleteTaskQueue if state.task_queues.len() > 1 => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::TaskQueue(id) = transfer.to { Some(id) } else { None };
                    [transfer.origin.task_queue, to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.task_queues))?;
                let queue = state.task_queues.get(&id)?;
                let expected_version = self.expected(queue.version);
                Command::DeleteTaskQueue(DeleteTaskQueue { id: queue.id, expected_version })
            }
            Action::DeleteWorkflow if state.workflows.len() > 1 => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::Workflow(id) = transfer.to { Some(id) } else { None };
                    [transfer.origin.workflow, to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.workflows))?;
                let workflow = state.workflows.get(&id)?;
                let expected_version = self.expected(workflow.version);
                Command::DeleteWorkflow(DeleteWorkflow { id: workflow.id, expected_version })
            }
            Action::DeleteWorker => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::Worker(id) = transfer.to { Some(id) } else { None };
                    [Some(transfer.initiator), to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.workers))?;
                let worker = state.workers.get(&id)?;
                let (id, expected_version) = (worker.id, self.expected(worker.version));
                Command::DeleteWorker(DeleteWorker { id, expected_version, force: self.random.percent(50) })
            }
            Action::DeleteTask => {
                let in_transfer = state.tasks.values().filter(|task| task.open_transfer().is_some());
                let in_transfer: Vec<_> = in_transfer.map(|task| (task.id, task.version)).collect();
                let (id, version) = if !in_transfer.is_empty() && self.random.percent(30) {
                    *self.random.pick(&in_transfer)
                } else {
                    self.task(state, &[])?
                };
                Command::DeleteTask(DeleteTask { id, expected_version: self.expected(version) })
            }
            _ => return None,
        })
    }

    /// Now and then, one of those that a Task was handed to or came from, not long ago.
    fn of_transfers<I: Copy>(
        &mut self,
        state: &State,
        named: impl Fn(&TaskTransfer) -> [Option<I>; 2],
    ) -> Option<I> {
        let transfers = state.tasks.values().filter_map(|task| task.transfers.last());
        let found: Vec<I> = transfers.flat_map(named).flatten().collect();
        if found.is_empty() || self.random.percent(60) { None } else { Some(*self.random.pick(&found)) }
    }

    fn create_activity(&mut self) -> Command {
        let available = self.random.percent(60);
        Command::CreateActivity(CreateActivity { id: self.mint(), name: self.activity_name(), available })
    }

    fn activity_name(&mut self) -> String {
        if self.random.percent(70) {
            (*self.random.pick(&ACTIVITY_NAMES)).to_owned()
        } else {
            format!("Activity {}", self.random.below(20))
        }
    }

    fn create_task_channel(&mut self) -> Command {
        let unique_name = (*self.random.pick(&NEW_CHANNELS)).to_owned();
        Command::CreateTaskChannel(CreateTaskChannel {
            id: self.mint(),
            name: unique_name.to_uppercase(),
            unique_name,
            channel_optimized_routing: self.random.percent(30),
        })
    }

    /// One of the Task Channels that are in play, or one that was created on the way.
    fn channel(&mut self, state: &State) -> Arc<TaskChannel> {
        let created =
            state.task_channels.values().filter(|channel| !CHANNELS.contains(&&*channel.unique_name));
        let in_play = self.features.channels.iter().filter_map(|name| state.task_channel_named(name));
        let all: Vec<_> = in_play.chain(created).collect();
        Arc::clone(*self.random.pick(&all))
    }

    fn create_task_queue(&mut self) -> CreateTaskQueue {
        let id: TaskQueueId = self.mint();
        CreateTaskQueue {
            id,
            name: format!("Queue {}", self.n_minted),
            target_workers: if self.random.percent(85) { Some(self.queue_expression()) } else { None },
            max_reserved_workers: self.max_reserved_workers(),
            task_order: Some(self.task_order()),
            wrap_up_limit_seconds: *self.random.pick(&self.features.wrap_up_limits),
        }
    }

    fn update_task_queue(&mut self, id: TaskQueueId, version: u32) -> Command {
        let change = self.random.below(5);
        Command::UpdateTaskQueue(UpdateTaskQueue {
            id,
            expected_version: self.expected(version),
            name: if change == 0 { Some(format!("Queue {}", self.random.below(40))) } else { None },
            target_workers: if change <= 1 || self.random.percent(20) {
                Some(self.queue_expression())
            } else {
                None
            },
            max_reserved_workers: if change == 2 { self.max_reserved_workers() } else { None },
            task_order: if change == 3 { Some(self.task_order()) } else { None },
            wrap_up_limit_seconds: if change == 4 {
                Some(*self.random.pick(&self.features.wrap_up_limits))
            } else {
                None
            },
        })
    }

    fn queue_expression(&mut self) -> String {
        if self.random.percent(30) {
            return "1==1".to_owned();
        }
        (*self.random.pick(&self.features.queue_expressions)).to_owned()
    }

    fn max_reserved_workers(&mut self) -> Option<u32> {
        let several = self.random.percent(self.features.multi_reservation);
        several.then(|| 2 + self.random.below(4) as u32)
    }

    fn task_order(&mut self) -> TaskOrder {
        if self.random.percent(self.features.lifo) { TaskOrder::Lifo } else { TaskOrder::Fifo }
    }

    fn create_workflow(&mut self, queues: &[TaskQueueId]) -> Command {
        let id: WorkflowId = self.mint();
        Command::CreateWorkflow(CreateWorkflow {
            id,
            name: format!("Workflow {}", self.n_minted),
            configuration: self.routing_document(queues),
            task_reservation_timeout_seconds: Some(*self.random.pick(&self.features.reservation_timeouts)),
        })
    }

    fn update_workflow(&mut self, state: &State) -> Command {
        let queues: Vec<TaskQueueId> = state.task_queues.keys().copied().collect();
        let Some(workflow) = self.random.pick_value(&state.workflows) else {
            return self.create_workflow(&queues);
        };
        Command::UpdateWorkflow(UpdateWorkflow {
            id: workflow.id,
            expected_version: self.expected(workflow.version),
            name: if self.random.percent(10) {
                Some(format!("Workflow {}", self.random.below(9)))
            } else {
                None
            },
            configuration: match self.random.below(10) {
                0 => Some(workflow.present().configuration.document.clone()),
                1..=7 => Some(self.routing_document(&queues)),
                _ => None,
            },
            task_reservation_timeout_seconds: if self.random.percent(30) {
                Some(*self.random.pick(&self.features.reservation_timeouts))
            } else {
                None
            },
            re_evaluate_tasks: self.random.percent(30),
        })
    }

    fn routing_document(&mut self, queues: &[TaskQueueId]) -> Attributes {
        let n_filters = self.random.below(4);
        let filters: Vec<Value> = (0..n_filters)
            .map(|filter| {
                let n_targets = 1 + self.random.below(3);
                let targets: Vec<Value> = (0..n_targets).map(|at| self.target(queues, at == 0)).collect();
                let expression = *self.random.pick(&self.features.filter_expressions);
                let name = if self.random.percent(50) {
                    Value::from(format!("Filter {filter}"))
                } else {
                    Value::Null
                };
                json!({ "filter_friendly_name": name, "expression": expression, "targets": targets })
            })
            .collect();
        let default_filter = if filters.is_empty() || self.random.percent(self.features.default_filter) {
            self.target(queues, true)
        } else {
            Value::Null
        };
        attributes(&json!({ "task_routing": { "filters": filters, "default_filter": default_filter } }))
    }

    fn target(&mut self, queues: &[TaskQueueId], needs_queue: bool) -> Value {
        let mut target = serde_json::Map::new();
        if needs_queue || self.random.percent(70) {
            target.insert("queue".to_owned(), json!(self.random.pick(queues)));
        }
        if self.random.percent(25) {
            let priority = *self.random.pick(&self.features.priorities);
            let text = self.random.percent(30);
            target.insert(
                "priority".to_owned(),
                if text { json!(priority.to_string()) } else { json!(priority) },
            );
        }
        if self.random.percent(self.features.steps_with_timeout) {
            target.insert("timeout".to_owned(), json!(self.random.pick(&self.features.step_timeouts)));
        }
        if self.random.percent(60) {
            target
                .insert("expression".to_owned(), json!(self.random.pick(&self.features.target_expressions)));
        }
        if self.random.percent(self.features.known_worker) {
            let (key, path) = *self.random.pick(&[
                ("known_worker_sid", "task.agent"),
                ("known_worker_friendly_name", "task.agent_name"),
            ]);
            target.insert(key.to_owned(), json!(path));
        }
        if self.random.percent(self.features.skip_if) {
            target.insert("skip_if".to_owned(), json!(self.random.pick(&self.features.skip_expressions)));
        }
        if self.random.percent(self.features.order_by) {
            target.insert("order_by".to_owned(), json!(self.random.pick(&self.features.orders)));
        }
        Value::Object(target)
    }

    fn create_worker(&mut self, activity: Option<ActivityId>) -> Command {
        let id: WorkerId = self.mint();
        let name = format!("Worker {}", self.random.below(4 * self.features.n_workers));
        Command::CreateWorker(CreateWorker { id, name, attributes: self.worker_attributes(), activity })
    }

    fn update_worker(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let has_name = self.random.percent(25);
        Command::UpdateWorker(UpdateWorker {
            id: worker.id,
            expected_version: self.expected(worker.version),
            name: if has_name {
                Some(format!("Worker {}", self.random.below(4 * self.features.n_workers)))
            } else {
                None
            },
            attributes: if !has_name || self.random.percent(20) {
                Some(self.worker_attributes())
            } else {
                None
            },
        })
    }

    fn activity_of_worker(&mut self, state: &State) -> Option<ActivityId> {
        let available = self.random.percent(self.features.available_workers);
        let of_kind: Vec<ActivityId> = state
            .activities
            .values()
            .filter(|activity| activity.available == available)
            .map(|activity| activity.id)
            .collect();
        if of_kind.is_empty() { None } else { Some(*self.random.pick(&of_kind)) }
    }

    fn set_worker_activity(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let activity = self.activity_of_worker(state).expect("every Workspace has both kinds of Activity");
        let is_available = state.activities[&activity].available;
        Command::SetWorkerActivity(SetWorkerActivity {
            id: worker.id,
            expected_version: self.expected(worker.version),
            activity,
            reject_pending_reservations: self.random.percent(if is_available { 3 } else { 40 }),
        })
    }

    fn update_worker_channel(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let task_channel = self.channel(state);
        let version = worker.channel(&task_channel).version;
        let task_channel = task_channel.id;
        let is_switch = self.random.percent(30);
        Command::UpdateWorkerChannel(UpdateWorkerChannel {
            worker: worker.id,
            task_channel,
            expected_version: self.expected(version),
            configured_capacity: match !is_switch || self.random.percent(10) {
                true if self.random.percent(10) => Some(0),
                true => Some(1 + self.random.below(self.features.capacity_max as usize) as u32),
                false => None,
            },
            available: if is_switch { Some(self.random.percent(80)) } else { None },
        })
    }

    fn create_task(&mut self, state: &State) -> Command {
        let is_directed = self.random.percent(self.features.directed);
        let routing_target = if is_directed { Some(self.routing_target(state)) } else { None };
        let ignore_capacity = match routing_target {
            Some(RoutingTarget::Worker(_)) => {
                *self.random.pick(&[None, Some(true), Some(false), Some(false)])
            }
            _ => None,
        };
        let workflow = self.random.pick_key(&state.workflows).filter(|_| self.random.percent(95));
        Command::CreateTask(CreateTask {
            id: self.mint(),
            workflow: workflow.filter(|_| !is_directed),
            routing_target,
            ignore_capacity,
            task_channel: self.task_channel(state),
            attributes: self.task_attributes(state),
            priority: if self.random.percent(50) {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
            timeout_seconds: *self.random.pick(&self.features.times_to_live),
            virtual_start_time: if self.random.percent(15) {
                Some(Timestamp(self.now.0 - self.random.below(20_000) as i64))
            } else {
                None
            },
        })
    }

    fn update_task(&mut self, state: &State) -> Command {
        // Mostly those that wait: for the others, little can follow from it.
        let statuses: &[TaskStatus] = if self.random.percent(70) { &[TaskStatus::Pending] } else { &[] };
        let Some((id, version)) = self.task(state, statuses) else { return self.create_task(state) };
        let change = self.random.below(8);
        Command::UpdateTask(UpdateTask {
            id,
            expected_version: self.expected(version),
            attributes: if change <= 3 { Some(self.task_attributes(state)) } else { None },
            priority: if change == 3 || change == 4 {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
            task_channel: if change == 5 { Some(self.task_channel(state)) } else { None },
            virtual_start_time: if change >= 6 {
                Some(Timestamp(self.now.0 - self.random.below(20_000) as i64))
            } else {
                None
            },
        })
    }

    fn cancel_task(&mut self, state: &State) -> Command {
        match self.task(state, &[TaskStatus::Pending, TaskStatus::Reserved]) {
            Some((id, version)) => Command::CancelTask(CancelTask {
                id,
                expected_version: self.expected(version),
                reason: "hung up".to_owned(),
                attributes: if self.random.percent(20) { Some(self.task_attributes(state)) } else { None },
            }),
            None => self.create_task(state),
        }
    }

    /// Anything that a Task can be sent to; half of the time a Worker, where there is one.
    fn routing_target(&mut self, state: &State) -> RoutingTarget {
        let worker = self.random.pick_key(&state.workers);
        match (self.random.below(6), worker) {
            (0..=2, Some(worker)) => RoutingTarget::Worker(worker),
            (5, _) => RoutingTarget::Workflow(self.random.pick_key(&state.workflows).expect("there is one")),
            _ => RoutingTarget::TaskQueue(self.random.pick_key(&state.task_queues).expect("there is one")),
        }
    }

    /// Mostly by whoever has the Task, and mostly to somebody who could take it.
    fn transfer_task(&mut self, state: &State) -> Command {
        let Some((id, version)) = self.task(state, &[TaskStatus::Assigned]) else {
            return self.bring_work(state);
        };
        let task = &state.tasks[&id];
        let owner = owner_of(state, id);
        let task_channel = state.task_channel(task.task_channel).expect("it stays, deleted or not");
        let can_take: Vec<WorkerId> = state
            .workers
            .values()
            .filter(|worker| state.is_available(worker) && Some(worker.id) != owner)
            .filter(|worker| worker.channel(task_channel).has_room())
            .map(|worker| worker.id)
            .collect();
        let to = if self.random.percent(40) && !can_take.is_empty() {
            RoutingTarget::Worker(*self.random.pick(&can_take))
        } else {
            self.routing_target(state)
        };
        Command::TransferTask(TransferTask {
            id,
            expected_version: self.expected(version),
            to,
            mode: if self.random.percent(50) { TransferMode::Warm } else { TransferMode::Cold },
            attributes: if self.random.percent(15) { Some(self.task_attributes(state)) } else { None },
            priority: if self.random.percent(20) {
                Some(*self.random.pick(&self.features.priorities))
            } else {
                None
            },
        })
    }

    /// One in progress; now and then one that has ended.
    fn cancel_transfer(&mut self, state: &State) -> Command {
        let of_any = self.random.percent(10);
        let transfers = state.tasks.values().flat_map(|task| &task.transfers);
        let found: Vec<TaskTransferId> =
            transfers.filter(|transfer| of_any || transfer.is_open()).map(|transfer| transfer.id).collect();
        if found.is_empty() {
            return self.transfer_task(state);
        }
        let (id, reason) = (*self.random.pick(&found), self.random.maybe(50));
        Command::CancelTransfer(CancelTransfer { id, reason: reason.map(|n| format!("no need {n}")) })
    }

    fn task_channel(&mut self, state: &State) -> TaskChannelRef {
        let channel = self.channel(state);
        if self.random.percent(50) {
            return TaskChannelRef::UniqueName(channel.unique_name.clone());
        }
        TaskChannelRef::Id(channel.id)
    }

    /// A Task in one of these states (none given: in any), with its version.
    fn task(&mut self, state: &State, statuses: &[TaskStatus]) -> Option<(TaskId, u32)> {
        let is_wanted = |status: TaskStatus| statuses.is_empty() || statuses.contains(&status);
        let mut found: Vec<(TaskId, u32)> = state
            .tasks
            .values()
            .filter(|task| is_wanted(task.status()))
            .map(|task| (task.id, task.version))
            .collect();
        if self.random.percent(3) {
            found.extend(state.tasks.values().map(|task| (task.id, task.version)));
        }
        if found.is_empty() { None } else { Some(*self.random.pick(&found)) }
    }

    /// A Reservation in one of these states (now and then, in any), with an expected version.
    fn reservation(
        &mut self,
        state: &State,
        statuses: &[ReservationStatus],
    ) -> Option<(ReservationId, Option<u32>)> {
        let of_any = self.random.percent(3);
        let mut found: Vec<&Arc<Reservation>> = state
            .reservations
            .values()
            .filter(|reservation| of_any || statuses.contains(&reservation.status))
            .collect();
        if found.iter().any(|reservation| reservation.transfer.is_some()) && self.random.percent(30) {
            // They are few, and what becomes of them is worth seeing.
            found.retain(|reservation| reservation.transfer.is_some());
        }
        if found.is_empty() {
            return None;
        }
        let reservation = *self.random.pick(&found);
        let (id, version) = (reservation.id, reservation.version);
        Some((id, self.expected(version)))
    }

    /// Any Reservation; where there is none, an id that nobody has.
    fn any_reservation(&mut self, state: &State) -> ReservationId {
        self.random.pick_key(&state.reservations).unwrap_or_else(|| self.mint())
    }

    /// Nothing can be answered or finished: there is nobody to work, or nothing to do.
    fn bring_work(&mut self, state: &State) -> Command {
        let n_available = state.workers.values().filter(|worker| state.is_available(worker)).count();
        if n_available < state.workers.len() && self.random.percent(50) {
            return self.set_worker_activity(state);
        }
        let n_open = state.tasks.values().filter(|task| task.ended().is_none()).count();
        if n_open < self.features.n_tasks { self.create_task(state) } else { self.update_worker(state) }
    }

    /// The present version, or none; which is how callers ask.
    fn expected(&mut self, present: u32) -> Option<u32> {
        if self.random.percent(30) { Some(present) } else { None }
    }

    // ---- attributes ----

    fn worker_attributes(&mut self) -> Attributes {
        let mut document = serde_json::Map::new();
        let skills: Vec<&str> = ["a", "b", "c"].into_iter().filter(|_| self.random.percent(60)).collect();
        document.insert("skills".to_owned(), json!(skills));
        if self.random.percent(90) {
            let level = self.random.below(6);
            // A number that is written as a text counts as a number.
            document.insert("level".to_owned(), if level == 3 { json!("3") } else { json!(level) });
        }
        if self.random.percent(80) {
            document.insert("language".to_owned(), json!(self.random.pick(&["en", "de", "es"])));
        }
        if self.random.percent(30) {
            document.insert("vip".to_owned(), json!(self.random.percent(50)));
        }
        if self.random.percent(15) {
            document.insert("odd".to_owned(), self.odd());
        }
        if self.random.percent(30) {
            let names: Vec<&str> = SKILL_NAMES.into_iter().filter(|_| self.random.percent(25)).collect();
            let routing = match self.random.below(8) {
                0 => self.odd(),
                1 => json!({ "skills": self.odd() }),
                2 => json!({ "skills": names, "levels": self.odd() }),
                _ => json!({ "skills": names, "levels": { "Spanish": self.random.below(5) } }),
            };
            document.insert("routing".to_owned(), routing);
        }
        attributes(&Value::Object(document))
    }

    fn task_attributes(&mut self, state: &State) -> Attributes {
        let mut document = serde_json::Map::new();
        document.insert("kind".to_owned(), json!(self.random.pick(&["a", "b", "c", "d"])));
        if self.random.percent(60) {
            document.insert("skill".to_owned(), json!(self.random.pick(&["a", "b", "c", "d"])));
        }
        if self.random.percent(60) {
            document.insert("level".to_owned(), json!(self.random.below(6)));
        }
        if self.random.percent(40) {
            document.insert("language".to_owned(), json!(self.random.pick(&["en", "de", "fr"])));
        }
        if self.random.percent(20) {
            document.insert("urgent".to_owned(), json!(true));
        }
        if self.random.percent(50)
            && let Some(worker) = self.random.pick_value(&state.workers)
        {
            let agent = match self.random.below(8) {
                0 => Value::Null,
                1 => json!(WorkerId::minted(self.now, u64::MAX, self.tag)),
                2 => self.odd(),
                _ => json!(worker.id),
            };
            document.insert("agent".to_owned(), agent);
            let name = match self.random.below(6) {
                0 => worker.name.to_uppercase(),
                1 => "Nobody".to_owned(),
                _ => worker.name.clone(),
            };
            document.insert("agent_name".to_owned(), json!(name));
            if self.random.percent(30) {
                document.insert("excluded".to_owned(), json!([worker.id]));
            }
        }
        if self.random.percent(15) {
            document.insert("odd".to_owned(), self.odd());
        }
        attributes(&Value::Object(document))
    }

    /// What people put where something else is expected.
    fn odd(&mut self) -> Value {
        match self.random.below(8) {
            0 => Value::Null,
            1 => json!(-1.5e300),
            2 => json!(u64::MAX),
            3 => json!([[["deep"]], null, {}]),
            4 => json!({ "a-b": { "c": [1, 2] } }),
            5 => json!("ünïcödé \u{1F600} \"quoted\" \\ \n"),
            6 => json!(""),
            _ => json!("3.0"),
        }
    }

    // ---- what is refused, at least most of the time ----

    fn invalid(&mut self, state: &State) -> Command {
        let long = "x".repeat(65);
        let oversize = attributes(&json!({ "text": "y".repeat(self.limits.attributes_characters_max) }));
        let task = self.task(state, &[]).unwrap_or_else(|| (self.mint(), 1));
        let worker = self.random.pick_value(&state.workers).map(|worker| (worker.id, worker.version));
        let (worker, worker_version) = worker.unwrap_or_else(|| (self.mint(), 1));
        let queue = self.random.pick_value(&state.task_queues).expect("every Workspace has a TaskQueue");
        let workflow = self.random.pick_value(&state.workflows).expect("every Workspace has a Workflow");
        let channel = state.task_channels.keys().next().copied().expect("a Task Channel of every Workspace");

        let update_task = |id| UpdateTask {
            id,
            expected_version: None,
            attributes: None,
            priority: None,
            task_channel: None,
            virtual_start_time: None,
        };
        let update_worker = |id| UpdateWorker { id, expected_version: None, name: None, attributes: None };
        let update_queue = |id| UpdateTaskQueue {
            id,
            expected_version: None,
            name: None,
            target_workers: None,
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        };
        let update_workflow = |id| UpdateWorkflow {
            id,
            expected_version: None,
            name: None,
            configuration: None,
            task_reservation_timeout_seconds: None,
            re_evaluate_tasks: true,
        };
        let create_task = |id, now| CreateTask {
            id,
            workflow: Some(workflow.id),
            routing_target: None,
            ignore_capacity: None,
            task_channel: TaskChannelRef::Id(channel),
            attributes: Attributes::empty(),
            priority: None,
            timeout_seconds: None,
            virtual_start_time: Some(now),
        };
        let transfer_task = |id, to| TransferTask {
            id,
            expected_version: None,
            to,
            mode: TransferMode::Warm,
            attributes: None,
            priority: None,
        };
        let new_task: TaskId = self.mint();
        let now = self.now;

        match self.random.below(61) {
            // Names of what does not exist.
            0 => Command::UpdateTask(update_task(self.mint())),
            1 => Command::UpdateWorker(update_worker(self.mint())),
            2 => Command::AcceptReservation(AcceptReservation { id: self.mint(), expected_version: None }),
            3 => Command::UpdateWorkspace(UpdateWorkspace {
                default_activity: Some(self.mint()),
                ..UpdateWorkspace::default()
            }),
            4 => Command::UpdateTaskQueue(update_queue(self.mint())),
            5 => Command::UpdateWorkflow(update_workflow(self.mint())),
            6 => Command::CreateTask(CreateTask {
                task_channel: TaskChannelRef::UniqueName("carrier pigeon".to_owned()),
                ..create_task(new_task, now)
            }),
            7 => Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker,
                task_channel: self.mint(),
                expected_version: None,
                configured_capacity: Some(1),
                available: None,
            }),
            8 => {
                Command::CreateTask(CreateTask { workflow: Some(self.mint()), ..create_task(new_task, now) })
            }
            9 => Command::SetWorkerActivity(SetWorkerActivity {
                id: worker,
                expected_version: None,
                activity: self.mint(),
                reject_pending_reservations: false,
            }),
            // Other versions than the present one.
            10 => Command::UpdateTask(UpdateTask {
                expected_version: Some(task.1 + 1),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            11 => Command::UpdateWorker(UpdateWorker {
                expected_version: Some(worker_version.wrapping_sub(1)),
                ..update_worker(worker)
            }),
            12 => {
                let id = self.any_reservation(state);
                let activity = Some(self.mint());
                let expected_version = self.random.percent(50).then_some(77);
                Command::RejectReservation(RejectReservation { id, expected_version, reason: None, activity })
            }
            13 => Command::UpdateTaskQueue(UpdateTaskQueue {
                expected_version: Some(queue.version + 1),
                target_workers: Some("1==1".to_owned()),
                ..update_queue(queue.id)
            }),
            // The wrong state. Some of these are right.
            14 => {
                let id = self.any_reservation(state);
                Command::AcceptReservation(AcceptReservation { id, expected_version: None })
            }
            15 => {
                let id = self.any_reservation(state);
                Command::CompleteReservation(CompleteReservation { id, expected_version: None })
            }
            16 => {
                let id = self.any_reservation(state);
                Command::WrapUpReservation(WrapUpReservation { id, expected_version: None })
            }
            17 => Command::CancelTask(CancelTask {
                id: task.0,
                expected_version: None,
                reason: "changed my mind".to_owned(),
                attributes: Some(oversize),
            }),
            18 => Command::WrapUpTask(WrapUpTask { id: task.0, expected_version: None, attributes: None }),
            19 => Command::UpdateTask(UpdateTask {
                task_channel: Some(self.task_channel(state)),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            // Inputs out of their range.
            20 => Command::CancelTask(CancelTask {
                id: task.0,
                expected_version: None,
                reason: "  ".to_owned(),
                attributes: None,
            }),
            21 => Command::UpdateTask(UpdateTask { priority: Some(u32::MAX), ..update_task(task.0) }),
            22 => Command::UpdateTask(UpdateTask {
                virtual_start_time: Some(Timestamp(self.now.0 + 1)),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            23 => Command::CreateTask(CreateTask {
                timeout_seconds: Some(*self.random.pick(&[0, 1_209_601])),
                ..create_task(new_task, now)
            }),
            24 => Command::CreateTask(create_task(task.0, now)),
            25 => Command::UpdateWorker(UpdateWorker {
                name: Some(self.random.pick(&[long.as_str(), "", "two\nlines"]).to_string()),
                attributes: Some(self.worker_attributes()),
                ..update_worker(worker)
            }),
            26 => {
                let id = self.mint();
                let name = queue.name.to_uppercase();
                Command::CreateTaskQueue(CreateTaskQueue {
                    id,
                    name,
                    target_workers: None,
                    max_reserved_workers: None,
                    task_order: None,
                    wrap_up_limit_seconds: None,
                })
            }
            27 => Command::UpdateTaskQueue(UpdateTaskQueue {
                max_reserved_workers: Some(*self.random.pick(&[0, 51])),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            28 => Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker,
                task_channel: channel,
                expected_version: None,
                configured_capacity: Some(51),
                available: Some(false),
            }),
            29 => Command::UpdateWorkspace(UpdateWorkspace {
                name: Some("New name".to_owned()),
                reoffer_delay_seconds: Some(*self.random.pick(&[0, 3_601])),
                ..UpdateWorkspace::default()
            }),
            // Expressions and routing documents that do not parse, or that name what is not there.
            30 => Command::UpdateTaskQueue(UpdateTaskQueue {
                target_workers: Some("skill-level > 3".to_owned()),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            31 => Command::UpdateWorkflow(UpdateWorkflow {
                name: Some("Renamed".to_owned()),
                configuration: Some(attributes(&json!({ "task_routing": {
                    "filters": [{ "expression": "kind ==", "targets": [{ "timeout": 0 }] }],
                } }))),
                ..update_workflow(workflow.id)
            }),
            32 => {
                let unknown: TaskQueueId = self.mint();
                Command::UpdateWorkflow(UpdateWorkflow {
                    configuration: Some(self.routing_document(&[unknown])),
                    ..update_workflow(workflow.id)
                })
            }
            // Directed to two places, to none, or as only Workers are directed to.
            33 => Command::CreateTask(CreateTask {
                routing_target: Some(self.routing_target(state)),
                ..create_task(new_task, now)
            }),
            34 => Command::CreateTask(CreateTask {
                workflow: None,
                routing_target: self.random.percent(50).then_some(RoutingTarget::TaskQueue(queue.id)),
                ignore_capacity: Some(self.random.percent(50)),
                ..create_task(new_task, now)
            }),
            35 => {
                let nobody = self.nobody(state);
                let routing_target = Some(*self.random.pick(&nobody));
                Command::CreateTask(CreateTask {
                    workflow: None,
                    routing_target,
                    ..create_task(new_task, now)
                })
            }
            // Transfers of whatever Task, to whomever.
            36 => {
                // Half of them to who has it.
                let owner = owner_of(state, task.0);
                let to = owner.filter(|_| self.random.percent(50)).unwrap_or(worker);
                Command::TransferTask(transfer_task(task.0, RoutingTarget::Worker(to)))
            }
            37 => {
                let nobody = self.nobody(state);
                Command::TransferTask(transfer_task(task.0, *self.random.pick(&nobody)))
            }
            38 => Command::TransferTask(TransferTask {
                expected_version: Some(task.1 + 1),
                ..transfer_task(task.0, RoutingTarget::TaskQueue(queue.id))
            }),
            39 => Command::TransferTask(TransferTask {
                attributes: Some(oversize),
                priority: Some(u32::MAX),
                ..transfer_task(task.0, RoutingTarget::Workflow(workflow.id))
            }),
            40 => Command::TransferTask(TransferTask {
                priority: Some(u32::MAX),
                ..transfer_task(task.0, RoutingTarget::TaskQueue(queue.id))
            }),
            41 => {
                let reason = if self.random.percent(50) { Some("  ".to_owned()) } else { None };
                Command::CancelTransfer(CancelTransfer { id: self.mint(), reason })
            }
            42 => Command::UpdateWorkspace(UpdateWorkspace {
                assigned_limit_hours: Some(Some(*self.random.pick(&[0, 8_761, u32::MAX]))),
                queue_order_priority: Some(self.task_order()),
                ..UpdateWorkspace::default()
            }),
            43 => Command::UpdateTaskQueue(UpdateTaskQueue {
                wrap_up_limit_seconds: Some(Some(*self.random.pick(&[0, 86_401]))),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            44 => Command::CreateTaskQueue(CreateTaskQueue {
                wrap_up_limit_seconds: Some(0),
                ..self.create_task_queue()
            }),
            // Too much.
            45 => Command::CreateTask(CreateTask { attributes: oversize, ..create_task(new_task, now) }),
            46 => {
                let (id, expected_version) = (self.mint(), None);
                let channel_optimized_routing = Some(true);
                let name = None;
                Command::UpdateTaskChannel(UpdateTaskChannel {
                    id,
                    expected_version,
                    name,
                    channel_optimized_routing,
                })
            }
            47 => Command::UpdateTaskChannel(UpdateTaskChannel {
                id: channel,
                expected_version: None,
                name: Some(long),
                channel_optimized_routing: Some(true),
            }),
            48 => Command::CreateTaskChannel(CreateTaskChannel {
                id: self.mint(),
                name: "Mail".to_owned(),
                unique_name: (*self.random.pick(&["", "2nd", "e-mail", "VOICE", "two words"])).to_owned(),
                channel_optimized_routing: false,
            }),
            // What was deleted before, or never was.
            49 => {
                let deleted = state.deleted.workers.values().next().map(|worker| worker.id);
                let (id, expected_version) = (deleted.unwrap_or_else(|| self.mint()), None);
                Command::DeleteWorker(DeleteWorker { id, expected_version, force: true })
            }
            50 => {
                let deleted = state.deleted.task_queues.values().next().map(|queue| queue.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTaskQueue(DeleteTaskQueue { id, expected_version: None })
            }
            51 => {
                let deleted = state.deleted.workflows.values().next().map(|workflow| workflow.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteWorkflow(DeleteWorkflow { id, expected_version: None })
            }
            52 => {
                let deleted = state.deleted.activities.keys().next().copied();
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteActivity(DeleteActivity { id, expected_version: None })
            }
            53 => {
                let deleted = state.deleted.task_channels.keys().next().copied();
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTaskChannel(DeleteTaskChannel { id, expected_version: None })
            }
            54 => {
                let deleted = state.tasks.values().find(|task| task.deleted_at.is_some()).map(|task| task.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTask(DeleteTask { id, expected_version: None })
            }
            55 => Command::DeleteTask(DeleteTask { id: task.0, expected_version: Some(task.1 + 1) }),
            56 => Command::UpdateWorker(UpdateWorker {
                name: Some("Big".to_owned()),
                attributes: Some(oversize),
                ..update_worker(worker)
            }),
            57 => Command::DeleteSkill(DeleteSkill { id: self.mint(), expected_version: None }),
            58 => Command::AssignSkill(AssignSkill {
                worker,
                skill: self.mint(),
                expected_version: None,
                level: None,
            }),
            59 => {
                let skill = self.random.pick_key(&state.skills).unwrap_or_else(|| self.mint());
                let expected_version = Some(worker_version + 1);
                Command::UnassignSkill(UnassignSkill { worker, skill, expected_version })
            }
            _ => Command::UpdateTask(UpdateTask {
                attributes: Some(oversize),
                priority: Some(1),
                ..update_task(task.0)
            }),
        }
    }

    /// Whom or what nothing can be sent to: what never was, and half of the time what was deleted, where there is some.
    fn nobody(&mut self, state: &State) -> [RoutingTarget; 3] {
        let was = self.random.percent(50);
        let worker = state.deleted.workers.values().next().filter(|_| was).map(|worker| worker.id);
        let queue = state.deleted.task_queues.values().next().filter(|_| was).map(|queue| queue.id);
        let workflow = state.deleted.workflows.values().next().filter(|_| was).map(|workflow| workflow.id);
        [
            RoutingTarget::Worker(worker.unwrap_or_else(|| self.mint())),
            RoutingTarget::TaskQueue(queue.unwrap_or_else(|| self.mint())),
            RoutingTarget::Workflow(workflow.unwrap_or_else(|| self.mint())),
        ]
    }

    /// An id that nobody has. As at the edge, the ids of a millisecond are not in the order of their making.
    fn mint<I: Id>(&mut self) -> I {
        self.n_minted += 1;
        // An odd factor gives each number another one. The highest free bit keeps them apart from the sequences
        // that the ids of the core are made of.
        let scrambled = self.n_minted.wrapping_mul(0x9E37_79B9_7F4A_7C15) & ((1 << 41) - 1);
        I::minted(self.now, 1 << 41 | scrambled, self.tag)
    }
}

fn attributes(value: &Value) -> Attributes {
    Attributes::of(value).expect("an object")
}

/// The Worker who has the Task.
fn owner_of(state: &State, task: TaskId) -> Option<WorkerId> {
    let owner = state.tasks.get(&task)?.owner()?;
    Some(state.reservations[&owner.reservation].worker)
}

fn draw_limits(random: &mut Random, features: &Features) -> Limits {
    let mut limits = Limits {
        // At least as long as any offer of the workload is open: a withdrawn offer whose Task was purged still
        // counts as the Worker's last one where a later offer outlives it.
        finished_task_retention_seconds: *random.pick(&[120, 150, 300]),
        assignment_count_max: *random.pick(&[1, 2, 3, 5, 1_000, 1_000]),
        ..Limits::default()
    };
    let is_large = features.n_workers_of_crowd + features.n_queues_of_maze > 0;
    if !is_large && random.percent(15) {
        limits.tasks_max = 5 + random.below(20);
        limits.workers_max = 1 + random.below(6);
        limits.task_queues_max = 2 + random.below(6);
        limits.workflows_max = 2 + random.below(4);
        limits.activities_max = 5 + random.below(3);
        limits.skills_max = 1 + random.below(3);
        limits.task_channels_max = 5 + random.below(3);
        limits.attributes_characters_max = 150;
        limits.workflow_configuration_bytes_max = 900;
    }
    limits
}

impl Features {
    fn draw(random: &mut Random) -> Features {
        let is_small = random.percent(60);
        let n_channels = 1 + random.below(3);
        let channels = random.some_of(&CHANNELS, n_channels);
        let optimized = if random.percent(30) { 1 + random.below(n_channels) } else { 0 };
        let optimized_channels = random.some_of(&channels, optimized);
        let weights = ACTIONS
            .iter()
            .map(|(action, weight)| match action {
                Action::CreateTask => *weight,
                _ => weight * *random.pick(&[0, 1, 1, 1, 3]),
            })
            .collect();
        let n_expressions = |random: &mut Random, all: usize| 1 + random.below(all);
        let n = n_expressions(random, QUEUE_EXPRESSIONS.len());
        let queue_expressions = random.some_of(&QUEUE_EXPRESSIONS, n);
        let n = n_expressions(random, TARGET_EXPRESSIONS.len());
        let mut target_expressions = random.some_of(&TARGET_EXPRESSIONS, n);
        let is_crowd = random.percent(2);
        if is_crowd {
            // One of hundreds: found by looking at all who are eligible, not by going around the circle.
            target_expressions.extend(["worker.friendly_name == task.agent_name"; 4]);
        }
        let is_maze = random.percent(3);
        let n = n_expressions(random, FILTER_EXPRESSIONS.len());
        let filter_expressions = random.some_of(&FILTER_EXPRESSIONS, n);
        let n = n_expressions(random, SKIP_EXPRESSIONS.len());
        let skip_expressions = random.some_of(&SKIP_EXPRESSIONS, n);
        let n = n_expressions(random, ORDERS.len());
        let orders = random.some_of(&ORDERS, n);
        Features {
            n_commands: 150 + random.below(700),
            n_workers: if is_small { 1 + random.below(4) } else { 4 + random.below(12) },
            n_workers_of_crowd: if is_crowd { 280 + random.below(80) } else { 0 },
            n_queues: if is_small { 1 + random.below(3) } else { 1 + random.below(9) },
            n_queues_of_maze: if is_maze { 60 + random.below(80) } else { 0 },
            n_workflows: 1 + random.below(3),
            n_activities: random.below(4),
            n_tasks: if is_small { 1 + random.below(8) } else { 5 + random.below(25) },
            channels,
            optimized_channels,
            queue_expressions,
            target_expressions,
            filter_expressions,
            skip_expressions,
            orders,
            capacity_max: *random.pick(&[1, 1, 2, 3, 6]),
            reservation_timeouts: match random.below(3) {
                0 => vec![1, 2, 3],
                1 => vec![5, 10, 30],
                _ => vec![2, 20, 60],
            },
            step_timeouts: match random.below(3) {
                0 => vec![1, 2, 3],
                1 => vec![5, 10, 30],
                _ => vec![1, 20, 600],
            },
            times_to_live: match random.below(3) {
                0 => vec![None],
                1 => vec![None, Some(10), Some(60)],
                _ => vec![Some(1), Some(5), Some(30), Some(1_209_600)],
            },
            reoffer_delays: match random.below(4) {
                0 | 1 => vec![1],
                2 => vec![10, 3_600],
                _ => vec![1, 2, 7],
            },
            wrap_up_limits: match random.below(4) {
                0 | 1 => vec![None],
                2 => vec![None, Some(1), Some(3)],
                _ => vec![Some(10), Some(60), Some(86_400)],
            },
            assigned_limits: match random.below(4) {
                0 | 1 => vec![None],
                2 => vec![None, Some(1), Some(2)],
                _ => vec![Some(1), Some(8_760)],
            },
            priorities: match random.below(3) {
                0 => vec![0],
                1 => vec![0, 1, 2],
                _ => vec![0, 10, i32::MAX as u32],
            },
            lifo: *random.pick(&[0, 0, 30, 50, 100]),
            multi_reservation: *random.pick(&[0, 30, 100]),
            known_worker: *random.pick(&[0, 0, 15, 60]),
            skip_if: *random.pick(&[0, 20, 60]),
            order_by: *random.pick(&[0, 0, 30, 80]),
            steps_with_timeout: *random.pick(&[0, 50, 80, 100]),
            default_filter: *random.pick(&[0, 70, 100]),
            directed: *random.pick(&[0, 0, 15, 50]),
            available_workers: *random.pick(&[50, 80, 95]),
            shift_begins: *random.pick(&[0, 10, 30]),
            invalid: *random.pick(&[0, 5, 15, 40]),
            time: *random.pick(&[5, 15, 30]),
            weights,
        }
    }
}

/// A small deterministic source of chance (SplitMix64), the same on every machine.
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `n`, which is not 0. A little uneven, which does not matter here.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True in so many of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// In so many of 100 cases, a number below 100.
    fn maybe(&mut self, percent: u64) -> Option<usize> {
        let number = self.below(100);
        self.percent(percent).then_some(number)
    }

    /// One of them, which are not none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn pick_or<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        if from.is_empty() { otherwise } else { *self.pick(from) }
    }

    fn pick_key<K: Copy + Ord, V>(&mut self, map: &routing::state::Map<K, V>) -> Option<K> {
        if map.is_empty() { None } else { map.keys().nth(self.below(map.len())).copied() }
    }

    fn pick_value<'a, K: Copy + Ord, V>(&mut self, map: &'a routing::state::Map<K, V>) -> Option<&'a Arc<V>> {
        if map.is_empty() { None } else { map.values().nth(self.below(map.len())) }
    }

    /// So many different ones of them, or all.
    fn some_of<T: Copy>(&mut self, from: &[T], n: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let n = n.min(left.len());
        (0..n).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }

    /// A position, each as often as its weight says. Not all weights are 0.
    fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.next() % weights.iter().sum::<u64>();
        for (position, weight) in weights.iter().enumerate() {
            match at.checked_sub(*weight) {
                None => return position,
                Some(rest) => at = rest,
            }
        }
        unreachable!("the number is below the sum of the weights")
    }
}
