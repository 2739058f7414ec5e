//! Tasks that go on because nobody can be offered them at once (`routing.md` 2.5).

use routing::state::TaskStatus;
use routing::time::Timestamp;
use serde_json::json;

use crate::fixture::Centre;

/// What a Task that is created in a Workflow of these events goes through after `workflow.entered`.
const SKIPPED_ONCE: [&str; 6] = [
    "task.created",
    "workflow.entered",
    "workflow.target-matched",
    "task-queue.entered",
    "workflow.target-matched",
    "task-queue.moved",
];

#[test]
fn a_task_goes_on_at_once_where_nobody_can_be_offered_it_and_the_step_says_so() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue(""));
    let workflow = centre.steps(json!([{ "queue": first, "skip_if": "1==1" }, { "queue": second }]));
    centre.forget();

    let task = centre.task(workflow, json!({}));

    assert_eq!(centre.events(), SKIPPED_ONCE);
    assert_eq!(centre.queue_of(task), second);
    assert_eq!(centre.status(task), TaskStatus::Pending);
}

#[test]
fn who_can_be_offered_the_task_keeps_it_from_going_on() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.steps(json!([{ "queue": first, "skip_if": "1==1" }, { "queue": second }]));
    let ann = centre.worker("Ann", json!({}));

    let task = centre.task(workflow, json!({}));

    assert_eq!(centre.queue_of(task), first);
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn the_condition_counts_activities_and_not_room() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("team == 'a'"), centre.queue(""));
    let lunch = centre.create_activity("Lunch", false);
    let skip_if = format!("workers.available == 0 OR workers.{lunch} >= 2 OR workers.unavailable > 5");
    let workflow = centre.steps(json!([{ "queue": first, "skip_if": skip_if }, { "queue": second }]));
    let ann = centre.worker("Ann", json!({ "team": "a" }));
    centre.worker("Somebody else", json!({ "team": "b" }));
    let taken = centre.task(workflow, json!({}));
    centre.accept(taken, ann);

    // She is busy, but she is there.
    let waiting = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(waiting), first);
    // Nobody of the TaskQueue is.
    centre.move_worker(ann, "Lunch");
    let skipped = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(skipped), second);
    assert_eq!(centre.queue_of(waiting), first, "it is not looked at again because somebody went away");

    centre.move_worker(ann, "Available");
    for name in ["Bo", "Cy"] {
        let worker = centre.worker(name, json!({ "team": "a" }));
        centre.set_capacity(worker, "default", 0);
        let waiting = centre.task(workflow, json!({}));
        assert_eq!(centre.queue_of(waiting), first);
        centre.move_worker(worker, "Lunch");
    }
    let skipped = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(skipped), second, "two are at lunch");
}

#[test]
fn an_unknown_activity_is_no_number_of_workers() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue(""));
    let steps = |condition: &str| json!([{ "queue": first, "skip_if": condition }, { "queue": second }]);
    for (condition, queue) in [
        ("workers.WA00000000000000000000000000000001 == 0", first),
        ("workers.WA00000000000000000000000000000001 == null", second),
    ] {
        let workflow = centre.steps(steps(condition));
        let task = centre.task(workflow, json!({}));
        assert_eq!(centre.queue_of(task), queue, "{condition}");
    }
}

#[test]
fn the_step_after_a_skipped_one_has_its_full_time() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue("1==1"), centre.queue(""), centre.queue(""));
    let workflow = centre.steps(json!([
        { "queue": first, "timeout": 60, "skip_if": "workers.available == 0" },
        { "queue": second, "timeout": 10 },
        { "queue": third, "timeout": 5 },
    ]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.pass_seconds(7);
    centre.move_worker(ann, "Offline");
    centre.reject(task, ann);
    assert_eq!(centre.queue_of(task), second);

    centre.pass_milliseconds(9_999);
    assert_eq!(centre.queue_of(task), second);
    centre.pass_milliseconds(1);
    assert_eq!(centre.queue_of(task), third);
    centre.forget();
    centre.pass_seconds(5);
    assert_eq!(centre.events(), ["task-queue.timeout", "workflow.timeout", "task.canceled"]);
}

#[test]
fn a_step_without_a_timeout_may_be_skipped_and_those_after_it_have_theirs() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue(""), centre.queue(""), centre.queue(""));
    let workflow = centre.steps(json!([
        { "queue": first, "skip_if": "1==1" },
        { "queue": second, "timeout": 10 },
        { "queue": third },
    ]));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(task), second);
    centre.pass_seconds(10);
    assert_eq!(centre.queue_of(task), third);
}

