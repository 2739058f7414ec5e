//! Bad input gets a clear error: a stable code, the field at fault, what would be right; and nothing changes.

use serde_json::{Value, json};

use crate::server::{Client, Failure, Server};

/// One wrong request and what must come back.
struct Case {
    what: &'static str,
    mutation: &'static str,
    input: Value,
    code: &'static str,
    field: Option<&'static str>,
    /// Words that the message must have: what is wrong, or what would be right.
    says: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_a_code_and_a_field_and_changes_nothing() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let world = World::build(&admin, &server.workspace).await;
        let before = sequence(&admin, &server.workspace).await;
        let cases = cases(&server.workspace, &world);
        let n_cases = cases.len();
        let mut wrong = Vec::new();
        for case in &cases {
            wrong.extend(case.check(&admin).await.err());
        }
        assert!(wrong.is_empty(), "{} of {n_cases} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
        assert_eq!(sequence(&admin, &server.workspace).await, before, "nothing has changed");
        println!("{:?}: {n_cases} wrong requests, each refused, nothing changed", database.kind);
        facts(&admin, &server.workspace, &world).await;
        assert!(server.stop().await);
    }
}

impl Case {
    async fn check(&self, admin: &Client) -> Result<(), String> {
        let Case { what, mutation, input, code, field, says } = self;
        // Deletions but for that of Workers have the same input.
        let kind = match mutation.strip_prefix("delete") {
            Some(of) if of != "Worker" => "DeleteInput".to_owned(),
            _ => format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]),
        };
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ sequence }} }}");
        let error = match admin.ask(&query, json!({ "input": input })).await {
            Err(Failure::Refused { error, .. }) => error,
            other => return Err(format!("{what}: {other:?}")),
        };
        let message = error["message"].as_str().unwrap_or_default();
        let is_right = error["extensions"]["code"] == *code
            && field.is_none_or(|field| error["extensions"]["field"] == field)
            && message.contains(says)
            && !message.ends_with('.');
        if is_right {
            Ok(())
        } else {
            Err(format!("{what}: expected {code} at {field:?} saying {says:?}: {error}"))
        }
    }
}

