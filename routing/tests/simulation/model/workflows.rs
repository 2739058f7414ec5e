//! How a Task goes through its Workflow (`routing.md` 2.2 to 2.8).

use routing::event::Event;
use routing::ids::*;
use routing::state::task::{Phase, Place, RoutingStep};
use routing::time::Timestamp;
use routing::workflow_configuration::{Target, WorkflowConfiguration};

use super::{Model, seconds_after};

/// How a Task came out of a filter, or that it has come new.
#[derive(Clone, Copy, PartialEq)]
enum CameBy {
    Entry,
    Timeout,
    Skip,
}

/// A step that a Task goes to.
struct Way {
    revision: u32,
    /// `None`: the default filter.
    filter: Option<usize>,
    target: usize,
    clock_started_at: Timestamp,
    /// The timeouts count from this target on.
    clock_target: usize,
}

impl Model {
    pub(super) fn enter_workflow(&mut self, id: TaskId) {
        let task = self.tasks[&id].clone();
        self.record_task(task, |task| Event::WorkflowEntered { task });
        self.find_filter(id, self.present_revision(id), 0, CameBy::Entry);
    }

    /// 2.8: again from the first filter of the present document.
    pub(super) fn redrive(&mut self, id: TaskId) {
        let step = self.step(id).expect("a Task is re-driven that stands in a step").clone();
        let (followed, present) =
            (self.document(id, step.revision), self.document(id, self.present_revision(id)));
        let filter = self.first_filter(id, present, 0);
        // In the same position of a changed document, the very same filter is the same.
        let is_where_it_stands = match (filter, step.filter) {
            (Some(filter), Some(at)) => {
                filter == at as usize && present.filters[filter] == followed.filters[filter]
            }
            (None, None) => present.default_filter == followed.default_filter,
            _ => false,
        };
        if !is_where_it_stands {
            self.find_filter(id, self.present_revision(id), 0, CameBy::Entry);
            return;
        }
        // It keeps its place and its clock. The step's priority holds again, and what comes behind is as it is now.
        let priority = self.target(id).expect("it stands in a step").priority;
        let revision = self.present_revision(id);
        let mut task = self.changed(id);
        let priority = priority.unwrap_or(task.priority);
        if priority != task.priority || revision != step.revision {
            task.priority = priority;
            let place = Some(Place::Step(RoutingStep { revision, ..step }));
            if let Phase::Pending(waiting) = &mut task.phase {
                waiting.place = place;
            }
            self.record_task(task, |task| Event::WorkflowTargetMatched { task });
        }
    }

    /// 2.4: on to the next step whose deadline has not passed, then to the filters below.
    pub(super) fn step_is_over(&mut self, id: TaskId) {
        let task = self.tasks[&id].clone();
        self.record_task(task, |task| Event::TaskQueueTimeout { task });
        let step = self.step(id).expect("it waits in a step").clone();
        let filter = step.filter.expect("the default filter has no timeout") as usize;
        let clock_target = step.clock_target as usize;
        let n_targets = self.document(id, step.revision).filters[filter].targets.len();
        for target in step.target as usize + 1..n_targets {
            let way = Way {
                revision: step.revision,
                filter: Some(filter),
                target,
                clock_started_at: step.clock_started_at,
                clock_target,
            };
            if self.deadline(id, &way).is_none_or(|deadline| deadline > self.now) {
                self.enter_step(id, way);
                return;
            }
        }
        self.find_filter(id, step.revision, filter + 1, CameBy::Timeout);
    }

    /// 2.5: on to the next step, which has its full time, then to the filters below, then to the default filter.
    pub(super) fn skip(&mut self, id: TaskId) {
        let step = self.step(id).expect("it waits in a step").clone();
        let Some(filter) = step.filter else {
            self.leave_workflow(id, CameBy::Skip);
            return;
        };
        let (filter, next) = (filter as usize, step.target as usize + 1);
        if next < self.document(id, step.revision).filters[filter].targets.len() {
            let way = Way {
                revision: step.revision,
                filter: Some(filter),
                target: next,
                clock_started_at: self.now,
                clock_target: next,
            };
            self.enter_step(id, way);
        } else {
            self.find_filter(id, step.revision, filter + 1, CameBy::Skip);
        }
    }

