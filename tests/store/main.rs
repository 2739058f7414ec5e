//! The store against real databases: the same cases on SQLite and on PostgreSQL.

#[path = "../common/database.rs"]
mod database;
mod sample;

mod commit;
mod corrupt;
mod keys;
mod kill;
mod lock;
mod log;
mod open;
mod round_trip;
mod workload;
