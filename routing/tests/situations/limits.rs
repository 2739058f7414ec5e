//! Limits of time that a Workspace may set: how long a Task is assigned, and how long it is wrapped up. With transfers
//! and deletion; the rules by themselves are in the routing tests.

use routing::command::*;
use routing::ids::{TaskId, TaskQueueId, WorkerId};
use routing::state::task_transfer::{TransferMode::*, TransferStatus};
use routing::state::{ReservationStatus, RoutingTarget, TaskStatus};
use routing::{Command, Limits, Router};
use serde_json::json;

use crate::fixture::Centre;

const HOUR: i64 = 3_600;

/// Ann has a Task out of a TaskQueue with both limits: a minute, an hour. Bob is free.
fn ann_has_a_task() -> (Centre, TaskId, TaskQueueId, [WorkerId; 2]) {
    let mut centre = Centre::new();
    centre.update_workspace(|workspace| workspace.assigned_limit_hours = Some(Some(1)));
    let queue = centre.queue("1==1");
    centre.update_queue(queue, |queue| queue.wrap_up_limit_seconds = Some(Some(60)));
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let bob = centre.worker("Bob", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    centre.forget();
    (centre, task, queue, [ann, bob])
}

#[test]
fn wrapping_up_ends_in_time_also_when_the_queue_was_deleted_and_the_router_restarted() {
    let (mut centre, task, queue, [ann, bob]) = ann_has_a_task();
    let other = centre.queue("1==1");
    centre.transfer(task, RoutingTarget::TaskQueue(other), Cold);
    centre.accept(task, bob);
    // Nothing leads into the TaskQueue any more, and nobody waits there.
    let workflow = centre.the_task(task).workflow.expect("it came through one");
    centre.apply(Command::DeleteWorkflow(DeleteWorkflow { id: workflow, expected_version: None }));
    centre.apply(Command::DeleteTaskQueue(DeleteTaskQueue { id: queue, expected_version: None }));
    let restarted = Router::load(centre.router.state().clone(), Limits::default(), centre.router.now());
    assert_eq!(restarted.next_deadline(), centre.router.next_deadline());
    centre.router = restarted;
    centre.pass_seconds(59);
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Wrapping);
    centre.pass_seconds(1);
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Completed);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(bob)));
}

#[test]
fn whoever_let_go_of_a_task_is_done_in_time_whatever_becomes_of_it() {
    let (mut centre, task, _, [ann, bob]) = ann_has_a_task();
    centre.move_worker(bob, "Offline");
    let nobody = centre.queue("");
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Cold);
    centre.forget();
    centre.pass_seconds(60);
    assert_eq!(centre.events(), ["reservation.completed"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Pending, None));
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
}

#[test]
fn a_transfer_that_is_in_progress_ends_before_the_assignment_does() {
    let (mut centre, task, _, [ann, _]) = ann_has_a_task();
    let nobody = centre.queue("");
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Warm);
    centre.forget();
    centre.pass_seconds(2 * HOUR);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Pending, Some(ann)));
    assert_eq!(centre.events(), [""; 0]);

    // The hour is over since long, and the transfer is over now.
    centre.cancel_transfer(task);
    centre.pass_seconds(0);
    let expected = ["task.transfer-canceled", "task.system-deleted", "reservation.completed"];
    assert_eq!(centre.events(), expected);
    assert_eq!(centre.reason(task), "Task assigned for more than 1 h");
    assert_eq!(centre.transfer_status(task), TransferStatus::Canceled);
}

#[test]
fn who_takes_a_task_over_has_the_full_time() {
    let (mut centre, task, _, [_, bob]) = ann_has_a_task();
    centre.pass_seconds(HOUR - 10);
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.pass_seconds(HOUR - 1);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(bob)));
    centre.forget();
    centre.pass_seconds(1);
    let expected = ["task.system-deleted", "reservation.completed", "reservation.completed"];
    assert_eq!(centre.events(), expected, "both are done with it");
}

#[test]
fn who_has_a_task_again_has_the_full_time_too() {
    let (mut centre, task, _, [ann, bob]) = ann_has_a_task();
    centre.pass_seconds(HOUR - 10);
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.pass_seconds(1_800);
    centre.complete_reservation(task, bob);
    centre.pass_seconds(HOUR - 1);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    centre.pass_seconds(1);
    assert_eq!(centre.status(task), TaskStatus::Completed);
}

#[test]
fn what_is_due_may_be_done_in_parts_and_nothing_is_offered_before_all_of_it() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue("1==1"));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second }]));
    centre.worker("Ann", json!({}));
    for _ in 0..3 {
        centre.task(workflow, json!({}));
    }
    centre.forget();
    let at = centre.router.now().plus_seconds(10);
    let next = ["task-queue.timeout", "workflow.target-matched", "task-queue.moved"];
    assert!(!centre.router.tick_in_part(at, 2), "one is left");
    centre.pass_seconds(0);
    let expected = [next.as_slice(), &next, &next, &["reservation.created"]].concat();
    assert_eq!(centre.events(), expected);
}

#[test]
fn a_part_that_does_all_that_is_due_says_so() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.steps(json!([{ "queue": queue, "timeout": 10 }]));
    let tasks = [centre.task(workflow, json!({})), centre.task(workflow, json!({}))];
    let at = centre.router.now().plus_seconds(10);
    assert!(!centre.router.tick_in_part(at, 1));
    assert_eq!(tasks.map(|task| centre.status(task)), [TaskStatus::Canceled, TaskStatus::Pending]);
    assert!(centre.router.tick_in_part(at, 1));
    assert_eq!(tasks.map(|task| centre.status(task)), [TaskStatus::Canceled; 2]);
}
