//! An agent's token shows its own work and nothing else.
//!
//! Two agents work in one Workspace. Everything that belongs to Bo, and everything about Ann's surroundings that she
//! may not know, holds a canary. Then Ann asks for everything: every field of every type of the schema, two levels
//! deep, from every object that exists, by every way in; she tries every mutation on Bo's objects, and listens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::server::{Client, Failure, Server};
use crate::socket::{End, Socket};

const CANARY: &str = "CANARY";

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_sees_nothing_of_another() {
    for database in crate::database::databases().await {
        let server = Server::start(&database.url).await;
        let admin = Client::new(&server, &server.admin);
        let world = World::build(&admin, &server).await;
        let schema = Schema::of(&admin).await;

        let ann = admin.with_token(&world.ann.token);
        let (seen_by_ann, n_requests) = everything(&ann, &schema, &world).await;
        let (seen_by_admin, _) = everything(&admin, &schema, &world).await;

        let hits = seen_by_ann.iter().filter(|text| text.contains(CANARY)).collect::<Vec<_>>();
        assert!(hits.is_empty(), "{} of {n_requests} answers hold a canary, e.g. {}", hits.len(), hits[0]);
        let own = seen_by_ann.iter().filter(|text| text.contains("own work of ann")).count();
        let canaries = seen_by_admin.iter().filter(|text| text.contains(CANARY)).count();
        assert!(own > 10, "Ann sees her own work, in {own} answers");
        assert!(canaries > 100, "the canaries are there to be seen, in {canaries} answers to an admin");

        try_every_mutation(&ann, &schema, &world).await;
        listen(&server, &admin, &world).await;
        println!(
            "{:?}: {n_requests} answers to Ann, 0 with a canary; {canaries} with one to an admin",
            database.kind
        );
        assert!(server.stop().await);
    }
}

/// A repeat gives the first answer, but not what was written to the Task after it was over for the Worker.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_shows_nothing_that_was_written_since() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let world = World::build(&admin, &server).await;
    let ann = admin.with_token(&world.ann.token);
    let query = "query($id: ID!) { node(id: $id) { ... on Worker { reservations(filter: { statuses: [ACCEPTED] }) { nodes { taskId } } } } }";
    let data = ann.data(query, json!({ "id": world.ann.id })).await;
    let task = text(&data["node"]["reservations"]["nodes"][0]["taskId"]);

    let complete = "mutation($id: ID!) { completeTask(input: { taskId: $id, idempotencyKey: \"k\" }) { sequence task { status attributes } } }";
    let first = ann.data(complete, json!({ "id": task })).await;
    assert_eq!(first["completeTask"]["task"]["status"], "COMPLETED");
    let input = json!({ "taskId": task, "attributes": { "note": CANARY } });
    let update = "mutation($input: UpdateTaskInput!) { updateTask(input: $input) { sequence } }";
    admin.data(update, json!({ "input": input })).await;

    let error = ann.error(complete, json!({ "id": task })).await;
    assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
    assert!(!error.to_string().contains(CANARY), "{error}");
    let sequence = first["completeTask"]["sequence"].to_string();
    assert!(text(&error["message"]).contains(&sequence), "it says that the change was made: {error}");
}

/// Who may make tokens cannot make one of the kind that outlives the own.
#[tokio::test(flavor = "multi_thread")]
async fn a_supervisors_token_makes_none_that_outlives_it() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let workspace = &server.workspace;
    let short =
        server.command(&["token", "--role", "supervisor", "--workspace", workspace, "--ttl", "60s"]).await;
    let short = String::from_utf8(short.stdout).expect("text");
    let supervisor = Client::new(&server, short.trim());
    let query = "mutation($input: CreateTokenInput!) { createToken(input: $input) { expiresAt } }";
    let input =
        json!({ "workspaceId": workspace, "role": "SUPERVISOR", "subject": "eve", "ttlSeconds": 3_600 });
    let made = supervisor.data(query, json!({ "input": input })).await;
    let own = supervisor.data("{ viewer { expiresAt } }", json!({})).await;
    assert_eq!(made["createToken"]["expiresAt"], own["viewer"]["expiresAt"]);
}

