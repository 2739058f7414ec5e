//! Which Task goes first, and which Worker (`routing.md` 3 and 4).

use routing::ids::*;
use routing::state::TaskOrder;
use routing::time::Timestamp;
use serde_json::json;

use crate::fixture::{Centre, START};

// ---- Tasks ----

/// One Worker is free again and again: in which order do the waiting Tasks come?
fn served_in_order(centre: &mut Centre, worker: WorkerId, tasks: &[TaskId]) -> Vec<TaskId> {
    let mut order = Vec::new();
    while let Some(task) = tasks.iter().find(|task| centre.offered_to(**task) == [worker]) {
        centre.serve(*task, worker);
        order.push(*task);
    }
    order
}

#[test]
fn a_fifo_queue_serves_by_priority_then_virtual_start_time_then_creation() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let create = |centre: &mut Centre, priority, start: i64| {
        centre.task_with(workflow, json!({}), |task| {
            task.priority = Some(priority);
            task.virtual_start_time = Some(Timestamp(START.0 + start));
        })
    };
    centre.pass_seconds(1);
    let third = create(&mut centre, 0, 500);
    let fourth = create(&mut centre, 0, 500);
    let second = create(&mut centre, 0, 499);
    let first = create(&mut centre, 1, 900);

    let ann = centre.worker("Ann", json!({}));
    let order = served_in_order(&mut centre, ann, &[third, fourth, second, first]);
    assert_eq!(order, [first, second, third, fourth]);
}

#[test]
fn a_lifo_queue_serves_the_newest_first_whatever_the_priority() {
    let mut centre = Centre::new();
    let queue = centre.lifo_queue("1==1");
    let workflow = centre.straight_to(queue);
    centre.pass_seconds(1);
    let urgent = centre.task_with(workflow, json!({}), |task| task.priority = Some(100));
    let newer = centre.task(workflow, json!({}));
    let backdated = centre.task_with(workflow, json!({}), |task| task.virtual_start_time = Some(START));

    let ann = centre.worker("Ann", json!({}));
    let order = served_in_order(&mut centre, ann, &[urgent, newer, backdated]);
    assert_eq!(order, [newer, urgent, backdated]);
}

#[test]
fn a_queue_that_becomes_lifo_turns_its_waiting_tasks_around() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let older = centre.task_with(workflow, json!({}), |task| task.priority = Some(100));
    let newer = centre.task(workflow, json!({}));
    centre.update_queue(queue, |queue| queue.task_order = Some(TaskOrder::Lifo));

    let ann = centre.worker("Ann", json!({}));
    assert_eq!(served_in_order(&mut centre, ann, &[older, newer]), [newer, older]);
}

#[test]
fn a_worker_of_several_fifo_queues_takes_the_most_urgent_task_of_all() {
    let mut centre = Centre::new();
    let (sales, support) = (centre.queue("1==1"), centre.queue("1==1"));
    let (to_sales, to_support) = (centre.straight_to(sales), centre.straight_to(support));
    let oldest = centre.task(to_sales, json!({}));
    let urgent = centre.task_with(to_support, json!({}), |task| task.priority = Some(1));
    centre.pass_seconds(1);
    let newest = centre.task(to_sales, json!({}));
    let middle = centre
        .task_with(to_support, json!({}), |task| task.virtual_start_time = Some(Timestamp(START.0 + 500)));

    let ann = centre.worker("Ann", json!({}));
    let order = served_in_order(&mut centre, ann, &[oldest, urgent, newest, middle]);
    assert_eq!(order, [urgent, oldest, middle, newest]);
}

