//! The two questions of `index/matching.rs` alone, for `benches/`. Only with the feature `bench`, which nothing but
//! the benchmarks switches on.
//!
//! [`Router::load`] does not offer anything before the first tick. So a Router that has just been loaded answers for
//! Tasks that wait and Workers who have room side by side, and asking changes nothing.

use crate::ids::{TaskId, WorkerId};
use crate::index::{LaneId, WorkerSlot};
use crate::router::Router;
use crate::state::Task;

/// Which Worker is offered a waiting Task? What the router has at hand when it asks is found beforehand.
pub struct WhichWorker<'a> {
    router: &'a Router,
    task: &'a Task,
    lane: LaneId,
}

/// Which Task is a Worker offered?
pub struct WhichTask<'a> {
    router: &'a Router,
    worker: WorkerSlot,
}

impl<'a> WhichWorker<'a> {
    /// The question; `None` unless the Task waits.
    #[must_use]
    pub fn of(router: &'a Router, task: TaskId) -> Option<WhichWorker<'a>> {
        let lane = router.index.lane_of(task)?;
        Some(WhichWorker { router, task: &router.state.tasks[&task], lane })
    }

    /// The first candidate.
    #[must_use]
    pub fn ask(&self) -> Option<WorkerId> {
        let WhichWorker { router, task, lane } = self;
        let candidates = router.index.candidates(&router.state, *lane, task, 1, router.now);
        candidates.first().map(|slot| router.index.worker_id(*slot))
    }
}

impl<'a> WhichTask<'a> {
    /// The question; `None` where there is no such Worker.
    #[must_use]
    pub fn of(router: &'a Router, worker: WorkerId) -> Option<WhichTask<'a>> {
        Some(WhichTask { router, worker: router.index.worker_slot(worker)? })
    }

    /// The first by precedence.
    #[must_use]
    pub fn ask(&self) -> Option<TaskId> {
        let WhichTask { router, worker } = self;
        router.index.best_task_for(&router.state, *worker, router.now).map(|(_, task)| task)
    }
}
