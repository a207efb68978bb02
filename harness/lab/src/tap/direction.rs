//! One direction of a gated or pumped link.

use crate::tap::buffer::Buffer;
use std::collections::VecDeque;
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::Mark;

/// One direction of a link.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pub(super) buffer: Buffer,
    pub(super) marks: VecDeque<Mark>,
    pub(super) ended: Option<LinkEnd>,
    /// Whether the end was passed on.
    pub(super) shut: bool,
}
