//! The names that Workers' attributes are made of, for warnings about expressions that name something else.
//!
//! They are gathered when somebody asks, by a look at all Workers, and kept until the attributes of some Worker change:
//! expressions are saved and looked at rarely, attributes change all the time, and nobody else needs this. Clones of a
//! state share what one of them has gathered.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::{Map, Worker, skill};
use crate::expression::{Path, Step};
use crate::ids::WorkerId;

/// How many different paths there may be. Who writes data where names should be has more, and then a name that is not
/// among them says nothing.
const PATHS_MAX: usize = 20_000;

/// What is gathered, and whether it has been.
#[derive(Clone, Default)]
pub struct Vocabulary(Arc<OnceLock<Option<Words>>>);

/// The names that there are.
pub struct Words {
    /// Every path to a value, whatever it is: `routing`, `routing.levels`, `orders[].id`.
    paths: BTreeSet<String>,
    /// The names in `routing.skills`.
    skills: BTreeSet<String>,
}

impl Vocabulary {
    /// The names in the attributes of these Workers; `None` where there are too many. The Workers must be the same ones
    /// each time, as long as [`Vocabulary::forget`] is not called.
    pub(super) fn of(&self, workers: &Map<WorkerId, Worker>) -> Option<&Words> {
        self.0.get_or_init(|| Words::gather(workers)).as_ref()
    }

    /// The attributes of a Worker have changed. Older states keep what they have.
    pub(super) fn forget(&mut self) {
        self.0 = Arc::default();
    }
}

impl Words {
    /// Does a Worker have an attribute there? NULL is one: somebody has written the name.
    #[must_use]
    pub fn has_path(&self, path: &Path) -> bool {
        self.paths.contains(&written(path))
    }

    /// Every path, with `[]` for each index.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str)
    }

    /// Does the name stand in the `routing.skills` of a Worker?
    #[must_use]
    pub fn has_skill(&self, name: &str) -> bool {
        self.skills.contains(name)
    }

    fn gather(workers: &Map<WorkerId, Worker>) -> Option<Words> {
        let mut words = Words { paths: BTreeSet::new(), skills: BTreeSet::new() };
        for worker in workers.values() {
            let attributes = worker.attributes.to_value();
            words.take_in(&attributes, &mut String::new());
            for name in skill::names(&attributes) {
                if !words.skills.contains(name) {
                    words.skills.insert(name.to_owned());
                }
            }
            if words.paths.len() + words.skills.len() > PATHS_MAX {
                return None;
            }
        }
        Some(words)
    }

    /// Everything below `at`. Attributes are not nested deeper than the stack allows.
    fn take_in(&mut self, value: &Value, at: &mut String) {
        let length = at.len();
        match value {
            Value::Object(members) => {
                // No expression can name any other.
                for (name, value) in members.iter().filter(|(name, _)| is_name(name)) {
                    if length > 0 {
                        at.push('.');
                    }
                    at.push_str(name);
                    if !self.paths.contains(at.as_str()) {
                        self.paths.insert(at.clone());
                    }
                    self.take_in(value, at);
                    at.truncate(length);
                }
            }
            Value::Array(elements) => {
                at.push_str("[]");
                for element in elements {
                    if !self.paths.contains(at.as_str()) {
                        self.paths.insert(at.clone());
                    }
                    self.take_in(element, at);
                }
                at.truncate(length);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A path with `[]` for each index: how many elements a list happens to have does not matter.
#[must_use]
pub fn written(path: &Path) -> String {
    let mut text = String::new();
    for step in path.steps() {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Index(_) => text.push_str("[]"),
        }
    }
    text
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '$'))
}

/// Derived: states that are alike in everything else are alike in this.
impl PartialEq for Vocabulary {
    fn eq(&self, _: &Vocabulary) -> bool {
        true
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "Vocabulary(gathered)" } else { "Vocabulary(not asked for)" })
    }
}
