//! How a tap lets go of one side, or of both.

use super::Tap;
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::Side;

impl Tap {
    /// Ends the link for an instance that is dead.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
        self.stranded = false;
        self.detached = false;
        self.ungate();
        self.up.buffer.cut();
        self.up.ended.get_or_insert(LinkEnd::Fin);
    }

    /// Holds nothing any more, and reads nothing.
    pub(super) fn ungate(&mut self) {
        self.gate = false;
        self.codec = None;
        self.up.marks.clear();
        self.down.marks.clear();
        self.down.buffer.permit(u64::MAX);
    }

    /// Ends the service's side alone.
    pub(super) fn detach(&mut self) {
        let had_ended = self.up.ended;
        self.abandon();
        self.up.ended = had_ended;
        self.up.buffer.cut_all();
        self.up.shut = true;
        self.detached = true;
        self.service.shut_write();
    }

    /// Handles a side that takes no more bytes: what waits for it has nowhere to go.
    pub(super) fn lose(&mut self, side: Side) {
        let direction = match side {
            Side::Instance => &mut self.down,
            Side::Service => &mut self.up,
        };
        let waiting = direction.buffer.len();
        direction.buffer.advance(waiting);
        direction.marks.clear();
        self.end(side, LinkEnd::Reset);
    }
}
