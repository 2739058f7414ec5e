//! A contact centre at work: Workers with sockets, programs that create Tasks, and an audit of the log at the end.
//!
//! Everybody survives a crash of the server: agents connect again and go on behind the last message that they saw,
//! and a request without an answer is repeated with the same idempotency key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::server::{Client, Failure, Server};
use crate::socket::{End, Socket};

const N_WORKERS: usize = 100;
const N_TASKS: usize = 2_000;
const N_CREATORS: usize = 8;
/// How long the whole job may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// Where and how the server is reached; its number grows with each start.
#[derive(Clone)]
struct Line {
    client_of: Arc<dyn Fn(&str) -> Client + Send + Sync>,
    socket_url: String,
    starts: watch::Receiver<usize>,
}

struct Worker {
    id: String,
    token: String,
    capacity: u64,
}

/// What one agent's socket has brought.
#[derive(Default)]
struct Inbox {
    /// Where the snapshot stood.
    since: u64,
    /// Sequence, event, Reservation, and the Worker that it names.
    messages: Vec<(u64, String, String, String)>,
}

/// A mutation that the server has answered: what it promised to be durable.
struct Acknowledged {
    sequence: u64,
    event: &'static str,
    object: String,
}

type Ledger = Arc<Mutex<Vec<Acknowledged>>>;

/// What an audit found.
#[derive(Debug)]
#[allow(dead_code)] // All of it is printed.
pub struct Report {
    pub events: usize,
    pub reservations: usize,
    pub rejected: usize,
    pub timed_out: usize,
    pub acknowledged: usize,
    pub messages: usize,
}

/// Sets up the contact centre, has all Tasks done, and audits the log. The server is killed and started again when
/// so many Tasks are completed as `crashes` says.
pub async fn run(server: Server, crashes: &[usize]) -> Report {
    let admin = Client::new(&server, &server.admin);
    let workers = set_up(&admin, &server.workspace).await;

    let (started, starts) = watch::channel(1);
    let http = (server.url(), server.socket_url());
    let line = Line {
        client_of: {
            let template = admin.clone();
            Arc::new(move |token| template.with_token(token))
        },
        socket_url: http.1,
        starts,
    };
    let ledger = Ledger::default();
    let (done, is_done) = watch::channel(false);

    let mut agents = JoinSet::new();
    for worker in workers {
        agents.spawn(Agent::new(worker, line.clone(), Arc::clone(&ledger)).work(is_done.clone()));
    }
    let mut creators = JoinSet::new();
    for creator in 0..N_CREATORS {
        let client = admin.clone();
        creators.spawn(create_tasks(
            client,
            line.clone(),
            server.workspace.clone(),
            creator,
            Arc::clone(&ledger),
        ));
    }
    let (completed, mut n_completed) = watch::channel(0);
    let watcher = watch_log(line.clone(), server.admin.clone(), server.workspace.clone(), completed);
    let watcher = tokio::spawn(watcher);

    let mut server = server;
    for (number, after) in crashes.iter().enumerate() {
        let reached = n_completed.wait_for(|completed| completed >= after);
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("Tasks are completed")
            .expect("the log is watched");
        server = server.crash_and_restart().await;
        started.send_replace(number + 2);
    }

    let log =
        tokio::time::timeout(PATIENCE, watcher).await.expect("all Tasks are completed").expect("no panic");
    done.send_replace(true);
    while let Some(creator) = creators.join_next().await {
        creator.expect("no panic");
    }
    let mut inboxes = Vec::new();
    while let Some(agent) = agents.join_next().await {
        inboxes.push(agent.expect("no panic"));
    }
    let ledger = std::mem::take(&mut *ledger.lock().expect("no panic"));
    let report = audit(&log, &inboxes, &ledger);
    assert!(server.stop().await, "the server stops when it is asked to");
    report
}

