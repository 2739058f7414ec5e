//! Switchyard: a self-hosted, skills-based task router.

pub mod engine;
pub mod store;
