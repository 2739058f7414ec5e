//! Which Workers an expression is true for, without asking one after the other.
//!
//! For each attribute that an expression compares with something, there is a *column*: the values of all Workers,
//! each with those who have it. A comparison is then a look-up, `AND` is an intersection and `OR` a union. What has
//! no column (negations, parts of texts, Activities, load, …) may be true for everybody; then the answer is a
//! superset, says so, and whoever asked has to try these Workers one by one.
//!
//! Columns know the rules by which values compare (`routing.md` 1.5 to 1.7), so they say the same as
//! [`Expression::is_true`]: the simulation compares the two ways.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fixedbitset::FixedBitSet;
use serde_json::Value as Json;

use super::workers::WorkerSlot;
use crate::expression::{
    self, Comparison, Expression, Facts, Key, Node, Number, Operand, Operated, Operator, Path, TaskFacts,
    WorkerField, WorkerKey,
};
use crate::ids::WorkerId;
use crate::time::Timestamp;

/// The columns of all attributes that are asked for.
#[derive(Default)]
pub(super) struct Columns {
    columns: BTreeMap<Path, Column>,
}

/// The Workers for whom an expression is true, or among whom they are.
pub(super) struct Matches {
    /// `None` is everybody.
    pub(super) workers: Option<FixedBitSet>,
    /// Is it true for all of them?
    pub(super) is_exact: bool,
}

/// The values of one attribute.
#[derive(Default)]
struct Column {
    /// How many comparisons of all expressions use it.
    n_uses: usize,
    /// Of Workers whose value is a scalar.
    scalars: Table,
    /// Of Workers whose value is a list: the scalars in it.
    elements: Table,
}

/// Workers by scalars.
#[derive(Default)]
struct Table {
    texts: BTreeMap<Box<str>, BTreeSet<u32>>,
    numbers: BTreeSet<(Float, u32)>,
    booleans: [BTreeSet<u32>; 2],
    /// Who has a text that is a number as well: it compares with numbers, too.
    numeric_texts: BTreeSet<u32>,
}

/// A number by its size. The exact integers beyond [`EXACT`] share their neighbour's place.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Float(f64);

/// All integers up to here are `f64`s of their own.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// A comparison of one attribute with something that is the same for all Workers.
struct Lookup<'a> {
    key: &'a WorkerKey,
    /// As it would stand to the right of the key.
    operator: Operator,
    other: &'a Operand,
}

