//! Tasks that are sent to a Worker, a TaskQueue or a Workflow (`routing.md` 2.10).

use routing::state::{ReservationStatus, RoutingTarget, TaskOrder, TaskStatus};
use serde_json::json;

use super::fixture::Centre;

#[test]
fn a_directed_task_is_offered_to_its_worker_whatever_they_do() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    centre.move_worker(ann, "Offline");
    centre.set_capacity(ann, "default", 0);
    centre.forget();
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    assert_eq!(centre.events(), ["task.created", "reservation.created"]);
    assert_eq!(centre.offered_to(task), [ann]);
    let reservation = centre.reservation(task, ann);
    assert_eq!(
        (reservation.task_queue, reservation.workflow, reservation.timeout_seconds),
        (None, None, 120)
    );

    centre.accept(task, ann);
    centre.complete(task);
    assert_eq!(centre.status(task), TaskStatus::Completed);
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
}

#[test]
fn after_one_refusal_a_directed_task_waits_until_its_worker_is_a_candidate() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let bob = centre.worker("Bob", json!({}));
    centre.move_worker(ann, "Break");
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    centre.reject(task, ann);
    centre.pass_seconds(60);
    assert_eq!((centre.status(task), centre.offered_to(task)), (TaskStatus::Pending, vec![]));
    centre.move_worker(ann, "Available");
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.the_channel(bob, "default").open(), 0);
}

#[test]
fn a_timeout_moves_the_worker_and_the_directed_task_waits() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    centre.pass_seconds(120);
    assert_eq!(centre.activity_of(ann), "Offline");
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::TimedOut);
    centre.pass_seconds(1);
    assert_eq!(centre.offered_to(task), []);
    centre.move_worker(ann, "Available");
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn without_ignoring_capacity_a_directed_task_waits_for_room() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let first = centre.task_for(RoutingTarget::Worker(ann), |task| task.ignore_capacity = Some(false));
    let second = centre.task_for(RoutingTarget::Worker(ann), |task| task.ignore_capacity = Some(false));
    assert_eq!((centre.offered_to(first), centre.offered_to(second)), (vec![ann], vec![]));
    centre.serve(first, ann);
    assert_eq!(centre.offered_to(second), [ann]);
}

#[test]
fn a_directed_task_ends_with_its_time_to_live() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    centre.move_worker(ann, "Offline");
    let task = centre.task_for(RoutingTarget::Worker(ann), |task| {
        task.ignore_capacity = Some(false);
        task.timeout_seconds = Some(30);
    });
    centre.pass_seconds(29);
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.pass_seconds(1);
    assert_eq!((centre.status(task), centre.reason(task)), (TaskStatus::Canceled, "Task TTL Exceeded"));
}

#[test]
fn a_directed_task_competes_with_those_in_queues_by_priority() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let busy = centre.task(workflow, json!({}));
    let directed = centre.task_for(RoutingTarget::Worker(ann), |task| {
        task.ignore_capacity = Some(false);
        task.priority = Some(5);
    });
    let queued = centre.task_with(workflow, json!({}), |task| task.priority = Some(6));
    centre.serve(busy, ann);
    assert_eq!((centre.offered_to(queued), centre.offered_to(directed)), (vec![ann], vec![]));
    centre.serve(queued, ann);
    assert_eq!(centre.offered_to(directed), [ann]);
}

#[test]
fn a_directed_task_goes_with_those_of_fifo_queues_also_where_lifo_queues_go_first() {
    let mut centre = Centre::new();
    centre.update_workspace(|workspace| workspace.queue_order_priority = Some(TaskOrder::Lifo));
    let (fifo, lifo) = (centre.queue("1==1"), centre.lifo_queue("1==1"));
    let (to_fifo, to_lifo) = (centre.straight_to(fifo), centre.straight_to(lifo));
    let ann = centre.worker("Ann", json!({}));
    let busy = centre.task(to_lifo, json!({}));
    let directed = centre.task_for(RoutingTarget::Worker(ann), |task| {
        task.ignore_capacity = Some(false);
        task.priority = Some(5);
    });
    let of_lifo = centre.task(to_lifo, json!({}));
    let of_fifo = centre.task_with(to_fifo, json!({}), |task| task.priority = Some(6));
    centre.serve(busy, ann);
    for next in [of_lifo, of_fifo, directed] {
        assert_eq!(centre.offered_to(next), [ann]);
        centre.serve(next, ann);
    }
}

#[test]
fn a_task_for_a_queue_waits_there_under_its_time_to_live_alone() {
    let mut centre = Centre::new();
    let queue = centre.queue("language == 'fr'");
    centre.forget();
    let task = centre.task_for(RoutingTarget::TaskQueue(queue), |task| task.timeout_seconds = Some(1_000));
    assert_eq!(centre.events(), ["task.created", "task-queue.entered"]);
    assert_eq!(centre.queue_of(task), queue);
    centre.pass_seconds(999);
    let ann = centre.worker("Ann", json!({ "language": "fr" }));
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.reservation(task, ann).task_queue, Some(queue));
}

#[test]
fn a_task_for_a_workflow_goes_through_it() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task_for(RoutingTarget::Workflow(workflow), |_| {});
    assert_eq!(centre.the_task(task).workflow, Some(workflow));
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn changed_attributes_leave_a_directed_task_where_it_is() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==0");
    let task = centre.task_for(RoutingTarget::TaskQueue(queue), |_| {});
    centre.forget();
    centre.set_attributes(task, json!({ "vip": true }));
    assert_eq!(centre.events(), ["task.updated"]);
    assert_eq!(centre.queue_of(task), queue);
}
