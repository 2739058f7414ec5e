//! How a Task goes through its Workflow: filters from top to bottom, the steps of a filter one after the other.
//!
//! The first filter whose expression is true takes the Task; the default filter takes what no filter wants. A step
//! with a timeout is left when the clock of its filter reaches the sum of the timeouts so far; a step without one
//! is never left by time. After the last step the *following* filters are tried; the default filter is no rescue
//! for a Task that timed out, so where none of them wants it, the Task is canceled (`routing.md` 2.2 to 2.4).
//!
//! The clock of a filter starts when the Task enters the filter, which at creation is the Task's age. A step whose
//! deadline has passed already is passed over without being entered.
//!
//! A step is also left when nobody can be offered the Task at once and its `skip_if` holds; the next one then has its
//! full time. It is looked at when the Task has entered the step, and when an offer has failed, and at no other
//! time. Where it is the last step that is skipped, it is as if the filter had not matched: the following ones are
//! tried, and then the default filter (`routing.md` 2.5).

use std::sync::Arc;

use super::direct;
use crate::event::Event;
use crate::expression::{Facts, TaskFacts, WorkerCounts};
use crate::ids::{TaskId, TaskQueueId};
use crate::index::Index;
use crate::router::Router;
use crate::state::task::{Phase, Place, RoutingStep, Task};
use crate::state::{Activity, State, Workflow};
use crate::time::Timestamp;
use crate::workflow_configuration::{Target, WorkflowConfiguration};

/// What is said of a Task that no Worker took in any step; the words are TaskRouter's.
const WORKFLOW_TIMEOUT_REASON: &str = "Task canceled on Workflow timeout";
/// The same of a Task that was skipped out. TaskRouter's words are not known; these follow those above.
const WORKFLOW_SKIP_REASON: &str = "Task canceled on Workflow skip";

/// How a Task comes to look for a filter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CameBy {
    /// It is new, or sent through its Workflow again.
    Entry,
    /// Its time in the last step of a filter is over.
    Timeout,
    /// The last step of a filter was skipped.
    Skip,
}

/// What the timeouts of a filter's targets are counted by.
#[derive(Clone, Copy)]
struct Clock {
    started_at: Timestamp,
    /// The first target whose timeout counts.
    target: usize,
}

/// A step that a Task may enter.
struct Opening {
    filter: Option<usize>,
    target: usize,
    clock: Clock,
    deadline: Option<Timestamp>,
}

impl Clock {
    fn of(step: &RoutingStep) -> Clock {
        Clock { started_at: step.clock_started_at, target: step.clock_target as usize }
    }
}

impl Router {
    /// A new Task enters its Workflow.
    pub(super) fn enter_workflow(&mut self, id: TaskId) {
        self.emit(Event::WorkflowEntered { task: Arc::clone(&self.state.tasks[&id]) });
        let revision = self.present_revision(id);
        self.find_filter(id, revision, 0, CameBy::Entry);
    }

    /// A pending Task goes through its Workflow again, as both are now. Where it comes to the filter that it is in, it
    /// keeps its place, and the filter's clock goes on: steps that were skipped or left stay behind, since customers
    /// are not sent to and fro between TaskQueues. What comes behind that filter is what the present document says.
    pub(super) fn redrive(&mut self, id: TaskId) {
        let task = Arc::clone(&self.state.tasks[&id]);
        let step = task.step().expect("a pending Task stands in a step").clone();
        let followed = self.configuration_of(&task, step.revision);
        let present_revision = self.present_revision(id);
        let present = self.configuration_of(&task, present_revision);

        // Another document is no other filter, where the filter has not changed.
        let target = match (first_match(&present, &task, 0, self.now), step.filter) {
            (Some(filter), Some(at))
                if filter == at as usize && present.filters[filter] == followed.filters[filter] =>
            {
                Some(&present.filters[filter].targets[step.target as usize])
            }
            (None, None) if present.default_filter == followed.default_filter => {
                present.default_filter.as_ref()
            }
            _ => None,
        };
        match target {
            Some(target) => {
                let step = RoutingStep { revision: present_revision, ..step };
                self.stay_in_step(&task, step, target);
            }
            None => self.find_filter(id, present_revision, 0, CameBy::Entry),
        }
    }

