//! `/graphql/ws`: GraphQL over a WebSocket, by the protocol `graphql-transport-ws`.
//!
//! 1. The handshake names that protocol, and comes from no page of a foreign origin; else there is no socket.
//! 2. The client sends `connection_init` with `{"authorization": "Bearer …"}`; the server `connection_ack`.
//! 3. `subscribe` starts an operation under an id of the client's; `next` carries its results, `complete` or
//!    `error` ends it. An id is free again *before* its end is sent, and from the client's `complete` on.
//! 4. The server sends pings when the socket is silent. When the token expires, each operation ends with
//!    an `error` and the socket is closed.
//!
//! | close code | when |
//! | --- | --- |
//! | 4400 | a message that is not one of the protocol's |
//! | 4401 | `subscribe` before `connection_ack` |
//! | 4403 | the token is missing, bad or (later) expired |
//! | 4408 | no `connection_init` in time |
//! | 4409 | `subscribe` with an id that is in use |
//! | 4429 | a second `connection_init` |
//! | 1001 | the server shuts down |
//! | 1002, 1007, 1009 | not a WebSocket frame, not UTF-8, too large a message |
//! | 1011 | this module has a bug |
//! | none | the peer is silent, or does not read |
//!
//! One task drives a connection: reading, every operation, writing. Promises: a peer that does not read holds
//! up nothing but itself, and at most one message and a few KiB beyond what the kernel holds; then its operations
//! are not even asked for more, and after `Settings::write_timeout` it is dropped. Operations take turns. A panic
//! in one is an error of that one. What is ready at once is written at once, in one piece.
//!
//! What it does not do: no compression, no binary messages, no cookies; it does not resume anything (subscriptions
//! do, by their `after`), and does not know whether two sockets follow the same subscription (`shared` does).

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_graphql::Executor;
use axum::{
    body::Bytes,
    extract::{
        FromRequestParts, Request,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde::Deserialize;
use tokio::{
    task::coop,
    time::{Instant, sleep, sleep_until, timeout},
};
use tracing::Instrument;

use super::{
    Gate, RequestId, Settings,
    answer::{Answer, Code, Refusal, panic_message},
    graphql::Rejection,
    operation::{Answers, Endpoint, Parameters},
    shared::Followed,
};
use crate::auth;

const PROTOCOL: &str = "graphql-transport-ws";

/// Held by every socket for as long as it lives; the default of 128 KiB would be most of its memory. Messages
/// of clients are mostly smaller.
const READ_BUFFER_BYTES: usize = 512;

/// Messages are gathered up to here before they are written without being flushed. Allocated only as needed.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;

/// Messages after which a flush is due even while more are ready, so that none waits for a busy operation.
const UNFLUSHED_MAX: usize = 32;

/// Clients use counters or UUIDs. Bounds what a socket's operations hold besides their streams.
const ID_BYTES_MAX: usize = 256;

/// What a close frame has room for (RFC 6455: 125 bytes less the code).
const CLOSE_REASON_BYTES_MAX: usize = 123;

/// For the other side to answer a close frame, so that it has read the code before the connection ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The same where nothing can be read any more and so no answer be seen.
const CLOSE_LINGER: Duration = Duration::from_millis(500);

/// The clock of tokens may be set, and is not the one of timers: a token's end is looked at again this often.
const EXPIRY_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Whether this asks for a WebSocket.
pub(super) fn is_upgrade(request: &Request) -> bool {
    request.method() == Method::GET
        && request
            .headers()
            .get(header::UPGRADE)
            .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Answers the handshake.
pub(super) async fn upgrade<E: Executor, G: Gate>(
    endpoint: Arc<Endpoint<E, G>>,
    request: Request,
) -> Response {
    match shake_hands(endpoint, request).await {
        Ok(response) => response,
        Err(rejection) => rejection.into_response(),
    }
}

async fn shake_hands<E: Executor, G: Gate>(
    endpoint: Arc<Endpoint<E, G>>,
    request: Request,
) -> Result<Response, Rejection> {
    let id = RequestId::given_to(&request);
    let settings = &endpoint.settings;
    if !is_upgrade(&request) {
        let refusal = Refusal::bad_input("Connect with a WebSocket");
        return Err(Rejection::new(StatusCode::UPGRADE_REQUIRED, refusal).with(header::UPGRADE, "websocket"));
    }
    if !is_from_known_origin(request.headers(), request.uri(), settings) {
        let refusal = Refusal::new(Code::Forbidden, "Pages of this origin may not connect");
        return Err(Rejection::new(StatusCode::FORBIDDEN, refusal));
    }
    if endpoint.shutdown.is_cancelled() {
        let refusal = Refusal::new(Code::Unavailable, "The server is shutting down");
        return Err(Rejection::new(StatusCode::SERVICE_UNAVAILABLE, refusal));
    }
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|error| {
        Rejection::new(error.status(), Refusal::bad_input(error.body_text()))
            .with(header::SEC_WEBSOCKET_VERSION, "13")
    })?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_message_size(settings.message_bytes_max)
        .max_frame_size(settings.message_bytes_max);
    if upgrade.selected_protocol().is_none() {
        let refusal = Refusal::bad_input("Offer the WebSocket subprotocol graphql-transport-ws");
        return Err(Rejection::new(StatusCode::BAD_REQUEST, refusal));
    }
    // Taken before the connection's own task ends, so that a shutdown waits for this socket in any case.
    let alive = endpoint.connections.token();
    // So that what resolvers log can be found by the id that their clients see.
    let span = tracing::info_span!(parent: None, "socket", id = %id);
    Ok(upgrade.on_upgrade(move |socket| {
        let mut connection = Connection::new(endpoint, socket, id);
        let serving = async move {
            connection.run().await;
            drop(alive);
        };
        // In a task of its own: the one that has shaken hands is larger than a connection has any need for, and
        // stays so for as long as it lives.
        tokio::spawn(serving.instrument(span));
        std::future::ready(())
    }))
}

/// Browsers say which origin a page is from and let it connect anywhere: to refuse is for the server.
fn is_from_known_origin(headers: &HeaderMap, uri: &Uri, settings: &Settings) -> bool {
    // Not a browser: nobody's page.
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    if settings.origins.contains(origin) {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri.host());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, host) {
        (Some((_, of_page)), Some(of_server)) => of_page.eq_ignore_ascii_case(of_server),
        _ => false,
    }
}

/// What a client may send.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Payload>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Payload>,
    },
    Pong {
        /// Read only to see that it is an object.
        #[serde(default, rename = "payload")]
        _payload: Option<Payload>,
    },
    Subscribe {
        id: String,
        payload: Parameters,
    },
    Complete {
        id: String,
    },
}

