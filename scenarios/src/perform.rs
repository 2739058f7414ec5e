//! Carries out the commands of a story: names become ids, and the router decides.

use routing::command::{
    AcceptReservation, AssignSkill, CancelTask, CancelTransfer, CompleteReservation, CompleteTask,
    CreateActivity, CreateSkill, CreateTaskChannel, CreateTaskQueue, CreateWorker, CreateWorkflow,
    DeleteActivity, DeleteSkill, DeleteTask, DeleteTaskChannel, DeleteTaskQueue, DeleteWorker,
    DeleteWorkflow, RejectReservation, SetWorkerActivity, TransferTask, UnassignSkill, UpdateActivity,
    UpdateSkill, UpdateTaskChannel, UpdateTaskQueue, UpdateWorker, UpdateWorkerChannel, UpdateWorkflow,
    UpdateWorkspace, WrapUpReservation, WrapUpTask,
};
use routing::ids::{ReservationId, TaskQueueId};
use routing::state::{Reservation, ReservationStatus, RoutingTarget};
use routing::{Attributes, Command as Routed, Rejection, command};
use serde_json::{Map, Value, json};

use crate::format::{
    Command, CreateTask, Destination, Filter, Json, Offer, Queue, Routing, Target, Text, UpdateTask,
    Workflow, Workspace,
};
use crate::world::World;
use crate::yaml::{Fault, Located, Place};

/// Nothing is expected of the version: a story knows what it did.
const ANY_VERSION: Option<u32> = None;

/// What is said where a story does not say why.
const REASON: &str = "canceled in the story";

/// What became of a command.
pub(crate) type Answer = Result<(), Rejection>;

