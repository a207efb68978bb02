//! Integration tests of the lab, in one binary.

mod sandbox;
