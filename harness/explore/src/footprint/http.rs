//! HTTP: a path is an object, whatever its query; methods that are safe by RFC 9110 read it.

use super::{Access, Touched};
use twiceproof_model::Reply;

/// Methods that change nothing.
const SAFE: &[&str] = &["GET", "HEAD", "OPTIONS", "TRACE"];

pub(super) fn read(text: &str, _: &Reply) -> Touched {
    let mut words = text.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let path = target.split('?').next()?;
    // An id in the path is masked as `?`: the whole collection is the object.
    let path = path.trim_end_matches('/');
    if !target.starts_with('/') {
        return None;
    }
    let access = if SAFE.contains(&method) {
        Access::Read
    } else {
        Access::Write
    };
    Some(vec![(format!("{path}/"), access)])
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::read;

    #[test]
    fn paths() {
        check(read, "GET /jobs/?", false, "r /jobs/");
        check(read, "GET /jobs?page=?", false, "r /jobs/");
        check(read, "POST /jobs idempotency-key=?", true, "w /jobs/");
        check(read, "GET /", false, "r /");
        check(read, "CONNECT", true, "unknown");
        check(read, "OPTIONS *", false, "unknown");
    }
}
