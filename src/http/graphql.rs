//! `/graphql`: GraphQL over HTTP.
//!
//! Promises: the GraphQL over HTTP specification, all of it that the `graphql-http` package audits. POST with
//! `application/json` only, which a page of another origin cannot send without asking first, so that cookies
//! or no cookies there is no cross-site request forgery. GET runs queries only. No batches.
//!
//! | what is wrong | `application/graphql-response+json` | `application/json` |
//! | --- | --- | --- |
//! | the HTTP request: method, types, size, JSON | 405, 406, 408, 413, 415, 400 | the same |
//! | the token | 401 | 401 |
//! | the document or its variables | 400 | 200 |
//! | no answer in time, a panic | 503, 500 | 503, 500 |
//! | a field | 200, with `data` | 200, with `data` |
//!
//! A WebSocket may be opened here as well as at `/graphql/ws`.

use std::{any::Any, cmp::Ordering, sync::Arc};

use async_graphql::{Executor, parser::types::OperationType};
use axum::{
    body::{Body, Bytes},
    extract::{Query, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;

use super::{
    Gate, RequestId, Settings,
    answer::{Answer, Code, Refusal},
    operation::{Endpoint, Parameters},
    websocket,
};
use crate::auth;

/// Answers any request to `/graphql`.
pub(super) async fn handle<E: Executor, G: Gate>(
    endpoint: Arc<Endpoint<E, G>>,
    request: Request,
) -> Response {
    if websocket::is_upgrade(&request) {
        return websocket::upgrade(endpoint, request).await;
    }
    respond(endpoint, request).await.unwrap_or_else(Rejection::into_response)
}

async fn respond<E: Executor, G: Gate>(
    endpoint: Arc<Endpoint<E, G>>,
    request: Request,
) -> Result<Response, Rejection> {
    // Cheapest first, and nothing of the body before the token is known to be good.
    let id = RequestId::given_to(&request);
    let method = request.method().clone();
    if method != Method::GET && method != Method::POST {
        let refusal = Refusal::bad_input("Use POST, or GET for queries");
        return Err(Rejection::new(StatusCode::METHOD_NOT_ALLOWED, refusal).with(header::ALLOW, "GET, POST"));
    }
    let Some(media) = Media::accepted(request.headers()) else {
        let message = "Accept application/graphql-response+json or application/json, in UTF-8";
        return Err(Rejection::new(StatusCode::NOT_ACCEPTABLE, Refusal::bad_input(message)));
    };
    let answered = async {
        let caller = open(&endpoint.gate, request.headers()).map_err(Rejection::unauthenticated)?;
        let parameters = match method {
            Method::GET => from_query_string(request.uri())
                .map_err(|refusal| Rejection::new(StatusCode::BAD_REQUEST, refusal))?,
            _ => from_body(request, &endpoint.settings).await?,
        };
        let operation = match endpoint.prepare(parameters, caller) {
            Ok(operation) => operation,
            Err(refusal) => return Ok(refusal.into()),
        };
        match operation.kind {
            OperationType::Mutation if method == Method::GET => {
                let refusal = Refusal::bad_input("Use POST for mutations");
                Err(Rejection::new(StatusCode::METHOD_NOT_ALLOWED, refusal).with(header::ALLOW, "POST"))
            }
            OperationType::Subscription => {
                let message = "Subscriptions need a WebSocket: use /graphql/ws with graphql-transport-ws";
                Ok(Refusal::bad_input(message).into())
            }
            OperationType::Query | OperationType::Mutation => Ok(endpoint.run(operation, id).await),
        }
    };
    match answered.await {
        Ok(answer) => Ok(media.answer(answer)),
        Err(rejection) => Err(rejection.in_media(media)),
    }
}

/// What a client reads where anything on this floor or below panicked outside of an operation.
pub(super) fn panicked(panic: &(dyn Any + Send), id: &RequestId) -> Response {
    Media::Json.answer(Answer::of_panic(panic, id))
}

/// The token of an HTTP request, judged.
fn open<G: Gate>(gate: &G, headers: &HeaderMap) -> Result<G::Caller, auth::Error> {
    match headers.get(header::AUTHORIZATION) {
        None => gate.open(None),
        Some(value) => {
            gate.open(Some(value.to_str().map_err(|_| auth::Error::Invalid(auth::jwt::Reason::Header))?))
        }
    }
}

/// An answer in terms of HTTP: the request was not a GraphQL request, or not a permitted one.
#[derive(Debug)]
pub(super) struct Rejection {
    status: StatusCode,
    refusal: Refusal,
    media: Media,
    header: Option<(HeaderName, &'static str)>,
}

impl Rejection {
    pub fn new(status: StatusCode, refusal: Refusal) -> Rejection {
        Rejection { status, refusal, media: Media::Json, header: None }
    }

    #[must_use]
    pub fn with(self, name: HeaderName, value: &'static str) -> Rejection {
        Rejection { header: Some((name, value)), ..self }
    }

    fn in_media(self, media: Media) -> Rejection {
        Rejection { media, ..self }
    }

    fn unauthenticated(error: auth::Error) -> Rejection {
        let challenge = match error {
            auth::Error::Missing => "Bearer realm=\"switchyard\"",
            auth::Error::Expired | auth::Error::Invalid(_) => {
                "Bearer realm=\"switchyard\", error=\"invalid_token\""
            }
        };
        Rejection::new(StatusCode::UNAUTHORIZED, Refusal::new(Code::Unauthenticated, error.to_string()))
            .with(header::WWW_AUTHENTICATE, challenge)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = self.media.answer(self.refusal.into());
        *response.status_mut() = self.status;
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// The two media types of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Media {
    /// Says by its status whether there is `data`.
    GraphqlResponse,
    /// For clients from before that: every well-formed request is answered with 200.
    Json,
}

impl Media {
    /// The one that the client prefers, or none that it accepts.
    fn accepted(headers: &HeaderMap) -> Option<Media> {
        let mut ranges = headers.get_all(header::ACCEPT).iter().peekable();
        if ranges.peek().is_none() {
            return Some(Media::Json);
        }
        // For each type, what the most specific range that covers it says.
        let mut graphql_response = Preference::default();
        let mut json = Preference::default();
        for range in ranges.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            let Some((range, quality)) = media_range(range) else { continue };
            match range.as_str() {
                "application/graphql-response+json" => graphql_response.say(Preference::NAMED, quality),
                "application/json" => json.say(Preference::NAMED, quality),
                "application/*" | "*/*" => {
                    let specificity = u8::from(range == "application/*");
                    graphql_response.say(specificity, quality);
                    json.say(specificity, quality);
                }
                _ => {}
            }
        }
        if graphql_response.quality == 0 && json.quality == 0 {
            return None;
        }
        // The better liked, then the one that was named. Named both: the one that says more; neither: the older.
        Some(match graphql_response.cmp(&json) {
            Ordering::Greater => Media::GraphqlResponse,
            Ordering::Equal if json.specificity == Preference::NAMED => Media::GraphqlResponse,
            Ordering::Equal | Ordering::Less => Media::Json,
        })
    }

    fn answer(self, answer: Answer) -> Response {
        let (status, body) = match answer {
            Answer::Executed(result) => (StatusCode::OK, Bytes::from(result)),
            Answer::Refused { code, errors } => {
                let body = format!("{{\"errors\":{errors}}}").into();
                let status = match (self, code.status()) {
                    (Media::Json, StatusCode::BAD_REQUEST) => StatusCode::OK,
                    (_, status) => status,
                };
                (status, body)
            }
        };
        let content_type = match self {
            Media::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        };
        let headers = [
            (header::CONTENT_TYPE, content_type),
            // What one viewer may see is nothing for a shared cache.
            (header::CACHE_CONTROL, "no-store"),
            (header::VARY, "accept"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (status, headers, body).into_response()
    }
}

/// How much a client likes a type, in thousandths, and how directly it said so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Preference {
    quality: u16,
    specificity: u8,
}

impl Preference {
    const NAMED: u8 = 2;

    fn say(&mut self, specificity: u8, quality: u16) {
        if specificity >= self.specificity {
            *self = Preference { quality, specificity };
        }
    }
}

/// A media range in lower case and its quality in thousandths. `None` if it asks for another encoding than
/// UTF-8, or cannot be read.
fn media_range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';');
    let range = parts.next()?.trim().to_ascii_lowercase();
    let mut quality = 1_000;
    for parameter in parts {
        let (name, value) = parameter.split_once('=')?;
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("q") {
            let value = value.parse::<f32>().ok().filter(|value| (0.0..=1.0).contains(value))?;
            // In range, as was just checked.
            quality = (value * 1_000.0) as u16;
        } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
            return None;
        }
    }
    Some((range, quality))
}

/// Whether the body is `application/json`. Nothing else is taken for JSON: a page of another origin can send
/// `text/plain`, or no type at all, without the browser asking.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    matches!(media_range(content_type), Some((range, _)) if range == "application/json")
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

async fn from_body(request: Request, settings: &Settings) -> Result<Parameters, Rejection> {
    if !is_json(request.headers()) {
        let message = "Send the request as application/json, in UTF-8";
        return Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Refusal::bad_input(message)));
    }
    let reading = read(request.into_body(), settings.body_bytes_max);
    let body = match tokio::time::timeout(settings.body_timeout, reading).await {
        Ok(body) => body?,
        // What is left of the body would be taken for the next request.
        Err(_) => {
            let refusal = Refusal::bad_input("The request took too long to arrive");
            return Err(
                Rejection::new(StatusCode::REQUEST_TIMEOUT, refusal).with(header::CONNECTION, "close")
            );
        }
    };
    let malformed = |refusal| Err(Rejection::new(StatusCode::BAD_REQUEST, refusal));
    if body.trim_ascii_start().first() == Some(&b'[') {
        return malformed(Refusal::bad_input("Send one request at a time: batches are not supported"));
    }
    serde_json::from_slice(&body)
        .or_else(|error| malformed(Refusal::bad_input(format!("The request is malformed: {error}"))))
}

