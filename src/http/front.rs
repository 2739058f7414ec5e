//! What happens to every request: it gets an id and a span, and a panic gets an answer.
//!
//! It is one thin layer, because a stack of them costs as much as a small query. For the same reason the request that
//! there are most of, a POST to `/graphql` that comes from no page of another origin, goes straight to its handler;
//! everything else goes by the routes.

use std::{convert::Infallible, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use async_graphql::Executor;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, header},
    response::Response,
};
use futures_util::FutureExt;
use hyper::{body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use tracing::Instrument;

use super::{Gate, REQUEST_ID, RequestId, graphql, operation::Endpoint};

/// The service behind the sockets. Cheap to clone.
pub struct Front<E, G: Gate> {
    endpoint: Arc<Endpoint<E, G>>,
    routes: TowerToHyperService<Router>,
}

impl<E: Executor, G: Gate> Front<E, G> {
    pub(super) fn new(endpoint: Arc<Endpoint<E, G>>, routes: Router) -> Front<E, G> {
        Front { endpoint, routes: TowerToHyperService::new(routes) }
    }

    async fn answer(self, mut request: Request) -> Response {
        let id = RequestId::of(request.headers());
        request.extensions_mut().insert(id.clone());
        // The path without the query string, which may hold a document and its variables. `operation` records
        // what the GraphQL request turned out to be.
        let span = tracing::info_span!(
            "request",
            id = %id,
            method = %request.method(),
            path = request.uri().path(),
            kind = tracing::field::Empty,
            operation = tracing::field::Empty,
        );
        let answering = async move {
            if is_plain(&request) {
                graphql::handle(self.endpoint, request).await
            } else {
                self.routes.call(request).await.unwrap_or_else(|never| match never {})
            }
        };
        let answered = AssertUnwindSafe(answering).catch_unwind().instrument(span).await;

        let mut response = answered.unwrap_or_else(|panic| graphql::panicked(&*panic, &id));
        let value =
            HeaderValue::from_str(id.as_str()).expect("a request id is ASCII without control characters");
        response.headers_mut().insert(REQUEST_ID, value);
        response
    }
}

/// A POST to `/graphql` for which no rules of browsers matter.
fn is_plain(request: &Request) -> bool {
    request.method() == Method::POST
        && request.uri().path() == "/graphql"
        && !request.headers().contains_key(header::ORIGIN)
}

impl<E: Executor, G: Gate> Service<Request<Incoming>> for Front<E, G> {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request.map(Body::new)).await) })
    }
}

impl<E, G: Gate> Clone for Front<E, G> {
    fn clone(&self) -> Front<E, G> {
        Front { endpoint: Arc::clone(&self.endpoint), routes: self.routes.clone() }
    }
}