/// Carries out a command, or says what in the file cannot be understood.
pub(crate) fn perform(world: &mut World, command: &Command) -> Result<Answer, Fault> {
    let routed = match command {
        Command::Create(create) => return perform_create(world, create),
        Command::Update(update) => Routed::UpdateTask(update_task(world, update)?),
        Command::Cancel { task, reason, attributes } => Routed::CancelTask(CancelTask {
            id: world.task_id(task)?,
            expected_version: ANY_VERSION,
            reason: reason.as_ref().map_or(REASON, |reason| &reason.value).to_owned(),
            attributes: filled_attributes(world, attributes.as_ref())?,
        }),
        Command::Accept(offer) => Routed::AcceptReservation(AcceptReservation {
            id: reservation(world, offer)?,
            expected_version: ANY_VERSION,
        }),
        Command::Reject { offer, reason, activity } => Routed::RejectReservation(RejectReservation {
            id: reservation(world, offer)?,
            expected_version: ANY_VERSION,
            reason: value(reason.as_ref()),
            activity: activity.as_ref().map(|activity| world.activity(activity)).transpose()?,
        }),
        Command::WrapUp { work, attributes } => wrap_up(world, work, attributes.as_ref())?,
        Command::Complete { work, reason, attributes } => {
            complete(world, work, reason.as_ref(), attributes.as_ref())?
        }
        Command::Transfer { task, to, mode, attributes, priority } => Routed::TransferTask(TransferTask {
            id: world.task_id(task)?,
            expected_version: ANY_VERSION,
            to: destination(world, to)?,
            mode: *mode,
            attributes: filled_attributes(world, attributes.as_ref())?,
            priority: *priority,
        }),
        Command::CancelTransfer { task, reason } => {
            let id = world.task_id(task)?;
            let transfer = world.task(id).and_then(|task| Some(task.transfers.last()?.id));
            let never = || Fault::new(task.at, format!("{} was never transferred", task.value));
            Routed::CancelTransfer(CancelTransfer {
                id: transfer.ok_or_else(never)?,
                reason: value(reason.as_ref()),
            })
        }
        Command::AddWorker { worker, attributes, activity } => Routed::CreateWorker(CreateWorker {
            id: world.mint(),
            name: worker.value.clone(),
            attributes: filled_attributes(world, attributes.as_ref())?.unwrap_or_else(Attributes::empty),
            activity: Some(world.activity(activity.as_ref().unwrap_or(&available(worker)))?),
        }),
        Command::UpdateWorker { worker, name, attributes } => Routed::UpdateWorker(UpdateWorker {
            id: world.worker(worker)?.id,
            expected_version: ANY_VERSION,
            name: value(name.as_ref()),
            attributes: filled_attributes(world, attributes.as_ref())?,
        }),
        Command::SetActivity { worker, activity, reject_pending_reservations } => {
            Routed::SetWorkerActivity(SetWorkerActivity {
                id: world.worker(worker)?.id,
                expected_version: ANY_VERSION,
                activity: world.activity(activity)?,
                reject_pending_reservations: *reject_pending_reservations,
            })
        }
        Command::SetCapacity { worker, channel, capacity } => {
            Routed::UpdateWorkerChannel(UpdateWorkerChannel {
                configured_capacity: Some(*capacity),
                ..channel_of(world, worker, channel)?
            })
        }
        Command::SetChannelAvailable { worker, channel, available } => {
            Routed::UpdateWorkerChannel(UpdateWorkerChannel {
                available: Some(*available),
                ..channel_of(world, worker, channel)?
            })
        }
        Command::AddSkill { skill, levels } => Routed::CreateSkill(CreateSkill {
            id: world.mint(),
            name: skill.value.clone(),
            minimum_level: levels.minimum.flatten(),
            maximum_level: levels.maximum.flatten(),
        }),
        Command::UpdateSkill { skill, name, levels } => Routed::UpdateSkill(UpdateSkill {
            id: world.skill(skill)?,
            expected_version: ANY_VERSION,
            name: value(name.as_ref()),
            minimum_level: levels.minimum,
            maximum_level: levels.maximum,
        }),
        Command::DeleteSkill { skill } => {
            Routed::DeleteSkill(DeleteSkill { id: world.skill(skill)?, expected_version: ANY_VERSION })
        }
        Command::AssignSkill { worker, skill, level } => Routed::AssignSkill(AssignSkill {
            worker: world.worker(worker)?.id,
            skill: world.skill(skill)?,
            expected_version: ANY_VERSION,
            level: *level,
        }),
        Command::UnassignSkill { worker, skill } => Routed::UnassignSkill(UnassignSkill {
            worker: world.worker(worker)?.id,
            skill: world.skill(skill)?,
            expected_version: ANY_VERSION,
        }),
        Command::AddActivity { activity, available } => Routed::CreateActivity(CreateActivity {
            id: world.mint(),
            name: activity.value.clone(),
            available: *available,
        }),
        Command::UpdateActivity { activity, name } => Routed::UpdateActivity(UpdateActivity {
            id: world.activity(activity)?,
            expected_version: ANY_VERSION,
            name: Some(name.value.clone()),
        }),
        Command::AddChannel { channel, name, channel_optimized_routing } => {
            let name = name.as_ref().unwrap_or(channel).value.clone();
            Routed::CreateTaskChannel(add_channel(world, channel, name, *channel_optimized_routing))
        }
        Command::UpdateChannel { channel, name, channel_optimized_routing } => {
            Routed::UpdateTaskChannel(UpdateTaskChannel {
                id: world.channel(channel)?.id,
                expected_version: ANY_VERSION,
                name: value(name.as_ref()),
                channel_optimized_routing: *channel_optimized_routing,
            })
        }
        Command::SetUpChannel { channel, channel_optimized_routing } => {
            match world.state().task_channel_named(&channel.value).map(|present| present.id) {
                Some(id) => Routed::UpdateTaskChannel(UpdateTaskChannel {
                    id,
                    expected_version: ANY_VERSION,
                    name: None,
                    channel_optimized_routing: Some(*channel_optimized_routing),
                }),
                None => {
                    let name = channel.value.clone();
                    Routed::CreateTaskChannel(add_channel(world, channel, name, *channel_optimized_routing))
                }
            }
        }
        Command::AddQueue { queue, settings } => Routed::CreateTaskQueue(add_queue(world, queue, settings)?),
        Command::UpdateQueue { queue, name, settings } => Routed::UpdateTaskQueue(UpdateTaskQueue {
            id: world.queue(queue)?,
            expected_version: ANY_VERSION,
            name: value(name.as_ref()),
            target_workers: filled(world, settings.workers.as_ref())?,
            max_reserved_workers: settings.max_reserved_workers,
            task_order: settings.order,
            wrap_up_limit_seconds: settings.wrap_up_limit_seconds,
        }),
        Command::AddWorkflow { workflow, settings } => {
            Routed::CreateWorkflow(add_workflow(world, workflow, settings)?)
        }
        Command::UpdateWorkflow { workflow, name, settings, re_evaluate_tasks } => {
            Routed::UpdateWorkflow(UpdateWorkflow {
                id: world.workflow(workflow)?,
                expected_version: ANY_VERSION,
                name: value(name.as_ref()),
                configuration: settings
                    .routing
                    .as_ref()
                    .map(|routing| document(world, routing))
                    .transpose()?,
                task_reservation_timeout_seconds: settings.reservation_timeout_seconds,
                re_evaluate_tasks: *re_evaluate_tasks,
            })
        }
        Command::UpdateWorkspace(settings) => Routed::UpdateWorkspace(update_workspace(world, settings)?),
        Command::DeleteTask { task } => {
            Routed::DeleteTask(DeleteTask { id: world.task_id(task)?, expected_version: ANY_VERSION })
        }
        Command::DeleteWorker { worker, force } => Routed::DeleteWorker(DeleteWorker {
            id: world.worker(worker)?.id,
            expected_version: ANY_VERSION,
            force: *force,
        }),
        Command::DeleteActivity { activity } => Routed::DeleteActivity(DeleteActivity {
            id: world.activity(activity)?,
            expected_version: ANY_VERSION,
        }),
        Command::DeleteChannel { channel } => Routed::DeleteTaskChannel(DeleteTaskChannel {
            id: world.channel(channel)?.id,
            expected_version: ANY_VERSION,
        }),
        Command::DeleteQueue { queue } => Routed::DeleteTaskQueue(DeleteTaskQueue {
            id: world.queue(queue)?,
            expected_version: ANY_VERSION,
        }),
        Command::DeleteWorkflow { workflow } => Routed::DeleteWorkflow(DeleteWorkflow {
            id: world.workflow(workflow)?,
            expected_version: ANY_VERSION,
        }),
    };
    Ok(world.apply(routed))
}

