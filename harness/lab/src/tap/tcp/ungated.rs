//! Links that are not gated: bytes pass as they come.

use super::Tap;
use twiceproof_wire::{Mark, Meaning, Side};

impl Tap {
    /// Passes bytes of a link that is not gated: straight to the other socket where its queue is
    /// empty and no rule shapes them.
    pub(super) fn pass(&mut self, side: Side, bytes: &[u8]) {
        let (direction, to) = match side {
            Side::Instance => (&mut self.up, &self.service),
            Side::Service => (&mut self.down, &self.instance),
        };
        let mut sent = 0;
        let is_free = direction.buffer.len() == 0 && direction.shapes.is_empty();
        if is_free && self.answers.len() == 0 {
            sent = to.try_write(bytes).unwrap_or(0);
            direction.buffer.skip(sent);
        }
        direction.buffer.push(&bytes[sent..]);
        direction.buffer.permit(u64::MAX);
    }

    /// Takes the pieces that the codec answers itself out of the instance's bytes.
    pub(super) fn swallow(&mut self, marks: &[Mark]) {
        let mut kept = Vec::new();
        let mut begin = self.up.buffer.begin();
        let waiting = self.up.buffer.to_vec();
        let mut rest = waiting.as_slice();
        for mark in marks {
            let length = usize::try_from(mark.end.saturating_sub(begin))
                .unwrap_or(0)
                .min(rest.len());
            let (piece, behind) = rest.split_at(length);
            match mark.meaning {
                Meaning::Answer(bytes) => self.answer(bytes),
                _ => {
                    self.is_begun = true;
                    kept.extend_from_slice(piece);
                }
            }
            (rest, begin) = (behind, mark.end);
        }
        kept.extend_from_slice(rest);
        self.up.buffer.replace(&kept);
        if self.is_begun {
            self.up.buffer.permit(u64::MAX);
        }
    }
}