    /// 2.2: the first filter that is true takes the Task, else the default filter, unless the Task timed out.
    fn find_filter(&mut self, id: TaskId, revision: u32, from: usize, came_by: CameBy) {
        let document = self.document(id, revision);
        let filter = self.first_filter(id, document, from);
        let has_default = document.default_filter.is_some() && came_by != CameBy::Timeout;
        if filter.is_none() && !has_default {
            self.leave_workflow(id, came_by);
            return;
        }
        let way = Way { revision, filter, target: 0, clock_started_at: self.now, clock_target: 0 };
        self.enter_step(id, way);
    }

    fn leave_workflow(&mut self, id: TaskId, came_by: CameBy) {
        let task = self.tasks[&id].clone();
        match came_by {
            CameBy::Entry | CameBy::Timeout => {
                self.record_task(task, |task| Event::WorkflowTimeout { task });
                self.stop_waiting(id, "Task canceled on Workflow timeout");
            }
            CameBy::Skip => {
                self.record_task(task, |task| Event::WorkflowSkipped { task });
                self.stop_waiting(id, "Task canceled on Workflow skip");
            }
        }
    }

    /// 2.3 and 2.6.
    fn enter_step(&mut self, id: TaskId, way: Way) {
        let deadline = self.deadline(id, &way);
        let Way { revision, filter, target, clock_started_at, clock_target } = way;
        let document = self.document(id, revision);
        let at = target_at(document, filter, target).clone();
        let filter_name = filter.and_then(|filter| document.filters[filter].name.clone());
        let mut task = self.changed(id);
        task.priority = at.priority.unwrap_or(task.priority);
        let step = RoutingStep {
            revision,
            filter: filter.map(|filter| filter as u32),
            filter_name,
            target: target as u32,
            entered_at: self.now,
            clock_started_at,
            clock_target: clock_target as u32,
            deadline,
        };
        super::tasks::set_place(&mut task, Place::Step(step));
        let previous = task.task_queue.replace(at.queue);
        task.task_queue_entered_at = Some(self.now);
        self.record_task(task, |task| Event::WorkflowTargetMatched { task });
        self.record_entered(self.changed(id), previous);
        self.looked_at.insert(id);
    }

    /// 2.4: the sum of the timeouts up to this step. A step without a timeout is not left by time, nor any behind it.
    fn deadline(&self, id: TaskId, way: &Way) -> Option<Timestamp> {
        let targets = &self.document(id, way.revision).filters[way.filter?].targets;
        let mut deadline = way.clock_started_at;
        for target in &targets[way.clock_target..=way.target] {
            deadline = seconds_after(deadline, target.timeout_seconds?);
        }
        Some(deadline)
    }

    fn first_filter(&self, id: TaskId, document: &WorkflowConfiguration, from: usize) -> Option<usize> {
        let task = &self.tasks[&id];
        let is_true = |at: &usize| self.filter_takes(&document.filters[*at].expression, task);
        (from..document.filters.len()).find(is_true)
    }

    /// Where a pending or reserved Task stands in its Workflow.
    pub(super) fn step(&self, id: TaskId) -> Option<&RoutingStep> {
        match &self.tasks[&id].phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => match waiting.place.as_ref()? {
                Place::Step(step) => Some(step),
                Place::TaskQueue | Place::Worker(_) => None,
            },
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => None,
        }
    }

    pub(super) fn target(&self, id: TaskId) -> Option<&Target> {
        let step = self.step(id)?;
        let filter = step.filter.map(|filter| filter as usize);
        Some(target_at(self.document(id, step.revision), filter, step.target as usize))
    }

    fn present_revision(&self, id: TaskId) -> u32 {
        let workflow = self.tasks[&id].workflow.expect("it is in a Workflow");
        self.workflows[&workflow].revisions.last().expect("there is one").number
    }

    fn document(&self, id: TaskId, revision: u32) -> &WorkflowConfiguration {
        let workflow = self.tasks[&id].workflow.expect("it is in a Workflow");
        let mut revisions = self.workflows[&workflow].revisions.iter();
        &revisions.find(|one| one.number == revision).expect("it stays while it is followed").configuration
    }
}

fn target_at(document: &WorkflowConfiguration, filter: Option<usize>, target: usize) -> &Target {
    match filter {
        Some(filter) => &document.filters[filter].targets[target],
        None => document.default_filter.as_ref().expect("a Task came to it"),
    }
}