// ---- Tasks and Reservations ----

fn perform_create(world: &mut World, create: &CreateTask) -> Result<Answer, Fault> {
    let CreateTask {
        task,
        workflow,
        to,
        ignore_capacity,
        attributes,
        channel,
        priority,
        timeout_seconds,
        virtual_start_time,
    } = create;
    let workflow = match (workflow, to) {
        (Some(name), _) => Some(world.workflow(name)?),
        (None, Some(_)) => None,
        (None, None) => world.only_workflow(),
    };
    let command = command::CreateTask {
        id: world.mint(),
        workflow,
        routing_target: to.as_ref().map(|to| destination(world, to)).transpose()?,
        ignore_capacity: *ignore_capacity,
        task_channel: world.channel_ref(channel.as_ref())?,
        attributes: filled_attributes(world, attributes.as_ref())?.unwrap_or_else(Attributes::empty),
        priority: *priority,
        timeout_seconds: *timeout_seconds,
        virtual_start_time: virtual_start_time.map(|instant| instant.after(world.starts())),
    };
    world.call_task(&task.value, command.id);
    Ok(world.apply(Routed::CreateTask(command)))
}

fn destination(world: &World, to: &Destination) -> Result<RoutingTarget, Fault> {
    Ok(match to {
        Destination::Worker(name) => RoutingTarget::Worker(world.worker(name)?.id),
        Destination::Queue(name) => RoutingTarget::TaskQueue(world.queue(name)?),
        Destination::Workflow(name) => RoutingTarget::Workflow(world.workflow(name)?),
    })
}

fn update_task(world: &World, update: &UpdateTask) -> Result<command::UpdateTask, Fault> {
    let UpdateTask { task, attributes, channel, priority, virtual_start_time } = update;
    Ok(command::UpdateTask {
        id: world.task_id(task)?,
        expected_version: ANY_VERSION,
        attributes: filled_attributes(world, attributes.as_ref())?,
        priority: *priority,
        task_channel: channel.as_ref().map(|channel| world.channel_ref(Some(channel))).transpose()?,
        virtual_start_time: virtual_start_time.map(|instant| instant.after(world.starts())),
    })
}

fn wrap_up(world: &World, work: &Offer, attributes: Option<&Json>) -> Result<Routed, Fault> {
    if work.worker.is_some() {
        let id = reservation(world, work)?;
        return Ok(Routed::WrapUpReservation(WrapUpReservation { id, expected_version: ANY_VERSION }));
    }
    Ok(Routed::WrapUpTask(WrapUpTask {
        id: world.task_id(&work.task)?,
        expected_version: ANY_VERSION,
        attributes: filled_attributes(world, attributes)?,
    }))
}

fn complete(
    world: &World,
    work: &Offer,
    reason: Option<&Text>,
    attributes: Option<&Json>,
) -> Result<Routed, Fault> {
    if work.worker.is_some() {
        let id = reservation(world, work)?;
        return Ok(Routed::CompleteReservation(CompleteReservation { id, expected_version: ANY_VERSION }));
    }
    Ok(Routed::CompleteTask(CompleteTask {
        id: world.task_id(&work.task)?,
        expected_version: ANY_VERSION,
        reason: value(reason),
        attributes: filled_attributes(world, attributes)?,
    }))
}

