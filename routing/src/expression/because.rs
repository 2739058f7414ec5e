//! Why an expression is not true: the conditions that fail, with the values that they saw.

use std::fmt::{self, Write};

use serde_json::Value as Json;

use super::Expression;
use super::Kind;
use super::evaluate::{Facts, Number, Value, is_true, value};
use super::parser::{
    ChannelField, Comparison, Count, Key, Node, Operand, Operator, TimeOfDay, WorkerField, WorkerKey,
};

/// How many conditions are told. One of an OR in which nothing is true is as good as another.
const CONDITIONS_MAX: usize = 4;
/// How long the value that is shown of a key may be, in characters.
const VALUE_CHARACTERS_MAX: usize = 80;

impl Expression {
    /// Why the expression is not true for these facts, as `worker.skills HAS "es": worker.skills is ["en"]`; `None` where
    /// it is true. Of an AND it is the first condition that fails, of an OR all of them, as far as they are few.
    #[must_use]
    pub fn why_not(&self, facts: &Facts<'_>) -> Option<String> {
        if self.is_true(facts) {
            return None;
        }
        let mut failing = Vec::new();
        collect(self.root(), facts, &mut failing);
        let n_more = failing.len().saturating_sub(CONDITIONS_MAX);
        failing.truncate(CONDITIONS_MAX);
        let told =
            failing.into_iter().map(|condition| Told { condition, kind: self.kind(), facts }.to_string());
        let mut text = told.collect::<Vec<String>>().join("; and ");
        if n_more > 0 {
            let _ = write!(text, "; and {n_more} more");
        }
        Some(text)
    }
}

/// The conditions because of which a node that is not true is not.
fn collect<'a>(node: &'a Node, facts: &Facts<'a>, failing: &mut Vec<&'a Comparison>) {
    match node {
        Node::And(nodes) => {
            if let Some(first) = nodes.iter().find(|node| !is_true(node, facts)) {
                collect(first, facts, failing);
            }
        }
        Node::Or(nodes) => nodes.iter().for_each(|node| collect(node, facts, failing)),
        Node::Comparison(comparison) => failing.push(comparison),
    }
}

/// A condition that fails, with what it saw.
struct Told<'a, 'f> {
    condition: &'a Comparison,
    kind: Kind,
    facts: &'f Facts<'a>,
}

impl fmt::Display for Told<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { left, operator, right } = self.condition;
        write!(f, "{} {} {}", self.text(left), symbol(*operator), self.text(right))?;
        let keys = [left, right].into_iter().filter(|operand| matches!(operand, Operand::Key(_)));
        let mut separator = ": ";
        for key in keys {
            write!(f, "{separator}{} is {}", self.text(key), shown(&value(key, self.facts)))?;
            separator = ", ";
        }
        if separator == ": " {
            f.write_str(", which is never true")?;
        }
        Ok(())
    }
}

impl Told<'_, '_> {
    /// An operand as somebody could have written it.
    fn text(&self, operand: &Operand) -> String {
        match operand {
            Operand::List(elements) => {
                let elements: Vec<String> = elements.iter().map(|element| self.text(element)).collect();
                format!("[{}]", elements.join(", "))
            }
            Operand::Key(key) => self.key(key),
            constant => shown(&value(constant, &Facts::default())),
        }
    }

    fn key(&self, key: &Key) -> String {
        match key {
            Key::Task(key) if self.kind == Kind::Target => format!("task.{}", key.path),
            Key::Task(key) => key.path.to_string(),
            Key::Worker(key) if self.kind == Kind::Target => format!("worker.{}", worker_key(key)),
            Key::Worker(key) => worker_key(key),
            Key::Time(time) => format!("taskrouter.{}", time_name(*time)),
            Key::Count(count) => format!("workers.{}", count_name(count)),
        }
    }
}

fn worker_key(key: &WorkerKey) -> String {
    match &key.field {
        WorkerField::Attribute(path) => path.to_string(),
        WorkerField::Id => "sid".to_owned(),
        WorkerField::Name => "friendly_name".to_owned(),
        WorkerField::ActivityId => "activity_sid".to_owned(),
        WorkerField::ActivityName => "activity_name".to_owned(),
        WorkerField::Channel { unique_name, field } => {
            let field = match field {
                ChannelField::ConfiguredCapacity => "configured_capacity",
                ChannelField::AssignedTasks => "assigned_tasks",
                ChannelField::AvailableCapacityPercentage => "available_capacity_percentage",
            };
            format!("channel.{unique_name}.{field}")
        }
    }
}

fn time_name(time: TimeOfDay) -> &'static str {
    match time {
        TimeOfDay::Time => "currentTime",
        TimeOfDay::Hour => "currentHour",
        TimeOfDay::Minute => "currentMin",
        TimeOfDay::DayOfWeek => "dayOfWeek",
    }
}

fn count_name(count: &Count) -> &str {
    match count {
        Count::Available => "available",
        Count::Unavailable => "unavailable",
        Count::InActivity(id) => id,
    }
}

fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Equal => "==",
        Operator::NotEqual => "!=",
        Operator::Less => "<",
        Operator::LessOrEqual => "<=",
        Operator::Greater => ">",
        Operator::GreaterOrEqual => ">=",
        Operator::Contains => "CONTAINS",
        Operator::Has => "HAS",
        Operator::In => "IN",
        Operator::NotIn => "NOT IN",
    }
}

/// A value as JSON, not too long.
fn shown(value: &Value<'_>) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Number(Number::Integer(integer)) => integer.to_string(),
        Value::Number(Number::Decimal(decimal)) => decimal.to_string(),
        Value::Text(text) => Json::from(&**text).to_string(),
        Value::DayOfWeek(day) => Json::from(*day).to_string(),
        Value::Array(elements) => Json::from(elements.to_vec()).to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Object => "an object".to_owned(),
    };
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::TaskFacts;
    use serde_json::json;

    fn why_not(expression: &str, task: &Json) -> Option<String> {
        let expression = Expression::parse(Kind::Filter, expression).expect("an expression");
        expression.why_not(&Facts { task: TaskFacts::Document(task), ..Facts::default() })
    }

    #[test]
    fn what_fails_is_told_with_what_it_saw() {
        let task = json!({ "skills": ["en", "fr"], "level": 3, "name": "Ada" });
        for (expression, expected) in [
            ("level == 3", None),
            ("skills HAS 'es'", Some(r#"skills HAS "es": skills is ["en","fr"]"#)),
            ("level == 3 AND level > 4 AND name == 'x'", Some("level > 4: level is 3")),
            (
                "level > 4 OR (name == 'Bo' AND level == 3)",
                Some(r#"level > 4: level is 3; and name == "Bo": name is "Ada""#),
            ),
            ("level IN [1, 'x', missing]", Some(r#"level IN [1, "x", missing]: level is 3"#)),
            (
                "missing.path[2] == name",
                Some(r#"missing.path[2] == name: missing.path[2] is null, name is "Ada""#),
            ),
            ("1 == 0", Some("1 == 0, which is never true")),
            (
                "level==5 OR level==6 OR level==7 OR level==8 OR level==9",
                Some(
                    "level == 5: level is 3; and level == 6: level is 3; and level == 7: level is 3; \
                      and level == 8: level is 3; and 1 more",
                ),
            ),
        ] {
            assert_eq!(why_not(expression, &task).as_deref(), expected, "{expression}");
        }
    }
}
