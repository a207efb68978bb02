//! The control messages between the lab and the shim, and how they travel with descriptors.
//!
//! One datagram is one message; its first byte is the version. The shim shares its machine with a
//! process that may do anything, so every field is bounded and checked on both sides.
#![expect(unsafe_code, reason = "descriptors cross the link by raw system calls")]

mod bytes;
pub mod command;
pub mod file_call;
pub mod link;
pub mod report;

pub use bytes::Malformed;
pub use command::{Command, Dial, Folder, Host, Launch, Occupant, Place, Setup};
pub use file_call::{FileCall, Gate, Lock, LockMode, Tapped, Verb, Verdict};
pub use report::{Report, Task};

/// Version of the messages; lab and shim are built together, so any other is an error.
pub const VERSION: u8 = 1;

/// Most bytes in a message.
pub const MESSAGE_MAX: usize = 128 * 1024;

/// Most bytes in a text field: the kernel's own bound of one argument.
pub const TEXT_MAX: usize = 128 * 1024;

/// Most items in a list field.
pub const ITEMS_MAX: usize = 4096;

/// Most descriptors in a message: the diagnosis socket and the listeners.
pub const FDS_MAX: usize = 64;

/// Most tasks in one sample.
pub const TASKS_MAX: usize = 1024;

/// Most names of processes left over in one report.
pub const NAMES_MAX: usize = 64;
