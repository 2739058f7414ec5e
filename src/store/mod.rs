//! What is stored, where, and what that is worth.
//!
//! A [`Store`] keeps the events of Workspaces as a log, and their objects as rows, in SQLite or PostgreSQL. It
//! promises:
//!
//! * **All or nothing.** [`Store::commit`] writes events and idempotency keys in one transaction. When it returns
//!   `Ok`, they survive the loss of power. When it fails, it may not be known whether they are there: the caller
//!   does not undo but reloads, and what [`Store::load`] then finds is final.
//! * **Rows follow the log.** [`Store::write_rows`] brings them up to date a moment later, in the background.
//! * **What is loaded is what was committed.** [`Store::load`] reads the rows of one moment and the events that they
//!   do not show yet, and refuses what makes no sense instead of guessing.
//! * **One writer.** Two things see to that, because neither suffices:
//!
//! ```text
//!   lock    a file beside SQLite's, a session's advisory     a second server refuses to start;
//!           lock on PostgreSQL                               but a session can be lost
//!   epoch   a number in the database that each server        a server that was taken over
//!           raises when it opens, and compares in            cannot write any more, whatever
//!           each commit                                      it believes to hold
//! ```
//!
//! Within one server, the end of a Workspace's log is compared with what the caller expects: a commit that was
//! made from another state than the stored one is [`Error::Fenced`].
//!
//! The store decides nothing: it knows no rule of routing, no caller and no time of day.
//!
//! Read on in `commit.rs` and `trail.rs`; the tables are in the crate `entity`, the mapping to them in `rows.rs`.

mod commit;
mod connect;
mod keys;
mod load;
mod lock;
mod log;
mod rows;
mod statements;
mod trail;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use migration::{Migrator, MigratorTrait, SchemaManager};
use routing::event::Object;
use routing::ids::{WorkerId, WorkspaceId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    AccessMode, ColumnTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    ExprTrait, IsolationLevel, QueryFilter, QueryOrder, QuerySelect, Set, TransactionOptions,
    TransactionTrait,
};

pub use commit::Commit;
pub use keys::Key;
pub use log::LogPage;
pub use trail::Trail;

use connect::Location;
use lock::Lock;
use write::Owner;

/// The layout of the tables, and of the JSON inside them, that this release reads and writes.
const FORMAT_VERSION: i64 = 2;

/// The only row of the table `lease`.
const LEASE_ID: i64 = 1;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// For everything that only reads.
    reader: DatabaseConnection,
    /// `None` when the database was opened to be read only.
    owner: Option<Owner>,
}

impl Store {
    /// Opens the database as the one who writes: creates the SQLite file if there is none, takes the lock,
    /// brings the tables up to date.
    ///
    /// `sqlite://` and a path, or `postgres://…` with the name of a database that exists.
    pub async fn open(url: &str) -> Result<Store, Error> {
        match Location::of(url)? {
            Location::Sqlite(path) => {
                let lock = Lock::take_file(&path)?;
                let writer = connect::sqlite_writer(&path).await?;
                let epoch = take_over(&writer).await?;
                let rows_writer = connect::sqlite_rows_writer(&path).await?;
                let reader = connect::sqlite_readers(&path).await?;
                Ok(Store::new(reader, Some(Owner::new(writer, Some(rows_writer), epoch, lock))))
            }
            Location::Postgres(options) => {
                let session = lock::take_session(&options).await?;
                // Two pools, so that commits never wait behind those who read the log.
                let writer = connect::postgres(&options).await?;
                let epoch = take_over(&writer).await?;
                let reader = connect::postgres(&options).await?;
                let lock = Lock::keep_session(session, options, reader.clone(), epoch);
                Ok(Store::new(reader, Some(Owner::new(writer, None, epoch, lock))))
            }
        }
    }

    /// Opens a database that exists to look things up, also while a server runs on it. Takes no lock and
    /// changes no table.
    pub async fn open_read_only(url: &str) -> Result<Store, Error> {
        let reader = match Location::of(url)? {
            Location::Sqlite(path) if path.exists() => connect::sqlite_readers(&path).await?,
            Location::Sqlite(path) => return Err(Error::NoDatabase { database: path.display().to_string() }),
            Location::Postgres(options) => connect::postgres_read_only(&options).await?,
        };
        match format(&reader).await? {
            Some(FORMAT_VERSION) => Ok(Store::new(reader, None)),
            Some(found) => Err(Error::OtherFormat { found, known: FORMAT_VERSION }),
            None => Err(Error::NoDatabase { database: "a database without Switchyard's tables".to_owned() }),
        }
    }