/// What agents may know of each other, to hand Tasks on: a name and whether it can be done, and nothing behind it.
#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_transfer_targets_lead_nowhere() {
    let database = crate::database::TestDatabase::sqlite();
    let server = Server::start(&database.url).await;
    let admin = Client::new(&server, &server.admin);
    let world = World::build(&admin, &server).await;
    let ann = admin.with_token(&world.ann.token);
    let query = "query($id: ID!, $search: String) { workspace(id: $id) { transferTargets(first: 200, search: $search) { totalCount nodes { __typename id name kind available } } } }";
    let data = ann.data(query, json!({ "id": world.workspace, "search": "canary" })).await;
    let targets = &data["workspace"]["transferTargets"];
    assert_eq!(targets["totalCount"], 3);
    assert_eq!(
        targets["nodes"][0],
        json!({ "__typename": "TransferTarget", "id": world.bo.id, "name": format!("{CANARY} bo"), "kind": "WORKER", "available": true })
    );
    assert_eq!(
        (&targets["nodes"][1]["kind"], &targets["nodes"][2]["kind"]),
        (&json!("TASK_QUEUE"), &json!("WORKFLOW"))
    );
    let whole = ann.data(query, json!({ "id": world.workspace })).await;
    let all = whole["workspace"]["transferTargets"]["nodes"].as_array().expect("a list");
    assert!(all.iter().all(|target| target["id"] != *world.ann.id), "Ann hands nothing to herself");
    let schema = Schema::of(&admin).await;
    let mut fields: Vec<String> = schema.fields("TransferTarget").map(|(field, _, _)| field).collect();
    fields.sort();
    assert_eq!(fields, ["available", "id", "kind", "name"]);
    let node = ann.data("query($id: ID!) { node(id: $id) { id } }", json!({ "id": world.bo.id })).await;
    assert_eq!(node["node"], Value::Null);
}

struct Agent {
    id: String,
    token: String,
}

struct World {
    workspace: String,
    ann: Agent,
    bo: Agent,
    /// Every object that exists, by its id.
    ids: Vec<String>,
    /// Bo's objects, by the two letters that their ids begin with.
    of_bo: BTreeMap<String, String>,
}

