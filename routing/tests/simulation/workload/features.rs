//! What a seed draws once, and what it draws from: actions, names, expressions.

use routing::Limits;

use super::Random;

/// What a seed draws once: which features are in play, and the sizes.
pub(super) struct Features {
    /// How many commands make a run of this seed.
    pub(super) n_commands: usize,
    pub(super) n_workers: usize,
    /// So many Workers there are from the beginning: more than a walk around the circle looks at.
    pub(super) n_workers_of_crowd: usize,
    pub(super) n_queues: usize,
    /// So many TaskQueues there are from the beginning: more than are looked at in one go.
    pub(super) n_queues_of_maze: usize,
    pub(super) n_workflows: usize,
    pub(super) n_activities: usize,
    /// With so many Tasks that have not ended, no more are created.
    pub(super) n_tasks: usize,
    pub(super) channels: Vec<&'static str>,
    /// Channels with a circle of their own.
    pub(super) optimized_channels: Vec<&'static str>,
    pub(super) queue_expressions: Vec<&'static str>,
    pub(super) target_expressions: Vec<&'static str>,
    pub(super) filter_expressions: Vec<&'static str>,
    pub(super) skip_expressions: Vec<&'static str>,
    pub(super) orders: Vec<&'static str>,
    pub(super) capacity_max: u32,
    pub(super) reservation_timeouts: Vec<u32>,
    pub(super) step_timeouts: Vec<u32>,
    pub(super) times_to_live: Vec<Option<u32>>,
    pub(super) reoffer_delays: Vec<u32>,
    /// In seconds and in hours; `None` is none.
    pub(super) wrap_up_limits: Vec<Option<u32>>,
    pub(super) assigned_limits: Vec<Option<u32>>,
    pub(super) priorities: Vec<u32>,
    /// In percent, as all that follows: a TaskQueue is LIFO, offers to several Workers, …
    pub(super) lifo: u64,
    pub(super) multi_reservation: u64,
    pub(super) known_worker: u64,
    pub(super) skip_if: u64,
    pub(super) order_by: u64,
    pub(super) steps_with_timeout: u64,
    pub(super) default_filter: u64,
    /// A Task is directed to a Worker, a TaskQueue or a Workflow.
    pub(super) directed: u64,
    pub(super) available_workers: u64,
    /// Where most Workers are away, somebody changes that.
    pub(super) shift_begins: u64,
    pub(super) invalid: u64,
    pub(super) time: u64,
    /// How often each of [`ACTIONS`] is taken, relative to the others.
    pub(super) weights: Vec<u64>,
}

impl Features {
    pub(super) fn draw(random: &mut Random) -> Features {
        let is_small = random.percent(60);
        let n_channels = 1 + random.below(3);
        let channels = random.some_of(&CHANNELS, n_channels);
        let optimized = if random.percent(30) { 1 + random.below(n_channels) } else { 0 };
        let optimized_channels = random.some_of(&channels, optimized);
        // Task Channels come and go in few runs, and in those often, while work on them is handed on.
        let channels_come_and_go = random.percent(5);
        let weights = ACTIONS
            .iter()
            .map(|(action, weight)| match action {
                Action::CreateTask => *weight,
                Action::CreateTaskChannel | Action::DeleteTaskChannel if channels_come_and_go => 20,
                Action::UpdateTask | Action::TransferTask if channels_come_and_go => 2 * weight,
                _ => weight * *random.pick(&[0, 1, 1, 1, 3]),
            })
            .collect();
        let n_expressions = |random: &mut Random, all: usize| 1 + random.below(all);
        let n = n_expressions(random, QUEUE_EXPRESSIONS.len());
        let queue_expressions = random.some_of(&QUEUE_EXPRESSIONS, n);
        let n = n_expressions(random, TARGET_EXPRESSIONS.len());
        let mut target_expressions = random.some_of(&TARGET_EXPRESSIONS, n);
        let is_crowd = random.percent(2);
        if is_crowd {
            // One of hundreds: found by looking at all who are eligible, not by going around the circle.
            target_expressions.extend(["worker.friendly_name == task.agent_name"; 4]);
        }
        let is_maze = random.percent(3);
        let n = n_expressions(random, FILTER_EXPRESSIONS.len());
        let filter_expressions = random.some_of(&FILTER_EXPRESSIONS, n);
        let n = n_expressions(random, SKIP_EXPRESSIONS.len());
        let skip_expressions = random.some_of(&SKIP_EXPRESSIONS, n);
        let n = n_expressions(random, ORDERS.len());
        let orders = random.some_of(&ORDERS, n);
        Features {
            n_commands: 150 + random.below(700),
            n_workers: if is_small { 1 + random.below(4) } else { 4 + random.below(12) },
            n_workers_of_crowd: if is_crowd { 280 + random.below(80) } else { 0 },
            n_queues: if is_small { 1 + random.below(3) } else { 1 + random.below(9) },
            n_queues_of_maze: if is_maze { 60 + random.below(80) } else { 0 },
            n_workflows: 1 + random.below(3),
            n_activities: random.below(4),
            n_tasks: if is_small { 1 + random.below(8) } else { 5 + random.below(25) },
            channels,
            optimized_channels,
            queue_expressions,
            target_expressions,
            filter_expressions,
            skip_expressions,
            orders,
            capacity_max: *random.pick(&[1, 1, 2, 3, 6]),
            reservation_timeouts: match random.below(3) {
                0 => vec![1, 2, 3],
                1 => vec![5, 10, 30],
                _ => vec![2, 20, 60],
            },
            step_timeouts: match random.below(3) {
                0 => vec![1, 2, 3],
                1 => vec![5, 10, 30],
                _ => vec![1, 20, 600],
            },
            times_to_live: match random.below(3) {
                0 => vec![None],
                1 => vec![None, Some(10), Some(60)],
                _ => vec![Some(1), Some(5), Some(30), Some(1_209_600)],
            },
            reoffer_delays: match random.below(4) {
                0 | 1 => vec![1],
                2 => vec![10, 3_600],
                _ => vec![1, 2, 7],
            },
            wrap_up_limits: match random.below(4) {
                0 | 1 => vec![None],
                2 => vec![None, Some(1), Some(3)],
                _ => vec![Some(10), Some(60), Some(86_400)],
            },
            assigned_limits: match random.below(4) {
                0 | 1 => vec![None],
                2 => vec![None, Some(1), Some(2)],
                _ => vec![Some(1), Some(8_760)],
            },
            priorities: match random.below(3) {
                0 => vec![0],
                1 => vec![0, 1, 2],
                _ => vec![0, 10, i32::MAX as u32],
            },
            lifo: *random.pick(&[0, 0, 30, 50, 100]),
            multi_reservation: *random.pick(&[0, 30, 100]),
            known_worker: *random.pick(&[0, 0, 15, 60]),
            skip_if: *random.pick(&[0, 20, 60]),
            order_by: *random.pick(&[0, 0, 30, 80]),
            steps_with_timeout: *random.pick(&[0, 50, 80, 100]),
            default_filter: *random.pick(&[0, 70, 100]),
            directed: *random.pick(&[0, 0, 15, 50]),
            available_workers: *random.pick(&[50, 80, 95]),
            shift_begins: *random.pick(&[0, 10, 30]),
            invalid: *random.pick(&[0, 5, 15, 40]),
            time: *random.pick(&[5, 15, 30]),
            weights,
        }
    }
}

