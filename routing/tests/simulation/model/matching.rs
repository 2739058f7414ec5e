//! Who is offered what (`routing.md` 3 and 4): all Tasks that wait, in their order, times all Workers, in theirs, from
//! the beginning after each change, until nothing changes.

use routing::ids::*;
use routing::index::explain::CheckKind;
use routing::state::task::Place;
use routing::state::{Phase, Task, TaskOrder, Worker, WorkerChannel};
use routing::workflow_configuration::{KnownWorker, Target};

use super::Model;

/// One thing that a candidate must be, and whether the Worker is.
pub type Check = (CheckKind, bool);

/// A Task's place among all that wait. The smaller one goes first.
type Precedence = (bool, i64, i64, i64);

impl Model {
    /// Offers Tasks until no Task that waits has a candidate, and none is to be skipped.
    pub(super) fn settle(&mut self) {
        self.actor = routing::event::Actor::System;
        while self.settle_one() {}
        self.looked_at.clear();
    }

    fn settle_one(&mut self) -> bool {
        for task in self.waiting_tasks() {
            let workers = self.candidates(task);
            if !workers.is_empty() {
                for worker in workers {
                    self.make_offer(task, worker);
                }
                return true;
            }
            if self.looked_at.contains(&task) && self.is_to_be_skipped(task) {
                self.skip(task);
                return true;
            }
        }
        false
    }

    /// The Tasks that wait, the first one first (3.2, 3.3).
    pub fn waiting_tasks(&self) -> Vec<TaskId> {
        let mut waiting: Vec<(Precedence, TaskId)> = self
            .tasks
            .values()
            .filter(|task| place(task).is_some())
            .map(|task| (self.precedence(task), task.id))
            .collect();
        waiting.sort();
        waiting.into_iter().map(|(_, task)| task).collect()
    }

    /// Its place among those that wait in its TaskQueue, from 1.
    pub fn position(&self, task: TaskId) -> Option<usize> {
        let queue = self.queue_of_waiting(&self.tasks[&task])?;
        let of_queue = self.waiting_tasks().into_iter();
        let mut of_queue = of_queue.filter(|other| self.queue_of_waiting(&self.tasks[other]) == Some(queue));
        Some(1 + of_queue.position(|other| other == task)?)
    }

    fn precedence(&self, task: &Task) -> Precedence {
        // Who waits for one Worker waits as in a FIFO TaskQueue (2.10).
        let order = self.queue_of_waiting(task).map(|queue| self.task_queues[&queue].task_order);
        let order = order.unwrap_or(TaskOrder::Fifo);
        let is_other_kind = order != self.workspace.queue_order_priority;
        let (start, created) = (task.virtual_start_time.0, task.created_sequence as i64);
        match order {
            TaskOrder::Fifo => (is_other_kind, -i64::from(task.priority), start, created),
            TaskOrder::Lifo => (is_other_kind, 0, -start, -created),
        }
    }

    /// Whom a Task that waits is offered to: its first candidates, as many as the TaskQueue allows (3.4).
    fn candidates(&self, id: TaskId) -> Vec<WorkerId> {
        let task = &self.tasks[&id];
        let order_by = self.target(id).and_then(|target| target.order_by.as_ref());
        let mut candidates: Vec<_> = self
            .workers
            .values()
            .filter(|worker| self.is_candidate(task, worker))
            .map(|worker| {
                let clauses = order_by.iter().flat_map(|order_by| order_by.clauses());
                let by_values: Vec<_> = clauses.map(|clause| self.standing(clause, worker)).collect();
                (by_values, self.turn(worker, task.task_channel), worker.id)
            })
            .collect();
        candidates.sort();
        let limit = match self.queue_of_waiting(task) {
            Some(queue) => self.task_queues[&queue].max_reserved_workers,
            None => 1,
        };
        candidates.truncate(limit as usize);
        candidates.into_iter().map(|(_, _, worker)| worker).collect()
    }

