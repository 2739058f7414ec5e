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
    commands: Vec<(u64, u64)>,
    events: Vec<u64>,
    /// By code and field.
    rejections: BTreeMap<(&'static str, &'static str), u64>,
    codes: Vec<u64>,
}

/// The kinds of something, each in a line, with the position of each. A variant that is missing does not compile.
macro_rules! kinds {
    ($names:ident, $kind_of:ident, $type:ident: $($variant:ident)*) => {
        const $names: &[&str] = &[$(stringify!($variant),)*];

        fn $kind_of(value: &$type) -> usize {
            #[allow(clippy::items_after_statements)]
            enum Kind { $($variant,)* }
            match value { $($type::$variant { .. } => Kind::$variant as usize,)* }
        }
    };
}

kinds! { CODES, kind_of_code, Code:
    NotFound Conflict InvalidState BadUserInput InvalidExpression InvalidWorkflow LimitExceeded InUse
}

kinds! { COMMANDS, kind_of_command, Command:
    UpdateWorkspace
    CreateActivity
    UpdateActivity
    DeleteActivity
    CreateTaskChannel
    UpdateTaskChannel
    DeleteTaskChannel
    CreateTaskQueue
    UpdateTaskQueue
    DeleteTaskQueue
    CreateWorkflow
    UpdateWorkflow
    DeleteWorkflow
    CreateSkill
    UpdateSkill
    DeleteSkill
    CreateWorker
    UpdateWorker
    SetWorkerActivity
    UpdateWorkerChannel
    DeleteWorker
    AssignSkill
    UnassignSkill
    CreateTask
    UpdateTask
    CancelTask
    WrapUpTask
    CompleteTask
    TransferTask
    CancelTransfer
    DeleteTask
    AcceptReservation
    RejectReservation
    WrapUpReservation
    CompleteReservation
}

kinds! { EVENTS, kind_of_event, Event:
    WorkspaceCreated
    WorkspaceUpdated
    ActivityCreated
    ActivityUpdated
    ActivityDeleted
    TaskChannelCreated
    TaskChannelUpdated
    TaskChannelDeleted
    SkillCreated
    SkillUpdated
    SkillDeleted
    TaskQueueCreated
    TaskQueueUpdated
    TaskQueueExpressionUpdated
    TaskQueueDeleted
    WorkflowCreated
    WorkflowUpdated
    WorkflowDeleted
    WorkerCreated
    WorkerUpdated
    WorkerAttributesUpdate
    WorkerActivityUpdate
    WorkerCapacityUpdate
    WorkerChannelAvailabilityUpdate
    WorkerDeleted
    TaskCreated
    TaskUpdated
    TaskCanceled
    TaskWrapup
    TaskCompleted
    TaskSystemDeleted
    TaskTransferInitiated
    TaskTransferAttemptFailed
    TaskTransferFailed
    TaskTransferCanceled
    TaskTransferCompleted
    TaskDeleted
    TaskPurged
    WorkflowEntered
    WorkflowTargetMatched
    WorkflowTimeout
    WorkflowSkipped
    TaskQueueEntered
    TaskQueueTimeout
    TaskQueueMoved
    ReservationFailed
    ReservationCreated
    ReservationAccepted
    ReservationRejected
    ReservationTimeout
    ReservationCanceled
    ReservationRescinded
    ReservationWrapup
    ReservationCompleted
}

/// This one comes with the founding of a Workspace and never again; a test of its own looks at it.
const FOUNDING_EVENT: &str = "WorkspaceCreated";

impl Tally {
    /// Nothing yet.
    pub fn new() -> Tally {
        Tally {
            n_runs: 0,
            n_time_moves: 0,
            n_restarts: 0,
            commands: vec![(0, 0); COMMANDS.len()],
            events: vec![0; EVENTS.len()],
            rejections: BTreeMap::new(),
            codes: vec![0; CODES.len()],
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
            self.events[kind_of_event(&recorded.event)] += 1;
        }
    }

    pub fn answered(&mut self, command: &Command, rejection: Option<&Rejection>) {
        let (accepted, refused) = &mut self.commands[kind_of_command(command)];
        let Some(rejection) = rejection else {
            *accepted += 1;
            return;
        };
        *refused += 1;
        let code = kind_of_code(&rejection.code());
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
        for (name, n) in EVENTS.iter().zip(&self.events) {
            assert!(*n > 0 || *name == FOUNDING_EVENT, "no {name} in all runs");
        }
        for (name, (accepted, refused)) in COMMANDS.iter().zip(&self.commands) {
            assert!(*accepted > 0 && *refused > 0, "{name}: {accepted} accepted, {refused} refused");
        }
        for (name, n) in CODES.iter().zip(&self.codes) {
            assert!(*n > 0, "nothing was refused as {name}");
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
        for (name, n) in EVENTS.iter().zip(&self.events) {
            writeln!(formatter, "  {n:>9}  {name}")?;
        }
        writeln!(formatter, "commands, accepted and refused")?;
        for (name, (accepted, refused)) in COMMANDS.iter().zip(&self.commands) {
            writeln!(formatter, "  {accepted:>9} {refused:>9}  {name}")?;
        }
        writeln!(formatter, "refusals")?;
        for ((code, field), n) in &self.rejections {
            writeln!(formatter, "  {n:>9}  {code} {field}")?;
        }
        Ok(())
    }
}
