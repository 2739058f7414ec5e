//! Compares what is expected with what is.

use std::fmt::Display;

use routing::Attributes;
use routing::ids::{TaskId, WorkerId};
use routing::state::{Task, Worker};
use routing::time::Timestamp;

use crate::format::{
    ChannelExpectation, Expectation, Json, Standing, TaskExpectation, Text, WorkerExpectation,
};
use crate::perform::filled_value;
use crate::time::Instant;
use crate::words;
use crate::world::World;
use crate::yaml::{Fault, Located, Place};

/// Something that is not as it was expected.
pub(crate) struct Difference {
    pub at: Place,
    pub expected: String,
    pub instead: String,
    /// The Task that it is about, for the explanation.
    pub task: Option<TaskId>,
    /// The Workers who should have the Task.
    pub wanted: Vec<WorkerId>,
}

/// Everything that differs, in the order of the file. Looking at events uses them up.
pub(crate) fn differences(world: &mut World, expectations: &[Expectation]) -> Result<Vec<Difference>, Fault> {
    let mut found = Vec::new();
    let mut has_seen_events = false;
    for expectation in expectations {
        match expectation {
            Expectation::Task { task, is } => found.extend(of_task(world, task, is)?),
            Expectation::Worker { worker, is } => found.extend(of_worker(world, worker, is)?),
            Expectation::Events(expected) => {
                found.extend(of_events(world, expected));
                has_seen_events = true;
            }
            Expectation::NextDeadline(expected) => {
                let due = world.next_deadline();
                found.extend(of_moment(world, "the next deadline", expected, due));
            }
        }
    }
    // Of a failure, the events are part of the report.
    if has_seen_events && found.is_empty() {
        world.take_news();
    }
    Ok(found)
}

/// Collects what differs.
#[derive(Default)]
struct Comparison {
    found: Vec<Difference>,
}

impl Comparison {
    /// Compares by what both look like to a reader. `said` begins the sentence that the values end.
    fn compare(&mut self, at: Place, said: impl Display, expected: impl ToString, actual: impl ToString) {
        let (expected, actual) = (expected.to_string(), actual.to_string());
        if expected != actual {
            let (expected, instead) = (format!("{said} {expected}"), format!("{said} {actual}"));
            self.found.push(Difference { at, expected, instead, task: None, wanted: Vec::new() });
        }
    }
}

// ---- Tasks ----

fn of_task(world: &World, name: &Text, expected: &TaskExpectation) -> Result<Vec<Difference>, Fault> {
    let id = world.task_id(name)?;
    let task = world.task(id).map(|task| &**task);
    let mut comparison = Comparison::default();
    let mut wanted = Vec::new();
    if let Some(expected) = &expected.standing {
        wanted = workers_of(world, expected)?;
        compare_standing(world, &mut comparison, &name.value, task, expected);
    }
    match task {
        Some(task) => compare_task(world, &mut comparison, &name.value, task, expected)?,
        None if expected.standing.is_none() => {
            comparison.compare(name.at, format!("{} is", name.value), "in memory", "not in memory");
        }
        None => {}
    }
    let about = |difference| Difference { task: Some(id), wanted: wanted.clone(), ..difference };
    Ok(comparison.found.into_iter().map(about).collect())
}

fn compare_standing(
    world: &World,
    comparison: &mut Comparison,
    name: &str,
    task: Option<&Task>,
    expected: &Located<Standing>,
) {
    let actual = words::standing(world, task);
    let is_as_expected = match (&expected.value, &actual) {
        (Standing::Completed, Standing::CompletedBy(_)) => true,
        (expected, actual) => expected.to_string().to_lowercase() == actual.to_string().to_lowercase(),
    };
    if !is_as_expected {
        // Where a waiting Task stands is told with the reasons why it waits.
        let instead = match task {
            Some(task) if task.step().is_none() => words::place(world, task),
            _ => actual.to_string(),
        };
        comparison.compare(expected.at, format!("{name} is"), &expected.value, instead);
    }
}

