//! `evaluate`: what an expression answers, without a server.
//!
//! An expression on the command line gives one answer. Without one, each line of standard input is a question and
//! each line of standard output an answer, written at once, so that another program can keep this one beside itself
//! and ask it. A line that is no question is answered with an error, and the next one is read.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::DateTime;
use routing::expression::{
    ChannelFacts, Error, Expression, Facts, Kind, TaskFacts, WorkerCounts, WorkerFacts,
};
use routing::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use switchyard::clock::Clock;
use switchyard::config::setting;

use super::{Format, exit_code, print, visible};

/// Say whether an expression is true.
///
/// Without EXPRESSION, each line of standard input is a question, a JSON object such as {"kind": "target", "expr":
/// "worker.languages HAS task.lang", "task": {"lang": "es"}, "worker": {"languages": ["es"]}}, and gets one line of
/// JSON at once: {"result": true}, or {"error": …} with a message, and the line and column of a syntax error. A
/// question may also have worker_fields, workers and at, which are as the options of these names.
///
/// The exit code is 0 when every expression was answered, whether true or false, and 1 when one does not parse or a
/// line is no question.
#[derive(Debug, clap::Args)]
pub struct Evaluate {
    /// The expression.
    #[arg(requires = "kind")]
    expression: Option<String>,

    /// Where it stands: filter, target, queue (targetWorkers), skip_if, or constant for one without keys.
    #[arg(long, requires = "expression", value_parser = setting(str::parse::<Place>))]
    kind: Option<Place>,

    #[command(flatten)]
    circumstances: Circumstances,

    /// How the answer to EXPRESSION is printed: text or json. Lines are always answered in JSON.
    #[arg(long, default_value = "text", value_parser = setting(str::parse::<Format>))]
    format: Format,
}

/// What an expression is evaluated against. What is left out reads as NULL.
#[derive(Debug, clap::Args, Deserialize)]
struct Circumstances {
    /// The attributes of the Task, a JSON object.
    #[arg(long, value_name = "JSON", requires = "expression", value_parser = setting(json::<Object>))]
    task: Option<Object>,

    /// The attributes of the Worker, a JSON object.
    #[arg(long, value_name = "JSON", requires = "expression", value_parser = setting(json::<Object>))]
    worker: Option<Object>,

    /// What else the Worker has: sid, friendly_name, activity_sid, activity_name and channels.
    ///
    /// A text that is left out is empty. Channels go by their unique names: {"channels": {"voice":
    /// {"configured_capacity": 1, "accepted": 0, "pending": 1, "wrapping": 0}}}.
    #[arg(long, value_name = "JSON", requires = "expression", value_parser = setting(json::<WorkerFields>))]
    worker_fields: Option<WorkerFields>,

    /// How many Workers of the TaskQueue are where, for skip_if.
    ///
    /// As in {"available": 2, "unavailable": 1, "by_activity": {"WA01": 2}}.
    #[arg(long, value_name = "JSON", requires = "expression", value_parser = setting(json::<Workers>))]
    workers: Option<Workers>,

    /// The time, as in 2026-01-05T09:30:00Z; left out, it is now.
    #[arg(long, value_name = "TIME", requires = "expression", value_parser = setting(str::parse::<Instant>))]
    at: Option<Instant>,
}

/// An expression, where it stands, and what it is evaluated against: a line of standard input.
#[derive(Debug, Deserialize)]
struct Question {
    kind: Place,
    expr: String,
    #[serde(flatten)]
    circumstances: Circumstances,
}

/// A line of standard output.
#[derive(PartialEq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Result(bool),
    Error(Problem),
}

/// Why there is no result, and where in the expression, if it is a syntax error.
#[derive(PartialEq, Debug, Serialize)]
struct Problem {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

impl Evaluate {
    /// Answers the expression, or what standard input asks.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Evaluate { expression, kind, circumstances, format } = self;
        match (expression, kind) {
            (Some(expr), Some(kind)) => answer_once(&Question { kind, expr, circumstances }, format),
            // An expression comes with its kind: the command line is refused otherwise.
            _ => answer_lines(std::io::stdin().lock(), std::io::stdout().lock()),
        }
    }
}