/// The newest Reservation of the Task for the Worker; without a Worker, the only one that is pending.
fn reservation(world: &World, offer: &Offer) -> Result<ReservationId, Fault> {
    let task = world.task_id(&offer.task)?;
    let mut reservations = world.state().reservations_of_task(task);
    if let Some(name) = &offer.worker {
        let worker = world.worker(name)?.id;
        let newest = reservations.rfind(|reservation| reservation.worker == worker);
        let never = || Fault::new(name.at, format!("{} was never offered {}", name.value, offer.task.value));
        return newest.map(|reservation| reservation.id).ok_or_else(never);
    }
    let is_pending =
        |reservation: &&std::sync::Arc<Reservation>| reservation.status == ReservationStatus::Pending;
    let pending: Vec<_> = reservations.filter(is_pending).collect();
    match pending[..] {
        [reservation] => Ok(reservation.id),
        [] => {
            let message = format!("{} is offered to nobody now; name the Worker", offer.task.value);
            Err(Fault::new(offer.task.at, message))
        }
        _ => {
            let names: Vec<_> = pending.iter().map(|offer| world.worker_name(offer.worker)).collect();
            let message =
                format!("{} is offered to {}; name the Worker", offer.task.value, names.join(" and "));
            Err(Fault::new(offer.task.at, message))
        }
    }
}

// ---- Workers, TaskQueues, the Workspace ----

/// A Worker of a story may get work at once, unless the story says otherwise.
fn available(worker: &Text) -> Text {
    Located { at: worker.at, value: "Available".to_owned() }
}

fn channel_of(world: &World, worker: &Text, channel: &Text) -> Result<UpdateWorkerChannel, Fault> {
    Ok(UpdateWorkerChannel {
        worker: world.worker(worker)?.id,
        task_channel: world.channel(channel)?.id,
        expected_version: ANY_VERSION,
        configured_capacity: None,
        available: None,
    })
}

fn add_channel(
    world: &mut World,
    unique_name: &Text,
    name: String,
    channel_optimized_routing: bool,
) -> CreateTaskChannel {
    let unique_name = unique_name.value.clone();
    CreateTaskChannel { id: world.mint(), name, unique_name, channel_optimized_routing }
}

fn add_queue(world: &mut World, name: &Text, settings: &Queue) -> Result<CreateTaskQueue, Fault> {
    Ok(CreateTaskQueue {
        id: world.mint(),
        name: name.value.clone(),
        target_workers: filled(world, settings.workers.as_ref())?,
        max_reserved_workers: settings.max_reserved_workers,
        task_order: settings.order,
        wrap_up_limit_seconds: settings.wrap_up_limit_seconds.flatten(),
    })
}

fn update_workspace(world: &World, settings: &Workspace) -> Result<UpdateWorkspace, Fault> {
    let Workspace {
        name,
        reoffer_delay_seconds,
        assigned_limit_hours,
        queue_order_priority,
        default_activity,
        timeout_activity,
    } = settings;
    let activity = |name: &Text| world.activity(name);
    Ok(UpdateWorkspace {
        expected_version: ANY_VERSION,
        name: value(name.as_ref()),
        queue_order_priority: *queue_order_priority,
        default_activity: default_activity.as_ref().map(activity).transpose()?,
        timeout_activity: timeout_activity
            .as_ref()
            .map(|timeout_activity| timeout_activity.as_ref().map(activity).transpose())
            .transpose()?,
        logout_activity: None,
        reoffer_delay_seconds: *reoffer_delay_seconds,
        assigned_limit_hours: *assigned_limit_hours,
    })
}

// ---- Workflows ----

fn add_workflow(world: &mut World, name: &Text, settings: &Workflow) -> Result<CreateWorkflow, Fault> {
    let missing = || Fault::new(name.at, "a Workflow needs filters, a default, or a document");
    Ok(CreateWorkflow {
        id: world.mint(),
        name: name.value.clone(),
        configuration: document(world, settings.routing.as_ref().ok_or_else(missing)?)?,
        task_reservation_timeout_seconds: settings.reservation_timeout_seconds,
    })
}

