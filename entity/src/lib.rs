//! Rows of the database.
