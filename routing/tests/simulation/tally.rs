//! What occurred in all runs together. A check that never had anything to check has not checked anything.

use std::collections::BTreeMap;
use std::fmt;

use routing::rejection::Code;
use routing::{Command, Event, Recorded, Rejection};

/// Counts.
pub struct Tally {
    n_runs: u64,
    n_time_moves: u64,
    n_restarts: u64,
    /// By kind of command: accepted, refused.
    commands: [(u64, u64); COMMANDS.len()],
    events: [u64; EVENTS.len()],
    /// By code and field.
    rejections: BTreeMap<(&'static str, &'static str), u64>,
    codes: [u64; CODES.len()],
}

const CODES: [&str; 7] = [
    "NOT_FOUND",
    "CONFLICT",
    "INVALID_STATE",
    "BAD_USER_INPUT",
    "INVALID_EXPRESSION",
    "INVALID_WORKFLOW",
    "LIMIT_EXCEEDED",
];

const COMMANDS: [&str; 22] = [
    "UpdateWorkspace",
    "CreateActivity",
    "UpdateActivity",
    "CreateTaskQueue",
    "UpdateTaskQueue",
    "CreateWorkflow",
    "UpdateWorkflow",
    "CreateWorker",
    "UpdateWorker",
    "SetWorkerActivity",
    "UpdateWorkerChannel",
    "CreateTask",
    "UpdateTask",
    "CancelTask",
    "WrapUpTask",
    "CompleteTask",
    "TransferTask",
    "CancelTransfer",
    "AcceptReservation",
    "RejectReservation",
    "WrapUpReservation",
    "CompleteReservation",
];

const EVENTS: [&str; 42] = [
    "workspace.created",
    "workspace.updated",
    "activity.created",
    "activity.updated",
    "task-channel.created",
    "task-queue.created",
    "task-queue.updated",
    "task-queue.expression.updated",
    "workflow.created",
    "workflow.updated",
    "worker.created",
    "worker.updated",
    "worker.attributes.update",
    "worker.activity.update",
    "worker.capacity.update",
    "worker.channel.availability.update",
    "task.created",
    "task.updated",
    "task.canceled",
    "task.wrapup",
    "task.completed",
    "task.transfer-initiated",
    "task.transfer-attempt-failed",
    "task.transfer-failed",
    "task.transfer-canceled",
    "task.transfer-completed",
    "task.purged",
    "workflow.entered",
    "workflow.target-matched",
    "workflow.timeout",
    "workflow.skipped",
    "task-queue.entered",
    "task-queue.timeout",
    "task-queue.moved",
    "reservation.created",
    "reservation.accepted",
    "reservation.rejected",
    "reservation.timeout",
    "reservation.canceled",
    "reservation.rescinded",
    "reservation.wrapup",
    "reservation.completed",
];

/// These two come with the founding of a Workspace and never again; a test of their own looks at them.
const FOUNDING_EVENTS: [&str; 2] = ["workspace.created", "task-channel.created"];

impl Tally {
    /// Nothing yet.
    pub fn new() -> Tally {
        Tally {
            n_runs: 0,
            n_time_moves: 0,
            n_restarts: 0,
            commands: [(0, 0); COMMANDS.len()],
            events: [0; EVENTS.len()],
            rejections: BTreeMap::new(),
            codes: [0; CODES.len()],
        }
    }

    /// Takes over what was counted elsewhere.
    pub fn add(&mut self, other: Tally) {
        let Tally { n_runs, n_time_moves, n_restarts, commands, events, rejections, codes } = other;
        self.n_runs += n_runs;
        self.n_time_moves += n_time_moves;
        self.n_restarts += n_restarts;
        for (sum, (accepted, refused)) in self.commands.iter_mut().zip(commands) {
            *sum = (sum.0 + accepted, sum.1 + refused);
        }
        self.events.iter_mut().zip(events).for_each(|(sum, n)| *sum += n);
        self.codes.iter_mut().zip(codes).for_each(|(sum, n)| *sum += n);
        for (kind, n) in rejections {
            *self.rejections.entry(kind).or_default() += n;
        }
    }

    pub fn run_began(&mut self) {
        self.n_runs += 1;
    }

    pub fn time_moved(&mut self) {
        self.n_time_moves += 1;
    }

    pub fn restarted(&mut self) {
        self.n_restarts += 1;
    }

    pub fn occurred(&mut self, events: &[Recorded]) {
        for recorded in events {
            let kind = kind_of_event(&recorded.event);
            assert_eq!(EVENTS[kind], recorded.event.name(), "the list of events is in order");
            self.events[kind] += 1;
        }
    }

    pub fn answered(&mut self, command: &Command, rejection: Option<&Rejection>) {
        let (accepted, refused) = &mut self.commands[kind_of_command(command)];
        let Some(rejection) = rejection else {
            *accepted += 1;
            return;
        };
        *refused += 1;
        let code = kind_of_code(rejection.code());
        self.codes[code] += 1;
        let field = rejection.field().unwrap_or("-");
        *self.rejections.entry((CODES[code], field)).or_default() += 1;
        let sentence = rejection.to_string();
        assert!(
            !sentence.is_empty() && !sentence.ends_with('.'),
            "a sentence without a full stop: {sentence}"
        );
    }

    pub fn n_commands(&self) -> usize {
        self.commands.iter().map(|(accepted, refused)| accepted + refused).sum::<u64>() as usize
    }