/// The errors that carry more than a code and a field.
async fn facts(admin: &Client, workspace: &str, world: &World) {
    let query = "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { sequence } }";
    let target = "skills HAS \"x\"\n  AND level-1 > 2";
    let input = json!({ "workspaceId": workspace, "name": "q", "targetWorkers": target });
    let error = admin.error(query, json!({ "input": input })).await;
    assert_eq!(error["extensions"]["line"], 2, "{error}");
    assert_eq!(error["extensions"]["column"], 12, "{error}");
    assert!(error["extensions"]["expected"].is_string(), "{error}");

    let query = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { sequence } }";
    let configuration = json!({ "task_routing": { "filters": [
        { "expression": "a ==", "targets": [] },
        { "expression": "a == 1", "targets": [{ "queue": "nonsense", "timeout": -1 }] },
    ] } });
    let input = json!({ "workspaceId": workspace, "name": "w", "configuration": configuration });
    let error = admin.error(query, json!({ "input": input })).await;
    let faults = error["extensions"]["errors"].as_array().expect("every fault");
    assert_eq!(faults.len(), 4, "{error}");
    assert_eq!(faults[0]["path"], json!(["task_routing", "filters", "0", "expression"]), "{error}");

    let query = "mutation($input: AcceptReservationInput!) { acceptReservation(input: $input) { sequence } }";
    let error = admin.error(query, json!({ "input": { "reservationId": world.accepted } })).await;
    assert_eq!(error["extensions"]["status"], "ACCEPTED", "{error}");

    let query = "mutation($input: UpdateWorkerInput!) { updateWorker(input: $input) { sequence } }";
    let input = json!({ "workerId": world.worker, "name": "other", "expectedVersion": 99 });
    let error = admin.error(query, json!({ "input": input })).await;
    assert_eq!(error["extensions"]["version"], 1, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_expired_forged_or_missing_open_nothing() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let mut forged = server.admin.clone();
    // The last character of a signature may not count; the one before does.
    let at = forged.len() - 2;
    forged.replace_range(at..=at, if &forged[at..=at] == "A" { "B" } else { "A" });
    for token in ["", "nonsense", &forged, "eyJhbGciOiJub25lIn0.e30."] {
        let error = admin.with_token(token).error("{ viewer { role } }", json!({})).await;
        assert_eq!(error["extensions"]["code"], "UNAUTHENTICATED", "{token}: {error}");
    }
    // As short as tokens get; asked until it is over, which is a value to wait for.
    let short = server.command(&["token", "--role", "admin", "--ttl", "1s"]).await;
    let short = admin.with_token(String::from_utf8(short.stdout).expect("text").trim());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        match short.ask("{ viewer { role } }", json!({})).await {
            Ok(_) => assert!(std::time::Instant::now() < deadline, "the token expires"),
            Err(failure) => {
                assert_eq!(failure.code(), "UNAUTHENTICATED");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_are_refused_before_anything_is_done() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    for (what, body) in [
        ("no query", json!({ "variables": {} })),
        ("a list", json!([{ "query": "{ viewer { role } }" }])),
        ("an unknown field", json!({ "query": "{ viewer { nonsense } }" })),
        ("an unknown argument", json!({ "query": "{ node(uid: 1) { id } }" })),
        ("a syntax error", json!({ "query": "{ viewer {" })),
        ("a missing variable", json!({ "query": "query($id: ID!) { node(id: $id) { id } }" })),
        (
            "a variable of another type",
            json!({ "query": "query($id: ID!) { node(id: $id) { id } }", "variables": { "id": [] } }),
        ),
        (
            "an unknown input field",
            json!({ "query": "mutation { createTask(input: { workspaceId: \"x\", nonsense: 1 }) { sequence } }" }),
        ),
    ] {
        let answer = admin.whole(&body).await.expect("an answer");
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{what}: {answer}");
        assert!(error["message"].as_str().is_some_and(|message| !message.contains('\n')), "{what}: {answer}");
    }
    let request = reqwest::Client::new().post(server.url()).bearer_auth(&server.admin);
    let answer = request
        .header("content-type", "application/json")
        .body("{\"query\": ")
        .send()
        .await
        .expect("an answer");
    let answer: Value = answer.json().await.expect("malformed JSON is answered in JSON");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_database_refuses_to_start() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let second = server.command(&["serve", "--listen", "127.0.0.1:0"]).await;
        assert!(!second.status.success());
        let says = String::from_utf8_lossy(&second.stderr);
        assert!(says.contains("another Switchyard is running on this database"), "{says}");
        assert!(server.stop().await, "the first one is not disturbed");
    }
}

/// A state that a client has seen is what it is shown at least.
#[tokio::test(flavor = "multi_thread")]
async fn a_query_may_ask_for_a_state_that_is_new_enough() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let present = sequence(&admin, &server.workspace).await;
    let query = format!("{{ workspace(id: \"{}\") {{ sequence }} }}", server.workspace);
    let answer = admin.whole(&json!({ "query": query, "extensions": { "minSequence": present } })).await;
    assert_eq!(answer.expect("an answer")["data"]["workspace"]["sequence"], present);

    let body = json!({ "query": query, "extensions": { "minSequence": present + 1 } });
    let future = admin.whole(&body);
    let change = async {
        let input = json!({ "workspaceId": server.workspace, "name": "ann" });
        let query = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { sequence } }";
        admin.data(query, json!({ "input": input })).await["createWorker"]["sequence"].clone()
    };
    let (answer, changed) = tokio::join!(future, change);
    assert_eq!(
        answer.expect("an answer")["data"]["workspace"]["sequence"],
        changed,
        "it waited for the change"
    );
}

struct World {
    queue: String,
    worker: String,
    channel: String,
    activity: String,
    pending_task: String,
    assigned_task: String,
    accepted: String,
    pending: String,
    skill: String,
}

