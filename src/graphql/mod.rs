//! The GraphQL floor: what the API says, and nothing about how it is done.
//!
//! A resolver is three lines: through the door ([`Caller`]), the command, the view. Types are views on the state of
//! one moment, and know nothing of the engine, the database, sockets or tokens; what they may show is decided at
//! one place, [`scope`]. Descriptions are written for API users, and `schema.graphql` is what they add up to.
//!
//! Read [`scope`] first, then [`types`], [`query`], [`mutation`] and [`subscription`]. [`page`] is all about lists.

pub mod error;
pub mod mutation;
pub mod page;
pub mod query;
pub mod scalars;
pub mod scope;
pub mod subscription;
pub mod types;

use async_graphql::{Context, SDLExportOptions};

use self::error::{Error, Result};
use self::mutation::Mutation;
use self::query::Query;
use self::subscription::Subscriptions;
use crate::caller::Caller;

/// The whole API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscriptions>;

/// The schema, without any extension: each of them, even one that does nothing, makes every field of every answer
/// several times dearer. Whoever executes it puts a [`Caller`] into the data of the request, and sees to limits of
/// depth and cost beforehand.
#[must_use]
pub fn schema() -> Schema {
    Schema::build(Query, Mutation::default(), Subscriptions).finish()
}

/// The schema in GraphQL's schema language, sorted, so that a change of the API is a change of lines.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .prefer_single_line_descriptions()
        .use_space_ident();
    let sdl = schema().sdl_with_options(options);
    format!("{}\n", sdl.trim_end())
}

impl Caller {
    /// Who is asking.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Caller> {
        ctx.data_opt::<Caller>().ok_or(Error::Unauthenticated { message: "a bearer token is required" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_graphql_is_the_schema() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
        let sdl = sdl();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &sdl).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == sdl, "schema.graphql is stale; refresh it with: UPDATE=1 cargo test schema_graphql");
    }
}
