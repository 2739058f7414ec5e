//! Which TaskQueues a Worker may be eligible for, by the values that the Worker has.
//!
//! Thousands of TaskQueues mostly ask for one skill each. A Worker whose attributes change is looked up here by the
//! few values that the Worker has, and by what has changed, instead of being tried with every expression. What comes
//! out is a superset; the expressions decide. `columns.rs` is the same the other way round.

use std::collections::{BTreeMap, BTreeSet};

use fixedbitset::FixedBitSet;
use serde_json::Value;

use super::workers::QueueSlot;
use crate::expression::{Anchor, Path, WorkerField};
use crate::state::TargetWorkers;

/// TaskQueues by the values that they ask for.
#[derive(Default)]
pub(super) struct Anchored {
    by_value: BTreeMap<Path, BTreeMap<Box<str>, BTreeSet<QueueSlot>>>,
    /// TaskQueues whose expressions do not tell: every Worker has to be tried.
    open: FixedBitSet,
    /// TaskQueues by the attributes that their expressions read.
    readers: BTreeMap<Path, FixedBitSet>,
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
        for_each_read(target, |path| {
            self.readers.entry(path.clone()).or_default().grow_and_insert(queue);
        });
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
        for_each_read(target, |path| {
            if let Some(queues) = self.readers.get_mut(path) {
                queues.set(queue, false);
                if queues.is_clear() {
                    self.readers.remove(path);
                }
            }
        });
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

    /// The TaskQueues whose expressions read an attribute that is not the same in both.
    pub(super) fn readers_of_difference(&self, old: &Value, new: &Value) -> FixedBitSet {
        let mut readers = FixedBitSet::new();
        for (path, queues) in &self.readers {
            if path.find(old) != path.find(new) {
                readers.union_with(queues);
            }
        }
        readers
    }
}

fn anchors(target: &TargetWorkers) -> Option<Vec<Anchor>> {
    match target {
        TargetWorkers::Nobody => Some(Vec::new()),
        TargetWorkers::Matching(expression) => expression.anchors(),
    }
}

/// Visits the attributes that an expression reads. A key that may be meant literally depends on whether there is an
/// attribute `worker`, too.
fn for_each_read(target: &TargetWorkers, mut visit: impl FnMut(&Path)) {
    let TargetWorkers::Matching(expression) = target else { return };
    for key in expression.worker_keys() {
        if let WorkerField::Attribute(path) = &key.field {
            visit(path);
        }
        if let Some(literal) = &key.literal {
            visit(literal);
            visit(&literal.first());
        }
    }
}
