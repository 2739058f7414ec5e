//! Workspaces to measure in: as large as a Workspace may be, or small, in four shapes of membership.
//!
//! All Workers are at work on the Task Channel `default`, where all pending Tasks wait; on `voice` nobody waits, and
//! who is free there is up to the case. So every Workspace here is settled, whatever its shape. Everything is made
//! by a generator with a fixed seed: two runs measure the same decisions.

#![allow(dead_code)] // Each benchmark uses its part.

use std::fmt;
use std::sync::Arc;

use routing::command::*;
use routing::event::{Actor, Object};
use routing::ids::*;
use routing::state::{TaskStatus, Worker};
use routing::time::Timestamp;
use routing::{Attributes, Command, Event, Limits, Recorded, Router, State};
use serde_json::{Value, json};

pub const START: Timestamp = Timestamp(1_767_607_800_000);
const TAG: WorkspaceTag = WorkspaceTag(7);
/// How many TaskQueues one Workflow leads to.
const QUEUES_PER_WORKFLOW: usize = 10;
/// As long as a Task may wait, so that no measurement reaches the end of a Task's time.
const TIMEOUT_SECONDS: u32 = 1_209_600;
/// One TaskQueue in so many has a step that asks for the Task's language as well.
const QUEUES_PER_LANGUAGE_STEP: usize = 2;
const LANGUAGES: [&str; 4] = ["en", "es", "fr", "de"];
/// Spoken by nobody.
pub const FOREIGN_LANGUAGE: &str = "eo";
/// How many scores a Worker has; TaskQueues of the shape `LogUniform` ask for one of them.
const SCORES: usize = 16;
const SCORE_MAX: f64 = 1_000_000.0;

#[derive(Clone, Copy)]
pub struct Size {
    pub name: &'static str,
    pub workers: usize,
    pub task_queues: usize,
    pub tasks: usize,
}

pub const SMALL: Size = Size { name: "100 x 10 x 1,000", workers: 100, task_queues: 10, tasks: 1_000 };
pub const LARGE: Size =
    Size { name: "15,000 x 5,000 x 500,000", workers: 15_000, task_queues: 5_000, tasks: 500_000 };

/// How many Workers serve a TaskQueue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// 5 to 65, by a skill of their own.
    Small,
    /// 80 to 280, by a skill of their own.
    Mid,
    /// 1 to all, by a score; as many of each order of magnitude.
    LogUniform,
    /// All.
    Everyone,
}

pub const SHAPES: [Shape; 4] = [Shape::Small, Shape::Mid, Shape::LogUniform, Shape::Everyone];

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Small => "small",
            Shape::Mid => "mid",
            Shape::LogUniform => "log-uniform",
            Shape::Everyone => "everyone",
        })
    }
}

/// Xorshift: nothing here needs more.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        Random(0x9E37_79B9_7F4A_7C15)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub fn fraction(&mut self) -> f64 {
        (self.bits() % (1 << 50)) as f64 / (1_u64 << 50) as f64
    }
}

/// A running Workspace with the ids that commands need.
pub struct Centre {
    pub router: Router,
    pub random: Random,
    pub size: Size,
    pub shape: Shape,
    pub queues: Vec<TaskQueueId>,
    pub workflows: Vec<WorkflowId>,
    pub workers: Vec<WorkerId>,
    default: TaskChannelId,
    voice: TaskChannelId,
    n_minted: u64,
    /// What readers hold, as the server publishes it.
    published: Arc<State>,
    /// How many commands the server carries out before it publishes.
    pub commands_per_batch: u32,
    n_commands: u32,
}

pub fn limits() -> Limits {
    // Finished Tasks leave the memory with the next tick, so that a long measurement is one of the same state.
    // Beside what is measured there are the TaskQueue of every Workspace, and the Tasks that keep Workers busy.
    Limits {
        finished_task_retention_seconds: 0,
        task_queues_max: LARGE.task_queues + 1,
        tasks_max: LARGE.tasks + 2 * LARGE.workers,
        ..Limits::default()
    }
}

impl Centre {
    /// All Workers at work on `default`, all Tasks waiting there, `voice` switched off.
    pub fn new(size: Size, shape: Shape) -> Centre {
        let workspace = WorkspaceId::minted(START, 1, TAG);
        let router = Router::found(workspace, "Measured".to_owned(), limits(), START);
        let channel = |name| router.state().task_channel_named(name).expect("of every Workspace").id;
        let (default, voice) = (channel("default"), channel("voice"));
        let published = Arc::new(router.state().clone());
        let mut centre = Centre {
            router,
            random: Random::new(),
            size,
            shape,
            queues: Vec::new(),
            workflows: Vec::new(),
            workers: Vec::new(),
            default,
            voice,
            n_minted: 1 << 40,
            published,
            commands_per_batch: 1,
            n_commands: 0,
        };
        let skills = centre.add_queues();
        centre.add_workflows();
        // Workers come first and Tasks afterwards, so that nobody is offered anything before all are there.
        centre.add_workers(&skills);
        centre.occupy_workers();
        for _ in 0..size.tasks {
            let command = centre.new_task(default, None);
            centre.apply(Command::CreateTask(command));
            centre.pass_millisecond();
        }
        centre
    }

