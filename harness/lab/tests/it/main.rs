//! Integration tests of the lab, in one binary.

mod sandbox;
mod service_all;
mod service_files;
mod service_kit;
mod service_postgres;
mod service_smtp;
