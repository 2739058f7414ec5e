//! Workers, their channels, and their places in the circles.

use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;
use crate::ids::{ActivityId, TaskChannelId, WorkerId};
use crate::state::TaskChannel;
use crate::time::Timestamp;
use crate::written::written_once;

/// A person (or program) who takes Tasks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Worker {
    /// The Worker itself.
    pub id: WorkerId,
    /// Unique in the Workspace without regard to case; at most 64 characters.
    pub name: String,
    /// What expressions look at: skills, languages, …
    pub attributes: Attributes,
    /// What the Worker is doing.
    pub activity: ActivityId,
    /// Since when.
    pub activity_changed_at: Timestamp,
    /// Of the Worker's channels, those that are not as they were at first any more, ordered by Task Channel. The others
    /// follow from Worker and Task Channel, so that a new Task Channel changes no Worker: ask [`Worker::channel`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<WorkerChannel>,
    /// The Worker's place in the common circle; `None` before the first Reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reserved: Option<CircleStamp>,
    /// Counts the changes of name, attributes and activity.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When name, attributes or activity changed last.
    pub updated_at: Timestamp,
    /// When it was deleted. From then on it is only read, by what refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

written_once!(Worker);

/// What one Worker can take of one Task Channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerChannel {
    /// The Task Channel.
    pub task_channel: TaskChannelId,
    /// How many open Reservations at the same time; 0 to 50.
    pub configured_capacity: u32,
    /// The switch: off means no new Tasks, and the capacity is remembered.
    pub available: bool,
    /// Reservations that wait for the Worker's answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pending: u32,
    /// Reservations that the Worker accepted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accepted: u32,
    /// Reservations that the Worker wraps up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wrapping: u32,
    /// The Worker's place in the circle of this channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reserved: Option<CircleStamp>,
    /// Counts the changes of capacity and switch.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When capacity or switch changed last.
    pub updated_at: Timestamp,
}

/// When a Worker got a Reservation last. Who got one longest ago is next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct CircleStamp {
    /// The sequence of the event that made the Reservation: it orders, also within a millisecond.
    pub sequence: u64,
    /// The time of that event.
    pub at: Timestamp,
}

impl Worker {
    /// The Worker's channel for a Task Channel, which each Worker has.
    #[must_use]
    pub fn channel(&self, task_channel: &TaskChannel) -> WorkerChannel {
        let at_first = || WorkerChannel::at_first(self, task_channel);
        self.changed_channel(task_channel.id).copied().unwrap_or_else(at_first)
    }

    /// The Worker's channel, where it is not as it was at first.
    pub(crate) fn changed_channel(&self, task_channel: TaskChannelId) -> Option<&WorkerChannel> {
        let at = self.channels.binary_search_by_key(&task_channel, |channel| channel.task_channel).ok()?;
        Some(&self.channels[at])
    }

    pub(crate) fn channel_mut(&mut self, task_channel: &TaskChannel) -> &mut WorkerChannel {
        let at = match self.channels.binary_search_by_key(&task_channel.id, |channel| channel.task_channel) {
            Ok(at) => at,
            Err(at) => {
                self.channels.insert(at, WorkerChannel::at_first(self, task_channel));
                at
            }
        };
        &mut self.channels[at]
    }
}

impl WorkerChannel {
    /// Switched on, with room for one (`routing.md` 5.1).
    fn at_first(worker: &Worker, task_channel: &TaskChannel) -> WorkerChannel {
        let created_at = worker.created_at.max(task_channel.created_at);
        WorkerChannel {
            task_channel: task_channel.id,
            configured_capacity: 1,
            available: true,
            pending: 0,
            accepted: 0,
            wrapping: 0,
            last_reserved: None,
            version: 1,
            created_at,
            updated_at: created_at,
        }
    }

    /// Open Reservations: what uses up capacity.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.pending + self.accepted + self.wrapping
    }

    /// Is the switch on, and is there room for another Reservation?
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.available && self.has_capacity()
    }

    /// Is there room for another Reservation, whether or not the switch is on?
    #[must_use]
    pub fn has_capacity(&self) -> bool {
        self.open() < self.configured_capacity
    }

    /// Free capacity in percent, rounded down; 0 where there is none.
    #[must_use]
    pub fn available_capacity_percentage(&self) -> u32 {
        (self.configured_capacity.saturating_sub(self.open()) * 100)
            .checked_div(self.configured_capacity)
            .unwrap_or(0)
    }
}

/// Most channels of most Workers hold nothing, and need not say so in the log.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands out references.
fn is_zero(number: &u32) -> bool {
    *number == 0
}
