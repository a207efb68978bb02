//! Tests of the vocabulary's text forms, through its public face.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod examples;
mod files;
mod kinds;
mod records;
mod schedules;
mod schemas;
mod traces;
