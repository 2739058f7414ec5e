//! What holds after every event and after every step, whatever was asked: the invariants of `docs/invariants.md`
//! (`I-01`, …), each a function named after what it says.
//!
//! The [`Auditor`] sees what an outsider sees: the steps, the events, and the state. It applies the events to a
//! state of its own, one at a time, so that each can be judged by the state before it. Its notion of right and wrong
//! is that of [`crate::rules`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use routing::command::*;
use routing::event::{Actor, Event, Recorded};
use routing::ids::*;
use routing::index::Index;
use routing::index::explain::CheckKind;
use routing::state::{
    Activity, Phase, Reservation, ReservationStatus, TargetWorkers, Task, TaskChannel, TaskQueue, TaskStatus,
    Worker, WorkerChannel, Workflow,
};
use routing::time::Timestamp;
use routing::{Command, Limits, Rejection, Router, State};

use crate::rules::{Memory, Place, Rules, expires_at};

/// Why events happened: the step that was taken.
#[derive(Clone, Copy)]
pub enum Cause<'a> {
    Command(&'a Command, &'a Actor),
    Time,
}

/// Watches one run.
pub struct Auditor {
    /// The state that follows from the founding state and all events.
    state: State,
    memory: Memory,
    limits: Limits,
    /// The time of the newest event.
    last_at: Timestamp,
    /// The time of the last step.
    now: Timestamp,
    next: Next,
    /// Pending Tasks that are sent through their Workflow again, in this order.
    redrives: VecDeque<TaskId>,
}

/// What has to be the very next event.
#[derive(Clone, PartialEq, Debug)]
enum Next {
    /// Nothing in particular.
    Anything,
    WorkflowEntered(TaskId),
    Step(TaskId, Place),
    /// The Task stays in its step and takes this priority.
    Priority(TaskId, u32),
    TaskQueue(TaskId, TaskQueueId),
    WorkflowTimeout(TaskId),
    WorkflowSkipped(TaskId),
    /// With this reason.
    TaskCanceled(TaskId, &'static str),
}

/// An event with what was before and after it.
struct Occurrence<'a> {
    before: &'a State,
    after: &'a State,
    rules: Rules<'a>,
    recorded: &'a Recorded,
    cause: Cause<'a>,
    /// The event before, in the same step.
    previous: Option<&'a Event>,
}

impl Auditor {
    pub fn new(founding_state: &State, limits: Limits, now: Timestamp) -> Auditor {
        Auditor {
            state: founding_state.clone(),
            memory: Memory::of(founding_state),
            limits,
            last_at: now,
            now,
            next: Next::Anything,
            redrives: VecDeque::new(),
        }
    }

    /// Judges a step by its events and by the router after it.
    pub fn step(&mut self, cause: Cause<'_>, events: &[Recorded], router: &Router) {
        let begin = self.state.clone();
        self.time_alone_causes_nothing(&begin, cause, events, router.now());
        self.now = router.now();
        self.memory.begin_step();
        self.redrives = re_evaluated(&begin, cause);
        for (position, recorded) in events.iter().enumerate() {
            let previous = position.checked_sub(1).map(|previous| &events[previous].event);
            self.event(cause, recorded, previous, router.now());
        }
        assert_eq!(self.next, Next::Anything, "something was left undone");
        let end = self.state.clone();
        self.redrives_are_done(&end, router.now());
        assert!(self.state == *router.state(), "the events lead to another state");

        let rules = Rules::at(&self.state, router.now(), &self.memory, &self.limits);
        if let Some(task) = events.last().and_then(|recorded| offered(&recorded.event)) {
            a_round_is_complete(&rules, task);
        }
        if let Cause::Command(command, _) = cause {
            let rules = Rules::at(&begin, router.now(), &self.memory, &self.limits);
            assert_ne!(rules.is_in_use(command), Some(true), "what is in use was deleted");
        }
        what_is_referred_to_can_be_read_and_nothing_else_that_was_deleted(&self.state);
        a_task_has_one_owner(&rules);
        counters_count(&rules);
        no_task_is_lost(&rules, &self.memory);
        nothing_is_overdue(&rules, &self.memory, &self.limits);
        nobody_waits_for_a_worker_who_waits(&rules);
        nobody_waits_who_is_to_be_skipped(&rules);
        turns_are_remembered(&rules);
        assert_eq!(router.next_deadline(), rules.next_due(), "the next deadline is that of the rules");
        each_event_was_asked_for(&begin, &self.state, cause, events);
        a_worker_who_goes_away_leaves_as_the_rules_say(&begin, &self.state, cause, events);
        workflows_progress(events);
        if let Cause::Command(command, _) = cause {
            the_command_did_what_it_says(command, &self.state, events);
        }
    }

    /// Nothing is refused for being in use that is not (`routing.md` 6.5), and everybody who is named exists.
    pub fn refused(&self, command: &Command, rejection: &Rejection, router: &Router) {
        let Rejection::InUse { users, n_users, .. } = rejection else { return };
        let rules = Rules::at(&self.state, router.now(), &self.memory, &self.limits);
        assert_eq!(rules.is_in_use(command), Some(true), "{rejection}");
        assert_eq!(users.len(), (*n_users).min(10), "{rejection}");
        for user in users {
            let state = &self.state;
            let is_there = match user.kind {
                "Workspace" => user.id.parse() == Ok(state.workspace.id),
                "Worker" => user.id.parse().is_ok_and(|id: WorkerId| state.workers.contains_key(&id)),
                "Workflow" => user.id.parse().is_ok_and(|id: WorkflowId| state.workflows.contains_key(&id)),
                "Task" => user.id.parse().is_ok_and(|id: TaskId| state.tasks.contains_key(&id)),
                "Reservation" => {
                    user.id.parse().is_ok_and(|id: ReservationId| state.reservations.contains_key(&id))
                }
                other => panic!("{other} uses nothing"),
            };
            assert!(is_there, "{user:?}");
        }
    }

    /// The derived state is what would be made anew. Costs as much as the state is large.
    pub fn index_is_as_made_anew(&self, router: &Router) {
        let anew = Index::of(router.state(), &self.limits, router.now());
        assert!(*router.index() == anew, "the index differs from one that is made anew");
    }

    /// What the router says of who could take a waiting Task is what the rules say. Looks at every pair.
    pub fn explanations_are_right(&self, router: &Router) {
        let rules = Rules::at(&self.state, router.now(), &self.memory, &self.limits);
        for task in rules.pending_tasks() {
            let explanation = router.explain(task.id, None, usize::MAX).expect("the Task is there");
            assert_eq!(explanation.workers.len(), self.state.workers.len(), "each Worker is told of");
            let place = 1 + rules.pending_tasks().filter(|other| rules.waits_before(other, task)).count();
            assert_eq!(explanation.position, Some(place), "{}: its position", task.id);
            for told in &explanation.workers {
                let worker = &self.state.workers[&told.worker];
                let is_told = |kind: CheckKind| {
                    told.checks.iter().find(|check| check.kind == kind).is_none_or(|check| check.passed)
                };
                for (kind, is_so) in rules.checks(task, worker) {
                    assert_eq!(is_told(kind), is_so, "{} and {}: {kind:?}", task.id, worker.id);
                }
                assert_eq!(
                    told.is_candidate,
                    rules.is_candidate(task, worker),
                    "{} and {}",
                    task.id,
                    worker.id
                );
            }
            let eligible: Vec<_> = explanation.workers.iter().filter(|told| told.is_eligible).collect();
            let ranks: Vec<_> = eligible.iter().map(|told| told.rank).collect();
            assert_eq!(
                ranks,
                (1..=eligible.len()).map(Some).collect::<Vec<_>>(),
                "who is eligible comes first"
            );
        }
    }

    fn event(&mut self, cause: Cause<'_>, recorded: &Recorded, previous: Option<&Event>, now: Timestamp) {
        self.sequence_numbers_are_contiguous(recorded);
        self.timestamps_never_decrease(recorded, now);
        events_survive_being_written(recorded);

        let before = self.state.clone();
        self.state.evolve(recorded);
        let rules = Rules::at(&before, now, &self.memory, &self.limits);
        let occurrence = Occurrence { before: &before, after: &self.state, rules, recorded, cause, previous };
        an_event_changes_only_what_it_names(&occurrence);
        tasks_live_by_the_graph(&occurrence);
        an_offer_ends_once(&occurrence);
        no_offer_expires_early(&occurrence);
        an_offer_is_eligible_at_birth(&occurrence);
        capacity_is_free_at_birth(&occurrence);
        no_task_overtakes_another(&occurrence);
        no_worker_is_offered_out_of_turn(&occurrence);
        offers_of_a_task_are_bounded(&occurrence);
        wrap_up_occupies(&occurrence);
        a_task_ends_for_a_reason(&occurrence, &self.memory, &self.limits);
        a_step_is_left_in_time(&occurrence);
        revisions_are_kept_while_followed(&occurrence);

        self.memory.note(recorded, &before);
        self.tasks_follow_their_workflow(&before, recorded, cause, now);
    }

