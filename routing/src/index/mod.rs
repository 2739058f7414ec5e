//! Derived lookups: everything that decisions need to be quick. Nothing here is stored; [`Index::of`] makes it all
//! anew from a [`State`], and the simulation checks after its steps that the two ways lead to the same index.
//!
//! * `workers.rs`: who serves which TaskQueue, who has room, in which order;
//! * `lanes.rs`: which Tasks wait, in which order;
//! * `timers.rs`: what time will bring.

mod anchored;
mod lanes;
mod matching;
mod timers;
mod workers;

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Object;
use crate::ids::{TaskId, WorkerId, WorkflowId};
use crate::limits::Limits;
use crate::state::{Phase, State, Task};
use crate::time::Timestamp;

pub(crate) use lanes::Precedence;
pub(crate) use timers::Timer;
pub(crate) use workers::WorkerSlot;

use lanes::{Lanes, Rank, Rule};
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
            timers: Timers::default(),
            followers: BTreeMap::new(),
        };
        let mut wakes = Wakes::default();
        let objects = (state.task_channels.values().cloned().map(Object::TaskChannel))
            .chain(state.task_queues.values().cloned().map(Object::TaskQueue))
            .chain(state.workers.values().cloned().map(Object::Worker))
            .chain(state.tasks.values().cloned().map(Object::Task))
            .chain(state.reservations.values().cloned().map(Object::Reservation));
        for object in objects {
            index.put(state, None, &object, now, &mut wakes);
        }
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
                self.workers.queue_changed(state, old, queue, now, wakes);
                let slot = self.workers.queue_slot(queue.id);
                self.lanes.queue_changed(slot, queue, state.workspace.queue_order_priority);
                if old.is_some_and(|old| old.task_order != queue.task_order) {
                    let waiting: Vec<TaskId> = state.tasks_of_queue(queue.id).map(|task| task.id).collect();
                    for id in waiting {
                        self.place(state, &state.tasks[&id], wakes);
                    }
                }
            }
            (_, Object::Workflow(_)) => {} // Waiting Tasks keep the revision that they follow.
            (old, Object::Worker(worker)) => {
                let old = old.and_then(Object::as_worker);
                self.workers.worker_changed(state, old, worker, now, wakes);
                if self.lanes.looks_at_load() {
                    wakes.workers.extend(self.workers.slot(worker.id));
                }
            }
            (old, Object::Task(task)) => {
                let old = old.and_then(Object::as_task);
                self.task_changed(state, old, Some(task), now, wakes);
            }
            (old, Object::Reservation(reservation)) => {
                let old = old.and_then(Object::as_reservation);
                self.timers.reservation_changed(old, Some(reservation));
            }
            (Some(Object::Task(task)), Object::PurgedTask(_)) => {
                self.task_changed(state, Some(task), None, now, wakes);
            }
            (_, Object::PurgedTask(_)) => {}
        }
    }

    /// The id of the Worker with this number.
    pub(crate) fn worker_id(&self, slot: WorkerSlot) -> WorkerId {
        self.workers.entry(slot).id
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
        self.timers.drop_first();
    }

    fn task_changed(
        &mut self,
        state: &State,
        old: Option<&Task>,
        new: Option<&Task>,
        now: Timestamp,
        wakes: &mut Wakes,
    ) {
        self.timers.task_changed(old, new, &self.limits, now);
        let followed = |task: &Task| task.step().map(|step| (task.workflow, step.revision));
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
        match (old, new) {
            (Some(old), Some(new)) if waits_alike(old, new) => {}
            (_, Some(new)) => self.place(state, new, wakes),
            (Some(old), None) => self.lanes.remove(old.id),
            (None, None) => {}
        }
    }

    /// Puts a Task into the lane where it waits now, if it waits.
    fn place(&mut self, state: &State, task: &Task, wakes: &mut Wakes) {
        self.lanes.remove(task.id);
        let Phase::Pending(waiting) = &task.phase else { return };
        let (Some(step), Some(queue)) = (&waiting.step, task.task_queue) else { return };
        let target = state.workflows[&task.workflow].target(step);
        if target.queue != queue {
            return; // Between `workflow.target-matched` and `task-queue.entered`.
        }
        let rank = Rank::of(task, state.task_queues[&queue].task_order);
        let (queue, channel) = (self.workers.queue_slot(queue), self.workers.channel_slot(task.task_channel));
        self.lanes.insert(task.id, rank, queue, channel, Rule::of(task, target));
        wakes.tasks.insert(task.id);
    }
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
            && self.timers.all().eq(other.timers.all())
            && self.followers == other.followers
    }
}
