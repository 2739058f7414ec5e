//! Activities, Task Channels, TaskQueues, Workflows, Skills, and the settings of the Workspace.

use std::sync::Arc;

use routing::command::*;
use routing::ids::*;
use routing::state::{TaskChannel, TaskOrder};
use routing::{Command, State};

use super::Workload;
use super::features::*;

impl Workload {
    pub(super) fn update_workspace(&mut self, state: &State) -> Command {
        let activity = self.random.pick_key(&state.activities);
        let timeout = self.random.below(3);
        Command::UpdateWorkspace(UpdateWorkspace {
            expected_version: self.expected(state.workspace.version),
            name: self.random.maybe(20).map(|n| format!("Workspace {n}")),
            queue_order_priority: if self.random.percent(30) { Some(self.task_order()) } else { None },
            default_activity: if self.random.percent(30) { activity } else { None },
            timeout_activity: match timeout {
                0 => Some(None),
                1 => activity.map(Some),
                _ => None,
            },
            logout_activity: if self.random.percent(10) { activity } else { None },
            reoffer_delay_seconds: Some(*self.random.pick(&self.features.reoffer_delays)),
            assigned_limit_hours: if self.random.percent(50) {
                Some(*self.random.pick(&self.features.assigned_limits))
            } else {
                None
            },
        })
    }

    pub(super) fn create_activity(&mut self) -> Command {
        let available = self.random.percent(60);
        Command::CreateActivity(CreateActivity { id: self.mint(), name: self.activity_name(), available })
    }

    pub(super) fn update_activity(&mut self, state: &State) -> Command {
        match self.random.pick_value(&state.activities) {
            Some(activity) => Command::UpdateActivity(UpdateActivity {
                id: activity.id,
                expected_version: self.expected(activity.version),
                name: if self.random.percent(90) { Some(self.activity_name()) } else { None },
            }),
            None => self.create_activity(),
        }
    }

    fn activity_name(&mut self) -> String {
        if self.random.percent(70) {
            (*self.random.pick(&ACTIVITY_NAMES)).to_owned()
        } else {
            format!("Activity {}", self.random.below(20))
        }
    }

    pub(super) fn create_task_channel(&mut self) -> Command {
        let unique_name = (*self.random.pick(&NEW_CHANNELS)).to_owned();
        Command::CreateTaskChannel(CreateTaskChannel {
            id: self.mint(),
            name: unique_name.to_uppercase(),
            unique_name,
            channel_optimized_routing: self.random.percent(30),
        })
    }

    pub(super) fn update_task_channel(&mut self, state: &State) -> Command {
        let channel = self.channel(state);
        Command::UpdateTaskChannel(UpdateTaskChannel {
            id: channel.id,
            expected_version: self.expected(channel.version),
            name: self.random.maybe(30).map(|n| format!("Channel {n}")),
            channel_optimized_routing: if self.random.percent(70) {
                Some(self.random.percent(50))
            } else {
                None
            },
        })
    }

    /// One of the Task Channels that are in play, or one that was created on the way.
    pub(super) fn channel(&mut self, state: &State) -> Arc<TaskChannel> {
        let created =
            state.task_channels.values().filter(|channel| !CHANNELS.contains(&&*channel.unique_name));
        let in_play = self.features.channels.iter().filter_map(|name| state.task_channel_named(name));
        let all: Vec<_> = in_play.chain(created).collect();
        Arc::clone(*self.random.pick(&all))
    }

    pub(super) fn create_task_queue(&mut self) -> CreateTaskQueue {
        let id: TaskQueueId = self.mint();
        CreateTaskQueue {
            id,
            name: format!("Queue {}", self.n_minted),
            target_workers: if self.random.percent(85) { Some(self.queue_expression()) } else { None },
            max_reserved_workers: self.max_reserved_workers(),
            task_order: Some(self.task_order()),
            wrap_up_limit_seconds: *self.random.pick(&self.features.wrap_up_limits),
        }
    }

