//! The GraphQL floor: what the API says, and nothing about how it is done.
//!
//! A resolver is three lines: through the door ([`Caller`]), the command, the view. Types are views on the
//! state of one moment, and know nothing of the engine, the database, sockets or tokens; what they may show is
//! decided at one place, [`scope`]. Descriptions are written for API users, and `schema.graphql` is what they
//! add up to.
//!
//! Read [`scope`] first, then [`types`], [`query`], [`mutation`] and [`subscription`]. [`page`] is all about
//! lists.

pub mod addressees;
pub mod error;
pub mod mutation;
pub mod page;
pub mod progress;
pub mod query;
pub mod scalars;
pub mod scope;
pub mod subscription;
pub mod types;

use async_graphql::{Context, SDLExportOptions, ValidationMode};

use self::error::{Error, Result};
use self::mutation::Mutation;
use self::query::Query;
use self::subscription::Subscriptions;
use crate::caller::Caller;

/// The whole API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscriptions>;

/// The schema, without any extension: each of them, even one that does nothing, makes every field of every
/// answer several times dearer. Whoever executes it puts a [`Caller`] into the data of the request, and sees to
/// limits of depth and cost beforehand.
#[must_use]
pub fn schema() -> Schema {
    schema_that_validates(ValidationMode::Strict)
}

/// The same; with [`ValidationMode::Fast`] it is only for documents and variables that are known to be valid.
#[must_use]
pub fn schema_that_validates(mode: ValidationMode) -> Schema {
    Schema::build(Query, Mutation::default(), Subscriptions).validation_mode(mode).finish()
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
    use serde_json::Value;

    /// Everything that can have a description: where it is, and what it says.
    async fn descriptions() -> Vec<(String, Option<String>)> {
        let query = "{ __schema { types { name description \
            fields(includeDeprecated: true) { name description args { name description } } \
            inputFields { name description } enumValues(includeDeprecated: true) { name description } } } }";
        let answer = serde_json::to_value(schema().execute(query).await).expect("an answer is JSON");
        let mut found = Vec::new();
        for described in answer["data"]["__schema"]["types"].as_array().expect("a list") {
            let name = described["name"].as_str().expect("a name");
            if !name.starts_with("__") && !["Boolean", "Float", "ID", "Int", "String"].contains(&name) {
                collect(described, "", &mut found);
            }
        }
        found
    }

    fn collect(described: &Value, within: &str, found: &mut Vec<(String, Option<String>)>) {
        let path = format!("{within}{}", described["name"].as_str().expect("a name"));
        found.push((path.clone(), described["description"].as_str().map(str::to_owned)));
        for parts in ["fields", "args", "inputFields", "enumValues"] {
            for part in described[parts].as_array().into_iter().flatten() {
                collect(part, &format!("{path}."), found);
            }
        }
    }

    #[tokio::test]
    async fn everything_has_a_description_in_sentences() {
        let found = descriptions().await;
        assert!(found.len() > 500, "the descriptions were found: {}", found.len());
        for (path, description) in found {
            let description = description.unwrap_or_default();
            let is_sentence = description.ends_with(['.', '?', '`']) && !description.contains("TODO");
            assert!(is_sentence, "{path}: {description:?}");
        }
    }

    #[test]
    fn schema_graphql_is_the_schema() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql");
        let sdl = sdl();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &sdl).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == sdl,
            "schema.graphql is stale; refresh it with: UPDATE=1 cargo test schema_graphql"
        );
    }
}
