//! The router of one Workspace: commands in, events out. (Decisions are being filled in.)

use crate::command::Command;
use crate::event::{Actor, Recorded};
use crate::ids::WorkspaceId;
use crate::limits::Limits;
use crate::rejection::Rejection;
use crate::state::State;
use crate::time::Timestamp;

/// One Workspace that is being run.
pub struct Router {
    state: State,
}

impl Router {
    /// Begins a Workspace with the default set-up.
    pub fn found(_id: WorkspaceId, _name: String, _actor: Actor, _limits: Limits, _now: Timestamp) -> Router {
        todo!()
    }
    /// Goes on with a Workspace that was loaded.
    pub fn load(_state: State, _limits: Limits, _now: Timestamp) -> Router {
        todo!()
    }
    /// The state after everything applied so far.
    pub fn state(&self) -> &State {
        &self.state
    }
    /// Moves time to `now` and does what is due. Call before each batch of commands.
    pub fn tick(&mut self, _now: Timestamp) {
        todo!()
    }
    /// Applies a command at the time of the last tick. The sequence of its last event, or of the newest event when it changed nothing.
    pub fn apply(&mut self, _command: Command, _actor: Actor) -> Result<u64, Rejection> {
        todo!()
    }
    /// The events since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Recorded> {
        todo!()
    }
    /// When something is due next.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        todo!()
    }
}
