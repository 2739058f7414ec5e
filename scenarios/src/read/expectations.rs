//! What is expected of Tasks, Workers, events and time.

use std::collections::BTreeSet;

use routing::state::ReservationStatus;
use routing::state::task_transfer::TransferStatus;

use crate::fields::{
    Fields, attributes, entries, flag, instant_or_none, list, one_of, text, whole_number, with_place,
};
use crate::format::{ChannelExpectation, Expectation, Standing, TaskExpectation, Text, WorkerExpectation};
use crate::suggest::closest;
use crate::yaml::{Content, Fault, Located, Node};

/// The statuses of a Reservation, as the API writes them, but small.
pub(crate) const RESERVATION_STATUSES: &[(&str, ReservationStatus)] = &[
    ("pending", ReservationStatus::Pending),
    ("accepted", ReservationStatus::Accepted),
    ("rejected", ReservationStatus::Rejected),
    ("timeout", ReservationStatus::TimedOut),
    ("canceled", ReservationStatus::Canceled),
    ("rescinded", ReservationStatus::Rescinded),
    ("wrapping", ReservationStatus::Wrapping),
    ("completed", ReservationStatus::Completed),
];

/// The statuses of a transfer, likewise.
pub(crate) const TRANSFER_STATUSES: &[(&str, TransferStatus)] = &[
    ("initiated", TransferStatus::Initiated),
    ("complete", TransferStatus::Complete),
    ("failed", TransferStatus::Failed),
    ("canceled", TransferStatus::Canceled),
];

/// One entry below `expect`. A key that is no Task of the story so far is the name of a Worker.
pub(super) fn expectation(
    key: &Located<String>,
    value: &Node,
    tasks: &BTreeSet<String>,
) -> Result<Expectation, Fault> {
    match key.value.as_str() {
        "events" => Ok(Expectation::Events(with_place(texts)(value)?)),
        "nextDeadline" => Ok(Expectation::NextDeadline(with_place(instant_or_none)(value)?)),
        name if tasks.contains(name) => {
            Ok(Expectation::Task { task: key.clone(), is: Box::new(task(value)?) })
        }
        name => match value.value {
            Content::Map(_) => Ok(Expectation::Worker { worker: key.clone(), is: worker(value)? }),
            _ => {
                let meant = closest(name, tasks.iter().map(String::as_str));
                let hint = meant.map(|meant| format!("; did you mean {meant:?}?")).unwrap_or_default();
                Err(Fault::new(key.at, format!("the story has created no Task {name:?} so far{hint}")))
            }
        },
    }
}

/// `T1: reserved for Ann`, or more about it.
fn task(node: &Node) -> Result<TaskExpectation, Fault> {
    if let Content::Text(_) = node.value {
        let standing = Some(with_place(standing)(node)?);
        return Ok(TaskExpectation { standing, ..TaskExpectation::default() });
    }
    let keys = [
        "is",
        "in",
        "step",
        "priority",
        "until",
        "reason",
        "assignments",
        "attributes",
        "reservations",
        "owner",
        "transfer",
    ];
    let fields = Fields::of(node, "the expectation of a Task", &keys)?;
    Ok(TaskExpectation {
        standing: fields.optional("is", with_place(standing))?,
        queue: fields.optional("in", text)?,
        step: fields.optional("step", text)?,
        priority: fields.optional("priority", with_place(whole_number))?,
        until: fields.optional("until", with_place(instant_or_none))?,
        reason: fields.optional("reason", text)?,
        assignments: fields.optional("assignments", with_place(whole_number))?,
        attributes: fields.optional("attributes", attributes)?,
        reservations: fields.optional("reservations", reservations)?.unwrap_or_default(),
        owner: fields.optional("owner", with_place(owner))?,
        transfer: fields.optional("transfer", with_place(|node| one_of(node, TRANSFER_STATUSES)))?,
    })
}

fn owner(node: &Node) -> Result<Option<String>, Fault> {
    let name = text(node)?.value;
    Ok(if name == "nobody" { None } else { Some(name) })
}

fn standing(node: &Node) -> Result<Standing, Fault> {
    let text = text(node)?.value;
    let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let names = |preposition: &str| -> Option<Vec<String>> {
        let names = rest.strip_prefix(preposition)?.strip_prefix(' ')?.split(',');
        Some(names.map(|name| name.trim().to_owned()).collect())
    };
    let one_name = |preposition: &str| match names(preposition)?.as_slice() {
        [name] => Some(name.clone()),
        _ => None,
    };
    let read = match (word, rest) {
        ("pending", "") => Some(Standing::Pending),
        ("reserved", _) => names("for").map(Standing::ReservedFor),
        ("assigned", _) => one_name("to").map(Standing::AssignedTo),
        ("wrapping", _) => one_name("by").map(Standing::WrappingBy),
        ("completed", "") => Some(Standing::Completed),
        ("completed", _) => one_name("by").map(Standing::CompletedBy),
        ("canceled", "") => Some(Standing::Canceled),
        ("deleted", "") => Some(Standing::Deleted),
        ("purged", "") => Some(Standing::Purged),
        _ => None,
    };
    read.ok_or_else(|| {
        let message = format!(
            "{text:?} is no place in the life of a Task: expected pending, reserved for Ann, reserved for Ann, Ben, \
             assigned to Ann, wrapping by Ann, completed, completed by Ann, canceled, deleted or purged"
        );
        Fault::new(node.at, message)
    })
}

fn reservations(node: &Node) -> Result<Vec<(Text, Located<ReservationStatus>)>, Fault> {
    let status = |node| with_place(|node| one_of(node, RESERVATION_STATUSES))(node);
    let entries = entries(node, "reservations")?;
    entries.iter().map(|(worker, node)| Ok((worker.clone(), status(node)?))).collect()
}

fn worker(node: &Node) -> Result<WorkerExpectation, Fault> {
    let fields =
        Fields::of(node, "the expectation of a Worker", &["activity", "attributes", "holds", "channels"])?;
    let channels = fields.optional("channels", |node| entries(node, "channels"))?.unwrap_or_default();
    Ok(WorkerExpectation {
        activity: fields.optional("activity", text)?,
        attributes: fields.optional("attributes", attributes)?,
        holds: fields.optional("holds", with_place(texts))?,
        channels: channels
            .iter()
            .map(|(name, node)| Ok((name.clone(), channel(node)?)))
            .collect::<Result<_, _>>()?,
    })
}

fn channel(node: &Node) -> Result<ChannelExpectation, Fault> {
    let keys = ["capacity", "available", "open", "free"];
    let fields = Fields::of(node, "the expectation of a worker channel", &keys)?;
    Ok(ChannelExpectation {
        capacity: fields.optional("capacity", with_place(whole_number))?,
        available: fields.optional("available", with_place(flag))?,
        open: fields.optional("open", with_place(whole_number))?,
        free: fields.optional("free", with_place(percent))?,
    })
}

/// `33 %`.
fn percent(node: &Node) -> Result<u32, Fault> {
    let number = text(node).ok().and_then(|text| text.value.strip_suffix('%')?.trim().parse().ok());
    number.ok_or_else(|| Fault::new(node.at, "expected a percentage, such as 33 %"))
}

fn texts(node: &Node) -> Result<Vec<Text>, Fault> {
    list(node, "a list of names")?.iter().map(text).collect()
}
