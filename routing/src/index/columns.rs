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

use super::difference::{self, Texts};
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
    texts: BTreeMap<Box<str>, Set>,
    numbers: BTreeMap<Float, Set>,
    booleans: [Set; 2],
    /// Who has a text that is a number as well: it compares with numbers, too.
    numeric_texts: Set,
}

/// Workers, by their slots. Most values are those of a few Workers, some are those of nearly all.
enum Set {
    /// In order.
    Few(Vec<u32>),
    Many(FixedBitSet),
}

/// How many Workers are few: above, a bitmap of all Workers is not much larger than a list, and quicker.
const FEW_MAX: usize = 128;
/// So many Workers are tried one by one rather than sought in the columns of further conditions, unless these are shorter.
const TRIED_MAX: usize = 256;

/// A number by its size. The exact integers beyond [`EXACT`] share their neighbour's place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Float(f64);

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
            if old == new {
                continue;
            }
            // A list of many texts, of which one or two have changed, is the rule.
            match difference::in_texts(old, new) {
                Some(Texts { gone, come }) => {
                    gone.iter().for_each(|text| column.elements.remove_text(text, slot as u32));
                    come.iter().for_each(|text| column.elements.insert_text(text, slot as u32));
                }
                None => {
                    column.remove(old, slot);
                    column.insert(new, slot);
                }
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
                let mut parts: Vec<&Node> = parts.iter().collect();
                parts.sort_by_cached_key(|part| self.at_most(part, facts));
                for part in parts {
                    let n_found = all.workers.as_ref().map_or(usize::MAX, |found| found.count_ones(..));
                    if n_found <= TRIED_MAX && n_found <= self.n_sets(part) {
                        all.is_exact = false;
                        continue;
                    }
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

    /// For how many Workers it is true at most, as far as that is known without looking for them.
    fn at_most(&self, node: &Node, facts: &Facts<'_>) -> usize {
        match node {
            Node::And(parts) => {
                parts.iter().map(|part| self.at_most(part, facts)).min().unwrap_or(usize::MAX)
            }
            Node::Or(parts) => {
                parts.iter().fold(0, |sum, part| sum.saturating_add(self.at_most(part, facts)))
            }
            Node::Comparison(comparison) => {
                let Some(Lookup { key, operator, other }) = Lookup::of(comparison) else { return usize::MAX };
                let Operated::Text(text) = expression::value(other, facts) else { return usize::MAX };
                let table = |column: &Column| match operator {
                    Operator::Equal => column.scalars.texts.get(&*text).map_or(0, Set::len),
                    Operator::Has => column.elements.texts.get(&*text).map_or(0, Set::len),
                    _ => usize::MAX,
                };
                paths(key).fold(0, |sum: usize, path| {
                    sum.saturating_add(self.columns.get(path).map_or(usize::MAX, table))
                })
            }
        }
    }

    /// How many values have to be looked at for it at most. A Worker who is tried costs about as much as some of them.
    fn n_sets(&self, node: &Node) -> usize {
        match node {
            Node::And(parts) | Node::Or(parts) => {
                parts.iter().fold(0, |sum, part| sum.saturating_add(self.n_sets(part)))
            }
            Node::Comparison(comparison) => {
                let Some(Lookup { key, operator, other: _ }) = Lookup::of(comparison) else {
                    return usize::MAX;
                };
                let of_column = |column: &Column| match operator {
                    Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                        column.scalars.numbers.len()
                    }
                    Operator::Equal | Operator::Has => 1,
                    Operator::In | Operator::NotEqual | Operator::NotIn | Operator::Contains => usize::MAX,
                };
                paths(key).fold(0, |sum: usize, path| {
                    sum.saturating_add(self.columns.get(path).map_or(usize::MAX, of_column))
                })
            }
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
    fn add(&mut self, workers: &Set) {
        match workers {
            Set::Few(workers) => {
                workers.iter().for_each(|worker| self.workers.grow_and_insert(*worker as usize));
            }
            Set::Many(workers) => self.workers.union_with(workers),
        }
    }
}

impl Set {
    fn len(&self) -> usize {
        match self {
            Set::Few(workers) => workers.len(),
            Set::Many(workers) => workers.count_ones(..),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn insert(&mut self, worker: u32) {
        match self {
            Set::Few(workers) => {
                if let Err(at) = workers.binary_search(&worker) {
                    workers.insert(at, worker);
                }
                if workers.len() > FEW_MAX {
                    *self = Set::Many(workers.iter().map(|worker| *worker as usize).collect());
                }
            }
            Set::Many(workers) => workers.grow_and_insert(worker as usize),
        }
    }

    fn remove(&mut self, worker: u32) {
        match self {
            Set::Few(workers) => {
                if let Ok(at) = workers.binary_search(&worker) {
                    workers.remove(at);
                }
            }
            Set::Many(workers) => {
                workers.remove(worker as usize);
                if workers.count_ones(..) <= FEW_MAX / 2 {
                    *self = Set::Few(workers.ones().map(|worker| worker as u32).collect());
                }
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let (few, many) = match self {
            Set::Few(workers) => (Some(workers), None),
            Set::Many(workers) => (None, Some(workers)),
        };
        let many = many.into_iter().flat_map(|workers| workers.ones().map(|worker| worker as u32));
        few.into_iter().flatten().copied().chain(many)
    }
}

impl Default for Set {
    fn default() -> Set {
        Set::Few(Vec::new())
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
                self.insert_text(text, worker);
                if Number::parse(text).is_some() {
                    self.numeric_texts.insert(worker);
                }
            }
            Json::Number(number) => {
                if let Some(number) = Number::of_json(number) {
                    self.numbers.entry(Float::of(number)).or_default().insert(worker);
                }
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
                self.remove_text(text, worker);
                if Number::parse(text).is_some() {
                    self.numeric_texts.remove(worker);
                }
            }
            Json::Number(number) => {
                let Some(number) = Number::of_json(number).map(Float::of) else { return };
                if let Some(workers) = self.numbers.get_mut(&number) {
                    workers.remove(worker);
                    if workers.is_empty() {
                        self.numbers.remove(&number);
                    }
                }
            }
            Json::Bool(boolean) => {
                self.booleans[usize::from(*boolean)].remove(worker);
            }
            Json::Null | Json::Array(_) | Json::Object(_) => {}
        }
    }

    fn insert_text(&mut self, text: &str, worker: u32) {
        if let Some(workers) = self.texts.get_mut(text) {
            workers.insert(worker);
        } else {
            self.texts.insert(text.into(), Set::Few(vec![worker]));
        }
    }

    fn remove_text(&mut self, text: &str, worker: u32) {
        if let Some(workers) = self.texts.get_mut(text) {
            workers.remove(worker);
            if workers.is_empty() {
                self.texts.remove(text);
            }
        }
    }

    /// Adds the Workers who have the same scalar.
    fn find_same(&self, scalar: &Operated<'_>, found: &mut Found) -> Option<()> {
        match scalar {
            Operated::Text(text) => {
                self.texts.get(&**text).into_iter().for_each(|workers| found.add(workers));
                if let Some(number) = Number::parse(text) {
                    // A number is the same as a text that is this number; two texts are the same by their letters.
                    self.find_numbers(Some((number, true)), Some((number, true)), found);
                }
            }
            Operated::Number(number) => {
                self.find_between(Some((*number, true)), Some((*number, true)), found)?;
            }
            Operated::Boolean(boolean) => {
                found.add(&self.booleans[usize::from(*boolean)]);
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
            found.add(&self.numeric_texts);
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
        let bound = |limit: Option<(Number, bool)>| match limit {
            None => Bound::Unbounded,
            Some((number, is_included)) if is_among(is_included) => Bound::Included(Float::of(number)),
            Some((number, _)) => Bound::Excluded(Float::of(number)),
        };
        self.numbers.range((bound(from), bound(to))).for_each(|(_, workers)| found.add(workers));
    }
}

impl Table {
    fn canonical(&self, kind: &str, ids: &[WorkerId]) -> impl Iterator<Item = (String, WorkerId)> {
        let texts = self.texts.iter().map(|(text, workers)| (format!("{text:?}"), workers));
        let numbers = self.numbers.iter().map(|(number, workers)| (format!("{number:?}"), workers));
        let booleans = self.booleans.iter().enumerate();
        let booleans = booleans.map(|(boolean, workers)| (format!("boolean {boolean}"), workers));
        let numeric = std::iter::once(("number in letters".to_owned(), &self.numeric_texts));
        let all = texts.chain(numbers).chain(booleans).chain(numeric);
        let all = all.flat_map(|(value, workers)| workers.iter().map(move |at| (value.clone(), at)));
        all.map(move |(value, at)| (format!("{kind}{value}"), ids[at as usize]))
    }
}

impl Float {
    pub(super) fn of(number: Number) -> Float {
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

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::expression::{ChannelFacts, Kind, WorkerFacts};

    pub(in crate::index) struct Somebody<'a>(pub(in crate::index) &'a Json);

    impl WorkerFacts for Somebody<'_> {
        fn attributes(&self) -> &Json {
            self.0
        }
        fn id(&self) -> &str {
            "WK1"
        }
        fn name(&self) -> &str {
            "Alex"
        }
        fn activity_id(&self) -> std::borrow::Cow<'_, str> {
            "WA1".into()
        }
        fn activity_name(&self) -> &str {
            "Available"
        }
        fn channel(&self, _: &str) -> Option<ChannelFacts> {
            None
        }
    }

    /// All kinds of values, those that are nearly the same among them.
    pub(in crate::index) fn values() -> Vec<Option<Json>> {
        let scalars = [
            json!(null),
            json!(true),
            json!(false),
            json!("true"),
            json!(""),
            json!("a"),
            json!("A"),
            json!("1"),
            json!("01"),
            json!("1.0"),
            json!("-0"),
            json!(0),
            json!(-0.0),
            json!(1),
            json!(1.0),
            json!(1.5),
            json!(2),
            json!(9_007_199_254_740_991_i64),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(1e300),
        ];
        // Neighbours change into each other, so some of them differ in texts alone.
        let lists = [
            json!([]),
            json!(["a", "1", "a"]),
            json!([1, null, [2]]),
            json!([true, "b"]),
            json!(["a", "c"]),
            json!(["b", "a"]),
        ];
        let pairs = scalars.iter().zip(scalars.iter().skip(1)).map(|(one, other)| json!([one, other]));
        let lists = lists.into_iter().chain(pairs).collect::<Vec<_>>();
        let others = [json!({}), json!({ "x": 1 })];
        scalars.into_iter().chain(lists).chain(others).map(Some).chain([None]).collect()
    }

    pub(in crate::index) const CONSTANTS: &[&str] = &[
        "null",
        "true",
        "false",
        "'a'",
        "'b'",
        "'true'",
        "''",
        "'1'",
        "'01'",
        "'-0'",
        "0",
        "1",
        "1.0",
        "1.5",
        "-1",
        "9007199254740992",
        "9007199254740993",
        "['a', 1, '2', null, true]",
        "[['a'], 1.5]",
    ];
    pub(in crate::index) const OPERATORS: &[&str] =
        &["==", "!=", "<", "<=", ">", ">=", "CONTAINS", "HAS", "IN", "NOT IN"];

    #[test]
    fn a_column_says_the_same_as_asking_each_worker() {
        let all = values();
        // A text that is a number compares with both, so nothing is exact where there is one.
        let is_plain = |value: &&Option<Json>| {
            let text = value.as_ref().map(Json::to_string).unwrap_or_default();
            !text.split('"').skip(1).step_by(2).any(|part| Number::parse(part).is_some())
        };
        let plain: Vec<_> = all.iter().filter(is_plain).cloned().collect();
        assert!(plain.len() > 20);
        let (n_exact, n_narrowed) = columns_say_the_same(&all);
        assert!(n_exact > 30 && n_narrowed > 500, "columns are of use: {n_exact}, {n_narrowed}");
        let (n_exact, n_narrowed) = columns_say_the_same(&plain);
        assert!(n_exact > 100 && n_narrowed > 500, "columns are of use: {n_exact}, {n_narrowed}");
    }

    /// Returns how many answers were exact, and how many were not simply everybody.
    fn columns_say_the_same(values: &[Option<Json>]) -> (usize, usize) {
        let document = |at: usize| {
            let mut document = json!({ "other": at % 7 });
            if let Some(value) = &values[at % values.len()] {
                document["x"] = value.clone();
                if at.is_multiple_of(3) {
                    document["worker"] = json!({ "x": at % 2 });
                }
            }
            document
        };
        // So many that the frequent values have bitmaps. Each Worker changes once on the way.
        let workers: Vec<Json> = (0..20 * values.len()).map(document).collect();
        let (mut n_exact, mut n_narrowed) = (0, 0);
        for key in ["x", "worker.x"] {
            let pairs = OPERATORS.iter().flat_map(|operator| CONSTANTS.iter().map(move |it| (operator, it)));
            let sources = pairs.flat_map(|(operator, constant)| {
                [
                    format!("{key} {operator} {constant}"),
                    format!("{constant} {operator} {key}"),
                    format!("{key} {operator} {constant} AND other > 2"),
                    format!("{key} {operator} {constant} OR other == 3 OR sid == 'WK1' AND other < 1"),
                ]
            });
            let parsed = sources.filter_map(|source| Expression::parse(Kind::Queue, &source).ok());
            for expression in parsed {
                let mut columns = Columns::default();
                columns.watch(&expression, std::iter::empty());
                for (slot, worker) in workers.iter().enumerate() {
                    let before = document(slot + 1);
                    columns.worker_changed(slot, &Json::Null, &before);
                    columns.worker_changed(slot, &before, worker);
                }
                let found = columns.matches(&expression, TaskFacts::None, Timestamp(0));
                n_exact += usize::from(found.is_exact);
                n_narrowed += usize::from(found.workers.is_some());
                for (slot, worker) in workers.iter().enumerate() {
                    let somebody = Somebody(worker);
                    let is_true = expression.is_true(&Facts { worker: Some(&somebody), ..Facts::default() });
                    let is_found = found.workers.as_ref().is_none_or(|found| found.contains(slot));
                    assert!(is_found || !is_true, "{expression}: {worker} is missing");
                    assert!(is_true || !is_found || !found.is_exact, "{expression}: {worker} is wrong");
                }
                columns.unwatch(&expression);
                assert!(columns.columns.is_empty());
            }
        }
        (n_exact, n_narrowed)
    }
}
