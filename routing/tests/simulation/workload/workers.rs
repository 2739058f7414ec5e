//! Workers, what they can do, and whether they are there.

use std::sync::Arc;

use routing::command::*;
use routing::ids::*;
use routing::state::{Skill, Worker};
use routing::{Command, State};

use super::Workload;

impl Workload {
    pub(super) fn create_worker(&mut self, activity: Option<ActivityId>) -> Command {
        let id: WorkerId = self.mint();
        let name = format!("Worker {}", self.random.below(4 * self.features.n_workers));
        Command::CreateWorker(CreateWorker { id, name, attributes: self.worker_attributes(), activity })
    }

    pub(super) fn update_worker(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let has_name = self.random.percent(25);
        Command::UpdateWorker(UpdateWorker {
            id: worker.id,
            expected_version: self.expected(worker.version),
            name: if has_name {
                Some(format!("Worker {}", self.random.below(4 * self.features.n_workers)))
            } else {
                None
            },
            attributes: if !has_name || self.random.percent(20) {
                Some(self.worker_attributes())
            } else {
                None
            },
        })
    }

    pub(super) fn activity_of_worker(&mut self, state: &State) -> Option<ActivityId> {
        let available = self.random.percent(self.features.available_workers);
        let of_kind: Vec<ActivityId> = state
            .activities
            .values()
            .filter(|activity| activity.available == available)
            .map(|activity| activity.id)
            .collect();
        if of_kind.is_empty() { None } else { Some(*self.random.pick(&of_kind)) }
    }

    pub(super) fn set_worker_activity(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let activity = self.activity_of_worker(state).expect("every Workspace has both kinds of Activity");
        let is_available = state.activities[&activity].available;
        Command::SetWorkerActivity(SetWorkerActivity {
            id: worker.id,
            expected_version: self.expected(worker.version),
            activity,
            reject_pending_reservations: self.random.percent(if is_available { 3 } else { 40 }),
        })
    }

    pub(super) fn update_worker_channel(&mut self, state: &State) -> Command {
        let Some(worker) = self.random.pick_value(&state.workers) else { return self.create_worker(None) };
        let task_channel = self.channel(state);
        let version = worker.channel(&task_channel).version;
        let task_channel = task_channel.id;
        let is_switch = self.random.percent(30);
        Command::UpdateWorkerChannel(UpdateWorkerChannel {
            worker: worker.id,
            task_channel,
            expected_version: self.expected(version),
            configured_capacity: match !is_switch || self.random.percent(10) {
                true if self.random.percent(10) => Some(0),
                true => Some(1 + self.random.below(self.features.capacity_max as usize) as u32),
                false => None,
            },
            available: if is_switch { Some(self.random.percent(80)) } else { None },
        })
    }

    pub(super) fn assign_skill(&mut self, state: &State) -> Command {
        let Some((worker, skill)) = self.worker_and_skill(state) else { return self.create_skill() };
        let level = self.random.below(6) as u32;
        let has_level = skill.levels.is_some() != self.random.percent(5);
        Command::AssignSkill(AssignSkill {
            worker: worker.id,
            skill: skill.id,
            expected_version: self.expected(worker.version),
            level: has_level.then_some(level),
        })
    }

    pub(super) fn unassign_skill(&mut self, state: &State) -> Command {
        let Some((worker, skill)) = self.worker_and_skill(state) else { return self.create_skill() };
        Command::UnassignSkill(UnassignSkill {
            worker: worker.id,
            skill: skill.id,
            expected_version: self.expected(worker.version),
        })
    }

    fn worker_and_skill(&mut self, state: &State) -> Option<(Arc<Worker>, Arc<Skill>)> {
        let skill = self.random.pick_value(&state.skills);
        self.random.pick_value(&state.workers).cloned().zip(skill.cloned())
    }
}
