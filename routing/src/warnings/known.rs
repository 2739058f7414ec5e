//! What expressions may name, in the Workspace that they stand in: the attributes that Workers have, and Skills.
//!
//! A name that nobody has may be a slip, or come before those who will have it; so it is a warning and nothing more.
//! Where there are no Workers, nothing is said about attributes, and where there are no Skills, nothing about Skills.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::spelling::{closest, closest_path};
use super::{Code, Warning};
use crate::expression::{
    Comparison, Kind, Operand, Path, WorkerKey, is_integer, level_in, looked_for_in_skills,
};
use crate::state::skill::{self, Levels};
use crate::state::vocabulary::written;
use crate::state::{Skill, State, Worker};

/// For how many names of one object another one is looked for: each takes a look at all names that there are.
const SUGGESTIONS_MAX: u32 = 16;

/// For how many keys of the orders of one document the values of all Workers are looked at.
const ORDER_KEYS_MAX: usize = 64;

/// How long the value of a Worker may be that is shown, in characters.
const VALUE_CHARACTERS_MAX: usize = 40;

/// The fields that every Worker has.
const FIELDS: [&str; 4] = ["sid", "friendly_name", "activity_sid", "activity_name"];

/// The names of a Workspace.
pub(super) struct Known<'s> {
    state: &'s State,
    suggestions_left: Cell<u32>,
}

/// Who has a value that is no integer where an order looks for one.
pub(super) struct Misfit {
    /// The name of the first of them.
    worker: String,
    /// What this one has there.
    value: String,
    n_others: usize,
}

impl Misfit {
    pub(super) fn remark(&self, path: &Path) -> (Code, String) {
        let Misfit { worker, value, n_others } = self;
        let others = match n_others {
            0 => String::new(),
            1 => " and 1 other Worker".to_owned(),
            n_others => format!(" and {n_others} other Workers"),
        };
        let message = format!(
            "only integers count, and worker.{path} is none for {worker}{others}, so they come last: {worker} has {value}"
        );
        (Code::NotAnInteger, message)
    }
}

impl<'s> Known<'s> {
    pub(super) fn of(state: &'s State) -> Known<'s> {
        Known { state, suggestions_left: Cell::new(SUGGESTIONS_MAX) }
    }

    /// A name in a comparison that nobody has. `is_excused` says of a key that its author knows that it may be missing.
    pub(super) fn unknown_in(
        &self,
        kind: Kind,
        comparison: &Comparison,
        is_excused: impl Fn(&WorkerKey) -> bool,
    ) -> Option<(Code, String)> {
        let values = looked_for_in_skills(comparison);
        let texts = values.into_iter().filter_map(|value| match value {
            Operand::Text(text) => Some(&**text),
            _ => None,
        });
        let of_skills = texts.filter(|name| self.is_unknown_skill(name)).map(|name| self.no_skill(name));
        let keys = comparison.worker_keys().into_iter().filter(|key| !is_excused(key));
        of_skills.chain(keys.filter_map(|key| self.unknown_key(kind, key))).next()
    }

    /// The same for a key of an order, which stands in a target.
    pub(super) fn unknown_in_order(&self, key: &WorkerKey) -> Option<(Code, String)> {
        self.unknown_key(Kind::Target, key)
    }

    /// Has a Worker an attribute there?
    pub(super) fn is_attribute(&self, path: &Path) -> bool {
        self.state.words().is_some_and(|words| words.has_path(path))
    }

    /// Those of these paths at which some Workers have a value that is no integer. However many orders ask, it is one
    /// look at all Workers, and none where nobody has such an attribute.
    pub(super) fn misfits(&self, paths: BTreeSet<Path>) -> BTreeMap<Path, Misfit> {
        let mut misfits: BTreeMap<Path, Misfit> = BTreeMap::new();
        let paths: Vec<Path> =
            paths.into_iter().filter(|path| self.is_attribute(path)).take(ORDER_KEYS_MAX).collect();
        if paths.is_empty() {
            return misfits;
        }
        for worker in self.state.workers.values() {
            let attributes = worker.attributes.to_value();
            for path in &paths {
                let Some(value) = path.find(&attributes).filter(|value| !value.is_null()) else { continue };
                if is_integer(value) {
                    continue;
                }
                match misfits.get_mut(path) {
                    Some(misfit) => misfit.n_others += 1,
                    None => {
                        let misfit =
                            Misfit { worker: worker.name.clone(), value: in_words(value), n_others: 0 };
                        misfits.insert(path.clone(), misfit);
                    }
                }
            }
        }
        misfits
    }

    fn unknown_key(&self, kind: Kind, key: &WorkerKey) -> Option<(Code, String)> {
        // Only now: they may have to be gathered.
        let (path, words) = (key.attribute()?, self.state.words()?);
        let literal = key.literal.as_ref();
        if words.has_path(path) || literal.is_some_and(|literal| words.has_path(literal)) {
            return None;
        }
        let level = level_in(path).filter(|_| !self.state.skills.is_empty());
        match level.map(|name| (name, self.skill(name))) {
            Some((_, Some(Skill { levels: Some(_), .. }))) => return None,
            Some((name, None)) => return Some(self.no_skill(name)),
            Some((_, Some(Skill { levels: None, .. }))) | None => {}
        }
        let text = written(path);
        let is_of_skills = matches!(&*text, "routing" | "routing.skills" | "routing.levels");
        if self.state.workers.is_empty() || (is_of_skills && !self.state.skills.is_empty()) {
            return None;
        }
        let prefix = if kind == Kind::Target { "worker." } else { "" };
        let near = self.suggest(|| closest_path(&text, words.paths().chain(FIELDS)).map(str::to_owned));
        let advice = match near {
            // Any index would do.
            Some(near) => format!(": did you mean {prefix}{}?", near.replace("[]", "[0]")),
            None => ", so it is null for everybody".to_owned(),
        };
        Some((Code::UnknownAttribute, format!("no Worker has an attribute {prefix}{path}{advice}")))
    }

    /// As expressions see names, so capitals matter.
    fn skill(&self, name: &str) -> Option<&'s Skill> {
        self.state.skill_named(name).map(|skill| &**skill).filter(|skill| skill.name == name)
    }

