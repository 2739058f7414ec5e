//! A server with a toy schema, and clients for it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_graphql::{
    Context, Enum, ErrorExtensions, InputObject, Object, Schema, SimpleObject, Subscription,
};
use futures_util::{
    SinkExt, Stream, StreamExt,
    stream::{self, BoxStream},
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use switchyard::{
    auth::{self, jwt::Reason},
    graphql::{addressees::Addressees, progress::Progress},
    http::{self, Settings},
};
use tokio::{net::TcpListener, net::TcpStream, sync::watch, task::JoinHandle};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::Request},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}

/// Waits until something holds.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    within(what, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

// ── The gate ─────────────────────────────────────────────────────────────────────────────────────────────

/// Lets in `Bearer good`, `Bearer for <n>`, which expires after that many milliseconds, `Bearer audience <n>`, and
/// `Bearer alone`, who shares nothing. `Bearer letters <c>` is an addressee in audience 100 (`Bearer letters <c> <n>`
/// expires). The others are of audience 0.
#[derive(Clone, Default)]
pub struct Gate {
    pub unready: Arc<AtomicBool>,
    /// Operations with `held` or `never` that are alive.
    pub held: Arc<AtomicI32>,
    pub feed: Arc<Feed>,
}

/// A log of which only the length matters.
#[derive(Default)]
pub struct Feed {
    pub length: watch::Sender<u64>,
    /// Executions of `feed` that are alive, and how many there were.
    pub alive: Arc<AtomicI32>,
    pub begun: AtomicUsize,
    /// Items that were resolved.
    pub resolved: AtomicUsize,
}

impl Feed {
    pub fn append(&self, n: u64) {
        self.length.send_modify(|length| *length += n);
    }
}

#[derive(Clone)]
pub struct Caller {
    expires_at: Instant,
    minimum_sequence: u64,
    audience: Option<u8>,
    addressee: Option<char>,
    held: Arc<AtomicI32>,
    feed: Arc<Feed>,
}

impl http::Gate for Gate {
    type Caller = Caller;
    type Audience = u8;
    type Addressee = char;

    fn open(&self, authorization: Option<&str>) -> Result<Caller, auth::Error> {
        let token = authorization.ok_or(auth::Error::Missing)?;
        let token = token.strip_prefix("Bearer ").ok_or(auth::Error::Invalid(Reason::Header))?;
        let addressee = token.strip_prefix("letters ").and_then(|to| to.chars().next());
        let audience = match token {
            "alone" => None,
            _ if addressee.is_some() => Some(100),
            token => token.strip_prefix("audience ").map_or(Some(0), |audience| audience.parse().ok()),
        };
        let good_for = match token {
            "good" | "alone" | "audience 1" | "audience 2" => Duration::from_secs(3600),
            token if token.starts_with("letters ") && token.len() == "letters a".len() => {
                Duration::from_secs(3600)
            }
            "expired" => return Err(auth::Error::Expired),
            "panic" => panic!("the gate fell down"),
            token => {
                let milliseconds = token.rsplit_once(' ').and_then(|(_, token)| token.parse().ok());
                Duration::from_millis(milliseconds.ok_or(auth::Error::Invalid(Reason::Header))?)
            }
        };
        let (held, feed) = (Arc::clone(&self.held), Arc::clone(&self.feed));
        Ok(Caller {
            expires_at: Instant::now() + good_for,
            minimum_sequence: 0,
            audience,
            addressee,
            held,
            feed,
        })
    }

    async fn ready(&self) -> Result<(), String> {
        if self.unready.load(Ordering::Relaxed) { Err("the database is away".to_owned()) } else { Ok(()) }
    }

    fn remaining(caller: &Caller) -> Duration {
        caller.expires_at.saturating_duration_since(Instant::now())
    }

    fn with_minimum_sequence(caller: Caller, sequence: u64) -> Caller {
        Caller { minimum_sequence: sequence, ..caller }
    }

    fn audience(caller: &Caller) -> Option<u8> {
        caller.audience
    }

    fn addressee(caller: &Caller) -> Option<char> {
        caller.addressee
    }

    fn representative(caller: &Caller) -> Caller {
        Caller {
            expires_at: Instant::now() + Duration::from_secs(3600),
            minimum_sequence: 0,
            ..caller.clone()
        }
    }
}

// ── The schema ───────────────────────────────────────────────────────────────────────────────────────────

pub struct Query;
pub struct Mutation;
pub struct Subscription_;

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Red,
    Green,
}

#[derive(InputObject)]
struct Paint {
    colour: Colour,
    layers: Option<i32>,
}

#[Object]
impl Query {
    async fn hello(&self) -> &str {
        "hello"
    }

