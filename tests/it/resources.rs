//! What a Workspace consists of is made, changed and deleted over the API.

use serde_json::{Value, json};

use crate::server::{Client, Server};

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
