//! The API, through real server processes, HTTP and WebSockets, on SQLite and PostgreSQL.
//!
//! Waits are for values, with a deadline; nothing sleeps.

#[path = "../common/database.rs"]
mod database;

mod contact_centre;
mod server;
mod socket;

mod durability;
mod errors;
mod explanation;
mod isolation;
mod main_job;
mod resources;
mod shared;
mod skills;
mod transfers;