fn answer_once(question: &Question, format: Format) -> anyhow::Result<ExitCode> {
    let outcome = question.outcome();
    let is_answered = outcome.is_ok();
    match (format, outcome) {
        (Format::Text, Ok(result)) => print(&result.to_string())?,
        (Format::Text, Err(error)) => bail!("{error}\n{}", excerpt(&question.expr, &error)),
        (Format::Json, outcome) => print(&serde_json::to_string(&Answer::of(outcome))?)?,
    }
    Ok(exit_code(is_answered))
}

fn answer_lines(mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<ExitCode> {
    let mut line = Vec::new();
    let mut all_is_well = true;
    for number in 1_u64.. {
        let answer = match read_line(&mut input, &mut line).context("cannot read standard input")? {
            Line::End => break,
            Line::TooLong => Answer::no_question(number, &format!("longer than {LINE_BYTES_MAX} bytes")),
            Line::Whole => match serde_json::from_slice::<Question>(&line) {
                Ok(question) => Answer::of(question.outcome()),
                Err(error) => Answer::no_question(number, &on_one_line(&error)),
            },
        };
        all_is_well &= matches!(answer, Answer::Result(_));

        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        // Whoever waits for this answer may ask nothing more before it is there.
        output.write_all(&text).and_then(|()| output.flush()).context("cannot write to standard output")?;
    }
    Ok(exit_code(all_is_well))
}

/// How long a question may be: far more than the longest attributes that a server can be set to accept.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

enum Line {
    Whole,
    /// The line was stepped over.
    TooLong,
    End,
}

/// Reads the next line without its line break.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Line> {
    line.clear();
    let limit = LINE_BYTES_MAX as u64 + 1;
    if input.take(limit).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.ends_with(b"\n") {
        line.pop();
    } else if line.len() > LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Line::TooLong);
    }
    Ok(Line::Whole)
}

/// The message of an error in a text of one line. serde_json names the line, too, which would always be the first.
fn on_one_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&position) {
        Some(message) => format!("{message}, at column {}", error.column()),
        None => text,
    }
}

/// The line of the expression that is wrong, with a caret below the place.
fn excerpt(source: &str, error: &Error) -> String {
    let (line, column) = (error.line as usize, error.column as usize);
    let line = source.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    format!("  {}\n  {:>column$}", visible(line), '^')
}

impl Question {
    /// The result, or the syntax error.
    fn outcome(&self) -> Result<bool, Error> {
        let Question { kind, expr, circumstances } = self;
        let expression = Expression::parse(kind.kind(), expr)?;
        Ok(match kind {
            Place::Constant => expression.is_true(&Facts::default()),
            Place::Filter | Place::Target | Place::Queue | Place::SkipIf => {
                circumstances.satisfy(&expression)
            }
        })
    }
}

impl Circumstances {
    fn satisfy(&self, expression: &Expression) -> bool {
        let Circumstances { task, worker, worker_fields, workers, at } = self;
        let now = at.map_or_else(|| Clock::system().now(), |Instant(at)| at);
        let nobody = worker.is_none() && worker_fields.is_none();
        let worker = Somebody {
            attributes: worker.as_ref().map_or(&Value::Null, |Object(attributes)| attributes),
            fields: worker_fields.as_ref().unwrap_or(WorkerFields::NONE),
        };
        expression.is_true(&Facts {
            task: task.as_ref().map_or(TaskFacts::None, |Object(attributes)| TaskFacts::Document(attributes)),
            worker: if nobody { None } else { Some(&worker) },
            workers: workers.as_ref().map(|workers| workers as &dyn WorkerCounts),
            now_ms: now.0,
        })
    }
}

impl Answer {
    fn of(outcome: Result<bool, Error>) -> Answer {
        match outcome {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(Problem {
                message: error.to_string(),
                line: Some(error.line),
                column: Some(error.column),
            }),
        }
    }

    fn no_question(number: u64, why: &str) -> Answer {
        let message = format!("line {number} of the input is no question: {why}");
        Answer::Error(Problem { message, line: None, column: None })
    }
}

/// The kinds of expressions by the names of the keys that hold them, and constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
enum Place {
    /// Evaluated over nothing.
    Constant,
    Filter,
    Target,
    Queue,
    SkipIf,
}

impl Place {
    fn kind(self) -> Kind {
        match self {
            Place::Constant | Place::Filter => Kind::Filter,
            Place::Target => Kind::Target,
            Place::Queue => Kind::Queue,
            Place::SkipIf => Kind::SkipIf,
        }
    }
}

