//! Offers, answers and work (`routing.md` 3.4, 5 and 6).

use routing::command::*;
use routing::state::{ReservationStatus, TaskStatus};
use routing::{Attributes, Command, Event};
use serde_json::json;

use crate::fixture::Centre;

// ---- several at once ----

#[test]
fn a_task_is_offered_to_all_candidates_up_to_the_maximum() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(3);
    let workflow = centre.straight_to(queue);
    let workers: Vec<_> = ["Ann", "Ben"].map(|name| centre.worker(name, json!({}))).into();
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), workers, "two candidates and a maximum of three: two offers");

    let zoe = centre.worker("Zoe", json!({}));
    assert_eq!(centre.offered_to(task), workers, "no top-up while an offer is open");
    let other = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(other), [zoe]);
}

#[test]
fn the_first_to_accept_has_the_task_and_the_others_are_rescinded_in_the_same_change() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(3);
    let workflow = centre.straight_to(queue);
    let [ann, ben, zoe] = ["Ann", "Ben", "Zoe"].map(|name| centre.worker(name, json!({})));
    let task = centre.task(workflow, json!({}));
    let waiting = centre.task(workflow, json!({}));
    centre.forget();

    centre.accept(task, ben);
    assert_eq!(
        centre.events(),
        [
            "reservation.accepted",
            "reservation.rescinded",
            "reservation.rescinded",
            "reservation.created",
            "reservation.created"
        ]
    );
    assert_eq!(centre.status(task), TaskStatus::Assigned);
    assert_eq!(centre.offered_to(waiting), [ann, zoe], "who is free again is offered the next Task");

    let id = centre.reservation(task, ann).id;
    let late = centre.try_apply(Command::AcceptReservation(AcceptReservation { id, expected_version: None }));
    let refusal = late.expect_err("too late").to_string();
    assert_eq!(refusal, "the Reservation is RESCINDED, but only PENDING Reservations can be accepted");
}

#[test]
fn a_round_is_over_when_all_have_refused_and_counts_once() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.straight_to(queue);
    let [ann, ben] = ["Ann", "Ben"].map(|name| centre.worker(name, json!({})));
    let task = centre.task(workflow, json!({}));
    centre.reject(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Reserved);
    centre.pass_seconds(1);
    assert_eq!(centre.offered_to(task), [ben], "Ann may be asked again, but not while Ben is asked");
    centre.reject(task, ben);
    assert_eq!(centre.status(task), TaskStatus::Reserved);
    assert_eq!(centre.offered_to(task), [ann]);
    assert_eq!(centre.the_task(task).assignment_count, 2);
}

// ---- room ----

#[test]
fn a_worker_gets_as_many_offers_as_there_is_room_on_the_channel() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let tasks = [(); 4].map(|()| centre.task(workflow, json!({})));
    assert_eq!(tasks.map(|task| centre.offered_to(task).len()), [1, 1, 0, 0]);

    centre.set_capacity(ann, "default", 3);
    assert_eq!(tasks.map(|task| centre.offered_to(task).len()), [1, 1, 1, 0]);
}

#[test]
fn wrapping_up_keeps_the_room_and_completing_frees_it() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let (first, second) = (centre.task(workflow, json!({})), centre.task(workflow, json!({})));
    centre.accept(first, ann);
    centre.forget();

    let id = centre.reservation(first, ann).id;
    centre.apply(Command::WrapUpReservation(WrapUpReservation { id, expected_version: None }));
    assert_eq!(centre.events(), ["task.wrapup", "reservation.wrapup"]);
    assert_eq!(centre.status(first), TaskStatus::Wrapping);
    assert_eq!(centre.offered_to(second), []);

    centre.apply(Command::CompleteReservation(CompleteReservation { id, expected_version: None }));
    assert_eq!(centre.events(), ["task.completed", "reservation.completed", "reservation.created"]);
    assert_eq!(centre.offered_to(second), [ann]);
}

