//! Integration tests of the control messages, in one binary.

mod messages;
