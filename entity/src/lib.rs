//! The rows of the database, and only rows: no behaviour, no relations, no domain types.
//!
//! * Ids are stored as their text, so that people can read the tables: a prefix and 32 hex digits.
//! * Instants are milliseconds since the Unix epoch; columns of instants end in `_at`.
//! * Counters and sequences are 64-bit integers, because that is what both databases have.
//! * What nobody would query is JSON, written as text in both databases.
//!
//! What the columns mean to the router is documented where the router's own types are; how one becomes the other
//! is in the server's `store/rows.rs`, and nowhere else. The tables are created by the crate `migration`.
//!
//! In the order in which rows may be written, so that foreign keys hold:

pub mod lease;

pub mod workspace;

pub mod activity;
pub mod skill;
pub mod task_channel;
pub mod task_queue;
pub mod workflow;

pub mod worker;

pub mod task;

pub mod reservation;

pub mod event_log;

pub mod idempotency_key;
