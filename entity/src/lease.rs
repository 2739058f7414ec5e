//! Who may write, and in which format the rows are.

use sea_orm::entity::prelude::*;

/// The only row of its table, with `id` 1.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "lease")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    /// Which layout the tables, and the JSON inside them, have. A release that does not know it must not touch them.
    pub format_version: i64,
    /// Grows by one each time that a server takes the database over. Who remembers a smaller one may not write.
    pub epoch: i64,
}

/// None is traversed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
