//! The ground state of one Workspace, and `evolve`, the only function that changes it.
//!
//! A `State` is a value: cloning costs a few pointers, so that readers keep the state of a moment while the next
//! one is made. What can be computed from it lives in [`crate::index`], with one exception: [`Lookups`], which
//! readers need and which therefore belong to the moment.

pub mod activity;
pub mod deleted;
pub mod reservation;
pub mod skill;
pub mod task;
pub mod task_channel;
pub mod task_queue;
pub mod task_transfer;
pub mod vocabulary;
pub mod worker;
pub mod workflow;
pub mod workspace;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::event::{Object, Recorded};
use crate::ids::{
    ActivityId, Id, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, TaskTransferId, WorkerId,
    WorkflowId, WorkspaceId, WorkspaceTag,
};
use crate::time::Timestamp;
use crate::workflow_configuration::Target;

pub use activity::Activity;
pub use deleted::Deleted;
pub use reservation::{Reservation, ReservationStatus};
pub use skill::Skill;
pub use task::{Phase, RoutingTarget, Task, TaskStatus};
pub use task_channel::TaskChannel;
pub use task_queue::{TargetWorkers, TaskOrder, TaskQueue};
pub use task_transfer::TaskTransfer;
use vocabulary::{Vocabulary, Words};
pub use worker::{Worker, WorkerChannel};
pub use workflow::Workflow;
pub use workspace::Workspace;

use deleted::References;

/// A persistent ordered map: cloning is cheap, and so is changing a clone.
pub type Map<K, V> = OrdMap<K, Arc<V>>;

/// What an event did to one object.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// The object as it was; `None` where it is new.
    pub old: Option<Object>,
    /// As it is now.
    pub new: Object,
}

/// One Workspace at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// The position of the newest event in the log; 0 before the first.
    pub sequence: u64,
    /// When that event happened. Time does not go back behind it, also not after a restart.
    pub at: Timestamp,
    /// The settings.
    pub workspace: Arc<Workspace>,
    /// All Activities. What was deleted is in none of these maps.
    pub activities: Map<ActivityId, Activity>,
    /// All Task Channels.
    pub task_channels: Map<TaskChannelId, TaskChannel>,
    /// All Skills.
    pub skills: Map<SkillId, Skill>,
    /// All TaskQueues.
    pub task_queues: Map<TaskQueueId, TaskQueue>,
    /// All Workflows.
    pub workflows: Map<WorkflowId, Workflow>,
    /// All Workers.
    pub workers: Map<WorkerId, Worker>,
    /// All Tasks that have not been purged.
    pub tasks: Map<TaskId, Task>,
    /// The Reservations of these Tasks.
    pub reservations: Map<ReservationId, Reservation>,
    /// What was deleted and can still be read.
    pub deleted: Deleted,
    /// Ways into the maps above.
    pub lookups: Lookups,
}

/// Ways into the maps of a [`State`], kept up to date by `evolve`. Derived, never stored.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lookups {
    /// Workers by their name in lower case.
    pub worker_names: OrdMap<String, WorkerId>,
    /// Skills by their name in lower case.
    pub skill_names: OrdMap<String, SkillId>,
    /// TaskQueues by their name in lower case.
    pub task_queue_names: OrdMap<String, TaskQueueId>,
    /// Workflows by their name in lower case.
    pub workflow_names: OrdMap<String, WorkflowId>,
    /// The Reservations of each Worker.
    pub reservations_of_worker: OrdSet<(WorkerId, ReservationId)>,
    /// The Reservations of each Task.
    pub reservations_of_task: OrdSet<(TaskId, ReservationId)>,
    /// The Tasks of each TaskQueue that have not ended. By TaskQueue, because there may be half a million of them.
    pub tasks_of_queue: OrdMap<TaskQueueId, OrdSet<TaskId>>,
    /// The Task of each transfer.
    pub transferred: OrdMap<TaskTransferId, TaskId>,
    /// The names in the attributes of Workers; see [`State::words`].
    pub vocabulary: Vocabulary,
}

impl State {
    /// A Workspace before its first event.
    #[must_use]
    pub fn before(workspace: Arc<Workspace>) -> State {
        State {
            sequence: 0,
            at: workspace.created_at,
            workspace,
            activities: OrdMap::new(),
            task_channels: OrdMap::new(),
            skills: OrdMap::new(),
            task_queues: OrdMap::new(),
            workflows: OrdMap::new(),
            workers: OrdMap::new(),
            tasks: OrdMap::new(),
            reservations: OrdMap::new(),
            deleted: Deleted::default(),
            lookups: Lookups::default(),
        }
    }

