//! Making a change durable: the fence and the events, in one statement.
//!
//! 1. Everything is written out as rows, before the database is asked for anything.
//! 2. **The fence and the first entry**: it is only appended where the epoch is this server's, and where the log ends
//!    where the caller believes. The position of its first event is part of the key, so that of two servers that
//!    believe the same, at most one succeeds.
//! 3. Mostly that is all, and the statement is a transaction of its own: one question to the database for a batch of
//!    commands. Further entries, idempotency keys and the row of a new Workspace share a transaction with it.
//! 4. Only when the database says that it is committed, anybody may hear of it.
//!
//! The rows of what the events changed follow (`trail.rs`).

use routing::event::Recorded;
use routing::ids::WorkspaceId;
use routing::state::State;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, IntoActiveModel, Statement};

use super::log::end_of_log;
use super::statements::{carry_out, inserts, upserts};
use super::trail::Trail;
use super::{Error, Key, LEASE_ID, Owner, Store, rows, while_};

/// Appends an entry to a log that ends right before it, and nothing to any other.
const APPEND: &str = "INSERT INTO event_log (workspace_id, first_sequence, last_sequence, at, format_version, events) \
    SELECT $1, $2, $3, $4, $5, $6 \
    WHERE $2 = 1 + COALESCE( \
        (SELECT last_sequence FROM event_log WHERE workspace_id = $1 ORDER BY first_sequence DESC LIMIT 1), \
        (SELECT sequence FROM workspace WHERE id = $1)) \
    AND EXISTS (SELECT 1 FROM lease, workspace WHERE lease.id = $7 AND lease.epoch = $8 AND workspace.id = $1";

/// What to make durable.
pub struct Commit<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Where the log ended before these events; 0 for a new Workspace.
    pub expected_sequence: u64,
    /// The state after all of the events.
    pub state: &'a State,
    /// The events in order; each entry becomes one row of the log, which is read and written whole.
    pub entries: Vec<&'a [Recorded]>,
    /// How repeats of these commands will be recognised; each key at most once.
    pub keys: &'a [Key],
}

impl Store {
    /// Makes a change durable: all of it, or nothing.
    ///
    /// After an error it may be unknown which; the caller reloads the Workspace.
    pub async fn commit(&self, commit: &Commit<'_>) -> Result<(), Error> {
        let owner = self.owner()?;
        check(commit);
        let &Commit { workspace, expected_sequence, state, ref entries, keys } = commit;
        let mut entries = entries.iter().filter_map(|events| rows::event_log_row(workspace, events));
        let first = entries.next().map(|entry| appending(owner, entry));
        let others = inserts::<entity::event_log::Entity>(owner.backend(), entries.collect());
        let keys = keys.iter().map(|key| rows::key_row(workspace, key)).collect();
        let keys = upserts::<entity::idempotency_key::Entity>(owner.backend(), keys);
        let founded = (expected_sequence == 0).then_some(state);

        match first {
            Some(first) if others.is_empty() && keys.is_empty() && founded.is_none() => {
                let appended = owner.commit_alone(first).await?;
                if appended { Ok(()) } else { Err(refused(owner, &owner.writer, commit).await) }
            }
            first => {
                let writing = owner.begin_commit().await?;
                let written = write(&writing.transaction, owner, commit, founded, first, others, keys).await;
                writing.end(written).await
            }
        }
    }
}

/// The statement that passes the fence with an entry.
fn appending(owner: &Owner, entry: entity::event_log::Model) -> Statement {
    let entity::event_log::Model { workspace_id, first_sequence, last_sequence, at, format_version, events } =
        entry;
    let values = [
        workspace_id.into(),
        first_sequence.into(),
        last_sequence.into(),
        at.into(),
        format_version.into(),
        events.into(),
        LEASE_ID.into(),
        owner.epoch.into(),
    ];
    let end = match owner.backend() {
        // Whoever takes the database over, or loads the Workspace again, waits until this is committed.
        DbBackend::Postgres => " FOR SHARE OF lease FOR KEY SHARE OF workspace)",
        _ => ")",
    };
    Statement::from_sql_and_values(owner.backend(), [APPEND, end].concat(), values)
}

/// Why the fence did not open.
async fn refused(owner: &Owner, connection: &impl ConnectionTrait, commit: &Commit<'_>) -> Error {
    let &Commit { workspace, expected_sequence, .. } = commit;
    match owner.check_epoch(connection).await {
        Ok(()) => Error::Fenced { workspace, expected_sequence },
        Err(error) => error,
    }
}

fn check(commit: &Commit<'_>) {
    let &Commit { workspace, expected_sequence, state, ref entries, keys: _ } = commit;
    assert_eq!(state.id(), workspace, "a commit is of the Workspace whose state it brings");
    let sequences = entries.iter().copied().flatten().map(|recorded| recorded.sequence);
    assert!(
        sequences.eq(expected_sequence + 1..=state.sequence),
        "the events of a commit lead from the end of the log to the state, without a hole",
    );
    if cfg!(debug_assertions) {
        let mut trail = Trail::new(workspace);
        trail.add(entries.iter().copied().flatten());
        assert!(trail.agrees_with(state), "the state is what the events say");
    }
}

async fn write(
    transaction: &DatabaseTransaction,
    owner: &Owner,
    commit: &Commit<'_>,
    founded: Option<&State>,
    first: Option<Statement>,
    others: Vec<Statement>,
    keys: Vec<Statement>,
) -> Result<(), Error> {
    if let Some(founded) = founded {
        insert_workspace(transaction, founded).await?;
    }
    let passed = match first {
        Some(first) => {
            let done = transaction.execute_raw(first).await.map_err(while_("appending to the log"))?;
            done.rows_affected() == 1
        }
        // Keys of commands that changed nothing.
        None => {
            owner.check_epoch(transaction).await?;
            end_of_log(transaction, commit.workspace).await? == commit.expected_sequence
        }
    };
    if !passed {
        return Err(refused(owner, transaction, commit).await);
    }
    carry_out(transaction, "appending to the log", others).await?;
    carry_out(transaction, "writing idempotency keys", keys).await
}

/// The row to which all others belong. It stands for nothing of the log yet.
async fn insert_workspace(transaction: &DatabaseTransaction, state: &State) -> Result<(), Error> {
    use entity::workspace::{Column, Entity};
    let nowhere = rows::EndOfLog { sequence: 0, at: state.workspace.created_at };
    Entity::insert(rows::workspace_row(&state.workspace, nowhere).into_active_model())
        // One that is there already has a log, too.
        .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
        .exec_without_returning(transaction)
        .await
        .map_err(while_("founding a Workspace"))?;
    Ok(())
}
