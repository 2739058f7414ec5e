//! Why a Task waits, and what is probably not meant, asked of a running server.

use serde_json::{Value, json};

use crate::server::{Client, Server};

const EXPLANATION: &str = "query($id: ID!, $worker: ID, $first: Int) { node(id: $id) { ... on Task { status \
    explanation(workerId: $worker, first: $first) { summary position task { id } \
    workers { eligible candidate rank worker { name } checks { kind passed detail } } } } } }";
const CREATE_QUEUE: &str =
    "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { taskQueue { id } } }";
const CREATE_WORKFLOW: &str =
    "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } } }";
const CREATE_WORKER: &str =
    "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }";
const CREATE_TASK: &str = "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }";
const AVAILABLE: &str = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } } }";
const CREATE_TOKEN: &str = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_task_says_who_could_take_it_and_what_is_in_the_way() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let made = |query: &'static str, mut input: Value| {
        input["workspaceId"] = server.workspace.as_str().into();
        let admin = admin.clone();
        async move { admin.data(query, json!({ "input": input })).await }
    };
    let queue = made(CREATE_QUEUE, json!({ "name": "Spanish", "targetWorkers": "languages HAS 'es'" })).await;
    let queue = &queue["createTaskQueue"]["taskQueue"]["id"];
    let target = json!({ "queue": queue, "expression": "worker.level >= task.level", "timeout": 3600 });
    let filter = json!({ "filter_friendly_name": "es", "expression": "1==1", "targets": [target] });
    let configuration = json!({ "task_routing": { "filters": [filter] } });
    let workflow = made(CREATE_WORKFLOW, json!({ "name": "W", "configuration": configuration })).await;
    let workflow = &workflow["createWorkflow"]["workflow"]["id"];
    let available = admin.data(AVAILABLE, json!({ "id": server.workspace })).await;
    let available = available["workspace"]["activity"]["id"].clone();
    let mut ids = Vec::new();
    for (name, attributes, activity) in [
        ("Ann", json!({ "languages": ["en"], "level": 9 }), &available),
        ("Bo", json!({ "languages": ["es", "en"], "level": 1 }), &available),
        ("Cy", json!({ "languages": ["es"], "level": 5 }), &json!(null)),
    ] {
        let input = json!({ "name": name, "attributes": attributes, "activityId": activity });
        ids.push(made(CREATE_WORKER, input).await["createWorker"]["worker"]["id"].clone());
    }
    let task = made(CREATE_TASK, json!({ "workflowId": workflow, "attributes": { "level": 3 } })).await;
    let task = task["createTask"]["task"]["id"].clone();

    let answer = admin.data(EXPLANATION, json!({ "id": task, "first": 3 })).await;
    let explanation = &answer["node"]["explanation"];
    assert_eq!((&answer["node"]["status"], &explanation["position"]), (&json!("PENDING"), &json!(1)));
    assert_eq!(explanation["task"]["id"], task);
    let summary = explanation["summary"].as_str().expect("a text");
    let expected = "Waits in TaskQueue Spanish, step 1 of filter \"es\". Of 3 Workers 2 serve the TaskQueue, 1 of these suits \
                    the step, and none of these is in an available Activity. At 20";
    assert!(summary.starts_with(expected), "{summary}");
    assert!(summary.ends_with(" it goes on to the next step."), "{summary}");
    let told: Vec<_> = explanation["workers"].as_array().expect("a list").iter().map(failing).collect();
    assert_eq!(
        told,
        [
            (
                "Cy".to_owned(),
                json!(1),
                vec!["ACTIVITY: in the Activity Offline, which is not available".to_owned()]
            ),
            (
                "Bo".to_owned(),
                json!(null),
                vec![
                    "TARGET_EXPRESSION: worker.level >= task.level: worker.level is 1, task.level is 3"
                        .to_owned()
                ]
            ),
            (
                "Ann".to_owned(),
                json!(null),
                vec!["QUEUE_MEMBERSHIP: Spanish: languages HAS \"es\": languages is [\"en\"]".to_owned()]
            ),
        ]
    );

    let of_ann = admin.data(EXPLANATION, json!({ "id": task, "worker": ids[0] })).await;
    let workers = of_ann["node"]["explanation"]["workers"].as_array().expect("a list");
    assert_eq!((workers.len(), &workers[0]["worker"]["name"]), (1, &json!("Ann")));
    let error = admin.error(EXPLANATION, json!({ "id": task, "first": 51 })).await;
    assert_eq!(error["extensions"]["field"], "first", "{error}");

    // The command says the same, beside the server, and changes nothing.
    let task_id = task.as_str().expect("an id");
    let told = server.command(&["explain", task_id, "--first", "1"]).await;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told = String::from_utf8(told.stdout).expect("text");
    let cy = ids[2].as_str().expect("an id");
    let expected = format!(
        "Task {task_id}\n{summary}\nIts place in the TaskQueue: 1\n\n\
         Cy ({cy}): is meant, but cannot take it now\n  \
         ok  TaskQueue         Spanish: languages HAS 'es' is true\n  \
         ok  step              worker.level >= task.level is true\n  \
         NO  Activity          in the Activity Offline, which is not available\n  \
         ok  channel           channel default is on\n  \
         ok  capacity          0 of 1 on channel default taken\n"
    );
    assert_eq!(told, expected);
    // Programs get the names of the API.
    let told = server.command(&["explain", task_id, "--first", "1", "--format", "json"]).await;
    let told: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let of_api = |worker: &Value| {
        let checks = worker["checks"].as_array().expect("a list").clone();
        checks.iter().map(|check| (check["kind"].clone(), check["passed"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(told["summary"], summary);
    assert_eq!(of_api(&told["workers"][0]), of_api(&explanation["workers"][0]));
    let unknown = server.command(&["explain", &format!("WT{}", "0".repeat(32))]).await;
    assert!(
        !unknown.status.success()
            && String::from_utf8_lossy(&unknown.stderr).contains("there is no Task WT000")
    );

    // Bo learns enough, and is offered it: then it does not wait.
    let input = json!({ "workerId": ids[1], "attributes": { "languages": ["es"], "level": 3 } });
    admin
        .data(
            "mutation($input: UpdateWorkerInput!) { updateWorker(input: $input) { sequence } }",
            json!({ "input": input }),
        )
        .await;
    let answer = admin.data(EXPLANATION, json!({ "id": task })).await;
    let explanation = &answer["node"]["explanation"];
    assert_eq!((&explanation["position"], &explanation["workers"]), (&json!(null), &json!([])));
    let summary = explanation["summary"].as_str().expect("a text");
    let expected =
        "Is offered to Worker Bo out of TaskQueue Spanish, who had never been offered anything. At 20";
    assert!(summary.starts_with(expected), "{summary}");

    // Bo sees the Task, but not how it is routed.
    let token = made(CREATE_TOKEN, json!({ "role": "WORKER", "workerId": ids[1] })).await;
    let bo = Client::new(&server, token["createToken"]["token"].as_str().expect("a token"));
    let error = bo.error(EXPLANATION, json!({ "id": task })).await;
    assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");
    assert!(server.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_probably_not_meant_is_accepted_and_said() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let queue = "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { \
        taskQueue { id warnings { code message path line column } } } }";
    let input = json!({ "workspaceId": server.workspace, "name": "Q", "targetWorkers": "level > 3 AND 'skills' HAS 'es'" });
    let answer = admin.data(queue, json!({ "input": input })).await;
    let queue = &answer["createTaskQueue"]["taskQueue"];
    let warning = &queue["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["path"], &warning["line"], &warning["column"]),
        (&json!("QUOTED_KEY"), &json!([]), &json!(1), &json!(24)),
        "{queue}"
    );

    let target = json!({ "queue": queue["id"] });
    let configuration = json!({ "task_routing": { "filters": [
        { "expression": "1==1", "targets": [target] },
        { "expression": "kind == 'a'", "targets": [target], "timeout": 5 },
    ] } });
    let workflow = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { \
        workflow { warnings { code path } } } }";
    let input = json!({ "workspaceId": server.workspace, "name": "W", "configuration": configuration });
    let answer = admin.data(workflow, json!({ "input": input })).await;
    assert_eq!(
        answer["createWorkflow"]["workflow"]["warnings"],
        json!([
            { "code": "FILTER_UNREACHABLE", "path": ["task_routing", "filters", "1"] },
            { "code": "UNKNOWN_KEY", "path": ["task_routing", "filters", "1", "timeout"] },
        ])
    );
    assert!(server.stop().await);
}

/// A Worker's name, rank and failing checks.
fn failing(explained: &Value) -> (String, Value, Vec<String>) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let checks = explained["checks"].as_array().expect("a list").iter();
    let failing = checks.filter(|check| check["passed"] == json!(false));
    let failing = failing.map(|check| format!("{}: {}", text(&check["kind"]), text(&check["detail"])));
    (text(&explained["worker"]["name"]), explained["rank"].clone(), failing.collect())
}
