//! Bytes to messages: one file or folder per protocol, without any input or output of its own.
//!
//! A [`Codec`] watches both byte streams of one connection and marks, by stream offset, where
//! messages end and what they mean. It never holds, copies or changes a byte, so a tap that
//! forwards what it was given conserves the stream by construction; what a codec cannot read makes
//! the link opaque, and the bytes still pass.

mod codec;
mod file_name;
mod forge;
pub mod http1;
mod marks;
mod opaque;
mod postgres;
pub mod redis;
pub mod registry;
mod repeat;
mod smtp;
pub mod sql;

pub use codec::{Codec, Mark, Meaning, Protocol, REQUEST_BYTES_MAX, Side};
pub use file_name::mask_file_name;
pub use forge::{Errors, Finish, Forgery};
pub use repeat::Part;