type Payload = serde_json::Map<String, serde_json::Value>;

struct Connection<E, G: Gate> {
    endpoint: Arc<Endpoint<E, G>>,
    id: RequestId,
    socket: WebSocket,
    phase: Phase<G::Caller>,
    operations: Vec<Operation<E, G>>,
    /// Which operation is asked first, so that one that is always ready does not hold up the others.
    turn: usize,
    /// Whether the socket is read before the operations are asked, alternately for the same reason.
    input_first: bool,
    /// Messages since the last flush.
    unflushed: usize,
    /// Since when what was written waits for the other side to read.
    stalled_at: Option<Instant>,
    /// When the other side last showed that it is there.
    heard_at: Instant,
    pinged_at: Instant,
}

enum Phase<C> {
    AwaitingInit { until: Instant },
    Admitted { caller: C, until: Instant },
}

struct Operation<E, G: Gate> {
    /// The client's, as JSON.
    id: String,
    answers: Answers<E, G>,
}

enum Event {
    ShuttingDown,
    Deadline,
    Message(Message),
    /// Of the operation at this place: an answer, its end, or a panic.
    Operation(usize, Result<Followed, Panic>),
}

/// What has had nothing since this task was woken.
#[derive(Default)]
struct Quiet {
    input: bool,
    operations: bool,
}

type Panic = Box<dyn std::any::Any + Send>;

/// Why a connection ends.
enum End {
    /// Say so to the other side.
    Close(Closure),
    /// The token has expired: each operation learns of it first.
    Expired,
    /// The other side has said so.
    Closed,
    /// There is nobody to say it to.
    Gone(&'static str),
}

struct Closure {
    code: u16,
    reason: String,
    /// Whether the other side's answer can still be read.
    readable: bool,
}

fn close<T>(code: u16, reason: impl Into<String>) -> Result<T, End> {
    Err(End::Close(Closure { code, reason: reason.into(), readable: true }))
}

impl<E: Executor, G: Gate> Connection<E, G> {
    fn new(endpoint: Arc<Endpoint<E, G>>, socket: WebSocket, id: RequestId) -> Self {
        let now = Instant::now();
        Connection {
            id,
            socket,
            phase: Phase::AwaitingInit { until: now + endpoint.settings.init_timeout },
            operations: Vec::new(),
            turn: 0,
            input_first: true,
            unflushed: 0,
            stalled_at: None,
            heard_at: now,
            pinged_at: now,
            endpoint,
        }
    }

