//! Commands, one function each, and what a set-up is made of.

use routing::state::task_transfer::TransferMode;

use crate::fields::{
    Fields, attributes, flag, instant, json, list, one_of, order, seconds, text, whole_number,
};
use crate::format::{
    Command, CreateTask, Destination, Filter, Offer, Queue, Routing, SkillLevels, Target, Text, UpdateTask,
    Workflow, Workspace,
};
use crate::yaml::{Content, Fault, Located, Node};

type Read = fn(&Node) -> Result<Command, Fault>;

/// The steps that are commands.
pub(super) const COMMANDS: &[(&str, Read)] = &[
    ("create", create),
    ("update", update),
    ("cancel", cancel),
    ("accept", accept),
    ("reject", reject),
    ("wrapUp", wrap_up),
    ("complete", complete),
    ("transfer", transfer),
    ("cancelTransfer", cancel_transfer),
    ("setActivity", set_activity),
    ("setCapacity", set_capacity),
    ("setChannelAvailable", set_channel_available),
    ("addWorker", add_worker),
    ("updateWorker", update_worker),
    ("addSkill", add_skill),
    ("updateSkill", update_skill),
    ("deleteSkill", delete_skill),
    ("assignSkill", assign_skill),
    ("unassignSkill", unassign_skill),
    ("addActivity", add_activity),
    ("updateActivity", update_activity),
    ("addChannel", add_channel),
    ("updateChannel", update_channel),
    ("addQueue", add_queue),
    ("updateQueue", update_queue),
    ("addWorkflow", add_workflow),
    ("updateWorkflow", update_workflow),
    ("updateWorkspace", update_workspace),
    ("delete", delete),
    ("deleteWorker", delete_worker),
    ("deleteActivity", |node| Ok(Command::DeleteActivity { activity: text(node)? })),
    ("deleteChannel", |node| Ok(Command::DeleteChannel { channel: text(node)? })),
    ("deleteQueue", |node| Ok(Command::DeleteQueue { queue: text(node)? })),
    ("deleteWorkflow", |node| Ok(Command::DeleteWorkflow { workflow: text(node)? })),
];

// ---- Tasks and Reservations ----

/// Where only the name of the Task is needed, the name alone is enough: `accept: T1`.
fn task_fields<'a>(
    node: &'a Node,
    what: &'static str,
    keys: &[&str],
) -> Result<(Text, Option<Fields<'a>>), Fault> {
    if let Content::Text(_) = node.value {
        return Ok((text(node)?, None));
    }
    let fields = Fields::of(node, what, keys)?;
    Ok((fields.required("task", text)?, Some(fields)))
}

fn create(node: &Node) -> Result<Command, Fault> {
    let keys = [
        "task",
        "workflow",
        "toWorker",
        "toQueue",
        "toWorkflow",
        "ignoreCapacity",
        "attributes",
        "channel",
        "priority",
        "timeout",
        "virtualStartTime",
    ];
    let (task, fields) = task_fields(node, "create", &keys)?;
    let mut create = CreateTask {
        task,
        workflow: None,
        to: None,
        ignore_capacity: None,
        attributes: None,
        channel: None,
        priority: None,
        timeout_seconds: None,
        virtual_start_time: None,
    };
    if let Some(fields) = fields {
        create.workflow = fields.optional("workflow", text)?;
        create.to = destination(&fields)?;
        create.ignore_capacity = fields.optional("ignoreCapacity", flag)?;
        create.attributes = fields.optional("attributes", attributes)?;
        create.channel = fields.optional("channel", text)?;
        create.priority = fields.optional("priority", whole_number)?;
        create.timeout_seconds = fields.optional("timeout", seconds)?;
        create.virtual_start_time = fields.optional("virtualStartTime", instant)?;
    }
    Ok(Command::Create(create))
}

