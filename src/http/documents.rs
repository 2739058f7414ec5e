//! Parsed documents, kept by their text, and the limits that a document must meet before the engine sees it.
//!
//! Promises: the work that a document causes here and in the engine's validation is bounded by constants, for
//! any text; a document within the limits is parsed once and then found by its text; memory is bounded.
//!
//! Why the limits are not left to the engine: it measures depth, aliases and complexity by walking fragments
//! as often as they are spread. Twenty-two fragments that each spread the next one twice are 800 bytes, and
//! cost it fifteen seconds. Here every fragment is measured once, and what a spread adds is taken from there.
//!
//! What it does not do: it does not know the schema (except for the names of its types), so it cannot tell
//! that a list is long. Page sizes are bounded by the resolvers.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::{
    Name, Pos, Positioned, Value as ConstValue, Variables,
    parser::{
        self,
        types::{
            BaseType, Directive, DocumentOperations, ExecutableDocument, OperationDefinition, OperationType,
            Selection, SelectionSet, Type, TypeKind,
        },
    },
};
use quick_cache::{Weighter, sync::Cache};

use super::answer::{Code, Refusal};

/// Parsing takes some 0.15 ms per KiB, so this is 5 ms. GraphiQL's introspection query has 2 KiB, the largest
/// documents of generated clients rarely 10.
const QUERY_BYTES_MAX: usize = 32 * 1024;

/// Open brackets around any place. The parser recurses by brackets on the thread's stack, so this is checked
/// before it runs: a few KiB of `{a{a{a` would otherwise end the process. Twice what `DEPTH_MAX` can use.
const BRACKETS_MAX: usize = 48;

/// Fields inside fields, counted to the leaf: what introspection needs as GraphiQL asks for it.
const DEPTH_MAX: u32 = 15;

/// Selection sets inside one another, where also fragments count: the engine recurses by these.
const NESTING_MAX: u32 = 30;

/// Fields, spreads and inline fragments, each counted as often as spreads repeat it, over all operations of the
/// document. Bounds validation, which compares fields with each other, and the size of one object of a result.
const SELECTIONS_MAX: u32 = 1_000;

/// Aliases, counted likewise. They are how one request asks the same thing many times over.
const ALIASES_MAX: u32 = 30;

/// Fields of an operation's root: each is a request of its own.
const ROOT_FIELDS_MAX: u32 = 20;

/// Per field, fragment or operation. Only `@skip` and `@include` exist.
const DIRECTIVES_MAX: usize = 20;

/// Per field. The engine reports each argument that differs from that of an equal field: without a limit
/// a document of 32 KiB has a million such pairs.
const ARGUMENTS_MAX: usize = 20;

/// Per operation; the engine looks them up one by one.
const VARIABLES_MAX: usize = 100;

/// Lists of the type system inside one another (`fields { type { fields …`). Each multiplies the answer by the
/// size of the schema; the standard introspection query needs one.
const INTROSPECTION_LISTS_MAX: u32 = 2;
const INTROSPECTION_LISTS: [&str; 4] = ["fields", "inputFields", "interfaces", "possibleTypes"];

/// A parsed document takes this many times the memory of its text (measured with short fields, the worst kind).
const PARSED_BYTES_PER_BYTE: u64 = 60;

/// What a cached document is expected to take: only a first guess for the size of the cache's tables.
const DOCUMENT_BYTES_USUAL: u64 = 64 * 1024;

/// The documents that have been seen and found to be within the limits.
pub(super) struct Documents {
    cache: Cache<Box<str>, Arc<Document>, ByText>,
    types: HashSet<String>,
}

impl Documents {
    /// A cache of at most about `bytes_max` for the schema with this SDL.
    pub fn new(sdl: &str, bytes_max: u64) -> Documents {
        let items = usize::try_from(bytes_max / DOCUMENT_BYTES_USUAL).unwrap_or(usize::MAX);
        Documents { cache: Cache::with_weighter(items, bytes_max, ByText), types: type_names(sdl) }
    }

