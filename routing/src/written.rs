//! Events as they are written into the log: JSON, in which each object is written once.
//!
//! An event holds whole objects. The events of one command show the same Task again and again, mostly the very same
//! one, and nearly always with the same attributes. So, within one text, an object (or attributes) that came before is
//! written as a number: the first one is 0, the next one 1, and so on. Each kind of object counts by itself.
//!
//! ```text
//! [{"sequence":7,…,"event":{"TaskCreated":{"task":{"id":"WT…","attributes":{"language":"es"},…}}}},
//!  {"sequence":8,…,"event":{"WorkflowEntered":{"task":0}}},
//!  {"sequence":9,…,"event":{"WorkflowTargetMatched":{"task":{"id":"WT…","attributes":0,…}}}}]
//! ```
//!
//! What is nothing (no TaskQueue, no cool-downs) is left out.
//!
//! What has been written so far is known to the thread while it writes or reads one text: the objects are written by
//! code that serde generates, which hands nothing down.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::event::Recorded;

/// The events as one text.
#[must_use]
pub fn write(events: &[Recorded]) -> String {
    let _text = Text::begin();
    serde_json::to_string(events).expect("what the core keeps can be written as JSON")
}

/// The events of a text.
pub fn read(text: &str) -> Result<Vec<Recorded>, serde_json::Error> {
    let _text = Text::begin();
    serde_json::from_str(text)
}

thread_local! {
    static TEXT: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

/// What the text that is being written or read has shown so far.
#[derive(Default)]
struct Seen {
    /// By address: nothing moves or is freed while a text is written. With the type, since an object and its first
    /// field have one address.
    written: BTreeMap<(std::any::TypeId, usize), u32>,
    n_written: BTreeMap<std::any::TypeId, u32>,
    read: BTreeMap<std::any::TypeId, Vec<Box<dyn Any>>>,
}

/// As long as it lives, a text is being written or read.
struct Text;

impl Text {
    fn begin() -> Text {
        TEXT.set(Some(Seen::default()));
        Text
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        TEXT.set(None);
    }
}

/// The number of an object that this text has shown before. From now on it has.
pub(crate) fn number_of<T: ?Sized + 'static>(object: *const T) -> Option<u32> {
    TEXT.with_borrow_mut(|seen| {
        let (seen, kind) = (seen.as_mut()?, std::any::TypeId::of::<T>());
        match seen.written.entry((kind, object.addr())) {
            std::collections::btree_map::Entry::Occupied(number) => Some(*number.get()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let next = seen.n_written.entry(kind).or_default();
                place.insert(*next);
                *next += 1;
                None
            }
        }
    })
}

/// The object with this number.
pub(crate) fn numbered<T: Clone + 'static>(number: u32) -> Option<T> {
    TEXT.with_borrow(|seen| {
        let read = seen.as_ref()?.read.get(&std::any::TypeId::of::<T>())?;
        read.get(number as usize)?.downcast_ref().cloned()
    })
}

/// Remembers an object that was read whole.
pub(crate) fn note<T: 'static>(object: T) {
    TEXT.with_borrow_mut(|seen| {
        if let Some(seen) = seen {
            seen.read.entry(std::any::TypeId::of::<T>()).or_default().push(Box::new(object));
        }
    });
}

/// Writes objects of this type once in a text. The type derives both traits with `#[serde(remote = "Self")]`.
macro_rules! written_once {
    ($object:ident) => {
        impl serde::Serialize for $object {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match $crate::written::number_of(std::ptr::from_ref(self)) {
                    Some(number) => serializer.serialize_u32(number),
                    None => $object::serialize(self, serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct WholeOrNumber;

                impl<'de> serde::de::Visitor<'de> for WholeOrNumber {
                    type Value = $object;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!(
                            "a ",
                            stringify!($object),
                            ", or the number of one that came before"
                        ))
                    }

                    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<$object, E> {
                        let number = u32::try_from(number).ok();
                        number
                            .and_then($crate::written::numbered)
                            .ok_or_else(|| E::custom(concat!("no ", stringify!($object), " has this number")))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<$object, A::Error> {
                        let object = $object::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                        $crate::written::note(object.clone());
                        Ok(object)
                    }
                }

                deserializer.deserialize_any(WholeOrNumber)
            }
        }
    };
}
pub(crate) use written_once;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Attributes;
    use crate::event::{Actor, Event};
    use crate::ids::{Id, WorkspaceId, WorkspaceTag};
    use crate::limits::Limits;
    use crate::router::Router;
    use crate::state::Worker;
    use crate::time::Timestamp;

    fn worker_events() -> Vec<Recorded> {
        let at = Timestamp(1_767_607_800_000);
        let id = WorkspaceId::minted(at, 1, WorkspaceTag(7));
        let router = Router::found(id, "Centre".to_owned(), Limits::default(), at);
        let state = router.state();
        let attributes = Attributes::of(&serde_json::json!({"language": "es"})).expect("an object");
        let worker = Arc::new(Worker {
            id: Id::minted(at, 2, WorkspaceTag(7)),
            name: "Ann".to_owned(),
            attributes,
            activity: state.workspace.default_activity,
            activity_changed_at: at,
            channels: Vec::new(),
            last_reserved: None,
            version: 1,
            created_at: at,
            updated_at: at,
            deleted_at: None,
        });
        let renamed = Arc::new(Worker { name: "Anna".to_owned(), ..(*worker).clone() });
        [
            Event::WorkerCreated { worker: Arc::clone(&worker) },
            Event::WorkerUpdated { worker: Arc::clone(&worker) },
            Event::WorkerUpdated { worker: renamed },
            Event::WorkerAttributesUpdate { worker },
        ]
        .into_iter()
        .zip(1..)
        .map(|(event, sequence)| Recorded { sequence, at, actor: Actor::System, event })
        .collect()
    }

    #[test]
    fn an_object_and_attributes_are_written_once_in_a_text_and_read_back_everywhere() {
        let events = worker_events();
        let text = write(&events);
        assert_eq!(read(&text).expect("it was just written"), events);
        assert_eq!(text.matches(r#""language":"es""#).count(), 1, "{text}");
        assert_eq!(text.matches(r#""name":"Ann""#).count(), 1, "{text}");
        assert_eq!(text.matches(r#""worker":0"#).count(), 2, "{text}");
        // Each text begins anew.
        assert_eq!(write(&events[2..3]).matches(r#""language":"es""#).count(), 1);
        // Outside of one, everything is written whole.
        assert!(!serde_json::to_string(&events).expect("JSON").contains(r#""worker":0"#));
    }

    #[test]
    fn a_number_that_nothing_has_is_an_error() {
        let text = write(&worker_events()).replace(r#""worker":0"#, r#""worker":9"#);
        assert!(read(&text).expect_err("there are two").to_string().contains("number"));
        let text = write(&worker_events()).replace(r#""attributes":0"#, r#""attributes":9"#);
        assert!(read(&text).is_err());
    }
}
