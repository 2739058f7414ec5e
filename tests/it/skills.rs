//! Skills over HTTP: set up by an admin, given by a supervisor, seen by the agent; and warnings about names that
//! nobody has.

use serde_json::{Value, json};

use crate::server::{Client, Server};

const CREATE_SKILL: &str = "mutation($input: CreateSkillInput!) { createSkill(input: $input) { sequence skill { id name minimumLevel maximumLevel version } } }";
const UPDATE_SKILL: &str = "mutation($input: UpdateSkillInput!) { updateSkill(input: $input) { skill { name minimumLevel maximumLevel version } } }";
const DELETE_SKILL: &str =
    "mutation($input: DeleteInput!) { deleteSkill(input: $input) { sequence deletedId } }";
const ASSIGN: &str = "mutation($input: AssignSkillInput!) { assignSkill(input: $input) { sequence worker { version attributes skills { level skill { name } } reservations { totalCount } } } }";
const UNASSIGN: &str = "mutation($input: UnassignSkillInput!) { unassignSkill(input: $input) { worker { attributes skills { skill { name } } } } }";
const CREATE_QUEUE: &str = "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { taskQueue { id warnings { code message path line column } } } }";
const UPDATE_QUEUE: &str = "mutation($input: UpdateTaskQueueInput!) { updateTaskQueue(input: $input) { taskQueue { warnings { code message path line column } } } }";
const CREATE_WORKFLOW: &str = "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id warnings { code path line column } } } }";
const CREATE_WORKER: &str = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id warnings { code message path line } } } }";
const CREATE_TASK: &str =
    "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { status } } }";
const CREATE_TOKEN: &str = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";

struct World {
    server: Server,
    admin: Client,
    available: Value,
}

impl World {
    async fn at(database_url: &str) -> World {
        let server = Server::start(database_url).await;
        let admin = Client::new(&server, &server.admin);
        let query = "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } } }";
        let mut data = admin.data(query, json!({ "id": server.workspace })).await;
        let available = data["workspace"]["activity"]["id"].take();
        World { server, admin, available }
    }

    /// Has the admin create something in the Workspace.
    async fn made(&self, query: &str, mut input: Value) -> Value {
        input["workspaceId"] = self.server.workspace.as_str().into();
        let data = self.admin.data(query, json!({ "input": input })).await;
        data.as_object().and_then(|data| data.values().next()).expect("one field").clone()
    }

    async fn worker(&self, name: &str, attributes: Value) -> Value {
        let input = json!({ "name": name, "attributes": attributes, "activityId": self.available });
        self.made(CREATE_WORKER, input).await["worker"].take()
    }

    async fn skill(&self, name: &str, levels: Option<(u32, u32)>) -> Value {
        let mut input = json!({ "name": name });
        if let Some((minimum, maximum)) = levels {
            input["minimumLevel"] = minimum.into();
            input["maximumLevel"] = maximum.into();
        }
        self.made(CREATE_SKILL, input).await["skill"].take()
    }

