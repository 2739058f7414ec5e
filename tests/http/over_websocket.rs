//! graphql-transport-ws: the good course of things, and every close code.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::StreamExt;
use serde_json::{Value, json};
use switchyard::http::Settings;
use tokio_tungstenite::tungstenite::{self, Message, http::StatusCode};

use crate::fixture::{Server, Socket, until, within};

fn next(id: &str, data: Value) -> Value {
    json!({ "type": "next", "id": id, "payload": { "data": data } })
}

fn complete(id: &str) -> Value {
    json!({ "type": "complete", "id": id })
}

/// The code of the only error of an `error` message for this id.
fn error_code<'a>(message: &'a Value, id: &str) -> &'a str {
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
    assert_eq!(message["payload"].as_array().map(Vec::len), Some(1), "{message}");
    message["payload"][0]["extensions"]["code"].as_str().expect("every error has a code")
}

#[tokio::test]
async fn subscriptions_queries_and_mutations_work() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    socket.subscribe("1", "subscription { count(to: 2) }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "count": 1 })));
    assert_eq!(socket.receive().await, next("1", json!({ "count": 2 })));
    assert_eq!(socket.receive().await, complete("1"));
    socket.subscribe("1", "{ hello }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "hello": "hello" })));
    assert_eq!(socket.receive().await, complete("1"));
    socket
        .send(json!({ "type": "subscribe", "id": "ü\"2", "payload": {
            "query": "query a { hello } mutation b($n: Int!) { set(value: $n) }",
            "operationName": "b", "variables": { "n": 7 }, "extensions": { "minSequence": 1 } } }))
        .await;
    assert_eq!(socket.receive().await, next("ü\"2", json!({ "set": 7 })));
    assert_eq!(socket.receive().await, complete("ü\"2"));
}

#[tokio::test]
async fn a_socket_may_be_opened_at_graphql_too_and_the_key_of_the_token_in_any_case() {
    let server = Server::start().await;
    let mut request = Socket::request(&server);
    *request.uri_mut() = format!("ws://{}/graphql", server.address).parse().expect("a URL");
    let (stream, _) = tokio_tungstenite::connect_async(request).await.expect("the handshake succeeds");
    let mut socket = Socket { stream };
    socket
        .send(json!({ "type": "connection_init", "payload": { "x": 1, "AUTHORIZATION": "Bearer good" } }))
        .await;
    assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
}

#[tokio::test]
async fn pings_are_answered_even_before_the_init() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }));
    socket.send(json!({ "type": "pong", "payload": null })).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "n": 1 } }));
}

#[tokio::test]
async fn what_is_not_the_protocol_closes_with_4400() {
    let server = Server::start().await;
    let wrong = [
        "",
        "x",
        "[]",
        "{}",
        "null",
        "{\"type\":1}",
        "{\"type\":\"start\",\"id\":\"1\",\"payload\":{\"query\":\"{hello}\"}}",
        "{\"type\":\"next\",\"id\":\"1\",\"payload\":{}}",
        "{\"type\":\"connection_ack\"}",
        "{\"type\":\"connection_init\",\"payload\":1}",
        "{\"type\":\"ping\",\"payload\":[]}",
        "{\"type\":\"pong\",\"payload\":\"x\"}",
        "{\"type\":\"subscribe\"}",
        "{\"type\":\"subscribe\",\"id\":\"1\"}",
        "{\"type\":\"subscribe\",\"id\":1,\"payload\":{\"query\":\"{hello}\"}}",
        "{\"type\":\"subscribe\",\"id\":\"\",\"payload\":{\"query\":\"{hello}\"}}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{}}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":1}}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":[\"{hello}\",null,null,null]}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{hello}\",\"variables\":[]}}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{hello}\",\"operationName\":1}}",
        "{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{\"query\":\"{hello}\",\"extensions\":1}}",
        "{\"type\":\"complete\"}",
        "{\"type\":\"complete\",\"id\":1}",
    ];
    for text in wrong {
        let mut socket = Socket::admitted(&server).await;
        socket.send_raw(Message::text(text)).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(reason.starts_with("Invalid message: ") && reason.len() <= 123, "{text}: {reason}");
    }
    let mut socket = Socket::admitted(&server).await;
    socket.send_raw(Message::binary("{\"type\":\"ping\"}")).await;
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = Socket::open(&server).await;
    socket.send_raw(Message::text(format!("{{\"type\":\"{}\"}}", "ü".repeat(500)))).await;
    assert_eq!(socket.closed().await.0, 4400, "a long reason is cut between characters");
    let mut socket = Socket::admitted(&server).await;
    socket.subscribe(&"x".repeat(257), "{ hello }").await;
    assert_eq!(socket.closed().await.0, 4400);
}

#[tokio::test]
async fn subscribing_before_the_ack_closes_with_4401() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.subscribe("1", "{ hello }").await;
    assert_eq!(socket.closed().await, (4401, "Unauthorized".to_owned()));
}

