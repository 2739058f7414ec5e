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
use crate::ids::{ActivityId, TaskId, TaskQueueId, WorkerId, WorkflowId};
use crate::limits::Limits;
use crate::state::task::Place;
use crate::state::{Phase, State, Task, TaskOrder, Workflow};
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
            index.workers.add_channel(channel);
        }
        for workflow in state.workflows.values() {
            index.watch_steps(workflow);
        }
        index.workers.load(state, now);
        for queue in state.task_queues.values() {
            let slot = index.workers.queue_slot(queue.id);
            index.lanes.queue_changed(slot, queue, state.workspace.queue_order_priority);
        }
        index.lanes.preferred_order_changed(state.workspace.queue_order_priority);
        let workers = &index.workers;
        let stands = state.tasks.values().filter_map(|task| Some((&**task, stand(workers, state, task)?)));
        index.lanes.load(stands);
        for revision in state.tasks.values().filter_map(|task| task.followed()) {
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
            (old, Object::Workspace(workspace)) => {
                let old_limit = old.and_then(Object::as_workspace).map(|old| old.assigned_limit_hours);
                if old_limit != Some(workspace.assigned_limit_hours) {
                    self.timers.assigned_limit_changed(state);
                }
                for queue in state.task_queues.values() {
                    let slot = self.workers.queue_slot(queue.id);
                    self.lanes.queue_changed(slot, queue, workspace.queue_order_priority);
                }
                self.lanes.preferred_order_changed(workspace.queue_order_priority);
            }
            (Some(Object::Activity(old)), Object::Activity(activity)) if old.name != activity.name => {
                self.workers.activity_renamed(state, activity.id, now, wakes);
            }
            // Availability never changes, and nobody is in one that is deleted.
            (_, Object::Activity(_)) => {}
            (_, Object::TaskChannel(channel)) if channel.deleted_at.is_some() => {
                self.workers.remove_channel(channel.id);
                self.wake_where_load_counts(wakes);
            }
            (Some(Object::TaskChannel(old)), Object::TaskChannel(channel)) => {
                if old.channel_optimized_routing != channel.channel_optimized_routing {
                    self.workers.circle_changed(state, channel);
                }
            }
            (_, Object::TaskChannel(channel)) => {
                self.workers.channel_created(state, channel);
                self.wake_where_load_counts(wakes);
            }
            (_, Object::TaskQueue(queue)) if queue.deleted_at.is_some() => {
                self.workers.remove_queue(queue.id);
            }
            // Who has a Skill stands in the attributes of the Workers.
            (_, Object::Skill(_) | Object::DeletedSkill(_)) => {}
            (old, Object::TaskQueue(queue)) => {
                let old = old.and_then(Object::as_task_queue);
                let waiting_on = old.map_or(0, |old| self.lanes.waiting_on(self.workers.queue_slot(old.id)));
                self.workers.queue_changed(state, old, queue, waiting_on, now, wakes);
                let slot = self.workers.queue_slot(queue.id);
                self.lanes.queue_changed(slot, queue, state.workspace.queue_order_priority);
                if old.is_some_and(|old| old.wrap_up_limit_seconds != queue.wrap_up_limit_seconds) {
                    self.timers.wrap_up_limit_changed(state);
                }
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
                if workflow.deleted_at.is_none() {
                    self.watch_steps(workflow);
                }
                if let Some(Object::Workflow(old)) = old {
                    self.unwatch_steps(old);
                }
            }
            (_, Object::Worker(worker)) if worker.deleted_at.is_some() => {
                if let Some(slot) = self.workers.remove(worker.id) {
                    wakes.workers.remove(&slot);
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
                self.timers.reservation_changed(state, old, Some(reservation));
            }
            (Some(Object::Task(task)), Object::PurgedTask(_)) => {
                self.task_changed(state, Some(task), None, now);
            }
            (_, Object::PurgedTask(_)) => {}
        }
    }

    /// There are other Task Channels than before. Steps that look at the load of Workers may have named them, and suit
    /// others now.
    fn wake_where_load_counts(&self, wakes: &mut Wakes) {
        if self.lanes.looks_at_load() {
            wakes.workers.extend(self.workers.all_ready());
        }
    }

    /// The id of the Worker with this number.
    pub(crate) fn worker_id(&self, slot: WorkerSlot) -> WorkerId {
        self.workers.entry(slot).worker.id
    }

    /// How many of the Workers who serve a TaskQueue are in an Activity.
    pub(crate) fn count_in_activity(&self, queue: TaskQueueId, activity: ActivityId) -> usize {
        self.workers.count_in_activity(self.workers.queue_slot(queue), activity)
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
        self.timers.task_changed(state, old, new, &self.limits, now);
        let (before, after) = (old.and_then(Task::followed), new.and_then(Task::followed));
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
    let (queue, rule) = match waiting.place.as_ref()? {
        Place::Worker(worker) => (None, Rule::of_worker(*worker)),
        Place::TaskQueue => (Some(task.task_queue?), Rule::ANYBODY),
        Place::Step(_) => {
            let (queue, target) = task.task_queue.zip(state.target_of(task))?;
            if target.queue != queue {
                return None; // Between `workflow.target-matched` and `task-queue.entered`.
            }
            (Some(queue), Rule::of(task, target))
        }
    };
    Some(Stand {
        queue: queue.map(|queue| workers.queue_slot(queue)),
        order: queue.map_or(TaskOrder::Fifo, |queue| state.task_queues[&queue].task_order),
        channel: workers.channel_slot(task.task_channel),
        rule,
    })
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
        Phase::Pending(waiting) => waiting.place.as_ref().map(|place| {
            let place = match place {
                Place::Step(step) => (Some((step.revision, step.filter, step.target)), None),
                Place::TaskQueue => (None, None),
                Place::Worker(worker) => (None, Some(*worker)),
            };
            (place, task.workflow, task.task_queue, task.task_channel, task.priority)
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
        // Whoever has it is not offered it.
        && old.open_reservations == new.open_reservations
        && old.open_transfer().is_some() == new.open_transfer().is_some()
}

/// Two indexes are equal when they say the same about the same objects; how they lie in memory does not matter.
impl PartialEq for Index {
    fn eq(&self, other: &Index) -> bool {
        let lanes =
            |index: &Index| index.lanes.canonical(&index.workers.queue_ids(), &index.workers.channel_ids());
        self.workers.canonical() == other.workers.canonical()
            && lanes(self) == lanes(other)
            && self.timers.all() == other.timers.all()
            && self.followers == other.followers
    }
}
