//! What is deleted while a Task is being handed on (`routing.md` 6.4 and 6.5).

use routing::Command;
use routing::command::*;
use routing::ids::{TaskId, TaskQueueId, WorkerId, WorkflowId};
use routing::rejection::Code;
use routing::state::task_transfer::{TransferMode::*, TransferStatus};
use routing::state::{ReservationStatus, RoutingTarget, TaskStatus};
use serde_json::json;

use crate::fixture::Centre;

/// Ann has a Task out of a TaskQueue for everybody; Bob is free. And there is a TaskQueue for nobody.
struct Desk {
    centre: Centre,
    task: TaskId,
    workflow: WorkflowId,
    queue: TaskQueueId,
    nobody: TaskQueueId,
    ann: WorkerId,
    bob: WorkerId,
}

fn desk() -> Desk {
    let mut centre = Centre::new();
    let (queue, nobody) = (centre.queue("1==1"), centre.queue(""));
    let workflow = centre.straight_to(queue);
    let (ann, bob) = (centre.worker("Ann", json!({})), centre.worker("Bob", json!({})));
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    centre.forget();
    Desk { centre, task, workflow, queue, nobody, ann, bob }
}

fn delete_workflow(id: WorkflowId) -> Command {
    Command::DeleteWorkflow(DeleteWorkflow { id, expected_version: None })
}

fn delete_queue(id: TaskQueueId) -> Command {
    Command::DeleteTaskQueue(DeleteTaskQueue { id, expected_version: None })
}

fn delete_worker(id: WorkerId) -> Command {
    Command::DeleteWorker(DeleteWorker { id, expected_version: None, force: true })
}

fn delete_task(id: TaskId) -> Command {
    Command::DeleteTask(DeleteTask { id, expected_version: None })
}

#[track_caller]
fn in_use(centre: &mut Centre, command: Command) {
    assert_eq!(centre.try_apply(command).expect_err("it is in use").code(), Code::InUse);
}

#[test]
fn where_the_task_may_come_back_to_stays_until_the_transfer_has_ended() {
    for mode in [Warm, Cold] {
        let Desk { mut centre, task, workflow, queue, nobody, .. } = desk();
        let elsewhere = centre.straight_to(nobody);
        centre.transfer(task, RoutingTarget::Workflow(elsewhere), mode);
        for command in [delete_workflow(workflow), delete_workflow(elsewhere), delete_queue(queue)] {
            in_use(&mut centre, command);
        }
        centre.cancel_transfer(task);
        centre.apply(delete_workflow(elsewhere));
        centre.apply(delete_queue(nobody));
    }
}

#[test]
fn deleted_in_a_warm_transfer_the_task_ends_for_everybody() {
    let Desk { mut centre, task, ann, bob, .. } = desk();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.forget();
    centre.apply(delete_task(task));
    let expected =
        ["task.transfer-canceled", "reservation.completed", "reservation.canceled", "task.deleted"];
    assert_eq!(centre.events(), expected);
    assert_eq!((centre.status(task), centre.reason(task)), (TaskStatus::Completed, "Task deleted"));
    assert_eq!(centre.reservation(task, bob).status, ReservationStatus::Canceled);
    for worker in [ann, bob] {
        assert_eq!(centre.the_channel(worker, "default").open(), 0);
    }
    centre.pass_seconds(300);
    assert_eq!(centre.events(), ["task.purged"]);
}

#[test]
fn deleted_in_a_cold_transfer_the_task_is_canceled_and_its_wrap_up_over() {
    let Desk { mut centre, task, nobody, ann, .. } = desk();
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Cold);
    centre.forget();
    centre.apply(delete_task(task));
    assert_eq!(centre.events(), ["task.transfer-canceled", "reservation.completed", "task.deleted"]);
    assert_eq!(centre.status(task), TaskStatus::Canceled);
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
}

#[test]
fn deleted_the_worker_who_was_asked_has_not_taken_the_task() {
    let Desk { mut centre, task, ann, bob, .. } = desk();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.forget();
    centre.apply(delete_worker(bob));
    assert_eq!(centre.events(), ["reservation.canceled", "worker.deleted", "task.transfer-failed"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!(centre.the_task(task).transfers[0].reason.as_deref(), Some("Bob did not take the Task"));
}

#[test]
fn a_task_whose_workflow_was_deleted_goes_back_to_its_queue() {
    let Desk { mut centre, task, workflow, queue, nobody, bob, .. } = desk();
    centre.apply(delete_workflow(workflow));
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Cold);
    in_use(&mut centre, delete_queue(queue));
    centre.forget();
    centre.cancel_transfer(task);
    assert_eq!(centre.events(), ["task.transfer-canceled", "task-queue.moved", "reservation.created"]);
    assert_eq!((centre.queue_of(task), centre.offered_to(task)), (queue, vec![bob]));
}

#[test]
fn a_task_that_has_nowhere_to_go_back_to_is_canceled() {
    let Desk { mut centre, nobody, ann, .. } = desk();
    centre.set_capacity(ann, "default", 2);
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    centre.accept(task, ann);
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Cold);
    centre.complete_reservation(task, ann);
    // Ann is done with all.
    let others: Vec<TaskId> =
        centre.router.state().tasks.keys().copied().filter(|other| *other != task).collect();
    for other in others {
        centre.complete(other);
    }
    centre.apply(delete_worker(ann));
    assert_eq!(
        (centre.status(task), centre.transfer_status(task)),
        (TaskStatus::Pending, TransferStatus::Initiated)
    );
    centre.forget();
    centre.cancel_transfer(task);
    assert_eq!(centre.events(), ["task.transfer-canceled", "task.canceled"]);
    assert_eq!(centre.reason(task), "Transfer failed, and where the Task came from was deleted");
    assert!(centre.the_task(task).task_queue.is_none(), "it is in no TaskQueue any more");
}
