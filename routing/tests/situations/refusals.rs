//! Every refusal: its code, the input field at fault, and the sentence.

use routing::command::*;
use routing::ids::*;
use routing::rejection::Code;
use routing::time::Timestamp;
use routing::{Attributes, Command, Limits, Rejection};
use serde_json::json;

use crate::fixture::{Centre, TAG, document};

/// Refused with this code, this field and this sentence; and nothing has changed.
#[track_caller]
fn check(
    centre: &mut Centre,
    command: Command,
    code: Code,
    field: Option<&str>,
    sentence: &str,
) -> Rejection {
    let before = centre.router.state().clone();
    let rejection = centre.try_apply(command).expect_err("this is wrong");
    assert_eq!((rejection.code(), rejection.field()), (code, field), "{rejection}");
    assert_eq!(rejection.to_string(), sentence);
    assert!(*centre.router.state() == before, "a refused command has changed something");
    assert_eq!(centre.recorded(), []);
    rejection
}

/// An id that nobody has.
fn nobody<I: Id>() -> I {
    I::minted(Timestamp(0), 99, TAG)
}

const NOBODY: &str = "000000000000700080000063";

fn create_task(centre: &mut Centre) -> CreateTask {
    CreateTask {
        id: centre.mint(),
        workflow: None,
        routing_target: None,
        ignore_capacity: None,
        task_channel: TaskChannelRef::UniqueName("default".to_owned()),
        attributes: Attributes::empty(),
        priority: None,
        timeout_seconds: None,
        virtual_start_time: None,
    }
}

fn create_queue(centre: &mut Centre) -> CreateTaskQueue {
    CreateTaskQueue {
        id: centre.mint(),
        name: "Sales".to_owned(),
        target_workers: None,
        max_reserved_workers: None,
        task_order: None,
        wrap_up_limit_seconds: None,
    }
}

fn create_workflow(centre: &mut Centre) -> CreateWorkflow {
    let queue = centre.router.state().task_queues.keys().next().copied().expect("a TaskQueue");
    CreateWorkflow {
        id: centre.mint(),
        name: "Sales".to_owned(),
        configuration: document(json!({ "default_filter": { "queue": queue } })),
        task_reservation_timeout_seconds: None,
    }
}

fn update_worker(id: WorkerId) -> UpdateWorker {
    UpdateWorker { id, expected_version: None, name: None, attributes: None }
}

fn update_task(id: TaskId) -> UpdateTask {
    UpdateTask {
        id,
        expected_version: None,
        attributes: None,
        priority: None,
        task_channel: None,
        virtual_start_time: None,
    }
}

