//! The rows, which follow the log.
//!
//! A commit appends to the log and touches no other table: that is all it takes for a change to be durable. The rows
//! of what it changed are written a moment later, together with those of the commits around it: a Task that was
//! created, accepted and completed meanwhile is written once.
//!
//! ```text
//!   log    1 2 3 … p … n          n  the end of the log   the last acknowledged event
//!   rows   ────────┘              p  workspace.sequence   the rows stand for at least the log up to here
//! ```
//!
//! A Workspace is loaded from its rows and the events after `p`. Some rows may already be newer than `p`, since they
//! are written a few at a time, so as not to hold up commits; that does no harm: an event holds whole objects, and
//! whatever changed after `p` is put in its place again. What is behind is bounded by those who call
//! [`Store::write_rows`].
//!
//! Rows may be lost with the power, as long as `p` is lost with them; so their commits do not wait for the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use routing::event::{Object, Recorded};
use routing::ids::{
    ActivityId, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId,
};
use routing::state::{
    Activity, Reservation, Skill, State, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace,
};
use routing::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter,
};

use super::statements::{carry_out, padded, upserts};
use super::{Error, Owner, Store, rows, while_};

/// How many rows one transaction writes: a commit that comes meanwhile waits for some tenths of a millisecond.
const ROWS_PER_TRANSACTION: usize = 32;

/// The same where very much is behind: then commits come in batches anyway, and fewer transactions leave more for them.
const ROWS_PER_TRANSACTION_IN_A_HURRY: usize = 256;

/// From how many events on there is a hurry.
const HURRY_EVENTS: usize = 80_000;

/// What the rows of a Workspace do not show yet: the objects that changed, each once, as it was in the end.
#[derive(Debug)]
pub struct Trail {
    workspace: WorkspaceId,
    /// What the rows will stand for when all of this is written; `None` when nothing is behind.
    until: Option<rows::EndOfLog>,
    n_events: usize,
    touched: Touched,
}

impl Trail {
    /// Nothing is behind.
    #[must_use]
    pub fn new(workspace: WorkspaceId) -> Trail {
        Trail { workspace, until: None, n_events: 0, touched: Touched::default() }
    }

    /// What events changed that follow on those before.
    pub fn add<'a>(&mut self, events: impl IntoIterator<Item = &'a Recorded>) {
        for recorded in events {
            for object in recorded.event.objects() {
                self.touched.add(recorded.at, object);
            }
            self.until = Some(rows::EndOfLog { sequence: recorded.sequence, at: recorded.at });
            self.n_events += 1;
        }
    }

    /// All of it; nothing is left behind.
    #[must_use]
    pub fn take(&mut self) -> Trail {
        let nothing = Trail::new(self.workspace);
        std::mem::replace(self, nothing)
    }

    /// How many events the rows are behind.
    #[must_use]
    pub fn n_events(&self) -> usize {
        self.n_events
    }

    /// Does the state say what the events say that have led to it?
    #[must_use]
    pub fn agrees_with(&self, state: &State) -> bool {
        self.until.is_none_or(|until| until.sequence == state.sequence && until.at == state.at)
            && self.touched.agrees_with(state)
    }
}

/// The objects that events changed, each once, as it was after the last of them. From the events and not from the
/// state: a Task that ended and left the memory is no longer in the state, and its row must tell how it ended.
#[derive(Debug, Default)]
struct Touched {
    workspace: Option<Arc<Workspace>>,
    activities: BTreeMap<ActivityId, Arc<Activity>>,
    task_channels: BTreeMap<TaskChannelId, Arc<TaskChannel>>,
    skills: BTreeMap<SkillId, Arc<Skill>>,
    /// The Skills that are there no more.
    deleted_skills: BTreeSet<SkillId>,
    task_queues: BTreeMap<TaskQueueId, Arc<TaskQueue>>,
    workflows: BTreeMap<WorkflowId, Arc<Workflow>>,
    workers: BTreeMap<WorkerId, Arc<Worker>>,
    tasks: BTreeMap<TaskId, Arc<Task>>,
    reservations: BTreeMap<ReservationId, Arc<Reservation>>,
    /// The Tasks that left the memory, by when.
    purged: BTreeMap<Timestamp, Vec<TaskId>>,
}