    /// I-26.
    fn sequence_numbers_are_contiguous(&self, recorded: &Recorded) {
        assert_eq!(recorded.sequence, self.state.sequence + 1, "sequence numbers have no hole");
    }

    /// I-43, as far as it concerns the log: and an event happens now, not then.
    fn timestamps_never_decrease(&mut self, recorded: &Recorded, now: Timestamp) {
        assert!(recorded.at >= self.last_at, "time goes back in the log");
        assert_eq!(recorded.at, now, "an event happens at the time of the last tick");
        self.last_at = recorded.at;
    }

    /// I-24: time that reaches nothing causes nothing. (That what it reaches is done, [`nothing_is_overdue`] says.)
    fn time_alone_causes_nothing(
        &self,
        begin: &State,
        cause: Cause<'_>,
        events: &[Recorded],
        now: Timestamp,
    ) {
        if !matches!(cause, Cause::Time) {
            return;
        }
        let rules = Rules::at(begin, self.now, &self.memory, &self.limits);
        let is_due = rules.next_due().is_some_and(|due| due <= now);
        if !is_due {
            assert!(events.is_empty(), "nothing was due, but something happened");
        }
    }

    /// I-17, and the ways through a Workflow in `routing.md` 2.2 to 2.4 and 2.8: after each event that sends a Task
    /// somewhere, the next event takes it to where the rules say.
    fn tasks_follow_their_workflow(
        &mut self,
        before: &State,
        recorded: &Recorded,
        cause: Cause<'_>,
        now: Timestamp,
    ) {
        let mut expected = std::mem::replace(&mut self.next, Next::Anything);
        if recorded.actor == Actor::System {
            self.redrives_are_done(before, now);
        }
        if let (
            Event::WorkflowTargetMatched { task }
            | Event::WorkflowTimeout { task }
            | Event::WorkflowSkipped { task },
            Next::Anything,
        ) = (&recorded.event, &expected)
        {
            expected = match self.next_redrive(before, now) {
                Next::Anything => self.skipped(before, task.id, now),
                next => next,
            };
        }
        let rules = Rules::at(&self.state, now, &self.memory, &self.limits);
        let step_or_out = |task: TaskId, place: Option<Place>| match place {
            Some(place) => Next::Step(task, place),
            None => Next::WorkflowTimeout(task),
        };
        let mut arrived = None;
        let next = match (&recorded.event, expected) {
            (Event::TaskCreated { task }, Next::Anything) => Next::WorkflowEntered(task.id),
            (Event::WorkflowEntered { task }, Next::WorkflowEntered(id)) if id == task.id => {
                step_or_out(id, rules.place_on_entry(task))
            }
            (Event::TaskQueueTimeout { task }, Next::Anything) => {
                step_or_out(task.id, rules.place_after_timeout(task))
            }
            (Event::TaskUpdated { task }, Next::Anything) => {
                let old = &before.tasks[&task.id];
                let is_redriven = matches!(cause, Cause::Command(Command::UpdateTask(_), _))
                    && task.status() == TaskStatus::Pending
                    && task.attributes != old.attributes;
                let place = if is_redriven { rules.place_after_redrive(task) } else { None };
                match place {
                    _ if !is_redriven => Next::Anything,
                    Some(place) if place == rules.present_place(task) => {
                        let priority = rules.target_at(task, place).priority;
                        let new = priority.filter(|priority| *priority != task.priority);
                        new.map_or(Next::Anything, |priority| Next::Priority(task.id, priority))
                    }
                    place => step_or_out(task.id, place),
                }
            }
            (Event::WorkflowTargetMatched { task }, Next::Step(id, place)) if id == task.id => {
                let step = task.step().expect("a Task that was matched stands in a step");
                let target = rules.target_at(task, place);
                let stands = Place {
                    revision: step.revision,
                    filter: step.filter,
                    target: step.target,
                    clock_started_at: step.clock_started_at,
                    clock_target: step.clock_target,
                    deadline: step.deadline,
                };
                assert_eq!(stands, place, "the Task came to another step");
                assert_eq!(step.entered_at, now, "the Task entered the step just now");
                assert_eq!(
                    task.priority,
                    target.priority.unwrap_or(before.tasks[&id].priority),
                    "the priority is that of the target, else as it was"
                );
                arrived = Some((id, place));
                Next::TaskQueue(id, target.queue)
            }
            (Event::WorkflowTargetMatched { task }, Next::Priority(id, priority)) if id == task.id => {
                assert_eq!(task.step(), before.tasks[&id].step(), "the Task keeps its place and its clock");
                assert_eq!(task.priority, priority, "the target's priority holds again");
                Next::Anything
            }
            (Event::TaskQueueEntered { task }, Next::TaskQueue(id, queue)) if id == task.id => {
                let previous = before.tasks[&id].task_queue;
                assert_eq!(task.task_queue, Some(queue), "the Task is in another TaskQueue");
                assert!(previous.is_none_or(|previous| previous == queue), "the Task was moved");
                Next::Anything
            }
            (Event::TaskQueueMoved { task, previous_task_queue }, Next::TaskQueue(id, queue))
                if id == task.id =>
            {
                assert_eq!(task.task_queue, Some(queue), "the Task is in another TaskQueue");
                assert_ne!(*previous_task_queue, queue, "the Task was not moved");
                assert_eq!(before.tasks[&id].task_queue, Some(*previous_task_queue), "it came from there");
                Next::Anything
            }
            (Event::WorkflowTimeout { task }, Next::WorkflowTimeout(id)) if id == task.id => {
                Next::TaskCanceled(id, "Task canceled on Workflow timeout")
            }
            (Event::WorkflowSkipped { task }, Next::WorkflowSkipped(id)) if id == task.id => {
                Next::TaskCanceled(id, "Task canceled on Workflow skip")
            }
            (Event::TaskCanceled { task }, Next::TaskCanceled(id, reason)) if id == task.id => {
                let ended = task.ended().expect("a canceled Task has ended");
                assert_eq!(ended.reason.as_deref(), Some(reason));
                Next::Anything
            }
            (
                event @ (Event::WorkflowEntered { .. }
                | Event::WorkflowTargetMatched { .. }
                | Event::WorkflowTimeout { .. }
                | Event::WorkflowSkipped { .. }
                | Event::TaskQueueEntered { .. }
                | Event::TaskQueueMoved { .. }),
                expected,
            ) => panic!("{} where {expected:?} is expected", event.name()),
            (event, expected) => {
                assert_eq!(expected, Next::Anything, "instead there is {}", event.name());
                Next::Anything
            }
        };
        if let Some((task, place)) = arrived {
            self.memory.note_place(task, place);
        }
        self.next = next;
    }

    /// `routing.md` 2.8: what becomes of the next Task that is sent through its Workflow again and does not stay as it is.
    fn next_redrive(&mut self, before: &State, now: Timestamp) -> Next {
        let rules = Rules::at(before, now, &self.memory, &self.limits);
        while let Some(id) = self.redrives.pop_front() {
            let task = &before.tasks[&id];
            match rules.place_after_redrive(task) {
                Some(place) if place == rules.present_place(task) => {
                    let priority = rules.target_at(task, place).priority;
                    if let Some(priority) = priority.filter(|priority| *priority != task.priority) {
                        return Next::Priority(id, priority);
                    }
                }
                Some(place) => return Next::Step(id, place),
                None => return Next::WorkflowTimeout(id),
            }
        }
        Next::Anything
    }

    fn redrives_are_done(&mut self, before: &State, now: Timestamp) {
        assert_eq!(self.next_redrive(before, now), Next::Anything, "a Task was not looked at again");
    }