    fn new(reader: DatabaseConnection, owner: Option<Owner>) -> Store {
        Store { inner: Arc::new(Inner { reader, owner }) }
    }

    /// All Workspaces with their names, ordered by id.
    pub async fn workspaces(&self) -> Result<Vec<(WorkspaceId, String)>, Error> {
        use entity::workspace::{Column, Entity};
        let found: Vec<(String, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name])
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(&self.inner.reader)
            .await
            .map_err(while_("reading the Workspaces"))?;
        let id = |id: String| {
            id.parse().map_err(|error: routing::ids::InvalidId| Corrupt {
                table: "workspace",
                id: id.clone(),
                column: "id",
                why: error.to_string(),
            })
        };
        found.into_iter().map(|(text, name)| Ok((id(text)?, name))).collect()
    }

    /// The Worker called `name`, without regard to case.
    pub async fn worker_named(&self, workspace: WorkspaceId, name: &str) -> Result<Option<WorkerId>, Error> {
        // Compared here, because SQLite knows capitals of ASCII only. Nobody asks often.
        let name = name.to_lowercase();
        let names = self.worker_names(workspace).await?;
        Ok(names.into_iter().find(|(_, candidate)| candidate.to_lowercase() == name).map(|(id, _)| id))
    }

    /// Is there such a Worker in the Workspace?
    pub async fn worker_exists(&self, workspace: WorkspaceId, worker: WorkerId) -> Result<bool, Error> {
        Ok(self.worker_names(workspace).await?.contains_key(&worker))
    }

    /// What the Workers are called who were not deleted, by the rows and by the events that these do not show yet.
    async fn worker_names(&self, workspace: WorkspaceId) -> Result<BTreeMap<WorkerId, String>, Error> {
        use entity::worker::{Column, Entity};
        let failed = while_("looking a Worker up");
        // In this order: what reaches the rows between the two reads is read twice, and not missed.
        let rows_at: Option<i64> = entity::workspace::Entity::find_by_id(workspace.to_string())
            .select_only()
            .column(entity::workspace::Column::Sequence)
            .into_tuple()
            .one(&self.inner.reader)
            .await
            .map_err(failed)?;
        let rows: Vec<(String, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name])
            .filter(Column::WorkspaceId.eq(workspace.to_string()))
            .filter(Column::DeletedAt.is_null())
            .into_tuple()
            .all(&self.inner.reader)
            .await
            .map_err(failed)?;
        let mut names = BTreeMap::new();
        for (id, name) in rows {
            let corrupt = |error: routing::ids::InvalidId| Corrupt {
                table: "worker",
                id: id.clone(),
                column: "id",
                why: error.to_string(),
            };
            names.insert(id.parse().map_err(corrupt)?, name);
        }
        let mut at = rows_at.and_then(|rows_at| u64::try_from(rows_at).ok()).unwrap_or(0);
        loop {
            let page = self.log(workspace, at, load::EVENTS_AT_ONCE).await?;
            for recorded in &page.events {
                at = recorded.sequence;
                for object in recorded.event.objects() {
                    match object {
                        Object::Worker(worker) if worker.deleted_at.is_some() => {
                            drop(names.remove(&worker.id))
                        }
                        Object::Worker(worker) => drop(names.insert(worker.id, worker.name.clone())),
                        _ => {}
                    }
                }
            }
            if !page.more {
                return Ok(names);
            }
        }
    }

    /// Does the database answer, and does it still belong to this server?
    pub async fn ping(&self) -> Result<(), Error> {
        let lease = entity::lease::Entity::find_by_id(LEASE_ID)
            .one(&self.inner.reader)
            .await
            .map_err(while_("asking the database for a sign of life"))?;
        match &self.inner.owner {
            Some(owner) if lease.is_none_or(|lease| lease.epoch != owner.epoch) => Err(Error::TakenOver),
            Some(_) | None => Ok(()),
        }
    }

    /// Waits for what is under way, brings SQLite's write-ahead log into the file, and gives the lock back. From
    /// now on every clone of this store fails.
    pub async fn close(self) {
        let Inner { reader, owner } = &*self.inner;
        if let Err(error) = reader.close_by_ref().await {
            tracing::warn!(%error, "the connections to the database could not be closed");
        }
        if let Some(owner) = owner {
            owner.close().await;
        }
    }

    fn owner(&self) -> Result<&Owner, Error> {
        self.inner.owner.as_ref().ok_or(Error::ReadOnly)
    }
}

