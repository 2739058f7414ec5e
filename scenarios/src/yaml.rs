//! A YAML document as a tree in which every value knows its place in the file.
//!
//! The places are why files are not read into structs with `derive`: a mistake in a routing test is shown where it
//! stands, also when it is a name that only turns out to be unknown when the story comes to it.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_saphyr::{Location, Spanned};

/// A place in a file, counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// Something with its place in the file.
#[derive(Clone, PartialEq, Debug)]
pub struct Located<T> {
    /// Where it stands.
    pub at: Place,
    /// What stands there.
    pub value: T,
}

/// Something in a file that cannot be understood, or cannot be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Where.
    pub at: Place,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A value with its place.
pub(crate) type Node = Located<Content>;

/// What a value is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Content {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, because Workers are created in this order.
    Map(Vec<(Located<String>, Node)>),
}

/// Reads a document.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    let options = serde_saphyr::options! {
        // Only `true` and `false`: a Worker may be called `No`, and an attribute may say `on`.
        strict_booleans: true,
        with_snippet: false,
    };
    let spanned: Spanned<Content> = serde_saphyr::from_str_with_options(text, options).map_err(fault)?;
    Ok(located(spanned))
}

impl Fault {
    pub(crate) fn new(at: Place, message: impl Into<String>) -> Fault {
        Fault { at, message: message.into() }
    }
}

impl Content {
    /// What the value is, in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Content::Null => "nothing",
            Content::Flag(_) => "true or false",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Content, E> {
        Ok(Content::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Content, E> {
        Number::from_f64(number).map(Content::Number).ok_or_else(|| E::custom("the number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Content, E> {
        Ok(Content::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = sequence.next_element()? {
            list.push(located(element));
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Content, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = access.next_entry()? {
            entries.push((located::<String>(key), located(value)));
        }
        Ok(Content::Map(entries))
    }
}

fn located<T>(Spanned { value, referenced, .. }: Spanned<T>) -> Located<T> {
    Located { at: place(referenced), value }
}

fn place(location: Location) -> Place {
    // An unknown location is line 0; the beginning of the file is the better guess.
    Place { line: location.line().max(1), column: location.column().max(1) }
}

fn fault(error: serde_saphyr::Error) -> Fault {
    let at = place(error.location().unwrap_or(Location::UNKNOWN));
    let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
    // The place is shown in front of the message already.
    let behind = format!(" at line {}, column {}", at.line, at.column);
    Fault::new(at, text.strip_suffix(&behind).unwrap_or(&text))
}
