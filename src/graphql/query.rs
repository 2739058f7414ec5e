//! What can be asked for.

use async_graphql::{Context, ID, Object};
use routing::ids::{AnyId, EventId, Id, WorkspaceId};

use super::error::{Error, Result};
use super::page::{Connection, Page};
use super::scalars;
use super::scope::Scope;
use super::types::event::Event;
use super::types::node::Node;
use super::types::task_transfer::TaskTransfer;
use super::types::viewer::Viewer;
use super::types::workspace::{Workspace, Workspaces};
use crate::caller::{self, Caller};

/// How many objects can be asked for by id at once.
const NODES_MAX: usize = 200;

/// The root of queries.
pub struct Query;

/// Each field shows one moment of a Workspace: the newest one, and not an older one than the request extension
/// `{"minSequence": n}` asks for, if there is one.
#[Object]
impl Query {
    /// Who is asking.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        let caller = Caller::of(ctx)?;
        let scope = match caller.grant().workspace() {
            None => None,
            Some(id) => match caller.workspace(id).await {
                Ok(access) => Some(Scope::of(access)),
                // The token is older than the Workspaces of this server.
                Err(caller::Error::NoWorkspace) => None,
                Err(other) => return Err(other.into()),
            },
        };
        Ok(Viewer::of(caller.clone(), scope))
    }

    /// The object with this id. Null where it does not exist or the viewer may not see it: the two cannot be
    /// told apart.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of an object of any type. Error: `BAD_USER_INPUT` where it is none.")]
        id: ID,
    ) -> Result<Option<Node>> {
        find(Caller::of(ctx)?, any_id("id", &id)?).await
    }

    /// The objects with these ids, in the same order, with null for each that does not exist or that the viewer
    /// may not see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most 200 ids of objects of any type. Error: `BAD_USER_INPUT` where one is none."
        )]
        ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > NODES_MAX {
            return Err(Error::bad_input(
                "ids",
                format!("expected at most {NODES_MAX} ids, not {}", ids.len()),
            ));
        }
        let caller = Caller::of(ctx)?;
        let ids = ids.iter().enumerate().map(|(index, id)| any_id(&format!("ids.{index}"), id));
        let ids: Vec<AnyId> = ids.collect::<Result<_>>()?;
        let mut nodes = Vec::with_capacity(ids.len());
        for id in ids {
            nodes.push(find(caller, id).await?);
        }
        Ok(nodes)
    }

    /// The Workspace with this id. Null where it does not exist or the viewer may not enter it.
    async fn workspace(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Begins with `WS`.")] id: ID,
    ) -> Result<Option<Workspace>> {
        let id: WorkspaceId = scalars::id("id", &id)?;
        match Caller::of(ctx)?.workspace(id).await {
            Ok(access) => Ok(Some(Scope::of(access).workspace())),
            Err(caller::Error::NoWorkspace) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// The Workspaces that the viewer may enter, oldest first.
    async fn workspaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many items, from the start of the list: 0 to 200, 50 where left out.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "How many items, from the end of the list: 0 to 200; not together with `first`.")]
        last: Option<i32>,
        #[graphql(desc = "Only items before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Workspace>> {
        let page = Page::of(first, after, last, before)?;
        let entered = Caller::of(ctx)?.workspaces().await?;
        Connection::of(&page, Workspaces(entered.into_iter().map(Scope::of).collect()))
    }
}

fn any_id(field: &str, text: &ID) -> Result<AnyId> {
    text.parse().map_err(|_| {
        Error::bad_input(
            field,
            "not the id of an object: expected two letters that say what it is and 32 hex digits",
        )
    })
}

async fn find(caller: &Caller, id: AnyId) -> Result<Option<Node>> {
    let scope = match caller.workspace_of_any(id).await {
        Ok(access) => Scope::of(access),
        Err(caller::Error::NoWorkspace) => return Ok(None),
        Err(other) => return Err(other.into()),
    };
    Ok(match id {
        AnyId::WorkspaceId(id) => (scope.state().id() == id).then(|| scope.workspace().into()),
        AnyId::ActivityId(id) => scope.activity(id).map(Node::from),
        AnyId::WorkerId(id) => scope.worker(id).map(Node::from),
        AnyId::WorkerChannelId(id) => scope.worker_channel(id).map(Node::from),
        AnyId::TaskChannelId(id) => scope.task_channel(id).map(Node::from),
        AnyId::TaskQueueId(id) => scope.task_queue(id).map(Node::from),
        AnyId::WorkflowId(id) => scope.workflow(id).map(Node::from),
        AnyId::TaskId(id) => scope.task(id).map(Node::from),
        AnyId::ReservationId(id) => scope.reservation(id).map(Node::from),
        AnyId::EventId(id) => event(scope, id).await?.map(Node::from),
        AnyId::TaskTransferId(id) => TaskTransfer::find(&scope, id).map(Node::from),
        AnyId::SkillId(id) => scope.skill(id).map(Node::from),
    })
}

async fn event(scope: Scope, id: EventId) -> Result<Option<Event>> {
    let Some(before) = id.sequence().checked_sub(1) else { return Ok(None) };
    let page = scope.access().history(before, 1).await?;
    let found = page.events.into_iter().find(|event| event.id(id.workspace_tag()) == id);
    Ok(found.map(|event| Event::of(scope, event)))
}
