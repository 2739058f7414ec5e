//! What was acknowledged is there: after a crash, after a stop, and when a request is repeated.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Client, Server};
use crate::socket::{End, Socket};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_mutation_has_one_effect_and_one_answer_also_after_a_crash() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence task { id attributes } } }";
        let input =
            json!({ "workspaceId": server.workspace, "attributes": { "n": 1 }, "idempotencyKey": "once" });
        let first = admin.data(query, json!({ "input": input })).await;
        let repeated = admin.data(query, json!({ "input": input })).await;
        assert_eq!(repeated, first);

        let workspace = server.workspace.clone();
        let server = server.crash_and_restart().await;
        let repeated = admin.data(query, json!({ "input": input })).await;
        assert_eq!(repeated, first);
        assert_eq!(n_tasks(&admin, &workspace).await, 1);

        let other = json!({ "workspaceId": workspace, "attributes": { "n": 2 }, "idempotencyKey": "once" });
        let error = admin.error(query, json!({ "input": other })).await;
        assert_eq!(error["extensions"]["code"], "CONFLICT", "{error}");
        // The same key of somebody else is another key.
        let token = server.command(&["token", "--role", "supervisor", "--workspace", &workspace]).await;
        let token = String::from_utf8(token.stdout).expect("text");
        let supervisor = admin.with_token(token.trim());
        supervisor.data(query, json!({ "input": other })).await;
        assert_eq!(n_tasks(&admin, &workspace).await, 2);
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn timers_go_on_after_a_restart() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = server.workspace.clone();
        // One Task that nobody can take, with two seconds to live; and one offer with two seconds to answer.
        let lookup = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } workflow(name: \"Assign to Anyone\") { id } } }";
        let data = admin.data(lookup, json!({ "id": workspace })).await;
        let update = "mutation($input: UpdateWorkflowInput!) { updateWorkflow(input: $input) { sequence } }";
        let workflow = &data["workspace"]["workflow"]["id"];
        let input = json!({ "workflowId": workflow, "taskReservationTimeoutSeconds": 2 });
        admin.data(update, json!({ "input": input })).await;
        let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
        let create_worker =
            "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
        let activity = &data["workspace"]["activity"]["id"];
        let input = json!({ "workspaceId": workspace, "name": "ann", "activityId": activity });
        admin.data(create_worker, json!({ "input": input })).await;
        admin.data(create, json!({ "input": { "workspaceId": workspace } })).await;
        admin.data(create, json!({ "input": { "workspaceId": workspace, "timeoutSeconds": 2 } })).await;
        let before = sequence(&admin, &workspace).await;

        let server = server.crash_and_restart().await;
        let query = "subscription($id: ID!, $after: Sequence) { workspaceEvents(workspaceId: $id, after: $after) { type } }";
        let variables = json!({ "id": workspace, "after": before });
        let mut events = Socket::subscribe(&server.socket_url(), &server.admin, query, variables)
            .await
            .expect("a connection");
        let mut seen = Vec::new();
        while !(seen.contains(&json!("RESERVATION_TIMEOUT")) && seen.contains(&json!("TASK_CANCELED"))) {
            seen.push(events.next().await.expect("an event")["workspaceEvents"]["type"].take());
        }
        assert!(seen.contains(&json!("WORKER_ACTIVITY_UPDATE")), "{seen:?}");
        assert!(server.stop().await);
    }
}

