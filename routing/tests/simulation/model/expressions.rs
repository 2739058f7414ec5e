//! What expressions are true for (`routing.md` 1). The tree is the core's, the answer is not.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use routing::Attributes;
use routing::expression::{
    ChannelField, Clause, Comparison, Count, Expression, Key, Node, Number, Operand, Operator, Path, Step,
    TimeOfDay, WorkerField, WorkerKey,
};
use routing::state::{TargetWorkers, Task, TaskQueue, Worker};
use serde_json::Value as Json;

use super::Model;

/// The attributes of Tasks and Workers as trees, so that a text is read once.
#[derive(Default)]
pub struct Documents(RefCell<BTreeMap<String, std::rc::Rc<Json>>>);

impl Documents {
    fn of(&self, attributes: &Attributes) -> std::rc::Rc<Json> {
        let mut documents = self.0.borrow_mut();
        if let Some(document) = documents.get(attributes.as_str()) {
            return document.clone();
        }
        let document: Json = serde_json::from_str(attributes.as_str()).expect("attributes are JSON");
        let document = std::rc::Rc::new(document);
        documents.insert(attributes.as_str().to_owned(), document.clone());
        document
    }
}

/// What 64 bits hold, as an `f64`: from the smallest `i64` to before the largest `u64`.
const I64_MIN: f64 = -9_223_372_036_854_775_808.0;
const U64_BEYOND: f64 = 18_446_744_073_709_551_616.0;

/// What is compared.
enum Value {
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    /// Compared without regard to case (1.12).
    Day(String),
    Array(Vec<Value>),
    Object,
}

/// Whom and what an expression is asked of.
#[derive(Clone, Copy, Default)]
struct Subject<'a> {
    task: Option<&'a Task>,
    worker: Option<&'a Worker>,
    /// Whose Workers are counted.
    queue: Option<&'a TaskQueue>,
}

impl Model {
    /// Does the filter take the Task?
    pub fn filter_takes(&self, expression: &Expression, task: &Task) -> bool {
        self.is_true(expression.root(), Subject { task: Some(task), ..Subject::default() })
    }

    /// Is the step's expression true for the two?
    pub fn step_suits(&self, expression: &Expression, task: &Task, worker: &Worker) -> bool {
        self.is_true(expression.root(), Subject { task: Some(task), worker: Some(worker), queue: None })
    }

    /// Is the Worker eligible for the TaskQueue (3.1)?
    pub fn serves(&self, worker: &Worker, queue: &TaskQueue) -> bool {
        match &queue.target_workers {
            TargetWorkers::Nobody => false,
            TargetWorkers::Matching(expression) => {
                self.is_true(expression.root(), Subject { worker: Some(worker), ..Subject::default() })
            }
        }
    }

    /// Does the condition hold for the Workers of the TaskQueue (2.5)?
    pub(super) fn skips(&self, skip_if: &Expression, queue: &TaskQueue) -> bool {
        self.is_true(skip_if.root(), Subject { queue: Some(queue), ..Subject::default() })
    }

