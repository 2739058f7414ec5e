//! What can be changed. A mutation is three lines: its input taken apart, the command, the view.
//!
//! Everything that is the same for all of them is here: how a change is had carried out (`Change`), how a
//! repeat is recognised ([`once`]), and what an input that is left out means (`keep`).

pub mod activity;
pub mod deletion;
pub mod once;
pub mod reservation;
pub mod skill;
pub mod task;
pub mod task_channel;
pub mod task_queue;
pub mod token;
pub mod transfer;
pub mod worker;
pub mod workflow;
pub mod workspace;

use async_graphql::{Context, MaybeUndefined, MergedObject};
use routing::ids::Id;
use routing::state::Map;
use routing::{Command, State};

use super::error::{Error, Result};
use super::scalars::Sequence;
use super::scope::{Scope, View};
use crate::caller::{Committed, Request};

/// Each takes one input object. Every input may carry `idempotencyKey`: a repeat with the same key and the same
/// input gives the first answer and has no second effect, for 24 hours, also after a restart. It shows the object as
/// it is now; where it is gone by then, or out of the viewer's sight, the answer is `NOT_FOUND` with the first
/// `sequence` in the `extensions`. The same key with another input is a `CONFLICT`. Where an existing object is
/// changed, `expectedVersion` may say which version of it the client has seen; if it has changed since, nothing
/// happens and the answer is `CONFLICT`. Every payload carries `sequence`: the change is durable, and its last event
/// is at that position of the log. Fields of an input that are left out stay as they are.
///
/// Errors of all: `UNAUTHENTICATED`, `FORBIDDEN`, `NOT_FOUND`, `BAD_USER_INPUT`, `CONFLICT`, `OVERLOADED`,
/// `UNAVAILABLE`, `INTERNAL`.
#[derive(MergedObject, Default)]
pub struct Mutation(
    workspace::WorkspaceMutations,
    activity::ActivityMutations,
    skill::SkillMutations,
    task_channel::TaskChannelMutations,
    task_queue::TaskQueueMutations,
    workflow::WorkflowMutations,
    worker::WorkerMutations,
    task::TaskMutations,
    reservation::ReservationMutations,
    transfer::TransferMutations,
    deletion::DeletionMutations,
    token::TokenMutations,
);

/// A change that is durable.
struct Change<I> {
    /// The Workspace after the change.
    scope: Scope,
    /// The position of its last event.
    sequence: Sequence,
    /// The object that the answer shows: the one that was meant, or, in the answer to a repeat, the first one's.
    subject: I,
    is_repeat: bool,
}

impl<I: Id> Change<I> {
    /// Has a command carried out. `key` is the client's idempotency key.
    async fn make(
        ctx: &Context<'_>,
        scope: &Scope,
        subject: I,
        key: Option<String>,
        command: Command,
    ) -> Result<Change<I>> {
        let once = once::once(ctx, key)?;
        let request = Request { command, subject: subject.to_string(), once };
        Change::of(scope, subject, scope.access().execute(request).await?)
    }

    /// What a commit has to say about the object `subject`.
    fn of(scope: &Scope, subject: I, committed: Committed) -> Result<Change<I>> {
        let Committed { sequence, state, repeated } = committed;
        let is_repeat = repeated.is_some();
        let subject = match repeated {
            None => subject,
            Some(first) => first.parse().map_err(|_| {
                Error::internal("the answer to an idempotency key names no object of its kind")
            })?,
        };
        let scope = Scope::of(scope.access().at(state));
        Ok(Change { scope, sequence: Sequence(sequence), subject, is_repeat })
    }

    /// The object, as the commit of the change left it. A repeat shows it as it is now, to those who see it now.
    fn show<V: View>(&self, objects: impl FnOnce(&State) -> &Map<I, V::Object>) -> Result<V> {
        let object = objects(self.scope.state()).get(&self.subject);
        let shown = match object {
            Some(object) if self.is_repeat => self.scope.see(object),
            Some(object) => Some(self.scope.show_what_the_viewer_changed(object)),
            None => None,
        };
        shown.ok_or_else(|| self.gone())
    }

    /// The object is not there, or out of sight. That may be so when a request is repeated long after.
    fn gone(&self) -> Error {
        if !self.is_repeat {
            return Error::internal("an object is missing from the state that its own change has left");
        }
        let (sequence, kind, subject) = (self.sequence.0, I::KIND, self.subject);
        let message =
            format!("the change was made, at sequence {sequence}, but there is no {kind} {subject} any more");
        Error::Gone { message, sequence }
    }
}

/// Left out: stays as it is. Null is refused, because the field always has a value.
fn keep<T>(field: &str, input: MaybeUndefined<T>) -> Result<Option<T>> {
    match input {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            Err(Error::bad_input(field, "cannot be null: leave it out to keep the present value"))
        }
    }
}

/// Left out: stays as it is. Null: there is none from now on.
fn keep_or_clear<T>(input: MaybeUndefined<T>) -> Option<Option<T>> {
    match input {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(None),
        MaybeUndefined::Value(value) => Some(Some(value)),
    }
}
