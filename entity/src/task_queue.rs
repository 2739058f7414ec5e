//! Where Tasks wait.

use sea_orm::entity::prelude::*;

/// A TaskQueue.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task_queue")]
pub struct Model {
    /// WQ and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The expression that chooses the Workers; empty: nobody.
    #[sea_orm(column_type = "Text")]
    pub target_workers: String,
    /// How many Workers one Task may be offered to at the same time.
    pub max_reserved_workers: i64,
    /// `fifo` or `lifo`.
    #[sea_orm(column_type = "Text")]
    pub task_order: String,
    /// For how long its Tasks may be wrapped up; null: for as long as it takes.
    pub wrap_up_limit_seconds: Option<i64>,
    /// Counts the changes.
    pub version: i64,
    /// When it was created.
    pub created_at: i64,
    /// When it changed last.
    pub updated_at: i64,
    /// When it was deleted. The row stays, for what refers to it.
    pub deleted_at: Option<i64>,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