    /// Applies the next event of the log, and returns what it changed.
    ///
    /// An event holds every object that it changed as it was afterwards, so that nothing has to be decided here.
    pub fn evolve(&mut self, recorded: &Recorded) -> Vec<Change> {
        assert_eq!(recorded.sequence, self.sequence + 1, "events are applied in the order of the log");
        self.sequence = recorded.sequence;
        self.at = recorded.at;
        let mut changes = Vec::new();
        for new in recorded.event.objects() {
            let old = self.put(new.clone());
            if new.is_deleted() {
                self.deleted.forget_unreferenced();
            }
            changes.push(Change { old, new });
        }
        changes
    }

    /// To be called when all rows were put in their places, and the events behind them were applied: rows are not all
    /// of one moment, so that names may have gone from one to another meanwhile, and what was deleted may have been
    /// put before what refers to it.
    pub fn finish_loading(&mut self) {
        let Lookups { worker_names, task_queue_names, workflow_names, skill_names, .. } = &mut self.lookups;
        *worker_names = self.workers.values().map(|it| (it.name.to_lowercase(), it.id)).collect();
        *task_queue_names = self.task_queues.values().map(|it| (it.name.to_lowercase(), it.id)).collect();
        *workflow_names = self.workflows.values().map(|it| (it.name.to_lowercase(), it.id)).collect();
        *skill_names = self.skills.values().map(|it| (it.name.to_lowercase(), it.id)).collect();
        self.deleted.forget_unreferenced();
    }

    /// Puts an object in its place, and returns the former one. Loading rows uses it, too.
    pub fn put(&mut self, object: Object) -> Option<Object> {
        match object {
            Object::Workspace(workspace) => {
                Some(Object::Workspace(std::mem::replace(&mut self.workspace, workspace)))
            }
            Object::Activity(activity) if activity.deleted_at.is_some() => {
                let former = self.activities.remove(&activity.id);
                self.deleted.activities.insert(activity.id, activity);
                former.map(Object::Activity)
            }
            Object::Activity(activity) => {
                self.deleted.activities.remove(&activity.id);
                self.activities.insert(activity.id, activity).map(Object::Activity)
            }
            Object::TaskChannel(channel) if channel.deleted_at.is_some() => {
                let former = self.task_channels.remove(&channel.id);
                self.deleted.task_channels.insert(channel.id, channel);
                former.map(Object::TaskChannel)
            }
            Object::TaskChannel(channel) => {
                self.deleted.task_channels.remove(&channel.id);
                self.task_channels.insert(channel.id, channel).map(Object::TaskChannel)
            }
            Object::Skill(skill) => {
                let (id, name) = (skill.id, skill.name.to_lowercase());
                let former = self.skills.insert(id, skill);
                rename(
                    &mut self.lookups.skill_names,
                    id,
                    name,
                    former.as_ref().map(|former| former.name.to_lowercase()),
                );
                former.map(Object::Skill)
            }
            Object::DeletedSkill(skill) => {
                let former = self.skills.remove(&skill.id)?;
                forget_name(&mut self.lookups.skill_names, skill.id, Some(former.name.to_lowercase()));
                Some(Object::Skill(former))
            }
            Object::TaskQueue(queue) if queue.deleted_at.is_some() => {
                let id = queue.id;
                let former = self.task_queues.remove(&id);
                let former_name = former.as_ref().map(|former| former.name.to_lowercase());
                forget_name(&mut self.lookups.task_queue_names, id, former_name);
                let n_references = self.count_references(|references| references.to_task_queue(id));
                self.deleted.task_queues.insert(id, queue, n_references);
                former.map(Object::TaskQueue)
            }
            Object::TaskQueue(queue) => {
                self.deleted.task_queues.remove(&queue.id);
                let (id, name) = (queue.id, queue.name.to_lowercase());
                let former = self.task_queues.insert(id, queue);
                rename(
                    &mut self.lookups.task_queue_names,
                    id,
                    name,
                    former.as_ref().map(|former| former.name.to_lowercase()),
                );
                former.map(Object::TaskQueue)
            }
            Object::Workflow(workflow) if workflow.deleted_at.is_some() => {
                let id = workflow.id;
                let former = self.workflows.remove(&id);
                let former_name = former.as_ref().map(|former| former.name.to_lowercase());
                forget_name(&mut self.lookups.workflow_names, id, former_name);
                let n_references = self.count_references(|references| references.to_workflow(id));
                self.deleted.workflows.insert(id, workflow, n_references);
                former.map(Object::Workflow)
            }
            Object::Workflow(workflow) => {
                self.deleted.workflows.remove(&workflow.id);
                let (id, name) = (workflow.id, workflow.name.to_lowercase());
                let former = self.workflows.insert(id, workflow);
                rename(
                    &mut self.lookups.workflow_names,
                    id,
                    name,
                    former.as_ref().map(|former| former.name.to_lowercase()),
                );
                former.map(Object::Workflow)
            }
            Object::Worker(worker) if worker.deleted_at.is_some() => {
                let id = worker.id;
                let former = self.workers.remove(&id);
                let former_name = former.as_ref().map(|former| former.name.to_lowercase());
                forget_name(&mut self.lookups.worker_names, id, former_name);
                self.lookups.vocabulary.forget();
                let n_references = self.count_references(|references| references.to_worker(id));
                self.deleted.workers.insert(id, worker, n_references);
                former.map(Object::Worker)
            }
            Object::Worker(worker) => self.put_worker(worker).map(Object::Worker),
            Object::Task(task) => self.put_task(task).map(Object::Task),
            Object::Reservation(reservation) => self.put_reservation(reservation).map(Object::Reservation),
            Object::PurgedTask(id) => self.purge(id).map(Object::Task),
        }
    }

