//! GraphQL over a WebSocket, in the protocol graphql-transport-ws.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long a message that must come may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with one subscription.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The connection is gone, or the subscription has ended.
#[derive(Debug)]
#[allow(dead_code)] // What is inside is for the messages of failed tests.
pub enum End {
    /// The server ended the subscription with these errors.
    Errors(Value),
    /// The server completed the subscription.
    Complete,
    /// The connection was closed, with this code where there was one.
    Closed(Option<u16>),
}

impl Socket {
    /// Connects, says who we are, and subscribes.
    pub async fn subscribe(url: &str, token: &str, query: &str, variables: Value) -> Result<Socket, End> {
        let mut request = url.into_client_request().expect("an address");
        let protocol = "graphql-transport-ws".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = tokio_tungstenite::connect_async(request).await.map_err(|_| End::Closed(None))?;
        let mut socket = Socket(stream);
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await?;
        let ack = socket.receive().await?;
        assert_eq!(ack["type"], "connection_ack");
        let payload = json!({ "query": query, "variables": variables });
        socket.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await?;
        Ok(socket)
    }

    /// The data of the next message, which must come.
    pub async fn next(&mut self) -> Result<Value, End> {
        tokio::time::timeout(PATIENCE, self.wait()).await.expect("a message comes in time")
    }

    /// The data of the next message, whenever it comes.
    pub async fn wait(&mut self) -> Result<Value, End> {
        loop {
            let mut message = self.receive().await?;
            match message["type"].as_str() {
                Some("next") if message["payload"].get("errors").is_none() => {
                    return Ok(message["payload"]["data"].take());
                }
                Some("next") => return Err(End::Errors(message["payload"]["errors"].take())),
                Some("error") => return Err(End::Errors(message["payload"].take())),
                Some("complete") => return Err(End::Complete),
                Some("ping") => self.send(json!({ "type": "pong" })).await?,
                _ => panic!("an unknown message: {message}"),
            }
        }
    }

    async fn send(&mut self, message: Value) -> Result<(), End> {
        self.0.send(Message::text(message.to_string())).await.map_err(|_| End::Closed(None))
    }

    async fn receive(&mut self) -> Result<Value, End> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("messages are JSON"));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(End::Closed(frame.map(|frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(End::Closed(None)),
            }
        }
    }
}
