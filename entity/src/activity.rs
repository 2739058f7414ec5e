//! What Workers can be doing.

use sea_orm::entity::prelude::*;

/// An Activity.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "activity")]
pub struct Model {
    /// WA and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// May a Worker in this Activity be offered Tasks?
    pub available: bool,
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