    /// The text that an attribute of the Task is, if it is one.
    pub(super) fn text_in(&self, task: &Task, path: &Path) -> Option<String> {
        match read(&self.documents.of(&task.attributes), path) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// By an `order_by` (4.4): the smaller one comes first. Who has no integer comes last, whichever the direction.
    pub(super) fn standing(&self, clause: &Clause, worker: &Worker) -> (bool, i128) {
        let integer = match self.of_worker(&clause.key, worker) {
            Value::Number(Number::Integer(integer)) => Some(integer),
            Value::Number(Number::Decimal(decimal)) => {
                let is_integer = decimal.fract() == 0.0 && (I64_MIN..U64_BEYOND).contains(&decimal);
                is_integer.then_some(decimal as i128)
            }
            _ => None,
        };
        match integer {
            None => (true, 0),
            Some(integer) if clause.is_descending => (false, -integer),
            Some(integer) => (false, integer),
        }
    }

    fn is_true(&self, node: &Node, subject: Subject<'_>) -> bool {
        match node {
            Node::And(nodes) => nodes.iter().all(|node| self.is_true(node, subject)),
            Node::Or(nodes) => nodes.iter().any(|node| self.is_true(node, subject)),
            Node::Comparison(Comparison { left, operator, right }) => {
                compare(&self.value(left, subject), *operator, &self.value(right, subject))
            }
        }
    }

    fn value(&self, operand: &Operand, subject: Subject<'_>) -> Value {
        match operand {
            Operand::Null => Value::Null,
            Operand::Boolean(boolean) => Value::Boolean(*boolean),
            Operand::Number(number) => Value::Number(*number),
            Operand::Text(text) => Value::Text(text.to_string()),
            Operand::List(elements) => {
                Value::Array(elements.iter().map(|element| self.value(element, subject)).collect())
            }
            Operand::Key(Key::Task(key)) => subject.task.map_or(Value::Null, |task| {
                let document = self.documents.of(&task.attributes);
                let has_task = document.get("task").is_some();
                read(&document, key.alias.as_ref().filter(|_| !has_task).unwrap_or(&key.path))
            }),
            Operand::Key(Key::Worker(key)) => {
                subject.worker.map_or(Value::Null, |worker| self.of_worker(key, worker))
            }
            Operand::Key(Key::Time(time)) => self.time_of_day(*time),
            Operand::Key(Key::Count(count)) => {
                subject.queue.map_or(Value::Null, |queue| self.count(count, queue))
            }
        }
    }

    /// 1.10.
    fn of_worker(&self, key: &WorkerKey, worker: &Worker) -> Value {
        let document = self.documents.of(&worker.attributes);
        if let Some(literal) = &key.literal
            && document.get("worker").is_some()
        {
            return read(&document, literal);
        }
        match &key.field {
            WorkerField::Attribute(path) => read(&document, path),
            WorkerField::Id => Value::Text(worker.id.to_string()),
            WorkerField::Name => Value::Text(worker.name.clone()),
            WorkerField::ActivityId => Value::Text(worker.activity.to_string()),
            WorkerField::ActivityName => Value::Text(self.activities[&worker.activity].name.clone()),
            WorkerField::Channel { unique_name, field } => {
                let mut channels = self.task_channels.values();
                let Some(channel) = channels.find(|channel| *channel.unique_name == **unique_name) else {
                    return Value::Null;
                };
                let channel = self.channel(worker, channel.id);
                let (open, capacity) =
                    (channel.pending + channel.accepted + channel.wrapping, channel.configured_capacity);
                integer(match field {
                    ChannelField::ConfiguredCapacity => capacity,
                    ChannelField::AssignedTasks => channel.accepted,
                    // 5.3.
                    ChannelField::AvailableCapacityPercentage if open >= capacity => 0,
                    ChannelField::AvailableCapacityPercentage => (capacity - open) * 100 / capacity,
                })
            }
        }
    }

    /// 1.12.
    fn time_of_day(&self, time: TimeOfDay) -> Value {
        let minutes = self.now.0.div_euclid(60_000);
        let (hour, minute) = (minutes.div_euclid(60).rem_euclid(24), minutes.rem_euclid(60));
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]; // The epoch began on a Thursday.
        match time {
            TimeOfDay::Time => Value::Number(Number::Integer((100 * hour + minute).into())),
            TimeOfDay::Hour => Value::Text(format!("{hour:02}")),
            TimeOfDay::Minute => Value::Text(format!("{minute:02}")),
            TimeOfDay::DayOfWeek => {
                let day = minutes.div_euclid(24 * 60).rem_euclid(7);
                Value::Day(days[day as usize].to_lowercase())
            }
        }
    }

    fn count(&self, count: &Count, queue: &TaskQueue) -> Value {
        let number = |is_counted: &dyn Fn(&Worker) -> bool| {
            let workers = self.workers.values().filter(|worker| is_counted(worker));
            integer(workers.filter(|worker| self.serves(worker, queue)).count() as u32)
        };
        match count {
            Count::Available => number(&|worker| self.activities[&worker.activity].available),
            Count::Unavailable => number(&|worker| !self.activities[&worker.activity].available),
            Count::InActivity(id) => {
                let exists = self.activities.keys().any(|activity| activity.to_string() == **id);
                if exists { number(&|worker| worker.activity.to_string() == **id) } else { Value::Null }
            }
        }
    }
}

