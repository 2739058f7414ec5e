//! Which TaskQueues a Worker may be eligible for, by the values that the Worker has.
//!
//! Thousands of TaskQueues mostly ask for one skill each. A Worker whose attributes change is looked up here by the
//! few values that the Worker has, and by what has changed, instead of being tried with every expression. What comes
//! out is a superset; the expressions decide. `columns.rs` is the same the other way round.

use std::collections::{BTreeMap, BTreeSet};

use fixedbitset::FixedBitSet;
use serde_json::Value;

use super::columns::Float;
use super::difference::{self, Texts};
use super::workers::QueueSlot;
use crate::expression::{Anchor, Number, Path, Reading};
use crate::state::TargetWorkers;

/// TaskQueues by the values that they ask for.
#[derive(Default)]
pub(super) struct Anchored {
    by_value: BTreeMap<Path, BTreeMap<Box<str>, BTreeSet<QueueSlot>>>,
    /// TaskQueues whose expressions do not tell: every Worker has to be tried.
    open: FixedBitSet,
    /// TaskQueues by the attributes that their expressions read.
    readers: BTreeMap<Path, Readers>,
}

/// TaskQueues whose expressions read an attribute, by how they do it.
#[derive(Default)]
struct Readers {
    /// They ask whether this text is in the list there.
    has_text: BTreeMap<Box<str>, BTreeSet<QueueSlot>>,
    /// They ask on which side of this number the one there is.
    size: BTreeMap<Float, BTreeSet<QueueSlot>>,
    otherwise: FixedBitSet,
}

impl Anchored {
    pub(super) fn insert(&mut self, queue: QueueSlot, target: &TargetWorkers) {
        match anchors(target) {
            None => self.open.grow_and_insert(queue),
            Some(anchors) => {
                for Anchor { path, text } in anchors {
                    self.by_value.entry(path).or_default().entry(text).or_default().insert(queue);
                }
            }
        }
        for (path, reading) in readings(target) {
            self.readers.entry(path).or_default().insert(queue, reading);
        }
    }

    pub(super) fn remove(&mut self, queue: QueueSlot, target: &TargetWorkers) {
        self.open.grow(queue + 1);
        self.open.remove(queue);
        for Anchor { path, text } in anchors(target).into_iter().flatten() {
            let Some(texts) = self.by_value.get_mut(&path) else { continue };
            if let Some(queues) = texts.get_mut(&text) {
                queues.remove(&queue);
                if queues.is_empty() {
                    texts.remove(&text);
                }
            }
            if texts.is_empty() {
                self.by_value.remove(&path);
            }
        }
        for (path, reading) in readings(target) {
            let Some(readers) = self.readers.get_mut(&path) else { continue };
            readers.remove(queue, reading);
            if readers.are_none() {
                self.readers.remove(&path);
            }
        }
    }

    /// The TaskQueues that a Worker with these attributes may be eligible for.
    pub(super) fn candidates(&self, attributes: &Value) -> FixedBitSet {
        let mut candidates = self.open.clone();
        for (path, texts) in &self.by_value {
            let values = match path.find(attributes) {
                Some(Value::Array(values)) => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
                None => continue,
            };
            for queues in values.iter().filter_map(|value| texts.get(value.as_str()?)) {
                queues.iter().for_each(|queue| candidates.grow_and_insert(*queue));
            }
        }
        candidates
    }

    /// The TaskQueues whose expressions may see a difference between the two.
    pub(super) fn readers_of_difference(&self, old: &Value, new: &Value) -> FixedBitSet {
        let mut found = FixedBitSet::new();
        for (path, readers) in &self.readers {
            let (old, new) = (path.find(old), path.find(new));
            if old != new {
                readers.find(old, new, &mut found);
            }
        }
        found
    }
}

impl Readers {
    fn insert(&mut self, queue: QueueSlot, reading: Reading<'_>) {
        match reading {
            Reading::HasText(text) => {
                self.has_text.entry(text.into()).or_default().insert(queue);
            }
            Reading::Size(number) => {
                self.size.entry(Float::of(number)).or_default().insert(queue);
            }
            Reading::Otherwise => self.otherwise.grow_and_insert(queue),
        }
    }

