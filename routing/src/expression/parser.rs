//! Tokens to a tree, by recursive descent:
//!
//! ```text
//! disjunction := conjunction { OR conjunction }
//! conjunction := condition { AND condition }
//! condition   := '(' disjunction ')' | operand operator operand
//! operator    := == | = | != | < | <= | > | >= | CONTAINS | HAS | >- | IN | <- | NOT IN
//! operand     := TEXT | NUMBER | TRUE | FALSE | NULL | list | path
//! list        := '[' [ operand { ',' operand } ] ']'
//! path        := NAME { '.' NAME | '[' INTEGER ']' }
//! ```
//!
//! A path in an expression is a key. What it names depends on the kind of the expression and is settled here,
//! so that evaluation compares no names of fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::lexer::{TokenKind, Tokens};
use super::{Error, Kind, NESTING_MAX, Number, Path, Step};

/// A condition: what is true or false.
#[derive(Clone, PartialEq, Debug)]
pub enum Node {
    /// True when all are, of which there are at least two.
    And(Box<[Node]>),
    /// True when one of them is, of which there are at least two.
    Or(Box<[Node]>),
    /// True when the values compare so.
    Comparison(Comparison),
}

/// Two values and how they are compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// What stands on the left.
    pub left: Operand,
    /// How it is compared.
    pub operator: Operator,
    /// What stands on the right.
    pub right: Operand,
}

/// How two values are compared. A value is NULL, a scalar (boolean, number, text), an array or an object.
///
/// An operator on values that it does not suit is false, also where its name has a negation in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `==`, `=`: the same scalar; with NULL on one side, NULL on the other.
    Equal,
    /// `!=`: different scalars; with NULL on one side, anything else on the other.
    NotEqual,
    /// `<`, for two numbers or two texts.
    Less,
    /// `<=`, for two numbers or two texts.
    LessOrEqual,
    /// `>`, for two numbers or two texts.
    Greater,
    /// `>=`, for two numbers or two texts.
    GreaterOrEqual,
    /// `CONTAINS`: the text on the right occurs in the text on the left.
    Contains,
    /// `HAS`, `>-`: the array on the left holds the scalar on the right.
    Has,
    /// `IN`, `<-`: the array on the right holds the scalar on the left.
    In,
    /// `NOT IN`: the array on the right does not hold the scalar, or NULL, on the left.
    NotIn,
}

/// What is compared: a constant, a list or a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A finite number.
    Number(Number),
    /// A text, without its quotes and escapes.
    Text(Box<str>),
    /// A list in brackets. Its elements may be keys or lists, too; a list in it equals nothing.
    List(Box<[Operand]>),
    /// Something that is looked up.
    Key(Key),
}

/// What a key names.
#[derive(Clone, PartialEq, Debug)]
pub enum Key {
    /// An attribute of the Task.
    Task(TaskKey),
    /// An attribute or a system field of the Worker.
    Worker(WorkerKey),
    /// The time of day.
    Time(TimeOfDay),
    /// A number of Workers.
    Count(Count),
}

/// An attribute of the Task.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskKey {
    /// Where it is in the Task's attributes.
    pub path: Path,
    /// In a filter, the path `task.x` is read as `x`, which is then given here, by Tasks without an attribute
    /// named `task`.
    pub alias: Option<Path>,
    /// Its position in [`Expression::task_paths`](super::Expression::task_paths).
    pub slot: usize,
}

impl TaskKey {
    /// Its value in the attributes of a Task.
    #[must_use]
    pub fn find<'a>(&self, attributes: &'a Value) -> Option<&'a Value> {
        match &self.alias {
            Some(alias) if attributes.get(TASK).is_none() => alias.find(attributes),
            _ => self.path.find(attributes),
        }
    }
}

/// An attribute or a system field of the Worker.
#[derive(Clone, PartialEq, Debug)]
pub struct WorkerKey {
    /// What it names.
    pub field: WorkerField,
    /// In the expression of a queue, the path `worker.x`, given here, is read as it stands by Workers that
    /// have an attribute named `worker`.
    pub literal: Option<Path>,
}

impl WorkerKey {
    /// The literal path, for a Worker whose attributes make it count.
    #[must_use]
    pub fn literal_for(&self, attributes: &Value) -> Option<&Path> {
        self.literal.as_ref().filter(|_| attributes.get(WORKER).is_some())
    }
}

/// What can be read of a Worker. A system field goes before an attribute of the same name.
#[derive(Clone, PartialEq, Debug)]
pub enum WorkerField {
    /// An attribute.
    Attribute(Path),
    /// `sid`: its id.
    Id,
    /// `friendly_name`: its name.
    Name,
    /// `activity_sid`: the id of its Activity.
    ActivityId,
    /// `activity_name`: the name of its Activity.
    ActivityName,
    /// `channel.<unique name>.<field>`: of one of its channels.
    Channel {
        /// The unique name of the Task Channel.
        unique_name: Box<str>,
        /// What is read of it.
        field: ChannelField,
    },
}