    async fn add(&self, a: i32, b: Option<i32>) -> i32 {
        a.wrapping_add(b.unwrap_or(0))
    }

    async fn paint(&self, with: Vec<Paint>, colours: Option<Vec<Colour>>) -> i32 {
        let layers = with.iter().filter(|paint| paint.colour == Colour::Red).filter_map(|paint| paint.layers);
        layers.sum::<i32>() + colours.map_or(0, |colours| colours.len() as i32)
    }

    async fn sequence(&self, ctx: &Context<'_>) -> u64 {
        ctx.data_unchecked::<Caller>().minimum_sequence
    }

    async fn node(&self) -> Node {
        Node
    }

    /// Not found, says the resolver. (An error in a `Result<Option<_>>` would null the parent.)
    async fn refuses(&self) -> Option<async_graphql::Result<i32>> {
        Some(Err(async_graphql::Error::new("There is no such thing")
            .extend_with(|_, extensions| extensions.set("code", "NOT_FOUND"))))
    }

    /// A foreign error that found its way up.
    async fn leaks(&self) -> async_graphql::Result<Option<i32>> {
        Err(std::io::Error::other("password=secret in table users"))?
    }

    /// An error without a code and without a source.
    async fn careless(&self) -> async_graphql::Result<Option<i32>> {
        Err(async_graphql::Error::new("password=secret"))
    }

    async fn internal(&self) -> async_graphql::Result<Option<i32>> {
        Err(async_graphql::Error::new("password=secret").extend_with(|_, extensions| {
            extensions.set("code", "INTERNAL");
            extensions.set("table", "users");
        }))
    }

    async fn panics(&self) -> i32 {
        explode()
    }

    async fn never(&self, ctx: &Context<'_>) -> i32 {
        let _held = Held::by(ctx);
        std::future::pending().await
    }

    async fn text(&self, bytes: usize) -> String {
        "x".repeat(bytes)
    }
}

fn explode() -> i32 {
    panic!("password=secret")
}

struct Node;

