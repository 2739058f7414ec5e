//! How the one server that owns a database writes to it: who may, in which order, and what waits for the disk.
//!
//! | transaction | waits for the disk | holds up commits |
//! | --- | --- | --- |
//! | a commit | yes | on SQLite |
//! | rows, and other things that follow | no | on SQLite, so each is short |
//!
//! SQLite lets one write at a time, and has those who wait try again and again; here they queue.

use routing::ids::{Id, WorkspaceId};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, EntityTrait, QuerySelect, Statement,
};
use tokio::sync::{Mutex, MutexGuard};

use super::lock::Lock;
use super::{Error, LEASE_ID, connect, while_};

/// How large SQLite's write-ahead log may become before commits are held up to begin it anew, in pages of 4 KiB.
const WAL_PAGES_MAX: i64 = 8_192;

/// Beside this number, the tag of the Workspace whose rows are written: one after the other, also where the one
/// before was given up and is still in the hands of the database.
const ROWS_ADVISORY_LOCK: i32 = 0x726f_7773;

/// What the one server that writes has.
#[derive(Debug)]
pub struct Owner {
    /// SQLite: a single connection. PostgreSQL: a pool.
    pub writer: DatabaseConnection,
    /// SQLite: another single connection, for what need not wait for the disk.
    rows_writer: Option<DatabaseConnection>,
    /// SQLite: whose turn it is to write.
    turn: Mutex<()>,
    /// The epoch that this server has raised the database to.
    pub epoch: i64,
    lock: Lock,
}

/// A transaction that writes.
pub struct Writing<'a> {
    pub transaction: DatabaseTransaction,
    /// Given back after the end of the transaction.
    _turn: Option<MutexGuard<'a, ()>>,
}

impl Writing<'_> {
    /// Commits if all went well, else takes everything back.
    pub async fn end(self, written: Result<(), Error>) -> Result<(), Error> {
        match written {
            Ok(()) => self.transaction.commit().await.map_err(while_("committing")),
            Err(error) => {
                // Not left to `drop`, so that the next one does not wait for it. That it fails, too, after a
                // connection broke, tells nothing new.
                let _ = self.transaction.rollback().await;
                Err(error)
            }
        }
    }
}

impl Owner {
    pub fn new(
        writer: DatabaseConnection,
        rows_writer: Option<DatabaseConnection>,
        epoch: i64,
        lock: Lock,
    ) -> Owner {
        Owner { writer, rows_writer, turn: Mutex::new(()), epoch, lock }
    }

    /// SQLite or PostgreSQL.
    pub fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Begins what will be durable when it is committed.
    pub async fn begin_commit(&self) -> Result<Writing<'_>, Error> {
        let turn = self.turn().await;
        let transaction = connect::begin_writing(&self.writer).await;
        Ok(Writing { transaction: transaction.map_err(while_("beginning a commit"))?, _turn: turn })
    }

    /// Carries out a statement that is a commit of its own. Did it change anything?
    pub async fn commit_alone(&self, statement: Statement) -> Result<bool, Error> {
        let _turn = self.turn().await;
        let done = self.writer.execute_raw(statement).await.map_err(while_("committing"))?;
        Ok(done.rows_affected() > 0)
    }

    /// Begins what may be lost with the power, together with all that came after it.
    pub async fn begin_minor(&self) -> Result<Writing<'_>, Error> {
        let failed = while_("beginning to write");
        let turn = self.turn().await;
        let writer = self.rows_writer.as_ref().unwrap_or(&self.writer);
        let transaction = connect::begin_writing(writer).await.map_err(failed)?;
        if transaction.get_database_backend() == DbBackend::Postgres {
            transaction.execute_unprepared("SET LOCAL synchronous_commit TO off").await.map_err(failed)?;
        }
        Ok(Writing { transaction, _turn: turn })
    }

    /// Begins to write rows of a Workspace, if this server still owns the database.
    pub async fn begin_rows(&self, workspace: WorkspaceId) -> Result<Writing<'_>, Error> {
        let writing = self.begin_minor().await?;
        match self.enter_rows(&writing.transaction, workspace).await {
            Ok(()) => Ok(writing),
            Err(error) => {
                writing.end(Err(error)).await?;
                unreachable!("an error stays one")
            }
        }
    }

    async fn enter_rows(
        &self,
        transaction: &DatabaseTransaction,
        workspace: WorkspaceId,
    ) -> Result<(), Error> {
        if transaction.get_database_backend() == DbBackend::Postgres {
            let numbers = [ROWS_ADVISORY_LOCK, workspace.workspace_tag().0.cast_signed()].map(Into::into);
            let sql = "SELECT pg_advisory_xact_lock($1, $2)";
            let lock = Statement::from_sql_and_values(DbBackend::Postgres, sql, numbers);
            transaction.execute_raw(lock).await.map_err(while_("beginning to write rows"))?;
        }
        self.check_epoch(transaction).await
    }

    /// Refuses when another server has taken the database over, and lets none do so before a transaction ends.
    pub async fn check_epoch(&self, connection: &impl ConnectionTrait) -> Result<(), Error> {
        let lease = entity::lease::Entity::find_by_id(LEASE_ID).lock_shared().one(connection).await;
        match lease.map_err(while_("reading the lease"))? {
            Some(lease) if lease.epoch == self.epoch => Ok(()),
            Some(_) | None => Err(Error::TakenOver),
        }
    }

    /// Brings SQLite's write-ahead log into the file, beside the commits. While there are always new ones, it never
    /// gets to the end; so when the log has become large, commits wait until it is there, and the log begins anew.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        let Some(rows_writer) = &self.rows_writer else { return Ok(()) };
        let checkpoint = async || {
            let sql = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(PASSIVE)");
            let row = rows_writer.query_one_raw(sql).await.map_err(while_("checkpointing"))?;
            // The number of pages in the log.
            Ok::<i64, Error>(row.and_then(|row| row.try_get_by_index(1).ok()).unwrap_or(0))
        };
        if checkpoint().await? > WAL_PAGES_MAX {
            let _turn = self.turn().await;
            checkpoint().await?;
        }
        Ok(())
    }

    /// Waits for what is under way, and gives the lock back.
    pub async fn close(&self) {
        for writer in self.rows_writer.iter().chain([&self.writer]) {
            if let Err(error) = connect::close_writer(writer).await {
                tracing::warn!(%error, "the database could not be closed properly; it will recover when it is opened");
            }
        }
        self.lock.release().await;
    }

    async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        match self.rows_writer {
            Some(_) => Some(self.turn.lock().await),
            None => None,
        }
    }
}