/// What can be read of a Worker's channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelField {
    /// `configured_capacity`.
    ConfiguredCapacity,
    /// `assigned_tasks`: accepted reservations only.
    AssignedTasks,
    /// `available_capacity_percentage`, rounded down.
    AvailableCapacityPercentage,
}

/// The time of day, in UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimeOfDay {
    /// `taskrouter.currentTime`: the number HHMM, 930 for half past nine in the morning.
    Time,
    /// `taskrouter.currentHour`: the text HH.
    Hour,
    /// `taskrouter.currentMin`: the text MM.
    Minute,
    /// `taskrouter.dayOfWeek`: one of `Mon`, `Tue`, `Wed`, `Thu`, `Fri`, `Sat`, `Sun`, compared without
    /// regard to case.
    DayOfWeek,
}

/// A number of Workers of the target's queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Count {
    /// `workers.available`: in Activities that are available.
    Available,
    /// `workers.unavailable`: in Activities that are not.
    Unavailable,
    /// `workers.<Activity id>`: in this Activity.
    InActivity(Box<str>),
}

/// What parsing yields.
pub(super) struct Tree {
    pub(super) root: Node,
    /// Without repeats; each stands at its slot.
    pub(super) task_keys: Vec<TaskKey>,
    pub(super) reads: Reads,
}

/// What the keys of an expression read, besides attributes of the Task.
#[derive(Default)]
pub(super) struct Reads {
    pub(super) worker: bool,
    pub(super) activity: bool,
    pub(super) load: bool,
    pub(super) time: bool,
}

const TASK: &str = "task";
const WORKER: &str = "worker";
const WORKERS: &str = "workers";
const TIME: &str = "taskrouter";

const CONDITION: &str = "a comparison or \"(\"";
const OPERATOR: &str = "an operator (==, !=, <, <=, >, >=, CONTAINS, HAS, IN, NOT IN)";
const VALUE: &str = "a value (a text in quotes, a number, true, false, null, a list or a key)";
const TARGET_KEY: &str = "a key that begins with task., worker. or taskrouter.";
const TIME_KEY: &str =
    "taskrouter.currentTime, taskrouter.currentHour, taskrouter.currentMin or taskrouter.dayOfWeek";
const QUEUE_KEY: &str = "a key of the Worker; the time of day is for filters and targets";
const COUNT_KEY: &str = "workers.available, workers.unavailable or workers.<Activity id>";

/// Parses a whole text as an expression.
pub(super) fn parse(kind: Kind, source: &str) -> Result<Tree, Error> {
    let mut parser = Parser {
        kind,
        tokens: Tokens::new(source)?,
        nesting: 0,
        task_keys: Vec::new(),
        slots: BTreeMap::new(),
        reads: Reads::default(),
    };
    let root = parser.disjunction()?;
    if parser.tokens.current.kind != TokenKind::End {
        return Err(parser.tokens.unexpected("AND, OR or the end"));
    }
    Ok(Tree { root, task_keys: parser.task_keys, reads: parser.reads })
}

/// Parses a whole text as a path.
pub(super) fn parse_path(source: &str) -> Result<Path, Error> {
    let mut tokens = Tokens::new(source)?;
    let TokenKind::Name(first) = tokens.current.kind else { return Err(tokens.unexpected("a name")) };
    let path = path(&mut tokens, first)?;
    if tokens.current.kind != TokenKind::End {
        return Err(tokens.unexpected("\".\", \"[\" or the end"));
    }
    Ok(path)
}

struct Parser<'s> {
    kind: Kind,
    tokens: Tokens<'s>,
    /// How many parentheses and brackets are open.
    nesting: usize,
    task_keys: Vec<TaskKey>,
    /// The slot of every path in `task_keys`.
    slots: BTreeMap<Path, usize>,
    reads: Reads,
}

