//! Tokens.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use routing::ids::{WorkerId, WorkspaceId};

use super::once;
use crate::auth::Grant;
use crate::caller::{Caller, SignedToken};
use crate::graphql::error::{Error, Result};
use crate::graphql::scalars::{DateTime, Sequence, id, optional_count, optional_id};
use crate::graphql::scope::Scope;
use crate::graphql::types::viewer::Role;

/// The longest subject. It stands in every token, and in every event that its bearer causes.
const SUBJECT_CHARACTERS_MAX: usize = 128;

/// The mutations of tokens.
#[derive(Default)]
pub struct TokenMutations;

#[Object]
impl TokenMutations {
    /// Signs a token for one Worker, or for a supervisor, a reporter or an admin of one Workspace. Admins and
    /// supervisors only; a supervisor cannot make an admin. A token cannot be called back before its time is
    /// over.
    async fn create_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "For whom.")] input: CreateTokenInput,
    ) -> Result<TokenPayload> {
        let caller = Caller::of(ctx)?;
        caller.check_may_sign()?;
        let CreateTokenInput { workspace_id, role, worker_id, subject, ttl_seconds, idempotency_key } = input;
        let workspace: WorkspaceId = id("workspaceId", &workspace_id)?;
        let worker: Option<WorkerId> = optional_id("workerId", worker_id.as_ref())?;
        once::once(ctx, idempotency_key)?;
        let lifetime_seconds = lifetime(caller, ttl_seconds)?;
        let (grant, subject) = grant(role, workspace, worker, subject)?;

        let scope = Scope::workspace_named(ctx, "workspaceId", workspace).await?;
        // First the right, then the Worker: who may not make tokens does not learn who exists.
        let SignedToken { text, expires_at } = caller.sign(grant, subject, lifetime_seconds)?;
        if let Some(worker) = worker.filter(|worker| !scope.state().workers.contains_key(worker)) {
            return Err(Error::not_found(worker, "workerId"));
        }
        let sequence = Sequence(scope.state().sequence);
        Ok(TokenPayload { sequence, token: text, expires_at: expires_at.into() })
    }
}

fn lifetime(caller: &Caller, ttl_seconds: Option<i32>) -> Result<u32> {
    let settings = caller.settings();
    match optional_count("ttlSeconds", ttl_seconds)? {
        None => Ok(settings.token_seconds_default),
        Some(seconds) if (1..=settings.token_seconds_max).contains(&seconds) => Ok(seconds),
        Some(seconds) => {
            let message = format!("{seconds} is not in the range from 1 to {}", settings.token_seconds_max);
            Err(Error::bad_input("ttlSeconds", message))
        }
    }
}

/// What the token grants, and to whom.
fn grant(
    role: Role,
    workspace: WorkspaceId,
    worker: Option<WorkerId>,
    subject: Option<String>,
) -> Result<(Grant, String)> {
    let grant = match (role, worker) {
        (Role::Worker, Some(worker)) => {
            if subject.is_some() {
                return Err(Error::bad_input("subject", "cannot be set for a Worker: it is the Worker's id"));
            }
            return Ok((Grant::Worker { workspace, worker }, worker.to_string()));
        }
        (Role::Worker, None) => return Err(Error::bad_input("workerId", "the role WORKER needs a Worker")),
        (Role::Admin | Role::Supervisor | Role::Reporter, Some(_)) => {
            return Err(Error::bad_input("workerId", "only the role WORKER is for one Worker"));
        }
        (Role::Admin, None) => Grant::Admin { workspace: Some(workspace) },
        (Role::Supervisor, None) => Grant::Supervisor { workspace },
        (Role::Reporter, None) => Grant::Reporter { workspace },
    };
    let subject = subject.map(|subject| subject.trim().to_owned()).unwrap_or_default();
    let characters = subject.chars().count();
    if characters == 0 || characters > SUBJECT_CHARACTERS_MAX || subject.chars().any(char::is_control) {
        let message = format!("this role needs a subject of 1 to {SUBJECT_CHARACTERS_MAX} characters");
        return Err(Error::bad_input("subject", message));
    }
    Ok((grant, subject))
}

/// Whom a token is for, and for how long.
#[derive(InputObject)]
pub struct CreateTokenInput {
    /// The Workspace that it is for.
    pub workspace_id: ID,
    /// What it allows.
    pub role: Role,
    /// The Worker that it is for. With the role `WORKER` only, and always with that.
    pub worker_id: Option<ID>,
    /// Who will use it: the name of a person or program, which the event log will show as the actor. 1 to 128
    /// characters; not with the role `WORKER`.
    pub subject: Option<String>,
    /// For how many seconds it is valid: 3,600 where left out, at most 86,400, unless the operator has set
    /// other limits.
    pub ttl_seconds: Option<i32>,
    /// As in every input, but tokens are not stored: a repeat makes another token with the same rights, for
    /// which the time begins anew.
    pub idempotency_key: Option<String>,
}

/// A token.
#[derive(SimpleObject)]
pub struct TokenPayload {
    /// The newest event of the Workspace. A token is not part of the log.
    pub sequence: Sequence,
    /// To be sent as `Authorization: Bearer <token>`, and as `Authorization` in the payload of
    /// `connection_init`. Whoever has it has its rights.
    pub token: String,
    /// When its time is over.
    pub expires_at: DateTime,
}