/// At most one of them is there.
fn destination(fields: &Fields<'_>) -> Result<Option<Destination>, Fault> {
    let worker = fields.optional("toWorker", text)?.map(Destination::Worker);
    let queue = fields.optional("toQueue", text)?.map(Destination::Queue);
    let workflow = fields.optional("toWorkflow", text)?.map(Destination::Workflow);
    let mut given = [worker, queue, workflow].into_iter().flatten();
    let first = given.next();
    match given.next() {
        None => Ok(first),
        Some(_) => Err(Fault::new(fields.at(), "only one of toWorker, toQueue and toWorkflow can be meant")),
    }
}

fn transfer(node: &Node) -> Result<Command, Fault> {
    let keys = ["task", "toWorker", "toQueue", "toWorkflow", "mode", "attributes", "priority"];
    let fields = Fields::of(node, "transfer", &keys)?;
    let to = destination(&fields)?;
    let modes = &[("warm", TransferMode::Warm), ("cold", TransferMode::Cold)];
    Ok(Command::Transfer {
        task: fields.required("task", text)?,
        to: to.ok_or_else(|| Fault::new(fields.at(), "transfer needs toWorker, toQueue or toWorkflow"))?,
        mode: fields.optional("mode", |node| one_of(node, modes))?.unwrap_or(TransferMode::Warm),
        attributes: fields.optional("attributes", attributes)?,
        priority: fields.optional("priority", whole_number)?,
    })
}

fn cancel_transfer(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "cancelTransfer", &["task", "reason"])?;
    let reason = fields.map(|fields| fields.optional("reason", text)).transpose()?.flatten();
    Ok(Command::CancelTransfer { task, reason })
}

fn update(node: &Node) -> Result<Command, Fault> {
    let keys = ["task", "attributes", "channel", "priority", "virtualStartTime"];
    let fields = Fields::of(node, "update", &keys)?;
    Ok(Command::Update(UpdateTask {
        task: fields.required("task", text)?,
        attributes: fields.optional("attributes", attributes)?,
        channel: fields.optional("channel", text)?,
        priority: fields.optional("priority", whole_number)?,
        virtual_start_time: fields.optional("virtualStartTime", instant)?,
    }))
}

fn cancel(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "cancel", &["task", "reason", "attributes"])?;
    let (mut reason, mut new_attributes) = (None, None);
    if let Some(fields) = fields {
        reason = fields.optional("reason", text)?;
        new_attributes = fields.optional("attributes", attributes)?;
    }
    Ok(Command::Cancel { task, reason, attributes: new_attributes })
}

fn accept(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "accept", &["task", "worker"])?;
    Ok(Command::Accept(offer(task, fields.as_ref())?))
}

fn reject(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "reject", &["task", "worker", "reason", "activity"])?;
    let offer = offer(task, fields.as_ref())?;
    let (mut reason, mut activity) = (None, None);
    if let Some(fields) = fields {
        reason = fields.optional("reason", text)?;
        activity = fields.optional("activity", text)?;
    }
    Ok(Command::Reject { offer, reason, activity })
}

fn wrap_up(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "wrapUp", &["task", "worker", "attributes"])?;
    let work = offer(task, fields.as_ref())?;
    let of_task = of_task_only(&work, fields.as_ref(), &["attributes"])?;
    let attributes = of_task.map(|fields| fields.optional("attributes", attributes)).transpose()?.flatten();
    Ok(Command::WrapUp { work, attributes })
}

fn complete(node: &Node) -> Result<Command, Fault> {
    let (task, fields) = task_fields(node, "complete", &["task", "worker", "reason", "attributes"])?;
    let work = offer(task, fields.as_ref())?;
    let (mut reason, mut new_attributes) = (None, None);
    if let Some(fields) = of_task_only(&work, fields.as_ref(), &["reason", "attributes"])? {
        reason = fields.optional("reason", text)?;
        new_attributes = fields.optional("attributes", attributes)?;
    }
    Ok(Command::Complete { work, reason, attributes: new_attributes })
}

fn delete(node: &Node) -> Result<Command, Fault> {
    let (task, _) = task_fields(node, "delete", &["task"])?;
    Ok(Command::DeleteTask { task })
}

