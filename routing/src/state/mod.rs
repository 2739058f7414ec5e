//! The ground state of one Workspace, and `evolve`, the only function that changes it.
//!
//! A `State` is a value: cloning costs a few pointers, so that readers keep the state of a moment while the next
//! one is made. What can be computed from it lives in [`crate::index`], with one exception: [`Lookups`], which
//! readers need and which therefore belong to the moment.

pub mod activity;
pub mod reservation;
pub mod task;
pub mod task_channel;
pub mod task_queue;
pub mod worker;
pub mod workflow;
pub mod workspace;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::event::{Object, Recorded};
use crate::ids::{
    ActivityId, Id, ReservationId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId, WorkspaceId,
    WorkspaceTag,
};
use crate::time::Timestamp;

pub use activity::Activity;
pub use reservation::{Reservation, ReservationStatus};
pub use task::{Phase, Task, TaskStatus};
pub use task_channel::TaskChannel;
pub use task_queue::{TargetWorkers, TaskOrder, TaskQueue};
pub use worker::{Worker, WorkerChannel};
pub use workflow::Workflow;
pub use workspace::Workspace;

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
    /// All Activities.
    pub activities: Map<ActivityId, Activity>,
    /// All Task Channels.
    pub task_channels: Map<TaskChannelId, TaskChannel>,
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
    /// Ways into the maps above.
    pub lookups: Lookups,
}

/// Ways into the maps of a [`State`], kept up to date by `evolve`. Derived, never stored.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lookups {
    /// Workers by their name in lower case.
    pub worker_names: OrdMap<String, WorkerId>,
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
            task_queues: OrdMap::new(),
            workflows: OrdMap::new(),
            workers: OrdMap::new(),
            tasks: OrdMap::new(),
            reservations: OrdMap::new(),
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
        let put = |new: Object| Change { old: self.put(new.clone()), new };
        recorded.event.objects().map(put).collect()
    }

    /// Puts an object in its place, and returns the former one. Loading rows uses it, too.
    pub fn put(&mut self, object: Object) -> Option<Object> {
        match object {
            Object::Workspace(workspace) => {
                Some(Object::Workspace(std::mem::replace(&mut self.workspace, workspace)))
            }
            Object::Activity(activity) => self.activities.insert(activity.id, activity).map(Object::Activity),
            Object::TaskChannel(channel) => {
                self.task_channels.insert(channel.id, channel).map(Object::TaskChannel)
            }
            Object::TaskQueue(queue) => {
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
            Object::Workflow(workflow) => {
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

    /// The Worker called `name`, without regard to case.
    #[must_use]
    pub fn worker_named(&self, name: &str) -> Option<&Arc<Worker>> {
        self.workers.get(self.lookups.worker_names.get(&name.to_lowercase())?)
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

    /// Is the Worker in an Activity in which work may come?
    #[must_use]
    pub fn is_available(&self, worker: &Worker) -> bool {
        self.activities[&worker.activity].available
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

    /// The Tasks of a TaskQueue that have not ended, oldest first.
    pub fn tasks_of_queue(&self, queue: TaskQueueId) -> impl DoubleEndedIterator<Item = &Arc<Task>> {
        self.lookups.tasks_of_queue.get(&queue).into_iter().flatten().map(|id| &self.tasks[id])
    }

    fn put_worker(&mut self, worker: Arc<Worker>) -> Option<Arc<Worker>> {
        let id = worker.id;
        let former = self.workers.insert(id, Arc::clone(&worker));
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
        let former = self.tasks.insert(id, task);
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
        let former = self.reservations.insert(id, reservation);
        if former.is_none() {
            self.lookups.reservations_of_worker.insert((worker, id));
            self.lookups.reservations_of_task.insert((task, id));
        }
        former
    }

    fn purge(&mut self, id: TaskId) -> Option<Arc<Task>> {
        let reservations: Vec<(ReservationId, WorkerId)> =
            self.reservations_of_task(id).map(|reservation| (reservation.id, reservation.worker)).collect();
        for (reservation, worker) in reservations {
            self.reservations.remove(&reservation);
            self.lookups.reservations_of_task.remove(&(id, reservation));
            self.lookups.reservations_of_worker.remove(&(worker, reservation));
        }
        self.tasks.remove(&id)
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
