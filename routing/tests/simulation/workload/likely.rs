//! What is likely to be accepted.

use routing::command::*;
use routing::ids::*;
use routing::state::ReservationStatus;
use routing::{Command, State};

use super::Workload;
use super::features::{ACTIONS, Action};

impl Workload {
    pub(super) fn likely(&mut self, state: &State) -> Command {
        let (action, _) = ACTIONS[self.random.weighted(&self.features.weights)];
        match action {
            Action::UpdateWorkspace => self.update_workspace(state),
            Action::CreateActivity => self.create_activity(),
            Action::UpdateActivity => self.update_activity(state),
            Action::CreateTaskChannel => self.create_task_channel(),
            Action::UpdateTaskChannel => self.update_task_channel(state),
            Action::CreateTaskQueue => Command::CreateTaskQueue(self.create_task_queue()),
            Action::UpdateTaskQueue => match self.random.pick_value(&state.task_queues) {
                Some(queue) => self.update_task_queue(queue.id, queue.version),
                None => Command::CreateTaskQueue(self.create_task_queue()),
            },
            Action::CreateWorkflow => {
                let queues: Vec<TaskQueueId> = state.task_queues.keys().copied().collect();
                self.create_workflow(&queues)
            }
            Action::UpdateWorkflow => self.update_workflow(state),
            Action::CreateWorker if state.workers.len() < self.features.n_workers => {
                let activity = self.activity_of_worker(state);
                self.create_worker(activity)
            }
            Action::CreateWorker | Action::UpdateWorker => self.update_worker(state),
            Action::SetWorkerActivity => self.set_worker_activity(state),
            Action::UpdateWorkerChannel => self.update_worker_channel(state),
            Action::CreateTask => {
                let n_open = state.tasks.values().filter(|task| task.ended().is_none()).count();
                if n_open < self.features.n_tasks { self.create_task(state) } else { self.cancel_task(state) }
            }
            Action::UpdateTask => self.update_task(state),
            Action::CancelTask => self.cancel_task(state),
            Action::WrapUpTask => self.wrap_up_task(state),
            Action::CompleteTask => self.complete_task(state),
            Action::TransferTask => self.transfer_task(state),
            Action::CancelTransfer => self.cancel_transfer(state),
            Action::AcceptReservation => match self.reservation(state, &[ReservationStatus::Pending]) {
                Some((id, expected_version)) => {
                    Command::AcceptReservation(AcceptReservation { id, expected_version })
                }
                None => self.bring_work(state),
            },
            Action::RejectReservation => match self.reservation(state, &[ReservationStatus::Pending]) {
                Some((id, expected_version)) => {
                    let reason = self.random.maybe(50).map(|n| format!("busy {n}"));
                    let goes = self.random.percent(20);
                    let activity = if goes { self.random.pick_key(&state.activities) } else { None };
                    Command::RejectReservation(RejectReservation { id, expected_version, reason, activity })
                }
                None => self.bring_work(state),
            },
            Action::DeleteActivity
            | Action::DeleteTaskChannel
            | Action::DeleteTaskQueue
            | Action::DeleteWorkflow
            | Action::DeleteWorker
            | Action::DeleteTask => match self.delete(action, state) {
                Some(command) => command,
                None => self.bring_work(state),
            },
            Action::WrapUpReservation => match self.reservation(state, &[ReservationStatus::Accepted]) {
                Some((id, expected_version)) => {
                    Command::WrapUpReservation(WrapUpReservation { id, expected_version })
                }
                None => self.bring_work(state),
            },
            Action::CompleteReservation => {
                let statuses = [ReservationStatus::Accepted, ReservationStatus::Wrapping];
                match self.reservation(state, &statuses) {
                    Some((id, expected_version)) => {
                        Command::CompleteReservation(CompleteReservation { id, expected_version })
                    }
                    None => self.bring_work(state),
                }
            }
            Action::CreateSkill => self.create_skill(),
            Action::UpdateSkill => self.update_skill(state),
            Action::DeleteSkill => self.delete_skill(state),
            Action::AssignSkill => self.assign_skill(state),
            Action::UnassignSkill => self.unassign_skill(state),
        }
    }

    /// Nothing can be answered or finished: there is nobody to work, or nothing to do.
    pub(super) fn bring_work(&mut self, state: &State) -> Command {
        let n_available = state.workers.values().filter(|worker| state.is_available(worker)).count();
        if n_available < state.workers.len() && self.random.percent(50) {
            return self.set_worker_activity(state);
        }
        let n_open = state.tasks.values().filter(|task| task.ended().is_none()).count();
        if n_open < self.features.n_tasks { self.create_task(state) } else { self.update_worker(state) }
    }

    /// The present version, or none; which is how callers ask.
    pub(super) fn expected(&mut self, present: u32) -> Option<u32> {
        if self.random.percent(30) { Some(present) } else { None }
    }
}
