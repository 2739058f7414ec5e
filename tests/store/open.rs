//! What can be opened, and what a new database looks like.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, Schema, Statement};
use switchyard::store::{Error, Store};

use crate::database::{Kind, TestDatabase, databases};
use crate::sample::Sample;

#[tokio::test]
async fn only_the_address_of_a_database_is_accepted() {
    let wrong = [
        "",
        "switchyard.db",
        "sqlite:",
        "sqlite://",
        "sqlite::memory:",
        "sqlite://switchyard.db?mode=memory",
        "mysql://localhost/switchyard",
        "postgres://secret@[::/x",
    ];
    for url in wrong {
        for error in [Store::open(url).await.unwrap_err(), Store::open_read_only(url).await.unwrap_err()] {
            assert!(matches!(error, Error::InvalidUrl { .. }), "{url}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_opened_is_an_error() {
    let no_directory = Store::open("sqlite:///no/such/directory/switchyard.db").await;
    assert!(matches!(no_directory, Err(Error::File { .. })), "{no_directory:?}");

    let no_database = TestDatabase::sqlite();
    std::fs::write(no_database.file().unwrap(), "no database, but a text that is longer than nothing")
        .unwrap();
    let error = Store::open(&no_database.url).await;
    assert!(matches!(error, Err(Error::Database { .. })), "{error:?}");

    let nobody_listens = Store::open("postgres://127.0.0.1:1/switchyard").await;
    assert!(matches!(nobody_listens, Err(Error::Database { .. })), "{nobody_listens:?}");
    if let Some(database) = TestDatabase::postgres().await {
        let missing = Store::open(&format!("{}_missing", database.url)).await;
        assert!(matches!(missing, Err(Error::NoDatabase { .. })), "{missing:?}");
    }
}

#[tokio::test]
async fn what_is_opened_to_be_read_only_sees_what_is_committed_and_cannot_write() {
    for database in databases().await {
        let nothing = Store::open_read_only(&database.url).await;
        assert!(matches!(nothing, Err(Error::NoDatabase { .. })), "{database}: {nothing:?}");
        if let Some(file) = database.file() {
            assert!(!file.exists(), "asking does not create it");
        }

        let store = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&store).await.unwrap();
        // While a server runs, and when none does.
        for _ in 0..2 {
            let reader = Store::open_read_only(&database.url).await.unwrap();
            reader.ping().await.unwrap();
            assert_eq!(reader.load(sample.state.id()).await.unwrap(), sample.state);
            assert!(reader.worker_exists(sample.state.id(), sample.worker()).await.unwrap());
            sample.create_task();
            let refused = sample.commit(&reader).await;
            assert!(matches!(refused, Err(Error::ReadOnly)), "{database}: {refused:?}");
            let loaded = reader.load(sample.state.id()).await.unwrap();
            sample.resume(loaded);
            reader.close().await;
            store.clone().close().await;
        }
    }
}

#[tokio::test]
async fn a_database_of_another_format_is_left_alone() {
    for database in databases().await {
        Store::open(&database.url).await.unwrap().close().await;
        for other in [1, 3] {
            database.execute(&format!("UPDATE lease SET format_version = {other}")).await;
            for opened in [Store::open(&database.url).await, Store::open_read_only(&database.url).await] {
                assert!(
                    matches!(opened, Err(Error::OtherFormat { found, known: 2 }) if found == other),
                    "{database}: {opened:?}"
                );
            }
        }
        database.execute("UPDATE lease SET format_version = 2").await;
        Store::open(&database.url).await.unwrap();
    }
}

#[tokio::test]
async fn a_link_to_the_file_leads_to_the_same_lock() {
    let database = TestDatabase::sqlite();
    let _store = Store::open(&database.url).await.unwrap();
    let link = database.file().unwrap().with_file_name("link.db");
    std::os::unix::fs::symlink(database.file().unwrap(), &link).unwrap();
    let second = Store::open(&format!("sqlite:{}", link.display())).await;
    assert!(matches!(second, Err(Error::Locked { .. })), "{second:?}");
}

#[tokio::test]
async fn sqlite_is_set_to_lose_nothing() {
    let database = TestDatabase::sqlite();
    let store = Store::open(&database.url).await.unwrap();
    Sample::new(1).commit(&store).await.unwrap();
    let file = database.file().unwrap();
    assert!(
        file.with_file_name("switchyard.db-wal").metadata().unwrap().len() > 0,
        "there is a write-ahead log"
    );
    store.close().await;
    assert!(!file.with_file_name("switchyard.db-wal").exists(), "it was brought into the file");
}

/// The tables that the migrations make are those that the entities describe.
#[tokio::test]
async fn the_migrations_make_the_tables_of_the_entities() {
    for (migrated, described) in databases().await.into_iter().zip(databases().await) {
        Store::open(&migrated.url).await.unwrap().close().await;
        let (migrated, kind) = (migrated.connection().await, migrated.kind);
        let described_connection = described.connection().await;

        async fn check<E: EntityTrait>(
            entity: E,
            kind: Kind,
            migrated: &DatabaseConnection,
            described: &DatabaseConnection,
        ) {
            let table = Schema::new(described.get_database_backend()).create_table_from_entity(entity);
            described.execute(&table).await.unwrap();
            let name = entity.table_name();
            let expected = catalog(kind, described, name).await;
            assert!(expected.len() > 2, "{kind:?}: {name}: {expected:?}");
            assert_eq!(catalog(kind, migrated, name).await, expected, "{kind:?}: {name}");
        }
        check(entity::lease::Entity, kind, &migrated, &described_connection).await;
        check(entity::workspace::Entity, kind, &migrated, &described_connection).await;
        check(entity::activity::Entity, kind, &migrated, &described_connection).await;
        check(entity::task_channel::Entity, kind, &migrated, &described_connection).await;
        check(entity::task_queue::Entity, kind, &migrated, &described_connection).await;
        check(entity::workflow::Entity, kind, &migrated, &described_connection).await;
        check(entity::worker::Entity, kind, &migrated, &described_connection).await;
        check(entity::task::Entity, kind, &migrated, &described_connection).await;
        check(entity::reservation::Entity, kind, &migrated, &described_connection).await;
        check(entity::event_log::Entity, kind, &migrated, &described_connection).await;
        check(entity::idempotency_key::Entity, kind, &migrated, &described_connection).await;
    }
}

/// Name, type, nullability and key of each column, as the database itself tells them.
async fn catalog(kind: Kind, connection: &DatabaseConnection, table: &str) -> Vec<String> {
    let (backend, sql) = match kind {
        Kind::Sqlite => (
            DbBackend::Sqlite,
            format!(
                "SELECT name || ' ' || type || ' ' || \"notnull\" || ' ' || pk FROM pragma_table_info('{table}')"
            ),
        ),
        Kind::Postgres => (
            DbBackend::Postgres,
            format!(
                "SELECT attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || ' '
                     || coalesce(array_position(indkey, attnum), -1)
                 FROM pg_attribute LEFT JOIN pg_index ON indrelid = attrelid AND indisprimary
                 WHERE attrelid = '{table}'::regclass AND attnum > 0
                 ORDER BY attnum"
            ),
        ),
    };
    let rows = connection.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}