impl World {
    async fn build(admin: &Client, workspace: &str) -> World {
        let query = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } taskQueue(name: \"Everyone\") { id } } }";
        let data = admin.data(query, json!({ "id": workspace })).await;
        let activity = text(&data["workspace"]["activity"]["id"]);
        let queue = text(&data["workspace"]["taskQueue"]["id"]);
        let create_worker = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id channels { id taskChannel { uniqueName } } } } }";
        let input = json!({ "workspaceId": workspace, "name": "Ann", "activityId": activity });
        let data = admin.data(create_worker, json!({ "input": input })).await;
        let worker = text(&data["createWorker"]["worker"]["id"]);
        let mut channels = data["createWorker"]["worker"]["channels"].as_array().expect("a list").iter();
        let channel =
            channels.find(|channel| channel["taskChannel"]["uniqueName"] == "default").expect("a channel");
        let channel = text(&channel["id"]);
        let update =
            "mutation($input: UpdateWorkerChannelInput!) { updateWorkerChannel(input: $input) { sequence } }";
        let input = json!({ "workerChannelId": channel, "configuredCapacity": 2 });
        admin.data(update, json!({ "input": input })).await;
        let mut tasks = Vec::new();
        let create_task = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id reservations { nodes { id } } } } }";
        for _ in 0..3 {
            let data = admin.data(create_task, json!({ "input": { "workspaceId": workspace } })).await;
            let task = &data["createTask"]["task"];
            tasks.push((
                text(&task["id"]),
                task["reservations"]["nodes"][0]["id"].as_str().map(str::to_owned),
            ));
        }
        let (accepted, pending) =
            (tasks[0].1.clone().expect("offered"), tasks[1].1.clone().expect("offered"));
        let accept = "mutation($id: ID!) { acceptReservation(input: { reservationId: $id }) { sequence } }";
        admin.data(accept, json!({ "id": accepted })).await;
        let [assigned_task, _, pending_task] = [&tasks[0].0, &tasks[1].0, &tasks[2].0].map(String::clone);
        let create_skill =
            "mutation($input: CreateSkillInput!) { createSkill(input: $input) { skill { id } } }";
        let input =
            json!({ "workspaceId": workspace, "name": "spanish", "minimumLevel": 1, "maximumLevel": 5 });
        let data = admin.data(create_skill, json!({ "input": input })).await;
        let skill = text(&data["createSkill"]["skill"]["id"]);
        World { queue, worker, channel, activity, pending_task, assigned_task, accepted, pending, skill }
    }
}

