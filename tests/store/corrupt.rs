//! A row that makes no sense is an error that names it: never a panic, and never a default.

use std::sync::Arc;

use routing::event::{Event, FORMAT_VERSION};
use routing::state::{ReservationStatus, Task};
use sea_orm::ConnectionTrait;
use switchyard::store::{Corrupt, Error, Store};

use crate::database::{Kind, databases};
use crate::sample::{Sample, phases};

/// What is done to the database, and which table and column are to be named.
const DAMAGE: [(&str, &str, &str); 45] = [
    ("UPDATE workspace SET tag = 99", "workspace", "tag"),
    ("UPDATE workspace SET sequence = sequence + 1", "workspace", "sequence"),
    ("UPDATE workspace SET sequence = -1", "workspace", "sequence"),
    ("UPDATE workspace SET queue_order_priority = 'FIFO'", "workspace", "queue_order_priority"),
    ("UPDATE workspace SET default_activity_id = 'WA'", "workspace", "default_activity_id"),
    ("UPDATE workspace SET timeout_activity_id = ''", "workspace", "timeout_activity_id"),
    (
        "UPDATE workspace SET logout_activity_id = 'WA00000000000000000000000000000000'",
        "workspace",
        "logout_activity_id",
    ),
    ("UPDATE workspace SET reoffer_delay_seconds = 4294967296", "workspace", "reoffer_delay_seconds"),
    ("UPDATE workspace SET version = -1", "workspace", "version"),
    ("UPDATE activity SET version = -1", "activity", "version"),
    ("UPDATE task_channel SET version = -1", "task_channel", "version"),
    ("UPDATE skill SET minimum_level = -1 WHERE minimum_level = 0", "skill", "minimum_level"),
    ("UPDATE skill SET maximum_level = NULL WHERE minimum_level = 0", "skill", "maximum_level"),
    ("UPDATE skill SET maximum_level = 3 WHERE minimum_level = 7", "skill", "maximum_level"),
    ("UPDATE task_queue SET task_order = ''", "task_queue", "task_order"),
    ("UPDATE task_queue SET max_reserved_workers = -1", "task_queue", "max_reserved_workers"),
    ("UPDATE workflow SET revisions = '[]'", "workflow", "revisions"),
    ("UPDATE workflow SET revisions = '['", "workflow", "revisions"),
    ("UPDATE workflow SET revisions = '[{\"number\":1,\"configuration\":{}}]'", "workflow", "revisions"),
    ("UPDATE worker SET attributes = '[]'", "worker", "attributes"),
    ("UPDATE worker SET attributes = '{'", "worker", "attributes"),
    ("UPDATE worker SET channels = '[{}]'", "worker", "channels"),
    ("UPDATE worker SET channels = ''", "worker", "channels"),
    ("UPDATE worker SET last_reserved_at = NULL", "worker", "last_reserved_at"),
    ("UPDATE worker SET last_reserved_sequence = -1", "worker", "last_reserved_sequence"),
    ("UPDATE task SET status = 'asleep'", "task", "status"),
    ("UPDATE task SET status = 'assigned' WHERE status = 'pending'", "task", "status"),
    ("UPDATE task SET status = 'pending' WHERE status = 'wrapping'", "task", "status"),
    ("UPDATE task SET ended_at = 1 WHERE status = 'reserved'", "task", "status"),
    ("UPDATE task SET expires_at = NULL WHERE status = 'pending'", "task", "status"),
    ("UPDATE task SET reservation_id = NULL WHERE status = 'assigned'", "task", "status"),
    ("UPDATE task SET ended_at = NULL WHERE status = 'completed'", "task", "status"),
    ("UPDATE task SET reservation_id = '' WHERE status = 'canceled'", "task", "reservation_id"),
    ("UPDATE task SET place = '{}' WHERE status = 'pending'", "task", "place"),
    ("UPDATE task SET priority = -1", "task", "priority"),
    ("UPDATE task SET created_sequence = -1", "task", "created_sequence"),
    ("UPDATE task SET attributes = 'null'", "task", "attributes"),
    ("UPDATE task SET cool_downs = '{}'", "task", "cool_downs"),
    ("UPDATE task SET open_reservations = '[\"WR\"]'", "task", "open_reservations"),
    (
        "UPDATE task SET open_reservations = '[\"WR00000000000000000000000000000000\"]'",
        "task",
        "open_reservations",
    ),
    ("UPDATE reservation SET status = 'PENDING'", "reservation", "status"),
    ("UPDATE reservation SET circle_before = '[]'", "reservation", "circle_before"),
    ("UPDATE reservation SET task_queue_id = ''", "reservation", "task_queue_id"),
    ("UPDATE reservation SET timeout_seconds = 4294967296", "reservation", "timeout_seconds"),
    ("UPDATE task SET purged_at = 1 WHERE id IN (SELECT task_id FROM reservation)", "reservation", "task_id"),
];

