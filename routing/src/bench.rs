//! The two questions of `index/matching.rs` alone, for `benches/`. Only with the feature `bench`, which nothing but
//! the benchmarks switches on.
//!
//! [`Router::load`] does not offer anything before the first tick. So a Router that has just been loaded answers for
//! Tasks that wait and Workers who have room side by side, and asking changes nothing.

use crate::ids::{TaskId, WorkerId};
use crate::router::Router;

/// The first candidate for a waiting Task.
#[must_use]
pub fn worker_for(router: &Router, task: TaskId) -> Option<WorkerId> {
    let candidates = router.index.candidates(&router.state, task, 1, router.now);
    candidates.first().map(|slot| router.index.worker_id(*slot))
}

/// The Task that a Worker would be offered first.
#[must_use]
pub fn task_for(router: &Router, worker: WorkerId) -> Option<TaskId> {
    let slot = router.index.worker_slot(worker)?;
    router.index.best_task_for(&router.state, slot, router.now).map(|(_, task)| task)
}