#[test]
fn what_does_not_exist_is_not_found() {
    let mut centre = Centre::new();
    let ann = centre.worker("Ann", json!({}));
    let default = centre.channel_id("default");
    let available = centre.activity("Available");
    centre.forget();
    let cases = [
        (Command::UpdateWorker(update_worker(nobody())), "workerId", "Worker WK"),
        (Command::UpdateTask(update_task(nobody())), "taskId", "Task WT"),
        (
            Command::AcceptReservation(AcceptReservation { id: nobody(), expected_version: None }),
            "reservationId",
            "Reservation WR",
        ),
        (
            Command::UpdateActivity(UpdateActivity { id: nobody(), expected_version: None, name: None }),
            "activityId",
            "Activity WA",
        ),
        (
            Command::SetWorkerActivity(SetWorkerActivity {
                id: nobody(),
                expected_version: None,
                activity: available,
                reject_pending_reservations: false,
            }),
            "workerId",
            "Worker WK",
        ),
        (
            Command::SetWorkerActivity(SetWorkerActivity {
                id: ann,
                expected_version: None,
                activity: nobody(),
                reject_pending_reservations: false,
            }),
            "activityId",
            "Activity WA",
        ),
        (
            Command::UpdateWorkspace(UpdateWorkspace {
                default_activity: Some(nobody()),
                ..UpdateWorkspace::default()
            }),
            "defaultActivityId",
            "Activity WA",
        ),
        (
            Command::UpdateWorkspace(UpdateWorkspace {
                timeout_activity: Some(Some(nobody())),
                ..UpdateWorkspace::default()
            }),
            "timeoutActivityId",
            "Activity WA",
        ),
        (
            Command::UpdateWorkspace(UpdateWorkspace {
                logout_activity: Some(nobody()),
                ..UpdateWorkspace::default()
            }),
            "logoutActivityId",
            "Activity WA",
        ),
        (
            Command::UpdateTaskQueue(UpdateTaskQueue {
                id: nobody(),
                expected_version: None,
                name: None,
                target_workers: None,
                max_reserved_workers: None,
                task_order: None,
                wrap_up_limit_seconds: None,
            }),
            "taskQueueId",
            "TaskQueue WQ",
        ),
        (
            Command::UpdateWorkflow(UpdateWorkflow {
                id: nobody(),
                expected_version: None,
                name: None,
                configuration: None,
                task_reservation_timeout_seconds: None,
                re_evaluate_tasks: false,
            }),
            "workflowId",
            "Workflow WW",
        ),
        (
            Command::CreateTask(CreateTask { workflow: Some(nobody()), ..create_task(&mut centre) }),
            "workflowId",
            "Workflow WW",
        ),
        (
            Command::CreateTask(CreateTask {
                task_channel: TaskChannelRef::Id(nobody()),
                ..create_task(&mut centre)
            }),
            "taskChannelId",
            "Task Channel TC",
        ),
        (
            Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker: nobody(),
                task_channel: default,
                expected_version: None,
                configured_capacity: None,
                available: None,
            }),
            "workerId",
            "Worker WK",
        ),
    ];
    for (command, field, what) in cases {
        let sentence = format!("there is no {what}{NOBODY}00000007");
        check(&mut centre, command, Code::NotFound, Some(field), &sentence);
    }
    let pigeon = TaskChannelRef::UniqueName("pigeon".to_owned());
    let command = Command::CreateTask(CreateTask { task_channel: pigeon, ..create_task(&mut centre) });
    check(&mut centre, command, Code::NotFound, Some("taskChannelName"), "there is no Task Channel pigeon");
    let command = Command::UpdateWorkerChannel(UpdateWorkerChannel {
        worker: ann,
        task_channel: nobody(),
        expected_version: None,
        configured_capacity: None,
        available: None,
    });
    let id = WorkerChannelId::of(ann, nobody());
    let sentence = format!("there is no worker channel {id}");
    check(&mut centre, command, Code::NotFound, Some("taskChannelId"), &sentence);
}

#[test]
fn who_expected_another_version_is_told_the_present_one() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    let reservation = centre.reservation(task, ann).id;
    let default = centre.channel_id("default");
    let available = centre.activity("Available");
    let expected_version = Some(9);
    centre.forget();
    let cases = [
        (
            Command::UpdateWorkspace(UpdateWorkspace { expected_version, ..UpdateWorkspace::default() }),
            "Workspace",
            1,
        ),
        (
            Command::UpdateActivity(UpdateActivity { id: available, expected_version, name: None }),
            "Activity",
            1,
        ),
        (
            Command::UpdateTaskQueue(UpdateTaskQueue {
                id: queue,
                expected_version,
                name: None,
                target_workers: None,
                max_reserved_workers: None,
                task_order: None,
                wrap_up_limit_seconds: None,
            }),
            "TaskQueue",
            1,
        ),
        (
            Command::UpdateWorkflow(UpdateWorkflow {
                id: workflow,
                expected_version,
                name: None,
                configuration: None,
                task_reservation_timeout_seconds: None,
                re_evaluate_tasks: false,
            }),
            "Workflow",
            1,
        ),
        (Command::UpdateWorker(UpdateWorker { expected_version, ..update_worker(ann) }), "Worker", 1),
        (
            Command::SetWorkerActivity(SetWorkerActivity {
                id: ann,
                expected_version,
                activity: available,
                reject_pending_reservations: false,
            }),
            "Worker",
            1,
        ),
        (
            Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker: ann,
                task_channel: default,
                expected_version,
                configured_capacity: Some(2),
                available: None,
            }),
            "worker channel",
            1,
        ),
        (Command::UpdateTask(UpdateTask { expected_version, ..update_task(task) }), "Task", 4),
        (
            Command::CancelTask(CancelTask {
                id: task,
                expected_version,
                reason: "hung up".to_owned(),
                attributes: None,
            }),
            "Task",
            4,
        ),
        (Command::WrapUpTask(WrapUpTask { id: task, expected_version, attributes: None }), "Task", 4),
        (
            Command::CompleteTask(CompleteTask {
                id: task,
                expected_version,
                reason: None,
                attributes: None,
            }),
            "Task",
            4,
        ),
        (
            Command::AcceptReservation(AcceptReservation { id: reservation, expected_version }),
            "Reservation",
            1,
        ),
        (
            Command::RejectReservation(RejectReservation {
                id: reservation,
                expected_version,
                reason: None,
                activity: None,
            }),
            "Reservation",
            1,
        ),
        (
            Command::WrapUpReservation(WrapUpReservation { id: reservation, expected_version }),
            "Reservation",
            1,
        ),
        (
            Command::CompleteReservation(CompleteReservation { id: reservation, expected_version }),
            "Reservation",
            1,
        ),
    ];
    for (command, kind, present) in cases {
        let sentence = format!("the {kind} has changed: its version is {present}, not 9");
        check(&mut centre, command, Code::Conflict, Some("expectedVersion"), &sentence);
    }
}

