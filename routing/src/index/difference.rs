//! What has changed between two values of an attribute, where few words say it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::expression::Number;

/// The texts that only one of two lists has.
#[derive(PartialEq, Debug)]
pub(super) struct Texts<'a> {
    /// Those of the former list.
    pub(super) gone: Vec<&'a str>,
    /// Those of the present one.
    pub(super) come: Vec<&'a str>,
}

/// `None` unless both are lists that differ in nothing but texts. A text that is a number does not count as one here:
/// it compares with numbers, too.
pub(super) fn in_texts<'a>(old: Option<&'a Value>, new: Option<&'a Value>) -> Option<Texts<'a>> {
    let (old, new) = (old?.as_array()?, new?.as_array()?);
    let others = |list: &'a [Value]| list.iter().filter(|element| text(element).is_none());
    if !others(old).eq(others(new)) {
        return None;
    }
    let texts = |list: &'a [Value]| list.iter().filter_map(text).collect::<BTreeSet<&str>>();
    let (old, new) = (texts(old), texts(new));
    Some(Texts {
        gone: old.difference(&new).copied().collect(),
        come: new.difference(&old).copied().collect(),
    })
}

fn text(element: &Value) -> Option<&str> {
    element.as_str().filter(|text| Number::parse(text).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_that_differ_in_texts_are_told_apart_by_these() {
        let difference = |old: Value, new: Value| {
            let texts = |texts: Vec<&str>| texts.join(" ");
            in_texts(Some(&old), Some(&new)).map(|found| (texts(found.gone), texts(found.come)))
        };
        let told = |gone: &str, come: &str| Some((gone.to_owned(), come.to_owned()));
        assert_eq!(difference(json!(["a", "b"]), json!(["c", "b"])), told("a", "c"));
        assert_eq!(difference(json!(["a", "b", "a"]), json!(["b", "a"])), told("", ""));
        assert_eq!(difference(json!(["a", 1, null, "2"]), json!([1, "b", null, "2"])), told("a", "b"));
        assert_eq!(difference(json!([]), json!(["A", "a"])), told("", "A a"));
        for (old, new) in [
            (json!(["a", 1]), json!(["a", 2])),
            (json!(["a", "1"]), json!(["a"])),
            (json!(["a", ["b"]]), json!(["a", ["c"]])),
            (json!("a"), json!(["a"])),
            (json!({ "a": 1 }), json!(["a"])),
        ] {
            assert_eq!(difference(old.clone(), new.clone()), None, "{old} {new}");
        }
        assert_eq!(in_texts(None, Some(&json!(["a"]))), None);
    }
}