    /// `routing.md` 2.5: a Task goes on by itself, which it may because nobody can be offered it and its step says so.
    fn skipped(&self, before: &State, id: TaskId, now: Timestamp) -> Next {
        let rules = Rules::at(before, now, &self.memory, &self.limits);
        let task = &before.tasks[&id];
        assert_eq!(task.status(), TaskStatus::Pending, "{id} is offered to somebody");
        assert!(rules.is_to_be_skipped(task), "{id} went on for no reason");
        for worker in before.workers.values() {
            assert!(!rules.is_candidate(task, worker), "{id} was skipped, but {} could take it", worker.id);
        }
        match rules.place_after_skip(task) {
            Some(place) => Next::Step(id, place),
            None => Next::WorkflowSkipped(id),
        }
    }
}

/// The Tasks that a command sends through their Workflow again.
fn re_evaluated(begin: &State, cause: Cause<'_>) -> VecDeque<TaskId> {
    let Cause::Command(Command::UpdateWorkflow(command), _) = cause else { return VecDeque::new() };
    let pending = begin.tasks.values().filter(|task| {
        command.re_evaluate_tasks && task.workflow == command.id && task.status() == TaskStatus::Pending
    });
    pending.map(|task| task.id).collect()
}

// ---- after each event ----

/// `I-28`: an event that was written is read back the same.
fn events_survive_being_written(recorded: &Recorded) {
    let text = serde_json::to_string(recorded).expect("an event can be written");
    let read: Recorded = serde_json::from_str(&text).expect("an event can be read");
    assert!(read == *recorded, "an event that was read back differs: {text}");
}

/// An event holds the objects that it changed, and its name says what changed in them. The version of an object counts the changes of its own fields, and a Worker's does not count Reservations.
fn an_event_changes_only_what_it_names(occurrence: &Occurrence<'_>) {
    let Occurrence { before, recorded, .. } = occurrence;
    let at = recorded.at;
    let task_before = |task: &Task| Task::clone(&before.tasks[&task.id]);
    let worker_before = |worker: &Worker| Worker::clone(&before.workers[&worker.id]);
    let next_version = |task: Task| Task { version: task.version + 1, updated_at: at, ..task };
    match &recorded.event {
        Event::TaskUpdated { task } => {
            let expected = Task {
                attributes: task.attributes.clone(),
                priority: task.priority,
                task_channel: task.task_channel,
                virtual_start_time: task.virtual_start_time,
                ..next_version(task_before(task))
            };
            assert_eq!(**task, expected);
        }
        Event::WorkflowTargetMatched { task } => {
            let expected = Task {
                priority: task.priority,
                phase: task.phase.clone(),
                ..next_version(task_before(task))
            };
            assert_eq!(**task, expected);
        }
        Event::TaskQueueEntered { task } | Event::TaskQueueMoved { task, .. } => {
            let expected = Task {
                task_queue: task.task_queue,
                task_queue_entered_at: Some(at),
                ..next_version(task_before(task))
            };
            assert_eq!(**task, expected);
        }
        Event::WorkflowEntered { task }
        | Event::WorkflowTimeout { task }
        | Event::WorkflowSkipped { task }
        | Event::TaskQueueTimeout { task } => assert_eq!(**task, task_before(task)),
        Event::TaskCanceled { task } => {
            let expected =
                Task { phase: task.phase.clone(), cool_downs: Vec::new(), ..next_version(task_before(task)) };
            assert_eq!(**task, expected);
        }
        Event::TaskWrapup { task } | Event::TaskCompleted { task } => {
            let expected = Task { phase: task.phase.clone(), ..next_version(task_before(task)) };
            assert_eq!(**task, expected);
        }
        Event::ReservationCreated { reservation, task, worker } => {
            assert!(!before.reservations.contains_key(&reservation.id), "the id is new");
            assert_eq!(reservation.id.sequence(), recorded.sequence, "the id tells when it was made");
            assert_eq!(reservation.version, 1);
            changes_by_a_reservation(occurrence, reservation, task, worker);
        }
        Event::ReservationAccepted { reservation, task, worker }
        | Event::ReservationRejected { reservation, task, worker }
        | Event::ReservationTimeout { reservation, task, worker }
        | Event::ReservationCanceled { reservation, task, worker }
        | Event::ReservationRescinded { reservation, task, worker }
        | Event::ReservationWrapup { reservation, task, worker }
        | Event::ReservationCompleted { reservation, task, worker } => {
            let old = &before.reservations[&reservation.id];
            let expected = Reservation {
                status: reservation.status,
                accepted_at: reservation.accepted_at,
                wrap_up_at: reservation.wrap_up_at,
                ended_at: reservation.ended_at,
                reason: reservation.reason.clone(),
                circle_before: reservation.circle_before,
                version: old.version + 1,
                updated_at: at,
                ..Reservation::clone(old)
            };
            assert_eq!(**reservation, expected);
            changes_by_a_reservation(occurrence, reservation, task, worker);
        }
        Event::TaskDeleted { task } => {
            let expected = Task {
                phase: task.phase.clone(),
                cool_downs: Vec::new(),
                deleted_at: Some(at),
                ..next_version(task_before(task))
            };
            assert_eq!(**task, expected);
            assert!(task.ended().is_some() && task.open_reservations.is_empty(), "{} is at its end", task.id);
        }
        Event::WorkerDeleted { worker } => {
            let old = worker_before(worker);
            let (version, deleted_at) = (old.version + 1, Some(at));
            assert_eq!(**worker, Worker { version, updated_at: at, deleted_at, ..old });
        }
        Event::ActivityDeleted { activity } => {
            let old = Activity::clone(&before.activities[&activity.id]);
            let (version, deleted_at) = (old.version + 1, Some(at));
            assert_eq!(**activity, Activity { version, updated_at: at, deleted_at, ..old });
        }
        Event::TaskChannelDeleted { task_channel } => {
            let old = TaskChannel::clone(&before.task_channels[&task_channel.id]);
            let (version, deleted_at) = (old.version + 1, Some(at));
            assert_eq!(**task_channel, TaskChannel { version, updated_at: at, deleted_at, ..old });
        }
        Event::TaskQueueDeleted { task_queue } => {
            let old = TaskQueue::clone(&before.task_queues[&task_queue.id]);
            let (version, deleted_at) = (old.version + 1, Some(at));
            assert_eq!(**task_queue, TaskQueue { version, updated_at: at, deleted_at, ..old });
        }
        Event::WorkflowDeleted { workflow } => {
            let old = Workflow::clone(&before.workflows[&workflow.id]);
            let (version, deleted_at) = (old.version + 1, Some(at));
            assert_eq!(**workflow, Workflow { version, updated_at: at, deleted_at, ..old });
        }
        Event::WorkerUpdated { worker } => {
            let old = worker_before(worker);
            let version = old.version + 1;
            assert_eq!(**worker, Worker { name: worker.name.clone(), version, updated_at: at, ..old });
        }
        Event::WorkerAttributesUpdate { worker } => {
            let old = worker_before(worker);
            let version = old.version + 1;
            let attributes = worker.attributes.clone();
            assert_eq!(**worker, Worker { attributes, version, updated_at: at, ..old });
        }
        Event::WorkerActivityUpdate { worker, previous_activity, milliseconds_in_previous } => {
            let old = worker_before(worker);
            assert_eq!(old.activity, *previous_activity);
            assert_eq!(at.milliseconds_since(old.activity_changed_at), *milliseconds_in_previous);
            let (version, activity) = (old.version + 1, worker.activity);
            let expected = Worker { activity, activity_changed_at: at, version, updated_at: at, ..old };
            assert_eq!(**worker, expected);
        }
        Event::WorkerCapacityUpdate { worker, task_channel, previous_capacity } => {
            let mut expected = worker_before(worker);
            let task_channel = &before.task_channels[task_channel];
            let new = worker.channel(task_channel).configured_capacity;
            let channel = channel_of(&mut expected, task_channel);
            assert_eq!(channel.configured_capacity, *previous_capacity);
            channel.configured_capacity = new;
            channel.version += 1;
            channel.updated_at = at;
            assert_eq!(**worker, expected);
        }
        Event::WorkerChannelAvailabilityUpdate { worker, task_channel } => {
            let mut expected = worker_before(worker);
            let channel = channel_of(&mut expected, &before.task_channels[task_channel]);
            channel.available = !channel.available;
            channel.version += 1;
            channel.updated_at = at;
            assert_eq!(**worker, expected);
        }
        Event::WorkspaceUpdated { workspace } => {
            assert_eq!(workspace.version, before.workspace.version + 1);
        }
        Event::TaskChannelUpdated { task_channel } => {
            let expected = TaskChannel {
                name: task_channel.name.clone(),
                channel_optimized_routing: task_channel.channel_optimized_routing,
                version: before.task_channels[&task_channel.id].version + 1,
                updated_at: at,
                ..TaskChannel::clone(&before.task_channels[&task_channel.id])
            };
            assert_eq!(**task_channel, expected);
        }
        Event::ActivityUpdated { activity } => {
            assert_eq!(activity.version, before.activities[&activity.id].version + 1);
        }
        Event::TaskQueueUpdated { task_queue } => {
            let old = &before.task_queues[&task_queue.id];
            assert_eq!(task_queue.version, old.version + 1);
            assert_eq!(task_queue.target_workers, old.target_workers);
        }
        Event::TaskQueueExpressionUpdated { task_queue } => {
            let old = &before.task_queues[&task_queue.id];
            assert_eq!(task_queue.version, old.version + 1);
            assert_eq!(
                (&task_queue.name, task_queue.task_order, task_queue.max_reserved_workers),
                (&old.name, old.task_order, old.max_reserved_workers)
            );
        }
        Event::WorkflowUpdated { workflow } => {
            assert_eq!(workflow.version, before.workflows[&workflow.id].version + 1);
        }
        Event::WorkspaceCreated { .. } => panic!("{} belongs to the founding", recorded.event.name()),
        Event::TaskChannelCreated { .. }
        | Event::ActivityCreated { .. }
        | Event::TaskQueueCreated { .. }
        | Event::WorkflowCreated { .. }
        | Event::WorkerCreated { .. }
        | Event::TaskCreated { .. }
        | Event::TaskPurged { .. } => {}
    }
}