impl World {
    async fn build(admin: &Client, server: &Server) -> World {
        let workspace = server.workspace.clone();
        let available = admin
            .data(
                "query($id: ID!) { workspace(id: $id) { activity(name: \"Available\") { id } } }",
                json!({ "id": workspace }),
            )
            .await["workspace"]["activity"]["id"]
            .take();
        let agent = async |name: &str, attributes: Value| {
            let input = json!({ "workspaceId": workspace, "name": name, "attributes": attributes, "activityId": available });
            let data = admin
                .data(
                    "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }",
                    json!({ "input": input }),
                )
                .await;
            let id = text(&data["createWorker"]["worker"]["id"]);
            let input = json!({ "workspaceId": workspace, "role": "WORKER", "workerId": id });
            let data = admin
                .data(
                    "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }",
                    json!({ "input": input }),
                )
                .await;
            Agent { id, token: text(&data["createToken"]["token"]) }
        };
        let ann = agent("ann", json!({ "team": "a", "note": "own work of ann" })).await;
        let bo =
            agent(&format!("{CANARY} bo"), json!({ "team": "b", "note": format!("{CANARY} worker") })).await;
        for agent in [&ann, &bo] {
            set_capacity(admin, &agent.id).await;
        }
        let mut skills = Vec::new();
        for (agent, name) in [(&ann, "skill of ann".to_owned()), (&bo, format!("{CANARY} skill"))] {
            skills.push(give_skill(admin, &workspace, &agent.id, &name).await);
        }

        let mut of_bo =
            BTreeMap::from([("WK".to_owned(), bo.id.clone()), ("SK".to_owned(), skills[1].clone())]);
        let mut ids = vec![workspace.clone(), ann.id.clone(), bo.id.clone()];
        ids.extend(skills);
        for (agent, queue_name, workflow_name, marker) in [
            (&ann, "queue of ann".to_owned(), "workflow of ann".to_owned(), "own work of ann".to_owned()),
            (&bo, format!("{CANARY} queue"), format!("{CANARY} workflow"), format!("{CANARY} task")),
        ] {
            let is_ann = agent.id == ann.id;
            // What Ann may know of the TaskQueue and the Workflow of her Tasks is their names, not their insides.
            let team = if is_ann { "a" } else { "b" };
            let target = format!("team == \"{team}\" OR team == \"{CANARY}\"");
            let input = json!({ "workspaceId": workspace, "name": queue_name, "targetWorkers": target });
            let data = admin.data("mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { taskQueue { id } } }", json!({ "input": input })).await;
            let queue = text(&data["createTaskQueue"]["taskQueue"]["id"]);
            let configuration = json!({ "task_routing": { "filters": [
                { "filter_friendly_name": format!("{CANARY} filter"), "expression": format!("x == \"{CANARY}\""), "targets": [{ "queue": queue }] },
            ], "default_filter": { "queue": queue } } });
            let input =
                json!({ "workspaceId": workspace, "name": workflow_name, "configuration": configuration });
            let data = admin.data("mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } } }", json!({ "input": input })).await;
            let workflow = text(&data["createWorkflow"]["workflow"]["id"]);
            if !is_ann {
                of_bo.insert("WQ".to_owned(), queue.clone());
                of_bo.insert("WW".to_owned(), workflow.clone());
            }
            ids.extend([queue, workflow.clone()]);

            // One Task of each fate: waiting for an answer, accepted, completed, rejected, canceled.
            let client = admin.with_token(&agent.token);
            for fate in ["completed", "rejected", "accepted", "offered", "canceled"] {
                let is_hers_now = is_ann && matches!(fate, "accepted" | "offered");
                let note = if is_hers_now { marker.clone() } else { format!("{CANARY} {fate}") };
                let input = json!({ "workspaceId": workspace, "workflowId": workflow, "attributes": { "note": note } });
                let data = admin.data("mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id reservations { nodes { id } } } } }", json!({ "input": input })).await;
                let task = text(&data["createTask"]["task"]["id"]);
                let reservation = text(&data["createTask"]["task"]["reservations"]["nodes"][0]["id"]);
                let act = async |mutation: &str| {
                    let query = format!(
                        "mutation($id: ID!) {{ {mutation}(input: {{ reservationId: $id }}) {{ sequence }} }}"
                    );
                    client.data(&query, json!({ "id": reservation })).await;
                };
                match fate {
                    "completed" => {
                        act("acceptReservation").await;
                        act("completeReservation").await;
                    }
                    "rejected" => {
                        act("rejectReservation").await;
                        cancel(admin, &task).await;
                    }
                    "accepted" => act("acceptReservation").await,
                    "canceled" => cancel(admin, &task).await,
                    _ => {}
                }
                if !is_ann && fate == "offered" {
                    of_bo.insert("WR".to_owned(), reservation.clone());
                    of_bo.insert("WT".to_owned(), task.clone());
                }
                ids.extend([task, reservation]);
            }
        }
        // Ann has a Task that Bo hands her, and Bo one that he hands to nobody yet.
        let bos_client = admin.with_token(&bo.token);
        for (to, note) in
            [(&ann.id, "own work of ann".to_owned()), (&of_bo["WQ"].clone(), format!("{CANARY} handed on"))]
        {
            let input =
                json!({ "workspaceId": workspace, "routingTargetId": bo.id, "attributes": { "note": note } });
            let data = admin.data("mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id reservations { nodes { id } } } } }", json!({ "input": input })).await;
            let task = text(&data["createTask"]["task"]["id"]);
            let offer = &data["createTask"]["task"]["reservations"]["nodes"][0]["id"];
            let accept =
                "mutation($id: ID!) { acceptReservation(input: { reservationId: $id }) { sequence } }";
            bos_client.data(accept, json!({ "id": offer })).await;
            let input = json!({ "taskId": task, "toId": to });
            let data = bos_client.data("mutation($input: TransferTaskInput!) { transferTask(input: $input) { transfer { id status task { reservations(filter: { statuses: [PENDING] }) { nodes { id } } } } } }", json!({ "input": input })).await;
            let transfer = text(&data["transferTask"]["transfer"]["id"]);
            assert_eq!(data["transferTask"]["transfer"]["status"], "INITIATED");
            if *to == ann.id {
                let query =
                    "query($id: ID!) { node(id: $id) { ... on TaskTransfer { reservation { id } } } }";
                let offered = admin.data(query, json!({ "id": transfer })).await;
                let offer = &offered["node"]["reservation"]["id"];
                admin.with_token(&ann.token).data(accept, json!({ "id": offer })).await;
            } else {
                of_bo.insert("TT".to_owned(), transfer.clone());
            }
            ids.extend([task, transfer]);
        }
        let data = admin.data("query($id: ID!) { workspace(id: $id) { activities { id } taskChannels { id } workers { nodes { channels { id } } } events(first: 200) { nodes { id } } } }", json!({ "id": workspace })).await;
        collect_ids(&data, &mut ids);
        assert!(ids.iter().any(|id| id.starts_with("EV")) && ids.iter().any(|id| id.starts_with("WC")));
        World { workspace, ann, bo, ids, of_bo }
    }
}