/// The routing document, as the API takes it.
fn document(world: &World, routing: &Routing) -> Result<Attributes, Fault> {
    match routing {
        Routing::Document(document) => {
            let mut value = document.value.clone();
            for target in targets_of(&mut value) {
                name_to_id(world, document, target)?;
            }
            let value = filled_value(world, document.at, &value)?;
            Attributes::of(&value).ok_or_else(|| Fault::new(document.at, "a routing document is a map"))
        }
        Routing::Filters { filters, default } => {
            let mut routing = Map::new();
            let filters: Vec<Value> =
                filters.iter().map(|entry| filter(world, entry)).collect::<Result<_, _>>()?;
            routing.insert("filters".to_owned(), filters.into());
            if let Some(default) = default {
                routing.insert("default_filter".to_owned(), target(world, default)?);
            }
            Ok(Attributes::of(&json!({ "task_routing": routing })).expect("an object of a few levels"))
        }
    }
}

fn filter(world: &World, filter: &Filter) -> Result<Value, Fault> {
    let mut entry = Map::new();
    if let Some(name) = &filter.name {
        entry.insert("filter_friendly_name".to_owned(), name.value.clone().into());
    }
    entry.insert("expression".to_owned(), world.filled_in(&filter.when)?.into());
    let targets: Vec<Value> =
        filter.targets.iter().map(|entry| target(world, entry)).collect::<Result<_, _>>()?;
    entry.insert("targets".to_owned(), targets.into());
    Ok(entry.into())
}

fn target(world: &World, target: &Target) -> Result<Value, Fault> {
    let Target { queue, timeout_seconds, priority, texts } = target;
    let mut entry = Map::new();
    if let Some(name) = queue {
        entry.insert("queue".to_owned(), world.queue(name)?.to_string().into());
    }
    if let Some(seconds) = timeout_seconds {
        entry.insert("timeout".to_owned(), (*seconds).into());
    }
    if let Some(priority) = priority {
        entry.insert("priority".to_owned(), (*priority).into());
    }
    for (key, text) in texts {
        entry.insert((*key).to_owned(), world.filled_in(text)?.into());
    }
    Ok(entry.into())
}

/// Every target of a document that has the right shape; the router says what is wrong with any other.
fn targets_of(document: &mut Value) -> Vec<&mut Value> {
    let Some(routing) = document.get_mut("task_routing").and_then(Value::as_object_mut) else {
        return Vec::new();
    };
    let mut targets = Vec::new();
    for (key, value) in routing {
        match (key.as_str(), value) {
            ("default_filter", target) => targets.push(target),
            ("filters", Value::Array(filters)) => {
                let lists = filters.iter_mut().filter_map(|filter| filter.get_mut("targets")?.as_array_mut());
                targets.extend(lists.flatten());
            }
            _ => {}
        }
    }
    targets
}

/// The name of a TaskQueue in a document becomes its id; an id stays what it is.
fn name_to_id(world: &World, document: &Json, target: &mut Value) -> Result<(), Fault> {
    let Some(queue) = target.get_mut("queue") else { return Ok(()) };
    if let Some(name) = queue.as_str().filter(|name| name.parse::<TaskQueueId>().is_err()) {
        let name = Located { at: document.at, value: name.to_owned() };
        *queue = world.queue(&name)?.to_string().into();
    }
    Ok(())
}

// ---- texts ----

fn value(text: Option<&Text>) -> Option<String> {
    text.map(|text| text.value.clone())
}

fn filled(world: &World, text: Option<&Text>) -> Result<Option<String>, Fault> {
    text.map(|text| world.filled_in(text)).transpose()
}

fn filled_attributes(world: &World, attributes: Option<&Json>) -> Result<Option<Attributes>, Fault> {
    let Some(attributes) = attributes else { return Ok(None) };
    let value = filled_value(world, attributes.at, &attributes.value)?;
    let too_deep = || Fault::new(attributes.at, "attributes are nested too deep");
    Attributes::of(&value).map(Some).ok_or_else(too_deep)
}

/// The value with every `${name}` in its texts replaced.
pub(crate) fn filled_value(world: &World, at: Place, value: &Value) -> Result<Value, Fault> {
    Ok(match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => world.filled_in(&Located { at, value: text.clone() })?.into(),
        Value::Array(values) => {
            values.iter().map(|value| filled_value(world, at, value)).collect::<Result<Vec<_>, _>>()?.into()
        }
        Value::Object(members) => {
            let filled =
                members.iter().map(|(key, value)| Ok((key.clone(), filled_value(world, at, value)?)));
            Value::Object(filled.collect::<Result<Map<_, _>, Fault>>()?)
        }
    })
}