    /// A pending Task has been in its step for as long as it may.
    pub(super) fn leave_step(&mut self, id: TaskId) {
        let task = Arc::clone(&self.state.tasks[&id]);
        let step = task.step().expect("a waiting Task stands in a step").clone();
        self.emit(Event::TaskQueueTimeout { task: Arc::clone(&task) });

        let filter = step.filter.expect("the default filter is not left by time") as usize;
        let configuration = self.configuration_of(&task, step.revision);
        let targets = &configuration.filters[filter].targets;
        let clock = Clock::of(&step);
        match first_open_step(targets, step.target as usize + 1, clock, self.now) {
            Some((target, deadline)) => {
                self.enter_step(id, step.revision, Opening { filter: Some(filter), target, clock, deadline });
            }
            None => self.find_filter(id, step.revision, filter + 1, CameBy::Timeout),
        }
    }

    /// Nobody can be offered a pending Task that has come to its step, or is looked at again there: it goes on if the
    /// step says so.
    pub(crate) fn consider_skipping(&mut self, id: TaskId) {
        let task = Arc::clone(&self.state.tasks[&id]);
        let step = task.step().expect("a pending Task stands in a step").clone();
        if !self.state.target_of(&task).is_some_and(|target| self.is_to_be_skipped(target)) {
            return;
        }
        let configuration = self.configuration_of(&task, step.revision);
        let Some(filter) = step.filter.map(|filter| filter as usize) else {
            // Behind the default filter there is nothing.
            self.leave_workflow(id, CameBy::Skip);
            return;
        };
        let next = step.target as usize + 1;
        match configuration.filters[filter].targets.get(next) {
            Some(target) => {
                let clock = Clock { started_at: self.now, target: next };
                let deadline = target.timeout_seconds.map(|seconds| self.now.plus_seconds(seconds));
                self.enter_step(
                    id,
                    step.revision,
                    Opening { filter: Some(filter), target: next, clock, deadline },
                );
            }
            None => self.find_filter(id, step.revision, filter + 1, CameBy::Skip),
        }
    }

    fn is_to_be_skipped(&self, target: &Target) -> bool {
        let Some(skip_if) = &target.skip_if else { return false };
        let counts = Counts { state: &self.state, index: &self.index, queue: target.queue };
        skip_if.is_true(&Facts {
            task: TaskFacts::None,
            worker: None,
            workers: Some(&counts),
            now_ms: self.now.0,
        })
    }

    /// Tries the filters from `from` on; the first whose expression is true takes the Task.
    fn find_filter(&mut self, id: TaskId, revision: u32, from: usize, came_by: CameBy) {
        let task = Arc::clone(&self.state.tasks[&id]);
        let configuration = self.configuration_of(&task, revision);
        let clock = Clock { started_at: self.now, target: 0 };
        if let Some(filter) = first_match(&configuration, &task, from, self.now) {
            let targets = &configuration.filters[filter].targets;
            let (target, deadline) = first_open_step(targets, 0, clock, self.now)
                .expect("timeouts are at least a second, so the first step is open when the clock starts");
            self.enter_step(id, revision, Opening { filter: Some(filter), target, clock, deadline });
        } else if came_by != CameBy::Timeout && configuration.default_filter.is_some() {
            self.enter_step(id, revision, Opening { filter: None, target: 0, clock, deadline: None });
        } else {
            self.leave_workflow(id, came_by);
        }
    }

    /// The Workflow has nothing more for a Task.
    fn leave_workflow(&mut self, id: TaskId, came_by: CameBy) {
        let task = Arc::clone(&self.state.tasks[&id]);
        let (event, reason) = match came_by {
            CameBy::Entry | CameBy::Timeout => (Event::WorkflowTimeout { task }, WORKFLOW_TIMEOUT_REASON),
            CameBy::Skip => (Event::WorkflowSkipped { task }, WORKFLOW_SKIP_REASON),
        };
        self.emit(event);
        self.stop_waiting(id, reason.to_owned());
    }