impl Parser<'_> {
    fn disjunction(&mut self) -> Result<Node, Error> {
        let first = self.conjunction()?;
        let mut nodes = vec![first];
        while self.tokens.advance_over(TokenKind::Or) {
            nodes.push(self.conjunction()?);
        }
        Ok(joined(nodes, Node::Or))
    }

    fn conjunction(&mut self) -> Result<Node, Error> {
        let first = self.condition()?;
        let mut nodes = vec![first];
        while self.tokens.advance_over(TokenKind::And) {
            nodes.push(self.condition()?);
        }
        Ok(joined(nodes, Node::And))
    }

    fn condition(&mut self) -> Result<Node, Error> {
        if self.tokens.current.kind == TokenKind::OpenParenthesis {
            self.open()?;
            let node = self.disjunction()?;
            self.close(TokenKind::CloseParenthesis, "AND, OR or \")\"")?;
            return Ok(node);
        }
        let left = self.operand(CONDITION)?;
        let operator = self.operator()?;
        let right = self.operand(VALUE)?;
        Ok(Node::Comparison(Comparison { left, operator, right }))
    }

    fn operator(&mut self) -> Result<Operator, Error> {
        match self.tokens.current.kind {
            TokenKind::Operator(operator) => {
                self.tokens.advance();
                Ok(operator)
            }
            TokenKind::Not => {
                self.tokens.advance();
                // `<-` is another word for IN, but `NOT <-` is none for NOT IN.
                let is_word = self.tokens.lexeme().eq_ignore_ascii_case("IN");
                if is_word && self.tokens.advance_over(TokenKind::Operator(Operator::In)) {
                    return Ok(Operator::NotIn);
                }
                Err(self.tokens.unexpected("IN behind NOT"))
            }
            _ => Err(self.tokens.unexpected(OPERATOR)),
        }
    }

    fn operand(&mut self, expected: &str) -> Result<Operand, Error> {
        let operand = match self.tokens.current.kind {
            TokenKind::OpenBracket => return self.list(),
            TokenKind::Name(first) => return self.key(first).map(Operand::Key),
            TokenKind::Text(written) => Operand::Text(unescaped(written)),
            TokenKind::Number(digits) => match Number::parse(digits) {
                Some(number) if number.is_finite() => Operand::Number(number),
                _ => return Err(self.tokens.unexpected("a number with fewer digits")),
            },
            TokenKind::True => Operand::Boolean(true),
            TokenKind::False => Operand::Boolean(false),
            TokenKind::Null => Operand::Null,
            _ => return Err(self.tokens.unexpected(expected)),
        };
        self.tokens.advance();
        Ok(operand)
    }

    fn list(&mut self) -> Result<Operand, Error> {
        self.open()?;
        let mut elements = Vec::new();
        if self.tokens.current.kind != TokenKind::CloseBracket {
            elements.push(self.operand("a value or \"]\"")?);
            while self.tokens.advance_over(TokenKind::Comma) {
                elements.push(self.operand(VALUE)?);
            }
        }
        self.close(TokenKind::CloseBracket, "\",\" or \"]\"")?;
        Ok(Operand::List(elements.into()))
    }

    fn open(&mut self) -> Result<(), Error> {
        if self.nesting == NESTING_MAX {
            let expected = format!("at most {NESTING_MAX} levels of parentheses and brackets");
            return Err(self.tokens.unexpected(expected));
        }
        self.nesting += 1;
        self.tokens.advance();
        Ok(())
    }

    fn close(&mut self, kind: TokenKind<'_>, expected: &str) -> Result<(), Error> {
        if !self.tokens.advance_over(kind) {
            return Err(self.tokens.unexpected(expected));
        }
        self.nesting -= 1;
        Ok(())
    }

    fn key(&mut self, first: &str) -> Result<Key, Error> {
        let start = self.tokens.current.start;
        let path = path(&mut self.tokens, first)?;
        let key = resolve(self.kind, path).map_err(|expected| self.tokens.unexpected_key(start, expected))?;
        Ok(self.noted(key))
    }

    /// Notes what the key reads, and gives a task key its slot.
    fn noted(&mut self, mut key: Key) -> Key {
        match &mut key {
            Key::Task(task_key) => {
                let next = self.task_keys.len();
                task_key.slot = *self.slots.entry(task_key.path.clone()).or_insert(next);
                if task_key.slot == next {
                    self.task_keys.push(task_key.clone());
                }
            }
            Key::Worker(WorkerKey { field, literal: _ }) => {
                self.reads.worker = true;
                match field {
                    WorkerField::Attribute(_) | WorkerField::Id | WorkerField::Name => {}
                    WorkerField::ActivityId | WorkerField::ActivityName => self.reads.activity = true,
                    WorkerField::Channel { .. } => self.reads.load = true,
                }
            }
            Key::Time(_) => self.reads.time = true,
            Key::Count(_) => {}
        }
        key
    }
}

/// A chain of conditions becomes one flat node. A tree of pairs would be as deep as the chain is long.
fn joined(mut nodes: Vec<Node>, join: fn(Box<[Node]>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => join(nodes.into_iter().chain(last).collect()),
    }
}