fn offer(task: Text, fields: Option<&Fields<'_>>) -> Result<Offer, Fault> {
    let worker = fields.map(|fields| fields.optional("worker", text)).transpose()?.flatten();
    Ok(Offer { task, worker })
}

/// With a Worker, the command is about a Reservation, which has none of the keys of a Task.
fn of_task_only<'f, 'a>(
    work: &Offer,
    fields: Option<&'f Fields<'a>>,
    keys: &[&str],
) -> Result<Option<&'f Fields<'a>>, Fault> {
    let of_task = fields.and_then(|fields| keys.iter().find_map(|key| Some((*key, fields.get(key)?.at))));
    match (&work.worker, of_task) {
        (Some(_), Some((key, at))) => {
            Err(Fault::new(at, format!("{key:?} goes with the Task; leave the Worker out")))
        }
        _ => Ok(fields),
    }
}

// ---- Workers ----

fn set_activity(node: &Node) -> Result<Command, Fault> {
    let keys = ["worker", "activity", "rejectPendingReservations"];
    let fields = Fields::of(node, "setActivity", &keys)?;
    let reject = fields.optional("rejectPendingReservations", flag)?;
    Ok(Command::SetActivity {
        worker: fields.required("worker", text)?,
        activity: fields.required("activity", text)?,
        reject_pending_reservations: reject.unwrap_or(false),
    })
}

fn set_capacity(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "setCapacity", &["worker", "channel", "capacity"])?;
    Ok(Command::SetCapacity {
        worker: fields.required("worker", text)?,
        channel: fields.required("channel", text)?,
        capacity: fields.required("capacity", whole_number)?,
    })
}

fn set_channel_available(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "setChannelAvailable", &["worker", "channel", "available"])?;
    Ok(Command::SetChannelAvailable {
        worker: fields.required("worker", text)?,
        channel: fields.required("channel", text)?,
        available: fields.required("available", flag)?,
    })
}

fn add_worker(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "addWorker", &["worker", "attributes", "activity"])?;
    Ok(Command::AddWorker {
        worker: fields.required("worker", text)?,
        attributes: fields.optional("attributes", attributes)?,
        activity: fields.optional("activity", text)?,
    })
}

fn update_worker(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "updateWorker", &["worker", "name", "attributes"])?;
    Ok(Command::UpdateWorker {
        worker: fields.required("worker", text)?,
        name: fields.optional("name", text)?,
        attributes: fields.optional("attributes", attributes)?,
    })
}

/// `deleteWorker: Ann`, or with `force`.
fn delete_worker(node: &Node) -> Result<Command, Fault> {
    if let Content::Text(_) = node.value {
        return Ok(Command::DeleteWorker { worker: text(node)?, force: false });
    }
    let fields = Fields::of(node, "deleteWorker", &["worker", "force"])?;
    Ok(Command::DeleteWorker {
        worker: fields.required("worker", text)?,
        force: fields.optional("force", flag)?.unwrap_or(false),
    })
}

/// A Worker with its Skills and channels, before there is any Task.
pub(super) fn set_up_worker(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let fields = Fields::of(node, "a Worker", &["attributes", "activity", "skills", "channels"])?;
    let mut commands = vec![Command::AddWorker {
        worker: name.clone(),
        attributes: fields.optional("attributes", attributes)?,
        activity: fields.optional("activity", text)?,
    }];
    for (skill, level) in fields.optional("skills", skills_of_worker)?.unwrap_or_default() {
        commands.push(Command::AssignSkill { worker: name.clone(), skill, level });
    }
    let channels = fields.optional("channels", |node| crate::fields::entries(node, "channels"))?;
    for (channel, node) in channels.unwrap_or_default() {
        commands.extend(set_up_worker_channel(name, channel, node)?);
    }
    Ok(commands)
}

