//! The settings of a Workspace, and how far its rows go.

use sea_orm::entity::prelude::*;

/// A Workspace.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace")]
pub struct Model {
    /// WS and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The lowest 32 bits of the id, by which any id leads to its Workspace. Unique.
    #[sea_orm(unique)]
    pub tag: i64,
    /// The position in the log that the rows of the Workspace stand for. Single rows may already be newer.
    pub sequence: i64,
    /// When the event at that position happened; the Workspace's time does not go back behind it.
    pub sequence_at: i64,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// `fifo` or `lifo`: which kind of TaskQueue is served first.
    #[sea_orm(column_type = "Text")]
    pub queue_order_priority: String,
    /// The Activity of new Workers.
    #[sea_orm(column_type = "Text")]
    pub default_activity_id: String,
    /// The Activity of a Worker whose Reservation timed out; null: the Worker is not moved.
    #[sea_orm(column_type = "Text", nullable)]
    pub timeout_activity_id: Option<String>,
    /// The Activity of a Worker whose desktop is gone.
    #[sea_orm(column_type = "Text")]
    pub logout_activity_id: String,
    /// How long a Task is not offered again to a Worker who refused it.
    pub reoffer_delay_seconds: i64,
    /// For how long a Task may be assigned; null: for as long as it takes.
    pub assigned_limit_hours: Option<i64>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
