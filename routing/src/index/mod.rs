//! Derived lookups: everything that decisions need to be quick. Nothing here is stored; [`Index::of`] makes it all
//! anew from a [`State`], and the simulation checks after its steps that the two ways lead to the same index.
//!
//! * `workers.rs`: who serves which TaskQueue, who has room, in which order;
//! * `anchored.rs`, `columns.rs`: whom an expression may be true for, by the values that it asks for;
//!   `difference.rs`: what has changed of these;
//! * `lanes.rs`: which Tasks wait, in which order;
//! * `timers.rs`: what time will bring;
//! * `explain.rs`: why a Task waits, for people who ask.

mod anchored;
mod columns;
mod difference;
pub mod explain;
mod lanes;
mod matching;
mod timers;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Object;
use crate::expression::Expression;
use crate::ids::{TaskId, TaskQueueId, WorkerId, WorkflowId};
use crate::limits::Limits;
use crate::state::{Phase, State, Task, Worker, Workflow};
use crate::time::Timestamp;

#[cfg(feature = "bench")]
pub(crate) use lanes::LaneId;
pub(crate) use lanes::Precedence;
pub(crate) use timers::Timer;
pub(crate) use workers::WorkerSlot;

use lanes::{Lanes, Rule, Stand};
use timers::Timers;
use workers::Workers;

/// The derived state of one Workspace.
pub struct Index {
    limits: Limits,
    workers: Workers,
    lanes: Lanes,
    timers: Timers,
    /// How many waiting Tasks follow each revision of a Workflow.
    followers: BTreeMap<(WorkflowId, u32), usize>,
}

/// Who may have become matchable by a change: looked at when the command is done.
#[derive(Default)]
pub(crate) struct Wakes {
    pub(crate) tasks: BTreeSet<TaskId>,
    pub(crate) workers: BTreeSet<WorkerSlot>,
    /// Tasks that may go on to their next step, if nobody can be offered them now.
    pub(crate) may_skip: BTreeSet<TaskId>,
}

impl Index {
    /// The index of a state at a time.
    #[must_use]
    pub fn of(state: &State, limits: &Limits, now: Timestamp) -> Index {
        Index::with_wakes(state, limits, now).0
    }

    pub(crate) fn with_wakes(state: &State, limits: &Limits, now: Timestamp) -> (Index, Wakes) {
        let mut index = Index {
            limits: limits.clone(),
            workers: Workers::default(),
            lanes: Lanes::default(),
            timers: Timers::load(state, limits, now),
            followers: BTreeMap::new(),
        };
        for channel in state.task_channels.values() {
            index.workers.channel_added(channel.id, channel.channel_optimized_routing);
        }
        for workflow in state.workflows.values() {
            index.watch_steps(workflow);
        }
        index.workers.load(state, now);
        for queue in state.task_queues.values() {
            let slot = index.workers.queue_slot(queue.id);
            index.lanes.queue_changed(slot, queue, state.workspace.queue_order_priority);
        }
        let workers = &index.workers;
        let stands = state.tasks.values().filter_map(|task| Some((&**task, stand(workers, state, task)?)));
        index.lanes.load(stands);
        for revision in state.tasks.values().filter_map(|task| followed(task)) {
            *index.followers.entry(revision).or_insert(0) += 1;
        }
        // Where a waiting Task has a candidate, one of the Workers who have room is the one.
        let wakes = Wakes { workers: index.workers.all_ready().collect(), ..Wakes::default() };
        (index, wakes)
    }

