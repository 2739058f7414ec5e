//! graphql
pub mod error;
pub mod page;
pub mod scalars;