    /// Each kind of event occurred, each kind of command was accepted and refused, and each kind of refusal was seen.
    pub fn assert_that_everything_occurred(&self) {
        for (name, n) in EVENTS.iter().zip(self.events) {
            assert!(n > 0 || FOUNDING_EVENTS.contains(name), "no {name} in all runs");
        }
        for (name, (accepted, refused)) in COMMANDS.iter().zip(self.commands) {
            assert!(accepted > 0 && refused > 0, "{name}: {accepted} accepted, {refused} refused");
        }
        for (name, n) in CODES.iter().zip(self.codes) {
            assert!(n > 0, "nothing was refused as {name}");
        }
        assert!(self.n_restarts > 0 && self.n_time_moves > 0, "restarts and time");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_events: u64 = self.events.iter().sum();
        writeln!(
            formatter,
            "{} runs, {} commands, {} moves of time, {} restarts, {n_events} events",
            self.n_runs,
            self.n_commands(),
            self.n_time_moves,
            self.n_restarts
        )?;
        for (name, n) in EVENTS.iter().zip(self.events) {
            writeln!(formatter, "  {n:>9}  {name}")?;
        }
        writeln!(formatter, "commands, accepted and refused")?;
        for (name, (accepted, refused)) in COMMANDS.iter().zip(self.commands) {
            writeln!(formatter, "  {accepted:>9} {refused:>9}  {name}")?;
        }
        writeln!(formatter, "refusals")?;
        for ((code, field), n) in &self.rejections {
            writeln!(formatter, "  {n:>9}  {code} {field}")?;
        }
        Ok(())
    }
}

// The matches below have no `_`, so that what is new cannot be forgotten here.

fn kind_of_code(code: Code) -> usize {
    match code {
        Code::NotFound => 0,
        Code::Conflict => 1,
        Code::InvalidState => 2,
        Code::BadUserInput => 3,
        Code::InvalidExpression => 4,
        Code::InvalidWorkflow => 5,
        Code::LimitExceeded => 6,
    }
}

fn kind_of_command(command: &Command) -> usize {
    match command {
        Command::UpdateWorkspace(_) => 0,
        Command::CreateActivity(_) => 1,
        Command::UpdateActivity(_) => 2,
        Command::CreateTaskQueue(_) => 3,
        Command::UpdateTaskQueue(_) => 4,
        Command::CreateWorkflow(_) => 5,
        Command::UpdateWorkflow(_) => 6,
        Command::CreateWorker(_) => 7,
        Command::UpdateWorker(_) => 8,
        Command::SetWorkerActivity(_) => 9,
        Command::UpdateWorkerChannel(_) => 10,
        Command::CreateTask(_) => 11,
        Command::UpdateTask(_) => 12,
        Command::CancelTask(_) => 13,
        Command::WrapUpTask(_) => 14,
        Command::CompleteTask(_) => 15,
        Command::TransferTask(_) => 16,
        Command::CancelTransfer(_) => 17,
        Command::AcceptReservation(_) => 18,
        Command::RejectReservation(_) => 19,
        Command::WrapUpReservation(_) => 20,
        Command::CompleteReservation(_) => 21,
    }
}

fn kind_of_event(event: &Event) -> usize {
    match event {
        Event::WorkspaceCreated { .. } => 0,
        Event::WorkspaceUpdated { .. } => 1,
        Event::ActivityCreated { .. } => 2,
        Event::ActivityUpdated { .. } => 3,
        Event::TaskChannelCreated { .. } => 4,
        Event::TaskQueueCreated { .. } => 5,
        Event::TaskQueueUpdated { .. } => 6,
        Event::TaskQueueExpressionUpdated { .. } => 7,
        Event::WorkflowCreated { .. } => 8,
        Event::WorkflowUpdated { .. } => 9,
        Event::WorkerCreated { .. } => 10,
        Event::WorkerUpdated { .. } => 11,
        Event::WorkerAttributesUpdate { .. } => 12,
        Event::WorkerActivityUpdate { .. } => 13,
        Event::WorkerCapacityUpdate { .. } => 14,
        Event::WorkerChannelAvailabilityUpdate { .. } => 15,
        Event::TaskCreated { .. } => 16,
        Event::TaskUpdated { .. } => 17,
        Event::TaskCanceled { .. } => 18,
        Event::TaskWrapup { .. } => 19,
        Event::TaskCompleted { .. } => 20,
        Event::TaskTransferInitiated { .. } => 21,
        Event::TaskTransferAttemptFailed { .. } => 22,
        Event::TaskTransferFailed { .. } => 23,
        Event::TaskTransferCanceled { .. } => 24,
        Event::TaskTransferCompleted { .. } => 25,
        Event::TaskPurged { .. } => 26,
        Event::WorkflowEntered { .. } => 27,
        Event::WorkflowTargetMatched { .. } => 28,
        Event::WorkflowTimeout { .. } => 29,
        Event::WorkflowSkipped { .. } => 30,
        Event::TaskQueueEntered { .. } => 31,
        Event::TaskQueueTimeout { .. } => 32,
        Event::TaskQueueMoved { .. } => 33,
        Event::ReservationCreated { .. } => 34,
        Event::ReservationAccepted { .. } => 35,
        Event::ReservationRejected { .. } => 36,
        Event::ReservationTimeout { .. } => 37,
        Event::ReservationCanceled { .. } => 38,
        Event::ReservationRescinded { .. } => 39,
        Event::ReservationWrapup { .. } => 40,
        Event::ReservationCompleted { .. } => 41,
    }
}
