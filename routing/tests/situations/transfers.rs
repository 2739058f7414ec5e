//! A Worker hands a Task on (`routing.md` 6.4).

use routing::command::{
    CancelTask, Command, CompleteTask, TaskChannelRef, TransferTask, UpdateTask, WrapUpReservation,
    WrapUpTask,
};
use routing::ids::{TaskId, WorkerId};
use routing::rejection::Code;
use routing::state::task_transfer::{TransferMode::*, TransferStatus};
use routing::state::{ReservationStatus, RoutingTarget, TaskStatus};
use serde_json::json;

use super::fixture::Centre;

/// Ann has a Task, out of a TaskQueue for everybody; Bob and Cid are free.
fn ann_has_a_task() -> (Centre, TaskId, [WorkerId; 3]) {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let bob = centre.worker("Bob", json!({}));
    let cid = centre.worker("Cid", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    centre.forget();
    (centre, task, [ann, bob, cid])
}

fn code(answer: Result<u64, routing::Rejection>) -> Code {
    answer.expect_err("it is refused").code()
}

#[test]
fn warm_both_have_the_task_until_the_first_is_done() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    assert_eq!(centre.events(), ["task.transfer-initiated", "reservation.created"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Reserved, Some(ann)));
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Accepted);
    let transfer = centre.the_task(task).transfers[0].id;
    assert_eq!(centre.reservation(task, bob).transfer, Some(transfer));

    centre.accept(task, bob);
    assert_eq!(centre.events(), ["reservation.accepted", "task.transfer-completed"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(bob)));
    assert_eq!(centre.transfer_status(task), TransferStatus::Complete);
    assert_eq!(centre.the_task(task).transfers[0].reservation, Some(centre.reservation(task, bob).id));
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Accepted);

    centre.complete_reservation(task, ann);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(bob)));
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
    centre.complete_reservation(task, bob);
    assert_eq!(centre.status(task), TaskStatus::Completed);
    assert_eq!(centre.the_channel(bob, "default").open(), 0);
}

#[test]
fn warm_when_the_second_is_done_first_the_first_has_the_task_again() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.complete_reservation(task, bob);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    centre.wrap_up_reservation(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Wrapping);
}

#[test]
fn whoever_wraps_up_leaves_the_task_to_the_one_who_has_it_still() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.forget();
    centre.wrap_up_reservation(task, bob);
    assert_eq!(centre.events(), ["reservation.wrapup"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    // So she is the one who may hand it on, and whose wrap-up begins with it.
    centre.transfer(task, RoutingTarget::Worker(cid), Cold);
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Wrapping);
    assert_eq!(centre.the_channel(ann, "default").open(), 1);
    assert_eq!(centre.the_channel(bob, "default").open(), 1);
    centre.accept(task, cid);
    for worker in [ann, bob, cid] {
        centre.complete_reservation(task, worker);
        assert_eq!(centre.the_channel(worker, "default").open(), 0);
    }
    assert_eq!(centre.status(task), TaskStatus::Completed);
}

#[test]
fn of_several_who_had_it_who_still_works_has_it_before_who_wraps_up_and_the_newest_first() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    let dan = centre.worker("Dan", json!({}));
    for to in [bob, cid, dan] {
        centre.transfer(task, RoutingTarget::Worker(to), Warm);
        centre.accept(task, to);
    }
    centre.wrap_up_reservation(task, cid);
    assert_eq!(centre.owner(task), Some(dan));
    centre.complete_reservation(task, dan);
    assert_eq!(centre.owner(task), Some(bob), "Cid had it later, but wraps up");
    centre.complete_reservation(task, bob);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    centre.complete_reservation(task, ann);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Wrapping, Some(cid)));
}

#[test]
fn a_task_is_wrapped_up_when_all_who_still_have_it_are() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    centre.accept(task, bob);
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Wrapping);
    assert_eq!(centre.status(task), TaskStatus::Assigned);
    centre.forget();
    // Bob needs no wrap-up of his own: what is left is Ann's.
    centre.complete_reservation(task, bob);
    assert_eq!(centre.events(), ["reservation.completed", "task.wrapup"]);
    assert_eq!(centre.status(task), TaskStatus::Wrapping);
    centre.complete_reservation(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Completed);
}

