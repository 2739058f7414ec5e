//! A tree and facts to true or false. Total, and without allocation of its own.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value as Json;

use super::Path;
use super::parser::{
    ChannelField, Comparison, Count, Key, Node, Operand, Operator, TimeOfDay, WorkerField, WorkerKey,
};

/// All that an expression may look at. Whatever is absent reads as NULL.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The Task.
    pub task: TaskFacts<'a>,
    /// The Worker.
    pub worker: Option<&'a dyn WorkerFacts>,
    /// How many Workers of the queue are where. Only a `skip_if` asks.
    pub workers: Option<&'a dyn WorkerCounts>,
    /// The time in milliseconds since the Unix epoch, UTC.
    pub now_ms: i64,
}

/// The attributes of the Task.
#[derive(Clone, Copy, Default)]
pub enum TaskFacts<'a> {
    /// There is no Task.
    #[default]
    None,
    /// All attributes.
    Document(&'a Json),
    /// Only what this expression reads, see [`Expression::project`](super::Expression::project). The
    /// projection of another expression would make answers without meaning.
    Projection(&'a [Json]),
}

/// What is known about a Worker. Only what an expression names is asked for.
pub trait WorkerFacts {
    /// The attributes.
    fn attributes(&self) -> &Json;
    /// The id, which the key `sid` names.
    fn id(&self) -> &str;
    /// The name, which the key `friendly_name` names.
    fn name(&self) -> &str;
    /// The id of the present Activity. Borrow it where that is possible: nothing else here can allocate.
    fn activity_id(&self) -> Cow<'_, str>;
    /// The name of the present Activity.
    fn activity_name(&self) -> &str;
    /// The channel of this name, if the Worker has it.
    fn channel(&self, unique_name: &str) -> Option<ChannelFacts>;
}

/// Capacity and load of one channel of a Worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChannelFacts {
    /// How many reservations may be open at once.
    pub configured_capacity: u32,
    /// How many reservations are accepted.
    pub assigned_tasks: u32,
    /// How many reservations are open: pending, accepted or wrapping.
    pub open: u32,
}

impl ChannelFacts {
    /// The free part of the capacity in percent, rounded down; 0 without any capacity, and when more is open
    /// than the capacity allows.
    #[must_use]
    pub fn available_capacity_percentage(self) -> u64 {
        let free = u64::from(self.configured_capacity.saturating_sub(self.open));
        (free * 100).checked_div(u64::from(self.configured_capacity)).unwrap_or(0)
    }
}

/// How many Workers of a queue are where.
pub trait WorkerCounts {
    /// In Activities that are available.
    fn available(&self) -> u64;
    /// In Activities that are not available.
    fn unavailable(&self) -> u64;
    /// In the Activity with this id, if there is one.
    fn in_activity(&self, activity_id: &str) -> Option<u64>;
}

/// A number, read in the same way from an expression, from JSON and from a text: what fits into `i64` or
/// `u64` is an exact integer, everything else is the nearest `f64`, which is never NaN.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Number {
    /// Between `i64::MIN` and `u64::MAX`.
    Integer(i128),
    /// With a fraction, or beyond the integers.
    Decimal(f64),
}

impl Number {
    /// The number that a text wholly consists of: an optional `-`, digits, an optional fraction. Leading
    /// zeros do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Number> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !fraction.is_none_or(is_digits) {
            return None;
        }
        if fraction.is_none()
            && let Ok(integer) = text.parse::<i128>()
            && (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&integer)
        {
            return Some(Number::Integer(integer));
        }
        text.parse().ok().map(Number::Decimal)
    }

    /// By value. Two integers are compared exactly.
    #[must_use]
    pub fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }

    /// Is it within what `f64` can hold? Only a text of more than 300 digits is not.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.as_f64().is_finite()
    }

    /// The nearest `f64`. Of two numbers, the smaller one's is not larger.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Number::Integer(integer) => integer as f64,
            Number::Decimal(decimal) => decimal,
        }
    }

    pub(crate) fn of_json(number: &serde_json::Number) -> Option<Number> {
        let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        integer.map(Number::Integer).or_else(|| number.as_f64().map(Number::Decimal))
    }
}

/// What an operand stands for, given the facts.
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// A text that is compared without regard to case.
    DayOfWeek(&'static str),
    Array(&'a [Json]),
    List(&'a [Operand]),
    /// Only its presence matters.
    Object,
}

/// Is the condition true, given the facts? Recurses no deeper than parentheses are nested.
pub(super) fn is_true<'a>(node: &'a Node, facts: &Facts<'a>) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().all(|node| is_true(node, facts)),
        Node::Or(nodes) => nodes.iter().any(|node| is_true(node, facts)),
        Node::Comparison(comparison) => is_so(comparison, facts),
    }
}

