//! Workspaces made by hand, with odd values: the store must not care what is likely.

use std::sync::Arc;

use routing::Attributes;
use routing::event::{Actor, Event, Recorded};
use routing::ids::{
    ActivityId, Id, ReservationId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId, WorkspaceTag,
};
use routing::state::reservation::CircleBefore;
use routing::state::skill::Levels;
use routing::state::task::{Assignment, CoolDown, Ended, Place, RoutingStep, RoutingTarget, Waiting};
use routing::state::task_transfer::{Origin, TaskTransfer, TransferMode, TransferStatus};
use routing::state::worker::CircleStamp;
use routing::state::workflow::Revision;
use routing::state::{
    Activity, Phase, Reservation, ReservationStatus, Skill, State, TargetWorkers, Task, TaskChannel,
    TaskOrder, TaskQueue, Worker, WorkerChannel, Workflow, Workspace,
};
use routing::time::Timestamp;
use routing::workflow_configuration::WorkflowConfiguration;
use serde_json::json;
use switchyard::store::{Commit, Error, Key, Store, Trail};

pub const AT: Timestamp = Timestamp(1_795_000_000_000);

/// Names that a careless layer would change: capitals beyond ASCII, quotes, wide characters, blanks at the ends.
pub const ODD_NAMES: [&str; 4] = ["Ärger & Söhne ẞ", "'; DROP TABLE task; --", " 受付\u{1F98A}\"\\ ", ""];

/// A Workspace under way: its state, and the events that are not yet committed.
pub struct Sample {
    pub state: State,
    /// The end of the log at the last commit.
    pub committed: u64,
    /// One entry for each command since then.
    pub entries: Vec<Vec<Recorded>>,
    /// What was committed since rows were written.
    trail: Trail,
    tag: WorkspaceTag,
    ids: u64,
}

impl Sample {
    /// Before its first commit: two Activities and Task Channels, three Skills, a TaskQueue, a Workflow and a Worker.
    pub fn new(tag: u32) -> Sample {
        let tag = WorkspaceTag(tag);
        let activities = [1, 2].map(|n| ActivityId::minted(AT, n, tag));
        let workspace = Arc::new(Workspace {
            id: WorkspaceId::minted(AT, 0, tag),
            name: ODD_NAMES[0].to_owned(),
            queue_order_priority: TaskOrder::Lifo,
            default_activity: activities[0],
            timeout_activity: None,
            logout_activity: activities[1],
            reoffer_delay_seconds: u32::MAX,
            assigned_limit_hours: Some(u32::MAX),
            version: u32::MAX,
            created_at: Timestamp(i64::MIN),
            updated_at: Timestamp(i64::MAX),
        });
        let state = State::before(Arc::clone(&workspace));
        let mut sample =
            Sample { trail: Trail::new(state.id()), state, committed: 0, entries: Vec::new(), tag, ids: 10 };

        let mut events = vec![Event::WorkspaceCreated { workspace }];
        for (id, name, available) in
            [(activities[0], ODD_NAMES[1], true), (activities[1], ODD_NAMES[2], false)]
        {
            let activity = Activity {
                id,
                name: name.to_owned(),
                available,
                version: 1,
                created_at: AT,
                updated_at: AT,
                deleted_at: None,
            };
            events.push(Event::ActivityCreated { activity: Arc::new(activity) });
        }
        for (unique_name, channel_optimized_routing) in [("default", false), ("voice", true)] {
            let task_channel = TaskChannel {
                id: sample.id(),
                name: ODD_NAMES[3].to_owned(),
                unique_name: unique_name.to_owned(),
                channel_optimized_routing,
                version: 1,
                created_at: AT,
                updated_at: AT,
                deleted_at: None,
            };
            events.push(Event::TaskChannelCreated { task_channel: Arc::new(task_channel) });
        }
        sample.record(events);
        for (name, target_workers, task_order) in
            [("Everybody", "1==1", TaskOrder::Fifo), ("Nobody", "", TaskOrder::Lifo)]
        {
            let task_queue = TaskQueue {
                id: sample.id(),
                name: name.to_owned(),
                target_workers: TargetWorkers::parse(target_workers).expect("an expression"),
                max_reserved_workers: 50,
                task_order,
                wrap_up_limit_seconds: Some(u32::MAX),
                version: 1,
                created_at: AT,
                updated_at: AT,
                deleted_at: None,
            };
            sample.record(vec![Event::TaskQueueCreated { task_queue: Arc::new(task_queue) }]);
        }
        sample.add_skill(ODD_NAMES[2], None);
        sample.add_skill(ODD_NAMES[0], Some(Levels { minimum: 0, maximum: u32::MAX }));
        sample.add_skill("x", Some(Levels { minimum: 7, maximum: 7 }));
        sample.add_workflow();
        sample.add_worker(ODD_NAMES[0]);
        sample
    }