#[test]
fn it_is_looked_at_again_when_an_offer_has_failed() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue(""));
    let workflow = centre.steps(json!([{ "queue": first, "skip_if": "1==1" }, { "queue": second }]));
    let (ann, bo) = (centre.worker("Ann", json!({})), centre.worker("Bo", json!({})));
    let task = centre.task(workflow, json!({}));
    centre.reject(task, ann);
    assert_eq!(centre.offered_to(task), [bo], "there is somebody else");
    centre.forget();

    centre.reject(task, bo);
    assert_eq!(
        centre.events(),
        ["reservation.rejected", "workflow.target-matched", "task-queue.moved"],
        "both have just refused it"
    );
    assert_eq!(centre.queue_of(task), second);
}

#[test]
fn a_filter_whose_last_step_is_skipped_counts_as_not_matched() {
    let mut centre = Centre::new();
    let (first, second, rest) = (centre.queue(""), centre.queue(""), centre.queue(""));
    let skipped = |queue| json!({ "queue": queue, "skip_if": "1==1" });
    let workflow = centre.workflow(json!({
        "filters": [
            { "expression": "1==1", "targets": [skipped(first)] },
            { "expression": "1==0", "targets": [{ "queue": first }] },
            { "expression": "1==1", "targets": [skipped(second)] },
        ],
        "default_filter": { "queue": rest },
    }));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.queue_of(task), rest);
    assert_eq!(centre.the_task(task).step().and_then(|step| step.filter), None);
}

#[test]
fn who_is_skipped_out_of_the_workflow_is_canceled() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let skipped = json!({ "queue": queue, "skip_if": "1==1" });
    for routing in [
        json!({ "filters": [{ "expression": "1==1", "targets": [skipped] }] }),
        json!({ "default_filter": skipped }),
    ] {
        let workflow = centre.workflow(routing);
        centre.forget();
        let task = centre.task(workflow, json!({}));
        assert_eq!(
            centre.events(),
            [
                "task.created",
                "workflow.entered",
                "workflow.target-matched",
                "task-queue.entered",
                "workflow.skipped",
                "task.canceled"
            ]
        );
        assert_eq!(centre.reason(task), "Task canceled on Workflow skip");
    }
}

#[test]
fn how_the_last_step_was_left_decides_whether_the_default_filter_takes_it() {
    let mut centre = Centre::new();
    let (queue, rest) = (centre.queue(""), centre.queue(""));
    let workflow = |centre: &mut Centre, first, last| {
        centre.workflow(json!({
            "filters": [{ "expression": "1==1", "targets": [first, last] }],
            "default_filter": { "queue": rest },
        }))
    };
    let timeout = json!({ "queue": queue, "timeout": 10 });
    let skip = json!({ "queue": queue, "skip_if": "1==1" });
    let skipped_last = workflow(&mut centre, timeout.clone(), skip.clone());
    let timed_out_last = workflow(&mut centre, skip, timeout);
    let (first, second) = (centre.task(skipped_last, json!({})), centre.task(timed_out_last, json!({})));
    centre.pass_seconds(10);
    assert_eq!(centre.queue_of(first), rest);
    assert_eq!(centre.reason(second), "Task canceled on Workflow timeout");
}

#[test]
fn a_redrive_into_the_same_filter_does_not_bring_back_what_was_skipped() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue(""));
    let workflow = centre.steps(json!([
        { "queue": first, "timeout": 60, "skip_if": "workers.available == 0" },
        { "queue": second, "timeout": 60 },
    ]));
    let task = centre.task(workflow, json!({}));
    let step = centre.the_task(task).step().cloned();
    centre.pass_seconds(5);
    centre.worker("Ann", json!({}));
    centre.set_attributes(task, json!({ "vip": true }));
    assert_eq!(centre.the_task(task).step().cloned(), step, "its place and its clock");
}

#[test]
fn tasks_that_go_on_compete_by_precedence_with_those_who_are_there() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue(""), centre.queue("1==1"));
    let straight = centre.straight_to(second);
    let skipping = centre.steps(json!([
        { "queue": first, "skip_if": "1==1", "priority": 5 },
        { "queue": second },
    ]));
    let low = centre.task(straight, json!({}));
    let high = centre.task(skipping, json!({}));
    let ann = centre.worker("Ann", json!({}));
    assert_eq!((centre.offered_to(high), centre.offered_to(low)), (vec![ann], vec![]));
}

// ---- order_by ----

