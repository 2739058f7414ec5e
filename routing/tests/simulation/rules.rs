//! The rules of routing once more, written from `docs/routing.md` in the plainest way: every question is answered
//! by a loop over everything. Nothing here looks at the index, nor at anything that the core computed on the way
//! and stored (counters, circle stamps, cool-downs, deadlines); what happened before is kept in a [`Memory`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use routing::event::{Event, Recorded};
use routing::expression::{
    ChannelFacts, ChannelField, Facts, OrderBy, TaskFacts, WorkerCounts, WorkerFacts, WorkerField,
};
use routing::ids::*;
use routing::index::explain::CheckKind;
use routing::state::{
    Phase, ReservationStatus, TargetWorkers, Task, TaskOrder, TaskStatus, Worker, Workflow, Workspace,
};
use routing::time::Timestamp;
use routing::workflow_configuration::{KnownWorker, Target, WorkflowConfiguration};
use routing::{Attributes, Command, Limits, State};
use serde_json::Value;

/// What has happened so far, as far as it decides what may happen next.
#[derive(Default)]
pub struct Memory {
    /// By Task: the position of its `task.created`.
    created: BTreeMap<TaskId, u64>,
    /// By Worker: the offers that have not been taken back, oldest first.
    offers: BTreeMap<WorkerId, Vec<Offer>>,
    /// Until when a Worker who refused a Task is not offered it again.
    cool_downs: BTreeMap<(TaskId, WorkerId), Timestamp>,
    /// By Task that waits: since when the timeouts of its filter count, and from which target on.
    clocks: BTreeMap<TaskId, (Timestamp, u32)>,
    /// The Tasks that have come to a step, or have had an offer fail there, since the last step of the run.
    looked_at: BTreeSet<TaskId>,
    /// By Task: how often it went from pending to reserved.
    rounds: BTreeMap<TaskId, u32>,
    /// Attributes that were read before, so that they are not read for each question.
    task_documents: BTreeMap<TaskId, (Attributes, Value)>,
    worker_documents: BTreeMap<WorkerId, (Attributes, Value)>,
}

struct Offer {
    sequence: u64,
    task_channel: TaskChannelId,
    reservation: ReservationId,
}

/// Where a Task should stand in its Workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub revision: u32,
    /// `None`: the default filter.
    pub filter: Option<u32>,
    pub target: u32,
    pub clock_started_at: Timestamp,
    pub clock_target: u32,
    pub deadline: Option<Timestamp>,
}

/// The rules at one moment.
pub struct Rules<'a> {
    pub state: &'a State,
    pub now: Timestamp,
    memory: &'a Memory,
    limits: &'a Limits,
    /// Pending, accepted and wrapping Reservations of each worker channel.
    load: BTreeMap<(WorkerId, TaskChannelId), Load>,
    /// Who has an open Reservation of what.
    offered: BTreeSet<(TaskId, WorkerId)>,
}

/// How many Reservations are open.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Load {
    pub pending: u32,
    pub accepted: u32,
    pub wrapping: u32,
}

impl Load {
    pub fn open(self) -> u32 {
        self.pending + self.accepted + self.wrapping
    }
}

impl Memory {
    /// The memory of a Workspace in which there have been no Tasks.
    pub fn of(state: &State) -> Memory {
        assert!(state.tasks.is_empty(), "a memory begins before the first Task");
        let mut memory = Memory::default();
        for worker in state.workers.values() {
            memory.read_worker(worker);
        }
        memory
    }