    /// Which bits the ids of this Workspace end in.
    #[must_use]
    pub fn tag(&self) -> WorkspaceTag {
        self.workspace.id.workspace_tag()
    }

    /// The Workspace's id.
    #[must_use]
    pub fn id(&self) -> WorkspaceId {
        self.workspace.id
    }

    /// The Activity with this id, also where it was deleted.
    #[must_use]
    pub fn activity(&self, id: ActivityId) -> Option<&Arc<Activity>> {
        self.activities.get(&id).or_else(|| self.deleted.activities.get(&id))
    }

    /// The Task Channel with this id, also where it was deleted.
    #[must_use]
    pub fn task_channel(&self, id: TaskChannelId) -> Option<&Arc<TaskChannel>> {
        self.task_channels.get(&id).or_else(|| self.deleted.task_channels.get(&id))
    }

    /// The TaskQueue with this id, also where it was deleted, as long as something refers to it.
    #[must_use]
    pub fn task_queue(&self, id: TaskQueueId) -> Option<&Arc<TaskQueue>> {
        self.task_queues.get(&id).or_else(|| self.deleted.task_queues.get(&id))
    }

    /// The Workflow with this id, also where it was deleted, as long as something refers to it.
    #[must_use]
    pub fn workflow(&self, id: WorkflowId) -> Option<&Arc<Workflow>> {
        self.workflows.get(&id).or_else(|| self.deleted.workflows.get(&id))
    }

    /// The Worker with this id, also where they were deleted, as long as something refers to them.
    #[must_use]
    pub fn worker(&self, id: WorkerId) -> Option<&Arc<Worker>> {
        self.workers.get(&id).or_else(|| self.deleted.workers.get(&id))
    }

    /// The Worker called `name`, without regard to case.
    #[must_use]
    pub fn worker_named(&self, name: &str) -> Option<&Arc<Worker>> {
        self.workers.get(self.lookups.worker_names.get(&name.to_lowercase())?)
    }

    /// The Skill called `name`, without regard to case.
    #[must_use]
    pub fn skill_named(&self, name: &str) -> Option<&Arc<Skill>> {
        self.skills.get(self.lookups.skill_names.get(&name.to_lowercase())?)
    }

    /// The Skills that a Worker has, each with what is known of its level, in the order of the Worker's list. Names
    /// there that are no Skill are passed over; capitals matter, as they do to expressions.
    #[must_use]
    pub fn skills_of(&self, worker: &Worker) -> Vec<(&Arc<Skill>, Option<u32>)> {
        if self.skills.is_empty() {
            return Vec::new();
        }
        let attributes = worker.attributes.to_value();
        let names = skill::names(&attributes).into_iter();
        let skills = names.filter_map(|name| self.skill_named(name).filter(|skill| skill.name == name));
        skills
            .map(|skill| {
                let level = skill.levels.and_then(|_| skill::level(&attributes, &skill.name));
                (skill, level.and_then(skill::level_of))
            })
            .collect()
    }

