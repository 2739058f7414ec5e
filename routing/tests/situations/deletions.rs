//! What is deleted, what is in the way, and what stays to be read.

use routing::command::*;
use routing::ids::*;
use routing::rejection::Code;
use routing::state::task_transfer::TransferMode;
use routing::state::{ReservationStatus, RoutingTarget, TaskStatus};
use routing::{Command, Event, Rejection};
use serde_json::json;

use crate::fixture::{Centre, document};

fn delete_queue(id: TaskQueueId) -> Command {
    Command::DeleteTaskQueue(DeleteTaskQueue { id, expected_version: None })
}

fn delete_workflow(id: WorkflowId) -> Command {
    Command::DeleteWorkflow(DeleteWorkflow { id, expected_version: None })
}

fn delete_activity(id: ActivityId) -> Command {
    Command::DeleteActivity(DeleteActivity { id, expected_version: None })
}

fn delete_channel(id: TaskChannelId) -> Command {
    Command::DeleteTaskChannel(DeleteTaskChannel { id, expected_version: None })
}

fn delete_worker(id: WorkerId, force: bool) -> Command {
    Command::DeleteWorker(DeleteWorker { id, expected_version: None, force })
}

fn delete_task(id: TaskId) -> Command {
    Command::DeleteTask(DeleteTask { id, expected_version: None })
}

/// Refused because others need it: as this sentence says, so many of them. Nothing has changed.
#[track_caller]
fn in_use(centre: &mut Centre, command: Command, sentence: &str, expected: usize) {
    let before = centre.router.state().clone();
    centre.forget();
    let rejection = centre.try_apply(command).expect_err("it is in use");
    assert_eq!(rejection.to_string(), sentence);
    let Rejection::InUse { n_users, .. } = rejection else { panic!("{:?}", rejection.code()) };
    assert_eq!(n_users, expected);
    assert!(*centre.router.state() == before && centre.recorded().is_empty(), "something has changed");
}

/// There is no such thing (any more).
#[track_caller]
fn not_found(centre: &mut Centre, command: Command) {
    let rejection = centre.try_apply(command).expect_err("it is not there");
    assert_eq!((rejection.code(), rejection.field()), (Code::NotFound, Some("id")), "{rejection}");
}

// ---- Workers ----

#[test]
fn a_worker_without_open_reservations_is_deleted_and_the_name_is_free() {
    let mut centre = Centre::new();
    let (queue, ann) = (centre.queue("1==1"), centre.worker("Ann", json!({ "skills": ["a"] })));
    let workflow = centre.straight_to(queue);
    let done = centre.task(workflow, json!({}));
    centre.serve(done, ann);
    centre.forget();

    centre.apply(delete_worker(ann, false));
    assert_eq!(centre.events(), ["worker.deleted"]);
    let state = centre.router.state();
    assert!(!state.workers.contains_key(&ann) && state.worker_named("ann").is_none());
    let deleted = state.worker(ann).expect("a Reservation refers to the Worker");
    assert_eq!((deleted.deleted_at, deleted.version), (Some(centre.router.now()), 2));
    let waiting = centre.task(workflow, json!({}));
    assert_eq!(centre.status(waiting), TaskStatus::Pending, "a deleted Worker gets nothing");
    not_found(&mut centre, delete_worker(ann, true));

    let namesake = centre.worker("ann", json!({}));
    assert_eq!(centre.offered_to(waiting), [namesake]);
    assert_ne!(namesake, ann);
}

#[test]
fn a_worker_with_open_reservations_is_deleted_by_force_as_long_as_nobody_is_being_served() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.set_capacity(ann, "default", 3);
    let (served, offered) = (centre.task(workflow, json!({})), centre.task(workflow, json!({})));
    centre.accept(served, ann);
    let (accepted, pending) = (centre.reservation(served, ann).id, centre.reservation(offered, ann).id);
    let sentence = format!(
        "the Worker cannot be deleted: Reservation {accepted} is accepted, Reservation {pending} is pending"
    );
    in_use(&mut centre, delete_worker(ann, false), &sentence, 2);
    let sentence = format!("the Worker cannot be deleted: Reservation {accepted} is accepted");
    in_use(&mut centre, delete_worker(ann, true), &sentence, 1);

    centre.complete(served);
    let ben = centre.worker("Ben", json!({}));
    centre.forget();
    centre.apply(delete_worker(ann, true));
    let expected = ["reservation.canceled", "worker.deleted", "reservation.created"];
    assert_eq!(centre.events(), expected, "the customer is offered to somebody else at once");
    assert_eq!(centre.offered_to(offered), [ben]);
    let canceled = centre.reservation(offered, ann);
    assert_eq!(canceled.status, ReservationStatus::Canceled);
    assert_eq!(canceled.reason.as_deref(), Some("Worker deleted"));
}