    fn remove(&mut self, queue: QueueSlot, reading: Reading<'_>) {
        match reading {
            Reading::HasText(text) => {
                if let Some(queues) = self.has_text.get_mut(text) {
                    queues.remove(&queue);
                    if queues.is_empty() {
                        self.has_text.remove(text);
                    }
                }
            }
            Reading::Size(number) => {
                if let Some(queues) = self.size.get_mut(&Float::of(number)) {
                    queues.remove(&queue);
                    if queues.is_empty() {
                        self.size.remove(&Float::of(number));
                    }
                }
            }
            Reading::Otherwise => {
                self.otherwise.grow(queue + 1);
                self.otherwise.remove(queue);
            }
        }
    }

    fn are_none(&self) -> bool {
        self.has_text.is_empty() && self.size.is_empty() && self.otherwise.is_clear()
    }

    /// Adds those who may see a difference between two values that are not the same.
    fn find(&self, old: Option<&Value>, new: Option<&Value>, found: &mut FixedBitSet) {
        let mut add = |queues: &BTreeSet<QueueSlot>| {
            queues.iter().for_each(|queue| found.grow_and_insert(*queue));
        };
        match difference::in_texts(old, new) {
            Some(Texts { gone, come }) => {
                gone.iter().chain(&come).filter_map(|text| self.has_text.get(*text)).for_each(&mut add);
            }
            None => self.has_text.values().for_each(&mut add),
        }
        let number = |value: Option<&Value>| Some(Float::of(Number::of_json(value?.as_number()?)?));
        match (number(old), number(new)) {
            (Some(old), Some(new)) => {
                self.size.range(old.min(new)..=old.max(new)).for_each(|(_, queues)| add(queues));
            }
            _ => self.size.values().for_each(&mut add),
        }
        found.union_with(&self.otherwise);
    }
}

fn anchors(target: &TargetWorkers) -> Option<Vec<Anchor>> {
    match target {
        TargetWorkers::Nobody => Some(Vec::new()),
        TargetWorkers::Matching(expression) => expression.anchors(),
    }
}

fn readings(target: &TargetWorkers) -> Vec<(Path, Reading<'_>)> {
    match target {
        TargetWorkers::Nobody => Vec::new(),
        TargetWorkers::Matching(expression) => expression.readings(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::columns::tests::{CONSTANTS, OPERATORS, Somebody, values};
    use super::*;
    use crate::expression::{Expression, Facts, Kind};

    #[test]
    fn whose_expression_sees_a_difference_is_found() {
        let document = |value: &Option<Value>| match value {
            Some(value) => json!({ "x": value }),
            None => json!({}),
        };
        let mut documents: Vec<Value> = values().iter().map(document).collect();
        documents.push(json!({ "x": "a", "worker": { "x": "b" } }));
        documents.push(json!({ "x": 1, "worker": { "x": ["a"] } }));
        let (mut n_found, mut n_passed_over) = (0, 0);
        for key in ["x", "worker.x"] {
            let pairs = OPERATORS.iter().flat_map(|operator| CONSTANTS.iter().map(move |it| (operator, it)));
            let sources = pairs.flat_map(|(operator, constant)| {
                [format!("{key} {operator} {constant}"), format!("{constant} {operator} {key}")]
            });
            for expression in sources.filter_map(|source| Expression::parse(Kind::Queue, &source).ok()) {
                let target = TargetWorkers::Matching(expression.clone());
                let mut anchored = Anchored::default();
                anchored.insert(0, &target);
                let is_true = |document: &Value| {
                    expression.is_true(&Facts { worker: Some(&Somebody(document)), ..Facts::default() })
                };
                for (old, new) in documents.iter().flat_map(|old| documents.iter().map(move |new| (old, new)))
                {
                    let is_found = anchored.readers_of_difference(old, new).contains(0);
                    assert!(is_found || is_true(old) == is_true(new), "{expression}: {old} becomes {new}");
                    n_found += usize::from(is_found);
                    n_passed_over += usize::from(!is_found && old != new);
                }
                anchored.remove(0, &target);
                assert!(anchored.readers.is_empty() && anchored.by_value.is_empty(), "{expression}");
            }
        }
        assert!(n_found > 1_000 && n_passed_over > 1_000, "it is of use: {n_found}, {n_passed_over}");
    }
}
