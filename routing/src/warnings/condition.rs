//! Conditions that cannot be true, are true by accident, or do not say what they seem to say.

use super::known::Known;
use super::{Code, Warning};
use crate::expression::{
    Comparison, Expression, Facts, Key, Kind, Node, Operand, Operator, Path, Position, WorkerField,
    WorkerKey, WrittenOperator, is_so,
};

pub(super) fn warnings(expression: &Expression, known: Option<&Known<'_>>) -> Vec<Warning> {
    let mut reader = Reader {
        kind: expression.kind(),
        root: expression.root(),
        known,
        operators: expression.written_operators().into_iter(),
        groups: Vec::new(),
        warnings: Vec::new(),
    };
    reader.node(expression.root());
    reader.warnings.extend(expression.and_beside_or().map(and_beside_or));
    reader.warnings
}

/// The answer of a condition that has the same one for all facts.
pub(super) fn constant(node: &Node) -> Option<bool> {
    match node {
        Node::And(parts) => joined(parts, false),
        Node::Or(parts) => joined(parts, true),
        Node::Comparison(comparison) if names_a_key(comparison) => None,
        Node::Comparison(comparison) => Some(is_so(comparison, &Facts::default())),
    }
}

/// One part with the answer `decisive` decides; otherwise all have to be constant.
fn joined(parts: &[Node], decisive: bool) -> Option<bool> {
    let answers: Vec<Option<bool>> = parts.iter().map(constant).collect();
    if answers.contains(&Some(decisive)) {
        return Some(decisive);
    }
    if answers.contains(&None) { None } else { Some(!decisive) }
}

fn and_beside_or(position: Position) -> Warning {
    let message =
        "AND and OR stand side by side, and AND binds tighter: put parentheses around what belongs together";
    Warning {
        code: Code::AndBesideOr,
        path: Vec::new(),
        position: Some(position),
        message: message.to_owned(),
    }
}

/// Walks through a tree and collects the warnings.
struct Reader<'e> {
    kind: Kind,
    root: &'e Node,
    /// What there is to be named; `None` where that is not known.
    known: Option<&'e Known<'e>>,
    /// Those of the comparisons to come, as they were written.
    operators: std::vec::IntoIter<WrittenOperator>,
    /// What the walk is inside of, outermost first: each of them AND or OR.
    groups: Vec<&'e Node>,
    warnings: Vec<Warning>,
}

impl<'e> Reader<'e> {
    fn node(&mut self, node: &'e Node) {
        match node {
            Node::And(parts) | Node::Or(parts) => {
                self.groups.push(node);
                parts.iter().for_each(|part| self.node(part));
                self.groups.pop();
            }
            Node::Comparison(comparison) => {
                let written = self.operators.next();
                let position = written.map(|written| written.position);
                let has_minus = written.is_some_and(|written| written.has_minus);
                if let Some((code, message)) = self.remark(comparison, has_minus) {
                    self.warnings.push(Warning { code, path: Vec::new(), position, message });
                }
            }
        }
    }

    /// The first thing that is suspicious: whoever corrects it looks at the rest anyway.
    fn remark(&self, comparison: &Comparison, has_minus: bool) -> Option<(Code, String)> {
        minus_in_operator(comparison, has_minus)
            .or_else(|| self.quoted_key(comparison))
            .or_else(|| not_a_list(comparison))
            .or_else(|| list_as_value(comparison))
            .or_else(|| self.unknown_name(comparison))
            .or_else(|| self.list_may_be_missing(comparison))
            .or_else(|| self.both_may_be_missing(comparison))
            .or_else(|| self.needless_prefix(comparison))
    }

    /// A text is a value, but some texts look as if an attribute was meant: where a list has to stand, where nothing
    /// else is a key, and where it begins like the keys of this place.
    fn quoted_key(&self, comparison: &Comparison) -> Option<(Code, String)> {
        let Comparison { left, operator, right } = comparison;
        let is_senseless = !names_a_key(comparison) && !is_true_by_itself(comparison);
        let meant_as_key = |operand: &Operand| is_prefixed(self.kind, operand);
        let text = match operator {
            Operator::Has if is_like_a_key(left) => left,
            Operator::In | Operator::NotIn if is_senseless && is_like_a_key(right) => right,
            _ if is_senseless && is_like_a_key(left) => left,
            _ if meant_as_key(left) => left,
            _ if meant_as_key(right) => right,
            _ => return None,
        };
        let Operand::Text(text) = text else { return None };
        let instead = match self.kind {
            Kind::Target if !is_prefixed(self.kind, &Operand::Text(text.clone())) => {
                format!("worker.{text} or task.{text}")
            }
            Kind::Filter | Kind::Target | Kind::Queue | Kind::SkipIf => text.to_string(),
        };
        Some((
            Code::QuotedKey,
            format!(
                "\"{text}\" is a text, and not what the key {text} names: write {instead} without quotes"
            ),
        ))
    }

