//! Expressions: the conditions of Workflow filters, targets and TaskQueues, such as
//! `worker.languages HAS task.language AND worker.level > 3`.
//!
//! An [`Expression`] is parsed once, when it is saved, and evaluated often. What this module promises:
//!
//! * Parsing either succeeds or says where the text is wrong and what was expected there. It accepts at most
//!   [`SOURCE_CHARACTERS_MAX`] characters and [`NESTING_MAX`] levels of nesting; within these limits its
//!   effort is about proportional to the length of the text.
//! * Evaluation is total: every parsed expression is true or false for all [`Facts`]. A missing attribute is
//!   NULL, an operator on values that it does not suit is false. Nothing is allocated and nothing changes.
//!
//! What it does not do: it knows no clock, no Workers and no Tasks, only the facts that it is shown. It
//! does not check that an attribute or an Activity exists; `warnings` says what is legal and suspicious.
//!
//! The parts: `lexer` makes tokens of text, `parser` makes a tree of tokens and resolves every key to what it
//! names, `evaluate` answers. `order` is about `order_by`, which is a list of keys and no condition; `because` says
//! why something is not true, `layout` how an expression was written, and `skills` which Skills it names.

mod anchors;
mod because;
mod evaluate;
mod layout;
mod lexer;
mod order;
mod parser;
mod skills;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub use anchors::Anchor;
pub(crate) use anchors::Reading;
pub use evaluate::{ChannelFacts, Facts, Number, TaskFacts, WorkerCounts, WorkerFacts};
pub(crate) use evaluate::{Value as Operated, is_so, value};
pub(crate) use layout::WrittenOperator;
pub(crate) use lexer::is_name;
pub(crate) use order::is_integer;
pub use order::{Clause, OrderBy, Rank};
pub use parser::{
    ChannelField, Comparison, Count, Key, Node, Operand, Operator, TaskKey, TimeOfDay, WorkerField, WorkerKey,
};
pub(crate) use skills::{level_in, looked_for_in_skills};

/// How many characters an expression may have. The longest expression found in public configurations has some
/// 800; the limit keeps the work per evaluation small, whoever wrote the expression.
pub const SOURCE_CHARACTERS_MAX: usize = 4096;

/// How deep parentheses and list brackets may be nested. Parser and evaluator recurse once per level, so this
/// is what bounds their stack.
pub const NESTING_MAX: usize = 64;

/// A parsed expression. Clones share their tree.
///
/// Two expressions are equal when they are of the same kind and were written in the same way.
#[derive(Clone)]
pub struct Expression(Arc<Parsed>);

struct Parsed {
    kind: Kind,
    source: Box<str>,
    root: Node,
    /// The distinct task keys of the tree; the slot of each is its position here.
    task_keys: Box<[TaskKey]>,
    /// The paths of `task_keys`, in the same order.
    task_paths: Box<[Path]>,
    reads: parser::Reads,
}

/// Where an expression stands. This decides which keys it may name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A Workflow filter: bare keys are attributes of the Task, `taskrouter.` is the time of day. The prefix
    /// `task.` may be written, unless the Task itself has an attribute named `task`.
    Filter,
    /// A target of a Workflow filter: `task.` is an attribute of the Task, `worker.` an attribute or a system
    /// field of the Worker, `taskrouter.` the time of day. Bare keys are refused.
    Target,
    /// The Workers of a TaskQueue: bare keys are attributes of the Worker; `sid`, `friendly_name`,
    /// `activity_sid` and `activity_name` are system fields. The prefix `worker.` may be written, unless the
    /// Worker itself has an attribute named `worker`.
    Queue,
    /// The condition to skip a target: only `workers.available`, `workers.unavailable` and
    /// `workers.<Activity id>`.
    SkipIf,
}

impl Expression {
    /// Parses an expression, or says where it is wrong. Names are not checked against anything that exists.
    pub fn parse(kind: Kind, source: &str) -> Result<Expression, Error> {
        let parser::Tree { root, task_keys, reads } = parser::parse(kind, source)?;
        let task_paths = task_keys.iter().map(|key| key.path.clone()).collect();
        let task_keys = task_keys.into_boxed_slice();
        Ok(Expression(Arc::new(Parsed { kind, source: source.into(), root, task_keys, task_paths, reads })))
    }

    /// The text as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Where it stands.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The answer for these facts. Total: what is missing reads as NULL, what does not fit is false.
    #[must_use]
    pub fn is_true(&self, facts: &Facts<'_>) -> bool {
        evaluate::is_true(&self.0.root, facts)
    }