impl Columns {
    /// An expression will be asked for: its attributes get columns, filled from `workers`.
    pub(super) fn watch<'a>(
        &mut self,
        expression: &Expression,
        workers: impl Iterator<Item = &'a Json> + Clone,
    ) {
        for_each_path(expression, &mut |path| {
            let column = self.columns.entry(path.clone()).or_default();
            column.n_uses += 1;
            if column.n_uses == 1 {
                for (slot, attributes) in workers.clone().enumerate() {
                    column.insert(path.find(attributes), slot);
                }
            }
        });
    }

    /// An expression will not be asked for any more.
    pub(super) fn unwatch(&mut self, expression: &Expression) {
        for_each_path(expression, &mut |path| {
            let column = self.columns.get_mut(path).expect("watched before");
            column.n_uses -= 1;
            if column.n_uses == 0 {
                self.columns.remove(path);
            }
        });
    }

    /// Takes in the new attributes of a Worker.
    pub(super) fn worker_changed(&mut self, slot: WorkerSlot, old: &Json, new: &Json) {
        for (path, column) in &mut self.columns {
            let (old, new) = (path.find(old), path.find(new));
            if old != new {
                column.remove(old, slot);
                column.insert(new, slot);
            }
        }
    }

    /// The Workers for whom the expression may be true.
    pub(super) fn matches(&self, expression: &Expression, task: TaskFacts<'_>, now: Timestamp) -> Matches {
        let facts = Facts { task, worker: None, workers: None, now_ms: now.0 };
        self.of_node(expression.root(), &facts)
    }

    fn of_node(&self, node: &Node, facts: &Facts<'_>) -> Matches {
        match node {
            Node::And(parts) => {
                let mut all = Matches { workers: None, is_exact: true };
                for part in parts {
                    let Matches { workers, is_exact } = self.of_node(part, facts);
                    all.is_exact &= is_exact;
                    match (&mut all.workers, workers) {
                        (_, None) => {}
                        (Some(all), Some(workers)) => all.intersect_with(&workers),
                        (none, workers) => *none = workers,
                    }
                }
                all
            }
            Node::Or(parts) => {
                let mut any = Matches::nobody();
                for part in parts {
                    let Matches { workers, is_exact } = self.of_node(part, facts);
                    any.is_exact &= is_exact;
                    any.workers = any.workers.zip(workers).map(|(mut any, workers)| {
                        any.union_with(&workers);
                        any
                    });
                }
                any
            }
            Node::Comparison(comparison) => self.of_comparison(comparison, facts),
        }
    }

    fn of_comparison(&self, comparison: &Comparison, facts: &Facts<'_>) -> Matches {
        let Comparison { left, operator: _, right } = comparison;
        if !reads_worker(left) && !reads_worker(right) {
            // The same for everybody.
            let is_so = expression::is_so(comparison, facts);
            return if is_so { Matches { workers: None, is_exact: true } } else { Matches::nobody() };
        }
        let Some(Lookup { key, operator, other }) = Lookup::of(comparison) else {
            return Matches::perhaps_everybody();
        };
        let mut found = Found::default();
        let other = expression::value(other, facts);
        for path in paths(key) {
            let known = self.columns.get(path).map(|column| column.find(operator, &other, facts, &mut found));
            if known != Some(Some(())) {
                return Matches::perhaps_everybody();
            }
        }
        // Where the key may be read in two ways, it depends on the Worker which one counts.
        Matches { workers: Some(found.workers), is_exact: !found.is_superset && key.literal.is_none() }
    }

    /// What a comparison with an index made anew may look at: ids, no slots.
    pub(super) fn canonical(&self, ids: &[WorkerId]) -> impl PartialEq + std::fmt::Debug + use<> {
        let columns: BTreeMap<Path, (usize, BTreeSet<(String, WorkerId)>)> = self
            .columns
            .iter()
            .map(|(path, column)| {
                let scalars = column.scalars.canonical("", ids);
                let elements = column.elements.canonical("element ", ids);
                (path.clone(), (column.n_uses, scalars.chain(elements).collect()))
            })
            .collect();
        columns
    }
}

impl Matches {
    fn nobody() -> Matches {
        Matches { workers: Some(FixedBitSet::new()), is_exact: true }
    }

    fn perhaps_everybody() -> Matches {
        Matches { workers: None, is_exact: false }
    }
}

/// Who was found so far.
#[derive(Default)]
struct Found {
    workers: FixedBitSet,
    /// Others than those who were meant are among them.
    is_superset: bool,
}

impl Found {
    fn add(&mut self, workers: impl IntoIterator<Item = u32>) {
        for worker in workers {
            self.workers.grow_and_insert(worker as usize);
        }
    }
}

impl Column {
    fn insert(&mut self, value: Option<&Json>, slot: WorkerSlot) {
        match value {
            Some(Json::Array(elements)) => {
                elements.iter().for_each(|element| self.elements.insert(element, slot as u32));
            }
            Some(scalar) => self.scalars.insert(scalar, slot as u32),
            None => {}
        }
    }

    fn remove(&mut self, value: Option<&Json>, slot: WorkerSlot) {
        match value {
            Some(Json::Array(elements)) => {
                elements.iter().for_each(|element| self.elements.remove(element, slot as u32));
            }
            Some(scalar) => self.scalars.remove(scalar, slot as u32),
            None => {}
        }
    }