/// Do the values compare so?
pub(crate) fn is_so<'a>(Comparison { left, operator, right }: &'a Comparison, facts: &Facts<'a>) -> bool {
    let (left, right) = (value(left, facts), value(right, facts));
    match operator {
        Operator::Equal => equal(&left, &right) == Some(true),
        Operator::NotEqual => equal(&left, &right) == Some(false),
        Operator::Less => ordering(&left, &right).is_some_and(Ordering::is_lt),
        Operator::LessOrEqual => ordering(&left, &right).is_some_and(Ordering::is_le),
        Operator::Greater => ordering(&left, &right).is_some_and(Ordering::is_gt),
        Operator::GreaterOrEqual => ordering(&left, &right).is_some_and(Ordering::is_ge),
        Operator::Contains => contains(&left, &right),
        Operator::Has => holds(&left, &right, facts) == Some(true),
        Operator::In => holds(&right, &left, facts) == Some(true),
        Operator::NotIn => holds(&right, &left, facts) == Some(false),
    }
}

/// `None` for what cannot be compared, which makes both `==` and `!=` false. With NULL everything can be
/// compared: that is the test for presence, which also serves arrays and objects.
fn equal(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Null, Value::Null) => Some(true),
        (Value::Null, _) | (_, Value::Null) => Some(false),
        _ if left.is_scalar() && right.is_scalar() => Some(same(left, right)),
        _ => None,
    }
}

/// `None` for what has no order, which makes all of `<`, `<=`, `>` and `>=` false.
fn ordering(left: &Value<'_>, right: &Value<'_>) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.compare(*right),
        (Value::Number(left), Value::Text(right)) => left.compare(Number::parse(right)?),
        (Value::Text(left), Value::Number(right)) => Number::parse(left)?.compare(*right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::DayOfWeek(left), Value::Text(right)) => Some(ordering_ignoring_case(left, right)),
        (Value::Text(left), Value::DayOfWeek(right)) => Some(ordering_ignoring_case(left, right)),
        (Value::DayOfWeek(left), Value::DayOfWeek(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Are two scalars the same? What can be ordered is the same when neither comes first; booleans are besides.
fn same(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => left == right,
        // The most frequent case, without looking for the first difference.
        (Value::Text(left), Value::Text(right)) => left == right,
        _ => ordering(left, right) == Some(Ordering::Equal),
    }
}

fn contains(left: &Value<'_>, right: &Value<'_>) -> bool {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => left.contains(&**right),
        (Value::DayOfWeek(left), Value::Text(right)) => contains_ignoring_case(left, right),
        (Value::Text(left), Value::DayOfWeek(right)) => contains_ignoring_case(left, right),
        (Value::DayOfWeek(left), Value::DayOfWeek(right)) => left == right,
        _ => false,
    }
}

/// Does the array hold the element? `None` unless they are an array and a scalar or NULL. No array holds
/// NULL, so that a Worker with a `null` among its skills does not match a Task that names no skill.
fn holds<'a>(array: &Value<'a>, element: &Value<'a>, facts: &Facts<'a>) -> Option<bool> {
    if !element.is_scalar() && !matches!(element, Value::Null) {
        return None;
    }
    // A text is read as a number once, not once for each number in the array.
    let as_number = match element {
        Value::Text(text) => Number::parse(text).map(Value::Number),
        _ => None,
    };
    let is_element = |candidate: Value<'a>| match (&candidate, &as_number, element) {
        (Value::Number(_), Some(number), _) => same(&candidate, number),
        (Value::Number(_), None, Value::Text(_)) => false,
        _ => same(&candidate, element),
    };
    match array {
        Value::Array(elements) => {
            Some(elements.iter().any(|candidate| is_element(Value::of_json(candidate))))
        }
        Value::List(elements) => Some(elements.iter().any(|candidate| is_element(value(candidate, facts)))),
        _ => None,
    }
}