#[test]
fn capacity_that_is_lowered_takes_nothing_away_and_gives_nothing_until_there_is_room() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 3);
    let tasks = [(); 4].map(|()| centre.task(workflow, json!({})));
    let [first, second, third, waiting] = tasks;
    for task in [first, second, third] {
        centre.accept(task, ann);
    }
    centre.set_capacity(ann, "default", 2);
    assert_eq!(centre.the_channel(ann, "default").accepted, 3);
    assert_eq!(centre.the_channel(ann, "default").available_capacity_percentage(), 0);

    centre.complete(first);
    assert_eq!(centre.offered_to(waiting), [], "two are open, and two is the capacity");
    centre.complete(second);
    assert_eq!(centre.offered_to(waiting), [ann]);
}

#[test]
fn a_channel_that_is_switched_off_gets_nothing_and_remembers_its_capacity() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    centre.update_channel(ann, "default", |channel| channel.available = Some(false));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);

    centre.forget();
    centre.update_channel(ann, "default", |channel| channel.available = Some(true));
    assert_eq!(centre.events(), ["worker.channel.availability.update", "reservation.created"]);
    assert_eq!(centre.the_channel(ann, "default").configured_capacity, 2);
}

#[test]
fn capacity_0_means_no_offers_on_this_channel_only() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 0);
    let task = centre.task(workflow, json!({}));
    let chat = centre.task_with(workflow, json!({}), |task| {
        task.task_channel = TaskChannelRef::UniqueName("chat".to_owned());
    });
    assert_eq!(centre.offered_to(task), []);
    assert_eq!(centre.offered_to(chat), [ann]);

    // A Task that changes its channel is matched again in its step.
    centre.update_task(task, |task| task.task_channel = Some(TaskChannelRef::UniqueName("sms".to_owned())));
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn a_step_can_ask_for_idle_workers_and_offers_again_when_one_becomes_idle() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let percentage = "worker.channel.default.available_capacity_percentage";
    let workflow = centre.steps(json!([{ "queue": queue, "expression": format!("{percentage} > 33") }]));
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 3);
    let tasks = [(); 3].map(|()| centre.task(workflow, json!({})));
    let [first, second, third] = tasks;
    assert_eq!(tasks.map(|task| centre.offered_to(task).len()), [1, 1, 0], "with two of three open: 33 %");

    centre.accept(first, ann);
    centre.accept(second, ann);
    assert_eq!(centre.offered_to(third), []);
    centre.complete(first);
    assert_eq!(centre.offered_to(third), [ann]);
}

#[test]
fn who_becomes_eligible_is_offered_what_waits() {
    let mut centre = Centre::new();
    let queue = centre.queue("skills HAS 'es'");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    centre.set_worker_attributes(ann, json!({ "skills": ["es"] }));
    assert_eq!(centre.offered_to(task), [ann]);

    let nobodys = centre.queue("");
    let to_nobody = centre.straight_to(nobodys);
    let ben = centre.worker("Ben", json!({}));
    let other = centre.task(to_nobody, json!({}));
    assert_eq!(centre.offered_to(other), [], "an empty expression is nobody");
    centre.forget();
    centre.update_queue(nobodys, |queue| queue.target_workers = Some("friendly_name == 'Ben'".to_owned()));
    assert_eq!(centre.events(), ["task-queue.expression.updated", "reservation.created"]);
    assert_eq!(centre.offered_to(other), [ben]);
}

#[test]
fn who_is_no_longer_eligible_keeps_the_offer_that_was_made() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.update_queue(queue, |queue| queue.target_workers = Some(String::new()));
    assert_eq!(centre.offered_to(task), [ann]);
    centre.accept(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Assigned);
}

// ---- Activities ----

