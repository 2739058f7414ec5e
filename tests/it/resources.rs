//! What a Workspace consists of is made, changed and deleted over the API.

use serde_json::{Value, json};

use crate::server::{Client, Server};
use crate::socket::Socket;

#[tokio::test(flavor = "multi_thread")]
async fn task_channels_are_created_and_changed_and_survive_a_crash() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let workspace = server.workspace.clone();
        let create_worker =
            "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "Ann" });
        let ann = admin.data(create_worker, json!({ "input": input })).await;
        let ann = ann["createWorker"]["worker"]["id"].clone();

        let create = "mutation($input: CreateTaskChannelInput!) { createTaskChannel(input: $input) { sequence \
                      taskChannel { id name uniqueName channelOptimizedRouting version } } }";
        let input = json!({
            "workspaceId": workspace, "name": "E-mail", "uniqueName": "mail", "idempotencyKey": "once",
        });
        let created = admin.data(create, json!({ "input": input })).await;
        assert_eq!(admin.data(create, json!({ "input": input })).await, created, "a repeat has one effect");
        let channel = &created["createTaskChannel"]["taskChannel"];
        assert_eq!(channel["channelOptimizedRouting"], false);

        let update = "mutation($input: UpdateTaskChannelInput!) { updateTaskChannel(input: $input) { \
                      taskChannel { name uniqueName channelOptimizedRouting version } } }";
        let input = json!({
            "taskChannelId": channel["id"], "channelOptimizedRouting": true, "expectedVersion": 1,
        });
        let updated = admin.data(update, json!({ "input": input })).await;
        let expected = json!({
            "name": "E-mail", "uniqueName": "mail", "channelOptimizedRouting": true, "version": 2,
        });
        assert_eq!(updated["updateTaskChannel"]["taskChannel"], expected);
        let error = admin.error(update, json!({ "input": input })).await;
        assert_eq!(error["extensions"]["code"], "CONFLICT", "{error}");

        let supervisor = server.command(&["token", "--role", "supervisor", "--workspace", &workspace]).await;
        let supervisor = admin.with_token(String::from_utf8(supervisor.stdout).expect("text").trim());
        let input = json!({ "workspaceId": workspace, "name": "Fax", "uniqueName": "fax" });
        let error = supervisor.error(create, json!({ "input": input })).await;
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");

        // Ann was there before, and has a channel for it that nothing has been written about.
        let of_ann = "query($id: ID!) { node(id: $id) { ... on Worker { channels { id configuredCapacity available \
                      version taskChannel { uniqueName } } } } }";
        let before = admin.data(of_ann, json!({ "id": ann })).await;
        let of_mail = |channels: &Value| {
            let mut channels = channels["node"]["channels"].as_array().expect("a list").iter();
            channels
                .find(|channel| channel["taskChannel"]["uniqueName"] == "mail")
                .expect("it is there")
                .clone()
        };
        let mail = of_mail(&before);
        assert_eq!((&mail["configuredCapacity"], &mail["version"]), (&json!(1), &json!(1)));
        let widen = "mutation($input: UpdateWorkerChannelInput!) { updateWorkerChannel(input: $input) { \
                     workerChannel { id configuredCapacity version } } }";
        let input = json!({ "workerChannelId": mail["id"], "configuredCapacity": 4, "expectedVersion": 1 });
        let widened = admin.data(widen, json!({ "input": input })).await;
        assert_eq!(widened["updateWorkerChannel"]["workerChannel"]["id"], mail["id"]);

        let server = server.crash_and_restart().await;
        let mail = of_mail(&admin.data(of_ann, json!({ "id": ann })).await);
        assert_eq!((&mail["configuredCapacity"], &mail["version"]), (&json!(4), &json!(2)));
        let events = "query($id: ID!) { workspace(id: $id) { taskChannel(uniqueName: \"mail\") { version } \
                      events(last: 3) { nodes { type taskChannel { uniqueName } data } } } }";
        let data = admin.data(events, json!({ "id": workspace })).await;
        assert_eq!(data["workspace"]["taskChannel"]["version"], 2);
        let events = data["workspace"]["events"]["nodes"].as_array().expect("a list");
        let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
        assert_eq!(types, ["TASK_CHANNEL_CREATED", "TASK_CHANNEL_UPDATED", "WORKER_CAPACITY_UPDATE"]);
        assert_eq!(events[1]["data"]["taskChannel"]["channelOptimizedRouting"], true);
        assert_eq!(events[2]["data"]["worker"]["channels"].as_array().expect("all six").len(), 6);
        assert!(server.stop().await);
    }
}

