//! What can be found by its id alone.

use async_graphql::{ID, Interface};

use super::activity::Activity;
use super::event::Event;
use super::reservation::Reservation;
use super::skill::Skill;
use super::task::Task;
use super::task_channel::TaskChannel;
use super::task_queue::TaskQueue;
use super::task_transfer::TaskTransfer;
use super::worker::Worker;
use super::worker_channel::WorkerChannel;
use super::workflow::Workflow;
use super::workspace::Workspace;

/// Anything with an id. Ids are texts of two letters, which say what it is, and 32 hex digits; they sort by age
/// and are unique among all Workspaces.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Where the object can be found again, with `node`."))]
#[allow(missing_docs)] // Described where the types are.
pub enum Node {
    Workspace(Workspace),
    Activity(Activity),
    TaskChannel(TaskChannel),
    Skill(Skill),
    TaskQueue(TaskQueue),
    Workflow(Workflow),
    Worker(Worker),
    WorkerChannel(WorkerChannel),
    Task(Task),
    Reservation(Reservation),
    TaskTransfer(TaskTransfer),
    Event(Event),
}