/// `voice: 2`, or both settings of the worker channel.
fn set_up_worker_channel(worker: &Text, channel: &Text, node: &Node) -> Result<Vec<Command>, Fault> {
    let (capacity, available) = match &node.value {
        Content::Map(_) => {
            let fields = Fields::of(node, "a worker channel", &["capacity", "available"])?;
            (fields.optional("capacity", whole_number)?, fields.optional("available", flag)?)
        }
        _ => (Some(whole_number(node)?), None),
    };
    let (worker, channel) = (|| worker.clone(), || channel.clone());
    let capacity =
        capacity.map(|capacity| Command::SetCapacity { worker: worker(), channel: channel(), capacity });
    let available = available.map(|available| Command::SetChannelAvailable {
        worker: worker(),
        channel: channel(),
        available,
    });
    Ok(capacity.into_iter().chain(available).collect())
}

// ---- Skills ----

fn add_skill(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "addSkill", &["skill", "minimumLevel", "maximumLevel"])?;
    Ok(Command::AddSkill { skill: fields.required("skill", text)?, levels: skill_levels(&fields)? })
}

fn update_skill(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "updateSkill", &["skill", "name", "minimumLevel", "maximumLevel"])?;
    Ok(Command::UpdateSkill {
        skill: fields.required("skill", text)?,
        name: fields.optional("name", text)?,
        levels: skill_levels(&fields)?,
    })
}

/// Only the name is needed, so it stands alone: `deleteSkill: spanish`.
fn delete_skill(node: &Node) -> Result<Command, Fault> {
    Ok(Command::DeleteSkill { skill: text(node)? })
}

fn assign_skill(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "assignSkill", &["worker", "skill", "level"])?;
    Ok(Command::AssignSkill {
        worker: fields.required("worker", text)?,
        skill: fields.required("skill", text)?,
        level: fields.optional("level", whole_number)?,
    })
}

fn unassign_skill(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "unassignSkill", &["worker", "skill"])?;
    Ok(Command::UnassignSkill {
        worker: fields.required("worker", text)?,
        skill: fields.required("skill", text)?,
    })
}

/// `spanish: { minimumLevel: 1, maximumLevel: 5 }`, or `night shift: {}` without levels.
pub(super) fn set_up_skill(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let fields = Fields::of(node, "a Skill", &["minimumLevel", "maximumLevel"])?;
    Ok(vec![Command::AddSkill { skill: name.clone(), levels: skill_levels(&fields)? }])
}

fn skill_levels(fields: &Fields<'_>) -> Result<SkillLevels, Fault> {
    Ok(SkillLevels {
        minimum: fields.optional("minimumLevel", level_or_null)?,
        maximum: fields.optional("maximumLevel", level_or_null)?,
    })
}

fn level_or_null(node: &Node) -> Result<Option<u32>, Fault> {
    if node.value == Content::Null { Ok(None) } else { whole_number(node).map(Some) }
}

/// `[night shift]`, or `{ spanish: 3, night shift: null }` where there are levels.
fn skills_of_worker(node: &Node) -> Result<Vec<(Text, Option<u32>)>, Fault> {
    if let Content::List(names) = &node.value {
        return names.iter().map(|name| Ok((text(name)?, None))).collect();
    }
    let entries = crate::fields::entries(node, "skills")?;
    entries.iter().map(|(name, level)| Ok((name.clone(), level_or_null(level)?))).collect()
}

// ---- Activities ----

fn add_activity(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "addActivity", &["activity", "available"])?;
    Ok(Command::AddActivity {
        activity: fields.required("activity", text)?,
        available: fields.required("available", flag)?,
    })
}

fn update_activity(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "updateActivity", &["activity", "name"])?;
    Ok(Command::UpdateActivity {
        activity: fields.required("activity", text)?,
        name: fields.required("name", text)?,
    })
}

/// `Lunch: unavailable`.
pub(super) fn set_up_activity(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let available = one_of(node, &[("available", true), ("unavailable", false)])?;
    Ok(vec![Command::AddActivity { activity: name.clone(), available }])
}

// ---- Task Channels ----

