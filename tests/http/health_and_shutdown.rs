//! What an operator sees, and how a server ends.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::json;
use switchyard::http::Settings;
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::fixture::{Server, Socket, answer, until, within};

#[tokio::test]
async fn a_server_is_ready_when_its_gate_is() {
    let server = Server::start().await;
    let ready = || answer(server.client.get(server.url("/health/ready")));
    assert_eq!(ready().await, (200, json!({ "status": "ready" })));
    server.gate.unready.store(true, Ordering::Relaxed);
    // What the gate says is for the log: it may name what strangers need not know.
    let reason = "a Workspace or the database does not answer";
    assert_eq!(ready().await, (503, json!({ "status": "not ready", "reason": reason })));
    let live = answer(server.client.get(server.url("/health/live"))).await;
    assert_eq!(live, (200, json!({ "status": "live" })));
}

#[tokio::test]
async fn a_server_that_shuts_down_says_so_to_its_sockets_and_ends() {
    let mut server = Server::start().await;
    let mut idle = Socket::open(&server).await;
    let mut busy = Socket::admitted(&server).await;
    busy.subscribe("1", "subscription { held }").await;
    busy.receive().await;
    server.shutdown.cancel();
    assert_eq!(busy.closed().await.0, 1001);
    assert_eq!(idle.closed().await.0, 1001);
    drop((idle, busy));
    within("the end of the server", &mut server.serving).await.expect("it does not panic");
    assert_eq!(server.connections.len(), 0);
    assert_eq!(server.gate.held.load(Ordering::Relaxed), 0);
    TcpStream::connect(server.address).await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn a_request_in_progress_is_answered_during_a_shutdown() {
    let settings = Settings { request_timeout: Duration::from_millis(300), ..Settings::default() };
    let mut server = Server::start_with(settings).await;
    let request = tokio::spawn(answer(server.post(&json!({ "query": "{ never }" }))));
    until("it is in progress", || server.gate.held.load(Ordering::Relaxed) == 1).await;
    server.shutdown.cancel();
    let (status, _) = within("the answer", request).await.expect("it does not panic");
    assert_eq!(status, 503);
    within("the end of the server", &mut server.serving).await.expect("it does not panic");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let settings = Settings { drain_timeout: Duration::from_millis(100), ..Settings::default() };
    let mut server = Server::start_with(settings).await;
    let request = tokio::spawn(server.post(&json!({ "query": "{ never }" })).send());
    until("it is in progress", || server.gate.held.load(Ordering::Relaxed) == 1).await;
    server.shutdown.cancel();
    within("the end of the server", &mut server.serving).await.expect("it does not panic");
    within("the end of the request", request)
        .await
        .expect("no panic")
        .expect_err("the connection is dropped");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let server = Server::start_with(Settings { connections_max: 1, ..Settings::default() }).await;
    let first = TcpStream::connect(server.address).await.expect("somebody listens");
    until("the first connection is there", || server.connections.len() == 1).await;
    let mut second = TcpStream::connect(server.address).await.expect("somebody listens");
    let read = within("the end of the second", second.read(&mut [0; 1])).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    drop(first);
}