#[tokio::test]
async fn a_missing_or_bad_token_closes_with_4403() {
    let server = Server::start().await;
    let cases = [
        (json!({ "type": "connection_init" }), "a bearer token is required"),
        (json!({ "type": "connection_init", "payload": null }), "a bearer token is required"),
        (
            json!({ "type": "connection_init", "payload": { "authorization": "Bearer bad" } }),
            "the token is not valid",
        ),
        (json!({ "type": "connection_init", "payload": { "authorization": 1 } }), "the token is not valid"),
        (
            json!({ "type": "connection_init", "payload": { "authorization": "Bearer expired" } }),
            "the token has expired",
        ),
    ];
    for (message, expected) in cases {
        let mut socket = Socket::open(&server).await;
        socket.send(message.clone()).await;
        let (code, reason) = socket.closed().await;
        assert_eq!(code, 4403, "{message}");
        assert!(reason.starts_with(expected), "{message}: {reason}");
    }
}

#[tokio::test]
async fn no_init_closes_with_4408() {
    let settings = Settings { init_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut socket = Socket::open(&server).await;
    assert_eq!(socket.closed().await, (4408, "Connection initialisation timeout".to_owned()));
    let mut chatty = Socket::open(&server).await;
    chatty.send(json!({ "type": "ping" })).await;
    assert_eq!(chatty.closed().await.0, 4408);
}

#[tokio::test]
async fn a_second_init_closes_with_4429() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer good" } })).await;
    assert_eq!(socket.closed().await, (4429, "Too many initialisation requests".to_owned()));
}

#[tokio::test]
async fn an_id_in_use_closes_with_4409_and_a_used_one_is_free_again() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    let held = |n: i32| server.gate.held.load(Ordering::Relaxed) == n;
    for _ in 0..3 {
        socket.subscribe("a", "subscription { held }").await;
        assert_eq!(socket.receive().await, next("a", json!({ "held": 1 })));
        assert!(held(1));
        // No answer to it: the next thing to come is the next operation's.
        socket.send(complete("a")).await;
    }
    until("the last one is dropped", || held(0)).await;
    for _ in 0..3 {
        socket.subscribe("a", "{ hello }").await;
        assert_eq!(socket.receive().await, next("a", json!({ "hello": "hello" })));
        assert_eq!(socket.receive().await, complete("a"));
        socket.subscribe("a", "{ nope }").await;
        assert_eq!(error_code(&socket.receive().await, "a"), "BAD_USER_INPUT");
    }
    socket.send(complete("never used")).await;
    let long = "é".repeat(100);
    socket.subscribe(&long, "subscription { held }").await;
    socket.receive().await;
    socket.subscribe(&long, "{ hello }").await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 4409);
    assert!(reason.starts_with("Subscriber for ééé") && reason.len() <= 123, "{reason}");
    until("what was running is dropped", || held(0)).await;
}

#[tokio::test]
async fn operations_beyond_the_limit_are_refused_one_by_one() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    for n in 0..20 {
        socket.subscribe(&n.to_string(), "subscription { held }").await;
        socket.receive().await;
    }
    socket.subscribe("20", "{ hello }").await;
    assert_eq!(error_code(&socket.receive().await, "20"), "LIMIT_EXCEEDED");
    socket.send(complete("7")).await;
    socket.subscribe("20", "{ hello }").await;
    assert_eq!(socket.receive().await, next("20", json!({ "hello": "hello" })));
}

