//! PostgreSQL: all user tables and the schema, hashed in the server; rows are fetched only where a
//! hash is new.

pub(crate) mod capture;
pub(crate) mod catalogue;
pub(crate) mod copy_text;
pub(crate) mod decoded;
pub(crate) mod detect;