    async fn run(&mut self) {
        let end = AssertUnwindSafe(self.drive()).catch_unwind().await.unwrap_or_else(|panic| {
            tracing::error!(request_id = %self.id, panic = panic_message(&*panic), "a WebSocket panicked");
            End::Close(Closure { code: 1011, reason: "internal error".into(), readable: true })
        });
        let operations = std::mem::take(&mut self.operations);
        let mut farewell = Vec::new();
        let closure = match end {
            End::Gone(why) => {
                tracing::debug!(request_id = %self.id, why, "a WebSocket is gone");
                return;
            }
            End::Closed => None,
            End::Close(closure) => Some(closure),
            End::Expired => {
                let refusal = Refusal::new(Code::Unauthenticated, "The token has expired");
                let errors = refusal.into_errors();
                farewell.extend(operations.iter().map(|operation| error_message(&operation.id, &errors)));
                Some(Closure { code: 4403, reason: "token expired".into(), readable: true })
            }
        };
        // Nobody reads their answers any more; what they hold is free while the goodbye takes its time.
        drop(operations);
        let _ = timeout(CLOSE_TIMEOUT, say_goodbye(&mut self.socket, farewell, closure)).await;
    }

    /// Everything between the handshake and the end.
    async fn drive(&mut self) -> End {
        let shutdown = self.endpoint.shutdown.clone();
        let mut shutdown = pin!(shutdown.cancelled());
        let mut timer = pin!(sleep_until(self.next_deadline()));
        loop {
            // Streams that are always ready would otherwise keep this task on its thread for ever.
            coop::consume_budget().await;
            let event = std::future::poll_fn(|context| {
                if shutdown.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Ok(Event::ShuttingDown));
                }
                if timer.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Ok(Event::Deadline));
                }
                let event = self.poll_events(context);
                // Only a deadline that has come nearer is set: one that has moved away finds nothing due.
                let deadline = self.next_deadline();
                if event.is_pending() && deadline < timer.deadline() {
                    timer.as_mut().reset(deadline);
                    return timer.as_mut().poll(context).map(|()| Ok(Event::Deadline));
                }
                event
            });
            let handled = match event.await {
                Ok(Event::ShuttingDown) => close(1001, "The server is shutting down"),
                Ok(Event::Deadline) => self.on_deadline(),
                Ok(Event::Message(message)) => self.on_message(message),
                Ok(Event::Operation(index, answer)) => self.on_answer(index, answer),
                Err(end) => Err(end),
            };
            if let Err(end) = handled {
                return end;
            }
            if timer.is_elapsed() {
                timer.as_mut().reset(self.next_deadline());
            }
        }
    }

    /// Answers are sent as they come; anything else is an event.
    fn poll_events(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, End>> {
        // What has nothing now wakes this task when it has, and need not be asked twice.
        let mut quiet = Quiet::default();
        loop {
            match self.poll_event(context, &mut quiet) {
                Poll::Ready(Ok(Event::Operation(index, answer))) if self.unflushed < UNFLUSHED_MAX => {
                    self.on_answer(index, answer)?;
                }
                other => return other,
            }
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>, quiet: &mut Quiet) -> Poll<Result<Event, End>> {
        // For a peer that does not take what it was sent nothing is read, and so nothing more is produced.
        if self.poll_writable(context)?.is_pending() {
            return Poll::Pending;
        }
        if self.unflushed >= UNFLUSHED_MAX && self.poll_flush(context)?.is_pending() {
            return Poll::Pending;
        }
        self.input_first = !self.input_first;
        let mut event = Poll::Pending;
        for is_input in [self.input_first, !self.input_first] {
            let is_quiet = if is_input { &mut quiet.input } else { &mut quiet.operations };
            if event.is_pending() && !*is_quiet {
                event = if is_input { self.poll_input(context)? } else { self.poll_operations(context) };
                *is_quiet = event.is_pending();
            }
        }
        if event.is_pending() && self.unflushed > 0 {
            // Whether it is done shows in `unflushed` and `stalled_at`.
            let _ = self.poll_flush(context)?;
        }
        event.map(Ok)
    }

    fn poll_writable(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let ready = self.socket.poll_ready_unpin(context).map_err(end_of)?;
        if ready.is_pending() {
            self.stalled_at.get_or_insert_with(Instant::now);
        }
        ready.map(Ok)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<Result<(), End>> {
        let flushed = self.socket.poll_flush_unpin(context).map_err(end_of)?;
        if flushed.is_pending() {
            self.stalled_at.get_or_insert_with(Instant::now);
        } else {
            self.unflushed = 0;
            if self.stalled_at.take().is_some() {
                // It was not read from meanwhile, and has shown that it is there.
                self.heard_at = Instant::now();
            }
        }
        flushed.map(Ok)
    }

    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Result<Event, End>> {
        self.socket.poll_next_unpin(context).map(|message| match message {
            Some(Ok(message)) => Ok(Event::Message(message)),
            Some(Err(error)) => Err(end_of(error)),
            None => Err(End::Gone("the connection ended")),
        })
    }

    fn poll_operations(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let count = self.operations.len();
        for step in 0..count {
            let index = (self.turn + step) % count;
            let Operation { id, answers } = &mut self.operations[index];
            let polled = std::panic::catch_unwind(AssertUnwindSafe(|| answers.poll_next(context, id)));
            let answer = match polled {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(answer)) => Ok(answer),
                Err(panic) => Err(panic),
            };
            self.turn = index + 1;
            return Poll::Ready(Event::Operation(index, answer));
        }
        Poll::Pending
    }

    fn next_deadline(&self) -> Instant {
        let settings = &self.endpoint.settings;
        let (Phase::AwaitingInit { until } | Phase::Admitted { until, .. }) = &self.phase;
        let quiet_until = self.heard_at.max(self.pinged_at) + settings.ping_interval;
        let next = quiet_until.min(*until);
        self.stalled_at.map_or(next, |since| next.min(since + settings.write_timeout))
    }

    fn on_deadline(&mut self) -> Result<(), End> {
        let now = Instant::now();
        match &mut self.phase {
            Phase::AwaitingInit { until } if *until <= now => {
                return close(4408, "Connection initialisation timeout");
            }
            Phase::Admitted { caller, until } if *until <= now => {
                let remaining = G::remaining(caller);
                if remaining.is_zero() {
                    return Err(End::Expired);
                }
                *until = now + remaining.min(EXPIRY_CHECK_INTERVAL);
            }
            Phase::AwaitingInit { .. } | Phase::Admitted { .. } => {}
        }
        let Settings { ping_interval, write_timeout, .. } = self.endpoint.settings;
        if let Some(since) = self.stalled_at {
            if now >= since + write_timeout {
                return Err(End::Gone("it does not read"));
            }
            // Instead of a ping, which would only wait behind what is waiting.
            self.pinged_at = now;
        } else if now >= self.heard_at + 2 * ping_interval {
            return Err(End::Gone("it is silent"));
        } else if now >= self.heard_at.max(self.pinged_at) + ping_interval {
            self.pinged_at = now;
            self.send(Message::Ping(Bytes::new()))?;
        }
        Ok(())
    }

    fn on_message(&mut self, message: Message) -> Result<(), End> {
        self.heard_at = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return close(4400, "Invalid message: binary"),
            // Pings have been answered on the floor below.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(End::Closed),
        };
        let message =
            serde_json::from_str(&text).or_else(|error| close(4400, format!("Invalid message: {error}")));
        match message? {
            ClientMessage::ConnectionInit { payload } => self.on_init(payload),
            ClientMessage::Ping { payload: None } => self.send_text(r#"{"type":"pong"}"#.to_owned()),
            ClientMessage::Ping { payload: Some(payload) } => {
                self.send_text(serde_json::json!({ "type": "pong", "payload": payload }).to_string())
            }
            ClientMessage::Pong { .. } => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.on_subscribe(&id, payload),
            ClientMessage::Complete { id } => {
                let id = json_text(&id);
                // It may have ended already, on the way here.
                self.operations.retain(|operation| operation.id != id);
                Ok(())
            }
        }
    }

    fn on_init(&mut self, payload: Option<Payload>) -> Result<(), End> {
        if let Phase::Admitted { .. } = self.phase {
            return close(4429, "Too many initialisation requests");
        }
        let payload = payload.unwrap_or_default();
        let given = payload.iter().find(|(key, _)| key.eq_ignore_ascii_case("authorization"));
        let opened = match given {
            None => self.endpoint.gate.open(None),
            Some((_, serde_json::Value::String(token))) => self.endpoint.gate.open(Some(token)),
            Some(_) => Err(auth::Error::Invalid(auth::jwt::Reason::Header)),
        };
        let caller = opened.or_else(|error| close(4403, error.to_string()))?;
        let remaining = G::remaining(&caller);
        if remaining.is_zero() {
            return Err(End::Expired);
        }
        let until = Instant::now() + remaining.min(EXPIRY_CHECK_INTERVAL);
        self.phase = Phase::Admitted { caller, until };
        self.send_text(r#"{"type":"connection_ack"}"#.to_owned())
    }

    fn on_subscribe(&mut self, id: &str, parameters: Parameters) -> Result<(), End> {
        let Phase::Admitted { caller, .. } = &self.phase else { return close(4401, "Unauthorized") };
        if !(1..=ID_BYTES_MAX).contains(&id.len()) {
            return close(4400, format!("Invalid message: an id has 1 to {ID_BYTES_MAX} bytes"));
        }
        let json_id = json_text(id);
        if self.operations.iter().any(|operation| operation.id == json_id) {
            return close(4409, format!("Subscriber for {id} already exists"));
        }
        let operations_max = self.endpoint.settings.operations_per_socket_max;
        let prepared = if self.operations.len() < operations_max {
            self.endpoint.prepare(parameters, caller.clone())
        } else {
            let message = format!("This connection has {operations_max} operations already");
            Err(Refusal::new(Code::LimitExceeded, message))
        };
        match prepared {
            Ok(operation) => {
                let answers = self.endpoint.follow(operation, self.id.clone());
                if self.operations.is_empty() {
                    // The most that almost all sockets have.
                    self.operations.reserve_exact(1);
                }
                self.operations.push(Operation { id: json_id, answers });
                Ok(())
            }
            Err(refusal) => self.send(error_message(&json_id, &refusal.into_errors())),
        }
    }

    fn on_answer(&mut self, index: usize, answer: Result<Followed, Panic>) -> Result<(), End> {
        let is_shareable = matches!(self.operations[index].answers, Answers::Shareable(_));
        let answer = match answer {
            // What can be executed for many knows nothing of this socket's token.
            Ok(Followed::Shared(_) | Followed::Own(Some(Answer::Executed(_))))
                if is_shareable && self.is_expired() =>
            {
                return Err(End::Expired);
            }
            Ok(Followed::Shared(frame)) => return self.send(Message::Text(frame)),
            Ok(Followed::Own(answer)) => answer,
            Err(panic) => Some(Answer::of_panic(&*panic, &self.id)),
        };
        match answer {
            Some(Answer::Executed(result)) => {
                let text = next_message(&self.operations[index].id, &result);
                self.send(Message::Text(text))
            }
            Some(Answer::Refused { errors, .. }) => {
                let Operation { id, .. } = self.operations.swap_remove(index);
                self.send(error_message(&id, &errors))
            }
            None => {
                let Operation { id, .. } = self.operations.swap_remove(index);
                self.send_text(format!(r#"{{"id":{id},"type":"complete"}}"#))
            }
        }
    }

    fn is_expired(&self) -> bool {
        match &self.phase {
            Phase::Admitted { caller, .. } => G::remaining(caller).is_zero(),
            Phase::AwaitingInit { .. } => false,
        }
    }

    fn send_text(&mut self, text: String) -> Result<(), End> {
        self.send(Message::Text(text.into()))
    }

    /// Hands a message to the socket, which `poll_event` flushes.
    fn send(&mut self, message: Message) -> Result<(), End> {
        self.unflushed += 1;
        self.socket.start_send_unpin(message).map_err(end_of)
    }
}

/// A result in the envelope of its operation.
pub(super) fn next_message(json_id: &str, result: &str) -> Utf8Bytes {
    format!(r#"{{"id":{json_id},"type":"next","payload":{result}}}"#).into()
}

fn error_message(json_id: &str, errors: &Utf8Bytes) -> Message {
    Message::Text(format!(r#"{{"id":{json_id},"type":"error","payload":{errors}}}"#).into())
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always JSON")
}

async fn say_goodbye(socket: &mut WebSocket, farewell: Vec<Message>, closure: Option<Closure>) {
    for message in farewell {
        if socket.feed(message).await.is_err() {
            return;
        }
    }
    let mut readable = true;
    if let Some(mut closure) = closure {
        closure.reason.truncate(closure.reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX));
        let frame = CloseFrame { code: closure.code, reason: closure.reason.into() };
        if socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        readable = closure.readable;
    }
    if readable {
        while let Some(Ok(_)) = socket.next().await {}
    } else {
        sleep(CLOSE_LINGER).await;
    }
}

/// What a failure of the socket means.
fn end_of(error: axum::Error) -> End {
    use tungstenite::error::{Error, ProtocolError};

    let unreadable =
        |code, reason: &str| End::Close(Closure { code, reason: reason.to_owned(), readable: false });
    match error.into_inner().downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => unreadable(1009, "Message too large"),
        Some(Error::Utf8(_)) => unreadable(1007, "Not UTF-8"),
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone("it went away"),
        Some(Error::Protocol(_)) => unreadable(1002, "Protocol error"),
        _ => End::Gone("the connection broke"),
    }
}