#[test]
fn what_is_in_the_wrong_state_says_in_which_and_what_would_be_right() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    let task = centre.task(workflow, json!({}));
    let reservation = centre.reservation(task, ann).id;
    let wrap_up_reservation =
        Command::WrapUpReservation(WrapUpReservation { id: reservation, expected_version: None });
    let complete_reservation =
        Command::CompleteReservation(CompleteReservation { id: reservation, expected_version: None });
    let accept = Command::AcceptReservation(AcceptReservation { id: reservation, expected_version: None });
    let reject = Command::RejectReservation(RejectReservation {
        id: reservation,
        expected_version: None,
        reason: None,
        activity: None,
    });
    let wrap_up = Command::WrapUpTask(WrapUpTask { id: task, expected_version: None, attributes: None });
    let complete = Command::CompleteTask(CompleteTask {
        id: task,
        expected_version: None,
        reason: None,
        attributes: Some(Attributes::empty()),
    });
    let cancel = Command::CancelTask(CancelTask {
        id: task,
        expected_version: None,
        reason: "hung up".to_owned(),
        attributes: Attributes::of(&json!({ "a": 1 })),
    });
    let change_channel = Command::UpdateTask(UpdateTask {
        task_channel: Some(TaskChannelRef::UniqueName("chat".to_owned())),
        ..update_task(task)
    });
    let refused = |centre: &mut Centre, command: &Command, sentence: &str| {
        check(centre, command.clone(), Code::InvalidState, None, sentence);
    };
    centre.forget();

    refused(
        &mut centre,
        &wrap_up_reservation,
        "the Reservation is PENDING, but only ACCEPTED Reservations can be wrapped up",
    );
    refused(
        &mut centre,
        &complete_reservation,
        "the Reservation is PENDING, but only ACCEPTED and WRAPPING Reservations can be completed",
    );
    refused(&mut centre, &wrap_up, "the Task is RESERVED, but only ASSIGNED Tasks can be wrapped up");
    refused(
        &mut centre,
        &complete,
        "the Task is RESERVED, but only ASSIGNED and WRAPPING Tasks can be completed",
    );
    refused(
        &mut centre,
        &change_channel,
        "the Task is RESERVED, but only PENDING Tasks can be moved to another Task Channel",
    );

    centre.accept(task, ann);
    centre.forget();
    refused(
        &mut centre,
        &accept,
        "the Reservation is ACCEPTED, but only PENDING Reservations can be accepted",
    );
    refused(
        &mut centre,
        &reject,
        "the Reservation is ACCEPTED, but only PENDING Reservations can be rejected",
    );
    refused(
        &mut centre,
        &cancel,
        "the Task is ASSIGNED, but only PENDING and RESERVED Tasks can be canceled",
    );

    centre.apply(wrap_up.clone());
    centre.forget();
    refused(&mut centre, &wrap_up, "the Task is WRAPPING, but only ASSIGNED Tasks can be wrapped up");
    refused(
        &mut centre,
        &cancel,
        "the Task is WRAPPING, but only PENDING and RESERVED Tasks can be canceled",
    );

    centre.complete(task);
    centre.forget();
    refused(
        &mut centre,
        &complete,
        "the Task is COMPLETED, but only ASSIGNED and WRAPPING Tasks can be completed",
    );
    refused(
        &mut centre,
        &complete_reservation,
        "the Reservation is COMPLETED, but only ACCEPTED and WRAPPING Reservations can be completed",
    );

    let other = centre.task(workflow, json!({}));
    centre.cancel(other);
    let id = centre.reservation(other, ann).id;
    centre.forget();
    refused(
        &mut centre,
        &Command::AcceptReservation(AcceptReservation { id, expected_version: None }),
        "the Reservation is CANCELED, but only PENDING Reservations can be accepted",
    );
    refused(
        &mut centre,
        &Command::CancelTask(CancelTask {
            id: other,
            expected_version: None,
            reason: "again".to_owned(),
            attributes: None,
        }),
        "the Task is CANCELED, but only PENDING and RESERVED Tasks can be canceled",
    );
}