    /// Takes in an event. `before` is the state before it.
    pub fn note(&mut self, Recorded { sequence, at, event, .. }: &Recorded, before: &State) {
        match event {
            Event::TaskCreated { task } => {
                self.created.insert(task.id, *sequence);
                self.read_task(task);
            }
            Event::TaskUpdated { task } => self.read_task(task),
            Event::TaskPurged { task } => {
                self.created.remove(task);
                self.clocks.remove(task);
                self.rounds.remove(task);
                self.task_documents.remove(task);
                self.cool_downs.retain(|(of, _), _| of != task);
            }
            Event::WorkerCreated { worker } | Event::WorkerAttributesUpdate { worker } => {
                self.read_worker(worker);
            }
            Event::ReservationCreated { reservation, task, worker } => {
                let offer = Offer {
                    sequence: *sequence,
                    task_channel: task.task_channel,
                    reservation: reservation.id,
                };
                self.offers.entry(worker.id).or_default().push(offer);
                if before.tasks[&task.id].status() == TaskStatus::Pending {
                    *self.rounds.entry(task.id).or_default() += 1;
                }
            }
            Event::ReservationRejected { task, worker, .. }
            | Event::ReservationTimeout { task, worker, .. } => {
                let until = at.plus_seconds(before.workspace.reoffer_delay_seconds);
                self.cool_downs.insert((task.id, worker.id), until);
                self.looked_at.insert(task.id);
            }
            Event::TaskQueueEntered { task } | Event::TaskQueueMoved { task, .. } => {
                self.looked_at.insert(task.id);
            }
            Event::ReservationCanceled { reservation, task, worker }
            | Event::ReservationRescinded { reservation, task, worker } => {
                self.looked_at.insert(task.id);
                // Not the Worker's doing: as if it had never been.
                let offers = self.offers.get_mut(&worker.id).expect("it was made");
                offers.retain(|offer| offer.reservation != reservation.id);
            }
            Event::WorkspaceCreated { .. }
            | Event::WorkspaceUpdated { .. }
            | Event::ActivityCreated { .. }
            | Event::ActivityUpdated { .. }
            | Event::TaskChannelCreated { .. }
            | Event::TaskChannelUpdated { .. }
            | Event::TaskQueueCreated { .. }
            | Event::TaskQueueUpdated { .. }
            | Event::TaskQueueExpressionUpdated { .. }
            | Event::WorkflowCreated { .. }
            | Event::WorkflowUpdated { .. }
            | Event::WorkerUpdated { .. }
            | Event::WorkerActivityUpdate { .. }
            | Event::WorkerCapacityUpdate { .. }
            | Event::WorkerChannelAvailabilityUpdate { .. }
            | Event::TaskCanceled { .. }
            | Event::TaskWrapup { .. }
            | Event::TaskCompleted { .. }
            | Event::WorkflowEntered { .. }
            | Event::WorkflowTargetMatched { .. }
            | Event::WorkflowTimeout { .. }
            | Event::WorkflowSkipped { .. }
            | Event::TaskQueueTimeout { .. }
            | Event::ReservationAccepted { .. }
            | Event::ReservationWrapup { .. }
            | Event::ReservationCompleted { .. }
            | Event::ActivityDeleted { .. }
            | Event::TaskChannelDeleted { .. }
            | Event::TaskQueueDeleted { .. }
            | Event::WorkflowDeleted { .. }
            | Event::WorkerDeleted { .. }
            | Event::TaskDeleted { .. } => {}
        }
    }

    /// A Task was found to stand where it should; its filter's clock is needed again later.
    pub fn note_place(&mut self, task: TaskId, place: Place) {
        self.clocks.insert(task, (place.clock_started_at, place.clock_target));
    }

    /// Another step of the run begins.
    pub fn begin_step(&mut self) {
        self.looked_at.clear();
    }

    /// Every Task that was created and not purged.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.created.keys().copied()
    }

    pub fn rounds(&self, task: TaskId) -> u32 {
        self.rounds.get(&task).copied().unwrap_or(0)
    }

    fn read_task(&mut self, task: &Task) {
        self.task_documents.insert(task.id, (task.attributes.clone(), task.attributes.to_value()));
    }

    fn read_worker(&mut self, worker: &Worker) {
        self.worker_documents.insert(worker.id, (worker.attributes.clone(), worker.attributes.to_value()));
    }

    fn task_document(&self, task: &Task) -> &Value {
        let (attributes, document) = &self.task_documents[&task.id];
        assert_eq!(*attributes, task.attributes, "the attributes change with task.updated only");
        document
    }

    fn worker_document(&self, worker: &Worker) -> &Value {
        let (attributes, document) = &self.worker_documents[&worker.id];
        assert_eq!(
            *attributes, worker.attributes,
            "the attributes change with worker.attributes.update only"
        );
        document
    }
}