    pub(super) fn update_task_queue(&mut self, id: TaskQueueId, version: u32) -> Command {
        let change = self.random.below(5);
        Command::UpdateTaskQueue(UpdateTaskQueue {
            id,
            expected_version: self.expected(version),
            name: if change == 0 { Some(format!("Queue {}", self.random.below(40))) } else { None },
            target_workers: if change <= 1 || self.random.percent(20) {
                Some(self.queue_expression())
            } else {
                None
            },
            max_reserved_workers: if change == 2 { self.max_reserved_workers() } else { None },
            task_order: if change == 3 { Some(self.task_order()) } else { None },
            wrap_up_limit_seconds: if change == 4 {
                Some(*self.random.pick(&self.features.wrap_up_limits))
            } else {
                None
            },
        })
    }

    fn queue_expression(&mut self) -> String {
        if self.random.percent(30) {
            return "1==1".to_owned();
        }
        (*self.random.pick(&self.features.queue_expressions)).to_owned()
    }

    fn max_reserved_workers(&mut self) -> Option<u32> {
        let several = self.random.percent(self.features.multi_reservation);
        several.then(|| 2 + self.random.below(4) as u32)
    }

    pub(super) fn task_order(&mut self) -> TaskOrder {
        if self.random.percent(self.features.lifo) { TaskOrder::Lifo } else { TaskOrder::Fifo }
    }

    pub(super) fn create_workflow(&mut self, queues: &[TaskQueueId]) -> Command {
        let id: WorkflowId = self.mint();
        Command::CreateWorkflow(CreateWorkflow {
            id,
            name: format!("Workflow {}", self.n_minted),
            configuration: self.routing_document(queues),
            task_reservation_timeout_seconds: Some(*self.random.pick(&self.features.reservation_timeouts)),
        })
    }

    pub(super) fn update_workflow(&mut self, state: &State) -> Command {
        let queues: Vec<TaskQueueId> = state.task_queues.keys().copied().collect();
        let Some(workflow) = self.random.pick_value(&state.workflows) else {
            return self.create_workflow(&queues);
        };
        Command::UpdateWorkflow(UpdateWorkflow {
            id: workflow.id,
            expected_version: self.expected(workflow.version),
            name: if self.random.percent(10) {
                Some(format!("Workflow {}", self.random.below(9)))
            } else {
                None
            },
            configuration: match self.random.below(10) {
                0 => Some(workflow.present().configuration.document.clone()),
                1..=7 => Some(self.routing_document(&queues)),
                _ => None,
            },
            task_reservation_timeout_seconds: if self.random.percent(30) {
                Some(*self.random.pick(&self.features.reservation_timeouts))
            } else {
                None
            },
            re_evaluate_tasks: self.random.percent(30),
        })
    }

    pub(super) fn create_skill(&mut self) -> Command {
        let levels = self.random.below(8) as u32;
        let (minimum_level, maximum_level) = match levels {
            0 => (Some(3), Some(2)),
            1 => (Some(1), None),
            2..=4 => (Some(levels - 2), Some(levels)),
            _ => (None, None),
        };
        Command::CreateSkill(CreateSkill {
            id: self.mint(),
            name: self.skill_name(),
            minimum_level,
            maximum_level,
        })
    }

    pub(super) fn update_skill(&mut self, state: &State) -> Command {
        match self.random.pick_value(&state.skills) {
            Some(skill) => {
                let levels = self.random.below(4) as u32;
                Command::UpdateSkill(UpdateSkill {
                    id: skill.id,
                    expected_version: self.expected(skill.version),
                    name: if self.random.percent(50) { Some(self.skill_name()) } else { None },
                    minimum_level: [None, Some(None), Some(Some(1)), Some(Some(0))][levels as usize],
                    maximum_level: [None, Some(None), Some(Some(4)), None][levels as usize],
                })
            }
            None => self.create_skill(),
        }
    }

    pub(super) fn delete_skill(&mut self, state: &State) -> Command {
        match self.random.pick_value(&state.skills) {
            Some(skill) => {
                let expected_version = self.expected(skill.version);
                Command::DeleteSkill(DeleteSkill { id: skill.id, expected_version })
            }
            None => self.create_skill(),
        }
    }

    fn skill_name(&mut self) -> String {
        (*self.random.pick(&SKILL_NAMES)).to_owned()
    }
}
