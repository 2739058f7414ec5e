//! Handing Tasks on, and sending them to somebody, through a running server: as an agent's desktop and a supervisor
//! see it, and across a restart.

use serde_json::{Value, json};

use crate::server::{Client, Server};
use crate::socket::Socket;

const CREATE_WORKER: &str =
    "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
const CREATE_TOKEN: &str = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";
const CREATE_TASK: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence task { id status \
    workflow { id } taskQueue { id } ignoreCapacity routingTarget { __typename ... on Worker { id name } } } } }";
const ACCEPT: &str =
    "mutation($id: ID!) { acceptReservation(input: { reservationId: $id }) { reservation { status } } }";
const REJECT: &str =
    "mutation($id: ID!) { rejectReservation(input: { reservationId: $id }) { reservation { status } } }";
const TRANSFER: &str = "mutation($input: TransferTaskInput!) { transferTask(input: $input) { sequence \
    transfer { id mode status failedReason to { id name kind available } initiatingReservationId \
    reservation { id workerId } task { id status version } } } }";
const UPDATE: &str =
    "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { sequence task { id attributes } } }";
const CANCEL: &str = "mutation($input: CancelTransferInput!) { cancelTransfer(input: $input) { transfer { id status failedReason } } }";
const TASK: &str = "query($id: ID!) { node(id: $id) { ... on Task { status assignedReservation { workerId } \
    transfers { id status failedReason } reservations { nodes { id workerId status transfer { id } } } } } }";
const RESERVATIONS: &str = "subscription($id: ID!) { reservations(workerId: $id) { event snapshot { id } \
    reservation { id status taskId transfer { id mode status to { name } } } } }";

struct Agent {
    id: String,
    client: Client,
    token: String,
}

async fn agent(admin: &Client, server: &Server, name: &str) -> Agent {
    let query = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } } }";
    let available = admin.data(query, json!({ "id": server.workspace })).await;
    let input = json!({ "workspaceId": server.workspace, "name": name, "activityId": available["workspace"]["activity"]["id"] });
    let made = admin.data(CREATE_WORKER, json!({ "input": input })).await;
    let id = text(&made["createWorker"]["worker"]["id"]);
    let input = json!({ "workspaceId": server.workspace, "role": "WORKER", "workerId": id });
    let made = admin.data(CREATE_TOKEN, json!({ "input": input })).await;
    let token = text(&made["createToken"]["token"]);
    Agent { id, client: admin.with_token(&token), token }
}

/// A Task that was created for the agent and accepted. Returns its id and that of the Reservation.
async fn task_of(admin: &Client, server: &Server, agent: &Agent) -> (String, String) {
    let input = json!({ "workspaceId": server.workspace, "routingTargetId": agent.id });
    let made = admin.data(CREATE_TASK, json!({ "input": input })).await;
    let task = text(&made["createTask"]["task"]["id"]);
    let reservation = offer_to(&agent.client, &task, &agent.id).await;
    agent.client.data(ACCEPT, json!({ "id": reservation })).await;
    (task, reservation)
}

