//! What happened, in order.

use sea_orm::entity::prelude::*;

/// Events that were committed together. The ranges of a Workspace follow one another without a hole.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_log")]
pub struct Model {
    /// The Workspace that it belongs to.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub workspace_id: String,
    /// The position of the first event of the row. As part of the key it lets no two rows follow on the same one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub first_sequence: i64,
    /// The position of the last event of the row.
    pub last_sequence: i64,
    /// When the last event of the row happened.
    pub at: i64,
    /// How the events are written.
    pub format_version: i64,
    /// The events as JSON, which repeats itself a lot, and is compressed: its length in bytes (4 bytes, little-endian),
    /// then a block of LZ4.
    #[sea_orm(column_type = "Blob")]
    pub events: Vec<u8>,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
