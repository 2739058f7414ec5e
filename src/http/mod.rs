//! HTTP and WebSockets: how a request comes in, and what leaves the server.
//!
//! ```text
//!            serve (sockets, time limits, drain)
//!              │
//!            front (request id, span, last line against panics)
//!    ┌─────────┼──────────────┐
//!  health   graphql ─────▶ websocket      the two transports
//!              └──────┬───────┘
//!                 operation ─▶ documents  one operation: parsed, limited, executed
//!                     │     └▶ variables
//!                     │
//!                   shared                one execution for all who follow the same, or the like
//!                     │
//!                   answer                what the client may read of it
//! ```
//!
//! Promises: no request without a [`Gate`]'s leave reaches the schema; whatever the other side sends, sends
//! slowly or does not read is bounded in bytes, in time and in number; no answer shows internals.
//!
//! What it does not do: it knows neither tokens nor Workspaces, terminates no TLS (a proxy does), and speaks
//! HTTP/1.1 only.
//!
//! Read next: `operation`, then either transport.

mod answer;
mod documents;
mod front;
mod graphql;
mod health;
mod operation;
mod serve;
mod shared;
mod variables;
mod websocket;

use std::{fmt, hash::Hash, sync::Arc, time::Duration};

use ::routing::ids::WorkerId;
use async_graphql::{Executor, ObjectType, Schema, SubscriptionType, ValidationMode};
use axum::{
    Router,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts},
    routing::{any, get},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::{AllowOrigin, CorsLayer};

pub use self::front::Front;
pub use self::serve::serve;
use self::{documents::Documents, operation::Endpoint, shared::Groups, variables::InputTypes};
use crate::{auth, caller};

/// Who lets requests in.
pub trait Gate: Clone + Send + Sync + 'static {
    /// What an admitted request may do. It is all that resolvers get.
    type Caller: Clone + Send + Sync + 'static;

    /// What those have in common who are shown the same, or the like.
    type Audience: Clone + Eq + Hash + Send + Sync + 'static;

    /// One of an audience in which each is shown what is theirs alone. As text it is what clients call it.
    type Addressee: Copy + Eq + Hash + fmt::Display + Send + Sync + 'static;

    /// From the value of an `Authorization` header to a Caller, or why not.
    fn open(&self, authorization: Option<&str>) -> Result<Self::Caller, auth::Error>;

    /// Whether requests can be served at present, or why not, for the operator.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;

    /// How long the token of this Caller is still good: zero once it has expired.
    fn remaining(caller: &Self::Caller) -> Duration;

    /// The same Caller, who sees no state older than the event at `sequence`.
    fn with_minimum_sequence(caller: Self::Caller, sequence: u64) -> Self::Caller;

    /// Whom this Caller may share a subscription with: all of the same audience, if there is one. Whatever can
    /// change an answer is in it, and in the addressee.
    fn audience(caller: &Self::Caller) -> Option<Self::Audience>;

    /// Who of the audience this Caller is, if it is one in which each is shown what is theirs alone.
    fn addressee(caller: &Self::Caller) -> Option<Self::Addressee>;

    /// Somebody who is nothing but a member of the Caller's audience (and that addressee), and whose time does not
    /// end. What is shared is executed for them.
    fn representative(caller: &Self::Caller) -> Self::Caller;
}

impl Gate for caller::Door {
    type Caller = caller::Caller;
    type Audience = caller::Audience;
    type Addressee = WorkerId;

    fn open(&self, authorization: Option<&str>) -> Result<caller::Caller, auth::Error> {
        caller::Door::open(self, authorization)
    }

    async fn ready(&self) -> Result<(), String> {
        caller::Door::ready(self).await
    }

    fn remaining(caller: &caller::Caller) -> Duration {
        let milliseconds = caller.expires_at().milliseconds_since(caller.now());
        Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0))
    }

    fn with_minimum_sequence(caller: caller::Caller, sequence: u64) -> caller::Caller {
        caller.with_minimum_sequence(sequence)
    }

    fn audience(caller: &caller::Caller) -> Option<caller::Audience> {
        Some(caller.audience())
    }

    fn addressee(caller: &caller::Caller) -> Option<WorkerId> {
        caller.grant().worker()
    }

    fn representative(caller: &caller::Caller) -> caller::Caller {
        caller.representative()
    }
}

