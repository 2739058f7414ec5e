//! Whether the variables of a request surely fit the document's declarations.
//!
//! The engine validates a document together with its variables, which takes longer than a small mutation itself. But
//! a document that was found valid once stays valid; only the variables are new. Where they surely fit by what is
//! said here, the document is executed without being validated again; where there is any doubt, the engine is asked,
//! and it is the engine that words the error.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Value as ConstValue, Variables,
    parser::{
        self,
        types::{BaseType, OperationDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

/// The types that variables may have, as the schema declares them.
pub(super) struct InputTypes(HashMap<Name, InputType>);

enum InputType {
    Scalar,
    Enum(HashSet<Name>),
    /// The fields of an input object.
    Object(HashMap<Name, Field>),
    /// Something with rules of its own.
    Other,
}

struct Field {
    declared: Type,
    may_be_left_out: bool,
}

impl InputTypes {
    /// Of the schema with this SDL.
    pub fn of(sdl: &str) -> InputTypes {
        let schema = parser::parse_schema(sdl).expect("the engine reads the SDL that it writes");
        let types = schema.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(definition) = definition else { return None };
            let has_directives = !definition.node.directives.is_empty();
            let input = match definition.node.kind {
                TypeKind::Scalar => InputType::Scalar,
                TypeKind::Enum(of) => {
                    InputType::Enum(of.values.into_iter().map(|value| value.node.value.node).collect())
                }
                TypeKind::InputObject(_) if has_directives => InputType::Other,
                TypeKind::InputObject(of) => InputType::Object(
                    of.fields
                        .into_iter()
                        .map(|field| {
                            let (declared, default) = (field.node.ty.node, field.node.default_value);
                            let may_be_left_out = declared.nullable || default.is_some();
                            (field.node.name.node, Field { declared, may_be_left_out })
                        })
                        .collect(),
                ),
                TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_) => return None,
            };
            Some((definition.node.name.node, input))
        });
        InputTypes(types.collect())
    }

    /// Do all variables surely fit? That the required ones are there was checked before.
    pub fn surely_fit(&self, operation: &OperationDefinition, variables: &Variables) -> bool {
        operation.variable_definitions.iter().all(|definition| {
            let definition = &definition.node;
            match variables.get(&definition.name.node) {
                Some(value) => self.fits(value, &definition.var_type.node),
                None => true,
            }
        })
    }

    // Neither types nor JSON are nested deeper than their parsers allow.
    fn fits(&self, value: &ConstValue, declared: &Type) -> bool {
        let name = match (value, &declared.base) {
            (ConstValue::Null, _) => return declared.nullable,
            (ConstValue::List(elements), BaseType::List(element)) => {
                return elements.iter().all(|value| self.fits(value, element));
            }
            // One value stands for a list of one.
            (single, BaseType::List(element)) => return self.fits(single, element),
            (_, BaseType::Named(name)) => name,
        };
        match (name.as_str(), self.0.get(name), value) {
            ("Int" | "Float", _, ConstValue::Number(_))
            | ("String" | "ID", _, ConstValue::String(_))
            | ("Boolean", _, ConstValue::Boolean(_))
            | (_, Some(InputType::Scalar), _) => true,
            (_, Some(InputType::Enum(values)), ConstValue::String(value)) => values.contains(value.as_str()),
            (_, Some(InputType::Object(fields)), ConstValue::Object(given)) => {
                let known = |(name, value)| {
                    fields.get(name).is_some_and(|field: &Field| self.fits(value, &field.declared))
                };
                let is_there =
                    |(name, field): (&Name, &Field)| field.may_be_left_out || given.contains_key(name);
                given.iter().all(known) && fields.iter().all(is_there)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDL: &str = "
        scalar JSONObject
        enum Color { RED GREEN }
        input Inner { color: Color! }
        input Outer { name: String!, n: Int = 3, inner: [Inner!], any: JSONObject }
        input Either @oneOf { a: Int, b: Int }
        type Query { field(outer: Outer, either: Either): Int }";

    fn fits(declared: &str, value: serde_json::Value) -> bool {
        let query = format!("query($v: {declared}) {{ field }}");
        let document = parser::parse_query(query).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        let variables = Variables::from_json(serde_json::json!({ "v": value }));
        InputTypes::of(SDL).surely_fit(&operation.node, &variables)
    }

    #[test]
    fn only_what_surely_fits_is_trusted() {
        use serde_json::json;
        for (declared, value) in [
            ("Int", json!(1)),
            ("Int", json!(null)),
            ("[ID!]!", json!(["a"])),
            ("[ID!]!", json!("a")),
            ("Color", json!("RED")),
            ("Outer!", json!({"name": "x"})),
            ("Outer!", json!({"name": "x", "n": 1, "inner": [{"color": "GREEN"}], "any": {"a": []}})),
        ] {
            assert!(fits(declared, value.clone()), "{declared}: {value}");
        }
        for (declared, value) in [
            ("Int!", json!(null)),
            ("Int", json!("1")),
            ("[ID!]!", json!([null])),
            ("[ID!]!", json!([1])),
            ("Color", json!("BLUE")),
            ("Color", json!(1)),
            ("Outer!", json!({})),
            ("Outer!", json!({"name": "x", "surplus": 1})),
            ("Outer!", json!({"name": "x", "inner": [{}]})),
            ("Outer!", json!({"name": "x", "inner": [{"color": null}]})),
            ("Outer!", json!([])),
            ("Either!", json!({"a": 1})),
            ("Unknown", json!(1)),
        ] {
            assert!(!fits(declared, value.clone()), "{declared}: {value}");
        }
    }
}
