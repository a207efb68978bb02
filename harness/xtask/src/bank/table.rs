//! The table of the bank: which scenario shows which failure mode, and the causes it must be found
//! by.

use crate::shell::Failure;
use std::fs;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table as Keys};

/// Where it lies, from the root.
pub(super) const PATH: &str = ".ci/bank.toml";

/// Every row, and the sound jobs that belong to none.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    pub(super) sound: Vec<String>,
}

/// A failure mode.
#[derive(Debug)]
pub(super) struct Row {
    /// The number that the catalogue of failure modes gives it.
    pub(super) number: i64,
    pub(super) mode: String,
    /// The scenario whose job has the bug.
    pub(super) broken: String,
    /// The scenario whose job lacks it.
    pub(super) sound: String,
    /// Codes of the causes that must be found.
    pub(super) causes: Vec<String>,
}

impl Table {
    /// Reads the file; an error names it and the row.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = fs::read_to_string(path);
        let text = text.map_err(|error| Failure(format!("cannot read {shown}: {error}")))?;
        Self::parse(&text).map_err(|error| Failure(format!("{shown}: {error}")))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
        let mut table = Self {
            rows: Vec::new(),
            sound: Vec::new(),
        };
        for (key, item) in document.iter() {
            match (key, item) {
                ("row", Item::ArrayOfTables(rows)) => {
                    for (number, keys) in (1..).zip(rows.iter()) {
                        let row = Row::parse(keys);
                        table
                            .rows
                            .push(row.map_err(|error| format!("row {number}: {error}"))?);
                    }
                }
                ("sound", item) => table.sound = strings(item, key)?,
                _ => {
                    return Err(format!(
                        "`{key}`: only `sound` and tables `[[row]]` are known"
                    ));
                }
            }
        }
        Ok(table)
    }

    /// Returns the rows, and the sound jobs, that the text names.
    pub(super) fn only(mut self, text: &str) -> Result<Self, Failure> {
        self.rows.retain(|row| {
            row.number.to_string() == text
                || [&row.mode, &row.broken, &row.sound]
                    .iter()
                    .any(|name| name.contains(text))
        });
        self.sound.retain(|name| name.contains(text));
        match self.rows.is_empty() && self.sound.is_empty() {
            true => Err(Failure(format!("no row of {PATH} is or contains `{text}`"))),
            false => Ok(self),
        }
    }

    /// Returns every scenario once, with whether its job has a bug.
    pub(super) fn scenarios(&self) -> Vec<(String, bool)> {
        let rows = self.rows.iter();
        let rows = rows.flat_map(|row| [(row.broken.clone(), true), (row.sound.clone(), false)]);
        let sound = self.sound.iter().map(|name| (name.clone(), false));
        let mut scenarios: Vec<_> = rows.chain(sound).collect();
        scenarios.sort();
        scenarios.dedup();
        scenarios
    }
}

impl Row {
    fn parse(keys: &Keys) -> Result<Self, String> {
        let text = |key: &str| {
            let value = keys.get(key).and_then(Item::as_str);
            value
                .map(str::to_owned)
                .ok_or_else(|| format!("`{key}` must be a string"))
        };
        let known = ["number", "mode", "broken", "sound", "causes"];
        if let Some((key, _)) = keys.iter().find(|(key, _)| !known.contains(key)) {
            return Err(format!(
                "unknown key `{key}`, known are {}",
                known.join(", ")
            ));
        }
        let number = keys.get("number").and_then(Item::as_integer);
        Ok(Self {
            number: number.ok_or("`number` must be an integer")?,
            mode: text("mode")?,
            broken: text("broken")?,
            sound: text("sound")?,
            causes: strings(keys.get("causes").unwrap_or(&Item::None), "causes")?,
        })
    }
}

/// Reads a list of strings.
fn strings(item: &Item, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{key}` must be a list of strings");
    let list = item.as_array().ok_or_else(wrong)?;
    let strings = list.iter().map(|value| value.as_str().map(str::to_owned));
    strings.collect::<Option<_>>().ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"
sound = ["c/sound"]
[[row]]
number = 5
mode   = "flag row"
broken = "a/broken"
sound  = "a/fixed"
causes = ["L2"]
[[row]]
number = 15
mode   = "flag elsewhere"
broken = "b/broken"
sound  = "a/fixed"
causes = []
"#;

    #[track_caller]
    fn check_error(text: &str, expect: &str) {
        assert_eq!(Table::parse(text).expect_err("it is wrong"), expect);
    }

    #[test]
    fn a_number_names_its_row_alone_and_a_scenario_runs_once() {
        let table = Table::parse(SOUND).expect("it is right");
        let broken = [
            ("a/broken", true),
            ("a/fixed", false),
            ("b/broken", true),
            ("c/sound", false),
        ];
        assert_eq!(
            table.scenarios(),
            broken.map(|(name, bug)| (name.to_owned(), bug))
        );
        let only = table.only("5").expect("there is a row 5");
        assert_eq!(only.rows.len(), 1);
        assert!(only.sound.is_empty());
        let table = Table::parse(SOUND).expect("it is right");
        assert!(table.only("nothing").is_err());
    }

    #[test]
    fn errors_name_row_and_key() {
        check_error(
            "[[rows]]",
            "`rows`: only `sound` and tables `[[row]]` are known",
        );
        check_error("sound = [1]", "`sound` must be a list of strings");
        check_error(
            "[[row]]\nmode = \"x\"",
            "row 1: `number` must be an integer",
        );
        check_error(
            "[[row]]\nnumber = 1\nmodes = \"x\"",
            "row 1: unknown key `modes`, known are number, mode, broken, sound, causes",
        );
    }

    #[test]
    fn the_table_of_the_repository_names_scenarios_that_are_there() {
        let root = crate::shell::root();
        let table = Table::read(&root.join(PATH)).expect("the committed table is right");
        assert!(table.sound.len() >= 10, "sound jobs: {:?}", table.sound);
        for (name, has_bug) in table.scenarios() {
            let path = root.join("scenarios").join(&name).with_extension("toml");
            let text = fs::read_to_string(&path).unwrap_or_default();
            let expect = if has_bug { "\"violation\"" } else { "\"pass\"" };
            let says = |line: &str| line.starts_with("expect") && line.ends_with(expect);
            assert!(text.lines().any(says), "{name} does not expect {expect}");
        }
    }
}