#[test]
fn warm_refused_the_first_has_the_task_as_before() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    let (queue, entered) = (centre.queue_of(task), centre.the_task(task).task_queue_entered_at);
    centre.pass_seconds(5);
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.forget();
    centre.reject(task, bob);
    assert_eq!(centre.events(), ["reservation.rejected", "task.transfer-failed"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!((centre.queue_of(task), centre.the_task(task).task_queue_entered_at), (queue, entered));
    let transfer = &centre.the_task(task).transfers[0];
    assert_eq!(transfer.status, TransferStatus::Failed);
    assert_eq!(transfer.reason.as_deref(), Some("Bob did not take the Task"));
    // And may try again at once.
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    assert_eq!(centre.offered_to(task), [bob]);
}

#[test]
fn warm_unanswered_the_first_has_the_task_as_before() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.pass_seconds(120);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!(centre.transfer_status(task), TransferStatus::Failed);
    assert_eq!(centre.activity_of(bob), "Offline");
}

#[test]
fn warm_to_a_queue_one_after_the_other_is_asked_but_never_the_first() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    centre.set_capacity(ann, "default", 5);
    let everybody = centre.queue("1==1");
    centre.forget();
    centre.transfer(task, RoutingTarget::TaskQueue(everybody), Warm);
    assert_eq!(centre.events(), ["task.transfer-initiated", "task-queue.moved", "reservation.created"]);
    assert_eq!(centre.offered_to(task), [bob]);
    centre.reject(task, bob);
    assert_eq!(
        centre.events(),
        ["reservation.rejected", "task.transfer-attempt-failed", "reservation.created"]
    );
    assert_eq!(centre.offered_to(task), [cid]);
    centre.reject(task, cid);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Pending, Some(ann)));
    assert_eq!(centre.transfer_status(task), TransferStatus::Initiated);
    centre.pass_seconds(1);
    assert_eq!(centre.offered_to(task), [bob], "Ann is never asked");
}

#[test]
fn warm_to_a_queue_that_nobody_serves_ends_with_the_time_to_live() {
    let (mut centre, task, [ann, ..]) = ann_has_a_task();
    let own = centre.queue_of(task);
    let empty = centre.queue("1==0");
    centre.pass_seconds(86_399);
    centre.transfer(task, RoutingTarget::TaskQueue(empty), Warm);
    assert_eq!((centre.status(task), centre.queue_of(task)), (TaskStatus::Pending, empty));
    // The time to live counts each time that the Task waits.
    centre.pass_seconds(86_399);
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.pass_seconds(1);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!(centre.queue_of(task), own);
    assert_eq!(centre.the_task(task).transfers[0].reason.as_deref(), Some("Task TTL Exceeded"));
}

#[test]
fn cold_the_first_wraps_up_at_once() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    assert_eq!(centre.events(), ["task.transfer-initiated", "reservation.wrapup", "reservation.created"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Reserved, None));
    centre.complete_reservation(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Reserved, "the Task goes on without Ann");
    centre.accept(task, bob);
    centre.complete(task);
    assert_eq!(centre.status(task), TaskStatus::Completed);
}

#[test]
fn cold_the_first_is_not_asked_also_when_done() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    for worker in [bob, cid] {
        centre.move_worker(worker, "Offline");
    }
    let queue = centre.queue("1==1");
    centre.transfer(task, RoutingTarget::TaskQueue(queue), Cold);
    centre.complete_reservation(task, ann);
    assert_eq!((centre.status(task), centre.offered_to(task)), (TaskStatus::Pending, vec![]));
    centre.move_worker(cid, "Available");
    assert_eq!(centre.offered_to(task), [cid]);
}

