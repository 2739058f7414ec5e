//! Routing tests in YAML: a Workspace by names, a story with a virtual clock, and what is expected of it.
//!
//! ```text
//!  file ──▶ yaml ──▶ read/ ──▶ Scenario        what is written; mistakes are found here, all of them
//!                                 │
//!                                run ──▶ world    the router, its clock, names and ids
//!                                 │       ▲
//!                    perform ─────┴───────┘       a command of the story
//!                    expect ──▶ explain           a look, and why it is otherwise
//!                                 │
//!                               report            for people, or as JSON
//! ```
//!
//! The router is the real one ([`routing::Router`]); there is no server, no database and no waiting. The format is
//! described in `docs/routing-tests.md` of the repository. This crate knows nothing of the server.

mod expect;
mod explain;
mod fields;
mod files;
mod format;
mod perform;
mod read;
mod report;
mod run;
mod suggest;
mod time;
mod words;
mod world;
mod yaml;

use std::path::{Path, PathBuf};

pub use explain::Explanation;
pub use report::Report;
pub use run::{Failure, Mismatch};
pub use time::Span;
pub use yaml::{Fault, Place};

/// Routing tests are written by hand. What is larger is something else.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What became of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The path, as it was found.
    pub file: String,
    /// The text, as far as it could be read; a report shows the lines that it is about.
    pub text: String,
    /// How it went.
    pub verdict: Verdict,
}

/// How a scenario went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Everything was as expected.
    Passed,
    /// Something was not as expected.
    Failed(Failure),
    /// The file cannot be understood, or its story cannot be told; never empty.
    Unclear(Vec<Fault>),
    /// There is no such file, or it cannot be read.
    Missing(String),
}

/// Runs every file, and every `*.yaml` of every directory, in the order of their paths.
#[must_use]
pub fn run_all(paths: &[PathBuf]) -> Report {
    let mut outcomes = Vec::new();
    for path in paths {
        match files::scenarios_in(path) {
            Ok(files) => outcomes.extend(files.iter().map(|file| run_file(file))),
            Err(problem) => outcomes.push(missing(path, problem)),
        }
    }
    Report { outcomes }
}

/// Runs the scenario of one file.
#[must_use]
pub fn run_file(path: &Path) -> Outcome {
    match files::text_of(path, FILE_BYTES_MAX) {
        Ok(text) => run_text(&path.display().to_string(), text),
        Err(problem) => missing(path, problem),
    }
}

/// Runs a scenario that was read from `file`.
#[must_use]
pub fn run_text(file: &str, text: String) -> Outcome {
    let verdict = verdict(&text);
    Outcome { file: file.to_owned(), text, verdict }
}

fn verdict(text: &str) -> Verdict {
    let node = match yaml::parse(text) {
        Ok(node) => node,
        Err(fault) => return Verdict::Unclear(vec![fault]),
    };
    let scenario = match read::scenario(&node) {
        Ok(scenario) => scenario,
        Err(faults) => return Verdict::Unclear(faults),
    };
    match run::run(&scenario) {
        Ok(()) => Verdict::Passed,
        Err(run::Stop::Failed(failure)) => Verdict::Failed(failure),
        Err(run::Stop::Unclear(fault)) => Verdict::Unclear(vec![fault]),
    }
}

fn missing(path: &Path, problem: String) -> Outcome {
    Outcome { file: path.display().to_string(), text: String::new(), verdict: Verdict::Missing(problem) }
}