impl FromStr for Place {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Place, &'static str> {
        match text {
            "constant" => Ok(Place::Constant),
            "filter" => Ok(Place::Filter),
            "target" => Ok(Place::Target),
            "queue" => Ok(Place::Queue),
            "skip_if" => Ok(Place::SkipIf),
            _ => Err("expected constant, filter, target, queue or skip_if"),
        }
    }
}

impl TryFrom<String> for Place {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Place, &'static str> {
        text.parse()
    }
}

/// The attributes of a Task or a Worker.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Value")]
struct Object(Value);

impl TryFrom<Value> for Object {
    type Error = &'static str;
    fn try_from(value: Value) -> Result<Object, &'static str> {
        if value.is_object() { Ok(Object(value)) } else { Err("attributes are a JSON object") }
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Instant(Timestamp);

impl FromStr for Instant {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Instant, &'static str> {
        let instant = DateTime::parse_from_rfc3339(text);
        instant
            .map(|instant| Instant(Timestamp(instant.timestamp_millis())))
            .map_err(|_| "expected a time such as 2026-01-05T09:30:00Z")
    }
}

impl TryFrom<String> for Instant {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Instant, &'static str> {
        text.parse()
    }
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| on_one_line(&error))
}

/// What a Worker has besides attributes, by the names that expressions use.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
struct WorkerFields {
    sid: String,
    friendly_name: String,
    activity_sid: String,
    activity_name: String,
    channels: BTreeMap<String, Channel>,
}

impl WorkerFields {
    const NONE: &'static WorkerFields = &WorkerFields {
        sid: String::new(),
        friendly_name: String::new(),
        activity_sid: String::new(),
        activity_name: String::new(),
        channels: BTreeMap::new(),
    };
}

/// The capacity of a Worker's channel and the number of Reservations on it, by their status.
#[derive(Clone, Copy, Default, Debug, Deserialize)]
#[serde(default)]
struct Channel {
    configured_capacity: u32,
    /// Expressions call it by the other name.
    #[serde(alias = "assigned_tasks")]
    accepted: u32,
    pending: u32,
    wrapping: u32,
}

struct Somebody<'a> {
    attributes: &'a Value,
    fields: &'a WorkerFields,
}

impl WorkerFacts for Somebody<'_> {
    fn attributes(&self) -> &Value {
        self.attributes
    }

    fn id(&self) -> &str {
        &self.fields.sid
    }

    fn name(&self) -> &str {
        &self.fields.friendly_name
    }

    fn activity_id(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.fields.activity_sid)
    }

    fn activity_name(&self) -> &str {
        &self.fields.activity_name
    }

    fn channel(&self, unique_name: &str) -> Option<ChannelFacts> {
        let Channel { configured_capacity, accepted, pending, wrapping } =
            *self.fields.channels.get(unique_name)?;
        let open = accepted.saturating_add(pending).saturating_add(wrapping);
        Some(ChannelFacts { configured_capacity, assigned_tasks: accepted, open })
    }
}

/// How many Workers of a TaskQueue are where.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(default)]
struct Workers {
    available: u64,
    unavailable: u64,
    by_activity: BTreeMap<String, u64>,
}

impl WorkerCounts for Workers {
    fn available(&self) -> u64 {
        self.available
    }

    fn unavailable(&self) -> u64 {
        self.unavailable
    }

    fn in_activity(&self, activity_id: &str) -> Option<u64> {
        self.by_activity.get(activity_id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_does_not_fill_the_memory() {
        let endless = vec![b'x'; LINE_BYTES_MAX + 2];
        let input = [&endless, &b"\n{\"kind\":\"constant\",\"expr\":\"1==1\"}"[..]].concat();
        let mut output = Vec::new();
        assert_eq!(answer_lines(&input[..], &mut output).unwrap(), ExitCode::FAILURE);
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "{\"error\":{\"message\":\"line 1 of the input is no question: longer than 4194304 bytes\"}}\n\
             {\"result\":true}\n"
        );
    }

    #[test]
    fn the_caret_stands_below_the_place() {
        let source = "größe == 1\n\tAND b-c == 2";
        let error = Expression::parse(Kind::Filter, source).unwrap_err();
        assert_eq!(excerpt(source, &error), "   AND b-c == 2\n        ^");
    }
}