/// Asks for everything by every way in. Returns all texts that came back.
async fn everything(client: &Client, schema: &Schema, world: &World) -> (Vec<String>, usize) {
    let mut queries: Vec<(String, Value)> = Vec::new();
    for id in &world.ids {
        let kind = schema.type_of_prefix(&id[..2]);
        for selection in schema.selections(kind) {
            let query =
                format!("query($id: ID!) {{ node(id: $id) {{ id ... on {kind} {{ {selection} }} }} }}");
            queries.push((query, json!({ "id": id })));
        }
    }
    for selection in schema.selections("Workspace") {
        let query = format!("query($id: ID!) {{ workspace(id: $id) {{ {selection} }} }}");
        queries.push((query, json!({ "id": world.workspace })));
        queries.push((format!("{{ workspaces {{ nodes {{ {selection} }} }} }}"), json!({})));
    }
    for selection in schema.selections("Viewer") {
        queries.push((format!("{{ viewer {{ {selection} }} }}"), json!({})));
    }
    for name in [format!("{CANARY} bo"), "ann".to_owned()] {
        // Names and filters are ways in, too; errors must not tell more than the objects.
        let query = "query($id: ID!, $name: String!, $matching: String!) { workspace(id: $id) { worker(name: $name) { id attributes } workers(filter: { matching: $matching }) { totalCount nodes { id attributes } } } }";
        // The canary in the variables comes from the caller; only what is new in the answer counts.
        let matching = "note CONTAINS \"CAN\" OR team == \"b\"";
        queries
            .push((query.to_owned(), json!({ "id": world.workspace, "name": name, "matching": matching })));
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }";
    for ids in world.ids.chunks(50) {
        queries.push((query.to_owned(), json!({ "ids": ids })));
    }

    let mut texts = Vec::new();
    for (query, variables) in &queries {
        let answer =
            client.whole(&json!({ "query": query, "variables": variables })).await.expect("an answer");
        texts.push(answer.to_string());
    }
    (texts, queries.len())
}