#[test]
fn inputs_out_of_their_range_name_the_field() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.worker("Ben", json!({}));
    let task = centre.task(workflow, json!({}));
    let default = centre.channel_id("default");
    let available = centre.activity("Available");
    let future = Timestamp(centre.router.now().0 + 1);
    centre.forget();

    let name = "a name has 1 to 64 characters and no line breaks";
    let taken = "the name \"BEN\" is taken; names are unique without regard to case";
    let start = "a virtual start time is not before the year 1900 and not in the future";
    let mut create = create_task(&mut centre);
    create.workflow = Some(workflow);
    let worker = UpdateWorker { attributes: Attributes::of(&json!({ "a": 1 })), ..update_worker(ann) };
    let cases = [
        (
            Command::UpdateWorker(UpdateWorker { name: Some(" ".to_owned()), ..worker.clone() }),
            "name",
            name.to_owned(),
        ),
        (
            Command::UpdateWorker(UpdateWorker { name: Some("x".repeat(65)), ..worker.clone() }),
            "name",
            name.to_owned(),
        ),
        (
            Command::UpdateWorker(UpdateWorker { name: Some(" BEN ".to_owned()), ..worker }),
            "name",
            taken.to_owned(),
        ),
        (
            Command::CreateTask(CreateTask { id: task, ..create.clone() }),
            "id",
            format!("the id {task} is taken"),
        ),
        (
            Command::CreateTask(CreateTask { workflow: None, ..create.clone() }),
            "workflowId",
            "the Workspace has 2 Workflows: name the one that routes the Task".to_owned(),
        ),
        (
            Command::CreateTask(CreateTask { priority: Some(1 << 31), ..create.clone() }),
            "priority",
            "2147483648 is not in the range from 0 to 2147483647".to_owned(),
        ),
        (
            Command::CreateTask(CreateTask { timeout_seconds: Some(1_209_601), ..create.clone() }),
            "timeoutSeconds",
            "1209601 is not in the range from 1 to 1209600".to_owned(),
        ),
        (
            Command::CreateTask(CreateTask { virtual_start_time: Some(future), ..create.clone() }),
            "virtualStartTime",
            start.to_owned(),
        ),
        (
            Command::UpdateTask(UpdateTask {
                virtual_start_time: Some(Timestamp(-2_208_988_800_001)),
                ..update_task(task)
            }),
            "virtualStartTime",
            start.to_owned(),
        ),
        (
            Command::CancelTask(CancelTask {
                id: task,
                expected_version: None,
                reason: " ".to_owned(),
                attributes: None,
            }),
            "reason",
            "a reason has 1 to 1024 characters".to_owned(),
        ),
        (
            Command::CreateTaskQueue(CreateTaskQueue {
                max_reserved_workers: Some(51),
                ..create_queue(&mut centre)
            }),
            "maxReservedWorkers",
            "51 is not in the range from 1 to 50".to_owned(),
        ),
        (
            Command::CreateWorkflow(CreateWorkflow {
                task_reservation_timeout_seconds: Some(0),
                ..create_workflow(&mut centre)
            }),
            "taskReservationTimeoutSeconds",
            "0 is not in the range from 1 to 86400".to_owned(),
        ),
        (
            Command::UpdateWorkspace(UpdateWorkspace {
                reoffer_delay_seconds: Some(3_601),
                ..UpdateWorkspace::default()
            }),
            "reofferDelaySeconds",
            "3601 is not in the range from 1 to 3600".to_owned(),
        ),
        (
            Command::UpdateWorkerChannel(UpdateWorkerChannel {
                worker: ann,
                task_channel: default,
                expected_version: None,
                configured_capacity: Some(51),
                available: Some(false),
            }),
            "configuredCapacity",
            "51 is not in the range from 0 to 50".to_owned(),
        ),
        (
            Command::SetWorkerActivity(SetWorkerActivity {
                id: ann,
                expected_version: None,
                activity: available,
                reject_pending_reservations: true,
            }),
            "rejectPendingReservations",
            "pending Reservations can be rejected only with an Activity that is not available".to_owned(),
        ),
    ];
    for (command, field, sentence) in cases {
        check(&mut centre, command, Code::BadUserInput, Some(field), &sentence);
    }
}