#[test]
fn queues_of_the_preferred_order_go_first_whatever_the_priority() {
    for (preferred, fifo_first) in [(TaskOrder::Fifo, true), (TaskOrder::Lifo, false)] {
        let mut centre = Centre::new();
        let (fifo, lifo) = (centre.queue("1==1"), centre.lifo_queue("1==1"));
        let (to_fifo, to_lifo) = (centre.straight_to(fifo), centre.straight_to(lifo));
        let of_fifo = centre.task(to_fifo, json!({}));
        let of_lifo = centre.task_with(to_lifo, json!({}), |task| task.priority = Some(100));
        let late_of_fifo = centre.task_with(to_fifo, json!({}), |task| task.priority = Some(100));
        let late_of_lifo = centre.task(to_lifo, json!({}));
        // The setting may change while Tasks wait.
        centre.update_workspace(|workspace| workspace.queue_order_priority = Some(preferred));

        let ann = centre.worker("Ann", json!({}));
        let (by_fifo, by_lifo) = ([late_of_fifo, of_fifo], [late_of_lifo, of_lifo]);
        let expected = if fifo_first { [by_fifo, by_lifo] } else { [by_lifo, by_fifo] }.concat();
        let tasks = [of_fifo, of_lifo, late_of_fifo, late_of_lifo];
        assert_eq!(served_in_order(&mut centre, ann, &tasks), expected, "{preferred:?} first");
    }
}

#[test]
fn a_task_that_the_worker_cannot_take_does_not_hold_up_those_behind_it() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.steps(json!([{ "queue": queue, "expression": "worker.skills HAS task.skill" }]));
    let spanish = centre.task_with(workflow, json!({ "skill": "es" }), |task| task.priority = Some(9));
    let chat = centre.task_with(workflow, json!({ "skill": "fr" }), |task| {
        task.priority = Some(8);
        task.task_channel = routing::command::TaskChannelRef::UniqueName("chat".to_owned());
    });
    let french = centre.task(workflow, json!({ "skill": "fr" }));

    let ann = centre.worker("Ann", json!({ "skills": ["fr"] }));
    assert_eq!(centre.offered_to(spanish), []);
    assert_eq!(centre.offered_to(chat), [ann]);
    assert_eq!(centre.offered_to(french), [ann], "chat has a capacity of its own");
}

#[test]
fn a_new_priority_or_virtual_start_time_moves_a_waiting_task() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    centre.pass_seconds(1);
    let tasks: Vec<TaskId> = (0..3).map(|_| centre.task(workflow, json!({}))).collect();
    centre.update_task(tasks[1], |task| task.virtual_start_time = Some(START));
    centre.update_task(tasks[2], |task| task.priority = Some(1));

    let ann = centre.worker("Ann", json!({}));
    assert_eq!(served_in_order(&mut centre, ann, &tasks), [tasks[2], tasks[1], tasks[0]]);
}

#[test]
fn workers_who_become_free_together_serve_the_most_urgent_tasks() {
    let mut centre = Centre::new();
    let queue = centre.queue("shift == 'on'");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let ordinary = centre.task(workflow, json!({}));
    let urgent = centre.task_with(workflow, json!({}), |task| task.priority = Some(9));
    let late = centre.task(workflow, json!({}));

    centre.update_queue(queue, |queue| queue.target_workers = Some("1==1".to_owned()));
    assert_eq!(centre.offered_to(urgent), [ann]);
    assert_eq!(centre.offered_to(ordinary), [ben]);
    assert_eq!(centre.offered_to(late), []);
}

// ---- Workers ----

/// The next of many Tasks, each served at once, goes to …
fn turns(centre: &mut Centre, workflow: WorkflowId, n: usize) -> Vec<WorkerId> {
    let mut order = Vec::new();
    for _ in 0..n {
        let task = centre.task(workflow, json!({}));
        let worker = centre.offered_to(task)[0];
        centre.serve(task, worker);
        order.push(worker);
    }
    order
}

#[test]
fn whoever_got_an_offer_longest_ago_is_next_and_who_never_got_one_comes_before() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    assert_eq!(turns(&mut centre, workflow, 3), [ann, ben, ann]);

    let zoe = centre.worker("Zoe", json!({}));
    assert_eq!(turns(&mut centre, workflow, 4), [zoe, ben, ann, zoe]);
}

