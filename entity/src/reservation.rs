//! The offers of Tasks to Workers.

use sea_orm::entity::prelude::*;

/// A Reservation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reservation")]
pub struct Model {
    /// WR and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// What is offered.
    #[sea_orm(column_type = "Text")]
    pub task_id: String,
    /// To whom.
    #[sea_orm(column_type = "Text")]
    pub worker_id: String,
    /// Which capacity of the Worker it uses.
    #[sea_orm(column_type = "Text")]
    pub task_channel_id: String,
    /// The TaskQueue that the Task waited in; null where it was directed to the Worker.
    #[sea_orm(column_type = "Text", nullable)]
    pub task_queue_id: Option<String>,
    /// The Workflow that routed the Task; null where none did.
    #[sea_orm(column_type = "Text", nullable)]
    pub workflow_id: Option<String>,
    /// The transfer that it belongs to.
    #[sea_orm(column_type = "Text", nullable)]
    pub transfer_id: Option<String>,
    /// `pending`, `accepted`, `rejected`, `timed_out`, `canceled`, `rescinded`, `wrapping` or `completed`.
    #[sea_orm(column_type = "Text")]
    pub status: String,
    /// How long the Worker had to answer.
    pub timeout_seconds: i64,
    /// When it was accepted.
    pub accepted_at: Option<i64>,
    /// When wrapping up began.
    pub wrap_up_at: Option<i64>,
    /// When it ended, in whichever way.
    pub ended_at: Option<i64>,
    /// Why it was rejected or canceled, where somebody said so.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// JSON: the Worker's places in the circles before this offer.
    #[sea_orm(column_type = "Text")]
    pub circle_before: String,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// When it left the memory of the router, together with its Task.
    pub purged_at: Option<i64>,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