pub(super) fn draw_limits(random: &mut Random, features: &Features) -> Limits {
    let mut limits = Limits {
        // At least as long as any offer of the workload is open: a withdrawn offer whose Task was purged still
        // counts as the Worker's last one where a later offer outlives it.
        finished_task_retention_seconds: *random.pick(&[120, 150, 300]),
        assignment_count_max: *random.pick(&[1, 2, 3, 5, 1_000, 1_000]),
        ..Limits::default()
    };
    let is_large = features.n_workers_of_crowd + features.n_queues_of_maze > 0;
    if !is_large && random.percent(15) {
        limits.tasks_max = 5 + random.below(20);
        limits.workers_max = 1 + random.below(6);
        limits.task_queues_max = 2 + random.below(6);
        limits.workflows_max = 2 + random.below(4);
        limits.activities_max = 5 + random.below(3);
        limits.skills_max = 1 + random.below(3);
        limits.task_channels_max = 5 + random.below(3);
        limits.attributes_characters_max = 150;
        limits.workflow_configuration_bytes_max = 900;
    }
    limits
}

/// What may be done, each with its usual weight.
pub(super) const ACTIONS: [(Action, u64); 35] = [
    (Action::UpdateWorkspace, 1),
    (Action::CreateActivity, 1),
    (Action::UpdateActivity, 2),
    (Action::CreateTaskChannel, 1),
    (Action::UpdateTaskChannel, 2),
    (Action::CreateTaskQueue, 1),
    (Action::UpdateTaskQueue, 3),
    (Action::CreateWorkflow, 1),
    (Action::UpdateWorkflow, 3),
    (Action::CreateWorker, 2),
    (Action::UpdateWorker, 5),
    (Action::SetWorkerActivity, 12),
    (Action::UpdateWorkerChannel, 8),
    (Action::CreateTask, 40),
    (Action::UpdateTask, 12),
    (Action::CancelTask, 4),
    (Action::WrapUpTask, 4),
    (Action::CompleteTask, 8),
    (Action::TransferTask, 20),
    (Action::CancelTransfer, 2),
    (Action::AcceptReservation, 20),
    (Action::RejectReservation, 12),
    (Action::WrapUpReservation, 6),
    (Action::CompleteReservation, 12),
    (Action::CreateSkill, 3),
    (Action::UpdateSkill, 2),
    (Action::DeleteSkill, 2),
    (Action::AssignSkill, 8),
    (Action::UnassignSkill, 3),
    (Action::DeleteActivity, 1),
    (Action::DeleteTaskChannel, 1),
    (Action::DeleteTaskQueue, 2),
    (Action::DeleteWorkflow, 1),
    (Action::DeleteWorker, 3),
    (Action::DeleteTask, 3),
];

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Action {
    UpdateWorkspace,
    CreateActivity,
    UpdateActivity,
    CreateTaskChannel,
    UpdateTaskChannel,
    CreateTaskQueue,
    UpdateTaskQueue,
    CreateWorkflow,
    UpdateWorkflow,
    CreateWorker,
    UpdateWorker,
    SetWorkerActivity,
    UpdateWorkerChannel,
    CreateTask,
    UpdateTask,
    CancelTask,
    WrapUpTask,
    CompleteTask,
    TransferTask,
    CancelTransfer,
    AcceptReservation,
    RejectReservation,
    WrapUpReservation,
    CompleteReservation,
    CreateSkill,
    UpdateSkill,
    DeleteSkill,
    AssignSkill,
    UnassignSkill,
    DeleteActivity,
    DeleteTaskChannel,
    DeleteTaskQueue,
    DeleteWorkflow,
    DeleteWorker,
    DeleteTask,
}