#[test]
fn an_offer_that_ends_with_its_worker_is_a_failed_offer_like_any_other() {
    let mut centre = Centre::new();
    let (first, second) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 10 }, { "queue": second }]));
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.pass_seconds(30);
    assert_eq!(centre.offered_to(task), [ann], "the deadline takes no offer away");
    centre.forget();
    centre.apply(delete_worker(ann, true));
    let names = centre.events();
    assert_eq!(names[..3], ["reservation.canceled", "worker.deleted", "task-queue.timeout"], "{names:?}");
    assert_eq!(centre.queue_of(task), second);
}

#[test]
fn who_waits_for_a_worker_who_is_deleted_waits_no_longer() {
    let mut centre = Centre::new();
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));
    centre.move_worker(ann, "Offline");
    let task = centre.task_for(RoutingTarget::Worker(ann), |task| task.ignore_capacity = Some(false));
    let other = centre.task_for(RoutingTarget::Worker(ben), |_| {});
    centre.forget();
    centre.apply(delete_worker(ann, false));
    assert_eq!(centre.events(), ["worker.deleted", "reservation.failed", "task.canceled"]);
    assert_eq!((centre.status(task), centre.reason(task)), (TaskStatus::Canceled, "Worker deleted"));
    assert_eq!(centre.status(other), TaskStatus::Reserved);
}

#[test]
fn a_worker_that_is_known_by_name_is_whoever_has_the_name_now() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let target = json!([{ "queue": queue, "known_worker_friendly_name": "task.agent" }]);
    let workflow = centre.steps(target);
    let ann = centre.worker("Ann", json!({}));
    centre.apply(delete_worker(ann, false));
    let task = centre.task(workflow, json!({ "agent": "ANN" }));
    assert_eq!(centre.status(task), TaskStatus::Pending);
    let other = centre.worker("Ann", json!({}));
    assert_eq!(centre.offered_to(task), [other]);
}

#[test]
fn many_come_and_go_and_each_gets_what_is_theirs() {
    let mut centre = Centre::new();
    let queue = centre.queue("skills HAS 'a'");
    let workflow = centre.straight_to(queue);
    for round in 0..20 {
        let skills = if round % 3 == 0 { json!(["b"]) } else { json!(["a"]) };
        let worker = centre.worker(&format!("Worker {}", round % 4), json!({ "skills": skills }));
        let task = centre.task(workflow, json!({}));
        let is_served = round % 3 != 0;
        assert_eq!(centre.offered_to(task) == [worker], is_served, "round {round}");
        centre.apply(delete_worker(worker, true));
        assert_eq!(centre.status(task), TaskStatus::Pending);
        centre.cancel(task);
    }
    assert!(centre.router.state().workers.is_empty());
}

// ---- TaskQueues ----

#[test]
fn a_queue_is_in_use_by_its_tasks_and_by_workflows_that_lead_there() {
    let mut centre = Centre::new();
    let (queue, other) = (centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.straight_to(queue);
    let name = format!("Workflow {}", workflow.bits());
    let sentence = format!("the TaskQueue cannot be deleted: Workflow {name} refers to it");
    in_use(&mut centre, delete_queue(queue), &sentence, 1);

    let task = centre.task(workflow, json!({}));
    let redirected = document(json!({ "default_filter": { "queue": other } }));
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(redirected));
    let sentence =
        format!("the TaskQueue cannot be deleted: Workflow {name} refers to it, Task {task} is in it");
    in_use(&mut centre, delete_queue(queue), &sentence, 2);

    centre.cancel(task);
    centre.forget();
    centre.apply(delete_queue(queue));
    assert_eq!(centre.events(), ["task-queue.deleted"]);
    assert!(centre.router.state().task_queue(queue).is_some(), "the canceled Task was in it");
    not_found(&mut centre, delete_queue(queue));
    centre.pass_seconds(300);
    assert!(centre.router.state().task_queue(queue).is_none(), "nothing refers to it any more");
}