    /// The document with this text.
    pub fn find(&self, query: &str) -> Result<Arc<Document>, Refusal> {
        if let Some(document) = self.cache.get(query) {
            return Ok(document);
        }
        let document = Arc::new(Document::parse(query, &self.types)?);
        self.cache.insert(query.into(), Arc::clone(&document));
        Ok(document)
    }
}

#[derive(Clone)]
struct ByText;

impl Weighter<Box<str>, Arc<Document>> for ByText {
    fn weight(&self, query: &Box<str>, _: &Arc<Document>) -> u64 {
        query.len() as u64 * (1 + PARSED_BYTES_PER_BYTE)
    }
}

/// A document within the limits. Whether it fits the schema is for the engine to say.
pub(super) struct Document {
    pub executable: ExecutableDocument,
    /// The engine has found it valid.
    is_valid: AtomicBool,
    /// Variables that are the value of an argument of a subscription's field, and nothing else.
    arguments: HashMap<Name, Argument>,
}

/// What a variable that is nothing else is an argument for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Argument {
    /// It says where the subscription begins.
    Cursor,
    Other,
}

impl Document {
    fn parse(query: &str, types: &HashSet<String>) -> Result<Document, Refusal> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(limit(format!("The document has more than {QUERY_BYTES_MAX} bytes")));
        }
        check_brackets(query)?;
        let executable = parser::parse_query(query).map_err(syntax_error)?;
        Limits::check(&executable)?;
        for (_, operation) in executable.operations.iter() {
            check_variable_types(&operation.node, types)?;
        }
        let arguments = arguments(&executable);
        Ok(Document { executable, is_valid: AtomicBool::new(false), arguments })
    }

    /// Remembers that the engine has found the document valid.
    pub fn mark_valid(&self) {
        self.is_valid.store(true, Ordering::Relaxed);
    }

    /// Has the engine found the document valid before?
    pub fn is_known_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    /// The values, as JSON, of all variables but those that say no more than where a subscription begins.
    pub fn variables_that_matter(&self, variables: &Variables) -> String {
        let is_cursor = |name: &Name| self.arguments.get(name) == Some(&Argument::Cursor);
        let matter: Vec<_> = variables.iter().filter(|(name, _)| !is_cursor(name)).collect();
        serde_json::to_string(&matter).expect("GraphQL values have string keys and finite numbers")
    }

    /// The variables that say no more than whom a subscription is for, if it is for `addressee`.
    pub fn addressing(&self, variables: &Variables, addressee: &str) -> Vec<Name> {
        let others = self.arguments.iter().filter(|(_, argument)| **argument == Argument::Other);
        let is_addressee = |name: &&Name| matches!(variables.get(*name), Some(ConstValue::String(value)) if value == addressee);
        others.map(|(name, _)| name).filter(is_addressee).cloned().collect()
    }

    /// The operation that a request with this `operationName` means.
    pub fn operation(&self, name: Option<&str>) -> Result<&OperationDefinition, Refusal> {
        let found = match (&self.executable.operations, name) {
            (DocumentOperations::Single(operation), None) => Some(operation),
            (DocumentOperations::Single(_), Some(_)) => None,
            (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
            (DocumentOperations::Multiple(operations), None) => {
                let mut all = operations.values();
                match (all.next(), all.next()) {
                    (Some(only), None) => Some(only),
                    _ => {
                        return Err(Refusal::bad_input(
                            "The document has several operations: name one in `operationName`",
                        ));
                    }
                }
            }
        };
        match (found, name) {
            (Some(operation), _) => Ok(&operation.node),
            (None, name) => Err(Refusal::bad_input(format!(
                "The document has no operation named `{}`",
                name.unwrap_or_default()
            ))),
        }
    }
}