pub(super) const CHANNELS: [&str; 5] = ["default", "voice", "chat", "sms", "video"];

/// What Task Channels are called that are created on the way. Some expressions name them before they are there.
pub(super) const NEW_CHANNELS: [&str; 4] = ["mail", "fax", "Chat", "post_card"];

/// Names are drawn from few, so that they collide and so that expressions hit them.
pub(super) const ACTIVITY_NAMES: [&str; 6] =
    ["Front desk", "Back office", "Home", "Lunch", "Training", "front DESK"];

/// Those of Skills, too. One of them cannot have levels.
pub(super) const SKILL_NAMES: [&str; 5] = ["Spanish", "SPANISH", "billing", "x2", "first aid"];

pub(super) const QUEUE_EXPRESSIONS: [&str; 15] = [
    "1==1",
    "",
    "skills HAS 'a'",
    "skills HAS 'b' AND level < 4",
    "level >= 2",
    "level >= 1 OR vip == true",
    "language == 'en'",
    "language IN ['de', 'es']",
    "friendly_name != 'Worker 1'",
    "activity_name == 'Front desk'",
    "activity_name != 'Available' AND activity_name != 'Home'",
    "worker.odd == null",
    "routing.skills HAS 'Spanish'",
    "worker.routing.skills HAS 'first aid' OR vip == true",
    "routing.levels.x2 > 1",
];

pub(super) const TARGET_EXPRESSIONS: [&str; 25] = [
    "1==1",
    "1==0",
    "worker.skills HAS task.skill",
    "worker.level >= task.level",
    "worker.level > 1 AND worker.vip != true",
    "task.language == null OR worker.language == task.language",
    "worker.activity_name == 'Front desk' OR worker.activity_name == 'Available'",
    "worker.channel.voice.available_capacity_percentage > 50",
    "worker.channel.default.available_capacity_percentage < 100",
    "worker.channel.default.assigned_tasks == 0",
    "worker.channel.chat.configured_capacity >= 2",
    "worker.channel.mail.configured_capacity == 1",
    "worker.channel.fax.assigned_tasks == null",
    "worker.friendly_name == task.agent_name",
    "task.excluded == null OR worker.sid NOT IN task.excluded",
    "worker.odd == task.odd",
    "worker.odd != task.odd AND worker.skills != task.skill",
    "worker.odd < task.odd OR task.odd >= worker.level",
    "worker.odd IN [task.odd, 3, 'a'] OR worker.skills CONTAINS 'a'",
    "task.odd HAS worker.odd OR worker.level NOT IN task.odd",
    "taskrouter.currentMin IN ['11', '13', '20', '40']",
    "taskrouter.currentTime >= 1030 AND worker.level >= task.level",
    "taskrouter.dayOfWeek == 'mon' OR worker.vip == true",
    "'billing' IN worker.routing.skills",
    "worker.routing.levels.Spanish >= task.level",
];

pub(super) const FILTER_EXPRESSIONS: [&str; 10] = [
    "1==1",
    "1==0",
    "kind == 'a'",
    "kind == 'b' OR urgent == true",
    "level > 2",
    "skill != null",
    "agent != null",
    "task.kind IN ['a', 'c']",
    "odd != 'x' AND odd[0][0][0] != 'deep'",
    "taskrouter.currentTime < 1015",
];

pub(super) const SKIP_EXPRESSIONS: [&str; 6] = [
    "1==1",
    "1==0",
    "workers.available == 0",
    "workers.available < 2 OR workers.unavailable > 3",
    "workers.unavailable > 0",
    "workers.WA00000000000000000000000000000001 == null",
];

pub(super) const ORDERS: [&str; 7] = [
    "worker.level DESC",
    "worker.level ASC, worker.odd DESC",
    "worker.channel.default.assigned_tasks, worker.level",
    "worker.odd",
    "worker.skills DESC",
    "worker.channel.voice.available_capacity_percentage desc",
    "worker.routing.levels.billing DESC, worker.level",
];
