//! A small call centre to try things in. Everything has a default, so that what a test says is what matters.

use routing::command::*;
use routing::event::Actor;
use routing::ids::*;
use routing::index::Index;
use routing::state::task_transfer::{TransferMode, TransferStatus};
use routing::state::{
    Reservation, ReservationStatus, RoutingTarget, Task, TaskOrder, TaskStatus, Worker, WorkerChannel,
};
use routing::time::Timestamp;
use routing::{Attributes, Command, Limits, Recorded, Rejection, Router};
use serde_json::{Value, json};

pub const START: Timestamp = Timestamp(1_767_607_800_000);
pub const TAG: WorkspaceTag = WorkspaceTag(7);

/// One Workspace, with short ways to do things in it. What is done is checked against an index made anew, always.
pub struct Centre {
    pub router: Router,
    limits: Limits,
    n_minted: u64,
    events: Vec<Recorded>,
}

impl Centre {
    pub fn new() -> Centre {
        Centre::with_limits(Limits::default())
    }

    pub fn with_limits(limits: Limits) -> Centre {
        let mut router =
            Router::found(WorkspaceId::minted(START, 1, TAG), "Centre".to_owned(), limits.clone(), START);
        router.take_events();
        // Far above the sequences that the ids of the core are made of.
        Centre { router, limits, n_minted: 1 << 40, events: Vec::new() }
    }

    /// With a Task Channel that has a circle of its own.
    pub fn with_optimized_channel(unique_name: &str) -> Centre {
        let mut centre = Centre::new();
        centre.optimize_channel(unique_name, true);
        centre.forget();
        centre
    }

    // ---- time and events ----

    pub fn pass_seconds(&mut self, seconds: i64) {
        self.pass_milliseconds(seconds * 1_000);
    }

    pub fn pass_milliseconds(&mut self, milliseconds: i64) {
        self.router.tick(Timestamp(self.router.now().0 + milliseconds));
        self.after();
    }