/// A Reservation takes up a Worker's room and moves the Worker's place in the circles; of its Task it changes the
/// phase and who has it.
fn changes_by_a_reservation(
    Occurrence { before, recorded, .. }: &Occurrence<'_>,
    reservation: &Reservation,
    task: &Task,
    worker: &Worker,
) {
    assert_eq!((reservation.task, reservation.worker), (task.id, worker.id));
    let mut expected = Worker::clone(&before.workers[&worker.id]);
    expected.last_reserved = worker.last_reserved;
    let task_channel = &before.task_channels[&reservation.task_channel];
    let new = worker.channel(task_channel);
    let channel = channel_of(&mut expected, task_channel);
    (channel.pending, channel.accepted, channel.wrapping) = (new.pending, new.accepted, new.wrapping);
    channel.last_reserved = new.last_reserved;
    assert_eq!(*worker, expected);

    let old = &before.tasks[&task.id];
    if matches!(recorded.event, Event::ReservationWrapup { .. }) {
        assert_eq!(*task, **old, "that the Task is wrapped up was said by task.wrapup");
        return;
    }
    let expected = Task {
        phase: task.phase.clone(),
        assignment_count: task.assignment_count,
        open_reservations: task.open_reservations.clone(),
        cool_downs: task.cool_downs.clone(),
        version: old.version + 1,
        updated_at: recorded.at,
        ..Task::clone(old)
    };
    assert_eq!(*task, expected);
}

/// The channel to be changed; where nothing has changed before, it is written down now.
fn channel_of<'w>(worker: &'w mut Worker, task_channel: &TaskChannel) -> &'w mut WorkerChannel {
    let at_first = worker.channel(task_channel);
    let place = worker.channels.partition_point(|channel| channel.task_channel < task_channel.id);
    if worker.channels.get(place).is_none_or(|channel| channel.task_channel != task_channel.id) {
        worker.channels.insert(place, at_first);
    }
    &mut worker.channels[place]
}

/// I-15. Completed and canceled absorb; nothing but the events that are named so moves a Task.
fn tasks_live_by_the_graph(Occurrence { before, after, recorded, .. }: &Occurrence<'_>) {
    use TaskStatus::*;
    for (id, task) in &after.tasks {
        let Some(old) = before.tasks.get(id) else {
            assert!(matches!(recorded.event, Event::TaskCreated { .. }), "a Task comes by task.created");
            assert_eq!(task.status(), Pending, "a Task begins as pending");
            continue;
        };
        let (from, to) = (old.status(), task.status());
        let is_legal = match &recorded.event {
            _ if from == to => true,
            Event::ReservationCreated { .. } => (from, to) == (Pending, Reserved),
            Event::ReservationAccepted { .. } => (from, to) == (Reserved, Assigned),
            Event::ReservationRejected { .. }
            | Event::ReservationTimeout { .. }
            | Event::ReservationCanceled { .. } => (from, to) == (Reserved, Pending),
            Event::TaskCanceled { .. } => matches!((from, to), (Pending | Reserved, Canceled)),
            Event::TaskWrapup { .. } => (from, to) == (Assigned, Wrapping),
            Event::TaskDeleted { .. } => {
                matches!((from, to), (Pending, Canceled) | (Assigned | Wrapping, Completed))
            }
            Event::TaskCompleted { .. } => matches!((from, to), (Assigned | Wrapping, Completed)),
            _ => false,
        };
        assert!(is_legal, "{id} went from {from:?} to {to:?} by {}", recorded.event.name());
    }
}

/// I-08. A Reservation's transitions follow the graph, each by its own event, and what has ended stays as it is.
fn an_offer_ends_once(Occurrence { before, after, recorded, .. }: &Occurrence<'_>) {
    use ReservationStatus::*;
    for (id, reservation) in &after.reservations {
        let old = before.reservations.get(id);
        let (from, to) = (old.map(|old| old.status), reservation.status);
        let is_legal = match &recorded.event {
            _ if from == Some(to) => old == Some(reservation),
            Event::ReservationCreated { .. } => (from, to) == (None, Pending),
            Event::ReservationAccepted { .. } => (from, to) == (Some(Pending), Accepted),
            Event::ReservationRejected { .. } => (from, to) == (Some(Pending), Rejected),
            Event::ReservationTimeout { .. } => (from, to) == (Some(Pending), TimedOut),
            Event::ReservationCanceled { .. } => (from, to) == (Some(Pending), Canceled),
            Event::ReservationRescinded { .. } => (from, to) == (Some(Pending), Rescinded),
            Event::ReservationWrapup { .. } => (from, to) == (Some(Accepted), Wrapping),
            Event::ReservationCompleted { .. } => {
                matches!((from, to), (Some(Accepted | Wrapping), Completed))
            }
            _ => false,
        };
        assert!(is_legal, "{id} went from {from:?} to {to:?} by {}", recorded.event.name());
        let Reservation { accepted_at, wrap_up_at, ended_at, created_at, updated_at, .. } = &**reservation;
        assert_eq!(ended_at.is_some(), !matches!(to, Pending | Accepted | Wrapping), "{id}: ended_at");
        assert!(!matches!(to, Accepted | Wrapping | Completed) || accepted_at.is_some(), "{id}: accepted_at");
        assert!(to != Wrapping || wrap_up_at.is_some(), "{id}: wrap_up_at");
        let times = [Some(*created_at), *accepted_at, *wrap_up_at, *ended_at];
        assert!(times.into_iter().flatten().is_sorted(), "{id}: its times are in order");
        assert_eq!(times.into_iter().flatten().max(), Some(*updated_at), "{id}: updated_at");
    }
}

/// I-09, first half: no offer expires before its time, and none by a command.
fn no_offer_expires_early(Occurrence { recorded, cause, .. }: &Occurrence<'_>) {
    if let Event::ReservationTimeout { reservation, .. } = &recorded.event {
        let due = reservation.created_at.plus_seconds(reservation.timeout_seconds);
        assert!(recorded.at >= due, "{} expired before its time", reservation.id);
        assert!(matches!(cause, Cause::Time), "offers expire when time moves");
    }
}

/// I-04 and I-10: available, on the TaskQueue, wanted by the step, switched on, not cooled down, and not offered the
/// Task already; all by the state before.
fn an_offer_is_eligible_at_birth(Occurrence { before, rules, recorded, .. }: &Occurrence<'_>) {
    if let Event::ReservationCreated { reservation, task, worker } = &recorded.event {
        let (task, worker) = (&before.tasks[&task.id], &before.workers[&worker.id]);
        assert!(rules.is_eligible(task, worker), "{} was offered to {}", task.id, worker.id);
        assert!(rules.is_candidate(task, worker), "{} has the Task or no room", worker.id);
        let workflow = &before.workflows[&task.workflow];
        assert_eq!(reservation.timeout_seconds, workflow.task_reservation_timeout_seconds);
        assert_eq!(reservation.task_channel, task.task_channel);
        assert_eq!(Some(reservation.task_queue), task.task_queue);
        assert_eq!(reservation.workflow, task.workflow);
    }
}

