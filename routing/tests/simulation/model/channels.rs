//! Task Channels, and what each Worker can take of them (`routing.md` 5.1).

use std::sync::Arc;

use routing::command::*;
use routing::event::Event;
use routing::ids::*;
use routing::state::{TaskChannel, Worker, WorkerChannel};

use super::Model;
use super::checks::{self, Answer, Refusal, demand, find};

impl Model {
    pub(super) fn create_task_channel(&mut self, command: CreateTaskChannel) -> Answer {
        let CreateTaskChannel { id, name, unique_name, channel_optimized_routing } = command;
        demand(!self.task_channels.contains_key(&id), Refusal::bad_input("id"))?;
        let name = checks::unshared_name(&name)?;
        let is_right = (1..=64).contains(&unique_name.chars().count()) && is_key(&unique_name);
        demand(is_right, Refusal::bad_input("uniqueName"))?;
        for other in self.task_channels.values() {
            let differs = other.unique_name.to_lowercase() != unique_name.to_lowercase();
            demand(differs, Refusal::bad_input("uniqueName"))?;
        }
        demand(self.task_channels.len() < self.limits.task_channels_max, Refusal::limit(None))?;
        let task_channel = TaskChannel {
            id,
            name,
            unique_name,
            channel_optimized_routing,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
        };
        self.task_channels.insert(id, task_channel.clone());
        self.record(Event::TaskChannelCreated { task_channel: Arc::new(task_channel) });
        Ok(())
    }

    pub(super) fn update_task_channel(&mut self, command: UpdateTaskChannel) -> Answer {
        let UpdateTaskChannel { id, expected_version, name, channel_optimized_routing } = command;
        let old = find(&self.task_channels, id, "taskChannelId")?;
        checks::version(expected_version, old.version)?;
        let name = match name {
            None => old.name.clone(),
            Some(name) => checks::unshared_name(&name)?,
        };
        let channel_optimized_routing = channel_optimized_routing.unwrap_or(old.channel_optimized_routing);
        let new = TaskChannel { name, channel_optimized_routing, ..old.clone() };
        if new != old {
            let new = TaskChannel { version: old.version + 1, updated_at: self.now, ..new };
            self.task_channels.insert(id, new.clone());
            self.record(Event::TaskChannelUpdated { task_channel: Arc::new(new) });
        }
        Ok(())
    }

    /// The Worker's channel, which each Worker has from the moment at which both are there: switched on, with capacity
    /// 1. Only where something has changed since does it stand with the Worker.
    pub(super) fn channel(&self, worker: &Worker, task_channel: TaskChannelId) -> WorkerChannel {
        let of_worker = worker.channels.iter().find(|channel| channel.task_channel == task_channel);
        if let Some(channel) = of_worker {
            return *channel;
        }
        let created_at = self.task_channels[&task_channel].created_at.max(worker.created_at);
        WorkerChannel {
            task_channel,
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
}

/// The Worker's channel is now like this.
pub fn put_channel(worker: &mut Worker, channel: WorkerChannel) {
    worker.channels.retain(|other| other.task_channel != channel.task_channel);
    worker.channels.push(channel);
    worker.channels.sort_by_key(|channel| channel.task_channel);
}

/// Letters, digits, `_` and `$`, and no digit in front (1.2).
fn is_key(name: &str) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    let is_right =
        |character: char| is_digit(character) || character.is_alphabetic() || "_$".contains(character);
    name.chars().all(is_right) && !name.starts_with(is_digit)
}
