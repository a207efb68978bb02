//! JSON Schema of the files that people write, derived from the registries.