/// Checks the brackets and strings of a text without recursion. What it cannot read as the parser would, an
/// unfinished string, it refuses, so that no text means more brackets to the parser than it does here.
fn check_brackets(query: &str) -> Result<(), Refusal> {
    let bytes = query.as_bytes();
    let unfinished = || Refusal::bad_input("Syntax error: a string is not closed");
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' | b'(' => {
                open += 1;
                if open > BRACKETS_MAX {
                    return Err(limit(format!(
                        "The document has more than {BRACKETS_MAX} brackets open at once"
                    )));
                }
            }
            b'}' | b']' | b')' => open = open.saturating_sub(1),
            b'#' => at += line_length(&bytes[at..]),
            b'"' if bytes[at..].starts_with(b"\"\"") => {
                at += 2;
                at += block_string_length(&bytes[at..]).ok_or_else(unfinished)?;
            }
            b'"' => at += string_length(&bytes[at..]).ok_or_else(unfinished)?,
            _ => {}
        }
    }
    Ok(())
}

fn line_length(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(bytes.len())
}

/// From behind the opening quote to behind the closing one.
fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// From behind the three opening quotes to behind the three closing ones.
fn block_string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if bytes[at..].starts_with(b"\"\"\"") {
            return Some(at + 3);
        } else {
            at += 1;
        }
    }
    None
}

/// The parser draws the place of an error in several lines and repeats the document; one line says it.
fn syntax_error(error: parser::Error) -> Refusal {
    match error {
        parser::Error::Syntax { message, start, .. } => {
            let expectation = message.lines().rev().find_map(|line| line.trim_start().strip_prefix("= "));
            let expectation = expectation.unwrap_or("the document cannot be read");
            Refusal::bad_input(format!("Syntax error: {expectation}")).at(start)
        }
        parser::Error::RecursionLimitExceeded => limit("The document is nested too deeply"),
        other => {
            let refusal = Refusal::bad_input(format!("Syntax error: {other}"));
            match other.positions().next() {
                Some(position) => refusal.at(position),
                None => refusal,
            }
        }
    }
}

/// What a selection set adds up to when every spread is replaced by its fragment. Saturates.
#[derive(Clone, Copy, Default)]
struct Cost {
    selections: u32,
    aliases: u32,
    /// Fields on the longest path.
    depth: u32,
    /// Selection sets on the longest path.
    nesting: u32,
    /// Fields of this very set.
    fields: u32,
    /// Lists of the type system on the longest path.
    introspection_lists: u32,
}

impl Cost {
    /// Of two selections beside each other.
    fn and(self, other: Cost) -> Cost {
        Cost {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            fields: self.fields.saturating_add(other.fields),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
        }
    }

    /// Of a fragment with this content.
    fn inside_fragment(self) -> Cost {
        Cost {
            selections: self.selections.saturating_add(1),
            nesting: self.nesting.saturating_add(1),
            ..self
        }
    }
}

/// Measures a document. The memo is what makes it linear.
struct Limits<'a> {
    document: &'a ExecutableDocument,
    /// `None` while the fragment is being measured: to meet it again then means that it spreads itself.
    fragments: HashMap<&'a str, Option<Cost>>,
}

impl<'a> Limits<'a> {
    fn check(document: &'a ExecutableDocument) -> Result<(), Refusal> {
        let mut limits = Limits { document, fragments: HashMap::new() };
        // Also those that no operation uses, for the engine validates all of them.
        for name in document.fragments.keys() {
            limits.fragment(name, 0)?;
        }
        let mut total = Cost::default();
        for (_, operation) in document.operations.iter() {
            let cost = limits.operation(&operation.node, operation.pos)?;
            total = total.and(cost);
            within(total, operation.pos)?;
        }
        Ok(())
    }

    fn operation(&mut self, operation: &'a OperationDefinition, position: Pos) -> Result<Cost, Refusal> {
        check_directives(&operation.directives, position)?;
        if operation.variable_definitions.len() > VARIABLES_MAX {
            return Err(limit(format!("An operation has more than {VARIABLES_MAX} variables")).at(position));
        }
        let cost = self.selection_set(&operation.selection_set, 0)?;
        if cost.fields > ROOT_FIELDS_MAX {
            return Err(
                limit(format!("An operation has more than {ROOT_FIELDS_MAX} root fields")).at(position)
            );
        }
        if operation.ty == OperationType::Subscription {
            check_subscription(&operation.selection_set.node, position)?;
        }
        Ok(cost)
    }

