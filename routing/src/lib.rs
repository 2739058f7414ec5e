//! The routing core of Switchyard: a Workspace as a value, with commands going in and events coming out.
//!
//! It promises:
//!
//! * **The same calls give the same events.** There is no clock, no chance, no thread, no I/O in here. Time is an
//!   argument ([`Router::tick`]), and so are the ids of what callers create.
//! * **One function changes state.** [`State::evolve`] applies events; each event holds all that it needs.
//! * **A refused command changes nothing.** A decision checks first, and emits then.
//! * **After each command everybody who can work has work**: no waiting Task has a candidate.
//!
//! ```text
//!  Command ──▶ Router::apply ──▶ decide/ ──▶ emit ──▶ State::evolve
//!                                               └──▶ Index::put        derived lookups
//!              settle: index/matching.rs  ◀── who was woken by it
//!              take_events ──▶ Vec<Recorded>
//! ```
//!
//! Read [`router`] first, then `decide/`, then `index/matching.rs`, which is the heart. The rules are TaskRouter's;
//! comments that name `routing.md` refer to `docs/routing.md` of the repository.

pub mod attributes;
#[cfg(feature = "bench")]
pub mod bench;
pub mod command;
mod decide;
pub mod eligibility;
pub mod event;
pub mod expression;
pub mod ids;
pub mod index;
pub mod limits;
pub mod rejection;
pub mod router;
pub mod state;
pub mod time;
pub mod warnings;
pub mod workflow_configuration;
pub mod written;

pub use attributes::Attributes;
pub use command::Command;
pub use event::{Event, Recorded};
pub use limits::Limits;
pub use rejection::Rejection;
pub use router::Router;
pub use state::State;