    /// Adds the Workers whose value compares so; `None` where that cannot be looked up.
    fn find(
        &self,
        operator: Operator,
        other: &Operated<'_>,
        facts: &Facts<'_>,
        found: &mut Found,
    ) -> Option<()> {
        match (operator, other) {
            (Operator::Equal, Operated::Null) => None, // Who has no value is in no table.
            (Operator::Equal, scalar) => self.scalars.find_same(scalar, found),
            (Operator::Has, scalar) => self.elements.find_same(scalar, found),
            (Operator::In, Operated::List(operands)) => operands
                .iter()
                .try_for_each(|operand| self.scalars.find_same(&expression::value(operand, facts), found)),
            (Operator::In, Operated::Array(elements)) => elements
                .iter()
                .try_for_each(|element| self.scalars.find_same(&Operated::of_json(element), found)),
            (Operator::Less, Operated::Number(number)) => {
                self.scalars.find_between(None, Some((*number, false)), found)
            }
            (Operator::LessOrEqual, Operated::Number(number)) => {
                self.scalars.find_between(None, Some((*number, true)), found)
            }
            (Operator::Greater, Operated::Number(number)) => {
                self.scalars.find_between(Some((*number, false)), None, found)
            }
            (Operator::GreaterOrEqual, Operated::Number(number)) => {
                self.scalars.find_between(Some((*number, true)), None, found)
            }
            _ => None,
        }
    }
}

impl Table {
    fn insert(&mut self, scalar: &Json, worker: u32) {
        match scalar {
            Json::String(text) => {
                if let Some(workers) = self.texts.get_mut(text.as_str()) {
                    workers.insert(worker);
                } else {
                    self.texts.insert(text.as_str().into(), BTreeSet::from([worker]));
                }
                if Number::parse(text).is_some() {
                    self.numeric_texts.insert(worker);
                }
            }
            Json::Number(number) => {
                self.numbers.extend(Number::of_json(number).map(|number| (Float::of(number), worker)));
            }
            Json::Bool(boolean) => {
                self.booleans[usize::from(*boolean)].insert(worker);
            }
            Json::Null | Json::Array(_) | Json::Object(_) => {}
        }
    }

    fn remove(&mut self, scalar: &Json, worker: u32) {
        match scalar {
            Json::String(text) => {
                if let Some(workers) = self.texts.get_mut(text.as_str()) {
                    workers.remove(&worker);
                    if workers.is_empty() {
                        self.texts.remove(text.as_str());
                    }
                }
                if Number::parse(text).is_some() {
                    self.numeric_texts.remove(&worker);
                }
            }
            Json::Number(number) => {
                if let Some(number) = Number::of_json(number) {
                    self.numbers.remove(&(Float::of(number), worker));
                }
            }
            Json::Bool(boolean) => {
                self.booleans[usize::from(*boolean)].remove(&worker);
            }
            Json::Null | Json::Array(_) | Json::Object(_) => {}
        }
    }

    /// Adds the Workers who have the same scalar.
    fn find_same(&self, scalar: &Operated<'_>, found: &mut Found) -> Option<()> {
        match scalar {
            Operated::Text(text) => {
                found.add(self.texts.get(&**text).into_iter().flatten().copied());
                if let Some(number) = Number::parse(text) {
                    // A number is the same as a text that is this number; two texts are the same by their letters.
                    self.find_numbers(Some((number, true)), Some((number, true)), found);
                }
            }
            Operated::Number(number) => {
                self.find_between(Some((*number, true)), Some((*number, true)), found)?;
            }
            Operated::Boolean(boolean) => {
                found.add(self.booleans[usize::from(*boolean)].iter().copied());
            }
            // No value is the same as these.
            Operated::Null | Operated::Array(_) | Operated::List(_) | Operated::Object => {}
            Operated::DayOfWeek(_) => return None,
        }
        Some(())
    }

    /// Adds the Workers whose number lies between these, and those whose text may.
    fn find_between(
        &self,
        from: Option<(Number, bool)>,
        to: Option<(Number, bool)>,
        found: &mut Found,
    ) -> Option<()> {
        self.find_numbers(from, to, found);
        if !self.numeric_texts.is_empty() {
            found.add(self.numeric_texts.iter().copied());
            found.is_superset = true;
        }
        Some(())
    }