    /// The same Workspace, loaded, with so many of its Workers free on `voice`.
    pub fn with_free_workers(&self, percent: usize) -> Centre {
        let voice = self.voice;
        self.with_changed_workers(|at, worker| {
            let channel = worker.channels.iter_mut().find(|channel| channel.task_channel == voice);
            channel.expect("of every Worker").available = is_among(at, percent);
        })
    }

    /// The same Workspace, loaded but not settled: so many Workers have room for what waits on `default`.
    pub fn unsettled(&self, percent: usize) -> Centre {
        let default = self.default;
        self.with_changed_workers(|at, worker| {
            let channel = worker.channels.iter_mut().find(|channel| channel.task_channel == default);
            channel.expect("of every Worker").configured_capacity = 1 + u32::from(is_among(at, percent));
        })
    }

    fn with_changed_workers(&self, change: impl Fn(usize, &mut Worker)) -> Centre {
        let mut state = self.router.state().clone();
        for (at, id) in self.workers.iter().enumerate() {
            let mut worker = Worker::clone(&state.workers[id]);
            change(at, &mut worker);
            state.put(Object::Worker(Arc::new(worker)));
        }
        let published = Arc::new(state.clone());
        Centre {
            router: Router::load(state, limits(), self.router.now()),
            random: Random::new(),
            queues: self.queues.clone(),
            workflows: self.workflows.clone(),
            workers: self.workers.clone(),
            published,
            ..*self
        }
    }

    // ---- what is measured ----

    /// Carries out a command as the server does: the events are taken, and readers get the new state.
    pub fn carry_out(&mut self, command: Command) -> Vec<Recorded> {
        self.router.apply(command, Actor::System).expect("the command is right");
        let events = self.router.take_events();
        self.publish();
        events
    }

    fn publish(&mut self) {
        self.n_commands += 1;
        if self.n_commands.is_multiple_of(self.commands_per_batch) {
            self.published = Arc::new(self.router.state().clone());
        }
    }

    // ---- what is around it ----

    pub fn apply(&mut self, command: Command) {
        self.router.apply(command, Actor::System).expect("the command is right");
        self.router.take_events();
    }

    pub fn pass_millisecond(&mut self) {
        self.router.tick(Timestamp(self.router.now().0 + 1));
        self.router.take_events();
        if self.commands_per_batch == 1 {
            self.publish();
        }
    }

    /// A Task for a random TaskQueue, on `voice`.
    pub fn new_voice_task(&mut self) -> CreateTask {
        self.new_task(self.voice, None)
    }

    /// A Task on `voice` for a TaskQueue whose step asks for a language that nobody speaks.
    pub fn new_foreign_task(&mut self) -> CreateTask {
        let queue = self.random.below(self.queues.len().div_ceil(QUEUES_PER_LANGUAGE_STEP));
        self.new_task(self.voice, Some((queue * QUEUES_PER_LANGUAGE_STEP, FOREIGN_LANGUAGE)))
    }

    /// A Task for the same TaskQueue as the one that a Worker has just got.
    pub fn new_task_like(&mut self, task: TaskId) -> CreateTask {
        let task = Arc::clone(&self.router.state().tasks[&task]);
        CreateTask {
            id: self.mint(),
            workflow: task.workflow,
            routing_target: None,
            ignore_capacity: None,
            task_channel: TaskChannelRef::Id(task.task_channel),
            attributes: task.attributes.clone(),
            priority: Some(task.priority),
            timeout_seconds: Some(TIMEOUT_SECONDS),
            virtual_start_time: None,
        }
    }

    /// Accepts the Reservation that these events have made, if they have made one.
    pub fn accept(&mut self, events: &[Recorded]) -> Option<(TaskId, ReservationId)> {
        let (task, id) = events.iter().rev().find_map(|recorded| match &recorded.event {
            Event::ReservationCreated { reservation, .. } => Some((reservation.task, reservation.id)),
            _ => None,
        })?;
        self.apply(Command::AcceptReservation(AcceptReservation { id, expected_version: None }));
        Some((task, id))
    }

    /// Brings a Task that has just come to its end, and out of the memory.
    pub fn finish(&mut self, id: TaskId, events: &[Recorded]) {
        let command = match self.accept(events) {
            Some((_, reservation)) => Centre::complete(reservation),
            None => Command::CancelTask(CancelTask {
                id,
                expected_version: None,
                reason: "Nobody can take it".to_owned(),
                attributes: None,
            }),
        };
        self.apply(command);
        self.pass_millisecond();
    }

