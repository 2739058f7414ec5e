//! The JSON attributes of Workers and Tasks.
//!
//! They are kept as the text that they were written in: half a million Tasks as trees of values would need
//! gigabytes. Who has to look inside parses once and keeps what it needs.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::written;

/// How deep lists and objects may be nested, the object itself included. Readers of JSON give up a little further
/// down; within this limit, what is stored can always be read again.
pub const NESTING_MAX: usize = 100;

/// A JSON object, as compact text. Cheap to clone.
#[derive(Clone)]
pub struct Attributes(Arc<RawValue>);

impl Attributes {
    /// Attributes from a JSON value; `None` unless it is an object that is nested no deeper than [`NESTING_MAX`].
    #[must_use]
    pub fn of(value: &Value) -> Option<Attributes> {
        if !is_attributes(value) {
            return None;
        }
        let raw = serde_json::value::to_raw_value(value).expect("a JSON value can be written");
        Some(Attributes(raw.into()))
    }

    /// `{}`.
    #[must_use]
    pub fn empty() -> Attributes {
        Attributes::of(&Value::Object(serde_json::Map::new())).expect("an object")
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// How long the text is, in characters: what the limit of attributes counts.
    #[must_use]
    pub fn characters(&self) -> usize {
        self.as_str().chars().count()
    }

    /// The attributes as a tree.
    #[must_use]
    pub fn to_value(&self) -> Value {
        serde_json::from_str(self.as_str()).expect("attributes are checked when they are made")
    }

    /// Is it the very same text in memory? Cheaper than comparing, and enough to see that nothing was written.
    #[must_use]
    pub fn is_same(&self, other: &Attributes) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Attributes) -> bool {
        self.is_same(other) || self.as_str() == other.as_str()
    }
}

impl Eq for Attributes {}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match written::number_of(Arc::as_ptr(&self.0)) {
            Some(number) => number.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if let Ok(number) = raw.get().parse()
            && let Some(earlier) = written::numbered(number)
        {
            return Ok(earlier);
        }
        // A raw value is any text with balanced brackets: too deep to be read, or with numbers out of range.
        let value = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        if !is_attributes(&value) {
            return Err(D::Error::custom(format!(
                "attributes are a JSON object of at most {NESTING_MAX} levels"
            )));
        }
        let attributes = Attributes(raw.into());
        written::note(attributes.clone());
        Ok(attributes)
    }
}

fn is_attributes(value: &Value) -> bool {
    value.is_object() && nests_at_most(NESTING_MAX, value)
}

fn nests_at_most(levels: usize, value: &Value) -> bool {
    match value {
        Value::Array(values) => levels > 0 && values.iter().all(|value| nests_at_most(levels - 1, value)),
        Value::Object(members) => {
            levels > 0 && members.values().all(|value| nests_at_most(levels - 1, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object that is nested so deep.
    fn nested(levels: usize) -> String {
        format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
    }

    #[test]
    fn whatever_attributes_are_made_of_they_can_be_read_again() {
        let deepest = nested(NESTING_MAX);
        let attributes: Attributes = serde_json::from_str(&deepest).expect("just deep enough");
        assert_eq!(Attributes::of(&attributes.to_value()), Some(attributes));

        let too_deep = (0..NESTING_MAX).fold(serde_json::json!({}), |value, _| serde_json::json!([value]));
        assert_eq!(Attributes::of(&serde_json::json!({ "a": too_deep })), None);
        for text in [nested(NESTING_MAX + 1).as_str(), &nested(10_000), r#"{"a":1e999}"#, "[]", "null"] {
            assert!(serde_json::from_str::<Attributes>(text).is_err(), "{text:.40}");
        }
    }
}
