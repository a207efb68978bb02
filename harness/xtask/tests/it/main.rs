//! What the repository demands of itself.

mod dependencies;
mod edges;
mod repository;
mod tidy;