#[test]
fn the_step_says_who_comes_first_and_among_equals_it_is_the_one_whose_turn_it_is() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "order_by": "worker.level DESC, worker.rank" }]));
    let none = centre.worker("None", json!({ "rank": 1 }));
    let low = centre.worker("Low", json!({ "level": 1, "rank": 2 }));
    let other_low = centre.worker("Other low", json!({ "level": 1.0, "rank": 2 }));
    let lower = centre.worker("Lower", json!({ "level": 1, "rank": 3 }));
    let text = centre.worker("Text", json!({ "level": "9", "rank": 0 }));
    let high = centre.worker("High", json!({ "level": 2, "rank": 9 }));

    let mut order = Vec::new();
    for _ in 0..6 {
        let task = centre.task(workflow, json!({}));
        order.extend(centre.offered_to(task));
    }
    assert_eq!(order, [high, low, other_low, lower, text, none]);
}

#[test]
fn who_has_no_such_value_comes_last_in_either_direction() {
    for (order_by, expected) in
        [("worker.level", ["one", "two", "none"]), ("worker.level DESC", ["two", "one", "none"])]
    {
        let mut centre = Centre::new();
        let queue = centre.queue("1==1");
        let workflow = centre.steps(json!([{ "queue": queue, "order_by": order_by }]));
        centre.worker("none", json!({}));
        centre.worker("two", json!({ "level": 2 }));
        centre.worker("one", json!({ "level": 1 }));
        let order: Vec<_> = (0..3)
            .map(|_| {
                let task = centre.task(workflow, json!({}));
                centre.the_worker(centre.offered_to(task)[0]).name.clone()
            })
            .collect();
        assert_eq!(order, expected, "{order_by}");
    }
}

#[test]
fn several_are_offered_the_task_in_the_order_of_the_step() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.steps(json!([{ "queue": queue, "order_by": "worker.level DESC" }]));
    centre.worker("One", json!({ "level": 1 }));
    let three = centre.worker("Three", json!({ "level": 3 }));
    let two = centre.worker("Two", json!({ "level": 2 }));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), [three, two]);
}

#[test]
fn load_may_put_workers_in_order() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let by_load = "worker.channel.default.assigned_tasks ASC";
    let workflow = centre.steps(json!([{ "queue": queue, "order_by": by_load }]));
    let (ann, bo) = (centre.worker("Ann", json!({})), centre.worker("Bo", json!({})));
    for worker in [ann, bo] {
        centre.set_capacity(worker, "default", 5);
    }
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    let task = centre.task(workflow, json!({}));
    centre.accept(task, bo);
    centre.complete(task);
    // It would be the turn of the first one, who is busy.
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), [bo]);
}

// ---- the time of day ----

/// 2026-01-05 is a Monday; the centre opens at 10:10.
#[test]
fn a_waiting_task_is_looked_at_again_when_the_minute_comes() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "expression": "taskrouter.currentTime >= 1012" }]));
    let ann = centre.worker("Ann", json!({}));
    centre.pass_seconds(30);
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    assert_eq!(centre.router.next_deadline(), Some(Timestamp(centre.router.now().0 + 30_000)));
    centre.pass_milliseconds(89_999);
    assert_eq!(centre.offered_to(task), []);
    centre.pass_milliseconds(1);
    assert_eq!(centre.offered_to(task), [ann]);
    // Nothing looks at the clock any more.
    assert!(centre.router.next_deadline() > Some(centre.router.now().next_minute()));
}

#[test]
fn the_minute_counts_for_a_known_worker_too() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{
        "queue": queue,
        "known_worker_friendly_name": "task.agent",
        "expression": "taskrouter.currentMin != '10'",
    }]));
    let (ann, _bo) = (centre.worker("Ann", json!({})), centre.worker("Bo", json!({})));
    let task = centre.task(workflow, json!({ "agent": "ann" }));
    assert_eq!(centre.offered_to(task), []);
    centre.pass_seconds(60);
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn the_first_in_the_queue_is_served_first_when_the_minute_comes() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "expression": "taskrouter.dayOfWeek == 'Tue'" }]));
    let (ann, bo) = (centre.worker("Ann", json!({})), centre.worker("Bo", json!({})));
    let tasks: Vec<_> = (0..3).map(|_| centre.task(workflow, json!({}))).collect();
    centre.pass_seconds(13 * 3_600);
    assert!(tasks.iter().all(|task| centre.offered_to(*task).is_empty()), "it is still Monday");
    centre.pass_seconds(3_600);
    let offered: Vec<_> = tasks.iter().map(|task| centre.offered_to(*task)).collect();
    assert_eq!(offered, [vec![ann], vec![bo], vec![]]);
}