/// Whatever Ann may never call is forbidden; what she may call does not find Bo's objects.
async fn try_every_mutation(ann: &Client, schema: &Schema, world: &World) {
    let mut n_tried = 0;
    for mutation in &schema.mutations {
        let input = schema.input_of(mutation, world);
        let query = format!(
            "mutation($input: {}!) {{ {}(input: $input) {{ sequence }} }}",
            mutation.input, mutation.name
        );
        let query = if mutation.name == "createToken" { query.replace("sequence", "token") } else { query };
        match ann.ask(&query, json!({ "input": input })).await {
            Err(Failure::Refused { code, error }) => {
                assert!(matches!(code.as_str(), "FORBIDDEN" | "NOT_FOUND"), "{}: {error}", mutation.name);
                assert!(!error.to_string().contains(CANARY), "{}: {error}", mutation.name);
                n_tried += 1;
            }
            other => panic!("{} went through: {other:?}", mutation.name),
        }
    }
    assert!(n_tried >= 20, "{n_tried} mutations were tried");
}

/// While Bo gets work, Ann hears of her own only; and she cannot listen to anybody else.
async fn listen(server: &Server, admin: &Client, world: &World) {
    let reservations = "subscription($id: ID!) { reservations(workerId: $id) { sequence event snapshot { id workerId task { id attributes } worker { id name attributes } } reservation { id workerId task { id attributes } worker { id name attributes } taskQueue { id name } workflow { id name } } } }";
    let url = server.socket_url();
    for (query, id) in [
        (reservations, &world.bo.id),
        ("subscription($id: ID!) { workspaceEvents(workspaceId: $id, after: 0) { data } }", &world.workspace),
    ] {
        let socket = Socket::subscribe(&url, &world.ann.token, query, json!({ "id": id })).await;
        match socket.expect("a connection").next().await {
            Err(End::Errors(errors)) => {
                let code = errors.pointer("/0/extensions/code").and_then(Value::as_str);
                assert!(matches!(code, Some("NOT_FOUND" | "FORBIDDEN")), "{errors}");
                assert!(!errors.to_string().contains(CANARY));
            }
            other => panic!("Ann listens to somebody else: {other:?}"),
        }
    }

    let mut own = Socket::subscribe(&url, &world.ann.token, reservations, json!({ "id": world.ann.id }))
        .await
        .expect("Ann listens to her own Reservations");
    let snapshot = own.next().await.expect("a snapshot");
    assert!(!snapshot.to_string().contains(CANARY), "{snapshot}");
    assert_eq!(snapshot["reservations"]["snapshot"].as_array().map(Vec::len), Some(3));

    for agent in [&world.bo, &world.ann] {
        let (marker, queue) = if agent.id == world.bo.id {
            (format!("{CANARY} more"), "b")
        } else {
            ("own work of ann".to_owned(), "a")
        };
        let name = if queue == "b" { format!("{CANARY} workflow") } else { "workflow of ann".to_owned() };
        let data = admin
            .data(
                "query($id: ID!, $name: String!) { workspace(id: $id) { workflow(name: $name) { id } } }",
                json!({ "id": world.workspace, "name": name }),
            )
            .await;
        let input = json!({ "workspaceId": world.workspace, "workflowId": data["workspace"]["workflow"]["id"], "attributes": { "note": marker } });
        admin
            .data(
                "mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }",
                json!({ "input": input }),
            )
            .await;
    }
    // Bo's came first, so had Ann been told of it, it would be the next message.
    let message = own.next().await.expect("a message");
    assert!(!message.to_string().contains(CANARY), "{message}");
    assert!(message.to_string().contains("own work of ann"), "{message}");
    assert_eq!(message["reservations"]["reservation"]["workerId"], *world.ann.id);
}

async fn set_capacity(admin: &Client, worker: &str) {
    let query =
        "query($id: ID!) { node(id: $id) { ... on Worker { channels { id taskChannel { uniqueName } } } } }";
    let data = admin.data(query, json!({ "id": worker })).await;
    let mut channels = data["node"]["channels"].as_array().expect("a list").iter();
    let channel =
        channels.find(|channel| channel["taskChannel"]["uniqueName"] == "default").expect("a channel");
    let input = json!({ "workerChannelId": channel["id"], "configuredCapacity": 10 });
    admin
        .data(
            "mutation($input: UpdateWorkerChannelInput!) { updateWorkerChannel(input: $input) { sequence } }",
            json!({ "input": input }),
        )
        .await;
}

