//! What was predicted, beside what happened.

use routing::event::{Actor, Recorded};
use routing::{Rejection, State};

use super::{Answer, Model};

impl Model {
    /// The answer to a command is the one that was predicted; of a refusal, its code and its field.
    pub fn assert_answered(&self, predicted: &Answer, answer: &Result<u64, Rejection>) {
        let is_the_same = match (predicted, answer) {
            (Ok(()), Ok(sequence)) => *sequence == self.sequence,
            (Err(refusal), Err(rejection)) => {
                (refusal.code, refusal.field) == (rejection.code(), rejection.field())
            }
            (Ok(()), Err(_)) | (Err(_), Ok(_)) => false,
        };
        let position = self.sequence;
        assert!(is_the_same, "predicted was {predicted:?} (at {position}), the answer is {answer:?}");
    }

    /// So much for how a step went; now and then also where it led.
    pub fn assert_is(&self, state: &State) {
        assert_eq!(self.sequence, state.sequence, "the position in the log");
        assert_eq!(self.workspace, *state.workspace, "the Workspace");
        same("Activities", self.activities.values(), state.activities.values());
        same("Task Channels", self.task_channels.values(), state.task_channels.values());
        same("Skills", self.skills.values(), state.skills.values());
        same("TaskQueues", self.task_queues.values(), state.task_queues.values());
        same("Workflows", self.workflows.values(), state.workflows.values());
        same("Workers", self.workers.values(), state.workers.values());
        same("Tasks", self.tasks.values(), state.tasks.values());
        same("Reservations", self.reservations.values(), state.reservations.values());
        self.assert_deleted_are(&state.deleted);
    }
}

/// Each event is the one that was predicted. The first that is not is shown.
pub fn assert_same_events(predicted: &[Recorded], events: &[Recorded]) {
    if predicted == events {
        return;
    }
    let first = predicted.iter().zip(events).position(|(predicted, event)| predicted != event);
    let first = first.unwrap_or(predicted.len().min(events.len()));
    let show = |event: Option<&Recorded>| event.map_or("nothing".to_owned(), |event| format!("{event:#?}"));
    panic!(
        "event {} differs\npredicted: {}\nhappened:  {}\n{}",
        first + 1,
        names(predicted),
        names(events),
        differing_lines(&show(predicted.get(first)), &show(events.get(first)))
    );
}

/// The lines between the beginning and the end that two texts have in common, and some before.
fn differing_lines(predicted: &str, happened: &str) -> String {
    const CONTEXT: usize = 6;
    let (predicted, happened): (Vec<&str>, Vec<&str>) =
        (predicted.lines().collect(), happened.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let from = predicted.iter().zip(&happened).take_while(same).count();
    let tail = predicted[from..].iter().rev().zip(happened[from..].iter().rev()).take_while(same).count();
    let part = |lines: &[&str]| lines[from.saturating_sub(CONTEXT)..lines.len() - tail].join("\n");
    format!("predicted:\n{}\nhappened:\n{}", part(&predicted), part(&happened))
}

fn names(events: &[Recorded]) -> String {
    let name = |recorded: &Recorded| match &recorded.actor {
        Actor::System => recorded.event.name().to_owned(),
        Actor::Admin(_) | Actor::Supervisor(_) | Actor::Worker(_) => {
            format!("{} (by somebody)", recorded.event.name())
        }
    };
    events.iter().map(name).collect::<Vec<_>>().join(", ")
}

pub(super) fn same<'a, T: PartialEq + std::fmt::Debug + 'a>(
    what: &str,
    predicted: impl Iterator<Item = &'a T>,
    present: impl Iterator<Item = &'a std::sync::Arc<T>>,
) {
    let (predicted, present): (Vec<&T>, Vec<&T>) = (predicted.collect(), present.map(|one| &**one).collect());
    assert_eq!(predicted, present, "the {what}, as predicted and as they are");
}