impl<'a> Rules<'a> {
    pub fn at(state: &'a State, now: Timestamp, memory: &'a Memory, limits: &'a Limits) -> Rules<'a> {
        let mut load: BTreeMap<(WorkerId, TaskChannelId), Load> = BTreeMap::new();
        let mut offered = BTreeSet::new();
        for reservation in state.reservations.values() {
            let of_channel = load.entry((reservation.worker, reservation.task_channel)).or_default();
            match reservation.status {
                ReservationStatus::Pending => of_channel.pending += 1,
                ReservationStatus::Accepted => of_channel.accepted += 1,
                ReservationStatus::Wrapping => of_channel.wrapping += 1,
                ReservationStatus::Rejected
                | ReservationStatus::TimedOut
                | ReservationStatus::Canceled
                | ReservationStatus::Rescinded
                | ReservationStatus::Completed => continue,
            }
            offered.insert((reservation.task, reservation.worker));
        }
        Rules { state, now, memory, limits, load, offered }
    }

    /// `routing.md` 4.1, and the re-offer delay of 6.2.
    pub fn is_candidate(&self, task: &Task, worker: &Worker) -> bool {
        self.has_room(worker, task.task_channel)
            && !self.offered.contains(&(task.id, worker.id))
            && self.is_eligible(task, worker)
    }

    /// All of [`Rules::is_candidate`] but room and an offer that is open already.
    pub fn is_eligible(&self, task: &Task, worker: &Worker) -> bool {
        let Some(queue) = task.task_queue else { return false };
        let Some(target) = self.target(task) else { return false };
        let cool_down = self.memory.cool_downs.get(&(task.id, worker.id));
        self.state.activities[&worker.activity].available
            && cool_down.is_none_or(|until| *until <= self.now)
            && channel_of(worker, task.task_channel).1
            && self.serves(worker, queue)
            && self.is_known_worker(task, target, worker)
            && self.suits(task, target, worker)
    }

    /// Is the step's expression true for the Worker?
    fn suits(&self, task: &Task, target: &Target, worker: &Worker) -> bool {
        target.expression.as_ref().is_none_or(|expression| {
            let facts = Facts {
                task: TaskFacts::Document(self.memory.task_document(task)),
                worker: Some(&self.facts(worker)),
                workers: None,
                now_ms: self.now.0,
            };
            expression.is_true(&facts)
        })
    }

    /// What an explanation says of a waiting Task and a Worker.
    pub fn checks(&self, task: &Task, worker: &Worker) -> [(CheckKind, bool); 7] {
        let queue = task.task_queue.expect("a waiting Task is in a TaskQueue");
        let target = self.target(task).expect("a waiting Task stands in a step");
        let cool_down = self.memory.cool_downs.get(&(task.id, worker.id));
        [
            (CheckKind::QueueMembership, self.serves(worker, queue)),
            (CheckKind::KnownWorker, self.is_known_worker(task, target, worker)),
            (CheckKind::TargetExpression, self.suits(task, target, worker)),
            (CheckKind::Activity, self.state.activities[&worker.activity].available),
            (CheckKind::ChannelAvailable, channel_of(worker, task.task_channel).1),
            (CheckKind::Capacity, self.has_room(worker, task.task_channel)),
            (CheckKind::RefusedRecently, cool_down.is_none_or(|until| *until <= self.now)),
        ]
    }

    /// Do both wait in one TaskQueue, the first one before the second?
    pub fn waits_before(&self, first: &Task, second: &Task) -> bool {
        first.task_queue == second.task_queue && self.goes_first(first, second)
    }

    /// Is the Worker eligible for the TaskQueue (`routing.md` 3.1)?
    pub fn serves(&self, worker: &Worker, queue: TaskQueueId) -> bool {
        match &self.state.task_queues[&queue].target_workers {
            TargetWorkers::Nobody => false,
            TargetWorkers::Matching(expression) => expression.is_true(&Facts {
                task: TaskFacts::None,
                worker: Some(&self.facts(worker)),
                workers: None,
                now_ms: self.now.0,
            }),
        }
    }

    pub fn has_room(&self, worker: &Worker, task_channel: TaskChannelId) -> bool {
        let (capacity, _) = channel_of(worker, task_channel);
        self.load(worker.id, task_channel).open() < capacity
    }

    pub fn load(&self, worker: WorkerId, task_channel: TaskChannelId) -> Load {
        self.load.get(&(worker, task_channel)).copied().unwrap_or_default()
    }

    /// Whose turn comes first (`routing.md` 4.2 and 4.3): who got an offer longest ago, then who was created first,
    /// then the smaller id. An offer that was taken back does not count.
    pub fn turn(&self, worker: &Worker, task_channel: TaskChannelId) -> (u64, Timestamp, WorkerId) {
        let has_own_circle = self.state.task_channels[&task_channel].channel_optimized_routing;
        let offers = self.memory.offers.get(&worker.id).into_iter().flatten();
        let last = offers
            .filter(|offer| !has_own_circle || offer.task_channel == task_channel)
            .map(|offer| offer.sequence)
            .max();
        (last.unwrap_or(0), worker.created_at, worker.id)
    }

    /// Is `first` served before `second` by a Worker who could take both (`routing.md` 3.2, 3.3)?
    pub fn goes_first(&self, first: &Task, second: &Task) -> bool {
        self.precedence(first) < self.precedence(second)
    }

    fn precedence(&self, task: &Task) -> (bool, i64, i64, i64, TaskId) {
        let queue = task.task_queue.expect("a waiting Task is in a TaskQueue");
        let order = self.state.task_queues[&queue].task_order;
        let other_kind = order != self.state.workspace.queue_order_priority;
        let Timestamp(start) = task.virtual_start_time;
        let created = self.memory.created[&task.id] as i64;
        match order {
            TaskOrder::Fifo => (other_kind, -i64::from(task.priority), start, created, task.id),
            TaskOrder::Lifo => (other_kind, 0, -start, -created, task.id),
        }
    }

    /// Where a Task goes that enters its Workflow; `None`: out of it (`routing.md` 2.2).
    pub fn place_on_entry(&self, task: &Task) -> Option<Place> {
        let (revision, configuration) = self.present_configuration(task);
        let place = self.first_true_filter(task, revision, configuration, 0);
        let default = configuration.default_filter.as_ref().map(|_| Place {
            revision,
            filter: None,
            target: 0,
            clock_started_at: self.now,
            clock_target: 0,
            deadline: None,
        });
        place.or(default)
    }

    /// May a pending Task be sent on by the `skip_if` of its step (`routing.md` 2.5), if nobody can be offered it?
    pub fn is_to_be_skipped(&self, task: &Task) -> bool {
        self.memory.looked_at.contains(&task.id)
            && self.target(task).and_then(|target| target.skip_if.as_ref()).is_some_and(|skip_if| {
                let queue = task.task_queue.expect("a waiting Task is in a TaskQueue");
                let facts = Facts {
                    workers: Some(&Counted { rules: self, queue }),
                    now_ms: self.now.0,
                    ..Facts::default()
                };
                skip_if.is_true(&facts)
            })
    }

    /// Where a Task goes that is skipped; `None`: out of the Workflow.
    pub fn place_after_skip(&self, task: &Task) -> Option<Place> {
        let step = task.step().expect("it waited in a step");
        let configuration = self.configuration(task, step.revision);
        let filter = step.filter?;
        if let Some(next) = configuration.filters[filter as usize].targets.get(step.target as usize + 1) {
            return Some(Place {
                revision: step.revision,
                filter: Some(filter),
                target: step.target + 1,
                clock_started_at: self.now,
                clock_target: step.target + 1,
                deadline: next.timeout_seconds.map(|seconds| self.now.plus_seconds(seconds)),
            });
        }
        let later = self.first_true_filter(task, step.revision, configuration, filter as usize + 1);
        let default = configuration.default_filter.as_ref().map(|_| Place {
            revision: step.revision,
            filter: None,
            target: 0,
            clock_started_at: self.now,
            clock_target: 0,
            deadline: None,
        });
        later.or(default)
    }

    /// Where a Task goes whose time in its step is over; `None`: out of the Workflow (`routing.md` 2.4). Steps whose
    /// deadline has passed as well are passed over; then come the filters below, but not the default filter.
    pub fn place_after_timeout(&self, task: &Task) -> Option<Place> {
        let step = task.step().expect("it waited in a step");
        let configuration = self.configuration(task, step.revision);
        let filter = step.filter.expect("the default filter is not left by time");
        let (clock_started_at, clock_target) = self.memory.clocks[&task.id];
        let targets = &configuration.filters[filter as usize].targets;
        let later = (step.target + 1..targets.len() as u32).map(|target| Place {
            revision: step.revision,
            filter: Some(filter),
            target,
            clock_started_at,
            clock_target,
            deadline: deadline(&targets[clock_target as usize..=target as usize], clock_started_at),
        });
        let open = later.into_iter().find(|place| place.deadline.is_none_or(|deadline| deadline > self.now));
        open.or_else(|| self.first_true_filter(task, step.revision, configuration, filter as usize + 1))
    }

    /// Where a pending Task with new attributes stands: where it is, if the filter that takes it is the one it is in
    /// (`routing.md` 2.8); else as if it were new.
    pub fn place_after_redrive(&self, task: &Task) -> Option<Place> {
        let place = self.place_on_entry(task)?;
        let step = task.step().expect("a pending Task stands in a step");
        let (present, followed) =
            (self.configuration(task, place.revision), self.configuration(task, step.revision));
        let is_same_filter = place.filter == step.filter
            && match place.filter {
                Some(at) => present.filters[at as usize] == followed.filters[at as usize],
                None => present.default_filter == followed.default_filter,
            };
        Some(if is_same_filter { self.present_place(task) } else { place })
    }

    /// Where a waiting Task stands, with the deadline that follows from the clock of its filter.
    pub fn present_place(&self, task: &Task) -> Place {
        let step = task.step().expect("it waits in a step");
        let (clock_started_at, clock_target) = self.memory.clocks[&task.id];
        let deadline = step.filter.and_then(|filter| {
            let configuration = self.configuration(task, step.revision);
            let targets = &configuration.filters[filter as usize].targets;
            deadline(&targets[clock_target as usize..=step.target as usize], clock_started_at)
        });
        Place {
            revision: step.revision,
            filter: step.filter,
            target: step.target,
            clock_started_at,
            clock_target,
            deadline,
        }
    }

    /// Who of the candidates comes first (`routing.md` 4.4, then 4.2): by the values that the step names, then whose
    /// turn it is.
    pub fn standing(&self, task: &Task, worker: &Worker) -> (Vec<(bool, i128)>, (u64, Timestamp, WorkerId)) {
        let order_by = self.target(task).and_then(|target| target.order_by.as_ref());
        let by_values = order_by.map_or_else(Vec::new, |order_by| self.values(order_by, worker));
        (by_values, self.turn(worker, task.task_channel))
    }

    /// For each clause whether the value is missing, and the value, so that smaller is better.
    fn values(&self, order_by: &OrderBy, worker: &Worker) -> Vec<(bool, i128)> {
        let facts = self.facts(worker);
        let of_clause = |clause: &routing::expression::Clause| {
            let value: Option<i128> = match &clause.key.field {
                WorkerField::Attribute(path) => path.find(facts.attributes).and_then(|value| {
                    let integer = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
                    let whole = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e18);
                    integer.or(whole.map(|number| number as i128))
                }),
                WorkerField::Channel { unique_name, field } => {
                    facts.channel(unique_name).map(|channel| match field {
                        ChannelField::ConfiguredCapacity => channel.configured_capacity.into(),
                        ChannelField::AssignedTasks => channel.assigned_tasks.into(),
                        ChannelField::AvailableCapacityPercentage => {
                            channel.available_capacity_percentage().into()
                        }
                    })
                }
                _ => None,
            };
            match value {
                None => (true, 0),
                Some(value) => (false, if clause.is_descending { -value } else { value }),
            }
        };
        order_by.clauses().iter().map(of_clause).collect()
    }