    /// The TaskQueue called `name`, without regard to case.
    #[must_use]
    pub fn task_queue_named(&self, name: &str) -> Option<&Arc<TaskQueue>> {
        self.task_queues.get(self.lookups.task_queue_names.get(&name.to_lowercase())?)
    }

    /// The Workflow called `name`, without regard to case.
    #[must_use]
    pub fn workflow_named(&self, name: &str) -> Option<&Arc<Workflow>> {
        self.workflows.get(self.lookups.workflow_names.get(&name.to_lowercase())?)
    }

    /// The Activity called `name`, without regard to case.
    #[must_use]
    pub fn activity_named(&self, name: &str) -> Option<&Arc<Activity>> {
        let name = name.to_lowercase();
        self.activities.values().find(|activity| activity.name.to_lowercase() == name)
    }

    /// The Task Channel with this unique name.
    #[must_use]
    pub fn task_channel_named(&self, unique_name: &str) -> Option<&Arc<TaskChannel>> {
        self.task_channels.values().find(|channel| channel.unique_name == unique_name)
    }

    /// The names in the attributes of all Workers; `None` where there are too many. The first one to ask after the
    /// attributes of some Worker have changed waits for a look at all of them.
    #[must_use]
    pub fn words(&self) -> Option<&Words> {
        self.lookups.vocabulary.of(&self.workers)
    }

    /// Is the Worker in an Activity in which work may come?
    #[must_use]
    pub fn is_available(&self, worker: &Worker) -> bool {
        let activity = self.activities.get(&worker.activity);
        worker.deleted_at.is_none() && activity.is_some_and(|activity| activity.available)
    }

    /// The Reservations of a Worker, oldest first.
    pub fn reservations_of_worker(
        &self,
        worker: WorkerId,
    ) -> impl DoubleEndedIterator<Item = &Arc<Reservation>> {
        let range = (worker, ReservationId::from_bits(0))..=(worker, ReservationId::from_bits(u128::MAX));
        self.lookups.reservations_of_worker.range(range).map(|(_, id)| &self.reservations[id])
    }

    /// The Reservations of a Task, oldest first.
    pub fn reservations_of_task(&self, task: TaskId) -> impl DoubleEndedIterator<Item = &Arc<Reservation>> {
        let range = (task, ReservationId::from_bits(0))..=(task, ReservationId::from_bits(u128::MAX));
        self.lookups.reservations_of_task.range(range).map(|(_, id)| &self.reservations[id])
    }

    /// Has the Worker an open Reservation of the Task?
    #[must_use]
    pub fn has_open_reservation(&self, task: &Task, worker: WorkerId) -> bool {
        task.open_reservations.iter().any(|open| self.reservations[open].worker == worker)
    }

    /// Has the Worker an open Reservation of the Task, or is the one who is transferring it?
    #[must_use]
    pub fn has_or_hands_on(&self, task: &Task, worker: WorkerId) -> bool {
        task.open_transfer().is_some_and(|transfer| transfer.initiator == worker)
            || self.has_open_reservation(task, worker)
    }

    /// The Tasks of a TaskQueue that have not ended, oldest first.
    pub fn tasks_of_queue(&self, queue: TaskQueueId) -> impl DoubleEndedIterator<Item = &Arc<Task>> {
        self.lookups.tasks_of_queue.get(&queue).into_iter().flatten().map(|id| &self.tasks[id])
    }

    /// A transfer, with its Task.
    #[must_use]
    pub fn transfer(&self, id: TaskTransferId) -> Option<(&Arc<Task>, &TaskTransfer)> {
        let task = &self.tasks[self.lookups.transferred.get(&id)?];
        let transfer = task.transfers.iter().find(|transfer| transfer.id == id)?;
        Some((task, transfer))
    }

    /// The target of the Workflow's document that a waiting Task stands at.
    #[must_use]
    pub fn target_of(&self, task: &Task) -> Option<&Target> {
        let (workflow, step) = task.workflow.zip(task.step())?;
        Some(self.workflows[&workflow].target(step))
    }