/// Four TaskQueues, a Workflow with three filters, and 100 Workers with tokens of their own.
async fn set_up(admin: &Client, workspace: &str) -> Vec<Worker> {
    let mut queues = BTreeMap::new();
    for (name, target) in [
        ("Billing", "skills HAS \"billing\""),
        ("Spanish", "languages HAS \"es\""),
        ("Second line", "skills HAS \"billing\" OR skills HAS \"sales\""),
        ("Everybody", "1==1"),
    ] {
        let input = json!({ "workspaceId": workspace, "name": name, "targetWorkers": target });
        let data = admin.data(CREATE_TASK_QUEUE, json!({ "input": input })).await;
        queues.insert(name, data["createTaskQueue"]["taskQueue"]["id"].as_str().expect("an id").to_owned());
    }
    let configuration = json!({ "task_routing": {
        "filters": [
            { "filter_friendly_name": "skills", "expression": "topic == \"billing\"", "targets": [
                { "queue": queues["Billing"], "timeout": 5, "priority": 10 },
                { "queue": queues["Second line"], "priority": 20 },
            ] },
            { "filter_friendly_name": "language", "expression": "language == \"es\"", "targets": [
                { "queue": queues["Spanish"], "expression": "worker.languages HAS task.language" },
            ] },
        ],
        "default_filter": { "queue": queues["Everybody"] },
    } });
    let input = json!({
        "workspaceId": workspace, "name": "Front desk", "configuration": configuration,
        "taskReservationTimeoutSeconds": 1,
    });
    admin.data(CREATE_WORKFLOW, json!({ "input": input })).await;

    let available = json!({ "workspaceId": workspace });
    let data = admin.data("query($workspaceId: ID!) { workspace(id: $workspaceId) { activity(name: \"Available\") { id } } }", available).await;
    let activity = data["workspace"]["activity"]["id"].clone();

    let mut workers = Vec::new();
    for number in 0..N_WORKERS {
        let skills = match number % 3 {
            0 => json!(["billing"]),
            1 => json!(["sales"]),
            _ => json!(["billing", "sales"]),
        };
        let languages = if number % 2 == 0 { json!(["en", "es"]) } else { json!(["en"]) };
        let attributes = json!({ "skills": skills, "languages": languages });
        let name = format!("agent {number}");
        let input = json!({ "workspaceId": workspace, "name": name, "attributes": attributes, "activityId": activity });
        let mut data = admin.data(CREATE_WORKER, json!({ "input": input })).await;
        let channels = data["createWorker"]["worker"]["channels"].take();
        let mut channels = channels.as_array().expect("a list").iter();
        let chat =
            channels.find(|channel| channel["taskChannel"]["uniqueName"] == "chat").expect("a channel");
        let id = data["createWorker"]["worker"]["id"].as_str().expect("an id").to_owned();
        let capacity = 1 + number as u64 % 3;
        let input = json!({ "workerChannelId": chat["id"], "configuredCapacity": capacity });
        admin.data(UPDATE_WORKER_CHANNEL, json!({ "input": input })).await;
        let input = json!({ "workspaceId": workspace, "role": "WORKER", "workerId": id });
        let data = admin.data(CREATE_TOKEN, json!({ "input": input })).await;
        let token = data["createToken"]["token"].as_str().expect("a token").to_owned();
        workers.push(Worker { id, token, capacity });
    }
    workers
}

struct Agent {
    worker: Worker,
    line: Line,
    client: Client,
    ledger: Ledger,
    inbox: Inbox,
    available: String,
}

impl Agent {
    fn new(worker: Worker, line: Line, ledger: Ledger) -> Agent {
        let client = (line.client_of)(&worker.token);
        Agent { worker, line, client, ledger, inbox: Inbox::default(), available: String::new() }
    }

    async fn work(mut self, mut is_done: watch::Receiver<bool>) -> (String, u64, Inbox) {
        let viewer = persist(&self.line, || self.client.ask(AVAILABLE_ACTIVITY, json!({}))).await;
        let viewer = viewer.expect("an agent sees the Activities of its Workspace");
        self.available = viewer["viewer"]["workspace"]["activity"]["id"].as_str().expect("an id").to_owned();

        let mut last = None;
        while !*is_done.borrow() {
            let start = *self.line.starts.borrow();
            tokio::select! {
                () = self.listen(&mut last) => {}
                _ = is_done.wait_for(|done| *done) => break,
            }
            // The connection is gone: wait for the next start of the server, unless that was it.
            let next = self.line.starts.wait_for(|starts| *starts > start);
            tokio::select! {
                _ = next => {}
                _ = is_done.wait_for(|done| *done) => break,
            }
        }
        (self.worker.id, self.worker.capacity, self.inbox)
    }