    /// The target that a place stands for.
    pub fn target_at(&self, task: &Task, place: Place) -> &'a Target {
        let configuration = self.configuration(task, place.revision);
        match place.filter {
            Some(filter) => &configuration.filters[filter as usize].targets[place.target as usize],
            None => configuration.default_filter.as_ref().expect("a Task stands in it"),
        }
    }

    /// When something has to happen next without anybody asking for it.
    pub fn next_due(&self) -> Option<Timestamp> {
        let offers = self
            .state
            .reservations
            .values()
            .filter(|reservation| reservation.status == ReservationStatus::Pending)
            .map(|reservation| reservation.created_at.plus_seconds(reservation.timeout_seconds));
        let tasks = self.state.tasks.values().flat_map(|task| match &task.phase {
            Phase::Pending(_) => {
                let cool_downs = self.memory.cool_downs.iter();
                let cool_down = cool_downs
                    .filter(|((of, _), until)| *of == task.id && **until > self.now)
                    .map(|(_, until)| *until)
                    .min();
                [Some(expires_at(task)), self.present_place(task).deadline, cool_down]
            }
            Phase::Reserved(_) => [Some(expires_at(task)), None, None],
            Phase::Assigned(_) | Phase::Wrapping(_) => [None, None, None],
            Phase::Completed(_) | Phase::Canceled(_) => [Some(self.purged_at(task)), None, None],
        });
        // Where a step looks at the time of day, its Tasks are looked at when a minute begins.
        let looks_at_clock = |task: &&Arc<Task>| {
            let expression = self.target(task).and_then(|target| target.expression.as_ref());
            expression.is_some_and(|expression| expression.source().contains("taskrouter."))
        };
        let minute =
            self.pending_tasks().find(looks_at_clock).map(|_| Timestamp((self.now.0 / 60_000 + 1) * 60_000));
        offers.chain(tasks.flatten()).chain(minute).min()
    }

    /// Does anything need what a command would delete (`routing.md` 6.5)? `None`: it deletes nothing, or what it would
    /// delete is not there.
    pub fn is_in_use(&self, command: &Command) -> Option<bool> {
        let state = self.state;
        let mut tasks = state.tasks.values();
        let mut reservations = state.reservations.values();
        Some(match command {
            Command::DeleteActivity(command) => {
                let id = state.activities.get(&command.id)?.id;
                let Workspace { default_activity, timeout_activity, logout_activity, .. } = &*state.workspace;
                *default_activity == id
                    || *timeout_activity == Some(id)
                    || *logout_activity == id
                    || state.workers.values().any(|worker| worker.activity == id)
            }
            Command::DeleteTaskChannel(command) => {
                let channel = state.task_channels.get(&command.id)?;
                ["default", "voice", "chat", "sms", "video"].contains(&&*channel.unique_name)
                    || tasks.any(|task| task.task_channel == channel.id && task.ended().is_none())
            }
            Command::DeleteTaskQueue(command) => {
                let id = state.task_queues.get(&command.id)?.id;
                let leads_there = |configuration: &WorkflowConfiguration| {
                    configuration.queues().iter().any(|(queue, _)| *queue == id)
                };
                let present = |workflow: &Workflow| leads_there(&workflow.present().configuration);
                tasks.any(|task| {
                    let is_in_it = task.task_queue == Some(id) && task.ended().is_none();
                    let followed = task.step().map(|step| self.configuration(task, step.revision));
                    is_in_it || followed.is_some_and(leads_there)
                }) || state.workflows.values().any(|workflow| present(workflow))
            }
            Command::DeleteWorkflow(command) => {
                let id = state.workflows.get(&command.id)?.id;
                let is_waiting = |task: &Task| matches!(task.phase, Phase::Pending(_) | Phase::Reserved(_));
                tasks.any(|task| task.workflow == id && is_waiting(task))
            }
            Command::DeleteWorker(command) => {
                let id = state.workers.get(&command.id)?.id;
                reservations.any(|reservation| {
                    let is_in_the_way = match reservation.status {
                        ReservationStatus::Pending => !command.force,
                        status => status.is_open(),
                    };
                    reservation.worker == id && is_in_the_way
                })
            }
            Command::DeleteTask(_) => false,
            _ => return None,
        })
    }

    pub fn purged_at(&self, task: &Task) -> Timestamp {
        let ended = task.ended().expect("only a Task that has ended is purged");
        ended.at.plus_seconds(self.limits.finished_task_retention_seconds)
    }

    pub fn pending_tasks(&self) -> impl Iterator<Item = &'a Arc<Task>> + use<'a> {
        self.state.tasks.values().filter(|task| task.status() == TaskStatus::Pending)
    }

    fn first_true_filter(
        &self,
        task: &Task,
        revision: u32,
        configuration: &WorkflowConfiguration,
        from: usize,
    ) -> Option<Place> {
        let facts = Facts {
            task: TaskFacts::Document(self.memory.task_document(task)),
            worker: None,
            workers: None,
            now_ms: self.now.0,
        };
        for (position, filter) in configuration.filters.iter().enumerate().skip(from) {
            if filter.expression.is_true(&facts) {
                return Some(Place {
                    revision,
                    filter: Some(position as u32),
                    target: 0,
                    clock_started_at: self.now,
                    clock_target: 0,
                    deadline: deadline(&filter.targets[..=0], self.now),
                });
            }
        }
        None
    }

    fn target(&self, task: &Task) -> Option<&'a Target> {
        let step = task.step()?;
        let configuration = self.configuration(task, step.revision);
        match step.filter {
            Some(filter) => configuration.filters[filter as usize].targets.get(step.target as usize),
            None => configuration.default_filter.as_ref(),
        }
    }

    fn present_configuration(&self, task: &Task) -> (u32, &'a WorkflowConfiguration) {
        let revision = self.state.workflows[&task.workflow].revisions.last().expect("there is one");
        (revision.number, &revision.configuration)
    }

    fn configuration(&self, task: &Task, number: u32) -> &'a WorkflowConfiguration {
        let revisions = &self.state.workflows[&task.workflow].revisions;
        let revision = revisions.iter().find(|revision| revision.number == number);
        &revision.expect("a revision stays while a waiting Task follows it").configuration
    }

    fn is_known_worker(&self, task: &Task, target: &Target, worker: &Worker) -> bool {
        let named = |path: &routing::expression::Path| {
            path.find(self.memory.task_document(task)).and_then(Value::as_str).map(str::to_owned)
        };
        match &target.known_worker {
            None => true,
            Some(KnownWorker::Id(path)) => named(path) == Some(worker.id.to_string()),
            Some(KnownWorker::Name(path)) => {
                named(path).is_some_and(|name| name.to_lowercase() == worker.name.to_lowercase())
            }
        }
    }

    fn facts<'b>(&'b self, worker: &'b Worker) -> Described<'b> {
        Described {
            rules: self,
            worker,
            attributes: self.memory.worker_document(worker),
            id: worker.id.to_string(),
        }
    }
}