#[test]
fn cold_refused_the_task_goes_through_its_workflow_again() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    centre.forget();
    centre.reject(task, bob);
    assert_eq!(
        centre.events(),
        [
            "reservation.rejected",
            "task.transfer-failed",
            "workflow.entered",
            "workflow.target-matched",
            "task-queue.entered",
            "reservation.created"
        ]
    );
    assert_eq!(centre.offered_to(task), [cid], "Bob has just refused, and Ann still wraps up");
    centre.reject(task, cid);
    // Once she is done, Ann is one of all.
    centre.move_worker(bob, "Offline");
    centre.move_worker(cid, "Offline");
    centre.complete_reservation(task, ann);
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn cold_to_a_queue_goes_back_when_the_time_to_live_ends_and_is_canceled_only_then() {
    let (mut centre, task, _) = ann_has_a_task();
    let own = centre.queue_of(task);
    let empty = centre.queue("1==0");
    for worker in ["Bob", "Cid"] {
        let id = centre.router.state().worker_named(worker).expect("is there").id;
        centre.move_worker(id, "Offline");
    }
    centre.transfer(task, RoutingTarget::TaskQueue(empty), Cold);
    centre.pass_seconds(86_400);
    assert_eq!((centre.status(task), centre.queue_of(task)), (TaskStatus::Pending, own));
    assert_eq!(centre.transfer_status(task), TransferStatus::Failed);
    centre.pass_seconds(86_399);
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.pass_seconds(1);
    assert_eq!((centre.status(task), centre.reason(task)), (TaskStatus::Canceled, "Task TTL Exceeded"));
}

#[test]
fn cold_of_a_task_that_was_directed_to_a_queue_goes_back_there() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let ann = centre.worker("Ann", json!({}));
    let bob = centre.worker("Bob", json!({}));
    let task = centre.task_for(RoutingTarget::TaskQueue(queue), |_| {});
    centre.accept(task, ann);
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    centre.move_worker(bob, "Offline");
    centre.forget();
    centre.reject(task, bob);
    assert_eq!(centre.events(), ["reservation.rejected", "task.transfer-failed", "task-queue.entered"]);
    assert_eq!((centre.status(task), centre.queue_of(task)), (TaskStatus::Pending, queue));
}

#[test]
fn cold_of_a_task_that_was_directed_to_a_worker_waits_for_that_one() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let bob = centre.worker("Bob", json!({}));
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    centre.accept(task, ann);
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    centre.reject(task, bob);
    assert_eq!((centre.status(task), centre.offered_to(task)), (TaskStatus::Pending, vec![]));
    centre.complete_reservation(task, ann);
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn cold_to_a_queue_of_a_task_that_was_directed_to_a_worker_leaves_that_queue_again() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let empty = centre.queue("1==0");
    let task = centre.task_for(RoutingTarget::Worker(ann), |_| {});
    centre.accept(task, ann);
    centre.transfer(task, RoutingTarget::TaskQueue(empty), Cold);
    assert_eq!(centre.queue_of(task), empty);
    centre.cancel_transfer(task);
    let back = centre.the_task(task);
    assert_eq!(
        (back.status(), back.task_queue, back.task_queue_entered_at),
        (TaskStatus::Pending, None, None)
    );
    assert_eq!(centre.router.state().tasks_of_queue(empty).count(), 0);
    centre.complete_reservation(task, ann);
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.reservation(task, ann).task_queue, None);
}

#[test]
fn a_transfer_to_a_workflow_enters_it_afresh() {
    let (mut centre, task, [_, bob, _]) = ann_has_a_task();
    let first = centre.the_task(task).workflow;
    let other_queue = centre.queue("1==1");
    let other = centre.workflow(json!({ "filters": [
        { "expression": "1==1", "targets": [{ "queue": other_queue, "priority": 7, "timeout": 10 }] },
    ] }));
    centre.forget();
    centre.transfer(task, RoutingTarget::Workflow(other), Warm);
    assert_eq!(
        centre.events(),
        [
            "task.transfer-initiated",
            "workflow.entered",
            "workflow.target-matched",
            "task-queue.moved",
            "reservation.created"
        ]
    );
    assert_eq!((centre.the_task(task).workflow, centre.the_task(task).priority), (Some(other), 7));
    centre.pass_seconds(15);
    centre.reject(task, bob);
    // The step's deadline is over, and the Workflow has nothing more.
    assert_eq!(centre.transfer_status(task), TransferStatus::Failed);
    assert_eq!((centre.status(task), centre.the_task(task).workflow), (TaskStatus::Assigned, first));
}