#[Object]
impl Node {
    async fn id(&self) -> i32 {
        1
    }
    async fn node(&self) -> Node {
        Node
    }
    async fn fails(&self) -> async_graphql::Result<i32> {
        Err(async_graphql::Error::new("gone")
            .extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")))
    }
}

#[Object]
impl Mutation {
    async fn set(&self, value: i32) -> i32 {
        value
    }
    async fn length(&self, text: String) -> usize {
        text.len()
    }
}

#[derive(SimpleObject)]
struct Text {
    text: String,
}

/// One of a feed.
struct Item {
    position: u64,
    audience: Option<u8>,
    feed: Arc<Feed>,
    text: String,
}

#[Object]
impl Item {
    async fn position(&self) -> u64 {
        self.feed.resolved.fetch_add(1, Ordering::Relaxed);
        self.position
    }
    async fn audience(&self) -> Option<u8> {
        self.audience
    }
    async fn text(&self) -> &str {
        &self.text
    }
}

/// What is for one addressee.
struct Letter {
    position: u64,
    /// With whose eyes it is read.
    reader: Caller,
    text: String,
}

#[Object]
impl Letter {
    async fn position(&self) -> u64 {
        self.reader.feed.resolved.fetch_add(1, Ordering::Relaxed);
        self.position
    }
    async fn reader(&self) -> String {
        self.reader.addressee.map(String::from).unwrap_or_default()
    }
    /// Where a Caller is in the data, who it is.
    async fn caller(&self, ctx: &Context<'_>) -> Option<String> {
        ctx.data_opt::<Caller>().and_then(|caller| caller.addressee).map(String::from)
    }
    async fn text(&self) -> &str {
        &self.text
    }
}

#[derive(InputObject)]
struct Shape {
    /// Every how manieth position has an item.
    every: u64,
    bytes: Option<usize>,
    fails_at: Option<u64>,
    panics_at: Option<u64>,
}

struct Held(Arc<AtomicI32>);

impl Held {
    fn by(ctx: &Context<'_>) -> Held {
        let held = Arc::clone(&ctx.data_unchecked::<Caller>().held);
        held.fetch_add(1, Ordering::Relaxed);
        Held(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[Subscription]
impl Subscription_ {
    async fn count(&self, to: i32) -> impl Stream<Item = i32> {
        stream::iter(1..=to)
    }

    /// One value, and then never an end. Counted, so that tests can see when it is dropped.
    async fn held(&self, ctx: &Context<'_>) -> impl Stream<Item = i32> {
        let held = Held::by(ctx);
        stream::once(async { 1 }).chain(stream::pending()).map(move |value| {
            let _ = &held;
            value
        })
    }

    async fn flood(&self, bytes: usize) -> impl Stream<Item = Text> {
        stream::repeat_with(move || Text { text: "x".repeat(bytes) })
    }

    async fn nodes(&self) -> impl Stream<Item = Node> {
        stream::iter([Node, Node])
    }

    async fn refused(&self) -> async_graphql::Result<BoxStream<'static, i32>> {
        Err(async_graphql::Error::new("There is no such thing")
            .extend_with(|_, extensions| extensions.set("code", "NOT_FOUND")))
    }

    async fn expires(&self) -> impl Stream<Item = async_graphql::Result<i32>> {
        stream::iter([
            Ok(1),
            Err(async_graphql::Error::new("too late")
                .extend_with(|_, extensions| extensions.set("code", "EVENTS_EXPIRED"))),
            Ok(3),
        ])
    }

    /// Positions of the feed after `after`, or from now.
    async fn feed(
        &self,
        ctx: &Context<'_>,
        after: Option<u64>,
        shape: Option<Shape>,
    ) -> async_graphql::Result<impl Stream<Item = async_graphql::Result<Item>>> {
        let coded = |code: &'static str| {
            async_graphql::Error::new(code).extend_with(|_, extensions| extensions.set("code", code))
        };
        let shape = shape.unwrap_or(Shape { every: 1, bytes: None, fails_at: None, panics_at: None });
        let Caller { feed, audience, .. } = ctx.data_unchecked::<Caller>().clone();
        let progress = ctx.data_opt::<Arc<Progress>>().cloned().unwrap_or_default();
        feed.begun.fetch_add(1, Ordering::Relaxed);
        feed.alive.fetch_add(1, Ordering::Relaxed);
        let alive = Held(Arc::clone(&feed.alive));
        let mut length = feed.length.subscribe();
        let edge = *length.borrow_and_update();
        let begin = progress.prescribed().or(after).unwrap_or(edge);
        if begin > edge {
            return Err(coded("EVENTS_AHEAD"));
        }
        progress.begin(begin, edge).await;
        Ok(stream::unfold((begin, length, alive), move |(mut position, mut length, alive)| {
            let (progress, feed) = (Arc::clone(&progress), Arc::clone(&feed));
            let Shape { every, bytes, fails_at, panics_at } = shape;
            async move {
                loop {
                    let edge = *length.wait_for(|length| *length > position).await.ok()?;
                    position += 1;
                    if position % every != 0 {
                        progress.skip(position, edge);
                        continue;
                    }
                    if panics_at == Some(position) {
                        explode();
                    }
                    if fails_at == Some(position) {
                        return Some((Err(coded("EVENTS_EXPIRED")), (position, length, alive)));
                    }
                    progress.produce(position, edge);
                    let text = "x".repeat(bytes.unwrap_or(0));
                    return Some((Ok(Item { position, audience, feed, text }), (position, length, alive)));
                }
            }
        }))
    }

    /// Letters to one of those who are named in `names`: position `n` is for the `n`th of them, around and around.
    /// The first one, without `after`, says where it begins.
    async fn letters(
        &self,
        ctx: &Context<'_>,
        to: String,
        after: Option<u64>,
        names: String,
        bytes: Option<usize>,
        panics_at: Option<u64>,
    ) -> async_graphql::Result<BoxStream<'static, Letter>> {
        let to = to.chars().next().expect("a name");
        let names: Vec<char> = names.chars().collect();
        let progress = ctx.data_opt::<Arc<Progress>>().cloned().unwrap_or_default();
        let addressees = ctx.data_opt::<Arc<Addressees<char, Caller>>>().cloned();
        let caller = match &addressees {
            Some(addressees) => addressees.host().clone(),
            None => ctx.data_unchecked::<Caller>().clone(),
        };
        let feed = Arc::clone(&caller.feed);
        feed.begun.fetch_add(1, Ordering::Relaxed);
        feed.alive.fetch_add(1, Ordering::Relaxed);
        let alive = Held(Arc::clone(&feed.alive));
        let mut length = feed.length.subscribe();
        let edge = *length.borrow_and_update();
        let prescribed = progress.prescribed().or(after);
        let first = match prescribed {
            None => {
                progress.begin_with_message(edge);
                Some(Letter { position: edge, reader: caller.clone(), text: "hello".to_owned() })
            }
            Some(begin) => {
                progress.begin(begin, edge).await;
                None
            }
        };
        let begin = prescribed.unwrap_or(edge);
        let letters = stream::unfold((begin, length, alive), move |(mut position, mut length, alive)| {
            let (progress, addressees, caller) = (Arc::clone(&progress), addressees.clone(), caller.clone());
            let names = names.clone();
            async move {
                loop {
                    let edge = *length.wait_for(|length| *length > position).await.ok()?;
                    position += 1;
                    let name = names[position as usize % names.len()];
                    let reader = match &addressees {
                        Some(addressees) => addressees.claim(name, position),
                        None => (name == to).then(|| caller.clone()),
                    };
                    let Some(reader) = reader else {
                        progress.skip(position, edge);
                        continue;
                    };
                    if panics_at == Some(position) {
                        explode();
                    }
                    progress.produce(position, edge);
                    let text = "x".repeat(bytes.unwrap_or(0));
                    return Some((Letter { position, reader, text }, (position, length, alive)));
                }
            }
        });
        Ok(stream::iter(first).chain(letters).boxed())
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::iter(1..=2).map(|value| if value == 2 { explode() } else { value })
    }
}

// ── The server ───────────────────────────────────────────────────────────────────────────────────────────

pub struct Server {
    pub address: SocketAddr,
    pub gate: Gate,
    pub shutdown: CancellationToken,
    pub connections: TaskTracker,
    pub serving: JoinHandle<()>,
    pub client: reqwest::Client,
}

impl Server {
    pub async fn start() -> Server {
        Server::start_with(Settings::default()).await
    }

