//! Filters that no Task enters, targets that no Task reaches, keys that mean nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::condition::{self, constant};
use super::known::{Known, Misfit};
use super::spelling::closest;
use super::{Code, Warning};
use crate::expression::{Expression, Kind, OrderBy, Path, WorkerField, WorkerKey};

pub(super) fn warnings(document: &Value, known: Option<&Known<'_>>) -> Vec<Warning> {
    let misfits = known.map(|known| known.misfits(ordered_by(document))).unwrap_or_default();
    let mut reader =
        Reader { at: Vec::new(), warnings: Vec::new(), earlier: Earlier::default(), known, misfits };
    reader.document(document);
    reader.warnings
}

/// An object of a document, by the keys that it may have.
struct Level {
    name: &'static str,
    keys: &'static [&'static str],
}

const DOCUMENT: Level = Level { name: "the document", keys: &["task_routing"] };
const ROUTING: Level = Level { name: "task_routing", keys: &["filters", "default_filter"] };
const FILTER: Level = Level {
    name: "a filter",
    keys: &[
        "filter_friendly_name",
        "friendly_name",
        "friendlyName",
        "filterFriendlyName",
        "expression",
        "targets",
    ],
};
const TARGET: Level = Level {
    name: "a target",
    keys: &[
        "queue",
        "priority",
        "Priority",
        "timeout",
        "expression",
        "order_by",
        "skip_if",
        "known_worker_sid",
        "known_worker_friendly_name",
    ],
};
const DEFAULT_FILTER: Level = Level { name: "the default filter", keys: TARGET.keys };

/// Walks through a document and collects the warnings.
struct Reader<'k> {
    /// Where the walk is.
    at: Vec<String>,
    warnings: Vec<Warning>,
    earlier: Earlier,
    /// What there is to be named; `None` where that is not known.
    known: Option<&'k Known<'k>>,
    /// Which keys of orders do not put all Workers in order who have a value there.
    misfits: BTreeMap<Path, Misfit>,
}

/// The filters before the one that is looked at, as far as they keep Tasks from it.
#[derive(Default)]
struct Earlier {
    /// The first that takes every Task.
    takes_all: Option<Seen>,
    /// The first of each expression.
    by_source: BTreeMap<String, Seen>,
}

/// A filter that was looked at.
#[derive(Clone)]
struct Seen {
    index: usize,
    /// Whether Tasks go on to the filters behind it when nobody takes them here.
    is_left: bool,
}

impl<'k> Reader<'k> {
    fn document(&mut self, document: &Value) {
        self.keys(&DOCUMENT, document);
        self.below("task_routing", document, |reader, routing| {
            reader.keys(&ROUTING, routing);
            reader.below("filters", routing, |reader, filters| reader.each(filters, Reader::filter));
            reader.below("default_filter", routing, Reader::default_filter);
        });
    }

    fn filter(&mut self, index: usize, filter: &Value) {
        self.shadow(index, filter);
        self.keys(&FILTER, filter);
        self.expression("expression", Kind::Filter, filter);
        self.below("targets", filter, |reader, targets| {
            reader.last_target(targets);
            reader.each(targets, |reader, _, target| reader.target(&TARGET, target));
        });
    }

    fn default_filter(&mut self, target: &Value) {
        self.target(&DEFAULT_FILTER, target);
        self.below("timeout", target, |reader, _| {
            let message = "a Task never leaves the default filter by time, so this has no effect: limit how long it \
                           waits with the timeout of the Task";
            reader.warn(Code::TimeoutWithoutEffect, message.to_owned());
        });
    }

    fn target(&mut self, level: &Level, target: &Value) {
        self.keys(level, target);
        self.expression("expression", Kind::Target, target);
        self.expression("skip_if", Kind::SkipIf, target);
        self.order_by(target);
    }

    /// Says when an earlier filter keeps Tasks from this one, and remembers what this one keeps from later ones.
    fn shadow(&mut self, index: usize, filter: &Value) {
        let Some(expression) = parsed(Kind::Filter, filter.get("expression")) else { return };
        let source = expression.source().trim();
        let this = Seen { index, is_left: targets(filter).all(may_be_left) };

        let by_all = self.earlier.takes_all.clone().map(|seen| (seen, "takes every Task"));
        let same = self.earlier.by_source.get(source).cloned();
        if let Some((seen, why)) = by_all.or_else(|| same.map(|seen| (seen, "has the same expression"))) {
            self.warn_of_shadow(&seen, why);
        }

        match constant(expression.root()) {
            Some(true) => drop(self.earlier.takes_all.get_or_insert(this)),
            // Switched off: it takes nothing from anybody.
            Some(false) => {}
            None => drop(self.earlier.by_source.entry(source.to_owned()).or_insert(this)),
        }
    }

    fn warn_of_shadow(&mut self, Seen { index, is_left }: &Seen, why: &str) {
        let instead = "put this filter before that one, or make the other's expression narrower";
        let (code, what) = if *is_left {
            let what = format!(
                "no new Task enters this filter, only those that found nobody in filters.{index}, which {why}"
            );
            (Code::FilterShadowed, what)
        } else {
            let what =
                format!("no Task ever enters this filter, since filters.{index} {why} and keeps its Tasks");
            (Code::FilterUnreachable, what)
        };
        self.warn(code, format!("{what}: {instead}"));
    }