#[test]
fn cold_to_a_workflow_that_comes_to_its_end_cancels_the_task_as_any_workflow_does() {
    let (mut centre, task, [ann, ..]) = ann_has_a_task();
    let empty = centre.queue("1==0");
    let other = centre.steps(json!([{ "queue": empty, "timeout": 10 }]));
    centre.transfer(task, RoutingTarget::Workflow(other), Cold);
    centre.pass_seconds(9);
    centre.forget();
    centre.pass_seconds(1);
    assert_eq!(
        centre.events(),
        ["task-queue.timeout", "workflow.timeout", "task.transfer-failed", "task.canceled"]
    );
    // Ann may finish her notes; the Task stays until she has.
    centre.pass_seconds(3_600);
    assert_eq!(centre.the_channel(ann, "default").open(), 1);
    centre.complete_reservation(task, ann);
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
    assert_eq!(centre.status(task), TaskStatus::Canceled);
    // And from then on as long as any finished Task.
    centre.pass_seconds(299);
    assert!(centre.router.state().tasks.contains_key(&task), "not purged yet");
    centre.pass_seconds(1);
    assert!(!centre.router.state().tasks.contains_key(&task), "purged");
}

#[test]
fn cold_while_an_earlier_holder_is_still_there_the_task_is_theirs_meanwhile() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.transfer(task, RoutingTarget::Worker(cid), Cold);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Reserved, Some(ann)));
    centre.reject(task, cid);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!(centre.transfer_status(task), TransferStatus::Failed);
}

#[test]
fn an_earlier_holder_may_leave_while_the_task_is_handed_on_cold() {
    let (mut centre, task, [ann, bob, cid]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    centre.transfer(task, RoutingTarget::Worker(cid), Cold);
    centre.complete_reservation(task, ann);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Reserved, None));
    centre.forget();
    centre.reject(task, cid);
    // Nobody has it any more, so it is routed again.
    assert_eq!(centre.events()[..3], ["reservation.rejected", "task.transfer-failed", "workflow.entered"]);
}

#[test]
fn a_canceled_warm_transfer_leaves_everything_as_before() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.forget();
    centre.cancel_transfer(task);
    assert_eq!(centre.events(), ["reservation.canceled", "task.transfer-canceled"]);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    assert_eq!(centre.transfer_status(task), TransferStatus::Canceled);
    assert_eq!(centre.the_worker(bob).last_reserved, None, "his place in the circle is what it was");
}

#[test]
fn a_canceled_cold_transfer_goes_through_the_workflow_again() {
    let (mut centre, task, [_, bob, cid]) = ann_has_a_task();
    let empty = centre.queue("1==0");
    centre.transfer(task, RoutingTarget::TaskQueue(empty), Cold);
    centre.cancel_transfer(task);
    assert_eq!(centre.transfer_status(task), TransferStatus::Canceled);
    assert!([bob, cid].contains(&centre.offered_to(task)[0]));
}

#[test]
fn a_worker_who_cannot_take_it_is_refused_with_the_reason() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    let why = |centre: &mut Centre| {
        let refusal = centre.try_transfer(task, RoutingTarget::Worker(bob), Warm).expect_err("refused");
        assert_eq!((refusal.code(), refusal.field()), (Code::InvalidState, Some("toId")));
        refusal.to_string()
    };
    centre.move_worker(bob, "Break");
    assert_eq!(
        why(&mut centre),
        "the Task cannot be transferred to Bob: the Activity Break is not available"
    );
    centre.move_worker(bob, "Available");
    centre.update_channel(bob, "default", |channel| channel.available = Some(false));
    assert_eq!(
        why(&mut centre),
        "the Task cannot be transferred to Bob: the channel default is switched off"
    );
    centre.update_channel(bob, "default", |channel| {
        channel.available = Some(true);
        channel.configured_capacity = Some(0);
    });
    assert_eq!(
        why(&mut centre),
        "the Task cannot be transferred to Bob: 0 of 0 on the channel default taken"
    );
    assert_eq!(code(centre.try_transfer(task, RoutingTarget::Worker(ann), Warm)), Code::BadUserInput);
    assert_eq!(centre.the_task(task).transfers, []);
}

#[test]
fn who_has_the_task_already_is_not_handed_it_again() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.set_capacity(ann, "default", 2);
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    centre.accept(task, bob);
    let refusal = centre.try_transfer(task, RoutingTarget::Worker(ann), Warm).expect_err("refused");
    assert_eq!(refusal.code(), Code::InvalidState);
}

