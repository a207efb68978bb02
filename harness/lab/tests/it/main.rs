//! Integration tests of the lab, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sandbox;
mod service_all;
mod service_files;
mod service_http;
mod service_kit;
mod service_postgres;
mod service_redis;
mod service_smtp;
mod tap;
mod trial;
