//! Workers, where they are and what they can take.

use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::state::{ReservationStatus, Worker, WorkerChannel};

use super::Model;
use super::channels::put_channel;
use super::checks::{self, Answer, Refusal, demand, find};

impl Model {
    pub(super) fn create_worker(&mut self, command: CreateWorker) -> Answer {
        let CreateWorker { id, name, attributes, activity } = command;
        demand(!self.workers.contains_key(&id), Refusal::bad_input("id"))?;
        let name = self.name_of_worker(id, &name)?;
        demand(self.workers.len() < self.limits.workers_max, Refusal::limit(None))?;
        self.check_attributes(&attributes)?;
        let activity = activity.unwrap_or(self.workspace.default_activity);
        let activity = find(&self.activities, activity, "activityId")?.id;
        let worker = Worker {
            id,
            name,
            attributes,
            activity,
            activity_changed_at: self.now,
            channels: Vec::new(),
            last_reserved: None,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.record_worker(worker, |worker| Event::WorkerCreated { worker });
        Ok(())
    }

    /// Two events where both change.
    pub(super) fn update_worker(&mut self, command: UpdateWorker) -> Answer {
        let UpdateWorker { id, expected_version, name, attributes } = command;
        let old = find(&self.workers, id, "workerId")?;
        checks::version(expected_version, old.version)?;
        let name = match name {
            None => old.name.clone(),
            Some(name) => self.name_of_worker(id, &name)?,
        };
        if let Some(attributes) = &attributes {
            self.check_attributes(attributes)?;
        }
        let attributes = attributes.unwrap_or_else(|| old.attributes.clone());
        if name != old.name {
            let worker = Worker { name, ..self.changed_worker(id) };
            self.record_worker(worker, |worker| Event::WorkerUpdated { worker });
        }
        if attributes != old.attributes {
            let worker = Worker { attributes, ..self.changed_worker(id) };
            self.record_worker(worker, |worker| Event::WorkerAttributesUpdate { worker });
        }
        Ok(())
    }

    /// 6.3.
    pub(super) fn set_worker_activity(&mut self, command: SetWorkerActivity) -> Answer {
        let SetWorkerActivity { id, expected_version, activity, reject_pending_reservations } = command;
        let worker = find(&self.workers, id, "workerId")?;
        checks::version(expected_version, worker.version)?;
        let activity = find(&self.activities, activity, "activityId")?;
        let is_right = !(reject_pending_reservations && activity.available);
        demand(is_right, Refusal::bad_input("rejectPendingReservations"))?;
        self.move_worker(id, activity.id);
        if reject_pending_reservations {
            for reservation in self.offers_to(id) {
                self.end_offer(reservation, ReservationStatus::Rejected, None);
                self.offer_has_failed(self.reservations[&reservation].task);
            }
        }
        Ok(())
    }

    pub(super) fn update_worker_channel(&mut self, command: UpdateWorkerChannel) -> Answer {
        let UpdateWorkerChannel {
            worker: id,
            task_channel,
            expected_version,
            configured_capacity,
            available,
        } = command;
        let worker = find(&self.workers, id, "workerId")?;
        find(&self.task_channels, task_channel, "taskChannelId")?;
        let old = self.channel(&worker, task_channel);
        checks::version(expected_version, old.version)?;
        if let Some(capacity) = configured_capacity {
            checks::within(capacity, 0..=50, "configuredCapacity")?;
        }
        let previous_capacity = old.configured_capacity;
        if let Some(capacity) = configured_capacity
            && capacity != previous_capacity
        {
            let worker =
                self.with_channel(id, task_channel, |channel| channel.configured_capacity = capacity);
            self.record_worker(worker, |worker| Event::WorkerCapacityUpdate {
                worker,
                task_channel,
                previous_capacity,
            });
        }
        if let Some(available) = available
            && available != old.available
        {
            let worker = self.with_channel(id, task_channel, |channel| channel.available = available);
            self.record_worker(worker, |worker| Event::WorkerChannelAvailabilityUpdate {
                worker,
                task_channel,
            });
        }
        Ok(())
    }

    /// A Worker goes to an Activity, unless they are there.
    pub(super) fn move_worker(&mut self, id: WorkerId, activity: ActivityId) {
        let mut worker = self.changed_worker(id);
        let previous_activity = worker.activity;
        if previous_activity == activity {
            return;
        }
        let milliseconds_in_previous = self.now.0 - worker.activity_changed_at.0;
        worker.activity = activity;
        worker.activity_changed_at = self.now;
        self.record_worker(worker, |worker| Event::WorkerActivityUpdate {
            worker,
            previous_activity,
            milliseconds_in_previous,
        });
    }

    /// What a Worker has not answered, oldest first.
    pub(super) fn offers_to(&self, worker: WorkerId) -> Vec<ReservationId> {
        let of_worker = self.reservations.values().filter(|reservation| reservation.worker == worker);
        let pending = of_worker.filter(|reservation| reservation.status == ReservationStatus::Pending);
        pending.map(|reservation| reservation.id).collect()
    }

    fn name_of_worker(&self, id: WorkerId, name: &str) -> Result<String, Refusal> {
        let others = self.workers.values().filter(|other| other.id != id);
        checks::name(name, others.map(|other| &other.name))
    }

    pub(super) fn changed_worker(&self, id: WorkerId) -> Worker {
        let worker = self.workers[&id].clone();
        Worker { version: worker.version + 1, updated_at: self.now, ..worker }
    }

    /// The version of a channel counts its own changes; the Worker's does not.
    fn with_channel(
        &self,
        id: WorkerId,
        task_channel: TaskChannelId,
        change: impl FnOnce(&mut WorkerChannel),
    ) -> Worker {
        let mut worker = self.workers[&id].clone();
        let mut channel = self.channel(&worker, task_channel);
        channel.version += 1;
        channel.updated_at = self.now;
        change(&mut channel);
        put_channel(&mut worker, channel);
        worker
    }
}
