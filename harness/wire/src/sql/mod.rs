//! SQL as text: what masks and effects need of it, never a parse tree.
//!
//! A grammar would be larger, slower and, on a dialect that it does not know, silent; tokens always
//! come out.

mod effect;
mod mask;
mod names;
mod token;

pub use effect::Effect;
pub use mask::{MASK_BYTES_MAX, mask};
pub(crate) use mask::{cut, printable};
pub use token::{Kind, Token, Tokens};