fn add_channel(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "addChannel", &["channel", "name", "channelOptimizedRouting"])?;
    Ok(Command::AddChannel {
        channel: fields.required("channel", text)?,
        name: fields.optional("name", text)?,
        channel_optimized_routing: fields.optional("channelOptimizedRouting", flag)?.unwrap_or(false),
    })
}

fn update_channel(node: &Node) -> Result<Command, Fault> {
    let fields = Fields::of(node, "updateChannel", &["channel", "name", "channelOptimizedRouting"])?;
    Ok(Command::UpdateChannel {
        channel: fields.required("channel", text)?,
        name: fields.optional("name", text)?,
        channel_optimized_routing: fields.optional("channelOptimizedRouting", flag)?,
    })
}

/// `mail: {}`, or with its setting.
pub(super) fn set_up_channel(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let fields = Fields::of(node, "a Task Channel", &["channelOptimizedRouting"])?;
    let channel_optimized_routing = fields.optional("channelOptimizedRouting", flag)?.unwrap_or(false);
    Ok(vec![Command::SetUpChannel { channel: name.clone(), channel_optimized_routing }])
}

// ---- TaskQueues ----

fn add_queue(node: &Node) -> Result<Command, Fault> {
    let fields =
        Fields::of(node, "addQueue", &["queue", "workers", "order", "maxReservedWorkers", "wrapUpLimit"])?;
    Ok(Command::AddQueue { queue: fields.required("queue", text)?, settings: queue(&fields)? })
}

fn update_queue(node: &Node) -> Result<Command, Fault> {
    let keys = ["queue", "name", "workers", "order", "maxReservedWorkers", "wrapUpLimit"];
    let fields = Fields::of(node, "updateQueue", &keys)?;
    Ok(Command::UpdateQueue {
        queue: fields.required("queue", text)?,
        name: fields.optional("name", text)?,
        settings: queue(&fields)?,
    })
}

/// `Billing: skills HAS "billing"`, or all settings.
pub(super) fn set_up_queue(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let settings = match &node.value {
        Content::Text(_) => Queue { workers: Some(text(node)?), ..Queue::default() },
        _ => queue(&Fields::of(
            node,
            "a TaskQueue",
            &["workers", "order", "maxReservedWorkers", "wrapUpLimit"],
        )?)?,
    };
    Ok(vec![Command::AddQueue { queue: name.clone(), settings }])
}

fn queue(fields: &Fields<'_>) -> Result<Queue, Fault> {
    Ok(Queue {
        workers: fields.optional("workers", text)?,
        order: fields.optional("order", order)?,
        max_reserved_workers: fields.optional("maxReservedWorkers", whole_number)?,
        wrap_up_limit_seconds: fields.optional("wrapUpLimit", seconds_or_null)?,
    })
}

// ---- Workflows ----

const ROUTING_KEYS: [&str; 3] = ["filters", "default", "document"];

fn add_workflow(node: &Node) -> Result<Command, Fault> {
    let keys = [&["workflow", "reservationTimeout"][..], &ROUTING_KEYS].concat();
    let fields = Fields::of(node, "addWorkflow", &keys)?;
    Ok(Command::AddWorkflow { workflow: fields.required("workflow", text)?, settings: workflow(&fields)? })
}

fn update_workflow(node: &Node) -> Result<Command, Fault> {
    let keys = [&["workflow", "name", "reservationTimeout", "reEvaluateTasks"][..], &ROUTING_KEYS].concat();
    let fields = Fields::of(node, "updateWorkflow", &keys)?;
    Ok(Command::UpdateWorkflow {
        workflow: fields.required("workflow", text)?,
        name: fields.optional("name", text)?,
        settings: workflow(&fields)?,
        re_evaluate_tasks: fields.optional("reEvaluateTasks", flag)?.unwrap_or(false),
    })
}

pub(super) fn set_up_workflow(name: &Located<String>, node: &Node) -> Result<Vec<Command>, Fault> {
    let keys = [&["reservationTimeout"][..], &ROUTING_KEYS].concat();
    let fields = Fields::of(node, "a Workflow", &keys)?;
    Ok(vec![Command::AddWorkflow { workflow: name.clone(), settings: workflow(&fields)? }])
}

