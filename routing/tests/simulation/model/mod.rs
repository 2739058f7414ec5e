//! The router once more, in the plainest way: lists and loops, written from `docs/routing.md`. It predicts the answer
//! to every command and every event, value by value; [`comparison`] says where the core differs.
//!
//! It shares with the core the plain data types (a [`Task`] is a [`Task`]), the reading of expressions and routing
//! documents into trees, and the making of ids. All else is its own: what is true ([`expressions`]), who is offered
//! what ([`matching`]), what is due ([`time`]). There is no index, no lane, no wake and no timer. Each question is
//! answered by looking at everything, each time from the beginning.
//!
//! What an object says of other objects is never counted on, but always counted anew: [`Model::record_reservation`].

mod channels;
mod checks;
mod comparison;
mod deletions;
mod expressions;
mod matching;
mod offers;
mod reservations;
mod settings;
mod skills;
mod tasks;
mod time;
mod transfers;
mod workers;
mod workflows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use routing::event::{Actor, Event, Recorded};
use routing::ids::*;
use routing::state::{
    Activity, Reservation, Skill, Task, TaskChannel, TaskQueue, Worker, Workflow, Workspace,
};
use routing::time::Timestamp;
use routing::{Command, Limits, State};

pub use checks::Answer;
pub use comparison::assert_same_events;
use offers::Offer;

/// One Workspace.
pub struct Model {
    pub now: Timestamp,
    limits: Limits,
    sequence: u64,
    actor: Actor,
    events: Vec<Recorded>,
    workspace: Workspace,
    activities: BTreeMap<ActivityId, Activity>,
    task_channels: BTreeMap<TaskChannelId, TaskChannel>,
    skills: BTreeMap<SkillId, Skill>,
    task_queues: BTreeMap<TaskQueueId, TaskQueue>,
    workflows: BTreeMap<WorkflowId, Workflow>,
    workers: BTreeMap<WorkerId, Worker>,
    tasks: BTreeMap<TaskId, Task>,
    reservations: BTreeMap<ReservationId, Reservation>,
    deleted: deletions::Deleted,
    /// Every offer that was made to a Worker, oldest first; also those of purged Tasks.
    offers: BTreeMap<WorkerId, Vec<Offer>>,
    /// The Tasks that have come to a step, or have had an offer fail there, since everything was settled.
    looked_at: BTreeSet<TaskId>,
    documents: expressions::Documents,
}

impl Model {
    /// Begins where a router begins that is loaded with this state, in which there have been no Tasks.
    pub fn new(state: &State, limits: Limits, now: Timestamp) -> Model {
        assert!(
            state.tasks.is_empty() && state.reservations.is_empty(),
            "a model begins before the first Task"
        );
        Model {
            now,
            limits,
            sequence: state.sequence,
            actor: Actor::System,
            events: Vec::new(),
            workspace: Workspace::clone(&state.workspace),
            activities: values(&state.activities),
            task_channels: values(&state.task_channels),
            skills: values(&state.skills),
            task_queues: values(&state.task_queues),
            workflows: values(&state.workflows),
            workers: values(&state.workers),
            tasks: BTreeMap::new(),
            reservations: BTreeMap::new(),
            deleted: deletions::Deleted::default(),
            offers: BTreeMap::new(),
            looked_at: BTreeSet::new(),
            documents: expressions::Documents::default(),
        }
    }

    /// Carries out a command. One that is refused has changed nothing.
    pub fn apply(&mut self, command: Command, actor: Actor) -> Answer {
        self.actor = actor;
        match command {
            Command::UpdateWorkspace(command) => self.update_workspace(command),
            Command::CreateActivity(command) => self.create_activity(command),
            Command::UpdateActivity(command) => self.update_activity(command),
            Command::DeleteActivity(command) => self.delete_activity(command),
            Command::CreateSkill(command) => self.create_skill(command),
            Command::UpdateSkill(command) => self.update_skill(command),
            Command::DeleteSkill(command) => self.delete_skill(command),
            Command::AssignSkill(command) => self.assign_skill(command),
            Command::UnassignSkill(command) => self.unassign_skill(command),
            Command::CreateTaskChannel(command) => self.create_task_channel(command),
            Command::UpdateTaskChannel(command) => self.update_task_channel(command),
            Command::DeleteTaskChannel(command) => self.delete_task_channel(command),
            Command::CreateTaskQueue(command) => self.create_task_queue(command),
            Command::UpdateTaskQueue(command) => self.update_task_queue(command),
            Command::DeleteTaskQueue(command) => self.delete_task_queue(command),
            Command::CreateWorkflow(command) => self.create_workflow(command),
            Command::UpdateWorkflow(command) => self.update_workflow(command),
            Command::DeleteWorkflow(command) => self.delete_workflow(command),
            Command::CreateWorker(command) => self.create_worker(command),
            Command::UpdateWorker(command) => self.update_worker(command),
            Command::SetWorkerActivity(command) => self.set_worker_activity(command),
            Command::UpdateWorkerChannel(command) => self.update_worker_channel(command),
            Command::DeleteWorker(command) => self.delete_worker(command),
            Command::CreateTask(command) => self.create_task(command),
            Command::UpdateTask(command) => self.update_task(command),
            Command::CancelTask(command) => self.cancel_task(command),
            Command::WrapUpTask(command) => self.wrap_up_task(command),
            Command::CompleteTask(command) => self.complete_task(command),
            Command::TransferTask(command) => self.transfer_task(command),
            Command::CancelTransfer(command) => self.cancel_transfer(command),
            Command::DeleteTask(command) => self.delete_task(command),
            Command::AcceptReservation(command) => self.accept_reservation(command),
            Command::RejectReservation(command) => self.reject_reservation(command),
            Command::WrapUpReservation(command) => self.wrap_up_reservation(command),
            Command::CompleteReservation(command) => self.complete_reservation(command),
        }?;
        self.settle();
        Ok(())
    }

    /// Lets time come to `now`, and does what is due.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.actor = Actor::System;
        while let Some(due) = self.first_due() {
            self.happen(due);
        }
        self.settle();
    }

    /// What has happened since the last call.
    pub fn take_events(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.events)
    }

    fn record(&mut self, event: Event) {
        self.sequence += 1;
        let (sequence, at, actor) = (self.sequence, self.now, self.actor.clone());
        self.events.push(Recorded { sequence, at, actor, event });
    }

    /// A Task is now like this.
    fn record_task(&mut self, task: Task, event: impl FnOnce(Arc<Task>) -> Event) {
        self.tasks.insert(task.id, task.clone());
        self.record(event(Arc::new(task)));
    }

    /// A Worker is now like this.
    fn record_worker(&mut self, worker: Worker, event: impl FnOnce(Arc<Worker>) -> Event) {
        self.workers.insert(worker.id, worker.clone());
        self.record(event(Arc::new(worker)));
    }

    /// A copy of a Task to be changed, which its version counts.
    fn changed(&self, id: TaskId) -> Task {
        let mut task = self.tasks[&id].clone();
        task.version += 1;
        task.updated_at = self.now;
        task
    }

    fn tag(&self) -> WorkspaceTag {
        self.workspace.id.workspace_tag()
    }
}

fn values<K: Copy + Ord, V: Clone>(map: &routing::state::Map<K, V>) -> BTreeMap<K, V> {
    map.iter().map(|(id, object)| (*id, V::clone(object))).collect()
}

fn seconds_after(at: Timestamp, seconds: u32) -> Timestamp {
    Timestamp(at.0 + 1_000 * i64::from(seconds))
}
