//! Workers and their channels.

use std::sync::Arc;

use super::check;
use crate::command::{CreateWorker, SetWorkerActivity, UpdateWorker, UpdateWorkerChannel};
use crate::event::Event;
use crate::ids::{ActivityId, Id, ReservationId, TaskChannelId, WorkerChannelId, WorkerId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::{ReservationStatus, Worker, WorkerChannel};

/// Largest capacity of one worker channel (`routing.md` 5.2).
const CAPACITY_MAX: u32 = 50;

impl Router {
    pub(super) fn create_worker(&mut self, command: CreateWorker) -> Result<(), Rejection> {
        let CreateWorker { id, name, attributes, activity } = command;
        check::unused(&self.state.workers, id)?;
        let name = check::name(&name, "name")?;
        check::unique(id, self.state.worker_named(&name).map(|worker| worker.id), &name)?;
        check::room(self.state.workers.len(), self.limits.workers_max, "Workers in the Workspace")?;
        self.check_attributes(&attributes)?;
        let activity = activity.unwrap_or(self.state.workspace.default_activity);
        let worker = Worker {
            id,
            name,
            attributes,
            activity: self.activity(activity, "activityId")?.id,
            activity_changed_at: self.now,
            channels: Vec::new(),
            last_reserved: None,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.emit(Event::WorkerCreated { worker: Arc::new(worker) });
        Ok(())
    }

    pub(super) fn update_worker(&mut self, command: UpdateWorker) -> Result<(), Rejection> {
        let UpdateWorker { id, expected_version, name, attributes } = command;
        let old = self.worker(id, "workerId")?;
        check::version(WorkerId::KIND, expected_version, old.version)?;
        let name = name.map(|name| check::name(&name, "name")).transpose()?;
        if let Some(name) = &name {
            check::unique(id, self.state.worker_named(name).map(|worker| worker.id), name)?;
        }
        if let Some(attributes) = &attributes {
            self.check_attributes(attributes)?;
        }
        let (mut version, updated_at) = (old.version, self.now);
        let mut worker = old;
        if let Some(name) = name.filter(|name| *name != worker.name) {
            version += 1;
            worker = Arc::new(Worker { name, version, updated_at, ..Worker::clone(&worker) });
            self.emit(Event::WorkerUpdated { worker: Arc::clone(&worker) });
        }
        if let Some(attributes) = attributes.filter(|attributes| *attributes != worker.attributes) {
            version += 1;
            worker = Arc::new(Worker { attributes, version, updated_at, ..Worker::clone(&worker) });
            self.emit(Event::WorkerAttributesUpdate { worker });
        }
        Ok(())
    }

    pub(super) fn set_worker_activity(&mut self, command: SetWorkerActivity) -> Result<(), Rejection> {
        let SetWorkerActivity { id, expected_version, activity, reject_pending_reservations } = command;
        let worker = self.worker(id, "workerId")?;
        check::version(WorkerId::KIND, expected_version, worker.version)?;
        let activity = self.activity(activity, "activityId")?;
        if reject_pending_reservations && activity.available {
            return Err(check::bad_input(
                "rejectPendingReservations",
                "pending Reservations can be rejected only with an Activity that is not available",
            ));
        }
        self.move_to_activity(id, activity.id);
        if reject_pending_reservations {
            for reservation in self.pending_reservations(id) {
                let task = self.end_offer(reservation, ReservationStatus::Rejected, None);
                self.after_failed_offer(task);
            }
        }
        Ok(())
    }

    pub(super) fn update_worker_channel(&mut self, command: UpdateWorkerChannel) -> Result<(), Rejection> {
        let UpdateWorkerChannel {
            worker: id,
            task_channel,
            expected_version,
            configured_capacity,
            available,
        } = command;
        let worker = self.worker(id, "workerId")?;
        let of_workspace = self.state.task_channels.get(&task_channel);
        let of_workspace = of_workspace.ok_or_else(|| Rejection::NotFound {
            kind: WorkerChannelId::KIND,
            id: WorkerChannelId::of(id, task_channel).to_string(),
            field: "taskChannelId",
        })?;
        let channel = worker.channel(of_workspace);
        check::version(WorkerChannelId::KIND, expected_version, channel.version)?;
        let capacity = configured_capacity
            .map(|capacity| check::range(capacity, 0, CAPACITY_MAX, "configuredCapacity"))
            .transpose()?;

        let previous_capacity = channel.configured_capacity;
        if let Some(capacity) = capacity.filter(|capacity| *capacity != previous_capacity) {
            let worker =
                self.with_changed_channel(id, task_channel, |channel| channel.configured_capacity = capacity);
            self.emit(Event::WorkerCapacityUpdate { worker, task_channel, previous_capacity });
        }
        let was_available = channel.available;
        if let Some(available) = available.filter(|available| *available != was_available) {
            let worker = self.with_changed_channel(id, task_channel, |channel| channel.available = available);
            self.emit(Event::WorkerChannelAvailabilityUpdate { worker, task_channel });
        }
        Ok(())
    }

    /// Moves a Worker; nothing happens where the Worker is there already.
    pub(super) fn move_to_activity(&mut self, id: WorkerId, activity: ActivityId) {
        let old = &self.state.workers[&id];
        if old.activity == activity {
            return;
        }
        let previous_activity = old.activity;
        let milliseconds_in_previous = self.now.milliseconds_since(old.activity_changed_at);
        let worker = Worker {
            activity,
            activity_changed_at: self.now,
            version: old.version + 1,
            updated_at: self.now,
            ..Worker::clone(old)
        };
        let worker = Arc::new(worker);
        self.emit(Event::WorkerActivityUpdate { worker, previous_activity, milliseconds_in_previous });
    }

    /// The offers that a Worker has not answered, oldest first.
    pub(super) fn pending_reservations(&self, worker: WorkerId) -> Vec<ReservationId> {
        self.state
            .reservations_of_worker(worker)
            .filter(|reservation| reservation.status == ReservationStatus::Pending)
            .map(|reservation| reservation.id)
            .collect()
    }

    fn with_changed_channel(
        &self,
        id: WorkerId,
        task_channel: TaskChannelId,
        change: impl FnOnce(&mut WorkerChannel),
    ) -> Arc<Worker> {
        let mut worker = Worker::clone(&self.state.workers[&id]);
        let channel = worker.channel_mut(&self.state.task_channels[&task_channel]);
        change(channel);
        channel.version += 1;
        channel.updated_at = self.now;
        Arc::new(worker)
    }
}
