//! Idempotency keys: how a repeated request is recognised. They are written with the commit that they belong to.

use routing::ids::WorkspaceId;
use routing::time::Timestamp;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use super::statements::padded;
use super::{Error, Store, rows, while_};

/// How many keys one statement looks for; far below what a statement may carry.
const KEYS_PER_STATEMENT_MAX: usize = 1_024;

/// A request that was carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// Caller, mutation and the caller's own key as one text; unique in the Workspace.
    pub key: String,
    /// SHA-256 over the input.
    pub fingerprint: [u8; 32],
    /// The id of the object that the request was answered with.
    pub subject: String,
    /// The position in the log that it was answered with.
    pub sequence: u64,
    /// When it was carried out.
    pub at: Timestamp,
}

impl Store {
    /// Those of `keys` that were used at `since` or later, in no particular order.
    pub async fn keys(
        &self,
        workspace: WorkspaceId,
        keys: &[String],
        since: Timestamp,
    ) -> Result<Vec<Key>, Error> {
        use entity::idempotency_key::{Column, Entity};
        let mut found = Vec::new();
        for chunk in keys.chunks(KEYS_PER_STATEMENT_MAX) {
            let rows = Entity::find()
                .filter(Column::WorkspaceId.eq(workspace.to_string()))
                .filter(Column::Key.is_in(padded(chunk)))
                .filter(Column::At.gte(since.0))
                .all(&self.inner.reader)
                .await
                .map_err(while_("looking for idempotency keys"))?;
            for row in rows {
                found.push(rows::key(row)?);
            }
        }
        Ok(found)
    }

    /// Deletes keys of all Workspaces that were used before `before`, at most `limit` of them, so that it can be
    /// done between commits without holding them up. How many it were.
    pub async fn forget_keys(&self, before: Timestamp, limit: u64) -> Result<u64, Error> {
        use entity::idempotency_key::{Column, Entity};
        let old = Query::select()
            .columns([Column::WorkspaceId, Column::Key])
            .from(Entity)
            .and_where(Column::At.lt(before.0))
            .order_by(Column::At, sea_orm::Order::Asc)
            .limit(limit)
            .to_owned();
        let writing = self.owner()?.begin_minor().await?;
        let deleted = Entity::delete_many()
            .filter(Expr::tuple([Expr::col(Column::WorkspaceId), Expr::col(Column::Key)]).in_subquery(old))
            .exec(&writing.transaction)
            .await
            .map_err(while_("forgetting old idempotency keys"));
        let (n_deleted, ended) = match deleted {
            Ok(deleted) => (deleted.rows_affected, Ok(())),
            Err(error) => (0, Err(error)),
        };
        writing.end(ended).await?;
        Ok(n_deleted)
    }
}