    /// Reads the socket until the connection is gone.
    async fn listen(&mut self, last: &mut Option<u64>) {
        let variables = json!({ "workerId": self.worker.id, "after": *last });
        let socket =
            Socket::subscribe(&self.line.socket_url, &self.worker.token, RESERVATIONS, variables).await;
        let Ok(mut socket) = socket else { return };
        loop {
            let message = match socket.wait().await {
                Ok(mut message) => message["reservations"].take(),
                Err(End::Closed(_)) => return,
                Err(end) => panic!("the stream of {} ended: {end:?}", self.worker.id),
            };
            let sequence = message["sequence"].as_u64().expect("a sequence");
            assert!(last.is_none_or(|last| sequence > last), "sequences of a stream grow");
            let is_first = last.is_none();
            *last = Some(sequence);
            if let Some(snapshot) = message["snapshot"].as_array() {
                assert!(is_first, "a stream with `after` has no snapshot");
                self.inbox.since = sequence;
                for reservation in snapshot {
                    self.answer(reservation["id"].as_str().expect("an id")).await;
                }
                continue;
            }
            let event = message["event"].as_str().expect("a change has an event").to_owned();
            let text = |field: &str| message["reservation"][field].as_str().expect("a text").to_owned();
            let (reservation, worker) = (text("id"), text("workerId"));
            self.inbox.messages.push((sequence, event.clone(), reservation.clone(), worker));
            match event.as_str() {
                "RESERVATION_CREATED" => self.answer(&reservation).await,
                "RESERVATION_TIMEOUT" => self.come_back(&reservation).await,
                _ => {}
            }
        }
    }

    /// One in ten offers is rejected, one in fifty ignored, the others are accepted and worked on.
    async fn answer(&mut self, reservation: &str) {
        let lot = u64::from_str_radix(&reservation[20..26], 16).expect("hex digits") % 100;
        match lot {
            0..10 => {
                self.mutate(REJECT, "rejectReservation", "RESERVATION_REJECTED", reservation).await;
            }
            10..12 => {}
            _ => {
                if !self.mutate(ACCEPT, "acceptReservation", "RESERVATION_ACCEPTED", reservation).await {
                    return; // It was too late.
                }
                if lot.is_multiple_of(2) {
                    self.mutate(WRAP_UP, "wrapUpReservation", "RESERVATION_WRAPUP", reservation).await;
                }
                self.mutate(COMPLETE, "completeReservation", "RESERVATION_COMPLETED", reservation).await;
            }
        }
    }

    async fn come_back(&mut self, reservation: &str) {
        let input = json!({
            "workerId": self.worker.id, "activityId": self.available, "idempotencyKey": format!("back after {reservation}"),
        });
        let answer = persist(&self.line, || self.client.ask(SET_ACTIVITY, json!({ "input": input }))).await;
        answer.expect("an agent may become available");
    }

    /// Whether the server did it; otherwise it was too late.
    async fn mutate(&mut self, query: &str, field: &str, event: &'static str, reservation: &str) -> bool {
        let input =
            json!({ "reservationId": reservation, "idempotencyKey": format!("{field} {reservation}") });
        match persist(&self.line, || self.client.ask(query, json!({ "input": input }))).await {
            Ok(data) => {
                let sequence = data[field]["sequence"].as_u64().expect("a sequence");
                let object = reservation.to_owned();
                self.ledger.lock().expect("no panic").push(Acknowledged { sequence, event, object });
                true
            }
            Err(failure) => {
                assert_eq!(failure.code(), "INVALID_STATE", "{failure:?}");
                false
            }
        }
    }
}

/// Creates every eighth Task: some one by one, some ten at once.
async fn create_tasks(client: Client, line: Line, workspace: String, creator: usize, ledger: Ledger) {
    let data = persist(&line, || client.ask(WORKFLOW, json!({ "workspaceId": workspace }))).await;
    let workflow = data.expect("the Workflow is there")["workspace"]["workflow"]["id"].clone();
    let input_of = |number: usize| {
        let attributes = json!({
            "topic": if number.is_multiple_of(3) { "billing" } else { "other" },
            "language": if number.is_multiple_of(4) { "es" } else { "en" },
            "number": number,
        });
        json!({ "workflowId": workflow, "taskChannelName": "chat", "attributes": attributes })
    };
    let mut numbers = (creator..N_TASKS).step_by(N_CREATORS).peekable();
    let mut is_bulk = false;
    while numbers.peek().is_some() {
        let mut created = Vec::new();
        if is_bulk {
            let key = format!("tasks from {}", numbers.peek().expect("just looked"));
            let tasks: Vec<Value> = numbers.by_ref().take(10).map(input_of).collect();
            let input = json!({ "workspaceId": workspace, "tasks": tasks, "idempotencyKey": key });
            let data = persist(&line, || client.ask(CREATE_TASKS, json!({ "input": input }))).await;
            let data = data.expect("Tasks can be created");
            for outcome in data["createTasks"]["outcomes"].as_array().expect("a list") {
                assert!(outcome["error"].is_null(), "{outcome}");
                created.push((data["createTasks"]["sequence"].clone(), outcome["task"]["id"].clone()));
            }
        } else {
            let number = numbers.next().expect("just looked");
            let mut input = input_of(number);
            input["workspaceId"] = json!(workspace);
            input["idempotencyKey"] = json!(format!("task {number}"));
            let data = persist(&line, || client.ask(CREATE_TASK, json!({ "input": input }))).await;
            let data = data.expect("a Task can be created");
            created.push((data["createTask"]["sequence"].clone(), data["createTask"]["task"]["id"].clone()));
        }
        is_bulk = !is_bulk;
        ledger.lock().expect("no panic").extend(created.into_iter().map(|(sequence, id)| Acknowledged {
            sequence: sequence.as_u64().expect("a sequence"),
            event: "TASK_CREATED",
            object: id.as_str().expect("an id").to_owned(),
        }));
    }
}

