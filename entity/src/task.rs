//! The pieces of work.

use sea_orm::entity::prelude::*;

/// A Task. Which of the nullable columns are set depends on the status.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    /// WT and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// The position of its `task.created` in the log.
    pub created_sequence: i64,
    /// JSON: what the work is about.
    #[sea_orm(column_type = "Text")]
    pub attributes: String,
    /// Larger goes first.
    pub priority: i64,
    /// Which capacity it uses.
    #[sea_orm(column_type = "Text")]
    pub task_channel_id: String,
    /// The Workflow that routes it; null where it was directed to a Worker or a TaskQueue.
    #[sea_orm(column_type = "Text", nullable)]
    pub workflow_id: Option<String>,
    /// Where it was directed: the id of a Worker, a TaskQueue or a Workflow.
    #[sea_orm(column_type = "Text", nullable)]
    pub routing_target_id: Option<String>,
    /// It was offered to that Worker whatever they did.
    pub ignore_capacity: bool,
    /// The TaskQueue that it waits in, or waited in last.
    #[sea_orm(column_type = "Text", nullable)]
    pub task_queue_id: Option<String>,
    /// When it entered that TaskQueue.
    pub task_queue_entered_at: Option<i64>,
    /// How long it may wait.
    pub timeout_seconds: i64,
    /// Stands for the creation time when Tasks are ordered by age.
    pub virtual_start_time: i64,
    /// How often it went from pending to reserved.
    pub assignment_count: i64,
    /// `pending`, `reserved`, `assigned`, `wrapping`, `completed` or `canceled`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// Pending and reserved: when its time to live ends.
    pub expires_at: Option<i64>,
    /// Pending and reserved: JSON, where it waits: in a step of its Workflow, in its TaskQueue, or for one Worker.
    #[sea_orm(column_type = "Text", nullable)]
    pub place: Option<String>,
    /// Assigned and wrapping, and while it is transferred WARM: the Reservation of its owner. Completed: that of its
    /// last owner.
    #[sea_orm(column_type = "Text", nullable)]
    pub reservation_id: Option<String>,
    /// While it has an owner: when that Reservation was accepted.
    pub assigned_at: Option<i64>,
    /// Completed and canceled: when it ended.
    pub ended_at: Option<i64>,
    /// Completed and canceled: why, where somebody said so.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// JSON: the ids of its Reservations that are pending, accepted or wrapping, oldest first.
    #[sea_orm(column_type = "Text")]
    pub open_reservations: String,
    /// JSON: its transfers, oldest first.
    #[sea_orm(column_type = "Text")]
    pub transfers: String,
    /// JSON: Workers who must not be offered it before a time.
    #[sea_orm(column_type = "Text")]
    pub cool_downs: String,
    /// Counts the changes of its own columns.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// When it was deleted.
    pub deleted_at: Option<i64>,
    /// When it left the memory of the router; from then on the row does not change.
    pub purged_at: Option<i64>,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
