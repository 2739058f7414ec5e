//! Which Workers expressions are true for: the one place where a Worker meets an expression.
//!
//! Decisions ask through the index, which keeps the attributes of all Workers as trees. Readers have no index, only
//! the state of a moment; for them [`WorkerView::of`] parses the attributes.

use std::borrow::Cow;

use serde_json::Value;

use crate::expression::{ChannelFacts, Expression, Facts, TaskFacts, WorkerFacts};
use crate::state::{State, TargetWorkers, Worker};
use crate::time::Timestamp;

/// A Worker as expressions see it.
pub struct WorkerView<'a> {
    state: &'a State,
    worker: &'a Worker,
    id: Cow<'a, str>,
    attributes: Cow<'a, Value>,
}

impl<'a> WorkerView<'a> {
    /// The Worker at the moment of `state`. Making one parses the attributes; asking it is cheap.
    #[must_use]
    pub fn of(state: &'a State, worker: &'a Worker) -> WorkerView<'a> {
        let (id, attributes) = (Cow::Owned(worker.id.to_string()), Cow::Owned(worker.attributes.to_value()));
        WorkerView { state, worker, id, attributes }
    }

    /// The same, for who has parsed the attributes already.
    pub(crate) fn with(
        state: &'a State,
        worker: &'a Worker,
        id: &'a str,
        attributes: &'a Value,
    ) -> WorkerView<'a> {
        WorkerView { state, worker, id: Cow::Borrowed(id), attributes: Cow::Borrowed(attributes) }
    }

    /// Does a TaskQueue with this target take the Worker?
    #[must_use]
    pub fn is_eligible_for(&self, target: &TargetWorkers, now: Timestamp) -> bool {
        match target {
            TargetWorkers::Nobody => false,
            TargetWorkers::Matching(expression) => self.satisfies(expression, TaskFacts::None, now),
        }
    }

    /// Is the expression true for the Worker, and for the Task, as far as it reads one?
    #[must_use]
    pub fn satisfies(&self, expression: &Expression, task: TaskFacts<'_>, now: Timestamp) -> bool {
        expression.is_true(&Facts { task, worker: Some(self), workers: None, now_ms: now.0 })
    }
}

impl WorkerFacts for WorkerView<'_> {
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
        self.worker.activity.to_string().into() // Rare in expressions, and the only text that is made here.
    }

    fn activity_name(&self) -> &str {
        self.state.activity(self.worker.activity).map_or("", |activity| &activity.name)
    }

    fn channel(&self, unique_name: &str) -> Option<ChannelFacts> {
        let channel = self.worker.channel(self.state.task_channel_named(unique_name)?);
        Some(ChannelFacts {
            configured_capacity: channel.configured_capacity,
            assigned_tasks: channel.accepted,
            open: channel.open(),
        })
    }
}
