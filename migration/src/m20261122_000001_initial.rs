//! The first tables. What the columns mean is documented in the crate `entity`.
//!
//! Foreign keys keep what the router relies on when it loads: nothing refers to what is not there. The circle of
//! Workspace and Activity is left open, and a Reservation's TaskQueue, Workflow and Task Channel are those that
//! its Task had. Indexes serve loading and the log; each costs something with every commit, so that a question
//! which is asked once a day has none.

use sea_orm_migration::prelude::*;

pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m20261122_000001_initial"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables() {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn tables() -> Vec<TableCreateStatement> {
    vec![
        Table::create()
            .table("lease")
            .col(number("id").primary_key())
            .col(number("format_version"))
            .col(number("epoch"))
            .to_owned(),
        Table::create()
            .table("workspace")
            .col(text("id").primary_key())
            .col(number("tag").unique_key())
            .col(number("sequence"))
            .col(number("sequence_at"))
            .col(text("name"))
            .col(text("queue_order_priority"))
            .col(text("default_activity_id"))
            .col(text_null("timeout_activity_id"))
            .col(text("logout_activity_id"))
            .col(number("reoffer_delay_seconds"))
            .col(number_null("assigned_limit_hours"))
            .versioned()
            .to_owned(),
        Table::create()
            .table("activity")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(boolean("available"))
            .versioned()
            .col(number_null("deleted_at"))
            .to_owned(),
        Table::create()
            .table("task_channel")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(text("unique_name"))
            .col(boolean("channel_optimized_routing"))
            .versioned()
            .col(number_null("deleted_at"))
            .to_owned(),
        Table::create()
            .table("skill")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(number_null("minimum_level"))
            .col(number_null("maximum_level"))
            .versioned()
            .to_owned(),
        Table::create()
            .table("task_queue")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(text("target_workers"))
            .col(number("max_reserved_workers"))
            .col(text("task_order"))
            .col(number_null("wrap_up_limit_seconds"))
            .versioned()
            .col(number_null("deleted_at"))
            .to_owned(),
        Table::create()
            .table("workflow")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(text("revisions"))
            .col(number("task_reservation_timeout_seconds"))
            .versioned()
            .col(number_null("deleted_at"))
            .to_owned(),
        Table::create()
            .table("worker")
            .col(text("id").primary_key())
            .belonging_to("workspace_id", "workspace")
            .col(text("name"))
            .col(text("attributes"))
            .belonging_to("activity_id", "activity")
            .col(number("activity_changed_at"))
            .col(text("channels"))
            .col(number_null("last_reserved_sequence"))
            .col(number_null("last_reserved_at"))
            .versioned()
            .col(number_null("deleted_at"))
            .to_owned(),
        Table::create()
            .table("task")
            .col(text("id").primary_key())
            .col(text("workspace_id"))
            .col(number("created_sequence"))
            .col(text("attributes"))
            .col(number("priority"))
            .belonging_to("task_channel_id", "task_channel")
            .col(text_null("workflow_id"))
            .foreign_key(&mut reference("workflow_id", "workflow"))
            .col(text_null("routing_target_id"))
            .col(boolean("ignore_capacity"))
            .col(text_null("task_queue_id"))
            .foreign_key(&mut reference("task_queue_id", "task_queue"))
            .col(number_null("task_queue_entered_at"))
            .col(number("timeout_seconds"))
            .col(number("virtual_start_time"))
            .col(number("assignment_count"))
            .col(text("status"))
            .col(number_null("expires_at"))
            .col(text_null("place"))
            .col(text_null("reservation_id"))
            .col(number_null("assigned_at"))
            .col(number_null("ended_at"))
            .col(text_null("reason"))
            .col(text("open_reservations"))
            .col(text("transfers"))
            .col(text("cool_downs"))
            .versioned()
            .col(number_null("deleted_at"))
            .col(number_null("purged_at"))
            .to_owned(),
        Table::create()
            .table("reservation")
            .col(text("id").primary_key())
            .col(text("workspace_id"))
            .belonging_to("task_id", "task")
            .belonging_to("worker_id", "worker")
            .col(text("task_channel_id"))
            .col(text_null("task_queue_id"))
            .col(text_null("workflow_id"))
            .col(text_null("transfer_id"))
            .col(text("status"))
            .col(number("timeout_seconds"))
            .col(number_null("accepted_at"))
            .col(number_null("wrap_up_at"))
            .col(number_null("ended_at"))
            .col(text_null("reason"))
            .col(text("circle_before"))
            .versioned()
            .col(number_null("purged_at"))
            .to_owned(),
        Table::create()
            .table("event_log")
            .belonging_to("workspace_id", "workspace")
            .col(number("first_sequence"))
            .col(number("last_sequence"))
            .col(number("at"))
            .col(number("format_version"))
            .col(bytes("events"))
            .primary_key(Index::create().col("workspace_id").col("first_sequence"))
            .to_owned(),
        Table::create()
            .table("idempotency_key")
            .belonging_to("workspace_id", "workspace")
            .col(text("key"))
            .col(text("fingerprint"))
            .col(text("subject"))
            .col(number("sequence"))
            .col(number("at"))
            .primary_key(Index::create().col("workspace_id").col("key"))
            .to_owned(),
    ]
}

fn indexes() -> Vec<IndexCreateStatement> {
    // Loading reads the rows of one Workspace in the order of their ids.
    let of_workspace = ["activity", "task_channel", "skill", "task_queue", "workflow", "worker"]
        .map(|table| index(table, "workspace", &["workspace_id", "id"]));
    // Rows of Tasks that left the memory stay for long: they are many more than those that are loaded.
    let in_memory = ["task", "reservation"].map(|table| {
        index(table, "in_memory", &["workspace_id", "id"])
            .and_where(Expr::col("purged_at").is_null())
            .to_owned()
    });
    let others = [
        // When a Task leaves the memory, its Reservations do, too.
        index("reservation", "task", &["task_id"]),
        // Keys are forgotten by age.
        index("idempotency_key", "at", &["at"]),
    ];
    of_workspace.into_iter().chain(in_memory).chain(others).collect()
}

fn index(table: &'static str, suffix: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("{table}_{suffix}")).table(table).to_owned();
    for &column in columns {
        index.col(column);
    }
    index
}

/// What many tables have in common.
trait Columns {
    /// A column that names a row of another table.
    fn belonging_to(&mut self, column: &'static str, table: &'static str) -> &mut Self;
    /// How often and when a row changed.
    fn versioned(&mut self) -> &mut Self;
}

impl Columns for TableCreateStatement {
    fn belonging_to(&mut self, column: &'static str, table: &'static str) -> &mut Self {
        self.col(text(column)).foreign_key(&mut reference(column, table))
    }

    fn versioned(&mut self) -> &mut Self {
        self.col(number("version")).col(number("created_at")).col(number("updated_at"))
    }
}

fn reference(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create().from_col(column).to(table, "id").to_owned()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().to_owned()
}

fn text_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().to_owned()
}

fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().to_owned()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().to_owned()
}

fn number_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().to_owned()
}

fn boolean(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().to_owned()
}
