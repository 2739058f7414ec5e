//! Switchyard: a self-hosted task router. See ARCHITECTURE.md for the map.
//!
//! This file wires the floors together: built from the bottom up, shut down from the top down.

pub mod auth;
pub mod caller;
pub mod clock;
pub mod config;
pub mod engine;
pub mod graphql;
pub mod http;
pub mod store;
pub mod telemetry;

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::http::HeaderValue;
use routing::ids::{Id, TaskId, WorkerId, WorkspaceId};
use routing::{Limits, Router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::jwt::Keys;
use crate::caller::Door;
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::Engine;
use crate::store::Store;

/// Serves until the process is asked to stop, by SIGINT or SIGTERM.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut asked_to_stop = async move || {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let keys = Arc::new(Keys::from_secret(config.load_signing_key()?.bytes())?);
    let clock = Clock::system();
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let store = Store::open(&config.database.url()).await?;
    let engine = Engine::open(store.clone(), engine_settings(&config), clock.clone()).await?;
    let door = Door { engine: engine.clone(), keys, clock, settings: caller::Settings::default() };

    let (shutdown, connections) = (CancellationToken::new(), TaskTracker::new());
    let settings = http_settings(&config)?;
    let schema = graphql::schema_that_validates;
    let router = http::router(schema, door, settings.clone(), shutdown.clone(), connections.clone());
    greet(&listener, &engine)?;

    let serving = tokio::spawn(http::serve(listener, router, settings, shutdown.clone(), connections));
    let was_taken_over = tokio::select! {
        () = asked_to_stop() => false,
        () = engine.has_stopped() => true,
    };
    tracing::info!("shutting down");
    shutdown.cancel();
    let close = async {
        let served = serving.await;
        engine.stop().await;
        store.close().await;
        served.context("the HTTP server broke down")
    };
    tokio::select! {
        closed = close => closed?,
        () = asked_to_stop() => bail!("stopped at once, as asked a second time"),
    }
    if was_taken_over {
        bail!("a Workspace has stopped; see the log");
    }
    Ok(())
}

/// The schema of the API, in GraphQL's schema language.
#[must_use]
pub fn sdl() -> String {
    graphql::sdl()
}

/// The Workspace that a token is for: `named`, which has to exist, or else the only one in the database.
pub async fn resolve_workspace(config: &Config, named: Option<WorkspaceId>) -> anyhow::Result<WorkspaceId> {
    let store = existing_database(config).await?;
    workspace_in(&store, named).await
}

/// The Worker that a token is for, by its id or its name, in `workspace` or else in the only Workspace.
pub async fn resolve_worker(
    config: &Config,
    workspace: Option<WorkspaceId>,
    name_or_id: &str,
) -> anyhow::Result<(WorkspaceId, WorkerId)> {
    let store = existing_database(config).await?;
    let by_id = name_or_id.parse::<WorkerId>().ok();
    let workspace = match (workspace, by_id) {
        // An id alone leads to its Workspace.
        (None, Some(worker)) => {
            workspace_of(&store, worker).await?.with_context(|| format!("there is no Worker {worker}"))?
        }
        (named, _) => workspace_in(&store, named).await?,
    };
    let found = match by_id {
        Some(worker) => store.worker_exists(workspace, worker).await?.then_some(worker),
        None => store.worker_named(workspace, name_or_id).await?,
    };
    let worker = found.with_context(|| format!("the Workspace {workspace} has no Worker '{name_or_id}'"))?;
    Ok((workspace, worker))
}

/// The router of the Workspace that a Task belongs to, as a server would load it now. Nothing is changed, and what has
/// become due meanwhile is not done.
pub async fn load_router_of(config: &Config, task: TaskId) -> anyhow::Result<Router> {
    let store = existing_database(config).await?;
    let workspace = workspace_of(&store, task).await?;
    let workspace = workspace.with_context(|| format!("there is no Task {task}"))?;
    let state = store.load(workspace).await?;
    Ok(Router::load(state, engine_settings(config).limits, Clock::system().now()))
}

/// The Workspace that an object belongs to, by the id of the object.
async fn workspace_of(store: &Store, id: impl Id) -> anyhow::Result<Option<WorkspaceId>> {
    let workspaces = store.workspaces().await?;
    let mut ids = workspaces.into_iter().map(|(id, _)| id);
    Ok(ids.find(|workspace| workspace.workspace_tag() == id.workspace_tag()))
}

async fn existing_database(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open_read_only(&config.database.url()).await?)
}

async fn workspace_in(store: &Store, named: Option<WorkspaceId>) -> anyhow::Result<WorkspaceId> {
    let workspaces = store.workspaces().await?;
    let ids: Vec<WorkspaceId> = workspaces.into_iter().map(|(id, _)| id).collect();
    match (named, ids.as_slice()) {
        (Some(named), _) if ids.contains(&named) => Ok(named),
        (Some(named), _) => bail!("there is no Workspace {named}"),
        (None, [only]) => Ok(*only),
        (None, _) => bail!("the database has {} Workspaces: name one with --workspace", ids.len()),
    }
}

fn engine_settings(config: &Config) -> engine::Settings {
    engine::Settings {
        limits: Limits {
            attributes_characters_max: config.attributes_characters_max,
            workflow_configuration_bytes_max: config.workflow_configuration_bytes_max,
            finished_task_retention_seconds: config.finished_task_retention_seconds,
            ..Limits::default()
        },
        request_timeout: Duration::from_secs(config.request_timeout_seconds.into()),
        idempotency_window: Duration::from_secs(3_600 * u64::from(config.idempotency_key_hours)),
    }
}

fn http_settings(config: &Config) -> anyhow::Result<http::Settings> {
    let origins: Result<_, _> = config.allowed_origins.iter().map(HeaderValue::from_str).collect();
    Ok(http::Settings {
        origins: origins.context("an allowed origin cannot stand in a header")?,
        body_bytes_max: config.body_bytes_max,
        ..http::Settings::default()
    })
}

/// Says where the server listens, which Workspaces there are, and how to get in. Programs may wait for these lines.
fn greet(listener: &TcpListener, engine: &Engine) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "Switchyard listens on http://{}/graphql", listener.local_addr()?)?;
    for workspace in engine.workspaces() {
        writeln!(output, "Workspace {} ({})", workspace.id(), workspace.state().workspace.name)?;
    }
    writeln!(output, "A token: switchyard token --role admin")?;
    output.flush()?;
    Ok(())
}
