//! The decisions: one function for each command, in the file of its area. Each checks, then emits.

mod activities;
mod check;
mod deletions;
mod direct;
mod offers;
mod reservations;
mod skills;
mod steps;
mod task_channels;
mod task_queues;
mod tasks;
mod timers;
mod transfers;
mod workers;
mod workflows;
mod workspaces;

use crate::command::Command;
use crate::rejection::Rejection;
use crate::router::Router;

impl Router {
    pub(crate) fn decide(&mut self, command: Command) -> Result<(), Rejection> {
        match command {
            Command::UpdateWorkspace(command) => self.update_workspace(command),
            Command::CreateActivity(command) => self.create_activity(command),
            Command::UpdateActivity(command) => self.update_activity(command),
            Command::CreateSkill(command) => self.create_skill(command),
            Command::UpdateSkill(command) => self.update_skill(command),
            Command::DeleteSkill(command) => self.delete_skill(command),
            Command::AssignSkill(command) => self.assign_skill(command),
            Command::UnassignSkill(command) => self.unassign_skill(command),
            Command::DeleteActivity(command) => self.delete_activity(command),
            Command::CreateTaskChannel(command) => self.create_task_channel(command),
            Command::UpdateTaskChannel(command) => self.update_task_channel(command),
            Command::DeleteTaskChannel(command) => self.delete_task_channel(command),
            Command::CreateTaskQueue(command) => self.create_task_queue(command),
            Command::UpdateTaskQueue(command) => self.update_task_queue(command),
            Command::DeleteTaskQueue(command) => self.delete_task_queue(command),
            Command::CreateWorkflow(command) => self.create_workflow(command),
            Command::UpdateWorkflow(command) => self.update_workflow(command),
            Command::DeleteWorkflow(command) => self.delete_workflow(command),
            Command::CreateWorker(command) => self.create_worker(command),
            Command::UpdateWorker(command) => self.update_worker(command),
            Command::SetWorkerActivity(command) => self.set_worker_activity(command),
            Command::UpdateWorkerChannel(command) => self.update_worker_channel(command),
            Command::DeleteWorker(command) => self.delete_worker(command),
            Command::CreateTask(command) => self.create_task(command),
            Command::UpdateTask(command) => self.update_task(command),
            Command::CancelTask(command) => self.cancel_task(command),
            Command::WrapUpTask(command) => self.wrap_up_task(command),
            Command::CompleteTask(command) => self.complete_task(command),
            Command::TransferTask(command) => self.transfer_task(command),
            Command::CancelTransfer(command) => self.cancel_transfer(command),
            Command::DeleteTask(command) => self.delete_task(command),
            Command::AcceptReservation(command) => self.accept_reservation(command),
            Command::RejectReservation(command) => self.reject_reservation(command),
            Command::WrapUpReservation(command) => self.wrap_up_reservation(command),
            Command::CompleteReservation(command) => self.complete_reservation(command),
        }
    }
}
