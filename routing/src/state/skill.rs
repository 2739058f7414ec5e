//! Skills, and what the attributes of a Worker say about them.
//!
//! A Skill is a name with an optional range of levels. Who has it stands in the attributes of the Workers and nowhere
//! else, because that is what expressions look at:
//!
//! ```text
//! { "routing": { "skills": ["billing", "spanish"], "levels": { "spanish": 3 } } }
//! ```

use std::fmt::Write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Worker;
use crate::attributes::Attributes;
use crate::expression::{Path, Step};
use crate::ids::SkillId;
use crate::time::Timestamp;

/// The largest level, so that every level is an integer in all protocols.
pub const LEVEL_MAX: u32 = i32::MAX as u32;

/// Something that Workers can have learned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Skill {
    /// The Skill itself.
    pub id: SkillId,
    /// Unique in the Workspace without regard to case; at most 64 characters. With levels, it can be written as one
    /// segment of a key ([`is_key_segment`]).
    pub name: String,
    /// How well it can be mastered; `None`: a Worker has it or not.
    pub levels: Option<Levels>,
    /// Counts the changes of the fields above.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When one of the fields above changed last.
    pub updated_at: Timestamp,
}

/// The levels of a Skill, both ends included; the minimum is not above the maximum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Levels {
    /// The least level, 0 or more.
    pub minimum: u32,
    /// The highest level, at most [`LEVEL_MAX`].
    pub maximum: u32,
}

impl Levels {
    /// Is it one of the levels?
    #[must_use]
    pub fn contain(self, level: u32) -> bool {
        (self.minimum..=self.maximum).contains(&level)
    }
}

impl Skill {
    /// Does the Worker have it? As expressions see it, so capitals matter.
    #[must_use]
    pub fn is_assigned_to(&self, worker: &Worker) -> bool {
        // To look for the text is much cheaper than to parse.
        may_hold(&worker.attributes, &self.name)
            && names(&worker.attributes.to_value()).contains(&&*self.name)
    }

    /// The condition that is true for the Workers who have the Skill, at this level at least, as it can be written in a
    /// TaskQueue and in a target.
    #[must_use]
    pub fn expression(&self, minimum_level: Option<u32>) -> String {
        let mut text = "worker.routing.skills HAS \"".to_owned();
        for character in self.name.chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            text.push(character);
        }
        text.push('"');
        if let Some(level) = minimum_level {
            let _ = write!(text, " AND worker.routing.levels.{} >= {level}", self.name);
        }
        text
    }
}

/// Can expressions name the level of a Skill of this name, as `routing.levels.<name>`?
#[must_use]
pub fn is_key_segment(name: &str) -> bool {
    let path = Path::parse(&format!("routing.levels.{name}"));
    path.is_ok_and(|path| match path.steps() {
        [_, _, Step::Member(segment)] => **segment == *name,
        _ => false,
    })
}

/// The names in `routing.skills`, in their order, each once.
#[must_use]
pub fn names(attributes: &Value) -> Vec<&str> {
    let listed =
        attributes.get("routing").and_then(|routing| routing.get("skills")).and_then(Value::as_array);
    let mut names: Vec<&str> = Vec::new();
    for name in listed.into_iter().flatten().filter_map(Value::as_str) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What stands in `routing.levels` under this name, whatever it is. NULL is nothing.
#[must_use]
pub fn level<'a>(attributes: &'a Value, name: &str) -> Option<&'a Value> {
    attributes.get("routing")?.get("levels")?.get(name).filter(|level| !level.is_null())
}

/// The level that an attribute says; `None` where it is no integer from 0 to [`LEVEL_MAX`].
#[must_use]
pub fn level_of(attribute: &Value) -> Option<u32> {
    let integer = attribute.as_u64().or_else(|| {
        let number = attribute.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0)?;
        Some(number as u64)
    });
    integer.and_then(|level| u32::try_from(level).ok()).filter(|level| *level <= LEVEL_MAX)
}

/// Does the text of the attributes hold this one? Where something in it is escaped, it may.
fn may_hold(attributes: &Attributes, text: &str) -> bool {
    attributes.as_str().contains(text) || attributes.as_str().contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Expression, Kind};
    use crate::ids::{Id, WorkspaceTag};

    fn skill(name: &str, levels: Option<Levels>) -> Skill {
        let at = Timestamp(0);
        let id = SkillId::minted(at, 1, WorkspaceTag(7));
        Skill { id, name: name.to_owned(), levels, version: 1, created_at: at, updated_at: at }
    }

    #[test]
    fn the_expression_of_any_name_is_one_in_both_places() {
        for name in ["spanish", "Español", "first aid", "\"\\", "in", "don't", "7"] {
            let text = skill(name, None).expression(None);
            for kind in [Kind::Queue, Kind::Target] {
                let expression = Expression::parse(kind, &text).expect("an expression");
                assert!(expression.names_skill(name), "{text}");
            }
        }
        let text = skill("988ENsk", Some(Levels { minimum: 1, maximum: 5 })).expression(Some(3));
        assert_eq!(text, r#"worker.routing.skills HAS "988ENsk" AND worker.routing.levels.988ENsk >= 3"#);
        assert!(Expression::parse(Kind::Queue, &text).is_ok());
    }

    #[test]
    fn a_name_of_letters_digits_and_underscores_is_a_segment_of_a_key() {
        for (name, expected) in [
            ("spanish", true),
            ("Español", true),
            ("988ENsk", true),
            ("in", true),
            ("a_$1", true),
            ("first aid", false),
            ("c-1", false),
            ("a.b", false),
            ("a[0]", false),
            ("\"a\"", false),
        ] {
            assert_eq!(is_key_segment(name), expected, "{name}");
        }
    }

    #[test]
    fn levels_are_integers_from_zero_on() {
        for (attribute, expected) in [
            ("3", Some(3)),
            ("3.0", Some(3)),
            ("0", Some(0)),
            ("2147483647", Some(LEVEL_MAX)),
            ("2147483648", None),
            ("1e300", None),
            ("-1", None),
            ("2.5", None),
            ("\"3\"", None),
        ] {
            assert_eq!(level_of(&serde_json::from_str(attribute).expect("JSON")), expected, "{attribute}");
        }
    }
}
