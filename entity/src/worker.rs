//! Who takes Tasks.

use sea_orm::entity::prelude::*;

/// A Worker.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "worker")]
pub struct Model {
    /// WK and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// JSON: what expressions look at.
    #[sea_orm(column_type = "Text")]
    pub attributes: String,
    /// What it is doing.
    #[sea_orm(column_type = "Text")]
    pub activity_id: String,
    /// Since when.
    pub activity_changed_at: i64,
    /// JSON: what it can take of the Task Channels, and how much of that is in use, where that is not as at first.
    #[sea_orm(column_type = "Text")]
    pub channels: String,
    /// Its place in the common circle: the sequence of the event that last offered it a Task.
    pub last_reserved_sequence: Option<i64>,
    /// When that was.
    pub last_reserved_at: Option<i64>,
    /// Counts the changes of name, attributes and Activity.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When name, attributes or Activity changed last.
    pub updated_at: i64,
    /// When it was deleted. The row stays, for what refers to it.
    pub deleted_at: Option<i64>,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