fn cases(workspace: &str, world: &World) -> Vec<Case> {
    let case = |what, mutation, input, code, field, says| Case { what, mutation, input, code, field, says };
    let World { queue, worker, channel, activity, pending_task, assigned_task, accepted, pending, skill } =
        world;
    let nobody = "WK01a2046505fd71d781ea114b00000000";
    let no_task = format!("WT{}", &pending_task[2..].replace(&pending_task[10..14], "0000"));
    let long = "x".repeat(5_000);
    vec![
        case(
            "an unknown Workspace",
            "createTask",
            json!({ "workspaceId": "WS01a2046505fd71d781ea114b00000000" }),
            "NOT_FOUND",
            Some("workspaceId"),
            "no",
        ),
        case(
            "the id of something else",
            "createTask",
            json!({ "workspaceId": worker }),
            "BAD_USER_INPUT",
            Some("workspaceId"),
            "WS",
        ),
        case(
            "an unknown Worker",
            "updateWorker",
            json!({ "workerId": nobody, "name": "x" }),
            "NOT_FOUND",
            Some("workerId"),
            "no Worker",
        ),
        case(
            "an unknown Task",
            "cancelTask",
            json!({ "taskId": no_task, "reason": "x" }),
            "NOT_FOUND",
            Some("taskId"),
            "no Task",
        ),
        case(
            "an unknown Workflow",
            "createTask",
            json!({ "workspaceId": workspace, "workflowId": queue.replace("WQ", "WW") }),
            "NOT_FOUND",
            Some("workflowId"),
            "no Workflow",
        ),
        case(
            "an unknown Activity",
            "setWorkerActivity",
            json!({ "workerId": worker, "activityId": queue.replace("WQ", "WA") }),
            "NOT_FOUND",
            Some("activityId"),
            "no Activity",
        ),
        case(
            "an unknown Task Channel",
            "createTask",
            json!({ "workspaceId": workspace, "taskChannelName": "pigeon" }),
            "NOT_FOUND",
            Some("taskChannelName"),
            "pigeon",
        ),
        case(
            "a Task Channel named twice",
            "createTask",
            json!({ "workspaceId": workspace, "taskChannelName": "chat", "taskChannelId": channel }),
            "BAD_USER_INPUT",
            Some("taskChannelName"),
            "not both",
        ),
        case(
            "attributes that are no object",
            "createTask",
            json!({ "workspaceId": workspace, "attributes": [1] }),
            "BAD_USER_INPUT",
            None,
            "JSONObject",
        ),
        case(
            "attributes that are too long",
            "createTask",
            json!({ "workspaceId": workspace, "attributes": { "x": long } }),
            "LIMIT_EXCEEDED",
            Some("attributes"),
            "4096",
        ),
        case(
            "attributes of a Worker that are too long",
            "updateWorker",
            json!({ "workerId": worker, "attributes": { "x": long } }),
            "LIMIT_EXCEEDED",
            Some("attributes"),
            "4096",
        ),
        case(
            "a negative priority",
            "createTask",
            json!({ "workspaceId": workspace, "priority": -1 }),
            "BAD_USER_INPUT",
            Some("priority"),
            "not negative",
        ),
        case(
            "no time to live",
            "createTask",
            json!({ "workspaceId": workspace, "timeoutSeconds": 0 }),
            "BAD_USER_INPUT",
            Some("timeoutSeconds"),
            "1",
        ),
        case(
            "too long a life",
            "createTask",
            json!({ "workspaceId": workspace, "timeoutSeconds": 1_209_601 }),
            "BAD_USER_INPUT",
            Some("timeoutSeconds"),
            "1209600",
        ),
        case(
            "a start in the future",
            "createTask",
            json!({ "workspaceId": workspace, "virtualStartTime": "2999-01-01T00:00:00Z" }),
            "BAD_USER_INPUT",
            Some("virtualStartTime"),
            "future",
        ),
        case(
            "a start that is no time",
            "createTask",
            json!({ "workspaceId": workspace, "virtualStartTime": "yesterday" }),
            "BAD_USER_INPUT",
            None,
            "RFC 3339",
        ),
        case(
            "an empty name",
            "createWorker",
            json!({ "workspaceId": workspace, "name": " " }),
            "BAD_USER_INPUT",
            Some("name"),
            "1 to 64",
        ),
        case(
            "a long name",
            "createActivity",
            json!({ "workspaceId": workspace, "name": "x".repeat(65), "available": true }),
            "BAD_USER_INPUT",
            Some("name"),
            "1 to 64",
        ),
        case(
            "a name that is taken",
            "createWorker",
            json!({ "workspaceId": workspace, "name": "ANN" }),
            "BAD_USER_INPUT",
            Some("name"),
            "taken",
        ),
        case(
            "null for a name",
            "updateWorker",
            json!({ "workerId": worker, "name": null }),
            "BAD_USER_INPUT",
            Some("name"),
            "null",
        ),
        case(
            "an expression that does not parse",
            "createTaskQueue",
            json!({ "workspaceId": workspace, "name": "q", "targetWorkers": "skill-level > 3" }),
            "INVALID_EXPRESSION",
            Some("targetWorkers"),
            "line 1, column 6",
        ),
        case(
            "too many Workers for one Task",
            "updateTaskQueue",
            json!({ "taskQueueId": queue, "maxReservedWorkers": 51 }),
            "BAD_USER_INPUT",
            Some("maxReservedWorkers"),
            "50",
        ),
        case(
            "a document without routing",
            "createWorkflow",
            json!({ "workspaceId": workspace, "name": "w", "configuration": {} }),
            "INVALID_WORKFLOW",
            Some("configuration"),
            "task_routing",
        ),
        case(
            "a document with a queue of nobody",
            "createWorkflow",
            json!({ "workspaceId": workspace, "name": "w", "configuration": { "task_routing": { "default_filter": { "queue": "WQ01a2046505fd71d781ea114b00000000" } } } }),
            "INVALID_WORKFLOW",
            Some("configuration"),
            "no TaskQueue",
        ),
        case(
            "deleting what is not there",
            "deleteTask",
            json!({ "id": no_task }),
            "NOT_FOUND",
            Some("id"),
            "no Task",
        ),
        case(
            "deleting something else",
            "deleteTask",
            json!({ "id": worker }),
            "BAD_USER_INPUT",
            Some("id"),
            "WT",
        ),
        case(
            "deleting an old version",
            "deleteWorker",
            json!({ "id": worker, "force": true, "expectedVersion": 99 }),
            "CONFLICT",
            Some("expectedVersion"),
            "99",
        ),
        case(
            "deleting a Worker who has a customer",
            "deleteWorker",
            json!({ "id": worker, "force": true }),
            "IN_USE",
            None,
            "is accepted",
        ),
        case(
            "a unique name that no expression can name",
            "createTaskChannel",
            json!({ "workspaceId": workspace, "name": "E-mail", "uniqueName": "e-mail" }),
            "BAD_USER_INPUT",
            Some("uniqueName"),
            "letters, digits",
        ),
        case(
            "a unique name that is taken",
            "createTaskChannel",
            json!({ "workspaceId": workspace, "name": "Calls", "uniqueName": "Voice" }),
            "BAD_USER_INPUT",
            Some("uniqueName"),
            "taken",
        ),
        case(
            "an unknown Task Channel to be changed",
            "updateTaskChannel",
            json!({ "taskChannelId": queue.replace("WQ", "TC"), "name": "x" }),
            "NOT_FOUND",
            Some("taskChannelId"),
            "no Task Channel",
        ),
        case(
            "a circle that is neither there nor not",
            "updateTaskChannel",
            json!({ "taskChannelId": queue.replace("WQ", "TC"), "channelOptimizedRouting": null }),
            "BAD_USER_INPUT",
            Some("channelOptimizedRouting"),
            "null",
        ),
        case(
            "a document that asks for the Task where Workers are counted",
            "createWorkflow",
            json!({ "workspaceId": workspace, "name": "w", "configuration": { "task_routing": { "default_filter": { "queue": queue, "skip_if": "task.vip == true" } } } }),
            "INVALID_WORKFLOW",
            Some("configuration"),
            "expected workers.available",
        ),
        case(
            "no time to answer",
            "createWorkflow",
            json!({ "workspaceId": workspace, "name": "w", "configuration": { "task_routing": { "filters": [] } }, "taskReservationTimeoutSeconds": 0 }),
            "BAD_USER_INPUT",
            Some("taskReservationTimeoutSeconds"),
            "1",
        ),
        case(
            "too much capacity",
            "updateWorkerChannel",
            json!({ "workerChannelId": channel, "configuredCapacity": 51 }),
            "BAD_USER_INPUT",
            Some("configuredCapacity"),
            "50",
        ),
        case(
            "rejecting with an available Activity",
            "setWorkerActivity",
            json!({ "workerId": worker, "activityId": activity, "rejectPendingReservations": true }),
            "BAD_USER_INPUT",
            Some("rejectPendingReservations"),
            "not available",
        ),
        case(
            "accepting twice",
            "acceptReservation",
            json!({ "reservationId": accepted }),
            "INVALID_STATE",
            None,
            "ACCEPTED",
        ),
        case(
            "wrapping up what is not accepted",
            "wrapUpReservation",
            json!({ "reservationId": pending }),
            "INVALID_STATE",
            None,
            "PENDING",
        ),
        case(
            "completing what nobody has",
            "completeTask",
            json!({ "taskId": pending_task }),
            "INVALID_STATE",
            None,
            "PENDING",
        ),
        case(
            "canceling what somebody has",
            "cancelTask",
            json!({ "taskId": assigned_task, "reason": "x" }),
            "INVALID_STATE",
            None,
            "ASSIGNED",
        ),
        case(
            "canceling without a reason",
            "cancelTask",
            json!({ "taskId": pending_task, "reason": "" }),
            "BAD_USER_INPUT",
            Some("reason"),
            "1 to",
        ),
        case(
            "a reason with U+0000",
            "cancelTask",
            json!({ "taskId": pending_task, "reason": "a\0b" }),
            "BAD_USER_INPUT",
            Some("reason"),
            "U+0000",
        ),
        case(
            "an expression with U+0000",
            "updateTaskQueue",
            json!({ "taskQueueId": queue, "targetWorkers": "a == '\0'" }),
            "BAD_USER_INPUT",
            Some("targetWorkers"),
            "U+0000",
        ),
        case(
            "an old version",
            "updateTask",
            json!({ "taskId": pending_task, "priority": 1, "expectedVersion": 99 }),
            "CONFLICT",
            Some("expectedVersion"),
            "99",
        ),
        case(
            "too long a delay",
            "updateWorkspace",
            json!({ "workspaceId": workspace, "reofferDelaySeconds": 3_601 }),
            "BAD_USER_INPUT",
            Some("reofferDelaySeconds"),
            "3600",
        ),
        case(
            "the name of another Skill",
            "createSkill",
            json!({ "workspaceId": workspace, "name": "Spanish" }),
            "BAD_USER_INPUT",
            Some("name"),
            "taken",
        ),
        case(
            "half a range of levels",
            "createSkill",
            json!({ "workspaceId": workspace, "name": "french", "maximumLevel": 3 }),
            "BAD_USER_INPUT",
            Some("minimumLevel"),
            "both",
        ),
        case(
            "a negative level",
            "createSkill",
            json!({ "workspaceId": workspace, "name": "french", "minimumLevel": -1, "maximumLevel": 3 }),
            "BAD_USER_INPUT",
            Some("minimumLevel"),
            "not negative",
        ),
        case(
            "a name that no expression can write as a key",
            "updateSkill",
            json!({ "skillId": skill, "name": "castilian spanish" }),
            "BAD_USER_INPUT",
            Some("name"),
            "letters, digits, _ and $",
        ),
        case(
            "no level",
            "assignSkill",
            json!({ "workerId": worker, "skillId": skill }),
            "BAD_USER_INPUT",
            Some("level"),
            "from 1 to 5",
        ),
        case(
            "a level out of the range",
            "assignSkill",
            json!({ "workerId": worker, "skillId": skill, "level": 6 }),
            "BAD_USER_INPUT",
            Some("level"),
            "6 is no level",
        ),
        case(
            "an unknown Skill",
            "unassignSkill",
            json!({ "workerId": worker, "skillId": queue.replace("WQ", "SK") }),
            "NOT_FOUND",
            Some("skillId"),
            "no Skill",
        ),
        case(
            "no Tasks",
            "createTasks",
            json!({ "workspaceId": workspace, "tasks": [] }),
            "BAD_USER_INPUT",
            Some("tasks"),
            "1 to 500",
        ),
        case(
            "an empty idempotency key",
            "createTask",
            json!({ "workspaceId": workspace, "idempotencyKey": "" }),
            "BAD_USER_INPUT",
            Some("idempotencyKey"),
            "1 to 255",
        ),
    ]
}

async fn sequence(client: &Client, workspace: &str) -> u64 {
    let query = "query($id: ID!) { workspace(id: $id) { sequence } }";
    client.data(query, json!({ "id": workspace })).await["workspace"]["sequence"].as_u64().expect("a number")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}
