//! Many follow the same subscription: each gets the log as it is, however they come, whoever they are.

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
