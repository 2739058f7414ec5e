//! TaskQueues.

use serde::{Deserialize, Serialize};

use crate::expression::{self, Expression};
use crate::ids::TaskQueueId;
use crate::time::Timestamp;

/// Where Tasks wait, and which Workers serve them.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TaskQueue {
    /// The TaskQueue itself.
    pub id: TaskQueueId,
    /// Unique in the Workspace without regard to case; at most 64 characters.
    pub name: String,
    /// Which Workers are eligible.
    pub target_workers: TargetWorkers,
    /// How many Workers one Task may be offered to at the same time; 1 to 50.
    pub max_reserved_workers: u32,
    /// Which Task goes first.
    pub task_order: TaskOrder,
    /// A Reservation of its Tasks that is wrapped up for longer is completed by the router; `None`: for as long as it
    /// takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrap_up_limit_seconds: Option<u32>,
    /// Counts the changes of the fields above.
    pub version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When one of the fields above changed last.
    pub updated_at: Timestamp,
    /// When it was deleted. From then on it is only read, by what refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// The order in which the Tasks of a TaskQueue are served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TaskOrder {
    /// Higher priority first, then the older one.
    Fifo,
    /// The newest first, whatever the priority.
    Lifo,
}

/// Which Workers a TaskQueue may use.
///
/// Written as an expression over the attributes of Workers. Empty text means nobody: the Tasks wait until they
/// are moved (`routing.md` 3.1).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum TargetWorkers {
    /// No Worker at all.
    Nobody,
    /// The Workers for whom this is true.
    Matching(Expression),
}

impl TargetWorkers {
    /// Reads the expression.
    pub fn parse(text: &str) -> Result<TargetWorkers, expression::Error> {
        if text.trim().is_empty() {
            return Ok(TargetWorkers::Nobody);
        }
        Expression::parse(expression::Kind::Queue, text).map(TargetWorkers::Matching)
    }

    /// The text that it was read from.
    #[must_use]
    pub fn source(&self) -> &str {
        match self {
            TargetWorkers::Nobody => "",
            TargetWorkers::Matching(expression) => expression.source(),
        }
    }
}

impl From<TargetWorkers> for String {
    fn from(target: TargetWorkers) -> String {
        target.source().to_owned()
    }
}

impl TryFrom<String> for TargetWorkers {
    type Error = expression::Error;
    fn try_from(text: String) -> Result<TargetWorkers, expression::Error> {
        TargetWorkers::parse(&text)
    }
}
