//! What was deleted, as far as it can still be read.
//!
//! A deleted object is in no list and has no name any more; nothing is routed by it. But Tasks and Reservations may
//! refer to it, and whoever reads them wants to know who that was:
//!
//! * a TaskQueue, a Workflow or a Worker is kept as long as a Task or Reservation in memory refers to it;
//! * an Activity or a Task Channel is kept for good: they are small, and there are few of them.

use std::sync::Arc;

use imbl::OrdMap;

use super::{Activity, Map, Reservation, RoutingTarget, Task, TaskChannel, TaskQueue, Worker, Workflow};
use crate::ids::{ActivityId, TaskChannelId, TaskQueueId, WorkerId, WorkflowId};

/// Deleted objects.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs)] // By their kinds.
pub struct Deleted {
    pub activities: Map<ActivityId, Activity>,
    pub task_channels: Map<TaskChannelId, TaskChannel>,
    pub task_queues: Remains<TaskQueueId, TaskQueue>,
    pub workflows: Remains<WorkflowId, Workflow>,
    pub workers: Remains<WorkerId, Worker>,
}

/// Deleted objects of one kind, each with how many Tasks and Reservations refer to it.
#[derive(Clone, PartialEq, Debug)]
pub struct Remains<I: Ord, T>(OrdMap<I, Remain<T>>);

#[derive(Clone, PartialEq, Debug)]
struct Remain<T> {
    object: Arc<T>,
    n_references: usize,
}

/// What a Task or a Reservation refers to.
pub(super) struct References {
    task_queues: Vec<TaskQueueId>,
    workflows: Vec<WorkflowId>,
    workers: Vec<WorkerId>,
}

impl References {
    /// A transfer names where it leads, but does not keep it: what was offered there, its Reservations keep.
    pub(super) fn of_task(task: &Task) -> References {
        let mut references = References {
            task_queues: task.task_queue.into_iter().collect(),
            workflows: task.workflow.into_iter().collect(),
            workers: Vec::new(),
        };
        match task.routing_target {
            None => {}
            Some(RoutingTarget::Worker(id)) => references.workers.push(id),
            Some(RoutingTarget::TaskQueue(id)) => references.task_queues.push(id),
            Some(RoutingTarget::Workflow(id)) => references.workflows.push(id),
        }
        references
    }

    pub(super) fn of_reservation(reservation: &Reservation) -> References {
        References {
            task_queues: reservation.task_queue.into_iter().collect(),
            workflows: reservation.workflow.into_iter().collect(),
            workers: vec![reservation.worker],
        }
    }

    pub(super) fn to_task_queue(&self, id: TaskQueueId) -> usize {
        self.task_queues.iter().filter(|named| **named == id).count()
    }

    pub(super) fn to_workflow(&self, id: WorkflowId) -> usize {
        self.workflows.iter().filter(|named| **named == id).count()
    }

    pub(super) fn to_worker(&self, id: WorkerId) -> usize {
        self.workers.iter().filter(|named| **named == id).count()
    }
}

impl Deleted {
    /// Is there nothing that references are counted of?
    pub(super) fn counts_nothing(&self) -> bool {
        let Deleted { activities: _, task_channels: _, task_queues, workflows, workers } = self;
        task_queues.0.is_empty() && workflows.0.is_empty() && workers.0.is_empty()
    }

    /// Something has come that refers to these.
    pub(super) fn refer(&mut self, references: &References) {
        let References { task_queues, workflows, workers } = references;
        task_queues.iter().for_each(|id| self.task_queues.refer(id));
        workflows.iter().for_each(|id| self.workflows.refer(id));
        workers.iter().for_each(|id| self.workers.refer(id));
    }

    /// Something has gone that referred to these. What nothing refers to any more goes, too.
    pub(super) fn release(&mut self, references: &References) {
        let References { task_queues, workflows, workers } = references;
        task_queues.iter().for_each(|id| self.task_queues.release(id));
        workflows.iter().for_each(|id| self.workflows.release(id));
        workers.iter().for_each(|id| self.workers.release(id));
    }

    /// What nothing refers to goes.
    pub(super) fn forget_unreferenced(&mut self) {
        self.task_queues.forget_unreferenced();
        self.workflows.forget_unreferenced();
        self.workers.forget_unreferenced();
    }
}

impl<I: Ord + Clone, T: Clone> Remains<I, T> {
    /// The object.
    #[must_use]
    pub fn get(&self, id: &I) -> Option<&Arc<T>> {
        self.0.get(id).map(|remain| &remain.object)
    }

    /// All of them.
    pub fn values(&self) -> impl Iterator<Item = &Arc<T>> {
        self.0.values().map(|remain| &remain.object)
    }

    pub(super) fn insert(&mut self, id: I, object: Arc<T>, n_references: usize) {
        self.0.insert(id, Remain { object, n_references });
    }

    pub(super) fn remove(&mut self, id: &I) {
        self.0.remove(id);
    }

    fn refer(&mut self, id: &I) {
        if let Some(remain) = self.0.get_mut(id) {
            remain.n_references += 1;
        }
    }

    fn release(&mut self, id: &I) {
        if let Some(remain) = self.0.get_mut(id) {
            remain.n_references -= 1;
            if remain.n_references == 0 {
                self.0.remove(id);
            }
        }
    }

    fn forget_unreferenced(&mut self) {
        if self.0.values().any(|remain| remain.n_references == 0) {
            self.0 = self
                .0
                .iter()
                .filter(|(_, remain)| remain.n_references > 0)
                .map(|(id, remain)| (id.clone(), remain.clone()))
                .collect();
        }
    }
}

impl<I: Ord, T> Default for Remains<I, T> {
    fn default() -> Remains<I, T> {
        Remains(OrdMap::new())
    }
}
