//! `explain`: why a Task waits, or how it was routed, read from the database.
//!
//! The Workspace is loaded as a server would load it, and the same router says why. Nothing is written, so this works
//! beside a running server, and without one.

use std::fmt;
use std::process::ExitCode;

use anyhow::Context;
use routing::ids::{TaskId, WorkerId};
use routing::index::explain::{CheckKind, Explanation, WorkerExplanation};
use routing::state::State;
use serde_json::{Value, json};
use switchyard::config::{Config, setting};
use switchyard::graphql::types::explanation::summary;

use super::{Format, print, visible};

/// Say why a Task waits, or how it was routed.
///
/// It reads the database and changes nothing, whether or not a server runs on it.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The Task.
    #[arg(value_name = "TASK-ID", value_parser = setting(str::parse::<TaskId>))]
    task: TaskId,

    /// Only this Worker.
    #[arg(long, value_name = "ID", value_parser = setting(str::parse::<WorkerId>))]
    worker: Option<WorkerId>,

    /// How many Workers it tells of: those who are nearest to getting the Task.
    #[arg(long, value_name = "N", default_value_t = 10)]
    first: usize,

    /// How it is printed: text or json.
    #[arg(long, default_value = "text", value_parser = setting(str::parse::<Format>))]
    format: Format,
}

impl Explain {
    /// Loads the Workspace and prints what its router says.
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Explain { task, worker, first, format } = self;
        let router = switchyard::load_router_of(config, task).await?;
        if let Some(worker) = worker.filter(|worker| !router.state().workers.contains_key(worker)) {
            anyhow::bail!("the Workspace {} has no Worker {worker}", router.state().id());
        }
        let explanation = router.explain(task, worker, first);
        let explanation = explanation.with_context(|| {
            format!("there is no Task {task}; some minutes after their end Tasks are not kept in memory")
        })?;
        match format {
            Format::Text => print(&Told { explanation: &explanation, state: router.state() }.to_string())?,
            Format::Json => print(&as_json(&explanation).to_string())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An explanation for people.
struct Told<'a> {
    explanation: &'a Explanation,
    state: &'a State,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told { explanation, state } = self;
        write!(f, "Task {}\n{}", explanation.task, visible(&summary(explanation)))?;
        if let Some(position) = explanation.position {
            write!(f, "\nIts place in the TaskQueue: {position}")?;
        }
        for told in &explanation.workers {
            let name = &state.workers[&told.worker].name;
            write!(f, "\n\n{} ({}): {}", visible(name), told.worker, verdict(told))?;
            for check in &told.checks {
                let mark = if check.passed { "  ok " } else { "  NO " };
                write!(f, "\n{mark} {:<17} {}", what(check.kind), visible(&check.detail))?;
            }
        }
        Ok(())
    }
}

fn verdict(told: &WorkerExplanation) -> &'static str {
    match (told.is_eligible, told.is_candidate) {
        (_, true) => "would be offered it now",
        (true, false) => "is meant, but cannot take it now",
        (false, false) => "is not meant",
    }
}

fn what(kind: CheckKind) -> &'static str {
    match kind {
        CheckKind::QueueMembership => "TaskQueue",
        CheckKind::KnownWorker => "known Worker",
        CheckKind::TargetExpression => "step",
        CheckKind::Activity => "Activity",
        CheckKind::ChannelAvailable => "channel",
        CheckKind::Capacity => "capacity",
        CheckKind::AlreadyReserved => "has it already",
        CheckKind::RefusedRecently => "refused",
        CheckKind::HigherPrecedenceTask => "other Tasks",
    }
}

fn as_json(explanation: &Explanation) -> Value {
    let worker = |told: &WorkerExplanation| {
        let check = |check: &routing::index::explain::Check| json!({ "kind": check.kind.name(), "passed": check.passed, "detail": check.detail });
        json!({
            "worker": told.worker.to_string(),
            "eligible": told.is_eligible,
            "candidate": told.is_candidate,
            "rank": told.rank,
            "checks": told.checks.iter().map(check).collect::<Vec<Value>>(),
        })
    };
    json!({
        "task": explanation.task.to_string(),
        "summary": summary(explanation),
        "position": explanation.position,
        "workers": explanation.workers.iter().map(worker).collect::<Vec<Value>>(),
    })
}
