//! Tasks on their way through a Workflow (`routing.md` 2).

use routing::command::UpdateWorkflow;
use routing::rejection::Code;
use routing::state::TaskStatus;
use routing::state::task::RoutingStep;
use routing::time::Timestamp;
use routing::{Command, Event, Limits};
use serde_json::json;

use crate::fixture::{Centre, START, document};

// ---- filters ----

#[test]
fn a_task_comes_in_by_five_events_in_this_order() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue }]));
    let ann = centre.worker("Ann", json!({}));
    centre.forget();

    let task = centre.task(workflow, json!({}));

    assert_eq!(
        centre.events(),
        [
            "task.created",
            "workflow.entered",
            "workflow.target-matched",
            "task-queue.entered",
            "reservation.created"
        ]
    );
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.status(task), TaskStatus::Reserved);
}

#[test]
fn that_a_target_matched_names_the_queue_of_this_target() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue(""));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second }]));
    let matched = |centre: &mut Centre| {
        let mut events = centre.recorded().into_iter();
        let task = events.find_map(|recorded| match recorded.event {
            Event::WorkflowTargetMatched { task } => Some(task),
            _ => None,
        });
        (task.expect("a target").task_queue, events.next().expect("the queue is entered").event.name())
    };
    centre.task(workflow, json!({}));
    assert_eq!(matched(&mut centre), (Some(first), "task-queue.entered"));
    centre.pass_seconds(10);
    assert_eq!(matched(&mut centre), (Some(second), "task-queue.moved"));
}

#[test]
fn the_first_filter_that_is_true_takes_the_task() {
    let mut centre = Centre::new();
    let (sales, support, rest) = (centre.queue("1==1"), centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.workflow(json!({
        "filters": [
            { "expression": "kind == 'sales'", "targets": [{ "queue": sales }] },
            { "expression": "kind == 'support'", "targets": [{ "queue": support }] },
            { "expression": "kind != null", "targets": [{ "queue": rest }] },
        ],
        "default_filter": { "queue": rest },
    }));

    for (kind, queue) in [("sales", sales), ("support", support), ("other", rest)] {
        let task = centre.task(workflow, json!({ "kind": kind }));
        assert_eq!(centre.queue_of(task), queue, "{kind}");
    }
}

#[test]
fn what_no_filter_wants_waits_in_the_default_filter_until_its_time_to_live_ends() {
    let mut centre = Centre::new();
    let (sales, rest) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.workflow(json!({
        "filters": [{ "expression": "kind == 'sales'", "targets": [{ "queue": sales, "timeout": 5 }] }],
        "default_filter": { "queue": rest, "timeout": 5 },
    }));
    let task = centre.task_with(workflow, json!({}), |task| task.timeout_seconds = Some(60));
    assert_eq!(centre.queue_of(task), rest);
    centre.forget();

    centre.pass_milliseconds(59_999);
    assert_eq!(centre.events(), [""; 0]);
    centre.pass_milliseconds(1);
    assert_eq!(centre.events(), ["task.canceled"]);
    assert_eq!(centre.reason(task), "Task TTL Exceeded");
}

#[test]
fn what_nothing_wants_is_canceled_at_once() {
    let mut centre = Centre::new();
    let sales = centre.queue("1==1");
    let workflow = centre.workflow(json!({
        "filters": [{ "expression": "kind == 'sales'", "targets": [{ "queue": sales }] }],
    }));
    centre.forget();

    let task = centre.task(workflow, json!({ "kind": "support" }));

    assert_eq!(centre.events(), ["task.created", "workflow.entered", "workflow.timeout", "task.canceled"]);
    assert_eq!(centre.reason(task), "Task canceled on Workflow timeout");
}

// ---- steps and their clock ----

#[test]
fn a_step_ends_when_the_clock_reaches_the_sum_of_the_timeouts() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue(""), centre.queue(""), centre.queue(""));
    let workflow = centre.steps(json!([
        { "queue": first, "timeout": 10 },
        { "queue": second, "timeout": 20 },
        { "queue": third, "timeout": 30 },
    ]));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_milliseconds(9_999);
    assert_eq!(centre.queue_of(task), first);
    centre.pass_milliseconds(1);
    assert_eq!(centre.events(), ["task-queue.timeout", "workflow.target-matched", "task-queue.moved"]);
    assert_eq!(centre.queue_of(task), second);

    centre.pass_milliseconds(19_999);
    assert_eq!(centre.queue_of(task), second);
    centre.pass_milliseconds(1);
    assert_eq!(centre.queue_of(task), third);
    centre.forget();

    centre.pass_seconds(30);
    assert_eq!(centre.events(), ["task-queue.timeout", "workflow.timeout", "task.canceled"]);
    assert_eq!(centre.reason(task), "Task canceled on Workflow timeout");
}

