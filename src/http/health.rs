//! `/health/live` and `/health/ready`: for whoever starts, stops and routes to this process.
//!
//! They stand before authentication and name no Workspace. *Live* means that the process can
//! answer at all and depends on nothing else, so that a database that is away does not get the process
//! killed. *Ready* means that new requests are welcome.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Gate, operation::Endpoint};

/// A store that takes longer than this to say that it is well is not.
const READY_WITHIN: Duration = Duration::from_secs(2);

pub(super) async fn live() -> Response {
    Json(json!({ "status": "live" })).into_response()
}

pub(super) async fn ready<E, G: Gate>(endpoint: Arc<Endpoint<E, G>>) -> Response {
    // Asked first, so that a load balancer turns away before the listener closes.
    if endpoint.shutdown.is_cancelled() {
        return not_ready("shutting down");
    }
    match tokio::time::timeout(READY_WITHIN, endpoint.gate.ready()).await {
        Ok(Ok(())) => Json(json!({ "status": "ready" })).into_response(),
        Ok(Err(reason)) => {
            // The reason may name what strangers need not know.
            tracing::warn!(reason, "not ready");
            not_ready("a Workspace or the database does not answer")
        }
        Err(_) => not_ready("no answer in time"),
    }
}

fn not_ready(reason: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "reason": reason })))
        .into_response()
}
