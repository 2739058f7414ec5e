//! Why a Task waits, or how it was routed.

use async_graphql::{Enum, ID, Object};
use routing::ids::WorkerId;
use routing::index::explain;

use super::task::Task;
use super::worker::Worker;
use crate::graphql::error::{Error, Result};
use crate::graphql::scalars::{optional_count, optional_id, text_of};
use crate::graphql::scope::Scope;

/// How many Workers an explanation tells of, at most and where nothing is said.
const WORKERS_MAX: usize = 50;
const WORKERS_DEFAULT: usize = 10;

/// Why a Task waits, or how it was routed.
pub struct RoutingExplanation {
    scope: Scope,
    task: Task,
    explanation: explain::Explanation,
}

impl RoutingExplanation {
    /// Of a Task, as things are now.
    pub async fn of(
        scope: &Scope,
        task: Task,
        worker: Option<ID>,
        first: Option<i32>,
    ) -> Result<RoutingExplanation> {
        let worker: Option<WorkerId> = optional_id("workerId", worker.as_ref())?;
        if let Some(worker) = worker.filter(|worker| scope.worker(*worker).is_none()) {
            return Err(Error::not_found(worker, "workerId"));
        }
        let first = optional_count("first", first)?.map_or(WORKERS_DEFAULT, |first| first as usize);
        if first > WORKERS_MAX {
            return Err(Error::bad_input("first", format!("expected 0 to {WORKERS_MAX}, found {first}")));
        }
        let explained = scope.access().explain(task.core_id(), worker, first).await?;
        let explanation = explained.ok_or_else(|| Error::not_found(task.core_id(), "id"))?;
        Ok(RoutingExplanation { scope: scope.clone(), task, explanation })
    }
}

/// Why a Task waits, or how it was routed, as the router sees it at this moment.
#[Object]
impl RoutingExplanation {
    /// The Task.
    async fn task(&self) -> &Task {
        &self.task
    }

    /// All of it in a few sentences.
    async fn summary(&self) -> String {
        summary(&self.explanation)
    }

    /// Its place among the Tasks that wait in its TaskQueue, from 1. Null where it does not wait.
    async fn position(&self) -> Option<usize> {
        self.explanation.position
    }

    /// The Workers who are nearest to getting it, the nearest first: those who pass the most checks before one that they
    /// do not. Empty where it does not wait.
    async fn workers(&self) -> Vec<WorkerExplanation> {
        let explained = self.explanation.workers.iter();
        let shown = explained.filter_map(|explained| {
            // A Worker who came after this moment is not shown yet.
            let worker = self.scope.worker(explained.worker)?;
            Some(WorkerExplanation { worker, explained: explained.clone() })
        });
        shown.collect()
    }
}

/// An explanation in a few sentences, with times.
#[must_use]
pub fn summary(explanation: &explain::Explanation) -> String {
    let Some((at, then)) = explanation.until else { return explanation.summary.clone() };
    let what = match then {
        explain::Then::NextStep => "it goes on to the next step",
        explain::Then::TimeToLiveEnds => "its time to live ends, and it is canceled",
        explain::Then::ReservationTimesOut => "the time to answer is over",
    };
    format!("{} At {} {what}.", explanation.summary, text_of(at))
}

/// How a Worker stands to a Task.
pub struct WorkerExplanation {
    worker: Worker,
    explained: explain::WorkerExplanation,
}

/// How a Worker stands to a Task that waits.
#[Object]
impl WorkerExplanation {
    /// The Worker.
    async fn worker(&self) -> &Worker {
        &self.worker
    }

    /// The Worker serves the TaskQueue and suits the step, whether or not they can take the Task now.
    async fn eligible(&self) -> bool {
        self.explained.is_eligible
    }

    /// The Task would be offered to the Worker.
    async fn candidate(&self) -> bool {
        self.explained.is_candidate
    }

    /// The Worker's place among those who are eligible, from 1. Null for the others.
    async fn rank(&self) -> Option<usize> {
        self.explained.rank
    }

    /// What was looked at, in the order of the rules.
    async fn checks(&self) -> Vec<RoutingCheck> {
        self.explained.checks.iter().cloned().map(RoutingCheck).collect()
    }
}

/// One thing that was looked at.
pub struct RoutingCheck(explain::Check);

/// One thing that was looked at, for one Worker.
#[Object]
impl RoutingCheck {
    /// What.
    async fn kind(&self) -> RoutingCheckKind {
        self.0.kind.into()
    }

    /// Is it as it has to be?
    async fn passed(&self) -> bool {
        self.0.passed
    }

    /// What was seen, such as the condition that fails with the values that it saw:
    /// `Billing: skills HAS "es": skills is ["en"]`.
    async fn detail(&self) -> &str {
        &self.0.detail
    }
}

/// What is looked at for a Worker and a Task that waits.
#[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
#[graphql(remote = "explain::CheckKind")]
pub enum RoutingCheckKind {
    /// The expression of the TaskQueue.
    QueueMembership,
    /// Whether the Worker is the one whom the Task names, where the step wants that one.
    KnownWorker,
    /// The step's expression.
    TargetExpression,
    /// Whether the Worker's Activity is available.
    Activity,
    /// The switch of the worker channel.
    ChannelAvailable,
    /// Whether there is room on the worker channel.
    Capacity,
    /// Whether the Worker has the Task already, or is the one who transfers it. Only where that is so.
    AlreadyReserved,
    /// Whether the Worker has refused the Task within the `reofferDelaySeconds`.
    RefusedRecently,
    /// Whether another Task goes first as soon as the Worker has room. Only where there is one.
    HigherPrecedenceTask,
}