    fn is_unknown_skill(&self, name: &str) -> bool {
        !self.state.skills.is_empty()
            && self.skill(name).is_none()
            && self.state.words().is_some_and(|words| !words.has_skill(name))
    }

    fn no_skill(&self, name: &str) -> (Code, String) {
        let advice = match self.near_skill(name) {
            Some(near) => format!(": did you mean \"{near}\"?"),
            None => ", and no Worker has one of this name".to_owned(),
        };
        (Code::UnknownSkill, format!("there is no Skill \"{name}\"{advice}"))
    }

    fn near_skill(&self, name: &str) -> Option<String> {
        self.suggest(|| {
            let names: Vec<&str> = self.state.skills.values().map(|skill| &*skill.name).collect();
            closest(name, &names).map(str::to_owned)
        })
    }

    fn suggest(&self, look: impl FnOnce() -> Option<String>) -> Option<String> {
        let left = self.suggestions_left.get().checked_sub(1)?;
        self.suggestions_left.set(left);
        look()
    }
}

fn in_words(value: &Value) -> String {
    let text = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    };
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What the attributes of a Worker say about Skills that is probably not meant.
pub(super) fn of_worker(state: &State, worker: &Worker) -> Vec<Warning> {
    if state.skills.is_empty() {
        return Vec::new();
    }
    let known = Known::of(state);
    let attributes = worker.attributes.to_value();
    let warning = |code, path: &[&str], message| {
        let path = path.iter().map(|&step| step.to_owned()).collect();
        Warning { code, path, position: None, message }
    };
    let listed = attributes["routing"]["skills"].as_array().map_or(&[][..], Vec::as_slice);
    let names = skill::names(&attributes).into_iter();
    let warnings = names.filter_map(|name| {
        let Some(skill) = known.skill(name) else {
            let advice =
                known.near_skill(name).map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"));
            let message = format!("\"{name}\" is no Skill{advice}");
            let index = listed.iter().position(|element| element.as_str() == Some(name))?;
            return Some(warning(Code::UnknownSkill, &["routing", "skills", &index.to_string()], message));
        };
        let Levels { minimum, maximum } = skill.levels?;
        let Some(level) = skill::level(&attributes, name) else {
            let message =
                format!("the Skill {name} has levels, from {minimum} to {maximum}, but the Worker has none");
            return Some(warning(Code::LevelMissing, &["routing", "levels"], message));
        };
        if skill::level_of(level).is_some_and(|level| (minimum..=maximum).contains(&level)) {
            return None;
        }
        let message =
            format!("{level} is no level of the Skill {name}, which has those from {minimum} to {maximum}");
        Some(warning(Code::LevelOutOfRange, &["routing", "levels", name], message))
    });
    warnings.collect()
}