    /// A name that nobody has. Who asks whether it is missing knows that it may be.
    fn unknown_name(&self, comparison: &Comparison) -> Option<(Code, String)> {
        let is_excused = |key: &WorkerKey| may_be_missing(self.root, key);
        self.known?.unknown_in(self.kind, comparison, is_excused)
    }

    /// The trap of negation: nobody expects that a missing list holds everything.
    fn list_may_be_missing(
        &self,
        Comparison { left: _, operator, right }: &Comparison,
    ) -> Option<(Code, String)> {
        if *operator != Operator::NotIn || self.is_tested(right) {
            return None;
        }
        let key = self.attribute(right)?;
        Some((
            Code::ListMayBeMissing,
            format!(
                "is false where there is no {key}: write ({key} == null OR … NOT IN {key}) to let it be missing"
            ),
        ))
    }

    /// NULL equals NULL.
    fn both_may_be_missing(
        &self,
        Comparison { left, operator, right }: &Comparison,
    ) -> Option<(Code, String)> {
        if *operator != Operator::Equal || self.is_tested(left) || self.is_tested(right) {
            return None;
        }
        let (left, right) = (self.attribute(left)?, self.attribute(right)?);
        Some((
            Code::BothMayBeMissing,
            format!("is true where both are missing: write ({left} != null AND {left} == {right})"),
        ))
    }

    /// A prefix that belongs into targets, said once: who has the habit has it everywhere.
    fn needless_prefix(&self, comparison: &Comparison) -> Option<(Code, String)> {
        if self.warnings.iter().any(|warning| warning.code == Code::NeedlessPrefix) {
            return None;
        }
        let task_keys = comparison.task_keys().into_iter();
        let of_task = task_keys.filter_map(|key| Some(("task", "a Task", key.alias.clone()?)));
        let worker_keys = comparison.worker_keys().into_iter();
        let of_worker = worker_keys.filter_map(|key| Some(("worker", "a Worker", self.unprefixed(key)?)));
        let (prefix, who, path) = of_task.chain(of_worker).next()?;
        Some((
            Code::NeedlessPrefix,
            format!(
                "{prefix}. is not needed here, and is read as a name where {who} has an attribute {prefix}: write {path}"
            ),
        ))
    }

    /// What stands behind a needless `worker.`, unless it may be an attribute, or stands in what `Skill.expression`
    /// of the API gives for TaskQueues and targets alike.
    fn unprefixed(&self, key: &WorkerKey) -> Option<Path> {
        let literal = key.literal.as_ref()?;
        let path = literal.strip_prefix("worker")?;
        let is_of_skills = path.strip_prefix("routing").is_some();
        let is_literal = self.known.is_some_and(|known| known.is_attribute(&literal.first()));
        (!is_of_skills && !is_literal).then_some(path)
    }

    /// Is there a test in the same group, or in one around it, whether the key is there?
    fn is_tested(&self, key: &Operand) -> bool {
        self.groups.iter().any(|group| tests_presence(group, group, key))
    }

    /// The key as it is written in this place, if it is an attribute. Everything else that keys name is never missing,
    /// or none of the author's making.
    fn attribute(&self, operand: &Operand) -> Option<String> {
        let Operand::Key(key) = operand else { return None };
        match (self.kind, key) {
            (Kind::Target, Key::Task(key)) => Some(format!("task.{}", key.path)),
            (_, Key::Task(key)) => Some(key.path.to_string()),
            (kind, Key::Worker(WorkerKey { field: WorkerField::Attribute(path), literal })) => {
                let prefix = if kind == Kind::Target { "worker." } else { "" };
                Some(format!("{prefix}{}", literal.as_ref().unwrap_or(path)))
            }
            (_, Key::Worker(_) | Key::Time(_) | Key::Count(_)) => None,
        }
    }
}

/// Does a part of `node` that counts for the whole `group` test whether the key is there? Parentheses around AND
/// within AND, or OR within OR, change nothing.
fn tests_presence(group: &Node, node: &Node, key: &Operand) -> bool {
    match (group, node) {
        (Node::And(_), Node::And(parts)) | (Node::Or(_), Node::Or(parts)) => {
            parts.iter().any(|part| tests_presence(group, part, key))
        }
        (_, Node::Comparison(Comparison { left, operator, right })) => {
            matches!(operator, Operator::Equal | Operator::NotEqual)
                && ((left == key && *right == Operand::Null) || (*left == Operand::Null && right == key))
        }
        (_, Node::And(_) | Node::Or(_)) => false,
    }
}

/// Does the expression say somewhere `key == null`?
fn may_be_missing(node: &Node, key: &WorkerKey) -> bool {
    let is_key = |operand: &Operand| matches!(operand, Operand::Key(Key::Worker(found)) if found == key);
    match node {
        Node::And(parts) | Node::Or(parts) => parts.iter().any(|part| may_be_missing(part, key)),
        Node::Comparison(Comparison { left, operator, right }) => {
            *operator == Operator::Equal
                && ((is_key(left) && *right == Operand::Null) || (*left == Operand::Null && is_key(right)))
        }
    }
}

