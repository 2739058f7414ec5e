//! Fresh databases for tests: SQLite always, PostgreSQL when `SWITCHYARD_TEST_DATABASE_URL` names a server.
//!
//! ```text
//! for database in databases().await {
//!     let store = Store::open(&database.url).await?;
//! ```
//!
//! A test binary takes this in with `#[path = "../common/database.rs"] mod database;`.

#![allow(dead_code)] // Not every test binary needs all of it.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};

/// The address of a PostgreSQL server whose user may create databases: `postgres://user@host/database`.
pub const POSTGRES_URL: &str = "SWITCHYARD_TEST_DATABASE_URL";

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database of its own for one test. It is deleted when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    pub kind: Kind,
    /// What a server would be configured with.
    pub url: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Directory(PathBuf),
    Server { url: String, name: String },
}

/// One empty database of each kind.
pub async fn databases() -> Vec<TestDatabase> {
    let mut databases = vec![TestDatabase::sqlite()];
    databases.extend(TestDatabase::postgres().await);
    databases
}

impl TestDatabase {
    /// An SQLite file, yet to be created, in a directory of its own.
    pub fn sqlite() -> TestDatabase {
        let directory = std::env::temp_dir().join(unique_name());
        std::fs::create_dir(&directory).expect("a directory for temporary files");
        let url = format!("sqlite://{}", directory.join("switchyard.db").display());
        TestDatabase { kind: Kind::Sqlite, url, place: Place::Directory(directory) }
    }

    /// An empty database on the PostgreSQL server, if there is one.
    pub async fn postgres() -> Option<TestDatabase> {
        let Ok(server) = std::env::var(POSTGRES_URL) else {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                // Not with `println!`, which would be seen only when a test fails.
                let _ = writeln!(std::io::stderr(), "PostgreSQL was not tested: {POSTGRES_URL} is not set");
            });
            return None;
        };
        let name = unique_name();
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        let (address, parameters) = match server.split_once('?') {
            Some((address, parameters)) => (address, format!("?{parameters}")),
            None => (&*server, String::new()),
        };
        let (host, _) = address.rsplit_once('/').expect("the address names a database");
        let url = format!("{host}/{name}{parameters}");
        Some(TestDatabase { kind: Kind::Postgres, url, place: Place::Server { url: server, name } })
    }

    /// A connection of the test's own, past the store. It creates the file of SQLite, if there is none.
    pub async fn connection(&self) -> DatabaseConnection {
        match self.kind {
            Kind::Sqlite => connect(&format!("{}?mode=rwc", self.url)).await,
            Kind::Postgres => connect(&self.url).await,
        }
    }

    /// Carries out a statement past the store.
    pub async fn execute(&self, sql: &str) {
        execute(&self.url, sql).await;
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> Option<PathBuf> {
        match &self.place {
            Place::Directory(directory) => Some(directory.join("switchyard.db")),
            Place::Server { .. } => None,
        }
    }
}

impl fmt::Display for TestDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        match &self.place {
            Place::Directory(directory) => drop(std::fs::remove_dir_all(directory)),
            Place::Server { url, name } => {
                // Dropping cannot wait, and the test's own runtime may be about to end: hence another one.
                let (url, sql) = (url.clone(), format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime").block_on(execute(&url, &sql));
                });
                // A panic here, while a test panics, would hide why.
                let _ = thread.join();
            }
        }
    }
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap_or_else(|error| panic!("{url} does not answer: {error}"))
}

async fn execute(url: &str, sql: &str) {
    let connection = connect(url).await;
    connection.execute_unprepared(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.expect("a connection that worked can be closed");
}

fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("switchyard_test_{}_{number}", std::process::id())
}