#[test]
fn a_rejected_or_missed_offer_was_a_turn() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    centre.update_workspace(|workspace| workspace.timeout_activity = Some(None));
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), [ann]);
    centre.reject(task, ann);
    assert_eq!(centre.offered_to(task), [ben]);
    centre.pass_seconds(120);
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn an_offer_that_is_withdrawn_was_no_turn() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.straight_to(queue);
    let one_at_a_time = centre.queue("1==1");
    let to_one = centre.straight_to(one_at_a_time);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    assert_eq!(turns(&mut centre, to_one, 2), [ann, ben]);

    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), [ann, ben]);
    centre.serve(task, ann);
    assert_eq!(turns(&mut centre, to_one, 1), [ben], "rescinded: Ann had her turn, Ben did not");

    let canceled = centre.task(to_one, json!({}));
    assert_eq!(centre.offered_to(canceled), [ann]);
    centre.cancel(canceled);
    assert_eq!(turns(&mut centre, to_one, 1), [ann], "canceled: neither did Ann this time");
}

#[test]
fn offers_that_are_withdrawn_in_the_order_they_were_made_leave_the_worker_at_the_old_place() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    assert_eq!(turns(&mut centre, workflow, 2), [ann, ben]);
    let turn = centre.the_worker(ann).last_reserved;

    centre.move_worker(ben, "Break");
    centre.set_capacity(ann, "default", 3);
    let tasks: Vec<TaskId> = (0..3).map(|_| centre.task(workflow, json!({}))).collect();
    // The one in the middle first, so that its place before is that of an offer which is withdrawn later.
    for task in [tasks[1], tasks[0], tasks[2]] {
        assert_eq!(centre.offered_to(task), [ann]);
        centre.cancel(task);
    }

    assert_eq!(centre.the_worker(ann).last_reserved, turn);
    assert_eq!(centre.the_channel(ann, "default").last_reserved, turn);
    centre.move_worker(ben, "Available");
    assert_eq!(turns(&mut centre, workflow, 1), [ann]);
}

#[test]
fn an_offer_that_is_withdrawn_after_a_later_one_was_missed_changes_no_turn() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let (first, second) = (centre.task(workflow, json!({})), centre.task(workflow, json!({})));
    centre.reject(second, ann);
    let turn = centre.the_worker(ann).last_reserved;
    centre.cancel(first);
    assert_eq!(centre.the_worker(ann).last_reserved, turn);
}

#[test]
fn a_break_neither_gains_nor_loses_a_turn_and_brings_no_flood_afterwards() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let zoe = centre.worker("Zoe", json!({}));
    assert_eq!(turns(&mut centre, workflow, 3), [ann, ben, zoe]);
    centre.move_worker(ann, "Break");
    assert_eq!(turns(&mut centre, workflow, 4), [ben, zoe, ben, zoe]);
    centre.move_worker(ann, "Available");
    assert_eq!(turns(&mut centre, workflow, 4), [ann, ben, zoe, ann]);
}

#[test]
fn how_much_room_a_worker_has_does_not_enter_the_order() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    centre.set_capacity(ann, "default", 2);
    centre.set_capacity(ben, "default", 10);
    let tasks: Vec<TaskId> = (0..5).map(|_| centre.task(workflow, json!({}))).collect();
    let offered: Vec<WorkerId> = tasks.iter().map(|task| centre.offered_to(*task)[0]).collect();
    assert_eq!(offered, [ann, ben, ann, ben, ben]);
}

#[test]
fn a_channel_that_is_optimized_has_a_circle_of_its_own_and_still_counts_in_the_common_one() {
    let mut centre = Centre::with_optimized_channel("chat");
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    let offered = |centre: &mut Centre, channel: &str| {
        let task = centre.task_with(workflow, json!({}), |task| {
            task.task_channel = routing::command::TaskChannelRef::UniqueName(channel.to_owned());
        });
        let worker = centre.offered_to(task)[0];
        centre.serve(task, worker);
        worker
    };
    assert_eq!(offered(&mut centre, "voice"), ann);
    assert_eq!(offered(&mut centre, "chat"), ann, "nobody has had a chat yet");
    assert_eq!(offered(&mut centre, "chat"), ben);
    assert_eq!(offered(&mut centre, "voice"), ann, "by the common circle, Ann's last offer is the older one");
    assert_eq!(offered(&mut centre, "chat"), ann);
}
