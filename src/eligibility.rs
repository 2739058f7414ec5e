//! Which Workers an expression is true for, asked of a state that readers hold.
//!
//! Decisions do not come here: the core's index knows who serves which TaskQueue. A reader has no index, only
//! the state of a moment, and so evaluates.

use std::borrow::Cow;

use routing::State;
use routing::expression::{ChannelFacts, Expression, Facts, TaskFacts, WorkerFacts};
use routing::state::{TargetWorkers, TaskQueue, Worker};
use routing::time::Timestamp;
use serde_json::Value;

/// A Worker as expressions see it. Making one parses the attributes; asking it is cheap.
pub struct Candidate<'a> {
    state: &'a State,
    worker: &'a Worker,
    id: String,
    attributes: Value,
}

impl<'a> Candidate<'a> {
    /// The Worker at the moment of `state`.
    #[must_use]
    pub fn of(state: &'a State, worker: &'a Worker) -> Candidate<'a> {
        Candidate { state, worker, id: worker.id.to_string(), attributes: worker.attributes.to_value() }
    }

    /// Does the TaskQueue's target expression take the Worker?
    #[must_use]
    pub fn is_eligible_for(&self, queue: &TaskQueue, now: Timestamp) -> bool {
        match &queue.target_workers {
            TargetWorkers::Nobody => false,
            TargetWorkers::Matching(expression) => self.satisfies(expression, now),
        }
    }

    /// Is the expression true for the Worker?
    #[must_use]
    pub fn satisfies(&self, expression: &Expression, now: Timestamp) -> bool {
        expression.is_true(&Facts { task: TaskFacts::None, worker: Some(self), workers: None, now_ms: now.0 })
    }
}

impl WorkerFacts for Candidate<'_> {
    fn attributes(&self) -> &Value {
        &self.attributes
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.worker.name
    }

    fn activity_id(&self) -> Cow<'_, str> {
        self.worker.activity.to_string().into()
    }

    fn activity_name(&self) -> &str {
        &self.state.activities[&self.worker.activity].name
    }

    fn channel(&self, unique_name: &str) -> Option<ChannelFacts> {
        let task_channel = self.state.task_channel_named(unique_name)?.id;
        let channel = self.worker.channel(task_channel)?;
        Some(ChannelFacts {
            configured_capacity: channel.configured_capacity,
            assigned_tasks: channel.accepted,
            open: channel.open(),
        })
    }
}