/// Reads the log from its beginning until all Tasks are completed, across crashes.
async fn watch_log(
    mut line: Line,
    token: String,
    workspace: String,
    completed: watch::Sender<usize>,
) -> Vec<Value> {
    let mut log: Vec<Value> = Vec::new();
    loop {
        let start = *line.starts.borrow();
        let variables = json!({ "workspaceId": workspace, "after": log.len() });
        if let Ok(mut socket) = Socket::subscribe(&line.socket_url, &token, WORKSPACE_EVENTS, variables).await
        {
            loop {
                match socket.wait().await {
                    Ok(mut message) => log.push(message["workspaceEvents"].take()),
                    Err(End::Closed(_)) => break,
                    Err(end) => panic!("the log ended: {end:?}"),
                }
                let recorded = log.last().expect("just pushed");
                assert_eq!(recorded["sequence"], log.len(), "the log has no hole and no repeat");
                if recorded["type"] == "TASK_COMPLETED" {
                    completed.send_modify(|completed| *completed += 1);
                }
                // The Reservation is completed right behind its Task.
                if recorded["type"] == "RESERVATION_COMPLETED" && *completed.borrow() == N_TASKS {
                    return log;
                }
            }
        }
        line.starts.wait_for(|starts| *starts > start).await.expect("the test goes on");
    }
}

/// Repeats a request until there is an answer: after a crash, when the server has been started again.
async fn persist<F: Future<Output = Result<Value, Failure>>>(
    line: &Line,
    request: impl Fn() -> F,
) -> Result<Value, Failure> {
    loop {
        let start = *line.starts.borrow();
        match request().await {
            Err(failure) if failure.is_uncertain() => {
                let mut starts = line.starts.clone();
                starts.wait_for(|starts| *starts > start).await.expect("the test goes on");
            }
            answer => return answer,
        }
    }
}