/// The path that begins with the current token, the name `first`.
pub(super) fn path(tokens: &mut Tokens<'_>, first: &str) -> Result<Path, Error> {
    let mut steps = vec![Step::Member(first.into())];
    tokens.advance();
    loop {
        if tokens.advance_over(TokenKind::Dot) {
            let TokenKind::Name(name) = tokens.current.kind else {
                return Err(tokens.unexpected("a name behind the dot"));
            };
            steps.push(Step::Member(name.into()));
            tokens.advance();
        } else if tokens.advance_over(TokenKind::OpenBracket) {
            steps.push(Step::Index(index(tokens)?));
            tokens.advance();
            if !tokens.advance_over(TokenKind::CloseBracket) {
                return Err(tokens.unexpected("\"]\""));
            }
        } else {
            tokens.key_end = Some(tokens.previous_end);
            return Ok(Path(steps.into()));
        }
    }
}

/// The current token as the number of an array element.
fn index(tokens: &Tokens<'_>) -> Result<usize, Error> {
    match tokens.current.kind {
        TokenKind::Number(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Digits fail to parse only when they are too many, and no array is as long as that.
            Ok(digits.parse().unwrap_or(usize::MAX))
        }
        _ => Err(tokens.unexpected("the number of an element, from 0")),
    }
}

/// A backslash makes the character behind it stand for itself.
fn unescaped(written: &str) -> Box<str> {
    if !written.contains('\\') {
        return written.into();
    }
    let mut text = String::with_capacity(written.len());
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text.into()
}

/// What a path names in an expression of this kind, or what a key should have been.
pub(super) fn resolve(kind: Kind, path: Path) -> Result<Key, &'static str> {
    let time_name = path.strip_prefix(TIME);
    match kind {
        Kind::Filter => match time_name {
            Some(name) => time_of_day(&name).map(Key::Time),
            None => Ok(Key::Task(TaskKey { alias: path.strip_prefix(TASK), path, slot: 0 })),
        },
        Kind::Target => {
            if let Some(name) = time_name {
                time_of_day(&name).map(Key::Time)
            } else if let Some(path) = path.strip_prefix(TASK) {
                Ok(Key::Task(TaskKey { path, alias: None, slot: 0 }))
            } else if let Some(path) = path.strip_prefix(WORKER) {
                Ok(Key::Worker(WorkerKey { field: target_field(path), literal: None }))
            } else {
                Err(TARGET_KEY)
            }
        }
        Kind::Queue => match path.strip_prefix(WORKER) {
            // The membership of a queue changes with its Workers, not with the time of day.
            _ if time_name.is_some() => Err(QUEUE_KEY),
            Some(rest) => Ok(Key::Worker(WorkerKey { field: queue_field(rest), literal: Some(path) })),
            None => Ok(Key::Worker(WorkerKey { field: queue_field(path), literal: None })),
        },
        Kind::SkipIf => match path.strip_prefix(WORKERS).as_ref().map(Path::steps) {
            Some([Step::Member(name)]) => Ok(Key::Count(match &**name {
                "available" => Count::Available,
                "unavailable" => Count::Unavailable,
                _ => Count::InActivity(name.clone()),
            })),
            _ => Err(COUNT_KEY),
        },
    }
}

fn time_of_day(name: &Path) -> Result<TimeOfDay, &'static str> {
    match name.steps() {
        [Step::Member(name)] => match &**name {
            "currentTime" => Ok(TimeOfDay::Time),
            "currentHour" => Ok(TimeOfDay::Hour),
            "currentMin" => Ok(TimeOfDay::Minute),
            "dayOfWeek" => Ok(TimeOfDay::DayOfWeek),
            _ => Err(TIME_KEY),
        },
        _ => Err(TIME_KEY),
    }
}

/// A target may also look at channels. What is not exactly a system field is an attribute.
fn target_field(path: Path) -> WorkerField {
    if let [Step::Member(channel), Step::Member(unique_name), Step::Member(field)] = path.steps()
        && **channel == *"channel"
    {
        let field = match &**field {
            "configured_capacity" => ChannelField::ConfiguredCapacity,
            "assigned_tasks" => ChannelField::AssignedTasks,
            "available_capacity_percentage" => ChannelField::AvailableCapacityPercentage,
            _ => return WorkerField::Attribute(path),
        };
        return WorkerField::Channel { unique_name: unique_name.clone(), field };
    }
    queue_field(path)
}

fn queue_field(path: Path) -> WorkerField {
    match path.steps() {
        [Step::Member(name)] => match &**name {
            "sid" => WorkerField::Id,
            "friendly_name" => WorkerField::Name,
            "activity_sid" => WorkerField::ActivityId,
            "activity_name" => WorkerField::ActivityName,
            _ => WorkerField::Attribute(path),
        },
        _ => WorkerField::Attribute(path),
    }
}