#[test]
fn the_ends_of_a_range_belong_to_it() {
    let mut centre = Centre::new();
    let queue = centre.queue("");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker(&"x".repeat(64), json!({}));
    for (priority, timeout) in [(0, 1), ((1 << 31) - 1, 1_209_600)] {
        centre.task_with(workflow, json!({}), |task| {
            task.priority = Some(priority);
            task.timeout_seconds = Some(timeout);
            task.virtual_start_time = Some(Timestamp(-2_208_988_800_000));
        });
    }
    centre.set_capacity(ann, "default", 50);
    centre.set_capacity(ann, "default", 0);
    for seconds in [1, 86_400] {
        centre.answer_within(workflow, seconds);
    }
    for delay in [1, 3_600] {
        centre.update_workspace(|workspace| workspace.reoffer_delay_seconds = Some(delay));
    }
    for workers in [50, 1] {
        centre.update_queue(queue, |queue| queue.max_reserved_workers = Some(workers));
    }
}

#[test]
fn an_expression_that_does_not_parse_is_refused_with_its_place() {
    let mut centre = Centre::new();
    let command = Command::CreateTaskQueue(CreateTaskQueue {
        target_workers: Some("skill-level > 3".to_owned()),
        ..create_queue(&mut centre)
    });
    let rejection = centre.try_apply(command).expect_err("a hyphen");
    assert_eq!((rejection.code(), rejection.field()), (Code::InvalidExpression, Some("targetWorkers")));
    let Rejection::InvalidExpression { error, .. } = rejection else { unreachable!("by its code") };
    assert_eq!((error.line, error.column), (1, 6));
}

#[test]
fn a_routing_document_is_refused_with_all_its_faults() {
    let mut centre = Centre::new();
    let mut command = create_workflow(&mut centre);
    command.configuration = document(json!({ "filters": [
        { "expression": "kind ==", "targets": [{ "timeout": 0 }] },
        { "expression": "1==1", "targets": [] },
    ] }));
    let rejection = centre.try_apply(Command::CreateWorkflow(command.clone())).expect_err("four faults");
    assert_eq!((rejection.code(), rejection.field()), (Code::InvalidWorkflow, Some("configuration")));
    let Rejection::InvalidWorkflow { faults, .. } = rejection else { unreachable!("by its code") };
    let paths: Vec<String> = faults.iter().map(|fault| fault.path_text()).collect();
    assert_eq!(
        paths,
        [
            "task_routing.filters.0.expression",
            "task_routing.filters.0.targets.0.queue",
            "task_routing.filters.0.targets.0.timeout",
            "task_routing.filters.1.targets",
        ]
    );

    let stranger: TaskQueueId = nobody();
    command.configuration = document(json!({ "default_filter": { "queue": stranger } }));
    check(
        &mut centre,
        Command::CreateWorkflow(command),
        Code::InvalidWorkflow,
        Some("configuration"),
        &format!(
            "the workflow configuration has 1 fault(s), the first at task_routing.default_filter.queue: \
             there is no TaskQueue {stranger} in this Workspace"
        ),
    );
}