    /// Says which target is the last one, if it is not the last of the list.
    fn last_target(&mut self, targets: &Value) {
        let targets = targets.as_array().map_or(&[][..], Vec::as_slice);
        let Some(last) = targets.iter().position(|target| !may_be_left(target)) else { return };
        let others = match targets.len() - last - 1 {
            0 => return,
            1 => "the target",
            _ => "the targets",
        };
        self.at.push(last.to_string());
        self.warn(
            Code::TargetNeverLeft,
            format!(
                "this target has neither timeout nor skip_if, so a Task never leaves it and {others} behind it \
                 cannot be reached: give it one of them, or remove what follows"
            ),
        );
        self.at.pop();
    }

    fn expression(&mut self, key: &str, kind: Kind, object: &Value) {
        let Some(expression) = parsed(kind, object.get(key)) else { return };
        self.at.push(key.to_owned());
        for warning in condition::warnings(&expression, self.known) {
            self.warnings.push(Warning { path: self.at.clone(), ..warning });
        }
        self.at.pop();
    }

    fn order_by(&mut self, target: &Value) {
        let Some(order) = order_of(target) else { return };
        self.at.push("order_by".to_owned());
        for clause in order.clauses() {
            if let Some((code, message)) = self.remark_on_order(&clause.key) {
                self.warn(code, message);
            }
        }
        self.at.pop();
    }

    fn remark_on_order(&self, key: &WorkerKey) -> Option<(Code, String)> {
        let text = match &key.field {
            WorkerField::Attribute(path) => {
                let misfit = || self.misfits.get(path).map(|misfit| misfit.remark(path));
                return self.known.and_then(|known| known.unknown_in_order(key)).or_else(misfit);
            }
            WorkerField::Channel { .. } => return None,
            WorkerField::Id => "sid",
            WorkerField::Name => "friendly_name",
            WorkerField::ActivityId => "activity_sid",
            WorkerField::ActivityName => "activity_name",
        };
        let message =
            format!("has no effect: only integers count, and worker.{text} is a text for every Worker");
        Some((Code::NotAnInteger, message))
    }

    /// Says which keys of an object mean nothing.
    fn keys(&mut self, level: &Level, object: &Value) {
        let unknown = object.as_object().into_iter().flat_map(Map::keys);
        for key in unknown.filter(|key| !level.keys.contains(&key.as_str())) {
            self.at.push(key.clone());
            self.warn(Code::UnknownKey, format!("has no effect in {}{}", level.name, advice(level, key)));
            self.at.pop();
        }
    }

    /// Goes on with a part of an object, if it is there.
    fn below(&mut self, key: &str, object: &Value, look: impl FnOnce(&mut Reader<'k>, &Value)) {
        let Some(part) = object.get(key).filter(|part| !part.is_null()) else { return };
        self.at.push(key.to_owned());
        look(self, part);
        self.at.pop();
    }

    /// Goes on with each element of a list.
    fn each(&mut self, list: &Value, mut look: impl FnMut(&mut Reader<'k>, usize, &Value)) {
        for (index, element) in list.as_array().into_iter().flatten().enumerate() {
            self.at.push(index.to_string());
            look(self, index, element);
            self.at.pop();
        }
    }

    fn warn(&mut self, code: Code, message: String) {
        self.warnings.push(Warning { code, path: self.at.clone(), position: None, message });
    }
}

/// What the author of an unknown key may have meant.
fn advice(level: &Level, key: &str) -> String {
    if let Some(other) = [&FILTER, &TARGET, &ROUTING].iter().find(|other| other.keys.contains(&key)) {
        return format!(": it belongs to {}", other.name);
    }
    closest(key, level.keys).map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"))
}

/// What is no expression is a fault, and not for warnings.
fn parsed(kind: Kind, value: Option<&Value>) -> Option<Expression> {
    Expression::parse(kind, value?.as_str()?).ok()
}

fn order_of(target: &Value) -> Option<OrderBy> {
    OrderBy::parse(target.get("order_by")?.as_str()?).ok()
}

/// The attributes that the orders of a document name.
fn ordered_by(document: &Value) -> BTreeSet<Path> {
    let routing = &document["task_routing"];
    let filters = routing["filters"].as_array().into_iter().flatten();
    let targets = filters.flat_map(targets).chain(routing.get("default_filter"));
    let orders: Vec<OrderBy> = targets.filter_map(order_of).collect();
    let keys = orders.iter().flat_map(OrderBy::clauses).map(|clause| &clause.key);
    keys.filter_map(|key| key.attribute().cloned()).collect()
}

fn targets(filter: &Value) -> impl Iterator<Item = &Value> {
    filter.get("targets").and_then(Value::as_array).into_iter().flatten()
}

/// Does a Task for which nobody is found go on to the next target?
fn may_be_left(target: &Value) -> bool {
    ["timeout", "skip_if"].iter().any(|key| target.get(*key).is_some_and(|value| !value.is_null()))
}