/// The Reservation of a Task for a Worker that is pending.
async fn offer_to(client: &Client, task: &str, worker: &str) -> String {
    let seen = client.data(TASK, json!({ "id": task })).await;
    let all = seen["node"]["reservations"]["nodes"].as_array().expect("a list").clone();
    let pending = all.iter().find(|each| each["workerId"] == worker && each["status"] == "PENDING");
    text(&pending.unwrap_or_else(|| panic!("no offer of {task} to {worker}: {seen}"))["id"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_handed_on_from_desk_to_desk() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let ann = agent(&admin, &server, "Ann").await;
        let bo = agent(&admin, &server, "Bo").await;
        let mut desk =
            Socket::subscribe(&server.socket_url(), &bo.token, RESERVATIONS, json!({ "id": bo.id }))
                .await
                .expect("Bo listens");
        desk.next().await.expect("a snapshot");
        let (task, reservation) = task_of(&admin, &server, &ann).await;

        // Bo hears of it, and of nothing else about Ann.
        let input = json!({ "taskId": task, "toId": bo.id, "idempotencyKey": "once" });
        let begun = ann.client.data(TRANSFER, json!({ "input": input })).await;
        let transfer = &begun["transferTask"]["transfer"];
        assert_eq!(
            (&transfer["mode"], &transfer["status"], &transfer["initiatingReservationId"]),
            (&json!("WARM"), &json!("INITIATED"), &json!(reservation))
        );
        assert_eq!(transfer["to"], json!({ "id": bo.id, "name": "Bo", "kind": "WORKER", "available": true }));
        assert_eq!(transfer["reservation"], Value::Null, "it is Bo's, which Ann does not see");
        let heard = desk.next().await.expect("an offer");
        let offer = &heard["reservations"]["reservation"];
        assert_eq!((&offer["status"], &offer["taskId"]), (&json!("PENDING"), &json!(task)));
        assert_eq!(offer["transfer"]["to"]["name"], "Bo");
        // A repeat begins no second one.
        let again = ann.client.data(TRANSFER, json!({ "input": input })).await;
        assert_eq!(again["transferTask"]["transfer"]["id"], transfer["id"]);
        assert_eq!(again["transferTask"]["sequence"], begun["transferTask"]["sequence"]);

        // While it is handed on, it is not ended.
        let complete = "mutation($id: ID!) { completeTask(input: { taskId: $id }) { sequence } }";
        let refused = ann.client.error(complete, json!({ "id": task })).await;
        assert_eq!(refused["extensions"]["code"], "INVALID_STATE", "{refused}");
        assert_eq!(refused["extensions"]["transferId"], transfer["id"], "{refused}");

        // A crash changes nothing: the offer still counts.
        let server = server.crash_and_restart().await;
        let seen = admin.data(TASK, json!({ "id": task })).await;
        assert_eq!(seen["node"]["status"], "RESERVED");
        assert_eq!(seen["node"]["assignedReservation"]["workerId"], ann.id);
        bo.client.data(ACCEPT, json!({ "id": offer["id"] })).await;
        let seen = admin.data(TASK, json!({ "id": task })).await;
        assert_eq!(seen["node"]["status"], "ASSIGNED");
        assert_eq!(seen["node"]["assignedReservation"]["workerId"], bo.id);
        assert_eq!(seen["node"]["transfers"][0]["status"], "COMPLETE");
        let done = "mutation($id: ID!) { completeReservation(input: { reservationId: $id }) { sequence } }";
        ann.client.data(done, json!({ "id": reservation })).await;
        assert_eq!(ann.client.data(TASK, json!({ "id": task })).await["node"], Value::Null);
        bo.client.data(complete, json!({ "id": task })).await;
        assert!(server.stop().await);
    }
}

/// What a request did may be the reason why it could not be made once more: its repeat is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_when_the_task_has_left_the_workers_hands() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let ann = agent(&admin, &server, "Ann").await;
        let bo = agent(&admin, &server, "Bo").await;
        let (task, reservation) = task_of(&admin, &server, &ann).await;
        let update = json!({ "input": { "taskId": task, "attributes": { "note": "Ann's" }, "idempotencyKey": "once" } });
        let updated = ann.client.data(UPDATE, update.clone()).await;
        let transfer =
            json!({ "input": { "taskId": task, "toId": bo.id, "mode": "COLD", "idempotencyKey": "once" } });
        let begun = ann.client.data(TRANSFER, transfer.clone()).await;
        let same = |again: &Value, first: &Value| {
            assert_eq!(again["sequence"], first["sequence"]);
            assert_eq!(again["transfer"]["id"], first["transfer"]["id"]);
            assert_eq!(again["task"]["id"], first["task"]["id"]);
        };

        // Nobody has it; then Bo has it, and Ann still wraps up; all across a crash.
        let again = ann.client.data(TRANSFER, transfer.clone()).await;
        same(&again["transferTask"], &begun["transferTask"]);
        let server = server.crash_and_restart().await;
        let offer = offer_to(&admin, &task, &bo.id).await;
        bo.client.data(ACCEPT, json!({ "id": offer })).await;
        let again = ann.client.data(TRANSFER, transfer.clone()).await;
        same(&again["transferTask"], &begun["transferTask"]);
        assert_eq!(again["transferTask"]["transfer"]["status"], "COMPLETE", "as it is now");
        let again = ann.client.data(UPDATE, update.clone()).await;
        same(&again["updateTask"], &updated["updateTask"]);

        // What is no repeat is judged; and keys are each caller's own.
        let refused = async |agent: &Agent, query: &str, input: &Value, changes: Value| {
            let mut input = input.clone();
            for (field, value) in changes.as_object().expect("fields") {
                input["input"][field] = value.clone();
            }
            let error = agent.client.error(query, input).await;
            text(&error["extensions"]["code"])
        };
        assert_eq!(
            refused(&ann, TRANSFER, &transfer, json!({ "idempotencyKey": "other" })).await,
            "NOT_FOUND"
        );
        assert_eq!(refused(&ann, TRANSFER, &transfer, json!({ "idempotencyKey": null })).await, "NOT_FOUND");
        assert_eq!(refused(&ann, UPDATE, &update, json!({ "attributes": {} })).await, "CONFLICT");
        assert_eq!(refused(&ann, UPDATE, &update, json!({ "priority": 1 })).await, "FORBIDDEN");
        let others = bo.client.data(UPDATE, update.clone()).await;
        assert!(others["updateTask"]["sequence"].as_u64() > begun["transferTask"]["sequence"].as_u64());

        // Out of her sight, she is told no more than that it was done.
        let done = "mutation($id: ID!) { completeReservation(input: { reservationId: $id }) { sequence } }";
        ann.client.data(done, json!({ "id": reservation })).await;
        let input = json!({ "taskId": task, "attributes": { "note": "Bo's" } });
        bo.client.data(UPDATE, json!({ "input": input })).await;
        for (query, input, first) in
            [(TRANSFER, transfer, &begun["transferTask"]), (UPDATE, update, &updated["updateTask"])]
        {
            let gone = ann.client.error(query, input).await;
            assert_eq!(gone["extensions"]["code"], "NOT_FOUND", "{gone}");
            assert_eq!(gone["extensions"]["sequence"], first["sequence"], "{gone}");
            assert!(!gone.to_string().contains("Bo"), "{gone}");
        }
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_when_the_task_has_ended() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let ann = agent(&admin, &server, "Ann").await;
    let (task, _) = task_of(&admin, &server, &ann).await;
    let input = json!({ "taskId": task, "attributes": { "note": "done" }, "idempotencyKey": "once" });
    let updated = ann.client.data(UPDATE, json!({ "input": input })).await;
    let complete = "mutation($id: ID!) { completeTask(input: { taskId: $id }) { sequence } }";
    ann.client.data(complete, json!({ "id": task })).await;

    let gone = ann.client.error(UPDATE, json!({ "input": input })).await;
    assert_eq!(gone["extensions"]["code"], "NOT_FOUND", "{gone}");
    assert_eq!(gone["extensions"]["sequence"], updated["updateTask"]["sequence"], "{gone}");
    let input = json!({ "taskId": task, "attributes": {}, "idempotencyKey": "other" });
    let late = ann.client.error(UPDATE, json!({ "input": input })).await;
    assert_eq!(late["extensions"]["code"], "INVALID_STATE", "{late}");
    assert_eq!(late["extensions"]["sequence"], Value::Null, "{late}");
}

