//! Offers: Reservations from their making to the Worker's answer, or to the lack of one.

use std::sync::Arc;

use super::workflows::RESERVATION_TIMEOUT_SECONDS_DEFAULT;
use crate::event::Event;
use crate::ids::{Id, ReservationId, TaskId, WorkerId};
use crate::router::Router;
use crate::state::reservation::CircleBefore;
use crate::state::task::{CoolDown, Phase};
use crate::state::worker::CircleStamp;
use crate::state::{Reservation, ReservationStatus, TaskStatus, Worker};

/// What is said of a Task that waited for too long, or that nobody wanted; the words are TaskRouter's.
pub(super) const TIME_TO_LIVE_REASON: &str = "Task TTL Exceeded";
const ASSIGNMENT_COUNT_REASON: &str = "Task TTL Exceeded or Max assignment count exceeded";

impl Router {
    /// Offers a waiting Task to its first candidates, as many as the TaskQueue allows. False where there are none.
    pub(crate) fn offer(&mut self, id: TaskId) -> bool {
        let task = &self.state.tasks[&id];
        let Some(lane) = self.index.lane_of(id) else { return false };
        // Who is meant for one Worker alone waits in no TaskQueue.
        let limit =
            task.task_queue.map_or(1, |queue| self.state.task_queues[&queue].max_reserved_workers as usize);
        let order_by = self.state.target_of(task).and_then(|target| target.order_by.as_ref());
        let candidates = match order_by {
            None => self.index.candidates(&self.state, lane, task, limit, self.now),
            Some(order_by) => self.index.candidates_by(&self.state, lane, task, order_by, limit, self.now),
        };
        let workers: Vec<WorkerId> = candidates.into_iter().map(|slot| self.index.worker_id(slot)).collect();
        for worker in &workers {
            self.make_offer(id, *worker);
        }
        !workers.is_empty()
    }

    /// Ends an offer that was not accepted, and gives the Worker the room back. The Task is pending again when
    /// this was its last offer; what becomes of it then is up to the caller. Returns the Task.
    pub(super) fn end_offer(
        &mut self,
        id: ReservationId,
        status: ReservationStatus,
        reason: Option<String>,
    ) -> TaskId {
        let old = &self.state.reservations[&id];
        debug_assert_eq!(old.status, ReservationStatus::Pending);
        let is_refusal = matches!(status, ReservationStatus::Rejected | ReservationStatus::TimedOut);

        let mut worker = Worker::clone(&self.state.workers[&old.worker]);
        let channel = worker.channel_mut(&self.state.task_channels[&old.task_channel]);
        channel.pending -= 1;
        let mut circle_before = old.circle_before;
        if !is_refusal {
            // Not the Worker's doing: the places in the circles are given back, unless a later offer took new ones.
            circle_before = self.places_before(old);
            let stamp = Some(id.sequence());
            if channel.last_reserved.map(|stamp| stamp.sequence) == stamp {
                channel.last_reserved = circle_before.channel;
            }
            if worker.last_reserved.map(|stamp| stamp.sequence) == stamp {
                worker.last_reserved = circle_before.common;
            }
        }

        let mut task = self.changed(&self.state.tasks[&old.task]);
        task.open_reservations.retain(|open| *open != id);
        if is_refusal {
            let until = self.now.plus_seconds(self.state.workspace.reoffer_delay_seconds);
            task.cool_downs.retain(|cool_down| cool_down.worker != old.worker && cool_down.until > self.now);
            task.cool_downs.push(CoolDown { worker: old.worker, until });
        }
        if let Phase::Reserved(waiting) = &task.phase
            && !task.open_reservations.iter().any(|open| self.is_pending(*open))
        {
            task.phase = Phase::Pending(waiting.clone());
        }

        let reservation = Reservation {
            status,
            reason,
            ended_at: Some(self.now),
            circle_before,
            version: old.version + 1,
            updated_at: self.now,
            ..Reservation::clone(old)
        };
        let task_id = task.id;
        let (reservation, task, worker) = (Arc::new(reservation), Arc::new(task), Arc::new(worker));
        self.emit(match status {
            ReservationStatus::Rejected => Event::ReservationRejected { reservation, task, worker },
            ReservationStatus::TimedOut => Event::ReservationTimeout { reservation, task, worker },
            ReservationStatus::Canceled => Event::ReservationCanceled { reservation, task, worker },
            ReservationStatus::Rescinded => Event::ReservationRescinded { reservation, task, worker },
            ReservationStatus::Pending
            | ReservationStatus::Accepted
            | ReservationStatus::Wrapping
            | ReservationStatus::Completed => unreachable!("an offer does not end {status:?}"),
        });
        task_id
    }