#[test]
fn a_queue_can_ask_for_an_activity() {
    let mut centre = Centre::new();
    centre.create_activity("Phones", true);
    let queue = centre.queue("activity_name == 'Phones'");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    centre.move_worker(ann, "Phones");
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn a_step_can_ask_for_an_activity() {
    let mut centre = Centre::new();
    centre.create_activity("Phones", true);
    let queue = centre.queue("1==1");
    let expression = "worker.activity_name == 'Phones'";
    let workflow = centre.steps(json!([{ "queue": queue, "expression": expression }]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(task), []);
    centre.move_worker(ann, "Phones");
    assert_eq!(centre.offered_to(task), [ann]);
}

#[test]
fn an_activity_that_is_renamed_brings_the_workers_who_are_in_it_what_asks_for_the_new_name() {
    let mut centre = Centre::new();
    let id = centre.create_activity("Phones", true);
    let (counter, everybody) = (centre.queue("activity_name == 'Counter'"), centre.queue("1==1"));
    let by_queue = centre.straight_to(counter);
    let expression = "worker.activity_name == 'Counter'";
    let by_step = centre.steps(json!([{ "queue": everybody, "expression": expression }]));
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    centre.move_worker(ann, "Phones");
    let tasks = [by_queue, by_step].map(|workflow| centre.task(workflow, json!({})));
    centre.forget();

    let name = Some("Counter".to_owned());
    centre.apply(Command::UpdateActivity(UpdateActivity { id, expected_version: None, name }));
    assert_eq!(centre.events(), ["activity.updated", "reservation.created", "reservation.created"]);
    assert_eq!(tasks.map(|task| centre.offered_to(task)), [vec![ann], vec![ann]]);
}

#[test]
fn a_worker_who_goes_away_keeps_the_offers_that_were_made_and_may_accept_them() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.move_worker(ann, "Break");
    assert_eq!(centre.events(), ["worker.activity.update"]);
    let other = centre.task(workflow, json!({}));
    assert_eq!(centre.offered_to(other), [], "nothing new while away");
    centre.accept(task, ann);
    assert_eq!(centre.status(task), TaskStatus::Assigned);
}

#[test]
fn a_worker_who_goes_away_may_reject_all_offers_in_the_same_change() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let tasks = [(); 2].map(|()| centre.task(workflow, json!({})));
    let ben = centre.worker("Ben", json!({}));
    centre.forget();

    let activity = centre.activity("Break");
    centre.apply(Command::SetWorkerActivity(SetWorkerActivity {
        id: ann,
        expected_version: None,
        activity,
        reject_pending_reservations: true,
    }));
    assert_eq!(
        centre.events(),
        ["worker.activity.update", "reservation.rejected", "reservation.rejected", "reservation.created"]
    );
    assert_eq!(tasks.map(|task| centre.offered_to(task)), [vec![ben], vec![]]);
}

// ---- no answer ----

#[test]
fn who_does_not_answer_is_moved_away_and_does_not_keep_other_customers_waiting() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let (fast, slow) = (centre.straight_to(queue), centre.straight_to(queue));
    centre.answer_within(fast, 10);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 3);
    let missed = centre.task(fast, json!({}));
    let unanswered = centre.task(slow, json!({}));
    let accepted = centre.task(slow, json!({}));
    centre.accept(accepted, ann);
    let turn = centre.reservation(accepted, ann).id.sequence();
    centre.forget();

    centre.pass_milliseconds(9_999);
    assert_eq!(centre.events(), [""; 0]);
    centre.pass_milliseconds(1);
    assert_eq!(centre.events(), ["reservation.timeout", "worker.activity.update", "reservation.canceled"]);
    assert_eq!(centre.activity_of(ann), "Offline");
    assert_eq!(centre.reservation(missed, ann).status, ReservationStatus::TimedOut);
    let canceled = centre.reservation(unanswered, ann);
    assert_eq!(canceled.status, ReservationStatus::Canceled);
    assert_eq!(
        canceled.reason.as_deref(),
        Some("Worker did not answer another Reservation and was moved to Offline")
    );
    assert_eq!(centre.status(accepted), TaskStatus::Assigned, "work that was taken goes on");
    assert_eq!(centre.the_worker(ann).last_reserved.map(|stamp| stamp.sequence), Some(turn));

    // Only the one that she missed is cooling down.
    centre.move_worker(ann, "Available");
    assert_eq!(centre.offered_to(unanswered), [ann]);
    assert_eq!(centre.offered_to(missed), []);
}