/// A new Skill, for one Worker alone.
async fn give_skill(admin: &Client, workspace: &str, worker: &str, name: &str) -> String {
    let query = "mutation($input: CreateSkillInput!) { createSkill(input: $input) { skill { id } } }";
    let data = admin.data(query, json!({ "input": { "workspaceId": workspace, "name": name } })).await;
    let skill = text(&data["createSkill"]["skill"]["id"]);
    let query = "mutation($input: AssignSkillInput!) { assignSkill(input: $input) { sequence } }";
    admin.data(query, json!({ "input": { "workerId": worker, "skillId": skill } })).await;
    skill
}

async fn cancel(admin: &Client, task: &str) {
    let input = json!({ "taskId": task, "reason": format!("{CANARY} reason") });
    admin
        .data(
            "mutation($input: CancelTaskInput!) { cancelTask(input: $input) { sequence } }",
            json!({ "input": input }),
        )
        .await;
}

/// The schema as its users see it.
struct Schema {
    types: BTreeMap<String, Value>,
    mutations: Vec<Mutation>,
}

struct Mutation {
    name: String,
    input: String,
}

impl Schema {
    async fn of(client: &Client) -> Schema {
        let data = client.data("{ __schema { types { name kind fields { name args { name type { ...T } defaultValue } type { ...T } } inputFields { name type { ...T } } } } } fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }", json!({})).await;
        let types: BTreeMap<String, Value> = data["__schema"]["types"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|described| (text(&described["name"]), described.clone()))
            .collect();
        let mutations = types["Mutation"]["fields"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|field| {
                let name = text(&field["name"]);
                let mut of = &field["args"][0]["type"];
                while !of["ofType"].is_null() {
                    of = &of["ofType"];
                }
                Mutation { name, input: text(&of["name"]) }
            })
            .collect();
        Schema { types, mutations }
    }