/// `temp >-6` asks whether a list holds 6. Behind a list in brackets, nothing else can be meant.
fn minus_in_operator(comparison: &Comparison, has_minus: bool) -> Option<(Code, String)> {
    let Comparison { left, operator, right: _ } = comparison;
    if !has_minus || matches!(left, Operand::List(_)) {
        return None;
    }
    let (name, meant) = match operator {
        Operator::Has => ("HAS", ">"),
        Operator::In => ("IN", "<"),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Contains
        | Operator::NotIn => return None,
    };
    Some((
        Code::MinusInOperator,
        format!(
            "{meant}- is {name}, and not {meant} with a negative number: write {meant} - with a blank between, or \
             {name} if that is meant"
        ),
    ))
}

/// `HAS` wants a list on its left, `IN` and `NOT IN` on their right.
fn not_a_list(Comparison { left, operator, right }: &Comparison) -> Option<(Code, String)> {
    let (name, side, operand) = match operator {
        Operator::Has => ("HAS", "left", left),
        Operator::In => ("IN", "right", right),
        Operator::NotIn => ("NOT IN", "right", right),
        Operator::Equal
        | Operator::NotEqual
        | Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Contains => return None,
    };
    let instead = match operand {
        Operand::Text(_) => "write a list such as ['a', 'b'], or CONTAINS to look for a part of a text",
        _ => "write a list such as ['a', 'b']",
    };
    let found = single_value(operand)?;
    Some((
        Code::NotAList,
        format!("is never true, since {name} needs a list on its {side}, not {found}: {instead}"),
    ))
}

/// What an operand that can be no list is, in words.
fn single_value(operand: &Operand) -> Option<&'static str> {
    match operand {
        Operand::Null => Some("null"),
        Operand::Boolean(_) => Some("true or false"),
        Operand::Number(_) => Some("a number"),
        Operand::Text(_) => Some("a text"),
        Operand::Key(Key::Time(_)) => Some("the time of day"),
        Operand::Key(Key::Count(_)) => Some("a number of Workers"),
        Operand::Key(Key::Worker(WorkerKey { field, literal: None })) => match field {
            WorkerField::Attribute(_) => None,
            WorkerField::Id | WorkerField::Name | WorkerField::ActivityId | WorkerField::ActivityName => {
                Some("an id or a name")
            }
            WorkerField::Channel { .. } => Some("a number"),
        },
        Operand::List(_) | Operand::Key(Key::Task(_) | Key::Worker(_)) => None,
    }
}

/// A list in brackets equals nothing, and no list holds one.
fn list_as_value(Comparison { left, operator, right }: &Comparison) -> Option<(Code, String)> {
    let is_list = |operand: &Operand| matches!(operand, Operand::List(_));
    let is_null = |operand: &Operand| *operand == Operand::Null;
    let (is_wrong, instead) = match operator {
        Operator::Has => (is_list(right), "write a HAS for each value, joined with AND or OR"),
        Operator::In | Operator::NotIn => (is_list(left), "write a condition for each value"),
        // The test for presence is true of a list, too.
        Operator::Equal | Operator::NotEqual if is_null(left) || is_null(right) => return None,
        Operator::Equal => (is_list(left) || is_list(right), "write IN"),
        Operator::NotEqual => (is_list(left) || is_list(right), "write NOT IN"),
        Operator::Less
        | Operator::LessOrEqual
        | Operator::Greater
        | Operator::GreaterOrEqual
        | Operator::Contains => (is_list(left) || is_list(right), "write a condition for each value"),
    };
    is_wrong.then(|| {
        (
            Code::ListAsValue,
            format!("is never true, since a list stands where one value is compared: {instead}"),
        )
    })
}

/// Such as `'yes' == 'yes'`, which somebody wrote to have it true.
fn is_true_by_itself(comparison: &Comparison) -> bool {
    matches!(comparison.operator, Operator::Equal | Operator::In) && is_so(comparison, &Facts::default())
}

/// A text that would be a key without its quotes.
fn is_like_a_key(operand: &Operand) -> bool {
    match operand {
        Operand::Text(text) => !text.contains(char::is_whitespace) && Path::parse(text).is_ok(),
        _ => false,
    }
}

/// A text that begins like the keys that are usual in this place.
fn is_prefixed(kind: Kind, operand: &Operand) -> bool {
    let Operand::Text(text) = operand else { return false };
    let prefixes: &[&str] = match kind {
        Kind::Filter => &["task.", "taskrouter."],
        Kind::Target => &["task.", "worker.", "taskrouter."],
        Kind::Queue => &["worker."],
        Kind::SkipIf => &["workers."],
    };
    prefixes.iter().any(|prefix| text.starts_with(prefix)) && is_like_a_key(operand)
}

fn names_a_key(Comparison { left, operator: _, right }: &Comparison) -> bool {
    fn is_or_holds_a_key(operand: &Operand) -> bool {
        match operand {
            Operand::Key(_) => true,
            Operand::List(elements) => elements.iter().any(is_or_holds_a_key),
            Operand::Null | Operand::Boolean(_) | Operand::Number(_) | Operand::Text(_) => false,
        }
    }
    is_or_holds_a_key(left) || is_or_holds_a_key(right)
}