/// 1.4.
fn read(document: &Json, path: &Path) -> Value {
    let mut place = document;
    for step in path.steps() {
        let next = match (step, place) {
            (Step::Member(name), Json::Object(members)) => members.get(&**name),
            (Step::Index(index), Json::Array(elements)) => elements.get(*index),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return Value::Null,
        }
    }
    of_json(place)
}

fn of_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(boolean) => Value::Boolean(*boolean),
        Json::Number(number) => {
            if let Some(integer) = number.as_i64() {
                Value::Number(Number::Integer(integer.into()))
            } else if let Some(integer) = number.as_u64() {
                Value::Number(Number::Integer(integer.into()))
            } else {
                Value::Number(Number::Decimal(number.as_f64().expect("any other number is a decimal one")))
            }
        }
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(elements) => Value::Array(elements.iter().map(of_json).collect()),
        Json::Object(_) => Value::Object,
    }
}

fn integer(integer: u32) -> Value {
    Value::Number(Number::Integer(integer.into()))
}

/// 1.5: what does not suit an operator is false.
fn compare(left: &Value, operator: Operator, right: &Value) -> bool {
    let order = order(left, right);
    match operator {
        // 1.6: NULL tests for presence, whatever the other side is.
        Operator::Equal if is_null(left) || is_null(right) => is_null(left) && is_null(right),
        Operator::NotEqual if is_null(left) || is_null(right) => is_null(left) != is_null(right),
        Operator::Equal => same(left, right),
        Operator::NotEqual => is_scalar(left) && is_scalar(right) && !same(left, right),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        Operator::Contains => match (left, right) {
            (Value::Text(left), Value::Text(right)) => left.contains(right),
            (Value::Day(left), Value::Text(right)) | (Value::Text(left), Value::Day(right)) => {
                left.to_ascii_lowercase().contains(&right.to_ascii_lowercase())
            }
            (Value::Day(left), Value::Day(right)) => left == right,
            _ => false,
        },
        Operator::Has => holds(left, right) == Some(true),
        Operator::In => holds(right, left) == Some(true),
        Operator::NotIn => holds(right, left) == Some(false),
    }
}

/// `None` where there is no array, or nothing that an array could hold.
fn holds(array: &Value, element: &Value) -> Option<bool> {
    match array {
        Value::Array(elements) if is_scalar(element) || is_null(element) => {
            Some(elements.iter().any(|one| same(one, element)))
        }
        _ => None,
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// 1.7. `None` for what has no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Day(left), Value::Text(right)) => Some(left.cmp(&right.to_ascii_lowercase())),
        (Value::Text(left), Value::Day(right)) => Some(left.to_ascii_lowercase().cmp(right)),
        (Value::Day(left), Value::Day(right)) => Some(left.cmp(right)),
        (Value::Number(_) | Value::Text(_), Value::Number(_) | Value::Text(_)) => {
            match (number(left)?, number(right)?) {
                (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
                (left, right) => decimal(left).partial_cmp(&decimal(right)),
            }
        }
        _ => None,
    }
}

/// The number that a value is, or that a text wholly consists of.
fn number(value: &Value) -> Option<Number> {
    let text = match value {
        Value::Number(number) => return Some(*number),
        Value::Text(text) => text,
        _ => return None,
    };
    let parts: Vec<&str> = text.strip_prefix('-').unwrap_or(text).split('.').collect();
    let is_number = parts.len() <= 2
        && parts.iter().all(|part| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit()));
    if !is_number {
        return None;
    }
    let is_of_64_bits = |integer: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(integer);
    match text.parse::<i128>().ok().filter(is_of_64_bits) {
        Some(integer) => Some(Number::Integer(integer)),
        None => Some(Number::Decimal(text.parse().expect("digits are a number"))),
    }
}

fn decimal(number: Number) -> f64 {
    match number {
        Number::Integer(integer) => integer as f64,
        Number::Decimal(decimal) => decimal,
    }
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null)
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::Day(_))
}