    fn selection_set(&mut self, set: &'a Positioned<SelectionSet>, nesting: u32) -> Result<Cost, Refusal> {
        // On the way down, so that this function's own recursion is bounded, too.
        if nesting > NESTING_MAX {
            return Err(limit(format!(
                "The document has more than {NESTING_MAX} selection sets inside each other"
            ))
            .at(set.pos));
        }
        let mut total = Cost::default();
        for selection in &set.node.items {
            check_directives(selection.node.directives(), selection.pos)?;
            total = total.and(self.selection(&selection.node, nesting)?);
            within(total, selection.pos)?;
        }
        Ok(total)
    }

    fn selection(&mut self, selection: &'a Selection, nesting: u32) -> Result<Cost, Refusal> {
        match selection {
            Selection::Field(field) => {
                let (position, field) = (field.pos, &field.node);
                if field.arguments.len() > ARGUMENTS_MAX {
                    return Err(
                        limit(format!("A field has more than {ARGUMENTS_MAX} arguments")).at(position)
                    );
                }
                let content = self.selection_set(&field.selection_set, nesting + 1)?;
                let name = field.name.node.as_str();
                if matches!(name, "__schema" | "__type")
                    && content.introspection_lists > INTROSPECTION_LISTS_MAX
                {
                    return Err(limit("The introspection goes around in circles").at(position));
                }
                Ok(Cost {
                    selections: content.selections.saturating_add(1),
                    aliases: content.aliases.saturating_add(u32::from(field.alias.is_some())),
                    depth: content.depth.saturating_add(1),
                    nesting: content.nesting.saturating_add(1),
                    fields: 1,
                    introspection_lists: content
                        .introspection_lists
                        .saturating_add(u32::from(INTROSPECTION_LISTS.contains(&name))),
                })
            }
            Selection::FragmentSpread(spread) => {
                Ok(self.fragment(&spread.node.fragment_name.node, nesting + 1)?.inside_fragment())
            }
            Selection::InlineFragment(fragment) => {
                Ok(self.selection_set(&fragment.node.selection_set, nesting + 1)?.inside_fragment())
            }
        }
    }

    fn fragment(&mut self, name: &'a str, nesting: u32) -> Result<Cost, Refusal> {
        // A spread of nothing is reported by the engine.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Cost::default()) };
        match self.fragments.get(name) {
            Some(Some(cost)) => Ok(*cost),
            Some(None) => {
                Err(Refusal::bad_input(format!("The fragment `{name}` spreads itself")).at(fragment.pos))
            }
            None => {
                self.fragments.insert(name, None);
                let cost = self.selection_set(&fragment.node.selection_set, nesting)?;
                self.fragments.insert(name, Some(cost));
                Ok(cost)
            }
        }
    }
}

fn within(cost: Cost, position: Pos) -> Result<(), Refusal> {
    let too_much = if cost.selections > SELECTIONS_MAX {
        format!(
            "The document selects more than {SELECTIONS_MAX} fields, counting fragments where they are spread"
        )
    } else if cost.aliases > ALIASES_MAX {
        format!("The document has more than {ALIASES_MAX} aliases, counting fragments where they are spread")
    } else if cost.depth > DEPTH_MAX {
        format!("The document has fields more than {DEPTH_MAX} deep")
    } else if cost.nesting > NESTING_MAX {
        format!("The document has more than {NESTING_MAX} selection sets inside each other")
    } else {
        return Ok(());
    };
    Err(limit(too_much).at(position))
}

fn check_directives(directives: &[Positioned<Directive>], position: Pos) -> Result<(), Refusal> {
    let too_many = directives.len() > DIRECTIVES_MAX
        || directives.iter().any(|directive| directive.node.arguments.len() > ARGUMENTS_MAX);
    if too_many {
        return Err(
            limit(format!("More than {DIRECTIVES_MAX} directives or arguments in one place")).at(position)
        );
    }
    Ok(())
}