    /// Takes in that `new` has replaced `old`. `state` is the one after the event.
    pub(crate) fn put(
        &mut self,
        state: &State,
        old: Option<&Object>,
        new: &Object,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        match (old, new) {
            (_, Object::Workspace(workspace)) => {
                for queue in state.task_queues.values() {
                    let slot = self.workers.queue_slot(queue.id);
                    self.lanes.queue_changed(slot, queue, workspace.queue_order_priority);
                }
            }
            (Some(Object::Activity(old)), Object::Activity(activity)) if old.name != activity.name => {
                self.workers.activity_renamed(state, activity.id, now, wakes);
            }
            (_, Object::Activity(_)) => {} // Availability never changes.
            (_, Object::TaskChannel(channel)) => {
                self.workers.channel_added(channel.id, channel.channel_optimized_routing);
            }
            (old, Object::TaskQueue(queue)) => {
                let old = old.and_then(Object::as_task_queue);
                let waiting_on = old.map_or(0, |old| self.lanes.waiting_on(self.workers.queue_slot(old.id)));
                self.workers.queue_changed(state, old, queue, waiting_on, now, wakes);
                let slot = self.workers.queue_slot(queue.id);
                self.lanes.queue_changed(slot, queue, state.workspace.queue_order_priority);
                if old.is_some_and(|old| old.task_order != queue.task_order) {
                    for task in state.tasks_of_queue(queue.id) {
                        self.lanes.remove(task);
                        if self.place(state, task) {
                            wakes.tasks.insert(task.id);
                        }
                    }
                }
            }
            (old, Object::Workflow(workflow)) => {
                // Waiting Tasks keep the revision that they follow, so nobody is woken.
                self.watch_steps(workflow);
                if let Some(Object::Workflow(old)) = old {
                    self.unwatch_steps(old);
                }
            }
            (old, Object::Worker(worker)) => {
                let old = old.and_then(Object::as_worker);
                self.workers.worker_changed(state, old, worker, now, wakes);
                if self.lanes.looks_at_load() {
                    wakes.workers.extend(self.workers.slot(worker.id));
                }
            }
            (old, Object::Task(task)) => {
                let old = old.and_then(Object::as_task);
                if self.task_changed(state, old, Some(task), now) {
                    wakes.tasks.insert(task.id);
                }
            }
            (old, Object::Reservation(reservation)) => {
                let old = old.and_then(Object::as_reservation);
                self.timers.reservation_changed(old, Some(reservation));
            }
            (Some(Object::Task(task)), Object::PurgedTask(_)) => {
                self.task_changed(state, Some(task), None, now);
            }
            (_, Object::PurgedTask(_)) => {}
        }
    }

    /// The id of the Worker with this number.
    pub(crate) fn worker_id(&self, slot: WorkerSlot) -> WorkerId {
        self.workers.entry(slot).worker.id
    }

    /// The Workers who serve a TaskQueue.
    pub(crate) fn workers_of(&self, queue: TaskQueueId) -> impl Iterator<Item = &Worker> + Clone {
        let members = self.workers.members(self.workers.queue_slot(queue));
        members.workers.ones().map(|slot| &*self.workers.entry(slot).worker)
    }

    /// The number of a Worker.
    #[cfg(feature = "bench")]
    pub(crate) fn worker_slot(&self, id: WorkerId) -> Option<WorkerSlot> {
        self.workers.slot(id)
    }

    /// Does a waiting Task still follow this revision of the Workflow?
    pub(crate) fn is_followed(&self, workflow: WorkflowId, revision: u32) -> bool {
        self.followers.contains_key(&(workflow, revision))
    }

    /// The first timer that is due at `now`.
    pub(crate) fn first_due(&self, now: Timestamp) -> Option<Timer> {
        self.timers.first_due(now)
    }

    /// When something is due next.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// A Task whose cool-down for a Worker is over is looked at again.
    pub(crate) fn cool_down_over(&mut self) {
        self.timers.drop_first_cool_down();
    }