fn audit(log: &[Value], inboxes: &[(String, u64, Inbox)], ledger: &[Acknowledged]) -> Report {
    let capacity: BTreeMap<&str, u64> =
        inboxes.iter().map(|(id, capacity, _)| (id.as_str(), *capacity)).collect();
    let mut open: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut owner: BTreeMap<&str, &str> = BTreeMap::new();
    let mut tasks: BTreeMap<&str, &str> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pushed: BTreeMap<&str, Vec<(u64, &str, &str)>> = BTreeMap::new();

    // What happened to which object, and where in the log; each of these happens once.
    let mut durable: BTreeMap<(&str, &str), u64> = BTreeMap::new();

    for recorded in log {
        let kind = recorded["type"].as_str().expect("a type");
        let sequence = recorded["sequence"].as_u64().expect("a number");
        *counts.entry(kind).or_default() += 1;
        let data = &recorded["data"];
        let subject = if kind.starts_with("RESERVATION_") { &data["reservation"] } else { &data["task"] };
        let happens_once =
            kind.starts_with("RESERVATION_") || matches!(kind, "TASK_CREATED" | "TASK_COMPLETED");
        if let (true, Some(id)) = (happens_once, subject["id"].as_str()) {
            assert!(durable.insert((kind, id), sequence).is_none(), "it happens once: {recorded}");
        }
        match kind {
            "TASK_CREATED" => {
                let id = data["task"]["id"].as_str().expect("an id");
                assert!(tasks.insert(id, "created").is_none(), "a Task is created once");
            }
            "TASK_COMPLETED" => {
                let id = data["task"]["id"].as_str().expect("an id");
                assert_eq!(tasks.insert(id, "completed"), Some("created"), "a Task is completed once");
            }
            "TASK_CANCELED" => panic!("a Task was given up: {recorded}"),
            _ => {}
        }
        if kind.starts_with("RESERVATION_") {
            let text = |field: &str| data["reservation"][field].as_str().expect("a text");
            let (id, worker, task) = (text("id"), text("workerId"), text("taskId"));
            pushed.entry(worker).or_default().push((sequence, kind, id));
            let of_worker = open.entry(worker).or_default();
            match kind {
                "RESERVATION_CREATED" => of_worker.push(id),
                "RESERVATION_ACCEPTED" => {
                    assert!(owner.insert(task, worker).is_none(), "a Task has one owner: {recorded}");
                }
                "RESERVATION_WRAPUP" => assert_eq!(owner.get(task), Some(&worker)),
                _ => of_worker.retain(|open| *open != id),
            }
            assert!(of_worker.len() as u64 <= capacity[worker], "capacity is never exceeded: {recorded}");
        }
    }
    assert_eq!(tasks.len(), N_TASKS);
    assert!(tasks.values().all(|status| *status == "completed"));

    for (worker, _, inbox) in inboxes {
        assert!(inbox.messages.iter().all(|(_, _, _, named)| named == worker), "only the owner's messages");
        let received: Vec<(u64, &str, &str)> =
            inbox.messages.iter().map(|(at, kind, id, _)| (*at, kind.as_str(), id.as_str())).collect();
        let mut expected = pushed.remove(worker.as_str()).unwrap_or_default();
        expected.retain(|(at, _, _)| *at > inbox.since);
        // The very last messages may be under way when the job is done.
        assert!(expected.starts_with(&received), "{worker} has a hole or a repeat in its stream");
        assert!(received.len() + 10 >= expected.len(), "{worker} has missed messages");
    }
    for Acknowledged { sequence, event, object } in ledger {
        let at =
            durable.get(&(*event, object.as_str())).unwrap_or_else(|| panic!("{event} of {object} was lost"));
        assert!(at <= sequence, "{event} of {object} was acknowledged with {sequence}, and stands at {at}");
    }
    let count = |kind: &str| counts.get(kind).copied().unwrap_or_default();
    Report {
        events: log.len(),
        reservations: count("RESERVATION_CREATED"),
        rejected: count("RESERVATION_REJECTED"),
        timed_out: count("RESERVATION_TIMEOUT"),
        acknowledged: ledger.len(),
        messages: inboxes.iter().map(|(_, _, inbox)| inbox.messages.len()).sum(),
    }
}

const CREATE_TASK_QUEUE: &str =
    "mutation($input: CreateTaskQueueInput!) { createTaskQueue(input: $input) { taskQueue { id } } }";
const CREATE_WORKFLOW: &str =
    "mutation($input: CreateWorkflowInput!) { createWorkflow(input: $input) { workflow { id } } }";
const CREATE_WORKER: &str = "mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id channels { id taskChannel { uniqueName } } } } }";
const UPDATE_WORKER_CHANNEL: &str =
    "mutation($input: UpdateWorkerChannelInput!) { updateWorkerChannel(input: $input) { sequence } }";
const CREATE_TOKEN: &str = "mutation($input: CreateTokenInput!) { createToken(input: $input) { token } }";
const CREATE_TASK: &str =
    "mutation($input: CreateTaskInput!) { createTask(input: $input) { sequence task { id } } }";
const CREATE_TASKS: &str = "mutation($input: CreateTasksInput!) { createTasks(input: $input) { sequence outcomes { task { id } error { code message } } } }";
const ACCEPT: &str =
    "mutation($input: AcceptReservationInput!) { acceptReservation(input: $input) { sequence } }";
const REJECT: &str =
    "mutation($input: RejectReservationInput!) { rejectReservation(input: $input) { sequence } }";
const WRAP_UP: &str =
    "mutation($input: WrapUpReservationInput!) { wrapUpReservation(input: $input) { sequence } }";
const COMPLETE: &str =
    "mutation($input: CompleteReservationInput!) { completeReservation(input: $input) { sequence } }";
const SET_ACTIVITY: &str =
    "mutation($input: SetWorkerActivityInput!) { setWorkerActivity(input: $input) { sequence } }";
const AVAILABLE_ACTIVITY: &str = "{ viewer { workspace { activity(name: \"Available\") { id } } } }";
const WORKFLOW: &str =
    "query($workspaceId: ID!) { workspace(id: $workspaceId) { workflow(name: \"Front desk\") { id } } }";
const RESERVATIONS: &str = "subscription($workerId: ID!, $after: Sequence) { reservations(workerId: $workerId, after: $after) { sequence snapshot { id workerId status } event reservation { id workerId status task { id attributes } } } }";
const WORKSPACE_EVENTS: &str = "subscription($workspaceId: ID!, $after: Sequence) { workspaceEvents(workspaceId: $workspaceId, after: $after) { sequence type data } }";
