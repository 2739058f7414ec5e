//! What Workers can have learned.

use sea_orm::entity::prelude::*;

/// A Skill. Who has it stands in the attributes of the Workers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "skill")]
pub struct Model {
    /// SK and 32 hex digits.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The Workspace that it belongs to.
    #[sea_orm(column_type = "Text")]
    pub workspace_id: String,
    /// What people and expressions call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The least level; null without levels.
    pub minimum_level: Option<i64>,
    /// The highest level; null without levels.
    pub maximum_level: Option<i64>,
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
