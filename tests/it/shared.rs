//! Many follow the same subscription, or the like: each gets the log as it is, or what is theirs of it, however they
//! come, whoever they are.

use serde_json::{Value, json};

use crate::server::{Client, Server};
use crate::socket::{End, Socket};

const EVENTS: &str = "subscription($id: ID!, $after: Sequence, $types: [EventType!]) { workspaceEvents(workspaceId: $id, after: $after, filter: { types: $types }) { sequence id type actorKind actorId data } }";
const LOG: &str = "query($id: ID!, $after: Sequence) { workspace(id: $id) { events(first: 200, afterSequence: $after) { nodes { sequence id type actorKind actorId data } } } }";
const CREATE: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence } }";

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_gets_the_log_as_it_is() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let create = |n: usize| {
            let input = json!({ "workspaceId": server.workspace, "attributes": { "n": n } });
            let admin = admin.clone();
            async move { admin.data(CREATE, json!({ "input": input })).await["createTask"]["sequence"].as_u64() }
        };
        let beginning = create(0).await.expect("a number");

        let mut tokens = vec![server.admin.clone()];
        for role in ["supervisor", "supervisor", "reporter"] {
            let made = server.command(&["token", "--role", role, "--workspace", &server.workspace]).await;
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            tokens.push(String::from_utf8(made.stdout).expect("text").trim().to_owned());
        }
        // Everything, and some of it; by each token; before, while and after it happens.
        let filters = [json!(null), json!(["TASK_CREATED"])];
        let mut followers: Vec<(Socket, u64, Value)> = Vec::new();
        let mut last = beginning;
        for n in 1..=12 {
            for token in &tokens {
                for types in &filters {
                    let after = if n % 3 == 0 { beginning } else { last };
                    let variables = json!({ "id": server.workspace, "after": after, "types": types });
                    let socket = Socket::subscribe(&server.socket_url(), token, EVENTS, variables).await;
                    followers.push((socket.expect("a connection"), after, types.clone()));
                }
            }
            last = create(n).await.expect("a number");
        }

        let mut log = admin.data(LOG, json!({ "id": server.workspace, "after": beginning })).await;
        let Value::Array(log) = log["workspace"]["events"]["nodes"].take() else { panic!("a log") };
        assert_eq!(log.last().expect("events")["sequence"], last);
        for (socket, after, types) in &mut followers {
            let wanted = log.iter().filter(|event| {
                event["sequence"].as_u64() > Some(*after) && (types.is_null() || types[0] == event["type"])
            });
            for event in wanted {
                assert_eq!(socket.next().await.expect("an event")["workspaceEvents"], *event);
            }
        }
        assert!(server.stop().await);
        for (mut socket, ..) in followers {
            match socket.next().await {
                Err(End::Closed(_)) => {}
                // The log has nothing more to say once the Workspace has stopped.
                Err(End::Errors(errors)) => assert_eq!(errors[0]["extensions"]["code"], "UNAVAILABLE"),
                other => panic!("it ends: {other:?}"),
            }
        }
    }
}

const CREATE_QUEUE: &str =
    "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { taskQueue { id } } }";
const CREATE_WORKFLOW: &str =
    "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } } }";
const CREATE_WORKER: &str =
    "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
const AVAILABLE: &str = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } } }";
const CREATE_TOKEN: &str = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";
const ACCEPT: &str =
    "mutation($input: AcceptReservationInput!) { acceptReservation(input: $input) { sequence } }";
const COMPLETE: &str =
    "mutation($input: CompleteReservationInput!) { completeReservation(input: $input) { sequence } }";

/// Of one agent, whose id comes in a variable or stands in the document.
fn reservations(worker: &str, is_variable: bool) -> (String, Value) {
    let fields = "{ sequence event snapshot { id } reservation { id status workerId canceledReason \
        worker { id name attributes } task { id attributes reservations { nodes { id } } } } }";
    if is_variable {
        let query = format!("subscription($worker: ID!) {{ reservations(workerId: $worker) {fields} }}");
        (query, json!({ "worker": worker }))
    } else {
        (format!("subscription {{ reservations(workerId: \"{worker}\") {fields} }}"), json!({}))
    }
}

