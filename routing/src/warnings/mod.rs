//! What is legal in a routing document or an expression, and probably not what its author meant.
//!
//! A warning refuses nothing and changes nothing. The document is read as it was written, not as it was understood,
//! so that a document with faults gets its warnings in the same round. Where the Workspace is at hand, names are warned
//! of that none of its Workers has, and values of theirs that do not count; everything else is a function of the
//! document alone.
//!
//! The parts: `document` looks at filters, targets and keys, `condition` at the expressions in them, `known` at the
//! names in these, at what Workers have there, and at the Skills of a Worker; `spelling` finds the name that a misspelt
//! one may stand for.

mod condition;
mod document;
mod known;
mod spelling;

use std::fmt;

use serde_json::Value;

use crate::expression::{Expression, Position};
use crate::state::{State, TargetWorkers, TaskQueue, Worker, Workflow};
use known::Known;

/// Something suspicious.
#[derive(Clone, PartialEq, Debug)]
pub struct Warning {
    /// What it is, for programs.
    pub code: Code,
    /// Where in the document, e.g. `["task_routing", "filters", "0"]`; empty for an expression alone.
    pub path: Vec<String>,
    /// Where in the text of the expression, if it is about one.
    pub position: Option<Position>,
    /// What happens, and what to write instead.
    pub message: String,
}

/// What programs can tell warnings apart by. Stable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Code {
    /// A key that means nothing where it stands.
    UnknownKey,
    /// No Task ever enters the filter, since an earlier one takes and keeps all that it could have.
    FilterUnreachable,
    /// Only Tasks that left an earlier filter enter this one.
    FilterShadowed,
    /// The targets behind this one are never reached.
    TargetNeverLeft,
    /// A timeout where nothing is left by time.
    TimeoutWithoutEffect,
    /// A text that looks like the name of an attribute.
    QuotedKey,
    /// `HAS`, `IN` or `NOT IN` of something that can be no list.
    NotAList,
    /// A list where a single value is compared.
    ListAsValue,
    /// `NOT IN` is false, too, where the list is missing.
    ListMayBeMissing,
    /// `==` is true where both sides are missing.
    BothMayBeMissing,
    /// AND and OR on one level.
    AndBesideOr,
    /// `>-` or `<-` where a comparison with a negative number may be meant.
    MinusInOperator,
    /// A prefix that means nothing where it stands.
    NeedlessPrefix,
    /// An order by what is no integer for some Workers, or for any.
    NotAnInteger,
    /// An attribute that no Worker has.
    UnknownAttribute,
    /// The name of a Skill that there is not.
    UnknownSkill,
    /// A Worker has a Skill that has levels, but no level of it.
    LevelMissing,
    /// A Worker has a level that is none of the Skill.
    LevelOutOfRange,
}

/// The warnings about a routing document, in its order. It may have faults: what is not well-formed is passed over.
#[must_use]
pub fn of_document(document: &Value) -> Vec<Warning> {
    document::warnings(document, None)
}

/// The warnings about an expression alone.
#[must_use]
pub fn of_expression(expression: &Expression) -> Vec<Warning> {
    condition::warnings(expression, None)
}

/// The warnings about the present document of a Workflow, with those about names that nobody has.
#[must_use]
pub fn of_workflow(state: &State, workflow: &Workflow) -> Vec<Warning> {
    document::warnings(&workflow.present().configuration.document.to_value(), Some(&Known::of(state)))
}

/// The warnings about the target expression of a TaskQueue, with those about names that nobody has.
#[must_use]
pub fn of_task_queue(state: &State, queue: &TaskQueue) -> Vec<Warning> {
    match &queue.target_workers {
        TargetWorkers::Nobody => Vec::new(),
        TargetWorkers::Matching(expression) => condition::warnings(expression, Some(&Known::of(state))),
    }
}

/// The warnings about the Skills in the attributes of a Worker, with paths into these. None where the Workspace has no
/// Skills.
#[must_use]
pub fn of_worker(state: &State, worker: &Worker) -> Vec<Warning> {
    known::of_worker(state, worker)
}

impl Warning {
    /// The path as one text: `task_routing.filters.0`.
    #[must_use]
    pub fn path_text(&self) -> String {
        self.path.join(".")
    }
}

impl Code {
    /// The code as programs see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Code::UnknownKey => "UNKNOWN_KEY",
            Code::FilterUnreachable => "FILTER_UNREACHABLE",
            Code::FilterShadowed => "FILTER_SHADOWED",
            Code::TargetNeverLeft => "TARGET_NEVER_LEFT",
            Code::TimeoutWithoutEffect => "TIMEOUT_WITHOUT_EFFECT",
            Code::QuotedKey => "QUOTED_KEY",
            Code::NotAList => "NOT_A_LIST",
            Code::ListAsValue => "LIST_AS_VALUE",
            Code::ListMayBeMissing => "LIST_MAY_BE_MISSING",
            Code::BothMayBeMissing => "BOTH_MAY_BE_MISSING",
            Code::AndBesideOr => "AND_BESIDE_OR",
            Code::MinusInOperator => "MINUS_IN_OPERATOR",
            Code::NeedlessPrefix => "NEEDLESS_PREFIX",
            Code::NotAnInteger => "NOT_AN_INTEGER",
            Code::UnknownAttribute => "UNKNOWN_ATTRIBUTE",
            Code::UnknownSkill => "UNKNOWN_SKILL",
            Code::LevelMissing => "LEVEL_MISSING",
            Code::LevelOutOfRange => "LEVEL_OUT_OF_RANGE",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
