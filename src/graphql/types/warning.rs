//! What is legal in a Workflow, a TaskQueue or the attributes of a Worker, and probably not what its author meant.

use async_graphql::SimpleObject;
use routing::warnings::Warning;

/// Something that is legal and probably not meant. It refuses nothing and changes nothing.
#[derive(SimpleObject)]
pub struct ConfigurationWarning {
    /// What it is, for programs, such as `FILTER_UNREACHABLE` or `QUOTED_KEY`. More may come.
    pub code: String,
    /// What happens, and what to write instead.
    pub message: String,
    /// Where in the routing document, as `["task_routing", "filters", "0", "expression"]`. Empty for the target
    /// expression of a TaskQueue. Of a Worker, where in the attributes, as `["routing", "skills", "0"]`.
    pub path: Vec<String>,
    /// The line in the expression there, from 1. Null where it is not about an expression.
    pub line: Option<u32>,
    /// The column in the expression there, from 1, in characters. Null where it is not about an expression.
    pub column: Option<u32>,
}

impl ConfigurationWarning {
    /// As the API shows them.
    pub fn all(warnings: Vec<Warning>) -> Vec<ConfigurationWarning> {
        warnings.into_iter().map(ConfigurationWarning::of).collect()
    }

    fn of(warning: Warning) -> ConfigurationWarning {
        let Warning { code, path, position, message } = warning;
        ConfigurationWarning {
            code: code.to_string(),
            message,
            path,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
        }
    }
}
