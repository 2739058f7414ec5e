//! A scenario as it was read: a set-up and a story, by names.
//!
//! Names are not looked up here. They are resolved when the story comes to them, because things may be renamed.

use routing::Limits;
use routing::rejection::Code;
use routing::state::task_transfer::{TransferMode, TransferStatus};
use routing::state::{ReservationStatus, TaskOrder};
use routing::time::Timestamp;
use serde_json::Value;

use crate::time::{Instant, Span};
use crate::yaml::Located;

/// A name, or a text that may hold `${names}`, with its place in the file.
pub(crate) type Text = Located<String>;
/// Attributes or a routing document; the place is that of the whole value.
pub(crate) type Json = Located<Value>;

/// A file.
pub(crate) struct Scenario {
    pub starts: Timestamp,
    pub limits: Limits,
    /// Makes what the file sets up.
    pub set_up: Vec<Step>,
    pub story: Vec<Step>,
}

/// An entry of the story.
pub(crate) struct Step {
    pub action: Located<Action>,
    /// The code of the refusal, for a command that must be refused.
    pub refused: Option<Located<Code>>,
}

/// What a step does.
pub(crate) enum Action {
    At(Instant),
    After(Span),
    Restart { down_for: Option<Span> },
    Expect(Vec<Expectation>),
    Command(Box<Command>),
}

/// A command with names in place of ids. In updates, `None` keeps what is there.
pub(crate) enum Command {
    Create(CreateTask),
    Update(UpdateTask),
    Cancel {
        task: Text,
        reason: Option<Text>,
        attributes: Option<Json>,
    },
    Accept(Offer),
    Reject {
        offer: Offer,
        reason: Option<Text>,
        activity: Option<Text>,
    },
    WrapUp {
        work: Offer,
        attributes: Option<Json>,
    },
    Complete {
        work: Offer,
        reason: Option<Text>,
        attributes: Option<Json>,
    },
    Transfer {
        task: Text,
        to: Destination,
        mode: TransferMode,
        attributes: Option<Json>,
        priority: Option<u32>,
    },
    CancelTransfer {
        task: Text,
        reason: Option<Text>,
    },
    AddWorker {
        worker: Text,
        attributes: Option<Json>,
        activity: Option<Text>,
    },
    UpdateWorker {
        worker: Text,
        name: Option<Text>,
        attributes: Option<Json>,
    },
    SetActivity {
        worker: Text,
        activity: Text,
        reject_pending_reservations: bool,
    },
    SetCapacity {
        worker: Text,
        channel: Text,
        capacity: u32,
    },
    SetChannelAvailable {
        worker: Text,
        channel: Text,
        available: bool,
    },
    AddActivity {
        activity: Text,
        available: bool,
    },
    UpdateActivity {
        activity: Text,
        name: Text,
    },
    AddChannel {
        channel: Text,
        name: Option<Text>,
        channel_optimized_routing: bool,
    },
    UpdateChannel {
        channel: Text,
        name: Option<Text>,
        channel_optimized_routing: Option<bool>,
    },
    /// One of a set-up: created, unless every Workspace has it.
    SetUpChannel {
        channel: Text,
        channel_optimized_routing: bool,
    },
    AddQueue {
        queue: Text,
        settings: Queue,
    },
    UpdateQueue {
        queue: Text,
        name: Option<Text>,
        settings: Queue,
    },
    AddWorkflow {
        workflow: Text,
        settings: Workflow,
    },
    UpdateWorkflow {
        workflow: Text,
        name: Option<Text>,
        settings: Workflow,
        re_evaluate_tasks: bool,
    },
    AddSkill {
        skill: Text,
        levels: SkillLevels,
    },
    UpdateSkill {
        skill: Text,
        name: Option<Text>,
        levels: SkillLevels,
    },
    DeleteSkill {
        skill: Text,
    },
    AssignSkill {
        worker: Text,
        skill: Text,
        level: Option<u32>,
    },
    UnassignSkill {
        worker: Text,
        skill: Text,
    },
    UpdateWorkspace(Workspace),
    DeleteTask {
        task: Text,
    },
    DeleteWorker {
        worker: Text,
        force: bool,
    },
    DeleteActivity {
        activity: Text,
    },
    DeleteChannel {
        channel: Text,
    },
    DeleteQueue {
        queue: Text,
    },
    DeleteWorkflow {
        workflow: Text,
    },
}

pub(crate) struct CreateTask {
    pub task: Text,
    /// `None`: the only Workflow that the file sets up, unless there is a destination.
    pub workflow: Option<Text>,
    pub to: Option<Destination>,
    pub ignore_capacity: Option<bool>,
    pub attributes: Option<Json>,
    pub channel: Option<Text>,
    pub priority: Option<u32>,
    pub timeout_seconds: Option<u32>,
    pub virtual_start_time: Option<Instant>,
}

