//! Peers that do not read, do not answer, or want everything at once.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::StreamExt;
use serde_json::json;
use switchyard::http::Settings;
use tokio::{io::AsyncWriteExt, net::TcpStream};
use tokio_tungstenite::tungstenite::Message;

use crate::fixture::{Server, Socket, until, within};

#[tokio::test]
async fn a_socket_that_does_not_read_is_dropped_and_holds_up_nobody() {
    let settings = Settings { write_timeout: Duration::from_millis(200), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut lazy = Socket::admitted(&server).await;
    lazy.subscribe("held", "subscription { held }").await;
    lazy.receive().await;
    lazy.subscribe("flood", "subscription { flood(bytes: 65536) { text } }").await;
    let mut busy = Socket::admitted(&server).await;
    for _ in 0..100 {
        busy.subscribe("1", "{ hello }").await;
        busy.receive().await;
        busy.receive().await;
    }
    until("the lazy one is dropped", || {
        server.connections.len() <= 1 && server.gate.held.load(Ordering::Relaxed) == 0
    })
    .await;
    drop(lazy);
}

/// Its token still expires, and a shutdown still ends it, while a write is waiting.
#[tokio::test]
async fn a_socket_that_does_not_read_still_ends_in_time() {
    let [expiring, stopped] = [Server::start().await, Server::start().await];
    let mut sockets = Vec::new();
    for (server, token) in [(&expiring, "Bearer for 400"), (&stopped, "Bearer good")] {
        let mut socket = Socket::admitted_with(server, token).await;
        socket.subscribe("flood", "subscription { flood(bytes: 65536) { text } }").await;
        socket.receive().await;
        sockets.push(socket);
    }
    stopped.shutdown.cancel();
    until("both are gone", || expiring.connections.is_empty() && stopped.connections.is_empty()).await;
}

#[tokio::test]
async fn a_busy_operation_leaves_room_for_the_others_and_for_messages() {
    let server = Server::start().await;
    let mut socket = Socket::admitted(&server).await;
    socket.subscribe("flood", "subscription { flood(bytes: 100) { text } }").await;
    socket.receive().await;
    socket.subscribe("other", "subscription { count(to: 100) }").await;
    let mut others = 0;
    while others < 100 {
        let message = socket.receive().await;
        others += i32::from(message["id"] == "other" && message["type"] == "next");
    }
    socket.send(json!({ "type": "complete", "id": "flood" })).await;
    socket.send(json!({ "type": "ping" })).await;
    while socket.receive().await["type"] != "pong" {}
}

#[tokio::test]
async fn a_silent_socket_is_pinged_and_then_dropped() {
    let settings = Settings { ping_interval: Duration::from_millis(100), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut alive = Socket::admitted(&server).await;
    let dead = Socket::admitted(&server).await;
    // Reading is what makes the client's library answer.
    for _ in 0..5 {
        let message = within("a ping", alive.stream.next()).await;
        assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
    }
    until("the other one is gone", || server.connections.len() == 1).await;
    drop(dead);
    alive.subscribe("1", "{ hello }").await;
    alive.receive().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_http_answer_is_dropped() {
    let settings = Settings { write_timeout: Duration::from_millis(200), ..Settings::default() };
    let server = Server::start_with(settings).await;
    let mut stream = TcpStream::connect(server.address).await.expect("somebody listens");
    let body = json!({ "query": "{ text(bytes: 30000000) }" }).to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("the connection is open");
    until("the request is there", || server.connections.len() == 1).await;
    until("it is dropped", || server.connections.is_empty()).await;
    drop(stream);
}
