//! A seeded workload: what programs, supervisors and agents might do with a Workspace, in a random order, right and
//! wrong, and how time moves on meanwhile.
//!
//! The same seed gives the same steps for the same states, so a run is repeated from its seed alone. Each seed draws
//! which features are in play and how large everything is ("swarm testing"): a run in which nobody ever accepts, or
//! in which all TaskQueues are LIFO, reaches states that an even mixture would hardly ever reach.
//!
//! This module knows the crate `routing` and nothing else, because other test binaries include it by its path:
//!
//! ```text
//! #[path = "../routing/tests/simulation/workload/mod.rs"]
//! #[allow(dead_code)]
//! mod workload;
//! ```
//!
//! A run is [`Workload::new`], a router loaded with [`Workload::founding_state`] and [`Workload::limits`], and then
//! [`Workload::next`] until there were [`Workload::n_commands`] commands.

mod deletions;
mod documents;
mod features;
mod likely;
mod random;
mod settings;
mod tasks;
mod workers;
mod wrong;

use std::collections::VecDeque;
use std::sync::Arc;

use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::state::{ReservationStatus, Task};
use routing::time::Timestamp;
use routing::{Attributes, Command, Limits, Router, State};
use serde_json::Value;

use self::features::{Features, draw_limits};
pub use self::random::Random;

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
