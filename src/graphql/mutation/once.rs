//! Idempotency keys: how the repeat of a request is recognised.

use async_graphql::{Context, Value};
use sha2::{Digest, Sha256};

use crate::caller::Once;
use crate::graphql::error::{Error, Result};

/// The longest key. A UUID has 36 characters; a key is stored for a day.
const KEY_BYTES_MAX: usize = 255;

/// How a repeat of the request of this field is recognised, if the client gave a key.
pub fn once(ctx: &Context<'_>, key: Option<String>) -> Result<Option<Once>> {
    let Some(key) = key else { return Ok(None) };
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        let message = format!("a key has 1 to {KEY_BYTES_MAX} bytes");
        return Err(Error::bad_input("idempotencyKey", message));
    }
    let arguments = ctx.field().arguments();
    let arguments = arguments.map_err(|_| Error::internal("arguments that were coerced cannot be read"))?;
    let mut hasher = Sha256::new();
    for (name, value) in &arguments {
        hash(&mut hasher, name.as_str().into());
        hash(&mut hasher, value.into());
    }
    let (mutation, fingerprint) = (ctx.field().name().to_owned(), hasher.finalize().into());
    Ok(Some(Once { key, mutation, part: 0, fingerprint }))
}

/// A value, or the name of one, to be hashed.
enum Part<'a> {
    Text(&'a str),
    Value(&'a Value),
}

impl<'a> From<&'a str> for Part<'a> {
    fn from(text: &'a str) -> Part<'a> {
        Part::Text(text)
    }
}

impl<'a> From<&'a Value> for Part<'a> {
    fn from(value: &'a Value) -> Part<'a> {
        Part::Value(value)
    }
}

/// What the client sent, in one form: the order of the fields of an object does not matter, nor whether an enum
/// came as a literal or in a variable. A field that is null and a field that is left out are not the same.
fn hash(hasher: &mut Sha256, part: Part<'_>) {
    match part {
        Part::Text(text) => frame(hasher, b't', text.as_bytes()),
        Part::Value(Value::Null) => frame(hasher, b'0', &[]),
        Part::Value(Value::Boolean(value)) => frame(hasher, b'b', &[u8::from(*value)]),
        Part::Value(Value::Number(number)) => frame(hasher, b'n', number.to_string().as_bytes()),
        Part::Value(Value::String(text)) => frame(hasher, b't', text.as_bytes()),
        Part::Value(Value::Enum(name)) => frame(hasher, b't', name.as_bytes()),
        Part::Value(Value::Binary(bytes)) => frame(hasher, b'x', bytes),
        Part::Value(Value::List(values)) => {
            frame(hasher, b'l', &values.len().to_be_bytes());
            for value in values {
                hash(hasher, value.into());
            }
        }
        Part::Value(Value::Object(fields)) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            frame(hasher, b'o', &fields.len().to_be_bytes());
            for (name, value) in fields {
                hash(hasher, name.as_str().into());
                hash(hasher, value.into());
            }
        }
    }
}

/// With kind and length before it, so that no two values make the same bytes.
fn frame(hasher: &mut Sha256, kind: u8, bytes: &[u8]) {
    hasher.update([kind]);
    hasher.update(bytes.len().to_be_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(json: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hash(&mut hasher, (&serde_json::from_str::<Value>(json).unwrap()).into());
        hasher.finalize().into()
    }

    #[test]
    fn the_same_input_in_another_order_is_the_same_and_any_other_is_not() {
        assert_eq!(
            digest(r#"{"a":1,"b":{"c":[true],"d":"x"}}"#),
            digest(r#"{"b":{"d":"x","c":[true]},"a":1}"#)
        );
        let different = [
            r#"{}"#,
            r#"{"a":null}"#,
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":[1]}"#,
            r#"{"a":[]}"#,
            r#"{"a":[[],1]}"#,
            r#"{"a":[1,1]}"#,
            r#"{"a":1,"b":1}"#,
            r#"["a",1]"#,
            r#"{"a":true}"#,
        ];
        let digests: std::collections::BTreeSet<_> = different.iter().map(|json| digest(json)).collect();
        assert_eq!(digests.len(), different.len());
    }
}
