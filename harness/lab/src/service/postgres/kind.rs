//! What files can say of a PostgreSQL.

use super::server;
use twiceproof_model::kind::{Key, KeyType, Kind};

pub(super) const KIND: Kind = Kind {
    name: "postgres",
    doc: "PostgreSQL 14 or later: a private server per cell, started from installed binaries or from an image.",
    keys: &[
        Key {
            name: "database",
            value: KeyType::Text,
            required: false,
            default: "app",
            doc: "The database that is made, seeded and compared.",
        },
        Key {
            name: "user",
            value: KeyType::Text,
            required: false,
            default: "app",
            doc: "Superuser and owner of the database; logs in with any password or none.",
        },
        Key {
            name: "bin",
            value: KeyType::Path,
            required: false,
            default: "",
            doc: "Folder of `postgres`, `initdb` and `psql`; else PATH, `pg_config --bindir` and the usual folders.",
        },
    ],
    port: Some(server::PORT),
};