#[test]
fn limits_are_reached_and_not_exceeded() {
    let mut centre = Centre::with_limits(Limits {
        attributes_characters_max: 10,
        workflow_configuration_bytes_max: 130,
        workers_max: 1,
        task_queues_max: 2,
        workflows_max: 2,
        activities_max: 5,
        tasks_max: 1,
        ..Limits::default()
    });
    let queue = centre.queue("");
    let workflow = centre.straight_to(queue);
    let ann = centre.worker("Ann", json!({}));
    centre.create_activity("Fifth", true);
    // Characters, not bytes: {"é":"éé"}.
    let task = centre.task(workflow, json!({ "é": "éé" }));
    centre.forget();

    let long = Attributes::of(&json!({ "é": "ééé" }));
    let too_long = "the attributes are too long, in characters: the limit is 10";
    let cases = [
        (
            Command::UpdateTask(UpdateTask { attributes: long.clone(), ..update_task(task) }),
            Some("attributes"),
            too_long,
        ),
        (
            Command::UpdateWorker(UpdateWorker {
                attributes: long.clone(),
                name: Some("Zoe".to_owned()),
                ..update_worker(ann)
            }),
            Some("attributes"),
            too_long,
        ),
        (
            Command::CancelTask(CancelTask {
                id: task,
                expected_version: None,
                reason: "hung up".to_owned(),
                attributes: long,
            }),
            Some("attributes"),
            too_long,
        ),
        (Command::CreateTask(create_task(&mut centre)), None, "Tasks in the Workspace: the limit is 1"),
        (
            Command::CreateWorker(CreateWorker {
                id: centre.mint(),
                name: "Ben".to_owned(),
                attributes: Attributes::empty(),
                activity: None,
            }),
            None,
            "Workers in the Workspace: the limit is 1",
        ),
        (
            Command::CreateTaskQueue(create_queue(&mut centre)),
            None,
            "TaskQueues in the Workspace: the limit is 2",
        ),
        (
            Command::CreateWorkflow(create_workflow(&mut centre)),
            None,
            "Workflows in the Workspace: the limit is 2",
        ),
        (
            Command::CreateActivity(CreateActivity {
                id: centre.mint(),
                name: "Sixth".to_owned(),
                available: true,
            }),
            None,
            "Activities in the Workspace: the limit is 5",
        ),
        (
            Command::UpdateWorkflow(UpdateWorkflow {
                id: workflow,
                expected_version: None,
                name: Some("Renamed".to_owned()),
                configuration: Some(document(json!({ "note": "x".repeat(99), "filters": [] }))),
                task_reservation_timeout_seconds: None,
                re_evaluate_tasks: false,
            }),
            Some("configuration"),
            "the workflow configuration is too long, in bytes: the limit is 130",
        ),
    ];
    for (command, field, sentence) in cases {
        check(&mut centre, command, Code::LimitExceeded, field, sentence);
    }
}

