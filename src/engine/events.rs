//! Following the events of a Workspace.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use routing::Recorded;
use routing::ids::{TaskId, TaskQueueId, WorkerId};

/// Which events a follower wants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Topic {
    /// All of them.
    Workspace,
    /// Those of one Worker: its own, and its Reservations'.
    Worker(WorkerId),
    /// Those of one Task.
    Task(TaskId),
    /// Those of the Tasks of one TaskQueue.
    TaskQueue(TaskQueueId),
}

/// Why a follower cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FollowError {
    /// The log does not reach back to where the follower wants to begin.
    #[error("the log no longer reaches back to the given position")]
    Expired,
    /// The position is behind the end of the log.
    #[error("the log has not reached the given position")]
    Future,
    /// The log cannot be read at present, or the server shuts down.
    #[error("the event log cannot be read at present")]
    Unavailable,
}

/// A stream of events in the order of the log.
pub struct Follow {}

impl tokio_stream::Stream for Follow {
    type Item = Result<Arc<Recorded>, FollowError>;
    fn poll_next(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        todo!()
    }
}
