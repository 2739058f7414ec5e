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

/// A JSON object, as compact text. Cheap to clone.
#[derive(Clone)]
pub struct Attributes(Arc<RawValue>);

impl Attributes {
    /// Attributes from a JSON value; `None` unless it is an object.
    #[must_use]
    pub fn of(value: &Value) -> Option<Attributes> {
        if !value.is_object() {
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
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if !raw.get().trim_start().starts_with('{') {
            return Err(D::Error::custom("attributes are a JSON object"));
        }
        Ok(Attributes(raw.into()))
    }
}
