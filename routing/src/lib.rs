//! The routing core.

pub mod ids;
pub mod time;
