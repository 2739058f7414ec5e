//! Switchyard: a self-hosted task router.

pub mod auth;
pub mod clock;
pub mod config;
pub mod engine;
pub mod store;
pub mod telemetry;

use anyhow::{Context, bail};
use routing::ids::{WorkerId, WorkspaceId};

use crate::auth::jwt::Keys;
use crate::config::Config;

/// Serves until the process is asked to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let _keys = Keys::from_secret(config.load_signing_key()?.bytes())?;
    bail!("the server is not wired yet")
}

/// The schema of the API, in GraphQL's schema language.
#[must_use]
pub fn sdl() -> String {
    String::new()
}

/// The Workspace that a token is for: `named`, which has to exist, or else the only one in the database.
pub async fn resolve_workspace(config: &Config, named: Option<WorkspaceId>) -> anyhow::Result<WorkspaceId> {
    let _ = config;
    named.context("name the Workspace with --workspace")
}

/// The Worker that a token is for, by its id or its name, in `workspace` or else in the only Workspace.
pub async fn resolve_worker(
    config: &Config,
    workspace: Option<WorkspaceId>,
    name_or_id: &str,
) -> anyhow::Result<(WorkspaceId, WorkerId)> {
    let workspace = resolve_workspace(config, workspace).await?;
    let worker = name_or_id.parse().with_context(|| format!("the Workspace has no Worker '{name_or_id}'"))?;
    Ok((workspace, worker))
}