/// More than one commit holds: nothing of it is left out, and the stream has no hole.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_all_at_once_when_the_server_starts_is_done() {
    const TASKS: usize = 5_000;
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = server.workspace.clone();
        // A Workflow that wants nothing: its Tasks are canceled at once.
        let lookup = "query($id: ID!) { workspace(id: $id) { taskQueues { nodes { id } } } }";
        let data = admin.data(lookup, json!({ "id": workspace })).await;
        let queue = &data["workspace"]["taskQueues"]["nodes"][0]["id"];
        let never = json!({ "expression": "1==0", "targets": [{ "queue": queue }] });
        let configuration = json!({ "task_routing": { "filters": [never] } });
        let create =
            "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "None", "configuration": configuration });
        let data = admin.data(create, json!({ "input": input })).await;
        let tasks = vec![json!({ "workflowId": data["createWorkflow"]["workflow"]["id"] }); 500];
        let create = "mutation($input: CreateTasksInput!) { createTasks(input: $input) { sequence } }";
        for _ in 0..TASKS / tasks.len() {
            admin.data(create, json!({ "input": { "workspaceId": workspace, "tasks": tasks } })).await;
        }
        assert_eq!(n_tasks(&admin, &workspace).await, TASKS as u64, "all of them stay for a while");
        let before = sequence(&admin, &workspace).await.as_u64().expect("a number");

        // As if that while had passed.
        let server = server.crash_and_restart_with(&["--finished-task-retention-seconds", "0"]).await;
        let query = "subscription($id: ID!, $after: Sequence) { workspaceEvents(workspaceId: $id, after: $after) { type sequence } }";
        let variables = json!({ "id": workspace, "after": before });
        let mut events = Socket::subscribe(&server.socket_url(), &server.admin, query, variables)
            .await
            .expect("a connection");
        for expected in before + 1..=before + TASKS as u64 {
            let event = events.next().await.expect("an event")["workspaceEvents"].take();
            assert_eq!(event, json!({ "type": "TASK_PURGED", "sequence": expected }));
        }
        assert_eq!(n_tasks(&admin, &workspace).await, 0);
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_answers_what_it_has_taken_and_says_goodbye_to_sockets() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = server.workspace.clone();
        let query = "subscription($id: ID!) { workspaceEvents(workspaceId: $id) { type } }";
        let mut socket =
            Socket::subscribe(&server.socket_url(), &server.admin, query, json!({ "id": workspace }))
                .await
                .expect("a connection");

        // Requests from eight sides, while the server is asked to stop.
        let (asked, is_asked) = tokio::sync::watch::channel(0);
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (admin, workspace, asked) = (admin.clone(), workspace.clone(), asked.clone());
            writers.spawn(async move {
                let mut acknowledged: Vec<String> = Vec::new();
                let create =
                    "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
                while let Ok(data) = admin.ask(create, json!({ "input": { "workspaceId": workspace } })).await
                {
                    acknowledged.push(data["createTask"]["task"]["id"].as_str().expect("an id").to_owned());
                    asked.send_modify(|asked| *asked += 1);
                }
                acknowledged
            });
        }
        let mut is_asked = is_asked;
        is_asked.wait_for(|n_answers| *n_answers >= 50).await.expect("answers come");
        let database_url = database.url.clone();
        let stopped = server.stop().await;
        assert!(stopped, "it ends well");
        let end = loop {
            match socket.next().await {
                Ok(_) => {}
                Err(end) => break end,
            }
        };
        // The subscription may be completed before the connection is closed.
        let end =
            if matches!(end, End::Complete) { socket.next().await.expect_err("no more events") } else { end };
        assert!(matches!(end, End::Closed(Some(1001))), "{end:?}");

        let mut acknowledged = Vec::new();
        while let Some(ids) = writers.join_next().await {
            acknowledged.extend(ids.expect("no panic"));
        }
        let server = Server::start(&database_url).await;
        let admin = Client::new(&server, &server.admin);
        for ids in acknowledged.chunks(50) {
            let data =
                admin.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
            let found = data["nodes"].as_array().expect("a list");
            assert!(found.iter().all(|task| !task.is_null()), "what was acknowledged is there");
        }
        assert!(acknowledged.len() >= 50);
    }
}

/// The state is published before its events are handed out; who has seen it may follow from there at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_begin_at_the_position_that_was_just_answered() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let workspace = &server.workspace;
    let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence } }";
    let query = "subscription($id: ID!, $after: Sequence) { workspaceEvents(workspaceId: $id, after: $after) { sequence } }";
    for _ in 0..40 {
        let answer = admin.data(create, json!({ "input": { "workspaceId": workspace } })).await;
        let sequence = answer["createTask"]["sequence"].as_u64().expect("a number");
        let variables = json!({ "id": workspace, "after": sequence });
        let mut events = Socket::subscribe(&server.socket_url(), &server.admin, query, variables)
            .await
            .expect("a connection");
        admin.data(create, json!({ "input": { "workspaceId": workspace } })).await;
        assert_eq!(events.next().await.expect("an event")["workspaceEvents"]["sequence"], sequence + 1);
    }
}

/// A server whose database has a new owner would show an old state for ever; so it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_taken_over_ends() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = server.workspace.clone();
        database.execute("UPDATE lease SET epoch = epoch + 1").await;
        let query = "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence } }";
        let answer = admin.ask(query, json!({ "input": { "workspaceId": workspace } })).await;
        assert!(answer.expect_err("nothing is acknowledged").is_uncertain());
        assert!(!server.ended().await, "it says that something is wrong");
    }
}

/// Who is too slow is sent back to the log, and misses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_read_for_a_while_has_no_hole() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let query = "subscription($id: ID!) { workspaceEvents(workspaceId: $id, after: 0) { sequence data } }";
    let variables = json!({ "id": server.workspace });
    let mut events =
        Socket::subscribe(&server.socket_url(), &server.admin, query, variables).await.expect("a connection");
    // Some 7,500 events of several kilobytes each, far more than any buffer on the way holds.
    let create = "mutation($input: CreateTasksInput!) { createTasks(input: $input) { sequence } }";
    let tasks = vec![json!({ "attributes": { "text": "x".repeat(3_000) } }); 100];
    let mut last = 0;
    for _ in 0..15 {
        let input = json!({ "workspaceId": server.workspace, "tasks": tasks });
        last = admin.data(create, json!({ "input": input })).await["createTasks"]["sequence"]
            .as_u64()
            .expect("a number");
    }
    for expected in 1..=last {
        let event = tokio::time::timeout(Duration::from_secs(30), events.next()).await.expect("events come");
        assert_eq!(event.expect("an event")["workspaceEvents"]["sequence"], expected);
    }
}

async fn n_tasks(client: &Client, workspace: &str) -> u64 {
    let query = "query($id: ID!) { workspace(id: $id) { tasks { totalCount } } }";
    let data = client.data(query, json!({ "id": workspace })).await;
    data["workspace"]["tasks"]["totalCount"].as_u64().expect("a number")
}

async fn sequence(client: &Client, workspace: &str) -> Value {
    let query = "query($id: ID!) { workspace(id: $id) { sequence } }";
    client.data(query, json!({ "id": workspace })).await["workspace"]["sequence"].take()
}
