//! One transaction: fence, rows, events, keys.
//!
//! 1. Everything is written out as rows, before the database is asked for anything.
//! 2. The transaction begins; on SQLite with the write lock.
//! 3. **The fence.** The epoch must be this server's, and the Workspace's log must end where the caller believes.
//!    Both rows stay locked until the end: nobody else passes meanwhile.
//! 4. The rows of what the events changed, tables in the order of their foreign keys. Which event it was does not
//!    matter: a row is written as the object is in the end, once.
//! 5. Tasks that left the memory are marked, with their Reservations.
//! 6. The events, one row for each command; and the idempotency keys.
//! 7. Commit. Only when that has returned, anybody may hear of it.
//!
//! Steps 4 to 6 may change places, 3 and 7 may not.

use std::collections::BTreeMap;
use std::sync::Arc;

use routing::event::{Object, Recorded};
use routing::ids::{
    ActivityId, ReservationId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId,
};
use routing::state::{
    Activity, Reservation, State, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace,
};
use routing::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable, PrimaryKeyToColumn,
    QueryFilter, QuerySelect,
};

use super::{Error, Key, LEASE_ID, Owner, Store, connect, rows, while_};

/// How many rows one statement carries. SQLite takes at most 32,766 values in a statement and PostgreSQL 65,535; that
/// is enough for these, and larger statements are hardly any faster.
const ROWS_PER_STATEMENT_MAX: usize = 256;