/// A subscription has one root field (the engine would run several), and here it is not in a fragment (the
/// engine would silently run none).
fn check_subscription(set: &SelectionSet, position: Pos) -> Result<(), Refusal> {
    match set.items.as_slice() {
        [Positioned { node: Selection::Field(_), .. }] => Ok(()),
        [_] => Err(Refusal::bad_input(
            "Write the field of a subscription into the operation, not into a fragment",
        )
        .at(position)),
        _ => Err(Refusal::bad_input("A subscription has exactly one field").at(position)),
    }
}

/// The engine reports unknown types of variables, but panics where it meets one in a list with a default.
fn check_variable_types(operation: &OperationDefinition, types: &HashSet<String>) -> Result<(), Refusal> {
    for variable in &operation.variable_definitions {
        let name = base_name(&variable.node.var_type.node);
        if !types.contains(name) {
            return Err(Refusal::bad_input(format!("Unknown type `{name}`")).at(variable.node.var_type.pos));
        }
    }
    Ok(())
}

fn base_name(of: &Type) -> &str {
    // Lists in lists are bounded by BRACKETS_MAX.
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(element) => base_name(element),
    }
}

/// Checks variables as far as that needs no schema: that the required ones are there, and that values of the
/// built-in scalars are such values. The engine reports the rest: before execution where a variable is
/// used as an argument, and during it what only a resolver's type knows.
pub(super) fn check_variables(operation: &OperationDefinition, variables: &Variables) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let (position, definition) = (definition.pos, &definition.node);
        let name = definition.name.node.as_str();
        let value = match (variables.get(name), &definition.default_value) {
            (Some(value), _) => value,
            (None, Some(_)) => continue,
            (None, None) if definition.var_type.node.nullable => continue,
            (None, None) => {
                let message =
                    format!("The variable `${name}` of type `{}` is missing", definition.var_type.node);
                return Err(Refusal::bad_input(message).at(position));
            }
        };
        if !may_be(value, &definition.var_type.node) {
            let message = format!("The variable `${name}` is not a `{}`", definition.var_type.node);
            return Err(Refusal::bad_input(message).at(position));
        }
    }
    Ok(())
}

fn may_be(value: &ConstValue, expected: &Type) -> bool {
    match (value, &expected.base) {
        (ConstValue::Null, _) => expected.nullable,
        (ConstValue::List(elements), BaseType::List(element)) => {
            elements.iter().all(|value| may_be(value, element))
        }
        // One value stands for a list of one.
        (single, BaseType::List(element)) => may_be(single, element),
        (value, BaseType::Named(name)) => match (name.as_str(), value) {
            ("Int", ConstValue::Number(number)) => {
                number.as_i64().is_some_and(|number| i32::try_from(number).is_ok())
            }
            ("ID", ConstValue::Number(number)) => number.is_i64() || number.is_u64(),
            ("Float", ConstValue::Number(_)) => true,
            ("String" | "ID", ConstValue::String(_)) => true,
            ("Boolean", ConstValue::Boolean(_)) => true,
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
            _ => true,
        },
    }
}

/// The argument that says where a subscription begins.
const CURSOR_ARGUMENT: &str = "after";

/// The variables that are the value of an argument of a subscription's field, and occur nowhere else.
fn arguments(document: &ExecutableDocument) -> HashMap<Name, Argument> {
    let mut uses = Uses::default();
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        uses.in_directives(&operation.directives);
        let is_subscription = operation.ty == OperationType::Subscription;
        uses.in_selection_set(&operation.selection_set.node, is_subscription);
    }
    for fragment in document.fragments.values() {
        uses.in_directives(&fragment.node.directives);
        uses.in_selection_set(&fragment.node.selection_set.node, false);
    }
    let Uses { as_cursor, as_other_argument, otherwise } = uses;
    let cursors = as_cursor.difference(&as_other_argument).map(|name| (name, Argument::Cursor));
    let others = as_other_argument.difference(&as_cursor).map(|name| (name, Argument::Other));
    let nothing_else = cursors.chain(others).filter(|(name, _)| !otherwise.contains(*name));
    nothing_else.map(|(name, argument)| (name.clone(), argument)).collect()
}

