//! Every protocol. A new one is a file beside this one, its `mod` line in `lib.rs`, and a line
//! here.

use crate::Protocol;

/// The protocols, in the order in which the reference lists them.
pub const PROTOCOLS: &[&dyn Protocol] = &[
    &crate::postgres::Postgres,
    &crate::redis::Redis,
    &crate::smtp::Smtp,
    &crate::http1::Http1,
    &crate::opaque::Opaque,
];

/// Returns the protocol with this name.
pub fn find(name: &str) -> Option<&'static dyn Protocol> {
    PROTOCOLS
        .iter()
        .copied()
        .find(|protocol| protocol.name() == name)
}