#[test]
fn a_later_step_inherits_the_queue_but_neither_expression_nor_timeout() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow =
        centre.steps(json!([{ "queue": queue, "expression": "worker.level > 5", "timeout": 10 }, {}]));
    let ann = centre.worker("Ann", json!({ "level": 1 }));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    centre.forget();

    centre.pass_seconds(10);
    assert_eq!(
        centre.events(),
        ["task-queue.timeout", "workflow.target-matched", "task-queue.entered", "reservation.created"]
    );
    assert_eq!(centre.queue_of(task), queue);
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.the_task(task).step().and_then(|step| step.deadline), None);
}

#[test]
fn the_clock_of_a_step_does_not_take_an_offer_away() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue(""));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second }]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(60);
    assert_eq!(centre.events(), [""; 0]);
    assert_eq!(centre.offered_to(task), [ann]);

    centre.reject(task, ann);
    assert_eq!(
        centre.events(),
        ["reservation.rejected", "task-queue.timeout", "workflow.target-matched", "task-queue.moved"]
    );
    assert_eq!(centre.queue_of(task), second);
}

#[test]
fn an_offer_that_fails_before_the_deadline_leaves_the_task_in_its_step() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second }]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(8);
    centre.reject(task, ann);
    assert_eq!(centre.events(), ["reservation.rejected"]);
    assert_eq!(centre.queue_of(task), first);
    assert_eq!(centre.status(task), TaskStatus::Pending);
}

#[test]
fn steps_whose_deadline_passed_during_an_offer_are_passed_over() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue("1==1"), centre.queue("1==1"), centre.queue(""));
    let workflow = centre.steps(json!([
        { "queue": first, "timeout": 10 },
        { "queue": second, "timeout": 10 },
        { "queue": third, "timeout": 10 },
    ]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));

    centre.pass_seconds(20);
    centre.reject(task, ann);
    assert_eq!(centre.queue_of(task), third);
    let deadline = centre.the_task(task).step().and_then(|step| step.deadline);
    assert_eq!(deadline, Some(START.plus_seconds(30)));
}

#[test]
fn a_task_whose_only_step_ended_during_an_offer_is_canceled_when_the_offer_times_out() {
    // As in a live test of TaskRouter: one step of 30 seconds, 30 seconds to answer.
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "timeout": 30 }]));
    centre.answer_within(workflow, 30);
    centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(30);
    assert_eq!(
        centre.events(),
        [
            "reservation.timeout",
            "worker.activity.update",
            "task-queue.timeout",
            "workflow.timeout",
            "task.canceled"
        ]
    );
    assert_eq!(centre.reason(task), "Task canceled on Workflow timeout");
}

#[test]
fn after_the_last_step_the_filters_below_are_tried_with_a_fresh_clock() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue(""));
    let workflow = centre.workflow(json!({ "filters": [
        { "expression": "level > 1", "targets": [{ "queue": first, "timeout": 10 }] },
        { "expression": "level > 5", "targets": [{ "queue": first, "timeout": 10 }] },
        { "expression": "level > 2", "targets": [{ "queue": second, "timeout": 15 }] },
    ] }));
    let task = centre.task(workflow, json!({ "level": 3 }));

    centre.pass_seconds(10);
    assert_eq!(centre.queue_of(task), second);
    let step = centre.the_task(task).step().cloned().expect("it waits");
    assert_eq!(step.filter, Some(2));
    assert_eq!(step.deadline, Some(START.plus_seconds(25)));
}