#[test]
fn a_unique_name_of_a_channel_is_a_name_in_expressions_and_is_nobody_elses() {
    let mut centre = Centre::new();
    let command = |centre: &mut Centre, unique_name: &str| {
        Command::CreateTaskChannel(CreateTaskChannel {
            id: centre.mint(),
            name: "Mail".to_owned(),
            unique_name: unique_name.to_owned(),
            channel_optimized_routing: false,
        })
    };
    let sentence =
        "a unique name has 1 to 64 letters, digits, \"_\" and \"$\", and does not begin with a digit";
    for wrong in ["", "2nd", "e-mail", "two words", " mail", "a.b", &"x".repeat(65)] {
        let command = command(&mut centre, wrong);
        check(&mut centre, command, Code::BadUserInput, Some("uniqueName"), sentence);
    }
    let taken = command(&mut centre, "Voice");
    let sentence = "the unique name \"voice\" is taken; unique names differ by more than case";
    check(&mut centre, taken, Code::BadUserInput, Some("uniqueName"), sentence);

    for number in 0..10 {
        let command = command(&mut centre, &format!("übrig_{number}$"));
        centre.apply(command);
    }
    centre.forget();
    let command = command(&mut centre, "mail");
    let sentence = "Task Channels in the Workspace: the limit is 15";
    check(&mut centre, command, Code::LimitExceeded, None, sentence);
}

#[test]
fn a_change_of_a_channel_needs_a_channel_and_its_present_version() {
    let mut centre = Centre::new();
    let update = |id| UpdateTaskChannel {
        id,
        expected_version: None,
        name: Some("Letters".to_owned()),
        channel_optimized_routing: Some(true),
    };
    let sentence = format!("there is no Task Channel TC{NOBODY}00000007");
    let command = Command::UpdateTaskChannel(update(nobody()));
    check(&mut centre, command, Code::NotFound, Some("taskChannelId"), &sentence);
    let voice = centre.channel_id("voice");
    let command =
        Command::UpdateTaskChannel(UpdateTaskChannel { expected_version: Some(2), ..update(voice) });
    let sentence = "the Task Channel has changed: its version is 1, not 2";
    check(&mut centre, command, Code::Conflict, Some("expectedVersion"), sentence);
}

#[test]
fn a_reason_is_as_long_as_it_says_and_every_database_can_hold_it() {
    let mut centre = Centre::new();
    let queue = centre.queue("1==1");
    let workflow = centre.straight_to(queue);
    let task = centre.task(workflow, json!({}));
    centre.forget();
    let cancel = |reason: String| {
        Command::CancelTask(CancelTask { id: task, expected_version: None, reason, attributes: None })
    };
    let wrong = |centre: &mut Centre, reason: String, sentence: &str| {
        check(centre, cancel(reason), Code::BadUserInput, Some("reason"), sentence);
    };
    wrong(&mut centre, "ö".repeat(1_025), "a reason has 1 to 1024 characters");
    wrong(&mut centre, "hung\0up".to_owned(), "the text holds the character U+0000");
    centre.apply(cancel("ö".repeat(1_024)));
    assert_eq!(centre.the_task(task).ended().expect("canceled").reason, Some("ö".repeat(1_024)));
}

#[test]
fn an_expression_that_no_database_can_hold_is_refused() {
    let mut centre = Centre::new();
    let create = create_queue(&mut centre);
    let expression = Some("name == 'a\0b'".to_owned());
    let command = Command::CreateTaskQueue(CreateTaskQueue { target_workers: expression, ..create });
    let sentence = "the text holds the character U+0000";
    check(&mut centre, command, Code::BadUserInput, Some("targetWorkers"), sentence);
}

#[test]
fn a_routing_document_is_as_long_as_it_may_be() {
    let limit = 200;
    let mut centre =
        Centre::with_limits(Limits { workflow_configuration_bytes_max: limit, ..Limits::default() });
    let queue = centre.queue("");
    let with_note = |characters: usize| {
        document(json!({ "default_filter": { "queue": queue }, "note": "x".repeat(characters) }))
    };
    let rest = limit - with_note(0).as_str().len();
    let create = create_workflow(&mut centre);
    let too_long = CreateWorkflow { configuration: with_note(rest + 1), ..create.clone() };
    let sentence = "the workflow configuration is too long, in bytes: the limit is 200";
    let command = Command::CreateWorkflow(too_long);
    centre.forget();
    check(&mut centre, command, Code::LimitExceeded, Some("configuration"), sentence);
    centre.apply(Command::CreateWorkflow(CreateWorkflow { configuration: with_note(rest), ..create }));
}