    /// An offer of the Task has failed: the Task is looked at again in its step, goes on to the next one where the
    /// step's deadline has passed meanwhile, or is given up (`routing.md` 2.4 and section 8).
    pub(super) fn after_failed_offer(&mut self, id: TaskId) {
        let task = &self.state.tasks[&id];
        if task.status() != TaskStatus::Pending {
            return; // Other offers of it are open.
        }
        if task.open_transfer().is_some() && !self.transfer_goes_on(id) {
            return;
        }
        let task = &self.state.tasks[&id];
        let expires_at = task.waiting().expect("a pending Task waits").expires_at;
        let step = task.step();
        if expires_at <= self.now {
            self.stop_waiting(id, TIME_TO_LIVE_REASON.to_owned());
        } else if task.assignment_count >= self.limits.assignment_count_max {
            self.stop_waiting(id, ASSIGNMENT_COUNT_REASON.to_owned());
        } else if step.and_then(|step| step.deadline).is_some_and(|at| at <= self.now) {
            self.leave_step(id);
        } else if step.is_some() {
            // It waits in its step again, and has been woken.
            self.wakes.may_skip.insert(id);
        }
    }

    /// Takes back all offers of a Task that have not been answered.
    pub(super) fn withdraw_offers(&mut self, id: TaskId, reason: &str) {
        for reservation in self.pending_offers(id) {
            self.end_offer(reservation, ReservationStatus::Canceled, Some(reason.to_owned()));
        }
    }

    /// The offers of a Task that have not been answered, oldest first.
    pub(super) fn pending_offers(&self, id: TaskId) -> Vec<ReservationId> {
        let open = self.state.tasks[&id].open_reservations.iter().copied();
        open.filter(|open| self.is_pending(*open)).collect()
    }

    fn is_pending(&self, id: ReservationId) -> bool {
        self.state.reservations[&id].status == ReservationStatus::Pending
    }

    /// The Worker's places in the circles as they would be without this offer.
    ///
    /// An offer that was withdrawn after this one was made could not give its places back, because this one had
    /// taken new ones. So they are passed over here, back to an offer that stands. (An offer whose Task was purged
    /// is not known any more and is taken to stand. What it gave back when it was withdrawn is noted with those
    /// after it, so that this takes an offer that is older than the retention of finished Tasks.)
    fn places_before(&self, offer: &Reservation) -> CircleBefore {
        let withdrawn = |place: CircleStamp| {
            let taken_by = ReservationId::derived(place.at, place.sequence, self.state.tag());
            let former = self.state.reservations.get(&taken_by)?;
            former.status.is_withdrawn().then_some(former.circle_before)
        };
        let CircleBefore { mut common, mut channel } = offer.circle_before;
        while let Some(before) = common.and_then(withdrawn) {
            common = before.common;
        }
        while let Some(before) = channel.and_then(withdrawn) {
            channel = before.channel;
        }
        CircleBefore { common, channel }
    }

    /// Offers a Task to a Worker.
    pub(super) fn make_offer(&mut self, task: TaskId, worker: WorkerId) {
        let old = &self.state.tasks[&task];
        let sequence = self.state.sequence + 1;
        let id = ReservationId::derived(self.now, sequence, self.state.tag());
        let stamp = Some(CircleStamp { sequence, at: self.now });

        let mut worker = Worker::clone(&self.state.workers[&worker]);
        let common = std::mem::replace(&mut worker.last_reserved, stamp);
        let channel = worker.channel_mut(&self.state.task_channels[&old.task_channel]);
        let circle_before =
            CircleBefore { common, channel: std::mem::replace(&mut channel.last_reserved, stamp) };
        channel.pending += 1;

        let mut task = self.changed(old);
        if let Phase::Pending(waiting) = &task.phase {
            task.phase = Phase::Reserved(waiting.clone());
            task.assignment_count += 1;
        }
        task.open_reservations.push(id);

        let reservation = Reservation {
            id,
            task: task.id,
            worker: worker.id,
            task_channel: task.task_channel,
            task_queue: task.task_queue,
            workflow: task.workflow,
            transfer: task.open_transfer().map(|transfer| transfer.id),
            status: ReservationStatus::Pending,
            timeout_seconds: task.workflow.map_or(RESERVATION_TIMEOUT_SECONDS_DEFAULT, |workflow| {
                // It may have been deleted since it routed the Task.
                let workflow = self.state.workflow(workflow);
                workflow.map_or(RESERVATION_TIMEOUT_SECONDS_DEFAULT, |workflow| {
                    workflow.task_reservation_timeout_seconds
                })
            }),
            accepted_at: None,
            wrap_up_at: None,
            ended_at: None,
            reason: None,
            circle_before,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        self.emit(Event::ReservationCreated {
            reservation: Arc::new(reservation),
            task: Arc::new(task),
            worker: Arc::new(worker),
        });
    }
}

impl Router {
    /// The Worker did not answer in time: moved to the timeout Activity, and if no work may come there, freed of
    /// the other offers, since those customers should not wait for somebody who is not there.
    pub(super) fn time_out(&mut self, id: ReservationId) {
        let worker = self.state.reservations[&id].worker;
        let task = self.end_offer(id, ReservationStatus::TimedOut, None);
        if let Some(activity) = self.state.workspace.timeout_activity {
            let activity = Arc::clone(&self.state.activities[&activity]);
            self.move_to_activity(worker, activity.id);
            if !activity.available {
                for other in self.pending_reservations(worker) {
                    let reason = format!(
                        "Worker did not answer another Reservation and was moved to {}",
                        activity.name
                    );
                    let task = self.end_offer(other, ReservationStatus::Canceled, Some(reason));
                    self.after_failed_offer(task);
                }
            }
        }
        self.after_failed_offer(task);
    }
}