/// I-03: where an administrator lowered the capacity there may be too many, but then there come no more.
fn capacity_is_free_at_birth(Occurrence { before, rules, recorded, .. }: &Occurrence<'_>) {
    if let Event::ReservationCreated { task, worker, .. } = &recorded.event {
        let channel = before.workers[&worker.id].channel(&before.task_channels[&task.task_channel]);
        let open = rules.load(worker.id, task.task_channel).open();
        assert!(open < channel.configured_capacity, "{open} are open on {}", worker.id);
    }
}

/// I-05: no Task that goes first by the declared order waits for this Worker.
fn no_task_overtakes_another(Occurrence { before, rules, recorded, .. }: &Occurrence<'_>) {
    if let Event::ReservationCreated { task, worker, .. } = &recorded.event {
        let (task, worker) = (&before.tasks[&task.id], &before.workers[&worker.id]);
        for other in rules.pending_tasks().filter(|other| other.id != task.id) {
            assert!(
                !(rules.goes_first(other, task) && rules.is_candidate(other, worker)),
                "{} was offered to {} before {}",
                task.id,
                worker.id,
                other.id
            );
        }
    }
}

/// I-06: no other candidate is before this Worker in the order of the step, or else in the circle.
fn no_worker_is_offered_out_of_turn(Occurrence { before, rules, recorded, .. }: &Occurrence<'_>) {
    if let Event::ReservationCreated { task, worker, .. } = &recorded.event {
        let (task, worker) = (&before.tasks[&task.id], &before.workers[&worker.id]);
        let standing = rules.standing(task, worker);
        for other in before.workers.values() {
            assert!(
                rules.standing(task, other) >= standing || !rules.is_candidate(task, other),
                "{} was offered to {}, but it is the turn of {}",
                task.id,
                worker.id,
                other.id
            );
        }
    }
}

/// I-07 and `routing.md` 3.4: a round makes as many offers as there are candidates and the TaskQueue allows, one right
/// after the other; none are added later. An acceptance ends the others at once.
fn offers_of_a_task_are_bounded(occurrence: &Occurrence<'_>) {
    let Occurrence { before, after, rules, recorded, previous, .. } = occurrence;
    if let Some(id) = offered(&recorded.event) {
        let task = &before.tasks[&id];
        assert!(n_open(after, id) <= maximum(before, task), "{id} is offered to too many");
        let is_of_round = previous.and_then(offered) == Some(id);
        assert_eq!(task.status() == TaskStatus::Reserved, is_of_round, "{id} got offers outside of a round");
    } else if let Some(id) = previous.and_then(offered) {
        a_round_is_complete(rules, id);
    }
    if let Event::ReservationRescinded { task, .. } = &recorded.event {
        let is_by_acceptance = previous.is_some_and(|previous| match previous {
            Event::ReservationAccepted { task: other, .. }
            | Event::ReservationRescinded { task: other, .. } => other.id == task.id,
            _ => false,
        });
        assert!(is_by_acceptance, "an offer is rescinded by an acceptance");
    }
}

/// Nobody was forgotten in the round of offers that has just been made. (A known Worker is one only.)
fn a_round_is_complete(rules: &Rules<'_>, id: TaskId) {
    let task = &rules.state.tasks[&id];
    let is_full = n_open(rules.state, id) >= maximum(rules.state, task);
    let has_candidate = rules.state.workers.values().any(|worker| rules.is_candidate(task, worker));
    assert!(is_full || !has_candidate, "{id} could be offered to more");
}

fn offered(event: &Event) -> Option<TaskId> {
    match event {
        Event::ReservationCreated { task, .. } => Some(task.id),
        _ => None,
    }
}

fn n_open(state: &State, task: TaskId) -> usize {
    let of_task = state.reservations.values().filter(|reservation| reservation.task == task);
    of_task.filter(|reservation| reservation.status.is_open()).count()
}

fn maximum(state: &State, task: &Task) -> usize {
    state.task_queues[&task.task_queue.expect("it is in one")].max_reserved_workers as usize
}

/// I-12: wrapping up frees nothing; completing does.
fn wrap_up_occupies(Occurrence { before, after, recorded, .. }: &Occurrence<'_>) {
    let open = |state: &State, reservation: &Reservation| {
        let worker = &state.workers[&reservation.worker];
        worker.channel(&state.task_channels[&reservation.task_channel]).open()
    };
    match &recorded.event {
        Event::ReservationWrapup { reservation, .. } | Event::ReservationAccepted { reservation, .. } => {
            assert_eq!(open(before, reservation), open(after, reservation), "the room is still taken");
        }
        Event::ReservationCompleted { reservation, .. } => {
            assert_eq!(open(before, reservation), open(after, reservation) + 1, "the room is free again");
        }
        _ => {}
    }
}

/// A Task is canceled because somebody said so, because it waited for too long, because it was offered too often, or
/// because its Workflow ended; each with its words, and none before its time (`routing.md` 2.9, 2.4).
fn a_task_ends_for_a_reason(
    Occurrence { before, recorded, cause, previous, .. }: &Occurrence<'_>,
    memory: &Memory,
    limits: &Limits,
) {
    let Event::TaskCanceled { task } = &recorded.event else { return };
    let old = &before.tasks[&task.id];
    assert_eq!(old.status(), TaskStatus::Pending, "its offers are withdrawn first");
    let reason = task.ended().and_then(|ended| ended.reason.clone()).expect("a canceled Task has a reason");
    if let Cause::Command(Command::CancelTask(command), _) = cause {
        assert_eq!(reason, command.reason.trim());
        return;
    }
    match reason.as_str() {
        "Task TTL Exceeded" => assert!(expires_at(task) <= recorded.at, "it had time left"),
        "Task TTL Exceeded or Max assignment count exceeded" => {
            assert!(memory.rounds(task.id) >= limits.assignment_count_max, "it had offers left");
        }
        "Task canceled on Workflow timeout" => {
            assert!(matches!(previous, Some(Event::WorkflowTimeout { .. })), "its Workflow has not ended");
        }
        "Task canceled on Workflow skip" => {
            assert!(matches!(previous, Some(Event::WorkflowSkipped { .. })), "its Workflow has not ended");
        }
        other => panic!("{} was canceled: {other}", task.id),
    }
}

/// I-16, first half: a Task does not leave its step before its deadline.
fn a_step_is_left_in_time(Occurrence { before, rules, recorded, .. }: &Occurrence<'_>) {
    if let Event::TaskQueueTimeout { task } = &recorded.event {
        let old = &before.tasks[&task.id];
        assert_eq!(old.status(), TaskStatus::Pending, "an offer is not taken away by the step");
        let deadline = rules.present_place(old).deadline;
        assert!(deadline.is_some_and(|deadline| deadline <= recorded.at), "{} had time left", task.id);
    }
}

/// A changed routing document leaves those in use to the Tasks that follow them, and drops the others.
fn revisions_are_kept_while_followed(Occurrence { before, recorded, .. }: &Occurrence<'_>) {
    let Event::WorkflowUpdated { workflow } = &recorded.event else { return };
    let numbers = |workflow: &routing::state::Workflow| {
        workflow.revisions.iter().map(|revision| revision.number).collect::<Vec<u32>>()
    };
    let old = &before.workflows[&workflow.id];
    if old.present().configuration.document == workflow.present().configuration.document {
        assert_eq!(numbers(old), numbers(workflow), "the same document is the same revision");
        return;
    }
    let of_workflow = before.tasks.values().filter(|task| task.workflow == workflow.id);
    let mut expected: BTreeSet<u32> =
        of_workflow.filter_map(|task| task.step()).map(|step| step.revision).collect();
    expected.insert(old.present().number + 1);
    assert_eq!(numbers(workflow), Vec::from_iter(expected), "followed revisions stay, others go");
}

// ---- after each step ----

