//! Why a Task waits, or how it was routed: what the router looks at, in words.
//!
//! Every check here asks the functions that decide (`matching.rs`), so an explanation cannot disagree with what
//! happens; the simulation compares the two. Costs a look at each Worker: it is for people who ask, not for routing.

use std::fmt::Write;

use super::lanes::{Known, Lane, Precedence};
use super::workers::{CircleKey, WorkerSlot};
use super::{Index, stand};
use crate::expression::{Facts, OrderBy, Rank, TaskFacts};
use crate::ids::{TaskId, WorkerId};
use crate::router::Router;
use crate::state::{
    Phase, Reservation, ReservationStatus, State, TargetWorkers, Task, TaskQueue, Worker, WorkerChannel,
};
use crate::time::Timestamp;

/// Why a Task waits, or how it was routed.
#[derive(Clone, PartialEq, Debug)]
pub struct Explanation {
    /// The Task.
    pub task: TaskId,
    /// All of it in a few sentences, without times.
    pub summary: String,
    /// Its place among the Tasks that wait in its TaskQueue, from 1.
    pub position: Option<usize>,
    /// Until when it waits as it does, and what comes then.
    pub until: Option<(Timestamp, Then)>,
    /// The Workers who are nearest to getting it, the nearest first; for a Task that waits.
    pub workers: Vec<WorkerExplanation>,
}

/// What comes when a Task has waited for as long as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// It leaves its step.
    NextStep,
    /// It is canceled.
    TimeToLiveEnds,
    /// The Worker has not answered.
    ReservationTimesOut,
}

/// How a Worker stands to a Task that waits.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkerExplanation {
    /// The Worker.
    pub worker: WorkerId,
    /// The Worker serves the TaskQueue and suits the step, whether or not they can take the Task now.
    pub is_eligible: bool,
    /// The Task would be offered to the Worker.
    pub is_candidate: bool,
    /// The Worker's place among those who are eligible, from 1.
    pub rank: Option<usize>,
    /// What was looked at, in the order of the rules.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What.
    pub kind: CheckKind,
    /// Is it as it has to be?
    pub passed: bool,
    /// What was seen.
    pub detail: String,
}

/// What is looked at, in the order of the rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CheckKind {
    /// The expression of the TaskQueue.
    QueueMembership,
    /// The Worker whom the Task names, where the step wants that one.
    KnownWorker,
    /// The step's expression.
    TargetExpression,
    /// The Worker's Activity.
    Activity,
    /// The switch of the worker channel.
    ChannelAvailable,
    /// The capacity of the worker channel.
    Capacity,
    /// The Worker has an open Reservation of the Task, or is the one who is transferring it.
    AlreadyReserved,
    /// The Worker has refused the Task a moment ago.
    RefusedRecently,
    /// Another Task goes first as soon as the Worker has room.
    HigherPrecedenceTask,
}

impl CheckKind {
    /// As the API writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            CheckKind::QueueMembership => "QUEUE_MEMBERSHIP",
            CheckKind::KnownWorker => "KNOWN_WORKER",
            CheckKind::TargetExpression => "TARGET_EXPRESSION",
            CheckKind::Activity => "ACTIVITY",
            CheckKind::ChannelAvailable => "CHANNEL_AVAILABLE",
            CheckKind::Capacity => "CAPACITY",
            CheckKind::AlreadyReserved => "ALREADY_RESERVED",
            CheckKind::RefusedRecently => "REFUSED_RECENTLY",
            CheckKind::HigherPrecedenceTask => "HIGHER_PRECEDENCE_TASK",
        }
    }
}

impl Router {
    /// Why a Task waits, or how it was routed: for one Worker, or for those who are nearest to getting it. Of a Task that
    /// is offered already, only a Worker who is asked for is looked at: why was it not this one?
    #[must_use]
    pub fn explain(&self, task: TaskId, worker: Option<WorkerId>, first: usize) -> Option<Explanation> {
        let (state, index) = (&self.state, &self.index);
        let task = state.tasks.get(&task)?;
        let of_lane =
            |lane: &Lane| Waiting { state, index, task, lane, now: self.now }.explain(worker, first);
        let mut explanation = match index.lane_of(task.id) {
            Some(lane) => of_lane(index.lanes.lane(lane)),
            None => {
                let lane = worker.and_then(|_| index.lane_of_offered(state, task));
                Explanation {
                    task: task.id,
                    summary: routed(state, task),
                    position: None,
                    until: None,
                    workers: lane.map(|lane| of_lane(&lane).workers).unwrap_or_default(),
                }
            }
        };
        explanation.until = until(state, task);
        Some(explanation)
    }
}

