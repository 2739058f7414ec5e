//! The Workspace itself: its beginning, and its settings.

use std::sync::Arc;

use super::check;
use crate::Attributes;
use crate::command::UpdateWorkspace;
use crate::event::{Actor, Event};
use crate::ids::{ActivityId, Id, TaskChannelId, TaskQueueId, WorkflowId, WorkspaceId};
use crate::limits::Limits;
use crate::rejection::Rejection;
use crate::router::Router;
use crate::state::workflow::Revision;
use crate::state::{Activity, State, TargetWorkers, TaskChannel, TaskOrder, TaskQueue, Workflow, Workspace};
use crate::time::Timestamp;
use crate::workflow_configuration::WorkflowConfiguration;

/// The re-offer delay, in seconds. Without any, a Task and a Worker who refuses it would go round in circles.
const REOFFER_DELAY_SECONDS_MIN: u32 = 1;
const REOFFER_DELAY_SECONDS_MAX: u32 = 3_600;
/// The longest limit of assignment: a year.
const ASSIGNED_LIMIT_HOURS_MAX: u32 = 8_760;

/// The Activities of a new Workspace; the last one is where Workers begin, time out and log out to.
const ACTIVITIES: [(&str, bool); 4] =
    [("Available", true), ("Unavailable", false), ("Break", false), ("Offline", false)];
/// The Task Channels of a new Workspace, by unique name and name. They cannot be deleted.
pub(super) const TASK_CHANNELS: [(&str, &str); 5] =
    [("default", "Default"), ("voice", "Voice"), ("chat", "Chat"), ("sms", "SMS"), ("video", "Video")];

impl Router {
    /// Begins a Workspace with the set-up that TaskRouter gives a Flex account: four Activities, five Task
    /// Channels, the TaskQueue "Everyone" and the Workflow "Assign to Anyone".
    #[must_use]
    pub fn found(id: WorkspaceId, name: String, limits: Limits, now: Timestamp) -> Router {
        let tag = id.workspace_tag();
        // `workspace.created` is the first event, so what the following ones create has its id already.
        let n_activities = ACTIVITIES.len() as u64;
        let offline = ActivityId::derived(now, 1 + n_activities, tag);
        let workspace = Workspace {
            id,
            name,
            queue_order_priority: TaskOrder::Fifo,
            default_activity: offline,
            timeout_activity: Some(offline),
            logout_activity: offline,
            reoffer_delay_seconds: 1,
            assigned_limit_hours: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let workspace = Arc::new(workspace);
        let mut router = Router::load(State::before(Arc::clone(&workspace)), limits, now);
        router.act_as(Actor::System);
        router.emit(Event::WorkspaceCreated { workspace });

        for (name, available) in ACTIVITIES {
            let id = ActivityId::derived(now, router.state.sequence + 1, tag);
            let name = name.to_owned();
            let activity = Activity {
                id,
                name,
                available,
                version: 1,
                created_at: now,
                updated_at: now,
                deleted_at: None,
            };
            router.emit(Event::ActivityCreated { activity: Arc::new(activity) });
        }
        for (unique_name, name) in TASK_CHANNELS {
            let channel = TaskChannel {
                id: TaskChannelId::derived(now, router.state.sequence + 1, tag),
                name: name.to_owned(),
                unique_name: unique_name.to_owned(),
                channel_optimized_routing: false,
                version: 1,
                created_at: now,
                updated_at: now,
                deleted_at: None,
            };
            router.emit(Event::TaskChannelCreated { task_channel: Arc::new(channel) });
        }
        let everyone = TaskQueue {
            id: TaskQueueId::derived(now, router.state.sequence + 1, tag),
            name: "Everyone".to_owned(),
            target_workers: TargetWorkers::parse("1==1").expect("an expression"),
            max_reserved_workers: 1,
            task_order: TaskOrder::Fifo,
            wrap_up_limit_seconds: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let document = serde_json::json!({ "task_routing": {
            "filters": [],
            "default_filter": { "queue": everyone.id },
        } });
        let document = Attributes::of(&document).expect("an object");
        let configuration = Arc::new(WorkflowConfiguration::parse(&document).expect("a routing document"));
        router.emit(Event::TaskQueueCreated { task_queue: Arc::new(everyone) });
        let workflow = Workflow {
            id: WorkflowId::derived(now, router.state.sequence + 1, tag),
            name: "Assign to Anyone".to_owned(),
            revisions: vec![Revision { number: 1, configuration }],
            task_reservation_timeout_seconds: 120,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        router.emit(Event::WorkflowCreated { workflow: Arc::new(workflow) });
        router
    }

    pub(super) fn update_workspace(&mut self, command: UpdateWorkspace) -> Result<(), Rejection> {
        let UpdateWorkspace {
            expected_version,
            name,
            queue_order_priority,
            default_activity,
            timeout_activity,
            logout_activity,
            reoffer_delay_seconds,
            assigned_limit_hours,
        } = command;
        let old = &self.state.workspace;
        check::version(WorkspaceId::KIND, expected_version, old.version)?;
        let mut new = Workspace::clone(old);
        if let Some(name) = name {
            new.name = check::name(&name, "name")?;
        }
        if let Some(order) = queue_order_priority {
            new.queue_order_priority = order;
        }
        if let Some(id) = default_activity {
            new.default_activity = self.activity(id, "defaultActivityId")?.id;
        }
        if let Some(activity) = timeout_activity {
            new.timeout_activity = activity
                .map(|id| self.activity(id, "timeoutActivityId"))
                .transpose()?
                .map(|activity| activity.id);
        }
        if let Some(id) = logout_activity {
            new.logout_activity = self.activity(id, "logoutActivityId")?.id;
        }
        if let Some(seconds) = reoffer_delay_seconds {
            new.reoffer_delay_seconds = check::range(
                seconds,
                REOFFER_DELAY_SECONDS_MIN,
                REOFFER_DELAY_SECONDS_MAX,
                "reofferDelaySeconds",
            )?;
        }
        if let Some(limit) = assigned_limit_hours {
            let in_range = |hours| check::range(hours, 1, ASSIGNED_LIMIT_HOURS_MAX, "assignedLimitHours");
            new.assigned_limit_hours = limit.map(in_range).transpose()?;
        }
        if new != **old {
            new.version += 1;
            new.updated_at = self.now;
            self.emit(Event::WorkspaceUpdated { workspace: Arc::new(new) });
        }
        Ok(())
    }
}