#[test]
fn the_default_filter_is_no_rescue_for_a_task_that_timed_out() {
    let mut centre = Centre::new();
    let (first, rest) = (centre.queue(""), centre.queue("1==1"));
    let workflow = centre.workflow(json!({
        "filters": [{ "expression": "1==1", "targets": [{ "queue": first, "timeout": 10 }] }],
        "default_filter": { "queue": rest },
    }));
    centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));

    centre.pass_seconds(10);
    assert_eq!(centre.status(task), TaskStatus::Canceled);
}

#[test]
fn time_that_jumps_far_takes_a_task_through_its_steps_as_far_as_it_would_have_come() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue(""), centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.steps(json!([
        { "queue": first, "timeout": 10 },
        { "queue": second, "timeout": 10 },
        { "queue": third },
    ]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(3_600);
    assert_eq!(
        centre.events(),
        ["task-queue.timeout", "workflow.target-matched", "task-queue.moved", "reservation.created"]
    );
    assert_eq!(centre.queue_of(task), third);
    assert_eq!(centre.offered_to(task), [ann]);
}

// ---- priority ----

#[test]
fn a_step_sets_the_priority_that_it_names_and_leaves_it_otherwise() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.steps(json!([
        { "queue": queue, "timeout": 10 },
        { "priority": "7", "timeout": 10 },
        { "timeout": 10 },
    ]));
    let task = centre.task_with(workflow, json!({}), |task| task.priority = Some(3));
    assert_eq!(centre.the_task(task).priority, 3);

    centre.pass_seconds(10);
    assert_eq!(centre.the_task(task).priority, 7);
    centre.update_task(task, |task| task.priority = Some(1));
    assert_eq!(centre.the_task(task).priority, 1, "an update holds until a step names another");

    centre.pass_seconds(10);
    assert_eq!(centre.the_task(task).priority, 1);
}

#[test]
fn new_attributes_that_keep_a_task_in_its_step_set_the_priority_of_the_step_again() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.steps(json!([{ "queue": queue, "priority": 7 }]));
    let task = centre.task(workflow, json!({}));
    centre.update_task(task, |task| task.priority = Some(1));
    centre.forget();

    centre.set_attributes(task, json!({ "name": "Eve" }));
    assert_eq!(centre.events(), ["task.updated", "workflow.target-matched"]);
    assert_eq!(centre.the_task(task).priority, 7);
}

// ---- known Workers ----

#[test]
fn a_task_for_a_known_worker_waits_for_that_one_whoever_else_is_free() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "known_worker_sid": "task.agent.id" }]));
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let first = centre.task(workflow, json!({ "agent": { "id": ben } }));
    let second = centre.task(workflow, json!({ "agent": { "id": ben } }));
    assert_eq!(centre.offered_to(first), [ben]);
    assert_eq!(centre.offered_to(second), [], "Ben is busy, and Ann is not asked");
    assert_eq!(centre.the_channel(ann, "default").open(), 0);

    centre.serve(first, ben);
    assert_eq!(centre.offered_to(second), [ben]);
}

#[test]
fn a_known_worker_is_found_by_name_without_regard_to_case_and_after_being_renamed() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "known_worker_friendly_name": "task.agent" }]));
    let ann = centre.worker("Ann Éclair", json!({}));
    let first = centre.task(workflow, json!({ "agent": "ANN ÉCLAIR" }));
    assert_eq!(centre.offered_to(first), [ann]);
    centre.serve(first, ann);

    let second = centre.task(workflow, json!({ "agent": "Zoe" }));
    assert_eq!(centre.offered_to(second), []);
    centre.update_worker(ann, |worker| worker.name = Some("Zoe".to_owned()));
    assert_eq!(centre.offered_to(second), [ann]);
}