/// `routing.md` 6.5: who reads a Task or a Reservation finds what it refers to, deleted or not. Of TaskQueues, Workflows
/// and Workers that were deleted, nothing else is kept.
fn what_is_referred_to_can_be_read_and_nothing_else_that_was_deleted(state: &State) {
    let (mut queues, mut workflows, mut workers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for task in state.tasks.values() {
        queues.extend(task.task_queue);
        workflows.insert(task.workflow);
        assert!(state.task_channel(task.task_channel).is_some(), "{}: its Task Channel", task.id);
    }
    for reservation in state.reservations.values() {
        queues.insert(reservation.task_queue);
        workflows.insert(reservation.workflow);
        workers.insert(reservation.worker);
        assert!(state.task_channel(reservation.task_channel).is_some(), "{}: its channel", reservation.id);
    }
    assert!(queues.iter().all(|id| state.task_queue(*id).is_some()), "TaskQueues that are referred to");
    assert!(workflows.iter().all(|id| state.workflow(*id).is_some()), "Workflows that are referred to");
    assert!(workers.iter().all(|id| state.worker(*id).is_some()), "Workers that are referred to");
    let deleted = &state.deleted;
    assert!(deleted.task_queues.values().all(|queue| queues.contains(&queue.id)), "deleted TaskQueues");
    assert!(deleted.workflows.values().all(|workflow| workflows.contains(&workflow.id)), "deleted Workflows");
    assert!(deleted.workers.values().all(|worker| workers.contains(&worker.id)), "deleted Workers");
    for worker in deleted.workers.values() {
        assert!(state.activity(worker.activity).is_some(), "{}: the Activity", worker.id);
        let namesake = state.worker_named(&worker.name);
        assert!(namesake.is_none_or(|other| other.id != worker.id), "{} has a name no more", worker.id);
    }
    for worker in state.workers.values() {
        assert!(state.activities.contains_key(&worker.activity), "{} is in an Activity", worker.id);
        assert_eq!(state.worker_named(&worker.name).map(|named| named.id), Some(worker.id));
    }
}

/// I-01, I-02, and the rest of I-07: whoever accepted is the owner, and then nobody else has it or is offered it.
fn a_task_has_one_owner(rules: &Rules<'_>) {
    for task in rules.state.tasks.values() {
        let of_task: Vec<_> =
            rules.state.reservations.values().filter(|reservation| reservation.task == task.id).collect();
        let open: Vec<ReservationId> = of_task
            .iter()
            .filter(|reservation| reservation.status.is_open())
            .map(|reservation| reservation.id)
            .collect();
        let with = |status: ReservationStatus| {
            let ids = of_task.iter().filter(move |reservation| reservation.status == status);
            ids.map(|reservation| reservation.id)
        };
        let (n_pending, n_accepted) = (
            with(ReservationStatus::Pending).count(),
            with(ReservationStatus::Accepted).count() + with(ReservationStatus::Wrapping).count(),
        );
        assert_eq!(task.open_reservations, open, "{}: its open Reservations", task.id);
        assert!(n_accepted <= 1, "{} has {n_accepted} owners", task.id);
        match &task.phase {
            Phase::Pending(_) => assert_eq!((n_pending, n_accepted), (0, 0), "{} waits", task.id),
            Phase::Reserved(_) => assert!(n_pending > 0 && n_accepted == 0, "{} is offered", task.id),
            Phase::Assigned(assignment) => {
                assert_eq!((n_pending, n_accepted), (0, 1), "{} is assigned", task.id);
                assert_eq!(with(ReservationStatus::Accepted).next(), Some(assignment.reservation));
            }
            Phase::Wrapping(assignment) => {
                assert_eq!((n_pending, n_accepted), (0, 1), "{} is wrapped up", task.id);
                assert_eq!(with(ReservationStatus::Wrapping).next(), Some(assignment.reservation));
            }
            Phase::Completed(ended) => {
                assert!(open.is_empty(), "{} is completed", task.id);
                assert_eq!(with(ReservationStatus::Completed).next_back(), ended.reservation);
            }
            Phase::Canceled(_) => assert!(open.is_empty(), "{} is canceled", task.id),
        }
    }
}

/// I-03: what is stored with a Worker channel is what there is, and the percentage is the formula's.
fn counters_count(rules: &Rules<'_>) {
    for worker in rules.state.workers.values() {
        let channels = rules.state.task_channels.values();
        for channel in channels.map(|task_channel| worker.channel(task_channel)) {
            let load = rules.load(worker.id, channel.task_channel);
            let counted = (load.pending, load.accepted, load.wrapping);
            assert_eq!((channel.pending, channel.accepted, channel.wrapping), counted, "{}", worker.id);
            let (open, capacity) =
                (load.open().min(channel.configured_capacity), channel.configured_capacity);
            let percentage = ((capacity - open) * 100).checked_div(capacity).unwrap_or(0);
            assert_eq!(channel.available_capacity_percentage(), percentage, "{}", worker.id);
        }
    }
}

/// I-14: each Task that was created, and not purged in its time, is there; it waits in exactly one step of one
/// TaskQueue, or has ended its waiting.
fn no_task_is_lost(rules: &Rules<'_>, memory: &Memory) {
    let state = rules.state;
    assert!(
        memory.tasks().eq(state.tasks.keys().copied()),
        "Tasks that were created, and Tasks that are there"
    );
    let mut queues_of_task: BTreeMap<TaskId, Vec<TaskQueueId>> = BTreeMap::new();
    for queue in state.task_queues.keys() {
        for task in state.tasks_of_queue(*queue) {
            queues_of_task.entry(task.id).or_default().push(*queue);
        }
    }
    for task in state.tasks.values() {
        let queues = queues_of_task.remove(&task.id).unwrap_or_default();
        match task.ended() {
            None => assert_eq!(queues, Vec::from_iter(task.task_queue), "{} is in one TaskQueue", task.id),
            Some(_) => assert!(queues.is_empty(), "{} has ended, but is in a TaskQueue", task.id),
        }
        assert!(task.ended().is_some() || task.task_queue.is_some(), "{} is in a TaskQueue", task.id);
        if task.waiting().is_some() {
            let place = rules.present_place(task);
            let step = task.step().expect("a waiting Task stands in a step");
            assert_eq!(Some(rules.target_at(task, place).queue), task.task_queue, "{}", task.id);
            assert_eq!((step.clock_started_at, step.deadline), (place.clock_started_at, place.deadline));
        }
    }
    assert!(queues_of_task.is_empty(), "a TaskQueue holds Tasks that are not there");
    for reservation in state.reservations.values() {
        assert!(state.tasks.contains_key(&reservation.task), "{} outlived its Task", reservation.id);
    }
}

/// I-09 and I-16, second halves: what was due is done.
fn nothing_is_overdue(rules: &Rules<'_>, memory: &Memory, limits: &Limits) {
    for reservation in rules.state.reservations.values() {
        let expires_at = reservation.created_at.plus_seconds(reservation.timeout_seconds);
        let is_pending = reservation.status == ReservationStatus::Pending;
        assert!(!is_pending || expires_at > rules.now, "{} should have expired", reservation.id);
    }
    for task in rules.state.tasks.values() {
        assert_eq!(task.assignment_count, memory.rounds(task.id), "{}: its rounds", task.id);
        assert!(task.assignment_count <= limits.assignment_count_max, "{} was offered too often", task.id);
        match &task.phase {
            Phase::Pending(_) => {
                assert!(expires_at(task) > rules.now, "{} has waited for too long", task.id);
                assert!(
                    rules.present_place(task).deadline.is_none_or(|deadline| deadline > rules.now),
                    "{} is still in its step",
                    task.id
                );
                assert!(task.assignment_count < limits.assignment_count_max, "{} waits in vain", task.id);
            }
            Phase::Reserved(_) => assert!(expires_at(task) > rules.now, "{} waits too long", task.id),
            Phase::Assigned(_) | Phase::Wrapping(_) => {}
            Phase::Completed(_) | Phase::Canceled(_) => {
                assert!(rules.purged_at(task) > rules.now, "{} should have been purged", task.id);
            }
        }
    }
}

/// I-18: there is no pair of a pending Task and a candidate.
fn nobody_waits_for_a_worker_who_waits(rules: &Rules<'_>) {
    for task in rules.pending_tasks() {
        for worker in rules.state.workers.values() {
            assert!(!rules.is_candidate(task, worker), "{} and {} wait for each other", task.id, worker.id);
        }
    }
}

/// `routing.md` 2.5: who came to a step, or had an offer fail there, and still waits there, may not go on.
fn nobody_waits_who_is_to_be_skipped(rules: &Rules<'_>) {
    for task in rules.pending_tasks() {
        assert!(!rules.is_to_be_skipped(task), "{} should have gone on", task.id);
    }
}

/// The stored places in the circles are those of the offers that were not taken back.
fn turns_are_remembered(rules: &Rules<'_>) {
    for worker in rules.state.workers.values() {
        for task_channel in rules.state.task_channels.values() {
            let channel = worker.channel(task_channel);
            let stamp = if task_channel.channel_optimized_routing {
                channel.last_reserved
            } else {
                worker.last_reserved
            };
            let (sequence, _, _) = rules.turn(worker, channel.task_channel);
            assert_eq!(stamp.map_or(0, |stamp| stamp.sequence), sequence, "{}: its turn", worker.id);
        }
    }
}

/// I-24: a command causes only what it can cause, in its caller's name; what the router then offers is done in its
/// own. Time causes nothing that only people do.
fn each_event_was_asked_for(begin: &State, end: &State, cause: Cause<'_>, events: &[Recorded]) {
    const STEPS: [&str; 6] = [
        "task-queue.timeout",
        "workflow.target-matched",
        "task-queue.entered",
        "task-queue.moved",
        "workflow.timeout",
        "task.canceled",
    ];
    /// What a `skip_if` causes, among the offers.
    const SKIPS: [&str; 5] = [
        "workflow.target-matched",
        "task-queue.entered",
        "task-queue.moved",
        "workflow.skipped",
        "task.canceled",
    ];
    let (own, sends_on): (&[&str], bool) = match cause {
        Cause::Time => {
            (&["reservation.timeout", "worker.activity.update", "reservation.canceled", "task.purged"], true)
        }
        Cause::Command(command, _) => match command {
            Command::UpdateWorkspace(_) => (&["workspace.updated"], false),
            Command::CreateActivity(_) => (&["activity.created"], false),
            Command::UpdateActivity(_) => (&["activity.updated"], false),
            Command::CreateTaskChannel(_) => (&["task-channel.created"], false),
            Command::UpdateTaskChannel(_) => (&["task-channel.updated"], false),
            Command::CreateTaskQueue(_) => (&["task-queue.created"], false),
            Command::UpdateTaskQueue(_) => (&["task-queue.updated", "task-queue.expression.updated"], false),
            Command::CreateWorkflow(_) => (&["workflow.created"], false),
            Command::UpdateWorkflow(command) => (&["workflow.updated"], command.re_evaluate_tasks),
            Command::CreateWorker(_) => (&["worker.created"], false),
            Command::UpdateWorker(_) => (&["worker.updated", "worker.attributes.update"], false),
            Command::SetWorkerActivity(_) => (&["worker.activity.update", "reservation.rejected"], true),
            Command::UpdateWorkerChannel(_) => {
                (&["worker.capacity.update", "worker.channel.availability.update"], false)
            }
            Command::CreateTask(_) => (&["task.created", "workflow.entered"], true),
            Command::UpdateTask(_) => (&["task.updated"], true),
            Command::CancelTask(_) => (&["task.updated", "reservation.canceled", "task.canceled"], false),
            Command::WrapUpTask(_) => (&["task.updated", "task.wrapup", "reservation.wrapup"], false),
            Command::CompleteTask(_) => (&["task.updated", "task.completed", "reservation.completed"], false),
            Command::AcceptReservation(_) => (&["reservation.accepted", "reservation.rescinded"], false),
            Command::RejectReservation(_) => (&["reservation.rejected", "worker.activity.update"], true),
            Command::WrapUpReservation(_) => (&["task.wrapup", "reservation.wrapup"], false),
            Command::CompleteReservation(_) => (&["task.completed", "reservation.completed"], false),
            Command::DeleteActivity(_) => (&["activity.deleted"], false),
            Command::DeleteTaskChannel(_) => (&["task-channel.deleted"], false),
            Command::DeleteTaskQueue(_) => (&["task-queue.deleted"], false),
            Command::DeleteWorkflow(_) => (&["workflow.deleted"], false),
            Command::DeleteWorker(command) => (&["reservation.canceled", "worker.deleted"], command.force),
            Command::DeleteTask(_) => {
                (&["reservation.canceled", "reservation.completed", "task.deleted"], false)
            }
        },
    };
    let mut decided = true;
    for Recorded { event, actor, .. } in events {
        let name = event.name();
        let is_offer = matches!(event, Event::ReservationCreated { .. });
        // The first skip is told from what the command itself did by who did it.
        let is_first_skip = matches!(cause, Cause::Command(..)) && *actor == Actor::System;
        decided &= !(is_offer || is_first_skip);
        let is_asked_for = own.contains(&name) || (sends_on && STEPS.contains(&name));
        let is_skip = sends_on && SKIPS.contains(&name);
        match cause {
            _ if is_offer => {}
            Cause::Command(..) if decided => assert!(is_asked_for, "{name} was caused by nothing"),
            Cause::Command(..) => assert!(is_skip, "{name} comes after the offers began"),
            Cause::Time => {
                assert!(is_asked_for || is_skip, "{name} was caused by nothing");
                assert!(decided || is_skip, "{name} comes after the offers began");
            }
        }
        let expected = match cause {
            Cause::Command(_, actor) if decided => actor,
            Cause::Command(..) | Cause::Time => &Actor::System,
        };
        assert_eq!(actor, expected, "{name} was done by somebody else");
    }
    if events.is_empty() {
        assert!(begin == end, "nothing happened, but something changed");
    }
}

/// I-11. By command: pending offers stay, or are all rejected in the same change. By a timeout: the
/// Worker is in the timeout Activity, and where no work may come there, has no pending offers left.
fn a_worker_who_goes_away_leaves_as_the_rules_say(
    begin: &State,
    end: &State,
    cause: Cause<'_>,
    events: &[Recorded],
) {
    let pending = |state: &State, worker: WorkerId| -> Vec<ReservationId> {
        let of_worker = state.reservations.values().filter(|reservation| reservation.worker == worker);
        let pending = of_worker.filter(|reservation| reservation.status == ReservationStatus::Pending);
        pending.map(|reservation| reservation.id).collect()
    };
    if let Cause::Command(Command::SetWorkerActivity(command), _) = cause {
        for id in pending(begin, command.id) {
            let status = end.reservations[&id].status;
            let rejects = command.reject_pending_reservations;
            let expected = if rejects { ReservationStatus::Rejected } else { ReservationStatus::Pending };
            assert_eq!(status, expected, "{id}, of a Worker who changed the Activity");
        }
    }
    if !matches!(cause, Cause::Time) {
        return;
    }
    let mut moved = BTreeSet::new();
    for Recorded { event, .. } in events {
        if let Event::WorkerActivityUpdate { worker, .. } = event {
            assert_eq!(Some(worker.activity), begin.workspace.timeout_activity, "moved by a timeout");
            assert!(moved.insert(worker.id), "moved once");
        }
    }
    let timed_out: BTreeSet<WorkerId> = events
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::ReservationTimeout { worker, .. } => Some(worker.id),
            _ => None,
        })
        .collect();
    assert!(moved.is_subset(&timed_out), "only who did not answer is moved");
    let Some(activity) = begin.workspace.timeout_activity else { return };
    for worker in timed_out {
        assert_eq!(end.workers[&worker].activity, activity, "{worker} did not answer");
        if moved.contains(&worker) && !end.activities[&activity].available {
            assert!(pending(end, worker).is_empty(), "{worker} is away, but customers wait for an answer");
        }
    }
}

