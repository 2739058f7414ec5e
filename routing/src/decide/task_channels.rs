//! Task Channels.

use std::sync::Arc;

use super::check::{self, bad_input};
use crate::command::{CreateTaskChannel, TaskChannelRef, UpdateTaskChannel};
use crate::event::Event;
use crate::expression;
use crate::ids::{Id, TaskChannelId};
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::TaskChannel;

/// Longest unique name, in characters (`routing.md` 5.1).
const UNIQUE_NAME_CHARACTERS_MAX: usize = 64;

impl Router {
    pub(super) fn create_task_channel(&mut self, command: CreateTaskChannel) -> Result<(), Rejection> {
        let CreateTaskChannel { id, name, unique_name, channel_optimized_routing } = command;
        check::unused(&self.state.task_channels, id)?;
        let name = check::name(&name, "name")?;
        self.check_unique_name(&unique_name)?;
        let present = self.state.task_channels.len();
        check::room(present, self.limits.task_channels_max, "Task Channels in the Workspace")?;
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
        self.emit(Event::TaskChannelCreated { task_channel: Arc::new(task_channel) });
        Ok(())
    }

    pub(super) fn update_task_channel(&mut self, command: UpdateTaskChannel) -> Result<(), Rejection> {
        let UpdateTaskChannel { id, expected_version, name, channel_optimized_routing } = command;
        let old = self.task_channel(&TaskChannelRef::Id(id))?;
        check::version(TaskChannelId::KIND, expected_version, old.version)?;
        let mut new = TaskChannel::clone(&old);
        if let Some(name) = name {
            new.name = check::name(&name, "name")?;
        }
        if let Some(channel_optimized_routing) = channel_optimized_routing {
            new.channel_optimized_routing = channel_optimized_routing;
        }
        if new != *old {
            new.version += 1;
            new.updated_at = self.now;
            self.emit(Event::TaskChannelUpdated { task_channel: Arc::new(new) });
        }
        Ok(())
    }

    /// Expressions name Task Channels by it, so it must be a name there. Two that differ by case alone would be
    /// mistaken for each other.
    fn check_unique_name(&self, unique_name: &str) -> Result<(), Rejection> {
        let is_short = unique_name.chars().count() <= UNIQUE_NAME_CHARACTERS_MAX;
        if !is_short || !expression::is_name(unique_name) {
            let message = format!(
                "a unique name has 1 to {UNIQUE_NAME_CHARACTERS_MAX} letters, digits, \"_\" and \"$\", and does not \
                 begin with a digit"
            );
            return Err(bad_input("uniqueName", message));
        }
        let lower_case = unique_name.to_lowercase();
        let mut channels = self.state.task_channels.values();
        match channels.find(|channel| channel.unique_name.to_lowercase() == lower_case) {
            None => Ok(()),
            Some(holder) => {
                let taken = &holder.unique_name;
                let message =
                    format!("the unique name {taken:?} is taken; unique names differ by more than case");
                Err(bad_input("uniqueName", message))
            }
        }
    }
}
