//! The settings of a Workspace.

use serde::{Deserialize, Serialize};

use crate::ids::{ActivityId, WorkspaceId};
use crate::state::TaskOrder;
use crate::time::Timestamp;

/// The settings that hold for a whole Workspace.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Workspace {
    /// The Workspace itself.
    pub id: WorkspaceId,
    /// What people call it; at most 64 characters.
    pub name: String,
    /// Which kind of TaskQueue is served first by a Worker who is eligible for both kinds.
    pub queue_order_priority: TaskOrder,
    /// The Activity of new Workers.
    pub default_activity: ActivityId,
    /// The Activity of a Worker whose Reservation timed out; `None`: the Worker is not moved.
    pub timeout_activity: Option<ActivityId>,
    /// The Activity of a Worker whose desktop is gone.
    pub logout_activity: ActivityId,
    /// After a reject or timeout, the same Task is not offered to the same Worker for so long.
    pub reoffer_delay_seconds: u32,
    /// A Task that is assigned for longer is ended by the router; `None`: for as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_limit_hours: Option<u32>,
    /// Counts the changes of the fields above.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When one of the fields above changed last.
    pub updated_at: Timestamp,
}