/// What to make durable.
pub struct Commit<'a> {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Where the log ended before these events; 0 for a new Workspace.
    pub expected_sequence: u64,
    /// The state after all of the events.
    pub state: &'a State,
    /// The events of each command, and of each tick, in order: one row of the log for each.
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
        let rows = Rows::of(commit);

        let transaction =
            connect::begin_writing(&owner.writer).await.map_err(while_("beginning a commit"))?;
        match write(&transaction, owner, commit, rows).await {
            Ok(()) => transaction.commit().await.map_err(while_("committing")),
            Err(error) => {
                // Not left to `drop`, so that the next commit does not wait for it. That it fails, too, after a
                // connection broke, tells nothing new.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }
}

/// Everything that a commit writes.
struct Rows {
    workspace: Option<entity::workspace::Model>,
    activities: Vec<entity::activity::Model>,
    task_channels: Vec<entity::task_channel::Model>,
    task_queues: Vec<entity::task_queue::Model>,
    workflows: Vec<entity::workflow::Model>,
    workers: Vec<entity::worker::Model>,
    tasks: Vec<entity::task::Model>,
    reservations: Vec<entity::reservation::Model>,
    purged: BTreeMap<Timestamp, Vec<TaskId>>,
    events: Vec<entity::event_log::Model>,
    keys: Vec<entity::idempotency_key::Model>,
}

impl Rows {
    fn of(commit: &Commit<'_>) -> Rows {
        let &Commit { workspace: id, expected_sequence, state, ref entries, keys } = commit;
        // Taken apart without `..`: what is new in a State must be stored, unless it follows from the rest.
        let &State {
            sequence,
            at,
            workspace: _,
            activities: _,
            task_channels: _,
            task_queues: _,
            workflows: _,
            workers: _,
            tasks: _,
            reservations: _,
            lookups: _,
        } = state;
        assert_eq!(state.id(), id, "a commit is of the Workspace whose state it brings");
        let sequences = entries.iter().copied().flatten().map(|recorded| recorded.sequence);
        assert!(
            sequences.eq(expected_sequence + 1..=sequence),
            "the events of a commit lead from the end of the log to the state, without a hole",
        );

        let touched = Touched::of(entries);
        debug_assert!(touched.agrees_with(state), "the state is what the events say");
        let Touched {
            workspace,
            activities,
            task_channels,
            task_queues,
            workflows,
            workers,
            tasks,
            reservations,
            purged,
        } = touched;
        let end = rows::EndOfLog { sequence, at };
        Rows {
            workspace: workspace.map(|workspace| rows::workspace_row(&workspace, end)),
            activities: activities.values().map(|activity| rows::activity_row(id, activity)).collect(),
            task_channels: task_channels
                .values()
                .map(|channel| rows::task_channel_row(id, channel))
                .collect(),
            task_queues: task_queues.values().map(|queue| rows::task_queue_row(id, queue)).collect(),
            workflows: workflows.values().map(|workflow| rows::workflow_row(id, workflow)).collect(),
            workers: workers.values().map(|worker| rows::worker_row(id, worker)).collect(),
            tasks: tasks.values().map(|task| rows::task_row(id, task)).collect(),
            reservations: reservations
                .values()
                .map(|reservation| rows::reservation_row(id, reservation))
                .collect(),
            purged,
            events: entries.iter().filter_map(|events| rows::event_log_row(id, events)).collect(),
            keys: keys.iter().map(|key| rows::key_row(id, key)).collect(),
        }
    }
}

/// The objects that events changed, each once, as it was after the last of them.
#[derive(Default)]
struct Touched {
    workspace: Option<Arc<Workspace>>,
    activities: BTreeMap<ActivityId, Arc<Activity>>,
    task_channels: BTreeMap<TaskChannelId, Arc<TaskChannel>>,
    task_queues: BTreeMap<TaskQueueId, Arc<TaskQueue>>,
    workflows: BTreeMap<WorkflowId, Arc<Workflow>>,
    workers: BTreeMap<WorkerId, Arc<Worker>>,
    tasks: BTreeMap<TaskId, Arc<Task>>,
    reservations: BTreeMap<ReservationId, Arc<Reservation>>,
    /// The Tasks that left the memory, by when.
    purged: BTreeMap<Timestamp, Vec<TaskId>>,
}

impl Touched {
    /// From the events and not from the state: a Task that ended and left the memory in the same commit is no
    /// longer in the state, and its row must tell how it ended.
    fn of(entries: &[&[Recorded]]) -> Touched {
        let mut touched = Touched::default();
        for recorded in entries.iter().copied().flatten() {
            for object in recorded.event.objects() {
                touched.add(recorded.at, object);
            }
        }
        touched
    }

    fn add(&mut self, at: Timestamp, object: Object) {
        match object {
            Object::Workspace(workspace) => self.workspace = Some(workspace),
            Object::Activity(activity) => {
                self.activities.insert(activity.id, activity);
            }
            Object::TaskChannel(channel) => {
                self.task_channels.insert(channel.id, channel);
            }
            Object::TaskQueue(queue) => {
                self.task_queues.insert(queue.id, queue);
            }
            Object::Workflow(workflow) => {
                self.workflows.insert(workflow.id, workflow);
            }
            Object::Worker(worker) => {
                self.workers.insert(worker.id, worker);
            }
            Object::Task(task) => {
                self.tasks.insert(task.id, task);
            }
            Object::Reservation(reservation) => {
                self.reservations.insert(reservation.id, reservation);
            }
            Object::PurgedTask(task) => self.purged.entry(at).or_default().push(task),
        }
    }

    fn agrees_with(&self, state: &State) -> bool {
        let Touched {
            workspace,
            activities,
            task_channels,
            task_queues,
            workflows,
            workers,
            tasks,
            reservations,
            purged: _,
        } = self;
        workspace.as_ref().is_none_or(|workspace| *workspace == state.workspace)
            && activities.values().all(|activity| state.activities.get(&activity.id) == Some(activity))
            && task_channels.values().all(|channel| state.task_channels.get(&channel.id) == Some(channel))
            && task_queues.values().all(|queue| state.task_queues.get(&queue.id) == Some(queue))
            && workflows.values().all(|workflow| state.workflows.get(&workflow.id) == Some(workflow))
            && workers.values().all(|worker| state.workers.get(&worker.id) == Some(worker))
            && tasks.values().all(|task| state.tasks.get(&task.id).is_none_or(|now| now == task))
            && reservations.values().all(|one| state.reservations.get(&one.id).is_none_or(|now| now == one))
    }
}

async fn write(
    transaction: &DatabaseTransaction,
    owner: &Owner,
    commit: &Commit<'_>,
    rows: Rows,
) -> Result<(), Error> {
    let Rows {
        workspace,
        activities,
        task_channels,
        task_queues,
        workflows,
        workers,
        tasks,
        reservations,
        purged,
        events,
        keys,
    } = rows;

    pass_fence(transaction, owner, commit, workspace.as_ref()).await?;

    upsert::<entity::workspace::Entity>(transaction, "writing a Workspace", workspace.into_iter().collect())
        .await?;
    upsert::<entity::activity::Entity>(transaction, "writing Activities", activities).await?;
    upsert::<entity::task_channel::Entity>(transaction, "writing Task Channels", task_channels).await?;
    upsert::<entity::task_queue::Entity>(transaction, "writing TaskQueues", task_queues).await?;
    upsert::<entity::workflow::Entity>(transaction, "writing Workflows", workflows).await?;
    upsert::<entity::worker::Entity>(transaction, "writing Workers", workers).await?;
    upsert::<entity::task::Entity>(transaction, "writing Tasks", tasks).await?;
    upsert::<entity::reservation::Entity>(transaction, "writing Reservations", reservations).await?;
    purge(transaction, purged).await?;
    append(transaction, events).await?;
    upsert::<entity::idempotency_key::Entity>(transaction, "writing idempotency keys", keys).await
}

/// Lets only the server that owns the database pass, and only with the state that is stored.
async fn pass_fence(
    transaction: &DatabaseTransaction,
    owner: &Owner,
    commit: &Commit<'_>,
    created: Option<&entity::workspace::Model>,
) -> Result<(), Error> {
    use entity::workspace::{Column, Entity};
    let failed = while_("passing the fence of a commit");

    let lease =
        entity::lease::Entity::find_by_id(LEASE_ID).lock_shared().one(transaction).await.map_err(failed)?;
    if lease.is_none_or(|lease| lease.epoch != owner.epoch) {
        return Err(Error::TakenOver);
    }

    let &Commit { workspace, expected_sequence, state, entries: _, keys: _ } = commit;
    let passed = if expected_sequence == 0 {
        let created = created.expect("the first event of a Workspace creates it").clone();
        Entity::insert(created.into_active_model())
            .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
            .exec_without_returning(transaction)
            .await
            .map_err(failed)?
    } else {
        Entity::update_many()
            .col_expr(Column::Sequence, Expr::value(rows::position(state.sequence)))
            .col_expr(Column::SequenceAt, Expr::value(state.at.0))
            .filter(Column::Id.eq(workspace.to_string()))
            .filter(Column::Sequence.eq(rows::position(expected_sequence)))
            .exec(transaction)
            .await
            .map_err(failed)?
            .rows_affected
    };
    if passed == 1 { Ok(()) } else { Err(Error::Fenced { workspace, expected_sequence }) }
}

/// Writes rows, whether or not they are there already.
async fn upsert<E>(
    transaction: &DatabaseTransaction,
    doing: &'static str,
    rows: Vec<E::Model>,
) -> Result<(), Error>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
{
    let is_key = |column: &E::Column| E::PrimaryKey::from_column(*column).is_some();
    let replace = OnConflict::columns(E::Column::iter().filter(is_key))
        .update_columns(E::Column::iter().filter(|column| !is_key(column)))
        .to_owned();
    for chunk in chunks(rows) {
        E::insert_many(chunk.into_iter().map(IntoActiveModel::into_active_model))
            .on_conflict(replace.clone())
            .exec_without_returning(transaction)
            .await
            .map_err(while_(doing))?;
    }
    Ok(())
}

/// Appends to the log. A row that is there already is an error.
async fn append(
    transaction: &DatabaseTransaction,
    events: Vec<entity::event_log::Model>,
) -> Result<(), Error> {
    for chunk in chunks(events) {
        entity::event_log::Entity::insert_many(chunk.into_iter().map(IntoActiveModel::into_active_model))
            .exec_without_returning(transaction)
            .await
            .map_err(while_("appending to the log"))?;
    }
    Ok(())
}

/// Marks the rows of Tasks that left the memory, and of their Reservations: they stay, but are not loaded again.
async fn purge(
    transaction: &DatabaseTransaction,
    purged: BTreeMap<Timestamp, Vec<TaskId>>,
) -> Result<(), Error> {
    let failed = while_("marking purged Tasks");
    for (at, tasks) in purged {
        for chunk in tasks.chunks(ROWS_PER_STATEMENT_MAX) {
            let ids: Vec<String> = padded(chunk).map(ToString::to_string).collect();
            entity::task::Entity::update_many()
                .col_expr(entity::task::Column::PurgedAt, Expr::value(at.0))
                .filter(entity::task::Column::Id.is_in(&ids))
                .exec(transaction)
                .await
                .map_err(failed)?;
            entity::reservation::Entity::update_many()
                .col_expr(entity::reservation::Column::PurgedAt, Expr::value(at.0))
                .filter(entity::reservation::Column::TaskId.is_in(&ids))
                .exec(transaction)
                .await
                .map_err(failed)?;
        }
    }
    Ok(())
}

/// Cuts rows into statements of a few sizes only, 256, 128, 64, …, 1: a connection keeps each statement that it has
/// prepared, and preparing a large one costs more than carrying out three small ones.
fn chunks<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let size = 1 << rows.len().min(ROWS_PER_STATEMENT_MAX).checked_ilog2()?;
        Some(rows.by_ref().take(size).collect())
    })
}

/// The same for values that are looked for: they are as many as the next power of two, the last one repeated.
pub fn padded<T>(values: &[T]) -> impl Iterator<Item = &T> {
    values.iter().chain(values.last().into_iter().cycle()).take(values.len().next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_statements_of_few_sizes() {
        for (n, expected) in
            [(0, &[][..]), (1, &[1]), (7, &[4, 2, 1]), (256, &[256]), (600, &[256, 256, 64, 16, 8])]
        {
            let chunks: Vec<Vec<usize>> = chunks((0..n).collect()).collect();
            assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), expected);
            assert!(chunks.into_iter().flatten().eq(0..n));
        }
    }

    #[test]
    fn values_are_filled_up_to_a_power_of_two() {
        for (n, expected) in [(0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (256, 256)] {
            let values: Vec<usize> = (0..n).collect();
            let padded: Vec<usize> = padded(&values).copied().collect();
            assert_eq!(padded.len(), expected);
            assert!(values.iter().eq(&padded[..n]) && padded[n..].iter().all(|value| *value == n - 1));
        }
    }
}