#[test]
fn only_an_assigned_task_is_handed_on_and_only_once_at_a_time() {
    let (mut centre, task, [_, bob, cid]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    assert_eq!(code(centre.try_transfer(task, RoutingTarget::Worker(cid), Warm)), Code::InvalidState);
    centre.accept(task, bob);
    // Now it is Bob who hands it on, although Ann has it, too.
    centre.transfer(task, RoutingTarget::Worker(cid), Warm);
    assert_eq!(centre.the_task(task).transfers.len(), 2);
    assert_eq!(centre.the_task(task).transfers[1].initiator, bob);
    centre.accept(task, cid);
    centre.complete(task);
    assert_eq!(code(centre.try_transfer(task, RoutingTarget::Worker(bob), Warm)), Code::InvalidState);
}

#[test]
fn while_it_is_handed_on_a_task_is_not_ended() {
    let (mut centre, task, [ann, bob, _]) = ann_has_a_task();
    centre.transfer(task, RoutingTarget::Worker(bob), Warm);
    let cancel = || {
        let reason = "hung up".to_owned();
        Command::CancelTask(CancelTask { id: task, expected_version: None, reason, attributes: None })
    };
    let of_ann = centre.reservation(task, ann).id;
    for command in [
        cancel(),
        Command::WrapUpTask(WrapUpTask { id: task, expected_version: None, attributes: None }),
        Command::CompleteTask(CompleteTask {
            id: task,
            expected_version: None,
            reason: None,
            attributes: None,
        }),
        Command::WrapUpReservation(WrapUpReservation { id: of_ann, expected_version: None }),
    ] {
        assert_eq!(code(centre.try_apply(command)), Code::InvalidState);
    }
    centre.cancel_transfer(task);
    // In a COLD one nobody has it, so that it can be given up.
    centre.transfer(task, RoutingTarget::Worker(bob), Cold);
    centre.forget();
    centre.apply(cancel());
    assert_eq!(centre.events(), ["task.transfer-canceled", "reservation.canceled", "task.canceled"]);
    assert_eq!(centre.the_channel(bob, "default").open(), 0);
}

#[test]
fn while_it_is_handed_on_a_task_stays_on_its_channel() {
    let (mut centre, task, _) = ann_has_a_task();
    let nobody = centre.queue("1==0");
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), Warm);
    assert_eq!(centre.status(task), TaskStatus::Pending);
    let mut move_to = |channel: &str| {
        centre.try_apply(Command::UpdateTask(UpdateTask {
            id: task,
            expected_version: None,
            attributes: None,
            priority: None,
            task_channel: Some(TaskChannelRef::UniqueName(channel.to_owned())),
            virtual_start_time: None,
        }))
    };
    assert_eq!(code(move_to("voice")), Code::InvalidState);
    move_to("default").expect("that is where it is");
}

#[test]
fn a_transfer_may_bring_new_attributes_and_another_priority() {
    let (mut centre, task, [_, bob, _]) = ann_has_a_task();
    centre.apply(Command::TransferTask(TransferTask {
        id: task,
        expected_version: None,
        to: RoutingTarget::Worker(bob),
        mode: Warm,
        attributes: routing::Attributes::of(&json!({ "note": "angry" })),
        priority: Some(9),
    }));
    assert_eq!(centre.events(), ["task.updated", "task.transfer-initiated", "reservation.created"]);
    assert_eq!(centre.the_task(task).priority, 9);
    assert_eq!(centre.the_task(task).attributes.as_str(), r#"{"note":"angry"}"#);
}

#[test]
fn a_task_that_its_colleague_takes_over_in_a_queue_takes_its_place_by_its_age() {
    let (mut centre, task, [_, bob, cid]) = ann_has_a_task();
    for worker in [bob, cid] {
        centre.move_worker(worker, "Offline");
    }
    let queue = centre.queue("1==1");
    centre.pass_seconds(10);
    let younger = centre.task_for(RoutingTarget::TaskQueue(queue), |_| {});
    centre.transfer(task, RoutingTarget::TaskQueue(queue), Warm);
    centre.move_worker(bob, "Available");
    assert_eq!((centre.offered_to(task), centre.offered_to(younger)), (vec![bob], vec![]));
}