    /// The names of the events since the last call.
    pub fn events(&mut self) -> Vec<&'static str> {
        self.recorded().iter().map(|recorded| recorded.event.name()).collect()
    }

    /// The events since the last call.
    pub fn recorded(&mut self) -> Vec<Recorded> {
        std::mem::take(&mut self.events)
    }

    /// From here on, only what happens now is of interest.
    pub fn forget(&mut self) {
        self.events.clear();
    }

    pub fn try_apply(&mut self, command: Command) -> Result<u64, Rejection> {
        let answer = self.router.apply(command, Actor::Admin("test".into()));
        self.after();
        answer
    }

    #[track_caller]
    pub fn apply(&mut self, command: Command) {
        self.try_apply(command).expect("the command is right");
    }

    fn after(&mut self) {
        self.events.extend(self.router.take_events());
        let anew = Index::of(self.router.state(), &self.limits, self.router.now());
        assert!(*self.router.index() == anew, "the index differs from one that is made anew");
    }

    pub fn mint<I: Id>(&mut self) -> I {
        self.n_minted += 1;
        I::minted(self.router.now(), self.n_minted, TAG)
    }

    // ---- what there is ----

    /// A FIFO TaskQueue that offers to one Worker at a time.
    pub fn queue(&mut self, target_workers: &str) -> TaskQueueId {
        let id: TaskQueueId = self.mint();
        self.apply(Command::CreateTaskQueue(CreateTaskQueue {
            id,
            name: format!("Queue {}", id.bits()),
            target_workers: Some(target_workers.to_owned()),
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        }));
        id
    }

    pub fn update_queue(&mut self, id: TaskQueueId, change: impl FnOnce(&mut UpdateTaskQueue)) {
        let mut command = UpdateTaskQueue {
            id,
            expected_version: None,
            name: None,
            target_workers: None,
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        };
        change(&mut command);
        self.apply(Command::UpdateTaskQueue(command));
    }

    pub fn lifo_queue(&mut self, target_workers: &str) -> TaskQueueId {
        let id = self.queue(target_workers);
        self.update_queue(id, |queue| queue.task_order = Some(TaskOrder::Lifo));
        id
    }

    /// For everybody, and for so many at the same time.
    pub fn queue_for_several(&mut self, max_reserved_workers: u32) -> TaskQueueId {
        let id = self.queue("1==1");
        self.update_queue(id, |queue| queue.max_reserved_workers = Some(max_reserved_workers));
        id
    }

    /// A Workflow with this `task_routing`, in which a Worker has 120 seconds to answer.
    pub fn workflow(&mut self, task_routing: Value) -> WorkflowId {
        let id: WorkflowId = self.mint();
        self.apply(Command::CreateWorkflow(CreateWorkflow {
            id,
            name: format!("Workflow {}", id.bits()),
            configuration: document(task_routing),
            task_reservation_timeout_seconds: None,
        }));
        id
    }

    /// A Workflow that leads everything into one TaskQueue.
    pub fn straight_to(&mut self, queue: TaskQueueId) -> WorkflowId {
        self.workflow(json!({ "default_filter": { "queue": queue } }))
    }

    /// A Workflow of one filter for everything, with these steps.
    pub fn steps(&mut self, targets: Value) -> WorkflowId {
        self.workflow(json!({ "filters": [{ "expression": "1==1", "targets": targets }] }))
    }

    pub fn update_workflow(&mut self, id: WorkflowId, change: impl FnOnce(&mut UpdateWorkflow)) {
        let mut command = UpdateWorkflow {
            id,
            expected_version: None,
            name: None,
            configuration: None,
            task_reservation_timeout_seconds: None,
            re_evaluate_tasks: false,
        };
        change(&mut command);
        self.apply(Command::UpdateWorkflow(command));
    }

    pub fn answer_within(&mut self, workflow: WorkflowId, seconds: u32) {
        self.update_workflow(workflow, |workflow| workflow.task_reservation_timeout_seconds = Some(seconds));
    }

    /// An available Worker with room for one Task on each channel.
    pub fn worker(&mut self, name: &str, attributes: Value) -> WorkerId {
        let id = self.mint();
        let activity = Some(self.activity("Available"));
        self.apply(Command::CreateWorker(CreateWorker {
            id,
            name: name.to_owned(),
            attributes: Attributes::of(&attributes).expect("an object"),
            activity,
        }));
        id
    }

    pub fn update_worker(&mut self, id: WorkerId, change: impl FnOnce(&mut UpdateWorker)) {
        let mut command = UpdateWorker { id, expected_version: None, name: None, attributes: None };
        change(&mut command);
        self.apply(Command::UpdateWorker(command));
    }

    pub fn set_worker_attributes(&mut self, worker: WorkerId, attributes: Value) {
        self.update_worker(worker, |worker| worker.attributes = Attributes::of(&attributes));
    }

    pub fn move_worker(&mut self, id: WorkerId, activity: &str) {
        let activity = self.activity(activity);
        self.apply(Command::SetWorkerActivity(SetWorkerActivity {
            id,
            expected_version: None,
            activity,
            reject_pending_reservations: false,
        }));
    }

    pub fn set_capacity(&mut self, worker: WorkerId, channel: &str, capacity: u32) {
        self.update_channel(worker, channel, |channel| channel.configured_capacity = Some(capacity));
    }

    pub fn update_channel(
        &mut self,
        worker: WorkerId,
        channel: &str,
        change: impl FnOnce(&mut UpdateWorkerChannel),
    ) {
        let mut command = UpdateWorkerChannel {
            worker,
            task_channel: self.channel_id(channel),
            expected_version: None,
            configured_capacity: None,
            available: None,
        };
        change(&mut command);
        self.apply(Command::UpdateWorkerChannel(command));
    }

    pub fn update_workspace(&mut self, change: impl FnOnce(&mut UpdateWorkspace)) {
        let mut command = UpdateWorkspace::default();
        change(&mut command);
        self.apply(Command::UpdateWorkspace(command));
    }

    pub fn create_channel(&mut self, unique_name: &str) -> TaskChannelId {
        let id = self.mint();
        self.apply(Command::CreateTaskChannel(CreateTaskChannel {
            id,
            name: unique_name.to_uppercase(),
            unique_name: unique_name.to_owned(),
            channel_optimized_routing: false,
        }));
        id
    }

    pub fn optimize_channel(&mut self, unique_name: &str, channel_optimized_routing: bool) {
        self.apply(Command::UpdateTaskChannel(UpdateTaskChannel {
            id: self.channel_id(unique_name),
            expected_version: None,
            name: None,
            channel_optimized_routing: Some(channel_optimized_routing),
        }));
    }

    pub fn create_activity(&mut self, name: &str, available: bool) -> ActivityId {
        let id = self.mint();
        self.apply(Command::CreateActivity(CreateActivity { id, name: name.to_owned(), available }));
        id
    }

    // ---- Tasks ----

    pub fn task(&mut self, workflow: WorkflowId, attributes: Value) -> TaskId {
        self.task_with(workflow, attributes, |_| {})
    }

    pub fn task_with(
        &mut self,
        workflow: WorkflowId,
        attributes: Value,
        change: impl FnOnce(&mut CreateTask),
    ) -> TaskId {
        let mut command = CreateTask {
            id: self.mint(),
            workflow: Some(workflow),
            routing_target: None,
            ignore_capacity: None,
            task_channel: TaskChannelRef::UniqueName("default".to_owned()),
            attributes: Attributes::of(&attributes).expect("an object"),
            priority: None,
            timeout_seconds: None,
            virtual_start_time: None,
        };
        change(&mut command);
        let id = command.id;
        self.apply(Command::CreateTask(command));
        id
    }

    pub fn update_task(&mut self, id: TaskId, change: impl FnOnce(&mut UpdateTask)) {
        let mut command = UpdateTask {
            id,
            expected_version: None,
            attributes: None,
            priority: None,
            task_channel: None,
            virtual_start_time: None,
        };
        change(&mut command);
        self.apply(Command::UpdateTask(command));
    }

    pub fn set_attributes(&mut self, task: TaskId, attributes: Value) {
        self.update_task(task, |task| task.attributes = Attributes::of(&attributes));
    }

    pub fn cancel(&mut self, id: TaskId) {
        let reason = "hung up".to_owned();
        self.apply(Command::CancelTask(CancelTask { id, expected_version: None, reason, attributes: None }));
    }

    pub fn accept(&mut self, task: TaskId, worker: WorkerId) {
        let id = self.reservation(task, worker).id;
        self.apply(Command::AcceptReservation(AcceptReservation { id, expected_version: None }));
    }

    pub fn reject(&mut self, task: TaskId, worker: WorkerId) {
        let id = self.reservation(task, worker).id;
        let command = RejectReservation { id, expected_version: None, reason: None, activity: None };
        self.apply(Command::RejectReservation(command));
    }

    pub fn complete(&mut self, task: TaskId) {
        self.apply(Command::CompleteTask(CompleteTask {
            id: task,
            expected_version: None,
            reason: None,
            attributes: None,
        }));
    }

    /// A Task that is sent to a Worker or a TaskQueue.
    pub fn task_for(&mut self, target: RoutingTarget, change: impl FnOnce(&mut CreateTask)) -> TaskId {
        let mut command = CreateTask {
            id: self.mint(),
            workflow: None,
            routing_target: Some(target),
            ignore_capacity: None,
            task_channel: TaskChannelRef::UniqueName("default".to_owned()),
            attributes: Attributes::empty(),
            priority: None,
            timeout_seconds: None,
            virtual_start_time: None,
        };
        change(&mut command);
        let id = command.id;
        self.apply(Command::CreateTask(command));
        id
    }

    /// Whoever has the Task hands it on.
    pub fn try_transfer(
        &mut self,
        id: TaskId,
        to: RoutingTarget,
        mode: TransferMode,
    ) -> Result<u64, Rejection> {
        self.try_apply(Command::TransferTask(TransferTask {
            id,
            expected_version: None,
            to,
            mode,
            attributes: None,
            priority: None,
        }))
    }

    #[track_caller]
    pub fn transfer(&mut self, id: TaskId, to: RoutingTarget, mode: TransferMode) {
        self.try_transfer(id, to, mode).expect("the Task can be transferred");
    }

    pub fn cancel_transfer(&mut self, task: TaskId) {
        let id = self.the_task(task).open_transfer().expect("a transfer is open").id;
        self.apply(Command::CancelTransfer(CancelTransfer { id, reason: None }));
    }

    pub fn wrap_up_reservation(&mut self, task: TaskId, worker: WorkerId) {
        let id = self.reservation(task, worker).id;
        self.apply(Command::WrapUpReservation(WrapUpReservation { id, expected_version: None }));
    }

    pub fn complete_reservation(&mut self, task: TaskId, worker: WorkerId) {
        let id = self.reservation(task, worker).id;
        self.apply(Command::CompleteReservation(CompleteReservation { id, expected_version: None }));
    }

    /// The Worker takes the Task and is done with it at once.
    pub fn serve(&mut self, task: TaskId, worker: WorkerId) {
        self.accept(task, worker);
        self.complete(task);
    }

    // ---- looking ----

    pub fn the_task(&self, id: TaskId) -> &Task {
        &self.router.state().tasks[&id]
    }

    pub fn the_worker(&self, id: WorkerId) -> &Worker {
        &self.router.state().workers[&id]
    }

    pub fn the_channel(&self, worker: WorkerId, channel: &str) -> WorkerChannel {
        self.the_worker(worker).channel(&self.router.state().task_channels[&self.channel_id(channel)])
    }

    pub fn status(&self, task: TaskId) -> TaskStatus {
        self.the_task(task).status()
    }

    pub fn queue_of(&self, task: TaskId) -> TaskQueueId {
        self.the_task(task).task_queue.expect("it was put into one")
    }

    /// How the last transfer of the Task stands.
    pub fn transfer_status(&self, task: TaskId) -> TransferStatus {
        self.the_task(task).transfers.last().expect("it was transferred").status
    }

    /// Who has the Task.
    pub fn owner(&self, task: TaskId) -> Option<WorkerId> {
        let owner = self.the_task(task).owner()?;
        Some(self.router.state().reservations[&owner.reservation].worker)
    }

    /// Whom the Task is offered to now, in the order of the offers.
    pub fn offered_to(&self, task: TaskId) -> Vec<WorkerId> {
        let reservations = self.router.state().reservations_of_task(task);
        let pending = reservations.filter(|reservation| reservation.status == ReservationStatus::Pending);
        pending.map(|reservation| reservation.worker).collect()
    }

    /// The newest Reservation of a Task for a Worker.
    #[track_caller]
    pub fn reservation(&self, task: TaskId, worker: WorkerId) -> Reservation {
        let mut reservations = self.router.state().reservations_of_task(task);
        let of_worker = reservations.rfind(|reservation| reservation.worker == worker);
        Reservation::clone(of_worker.expect("the Task was offered to the Worker"))
    }

    pub fn reason(&self, task: TaskId) -> &str {
        let ended = self.the_task(task).ended().expect("it has ended");
        ended.reason.as_deref().expect("there is a reason")
    }

    pub fn activity(&self, name: &str) -> ActivityId {
        self.router.state().activity_named(name).expect("an Activity").id
    }

    pub fn activity_of(&self, worker: WorkerId) -> &str {
        &self.router.state().activities[&self.the_worker(worker).activity].name
    }

    pub fn channel_id(&self, unique_name: &str) -> TaskChannelId {
        self.router.state().task_channel_named(unique_name).expect("a channel").id
    }
}

/// A routing document with this content.
pub fn document(task_routing: Value) -> Attributes {
    Attributes::of(&json!({ "task_routing": task_routing })).expect("an object")
}