/// Of the Tasks that a Worker has, it sees the name of the Workflow, also of the one that they are handed on to.
#[tokio::test(flavor = "multi_thread")]
async fn who_hands_a_task_on_to_a_workflow_sees_its_name() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let ann = agent(&admin, &server, "Ann").await;
    let query = "query($id: ID!) { workspace(id: $id) { taskQueues { nodes { id } } } }";
    let seen = admin.data(query, json!({ "id": server.workspace })).await;
    let queue = &seen["workspace"]["taskQueues"]["nodes"][0]["id"];
    let create =
        "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id name } } }";
    let first = workflow(&admin, &server.workspace).await;
    let configuration = json!({ "task_routing": { "default_filter": { "queue": queue } } });
    let input = json!({ "workspaceId": server.workspace, "name": "Second", "configuration": configuration });
    let mut made = admin.data(create, json!({ "input": input })).await;
    let second = made["createWorkflow"]["workflow"].take();

    let input = json!({ "workspaceId": server.workspace, "workflowId": first });
    let made = admin.data(CREATE_TASK, json!({ "input": input })).await;
    let task = text(&made["createTask"]["task"]["id"]);
    let reservation = offer_to(&ann.client, &task, &ann.id).await;
    ann.client.data(ACCEPT, json!({ "id": reservation })).await;
    let node = "query($id: ID!) { node(id: $id) { ... on Workflow { id name } } }";
    assert_eq!(ann.client.data(node, json!({ "id": second["id"] })).await["node"], Value::Null);

    let input = json!({ "taskId": task, "toId": second["id"] });
    ann.client.data(TRANSFER, json!({ "input": input })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Task { workflow { id name } taskQueue { id } } } }";
    let seen = ann.client.data(query, json!({ "id": task })).await;
    assert_eq!(seen["node"], json!({ "workflow": second, "taskQueue": { "id": queue } }));
    assert_eq!(ann.client.data(node, json!({ "id": second["id"] })).await["node"], second);

    // Nobody else is there, so she gives up and ends it: neither Workflow is any of her business then.
    let query = "query($id: ID!) { node(id: $id) { ... on Task { transfers { id } } } }";
    let seen = ann.client.data(query, json!({ "id": task })).await;
    let input = json!({ "transferId": seen["node"]["transfers"][0]["id"] });
    ann.client.data(CANCEL, json!({ "input": input })).await;
    let complete = "mutation($id: ID!) { completeTask(input: { taskId: $id }) { sequence } }";
    ann.client.data(complete, json!({ "id": task })).await;
    for id in [&second["id"], &first] {
        assert_eq!(ann.client.data(node, json!({ "id": id })).await["node"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_and_a_change_of_mind_leave_the_task_where_it_was() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let ann = agent(&admin, &server, "Ann").await;
    let bo = agent(&admin, &server, "Bo").await;
    let (task, _) = task_of(&admin, &server, &ann).await;
    let input = json!({ "taskId": task, "toId": bo.id });

    ann.client.data(TRANSFER, json!({ "input": input })).await;
    let offer = offer_to(&admin, &task, &bo.id).await;
    bo.client.data(REJECT, json!({ "id": offer })).await;
    let seen = ann.client.data(TASK, json!({ "id": task })).await;
    assert_eq!(seen["node"]["status"], "ASSIGNED");
    assert_eq!(seen["node"]["transfers"][0]["failedReason"], "Bo did not take the Task");

    let begun = ann.client.data(TRANSFER, json!({ "input": input })).await;
    let transfer = begun["transferTask"]["transfer"]["id"].clone();
    let input = json!({ "transferId": transfer, "reason": "the customer hung up" });
    let hidden = bo.client.error(CANCEL, json!({ "input": input })).await;
    assert_eq!(hidden["extensions"]["code"], "NOT_FOUND", "it is not for Bo to call off: {hidden}");
    let canceled = ann.client.data(CANCEL, json!({ "input": input })).await;
    assert_eq!(
        canceled["cancelTransfer"]["transfer"],
        json!({ "id": transfer, "status": "CANCELED", "failedReason": "the customer hung up" })
    );
    let late = ann.client.error(CANCEL, json!({ "input": input })).await;
    assert_eq!(
        (&late["extensions"]["code"], &late["extensions"]["status"]),
        (&json!("INVALID_STATE"), &json!("CANCELED"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_destination_is_refused_with_the_reason_and_the_field() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let ann = agent(&admin, &server, "Ann").await;
    let bo = agent(&admin, &server, "Bo").await;
    let (task, _) = task_of(&admin, &server, &ann).await;
    // Bo has his hands full.
    task_of(&admin, &server, &bo).await;
    let refused = async |to: &str| {
        let error = ann.client.error(TRANSFER, json!({ "input": { "taskId": task, "toId": to } })).await;
        (text(&error["extensions"]["code"]), text(&error["extensions"]["field"]), text(&error["message"]))
    };
    let (code, field, message) = refused(&bo.id).await;
    assert_eq!((code.as_str(), field.as_str()), ("INVALID_STATE", "toId"));
    assert_eq!(message, "the Task cannot be transferred to Bo: 1 of 1 on the channel default taken");
    for (to, code) in [
        (ann.id.as_str(), "BAD_USER_INPUT"),
        (task.as_str(), "BAD_USER_INPUT"),
        ("nonsense", "BAD_USER_INPUT"),
        ("WQ000000000000700080000063ffffffff", "NOT_FOUND"),
    ] {
        let (found, field, message) = refused(to).await;
        assert_eq!((found.as_str(), field.as_str()), (code, "toId"), "{message}");
    }

    let create = async |input: Value| admin.error(CREATE_TASK, json!({ "input": input })).await;
    let workspace = server.workspace.as_str();
    let both = create(json!({ "workspaceId": workspace, "routingTargetId": ann.id, "workflowId": workflow(&admin, workspace).await })).await;
    assert_eq!(
        (&both["extensions"]["code"], &both["extensions"]["field"]),
        (&json!("BAD_USER_INPUT"), &json!("routingTargetId"))
    );
    let ignoring = create(json!({ "workspaceId": workspace, "ignoreCapacity": true })).await;
    assert_eq!(ignoring["extensions"]["field"], "ignoreCapacity", "{ignoring}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directed_task_says_where_it_was_directed() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let ann = agent(&admin, &server, "Ann").await;
    let input = json!({ "workspaceId": server.workspace, "routingTargetId": ann.id });
    let made = admin.data(CREATE_TASK, json!({ "input": input })).await;
    let task = &made["createTask"]["task"];
    assert_eq!(
        (&task["status"], &task["workflow"], &task["taskQueue"]),
        (&json!("RESERVED"), &Value::Null, &Value::Null)
    );
    assert_eq!(task["routingTarget"], json!({ "__typename": "Worker", "id": ann.id, "name": "Ann" }));
    assert_eq!(task["ignoreCapacity"], true);
    let query = "query($id: ID!) { node(id: $id) { ... on Task { explanation { summary position } } } }";
    let seen = admin.data(query, json!({ "id": task["id"] })).await;
    let summary = text(&seen["node"]["explanation"]["summary"]);
    assert!(
        summary.starts_with("Is offered to Worker Ann directly, who had never been offered anything."),
        "{summary}"
    );
}

async fn workflow(admin: &Client, workspace: &str) -> Value {
    let query = "query($id: ID!) { workspace(id: $id) { workflows { nodes { id } } } }";
    let mut seen = admin.data(query, json!({ "id": workspace })).await;
    seen["workspace"]["workflows"]["nodes"][0]["id"].take()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}
