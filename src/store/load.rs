//! All rows of one Workspace, as a [`State`].
//!
//! The rows are read in one transaction that sees one moment, page by page; then come the events that the rows do
//! not show yet. Rows of Tasks that left the memory are not read, and of the TaskQueues, Workflows and Workers that were
//! deleted only those that the other Tasks and their Reservations refer to. What the router takes for granted, the
//! database guarantees by its foreign keys or is checked here: a broken database must not become a panic later.

use std::sync::Arc;

use entity::{activity, reservation, skill, task, task_channel, task_queue, worker, workflow, workspace};
use routing::event::Object;
use routing::ids::WorkspaceId;
use routing::state::State;
use routing::state::task::Place;
use sea_orm::sea_query::SelectStatement;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult,
    IdenStatic, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};

use super::log::end_of_log;
use super::{Corrupt, Error, Owner, Store, Trail, connect, rows, snapshot, while_};

/// How many events that are not in the rows yet are read at once.
pub const EVENTS_AT_ONCE: usize = 2_000;

/// How many rows one question asks for. Two pages are in memory at the same time.
pub const PAGE_ROWS: u64 = 4_096;

impl Store {
    /// The Workspace as it was committed last.
    ///
    /// A commit of which it is not known whether it succeeded is decided by then. Were one still on its way to
    /// PostgreSQL, the fence would let only one pass, that one or the next: nothing that was acknowledged is lost.
    pub async fn load(&self, workspace: WorkspaceId) -> Result<State, Error> {
        Ok(self.load_with_trail(workspace).await?.0)
    }

    /// The same, and what its rows do not show yet, for [`Store::write_rows`].
    pub async fn load_with_trail(&self, workspace: WorkspaceId) -> Result<(State, Trail), Error> {
        if let Some(owner) = &self.inner.owner {
            settle(owner, workspace).await.map_err(while_("waiting for the end of a commit"))?;
        }
        let snapshot = snapshot(&self.inner.reader).await.map_err(while_("beginning to load a Workspace"))?;
        let mut state = read_state(&snapshot, workspace).await?;
        snapshot.rollback().await.map_err(while_("loading a Workspace"))?;
        let mut trail = Trail::new(workspace);
        loop {
            let page = self.log(workspace, state.sequence, EVENTS_AT_ONCE).await?;
            for recorded in &page.events {
                state.evolve(recorded);
            }
            trail.add(&page.events);
            if !page.more {
                break;
            }
        }
        state.finish_loading();
        check_references(&state)?;
        Ok((state, trail))
    }
}

/// Waits until no commit of the Workspace is under way: one that was given up, or whose connection broke, may still
/// be in the hands of the database. Being let in where commits are is proof that they are out.
async fn settle(owner: &Owner, workspace: WorkspaceId) -> Result<(), DbErr> {
    let transaction = connect::begin_writing(&owner.writer).await?;
    workspace::Entity::find_by_id(workspace.to_string()).lock_exclusive().one(&transaction).await?;
    transaction.rollback().await
}

