//! Activities.

use serde::{Deserialize, Serialize};

use crate::ids::ActivityId;
use crate::time::Timestamp;

/// What a Worker is doing, and whether the Worker may get work meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Activity {
    /// The Activity itself.
    pub id: ActivityId,
    /// Unique in the Workspace without regard to case; at most 64 characters.
    pub name: String,
    /// May a Worker in this Activity be offered Tasks? Never changes.
    pub available: bool,
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
