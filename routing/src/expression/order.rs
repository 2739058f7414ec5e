//! `order_by`: by which values the Workers of a step are put in order, such as `worker.level DESC, worker.rank`.
//!
//! ```text
//! order     := clause { ',' clause }
//! clause    := key [ ASC | DESC ]
//! ```
//!
//! The keys are those of a target that name something of the Worker. Only integers put Workers in order: whoever has
//! none comes last, whichever the direction (`routing.md` 4.4).

use std::fmt;
use std::sync::Arc;

use serde_json::Value as Json;

use super::evaluate::{self, Number, Value, WorkerFacts};
use super::lexer::{TokenKind, Tokens};
use super::parser::{self, Key, WorkerKey};
use super::{Error, Kind};

/// A parsed order. Clones share it. Two are equal when they were written in the same way.
#[derive(Clone)]
pub struct OrderBy(Arc<Parsed>);

struct Parsed {
    source: Box<str>,
    clauses: Box<[Clause]>,
}

/// A value to put Workers in order by.
#[derive(Clone, PartialEq, Debug)]
pub struct Clause {
    /// What is read of the Worker.
    pub key: WorkerKey,
    /// Do larger values come first?
    pub is_descending: bool,
}

/// Where a Worker stands by one clause: who has a value before who has none, and then the smaller one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Standing {
    Value(i128),
    Missing,
}

/// Where a Worker stands in an order. The smaller one comes first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(Box<[Standing]>);

const WORKER_KEY: &str = "a key that begins with worker.";

impl OrderBy {
    /// Parses an order, or says where it is wrong.
    pub fn parse(source: &str) -> Result<OrderBy, Error> {
        let mut tokens = Tokens::new(source)?;
        let mut clauses = Vec::new();
        let mut expected;
        loop {
            let (clause, has_direction) = clause(&mut tokens)?;
            clauses.push(clause);
            expected = if has_direction { "\",\" or the end" } else { "ASC, DESC, \",\" or the end" };
            if !tokens.advance_over(TokenKind::Comma) {
                break;
            }
        }
        if tokens.current.kind != TokenKind::End {
            return Err(tokens.unexpected(expected));
        }
        Ok(OrderBy(Arc::new(Parsed { source: source.into(), clauses: clauses.into() })))
    }

    /// The text as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// By what, the most important first; at least one.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.0.clauses
    }

    /// Where a Worker stands.
    #[must_use]
    pub fn rank(&self, worker: &dyn WorkerFacts) -> Rank {
        Rank(self.0.clauses.iter().map(|clause| clause.standing(worker)).collect())
    }
}

impl Clause {
    fn standing(&self, worker: &dyn WorkerFacts) -> Standing {
        match integer(&evaluate::worker_value(&self.key, worker)) {
            Some(value) if self.is_descending => Standing::Value(-value),
            Some(value) => Standing::Value(value),
            None => Standing::Missing,
        }
    }
}

/// Does this value of an attribute put Workers in order?
pub(crate) fn is_integer(value: &Json) -> bool {
    integer(&Value::of_json(value)).is_some()
}

/// `5.0` is an integer, `"5"` is not, and neither is what 64 bits cannot hold.
fn integer(value: &Value<'_>) -> Option<i128> {
    const RANGE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..18_446_744_073_709_551_616.0;
    match value {
        Value::Number(Number::Integer(integer)) => Some(*integer),
        Value::Number(Number::Decimal(decimal)) => {
            (decimal.fract() == 0.0 && RANGE.contains(decimal)).then_some(*decimal as i128)
        }
        _ => None,
    }
}