    async fn client(&self, input: Value) -> Client {
        let made = self.made(CREATE_TOKEN, input).await;
        self.admin.with_token(made["token"].as_str().expect("a text"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_is_set_up_given_to_workers_and_taken_away_again() {
    for database in crate::database::databases().await {
        let world = World::at(&database.url).await;
        let workspace = world.server.workspace.clone();
        let admin = world.admin.clone();
        let spanish = world.skill("spanish", Some((1, 5))).await;
        let expected = json!({ "id": spanish["id"], "name": "spanish", "minimumLevel": 1, "maximumLevel": 5, "version": 1 });
        assert_eq!(spanish, expected);
        let night = world.skill("night", None).await;
        assert_eq!((&night["minimumLevel"], &night["maximumLevel"]), (&json!(null), &json!(null)));
        let (spanish, night) = (&spanish["id"], &night["id"]);

        // The expression of the Skill goes into a TaskQueue as it is.
        let query = "query($id: ID!, $level: Int) { node(id: $id) { ... on Skill { name expression(minimumLevel: $level) workers { totalCount nodes { name } } } } }";
        let data = admin.data(query, json!({ "id": spanish, "level": 3 })).await;
        let target = &data["node"]["expression"];
        assert_eq!(target, "worker.routing.skills HAS \"spanish\" AND worker.routing.levels.spanish >= 3");
        for (id, level) in [(spanish, 6), (night, 1)] {
            let error = admin.error(query, json!({ "id": id, "level": level })).await;
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{error}");
            assert_eq!(error["extensions"]["field"], "minimumLevel", "{error}");
        }
        let queue = world.made(CREATE_QUEUE, json!({ "name": "Spanish", "targetWorkers": target })).await;
        let queue = &queue["taskQueue"];
        assert_eq!(queue["warnings"], json!([]), "a Skill is known, also where nobody has it yet");
        let configuration = json!({ "task_routing": { "default_filter": { "queue": queue["id"] } } });
        let workflow =
            world.made(CREATE_WORKFLOW, json!({ "name": "W", "configuration": configuration })).await;
        let ann = world.worker("Ann", json!({ "team": "north" })).await["id"].clone();
        world.worker("Bo", json!({ "routing": { "skills": ["night", "SPANISH"] } })).await;
        let task = world.made(CREATE_TASK, json!({ "workflowId": workflow["workflow"]["id"] })).await;
        assert_eq!(task["task"]["status"], "PENDING");

        // A supervisor gives Skills, but does not set them up.
        let supervisor = world.client(json!({ "role": "SUPERVISOR", "subject": "eve" })).await;
        let input = json!({ "workspaceId": workspace, "name": "french" });
        let error = supervisor.error(CREATE_SKILL, json!({ "input": input })).await;
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");
        let error = supervisor.error(DELETE_SKILL, json!({ "input": { "id": night } })).await;
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");
        let input = json!({ "workerId": ann, "skillId": spanish, "level": 4, "expectedVersion": 1, "idempotencyKey": "a" });
        let data = supervisor.data(ASSIGN, json!({ "input": input })).await;
        let worker = &data["assignSkill"]["worker"];
        let attributes =
            json!({ "team": "north", "routing": { "skills": ["spanish"], "levels": { "spanish": 4 } } });
        assert_eq!(worker["attributes"], attributes);
        assert_eq!(worker["skills"], json!([{ "level": 4, "skill": { "name": "spanish" } }]));
        assert_eq!(
            (&worker["version"], &worker["reservations"]["totalCount"]),
            (&json!(2), &json!(1)),
            "work came"
        );
        let again = supervisor.data(ASSIGN, json!({ "input": input })).await;
        assert_eq!(again["assignSkill"]["sequence"], data["assignSkill"]["sequence"], "once");
        let error = supervisor
            .error(ASSIGN, json!({ "input": { "workerId": ann, "skillId": night, "level": 1 } }))
            .await;
        assert_eq!(error["extensions"]["field"], "level", "{error}");

        let query_all = "query($id: ID!) { workspace(id: $id) { skill(name: \"SPANISH\") { id } skills { totalCount nodes { name workers { totalCount nodes { name } } } } } }";
        let seen = admin.data(query_all, json!({ "id": workspace })).await;
        assert_eq!(seen["workspace"]["skill"]["id"], *spanish);
        let of = |name: &str, workers: &[&str]| {
            let nodes: Vec<Value> = workers.iter().map(|name| json!({ "name": name })).collect();
            json!({ "name": name, "workers": { "totalCount": workers.len(), "nodes": nodes } })
        };
        let expected = json!({ "totalCount": 2, "nodes": [of("night", &["Bo"]), of("spanish", &["Ann"])] });
        assert_eq!(seen["workspace"]["skills"], expected);

        // An agent sees its own Skills, and gives itself none.
        let agent = world.client(json!({ "role": "WORKER", "workerId": ann })).await;
        let seen = agent.data(query_all, json!({ "id": workspace })).await;
        assert_eq!(
            seen["workspace"]["skills"],
            json!({ "totalCount": 1, "nodes": [of("spanish", &["Ann"])] })
        );
        let node = "query($id: ID!) { node(id: $id) { id } }";
        assert_eq!(agent.data(node, json!({ "id": night })).await["node"], json!(null));
        let own = "{ viewer { worker { skills { level skill { name minimumLevel } } } } }";
        let expected = json!([{ "level": 4, "skill": { "name": "spanish", "minimumLevel": 1 } }]);
        assert_eq!(agent.data(own, json!({})).await["viewer"]["worker"]["skills"], expected);
        let input = json!({ "workerId": ann, "skillId": night });
        let error = agent.error(ASSIGN, json!({ "input": input })).await;
        assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");

        // In use by a Worker and a TaskQueue.
        for (query, input) in [
            (DELETE_SKILL, json!({ "id": spanish })),
            (UPDATE_SKILL, json!({ "skillId": spanish, "name": "castellano" })),
        ] {
            let error = admin.error(query, json!({ "input": input })).await;
            assert_eq!(error["message"], "the Skill spanish is in use by TaskQueue Spanish and Worker Ann");
            assert_eq!(error["extensions"]["code"], "IN_USE");
            assert_eq!(error["extensions"]["userCount"], 2);
            let users = json!([
                { "kind": "TaskQueue", "id": queue["id"], "name": "Spanish" },
                { "kind": "Worker", "id": ann, "name": "Ann" },
            ]);
            assert_eq!(error["extensions"]["users"], users);
        }
        let input = json!({ "skillId": spanish, "maximumLevel": 3, "expectedVersion": 1 });
        let data = admin.data(UPDATE_SKILL, json!({ "input": input })).await;
        let expected = json!({ "name": "spanish", "minimumLevel": 1, "maximumLevel": 3, "version": 2 });
        assert_eq!(data["updateSkill"]["skill"], expected);
        let input = json!({ "workerId": ann, "skillId": spanish });
        let data = admin.data(UNASSIGN, json!({ "input": input })).await;
        assert_eq!(data["unassignSkill"]["worker"]["skills"], json!([]));
        let input = json!({ "taskQueueId": queue["id"], "targetWorkers": "1==1" });
        admin.data(UPDATE_QUEUE, json!({ "input": input })).await;
        let input = json!({ "id": spanish, "expectedVersion": 2, "idempotencyKey": "b" });
        let deleted = admin.data(DELETE_SKILL, json!({ "input": input })).await;
        assert_eq!(deleted["deleteSkill"]["deletedId"], *spanish);
        assert_eq!(admin.data(DELETE_SKILL, json!({ "input": input })).await, deleted, "a repeat");
        assert_eq!(admin.data(node, json!({ "id": spanish })).await["node"], json!(null));
        let error = admin.error(DELETE_SKILL, json!({ "input": { "id": spanish } })).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");

        let events = "query($id: ID!) { workspace(id: $id) { events(first: 200, filter: { types: [SKILL_CREATED, SKILL_UPDATED, SKILL_DELETED] }) { nodes { type description data skill { id } } } } }";
        let data = admin.data(events, json!({ "id": workspace })).await;
        let told: Vec<Value> = data["workspace"]["events"]["nodes"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|event| {
                json!([
                    event["type"],
                    event["description"],
                    event["data"]["skill"]["maximumLevel"],
                    event["skill"]["id"]
                ])
            })
            .collect();
        assert_eq!(
            told,
            [
                json!(["SKILL_CREATED", "Skill spanish created", 5, null]),
                json!(["SKILL_CREATED", "Skill night created", null, night]),
                json!(["SKILL_UPDATED", "Skill spanish updated", 3, null]),
                json!(["SKILL_DELETED", "Skill spanish deleted", 3, null]),
            ]
        );

        // After a crash, what is there is there, and what was deleted is not.
        let server = world.server.crash_and_restart().await;
        let admin = Client::new(&server, &server.admin);
        let seen = admin.data(query_all, json!({ "id": workspace })).await;
        assert_eq!(seen["workspace"]["skill"], json!(null));
        assert_eq!(seen["workspace"]["skills"], json!({ "totalCount": 1, "nodes": [of("night", &["Bo"])] }));
        assert!(server.stop().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_nobody_has_are_warned_of() {
    let database = crate::database::TestDatabase::sqlite();
    let world = World::at(&database.url).await;
    world.skill("spanish", Some((1, 5))).await;
    let queue = world.made(CREATE_QUEUE, json!({ "name": "Q", "targetWorkers": "langauge == 'es'" })).await;
    assert_eq!(
        queue["taskQueue"]["warnings"],
        json!([]),
        "without Workers, there is nothing to compare with"
    );
    let queue = &queue["taskQueue"]["id"];

    let routing = json!({ "skills": ["spansh"], "levels": { "spansh": 3 } });
    let worker = world.worker("Ann", json!({ "language": "es", "routing": routing })).await;
    assert_eq!(
        worker["warnings"],
        json!([{ "code": "UNKNOWN_SKILL", "message": "\"spansh\" is no Skill: did you mean \"spanish\"?",
            "path": ["routing", "skills", "0"], "line": null }])
    );
    let agent = world.client(json!({ "role": "WORKER", "workerId": worker["id"] })).await;
    let error = agent.error("{ viewer { worker { warnings { code } } } }", json!({})).await;
    assert_eq!(error["extensions"]["code"], "FORBIDDEN", "{error}");

    let input = json!({ "taskQueueId": queue, "name": "R" });
    let data = world.admin.data(UPDATE_QUEUE, json!({ "input": input })).await;
    let message = "no Worker has an attribute langauge: did you mean language?";
    let expected =
        json!([{ "code": "UNKNOWN_ATTRIBUTE", "message": message, "path": [], "line": 1, "column": 10 }]);
    assert_eq!(data["updateTaskQueue"]["taskQueue"]["warnings"], expected);
    let input = json!({ "taskQueueId": queue, "targetWorkers": "routing.skills HAS 'spanisch'" });
    let data = world.admin.data(UPDATE_QUEUE, json!({ "input": input })).await;
    let message = "there is no Skill \"spanisch\": did you mean \"spanish\"?";
    let expected =
        json!([{ "code": "UNKNOWN_SKILL", "message": message, "path": [], "line": 1, "column": 16 }]);
    assert_eq!(data["updateTaskQueue"]["taskQueue"]["warnings"], expected);

    let target =
        json!({ "queue": queue, "expression": "worker.langauge == 'es'", "order_by": "worker.rank" });
    let filters = json!([{ "expression": "langauge == 'es'", "targets": [target] }]);
    let configuration = json!({ "task_routing": { "filters": filters } });
    let workflow = world.made(CREATE_WORKFLOW, json!({ "name": "W", "configuration": configuration })).await;
    let path = |key: &str| json!(["task_routing", "filters", "0", "targets", "0", key]);
    assert_eq!(
        workflow["workflow"]["warnings"],
        json!([
            { "code": "UNKNOWN_ATTRIBUTE", "path": path("expression"), "line": 1, "column": 17 },
            { "code": "UNKNOWN_ATTRIBUTE", "path": path("order_by"), "line": null, "column": null },
        ])
    );
}