/// An id in a variable is how agents share an execution. One in the document is how they do not.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_who_shares_sees_the_very_same_as_one_who_does_not() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = &server.workspace;
        let made = |query: &'static str, mut input: Value| {
            input["workspaceId"] = workspace.as_str().into();
            let admin = admin.clone();
            async move { admin.data(query, json!({ "input": input })).await }
        };
        let queue = made(CREATE_QUEUE, json!({ "name": "All", "targetWorkers": "1==1" })).await;
        let queue = queue["createTaskQueue"]["taskQueue"]["id"].clone();
        let target = json!({ "queue": queue, "expression": "worker.number == task.number" });
        let configuration =
            json!({ "task_routing": { "filters": [{ "expression": "1==1", "targets": [target] }] } });
        let input = json!({ "name": "By number", "configuration": configuration });
        let workflow = made(CREATE_WORKFLOW, input).await["createWorkflow"]["workflow"]["id"].clone();
        let data = admin.data(AVAILABLE, json!({ "id": workspace })).await;
        let activity = &data["workspace"]["activity"]["id"];

        let mut agents = Vec::new();
        for number in 0..4 {
            let attributes = json!({ "number": number, "secret": format!("of {number}") });
            let input = json!({ "name": format!("agent {number}"), "attributes": attributes, "activityId": activity });
            let worker = made(CREATE_WORKER, input).await["createWorker"]["worker"]["id"].clone();
            let token = made(CREATE_TOKEN, json!({ "role": "WORKER", "workerId": worker })).await;
            let token = token["createToken"]["token"].as_str().expect("a token").to_owned();
            let mut sockets = Vec::new();
            for is_variable in [true, true, false] {
                let (query, variables) = reservations(worker.as_str().expect("an id"), is_variable);
                let mut socket = Socket::subscribe(&server.socket_url(), &token, &query, variables)
                    .await
                    .expect("a connection");
                let first = socket.next().await.expect("a snapshot");
                assert_eq!(first["reservations"]["snapshot"], json!([]));
                sockets.push(socket);
            }
            agents.push((worker, Client::new(&server, &token), sockets));
        }
        for round in 0..3 {
            for (number, (worker, client, sockets)) in agents.iter_mut().enumerate() {
                let attributes = json!({ "number": number, "round": round });
                made(CREATE, json!({ "workflowId": workflow, "attributes": attributes })).await;
                let offer = same_for_all(sockets).await;
                let reservation = &offer["reservation"];
                assert_eq!(
                    (&offer["event"], &reservation["workerId"]),
                    (&json!("RESERVATION_CREATED"), &*worker)
                );
                assert_eq!(reservation["worker"]["attributes"]["secret"], format!("of {number}"));
                assert_eq!(reservation["task"]["attributes"], attributes);
                assert_eq!(
                    reservation["task"]["reservations"]["nodes"],
                    json!([{ "id": reservation["id"] }])
                );
                for (query, event) in [(ACCEPT, "RESERVATION_ACCEPTED"), (COMPLETE, "RESERVATION_COMPLETED")]
                {
                    client.data(query, json!({ "input": { "reservationId": reservation["id"] } })).await;
                    let change = same_for_all(sockets).await;
                    assert_eq!(
                        (&change["event"], &change["reservation"]["id"]),
                        (&json!(event), &reservation["id"])
                    );
                }
            }
        }
        assert!(server.stop().await);
    }
}

/// The next message, which is the same on each socket.
async fn same_for_all(sockets: &mut [Socket]) -> Value {
    let mut messages = Vec::new();
    for socket in sockets {
        messages.push(socket.next().await.expect("a message")["reservations"].take());
    }
    assert!(messages.iter().all(|message| *message == messages[0]), "{messages:#?}");
    messages.remove(0)
}