async fn read_state(snapshot: &DatabaseTransaction, workspace: WorkspaceId) -> Result<State, Error> {
    let id = workspace.to_string();
    let row = workspace::Entity::find_by_id(&*id)
        .one(snapshot)
        .await
        .map_err(while_("loading a Workspace"))?
        .ok_or(Error::NoWorkspace { workspace })?;
    let (settings, rows::EndOfLog { sequence, at }) = rows::workspace(row)?;
    check_end_of_rows(snapshot, workspace, sequence).await?;

    let mut state = State::before(Arc::new(settings));
    state.sequence = sequence;
    state.at = at;
    let mut reader = Reader { snapshot, state };

    let rows = activity::Entity::find().filter(activity::Column::WorkspaceId.eq(&*id));
    let object = |row| rows::activity(row).map(Arc::new).map(Object::Activity);
    reader.read("loading Activities", rows, activity::Column::Id, object).await?;

    let rows = task_channel::Entity::find().filter(task_channel::Column::WorkspaceId.eq(&*id));
    let object = |row| rows::task_channel(row).map(Arc::new).map(Object::TaskChannel);
    reader.read("loading Task Channels", rows, task_channel::Column::Id, object).await?;

    let rows = skill::Entity::find().filter(skill::Column::WorkspaceId.eq(&*id));
    let object = |row| rows::skill(row).map(Arc::new).map(Object::Skill);
    reader.read("loading Skills", rows, skill::Column::Id, object).await?;

    // Of what was deleted, only what is referred to by something that is loaded, too. What only a transfer names is
    // not, as in the core.
    let rows = task_queue::Entity::find().filter(task_queue::Column::WorkspaceId.eq(&*id)).filter(
        Condition::any()
            .add(task_queue::Column::DeletedAt.is_null())
            .add(task_queue::Column::Id.in_subquery(of_tasks(&id, task::Column::TaskQueueId)))
            .add(task_queue::Column::Id.in_subquery(of_tasks(&id, task::Column::RoutingTargetId)))
            .add(task_queue::Column::Id.in_subquery(of_reservations(&id, reservation::Column::TaskQueueId))),
    );
    let object = |row| rows::task_queue(row).map(Arc::new).map(Object::TaskQueue);
    reader.read("loading TaskQueues", rows, task_queue::Column::Id, object).await?;

    let rows = workflow::Entity::find().filter(workflow::Column::WorkspaceId.eq(&*id)).filter(
        Condition::any()
            .add(workflow::Column::DeletedAt.is_null())
            .add(workflow::Column::Id.in_subquery(of_tasks(&id, task::Column::WorkflowId)))
            .add(workflow::Column::Id.in_subquery(of_tasks(&id, task::Column::RoutingTargetId)))
            .add(workflow::Column::Id.in_subquery(of_reservations(&id, reservation::Column::WorkflowId))),
    );
    let object = |row| rows::workflow(row).map(Arc::new).map(Object::Workflow);
    reader.read("loading Workflows", rows, workflow::Column::Id, object).await?;

    let rows = worker::Entity::find().filter(worker::Column::WorkspaceId.eq(&*id)).filter(
        Condition::any()
            .add(worker::Column::DeletedAt.is_null())
            .add(worker::Column::Id.in_subquery(of_tasks(&id, task::Column::RoutingTargetId)))
            .add(worker::Column::Id.in_subquery(of_reservations(&id, reservation::Column::WorkerId))),
    );
    let object = |row| rows::worker(row).map(Arc::new).map(Object::Worker);
    reader.read("loading Workers", rows, worker::Column::Id, object).await?;

    let rows = task::Entity::find()
        .filter(task::Column::WorkspaceId.eq(&*id))
        .filter(task::Column::PurgedAt.is_null());
    let object = |row| rows::task(row).map(Arc::new).map(Object::Task);
    reader.read("loading Tasks", rows, task::Column::Id, object).await?;

    let rows = reservation::Entity::find()
        .filter(reservation::Column::WorkspaceId.eq(&*id))
        .filter(reservation::Column::PurgedAt.is_null());
    let object = |row| rows::reservation(row).map(Arc::new).map(Object::Reservation);
    reader.read("loading Reservations", rows, reservation::Column::Id, object).await?;

    Ok(reader.state)
}

/// What the Tasks in memory name in a column.
fn of_tasks(workspace: &str, column: task::Column) -> SelectStatement {
    let tasks = task::Entity::find().select_only().column(column);
    let tasks =
        tasks.filter(task::Column::WorkspaceId.eq(workspace)).filter(task::Column::PurgedAt.is_null());
    tasks.filter(column.is_not_null()).into_query()
}

/// What their Reservations name in a column.
fn of_reservations(workspace: &str, column: reservation::Column) -> SelectStatement {
    let reservations = reservation::Entity::find().select_only().column(column);
    let reservations = reservations.filter(reservation::Column::WorkspaceId.eq(workspace));
    reservations.filter(reservation::Column::PurgedAt.is_null()).into_query()
}

struct Reader<'a> {
    snapshot: &'a DatabaseTransaction,
    state: State,
}

impl Reader<'_> {
    /// Puts all `rows` of a table into the state, in the order of their ids.
    async fn read<E: EntityTrait>(
        &mut self,
        doing: &'static str,
        rows: Select<E>,
        id: E::Column,
        object: impl Fn(E::Model) -> Result<Object, Corrupt>,
    ) -> Result<(), Error> {
        let Reader { snapshot, state } = self;
        let failed = while_(doing);
        let backend = snapshot.get_database_backend();
        let rows = rows.order_by_asc(id).limit(PAGE_ROWS);

        let mut page = snapshot.query_all_raw(rows.build(backend)).await.map_err(failed)?;
        while let Some(last) = page.last() {
            let after: String = last.try_get("", id.as_str()).map_err(failed)?;
            let next = rows.clone().filter(id.gt(after)).build(backend);
            // While one page is made into objects, the database looks for the next one.
            let (next, done) = tokio::join!(snapshot.query_all_raw(next), async {
                for row in &page {
                    let row = E::Model::from_query_result(row, "").map_err(failed)?;
                    state.put(object(row)?);
                }
                Ok::<(), Error>(())
            });
            done?;
            page = next.map_err(failed)?;
        }
        Ok(())
    }
}

