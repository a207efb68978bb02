//! How bytes and ends leave a tap: as permits allow, and as the rules in force shape them.

use super::Tap;
use crate::tap::direction::{Direction, Waits};
use crate::tap::rules::{Lane, LinkRules};
use crate::tap::talk::TapEvent;
use std::time::Instant;
use twiceproof_model::digest::Digest;
use twiceproof_model::event::LinkEnd;
use twiceproof_wire::Side;

impl Tap {
    /// Writes what may be written, and passes ends on.
    pub(super) fn flush(&mut self) {
        let (instance, service) = (&self.instance, &self.service);
        if self.abandoned {
            let waiting = self.down.buffer.len();
            self.down.buffer.advance(waiting);
        }
        let mut down = self
            .answers
            .drain_into(|bytes| instance.try_write(bytes))
            .map(|_| None);
        if down.is_ok() && self.answers.len() == 0 {
            down = self.down.drain(|bytes| instance.try_write(bytes));
        }
        let mut up = self
            .instead
            .drain_into(|bytes| service.try_write(bytes))
            .map(|_| None);
        if up.is_ok() && self.instead.len() == 0 {
            up = self.up.drain(|bytes| service.try_write(bytes));
        }
        if let (Ok(Some(how)), _) | (_, Ok(Some(how))) = (&down, &up) {
            let how = *how;
            self.cut(how);
        }
        if down.is_err() {
            self.lose(Side::Instance);
        }
        if up.is_err() {
            self.lose(Side::Service);
        }
        let is_up_over = self.up.is_drained() && !self.stranded;
        if let (Some(how), false, true) = (self.up.ended, self.up.shut, is_up_over) {
            self.up.shut = true;
            if how == LinkEnd::Reset {
                // A reset ends both directions at once.
                self.service.close_as(how);
                self.down.shut = true;
            } else {
                self.service.shut_write();
            }
        }
        let is_down_over = self.down.is_drained() && !self.detached;
        if let (Some(how), false, true) = (self.down.ended, self.down.shut, is_down_over) {
            self.down.shut = true;
            if how == LinkEnd::Reset {
                self.instance.close_as(how);
                self.up.shut = true;
            } else {
                self.instance.shut_write();
            }
        }
        self.tell_delay();
    }

    /// Tells when bytes begin and cease to wait for a time of their own.
    fn tell_delay(&mut self) {
        let is_delayed = self.due().is_some();
        if self.is_delayed != is_delayed {
            self.is_delayed = is_delayed;
            (self.tell)(TapEvent::Delayed(is_delayed));
        }
    }

    /// Returns when bytes that wait for a time of their own may go.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = |direction: &Direction| match direction.waits {
            Waits::Time(due) => Some(due),
            _ => None,
        };
        match (due(&self.up), due(&self.down)) {
            (Some(up), Some(down)) => Some(up.min(down)),
            (up, down) => up.or(down),
        }
    }

    /// Ends the link to the instance, and the one to the service in order: what the service still
    /// says is read and thrown away until it ends its side too.
    pub(super) fn cut(&mut self, how: LinkEnd) {
        self.instance.cut(how);
        self.abandon();
        self.up.buffer.cut_all();
        self.answers.cut_all();
        self.instead.cut_all();
        self.up.shapes.clear();
        self.down.shapes.clear();
        (self.tell)(TapEvent::Cut);
    }

    /// Reads the table of rules again: shapes of new rules begin here, those of healed ones end.
    pub(super) fn heed_rules(&mut self, reader: &mut LinkRules) {
        let rules = std::sync::Arc::clone(&reader.table.borrow_and_update());
        let mut ends = None;
        for (side, direction) in [
            (Side::Instance, &mut self.up),
            (Side::Service, &mut self.down),
        ] {
            direction.shapes.retain_mut(|(rule, shape)| {
                let stays = rules.iter().any(|one| std::sync::Arc::ptr_eq(one, rule));
                if !stays {
                    ends = ends.or(shape.heal());
                }
                stays
            });
            for rule in rules.iter().filter(|rule| rule.is_about(&reader.link)) {
                let is_side = rule.from.is_none_or(|from| from == side);
                let has = |(one, _): &(_, _)| std::sync::Arc::ptr_eq(one, rule);
                if !is_side || direction.shapes.iter().any(has) {
                    continue;
                }
                let text = format!("{} {} {side:?} {}", rule.seed, reader.link, rule.fault);
                let digest = Digest::of(text.as_bytes()).to_string();
                let lane = Lane {
                    from: side,
                    at: direction.buffer.begin(),
                    seed: u64::from_str_radix(&digest[..16], 16).unwrap_or(rule.seed),
                };
                let shape = (rule.make)(lane).map(|shape| (rule.clone(), shape));
                direction.shapes.extend(shape);
            }
        }
        if let Some(how) = ends {
            self.cut(how);
        }
    }
}
