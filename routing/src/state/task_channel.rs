//! Task Channels.

use serde::{Deserialize, Serialize};

use crate::ids::TaskChannelId;
use crate::time::Timestamp;

/// A kind of work with a capacity of its own for each Worker: voice, chat, …
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TaskChannel {
    /// The Task Channel itself.
    pub id: TaskChannelId,
    /// What people call it.
    pub name: String,
    /// How expressions call it: letters, digits, `_` and `$`, no digit in front. Never changes.
    pub unique_name: String,
    /// Has this channel a round-robin circle of its own, apart from the common one?
    pub channel_optimized_routing: bool,
    /// Counts the changes of the fields above.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When one of the fields above changed last.
    pub updated_at: Timestamp,
    /// When it was deleted. From then on it is only read, by what refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}