fn compare_task(
    world: &World,
    comparison: &mut Comparison,
    name: &str,
    task: &Task,
    expected: &TaskExpectation,
) -> Result<(), Fault> {
    let TaskExpectation {
        standing: _, // It was compared before: a purged Task has one, too.
        queue,
        step,
        priority,
        until,
        reason,
        assignments,
        attributes,
        reservations,
        owner,
        transfer,
    } = expected;
    if let Some(queue) = queue {
        let expected = world.queue_name(world.queue(queue)?);
        let actual = task.task_queue.map_or("no TaskQueue", |queue| world.queue_name(queue));
        comparison.compare(queue.at, format!("{name} is in"), expected, actual);
    }
    if let Some(expected) = step {
        let actual = task.step().map_or_else(|| "none".to_owned(), words::step);
        comparison.compare(expected.at, format!("{name} is in step"), &expected.value, actual);
    }
    if let Some(expected) = priority {
        comparison.compare(expected.at, format!("{name} has priority"), expected.value, task.priority);
    }
    if let Some(expected) = until {
        let deadline = task.step().and_then(|step| step.deadline);
        let subject = format!("the deadline of the step of {name}");
        comparison.found.extend(of_moment(world, &subject, expected, deadline));
    }
    if let Some(expected) = reason {
        let actual = task.ended().and_then(|ended| ended.reason.as_deref()).unwrap_or("none");
        comparison.compare(expected.at, format!("{name} ended with the reason"), &expected.value, actual);
    }
    if let Some(expected) = assignments {
        comparison.compare(
            expected.at,
            format!("{name} went to reserved so often:"),
            expected.value,
            task.assignment_count,
        );
    }
    if let Some(expected) = attributes {
        compare_attributes(world, comparison, name, expected, &task.attributes)?;
    }
    if let Some(expected) = owner {
        let of = |reservation| world.state().reservations.get(reservation).map(|held| held.worker);
        let actual = task.owner().and_then(|owner| of(&owner.reservation));
        let actual = actual.map_or("nobody", |worker| world.worker_name(worker));
        let wanted = expected.value.as_deref().unwrap_or("nobody");
        comparison.compare(expected.at, format!("{name} belongs to"), wanted, actual);
    }
    if let Some(expected) = transfer {
        let actual = task.transfers.last().map_or("none", |transfer| transfer.status.name()).to_lowercase();
        let wanted = expected.value.name().to_lowercase();
        comparison.compare(expected.at, format!("the last transfer of {name} is"), wanted, actual);
    }
    for (worker, expected) in reservations {
        let id = world.worker_ever(worker)?.id;
        let newest = world.state().reservations_of_task(task.id).rfind(|offer| offer.worker == id);
        let actual = newest.map_or("none", |reservation| words::status(reservation.status));
        let said = format!("the Reservation of {name} for {} is", worker.value);
        comparison.compare(expected.at, said, words::status(expected.value), actual);
    }
    Ok(())
}

/// The order of the keys, which the texts would show, does not matter.
fn compare_attributes(
    world: &World,
    comparison: &mut Comparison,
    name: &str,
    expected: &Json,
    actual: &Attributes,
) -> Result<(), Fault> {
    let filled = filled_value(world, expected.at, &expected.value)?;
    let actual = actual.to_value();
    if filled != actual {
        comparison.compare(expected.at, format!("{name} has the attributes"), filled, actual);
    }
    Ok(())
}

/// The Workers whom an expectation names.
fn workers_of(world: &World, expected: &Located<Standing>) -> Result<Vec<WorkerId>, Fault> {
    let names: &[String] = match &expected.value {
        Standing::ReservedFor(workers) => workers,
        Standing::AssignedTo(worker) | Standing::WrappingBy(worker) | Standing::CompletedBy(worker) => {
            std::slice::from_ref(worker)
        }
        Standing::Pending
        | Standing::Completed
        | Standing::Canceled
        | Standing::Deleted
        | Standing::Purged => &[],
    };
    let worker = |name: &String| world.worker_ever(&Located { at: expected.at, value: name.clone() });
    names.iter().map(|name| Ok(worker(name)?.id)).collect()
}

// ---- Workers ----

