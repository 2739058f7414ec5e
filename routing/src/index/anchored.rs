//! Which TaskQueues a Worker may be eligible for, by the values that the Worker has.
//!
//! Thousands of TaskQueues mostly ask for one skill each. A Worker whose attributes change, or who comes into the
//! index after a restart, is looked up here by the few values that the Worker has, instead of being tried with every
//! expression. What comes out is a superset; the expressions decide.

use std::collections::{BTreeMap, BTreeSet};

use fixedbitset::FixedBitSet;
use serde_json::Value;

use super::workers::QueueSlot;
use crate::expression::{Anchor, Path};
use crate::state::TargetWorkers;

/// TaskQueues by the values that they ask for.
#[derive(Default)]
pub(super) struct Anchored {
    by_value: BTreeMap<Path, BTreeMap<Box<str>, BTreeSet<QueueSlot>>>,
    /// TaskQueues whose expressions do not tell: every Worker has to be tried.
    open: BTreeSet<QueueSlot>,
}

impl Anchored {
    pub(super) fn insert(&mut self, queue: QueueSlot, target: &TargetWorkers) {
        match anchors(target) {
            None => {
                self.open.insert(queue);
            }
            Some(anchors) => {
                for Anchor { path, text } in anchors {
                    self.by_value.entry(path).or_default().entry(text).or_default().insert(queue);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, queue: QueueSlot, target: &TargetWorkers) {
        self.open.remove(&queue);
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
    }

    /// The TaskQueues that a Worker with these attributes may be eligible for.
    pub(super) fn candidates(&self, attributes: &Value) -> FixedBitSet {
        let mut candidates = FixedBitSet::new();
        let mut add = |queues: &BTreeSet<QueueSlot>| {
            for queue in queues {
                candidates.grow_and_insert(*queue);
            }
        };
        add(&self.open);
        for (path, texts) in &self.by_value {
            let values = match path.find(attributes) {
                Some(Value::Array(values)) => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
                None => continue,
            };
            values.iter().filter_map(|value| texts.get(value.as_str()?)).for_each(&mut add);
        }
        candidates
    }
}

fn anchors(target: &TargetWorkers) -> Option<Vec<Anchor>> {
    match target {
        TargetWorkers::Nobody => Some(Vec::new()),
        TargetWorkers::Matching(expression) => expression.anchors(),
    }
}