    /// 4.1.
    pub fn is_candidate(&self, task: &Task, worker: &Worker) -> bool {
        // What is quick to see comes first.
        let channel = &self.channel(worker, task.task_channel);
        self.activities[&worker.activity].available
            && channel.available
            && has_room(channel)
            && !self.refused_recently(task, worker)
            && !self.has_or_hands_on(task, worker)
            && self.is_meant(task, worker)
            && self.suits(task, worker)
            && self.is_member(task, worker)
    }

    /// The same, one by one.
    pub fn checks(&self, task: &Task, worker: &Worker) -> [Check; 8] {
        let channel = &self.channel(worker, task.task_channel);
        [
            (CheckKind::QueueMembership, self.is_member(task, worker)),
            (CheckKind::KnownWorker, self.is_meant(task, worker)),
            (CheckKind::TargetExpression, self.suits(task, worker)),
            (CheckKind::Activity, self.activities[&worker.activity].available),
            (CheckKind::ChannelAvailable, channel.available),
            (CheckKind::Capacity, has_room(channel)),
            (CheckKind::AlreadyReserved, !self.has_or_hands_on(task, worker)),
            (CheckKind::RefusedRecently, !self.refused_recently(task, worker)),
        ]
    }

    fn is_member(&self, task: &Task, worker: &Worker) -> bool {
        self.queue_of_waiting(task).is_none_or(|queue| self.serves(worker, &self.task_queues[&queue]))
    }

    /// Is it the one Worker that the Task is meant for, or is it meant for anybody (2.7, 2.10)?
    fn is_meant(&self, task: &Task, worker: &Worker) -> bool {
        if let Some(Place::Worker(meant)) = place(task) {
            return *meant == worker.id;
        }
        match self.target(task.id).and_then(|target| target.known_worker.as_ref()) {
            None => true,
            Some(KnownWorker::Id(path)) => self.text_in(task, path) == Some(worker.id.to_string()),
            Some(KnownWorker::Name(path)) => {
                let name = self.text_in(task, path);
                name.is_some_and(|name| name.to_lowercase() == worker.name.to_lowercase())
            }
        }
    }

    fn suits(&self, task: &Task, worker: &Worker) -> bool {
        let expression = self.target(task.id).and_then(|target| target.expression.as_ref());
        expression.is_none_or(|expression| self.step_suits(expression, task, worker))
    }

    fn refused_recently(&self, task: &Task, worker: &Worker) -> bool {
        let mut cool_downs = task.cool_downs.iter();
        cool_downs.any(|cool_down| cool_down.worker == worker.id && cool_down.until > self.now)
    }

    /// Whoever has a Task, or is transferring it, is not offered it (6.4).
    fn has_or_hands_on(&self, task: &Task, worker: &Worker) -> bool {
        let hands_on = open_transfer(task).is_some_and(|transfer| transfer.initiator == worker.id);
        hands_on || self.has_open(task.id, worker.id)
    }

    /// 2.5. Behind a Task that waits in no step there is nothing to skip.
    fn is_to_be_skipped(&self, task: TaskId) -> bool {
        let skip_if =
            self.target(task).and_then(|target: &Target| Some((target.queue, target.skip_if.as_ref()?)));
        skip_if.is_some_and(|(queue, skip_if)| self.skips(skip_if, &self.task_queues[&queue]))
    }

    /// The TaskQueue whose Workers are asked; `None` for a Task that waits for one Worker alone.
    fn queue_of_waiting(&self, task: &Task) -> Option<TaskQueueId> {
        match place(task)? {
            Place::Step(_) | Place::TaskQueue => task.task_queue,
            Place::Worker(_) => None,
        }
    }
}

/// Where a Task waits for somebody to be found.
fn place(task: &Task) -> Option<&Place> {
    match &task.phase {
        Phase::Pending(waiting) => waiting.place.as_ref(),
        Phase::Reserved(_)
        | Phase::Assigned(_)
        | Phase::Wrapping(_)
        | Phase::Completed(_)
        | Phase::Canceled(_) => None,
    }
}

pub use super::transfers::open_transfer;

/// 5.2: what is pending, accepted or being wrapped up takes one unit each.
pub fn has_room(channel: &WorkerChannel) -> bool {
    channel.pending + channel.accepted + channel.wrapping < channel.configured_capacity
}