impl Index {
    /// The lane that an offered Task would wait in, were it not offered.
    fn lane_of_offered(&self, state: &State, task: &Task) -> Option<Lane> {
        let Phase::Reserved(waiting) = &task.phase else { return None };
        let waits = Task { phase: Phase::Pending(waiting.clone()), ..task.clone() };
        Some(Lane::of(stand(&self.workers, state, &waits)?))
    }
}

/// A Task that waits, with what decides about it.
struct Waiting<'a> {
    state: &'a State,
    index: &'a Index,
    task: &'a Task,
    lane: &'a Lane,
    now: Timestamp,
}

/// Where a Worker stands: by how many checks passed before the first that did not, and then in the order of offers.
type Standing = (usize, Option<Rank>, CircleKey);

/// How many checks there are that one Worker passes or does not: all but that of other Tasks.
const N_CHECKS: usize = 8;

impl Waiting<'_> {
    fn explain(&self, worker: Option<WorkerId>, first: usize) -> Explanation {
        let mut standings: Vec<(Standing, WorkerSlot)> =
            self.index.workers.all().map(|slot| (self.standing(slot), slot)).collect();
        let n_passed = |at_least: usize| {
            standings.iter().filter(|((failed, ..), _)| N_CHECKS - failed >= at_least).count()
        };
        let funnel: Vec<usize> = (0..=N_CHECKS).map(n_passed).collect();
        standings.sort();
        let is_asked_for =
            |slot: WorkerSlot| worker.is_none_or(|worker| self.index.worker_id(slot) == worker);
        let ranked = standings.iter().enumerate().filter(|(_, (_, slot))| is_asked_for(*slot));
        let limit = if worker.is_some() { 1 } else { first };
        let workers =
            ranked.take(limit).map(|(place, (standing, slot))| self.of_worker(*slot, standing, place + 1));
        Explanation {
            task: self.task.id,
            summary: self.summary(&funnel),
            position: self.position(),
            until: None,
            workers: workers.collect(),
        }
    }

    fn of_worker(&self, slot: WorkerSlot, (failed, ..): &Standing, place: usize) -> WorkerExplanation {
        let is_eligible = N_CHECKS - failed >= 3;
        let mut checks: Vec<Check> = KINDS.iter().filter_map(|kind| self.check(slot, *kind)).collect();
        if is_eligible {
            checks.extend(self.task_that_goes_first(slot));
        }
        WorkerExplanation {
            worker: self.index.worker_id(slot),
            is_eligible,
            is_candidate: *failed == 0,
            rank: is_eligible.then_some(place),
            checks,
        }
    }

    fn standing(&self, slot: WorkerSlot) -> Standing {
        let n_passed = KINDS.iter().take_while(|kind| self.passes(slot, **kind)).count();
        let rank = self.order_by().map(|order_by| order_by.rank(&self.index.workers.view(self.state, slot)));
        (N_CHECKS - n_passed, rank, self.index.workers.ready(self.lane().channel).place(slot))
    }

    fn passes(&self, slot: WorkerSlot, kind: CheckKind) -> bool {
        let (lane, worker) = (self.lane(), self.worker(slot));
        match kind {
            CheckKind::QueueMembership => self.index.is_member(lane, slot),
            CheckKind::KnownWorker => {
                let known = lane.rule.known.as_ref();
                known.is_none_or(|known| self.index.known_worker(self.state, known) == Some(slot))
            }
            CheckKind::TargetExpression => self.index.meets_condition(self.state, lane, slot, self.now),
            CheckKind::Activity => self.state.is_available(worker),
            CheckKind::ChannelAvailable => self.channel(worker).available,
            CheckKind::Capacity => self.channel(worker).has_capacity(),
            CheckKind::AlreadyReserved => !self.state.has_or_hands_on(self.task, worker.id),
            CheckKind::RefusedRecently => !self.task.is_cooling_down(worker.id, self.now),
            CheckKind::HigherPrecedenceTask => true,
        }
    }

    /// What was seen; `None` where there was nothing to look at.
    fn check(&self, slot: WorkerSlot, kind: CheckKind) -> Option<Check> {
        let (lane, worker) = (self.lane(), self.worker(slot));
        let passed = self.passes(slot, kind);
        let detail = match kind {
            CheckKind::QueueMembership => self.membership(slot, passed)?,
            CheckKind::KnownWorker => match (lane.rule.known.as_ref()?, passed) {
                (_, true) => "the Task names this Worker".to_owned(),
                (Known::Id(id), false) => format!("the Task names the Worker {id}"),
                (Known::Name(name), false) => format!("the Task names the Worker \"{name}\""),
                (Known::Nobody, false) => "the Task names nobody".to_owned(),
            },
            CheckKind::TargetExpression => {
                let condition = lane.rule.condition.as_ref()?;
                let view = self.index.workers.view(self.state, slot);
                let facts = Facts {
                    task: TaskFacts::Projection(&condition.task),
                    worker: Some(&view),
                    workers: None,
                    now_ms: self.now.0,
                };
                let expression = &condition.expression;
                expression.why_not(&facts).unwrap_or_else(|| format!("{expression} is true"))
            }
            CheckKind::Activity => {
                let activity = &self.state.activities[&worker.activity];
                let is = if passed { "is" } else { "is not" };
                format!("in the Activity {}, which {is} available", activity.name)
            }
            CheckKind::ChannelAvailable => {
                let is = if passed { "on" } else { "switched off" };
                format!("channel {} is {is}", self.channel_name())
            }
            CheckKind::Capacity => {
                let channel = self.channel(worker);
                let (open, capacity) = (channel.open(), channel.configured_capacity);
                format!("{open} of {capacity} on channel {} taken", self.channel_name())
            }
            CheckKind::AlreadyReserved if passed => return None,
            CheckKind::AlreadyReserved => {
                let has = self.state.has_open_reservation(self.task, worker.id);
                if has { "has an open Reservation of the Task" } else { "transfers the Task to others" }
                    .to_owned()
            }
            CheckKind::RefusedRecently => {
                let until =
                    self.task.cool_downs.iter().find(|cool_down| cool_down.worker == worker.id)?.until;
                let seconds = until.milliseconds_since(self.now).max(0) as u64;
                if passed {
                    return None;
                }
                format!(
                    "refused the Task, or did not answer; may be offered it again in {} s",
                    seconds.div_ceil(1000)
                )
            }
            CheckKind::HigherPrecedenceTask => return None,
        };
        Some(Check { kind, passed, detail })
    }

    fn membership(&self, slot: WorkerSlot, passed: bool) -> Option<String> {
        let queue = self.queue()?;
        Some(match &queue.target_workers {
            TargetWorkers::Nobody => format!("{} takes nobody: its expression is empty", queue.name),
            TargetWorkers::Matching(expression) if passed => format!("{}: {expression} is true", queue.name),
            TargetWorkers::Matching(expression) => {
                let view = self.index.workers.view(self.state, slot);
                let facts =
                    Facts { task: TaskFacts::None, worker: Some(&view), workers: None, now_ms: self.now.0 };
                let why = expression.why_not(&facts).unwrap_or_else(|| "not true".to_owned());
                format!("{}: {why}", queue.name)
            }
        })
    }

    /// The first Task that goes before this one as soon as the Worker has room on the channel.
    fn task_that_goes_first(&self, slot: WorkerSlot) -> Option<Check> {
        let own = self.precedence();
        let (_, first) =
            self.index.first_waiting_before(self.state, self.lane().channel, slot, own, self.now)?;
        let other = &self.state.tasks[&first];
        let queue = other.task_queue.map(|queue| format!(" in {}", self.state.task_queues[&queue].name));
        let queue = queue.unwrap_or_default();
        let detail = format!("Task {first}{queue} goes first (priority {})", other.priority);
        Some(Check { kind: CheckKind::HigherPrecedenceTask, passed: false, detail })
    }

    fn position(&self) -> Option<usize> {
        Some(1 + self.index.n_waiting_before(self.lane().queue?, self.precedence()))
    }

    fn summary(&self, funnel: &[usize]) -> String {
        let mut text = match self.queue() {
            Some(queue) => format!("Waits in TaskQueue {}, {}. ", queue.name, step(self.task)),
            None => "Was directed to one Worker, and waits for that Worker. ".to_owned(),
        };
        let all = funnel[0];
        let in_queue =
            [(1, "serves the TaskQueue", "serve the TaskQueue"), (3, "suits the step", "suit the step")];
        let outside = [(3, "is the one", "are the one")];
        let of_all = if self.queue().is_some() { &in_queue[..] } else { &outside };
        let of_now = [
            (4, "is in an available Activity", "are in an available Activity"),
            (6, "has room on the channel", "have room on the channel"),
            (7, "does not have it already", "do not have it already"),
            (8, "has not just refused it", "have not just refused it"),
        ];
        let _ = write!(text, "Of {all} {}", plural(all));
        let mut before = None;
        for (n, of_one, of_several) in of_all.iter().chain(&of_now) {
            let count = funnel[*n];
            // What changes nothing tells nothing, but for the first.
            if Some(count) == before {
                continue;
            }
            let (separator, of_these) = if before.is_none() { ("", "") } else { (",", " of these") };
            if count == 0 {
                let and = if before.is_none() { "" } else { ", and" };
                let _ = write!(text, "{and} none{of_these} {of_one}.");
                return text;
            }
            let what = if count == 1 { of_one } else { of_several };
            let _ = write!(text, "{separator} {count}{of_these} {what}");
            before = Some(count);
        }
        text.push('.');
        text
    }

    fn lane(&self) -> &Lane {
        self.lane
    }

    fn precedence(&self) -> Precedence {
        self.index.lanes.precedence(self.lane(), self.task)
    }

    fn worker(&self, slot: WorkerSlot) -> &Worker {
        &self.index.workers.entry(slot).worker
    }

    fn channel(&self, worker: &Worker) -> WorkerChannel {
        worker.channel(&self.state.task_channels[&self.task.task_channel])
    }

    fn channel_name(&self) -> &str {
        &self.state.task_channels[&self.task.task_channel].unique_name
    }

    fn order_by(&self) -> Option<&OrderBy> {
        self.state.target_of(self.task)?.order_by.as_ref()
    }

    fn queue(&self) -> Option<&TaskQueue> {
        let slot = self.lane().queue?;
        Some(&self.state.task_queues[&self.index.workers.members(slot).id])
    }
}