impl Touched {
    fn add(&mut self, at: Timestamp, object: Object) {
        match object {
            Object::Workspace(workspace) => self.workspace = Some(workspace),
            Object::Activity(activity) => {
                self.activities.insert(activity.id, activity);
            }
            Object::TaskChannel(channel) => {
                self.task_channels.insert(channel.id, channel);
            }
            Object::Skill(skill) => {
                self.skills.insert(skill.id, skill);
            }
            Object::DeletedSkill(skill) => {
                self.skills.remove(&skill.id);
                self.deleted_skills.insert(skill.id);
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
            skills,
            deleted_skills,
            task_queues,
            workflows,
            workers,
            tasks,
            reservations,
            purged: _,
        } = self;
        workspace.as_ref().is_none_or(|workspace| *workspace == state.workspace)
            && skills.values().all(|skill| state.skills.get(&skill.id) == Some(skill))
            && deleted_skills.iter().all(|skill| !state.skills.contains_key(skill))
            && activities.values().all(|activity| state.activity(activity.id) == Some(activity))
            && task_channels.values().all(|channel| state.task_channel(channel.id) == Some(channel))
            && task_queues.values().all(|it| is_there(it, it.deleted_at, state.task_queue(it.id)))
            && workflows.values().all(|it| is_there(it, it.deleted_at, state.workflow(it.id)))
            && workers.values().all(|it| is_there(it, it.deleted_at, state.worker(it.id)))
            && tasks.values().all(|task| state.tasks.get(&task.id).is_none_or(|now| now == task))
            && reservations.values().all(|one| state.reservations.get(&one.id).is_none_or(|now| now == one))
    }
}

/// What was deleted may be forgotten, but it is nothing else.
fn is_there<T: PartialEq>(object: &Arc<T>, deleted_at: Option<Timestamp>, there: Option<&Arc<T>>) -> bool {
    there.map_or(deleted_at.is_some(), |there| there == object)
}

impl Store {
    /// Writes the rows that are behind, a few at a time, between commits. After an error some may be written; the
    /// same trail can be written again, and nothing is lost if it is not, as long as the log is there.
    pub async fn write_rows(&self, trail: &Trail) -> Result<(), Error> {
        let Some(until) = trail.until else { return Ok(()) };
        let (owner, id) = (self.owner()?, trail.workspace);
        let Touched {
            workspace,
            activities,
            task_channels,
            skills,
            deleted_skills,
            task_queues,
            workflows,
            workers,
            tasks,
            reservations,
            purged,
        } = &trail.touched;
        let is_hurry = trail.n_events >= HURRY_EVENTS;
        let at_once = if is_hurry { ROWS_PER_TRANSACTION_IN_A_HURRY } else { ROWS_PER_TRANSACTION };
        let write = Writer { owner, workspace: id, at_once };
        // Tables in the order of their foreign keys.
        if let Some(workspace) = workspace {
            write.settings(workspace).await?;
        }
        write
            .table::<entity::activity::Entity, _>("writing Activities", &values(activities), |it| {
                rows::activity_row(id, it)
            })
            .await?;
        write
            .table::<entity::task_channel::Entity, _>("writing Task Channels", &values(task_channels), |it| {
                rows::task_channel_row(id, it)
            })
            .await?;
        write
            .table::<entity::skill::Entity, _>("writing Skills", &values(skills), |it| {
                rows::skill_row(id, it)
            })
            .await?;
        write.deleted_skills(deleted_skills).await?;
        write
            .table::<entity::task_queue::Entity, _>("writing TaskQueues", &values(task_queues), |it| {
                rows::task_queue_row(id, it)
            })
            .await?;
        write
            .table::<entity::workflow::Entity, _>("writing Workflows", &values(workflows), |it| {
                rows::workflow_row(id, it)
            })
            .await?;
        write
            .table::<entity::worker::Entity, _>("writing Workers", &values(workers), |it| {
                rows::worker_row(id, it)
            })
            .await?;
        write
            .table::<entity::task::Entity, _>("writing Tasks", &values(tasks), |it| rows::task_row(id, it))
            .await?;
        write
            .table::<entity::reservation::Entity, _>("writing Reservations", &values(reservations), |it| {
                rows::reservation_row(id, it)
            })
            .await?;
        write.purged(purged).await?;
        write.position(until).await?;
        owner.checkpoint().await
    }
}

fn values<K, V>(map: &BTreeMap<K, V>) -> Vec<&V> {
    map.values().collect()
}

/// Writes in transactions of their own, each with the fence that commits have, and none for long.
struct Writer<'a> {
    owner: &'a Owner,
    workspace: WorkspaceId,
    /// How many rows one transaction writes.
    at_once: usize,
}