    pub fn complete(id: ReservationId) -> Command {
        Command::CompleteReservation(CompleteReservation { id, expected_version: None })
    }

    /// A random Worker's open Reservation.
    pub fn work_of_a_worker(&mut self) -> ReservationId {
        let worker = self.workers[self.random.below(self.workers.len())];
        self.work_of(worker)
    }

    fn work_of(&self, worker: WorkerId) -> ReservationId {
        let mut open = self.router.state().reservations_of_worker(worker).filter(|r| r.status.is_open());
        open.next().expect("everybody is at work").id
    }

    /// Sends a random Worker away, who finishes the work at hand and is offered nothing more.
    pub fn send_away(&mut self) -> WorkerId {
        let worker = self.workers[self.random.below(self.workers.len())];
        let work = self.work_of(worker);
        self.apply(self.activity_of(worker, "Offline"));
        self.apply(Centre::complete(work));
        worker
    }

    /// A Worker goes into an Activity.
    pub fn activity_of(&self, id: WorkerId, activity: &str) -> Command {
        Command::SetWorkerActivity(SetWorkerActivity {
            id,
            expected_version: None,
            activity: self.router.state().activity_named(activity).expect("of every Workspace").id,
            reject_pending_reservations: false,
        })
    }

    /// A random Worker with one skill or score changed.
    pub fn changed_worker(&mut self) -> UpdateWorker {
        let id = self.workers[self.random.below(self.workers.len())];
        let mut attributes = self.router.state().workers[&id].attributes.to_value();
        if self.shape == Shape::LogUniform {
            let score = format!("s{}", self.random.below(SCORES));
            attributes["scores"][score] = json!(self.random.below(SCORE_MAX as usize));
        } else {
            let queue = self.random.below(self.queues.len());
            let skills = attributes["routing"]["skills"].as_array_mut().expect("a list");
            skills.pop();
            skills.insert(0, json!(format!("k{queue}")));
        }
        let attributes = Attributes::of(&attributes);
        UpdateWorker { id, expected_version: None, name: None, attributes }
    }

    /// A random TaskQueue with another expression, which takes somewhat fewer or more Workers.
    pub fn changed_queue(&mut self) -> UpdateTaskQueue {
        let id = self.queues[self.random.below(self.queues.len())];
        let level = 1 + self.random.below(3);
        let source = self.router.state().task_queues[&id].target_workers.source().to_owned();
        let base = source.split(" AND ").next().expect("a part").to_owned();
        UpdateTaskQueue {
            id,
            expected_version: None,
            name: None,
            target_workers: Some(format!("{base} AND level >= {level}")),
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        }
    }

    pub fn pending_tasks(&self, at_most: usize) -> Vec<TaskId> {
        let tasks = self.router.state().tasks.values();
        let pending = tasks.filter(|task| task.status() == TaskStatus::Pending).map(|task| task.id);
        let all: Vec<TaskId> = pending.collect();
        let step = all.len().div_ceil(at_most);
        all.into_iter().step_by(step).collect()
    }

    // ---- making it ----

    /// Which Worker has which skill.
    fn add_queues(&mut self) -> Vec<Vec<usize>> {
        let Size { workers, task_queues, .. } = self.size;
        let mut skills = vec![Vec::new(); workers];
        for queue in 0..task_queues {
            let range = match self.shape {
                Shape::Small => Some((5, 65)),
                Shape::Mid => Some((80, 280)),
                Shape::LogUniform | Shape::Everyone => None,
            };
            let target_workers = match (range, self.shape) {
                (Some((least, most)), _) => {
                    let members = (least + self.random.below(most - least + 1)).min(workers);
                    for _ in 0..members {
                        let worker = &mut skills[self.random.below(workers)];
                        if worker.last() != Some(&queue) {
                            worker.push(queue);
                        }
                    }
                    format!("routing.skills HAS 'k{queue}'")
                }
                (None, Shape::LogUniform) => {
                    let members = (workers as f64).powf(self.random.fraction());
                    let score = (members / workers as f64 * SCORE_MAX) as u64;
                    format!("scores.s{} < {score}", queue % SCORES)
                }
                (None, _) => "1==1".to_owned(),
            };
            let id: TaskQueueId = self.mint();
            self.apply(Command::CreateTaskQueue(CreateTaskQueue {
                id,
                name: format!("Queue {queue}"),
                target_workers: Some(format!("{target_workers} AND level >= 1")),
                max_reserved_workers: None,
                task_order: None,
                wrap_up_limit_seconds: None,
            }));
            self.queues.push(id);
        }
        skills
    }

