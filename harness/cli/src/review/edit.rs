//! Edits of target and scenario files, from text to text: comments and layout stay.

use toml_edit::{Array, DocumentMut, Item, TableLike, Value};
use twiceproof_model::scenario::KnownSpec;
use twiceproof_model::target::LockSpec;

/// Adds an entry to the list at `SECTION.NAME.KEY`, which is made where it is not there. `None`
/// where the file is written in a way that cannot be edited so.
pub(crate) fn add_entry(
    text: &str,
    [section, name, key]: [&str; 3],
    entry: &str,
) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let Some(table) = table_at(&mut document, section, name) else {
        let (name, list) = (quoted_key(name), Array::from_iter([entry]));
        let added = format!("[{section}.{name}]\n{key} = {list}\n");
        return Some(with_end(text, &added));
    };
    if !table.contains_key(key) {
        table.insert(key, Item::Value(Value::Array(Array::new())));
    }
    let list = table.get_mut(key)?.as_array_mut()?;
    if list.iter().any(|value| value.as_str() == Some(entry)) {
        return Some(text.to_owned());
    }
    let last = list.get(list.len().wrapping_sub(1));
    let before = last.and_then(|last| last.decor().prefix()?.as_str());
    // A list over several lines gets another line, indented like the last one.
    match before.and_then(|before| before.rsplit_once('\n')) {
        Some((_, indent)) => {
            let prefix = format!("\n{indent}");
            list.push_formatted(Value::from(entry).decorated(prefix, ""));
        }
        None => list.push(entry),
    }
    Some(document.to_string())
}

/// Removes an entry from such a list; `None` where it is not there.
pub(crate) fn remove_entry(
    text: &str,
    [section, name, key]: [&str; 3],
    entry: &str,
) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let table = table_at(&mut document, section, name)?;
    let list = table.get_mut(key)?.as_array_mut()?;
    let place = list
        .iter()
        .position(|value| value.as_str() == Some(entry))?;
    list.remove(place);
    if let (0, Some(first)) = (place, list.get_mut(0))
        && first.decor().prefix().and_then(|raw| raw.as_str()) == Some(" ")
    {
        first.decor_mut().set_prefix("");
    }
    Some(document.to_string())
}

/// Adds a lock.
pub(crate) fn add_lock(text: &str, lock: &LockSpec) -> String {
    let value = |text: &str| Value::from(text).to_string();
    let mut added = format!(
        "[lock.{}]\nservice = {}\nacquire = {}\n",
        quoted_key(&lock.name),
        value(lock.service.as_str()),
        value(&lock.acquire)
    );
    if !lock.release.is_empty() {
        added.push_str(&format!("release = {}\n", value(&lock.release)));
    }
    with_end(text, &added)
}

/// Removes a lock; `None` where it is not there.
pub(crate) fn remove_lock(text: &str, name: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let locks = document.get_mut("lock")?.as_table_like_mut()?;
    locks.remove(name)?;
    if locks.is_empty() {
        document.remove("lock");
    }
    Some(document.to_string())
}

/// Adds a known finding.
pub(crate) fn add_known(text: &str, known: &KnownSpec) -> String {
    let value = |text: &str| Value::from(text).to_string();
    let added = format!(
        "[[known]]\nfinding = {}\nuntil   = {}\nticket  = {}\nreason  = {}\n",
        value(&known.finding),
        known.until,
        value(&known.ticket),
        value(&known.reason)
    );
    with_end(text, &added)
}

/// Removes a known finding; `None` where it is not there.
pub(crate) fn remove_known(text: &str, finding: &str) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let known = document.get_mut("known")?;
    let is_it = |table: &dyn TableLike| {
        let id = table.get("finding").and_then(Item::as_str);
        id == Some(finding)
    };
    let is_empty = if let Some(tables) = known.as_array_of_tables_mut() {
        let place = tables.iter().position(|table| is_it(table))?;
        tables.remove(place);
        tables.is_empty()
    } else {
        let list = known.as_array_mut()?;
        let place = list.iter().position(|value| {
            let table = value.as_inline_table();
            table.is_some_and(|table| is_it(table))
        })?;
        list.remove(place);
        list.is_empty()
    };
    if is_empty {
        document.remove("known");
    }
    Some(document.to_string())
}