#[test]
fn a_known_worker_still_has_to_serve_the_queue_and_to_suit_the_step() {
    let mut centre = Centre::new();
    let queue = centre.queue("vip == true");
    let workflow = centre.steps(json!([
        { "queue": queue, "known_worker_sid": "task.agent", "expression": "worker.level >= task.level" },
    ]));
    let ann = centre.worker("Ann", json!({ "level": 4 }));
    let task = centre.task(workflow, json!({ "agent": ann, "level": 4 }));
    assert_eq!(centre.offered_to(task), [], "not of the queue");

    centre.set_worker_attributes(ann, json!({ "level": 3, "vip": true }));
    assert_eq!(centre.offered_to(task), [], "below the level");
    centre.set_worker_attributes(ann, json!({ "level": 4, "vip": true }));
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn a_task_that_names_nobody_stays_in_the_step_until_its_timeout() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow =
        centre.steps(json!([{ "queue": queue, "known_worker_sid": "task.agent", "timeout": 10 }, {}]));
    centre.worker("Ann", json!({}));
    for agent in [json!(null), json!(17), json!("nobody"), json!("WK00000000000000000000000000000000")] {
        let task = centre.task(workflow, json!({ "agent": agent }));
        assert_eq!(centre.offered_to(task), [], "{agent}");
        centre.cancel(task);
    }
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    centre.pass_seconds(10);
    assert_eq!(centre.offered_to(task).len(), 1);
}

// ---- new attributes, new documents ----

#[test]
fn new_attributes_send_a_pending_task_through_its_workflow_again() {
    let mut centre = Centre::new();
    let (sales, support) = (centre.queue(""), centre.queue(""));
    let workflow = centre.workflow(json!({ "filters": [
        { "expression": "kind == 'sales'", "targets": [{ "queue": sales, "timeout": 10 }] },
        { "expression": "kind == 'support'", "targets": [{ "queue": support, "timeout": 10 }] },
    ] }));
    let task = centre.task(workflow, json!({ "kind": "sales" }));
    centre.pass_seconds(9);
    centre.forget();

    centre.set_attributes(task, json!({ "kind": "support" }));
    assert_eq!(centre.events(), ["task.updated", "workflow.target-matched", "task-queue.moved"]);
    assert_eq!(centre.queue_of(task), support);
    let deadline = centre.the_task(task).step().and_then(|step| step.deadline);
    assert_eq!(deadline, Some(START.plus_seconds(19)), "another filter has a clock of its own");

    centre.set_attributes(task, json!({ "kind": "nonsense" }));
    assert_eq!(centre.events(), ["task.updated", "workflow.timeout", "task.canceled"]);
}

#[test]
fn new_attributes_that_lead_to_the_same_step_keep_place_and_clock() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue(""));
    let workflow =
        centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second, "timeout": 10 }]));
    let task = centre.task(workflow, json!({}));
    centre.pass_seconds(15);
    let before = centre.the_task(task).clone();
    centre.forget();

    centre.set_attributes(task, json!({ "name": "Eve" }));
    assert_eq!(centre.events(), ["task.updated"]);
    let after = centre.the_task(task);
    assert_eq!(after.step(), before.step());
    assert_eq!(after.task_queue_entered_at, before.task_queue_entered_at);
}