fn of_worker(world: &World, name: &Text, expected: &WorkerExpectation) -> Result<Vec<Difference>, Fault> {
    let worker = world.worker(name)?;
    let mut comparison = Comparison::default();
    let name = &worker.name;
    let WorkerExpectation { activity, attributes, holds, channels } = expected;
    if let Some(activity) = activity {
        let activities = &world.state().activities;
        let expected = &activities[&world.activity(activity)?].name;
        comparison.compare(
            activity.at,
            format!("{name} is in"),
            expected,
            &activities[&worker.activity].name,
        );
    }
    if let Some(expected) = attributes {
        compare_attributes(world, &mut comparison, name, expected, &worker.attributes)?;
    }
    if let Some(expected) = holds {
        let names = expected.value.iter().map(|task| task.value.clone()).collect();
        let actual = words::held_by(world, &worker);
        comparison.compare(expected.at, format!("{name} holds"), list_in_words(names), list_in_words(actual));
    }
    for (channel, expected) in channels {
        compare_channel(world, &mut comparison, &worker, channel, expected)?;
    }
    Ok(comparison.found)
}

fn compare_channel(
    world: &World,
    comparison: &mut Comparison,
    worker: &Worker,
    name: &Text,
    expected: &ChannelExpectation,
) -> Result<(), Fault> {
    let task_channel = world.channel(name)?;
    let actual = worker.channel(&task_channel);
    let ChannelExpectation { capacity, available, open, free } = expected;
    let said = |what: &str| format!("the channel {} of {} {what}", name.value, worker.name);
    if let Some(expected) = capacity {
        comparison.compare(expected.at, said("has capacity"), expected.value, actual.configured_capacity);
    }
    if let Some(expected) = available {
        let switch = |available| if available { "on" } else { "off" };
        let (expected, at) = (switch(expected.value), expected.at);
        comparison.compare(at, said("is switched"), expected, switch(actual.available));
    }
    if let Some(expected) = open {
        comparison.compare(expected.at, said("has open Reservations:"), expected.value, actual.open());
    }
    if let Some(expected) = free {
        let percent = |number| format!("{number} %");
        let actual = percent(actual.available_capacity_percentage());
        comparison.compare(expected.at, said("has free capacity"), percent(expected.value), actual);
    }
    Ok(())
}

fn list_in_words(names: Vec<String>) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

// ---- events and time ----

/// The whole list is compared. The report shows the events that came, so only the first difference is told.
fn of_events(world: &World, expected: &Located<Vec<Text>>) -> Option<Difference> {
    let actual: Vec<String> =
        world.news().iter().map(|recorded| words::event(world, &recorded.event)).collect();
    let n_equal = std::iter::zip(&expected.value, &actual)
        .take_while(|(expected, actual)| is_beginning_of(&expected.value, actual))
        .count();
    let (wanted, came) = (expected.value.get(n_equal), actual.get(n_equal));
    if wanted.is_none() && came.is_none() {
        return None;
    }
    let in_words = |event: Option<&str>| {
        event.map_or_else(|| "no other event".to_owned(), |event| format!("event {} is {event}", n_equal + 1))
    };
    Some(Difference {
        at: wanted.map_or(expected.at, |wanted| wanted.at),
        expected: in_words(wanted.map(|wanted| wanted.value.as_str())),
        instead: in_words(came.map(String::as_str)),
        task: None,
        wanted: Vec::new(),
    })
}

/// `reservation.created T1` stands for `reservation.created T1 Ann`, but not for `reservation.created T11`.
fn is_beginning_of(expected: &str, actual: &str) -> bool {
    actual.strip_prefix(expected).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

fn of_moment(
    world: &World,
    subject: &str,
    expected: &Located<Option<Instant>>,
    actual: Option<Timestamp>,
) -> Option<Difference> {
    let instant = expected.value.map(|instant| instant.after(world.starts()));
    let mut comparison = Comparison::default();
    comparison.compare(
        expected.at,
        format!("{subject} is"),
        words::moment(world, instant),
        words::moment(world, actual),
    );
    comparison.found.pop()
}
