//! What is deleted, or at least tried to be.

use std::sync::Arc;

use routing::command::*;
use routing::state::{RoutingTarget, TaskTransfer};
use routing::{Command, State};

use super::Workload;
use super::features::Action;

impl Workload {
    /// Something is deleted, or at least tried to be. One of each kind stays, so that the others can go on.
    pub(super) fn delete(&mut self, action: Action, state: &State) -> Option<Command> {
        Some(match action {
            Action::DeleteActivity => {
                let activity = self.random.pick_value(&state.activities)?;
                let alike = state.activities.values().filter(|other| other.available == activity.available);
                if alike.count() == 1 {
                    return None;
                }
                let expected_version = self.expected(activity.version);
                Command::DeleteActivity(DeleteActivity { id: activity.id, expected_version })
            }
            Action::DeleteTaskChannel => {
                let moved = state.reservations.values().find(|reservation| {
                    let is_left = state.tasks[&reservation.task].task_channel != reservation.task_channel;
                    reservation.status.is_open() && is_left
                });
                let channel = match moved.and_then(|it| state.task_channel(it.task_channel)) {
                    Some(channel) => Arc::clone(channel),
                    None => self.channel(state),
                };
                let expected_version = self.expected(channel.version);
                Command::DeleteTaskChannel(DeleteTaskChannel { id: channel.id, expected_version })
            }
            Action::DeleteTaskQueue if state.task_queues.len() > 1 => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::TaskQueue(id) = transfer.to { Some(id) } else { None };
                    [transfer.origin.task_queue, to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.task_queues))?;
                let queue = state.task_queues.get(&id)?;
                let expected_version = self.expected(queue.version);
                Command::DeleteTaskQueue(DeleteTaskQueue { id: queue.id, expected_version })
            }
            Action::DeleteWorkflow if state.workflows.len() > 1 => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::Workflow(id) = transfer.to { Some(id) } else { None };
                    [transfer.origin.workflow, to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.workflows))?;
                let workflow = state.workflows.get(&id)?;
                let expected_version = self.expected(workflow.version);
                Command::DeleteWorkflow(DeleteWorkflow { id: workflow.id, expected_version })
            }
            Action::DeleteWorker => {
                let of_transfers = self.of_transfers(state, |transfer| {
                    let to = if let RoutingTarget::Worker(id) = transfer.to { Some(id) } else { None };
                    [Some(transfer.initiator), to]
                });
                let id = of_transfers.or_else(|| self.random.pick_key(&state.workers))?;
                let worker = state.workers.get(&id)?;
                let (id, expected_version) = (worker.id, self.expected(worker.version));
                Command::DeleteWorker(DeleteWorker { id, expected_version, force: self.random.percent(50) })
            }
            Action::DeleteTask => {
                let in_transfer = state.tasks.values().filter(|task| task.open_transfer().is_some());
                let in_transfer: Vec<_> = in_transfer.map(|task| (task.id, task.version)).collect();
                let (id, version) = if !in_transfer.is_empty() && self.random.percent(30) {
                    *self.random.pick(&in_transfer)
                } else {
                    self.task(state, &[])?
                };
                Command::DeleteTask(DeleteTask { id, expected_version: self.expected(version) })
            }
            _ => return None,
        })
    }

    /// Now and then, one of those that a Task was handed to or came from, not long ago.
    fn of_transfers<I: Copy>(
        &mut self,
        state: &State,
        named: impl Fn(&TaskTransfer) -> [Option<I>; 2],
    ) -> Option<I> {
        let transfers = state.tasks.values().filter_map(|task| task.transfers.last());
        let found: Vec<I> = transfers.flat_map(named).flatten().collect();
        if found.is_empty() || self.random.percent(60) { None } else { Some(*self.random.pick(&found)) }
    }
}