#[test]
fn a_queue_is_in_use_by_a_document_that_waiting_tasks_follow_although_it_was_replaced() {
    let mut centre = Centre::new();
    let (first, second, third) = (centre.queue("1==1"), centre.queue("1==1"), centre.queue("1==1"));
    let workflow = centre.steps(json!([{ "queue": first, "timeout": 60 }, { "queue": second }]));
    let task = centre.task(workflow, json!({}));
    let straight = document(json!({ "default_filter": { "queue": third } }));
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(straight));
    let name = format!("Workflow {}", workflow.bits());
    let sentence = format!("the TaskQueue cannot be deleted: Workflow {name} refers to it");
    in_use(&mut centre, delete_queue(second), &sentence, 1);
    centre.cancel(task);
    centre.apply(delete_queue(second));
    // A document cannot lead there any more.
    let back = document(json!({ "default_filter": { "queue": second } }));
    let update = UpdateWorkflow {
        id: workflow,
        expected_version: None,
        name: None,
        configuration: Some(back),
        task_reservation_timeout_seconds: None,
        re_evaluate_tasks: false,
    };
    let rejection =
        centre.try_apply(Command::UpdateWorkflow(update)).expect_err("there is no such TaskQueue");
    assert_eq!(rejection.code(), Code::InvalidWorkflow);
}

#[test]
fn of_many_users_ten_are_named_and_three_of_them_in_the_sentence() {
    let mut centre = Centre::new();
    let (queue, other) = (centre.queue(""), centre.queue(""));
    let workflow = centre.straight_to(queue);
    for _ in 0..12 {
        centre.task(workflow, json!({}));
    }
    let straight = document(json!({ "default_filter": { "queue": other } }));
    centre.update_workflow(workflow, |workflow| workflow.configuration = Some(straight));
    let rejection = centre.try_apply(delete_queue(queue)).expect_err("it is in use");
    let Rejection::InUse { users, n_users, .. } = &rejection else { panic!("{rejection}") };
    assert_eq!((users.len(), *n_users), (10, 13));
    assert!(rejection.to_string().ends_with(", and 10 more"), "{rejection}");
    assert_eq!((users[0].kind, users[9].kind), ("Workflow", "Task"));
}

// ---- Workflows ----

#[test]
fn a_workflow_is_in_use_by_tasks_that_wait_and_not_by_those_that_somebody_has() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let pending = centre.task(workflow, json!({}));
    let sentence = format!("the Workflow cannot be deleted: Task {pending} follows it");
    in_use(&mut centre, delete_workflow(workflow), &sentence, 1);
    let ann = centre.worker("Ann", json!({}));
    in_use(&mut centre, delete_workflow(workflow), &sentence, 1);

    centre.accept(pending, ann);
    centre.forget();
    centre.apply(delete_workflow(workflow));
    assert_eq!(centre.events(), ["workflow.deleted"]);
    let name = format!("Workflow {}", workflow.bits());
    assert!(centre.router.state().workflow_named(&name).is_none());
    assert!(centre.router.state().workflow(workflow).is_some(), "the Task still says where it came from");
    centre.complete(pending);
    assert_eq!(centre.status(pending), TaskStatus::Completed);
    centre.pass_seconds(300);
    assert!(centre.router.state().workflow(workflow).is_none());
}

// ---- Activities ----

#[test]
fn an_activity_is_in_use_by_the_settings_and_by_those_who_are_in_it() {
    let mut centre = Centre::new();
    let offline = centre.activity("Offline");
    let sentence = "the Activity cannot be deleted: Workspace Centre has it as its default Activity, Workspace \
                    Centre has it as its timeout Activity, Workspace Centre has it as its logout Activity";
    in_use(&mut centre, delete_activity(offline), sentence, 3);
    let pause = centre.activity("Break");
    let ann = centre.worker("Ann", json!({}));
    centre.move_worker(ann, "Break");
    let sentence = "the Activity cannot be deleted: Worker Ann is in it";
    in_use(&mut centre, delete_activity(pause), sentence, 1);

    centre.apply(delete_worker(ann, false));
    centre.forget();
    centre.apply(delete_activity(pause));
    assert_eq!(centre.events(), ["activity.deleted"]);
    assert!(centre.router.state().activity_named("Break").is_none());
    assert!(centre.router.state().activity(pause).is_some(), "the log names it");
    let again = centre.create_activity("break", true);
    assert_ne!(again, pause);
    not_found(&mut centre, delete_activity(pause));
}

// ---- Task Channels ----

