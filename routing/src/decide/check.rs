//! Checks that several decisions share.

use std::sync::Arc;

use crate::attributes::Attributes;
use crate::command::TaskChannelRef;
use crate::ids::{
    ActivityId, Id, ReservationId, SkillId, TaskChannelId, TaskId, TaskQueueId, WorkerId, WorkflowId,
};
use crate::rejection::{Rejection, USERS_NAMED_MAX, User};
use crate::router::Router;
use crate::state::{Activity, Map, Reservation, Skill, Task, TaskChannel, TaskQueue, Worker, Workflow};

/// Longest name of anything, in characters (`routing.md` 7).
const NAME_CHARACTERS_MAX: usize = 64;
/// Longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 1_024;

impl Router {
    pub(super) fn activity(&self, id: ActivityId, field: &'static str) -> Result<Arc<Activity>, Rejection> {
        find(&self.state.activities, id, field)
    }

    pub(super) fn skill(&self, id: SkillId, field: &'static str) -> Result<Arc<Skill>, Rejection> {
        find(&self.state.skills, id, field)
    }

    pub(super) fn task_queue(
        &self,
        id: TaskQueueId,
        field: &'static str,
    ) -> Result<Arc<TaskQueue>, Rejection> {
        find(&self.state.task_queues, id, field)
    }

    pub(super) fn workflow(&self, id: WorkflowId, field: &'static str) -> Result<Arc<Workflow>, Rejection> {
        find(&self.state.workflows, id, field)
    }

    pub(super) fn worker(&self, id: WorkerId, field: &'static str) -> Result<Arc<Worker>, Rejection> {
        find(&self.state.workers, id, field)
    }

    pub(super) fn task(&self, id: TaskId) -> Result<Arc<Task>, Rejection> {
        let task = find(&self.state.tasks, id, "taskId")?;
        if task.deleted_at.is_some() {
            return Err(Rejection::NotFound { kind: TaskId::KIND, id: id.to_string(), field: "taskId" });
        }
        Ok(task)
    }

    pub(super) fn reservation(&self, id: ReservationId) -> Result<Arc<Reservation>, Rejection> {
        find(&self.state.reservations, id, "reservationId")
    }

    pub(super) fn task_channel(&self, reference: &TaskChannelRef) -> Result<Arc<TaskChannel>, Rejection> {
        match reference {
            TaskChannelRef::Id(id) => find(&self.state.task_channels, *id, "taskChannelId"),
            TaskChannelRef::UniqueName(name) => {
                let channel = self.state.task_channel_named(name).cloned();
                channel.ok_or_else(|| Rejection::NotFound {
                    kind: TaskChannelId::KIND,
                    id: name.clone(),
                    field: "taskChannelName",
                })
            }
        }
    }

    pub(super) fn check_attributes(&self, attributes: &Attributes) -> Result<(), Rejection> {
        let limit = self.limits.attributes_characters_max;
        if attributes.characters() > limit {
            let what = "the attributes are too long, in characters";
            return Err(Rejection::LimitExceeded { what, limit, field: Some("attributes") });
        }
        Ok(())
    }
}

pub(super) fn find<I: Id, T>(map: &Map<I, T>, id: I, field: &'static str) -> Result<Arc<T>, Rejection> {
    map.get(&id).cloned().ok_or_else(|| Rejection::NotFound { kind: I::KIND, id: id.to_string(), field })
}

/// The id of something new must not be taken. Ids are minted at random, so this is a caller's mistake.
pub(super) fn unused<I: Id, T>(map: &Map<I, T>, id: I) -> Result<(), Rejection> {
    match map.contains_key(&id) {
        false => Ok(()),
        true => Err(bad_input("id", format!("the id {id} is taken"))),
    }
}

/// There must be room for one more.
pub(super) fn room(present: usize, limit: usize, what: &'static str) -> Result<(), Rejection> {
    if present < limit { Ok(()) } else { Err(Rejection::LimitExceeded { what, limit, field: None }) }
}

/// The version must be the one that the caller has seen, where the caller says so.
pub(super) fn version(kind: &'static str, expected: Option<u32>, present: u32) -> Result<(), Rejection> {
    match expected {
        Some(expected) if expected != present => Err(Rejection::VersionConflict { kind, expected, present }),
        _ => Ok(()),
    }
}

/// A name as people write it: not empty, not too long, and without blanks around it.
pub(super) fn name(name: &str, field: &'static str) -> Result<String, Rejection> {
    let trimmed = name.trim();
    let characters = trimmed.chars().count();
    if characters == 0 || characters > NAME_CHARACTERS_MAX || trimmed.chars().any(char::is_control) {
        let message = format!("a name has 1 to {NAME_CHARACTERS_MAX} characters and no line breaks");
        return Err(bad_input(field, message));
    }
    Ok(trimmed.to_owned())
}

/// Nobody else may have the name.
pub(super) fn unique<I: PartialEq>(id: I, holder: Option<I>, name: &str) -> Result<(), Rejection> {
    match holder {
        Some(holder) if holder != id => Err(bad_input(
            "name",
            format!("the name {name:?} is taken; names are unique without regard to case"),
        )),
        _ => Ok(()),
    }
}

pub(super) fn reason(reason: &str) -> Result<String, Rejection> {
    let trimmed = reason.trim();
    let characters = trimmed.chars().count();
    if characters == 0 || characters > REASON_CHARACTERS_MAX {
        return Err(bad_input("reason", format!("a reason has 1 to {REASON_CHARACTERS_MAX} characters")));
    }
    without_nul(trimmed, "reason")?;
    Ok(trimmed.to_owned())
}

/// A text must be one that every database can hold.
pub(super) fn without_nul(text: &str, field: &'static str) -> Result<(), Rejection> {
    match text.contains('\0') {
        true => Err(bad_input(field, "the text holds the character U+0000")),
        false => Ok(()),
    }
}

/// A number must be in its range, bounds included.
pub(super) fn range(value: u32, min: u32, max: u32, field: &'static str) -> Result<u32, Rejection> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(bad_input(field, format!("{value} is not in the range from {min} to {max}")))
    }
}

pub(super) fn bad_input(field: &'static str, message: impl Into<String>) -> Rejection {
    Rejection::BadInput { field, message: message.into() }
}

/// Something that needs an object, and in which way.
pub(super) fn user<I: Id>(id: I, name: Option<&String>, how: &'static str) -> User {
    User { kind: I::KIND, id: id.to_string(), name: name.cloned(), how }
}

/// Nobody must need an object that is to be deleted or renamed.
pub(super) fn not_in_use(
    kind: &'static str,
    action: &'static str,
    users: impl Iterator<Item = User>,
) -> Result<(), Rejection> {
    let mut users = users.fuse();
    let named: Vec<User> = users.by_ref().take(USERS_NAMED_MAX).collect();
    match named.len() + users.count() {
        0 => Ok(()),
        n_users => Err(Rejection::InUse { kind, action, users: named, n_users }),
    }
}
