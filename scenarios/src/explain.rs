//! Why a Task waits: for every Worker, what stands in the way, as the router itself explains it.

use routing::ids::{TaskId, WorkerId};
use routing::index::explain::{CheckKind, WorkerExplanation};
use routing::state::{ReservationStatus, Task, Worker};

use crate::words;
use crate::world::World;

/// More Workers than that are not read by anybody.
const WORKERS_MAX: usize = 20;

/// Where a Task stands, and why which Worker does not have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The Task, by its name in the file.
    pub task: String,
    /// Its status, TaskQueue and step.
    pub place: String,
    /// The Workers who are nearest to getting it, the nearest first, each with everything that stands in the way.
    pub workers: Vec<(String, Vec<String>)>,
    /// How many Workers there are beyond these.
    pub n_more: usize,
}

/// Explains a Task that waits. Of one that is offered already, only the Workers in `wanted` are of interest; of
/// one that nobody can be offered any more, where it stands says everything.
pub(crate) fn explain(world: &World, task: &Task, wanted: &[WorkerId]) -> Option<Explanation> {
    task.waiting()?;
    let open = task.open_reservations.iter().map(|id| &world.state().reservations[id]);
    let offered = open.filter(|reservation| reservation.status == ReservationStatus::Pending);
    let holders: Vec<WorkerId> = offered.map(|reservation| reservation.worker).collect();
    let explained = if holders.is_empty() {
        of_router(world, task.id, None)
    } else {
        let missed = wanted.iter().filter(|worker| !holders.contains(worker));
        missed.flat_map(|worker| of_router(world, task.id, Some(*worker))).collect()
    };
    let n_more = if holders.is_empty() { world.state().workers.len() - explained.len() } else { 0 };
    Some(Explanation {
        task: world.task_name(task.id),
        place: words::place(world, task),
        workers: explained.iter().map(|of| of_worker(world, task, of)).collect(),
        n_more,
    })
}

fn of_router(world: &World, task: TaskId, worker: Option<WorkerId>) -> Vec<WorkerExplanation> {
    world.explain(task, worker, WORKERS_MAX).map(|explanation| explanation.workers).unwrap_or_default()
}

/// Everything that stands between the Worker and the Task, in the order of the rules.
fn of_worker(world: &World, task: &Task, explained: &WorkerExplanation) -> (String, Vec<String>) {
    let worker = &world.state().workers[&explained.worker];
    let failed = explained.checks.iter().filter(|check| !check.passed);
    let mut obstacles: Vec<String> = failed
        .map(|check| {
            let held = match check.kind {
                CheckKind::Capacity => words::held_on(world, worker, task.task_channel),
                _ => Vec::new(),
            };
            let held = if held.is_empty() { String::new() } else { format!("; holds {}", held.join(", ")) };
            format!("{}{held}", world.in_words(&check.detail))
        })
        .collect();
    if obstacles.is_empty() {
        obstacles.push(turn(world, worker));
    }
    (worker.name.clone(), obstacles)
}

/// Nothing stands in the way: then it is a matter of whose turn it is.
fn turn(world: &World, worker: &Worker) -> String {
    match worker.last_reserved {
        None => "could take it; never had a Reservation".to_owned(),
        Some(stamp) => {
            let at = world.since_start(stamp.at);
            format!("could take it, but others come first: had the last Reservation at {at}")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use routing::state::TaskStatus;

    use super::*;
    use crate::run::run_watched;
    use crate::{files, read, yaml};

    /// A router that is settled leaves no Task waiting that somebody could take; so wherever a Task waits, each Worker
    /// must have an obstacle.
    #[test]
    fn something_stands_between_a_task_that_waits_and_every_worker() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
        let mut n_explained = 0;
        for file in files::scenarios_in(&folder).expect("scenarios") {
            let text = std::fs::read_to_string(&file).expect("a file");
            let scenario = yaml::parse(&text).ok().and_then(|node| read::scenario(&node).ok());
            let told = run_watched(&scenario.expect("a scenario"), |world| {
                let tasks = world.state().tasks.values();
                for task in tasks.filter(|task| task.status() == TaskStatus::Pending) {
                    let explanation = explain(world, task, &[]).expect("it waits");
                    for (worker, obstacles) in &explanation.workers {
                        let can_take = obstacles.iter().any(|obstacle| obstacle.starts_with("could take"));
                        assert!(!can_take, "{}: {worker} and {}", file.display(), explanation.task);
                        n_explained += 1;
                    }
                }
            });
            assert!(told.is_ok(), "{} fails", file.display());
        }
        assert!(n_explained > 200, "only {n_explained} obstacles were looked at");
    }
}
