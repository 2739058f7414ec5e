//! The routing core.

pub mod attributes;
pub mod command;
pub mod event;
pub mod expression;
pub mod ids;
pub mod limits;
pub mod rejection;
pub mod router;
pub mod state;
pub mod time;
pub mod workflow_configuration;

pub use attributes::Attributes;
pub use command::Command;
pub use event::{Event, Recorded};
pub use limits::Limits;
pub use rejection::Rejection;
pub use router::Router;
pub use state::State;