/// Brings the tables up to date and raises the epoch: from here on nobody else can write.
async fn take_over(database: &DatabaseConnection) -> Result<i64, Error> {
    use entity::lease::{ActiveModel, Column, Entity};

    // A newer release has migrated the tables to something that this one does not know; and from the formats before the
    // first release there is no way here.
    if let Some(found) = format(database).await?.filter(|&found| found != FORMAT_VERSION) {
        return Err(Error::OtherFormat { found, known: FORMAT_VERSION });
    }
    Migrator::up(database, None).await.map_err(while_("bringing the tables up to date"))?;

    let failed = while_("taking the database over");
    let transaction = connect::begin_writing(database).await.map_err(failed)?;
    let lease = Entity::find_by_id(LEASE_ID).one(&transaction).await.map_err(failed)?;
    if lease.is_none() {
        let lease = ActiveModel { id: Set(LEASE_ID), format_version: Set(FORMAT_VERSION), epoch: Set(0) };
        Entity::insert(lease).exec_without_returning(&transaction).await.map_err(failed)?;
    }
    Entity::update_many()
        .col_expr(Column::Epoch, Expr::col(Column::Epoch).add(1))
        .col_expr(Column::FormatVersion, Expr::value(FORMAT_VERSION))
        .exec(&transaction)
        .await
        .map_err(failed)?;
    let lease = Entity::find_by_id(LEASE_ID).one(&transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(lease.expect("the row was written in this transaction").epoch)
}

/// The format of the rows; `None` in a database that has no tables of ours.
async fn format(database: &DatabaseConnection) -> Result<Option<i64>, Error> {
    let failed = while_("reading the format of the database");
    if !SchemaManager::new(database).has_table("lease").await.map_err(failed)? {
        return Ok(None);
    }
    let lease = entity::lease::Entity::find_by_id(LEASE_ID).one(database).await.map_err(failed)?;
    Ok(lease.map(|lease| lease.format_version))
}

/// A row that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the row {id} of the table {table} makes no sense in the column {column}: {why}")]
pub struct Corrupt {
    /// Which table.
    pub table: &'static str,
    /// The key of the row, as text.
    pub id: String,
    /// Which column.
    pub column: &'static str,
    /// What is wrong, or what was expected.
    pub why: String,
}

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database did not answer, or refused.
    #[error("the database failed while {doing}")]
    Database {
        /// What was going on.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The Workspace's log ends elsewhere than the caller believes: its state is not the stored one.
    #[error("the log of {workspace} does not end at {expected_sequence}")]
    Fenced {
        /// Whose log.
        workspace: WorkspaceId,
        /// Where the caller believed it to end.
        expected_sequence: u64,
    },
    /// Another server has opened the database since. This one cannot write any more.
    #[error("another Switchyard has taken this database over")]
    TakenOver,
    /// A row makes no sense.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Another server is running on the database.
    #[error("another Switchyard is running on this database: {lock} is locked")]
    Locked {
        /// What it has locked.
        lock: String,
    },
    /// The address is none of a database that Switchyard knows.
    #[error("not the address of a database: {why}")]
    InvalidUrl {
        /// What is wrong, or what was expected.
        why: String,
    },
    /// There is nothing to open at this address.
    #[error("there is no database of Switchyard: {database}")]
    NoDatabase {
        /// What was looked for.
        database: String,
    },
    /// The database was written by another release.
    #[error("the database has the format {found}; this release knows the format {known}")]
    OtherFormat {
        /// The format of the database.
        found: i64,
        /// The one that this release reads and writes.
        known: i64,
    },
    /// There is no such Workspace.
    #[error("there is no Workspace {workspace}")]
    NoWorkspace {
        /// Which one.
        workspace: WorkspaceId,
    },
    /// The log has been shortened, and begins after the position that was asked for.
    #[error("the log begins at {oldest}")]
    LogExpired {
        /// The position of the oldest event that is still there.
        oldest: u64,
    },
    /// The store was opened to be read only.
    #[error("the database was opened to be read only")]
    ReadOnly,
    /// A file beside the database could not be used.
    #[error("{path} cannot be used")]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

/// Says what was going on when the database failed.
fn while_(doing: &'static str) -> impl Fn(DbErr) -> Error + Copy {
    move |source| Error::Database { doing, source }
}

/// A transaction that sees one moment of the database.
async fn snapshot(database: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = match database.get_database_backend() {
        // Whatever a transaction of SQLite reads is of the moment of its first statement.
        DbBackend::Sqlite => TransactionOptions::default(),
        _ => TransactionOptions {
            isolation_level: Some(IsolationLevel::RepeatableRead),
            access_mode: Some(AccessMode::ReadOnly),
            ..Default::default()
        },
    };
    database.begin_with_options(options).await
}

/// An error with its causes, for the operator's log.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