/// I-16: no loop without time. The deadline of each new step lies ahead, and skipping only leads on, so a Task enters
/// no step twice at a time.
fn workflows_progress(events: &[Recorded]) {
    let mut entered = BTreeSet::new();
    for Recorded { event, .. } in events {
        if let Event::TaskQueueEntered { task } | Event::TaskQueueMoved { task, .. } = event {
            let step = task.step().expect("it stands in a step");
            let place = (task.id, step.revision, step.filter, step.target);
            assert!(entered.insert(place), "{} entered a step twice at once", task.id);
        }
    }
}

/// A command that is accepted has the effect that it names.
fn the_command_did_what_it_says(command: &Command, state: &State, events: &[Recorded]) {
    fn is_set<T: PartialEq + std::fmt::Debug>(wanted: &Option<T>, present: &T) {
        if let Some(wanted) = wanted {
            assert_eq!(wanted, present);
        }
    }
    let trimmed = |name: &Option<String>| name.as_ref().map(|name| name.trim().to_owned());
    match command {
        Command::UpdateWorkspace(command) => {
            let workspace = &state.workspace;
            is_set(&trimmed(&command.name), &workspace.name);
            is_set(&command.queue_order_priority, &workspace.queue_order_priority);
            is_set(&command.default_activity, &workspace.default_activity);
            is_set(&command.timeout_activity, &workspace.timeout_activity);
            is_set(&command.logout_activity, &workspace.logout_activity);
            is_set(&command.reoffer_delay_seconds, &workspace.reoffer_delay_seconds);
        }
        Command::CreateActivity(command) => {
            let activity = &state.activities[&command.id];
            assert_eq!((command.name.trim(), command.available), (&*activity.name, activity.available));
        }
        Command::UpdateActivity(command) => {
            is_set(&trimmed(&command.name), &state.activities[&command.id].name);
        }
        Command::CreateTaskChannel(command) => {
            let channel = &state.task_channels[&command.id];
            assert_eq!((command.name.trim(), &command.unique_name), (&*channel.name, &channel.unique_name));
            assert_eq!(command.channel_optimized_routing, channel.channel_optimized_routing);
            for worker in state.workers.values() {
                assert_eq!(
                    (worker.channel(channel).configured_capacity, worker.channel(channel).open()),
                    (1, 0)
                );
            }
        }
        Command::UpdateTaskChannel(command) => {
            let channel = &state.task_channels[&command.id];
            is_set(&trimmed(&command.name), &channel.name);
            is_set(&command.channel_optimized_routing, &channel.channel_optimized_routing);
        }
        Command::CreateTaskQueue(command) => {
            let queue = &state.task_queues[&command.id];
            assert_eq!(queue.name, command.name.trim());
            assert_eq!(queue.target_workers, parsed(command.target_workers.as_deref().unwrap_or("1==1")));
            assert_eq!(queue.max_reserved_workers, command.max_reserved_workers.unwrap_or(1));
            is_set(&command.task_order, &queue.task_order);
        }
        Command::UpdateTaskQueue(command) => {
            let queue = &state.task_queues[&command.id];
            is_set(&trimmed(&command.name), &queue.name);
            is_set(&command.target_workers.as_deref().map(parsed), &queue.target_workers);
            is_set(&command.max_reserved_workers, &queue.max_reserved_workers);
            is_set(&command.task_order, &queue.task_order);
        }
        Command::CreateWorkflow(command) => {
            let workflow = &state.workflows[&command.id];
            assert_eq!(workflow.name, command.name.trim());
            assert_eq!(workflow.present().configuration.document, command.configuration);
            let timeout = command.task_reservation_timeout_seconds.unwrap_or(120);
            assert_eq!(workflow.task_reservation_timeout_seconds, timeout);
        }
        Command::UpdateWorkflow(command) => {
            let workflow = &state.workflows[&command.id];
            is_set(&trimmed(&command.name), &workflow.name);
            is_set(&command.configuration, &workflow.present().configuration.document);
            let timeout = &command.task_reservation_timeout_seconds;
            is_set(timeout, &workflow.task_reservation_timeout_seconds);
        }
        Command::CreateWorker(command) => {
            let worker = &state.workers[&command.id];
            assert_eq!(worker.name, command.name.trim());
            assert_eq!(worker.attributes, command.attributes);
            assert_eq!(worker.activity, command.activity.unwrap_or(state.workspace.default_activity));
            let mut channels = state.task_channels.values().map(|channel| worker.channel(channel));
            assert!(channels.all(|channel| channel.configured_capacity == 1 && channel.available));
        }
        Command::UpdateWorker(command) => {
            let worker = &state.workers[&command.id];
            is_set(&trimmed(&command.name), &worker.name);
            is_set(&command.attributes, &worker.attributes);
        }
        Command::SetWorkerActivity(command) => {
            assert_eq!(state.workers[&command.id].activity, command.activity);
        }
        Command::UpdateWorkerChannel(command) => {
            let worker = &state.workers[&command.worker];
            let channel = worker.channel(&state.task_channels[&command.task_channel]);
            is_set(&command.configured_capacity, &channel.configured_capacity);
            is_set(&command.available, &channel.available);
        }
        Command::CreateTask(command) => {
            let Some(Event::TaskCreated { task }) = events.first().map(|recorded| &recorded.event) else {
                panic!("a new Task begins with task.created");
            };
            let now = events[0].at;
            assert_eq!((task.id, task.created_at), (command.id, now));
            assert_eq!(task.attributes, command.attributes);
            assert_eq!(task.priority, command.priority.unwrap_or(0));
            assert_eq!(task.timeout_seconds, command.timeout_seconds.unwrap_or(86_400));
            assert_eq!(task.virtual_start_time, command.virtual_start_time.unwrap_or(now));
            assert_eq!(task.task_channel, channel_named(&command.task_channel, state));
            assert_eq!(task.waiting().map(|waiting| waiting.expires_at), Some(expires_at(task)));
            match command.workflow {
                Some(workflow) => assert_eq!(task.workflow, workflow),
                None => assert_eq!(state.workflows.len(), 1, "without a name, there is one Workflow"),
            }
        }
        Command::UpdateTask(command) => {
            // The step may set another priority right away.
            let updated = events.iter().find_map(|recorded| match &recorded.event {
                Event::TaskUpdated { task } => Some(task),
                _ => None,
            });
            let task = updated.unwrap_or(&state.tasks[&command.id]);
            is_set(&command.attributes, &task.attributes);
            is_set(&command.priority, &task.priority);
            is_set(&command.virtual_start_time, &task.virtual_start_time);
            let channel = command.task_channel.as_ref().map(|channel| channel_named(channel, state));
            is_set(&channel, &task.task_channel);
        }
        Command::CancelTask(command) => {
            let task = &state.tasks[&command.id];
            assert_eq!(task.status(), TaskStatus::Canceled);
            is_set(&command.attributes, &task.attributes);
        }
        Command::WrapUpTask(command) => {
            let task = &state.tasks[&command.id];
            assert_eq!(task.status(), TaskStatus::Wrapping);
            is_set(&command.attributes, &task.attributes);
        }
        Command::CompleteTask(command) => {
            let task = &state.tasks[&command.id];
            assert_eq!(task.status(), TaskStatus::Completed);
            is_set(&command.attributes, &task.attributes);
            let reason = task.ended().and_then(|ended| ended.reason.clone());
            assert_eq!(reason, trimmed(&command.reason));
        }
        Command::AcceptReservation(command) => {
            let reservation = &state.reservations[&command.id];
            assert_eq!(reservation.status, ReservationStatus::Accepted);
            assert_eq!(state.tasks[&reservation.task].status(), TaskStatus::Assigned);
        }
        Command::RejectReservation(command) => {
            let reservation = &state.reservations[&command.id];
            assert_eq!(reservation.status, ReservationStatus::Rejected);
            assert_eq!(reservation.reason, trimmed(&command.reason));
            is_set(&command.activity, &state.workers[&reservation.worker].activity);
        }
        Command::WrapUpReservation(command) => {
            let reservation = &state.reservations[&command.id];
            assert_eq!(reservation.status, ReservationStatus::Wrapping);
            assert_eq!(state.tasks[&reservation.task].status(), TaskStatus::Wrapping);
        }
        Command::CompleteReservation(command) => {
            let reservation = &state.reservations[&command.id];
            assert_eq!(reservation.status, ReservationStatus::Completed);
            assert_eq!(state.tasks[&reservation.task].status(), TaskStatus::Completed);
        }
        Command::DeleteActivity(DeleteActivity { id, .. }) => {
            assert!(!state.activities.contains_key(id) && state.activity(*id).is_some());
        }
        Command::DeleteTaskChannel(DeleteTaskChannel { id, .. }) => {
            assert!(!state.task_channels.contains_key(id) && state.task_channel(*id).is_some());
        }
        Command::DeleteTaskQueue(command) => assert!(!state.task_queues.contains_key(&command.id)),
        Command::DeleteWorkflow(command) => assert!(!state.workflows.contains_key(&command.id)),
        Command::DeleteWorker(command) => assert!(!state.workers.contains_key(&command.id)),
        Command::DeleteTask(command) => {
            let task = &state.tasks[&command.id];
            assert!(task.deleted_at.is_some() && task.ended().is_some());
        }
    }
}

fn parsed(target_workers: &str) -> TargetWorkers {
    TargetWorkers::parse(target_workers).expect("the command was accepted")
}

fn channel_named(reference: &TaskChannelRef, state: &State) -> TaskChannelId {
    match reference {
        TaskChannelRef::Id(id) => *id,
        TaskChannelRef::UniqueName(name) => state.task_channel_named(name).expect("it was accepted").id,
    }
}