/// A mutation of this name, which answers with no more than its position.
fn deletion(mutation: &str) -> String {
    let input = if mutation == "deleteWorker" { "DeleteWorkerInput" } else { "DeleteInput" };
    format!("mutation($input: {input}!) {{ {mutation}(input: $input) {{ sequence deletedId }} }}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_use_is_not_deleted_and_the_refusal_names_who_needs_it() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let world = World::build(&admin, &server.workspace).await;
        let World { ann, task, reservation, queue, workflow, activity, channel, offline } = &world;
        let workspace = &server.workspace;
        let sequence = sequence(&admin, workspace).await;
        for (mutation, id, users) in [
            (
                "deleteWorker",
                ann,
                json!([{ "kind": "Reservation", "id": reservation, "name": null, "how": "is pending" }]),
            ),
            (
                "deleteTaskQueue",
                queue,
                json!([
                    { "kind": "Workflow", "id": workflow, "name": "Assign to Anyone", "how": "refers to it" },
                    { "kind": "Task", "id": task, "name": null, "how": "is in it" },
                ]),
            ),
            (
                "deleteWorkflow",
                workflow,
                json!([{ "kind": "Task", "id": task, "name": null, "how": "follows it" }]),
            ),
            (
                "deleteActivity",
                activity,
                json!([{ "kind": "Worker", "id": ann, "name": "Ann", "how": "is in it" }]),
            ),
            (
                "deleteTaskChannel",
                channel,
                json!([{ "kind": "Task", "id": task, "name": null, "how": "uses it" }]),
            ),
        ] {
            let error = admin.error(&deletion(mutation), json!({ "input": { "id": id } })).await;
            assert_eq!(error["extensions"]["code"], "IN_USE", "{mutation}: {error}");
            assert_eq!(error["extensions"]["users"], users, "{mutation}: {error}");
            assert_eq!(error["extensions"]["userCount"], users.as_array().expect("a list").len(), "{error}");
            let message = error["message"].as_str().expect("a text");
            assert!(message.contains("cannot be deleted") && !message.ends_with('.'), "{message}");
        }
        let error = admin.error(&deletion("deleteActivity"), json!({ "input": { "id": offline } })).await;
        assert_eq!(error["extensions"]["userCount"], 3, "as default, timeout and logout Activity: {error}");
        let query = "query($id: ID!) { workspace(id: $id) { taskChannel(uniqueName: \"voice\") { id } } }";
        let voice =
            admin.data(query, json!({ "id": workspace })).await["workspace"]["taskChannel"]["id"].clone();
        let error = admin.error(&deletion("deleteTaskChannel"), json!({ "input": { "id": voice } })).await;
        assert_eq!(error["extensions"]["users"][0]["how"], "always has it", "{error}");
        assert_eq!(self::sequence(&admin, workspace).await, sequence, "nothing has changed");
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_in_no_list_and_can_be_read_by_what_refers_to_it_also_after_a_crash() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let World { ann, task, reservation, queue, workflow, activity, channel, .. } =
            World::build(&admin, &server.workspace).await;
        let workspace = server.workspace.clone();
        let accept = "mutation($id: ID!) { acceptReservation(input: { reservationId: $id }) { sequence } }";
        admin.data(accept, json!({ "id": reservation })).await;
        let complete = "mutation($id: ID!) { completeTask(input: { taskId: $id }) { sequence } }";
        admin.data(complete, json!({ "id": task })).await;

        let once = json!({ "input": { "id": ann, "expectedVersion": 1, "idempotencyKey": "once" } });
        let deleted = admin.data(&deletion("deleteWorker"), once.clone()).await;
        assert_eq!(deleted["deleteWorker"]["deletedId"], ann);
        assert_eq!(admin.data(&deletion("deleteWorker"), once).await, deleted, "a repeat has one effect");
        for (mutation, id) in [
            ("deleteWorkflow", &workflow),
            ("deleteTaskQueue", &queue),
            ("deleteActivity", &activity),
            ("deleteTaskChannel", &channel),
        ] {
            admin.data(&deletion(mutation), json!({ "input": { "id": id } })).await;
        }
        for mutation in ["deleteWorker", "deleteTaskQueue"] {
            let id = if mutation == "deleteWorker" { &ann } else { &queue };
            let error = admin.error(&deletion(mutation), json!({ "input": { "id": id } })).await;
            assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
            assert_eq!(error["extensions"]["field"], "id", "{error}");
        }

        let server = server.crash_and_restart().await;
        let lists = "query($id: ID!) { workspace(id: $id) { workers { totalCount } taskQueues { totalCount } \
                     workflows { totalCount } worker(name: \"Ann\") { id } workflow(name: \"Assign to Anyone\") { id } \
                     taskQueue(name: \"Everyone\") { id } activity(name: \"Desk\") { id } \
                     taskChannel(uniqueName: \"mail\") { id } } }";
        let data = admin.data(lists, json!({ "id": workspace })).await;
        let none = json!({ "totalCount": 0 });
        let expected = json!({
            "workers": none, "taskQueues": none, "workflows": none, "worker": null, "workflow": null,
            "taskQueue": null, "activity": null, "taskChannel": null,
        });
        assert_eq!(data["workspace"], expected);
        let references = "query($id: ID!) { node(id: $id) { ... on Reservation { worker { name deletedAt available \
                          activity { name deletedAt } } taskQueue { name deletedAt eligibleWorkers { totalCount } } \
                          workflow { name deletedAt } taskChannel { uniqueName deletedAt } \
                          task { deletedAt workflow { id } taskQueue { id } taskChannel { id } } } } }";
        let data = admin.data(references, json!({ "id": reservation })).await;
        let node = &data["node"];
        assert_eq!((&node["worker"]["name"], &node["worker"]["available"]), (&json!("Ann"), &json!(false)));
        for deleted in ["worker", "taskQueue", "workflow", "taskChannel"] {
            assert!(node[deleted]["deletedAt"].is_string(), "{deleted}: {node}");
        }
        assert_eq!(node["worker"]["activity"]["name"], "Desk");
        assert!(node["worker"]["activity"]["deletedAt"].is_string(), "{node}");
        assert_eq!(node["task"]["deletedAt"], Value::Null);
        assert_eq!(node["task"]["workflow"]["id"], workflow);
        let by_id = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        let nodes = admin.data(by_id, json!({ "ids": [ann, queue, workflow, activity, channel] })).await;
        let found: Vec<&Value> =
            nodes["nodes"].as_array().expect("a list").iter().map(|it| &it["id"]).collect();
        assert_eq!(found, [&ann, &queue, &workflow, &activity, &channel]);

        let events = "query($id: ID!) { workspace(id: $id) { events(last: 5) { nodes { type data worker { name } } } } }";
        let data = admin.data(events, json!({ "id": workspace })).await;
        let events = data["workspace"]["events"]["nodes"].as_array().expect("a list");
        let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
        let expected = [
            "WORKER_DELETED",
            "WORKFLOW_DELETED",
            "TASK_QUEUE_DELETED",
            "ACTIVITY_DELETED",
            "TASK_CHANNEL_DELETED",
        ];
        assert_eq!(types, expected);
        assert!(events[0]["data"]["worker"]["deletedAt"].is_string(), "{}", events[0]);

        // Nobody signs for a Worker who is gone, here or on the command line.
        let sign = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";
        let input = json!({ "workspaceId": workspace, "role": "WORKER", "workerId": ann });
        let error = admin.error(sign, json!({ "input": input })).await;
        assert_eq!(
            (&error["extensions"]["code"], &error["extensions"]["field"]),
            (&json!("NOT_FOUND"), &json!("workerId"))
        );
        for name in ["Ann", &ann] {
            let signed = server.command(&["token", "--role", "worker", "--worker", name]).await;
            assert!(!signed.status.success(), "{name}");
        }

        // The name is free.
        let create = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "ann" });
        let other = admin.data(create, json!({ "input": input })).await;
        assert_ne!(other["createWorker"]["worker"]["id"], ann);
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_deleted_while_it_is_offered_and_its_worker_hears_of_it() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let World { ann, task, reservation, .. } = World::build(&admin, &server.workspace).await;
        let query = "subscription($id: ID!) { reservations(workerId: $id) { snapshot { id } event reservation { id \
                     status canceledReason task { deletedAt status } } } }";
        let variables = json!({ "id": ann });
        let mut socket = Socket::subscribe(&server.socket_url(), &server.admin, query, variables)
            .await
            .expect("a connection");
        let snapshot = socket.next().await.expect("a message");
        assert_eq!(snapshot["reservations"]["snapshot"][0]["id"], reservation);

        let deleted = admin.data(&deletion("deleteTask"), json!({ "input": { "id": task } })).await;
        assert_eq!(deleted["deleteTask"]["deletedId"], task);
        let change = socket.next().await.expect("a message");
        let change = &change["reservations"];
        assert_eq!(change["event"], "RESERVATION_CANCELED");
        assert_eq!(change["reservation"]["canceledReason"], "Task deleted");
        assert_eq!(change["reservation"]["task"]["status"], "CANCELED");
        assert!(change["reservation"]["task"]["deletedAt"].is_string(), "{change}");

        let list = "query($id: ID!) { workspace(id: $id) { tasks { totalCount } } }";
        let data = admin.data(list, json!({ "id": server.workspace })).await;
        assert_eq!(data["workspace"]["tasks"]["totalCount"], 0);
        let error = admin.error(&deletion("deleteTask"), json!({ "input": { "id": task } })).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
        let update = "mutation($id: ID!) { updateTask(input: { taskId: $id, priority: 1 }) { sequence } }";
        let error = admin.error(update, json!({ "id": task })).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
        assert!(server.stop().await);
    }
}