/// A Worker as expressions see it.
struct Described<'a> {
    rules: &'a Rules<'a>,
    worker: &'a Worker,
    attributes: &'a Value,
    id: String,
}

impl WorkerFacts for Described<'_> {
    fn attributes(&self) -> &Value {
        self.attributes
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.worker.name
    }

    fn activity_id(&self) -> Cow<'_, str> {
        self.worker.activity.to_string().into()
    }

    fn activity_name(&self) -> &str {
        &self.rules.state.activities[&self.worker.activity].name
    }

    fn channel(&self, unique_name: &str) -> Option<ChannelFacts> {
        let channels = self.rules.state.task_channels.values();
        let id = channels.into_iter().find(|channel| channel.unique_name == unique_name)?.id;
        let (configured_capacity, _) = channel_of(self.worker, id);
        let load = self.rules.load(self.worker.id, id);
        Some(ChannelFacts { configured_capacity, assigned_tasks: load.accepted, open: load.open() })
    }
}

/// How many Workers of a TaskQueue are where.
struct Counted<'a> {
    rules: &'a Rules<'a>,
    queue: TaskQueueId,
}

impl Counted<'_> {
    fn count(&self, is_counted: impl Fn(&Worker) -> bool) -> u64 {
        let workers = self.rules.state.workers.values();
        workers.filter(|worker| self.rules.serves(worker, self.queue) && is_counted(worker)).count() as u64
    }
}