fn workflow(fields: &Fields<'_>) -> Result<Workflow, Fault> {
    let reservation_timeout_seconds = fields.optional("reservationTimeout", seconds)?;
    let routing = match (fields.get("document"), fields.get("filters"), fields.get("default")) {
        (None, None, None) => None,
        (Some(document), None, None) => Some(Routing::Document(json(document))),
        (None, filters, default) => Some(Routing::Filters {
            filters: filters.map(read_filters).transpose()?.unwrap_or_default(),
            default: default.map(target).transpose()?,
        }),
        (Some(document), _, _) => {
            let message = "a Workflow has either a document, or filters and a default";
            return Err(Fault::new(document.at, message));
        }
    };
    Ok(Workflow { reservation_timeout_seconds, routing })
}

fn read_filters(node: &Node) -> Result<Vec<Filter>, Fault> {
    list(node, "filters")?.iter().map(filter).collect()
}

fn filter(node: &Node) -> Result<Filter, Fault> {
    let fields = Fields::of(node, "a filter", &["name", "when", "targets"])?;
    let targets = fields.required("targets", |node| list(node, "targets"))?;
    Ok(Filter {
        name: fields.optional("name", text)?,
        when: fields.required("when", text)?,
        targets: targets.iter().map(target).collect::<Result<_, _>>()?,
    })
}

/// The keys of a target that are texts, here and in the routing document.
const TARGET_TEXTS: [(&str, &str); 5] = [
    ("expression", "expression"),
    ("knownWorkerSid", "known_worker_sid"),
    ("knownWorkerName", "known_worker_friendly_name"),
    ("orderBy", "order_by"),
    ("skipIf", "skip_if"),
];

fn target(node: &Node) -> Result<Target, Fault> {
    let keys = [&["queue", "timeout", "priority"][..], &TARGET_TEXTS.map(|(key, _)| key)].concat();
    let fields = Fields::of(node, "a target", &keys)?;
    let mut texts = Vec::new();
    for (key, in_document) in TARGET_TEXTS {
        texts.extend(fields.optional(key, text)?.map(|text| (in_document, text)));
    }
    Ok(Target {
        queue: fields.optional("queue", text)?,
        timeout_seconds: fields.optional("timeout", seconds)?,
        priority: fields.optional("priority", whole_number)?,
        texts,
    })
}

// ---- the Workspace ----

fn update_workspace(node: &Node) -> Result<Command, Fault> {
    workspace(node).map(Command::UpdateWorkspace)
}

pub(super) fn workspace(node: &Node) -> Result<Workspace, Fault> {
    let keys =
        ["name", "reofferDelay", "assignedLimit", "queueOrderPriority", "defaultActivity", "timeoutActivity"];
    let fields = Fields::of(node, "workspace", &keys)?;
    Ok(Workspace {
        name: fields.optional("name", text)?,
        reoffer_delay_seconds: fields.optional("reofferDelay", seconds)?,
        assigned_limit_hours: fields.optional("assignedLimit", hours_or_null)?,
        queue_order_priority: fields.optional("queueOrderPriority", order)?,
        default_activity: fields.optional("defaultActivity", text)?,
        timeout_activity: fields.optional("timeoutActivity", text_or_null)?,
    })
}

fn text_or_null(node: &Node) -> Result<Option<Text>, Fault> {
    if node.value == Content::Null { Ok(None) } else { text(node).map(Some) }
}

fn seconds_or_null(node: &Node) -> Result<Option<u32>, Fault> {
    if node.value == Content::Null { Ok(None) } else { seconds(node).map(Some) }
}

fn hours_or_null(node: &Node) -> Result<Option<u32>, Fault> {
    match seconds_or_null(node)? {
        Some(seconds) if seconds % 3_600 != 0 => {
            Err(Fault::new(node.at, "expected whole hours, such as 24h"))
        }
        seconds => Ok(seconds.map(|seconds| seconds / 3_600)),
    }
}