    /// Each limit with whether it is among the numbers that are meant.
    fn find_numbers(&self, from: Option<(Number, bool)>, to: Option<(Number, bool)>, found: &mut Found) {
        let is_exact = |(number, _): &(Number, bool)| number.as_f64().abs() < EXACT;
        let are_exact = from.iter().chain(&to).all(is_exact);
        found.is_superset |= !are_exact;
        let is_among = |is_included: bool| is_included || !are_exact;
        let from = from.map_or(Bound::Unbounded, |(number, is_included)| match is_among(is_included) {
            true => Bound::Included((Float::of(number), 0)),
            false => Bound::Excluded((Float::of(number), u32::MAX)),
        });
        let to = to.map_or(Bound::Unbounded, |(number, is_included)| match is_among(is_included) {
            true => Bound::Included((Float::of(number), u32::MAX)),
            false => Bound::Excluded((Float::of(number), 0)),
        });
        found.add(self.numbers.range((from, to)).map(|(_, worker)| *worker));
    }
}

impl Table {
    fn canonical(&self, kind: &str, ids: &[WorkerId]) -> impl Iterator<Item = (String, WorkerId)> {
        let texts = self
            .texts
            .iter()
            .flat_map(|(text, workers)| workers.iter().map(move |at| (format!("{text:?}"), at)));
        let numbers = self.numbers.iter().map(|(number, at)| (format!("{number:?}"), at));
        let booleans = self.booleans.iter().enumerate();
        let booleans = booleans
            .flat_map(|(boolean, workers)| workers.iter().map(move |at| (format!("boolean {boolean}"), at)));
        let numeric = self.numeric_texts.iter().map(|at| ("number in letters".to_owned(), at));
        let all = texts.chain(numbers).chain(booleans).chain(numeric);
        all.map(move |(value, at)| (format!("{kind}{value}"), ids[*at as usize]))
    }
}

impl Float {
    fn of(number: Number) -> Float {
        Float(number.as_f64() + 0.0) // There is one zero only.
    }
}

impl Eq for Float {}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Float) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Float) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl<'a> Lookup<'a> {
    /// `None` where the comparison cannot be looked up.
    fn of(Comparison { left, operator, right }: &'a Comparison) -> Option<Lookup<'a>> {
        let (key, operator, other) = match (left, right) {
            (Operand::Key(Key::Worker(key)), other) => {
                let operator = match operator {
                    Operator::Equal
                    | Operator::Less
                    | Operator::LessOrEqual
                    | Operator::Greater
                    | Operator::GreaterOrEqual
                    | Operator::Has
                    | Operator::In => *operator,
                    Operator::NotEqual | Operator::NotIn | Operator::Contains => return None,
                };
                (key, operator, other)
            }
            (other, Operand::Key(Key::Worker(key))) => {
                let operator = match operator {
                    Operator::Equal => Operator::Equal,
                    Operator::Less => Operator::Greater,
                    Operator::LessOrEqual => Operator::GreaterOrEqual,
                    Operator::Greater => Operator::Less,
                    Operator::GreaterOrEqual => Operator::LessOrEqual,
                    Operator::Has => Operator::In,
                    Operator::In => Operator::Has,
                    Operator::NotEqual | Operator::NotIn | Operator::Contains => return None,
                };
                (key, operator, other)
            }
            _ => return None,
        };
        let is_attribute = matches!(key.field, WorkerField::Attribute(_));
        (is_attribute && !reads_worker(other)).then_some(Lookup { key, operator, other })
    }
}

/// Where an attribute may be found.
fn paths(key: &WorkerKey) -> impl Iterator<Item = &Path> {
    let path = if let WorkerField::Attribute(path) = &key.field { Some(path) } else { None };
    path.into_iter().chain(&key.literal)
}

fn for_each_path(expression: &Expression, visit: &mut impl FnMut(&Path)) {
    fn of_node(node: &Node, visit: &mut impl FnMut(&Path)) {
        match node {
            Node::And(parts) | Node::Or(parts) => parts.iter().for_each(|part| of_node(part, visit)),
            Node::Comparison(comparison) => {
                Lookup::of(comparison).iter().flat_map(|lookup| paths(lookup.key)).for_each(visit);
            }
        }
    }
    of_node(expression.root(), visit);
}

fn reads_worker(operand: &Operand) -> bool {
    match operand {
        Operand::Key(Key::Worker(_) | Key::Count(_)) => true,
        Operand::List(operands) => operands.iter().any(reads_worker),
        Operand::Key(Key::Task(_) | Key::Time(_))
        | Operand::Null
        | Operand::Boolean(_)
        | Operand::Number(_)
        | Operand::Text(_) => false,
    }
}
