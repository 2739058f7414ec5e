//! Why a Task waits: for every Worker, what stands in the way (`routing.md` 4.1).

use routing::eligibility::WorkerView;
use routing::expression::TaskFacts;
use routing::ids::WorkerId;
use routing::state::task::Place;
use routing::state::{ReservationStatus, Task, TaskQueue, Worker};
use routing::workflow_configuration::{KnownWorker, Target};
use serde_json::Value;

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
    /// The Workers, in the order of their creation, each with everything that stands in the way.
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
    let is_of_interest = |worker: &Worker| {
        holders.is_empty() || (wanted.contains(&worker.id) && !holders.contains(&worker.id))
    };
    let look = Look {
        world,
        task,
        attributes: task.attributes.to_value(),
        queue: task.task_queue.map(|queue| &*world.state().task_queues[&queue]),
        target: world.state().target_of(task),
    };
    let workers: Vec<_> = world.state().workers.values().filter(|worker| is_of_interest(worker)).collect();
    let shown = workers.iter().take(WORKERS_MAX);
    Some(Explanation {
        task: world.task_name(task.id),
        place: words::place(world, task),
        workers: shown.map(|worker| (worker.name.clone(), look.obstacles(worker))).collect(),
        n_more: workers.len().saturating_sub(WORKERS_MAX),
    })
}

/// A Task in its step, and what the step asks for.
struct Look<'a> {
    world: &'a World,
    task: &'a Task,
    attributes: Value,
    /// `None` where the Task was directed to a Worker.
    queue: Option<&'a TaskQueue>,
    /// `None` where it waits in no Workflow.
    target: Option<&'a Target>,
}

impl Look<'_> {
    /// Everything that stands between the Worker and the Task, in the order of `routing.md` 4.1.
    fn obstacles(&self, worker: &Worker) -> Vec<String> {
        let mut obstacles = Vec::new();
        obstacles.extend(self.queue_obstacle(worker));
        obstacles.extend(self.expression_obstacle(worker));
        obstacles.extend(self.known_worker_obstacle(worker));
        obstacles.extend(self.holder_obstacle(worker));
        obstacles.extend(self.activity_obstacle(worker));
        obstacles.extend(self.channel_obstacle(worker));
        obstacles.extend(self.cool_down_obstacle(worker));
        if obstacles.is_empty() {
            obstacles.push(self.turn(worker));
        }
        obstacles
    }

    fn queue_obstacle(&self, worker: &Worker) -> Option<String> {
        let queue = self.queue?;
        let view = WorkerView::of(self.world.state(), worker);
        if view.is_eligible_for(&queue.target_workers, self.world.now()) {
            return None;
        }
        let source = match queue.target_workers.source() {
            "" => "it takes nobody".to_owned(),
            source => self.world.in_words(source),
        };
        Some(format!("not in the TaskQueue {} ({source})", queue.name))
    }

    fn expression_obstacle(&self, worker: &Worker) -> Option<String> {
        let expression = self.target?.expression.as_ref()?;
        let view = WorkerView::of(self.world.state(), worker);
        let is_true = view.satisfies(expression, TaskFacts::Document(&self.attributes), self.world.now());
        let source = || self.world.in_words(expression.source());
        (!is_true).then(|| format!("the expression of the step is false ({})", source()))
    }

    fn known_worker_obstacle(&self, worker: &Worker) -> Option<String> {
        if let Some(Place::Worker(known)) = self.task.waiting().and_then(|waiting| waiting.place.as_ref()) {
            let name = self.world.worker_name(*known);
            return (*known != worker.id).then(|| format!("not the Worker whom it was directed to: {name}"));
        }
        let (path, is_same) = match self.target?.known_worker.as_ref()? {
            KnownWorker::Id(path) => {
                let named = path.find(&self.attributes).and_then(Value::as_str);
                (path, named == Some(worker.id.to_string().as_str()))
            }
            KnownWorker::Name(path) => {
                let named = path.find(&self.attributes).and_then(Value::as_str);
                (path, named.map(str::to_lowercase) == Some(worker.name.to_lowercase()))
            }
        };
        if is_same {
            return None;
        }
        let named = path.find(&self.attributes).map_or_else(|| "nobody".to_owned(), Value::to_string);
        Some(format!("not the known Worker: task.{path} names {}", self.world.in_words(&named)))
    }

    fn holder_obstacle(&self, worker: &Worker) -> Option<String> {
        let has = self.world.state().has_or_hands_on(self.task, worker.id);
        has.then(|| "has the Task, or is the one who transfers it".to_owned())
    }

    fn activity_obstacle(&self, worker: &Worker) -> Option<String> {
        let activity = &self.world.state().activities[&worker.activity];
        (!activity.available).then(|| format!("in the Activity {}, which is not available", activity.name))
    }

    fn channel_obstacle(&self, worker: &Worker) -> Option<String> {
        let task_channel = &self.world.state().task_channels[&self.task.task_channel];
        let (name, channel) = (&task_channel.unique_name, worker.channel(task_channel));
        if !channel.available {
            return Some(format!("the channel {name} is switched off"));
        }
        let (open, capacity) = (channel.open(), channel.configured_capacity);
        let held = match words::held_on(self.world, worker, self.task.task_channel) {
            held if held.is_empty() => String::new(),
            held => format!("; holds {}", held.join(", ")),
        };
        (!channel.has_room()).then(|| format!("no room on {name}: {open} of {capacity} taken{held}"))
    }

    fn cool_down_obstacle(&self, worker: &Worker) -> Option<String> {
        let now = self.world.now();
        let cooling = self.task.cool_downs.iter().find(|cool_down| cool_down.worker == worker.id)?;
        let until = self.world.since_start(cooling.until);
        (cooling.until > now)
            .then(|| format!("rejected it or let it time out; not asked again before {until}"))
    }

    /// Nothing stands in the way: then it is a matter of whose turn it is.
    fn turn(&self, worker: &Worker) -> String {
        match worker.last_reserved {
            None => "could take it; never had a Reservation".to_owned(),
            Some(stamp) => {
                let at = self.world.since_start(stamp.at);
                format!("could take it, but others come first: had the last Reservation at {at}")
            }
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

    /// The explanations say a second time what the router decides. A router that is settled leaves no Task waiting
    /// that somebody could take; so wherever a Task waits, each Worker must have an obstacle.
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
                    let explanation = explain(world, task, &[]).expect("it stands in a step");
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
