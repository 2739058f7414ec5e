//! Stub, to be replaced.
#![allow(missing_docs)]
use serde_json::Value;
#[derive(Clone, Debug, PartialEq)]
pub struct Expression(std::sync::Arc<str>, Kind);
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind { Filter, Target, Queue, SkipIf }
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: found {found}, expected {expected}")]
pub struct Error { pub line: u32, pub column: u32, pub found: String, pub expected: String }
#[derive(Clone, Debug, PartialEq)]
pub struct Path(String);
impl Path { pub fn parse(t: &str) -> Result<Path, Error> { Ok(Path(t.into())) } pub fn find<'a>(&self, v: &'a Value) -> Option<&'a Value> { v.get(&self.0) } }
impl Expression {
    pub fn parse(kind: Kind, source: &str) -> Result<Expression, Error> { Ok(Expression(source.into(), kind)) }
    pub fn source(&self) -> &str { &self.0 }
}
