//! What is refused, at least most of the time.

use routing::command::*;
use routing::ids::*;
use routing::state::RoutingTarget;
use routing::state::task_transfer::TransferMode;
use routing::time::Timestamp;
use routing::{Attributes, Command, State};
use serde_json::json;

use super::{Workload, attributes, owner_of};

impl Workload {
    pub(super) fn invalid(&mut self, state: &State) -> Command {
        let long = "x".repeat(65);
        let oversize = attributes(&json!({ "text": "y".repeat(self.limits.attributes_characters_max) }));
        let task = self.task(state, &[]).unwrap_or_else(|| (self.mint(), 1));
        let worker = self.random.pick_value(&state.workers).map(|worker| (worker.id, worker.version));
        let (worker, worker_version) = worker.unwrap_or_else(|| (self.mint(), 1));
        let queue = self.random.pick_value(&state.task_queues).expect("every Workspace has a TaskQueue");
        let workflow = self.random.pick_value(&state.workflows).expect("every Workspace has a Workflow");
        let channel = state.task_channels.keys().next().copied().expect("a Task Channel of every Workspace");

        let update_task = |id| UpdateTask {
            id,
            expected_version: None,
            attributes: None,
            priority: None,
            task_channel: None,
            virtual_start_time: None,
        };
        let update_worker = |id| UpdateWorker { id, expected_version: None, name: None, attributes: None };
        let update_queue = |id| UpdateTaskQueue {
            id,
            expected_version: None,
            name: None,
            target_workers: None,
            max_reserved_workers: None,
            task_order: None,
            wrap_up_limit_seconds: None,
        };
        let update_workflow = |id| UpdateWorkflow {
            id,
            expected_version: None,
            name: None,
            configuration: None,
            task_reservation_timeout_seconds: None,
            re_evaluate_tasks: true,
        };
        let create_task = |id, now| CreateTask {
            id,
            workflow: Some(workflow.id),
            routing_target: None,
            ignore_capacity: None,
            task_channel: TaskChannelRef::Id(channel),
            attributes: Attributes::empty(),
            priority: None,
            timeout_seconds: None,
            virtual_start_time: Some(now),
        };
        let transfer_task = |id, to| TransferTask {
            id,
            expected_version: None,
            to,
            mode: TransferMode::Warm,
            attributes: None,
            priority: None,
        };
        let new_task: TaskId = self.mint();
        let now = self.now;

        match self.random.below(61) {
            // Names of what does not exist.
            0 => Command::UpdateTask(update_task(self.mint())),
            1 => Command::UpdateWorker(update_worker(self.mint())),
            2 => Command::AcceptReservation(AcceptReservation { id: self.mint(), expected_version: None }),
            3 => Command::UpdateWorkspace(UpdateWorkspace {
                default_activity: Some(self.mint()),
                ..UpdateWorkspace::default()
            }),
            4 => Command::UpdateTaskQueue(update_queue(self.mint())),
            5 => Command::UpdateWorkflow(update_workflow(self.mint())),
            6 => Command::CreateTask(CreateTask {
                task_channel: TaskChannelRef::UniqueName("carrier pigeon".to_owned()),
                ..create_task(new_task, now)
            }),
            7 => Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker,
                task_channel: self.mint(),
                expected_version: None,
                configured_capacity: Some(1),
                available: None,
            }),
            8 => {
                Command::CreateTask(CreateTask { workflow: Some(self.mint()), ..create_task(new_task, now) })
            }
            9 => Command::SetWorkerActivity(SetWorkerActivity {
                id: worker,
                expected_version: None,
                activity: self.mint(),
                reject_pending_reservations: false,
            }),
            // Other versions than the present one.
            10 => Command::UpdateTask(UpdateTask {
                expected_version: Some(task.1 + 1),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            11 => Command::UpdateWorker(UpdateWorker {
                expected_version: Some(worker_version.wrapping_sub(1)),
                ..update_worker(worker)
            }),
            12 => {
                let id = self.any_reservation(state);
                let activity = Some(self.mint());
                let expected_version = self.random.percent(50).then_some(77);
                Command::RejectReservation(RejectReservation { id, expected_version, reason: None, activity })
            }
            13 => Command::UpdateTaskQueue(UpdateTaskQueue {
                expected_version: Some(queue.version + 1),
                target_workers: Some("1==1".to_owned()),
                ..update_queue(queue.id)
            }),
            // The wrong state. Some of these are right.
            14 => {
                let id = self.any_reservation(state);
                Command::AcceptReservation(AcceptReservation { id, expected_version: None })
            }
            15 => {
                let id = self.any_reservation(state);
                Command::CompleteReservation(CompleteReservation { id, expected_version: None })
            }
            16 => {
                let id = self.any_reservation(state);
                Command::WrapUpReservation(WrapUpReservation { id, expected_version: None })
            }
            17 => Command::CancelTask(CancelTask {
                id: task.0,
                expected_version: None,
                reason: "changed my mind".to_owned(),
                attributes: Some(oversize),
            }),
            18 => Command::WrapUpTask(WrapUpTask { id: task.0, expected_version: None, attributes: None }),
            19 => Command::UpdateTask(UpdateTask {
                task_channel: Some(self.task_channel(state)),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            // Inputs out of their range.
            20 => Command::CancelTask(CancelTask {
                id: task.0,
                expected_version: None,
                reason: "  ".to_owned(),
                attributes: None,
            }),
            21 => Command::UpdateTask(UpdateTask { priority: Some(u32::MAX), ..update_task(task.0) }),
            22 => Command::UpdateTask(UpdateTask {
                virtual_start_time: Some(Timestamp(self.now.0 + 1)),
                attributes: Some(self.task_attributes(state)),
                ..update_task(task.0)
            }),
            23 => Command::CreateTask(CreateTask {
                timeout_seconds: Some(*self.random.pick(&[0, 1_209_601])),
                ..create_task(new_task, now)
            }),
            24 => Command::CreateTask(create_task(task.0, now)),
            25 => Command::UpdateWorker(UpdateWorker {
                name: Some(self.random.pick(&[long.as_str(), "", "two\nlines"]).to_string()),
                attributes: Some(self.worker_attributes()),
                ..update_worker(worker)
            }),
            26 => {
                let id = self.mint();
                let name = queue.name.to_uppercase();
                Command::CreateTaskQueue(CreateTaskQueue {
                    id,
                    name,
                    target_workers: None,
                    max_reserved_workers: None,
                    task_order: None,
                    wrap_up_limit_seconds: None,
                })
            }
            27 => Command::UpdateTaskQueue(UpdateTaskQueue {
                max_reserved_workers: Some(*self.random.pick(&[0, 51])),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            28 => Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker,
                task_channel: channel,
                expected_version: None,
                configured_capacity: Some(51),
                available: Some(false),
            }),
            29 => Command::UpdateWorkspace(UpdateWorkspace {
                name: Some("New name".to_owned()),
                reoffer_delay_seconds: Some(*self.random.pick(&[0, 3_601])),
                ..UpdateWorkspace::default()
            }),
            // Expressions and routing documents that do not parse, or that name what is not there.
            30 => Command::UpdateTaskQueue(UpdateTaskQueue {
                target_workers: Some("skill-level > 3".to_owned()),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            31 => Command::UpdateWorkflow(UpdateWorkflow {
                name: Some("Renamed".to_owned()),
                configuration: Some(attributes(&json!({ "task_routing": {
                    "filters": [{ "expression": "kind ==", "targets": [{ "timeout": 0 }] }],
                } }))),
                ..update_workflow(workflow.id)
            }),
            32 => {
                let unknown: TaskQueueId = self.mint();
                Command::UpdateWorkflow(UpdateWorkflow {
                    configuration: Some(self.routing_document(&[unknown])),
                    ..update_workflow(workflow.id)
                })
            }
            // Directed to two places, to none, or as only Workers are directed to.
            33 => Command::CreateTask(CreateTask {
                routing_target: Some(self.routing_target(state)),
                ..create_task(new_task, now)
            }),
            34 => Command::CreateTask(CreateTask {
                workflow: None,
                routing_target: self.random.percent(50).then_some(RoutingTarget::TaskQueue(queue.id)),
                ignore_capacity: Some(self.random.percent(50)),
                ..create_task(new_task, now)
            }),
            35 => {
                let nobody = self.nobody(state);
                let routing_target = Some(*self.random.pick(&nobody));
                Command::CreateTask(CreateTask {
                    workflow: None,
                    routing_target,
                    ..create_task(new_task, now)
                })
            }
            // Transfers of whatever Task, to whomever.
            36 => {
                // Half of them to who has it.
                let owner = owner_of(state, task.0);
                let to = owner.filter(|_| self.random.percent(50)).unwrap_or(worker);
                Command::TransferTask(transfer_task(task.0, RoutingTarget::Worker(to)))
            }
            37 => {
                let nobody = self.nobody(state);
                Command::TransferTask(transfer_task(task.0, *self.random.pick(&nobody)))
            }
            38 => Command::TransferTask(TransferTask {
                expected_version: Some(task.1 + 1),
                ..transfer_task(task.0, RoutingTarget::TaskQueue(queue.id))
            }),
            39 => Command::TransferTask(TransferTask {
                attributes: Some(oversize),
                priority: Some(u32::MAX),
                ..transfer_task(task.0, RoutingTarget::Workflow(workflow.id))
            }),
            40 => Command::TransferTask(TransferTask {
                priority: Some(u32::MAX),
                ..transfer_task(task.0, RoutingTarget::TaskQueue(queue.id))
            }),
            41 => {
                let reason = if self.random.percent(50) { Some("  ".to_owned()) } else { None };
                Command::CancelTransfer(CancelTransfer { id: self.mint(), reason })
            }
            42 => Command::UpdateWorkspace(UpdateWorkspace {
                assigned_limit_hours: Some(Some(*self.random.pick(&[0, 8_761, u32::MAX]))),
                queue_order_priority: Some(self.task_order()),
                ..UpdateWorkspace::default()
            }),
            43 => Command::UpdateTaskQueue(UpdateTaskQueue {
                wrap_up_limit_seconds: Some(Some(*self.random.pick(&[0, 86_401]))),
                task_order: Some(self.task_order()),
                ..update_queue(queue.id)
            }),
            44 => Command::CreateTaskQueue(CreateTaskQueue {
                wrap_up_limit_seconds: Some(0),
                ..self.create_task_queue()
            }),
            // Too much.
            45 => Command::CreateTask(CreateTask { attributes: oversize, ..create_task(new_task, now) }),
            46 => {
                let (id, expected_version) = (self.mint(), None);
                let channel_optimized_routing = Some(true);
                let name = None;
                Command::UpdateTaskChannel(UpdateTaskChannel {
                    id,
                    expected_version,
                    name,
                    channel_optimized_routing,
                })
            }
            47 => Command::UpdateTaskChannel(UpdateTaskChannel {
                id: channel,
                expected_version: None,
                name: Some(long),
                channel_optimized_routing: Some(true),
            }),
            48 => Command::CreateTaskChannel(CreateTaskChannel {
                id: self.mint(),
                name: "Mail".to_owned(),
                unique_name: (*self.random.pick(&["", "2nd", "e-mail", "VOICE", "two words"])).to_owned(),
                channel_optimized_routing: false,
            }),
            // What was deleted before, or never was.
            49 => {
                let deleted = state.deleted.workers.values().next().map(|worker| worker.id);
                let (id, expected_version) = (deleted.unwrap_or_else(|| self.mint()), None);
                Command::DeleteWorker(DeleteWorker { id, expected_version, force: true })
            }
            50 => {
                let deleted = state.deleted.task_queues.values().next().map(|queue| queue.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTaskQueue(DeleteTaskQueue { id, expected_version: None })
            }
            51 => {
                let deleted = state.deleted.workflows.values().next().map(|workflow| workflow.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteWorkflow(DeleteWorkflow { id, expected_version: None })
            }
            52 => {
                let deleted = state.deleted.activities.keys().next().copied();
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteActivity(DeleteActivity { id, expected_version: None })
            }
            53 => {
                let deleted = state.deleted.task_channels.keys().next().copied();
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTaskChannel(DeleteTaskChannel { id, expected_version: None })
            }
            54 => {
                let deleted = state.tasks.values().find(|task| task.deleted_at.is_some()).map(|task| task.id);
                let id = deleted.unwrap_or_else(|| self.mint());
                Command::DeleteTask(DeleteTask { id, expected_version: None })
            }
            55 => Command::DeleteTask(DeleteTask { id: task.0, expected_version: Some(task.1 + 1) }),
            56 => Command::UpdateWorker(UpdateWorker {
                name: Some("Big".to_owned()),
                attributes: Some(oversize),
                ..update_worker(worker)
            }),
            57 => Command::DeleteSkill(DeleteSkill { id: self.mint(), expected_version: None }),
            58 => Command::AssignSkill(AssignSkill {
                worker,
                skill: self.mint(),
                expected_version: None,
                level: None,
            }),
            59 => {
                let skill = self.random.pick_key(&state.skills).unwrap_or_else(|| self.mint());
                let expected_version = Some(worker_version + 1);
                Command::UnassignSkill(UnassignSkill { worker, skill, expected_version })
            }
            _ => Command::UpdateTask(UpdateTask {
                attributes: Some(oversize),
                priority: Some(1),
                ..update_task(task.0)
            }),
        }
    }

    /// Whom or what nothing can be sent to: what never was, and half of the time what was deleted, where there is some.
    fn nobody(&mut self, state: &State) -> [RoutingTarget; 3] {
        let was = self.random.percent(50);
        let worker = state.deleted.workers.values().next().filter(|_| was).map(|worker| worker.id);
        let queue = state.deleted.task_queues.values().next().filter(|_| was).map(|queue| queue.id);
        let workflow = state.deleted.workflows.values().next().filter(|_| was).map(|workflow| workflow.id);
        [
            RoutingTarget::Worker(worker.unwrap_or_else(|| self.mint())),
            RoutingTarget::TaskQueue(queue.unwrap_or_else(|| self.mint())),
            RoutingTarget::Workflow(workflow.unwrap_or_else(|| self.mint())),
        ]
    }
}
