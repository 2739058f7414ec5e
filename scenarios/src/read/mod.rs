//! From a YAML tree to a [`Scenario`]. Every set-up entry and every step is read on its own, so that one look
//! shows the mistakes of all of them.

mod commands;
mod expectations;

pub(crate) use expectations::RESERVATION_STATUSES;

use std::collections::BTreeSet;

use routing::Limits;
use routing::rejection::Code;

use crate::fields::{self, Fields};
use crate::format::{Action, Command, Expectation, Scenario, Step};
use crate::suggest::instead;
use crate::time::parse_date_time;
use crate::yaml::{Content, Fault, Located, Node};

/// A Monday morning, where the file does not say when it starts.
const START: &str = "2026-01-05T09:00:00Z";

const KEYS: &[&str] = &[
    "starts",
    "limits",
    "workspace",
    "activities",
    "taskChannels",
    "skills",
    "queues",
    "workflows",
    "workers",
    "story",
];

/// What is expected of the whole Workspace stands beside what is expected of Tasks.
const RESERVED_NAMES: [&str; 2] = ["events", "nextDeadline"];

/// The codes of refusals, as the API writes them.
pub(crate) const CODES: &[(&str, Code)] = &[
    ("NOT_FOUND", Code::NotFound),
    ("CONFLICT", Code::Conflict),
    ("INVALID_STATE", Code::InvalidState),
    ("BAD_USER_INPUT", Code::BadUserInput),
    ("INVALID_EXPRESSION", Code::InvalidExpression),
    ("INVALID_WORKFLOW", Code::InvalidWorkflow),
    ("IN_USE", Code::InUse),
    ("LIMIT_EXCEEDED", Code::LimitExceeded),
];

