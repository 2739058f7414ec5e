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

const CODES: [&str; 8] = [
    "NOT_FOUND",
    "CONFLICT",
    "INVALID_STATE",
    "BAD_USER_INPUT",
    "INVALID_EXPRESSION",
    "INVALID_WORKFLOW",
    "IN_USE",
    "LIMIT_EXCEEDED",
];

const COMMANDS: [&str; 28] = [
    "UpdateWorkspace",
    "CreateActivity",
    "UpdateActivity",
    "CreateTaskChannel",
    "UpdateTaskChannel",
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
    "AcceptReservation",
    "RejectReservation",
    "WrapUpReservation",
    "CompleteReservation",
    "DeleteActivity",
    "DeleteTaskChannel",
    "DeleteTaskQueue",
    "DeleteWorkflow",
    "DeleteWorker",
    "DeleteTask",
];

const EVENTS: [&str; 44] = [
    "workspace.created",
    "workspace.updated",
    "activity.created",
    "activity.updated",
    "task-channel.created",
    "task-channel.updated",
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
    "activity.deleted",
    "task-channel.deleted",
    "task-queue.deleted",
    "workflow.deleted",
    "worker.deleted",
    "task.deleted",
];

/// This one comes with the founding of a Workspace and never again; a test of its own looks at it.
const FOUNDING_EVENT: &str = "workspace.created";

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
            assert!(n > 0 || *name == FOUNDING_EVENT, "no {name} in all runs");
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
        Code::InUse => 6,
        Code::LimitExceeded => 7,
    }
}

fn kind_of_command(command: &Command) -> usize {
    match command {
        Command::UpdateWorkspace(_) => 0,
        Command::CreateActivity(_) => 1,
        Command::UpdateActivity(_) => 2,
        Command::CreateTaskChannel(_) => 3,
        Command::UpdateTaskChannel(_) => 4,
        Command::CreateTaskQueue(_) => 5,
        Command::UpdateTaskQueue(_) => 6,
        Command::CreateWorkflow(_) => 7,
        Command::UpdateWorkflow(_) => 8,
        Command::CreateWorker(_) => 9,
        Command::UpdateWorker(_) => 10,
        Command::SetWorkerActivity(_) => 11,
        Command::UpdateWorkerChannel(_) => 12,
        Command::CreateTask(_) => 13,
        Command::UpdateTask(_) => 14,
        Command::CancelTask(_) => 15,
        Command::WrapUpTask(_) => 16,
        Command::CompleteTask(_) => 17,
        Command::AcceptReservation(_) => 18,
        Command::RejectReservation(_) => 19,
        Command::WrapUpReservation(_) => 20,
        Command::CompleteReservation(_) => 21,
        Command::DeleteActivity(_) => 22,
        Command::DeleteTaskChannel(_) => 23,
        Command::DeleteTaskQueue(_) => 24,
        Command::DeleteWorkflow(_) => 25,
        Command::DeleteWorker(_) => 26,
        Command::DeleteTask(_) => 27,
    }
}

fn kind_of_event(event: &Event) -> usize {
    match event {
        Event::WorkspaceCreated { .. } => 0,
        Event::WorkspaceUpdated { .. } => 1,
        Event::ActivityCreated { .. } => 2,
        Event::ActivityUpdated { .. } => 3,
        Event::TaskChannelCreated { .. } => 4,
        Event::TaskChannelUpdated { .. } => 5,
        Event::TaskQueueCreated { .. } => 6,
        Event::TaskQueueUpdated { .. } => 7,
        Event::TaskQueueExpressionUpdated { .. } => 8,
        Event::WorkflowCreated { .. } => 9,
        Event::WorkflowUpdated { .. } => 10,
        Event::WorkerCreated { .. } => 11,
        Event::WorkerUpdated { .. } => 12,
        Event::WorkerAttributesUpdate { .. } => 13,
        Event::WorkerActivityUpdate { .. } => 14,
        Event::WorkerCapacityUpdate { .. } => 15,
        Event::WorkerChannelAvailabilityUpdate { .. } => 16,
        Event::TaskCreated { .. } => 17,
        Event::TaskUpdated { .. } => 18,
        Event::TaskCanceled { .. } => 19,
        Event::TaskWrapup { .. } => 20,
        Event::TaskCompleted { .. } => 21,
        Event::TaskPurged { .. } => 22,
        Event::WorkflowEntered { .. } => 23,
        Event::WorkflowTargetMatched { .. } => 24,
        Event::WorkflowTimeout { .. } => 25,
        Event::WorkflowSkipped { .. } => 26,
        Event::TaskQueueEntered { .. } => 27,
        Event::TaskQueueTimeout { .. } => 28,
        Event::TaskQueueMoved { .. } => 29,
        Event::ReservationCreated { .. } => 30,
        Event::ReservationAccepted { .. } => 31,
        Event::ReservationRejected { .. } => 32,
        Event::ReservationTimeout { .. } => 33,
        Event::ReservationCanceled { .. } => 34,
        Event::ReservationRescinded { .. } => 35,
        Event::ReservationWrapup { .. } => 36,
        Event::ReservationCompleted { .. } => 37,
        Event::ActivityDeleted { .. } => 38,
        Event::TaskChannelDeleted { .. } => 39,
        Event::TaskQueueDeleted { .. } => 40,
        Event::WorkflowDeleted { .. } => 41,
        Event::WorkerDeleted { .. } => 42,
        Event::TaskDeleted { .. } => 43,
    }
}
