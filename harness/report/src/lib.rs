//! What a person or a program reads: a finished run as terminal text, Markdown and JSON. Pure: data
//! in, text out.
//!
//! Whatever comes from targets and services is hostile here: it passes through [`escape`] before it
//! is laid out.

mod claim;
pub mod codes;
mod covered;
pub mod escape;
pub mod json;
pub mod markdown;
pub mod palette;
pub mod progress;
pub mod registry;
pub mod rows;
pub mod state;
mod table;
pub mod terminal;
pub mod view;
mod why;

pub use palette::Palette;
pub use registry::{FORMATS, Format};
pub use view::{Outcome, RunView, ScenarioView};