/// Reads a file, or says everything that is wrong with it.
pub(crate) fn scenario(node: &Node) -> Result<Scenario, Vec<Fault>> {
    let fields = Fields::of(node, "a routing test", KEYS).map_err(|fault| vec![fault])?;
    let mut reader = Reader::default();
    let starts = match fields.get("starts") {
        None => parse_date_time(START),
        Some(node) => reader.note(starts(node)),
    };
    let limits = reader.note(fields.optional("limits", limits)).flatten().unwrap_or_default();
    let set_up = reader.set_up(&fields);
    let story = match reader.note(fields.required("story", |node| fields::list(node, "story"))) {
        None => Vec::new(),
        Some(steps) => reader.story(steps),
    };
    match starts {
        Some(starts) if reader.faults.is_empty() => Ok(Scenario { starts, limits, set_up, story }),
        _ => {
            reader.faults.sort_by_key(|fault| fault.at);
            Err(reader.faults)
        }
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<Fault>,
    /// The Tasks that the story has created so far: in an expectation, any other name is a Worker's.
    tasks: BTreeSet<String>,
}

impl Reader {
    /// Keeps a fault for later and goes on.
    fn note<T>(&mut self, result: Result<T, Fault>) -> Option<T> {
        result.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// The steps that make what the file sets up. Skills come before the Workers who have them, and Workers before
    /// TaskQueues, whose expressions may name them.
    fn set_up(&mut self, fields: &Fields<'_>) -> Vec<Step> {
        type Read = fn(&Located<String>, &Node) -> Result<Vec<Command>, Fault>;
        let sections: [(&'static str, Read); 6] = [
            ("activities", commands::set_up_activity),
            ("skills", commands::set_up_skill),
            ("taskChannels", commands::set_up_channel),
            ("workers", commands::set_up_worker),
            ("queues", commands::set_up_queue),
            ("workflows", commands::set_up_workflow),
        ];
        let mut steps = Vec::new();
        for (section, read) in sections {
            let entries = self.note(fields.optional(section, |node| fields::entries(node, section)));
            for (name, node) in entries.flatten().unwrap_or_default() {
                let commands = self.note(read(name, node)).unwrap_or_default();
                steps.extend(commands.into_iter().map(|command| step_at(name, command)));
            }
        }
        // The settings may name an Activity of the file, so they come last.
        if let Some(node) = fields.get("workspace") {
            let settings = self.note(commands::workspace(node));
            let at = Located { at: node.at, value: () };
            steps.extend(settings.map(|settings| step_at(&at, Command::UpdateWorkspace(settings))));
        }
        steps
    }

    fn story(&mut self, nodes: &[Node]) -> Vec<Step> {
        let mut steps = Vec::new();
        for node in nodes {
            let step = self.step(node);
            if let Some(step) = self.note(step) {
                steps.push(step);
            }
        }
        steps
    }

    fn step(&mut self, node: &Node) -> Result<Step, Fault> {
        // The one step that needs nothing said about it.
        if node.value == Content::Text("restart".to_owned()) {
            let action = Located { at: node.at, value: Action::Restart { down_for: None } };
            return Ok(Step { action, refused: None });
        }
        let entries = fields::entries(node, "a step")?;
        let (others, actions): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| key.value == "refused");
        let (key, value) = match actions[..] {
            [action] => action,
            [] => return Err(Fault::new(node.at, "a step needs a key that says what happens")),
            [_, (second, _), ..] => {
                let message = format!("a step does one thing; begin another one with \"- {}\"", second.value);
                return Err(Fault::new(second.at, message));
            }
        };
        let action = self.action(key, value)?;
        let refused = others.first().map(|(_, node)| refused(node, &action)).transpose()?;
        Ok(Step { action: Located { at: key.at, value: action }, refused })
    }

    fn action(&mut self, key: &Located<String>, value: &Node) -> Result<Action, Fault> {
        match key.value.as_str() {
            "at" => Ok(Action::At(fields::instant(value)?)),
            "after" => Ok(Action::After(fields::span(value)?)),
            "restart" => {
                let fields = Fields::of(value, "restart", &["downFor"])?;
                Ok(Action::Restart { down_for: Some(fields.required("downFor", fields::span)?) })
            }
            "expect" => Ok(Action::Expect(self.expectations(value)?)),
            name => {
                let Some((_, read)) = commands::COMMANDS.iter().find(|(known, _)| *known == name) else {
                    let steps: Vec<&str> = ["at", "after", "restart", "expect"]
                        .into_iter()
                        .chain(commands::COMMANDS.iter().map(|(name, _)| *name))
                        .collect();
                    let hint = instead(name, &steps);
                    return Err(Fault::new(key.at, format!("{name:?} is no step{hint}")));
                };
                if name == "create" {
                    self.remember_task(value)?;
                }
                Ok(Action::Command(Box::new(read(value)?)))
            }
        }
    }

    /// Notes the name of a Task before the rest of its step is read, so that a mistake there is not told again
    /// wherever the Task is mentioned.
    fn remember_task(&mut self, create: &Node) -> Result<(), Fault> {
        let name = match &create.value {
            Content::Map(entries) => {
                entries.iter().find(|(key, _)| key.value == "task").map(|(_, name)| name)
            }
            _ => Some(create),
        };
        let Some(name) = name.and_then(|name| fields::text(name).ok()) else { return Ok(()) };
        if RESERVED_NAMES.contains(&name.value.as_str()) {
            return Err(Fault::new(
                name.at,
                format!("{:?} has a meaning of its own below \"expect\"", name.value),
            ));
        }
        if !self.tasks.insert(name.value.clone()) {
            return Err(Fault::new(name.at, format!("the story has created a Task {:?} before", name.value)));
        }
        Ok(())
    }

    fn expectations(&self, node: &Node) -> Result<Vec<Expectation>, Fault> {
        let entries = fields::entries(node, "expect")?;
        if entries.is_empty() {
            return Err(Fault::new(node.at, "nothing is expected here"));
        }
        entries.iter().map(|(key, value)| expectations::expectation(key, value, &self.tasks)).collect()
    }
}

fn step_at<T>(place: &Located<T>, command: Command) -> Step {
    let action = Located { at: place.at, value: Action::Command(Box::new(command)) };
    Step { action, refused: None }
}

fn starts(node: &Node) -> Result<routing::time::Timestamp, Fault> {
    let text = fields::text(node)?;
    let expected = || Fault::new(node.at, "expected a date and time, such as 2026-01-05T09:00:00Z");
    parse_date_time(&text.value).ok_or_else(expected)
}

fn limits(node: &Node) -> Result<Limits, Fault> {
    let keys = ["assignmentCountMax", "attributesCharactersMax", "finishedTaskRetention", "tasksMax"];
    let fields = Fields::of(node, "limits", &keys)?;
    let mut limits = Limits::default();
    if let Some(count) = fields.optional("assignmentCountMax", fields::whole_number)? {
        limits.assignment_count_max = count;
    }
    if let Some(characters) = fields.optional("attributesCharactersMax", fields::whole_number)? {
        limits.attributes_characters_max = characters as usize;
    }
    if let Some(seconds) = fields.optional("finishedTaskRetention", fields::seconds)? {
        limits.finished_task_retention_seconds = seconds;
    }
    if let Some(tasks) = fields.optional("tasksMax", fields::whole_number)? {
        limits.tasks_max = tasks as usize;
    }
    Ok(limits)
}

fn refused(node: &Node, action: &Action) -> Result<Located<Code>, Fault> {
    match action {
        Action::Command(_) => fields::with_place(|node| fields::one_of(node, CODES))(node),
        Action::At(_) | Action::After(_) | Action::Restart { .. } | Action::Expect(_) => {
            Err(Fault::new(node.at, "only a command can be refused"))
        }
    }
}