    /// Goes on with what was loaded.
    pub fn resume(&mut self, state: State) {
        self.committed = state.sequence;
        self.ids = 1_000 * state.sequence;
        self.trail = Trail::new(state.id());
        self.state = state;
        self.entries.clear();
    }

    /// An id of this Workspace that was not used before.
    pub fn id<T: Id>(&mut self) -> T {
        self.ids += 1;
        T::minted(AT, self.ids, self.tag)
    }

    /// What one command did.
    pub fn record(&mut self, events: Vec<Event>) {
        let entry = events.into_iter().map(|event| {
            let sequence = self.state.sequence + 1;
            let at = Timestamp(AT.0 + sequence as i64);
            let recorded = Recorded { sequence, at, actor: Actor::Admin(ODD_NAMES[2].into()), event };
            self.state.evolve(&recorded);
            recorded
        });
        let entry = entry.collect();
        self.entries.push(entry);
    }

    /// Commits what is not yet committed.
    pub async fn commit(&mut self, store: &Store) -> Result<(), Error> {
        self.commit_with_keys(store, &[]).await
    }

    pub async fn commit_with_keys(&mut self, store: &Store, keys: &[Key]) -> Result<(), Error> {
        let commit = Commit {
            workspace: self.state.id(),
            expected_sequence: self.committed,
            state: &self.state,
            entries: self.entries.iter().map(Vec::as_slice).collect(),
            keys,
        };
        store.commit(&commit).await?;
        self.committed = self.state.sequence;
        self.trail.add(self.entries.iter().flatten());
        self.entries.clear();
        Ok(())
    }

    /// Has the rows show all that was committed.
    pub async fn write_rows(&mut self, store: &Store) {
        store.write_rows(&self.trail.take()).await.expect("rows can be written");
    }

    pub fn add_skill(&mut self, name: &str, levels: Option<Levels>) -> Arc<Skill> {
        let (id, name) = (self.id(), name.to_owned());
        let skill = Arc::new(Skill { id, name, levels, version: 9, created_at: AT, updated_at: AT });
        self.record(vec![Event::SkillCreated { skill: Arc::clone(&skill) }]);
        skill
    }

    pub fn add_workflow(&mut self) -> Arc<Workflow> {
        let queue = self.queue();
        let configuration = |note: &str| {
            let document = json!({
                "task_routing": { "filters": [], "default_filter": { "queue": queue.to_string() } },
                "note": note,
            });
            let document = Attributes::of(&document).expect("an object");
            Arc::new(WorkflowConfiguration::parse(&document).expect("a routing document"))
        };
        let workflow = Arc::new(Workflow {
            id: self.id(),
            name: format!("Workflow {}", ODD_NAMES[2]),
            revisions: vec![
                Revision { number: 3, configuration: configuration(ODD_NAMES[1]) },
                Revision { number: u32::MAX, configuration: configuration("\u{0}") },
            ],
            task_reservation_timeout_seconds: 86_400,
            version: 2,
            created_at: AT,
            updated_at: AT,
            deleted_at: None,
        });
        self.record(vec![Event::WorkflowCreated { workflow: Arc::clone(&workflow) }]);
        workflow
    }

