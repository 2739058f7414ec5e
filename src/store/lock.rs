//! The lock that keeps a second server from starting on the same database.
//!
//! It is a courtesy, not the protection: that is the epoch, which is compared in every commit (see the module
//! above). Therefore a lock that was lost is simply taken again, unless somebody else has taken the database over.
//!
//! A server that is killed leaves no lock behind: the operating system, or PostgreSQL, gives it back.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm::sqlx::{self, Connection, PgConnection};
use sea_orm::{DatabaseConnection, EntityTrait};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{Error, LEASE_ID, connect, while_};

/// The number of the advisory lock: "Switchyd" in ASCII. Advisory locks belong to one database of a server.
const ADVISORY_LOCK: i64 = 0x5377_6974_6368_7964;

/// PostgreSQL notices a moment late that the session of a killed server is gone.
const TAKE_SECONDS_MAX: u64 = 3;

/// How often a session is asked whether it is still there.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// What this server has locked.
#[derive(Debug)]
pub enum Lock {
    /// SQLite: the file beside the database. `None` once it is given back.
    File(Mutex<Option<File>>),
    /// PostgreSQL: a session of its own, in the care of a task. `None` once it is given back.
    Session(Mutex<Option<Keeper>>),
}

/// The task that keeps a session, and how to end it.
#[derive(Debug)]
pub struct Keeper {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Lock {
    /// Locks the file `<database>.lock`. It stays when the lock is given back: deleting it would let two servers
    /// lock two files of the same name.
    pub fn take_file(database: &Path) -> Result<Lock, Error> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);

        let file = File::options().write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|source| Error::File { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(Lock::File(Mutex::new(Some(file)))),
            Err(TryLockError::WouldBlock) => Err(Error::Locked { lock: path.display().to_string() }),
            Err(TryLockError::Error(source)) => Err(Error::File { path, source }),
        }
    }

    /// Looks after a session that has the lock, as long as this server runs.
    pub fn keep_session(
        session: PgConnection,
        options: Box<PgConnectOptions>,
        database: DatabaseConnection,
        epoch: i64,
    ) -> Lock {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(keep(session, options, database, epoch, stopped));
        Lock::Session(Mutex::new(Some(Keeper { stop, task })))
    }

    /// Gives the lock back.
    pub async fn release(&self) {
        match self {
            Lock::File(file) => drop(file.lock().expect("nothing panics while it holds this").take()),
            Lock::Session(keeper) => {
                let keeper = keeper.lock().expect("nothing panics while it holds this").take();
                if let Some(Keeper { stop, task }) = keeper {
                    // Neither fails unless the task has ended, and then there is no lock to give back.
                    let _ = stop.send(());
                    let _ = task.await;
                }
            }
        }
    }
}

/// Opens a session and takes the lock in it.
pub async fn take_session(options: &PgConnectOptions) -> Result<PgConnection, Error> {
    let mut session = PgConnection::connect_with(&connect::postgres_options(options))
        .await
        .map_err(connect::postgres_error)?;
    let take = async {
        while !try_lock(&mut session).await? {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    };
    match timeout(Duration::from_secs(TAKE_SECONDS_MAX), take).await {
        Ok(Ok(())) => Ok(session),
        Ok(Err(error)) => Err(while_("taking the lock")(connect::connection_error(error))),
        Err(_) => Err(Error::Locked { lock: "the database on the PostgreSQL server".to_owned() }),
    }
}

async fn try_lock(session: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(ADVISORY_LOCK).fetch_one(session).await
}

/// Ends when it is told to, or when another server has taken the database over.
async fn keep(
    mut session: PgConnection,
    options: Box<PgConnectOptions>,
    database: DatabaseConnection,
    epoch: i64,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            () = lost(&mut session) => {}
        }
        tracing::warn!("the PostgreSQL session that holds the lock is gone; taking the lock again");
        let retaken = tokio::select! {
            _ = &mut stopped => break,
            retaken = retake(&options, &database, epoch) => retaken,
        };
        match retaken {
            Some(retaken) => session = retaken,
            None => {
                tracing::error!(
                    "another Switchyard has taken this database over; this one cannot write any more"
                );
                return;
            }
        }
        tracing::info!("this Switchyard has the lock again");
    }
    // Closing politely gives the lock back before the next server asks for it.
    let _ = timeout(CHECK_INTERVAL, session.close()).await;
}

/// Returns when the session does not answer any more.
async fn lost(session: &mut PgConnection) {
    loop {
        sleep(CHECK_INTERVAL).await;
        if !matches!(timeout(CHECK_INTERVAL, session.ping()).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// A new session with the lock; `None` when the database belongs to somebody else.
///
/// As long as the epoch is ours, whoever holds the lock is our own lost session, which PostgreSQL has not noticed.
async fn retake(
    options: &PgConnectOptions,
    database: &DatabaseConnection,
    epoch: i64,
) -> Option<PgConnection> {
    loop {
        let session = take_session(options).await;
        let lease = entity::lease::Entity::find_by_id(LEASE_ID).one(database).await;
        let is_ours = lease.map(|lease| lease.is_some_and(|lease| lease.epoch == epoch));
        match (session, is_ours) {
            (_, Ok(false)) => return None,
            (Ok(session), Ok(true)) => return Some(session),
            (Ok(_), Err(_)) | (Err(_), Ok(true) | Err(_)) => sleep(CHECK_INTERVAL).await,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        match self {
            Lock::File(_) => {}
            Lock::Session(keeper) => {
                if let Some(Keeper { stop: _, task }) = keeper.get_mut().ok().and_then(Option::take) {
                    task.abort();
                }
            }
        }
    }
}