#[test]
fn new_attributes_decide_anew_who_suits_the_step() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "expression": "worker.skills HAS task.skill" }]));
    let ann = centre.worker("Ann", json!({ "skills": ["fr"] }));
    let task = centre.task(workflow, json!({ "skill": "es" }));
    assert_eq!(centre.offered_to(task), []);

    centre.set_attributes(task, json!({ "skill": "fr" }));
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn new_attributes_of_a_task_that_is_offered_are_only_stored() {
    let mut centre = Centre::new();
    let (sales, support) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.workflow(json!({ "filters": [
        { "expression": "kind == 'sales'", "targets": [{ "queue": sales }] },
        { "expression": "kind == 'support'", "targets": [{ "queue": support }] },
    ] }));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({ "kind": "sales" }));
    centre.forget();

    centre.set_attributes(task, json!({ "kind": "support" }));
    centre.reject(task, ann);
    assert_eq!(centre.events(), ["task.updated", "reservation.rejected"]);
    assert_eq!(centre.queue_of(task), sales);
}

#[test]
fn a_new_routing_document_leaves_waiting_tasks_where_they_are_until_they_are_sent_through_again() {
    let mut centre = Centre::new();
    let (old, new) = (centre.queue(""), centre.queue(""));
    let workflow = centre.steps(json!([{ "queue": old, "timeout": 10 }, { "queue": old }]));
    let waiting = centre.task(workflow, json!({}));
    let other = centre.task(workflow, json!({}));
    let replacement = document(json!({ "default_filter": { "queue": new } }));
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(replacement));

    let newcomer = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(newcomer), new);
    centre.pass_seconds(10);
    assert_eq!(centre.the_task(waiting).step().map(|step| (step.revision, step.target)), Some((1, 1)));

    centre.set_attributes(other, json!({ "name": "Eve" }));
    assert_eq!(centre.queue_of(other), new);
    assert_eq!(centre.the_task(other).step().map(|step| step.revision), Some(2));
}

#[test]
fn a_routing_document_is_dropped_when_no_task_follows_it_any_more() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.straight_to(queue);
    let waiting = centre.task(workflow, json!({}));
    let kept = |centre: &Centre| -> Vec<u32> {
        let revisions = &centre.router.state().workflows[&workflow].revisions;
        revisions.iter().map(|revision| revision.number).collect()
    };
    for (timeout, expected) in [(10, vec![1, 2]), (20, vec![1, 3])] {
        let routing = json!({ "filters": [
            { "expression": "1==0", "targets": [{ "queue": queue, "timeout": timeout }] },
        ] });
        centre.update_workflow(workflow, |workflow| workflow.configuration = Some(document(routing)));
        assert_eq!(kept(&centre), expected);
    }
    centre.cancel(waiting);
    let routing = json!({ "default_filter": { "queue": queue } });
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(document(routing)));
    assert_eq!(kept(&centre), [4]);
}

// ---- ends of waiting ----

#[test]
fn a_task_that_is_offered_when_its_time_to_live_ends_is_canceled_with_its_offers() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let task = centre.task_with(workflow, json!({}), |task| task.timeout_seconds = Some(60));
    assert_eq!(centre.offered_to(task), [ann, ben]);
    centre.forget();

    centre.pass_seconds(60);
    assert_eq!(centre.events(), ["reservation.canceled", "reservation.canceled", "task.canceled"]);
    assert_eq!(centre.reason(task), "Task TTL Exceeded");
    assert_eq!(centre.reservation(task, ann).reason.as_deref(), Some("Task TTL Exceeded"));
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
}

#[test]
fn a_task_that_nobody_wants_is_canceled_after_as_many_rounds_as_the_limit_says() {
    let mut centre = Centre::with_limits(Limits { assignment_count_max: 3, ..Limits::default() });
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    for _ in 0..2 {
        centre.reject(task, ann);
        centre.pass_seconds(1);
    }
    assert_eq!(centre.the_task(task).assignment_count, 3);
    centre.forget();

    centre.reject(task, ann);
    assert_eq!(centre.events(), ["reservation.rejected", "task.canceled"]);
    assert_eq!(centre.reason(task), "Task TTL Exceeded or Max assignment count exceeded");
}

