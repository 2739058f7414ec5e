//! Small pieces of a file: maps with known keys, and values of one kind.

use routing::state::TaskOrder;
use serde_json::{Map, Value};

use crate::format::{Json, Text};
use crate::suggest::instead;
use crate::time::{Instant, Span};
use crate::yaml::{Content, Fault, Located, Node, Place};

/// A map whose keys are known.
pub(crate) struct Fields<'a> {
    at: Place,
    what: &'static str,
    entries: &'a [(Located<String>, Node)],
}

impl<'a> Fields<'a> {
    /// Where the map begins.
    pub fn at(&self) -> Place {
        self.at
    }

    /// The entries of a map. Whatever is not one of `keys` is refused.
    pub fn of(node: &'a Node, what: &'static str, keys: &[&str]) -> Result<Fields<'a>, Fault> {
        let entries = entries(node, what)?;
        for (key, _) in entries {
            if !keys.contains(&key.value.as_str()) {
                let hint = instead(&key.value, keys);
                return Err(Fault::new(key.at, format!("{:?} is no key of {what}{hint}", key.value)));
            }
        }
        Ok(Fields { at: node.at, what, entries })
    }

    /// The value of a key, if it is there.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(known, _)| known.value == key).map(|(_, node)| node)
    }

    /// The value of a key, read by `read`, if it is there.
    pub fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(read).transpose()
    }

    /// The value of a key, read by `read`.
    pub fn required<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let missing = || Fault::new(self.at, format!("{} needs the key {key:?}", self.what));
        read(self.get(key).ok_or_else(missing)?)
    }
}

/// The entries of a map with names for keys.
pub(crate) fn entries<'a>(node: &'a Node, what: &str) -> Result<&'a [(Located<String>, Node)], Fault> {
    match &node.value {
        Content::Map(entries) => Ok(entries),
        other => Err(unexpected(node, &format!("{what}: a map"), other)),
    }
}

pub(crate) fn list<'a>(node: &'a Node, what: &str) -> Result<&'a [Node], Fault> {
    match &node.value {
        Content::List(list) => Ok(list),
        other => Err(unexpected(node, &format!("{what}: a list"), other)),
    }
}

pub(crate) fn text(node: &Node) -> Result<Text, Fault> {
    match &node.value {
        Content::Text(text) => Ok(Located { at: node.at, value: text.clone() }),
        other => Err(unexpected(node, "a text", other)),
    }
}

pub(crate) fn flag(node: &Node) -> Result<bool, Fault> {
    match node.value {
        Content::Flag(flag) => Ok(flag),
        ref other => Err(unexpected(node, "true or false", other)),
    }
}

pub(crate) fn whole_number(node: &Node) -> Result<u32, Fault> {
    let number = match &node.value {
        Content::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        other => return Err(unexpected(node, "a whole number", other)),
    };
    number.ok_or_else(|| Fault::new(node.at, format!("expected a whole number from 0 to {}", u32::MAX)))
}

/// A length of time that is not negative.
pub(crate) fn span(node: &Node) -> Result<Span, Fault> {
    let parsed = unit_text(node)?.and_then(Span::parse).filter(|span| span.0 >= 0);
    parsed.ok_or_else(|| wrong_time(node, "a time with its unit, such as 30s, 1h 30m or 500ms"))
}

/// A length of time that a setting can have.
pub(crate) fn seconds(node: &Node) -> Result<u32, Fault> {
    let seconds = span(node)?.whole_seconds();
    seconds.ok_or_else(|| Fault::new(node.at, format!("expected whole seconds, at most {}s", u32::MAX)))
}

pub(crate) fn instant(node: &Node) -> Result<Instant, Fault> {
    let parsed = unit_text(node)?.and_then(Instant::parse);
    let expected = "a time since the start, such as 31s or -5m, or a date such as 2026-01-05T17:00:00Z";
    parsed.ok_or_else(|| wrong_time(node, expected))
}

/// An instant, or the word `none`.
pub(crate) fn instant_or_none(node: &Node) -> Result<Option<Instant>, Fault> {
    match &node.value {
        Content::Text(text) if text == "none" => Ok(None),
        _ => instant(node).map(Some),
    }
}

pub(crate) fn order(node: &Node) -> Result<TaskOrder, Fault> {
    one_of(node, &[("FIFO", TaskOrder::Fifo), ("LIFO", TaskOrder::Lifo)])
}

/// One of a few words.
pub(crate) fn one_of<T: Copy>(node: &Node, words: &[(&str, T)]) -> Result<T, Fault> {
    let text = text(node)?;
    let found = words.iter().find(|(word, _)| *word == text.value);
    found.map(|(_, meaning)| *meaning).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Fault::new(node.at, format!("{:?} is none of {}", text.value, words.join(", ")))
    })
}

/// A value of any kind, as JSON.
pub(crate) fn json(node: &Node) -> Json {
    Located { at: node.at, value: json_value(node) }
}

/// Attributes of a Worker or Task: a map.
pub(crate) fn attributes(node: &Node) -> Result<Json, Fault> {
    entries(node, "attributes")?;
    Ok(json(node))
}

/// The same with its place.
pub(crate) fn with_place<'a, T>(
    read: impl FnOnce(&'a Node) -> Result<T, Fault>,
) -> impl FnOnce(&'a Node) -> Result<Located<T>, Fault> {
    |node| Ok(Located { at: node.at, value: read(node)? })
}

fn json_value(node: &Node) -> Value {
    match &node.value {
        Content::Null => Value::Null,
        Content::Flag(flag) => Value::Bool(*flag),
        Content::Number(number) => Value::Number(number.clone()),
        Content::Text(text) => Value::String(text.clone()),
        Content::List(list) => list.iter().map(json_value).collect(),
        Content::Map(entries) => {
            let members = entries.iter().map(|(key, value)| (key.value.clone(), json_value(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// The text of a time. A bare number is the likely mistake, so it has a message of its own.
fn unit_text(node: &Node) -> Result<Option<&str>, Fault> {
    match &node.value {
        Content::Number(number) => {
            Err(Fault::new(node.at, format!("{number} has no unit; did you mean {number}s?")))
        }
        Content::Text(text) => Ok(Some(text)),
        _ => Ok(None),
    }
}

fn wrong_time(node: &Node, expected: &str) -> Fault {
    unexpected(node, expected, &node.value)
}

fn unexpected(node: &Node, expected: &str, found: &Content) -> Fault {
    match found {
        Content::Text(text) => Fault::new(node.at, format!("expected {expected}, found {text:?}")),
        // What is left out altogether is the likely mistake where a map should stand: `Ann:`.
        Content::Null if expected.ends_with(": a map") => {
            Fault::new(node.at, format!("expected {expected}, found nothing; {{}} is an empty one"))
        }
        other => Fault::new(node.at, format!("expected {expected}, found {}", other.kind())),
    }
}
