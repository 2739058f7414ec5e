//! How a repeated request is recognised.

use sea_orm::entity::prelude::*;

/// The key of a request that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The Workspace in which it is unique.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub workspace_id: String,
    /// Caller, mutation, and the caller's key.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub key: String,
    /// SHA-256 over the input, as 64 hex digits.
    #[sea_orm(column_type = "Text")]
    pub fingerprint: String,
    /// The id of the object that the request was answered with.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// The position in the log that it was answered with.
    pub sequence: i64,
    /// When it was carried out.
    pub at: i64,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