/// What an operand stands for.
pub(crate) fn value<'a>(operand: &'a Operand, facts: &Facts<'a>) -> Value<'a> {
    match operand {
        Operand::Null => Value::Null,
        Operand::Boolean(boolean) => Value::Boolean(*boolean),
        Operand::Number(number) => Value::Number(*number),
        Operand::Text(text) => Value::Text(Cow::Borrowed(text)),
        Operand::List(elements) => Value::List(elements),
        Operand::Key(Key::Task(key)) => Value::of_option(match facts.task {
            TaskFacts::None => None,
            TaskFacts::Document(document) => key.find(document),
            TaskFacts::Projection(values) => values.get(key.slot),
        }),
        Operand::Key(Key::Worker(key)) => {
            facts.worker.map_or(Value::Null, |worker| worker_value(key, worker))
        }
        Operand::Key(Key::Time(time_of_day)) => time_value(*time_of_day, facts.now_ms),
        Operand::Key(Key::Count(count)) => facts.workers.map_or(Value::Null, |workers| match count {
            Count::Available => Value::integer(workers.available()),
            Count::Unavailable => Value::integer(workers.unavailable()),
            Count::InActivity(id) => workers.in_activity(id).map_or(Value::Null, Value::integer),
        }),
    }
}

pub(super) fn worker_value<'a>(key: &'a WorkerKey, worker: &'a dyn WorkerFacts) -> Value<'a> {
    let attribute = |path: &Path| Value::of_option(path.find(worker.attributes()));
    if let Some(literal) = key.literal_for(worker.attributes()) {
        return attribute(literal);
    }
    match &key.field {
        WorkerField::Attribute(path) => attribute(path),
        WorkerField::Id => Value::Text(Cow::Borrowed(worker.id())),
        WorkerField::Name => Value::Text(Cow::Borrowed(worker.name())),
        WorkerField::ActivityId => Value::Text(worker.activity_id()),
        WorkerField::ActivityName => Value::Text(Cow::Borrowed(worker.activity_name())),
        WorkerField::Channel { unique_name, field } => match (worker.channel(unique_name), field) {
            (None, _) => Value::Null,
            (Some(channel), ChannelField::ConfiguredCapacity) => Value::integer(channel.configured_capacity),
            (Some(channel), ChannelField::AssignedTasks) => Value::integer(channel.assigned_tasks),
            (Some(channel), ChannelField::AvailableCapacityPercentage) => {
                Value::integer(channel.available_capacity_percentage())
            }
        },
    }
}

/// The days from the one that the epoch began on.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// `00` to `59`, so that an hour can be borrowed as text.
const TWO_DIGITS: &str = "\
    00010203040506070809101112131415161718192021222324252627282930\
    3132333435363738394041424344454647484950515253545556575859";

fn time_value(time_of_day: TimeOfDay, now_ms: i64) -> Value<'static> {
    const MINUTE_MS: i64 = 60_000;
    let minutes = now_ms.div_euclid(MINUTE_MS);
    let (day, minute_of_day) = (minutes.div_euclid(24 * 60), minutes.rem_euclid(24 * 60));
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    let two_digits = |number: i64| &TWO_DIGITS[2 * number as usize..][..2];
    match time_of_day {
        TimeOfDay::Time => Value::Number(Number::Integer(i128::from(hour * 100 + minute))),
        TimeOfDay::Hour => Value::Text(Cow::Borrowed(two_digits(hour))),
        TimeOfDay::Minute => Value::Text(Cow::Borrowed(two_digits(minute))),
        TimeOfDay::DayOfWeek => Value::DayOfWeek(DAYS[day.rem_euclid(7) as usize]),
    }
}

impl<'a> Value<'a> {
    pub(crate) fn of_json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(boolean) => Value::Boolean(*boolean),
            Json::Number(number) => Number::of_json(number).map_or(Value::Null, Value::Number),
            Json::String(text) => Value::Text(Cow::Borrowed(text)),
            Json::Array(elements) => Value::Array(elements),
            Json::Object(_) => Value::Object,
        }
    }

    fn of_option(json: Option<&'a Json>) -> Value<'a> {
        json.map_or(Value::Null, Value::of_json)
    }

    fn integer(integer: impl Into<i128>) -> Value<'a> {
        Value::Number(Number::Integer(integer.into()))
    }

    fn is_scalar(&self) -> bool {
        match self {
            Value::Boolean(_) | Value::Number(_) | Value::Text(_) | Value::DayOfWeek(_) => true,
            Value::Null | Value::Array(_) | Value::List(_) | Value::Object => false,
        }
    }
}

fn ordering_ignoring_case(left: &str, right: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    left.bytes().map(lower).cmp(right.bytes().map(lower))
}

/// One of the two is a day of three letters, so this takes no more than three steps for each byte.
fn contains_ignoring_case(left: &str, right: &str) -> bool {
    right.is_empty()
        || left.as_bytes().windows(right.len()).any(|part| part.eq_ignore_ascii_case(right.as_bytes()))
}
