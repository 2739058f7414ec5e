//! What deletions have in common.

use async_graphql::{ID, InputObject, SimpleObject};
use routing::ids::Id;

use super::Change;
use crate::graphql::scalars::Sequence;

/// What to delete.
#[derive(InputObject)]
pub struct DeleteInput {
    /// The object.
    pub id: ID,
    /// The `version` of the object that the client has seen.
    pub expected_version: Option<i32>,
    /// By which a repeat of this request is recognised: 1 to 255 bytes, chosen by the client.
    pub idempotency_key: Option<String>,
}

/// Something that was deleted.
#[derive(SimpleObject)]
pub struct DeletePayload {
    /// The position of the last event of the change.
    pub sequence: Sequence,
    /// What was deleted.
    pub id: ID,
}

impl DeletePayload {
    /// What a deletion answers.
    pub(super) fn of<I: Id>(change: &Change<I>) -> DeletePayload {
        DeletePayload { sequence: change.sequence, id: change.subject.to_string().into() }
    }
}