#[test]
fn who_is_away_already_and_does_not_answer_does_not_keep_other_customers_waiting_either() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let (fast, slow) = (centre.straight_to(queue), centre.straight_to(queue));
    centre.answer_within(fast, 10);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    centre.task(fast, json!({}));
    let unanswered = centre.task(slow, json!({}));
    centre.move_worker(ann, "Offline");
    assert_eq!(centre.offered_to(unanswered), [ann], "going away keeps the offers");
    centre.forget();

    centre.pass_seconds(10);
    assert_eq!(centre.events(), ["reservation.timeout", "reservation.canceled"]);
    assert_eq!(centre.offered_to(unanswered), []);
}

#[test]
fn without_a_timeout_activity_nobody_is_moved() {
    let mut centre = Centre::new();
    centre.update_workspace(|workspace| workspace.timeout_activity = Some(None));
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let missed = centre.task(workflow, json!({}));
    centre.pass_seconds(60);
    let other = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(60);
    assert_eq!(centre.events(), ["reservation.timeout"]);
    assert_eq!(centre.activity_of(ann), "Available");
    assert_eq!(centre.offered_to(other), [ann]);
    assert_eq!(centre.offered_to(missed), []);
    centre.pass_seconds(1);
    assert_eq!(centre.offered_to(missed), [ann]);
}

#[test]
fn an_available_timeout_activity_keeps_the_other_offers() {
    let mut centre = Centre::new();
    let activity = centre.create_activity("Late", true);
    centre.update_workspace(|workspace| workspace.timeout_activity = Some(Some(activity)));
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    centre.task(workflow, json!({}));
    centre.pass_seconds(60);
    let other = centre.task(workflow, json!({}));
    centre.forget();

    centre.pass_seconds(60);
    assert_eq!(centre.events(), ["reservation.timeout", "worker.activity.update"]);
    assert_eq!(centre.activity_of(ann), "Late");
    assert_eq!(centre.offered_to(other), [ann]);
}

#[test]
fn a_command_that_comes_with_the_timeout_comes_too_late() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    let id = centre.reservation(task, ann).id;
    centre.pass_seconds(120);
    let late = centre.try_apply(Command::AcceptReservation(AcceptReservation { id, expected_version: None }));
    let refusal = late.expect_err("too late").to_string();
    assert_eq!(refusal, "the Reservation is TIMEOUT, but only PENDING Reservations can be accepted");
}

// ---- refusals by Workers, and the cool-down ----

#[test]
fn a_task_that_was_rejected_goes_to_the_next_worker_or_waits_for_the_delay() {
    for delay in [1, 30, 3_600] {
        let mut centre = Centre::new();
        centre.update_workspace(|workspace| workspace.reoffer_delay_seconds = Some(delay));
        let queue = centre.queue("1==1");
        let workflow = centre.straight_to(queue);
        let [ann, ben] = ["Ann", "Ben"].map(|name| centre.worker(name, json!({})));
        let task = centre.task(workflow, json!({}));
        centre.forget();
        centre.reject(task, ann);
        assert_eq!(centre.events(), ["reservation.rejected", "reservation.created"]);
        assert_eq!(centre.offered_to(task), [ben]);
        centre.reject(task, ben);
        assert_eq!(centre.status(task), TaskStatus::Pending);

        // Another Task is none of this one's business.
        let other = centre.task(workflow, json!({}));
        assert_eq!(centre.offered_to(other), [ann]);
        centre.serve(other, ann);
        assert_eq!(centre.offered_to(task), []);

        centre.pass_milliseconds(i64::from(delay) * 1_000 - 1);
        assert_eq!(centre.offered_to(task), [], "delay {delay}");
        centre.pass_milliseconds(1);
        assert_eq!(centre.offered_to(task), [ben], "delay {delay}: Ann has just had a turn");
    }
}

// ---- ends ----