    pub fn add_worker(&mut self, name: &str) -> Arc<Worker> {
        let channels = self.state.task_channels.keys().enumerate().map(|(n, &task_channel)| WorkerChannel {
            task_channel,
            configured_capacity: 50,
            available: n == 0,
            pending: u32::MAX,
            accepted: 2,
            wrapping: 3,
            last_reserved: if n == 0 {
                None
            } else {
                Some(CircleStamp { sequence: u64::MAX, at: Timestamp(-1) })
            },
            version: 7,
            created_at: AT,
            updated_at: AT,
        });
        let channels = channels.collect();
        let worker = Arc::new(Worker {
            id: self.id(),
            name: name.to_owned(),
            attributes: attributes(),
            activity: *self.state.activities.keys().next().expect("an Activity"),
            activity_changed_at: Timestamp(0),
            channels,
            last_reserved: Some(CircleStamp { sequence: i64::MAX as u64, at: Timestamp(i64::MIN) }),
            version: 1,
            created_at: AT,
            updated_at: AT,
            deleted_at: None,
        });
        self.record(vec![Event::WorkerCreated { worker: Arc::clone(&worker) }]);
        worker
    }

    /// A Task that is not yet recorded.
    pub fn task(&mut self, phase: Phase) -> Task {
        Task {
            id: self.id(),
            created_sequence: i64::MAX as u64,
            attributes: attributes(),
            priority: i32::MAX as u32,
            task_channel: *self.state.task_channels.keys().next().expect("a Task Channel"),
            workflow: Some(self.workflow()),
            routing_target: Some(RoutingTarget::Worker(self.worker())),
            ignore_capacity: true,
            task_queue: Some(self.queue()),
            task_queue_entered_at: Some(AT),
            timeout_seconds: 1_209_600,
            virtual_start_time: Timestamp(-62_135_596_800_000),
            assignment_count: u32::MAX,
            phase,
            open_reservations: Default::default(),
            transfers: vec![self.transfer(TransferStatus::Failed), self.transfer(TransferStatus::Initiated)]
                .into(),
            cool_downs: Default::default(),
            version: 1,
            created_at: AT,
            updated_at: Timestamp(AT.0 + 1),
            deleted_at: None,
        }
    }

    fn transfer(&mut self, status: TransferStatus) -> TaskTransfer {
        TaskTransfer {
            id: self.id(),
            mode: TransferMode::Cold,
            status,
            to: RoutingTarget::TaskQueue(self.queue()),
            initiating_reservation: self.id(),
            initiator: self.worker(),
            reservation: Some(self.id()),
            reason: Some(ODD_NAMES[1].to_owned()),
            origin: Origin {
                workflow: Some(self.workflow()),
                task_queue: None,
                task_queue_entered_at: Some(Timestamp(i64::MIN)),
            },
            created_at: AT,
            updated_at: Timestamp(i64::MAX),
        }
    }

    /// One command that creates a Task as a server would: four events.
    pub fn create_task(&mut self) -> TaskId {
        let before =
            Arc::new(self.task(Phase::Pending(Waiting { expires_at: AT, place: None, held_by: None })));
        let after = Arc::new(Task { phase: Phase::Pending(waiting()), ..(*before).clone() });
        self.record(vec![
            Event::TaskCreated { task: Arc::clone(&before) },
            Event::WorkflowEntered { task: before },
            Event::WorkflowTargetMatched { task: Arc::clone(&after) },
            Event::TaskQueueEntered { task: Arc::clone(&after) },
        ]);
        after.id
    }

    /// A Reservation that is not yet recorded.
    pub fn reservation(&mut self, task: &Task, status: ReservationStatus) -> Reservation {
        let stamp = CircleStamp { sequence: 5, at: AT };
        Reservation {
            id: self.id(),
            task: task.id,
            worker: self.worker(),
            task_channel: task.task_channel,
            task_queue: Some(self.queue()),
            workflow: task.workflow,
            transfer: None,
            status,
            timeout_seconds: 1,
            accepted_at: None,
            wrap_up_at: Some(Timestamp(0)),
            ended_at: Some(AT),
            reason: Some(ODD_NAMES[1].to_owned()),
            circle_before: CircleBefore { common: None, channel: Some(stamp) },
            version: 3,
            created_at: AT,
            updated_at: AT,
        }
    }