impl WorkerCounts for Counted<'_> {
    fn available(&self) -> u64 {
        self.count(|worker| self.rules.state.activities[&worker.activity].available)
    }

    fn unavailable(&self) -> u64 {
        self.count(|worker| !self.rules.state.activities[&worker.activity].available)
    }

    fn in_activity(&self, activity_id: &str) -> Option<u64> {
        let activity =
            self.rules.state.activities.values().find(|activity| activity.id.to_string() == activity_id)?;
        Some(self.count(|worker| worker.activity == activity.id))
    }
}

/// When a waiting Task is given up. There is one waiting period: that since its creation.
pub fn expires_at(task: &Task) -> Timestamp {
    task.created_at.plus_seconds(task.timeout_seconds)
}

/// The last of these steps ends when the clock has reached the sum of their timeouts.
fn deadline(targets: &[Target], clock_started_at: Timestamp) -> Option<Timestamp> {
    targets.last()?.timeout_seconds?;
    let timeouts = targets.iter().map(|target| {
        i64::from(
            target.timeout_seconds.expect("behind a step without a timeout there is none to be reached"),
        )
    });
    Some(Timestamp(clock_started_at.0 + timeouts.sum::<i64>() * 1_000))
}

/// Capacity and switch of the worker channel: as they were set, else as they are at first (`routing.md` 5.1).
fn channel_of(worker: &Worker, task_channel: TaskChannelId) -> (u32, bool) {
    let set = worker.channels.iter().find(|channel| channel.task_channel == task_channel);
    set.map_or((1, true), |channel| (channel.configured_capacity, channel.available))
}
