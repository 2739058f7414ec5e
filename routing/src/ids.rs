//! Typed identifiers, all declared in one list.
//!
//! An id is 128 bits, written as a two-letter prefix and 32 hex digits, in the layout of a UUIDv7:
//!
//! ```text
//!  48 bits           4      12         2      30         32
//!  milliseconds   version  ─┐       variant  ─┐      tag of the Workspace
//!                           └── 42 free bits ─┘
//! ```
//!
//! * Ids sort by age, because they begin with their time.
//! * An id alone leads to its Workspace: the lowest 32 bits are the Workspace's tag.
//! * The free bits are random where the id is minted at the edge ([`Id::minted`]), and the sequence of the
//!   causing event where the core makes the id itself ([`Id::derived`]), so that the core needs no randomness.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// The 32 bits that all ids of one Workspace have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WorkspaceTag(pub u32);

/// What all typed ids can do.
pub trait Id: Copy + Ord + fmt::Debug + fmt::Display + FromStr<Err = InvalidId> {
    /// The two letters before the digits.
    const PREFIX: &'static str;
    /// What the id names, for messages: `Task`, `Worker`, …
    const KIND: &'static str;

    /// The id with exactly these bits.
    fn from_bits(bits: u128) -> Self;

    /// All 128 bits.
    fn bits(self) -> u128;

    /// The tag of the Workspace that the object belongs to.
    fn workspace_tag(self) -> WorkspaceTag {
        WorkspaceTag(self.bits() as u32)
    }

    /// An id for something that a caller creates now. Only the lowest 42 bits of `random` are used.
    fn minted(at: Timestamp, random: u64, tag: WorkspaceTag) -> Self {
        Self::from_bits(layout(at, random, tag))
    }

    /// The id of something that the core creates, from the sequence of the event that creates it.
    fn derived(at: Timestamp, sequence: u64, tag: WorkspaceTag) -> Self {
        Self::from_bits(layout(at, sequence, tag))
    }
}

/// Where the 42 free bits lie: 12 below the version, 30 below the variant.
const FREE_HIGH_SHIFT: u32 = 64;
const FREE_LOW_SHIFT: u32 = 32;
const FREE_LOW_BITS: u32 = 30;
const FREE_MASK: u128 = (0xFFF << FREE_HIGH_SHIFT) | (((1 << FREE_LOW_BITS) - 1) << FREE_LOW_SHIFT);

fn layout(at: Timestamp, free: u64, tag: WorkspaceTag) -> u128 {
    let milliseconds = (at.0.max(0) as u128) & 0xFFFF_FFFF_FFFF;
    let high = u128::from(free >> FREE_LOW_BITS) & 0xFFF;
    let low = u128::from(free) & ((1 << FREE_LOW_BITS) - 1);
    (milliseconds << 80)
        | (7 << 76)
        | (high << FREE_HIGH_SHIFT)
        | (0b10 << 62)
        | (low << FREE_LOW_SHIFT)
        | u128::from(tag.0)
}

/// The text is not an id of the kind that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not the id of a {kind}: expected {prefix} and 32 hex digits")]
pub struct InvalidId {
    /// What the id should have named.
    pub kind: &'static str,
    /// The prefix that it should have had.
    pub prefix: &'static str,
}

// Two words, and not one of 128 bits, which would be aligned to 16 bytes: with half a million Tasks, padding counts.
macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident $prefix:literal $kind:literal,)*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name {
                high: u64,
                low: u64,
            }

            impl Id for $name {
                const PREFIX: &'static str = $prefix;
                const KIND: &'static str = $kind;
                fn from_bits(bits: u128) -> Self { $name { high: (bits >> 64) as u64, low: bits as u64 } }
                fn bits(self) -> u128 { u128::from(self.high) << 64 | u128::from(self.low) }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(Text::of($prefix, self.bits()).as_str())
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    fmt::Display::fmt(self, f)
                }
            }

            impl FromStr for $name {
                type Err = InvalidId;
                fn from_str(text: &str) -> Result<Self, InvalidId> {
                    parse($prefix, text).map(Self::from_bits).ok_or(InvalidId { kind: $kind, prefix: $prefix })
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(Text::of($prefix, self.bits()).as_str())
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                }
            }
        )*

        /// An id of any kind, told apart by its prefix.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[allow(missing_docs)] // The variants are the ids above.
        pub enum AnyId { $($name($name),)* }

        impl AnyId {
            /// The tag of the Workspace that the object belongs to.
            #[must_use]
            pub fn workspace_tag(self) -> WorkspaceTag {
                match self { $(AnyId::$name(id) => id.workspace_tag(),)* }
            }
        }

        impl FromStr for AnyId {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let invalid = InvalidId { kind: "object of Switchyard", prefix: "a two-letter prefix" };
                match text.get(..2) {
                    $(Some($prefix) => text.parse().map(AnyId::$name).map_err(|_| invalid),)*
                    _ => Err(invalid),
                }
            }
        }
    };
}