    fn enter_step(&mut self, id: TaskId, revision: u32, opening: Opening) {
        let Opening { filter, target: index, clock, deadline } = opening;
        let old = &self.state.tasks[&id];
        let configuration = self.configuration_of(old, revision);
        let (target, filter_name) = match filter {
            Some(filter) => {
                let filter = &configuration.filters[filter];
                (&filter.targets[index], filter.name.clone())
            }
            None => (configuration.default_filter.as_ref().expect("checked by the caller"), None),
        };

        let from = old.task_queue;
        let mut matched = self.changed(old);
        matched.priority = target.priority.unwrap_or(old.priority);
        matched.task_queue = Some(target.queue);
        matched.task_queue_entered_at = Some(self.now);
        let Phase::Pending(waiting) = &mut matched.phase else {
            unreachable!("only a pending Task enters a step");
        };
        waiting.place = Some(Place::Step(RoutingStep {
            revision,
            filter: filter.map(|filter| filter as u32),
            filter_name,
            target: index as u32,
            entered_at: self.now,
            clock_started_at: clock.started_at,
            clock_target: clock.target as u32,
            deadline,
        }));
        let matched = Arc::new(matched);
        self.emit(Event::WorkflowTargetMatched { task: Arc::clone(&matched) });

        self.emit(direct::entered(self.changed(&matched), from));
        if target.skip_if.is_some() {
            self.wakes.may_skip.insert(id);
        }
    }

    /// A Task that is sent to the step where it stands takes the step's priority again, follows the document that sent
    /// it there, and keeps all else.
    fn stay_in_step(&mut self, task: &Task, step: RoutingStep, target: &Target) {
        let priority = target.priority.unwrap_or(task.priority);
        if priority == task.priority && task.step() == Some(&step) {
            return;
        }
        let mut task = Task { priority, ..self.changed(task) };
        let Phase::Pending(waiting) = &mut task.phase else {
            unreachable!("only a pending Task goes through its Workflow again");
        };
        waiting.place = Some(Place::Step(step));
        self.emit(Event::WorkflowTargetMatched { task: Arc::new(task) });
    }

    fn present_revision(&self, id: TaskId) -> u32 {
        self.workflow_of(&self.state.tasks[&id]).present().number
    }

    fn configuration_of(&self, task: &Task, revision: u32) -> Arc<WorkflowConfiguration> {
        Arc::clone(self.workflow_of(task).revision(revision))
    }

    fn workflow_of(&self, task: &Task) -> &Workflow {
        &self.state.workflows[&task.workflow.expect("a Task in a Workflow names it")]
    }
}

fn first_match(
    configuration: &WorkflowConfiguration,
    task: &Task,
    from: usize,
    now: Timestamp,
) -> Option<usize> {
    let filters = configuration.filters.get(from..).filter(|filters| !filters.is_empty())?;
    let document = task.attributes.to_value();
    let facts = Facts { task: TaskFacts::Document(&document), worker: None, workers: None, now_ms: now.0 };
    filters.iter().position(|filter| filter.expression.is_true(&facts)).map(|at| from + at)
}

/// The first step from `from` on whose deadline has not passed, with that deadline.
fn first_open_step(
    targets: &[Target],
    from: usize,
    clock: Clock,
    now: Timestamp,
) -> Option<(usize, Option<Timestamp>)> {
    let mut deadline = Some(clock.started_at);
    for (index, target) in targets.iter().enumerate().skip(clock.target) {
        // Behind a step that is never left by time there is none to be reached.
        deadline = deadline.zip(target.timeout_seconds).map(|(at, seconds)| at.plus_seconds(seconds));
        if index >= from && deadline.is_none_or(|deadline| deadline > now) {
            return Some((index, deadline));
        }
    }
    None
}

/// How many Workers of a TaskQueue are where.
struct Counts<'a> {
    state: &'a State,
    index: &'a Index,
    queue: TaskQueueId,
}

impl Counts<'_> {
    fn count(&self, is_counted: impl Fn(&Activity) -> bool) -> u64 {
        let activities = self.state.activities.values().filter(|activity| is_counted(activity));
        activities.map(|activity| self.index.count_in_activity(self.queue, activity.id) as u64).sum()
    }
}

impl WorkerCounts for Counts<'_> {
    fn available(&self) -> u64 {
        self.count(|activity| activity.available)
    }

    fn unavailable(&self) -> u64 {
        self.count(|activity| !activity.available)
    }

    fn in_activity(&self, activity_id: &str) -> Option<u64> {
        let id = activity_id.parse().ok().filter(|id| self.state.activities.contains_key(id))?;
        Some(self.index.count_in_activity(self.queue, id) as u64)
    }
}
