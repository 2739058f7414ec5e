//! What people and programs read about a run.

use std::fmt;

use serde_json::{Value, json};

use crate::explain::Explanation;
use crate::run::{Failure, Mismatch};
use crate::time::Span;
use crate::yaml::Place;
use crate::{Fault, Outcome, Verdict};

/// The outcomes of all files of a run. Displayed, it is the report for people.
pub struct Report {
    /// In the order in which they ran.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// Did everything go as expected?
    #[must_use]
    pub fn has_passed(&self) -> bool {
        self.n_failed() == 0
    }

    /// How many did not.
    #[must_use]
    pub fn n_failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Passed).count()
    }

    /// The same for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "passed": self.outcomes.len() - self.n_failed(),
            "failed": self.n_failed(),
            "scenarios": self.outcomes.iter().map(outcome_json).collect::<Vec<_>>(),
        })
    }
}

// ---- for people ----

impl fmt::Display for Report {
    /// A line for each file, then what went wrong, and the sum at the end, where it is seen.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            let word = if outcome.verdict == Verdict::Passed { "ok  " } else { "FAIL" };
            writeln!(formatter, "{word}  {}", outcome.file)?;
        }
        writeln!(formatter)?;
        for outcome in self.outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Passed) {
            writeln!(formatter, "{outcome}")?;
        }
        let (n_all, n_failed) = (self.outcomes.len(), self.n_failed());
        let scenarios = if n_all == 1 { "scenario" } else { "scenarios" };
        match n_failed {
            0 => write!(formatter, "{n_all} {scenarios}, all as expected"),
            _ => write!(formatter, "{n_all} {scenarios}, {n_failed} failed"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Passed => writeln!(formatter, "{}: as expected", self.file),
            Verdict::Missing(problem) => writeln!(formatter, "{}: {problem}", self.file),
            Verdict::Unclear(faults) => faults.iter().try_for_each(|fault| self.show_fault(formatter, fault)),
            Verdict::Failed(failure) => self.show_failure(formatter, failure),
        }
    }
}

impl Outcome {
    fn show_fault(&self, formatter: &mut fmt::Formatter<'_>, fault: &Fault) -> fmt::Result {
        let Fault { at, message } = fault;
        writeln!(formatter, "{}:{}:{}: {message}", self.file, at.line, at.column)?;
        self.show_line(formatter, *at)
    }

    fn show_failure(&self, formatter: &mut fmt::Formatter<'_>, failure: &Failure) -> fmt::Result {
        let Failure { time, mismatches, events, n_earlier_events, explanations } = failure;
        for Mismatch { at, expected, instead } in mismatches {
            writeln!(formatter, "{}:{}:{}: at {time}", self.file, at.line, at.column)?;
            self.show_line(formatter, *at)?;
            show_sentence(formatter, "expected:", expected)?;
            show_sentence(formatter, "instead: ", instead)?;
        }
        for explanation in explanations {
            show_explanation(formatter, explanation)?;
        }
        show_events(formatter, events, *n_earlier_events)
    }

    /// The line of the file, with a mark below the place.
    fn show_line(&self, formatter: &mut fmt::Formatter<'_>, at: Place) -> fmt::Result {
        let index = usize::try_from(at.line - 1).unwrap_or(usize::MAX);
        let Some(line) = self.text.lines().nth(index) else { return Ok(()) };
        let column = usize::try_from(at.column - 1).unwrap_or_default();
        writeln!(formatter, "{:>5} | {line}", at.line)?;
        writeln!(formatter, "      | {:column$}^", "")
    }
}

fn show_sentence(formatter: &mut fmt::Formatter<'_>, label: &str, sentence: &str) -> fmt::Result {
    let mut lines = sentence.lines();
    writeln!(formatter, "  {label} {}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(formatter, "            {line}"))
}

fn show_explanation(formatter: &mut fmt::Formatter<'_>, explanation: &Explanation) -> fmt::Result {
    let Explanation { task, place, workers, n_more } = explanation;
    writeln!(formatter, "  {task} is {place}")?;
    if workers.is_empty() && place.starts_with("pending") {
        writeln!(formatter, "    there is no Worker at all")?;
    }
    let width = workers.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, obstacles) in workers {
        for (position, obstacle) in obstacles.iter().enumerate() {
            let name = if position == 0 { name.as_str() } else { "" };
            writeln!(formatter, "    {name:width$}  {obstacle}")?;
        }
    }
    if *n_more > 0 {
        writeln!(formatter, "    and {n_more} more Workers")?;
    }
    Ok(())
}

fn show_events(
    formatter: &mut fmt::Formatter<'_>,
    events: &[(Span, String)],
    n_earlier: usize,
) -> fmt::Result {
    if events.is_empty() {
        return writeln!(formatter, "  no events since some were expected last");
    }
    writeln!(formatter, "  events since some were expected last:")?;
    if n_earlier > 0 {
        writeln!(formatter, "    ({n_earlier} before these)")?;
    }
    let width = events.iter().map(|(at, _)| at.to_string().len()).max().unwrap_or_default();
    events.iter().try_for_each(|(at, event)| writeln!(formatter, "    {at:>width$}  {event}"))
}

// ---- for programs ----

fn outcome_json(outcome: &Outcome) -> Value {
    let Outcome { file, text: _, verdict } = outcome;
    match verdict {
        Verdict::Passed => json!({ "file": file, "outcome": "passed" }),
        Verdict::Missing(problem) => json!({ "file": file, "outcome": "missing", "message": problem }),
        Verdict::Unclear(faults) => {
            let fault = |Fault { at, message }: &Fault| json!({ "line": at.line, "column": at.column, "message": message });
            json!({ "file": file, "outcome": "unclear", "faults": faults.iter().map(fault).collect::<Vec<_>>() })
        }
        Verdict::Failed(failure) => failure_json(file, failure),
    }
}

fn failure_json(file: &str, failure: &Failure) -> Value {
    let Failure { time, mismatches, events, n_earlier_events, explanations } = failure;
    let mismatch = |Mismatch { at, expected, instead }: &Mismatch| json!({ "line": at.line, "column": at.column, "expected": expected, "instead": instead });
    let event = |(at, event): &(Span, String)| json!({ "milliseconds": at.0, "event": event });
    json!({
        "file": file,
        "outcome": "failed",
        "milliseconds": time.0,
        "mismatches": mismatches.iter().map(mismatch).collect::<Vec<_>>(),
        "events": events.iter().map(event).collect::<Vec<_>>(),
        "earlierEvents": n_earlier_events,
        "waiting": explanations.iter().map(explanation_json).collect::<Vec<_>>(),
    })
}

fn explanation_json(explanation: &Explanation) -> Value {
    let Explanation { task, place, workers, n_more } = explanation;
    let worker = |(name, obstacles): &(String, Vec<String>)| json!({ "worker": name, "because": obstacles });
    json!({
        "task": task,
        "place": place,
        "workers": workers.iter().map(worker).collect::<Vec<_>>(),
        "moreWorkers": n_more,
    })
}