/// Ann is at her desk and is offered a letter.
struct World {
    ann: String,
    task: String,
    reservation: String,
    queue: String,
    workflow: String,
    activity: String,
    channel: String,
    offline: String,
}

impl World {
    async fn build(admin: &Client, workspace: &str) -> World {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned();
        let query = "query($id: ID!) { workspace(id: $id) { taskQueue(name: \"Everyone\") { id } \
                     workflow(name: \"Assign to Anyone\") { id } activity(name: \"Offline\") { id } } }";
        let data = admin.data(query, json!({ "id": workspace })).await;
        let of = |name: &str| text(&data["workspace"][name]["id"]);
        let (queue, workflow, offline) = (of("taskQueue"), of("workflow"), of("activity"));
        let create =
            "mutation($input: CreateActivityInput!) { createActivity(input: $input) { activity { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "Desk", "available": true });
        let activity = admin.data(create, json!({ "input": input })).await;
        let activity = text(&activity["createActivity"]["activity"]["id"]);
        let create = "mutation($input: CreateTaskChannelInput!) { createTaskChannel(input: $input) { taskChannel { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "Mail", "uniqueName": "mail" });
        let channel = admin.data(create, json!({ "input": input })).await;
        let channel = text(&channel["createTaskChannel"]["taskChannel"]["id"]);
        let create = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
        let input = json!({ "workspaceId": workspace, "name": "Ann", "activityId": activity });
        let ann = text(&admin.data(create, json!({ "input": input })).await["createWorker"]["worker"]["id"]);
        let create = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id \
                      reservations { nodes { id } } } } }";
        let input = json!({ "workspaceId": workspace, "taskChannelName": "mail" });
        let data = admin.data(create, json!({ "input": input })).await;
        let (task, reservation) = (
            text(&data["createTask"]["task"]["id"]),
            text(&data["createTask"]["task"]["reservations"]["nodes"][0]["id"]),
        );
        World { ann, task, reservation, queue, workflow, activity, channel, offline }
    }
}

async fn sequence(client: &Client, workspace: &str) -> u64 {
    let query = "query($id: ID!) { workspace(id: $id) { sequence } }";
    client.data(query, json!({ "id": workspace })).await["workspace"]["sequence"].as_u64().expect("a number")
}