    pub async fn start_with(settings: Settings) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let gate = Gate::default();
        let shutdown = CancellationToken::new();
        let connections = TaskTracker::new();
        let schema = |mode| Schema::build(Query, Mutation, Subscription_).validation_mode(mode).finish();
        let router =
            http::router(schema, gate.clone(), settings.clone(), shutdown.clone(), connections.clone());
        let serving =
            tokio::spawn(http::serve(listener, router, settings, shutdown.clone(), connections.clone()));
        Server { address, gate, shutdown, connections, serving, client: reqwest::Client::new() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request that is right in every respect, to be spoilt by the test.
    pub fn post(&self, body: &Value) -> reqwest::RequestBuilder {
        self.client
            .post(self.url("/graphql"))
            .header("authorization", "Bearer good")
            .header("accept", "application/graphql-response+json")
            .json(body)
    }

    pub async fn query(&self, query: &str) -> (u16, Value) {
        answer(self.post(&json!({ "query": query }))).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The request with another value for this header.
pub fn with(request: reqwest::RequestBuilder, name: &'static str, value: &[u8]) -> reqwest::RequestBuilder {
    let value = HeaderValue::from_bytes(value).expect("a header's value");
    request.headers(HeaderMap::from_iter([(HeaderName::from_static(name), value)]))
}

pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = within("an answer", request.send()).await.expect("the server answers");
    let status = response.status().as_u16();
    let body = within("a body", response.text()).await.expect("the answer is complete");
    (status, serde_json::from_str(&body).unwrap_or_else(|_| panic!("not JSON: {body}")))
}

/// The code of the only error.
pub fn code(body: &Value) -> &str {
    match body["errors"].as_array().map(Vec::as_slice) {
        Some([error]) => error["extensions"]["code"].as_str().expect("every error has a code"),
        _ => panic!("not one error: {body}"),
    }
}

// ── The WebSocket client ─────────────────────────────────────────────────────────────────────────────────

pub struct Socket {
    pub stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    pub fn request(server: &Server) -> Request<()> {
        let mut request = format!("ws://{}/graphql/ws", server.address).into_client_request().expect("a URL");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", "graphql-transport-ws".parse().expect("ASCII"));
        request
    }

    /// Connected, and nothing said yet.
    pub async fn open(server: &Server) -> Socket {
        let connecting = tokio_tungstenite::connect_async(Socket::request(server));
        let (stream, _) = within("a handshake", connecting).await.expect("the handshake succeeds");
        Socket { stream }
    }

    /// Connected and admitted.
    pub async fn admitted(server: &Server) -> Socket {
        Socket::admitted_with(server, "Bearer good").await
    }

    pub async fn admitted_with(server: &Server, token: &str) -> Socket {
        let mut socket = Socket::open(server).await;
        socket.send(json!({ "type": "connection_init", "payload": { "authorization": token } })).await;
        assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    pub async fn send_raw(&mut self, message: Message) {
        within("to send", self.stream.send(message)).await.expect("the connection is open");
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    pub async fn receive(&mut self) -> Value {
        loop {
            match within("a message", self.stream.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return serde_json::from_str(&text).expect("messages are JSON");
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("not a text message: {other:?}"),
            }
        }
    }

    /// The close code and reason, after whatever else comes before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match within("the end", self.stream.next()).await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.as_str().to_owned());
                }
                Some(Ok(_)) => {}
                other => panic!("not closed properly: {other:?}"),
            }
        }
    }
}