    fn type_of_prefix(&self, prefix: &str) -> &'static str {
        match prefix {
            "WS" => "Workspace",
            "WA" => "Activity",
            "WK" => "Worker",
            "WC" => "WorkerChannel",
            "TC" => "TaskChannel",
            "SK" => "Skill",
            "WQ" => "TaskQueue",
            "WW" => "Workflow",
            "WT" => "Task",
            "WR" => "Reservation",
            "TT" => "TaskTransfer",
            "EV" => "Event",
            other => panic!("which type has ids that begin with {other}?"),
        }
    }

    /// All plain fields of a type; then, one by one, each field that leads to another object, with all of that.
    fn selections(&self, name: &str) -> Vec<String> {
        let mut selections = vec![self.plain(name)];
        for (field, of) in self.ways_on(name) {
            selections.push(format!("{field} {{ {} }}", self.whole(&of)));
        }
        selections
    }

    /// The plain fields of a type and of every object that it leads to.
    fn whole(&self, name: &str) -> String {
        let further = self.ways_on(name).into_iter().map(|(field, of)| {
            // A list leads through its nodes.
            let inside =
                self.ways_on(&of).iter().find(|(field, _)| field == "nodes").map(|(_, of)| self.plain(of));
            let inside = inside.map_or_else(|| self.plain(&of), |nodes| format!("nodes {{ {nodes} }}"));
            format!("{field} {{ {inside} }}")
        });
        format!("{} {}", self.plain(name), further.collect::<Vec<_>>().join(" "))
    }

    fn plain(&self, name: &str) -> String {
        let plain = self.fields(name).filter(|(_, kind, _)| kind == "SCALAR" || kind == "ENUM");
        // The one thing that agents are told of each other: see `the_names_of_transfer_targets_lead_nowhere`.
        let plain = plain.filter(|(field, _, _)| (name, field.as_str()) != ("TransferTarget", "name"));
        let names: Vec<String> = plain.map(|(field, _, _)| field).collect();
        format!("__typename {}", names.join(" "))
    }

    fn ways_on(&self, name: &str) -> Vec<(String, String)> {
        let ways = self.fields(name).filter(|(_, kind, _)| kind == "OBJECT");
        ways.map(|(field, _, of)| (field, of)).collect()
    }

    /// The fields that can be asked for without arguments of one's own: name, kind and type.
    fn fields(&self, name: &str) -> impl Iterator<Item = (String, String, String)> {
        let fields = self.types[name]["fields"].as_array().unwrap_or_else(|| panic!("{name} has fields"));
        fields.iter().map(|field| {
            let named = text(&field["name"]);
            let needs = |argument: &Value| {
                argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
            };
            let n_needed =
                field["args"].as_array().expect("a list").iter().filter(|argument| needs(argument)).count();
            let call = match (named.as_str(), n_needed) {
                (_, 0) => named.clone(),
                ("activity", 1) => "activity(name: \"Available\")".to_owned(),
                ("taskChannel", 1) => "taskChannel(uniqueName: \"default\")".to_owned(),
                ("worker", 1) => "worker(name: \"ann\")".to_owned(),
                ("skill", 1) => "skill(name: \"skill of ann\")".to_owned(),
                ("taskQueue", 1) => "taskQueue(name: \"queue of ann\")".to_owned(),
                ("workflow", 1) => "workflow(name: \"workflow of ann\")".to_owned(),
                (other, _) => panic!("say here with which arguments {other} is asked for"),
            };
            let mut of = &field["type"];
            while !of["ofType"].is_null() {
                of = &of["ofType"];
            }
            (call, text(&of["kind"]), text(&of["name"]))
        })
    }

    /// An input that names Bo's objects wherever an id is wanted.
    fn input_of(&self, mutation: &Mutation, world: &World) -> Value {
        let mut input = serde_json::Map::new();
        for field in self.types[&mutation.input]["inputFields"].as_array().expect("a list") {
            let name = text(&field["name"]);
            let is_required = field["type"]["kind"] == "NON_NULL";
            let value = match name.as_str() {
                "workspaceId" => json!(world.workspace),
                "workerId" => json!(world.of_bo["WK"]),
                "taskId" => json!(world.of_bo["WT"]),
                "reservationId" => json!(world.of_bo["WR"]),
                "transferId" => json!(world.of_bo["TT"]),
                "toId" => json!(world.ann.id),
                "skillId" => json!(world.of_bo["SK"]),
                // Of a deletion, which says in its name what it deletes.
                "id" => {
                    let prefix = match mutation.name.as_str() {
                        "deleteSkill" => "SK",
                        "deleteWorker" => "WK",
                        "deleteTask" => "WT",
                        "deleteTaskQueue" => "WQ",
                        "deleteWorkflow" => "WW",
                        "deleteActivity" => "WA",
                        "deleteTaskChannel" => "TC",
                        other => panic!("say here what {other} deletes"),
                    };
                    json!(world.ids.iter().rfind(|id| id.starts_with(prefix)).expect("an id"))
                }
                "taskQueueId" => json!(world.of_bo["WQ"]),
                "workflowId" => json!(world.of_bo["WW"]),
                "activityId" | "taskChannelId" | "workerChannelId" if is_required => {
                    let prefix = match name.as_str() {
                        "activityId" => "WA",
                        "taskChannelId" => "TC",
                        _ => "WC",
                    };
                    json!(world.ids.iter().rfind(|id| id.starts_with(prefix)).expect("an id"))
                }
                _ if !is_required => continue,
                "name" | "uniqueName" => json!("x"),
                "available" => json!(true),
                "configuration" => json!({ "task_routing": {} }),
                "reason" => json!("because"),
                "mode" => json!("WARM"),
                "role" => json!("WORKER"),
                "tasks" => json!([]),
                other => panic!("say here what {}.{other} may be", mutation.input),
            };
            input.insert(name, value);
        }
        Value::Object(input)
    }
}

fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(id) if name == "id" => ids.push(id.clone()),
                    other => collect_ids(other, ids),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        _ => {}
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}