    fn add_workflows(&mut self) {
        for first in (0..self.size.task_queues).step_by(QUEUES_PER_WORKFLOW) {
            let filter = |queue: usize| {
                let id = self.queues[queue];
                let target = match queue % QUEUES_PER_LANGUAGE_STEP {
                    0 => json!({ "queue": id, "expression": "worker.languages HAS task.language" }),
                    _ => json!({ "queue": id }),
                };
                json!({
                    "filter_friendly_name": format!("Team {queue}"),
                    "expression": format!("team == 't{queue}'"),
                    "targets": [target],
                })
            };
            let filters: Vec<Value> =
                (first..self.size.task_queues.min(first + QUEUES_PER_WORKFLOW)).map(filter).collect();
            let document = json!({ "task_routing": { "filters": filters } });
            let id: WorkflowId = self.mint();
            self.apply(Command::CreateWorkflow(CreateWorkflow {
                id,
                name: format!("Workflow {first}"),
                configuration: Attributes::of(&document).expect("an object"),
                task_reservation_timeout_seconds: None,
            }));
            self.workflows.push(id);
        }
    }

    fn add_workers(&mut self, skills: &[Vec<usize>]) {
        let available = self.router.state().activity_named("Available").expect("of every Workspace").id;
        for (at, skills) in skills.iter().enumerate() {
            let languages: Vec<&str> =
                (0..LANGUAGES.len()).filter(|_| self.random.below(2) == 0).map(|at| LANGUAGES[at]).collect();
            let skills: Vec<String> = skills.iter().map(|skill| format!("k{skill}")).collect();
            let mut attributes = json!({
                "full_name": format!("Alex Example {at}"),
                "contact_uri": format!("client:alex{at}"),
                "languages": languages,
                "level": 1 + self.random.below(5),
                "routing": { "skills": skills },
            });
            if self.shape == Shape::LogUniform {
                for score in 0..SCORES {
                    let value = self.random.below(SCORE_MAX as usize);
                    attributes["scores"][format!("s{score}")] = json!(value);
                }
            }
            if attributes["routing"]["skills"] == json!([]) {
                attributes["routing"]["skills"] = json!(["k0"]);
            }
            let id: WorkerId = self.mint();
            self.apply(Command::CreateWorker(CreateWorker {
                id,
                name: format!("Worker {at}"),
                attributes: Attributes::of(&attributes).expect("an object"),
                activity: Some(available),
            }));
            self.workers.push(id);
            self.apply(Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker: id,
                task_channel: self.voice,
                expected_version: None,
                configured_capacity: None,
                available: Some(false),
            }));
        }
    }

    /// Gives every Worker one Task, by a TaskQueue in which nobody waits.
    fn occupy_workers(&mut self) {
        for _ in 0..self.size.workers {
            self.occupy_one();
        }
    }

    /// Gives the one Worker who has become free a Task.
    pub fn occupy_one(&mut self) {
        let everyone = self.router.state().workflow_named("Assign to Anyone").expect("of every Workspace").id;
        let mut command = self.new_task(self.default, None);
        command.workflow = Some(everyone);
        self.router.apply(Command::CreateTask(command), Actor::System).expect("the command is right");
        let events = self.router.take_events();
        self.accept(&events).expect("the Task was offered");
    }

    fn new_task(&mut self, channel: TaskChannelId, asks_for: Option<(usize, &str)>) -> CreateTask {
        let queue = self.random.below(self.queues.len());
        // Somebody speaks it, wherever the step asks for it.
        let language = LANGUAGES[self.random.below(LANGUAGES.len())];
        let (queue, language) = asks_for.unwrap_or((queue, language));
        let customer = self.random.below(1_000_000);
        let attributes = json!({
            "team": format!("t{queue}"),
            "language": language,
            "direction": "inbound",
            "from": format!("+1555{customer:07}"),
            "to": "+15550100200",
            "customer": {
                "id": format!("C-{customer:08}"),
                "name": format!("Casey Example {customer}"),
                "tier": "gold",
                "since": "2019-04-01",
            },
            "conversation": format!("https://crm.example.com/cases/{customer:012}"),
        });
        CreateTask {
            id: self.mint(),
            workflow: Some(self.workflows[queue / QUEUES_PER_WORKFLOW]),
            routing_target: None,
            ignore_capacity: None,
            task_channel: TaskChannelRef::Id(channel),
            attributes: Attributes::of(&attributes).expect("an object"),
            priority: Some(self.random.below(10) as u32),
            timeout_seconds: Some(TIMEOUT_SECONDS),
            virtual_start_time: None,
        }
    }

    fn mint<I: Id>(&mut self) -> I {
        self.n_minted += 1;
        I::minted(self.router.now(), self.n_minted, TAG)
    }
}

/// Is the object at this position among so many of a hundred? Spread evenly.
fn is_among(at: usize, percent: usize) -> bool {
    at * 37 % 100 < percent
}
