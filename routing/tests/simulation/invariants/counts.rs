//! What is counted of the events of a run adds up to what there is.

use std::collections::BTreeMap;

use routing::State;
use routing::event::{Event, Recorded};
use routing::ids::*;
use routing::state::task::Place;
use routing::state::{Phase, ReservationStatus, Task};
use routing::time::Timestamp;

/// What was counted of the events of a run.
#[derive(Default)]
pub struct Counts {
    tasks_created: usize,
    tasks_purged: usize,
    /// By TaskQueue: how many Tasks have entered it and have not left it.
    waiting: BTreeMap<TaskId, TaskQueueId>,
    /// By Worker: how long they were in the Activities that they have left, in milliseconds.
    in_activities: BTreeMap<WorkerId, i64>,
    offered: usize,
    /// Offers that ended, in whichever way.
    answered: usize,
}

impl Counts {
    pub fn note(&mut self, Recorded { event, .. }: &Recorded) {
        match event {
            Event::TaskCreated { .. } => self.tasks_created += 1,
            Event::TaskPurged { .. } => self.tasks_purged += 1,
            Event::TaskQueueEntered { task } | Event::TaskQueueMoved { task, .. } => {
                let queue = task.task_queue.expect("it has entered it");
                self.waiting.insert(task.id, queue);
            }
            // Who has it has it out of the queue; where a transfer fails or ends, it has left that one's.
            Event::TaskCanceled { task }
            | Event::TaskDeleted { task }
            | Event::TaskTransferFailed { task, .. }
            | Event::TaskTransferCanceled { task, .. } => drop(self.waiting.remove(&task.id)),
            Event::ReservationCreated { .. } => self.offered += 1,
            Event::ReservationAccepted { task, .. } => {
                self.answered += 1;
                self.waiting.remove(&task.id);
            }
            Event::ReservationRejected { .. }
            | Event::ReservationTimeout { .. }
            | Event::ReservationCanceled { .. }
            | Event::ReservationRescinded { .. } => self.answered += 1,
            Event::WorkerActivityUpdate { worker, milliseconds_in_previous, .. } => {
                *self.in_activities.entry(worker.id).or_default() += milliseconds_in_previous;
            }
            _ => {}
        }
    }

    /// I-42 and I-43: created is there or purged; entered has left or waits; offered is answered or open; the times in
    /// all Activities are the time since a Worker's creation.
    pub fn add_up(&self, state: &State, now: Timestamp) {
        assert_eq!(self.tasks_created, state.tasks.len() + self.tasks_purged, "Tasks");
        let offers = state.reservations.values();
        let n_open = offers.filter(|offer| offer.status == ReservationStatus::Pending).count();
        assert_eq!(self.offered, self.answered + n_open, "offers");
        let waits_in_queue = |task: &Task| match &task.phase {
            Phase::Pending(waiting) | Phase::Reserved(waiting) => {
                !matches!(waiting.place, Some(Place::Worker(_)))
            }
            Phase::Assigned(_) | Phase::Wrapping(_) | Phase::Completed(_) | Phase::Canceled(_) => false,
        };
        let waiting = state.tasks.values().filter(|task| waits_in_queue(task));
        let waiting = waiting.map(|task| (task.id, task.task_queue.expect("it waits there")));
        assert!(waiting.eq(self.waiting.iter().map(|(task, queue)| (*task, *queue))), "who waits where");
        for worker in state.workers.values() {
            let before = self.in_activities.get(&worker.id).copied().unwrap_or_default();
            let total = before + (now.0 - worker.activity_changed_at.0);
            assert_eq!(total, now.0 - worker.created_at.0, "{}: the times in Activities", worker.id);
        }
    }
}