/// What can be set about this floor. The defaults suit one server behind a proxy.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Origins of pages that may call this server besides its own, as browsers write them: scheme, host and
    /// port, exactly. They hold for HTTP (CORS) and for WebSockets, which CORS does not cover.
    pub origins: Vec<HeaderValue>,
    /// Of an HTTP request. 500 new Tasks with 4 KiB of attributes each fit.
    pub body_bytes_max: usize,
    /// Of one WebSocket message. Bulk work belongs on HTTP: a socket keeps a buffer as large as its largest
    /// message for as long as it is open.
    pub message_bytes_max: usize,
    /// Live operations of one WebSocket.
    pub operations_per_socket_max: usize,
    /// HTTP connections and WebSockets together. More are closed at once.
    pub connections_max: usize,
    /// For parsed documents.
    pub documents_bytes_max: u64,
    /// From the first byte of a request's head to its last, and how long an unused connection is kept.
    pub head_timeout: Duration,
    /// From the head of a request to the end of its body.
    pub body_timeout: Duration,
    /// For the execution of a query or mutation, on either transport.
    pub request_timeout: Duration,
    /// From the opening of a WebSocket to its `connection_init`.
    pub init_timeout: Duration,
    /// A WebSocket that has been silent this long is sent a ping; silent twice as long, it is dropped.
    pub ping_interval: Duration,
    /// How long the other side may leave what was sent to it unread.
    pub write_timeout: Duration,
    /// From the start of a shutdown to the end of the last connection.
    pub drain_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            origins: Vec::new(),
            body_bytes_max: 4 * 1024 * 1024,
            message_bytes_max: 256 * 1024,
            operations_per_socket_max: 20,
            connections_max: 50_000,
            documents_bytes_max: 32 * 1024 * 1024,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            init_timeout: Duration::from_secs(5),
            ping_interval: Duration::from_secs(25),
            write_timeout: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

/// The routes of the server. `schema` makes it for either mode of validation. `shutdown` ends the WebSockets and readiness; `connections` tracks the WebSockets,
/// which outlive the HTTP request that they come from.
pub fn router<Q, M, S, G>(
    schema: impl Fn(ValidationMode) -> Schema<Q, M, S>,
    gate: G,
    settings: Settings,
    shutdown: CancellationToken,
    connections: TaskTracker,
) -> Front<Schema<Q, M, S>, G>
where
    Q: ObjectType + 'static,
    M: ObjectType + 'static,
    S: SubscriptionType + 'static,
    G: Gate,
{
    let (trusting, schema) = (schema(ValidationMode::Fast), schema(ValidationMode::Strict));
    let sdl = schema.sdl();
    let documents = Documents::new(&sdl, settings.documents_bytes_max);
    let input_types = InputTypes::of(&sdl);
    let cors = cors(&settings.origins);
    let endpoint = Endpoint {
        schema,
        trusting,
        gate,
        documents,
        input_types,
        groups: Groups::default(),
        settings,
        shutdown,
        connections,
    };
    let endpoint = Arc::new(endpoint);
    Front::new(Arc::clone(&endpoint), routes(endpoint, cors))
}

fn routes<E: Executor, G: Gate>(endpoint: Arc<Endpoint<E, G>>, cors: CorsLayer) -> Router {
    let (http, socket, ready) = (Arc::clone(&endpoint), Arc::clone(&endpoint), endpoint);
    Router::new()
        .route("/graphql", any(move |request: Request| graphql::handle(http, request)))
        .layer(cors)
        .route("/graphql/ws", any(move |request: Request| websocket::upgrade(socket, request)))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(move || health::ready(ready)))
}

/// With an empty list it adds no permission at all, so browsers keep pages of other origins away.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let origins = origins.to_vec();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _: &Parts| origins.contains(origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, REQUEST_ID])
        .expose_headers([REQUEST_ID])
        .max_age(Duration::from_secs(3600))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is called, in the log, in its answer's header and in internal errors.
#[derive(Clone, Debug)]
struct RequestId(Arc<str>);

impl RequestId {
    /// Enough for a UUID or a trace id with a prefix.
    const BYTES_MAX: usize = 64;

    /// The one that a proxy or client gave, if it can be logged as it is, else a new one.
    fn of(headers: &HeaderMap) -> RequestId {
        let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
        let loggable = |id: &&str| {
            (1..=Self::BYTES_MAX).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        match given.filter(loggable) {
            Some(id) => RequestId(id.into()),
            None => RequestId(uuid::Uuid::now_v7().simple().to_string().into()),
        }
    }

    /// The one that `front` gave to this request.
    fn given_to(request: &Request) -> RequestId {
        request.extensions().get::<RequestId>().expect("`front` names every request").clone()
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