/// The checks that one Worker passes or does not, in the order of the rules.
const KINDS: [CheckKind; N_CHECKS] = [
    CheckKind::QueueMembership,
    CheckKind::KnownWorker,
    CheckKind::TargetExpression,
    CheckKind::Activity,
    CheckKind::ChannelAvailable,
    CheckKind::Capacity,
    CheckKind::AlreadyReserved,
    CheckKind::RefusedRecently,
];

fn plural(n: usize) -> &'static str {
    if n == 1 { "Worker" } else { "Workers" }
}

/// Where a Task stands in its Workflow, in words.
fn step(task: &Task) -> String {
    let Some(step) = task.step() else {
        let how = if task.open_transfer().is_some() { "transferred" } else { "directed" };
        return format!("where it was {how}");
    };
    match (step.filter, &step.filter_name) {
        (None, _) => "taken by the default filter".to_owned(),
        (Some(filter), None) => format!("step {} of filter {}", step.target + 1, filter + 1),
        (Some(_), Some(name)) => format!("step {} of filter \"{name}\"", step.target + 1),
    }
}

/// How a Task that does not wait came to where it is.
fn routed(state: &State, task: &Task) -> String {
    let names = |status: ReservationStatus| -> Vec<String> {
        let open = state.reservations_of_task(task.id).filter(|reservation| reservation.status == status);
        open.map(|reservation| offered(state, reservation)).collect()
    };
    match &task.phase {
        Phase::Pending(_) => "Is on its way to its first step.".to_owned(),
        Phase::Reserved(_) => format!("Is offered to {}.", names(ReservationStatus::Pending).join(" and ")),
        Phase::Assigned(_) => format!("Was taken by {}.", names(ReservationStatus::Accepted).join(" and ")),
        Phase::Wrapping(_) => {
            format!("Is being wrapped up by {}.", names(ReservationStatus::Wrapping).join(" and "))
        }
        Phase::Completed(_) => "Is completed.".to_owned(),
        Phase::Canceled(ended) => {
            format!("Was canceled: {}.", ended.reason.as_deref().unwrap_or("no reason was given"))
        }
    }
}

