//! What is refused, and as what. The checks of a command are made in the order in which its parts are named there; the
//! first that fails is the answer.

use std::collections::BTreeMap;

use routing::Attributes;
use routing::command::TaskChannelRef;
use routing::ids::TaskChannelId;
use routing::rejection::Code;

use super::Model;

/// Why a command changes nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: Code,
    /// The input at fault.
    pub field: Option<&'static str>,
}

/// What becomes of a command.
pub type Answer = Result<(), Refusal>;

impl Refusal {
    pub fn not_found(field: &'static str) -> Refusal {
        Refusal { code: Code::NotFound, field: Some(field) }
    }

    pub fn bad_input(field: &'static str) -> Refusal {
        Refusal { code: Code::BadUserInput, field: Some(field) }
    }

    pub fn invalid_state() -> Refusal {
        Refusal { code: Code::InvalidState, field: None }
    }

    pub fn in_use() -> Refusal {
        Refusal { code: Code::InUse, field: None }
    }

    pub fn limit(field: Option<&'static str>) -> Refusal {
        Refusal { code: Code::LimitExceeded, field }
    }
}

/// Refuses unless it holds.
pub fn demand(holds: bool, refusal: Refusal) -> Answer {
    if holds { Ok(()) } else { Err(refusal) }
}

pub fn find<K: Copy + Ord, V: Clone>(map: &BTreeMap<K, V>, id: K, field: &'static str) -> Result<V, Refusal> {
    map.get(&id).cloned().ok_or(Refusal::not_found(field))
}

/// The caller may say which version they have seen.
pub fn version(expected: Option<u32>, present: u32) -> Answer {
    let is_as_expected = expected.is_none() || expected == Some(present);
    demand(is_as_expected, Refusal { code: Code::Conflict, field: Some("expectedVersion") })
}

/// A name without the blanks around it: 1 to 64 characters, no line breaks (`routing.md` 7), and nobody else's without
/// regard to case.
pub fn name<'a>(name: &str, others: impl Iterator<Item = &'a String>) -> Result<String, Refusal> {
    let name = unshared_name(name)?;
    for other in others {
        demand(other.to_lowercase() != name.to_lowercase(), Refusal::bad_input("name"))?;
    }
    Ok(name)
}

/// The same of a Workspace, which has no others beside it.
pub fn unshared_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    let is_right = (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    demand(is_right, Refusal::bad_input("name"))?;
    Ok(name.to_owned())
}

/// A reason without the blanks around it: 1 to 1,024 characters.
pub fn reason(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    let is_right = (1..=1_024).contains(&reason.chars().count()) && !reason.contains('\0');
    demand(is_right, Refusal::bad_input("reason"))?;
    Ok(reason.to_owned())
}

pub fn within(value: u32, range: std::ops::RangeInclusive<u32>, field: &'static str) -> Answer {
    demand(range.contains(&value), Refusal::bad_input(field))
}

impl Model {
    pub(super) fn check_attributes(&self, attributes: &Attributes) -> Answer {
        let characters = attributes.as_str().chars().count();
        demand(characters <= self.limits.attributes_characters_max, Refusal::limit(Some("attributes")))
    }

    pub(super) fn task_channel(&self, reference: &TaskChannelRef) -> Result<TaskChannelId, Refusal> {
        match reference {
            TaskChannelRef::Id(id) => Ok(find(&self.task_channels, *id, "taskChannelId")?.id),
            TaskChannelRef::UniqueName(name) => {
                let mut channels = self.task_channels.values();
                let channel = channels.find(|channel| channel.unique_name == *name);
                Ok(channel.ok_or(Refusal::not_found("taskChannelName"))?.id)
            }
        }
    }
}