pub(crate) struct UpdateTask {
    pub task: Text,
    pub attributes: Option<Json>,
    pub channel: Option<Text>,
    pub priority: Option<u32>,
    pub virtual_start_time: Option<Instant>,
}

/// Where a Task is sent.
pub(crate) enum Destination {
    Worker(Text),
    Queue(Text),
    Workflow(Text),
}

/// A Task, and which Worker's Reservation of it. Without a Worker it is up to the command what is meant.
pub(crate) struct Offer {
    pub task: Text,
    pub worker: Option<Text>,
}

/// `None`: not said; `Some(None)`: without this level.
#[derive(Default)]
pub(crate) struct SkillLevels {
    pub minimum: Option<Option<u32>>,
    pub maximum: Option<Option<u32>>,
}

#[derive(Default)]
pub(crate) struct Queue {
    pub workers: Option<Text>,
    pub order: Option<TaskOrder>,
    pub max_reserved_workers: Option<u32>,
    /// `Some(None)`: there is no limit.
    pub wrap_up_limit_seconds: Option<Option<u32>>,
}

pub(crate) struct Workflow {
    pub reservation_timeout_seconds: Option<u32>,
    pub routing: Option<Routing>,
}

/// The routing document of a Workflow.
pub(crate) enum Routing {
    /// Written in the short way.
    Filters { filters: Vec<Filter>, default: Option<Target> },
    /// As TaskRouter has it, but with names of TaskQueues allowed in place of ids.
    Document(Json),
}

pub(crate) struct Filter {
    pub name: Option<Text>,
    pub when: Text,
    pub targets: Vec<Target>,
}

pub(crate) struct Target {
    pub queue: Option<Text>,
    pub timeout_seconds: Option<u32>,
    pub priority: Option<u32>,
    /// The texts, by the key of the routing document: `expression`, `order_by`, `known_worker_sid`, …
    pub texts: Vec<(&'static str, Text)>,
}

#[derive(Default)]
pub(crate) struct Workspace {
    pub name: Option<Text>,
    pub reoffer_delay_seconds: Option<u32>,
    /// `Some(None)`: there is no limit.
    pub assigned_limit_hours: Option<Option<u32>>,
    pub queue_order_priority: Option<TaskOrder>,
    pub default_activity: Option<Text>,
    /// `Some(None)`: whoever does not answer is not moved.
    pub timeout_activity: Option<Option<Text>>,
}

/// Something that must be so.
pub(crate) enum Expectation {
    Task {
        task: Text,
        is: Box<TaskExpectation>,
    },
    Worker {
        worker: Text,
        is: WorkerExpectation,
    },
    /// Exactly these events came since they were last expected.
    Events(Located<Vec<Text>>),
    /// When the router has to be woken next; `None`: nothing is due.
    NextDeadline(Located<Option<Instant>>),
}

#[derive(Default)]
pub(crate) struct TaskExpectation {
    pub standing: Option<Located<Standing>>,
    /// The TaskQueue.
    pub queue: Option<Text>,
    /// The step of the Workflow: `Billing/1`, `2/1`, `default`.
    pub step: Option<Text>,
    pub priority: Option<Located<u32>>,
    /// The deadline of the step; `None`: it has none.
    pub until: Option<Located<Option<Instant>>>,
    pub reason: Option<Text>,
    /// How often it went from pending to reserved.
    pub assignments: Option<Located<u32>>,
    pub attributes: Option<Json>,
    /// The newest Reservation of the Task for each of these Workers.
    pub reservations: Vec<(Text, Located<ReservationStatus>)>,
    /// Who has it, also while it is transferred; `None`: nobody.
    pub owner: Option<Located<Option<String>>>,
    /// How its last transfer stands.
    pub transfer: Option<Located<TransferStatus>>,
}

/// Where a Task is in its life, and who has it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Standing {
    Pending,
    /// In the order of the offers.
    ReservedFor(Vec<String>),
    AssignedTo(String),
    WrappingBy(String),
    Completed,
    CompletedBy(String),
    Canceled,
    Deleted,
    /// Not in memory any more.
    Purged,
}

#[derive(Default)]
pub(crate) struct WorkerExpectation {
    pub activity: Option<Text>,
    pub attributes: Option<Json>,
    /// The Tasks of the Worker's open Reservations, in the order of the offers.
    pub holds: Option<Located<Vec<Text>>>,
    pub channels: Vec<(Text, ChannelExpectation)>,
}

#[derive(Default)]
pub(crate) struct ChannelExpectation {
    pub capacity: Option<Located<u32>>,
    pub available: Option<Located<bool>>,
    /// How many Reservations are open.
    pub open: Option<Located<u32>>,
    /// Free capacity in percent.
    pub free: Option<Located<u32>>,
}
