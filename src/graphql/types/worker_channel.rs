//! What one Worker can take of one Task Channel.

use async_graphql::{ID, Object};
use routing::ids::{TaskChannelId, WorkerChannelId, WorkerId};

use super::task_channel::TaskChannel;
use super::worker::Worker;
use crate::graphql::scalars::DateTime;

/// A worker channel, at one moment. It is part of its Worker, so who sees the one sees the other.
#[derive(Clone)]
pub struct WorkerChannel {
    worker: Worker,
    channel: routing::state::WorkerChannel,
}

impl WorkerChannel {
    /// The Worker's channel.
    pub fn of(worker: Worker, task_channel: &routing::state::TaskChannel) -> WorkerChannel {
        let channel = worker.worker().channel(task_channel);
        WorkerChannel { worker, channel }
    }

    /// The Worker's id.
    pub fn worker_id(&self) -> WorkerId {
        self.worker.worker().id
    }

    /// The Task Channel's id.
    pub fn task_channel_id(&self) -> TaskChannelId {
        self.channel.task_channel
    }
}

/// What one Worker can take of one Task Channel. Each Worker has one for each Task Channel, also for those that are
/// created later.
#[Object]
impl WorkerChannel {
    /// Begins with `WC`.
    pub async fn id(&self) -> ID {
        WorkerChannelId::of(self.worker_id(), self.channel.task_channel).into()
    }

    /// The Worker.
    async fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The Task Channel.
    async fn task_channel(&self) -> TaskChannel {
        self.worker
            .scope()
            .task_channel(self.channel.task_channel)
            .expect("Task Channels can be read for good, and all see them")
    }

    /// How many Reservations may be open at the same time: 0 to 50, 1 at first. 0 means no work.
    async fn configured_capacity(&self) -> u32 {
        self.channel.configured_capacity
    }

    /// The switch, as set. Off means no new Tasks; what is open stays.
    async fn available(&self) -> bool {
        self.channel.available
    }

    /// Can work come now? The switch is on, the Worker's Activity is available, and there is free capacity.
    async fn effective_available(&self) -> bool {
        self.channel.has_room() && self.worker.is_available()
    }

    /// Accepted Reservations. Pending ones and those in wrap-up are not among them.
    async fn assigned_tasks(&self) -> u32 {
        self.channel.accepted
    }

    /// Pending, accepted and wrapping Reservations: what uses up capacity.
    async fn open_reservations(&self) -> u32 {
        self.channel.open()
    }

    /// Free capacity in percent of the configured one, rounded down; 0 without any capacity.
    async fn available_capacity_percentage(&self) -> u32 {
        self.channel.available_capacity_percentage()
    }

    /// When the Worker got a Reservation on this channel last. Who waits longest is next.
    async fn last_reserved_at(&self) -> Option<DateTime> {
        self.channel.last_reserved.map(|stamp| stamp.at.into())
    }

    /// Counts the changes of capacity and switch, from 1; for `expectedVersion`.
    async fn version(&self) -> u32 {
        self.channel.version
    }
}