async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Rejection> {
    let mut chunks = body.into_data_stream();
    let mut first = Bytes::new();
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Rejection::new(StatusCode::BAD_REQUEST, Refusal::bad_input("The request was cut off"))
        })?;
        if first.len() + all.len() + chunk.len() > bytes_max {
            let message = format!("The request has more than {bytes_max} bytes");
            let refusal = Refusal::new(Code::LimitExceeded, message);
            return Err(
                Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, refusal).with(header::CONNECTION, "close")
            );
        }
        // Most requests are one chunk, and are not copied.
        if first.is_empty() && all.is_empty() {
            first = chunk;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&chunk);
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

fn from_query_string(uri: &Uri) -> Result<Parameters, Refusal> {
    let malformed = |name: &str, why: &dyn std::fmt::Display| {
        Refusal::bad_input(format!("The parameter `{name}` is malformed: {why}"))
    };
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Refusal::bad_input("The query string is malformed"))?;
    let mut query = None;
    let mut parameters = Parameters::default();
    for (name, value) in pairs {
        match name.as_str() {
            "query" => query = Some(value),
            "operationName" => parameters.operation_name = Some(value),
            "variables" => {
                parameters.variables =
                    serde_json::from_str(&value).map_err(|error| malformed(&name, &error))?;
            }
            "extensions" => {
                parameters.extensions =
                    serde_json::from_str(&value).map_err(|error| malformed(&name, &error))?;
            }
            _ => {}
        }
    }
    parameters.query = query.ok_or_else(|| Refusal::bad_input("The parameter `query` is missing"))?;
    Ok(parameters)
}