fn table_at<'d>(
    document: &'d mut DocumentMut,
    section: &str,
    name: &str,
) -> Option<&'d mut dyn TableLike> {
    let section = document.get_mut(section)?.as_table_like_mut()?;
    section.get_mut(name)?.as_table_like_mut()
}

/// Returns the text with a table behind it, after an empty line.
fn with_end(text: &str, added: &str) -> String {
    let gap = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{gap}{added}")
}

fn quoted_key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use twiceproof_model::Date;

    const MASK: [&str; 3] = ["state", "pg", "mask"];

    #[test]
    fn entries_are_added_where_the_file_has_room() {
        let cases = [
            (
                "# a job\nschema = 1\n",
                "# a job\nschema = 1\n\n[state.pg]\nmask = [\"t.c\"]\n",
            ),
            (
                "[state.pg]\ntables = [\"t\"] # all\n[state.my]\n",
                "[state.pg]\ntables = [\"t\"] # all\nmask = [\"t.c\"]\n[state.my]\n",
            ),
            (
                "[state.pg]\nmask = [\"*.at\"] # times\n",
                "[state.pg]\nmask = [\"*.at\", \"t.c\"] # times\n",
            ),
            (
                "state = { pg = { mask = [] } }\n",
                "state = { pg = { mask = [\"t.c\"] } }\n",
            ),
            (
                "[state]\npg.mask = [\n  # times\n  \"*.at\",\n]\n",
                "[state]\npg.mask = [\n  # times\n  \"*.at\",\n  \"t.c\",\n]\n",
            ),
        ];
        for (text, expect) in cases {
            let added = add_entry(text, MASK, "t.c").unwrap();
            assert_eq!(added, expect);
            assert_eq!(add_entry(&added, MASK, "t.c").unwrap(), added);
        }
    }

    #[test]
    fn entries_are_removed_and_nothing_else() {
        let text = "[state.pg] # here\nmask = [\"*.at\", \"t.c\"] # times\n";
        let removed = remove_entry(text, MASK, "*.at").unwrap();
        assert_eq!(removed, "[state.pg] # here\nmask = [\"t.c\"] # times\n");
        assert_eq!(remove_entry(text, MASK, "u.c"), None);
        assert_eq!(remove_entry("schema = 1\n", MASK, "u.c"), None);
    }

    #[test]
    fn locks_and_known_findings_come_and_go() {
        let text = "# a file\nschema = 1 # the first\n";
        let lock = LockSpec {
            name: "job_lock".to_owned(),
            service: "pg".into(),
            acquire: "UPDATE \"job_lock\" SET a = ?".to_owned(),
            release: "UPDATE job_lock SET b".to_owned(),
        };
        let locked = add_lock(text, &lock);
        insta::assert_snapshot!(locked, @r#"
        # a file
        schema = 1 # the first

        [lock.job_lock]
        service = "pg"
        acquire = 'UPDATE "job_lock" SET a = ?'
        release = "UPDATE job_lock SET b"
        "#);
        assert_eq!(remove_lock(&locked, "job_lock").unwrap(), text);
        assert_eq!(remove_lock(&locked, "other"), None);
        let known = KnownSpec {
            finding: "4f2a91c3".to_owned(),
            until: Date::new(2026, 12, 31).unwrap(),
            ticket: "OPS-12".to_owned(),
            reason: "it is \"replaced\"".to_owned(),
        };
        let told = add_known(
            &add_known(text, &known),
            &KnownSpec {
                finding: "11111111".to_owned(),
                ..known.clone()
            },
        );
        insta::assert_snapshot!(told, @r#"
        # a file
        schema = 1 # the first

        [[known]]
        finding = "4f2a91c3"
        until   = 2026-12-31
        ticket  = "OPS-12"
        reason  = 'it is "replaced"'

        [[known]]
        finding = "11111111"
        until   = 2026-12-31
        ticket  = "OPS-12"
        reason  = 'it is "replaced"'
        "#);
        let one = remove_known(&told, "4f2a91c3").unwrap();
        assert!(one.starts_with(text) && one.contains("11111111"), "{one}");
        assert_eq!(remove_known(&one, "11111111").unwrap(), text);
        let inline = "known = [{ finding = \"4f2a91c3\", until = 2026-12-31 }]\nschema = 1\n";
        assert_eq!(remove_known(inline, "4f2a91c3").unwrap(), "schema = 1\n");
    }
}