#[tokio::test]
async fn a_failed_operation_ends_with_an_error_and_a_failed_field_does_not() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    for (query, expected) in [
        ("{", "BAD_USER_INPUT"),
        ("{ nope }", "BAD_USER_INPUT"),
        ("query ($n: Int!) { add(a: $n) }", "BAD_USER_INPUT"),
        ("subscription { held count(to: 1) }", "BAD_USER_INPUT"),
        ("subscription { refused }", "NOT_FOUND"),
        ("{ panics }", "INTERNAL"),
    ] {
        socket.subscribe("1", query).await;
        assert_eq!(error_code(&socket.receive().await, "1"), expected, "{query}");
    }
    socket.subscribe("1", "{ refuses }").await;
    assert_eq!(socket.receive().await["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND");
    assert_eq!(socket.receive().await, complete("1"));
    socket.subscribe("1", "subscription { nodes { fails } }").await;
    for _ in 0..2 {
        let event = socket.receive().await;
        assert_eq!((&event["type"], &event["payload"]["data"]), (&json!("next"), &json!(null)), "{event}");
    }
    assert_eq!(socket.receive().await, complete("1"));
    socket.subscribe("1", "subscription { expires }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "expires": 1 })));
    assert_eq!(error_code(&socket.receive().await, "1"), "EVENTS_EXPIRED");
    socket.subscribe("1", "{ hello }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "hello": "hello" })), "nothing after the error");
}

#[tokio::test]
async fn a_panic_ends_one_operation_and_frees_its_id() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    socket.subscribe("other", "subscription { held }").await;
    socket.receive().await;
    socket.subscribe("1", "subscription { panics }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "panics": 1 })));
    let error = socket.receive().await;
    assert_eq!(error_code(&error, "1"), "INTERNAL");
    assert!(error["payload"][0]["extensions"]["requestId"].is_string(), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    socket.subscribe("1", "{ hello }").await;
    assert_eq!(socket.receive().await, next("1", json!({ "hello": "hello" })));
    assert_eq!(server.gate.held.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn when_the_token_expires_every_operation_is_told_and_the_socket_closed() {
    let server = Server::start().await;
    let mut socket = Socket::admitted_with(&server, "Bearer for 300").await;
    for id in ["a", "b"] {
        socket.subscribe(id, "subscription { held }").await;
        assert_eq!(socket.receive().await, next(id, json!({ "held": 1 })));
    }
    assert_eq!(error_code(&socket.receive().await, "a"), "UNAUTHENTICATED");
    assert_eq!(error_code(&socket.receive().await, "b"), "UNAUTHENTICATED");
    assert_eq!(socket.closed().await, (4403, "token expired".to_owned()));
    until("the operations are dropped", || server.gate.held.load(Ordering::Relaxed) == 0).await;
    let mut expired = Socket::open(&server).await;
    expired.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer for 0" } })).await;
    assert_eq!(expired.closed().await.0, 4403);
}

#[tokio::test]
async fn a_gate_that_panics_closes_with_1011() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer panic" } })).await;
    assert_eq!(socket.closed().await, (1011, "internal error".to_owned()));
}

#[tokio::test]
async fn a_message_that_is_too_large_closes_with_1009() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    let length = "mutation ($text: String!) { length(text: $text) }";
    let message = |bytes: usize| {
        json!({ "type": "subscribe", "id": "1",
            "payload": { "query": length, "variables": { "text": "x".repeat(bytes) } } })
    };
    socket.send(message(255 * 1024)).await;
    assert_eq!(socket.receive().await, next("1", json!({ "length": 255 * 1024 })));
    assert_eq!(socket.receive().await, complete("1"));
    socket.send(message(256 * 1024)).await;
    assert_eq!(socket.closed().await.0, 1009);
}

#[tokio::test]
async fn a_socket_that_goes_away_leaves_nothing_behind() {
    let server = Server::start().await;
    let gone = || server.gate.held.load(Ordering::Relaxed) == 0 && server.connections.is_empty();
    let mut polite = Socket::admitted(&server).await;
    polite.subscribe("1", "subscription { held }").await;
    polite.receive().await;
    within("the goodbye", polite.stream.close(None)).await.expect("the connection is open");
    while within("the end", polite.stream.next()).await.is_some() {}
    until("it is forgotten", gone).await;
    let mut rude = Socket::admitted(&server).await;
    rude.subscribe("1", "subscription { held }").await;
    rude.receive().await;
    drop(rude);
    until("it is forgotten", gone).await;
}

async fn refused(request: tungstenite::http::Request<()>) -> StatusCode {
    match within("a handshake", tokio_tungstenite::connect_async(request)).await {
        Err(tungstenite::Error::Http(response)) => response.status(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn only_graphql_transport_ws_is_spoken() {
    let server = Server::start().await;
    let mut without = Socket::request(&server);
    without.headers_mut().remove("sec-websocket-protocol");
    assert_eq!(refused(without).await, 400);
    let mut legacy = Socket::request(&server);
    legacy.headers_mut().insert("sec-websocket-protocol", "graphql-ws".parse().expect("ASCII"));
    assert_eq!(refused(legacy).await, 400);
    let mut both = Socket::request(&server);
    both.headers_mut()
        .insert("sec-websocket-protocol", "graphql-ws, graphql-transport-ws".parse().expect("ASCII"));
    let (_, response) = tokio_tungstenite::connect_async(both).await.expect("the handshake succeeds");
    assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
}

#[tokio::test]
async fn pages_of_foreign_origins_may_not_connect() {
    let settings =
        Settings { origins: vec!["https://desk.example".parse().expect("ASCII")], ..Settings::default() };
    for (settings, known) in [(Settings::default(), false), (settings, true)] {
        let server = Server::start_with(settings).await;
        let from = |origin: &str| {
            let mut request = Socket::request(&server);
            request.headers_mut().insert("origin", origin.parse().expect("ASCII"));
            request
        };
        for foreign in
            ["https://evil.example", "https://desk.example:444", "http://desk.example", "null", "127.0.0.1"]
        {
            assert_eq!(refused(from(foreign)).await, 403, "{foreign}");
        }
        let own = format!("http://{}", server.address);
        tokio_tungstenite::connect_async(from(&own)).await.expect("the server's own page may connect");
        if known {
            tokio_tungstenite::connect_async(from("https://desk.example"))
                .await
                .expect("a known page may connect");
        } else {
            assert_eq!(refused(from("https://desk.example")).await, 403);
        }
    }
}