impl Writer<'_> {
    async fn table<E, O>(
        &self,
        doing: &'static str,
        objects: &[&Arc<O>],
        row: impl Fn(&O) -> E::Model,
    ) -> Result<(), Error>
    where
        E: EntityTrait,
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        for chunk in objects.chunks(self.at_once) {
            let rows = chunk.iter().map(|object| row(object)).collect();
            let statements = upserts::<E>(self.owner.backend(), rows);
            let writing = self.owner.begin_rows(self.workspace).await?;
            let written = carry_out(&writing.transaction, doing, statements).await;
            writing.end(written).await?;
        }
        Ok(())
    }

    /// The settings, and nothing of where log and rows end.
    async fn settings(&self, workspace: &Workspace) -> Result<(), Error> {
        use entity::workspace::{ActiveModel, Column, Entity};
        let nowhere = rows::EndOfLog { sequence: 0, at: workspace.created_at };
        let mut row: ActiveModel = rows::workspace_row(workspace, nowhere).into_active_model().reset_all();
        for kept in [Column::Tag, Column::Sequence, Column::SequenceAt] {
            row.not_set(kept);
        }
        row.id = ActiveValue::Unchanged(workspace.id.to_string());
        let writing = self.owner.begin_rows(self.workspace).await?;
        let written = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(workspace.id.to_string()))
            .exec(&writing.transaction)
            .await;
        writing.end(written.map(drop).map_err(while_("writing a Workspace"))).await
    }

    /// Removes the rows of Skills that are there no more. Nothing refers to them.
    async fn deleted_skills(&self, skills: &BTreeSet<SkillId>) -> Result<(), Error> {
        let skills: Vec<String> = skills.iter().map(ToString::to_string).collect();
        for chunk in skills.chunks(self.at_once) {
            let writing = self.owner.begin_rows(self.workspace).await?;
            let removed = entity::skill::Entity::delete_many()
                .filter(entity::skill::Column::Id.is_in(padded(chunk)))
                .exec(&writing.transaction)
                .await;
            writing.end(removed.map(drop).map_err(while_("removing deleted Skills"))).await?;
        }
        Ok(())
    }

    /// Marks the rows of Tasks that left the memory, and of their Reservations: they stay, but are not loaded again.
    async fn purged(&self, purged: &BTreeMap<Timestamp, Vec<TaskId>>) -> Result<(), Error> {
        for (at, tasks) in purged {
            for chunk in tasks.chunks(self.at_once) {
                let writing = self.owner.begin_rows(self.workspace).await?;
                let marked = mark_purged(&writing.transaction, *at, chunk).await;
                writing.end(marked.map_err(while_("marking purged Tasks"))).await?;
            }
        }
        Ok(())
    }

    /// Says what the rows stand for. It comes last, and never goes back.
    async fn position(&self, until: rows::EndOfLog) -> Result<(), Error> {
        use entity::workspace::{Column, Entity};
        let writing = self.owner.begin_rows(self.workspace).await?;
        let written = Entity::update_many()
            .col_expr(Column::Sequence, Expr::value(rows::position(until.sequence)))
            .col_expr(Column::SequenceAt, Expr::value(until.at.0))
            .filter(Column::Id.eq(self.workspace.to_string()))
            .filter(Column::Sequence.lt(rows::position(until.sequence)))
            .exec(&writing.transaction)
            .await;
        writing.end(written.map(drop).map_err(while_("saying what the rows stand for"))).await
    }
}

async fn mark_purged(
    transaction: &DatabaseTransaction,
    at: Timestamp,
    tasks: &[TaskId],
) -> Result<(), DbErr> {
    let ids: Vec<String> = padded(tasks).map(ToString::to_string).collect();
    entity::task::Entity::update_many()
        .col_expr(entity::task::Column::PurgedAt, Expr::value(at.0))
        .filter(entity::task::Column::Id.is_in(&ids))
        .exec(transaction)
        .await?;
    entity::reservation::Entity::update_many()
        .col_expr(entity::reservation::Column::PurgedAt, Expr::value(at.0))
        .filter(entity::reservation::Column::TaskId.is_in(&ids))
        .exec(transaction)
        .await?;
    Ok(())
}