#[test]
fn completing_a_task_ends_its_reservation_and_may_change_the_attributes() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    centre.forget();

    centre.apply(Command::WrapUpTask(WrapUpTask { id: task, expected_version: None, attributes: None }));
    assert_eq!(centre.events(), ["task.wrapup", "reservation.wrapup"]);
    centre.apply(Command::CompleteTask(CompleteTask {
        id: task,
        expected_version: None,
        reason: Some(" solved ".to_owned()),
        attributes: Attributes::of(&json!({ "outcome": "happy" })),
    }));
    assert_eq!(centre.events(), ["task.updated", "task.completed", "reservation.completed"]);
    assert_eq!(centre.reason(task), "solved");
    assert_eq!(centre.the_task(task).attributes.as_str(), r#"{"outcome":"happy"}"#);
    let reservation = centre.reservation(task, ann);
    assert_eq!(reservation.status, ReservationStatus::Completed);
    assert_eq!(centre.the_task(task).ended().and_then(|ended| ended.reservation), Some(reservation.id));
}

#[test]
fn canceling_a_task_withdraws_its_offers_first() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.straight_to(queue);
    let [ann, _] = ["Ann", "Ben"].map(|name| centre.worker(name, json!({})));
    let task = centre.task(workflow, json!({}));
    centre.forget();

    centre.cancel(task);
    assert_eq!(centre.events(), ["reservation.canceled", "reservation.canceled", "task.canceled"]);
    assert_eq!(centre.reason(task), "hung up");
    assert_eq!(centre.the_channel(ann, "default").open(), 0);
}

// ---- versions ----

#[test]
fn reservations_do_not_count_in_the_version_of_a_worker_or_of_a_channel() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.serve(task, ann);
    assert_eq!(centre.the_worker(ann).version, 1);
    assert_eq!(centre.the_channel(ann, "default").version, 1);

    centre.set_capacity(ann, "default", 2);
    assert_eq!(centre.the_worker(ann).version, 1);
    assert_eq!(centre.the_channel(ann, "default").version, 2);
    centre.move_worker(ann, "Break");
    assert_eq!(centre.the_worker(ann).version, 2);
}

#[test]
fn a_change_that_changes_nothing_is_accepted_and_is_no_event() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({ "a": 1 }));
    let task = centre.task(workflow, json!({ "b": 2 }));
    let sequence = centre.router.state().sequence;
    centre.forget();

    centre.move_worker(ann, "Available");
    centre.set_capacity(ann, "default", 1);
    centre.set_attributes(task, json!({ "b": 2 }));
    centre.set_worker_attributes(ann, json!({ "a": 1 }));
    centre.update_queue(queue, |queue| queue.target_workers = Some("1==1".to_owned()));
    centre.update_workflow(workflow, |_| {});
    centre.update_workspace(|workspace| workspace.reoffer_delay_seconds = Some(1));
    assert_eq!(centre.events(), [""; 0]);
    assert_eq!(centre.router.state().sequence, sequence);
}

#[test]
fn what_a_caller_does_is_recorded_in_the_callers_name_and_what_follows_in_the_systems() {
    use routing::event::Actor;
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    centre.worker("Ann", json!({}));
    centre.forget();
    centre.task(workflow, json!({}));
    centre.pass_seconds(120);

    for recorded in centre.recorded() {
        let is_routing = matches!(
            recorded.event,
            Event::ReservationCreated { .. }
                | Event::ReservationTimeout { .. }
                | Event::WorkerActivityUpdate { .. }
        );
        let expected = if is_routing { Actor::System } else { Actor::Admin("test".into()) };
        assert_eq!(recorded.actor, expected, "{}", recorded.event.name());
    }
}

#[test]
fn a_rejection_may_take_the_worker_to_another_activity() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 2);
    let (task, other) = (centre.task(workflow, json!({})), centre.task(workflow, json!({})));
    centre.forget();

    let (id, activity) = (centre.reservation(task, ann).id, Some(centre.activity("Offline")));
    let reject = RejectReservation { id, expected_version: None, reason: None, activity };
    centre.apply(Command::RejectReservation(reject));

    assert_eq!(centre.events(), ["reservation.rejected", "worker.activity.update"]);
    assert_eq!(centre.activity_of(ann), "Offline");
    assert_eq!(centre.offered_to(other), [ann], "the other offer stays");
    centre.pass_seconds(5);
    assert_eq!(centre.offered_to(task), [], "no work comes there");
}