#[test]
fn a_task_that_has_ended_leaves_the_memory_with_its_reservations_after_a_while() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.serve(task, ann);
    centre.forget();

    centre.pass_milliseconds(299_999);
    assert_eq!(centre.events(), [""; 0]);
    centre.pass_milliseconds(1);
    assert_eq!(centre.events(), ["task.purged"]);
    assert!(centre.router.state().tasks.is_empty());
    assert!(centre.router.state().reservations.is_empty());
    assert_eq!(centre.router.next_deadline(), None);
}

#[test]
fn time_that_goes_back_is_taken_for_the_last_one() {
    let mut centre = Centre::new();
    centre.pass_seconds(60);
    centre.pass_seconds(-30);
    assert_eq!(centre.router.now(), Timestamp(START.0 + 60_000));
}

#[test]
fn new_attributes_keep_the_place_in_a_filter_that_a_new_document_has_kept() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==0");
    let filter = json!({ "expression": "1==1", "targets": [{ "queue": queue, "timeout": 60 }] });
    let workflow = centre.workflow(json!({ "filters": [filter] }));
    let task = centre.task(workflow, json!({}));
    let deadline = centre.the_task(task).step().expect("it waits").deadline;
    let another = json!({ "filters": [filter, { "expression": "1==0", "targets": [{ "queue": queue }] }] });
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(document(another)));
    centre.pass_seconds(30);
    centre.forget();

    centre.set_attributes(task, json!({ "changed": true }));
    assert_eq!(centre.events(), ["task.updated", "workflow.target-matched"], "by the new document");
    assert_eq!(centre.the_task(task).step().expect("it waits").deadline, deadline);
    centre.set_attributes(task, json!({ "changed": "more" }));
    assert_eq!(centre.events(), ["task.updated"]);

    let other =
        json!({ "filters": [{ "expression": "1==1", "targets": [{ "queue": queue, "timeout": 90 }] }] });
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(document(other)));
    centre.forget();
    centre.set_attributes(task, json!({ "changed": "again" }));
    assert_eq!(centre.events(), ["task.updated", "workflow.target-matched", "task-queue.entered"]);
    assert!(
        centre.the_task(task).step().expect("it waits").deadline > deadline,
        "another filter has its own clock"
    );
}

#[test]
fn who_is_sent_to_where_they_stand_goes_on_by_the_new_document() {
    let mut centre = Centre::new();
    let (first, rescue) = (centre.queue("1==0"), centre.queue("1==1"));
    let filter = json!({ "expression": "1==1", "targets": [{ "queue": first, "timeout": 60 }] });
    let workflow = centre.workflow(json!({ "filters": [filter] }));
    let ann = centre.worker("Ann", json!({}));
    let told = centre.task(workflow, json!({}));
    let behind = json!({ "expression": "1==1", "targets": [{ "queue": rescue }] });
    let new = json!({ "filters": [filter, behind] });
    centre.update_workflow(workflow, |workflow| {
        workflow.configuration = Some(document(new));
        workflow.re_evaluate_tasks = true;
    });
    centre.pass_seconds(60);
    assert_eq!(centre.offered_to(told), [ann], "the new filter takes who was there before it");
}