    /// The tree, for whoever wants to read it in another way than [`Expression::is_true`] does.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.0.root
    }

    /// Paths of the task attributes that it reads, in order of first mention, without repeats.
    ///
    /// The prefix `task.` of a target is not part of the path. That of a filter is, because there it depends
    /// on the Task whether it is a prefix or an attribute; see [`TaskKey`].
    #[must_use]
    pub fn task_paths(&self) -> &[Path] {
        &self.0.task_paths
    }

    /// The part of a Task's attributes that can decide the answer: one value for each of
    /// [`Expression::task_paths`], NULL where there is none. Tasks with equal projections get equal answers,
    /// see [`TaskFacts::Projection`].
    ///
    /// An object shrinks to `{}`, since only its presence can be tested, and an array to the scalars that it
    /// holds, since nothing else in it can be found. So a projection is never deep.
    #[must_use]
    pub fn project(&self, task: &Value) -> Vec<Value> {
        let is_scalar = |value: &&Value| !matches!(value, Value::Null | Value::Array(_) | Value::Object(_));
        let projected = |key: &TaskKey| match key.find(task) {
            None => Value::Null,
            Some(Value::Object(_)) => Value::Object(serde_json::Map::new()),
            Some(Value::Array(elements)) => elements.iter().filter(is_scalar).cloned().collect(),
            Some(scalar) => scalar.clone(),
        };
        self.0.task_keys.iter().map(projected).collect()
    }

    /// Does it name an attribute of the Task?
    #[must_use]
    pub fn depends_on_task(&self) -> bool {
        !self.0.task_keys.is_empty()
    }

    /// Does it name anything of the Worker: an attribute, its id or name, its Activity or its load?
    #[must_use]
    pub fn depends_on_worker(&self) -> bool {
        self.0.reads.worker
    }

    /// Does it name the time of day? Then the answer may change at the start of a minute.
    #[must_use]
    pub fn depends_on_time(&self) -> bool {
        self.0.reads.time
    }

    /// Does it name the Activity of the Worker?
    #[must_use]
    pub fn depends_on_activity(&self) -> bool {
        self.0.reads.activity
    }

    /// Does it name the capacity or the load of one of the Worker's channels?
    #[must_use]
    pub fn depends_on_load(&self) -> bool {
        self.0.reads.load
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.kind() == other.kind() && self.source() == other.source()
    }
}

impl Eq for Expression {}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.source())
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}({:?})", self.kind(), self.source())
    }
}

/// Why a text is no expression, or no path: what was found where, and what was expected there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}, column {column}: found {found}, expected {expected}{}", Hint(*.hint))]
pub struct Error {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What stands there, in words: a token in quotation marks, shortened when it is long, or `the end`.
    pub found: String,
    /// What could have stood there, in words.
    pub expected: String,
    /// What the author may have meant, where that can be guessed.
    pub hint: Option<&'static str>,
}

/// A place in the text of an expression.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Position {
    const START: Position = Position { line: 1, column: 1 };

    /// The place behind `text`, which stands here.
    fn behind(self, text: &str) -> Position {
        text.chars().fold(self, |Position { line, column }, character| match character {
            '\n' => Position { line: line.saturating_add(1), column: 1 },
            _ => Position { line, column: column.saturating_add(1) },
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

struct Hint(Option<&'static str>);

impl fmt::Display for Hint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |hint| write!(formatter, "; {hint}"))
    }
}

/// A path into a JSON document: `routing.levels.es`, `tags[0].name`. It begins with a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path(Arc<[Step]>);

/// One step of a [`Path`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// Into the object's member of this name. Names are case sensitive.
    Member(Box<str>),
    /// To the array's element of this number, from 0.
    Index(usize),
}

impl Path {
    /// Parses a path. It is written like a key of an expression and nothing may follow.
    pub fn parse(source: &str) -> Result<Path, Error> {
        parser::parse_path(source)
    }

    /// The value that the path leads to, which may be an explicit JSON `null`; `None` when it leads nowhere.
    #[must_use]
    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |value, step| match step {
            Step::Member(name) => value.as_object()?.get(&**name),
            Step::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// What follows the prefix `name.`, if the path begins so.
    #[must_use]
    pub fn strip_prefix(&self, name: &str) -> Option<Path> {
        match &*self.0 {
            [Step::Member(first), rest @ ..] if **first == *name && matches!(rest, [Step::Member(_), ..]) => {
                Some(Path(rest.into()))
            }
            _ => None,
        }
    }

    /// The path of the first step alone.
    pub(crate) fn first(&self) -> Path {
        Path(self.0[..1].into())
    }

    /// The steps, at least one; the first is a [`Step::Member`].
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if position == 0 => formatter.write_str(name)?,
                Step::Member(name) => write!(formatter, ".{name}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}