/// A clause, and whether it says its direction.
fn clause(tokens: &mut Tokens<'_>) -> Result<(Clause, bool), Error> {
    let TokenKind::Name(first) = tokens.current.kind else { return Err(tokens.unexpected(WORKER_KEY)) };
    let start = tokens.current.start;
    let path = parser::path(tokens, first)?;
    let key = match parser::resolve(Kind::Target, path) {
        Ok(Key::Worker(key)) => key,
        Ok(_) | Err(_) => return Err(tokens.unexpected_key(start, WORKER_KEY)),
    };
    let direction = match tokens.current.kind {
        TokenKind::Name(word) => direction(word),
        _ => None,
    };
    if direction.is_some() {
        tokens.advance();
    }
    Ok((Clause { key, is_descending: direction.unwrap_or(false) }, direction.is_some()))
}

/// Whether larger values come first.
fn direction(word: &str) -> Option<bool> {
    if word.eq_ignore_ascii_case("ASC") {
        Some(false)
    } else if word.eq_ignore_ascii_case("DESC") {
        Some(true)
    } else {
        None
    }
}

impl PartialEq for OrderBy {
    fn eq(&self, other: &OrderBy) -> bool {
        self.source() == other.source()
    }
}

impl Eq for OrderBy {}

impl fmt::Debug for OrderBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OrderBy({:?})", self.source())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::ChannelFacts;
    use serde_json::json;
    use std::borrow::Cow;

    /// A Worker of whom only attributes are known.
    struct Attributes(Json);

    impl WorkerFacts for Attributes {
        fn attributes(&self) -> &Json {
            &self.0
        }
        fn id(&self) -> &str {
            "WK1"
        }
        fn name(&self) -> &str {
            "Ann"
        }
        fn activity_id(&self) -> Cow<'_, str> {
            "WA1".into()
        }
        fn activity_name(&self) -> &str {
            "Available"
        }
        fn channel(&self, _: &str) -> Option<ChannelFacts> {
            None
        }
    }

    fn in_order(order_by: &str, values: &[Json]) -> Vec<Json> {
        let order_by = OrderBy::parse(order_by).expect("an order");
        let mut sorted = values.to_vec();
        sorted.sort_by_key(|level| order_by.rank(&Attributes(json!({ "level": level }))));
        sorted
    }

    #[test]
    fn integers_come_first_in_their_order_and_everything_else_last_as_it_was() {
        let values = [json!("9"), json!(2), json!(5.5), json!(1.0), json!(-1), json!(null), json!(u64::MAX)];
        let others = [json!("9"), json!(5.5), json!(null)];
        let ascending = [json!(-1), json!(1.0), json!(2), json!(u64::MAX)];
        let descending = [json!(u64::MAX), json!(2), json!(1.0), json!(-1)];
        for order_by in ["worker.level", "worker.level ASC", " worker.level asc "] {
            assert_eq!(in_order(order_by, &values), [&ascending[..], &others[..]].concat());
        }
        assert_eq!(in_order("worker.level desc", &values), [&descending[..], &others[..]].concat());
    }

    #[test]
    fn numbers_beyond_64_bits_are_no_integers() {
        let values = [json!(1e300), json!(-1.7014118346046923e38), json!(0)];
        for order_by in ["worker.level", "worker.level DESC"] {
            assert_eq!(in_order(order_by, &values)[0], json!(0));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (source, expected) in [
            ("", "line 1, column 1: found the end, expected a key that begins with worker."),
            ("level", "line 1, column 1: found \"level\", expected a key that begins with worker."),
            (
                "task.level ASC",
                "line 1, column 1: found \"task.level\", expected a key that begins with worker.",
            ),
            ("worker.level UP", "line 1, column 14: found \"UP\", expected ASC, DESC, \",\" or the end"),
            ("worker.level ASC DESC", "line 1, column 18: found \"DESC\", expected \",\" or the end"),
            ("worker.level,", "line 1, column 14: found the end, expected a key that begins with worker."),
            ("worker.level > 3", "line 1, column 14: found \">\", expected ASC, DESC, \",\" or the end"),
        ] {
            assert_eq!(OrderBy::parse(source).expect_err(source).to_string(), expected);
        }
    }
}
