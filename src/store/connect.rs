//! From an address to connections, with everything set that the promises of the store rest on.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sea_orm::sqlx::{self, ConnectOptions, Connection};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions, TransactionTrait,
};

use super::load::PAGE_ROWS;
use super::{Error, while_};

/// SQLite reads with one thread for each connection; more than that only compete for the same few cores.
const SQLITE_READERS_MAX: u32 = 4;

/// How many rows SQLite's thread reads ahead of the one that takes them: a page of those that load a Workspace. With
/// the default of 50 both of them mostly wait for each other.
const SQLITE_ROWS_AHEAD_MAX: usize = PAGE_ROWS as usize;

/// One commit for each Workspace at a time and some readers; far below what PostgreSQL allows for all its clients.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;

/// How long a connection may have been idle before it is tried out: firewalls forget silent ones.
const IDLE_SECONDS_MAX: u64 = 30;

/// How long SQLite waits for somebody else's lock, for instance a person with a shell.
const SQLITE_BUSY_SECONDS_MAX: u64 = 10;

/// How long one waits for a free connection, or for a new one.
const ACQUIRE_SECONDS_MAX: u64 = 10;

/// Where the database is.
pub enum Location {
    /// The file, with symbolic links resolved: two names of one file must lead to one lock.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<PgConnectOptions>),
}

impl Location {
    pub fn of(url: &str) -> Result<Location, Error> {
        let invalid = |why: &str| Error::InvalidUrl { why: why.to_owned() };
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.contains('?') {
                return Err(invalid("SQLite's takes no parameters, Switchyard sets them all"));
            }
            if path.is_empty() || path == ":memory:" {
                return Err(invalid("SQLite's needs the path of a file, as in sqlite://switchyard.db"));
            }
            return resolve(Path::new(path)).map(Location::Sqlite);
        }
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            // What sqlx says about a faulty address may quote it, password included.
            return match PgConnectOptions::from_str(url) {
                Ok(options) => Ok(Location::Postgres(Box::new(options))),
                Err(_) => Err(invalid("expected postgres://user:password@host:port/database")),
            };
        }
        Err(invalid("expected sqlite://path or postgres://host/database"))
    }
}

fn resolve(path: &Path) -> Result<PathBuf, Error> {
    let file = |source| Error::File { path: path.to_owned(), source };
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    // The file is yet to be created; its directory is not.
    let name = path.file_name().ok_or_else(|| file(std::io::ErrorKind::InvalidFilename.into()))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(directory.canonicalize().map_err(file)?.join(name))
}

/// The one connection that commits to SQLite, creating the file if need be.
pub async fn sqlite_writer(path: &Path) -> Result<DatabaseConnection, Error> {
    // With less, the newest commits are lost with the power, although they were acknowledged.
    sqlite_writer_with(path, SqliteSynchronous::Full).await
}

/// The one connection that writes what follows from commits: it does not wait for the disk. What it writes lies
/// behind the commits in the same write-ahead log, of which a loss of power only ever takes the end.
pub async fn sqlite_rows_writer(path: &Path) -> Result<DatabaseConnection, Error> {
    sqlite_writer_with(path, SqliteSynchronous::Normal).await
}

