//! Mails: two of them never get into each other's way.

use super::Touched;
use twiceproof_model::Reply;

pub(super) fn read(_: &str, _: &Reply) -> Touched {
    Some(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::read;

    #[test]
    fn mails_touch_nothing() {
        check(read, "DATA", true, "");
    }
}