#[test]
fn documents_that_waiting_tasks_follow_are_many_but_not_without_end() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==0");
    let document = |n: usize| {
        let other = json!({ "expression": format!("n == {n}"), "targets": [{ "queue": queue }] });
        let rest = json!({ "expression": "1==1", "targets": [{ "queue": queue }] });
        document(json!({ "filters": [other, rest] }))
    };
    let workflow = centre.workflow(document(0).to_value()["task_routing"].clone());
    let change = |centre: &mut Centre, n: usize, re_evaluate_tasks: bool| {
        centre.try_apply(Command::UpdateWorkflow(UpdateWorkflow {
            id: workflow,
            expected_version: None,
            name: None,
            configuration: Some(document(n)),
            task_reservation_timeout_seconds: None,
            re_evaluate_tasks,
        }))
    };
    for n in 1..=19 {
        centre.task(workflow, json!({}));
        change(&mut centre, n, false).expect("so many are kept");
    }
    centre.task(workflow, json!({}));
    let rejection = change(&mut centre, 20, false).expect_err("that is too many");
    let sentence = "documents of the Workflow, with those that waiting Tasks still follow: the limit is 20";
    assert_eq!((rejection.code(), rejection.to_string()), (Code::LimitExceeded, sentence.to_owned()));
    change(&mut centre, 20, true).expect("nobody follows the old ones any more");
    change(&mut centre, 21, false).expect("there is room for more");
    let revisions = &centre.router.state().workflows[&workflow].revisions;
    assert_eq!(revisions.iter().map(|revision| revision.number).collect::<Vec<_>>(), [21, 22]);

    // Those that are offered to somebody go on by theirs in any case.
    centre.update_queue(queue, |queue| queue.target_workers = Some("1==1".to_owned()));
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 50);
    for n in 22..=39 {
        centre.task(workflow, json!({}));
        change(&mut centre, n, false).expect("so many are kept");
    }
    centre.task(workflow, json!({}));
    change(&mut centre, 40, true).expect_err("that is too many");
}

// ---- looked at again ----

#[test]
fn waiting_tasks_follow_a_new_document_if_they_are_to_be_looked_at_again() {
    let mut centre = Centre::new();
    let (old, new, rest) = (centre.queue(""), centre.queue("1==1"), centre.queue(""));
    let filters = |queue| {
        json!({
            "filters": [{ "expression": "kind == 'sales'", "targets": [{ "queue": queue, "timeout": 60 }] }],
            "default_filter": { "queue": rest },
        })
    };
    let workflow = centre.workflow(filters(old));
    let sales = centre.task(workflow, json!({ "kind": "sales" }));
    let other = centre.task(workflow, json!({}));
    let ann = centre.worker("Ann", json!({}));
    let step_of_other = centre.the_task(other).step().cloned();
    centre.pass_seconds(50);
    centre.forget();

    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(document(filters(new))));
    assert_eq!(centre.events(), ["workflow.updated"], "without being told, they go on as they were");

    centre.update_workflow(workflow, |workflow| workflow.re_evaluate_tasks = true);
    let expected =
        ["workflow.target-matched", "task-queue.moved", "workflow.target-matched", "reservation.created"];
    assert_eq!(centre.events(), expected);
    assert_eq!((centre.queue_of(sales), centre.offered_to(sales)), (new, vec![ann]));
    let step_of_other = step_of_other.map(|step| RoutingStep { revision: 2, ..step });
    assert_eq!(
        centre.the_task(other).step().cloned(),
        step_of_other,
        "who stays where they were keeps the place"
    );
}

#[test]
fn a_task_that_is_offered_is_not_looked_at_again() {
    let mut centre = Centre::new();
    let (old, new) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.straight_to(old);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.update_workflow(workflow, |workflow| {
        workflow.configuration = Some(document(json!({ "default_filter": { "queue": new } })));
        workflow.re_evaluate_tasks = true;
    });
    assert_eq!((centre.queue_of(task), centre.offered_to(task)), (old, vec![ann]));
}

#[test]
fn what_is_due_at_the_same_moment_begins_with_answers_and_goes_on_with_steps() {
    let mut centre = Centre::new();
    let (empty, everyone) = (centre.queue("1==0"), centre.queue("1==1"));
    let straight = centre.straight_to(everyone);
    let in_steps = centre.steps(json!([{ "queue": empty, "timeout": 120 }, { "queue": everyone }]));
    let ann = centre.worker("Ann", json!({}));
    let waiting = centre.task(in_steps, json!({}));
    let offered = centre.task(straight, json!({}));
    assert_eq!((centre.offered_to(waiting), centre.offered_to(offered)), (vec![], vec![ann]));
    centre.forget();
    centre.pass_seconds(120);
    assert_eq!(
        centre.events(),
        [
            "reservation.timeout",
            "worker.activity.update",
            "task-queue.timeout",
            "workflow.target-matched",
            "task-queue.moved"
        ]
    );
}