/// The rows must not stand for more than there is.
async fn check_end_of_rows(
    snapshot: &DatabaseTransaction,
    workspace: WorkspaceId,
    sequence: u64,
) -> Result<(), Error> {
    let end = end_of_log(snapshot, workspace).await?;
    if sequence <= end {
        return Ok(());
    }
    let why = format!("the rows stand for the log up to {sequence}, and the log ends at {end}");
    Err(Error::from(Corrupt { table: "workspace", id: workspace.to_string(), column: "sequence", why }))
}

/// What the router looks up without asking must be there.
fn check_references(state: &State) -> Result<(), Corrupt> {
    let corrupt = |table, id: &dyn ToString, column, why: &str| {
        Err(Corrupt { table, id: id.to_string(), column, why: why.to_owned() })
    };

    let workspace = &state.workspace;
    for (column, activity) in [
        ("default_activity_id", Some(workspace.default_activity)),
        ("timeout_activity_id", workspace.timeout_activity),
        ("logout_activity_id", Some(workspace.logout_activity)),
    ] {
        if activity.is_some_and(|activity| !state.activities.contains_key(&activity)) {
            return corrupt("workspace", &workspace.id, column, "there is no such Activity");
        }
    }

    for worker in state.workers.values() {
        if !state.activities.contains_key(&worker.activity) {
            return corrupt("worker", &worker.id, "activity_id", "there is no such Activity");
        }
        if worker.channels.iter().any(|channel| state.task_channel(channel.task_channel).is_none()) {
            return corrupt("worker", &worker.id, "channels", "there is no such Task Channel");
        }
    }

    for task in state.tasks.values() {
        let is_over = task.ended().is_some();
        let has_channel = match is_over {
            true => state.task_channel(task.task_channel).is_some(),
            false => state.task_channels.contains_key(&task.task_channel),
        };
        if !has_channel {
            return corrupt("task", &task.id, "task_channel_id", "there is no such Task Channel");
        }
        let has_queue = |queue| match is_over {
            true => state.task_queue(queue).is_some(),
            false => state.task_queues.contains_key(&queue),
        };
        if task.task_queue.is_some_and(|queue| !has_queue(queue)) {
            return corrupt("task", &task.id, "task_queue_id", "there is no such TaskQueue");
        }
        // A Task that waits in it follows it; the others remember it.
        let workflow = task.workflow.map(|id| match task.step() {
            Some(_) => state.workflows.get(&id),
            None => state.workflow(id),
        });
        if workflow == Some(None) {
            return corrupt("task", &task.id, "workflow_id", "there is no such Workflow");
        }
        if let Some(number) = task.step().map(|step| step.revision) {
            let mut revisions = workflow.flatten().into_iter().flat_map(|workflow| &workflow.revisions);
            if revisions.all(|revision| revision.number != number) {
                return corrupt("task", &task.id, "place", "the Workflow has no such revision");
            }
        }
        if let Some(Place::Worker(worker)) = task.waiting().and_then(|waiting| waiting.place.as_ref())
            && !state.workers.contains_key(worker)
        {
            return corrupt("task", &task.id, "place", "there is no such Worker");
        }
        if task.open_reservations.iter().any(|reservation| !state.reservations.contains_key(reservation)) {
            return corrupt("task", &task.id, "open_reservations", "there is no such Reservation");
        }
    }

    for reservation in state.reservations.values() {
        if !state.tasks.contains_key(&reservation.task) {
            return corrupt("reservation", &reservation.id, "task_id", "there is no such Task");
        }
        let has_worker = match reservation.status.is_open() {
            true => state.workers.contains_key(&reservation.worker),
            false => state.worker(reservation.worker).is_some(),
        };
        if !has_worker {
            return corrupt("reservation", &reservation.id, "worker_id", "there is no such Worker");
        }
    }
    Ok(())
}