#[test]
fn a_channel_is_in_use_by_tasks_and_the_first_five_always_are() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let video = centre.channel_id("video");
    let sentence = "the Task Channel cannot be deleted: Workspace Centre always has it";
    in_use(&mut centre, delete_channel(video), sentence, 1);

    let mail = centre.create_channel("mail");
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task_with(workflow, json!({}), |task| task.task_channel = TaskChannelRef::Id(mail));
    let sentence = format!("the Task Channel cannot be deleted: Task {task} uses it");
    in_use(&mut centre, delete_channel(mail), &sentence, 1);
    centre.serve(task, ann);
    centre.set_capacity(ann, "mail", 7);
    centre.forget();
    centre.apply(delete_channel(mail));
    assert_eq!(centre.events(), ["task-channel.deleted"]);

    // The name is free; the new one has nothing of the old one.
    let again = centre.create_channel("mail");
    assert_ne!(again, mail);
    assert_eq!(centre.the_channel(ann, "mail").configured_capacity, 1);
    let next = centre.task_with(workflow, json!({}), |task| task.task_channel = TaskChannelRef::Id(again));
    assert_eq!(centre.offered_to(next), [ann]);
    not_found(&mut centre, delete_channel(mail));
}

fn ann_has_a_task_on_mail() -> (Centre, TaskChannelId, WorkerId, TaskId) {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let mail = centre.create_channel("mail");
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task_with(workflow, json!({}), |task| task.task_channel = TaskChannelRef::Id(mail));
    centre.accept(task, ann);
    (centre, mail, ann, task)
}

fn mail_is_in_use_until_ann_is_done(mut centre: Centre, mail: TaskChannelId, ann: WorkerId, task: TaskId) {
    let sentence = format!("the Task Channel cannot be deleted: Task {task} uses it");
    in_use(&mut centre, delete_channel(mail), &sentence, 1);
    centre.complete_reservation(task, ann);
    assert_eq!(centre.the_channel(ann, "mail").open(), 0);
    centre.apply(delete_channel(mail));
}

#[test]
fn a_channel_is_in_use_by_whoever_still_wraps_up_a_task_that_has_ended() {
    let (mut centre, mail, ann, task) = ann_has_a_task_on_mail();
    let nobody = centre.queue("");
    centre.transfer(task, RoutingTarget::TaskQueue(nobody), TransferMode::Cold);
    centre.cancel(task);
    assert_eq!(centre.reservation(task, ann).status, ReservationStatus::Wrapping);
    mail_is_in_use_until_ann_is_done(centre, mail, ann, task);
}

#[test]
fn a_channel_is_in_use_by_whoever_still_wraps_up_a_task_that_has_gone_to_another_channel() {
    let (mut centre, mail, ann, task) = ann_has_a_task_on_mail();
    let ben = centre.worker("Ben", json!({}));
    centre.transfer(task, RoutingTarget::Worker(ben), TransferMode::Cold);
    centre.move_worker(ben, "Offline");
    centre.reject(task, ben);
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.update_task(task, |task| {
        task.task_channel = Some(TaskChannelRef::UniqueName("default".to_owned()));
    });
    mail_is_in_use_until_ann_is_done(centre, mail, ann, task);
}

#[test]
fn a_step_that_names_a_channel_which_is_deleted_is_looked_at_again() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let expression = "worker.channel.mail.configured_capacity == null";
    let workflow = centre.steps(json!([{ "queue": queue, "expression": expression }]));
    let mail = centre.create_channel("mail");
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    assert_eq!(centre.status(task), TaskStatus::Pending);
    centre.apply(delete_channel(mail));
    assert_eq!(centre.offered_to(task), [ann]);
}

// ---- Tasks ----

#[test]
fn a_task_is_deleted_in_any_status_and_everybody_has_room_again() {
    let mut centre = Centre::new();
    let queue = centre.queue_for_several(2);
    let workflow = centre.straight_to(queue);
    let (ann, ben) = (centre.worker("Ann", json!({})), centre.worker("Ben", json!({})));

    let offered = centre.task(workflow, json!({}));
    centre.forget();
    centre.apply(delete_task(offered));
    assert_eq!(centre.events(), ["reservation.canceled", "reservation.canceled", "task.deleted"]);
    assert_eq!((centre.status(offered), centre.reason(offered)), (TaskStatus::Canceled, "Task deleted"));

    let assigned = centre.task(workflow, json!({}));
    centre.accept(assigned, ann);
    let waiting = centre.task(workflow, json!({}));
    centre.accept(waiting, ben);
    let pending = centre.task(workflow, json!({}));
    centre.forget();
    centre.apply(delete_task(pending));
    assert_eq!(centre.events(), ["task.deleted"]);

    let next = centre.task(workflow, json!({}));
    centre.forget();
    centre.apply(delete_task(assigned));
    assert_eq!(centre.events(), ["reservation.completed", "task.deleted", "reservation.created"]);
    assert_eq!(centre.status(assigned), TaskStatus::Completed);
    assert_eq!(centre.reservation(assigned, ann).status, ReservationStatus::Completed);
    assert_eq!(centre.offered_to(next), [ann]);
}

