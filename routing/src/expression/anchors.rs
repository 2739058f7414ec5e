//! Values that a Worker must have for an expression to be true, read off the expression.
//!
//! Of `skills HAS 'billing' AND level > 3` only Workers with `billing` among their `skills` can make it true. So
//! whoever has to evaluate many expressions on one Worker looks up which of them the Worker's values may make true,
//! and evaluates only these. This says what is *necessary*, never what is sufficient.

use super::parser::{Comparison, Key, Node, Operand, Operator, TaskKey, WorkerField, WorkerKey};
use super::{Expression, Number, Path};

/// A text that the Worker must have at a path: as the value itself, or in a list there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Anchor {
    /// Where in the attributes of the Worker.
    pub path: Path,
    /// Which text.
    pub text: Box<str>,
}

impl Expression {
    /// Anchors of which a Worker has at least one whenever the expression is true; none at all where it can never
    /// be. `None` where nothing of the kind can be told.
    #[must_use]
    pub fn anchors(&self) -> Option<Vec<Anchor>> {
        of_node(self.root())
    }
}

/// How an expression reads an attribute of the Worker.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Reading<'a> {
    /// It asks whether this text, which is no number, is in the list there.
    HasText(&'a str),
    /// It asks on which side of this number the one there is.
    Size(Number),
    /// In another way: whatever changes may make a difference.
    Otherwise,
}

impl Comparison {
    /// Every key of the Task that it names.
    pub(crate) fn task_keys(&self) -> Vec<&TaskKey> {
        let mut keys = Vec::new();
        task_keys_of_operand(&self.left, &mut keys);
        task_keys_of_operand(&self.right, &mut keys);
        keys
    }

    /// Every key of the Worker that it names.
    pub(crate) fn worker_keys(&self) -> Vec<&WorkerKey> {
        let mut keys = Vec::new();
        keys_of_operand(&self.left, &mut keys);
        keys_of_operand(&self.right, &mut keys);
        keys
    }
}

impl Expression {
    /// Every attribute of the Worker that it reads, with how. A key that may be meant literally depends on whether
    /// there is an attribute `worker`, too.
    pub(crate) fn readings(&self) -> Vec<(Path, Reading<'_>)> {
        let mut readings = Vec::new();
        readings_of_node(self.root(), &mut readings);
        readings
    }
}

fn keys_of_operand<'a>(operand: &'a Operand, keys: &mut Vec<&'a WorkerKey>) {
    match operand {
        Operand::Key(Key::Worker(key)) => keys.push(key),
        Operand::List(operands) => operands.iter().for_each(|operand| keys_of_operand(operand, keys)),
        Operand::Key(Key::Task(_) | Key::Time(_) | Key::Count(_))
        | Operand::Null
        | Operand::Boolean(_)
        | Operand::Number(_)
        | Operand::Text(_) => {}
    }
}

fn task_keys_of_operand<'a>(operand: &'a Operand, keys: &mut Vec<&'a TaskKey>) {
    match operand {
        Operand::Key(Key::Task(key)) => keys.push(key),
        Operand::List(operands) => operands.iter().for_each(|operand| task_keys_of_operand(operand, keys)),
        Operand::Key(Key::Worker(_) | Key::Time(_) | Key::Count(_))
        | Operand::Null
        | Operand::Boolean(_)
        | Operand::Number(_)
        | Operand::Text(_) => {}
    }
}

fn readings_of_node<'a>(node: &'a Node, readings: &mut Vec<(Path, Reading<'a>)>) {
    let Comparison { left, operator, right } = match node {
        Node::And(parts) | Node::Or(parts) => {
            return parts.iter().for_each(|part| readings_of_node(part, readings));
        }
        Node::Comparison(comparison) => comparison,
    };
    let reading = match (operator, left, right) {
        (Operator::Has, Operand::Key(Key::Worker(_)), Operand::Text(text))
        | (Operator::In, Operand::Text(text), Operand::Key(Key::Worker(_)))
            if Number::parse(text).is_none() =>
        {
            Reading::HasText(text)
        }
        (
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual,
            Operand::Key(Key::Worker(_)),
            Operand::Number(number),
        )
        | (
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual,
            Operand::Number(number),
            Operand::Key(Key::Worker(_)),
        ) => Reading::Size(*number),
        _ => Reading::Otherwise,
    };
    let mut keys = Vec::new();
    keys_of_operand(left, &mut keys);
    keys_of_operand(right, &mut keys);
    for key in keys {
        let reading = if key.literal.is_some() { Reading::Otherwise } else { reading };
        if let WorkerField::Attribute(path) = &key.field {
            readings.push((path.clone(), reading));
        }
        if let Some(literal) = &key.literal {
            readings.extend([(literal.clone(), reading), (literal.first(), reading)]);
        }
    }
}

fn of_node(node: &Node) -> Option<Vec<Anchor>> {
    match node {
        // Each part is necessary: the one that leaves the fewest possibilities tells most.
        Node::And(parts) => parts.iter().filter_map(of_node).min_by_key(Vec::len),
        Node::Or(parts) => {
            let parts: Option<Vec<Vec<Anchor>>> = parts.iter().map(of_node).collect();
            parts.map(|parts| parts.concat())
        }
        Node::Comparison(comparison) => of_comparison(comparison),
    }
}

fn of_comparison(Comparison { left, operator, right }: &Comparison) -> Option<Vec<Anchor>> {
    match (operator, left, right) {
        (Operator::Equal, key, text) | (Operator::Equal, text, key) if is_worker_key(key) => one(key, text),
        (Operator::Has, key, text) | (Operator::In, text, key) if is_worker_key(key) => one(key, text),
        (Operator::In, key, Operand::List(texts)) => {
            let each: Option<Vec<Vec<Anchor>>> = texts.iter().map(|text| one(key, text)).collect();
            each.map(|each| each.concat())
        }
        _ => None,
    }
}

fn is_worker_key(operand: &Operand) -> bool {
    matches!(operand, Operand::Key(Key::Worker(_)))
}

fn one(key: &Operand, text: &Operand) -> Option<Vec<Anchor>> {
    let Operand::Key(Key::Worker(WorkerKey { field: WorkerField::Attribute(path), literal })) = key else {
        return None;
    };
    // A text that is a number also equals the number, which no look-up by text would find.
    let text = match text {
        Operand::Text(text) if Number::parse(text).is_none() => text,
        _ => return None,
    };
    let paths = [Some(path), literal.as_ref()];
    Some(paths.into_iter().flatten().map(|path| Anchor { path: path.clone(), text: text.clone() }).collect())
}