    /// Takes in a new, a changed or a purged Task. True where it has begun to wait, or waits in another place.
    fn task_changed(
        &mut self,
        state: &State,
        old: Option<&Task>,
        new: Option<&Task>,
        now: Timestamp,
    ) -> bool {
        self.timers.task_changed(old, new, &self.limits, now);
        let (before, after) = (old.and_then(followed), new.and_then(followed));
        if before != after {
            if let Some(revision) = before {
                let count =
                    self.followers.get_mut(&revision).expect("counted when the Task entered the step");
                *count -= 1;
                if *count == 0 {
                    self.followers.remove(&revision);
                }
            }
            if let Some(revision) = after {
                *self.followers.entry(revision).or_insert(0) += 1;
            }
        }
        if old.zip(new).is_some_and(|(old, new)| waits_alike(old, new)) {
            return false;
        }
        if let Some(old) = old {
            self.lanes.remove(old);
        }
        new.is_some_and(|new| self.place(state, new))
    }

    /// Puts a Task into the lane where it waits now. False where it does not wait.
    fn place(&mut self, state: &State, task: &Task) -> bool {
        let stand = stand(&self.workers, state, task);
        let waits = stand.is_some();
        stand.into_iter().for_each(|stand| self.lanes.insert(task, stand));
        waits
    }

    /// The expressions of the steps will be asked for.
    fn watch_steps(&mut self, workflow: &Workflow) {
        expressions_of_steps(workflow).for_each(|expression| self.workers.watch(expression));
    }

    fn unwatch_steps(&mut self, workflow: &Workflow) {
        expressions_of_steps(workflow).for_each(|expression| self.workers.unwatch(expression));
    }
}

/// Where a Task waits, if it does.
fn stand(workers: &Workers, state: &State, task: &Task) -> Option<Stand> {
    let Phase::Pending(waiting) = &task.phase else { return None };
    let (step, queue) = waiting.step.as_ref().zip(task.task_queue)?;
    let target = state.workflows[&task.workflow].target(step);
    if target.queue != queue {
        return None; // Between `workflow.target-matched` and `task-queue.entered`.
    }
    Some(Stand {
        queue: workers.queue_slot(queue),
        order: state.task_queues[&queue].task_order,
        channel: workers.channel_slot(task.task_channel),
        rule: Rule::of(task, target),
    })
}

/// The routing document that a waiting Task follows.
fn followed(task: &Task) -> Option<(WorkflowId, u32)> {
    task.step().map(|step| (task.workflow, step.revision))
}

fn expressions_of_steps(workflow: &Workflow) -> impl Iterator<Item = &Expression> {
    let configurations = workflow.revisions.iter().map(|revision| &revision.configuration);
    configurations.flat_map(|configuration| {
        let targets = configuration.filters.iter().flat_map(|filter| &filter.targets);
        targets.chain(&configuration.default_filter).filter_map(|target| target.expression.as_ref())
    })
}

/// Is the Task's place in its lane the same, whatever else changed?
fn waits_alike(old: &Task, new: &Task) -> bool {
    let place = |task: &Task| match &task.phase {
        Phase::Pending(waiting) => waiting.step.as_ref().map(|step| {
            (step.revision, step.filter, step.target, task.task_queue, task.task_channel, task.priority)
        }),
        Phase::Reserved(_)
        | Phase::Assigned(_)
        | Phase::Wrapping(_)
        | Phase::Completed(_)
        | Phase::Canceled(_) => None,
    };
    place(old) == place(new)
        && old.virtual_start_time == new.virtual_start_time
        && old.attributes.is_same(&new.attributes)
        && old.task_queue_entered_at == new.task_queue_entered_at
}

/// Two indexes are equal when they say the same about the same objects; how they lie in memory does not matter.
impl PartialEq for Index {
    fn eq(&self, other: &Index) -> bool {
        let lanes = |index: &Index| {
            let ids: Vec<_> =
                (0..index.workers.n_queues()).map(|slot| index.workers.members(slot).id).collect();
            index.lanes.canonical(&ids)
        };
        self.workers.canonical() == other.workers.canonical()
            && lanes(self) == lanes(other)
            && self.timers.all() == other.timers.all()
            && self.followers == other.followers
    }
}
