//! Switchyard: a self-hosted, skills-based task router.

pub mod auth;
pub mod caller;
pub mod clock;
pub mod eligibility;
pub mod engine;
pub mod graphql;
