//! One transaction: fence, events, keys.
//!
//! 1. Everything is written out as rows, before the database is asked for anything.
//! 2. The transaction begins; on SQLite with the write lock.
//! 3. **The fence.** The epoch must be this server's, and the Workspace's log must end where the caller believes.
//!    Both rows stay locked until the end: nobody else passes meanwhile.
//! 4. The events, one row for each entry; and the idempotency keys.
//! 5. Commit. Only when that has returned, anybody may hear of it.
//!
//! The rows of what the events changed follow (`trail.rs`).

use routing::event::Recorded;
use routing::ids::WorkspaceId;
use routing::state::State;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, Statement};

use super::statements::{carry_out, inserts, upserts};
use super::trail::Trail;
use super::{Error, Key, Owner, Store, rows, while_};

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
        let &Commit { workspace, expected_sequence: _, state: _, ref entries, keys } = commit;
        let events = entries.iter().filter_map(|events| rows::event_log_row(workspace, events)).collect();
        let events = inserts::<entity::event_log::Entity>(owner.backend(), events);
        let keys = keys.iter().map(|key| rows::key_row(workspace, key)).collect();
        let keys = upserts::<entity::idempotency_key::Entity>(owner.backend(), keys);

        let writing = owner.begin_commit().await?;
        let written = write(&writing.transaction, owner, commit, events, keys).await;
        writing.end(written).await
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
    events: Vec<Statement>,
    keys: Vec<Statement>,
) -> Result<(), Error> {
    pass_fence(transaction, owner, commit).await?;
    carry_out(transaction, "appending to the log", events).await?;
    carry_out(transaction, "writing idempotency keys", keys).await
}

/// Lets only the server that owns the database pass, and only with the state that is stored.
async fn pass_fence(
    transaction: &DatabaseTransaction,
    owner: &Owner,
    commit: &Commit<'_>,
) -> Result<(), Error> {
    use entity::workspace::{Column, Entity};
    let failed = while_("passing the fence of a commit");

    owner.check_epoch(transaction).await?;

    let &Commit { workspace, expected_sequence, state, entries: _, keys: _ } = commit;
    let passed = if expected_sequence == 0 {
        // The row to which all others belong. What else is in it follows.
        let nowhere = rows::EndOfLog { sequence: 0, at: state.workspace.created_at };
        let mut created = rows::workspace_row(&state.workspace, nowhere);
        created.log_sequence = rows::position(state.sequence);
        Entity::insert(created.into_active_model())
            .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
            .exec_without_returning(transaction)
            .await
            .map_err(failed)?
    } else {
        Entity::update_many()
            .col_expr(Column::LogSequence, Expr::value(rows::position(state.sequence)))
            .filter(Column::Id.eq(workspace.to_string()))
            .filter(Column::LogSequence.eq(rows::position(expected_sequence)))
            .exec(transaction)
            .await
            .map_err(failed)?
            .rows_affected
    };
    if passed == 1 { Ok(()) } else { Err(Error::Fenced { workspace, expected_sequence }) }
}