ids! {
    /// A Workspace: everything else belongs to one.
    WorkspaceId "WS" "Workspace",
    /// An Activity.
    ActivityId "WA" "Activity",
    /// A Worker.
    WorkerId "WK" "Worker",
    /// What one Worker can take of one Task Channel; see [`WorkerChannelId::of`].
    WorkerChannelId "WC" "worker channel",
    /// A Task Channel.
    TaskChannelId "TC" "Task Channel",
    /// A TaskQueue.
    TaskQueueId "WQ" "TaskQueue",
    /// A Workflow.
    WorkflowId "WW" "Workflow",
    /// A Task.
    TaskId "WT" "Task",
    /// A Reservation.
    ReservationId "WR" "Reservation",
    /// The hand-over of a Task from one Worker to another.
    TaskTransferId "TT" "Task transfer",
    /// A Skill.
    SkillId "SK" "Skill",
    /// An Event; see [`EventId::sequence`].
    EventId "EV" "Event",
}

impl WorkerChannelId {
    /// The id follows from the pair: the Worker's id with the free bits of the Task Channel's mixed in. Mixing
    /// twice gives the Worker back, which is how [`WorkerChannelId::worker`] finds it.
    #[must_use]
    pub fn of(worker: WorkerId, channel: TaskChannelId) -> WorkerChannelId {
        WorkerChannelId::from_bits(worker.bits() ^ (channel.bits() & FREE_MASK))
    }

    /// The Worker, if this is the id of its channel `channel`.
    #[must_use]
    pub fn worker(self, channel: TaskChannelId) -> WorkerId {
        WorkerId::from_bits(self.bits() ^ (channel.bits() & FREE_MASK))
    }
}

impl EventId {
    /// The position in the Workspace's log.
    #[must_use]
    pub fn sequence(self) -> u64 {
        free_bits(self.bits())
    }
}

impl ReservationId {
    /// The position of its `reservation.created` in the Workspace's log.
    #[must_use]
    pub fn sequence(self) -> u64 {
        free_bits(self.bits())
    }
}

impl TaskTransferId {
    /// The position of its `task.transfer-initiated` in the Workspace's log.
    #[must_use]
    pub fn sequence(self) -> u64 {
        free_bits(self.bits())
    }
}

fn free_bits(id: u128) -> u64 {
    let high = (id >> FREE_HIGH_SHIFT) as u64 & 0xFFF;
    let low = (id >> FREE_LOW_SHIFT) as u64 & ((1 << FREE_LOW_BITS) - 1);
    (high << FREE_LOW_BITS) | low
}

/// The text of an id. Ids are the larger part of all that is written, so they do not go through the formatter.
struct Text([u8; Text::BYTES]);

impl Text {
    const BYTES: usize = 34;

    fn of(prefix: &str, bits: u128) -> Text {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Text::BYTES];
        let (letters, digits) = bytes.split_at_mut(2);
        letters.copy_from_slice(prefix.as_bytes());
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bits.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xF)];
        }
        Text(bytes)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("letters and digits")
    }
}

fn parse(prefix: &str, text: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?;
    // `from_str_radix` would also take a sign and capitals; an id has one spelling only.
    let well_formed = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if well_formed { u128::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_767_607_800_000);
    const TAG: WorkspaceTag = WorkspaceTag(0xDEAD_BEEF);

    #[test]
    fn an_id_is_read_back_from_its_text_and_from_no_other() {
        let id = TaskId::minted(AT, 0x2AA_1234_5678, TAG);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse(), Ok(AnyId::TaskId(id)));
        for wrong in [
            "",
            "WT",
            "WTé",
            &id.to_string()[..33],
            &id.to_string().to_uppercase(),
            &id.to_string().replace("WT", "WK"),
        ] {
            assert!(wrong.parse::<TaskId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_id_has_the_layout_of_a_uuid_of_version_7_and_names_its_workspace() {
        let id = TaskId::minted(AT, u64::MAX, TAG);
        assert_eq!((id.bits() >> 76) & 0xF, 7);
        assert_eq!((id.bits() >> 62) & 0b11, 0b10);
        assert_eq!(id.workspace_tag(), TAG);
    }

    #[test]
    fn the_sequence_of_an_event_is_in_its_id() {
        for sequence in [1, 2, (1 << 30) - 1, 1 << 30, (1 << 42) - 1] {
            assert_eq!(EventId::derived(AT, sequence, TAG).sequence(), sequence);
        }
    }

    #[test]
    fn a_worker_channel_leads_back_to_its_worker() {
        let worker = WorkerId::minted(AT, 77, TAG);
        let channel = TaskChannelId::minted(AT, 99, TAG);
        assert_eq!(WorkerChannelId::of(worker, channel).worker(channel), worker);
        assert_eq!(WorkerChannelId::of(worker, channel).workspace_tag(), TAG);
    }
}