fn offered(state: &State, reservation: &Reservation) -> String {
    let worker = state.worker(reservation.worker).map_or("a Worker", |worker| &worker.name);
    let from = match (reservation.transfer, reservation.task_queue) {
        (Some(_), _) => " by a transfer".to_owned(),
        (None, Some(queue)) => {
            let queue = state.task_queue(queue);
            let queue = queue.map_or("a TaskQueue".to_owned(), |queue| format!("TaskQueue {}", queue.name));
            format!(" out of {queue}")
        }
        (None, None) => " directly".to_owned(),
    };
    let turn = match reservation.circle_before.common {
        None => "who had never been offered anything".to_owned(),
        Some(before) => {
            let seconds = reservation.created_at.seconds_since(before.at);
            format!("whose last offer was {seconds} s before")
        }
    };
    format!("Worker {worker}{from}, {turn}")
}

fn until(state: &State, task: &Task) -> Option<(Timestamp, Then)> {
    let waiting = task.waiting()?;
    let end = (waiting.expires_at, Then::TimeToLiveEnds);
    let offers = state.reservations_of_task(task.id);
    let pending = offers.filter(|reservation| reservation.status == ReservationStatus::Pending);
    let answers = pending.map(|reservation| (reservation.expires_at(), Then::ReservationTimesOut));
    let deadline = task.step().and_then(|step| step.deadline);
    let deadline =
        deadline.filter(|_| matches!(task.phase, Phase::Pending(_))).map(|at| (at, Then::NextStep));
    answers.chain(deadline).chain([end]).min_by_key(|(at, _)| *at)
}