/// The variables in a value, whose type the engine does not export.
macro_rules! variables_in {
    ($value:expr) => {{
        let mut found = Vec::new();
        let replaced = $value.clone().into_const_with(|name| {
            found.push(name);
            Ok::<_, Infallible>(ConstValue::Null)
        });
        let (Ok(_) | Err(_)) = replaced;
        found
    }};
}

/// Where a document uses variables. Recurses as deep as selection sets and brackets are allowed to be.
#[derive(Default)]
struct Uses {
    as_cursor: HashSet<Name>,
    as_other_argument: HashSet<Name>,
    otherwise: HashSet<Name>,
}

impl Uses {
    fn in_selection_set(&mut self, set: &SelectionSet, is_root_of_subscription: bool) {
        for selection in &set.items {
            self.in_directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    for (name, value) in &field.node.arguments {
                        // The value is the variable itself, not something that holds it.
                        let is_variable = value.node.to_string().starts_with('$');
                        let uses = match (is_root_of_subscription && is_variable, name.node.as_str()) {
                            (true, CURSOR_ARGUMENT) => &mut self.as_cursor,
                            (true, _) => &mut self.as_other_argument,
                            (false, _) => &mut self.otherwise,
                        };
                        uses.extend(variables_in!(&value.node));
                    }
                    self.in_selection_set(&field.node.selection_set.node, false);
                }
                Selection::InlineFragment(fragment) => {
                    self.in_selection_set(&fragment.node.selection_set.node, false);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn in_directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            self.otherwise.extend(variables_in!(&value.node));
        }
    }
}

fn type_names(sdl: &str) -> HashSet<String> {
    let schema = parser::parse_schema(sdl).expect("the engine reads the SDL that it writes");
    let built_in = ["Int", "Float", "String", "Boolean", "ID"].map(str::to_owned);
    let declared = schema.definitions.into_iter().filter_map(|definition| match definition {
        parser::types::TypeSystemDefinition::Type(definition)
            if matches!(
                definition.node.kind,
                TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_)
            ) =>
        {
            Some(definition.node.name.node.to_string())
        }
        _ => None,
    });
    built_in.into_iter().chain(declared).collect()
}

fn limit(message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::LimitExceeded, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_only_arguments_of_a_subscription_are_known() {
        let all = [
            ("subscription($a: Int) { feed(after: $a) { position } }", "Cursor a"),
            ("subscription($a: Int = 3) { feed(after: $a) { position } }", "Cursor a"),
            (
                "subscription A($a: Int) { feed(after: $a) } subscription B($a: Int) { other(after: $a) }",
                "Cursor a",
            ),
            ("subscription($a: Int) { feed(before: $a) { position } }", "Other a"),
            ("subscription($a: Int, $b: ID) { feed(after: $a, to: $b) { position } }", "Cursor a, Other b"),
            ("subscription($a: Int) { feed(after: $a, to: $a) { position } }", ""),
            ("subscription($a: Int) { feed(to: [$a]) { position } }", ""),
            ("subscription($a: Int) { feed(to: $a) { nodes(of: $a) } }", ""),
            ("subscription($a: Int) { feed(after: $a, other: { in: [$a] }) { position } }", ""),
            ("subscription($a: Int) { feed(after: [$a]) { position } }", ""),
            ("subscription($a: Int) { feed(after: $a) { nodes(after: $a) } }", ""),
            ("subscription($a: Int) { feed { nodes(after: $a) } }", ""),
            (
                "subscription($a: Int) { feed(after: $a) { ...F } } fragment F on Feed { nodes(first: $a) }",
                "",
            ),
            ("subscription($a: Int) { feed(after: $a) @include(if: $a) { position } }", ""),
            ("subscription($a: Int) { feed(after: $a) { position @skip(if: $a) } }", ""),
            ("query($a: Int) { feed(after: $a) { position } }", ""),
            ("subscription { feed(after: \"$a\") { position } }", ""),
        ];
        for (query, expected) in all {
            let found = arguments(&parser::parse_query(query).expect("a document"));
            let mut found: Vec<_> =
                found.iter().map(|(name, argument)| format!("{argument:?} {name}")).collect();
            found.sort();
            assert_eq!(found.join(", "), expected, "{query}");
        }
    }
}