#[test]
fn a_deleted_task_is_not_wrapped_up_first_where_one_of_its_workers_does() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    centre.accept(task, ann);
    let ben = centre.worker("Ben", json!({}));
    centre.transfer(task, RoutingTarget::Worker(ben), TransferMode::Warm);
    centre.accept(task, ben);
    centre.wrap_up_reservation(task, ben);
    assert_eq!((centre.status(task), centre.owner(task)), (TaskStatus::Assigned, Some(ann)));
    centre.forget();
    centre.apply(delete_task(task));
    assert_eq!(centre.events(), ["reservation.completed", "reservation.completed", "task.deleted"]);
}

#[test]
fn a_deleted_task_can_be_read_for_a_while_and_no_more_than_that() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let task = centre.task(workflow, json!({}));
    centre.apply(delete_task(task));
    assert_eq!(centre.the_task(task).deleted_at, Some(centre.router.now()));
    not_found(&mut centre, delete_task(task));
    let update = UpdateTask {
        id: task,
        expected_version: None,
        attributes: None,
        priority: Some(1),
        task_channel: None,
        virtual_start_time: None,
    };
    let rejection = centre.try_apply(Command::UpdateTask(update)).expect_err("it was deleted");
    assert_eq!((rejection.code(), rejection.field()), (Code::NotFound, Some("taskId")));
    centre.forget();
    centre.pass_seconds(300);
    assert_eq!(centre.events(), ["task.purged"]);

    // One that had ended stays for as long after its deletion.
    let ended = centre.task(workflow, json!({}));
    centre.cancel(ended);
    centre.pass_seconds(200);
    centre.apply(delete_task(ended));
    assert_eq!(centre.reason(ended), "hung up");
    centre.pass_seconds(299);
    assert!(centre.router.state().tasks.contains_key(&ended));
    centre.pass_seconds(1);
    assert!(!centre.router.state().tasks.contains_key(&ended));
}

#[test]
fn a_deletion_expects_the_version_that_was_seen() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let task = centre.task(workflow, json!({}));
    let ann = centre.worker("Ann", json!({}));
    let (pause, mail) = (centre.activity("Break"), centre.create_channel("mail"));
    let expected_version = Some(99);
    let commands = [
        Command::DeleteTask(DeleteTask { id: task, expected_version }),
        Command::DeleteWorker(DeleteWorker { id: ann, expected_version, force: true }),
        Command::DeleteTaskQueue(DeleteTaskQueue { id: queue, expected_version }),
        Command::DeleteWorkflow(DeleteWorkflow { id: workflow, expected_version }),
        Command::DeleteActivity(DeleteActivity { id: pause, expected_version }),
        Command::DeleteTaskChannel(DeleteTaskChannel { id: mail, expected_version }),
    ];
    for command in commands {
        let rejection = centre.try_apply(command).expect_err("the version is another one");
        assert_eq!((rejection.code(), rejection.field()), (Code::Conflict, Some("expectedVersion")));
    }
}

#[test]
fn a_deletion_counts_as_a_change() {
    let mut centre = Centre::new();
    let activity = centre.create_activity("Lunch", false);
    let queue = centre.queue("1==1");
    let other_queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let channel = centre.create_channel("mail");
    centre.pass_seconds(10);
    let now = centre.router.now();
    let mut change = |command: Command| {
        centre.forget();
        centre.apply(command);
        let changed = centre.recorded().iter().find_map(|recorded| match &recorded.event {
            Event::ActivityDeleted { activity: it } => Some((it.version, it.updated_at, it.deleted_at)),
            Event::TaskChannelDeleted { task_channel: it } => {
                Some((it.version, it.updated_at, it.deleted_at))
            }
            Event::TaskQueueDeleted { task_queue: it } => Some((it.version, it.updated_at, it.deleted_at)),
            Event::WorkflowDeleted { workflow: it } => Some((it.version, it.updated_at, it.deleted_at)),
            Event::WorkerDeleted { worker: it } => Some((it.version, it.updated_at, it.deleted_at)),
            _ => None,
        });
        assert_eq!(changed, Some((2, now, Some(now))));
    };
    change(delete_activity(activity));
    change(delete_channel(channel));
    change(delete_queue(other_queue));
    change(delete_workflow(workflow));
    change(delete_worker(ann, false));
}