#[tokio::test]
async fn a_row_that_makes_no_sense_is_an_error_that_names_it() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        for phase in phases(sample.id()) {
            sample.add_task(phase);
        }
        let task = Arc::clone(sample.state.tasks.values().next().unwrap());
        let reservation = sample.offer(&task, ReservationStatus::Pending);
        let task = Task { open_reservations: vec![reservation].into(), ..(*task).clone() };
        sample.record(vec![Event::TaskUpdated { task: Arc::new(task) }]);
        sample.commit(&store).await.unwrap();
        sample.write_rows(&store).await;
        let workspace = sample.state.id();
        // The tables as they were, to be put back after each damage.
        let tables = [
            "workspace",
            "activity",
            "task_channel",
            "skill",
            "task_queue",
            "workflow",
            "worker",
            "task",
            "reservation",
        ];
        let connection = database.connection().await;
        let mut repair = Vec::new();
        for table in tables {
            connection
                .execute_unprepared(&format!("CREATE TABLE {table}_copy AS SELECT * FROM {table}"))
                .await
                .unwrap();
            let columns = columns(table).join(", ");
            let copy = format!("SELECT {columns} FROM {table}_copy AS copy WHERE copy.id = {table}.id");
            repair.push(format!("UPDATE {table} SET ({columns}) = ({copy})"));
        }

        for (sql, table, column) in DAMAGE {
            connection.execute_unprepared(sql).await.unwrap();
            match store.load(workspace).await {
                Err(Error::Corrupt(corrupt)) => {
                    assert_eq!(
                        (corrupt.table, corrupt.column),
                        (table, column),
                        "{database}: {sql}: {corrupt}"
                    );
                    assert!(
                        !corrupt.id.is_empty() && !corrupt.why.is_empty(),
                        "{database}: {sql}: {corrupt}"
                    );
                }
                other => panic!("{database}: {sql}: {other:?}"),
            }
            connection.execute_unprepared(&repair.join(";")).await.unwrap();
            assert_eq!(store.load(workspace).await.unwrap(), sample.state, "{database}: after {sql}");
        }
    }
}

fn columns(table: &str) -> Vec<String> {
    use sea_orm::{EntityTrait, IdenStatic, Iterable};
    fn of<E: EntityTrait>() -> Vec<String> {
        E::Column::iter().map(|column| column.as_str().to_owned()).filter(|column| column != "id").collect()
    }
    match table {
        "workspace" => of::<entity::workspace::Entity>(),
        "activity" => of::<entity::activity::Entity>(),
        "task_channel" => of::<entity::task_channel::Entity>(),
        "skill" => of::<entity::skill::Entity>(),
        "task_queue" => of::<entity::task_queue::Entity>(),
        "workflow" => of::<entity::workflow::Entity>(),
        "worker" => of::<entity::worker::Entity>(),
        "task" => of::<entity::task::Entity>(),
        "reservation" => of::<entity::reservation::Entity>(),
        other => panic!("{other} is not a table"),
    }
}

#[tokio::test]
async fn a_damaged_log_or_key_is_an_error_too() {
    for database in databases().await {
        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        let key = switchyard::store::Key {
            key: "k".to_owned(),
            fingerprint: [1; 32],
            subject: String::new(),
            sequence: 1,
            at: crate::sample::AT,
        };
        sample.commit_with_keys(&store, &[key]).await.unwrap();
        let workspace = sample.state.id();

        // A block of LZ4 that is nothing but literals: their number in the upper half of a byte, then they themselves.
        let literals = |length: u32, text: &str| {
            let block =
                [&length.to_le_bytes()[..], &[u8::try_from(text.len() << 4).unwrap()], text.as_bytes()]
                    .concat();
            let digits: String = block.iter().map(|byte| format!("{byte:02x}")).collect();
            let bytes = match database.kind {
                Kind::Sqlite => format!("x'{digits}'"),
                Kind::Postgres => format!("'\\x{digits}'"),
            };
            format!("UPDATE event_log SET events = {bytes}, format_version = {FORMAT_VERSION}")
        };
        for (sql, column) in [
            ("UPDATE event_log SET format_version = 99", "format_version"),
            (&*literals(2, "[]"), "events"),
            (&*literals(4, "[{}]"), "events"),
            (&*literals(3, "[]"), "events"),
            (&*literals(u32::MAX, "[]"), "events"),
            ("UPDATE event_log SET events = substr(events, 1, 3)", "events"),
        ] {
            database.execute(sql).await;
            let read = store.log(workspace, 0, 10).await;
            assert!(
                matches!(&read, Err(Error::Corrupt(Corrupt { table: "event_log", column: c, .. })) if *c == column),
                "{database}: {sql}: {read:?}"
            );
        }
        for fingerprint in ["", "é0", &"0".repeat(63), &"é".repeat(32), &"+1".repeat(32)] {
            database.execute(&format!("UPDATE idempotency_key SET fingerprint = '{fingerprint}'")).await;
            let read = store.keys(workspace, &["k".to_owned()], routing::time::Timestamp(0)).await;
            assert!(
                matches!(read, Err(Error::Corrupt(Corrupt { column: "fingerprint", .. }))),
                "{database}: {fingerprint}"
            );
        }
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_too() {
    // Only SQLite keeps a text where a number should be.
    let database = crate::database::TestDatabase::sqlite();
    let store = Store::open(&database.url).await.unwrap();
    let mut sample = Sample::new(1);
    sample.create_task();
    sample.commit(&store).await.unwrap();
    sample.write_rows(&store).await;
    for sql in ["UPDATE task SET priority = 'high'", "UPDATE task SET priority = 1, attributes = x'FF'"] {
        database.execute(sql).await;
        let loaded = store.load(sample.state.id()).await;
        assert!(matches!(loaded, Err(Error::Database { doing: "loading Tasks", .. })), "{sql}: {loaded:?}");
    }
}
