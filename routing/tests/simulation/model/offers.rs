//! Offers, from their making to their end, and whose turn it is (`routing.md` 3.4, 4.2, 4.3, 6.2, 8).

use std::sync::Arc;

use routing::event::Event;
use routing::ids::*;
use routing::state::reservation::CircleBefore;
use routing::state::task::{CoolDown, Phase};
use routing::state::worker::CircleStamp;
use routing::state::{Reservation, ReservationStatus, Task, TaskStatus, Worker};

use super::channels::put_channel;
use super::time::TIME_TO_LIVE;
use super::{Model, seconds_after};

/// That a Worker was offered something.
pub struct Offer {
    stamp: CircleStamp,
    task_channel: TaskChannelId,
    reservation: ReservationId,
    /// It was taken back, which was not the Worker's doing: as if it had never been.
    is_withdrawn: bool,
}

const ASSIGNMENT_COUNT: &str = "Task TTL Exceeded or Max assignment count exceeded";

/// What an event about a Reservation is made of.
pub type EventOf = fn(Arc<Reservation>, Arc<Task>, Arc<Worker>) -> Event;

impl Model {
    /// Offers a Task to a Worker.
    pub(super) fn make_offer(&mut self, task: TaskId, worker: WorkerId) {
        let mut task = self.changed(task);
        let stamp = CircleStamp { sequence: self.sequence + 1, at: self.now };
        let id = ReservationId::derived(self.now, stamp.sequence, self.tag());
        let timeout_seconds = match task.workflow {
            Some(workflow) => self.workflow_or_deleted(workflow).task_reservation_timeout_seconds,
            None => 120,
        };
        let reservation = Reservation {
            id,
            task: task.id,
            worker,
            task_channel: task.task_channel,
            task_queue: task.task_queue,
            workflow: task.workflow,
            transfer: super::transfers::open_transfer(&task).map(|transfer| transfer.id),
            status: ReservationStatus::Pending,
            timeout_seconds,
            accepted_at: None,
            wrap_up_at: None,
            ended_at: None,
            reason: None,
            circle_before: self.places(worker, task.task_channel, None),
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        let offer = Offer { stamp, task_channel: task.task_channel, reservation: id, is_withdrawn: false };
        self.offers.entry(worker).or_default().push(offer);
        // 2.9: offers that are made together count once.
        if let Phase::Pending(waiting) = task.phase {
            task.phase = Phase::Reserved(waiting);
            task.assignment_count += 1;
        }
        self.record_reservation(reservation, task, |reservation, task, worker| Event::ReservationCreated {
            reservation,
            task,
            worker,
        });
    }

    /// Ends an offer that was not accepted. Where it was the last one, the Task is pending again.
    pub(super) fn end_offer(&mut self, id: ReservationId, status: ReservationStatus, reason: Option<String>) {
        let mut reservation = self.changed_reservation(id);
        reservation.status = status;
        reservation.reason = reason;
        reservation.ended_at = Some(self.now);
        let mut task = self.changed(reservation.task);
        let event: EventOf = match status {
            ReservationStatus::Rejected => {
                |reservation, task, worker| Event::ReservationRejected { reservation, task, worker }
            }
            ReservationStatus::TimedOut => {
                |reservation, task, worker| Event::ReservationTimeout { reservation, task, worker }
            }
            ReservationStatus::Canceled => {
                |reservation, task, worker| Event::ReservationCanceled { reservation, task, worker }
            }
            ReservationStatus::Rescinded => {
                |reservation, task, worker| Event::ReservationRescinded { reservation, task, worker }
            }
            other => panic!("an offer does not end as {other:?}"),
        };
        match status {
            ReservationStatus::Rejected | ReservationStatus::TimedOut => {
                // Those of before that are over are forgotten with it.
                let (worker, now) = (reservation.worker, self.now);
                task.cool_downs.retain(|cool_down| cool_down.until > now && cool_down.worker != worker);
                let until = seconds_after(now, self.workspace.reoffer_delay_seconds);
                task.cool_downs.push(CoolDown { worker, until });
            }
            _ => {
                let (worker, channel) = (reservation.worker, reservation.task_channel);
                reservation.circle_before = self.places(worker, channel, Some(id));
                let offers = self.offers.get_mut(&worker).expect("it was made");
                offers.iter_mut().filter(|offer| offer.reservation == id).for_each(|offer| {
                    offer.is_withdrawn = true;
                });
            }
        }
        let is_last = self.offers_of(task.id) == [id];
        if let (true, Phase::Reserved(waiting)) = (is_last, &task.phase) {
            task.phase = Phase::Pending(waiting.clone());
        }
        self.record_reservation(reservation, task, event);
    }

    /// Section 8.
    pub(super) fn offer_has_failed(&mut self, id: TaskId) {
        if self.tasks[&id].status() != TaskStatus::Pending || self.transfer_has_failed(id) {
            return;
        }
        let task = &self.tasks[&id];
        let Phase::Pending(waiting) = &task.phase else { panic!("{id} is pending") };
        let deadline = self.step(id).and_then(|step| step.deadline);
        if waiting.expires_at <= self.now {
            self.stop_waiting(id, TIME_TO_LIVE);
        } else if task.assignment_count >= self.limits.assignment_count_max {
            self.stop_waiting(id, ASSIGNMENT_COUNT);
        } else if deadline.is_some_and(|deadline| deadline <= self.now) {
            self.step_is_over(id);
        } else {
            self.looked_at.insert(id);
        }
    }

    /// 6.2: who does not answer goes to the timeout Activity. Where nothing is offered there, all else that the Worker
    /// was offered is offered to others.
    pub(super) fn time_out(&mut self, id: ReservationId) {
        let Reservation { task, worker, .. } = self.reservations[&id];
        self.end_offer(id, ReservationStatus::TimedOut, None);
        if let Some(activity) = self.workspace.timeout_activity {
            let activity = self.activities[&activity].clone();
            self.move_worker(worker, activity.id);
            if !activity.available {
                for other in self.offers_to(worker) {
                    let name = &activity.name;
                    let reason = format!("Worker did not answer another Reservation and was moved to {name}");
                    self.end_offer(other, ReservationStatus::Canceled, Some(reason));
                    self.offer_has_failed(self.reservations[&other].task);
                }
            }
        }
        self.offer_has_failed(task);
    }

    pub(super) fn withdraw_offers(&mut self, task: TaskId, reason: &str) {
        for offer in self.offers_of(task) {
            self.end_offer(offer, ReservationStatus::Canceled, Some(reason.to_owned()));
        }
    }

    /// The offers of a Task that are not answered, oldest first.
    pub(super) fn offers_of(&self, task: TaskId) -> Vec<ReservationId> {
        let open = self.open(task).into_iter();
        open.filter(|id| self.reservations[id].status == ReservationStatus::Pending).collect()
    }

    /// The open Reservations of a Task, oldest first.
    pub(super) fn open(&self, task: TaskId) -> Vec<ReservationId> {
        let of_task = self.reservations.values().filter(|reservation| reservation.task == task);
        of_task.filter(|reservation| is_open(reservation)).map(|reservation| reservation.id).collect()
    }

    pub(super) fn has_open(&self, task: TaskId, worker: WorkerId) -> bool {
        let mut reservations = self.reservations.values();
        reservations.any(|open| open.task == task && open.worker == worker && is_open(open))
    }

    /// Whose turn comes first (4.2, 4.3): who was offered something longest ago, then who was created first.
    pub(super) fn turn(&self, worker: &Worker, task_channel: TaskChannelId) -> (u64, i64) {
        let places = self.places(worker.id, task_channel, None);
        let has_own_circle = self.task_channels[&task_channel].channel_optimized_routing;
        let place = if has_own_circle { places.channel } else { places.common };
        (place.map_or(0, |place| place.sequence), worker.created_at.0)
    }

    /// A Worker's places in the two circles: those of the last offers that stand, of those before `before`.
    fn places(
        &self,
        worker: WorkerId,
        task_channel: TaskChannelId,
        before: Option<ReservationId>,
    ) -> CircleBefore {
        let mut places = CircleBefore::default();
        for offer in self.offers.get(&worker).into_iter().flatten() {
            if Some(offer.reservation) == before {
                break;
            }
            if !offer.is_withdrawn {
                places.common = Some(offer.stamp);
                if offer.task_channel == task_channel {
                    places.channel = Some(offer.stamp);
                }
            }
        }
        places
    }

    pub(super) fn changed_reservation(&self, id: ReservationId) -> Reservation {
        let mut reservation = self.reservations[&id].clone();
        reservation.version += 1;
        reservation.updated_at = self.now;
        reservation
    }

    /// A Reservation is now like this, and so is its Task. What the Task and the Worker say of their Reservations is
    /// found by counting.
    pub(super) fn record_reservation(&mut self, reservation: Reservation, mut task: Task, event: EventOf) {
        self.reservations.insert(reservation.id, reservation.clone());
        task.open_reservations = self.open(task.id).into();
        self.tasks.insert(task.id, task.clone());

        let mut worker = self.workers[&reservation.worker].clone();
        let count = |task_channel: TaskChannelId, status: ReservationStatus| {
            let of_worker = self.reservations.values().filter(|other| other.worker == reservation.worker);
            let of_channel = of_worker.filter(|other| other.task_channel == task_channel);
            of_channel.filter(|other| other.status == status).count() as u32
        };
        let channel = self.channel(&worker, reservation.task_channel);
        put_channel(&mut worker, channel);
        worker.last_reserved = self.places(worker.id, reservation.task_channel, None).common;
        for channel in &mut worker.channels {
            channel.pending = count(channel.task_channel, ReservationStatus::Pending);
            channel.accepted = count(channel.task_channel, ReservationStatus::Accepted);
            channel.wrapping = count(channel.task_channel, ReservationStatus::Wrapping);
            channel.last_reserved = self.places(worker.id, channel.task_channel, None).channel;
        }
        self.workers.insert(worker.id, worker.clone());
        self.record(event(Arc::new(reservation), Arc::new(task), Arc::new(worker)));
    }
}

pub fn is_open(reservation: &Reservation) -> bool {
    use ReservationStatus::*;
    matches!(reservation.status, Pending | Accepted | Wrapping)
}
