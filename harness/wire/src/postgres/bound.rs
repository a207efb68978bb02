//! Bound values that name a lock: the numbers given to functions on advisory locks.

use std::ops::Range;

/// What the names of these functions have in common.
const ADVISORY: &str = "advisory_";
/// Longest number in text form.
const DIGITS_MAX: usize = 20;

/// Returns the masked text with the numbers bound to the parameters of functions on advisory locks;
/// `None` where there are none. `values` is what follows the names in a Bind message.
pub(super) fn with_lock_numbers(text: &str, values: &[u8]) -> Option<String> {
    let calls = calls(text);
    let values = calls.first().and_then(|_| numbers(values))?;
    let mut out = String::new();
    let mut from = 0;
    for call in calls {
        let mut given = &text[call.clone()];
        out.push_str(&text[from..call.start]);
        while let Some(at) = given.find('$') {
            let digits = given[at + 1..]
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count();
            let (before, rest) = given.split_at(at);
            let (parameter, rest) = rest.split_at(1 + digits);
            let number = parameter[1..].parse::<usize>().ok();
            let value = number.and_then(|number| values.get(number.checked_sub(1)?));
            out.push_str(before);
            out.push_str(value.and_then(Option::as_deref).unwrap_or(parameter));
            given = rest;
        }
        out.push_str(given);
        from = call.end;
    }
    out.push_str(&text[from..]);
    Some(out)
}

/// Returns where the arguments of calls on advisory locks stand that hold parameters.
fn calls(text: &str) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let calls = lower.match_indices(ADVISORY).filter_map(|(at, _)| {
        let open = at + lower[at..].find('(')?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let close = open + lower[open..].find(')')?;
        let given = open + 1..close;
        let name = lower[at..open].trim_end();
        let is_call = name.chars().all(is_name) && lower[given.clone()].contains('$');
        is_call.then_some(given)
    });
    calls.collect()
}

/// Reads the values of a Bind message, each that is a number as text.
fn numbers(mut bytes: &[u8]) -> Option<Vec<Option<String>>> {
    let formats = take_i16(&mut bytes)?;
    let formats: Vec<i16> = (0..formats)
        .map(|_| take_i16(&mut bytes))
        .collect::<Option<_>>()?;
    let count = take_i16(&mut bytes)?;
    let mut numbers = Vec::new();
    for place in 0..usize::try_from(count).ok()? {
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else {
            break;
        };
        bytes = rest;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            numbers.push(None);
            continue;
        };
        // What was not kept of a long message is not known.
        let Some((value, rest)) = bytes.split_at_checked(length) else {
            break;
        };
        bytes = rest;
        let format = match formats.as_slice() {
            [] => 0,
            [all] => *all,
            each => each.get(place).copied().unwrap_or(0),
        };
        numbers.push(if format == 1 {
            binary(value)
        } else {
            digits(value)
        });
    }
    Some(numbers)
}

fn take_i16(bytes: &mut &[u8]) -> Option<i16> {
    let (integer, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    Some(i16::from_be_bytes(*integer))
}

fn binary(value: &[u8]) -> Option<String> {
    let number = match *value {
        [a, b] => i64::from(i16::from_be_bytes([a, b])),
        [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
        _ => i64::from_be_bytes(value.try_into().ok()?),
    };
    Some(number.to_string())
}

fn digits(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.len() <= DIGITS_MAX).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Bind's values, each in text form but those of eight bytes.
    fn values(formats: &[i16], values: &[&[u8]]) -> Vec<u8> {
        let count = |count: usize| i16::try_from(count).unwrap_or(0).to_be_bytes();
        let mut bytes = count(formats.len()).to_vec();
        formats
            .iter()
            .for_each(|format| bytes.extend(format.to_be_bytes()));
        bytes.extend(count(values.len()));
        for value in values {
            bytes.extend(i32::try_from(value.len()).unwrap_or(0).to_be_bytes());
            bytes.extend(*value);
        }
        bytes
    }

    #[track_caller]
    fn check(text: &str, bound: &[u8], expect: Option<&str>) {
        assert_eq!(with_lock_numbers(text, bound).as_deref(), expect, "{text}");
    }

    #[test]
    fn numbers_of_locks_are_told_and_nothing_else() {
        let seven = 7_i64.to_be_bytes();
        let secret = b"hunter2";
        let text = values(&[], &[b"7", secret]);
        let mixed = values(&[0, 1], &[secret, &seven]);
        let lock = "SELECT pg_advisory_xact_lock($1), $2";
        check(lock, &text, Some("SELECT pg_advisory_xact_lock(7), $2"));
        let two = "SELECT pg_try_advisory_lock($2, $1)";
        check(two, &mixed, Some("SELECT pg_try_advisory_lock(7, $1)"));
        check("SELECT $1", &text, None);
        check("SELECT pg_advisory_lock(7), $1", &text, None);
        check("SELECT advisory_level FROM t WHERE a IN ($1)", &text, None);
    }

    #[test]
    fn no_bytes_are_too_odd() {
        let lock = "SELECT pg_advisory_lock($1)";
        let whole = values(&[1], &[&7_i32.to_be_bytes()]);
        for end in 0..whole.len() {
            with_lock_numbers(lock, &whole[..end]);
        }
        check(lock, &whole, Some("SELECT pg_advisory_lock(7)"));
        check(lock, &[0xff; 40], None);
        check("advisory_($9$$1$", &whole, None);
        check("SELECT pg_advisory_lock($99999999999999999999)", &whole, {
            Some("SELECT pg_advisory_lock($99999999999999999999)")
        });
    }
}
