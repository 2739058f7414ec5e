//! One server writes: a second one refuses to start, and one that was taken over cannot write any more.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use switchyard::store::{Error, Store};

use crate::database::{Kind, TestDatabase, databases};
use crate::sample::Sample;

#[tokio::test]
async fn a_second_server_refuses_until_the_first_one_has_closed() {
    for database in databases().await {
        let first = Store::open(&database.url).await.unwrap();
        let second = Store::open(&database.url).await;
        let Err(error @ Error::Locked { .. }) = second else { panic!("{database}: {second:?}") };
        let message = error.to_string();
        assert!(message.starts_with("another Switchyard is running on this database"), "{message}");
        if database.kind == Kind::Sqlite {
            assert!(message.contains("switchyard.db.lock"), "{message}");
        }

        first.clone().close().await;
        assert!(first.ping().await.is_err(), "a clone of what was closed is closed");
        let second = Store::open(&database.url).await.unwrap();
        second.ping().await.unwrap();

        // Without `close`, as when the server panics.
        drop(second);
        Store::open(&database.url).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_was_taken_over_cannot_write() {
    for database in databases().await {
        let first = Store::open(&database.url).await.unwrap();
        let mut sample = Sample::new(1);
        sample.commit(&first).await.unwrap();

        lose_lock(&database).await;
        let second = Store::open(&database.url).await.unwrap();
        // The log ends where the first one believes: only the epoch tells.
        sample.create_task();
        let refused = sample.commit(&first).await;
        assert!(matches!(refused, Err(Error::TakenOver)), "{database}: {refused:?}");
        assert!(matches!(first.ping().await, Err(Error::TakenOver)), "{database}");

        sample.commit(&second).await.unwrap();
        second.ping().await.unwrap();
        assert_eq!(second.load(sample.state.id()).await.unwrap(), sample.state);
    }
}

#[tokio::test]
async fn a_lost_session_is_replaced() {
    let Some(database) = TestDatabase::postgres().await else { return };
    let store = Store::open(&database.url).await.unwrap();
    let before = session_with_lock(&database).await.expect("the lock is held");
    lose_lock(&database).await;

    // Nobody has taken the database over, so that there is no reason not to go on.
    let mut sample = Sample::new(1);
    sample.commit(&store).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while session_with_lock(&database).await.is_none_or(|now| now == before) {
        assert!(tokio::time::Instant::now() < deadline, "the lock was not taken again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = Store::open(&database.url).await;
    assert!(matches!(second, Err(Error::Locked { .. })), "{second:?}");
    store.ping().await.unwrap();
    store.close().await;
    Store::open(&database.url).await.unwrap();
}

/// Takes the lock from the server that holds it, behind its back.
async fn lose_lock(database: &TestDatabase) {
    match database.kind {
        Kind::Sqlite => {
            let mut lock = database.file().expect("SQLite has a file").into_os_string();
            lock.push(".lock");
            std::fs::remove_file(lock).expect("the lock is a file");
        }
        Kind::Postgres => {
            let session = session_with_lock(database).await.expect("the lock is held");
            database.execute(&format!("SELECT pg_terminate_backend({session})")).await;
        }
    }
}

async fn session_with_lock(database: &TestDatabase) -> Option<i32> {
    let sql = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let connection = database.connection().await;
    let row = connection.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.map(|row| row.try_get_by_index(0).unwrap())
}