    fn put_worker(&mut self, worker: Arc<Worker>) -> Option<Arc<Worker>> {
        let id = worker.id;
        self.deleted.workers.remove(&id);
        let former = self.workers.insert(id, Arc::clone(&worker));
        if former.as_ref().is_none_or(|former| !former.attributes.is_same(&worker.attributes)) {
            self.lookups.vocabulary.forget();
        }
        // Workers change with each Reservation, and hardly ever their name.
        if former.as_ref().is_none_or(|former| former.name != worker.name) {
            let former_name = former.as_ref().map(|former| former.name.to_lowercase());
            rename(&mut self.lookups.worker_names, id, worker.name.to_lowercase(), former_name);
        }
        former
    }

    fn put_task(&mut self, task: Arc<Task>) -> Option<Arc<Task>> {
        let id = task.id;
        let place = |task: &Task| if task.ended().is_some() { None } else { task.task_queue };
        let new = place(&task);
        let transfers: Vec<TaskTransferId> = task.transfers.iter().map(|transfer| transfer.id).collect();
        if !self.deleted.counts_nothing() {
            self.deleted.refer(&References::of_task(&task));
        }
        let former = self.tasks.insert(id, task);
        if let Some(former) = former.as_ref().filter(|_| !self.deleted.counts_nothing()) {
            self.deleted.release(&References::of_task(former));
        }
        let n_known = former.as_ref().map_or(0, |former| former.transfers.len());
        for transfer in transfers.into_iter().skip(n_known) {
            self.lookups.transferred.insert(transfer, id);
        }
        let old = former.as_deref().and_then(place);
        if old != new {
            let of_queue = &mut self.lookups.tasks_of_queue;
            if let Some(queue) = old {
                let tasks = of_queue.get_mut(&queue).expect("put in when the Task came");
                tasks.remove(&id);
                if tasks.is_empty() {
                    of_queue.remove(&queue);
                }
            }
            if let Some(queue) = new {
                of_queue.entry(queue).or_default().insert(id);
            }
        }
        former
    }

    fn put_reservation(&mut self, reservation: Arc<Reservation>) -> Option<Arc<Reservation>> {
        let (id, task, worker) = (reservation.id, reservation.task, reservation.worker);
        // It refers to the same for good.
        let references = References::of_reservation(&reservation);
        let former = self.reservations.insert(id, reservation);
        if former.is_none() {
            self.deleted.refer(&references);
            self.lookups.reservations_of_worker.insert((worker, id));
            self.lookups.reservations_of_task.insert((task, id));
        }
        former
    }

    fn purge(&mut self, id: TaskId) -> Option<Arc<Task>> {
        let reservations: Vec<(ReservationId, WorkerId)> =
            self.reservations_of_task(id).map(|reservation| (reservation.id, reservation.worker)).collect();
        for (reservation, worker) in reservations {
            if let Some(reservation) = self.reservations.remove(&reservation) {
                self.deleted.release(&References::of_reservation(&reservation));
            }
            self.lookups.reservations_of_task.remove(&(id, reservation));
            self.lookups.reservations_of_worker.remove(&(worker, reservation));
        }
        let former = self.tasks.remove(&id);
        if let Some(task) = &former {
            self.deleted.release(&References::of_task(task));
            for transfer in &task.transfers {
                self.lookups.transferred.remove(&transfer.id);
            }
        }
        former
    }

    /// How many Tasks and Reservations refer to something. Only a deletion asks.
    fn count_references(&self, of: impl Fn(&References) -> usize) -> usize {
        let of_tasks = self.tasks.values().map(|task| References::of_task(task));
        let of_reservations =
            self.reservations.values().map(|reservation| References::of_reservation(reservation));
        of_tasks.chain(of_reservations).map(|references| of(&references)).sum()
    }
}

/// The name is free, unless somebody else has got it already.
fn forget_name<T: Clone + PartialEq>(names: &mut OrdMap<String, T>, id: T, name: Option<String>) {
    if let Some(name) = name.filter(|name| names.get(name) == Some(&id)) {
        names.remove(&name);
    }
}

fn rename<T: Clone + PartialEq>(names: &mut OrdMap<String, T>, id: T, name: String, former: Option<String>) {
    if former.as_ref() == Some(&name) {
        return;
    }
    if let Some(former) = former {
        names.remove(&former);
    }
    names.insert(name, id);
}
