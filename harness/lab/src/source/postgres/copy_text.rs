//! The text format of COPY, as the server sends it.

/// Splits one line, without its line feed, into its cells; `None` is null. Bytes that are not UTF-8
/// are replaced.
pub(crate) fn cells(line: &[u8]) -> Vec<Option<String>> {
    line.split(|byte| *byte == b'\t').map(cell).collect()
}

fn cell(raw: &[u8]) -> Option<String> {
    if raw == b"\\N" {
        return None;
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'b') => bytes.push(8),
            Some(b'f') => bytes.push(12),
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'v') => bytes.push(11),
            // The server escapes nothing else but the backslash itself.
            Some(other) => bytes.push(other),
            None => bytes.push(b'\\'),
        }
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_unescaped() {
        let check = |line: &str, expect: &[Option<&str>]| {
            let cells = cells(line.as_bytes());
            let cells: Vec<_> = cells.iter().map(Option::as_deref).collect();
            assert_eq!(cells, expect, "{line}");
        };
        check("1\tann", &[Some("1"), Some("ann")]);
        check("\\N\t", &[None, Some("")]);
        check("a\\tb\\nc\\\\N", &[Some("a\tb\nc\\N")]);
        check("\\b\\f\\r\\v\\", &[Some("\u{8}\u{c}\r\u{b}\\")]);
        check("", &[Some("")]);
    }
}
