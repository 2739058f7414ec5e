//! How much a Workspace takes. Everything has a limit; these are TaskRouter's own, as far as it documents any.

/// The limits of one Workspace. The server's settings name those that operators change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Length of the attributes of a Worker or a Task, in characters, blanks included.
    pub attributes_characters_max: usize,
    /// Length of a routing document, in bytes.
    pub workflow_configuration_bytes_max: usize,
    /// Workers in a Workspace.
    pub workers_max: usize,
    /// TaskQueues in a Workspace.
    pub task_queues_max: usize,
    /// Workflows in a Workspace.
    pub workflows_max: usize,
    /// Activities in a Workspace.
    pub activities_max: usize,
    /// Skills in a Workspace.
    pub skills_max: usize,
    /// Task Channels in a Workspace, those that it begins with among them.
    pub task_channels_max: usize,
    /// Tasks in a Workspace, in any state, as long as they are in memory.
    pub tasks_max: usize,
    /// How often a Task may go from pending to reserved before it is canceled.
    pub assignment_count_max: u32,
    /// How long a finished Task stays in memory after its last change.
    pub finished_task_retention_seconds: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            attributes_characters_max: 4_096,
            workflow_configuration_bytes_max: 1_038_576,
            workers_max: 15_000,
            task_queues_max: 5_000,
            workflows_max: 1_000,
            activities_max: 100,
            skills_max: 1_000,
            task_channels_max: 15,
            tasks_max: 500_000,
            assignment_count_max: 1_000,
            finished_task_retention_seconds: 300,
        }
    }
}