async fn sqlite_writer_with(
    path: &Path,
    synchronous: SqliteSynchronous,
) -> Result<DatabaseConnection, Error> {
    let options = sqlite_options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        // Bringing the write-ahead log into the file takes long, and is done apart from commits.
        .pragma("wal_autocheckpoint", "0");
    let pool = sqlite_pool(1)
        // When SQLite itself gives a transaction up (the disk is full, say), sqlx still believes to be in it. The
        // next one would begin as a savepoint, and without the write lock. Better a new connection.
        .after_release(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .connect_with(options)
        .await
        .map_err(|error| while_("opening the SQLite file")(connection_error(error)))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

/// Connections that see what the writer has committed, and cannot write.
pub async fn sqlite_readers(path: &Path) -> Result<DatabaseConnection, Error> {
    let pool = sqlite_pool(SQLITE_READERS_MAX)
        .connect_with(sqlite_options(path).pragma("query_only", "ON").row_buffer_size(SQLITE_ROWS_AHEAD_MAX))
        .await
        .map_err(|error| while_("opening the SQLite file")(connection_error(error)))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(SQLITE_BUSY_SECONDS_MAX))
        .disable_statement_logging()
}

/// Connections to a file do not age and do not break.
fn sqlite_pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Connections to PostgreSQL that read and write.
pub async fn postgres(options: &PgConnectOptions) -> Result<DatabaseConnection, Error> {
    postgres_pool(postgres_options(options)).await
}

/// Connections to PostgreSQL that cannot write.
pub async fn postgres_read_only(options: &PgConnectOptions) -> Result<DatabaseConnection, Error> {
    postgres_pool(postgres_options(options).options([("default_transaction_read_only", "on")])).await
}

/// The settings of all our sessions.
pub fn postgres_options(options: &PgConnectOptions) -> PgConnectOptions {
    let mut options = options.clone();
    if matches!(options.get_ssl_mode(), PgSslMode::Prefer) && is_loopback(options.get_host()) {
        // `prefer` is the default, and checks nobody's certificate. Within one machine it protects nothing, but
        // makes every commit beyond 16 KiB wait 40 ms: sqlx 0.9.0 writes each TLS record by itself and leaves
        // Nagle's algorithm on (transact-rs/sqlx#4335).
        options = options.ssl_mode(PgSslMode::Disable);
    }
    options.application_name("switchyard").disable_statement_logging().options([
        // Nothing that we ask takes so long, unless something is wrong; then an error is better than silence.
        ("statement_timeout", "30s"),
        // A server that was stopped in the middle of a transaction does not hold its locks for ever.
        ("idle_in_transaction_session_timeout", "30s"),
        // `remote_apply` and the like would be as good, but a database where somebody has set `off` would not.
        ("synchronous_commit", "on"),
        // When our machine vanishes without a word, its sessions end, and with them the lock, within half a
        // minute; the default is two hours.
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ])
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

async fn postgres_pool(options: PgConnectOptions) -> Result<DatabaseConnection, Error> {
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS_MAX)
        .acquire_timeout(Duration::from_secs(ACQUIRE_SECONDS_MAX))
        // Trying a connection out is a round trip: not before each use.
        .test_before_acquire(false)
        .before_acquire(|connection, metadata| {
            Box::pin(async move {
                if metadata.idle_for.as_secs() >= IDLE_SECONDS_MAX {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(options)
        .await
        .map_err(postgres_error)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// Why a connection to PostgreSQL did not come about.
pub fn postgres_error(error: sqlx::Error) -> Error {
    const INVALID_CATALOG_NAME: &str = "3D000";
    match error.as_database_error() {
        Some(refusal) if refusal.code().as_deref() == Some(INVALID_CATALOG_NAME) => {
            Error::NoDatabase { database: format!("{}; create it first", refusal.message()) }
        }
        Some(_) | None => while_("connecting to PostgreSQL")(connection_error(error)),
    }
}

pub fn connection_error(error: sqlx::Error) -> DbErr {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error)))
}

/// Begins a transaction that writes.
///
/// On SQLite it takes the write lock at once: one that began by reading could not get it later, if somebody else
/// has written meanwhile.
pub async fn begin_writing(writer: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    writer.begin_with_options(options).await
}

/// Closes the connection that writes, last of all: then SQLite needs no recovery when it is opened again.
pub async fn close_writer(writer: &DatabaseConnection) -> Result<(), DbErr> {
    if writer.get_database_backend() == DbBackend::Sqlite {
        writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    }
    writer.close_by_ref().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_that_met_a_full_disk_writes_again_when_there_is_room() {
        let directory = std::env::temp_dir().join(format!("switchyard_test_{}_full", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let writer = sqlite_writer(&directory.join("full.db")).await.unwrap();
        writer.execute_unprepared("CREATE TABLE filler (bytes BLOB)").await.unwrap();
        // The limit holds for the connection, as a full disk does not; there is only one.
        writer.execute_unprepared("PRAGMA max_page_count = 10").await.unwrap();

        let transaction = begin_writing(&writer).await.unwrap();
        let fill = "INSERT INTO filler VALUES (zeroblob(1000000))";
        let full = transaction.execute_unprepared(fill).await.unwrap_err();
        assert!(full.to_string().contains("full"), "{full}");
        // SQLite has given the transaction up by itself, so that there is nothing to roll back.
        assert!(transaction.rollback().await.is_err());

        let transaction = begin_writing(&writer).await.unwrap();
        transaction.execute_unprepared(fill).await.unwrap();
        transaction.commit().await.unwrap();
        close_writer(&writer).await.unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
