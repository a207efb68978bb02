//! The marks of one call.

use crate::{Mark, Meaning};

/// Takes the marks of one call for one side, and joins those that say the same of bytes in a row.
pub(crate) struct Marks<'a> {
    marks: &'a mut Vec<Mark>,
    /// How many the caller had before the call.
    before: usize,
}

impl<'a> Marks<'a> {
    /// Appends to these.
    pub(crate) fn new(marks: &'a mut Vec<Mark>) -> Self {
        let before = marks.len();
        Self { marks, before }
    }

    /// Appends a mark, or moves the end of the last one where both pieces pass or belong to one
    /// reply.
    pub(crate) fn push(&mut self, end: u64, meaning: Meaning) {
        let joins = matches!(meaning, Meaning::Pass | Meaning::ReplyPart);
        match self.marks[self.before..].last_mut() {
            Some(last) if joins && last.meaning == meaning => last.end = end,
            _ => self.marks.push(Mark { end, meaning }),
        }
    }
}