    /// Offers a Task to the Worker of the sample, with whatever status the offer has by now.
    pub fn offer(&mut self, task: &Task, status: ReservationStatus) -> ReservationId {
        let reservation = Arc::new(self.reservation(task, status));
        let (id, worker) = (reservation.id, Arc::clone(&self.state.workers[&reservation.worker]));
        let task = Arc::clone(&self.state.tasks[&task.id]);
        self.record(vec![Event::ReservationCreated { reservation, task, worker }]);
        id
    }

    pub fn add_task(&mut self, phase: Phase) -> Arc<Task> {
        let task = Arc::new(self.task(phase));
        self.record(vec![Event::TaskCreated { task: Arc::clone(&task) }]);
        task
    }

    pub fn queue(&self) -> TaskQueueId {
        *self.state.task_queues.keys().next().expect("a TaskQueue")
    }

    pub fn workflow(&self) -> WorkflowId {
        *self.state.workflows.keys().next().expect("a Workflow")
    }

    pub fn worker(&self) -> WorkerId {
        *self.state.workers.keys().next().expect("a Worker")
    }
}

/// Every phase, some of them with all and with nothing of what they may have.
pub fn phases(reservation: ReservationId) -> Vec<Phase> {
    let assignment = Assignment { reservation, at: Timestamp(i64::MAX) };
    let ended = Ended { at: AT, reason: Some(ODD_NAMES[2].to_owned()), reservation: Some(reservation) };
    let ended_silently = Ended { at: Timestamp(0), reason: None, reservation: None };
    vec![
        Phase::Pending(Waiting { expires_at: Timestamp(i64::MAX), place: None, held_by: None }),
        Phase::Pending(Waiting {
            place: Some(Place::TaskQueue),
            held_by: Some(Box::new(assignment.clone())),
            ..waiting()
        }),
        Phase::Pending(waiting()),
        Phase::Reserved(Waiting {
            place: Some(Place::Step(RoutingStep {
                filter: None,
                filter_name: None,
                deadline: None,
                ..step()
            })),
            ..waiting()
        }),
        Phase::Assigned(assignment.clone()),
        Phase::Wrapping(assignment),
        Phase::Completed(ended.clone()),
        Phase::Completed(ended_silently.clone()),
        Phase::Canceled(Ended { reason: Some(String::new()), ..ended_silently }),
        Phase::Canceled(ended),
    ]
}

pub const RESERVATION_STATUSES: [ReservationStatus; 8] = [
    ReservationStatus::Pending,
    ReservationStatus::Accepted,
    ReservationStatus::Rejected,
    ReservationStatus::TimedOut,
    ReservationStatus::Canceled,
    ReservationStatus::Rescinded,
    ReservationStatus::Wrapping,
    ReservationStatus::Completed,
];

pub fn waiting() -> Waiting {
    Waiting { expires_at: Timestamp(AT.0 + 86_400_000), place: Some(Place::Step(step())), held_by: None }
}

pub fn cool_down(worker: WorkerId) -> CoolDown {
    CoolDown { worker, until: Timestamp(i64::MAX) }
}

fn step() -> RoutingStep {
    RoutingStep {
        revision: 3,
        filter: Some(u32::MAX),
        filter_name: Some(ODD_NAMES[1].into()),
        target: 2,
        entered_at: AT,
        clock_started_at: Timestamp(i64::MIN),
        clock_target: 0,
        deadline: Some(Timestamp(i64::MAX)),
    }
}

/// With the order of the keys, a zero character, numbers beyond 64 bits, and deep things.
fn attributes() -> Attributes {
    let text = r#"{"z":"\u0000","a":[[[]]],"n":123456789012345678901234567890.10,"ü":{"🦊":null},"a ":"\""}"#;
    serde_json::from_str(text).expect("an object")
}
