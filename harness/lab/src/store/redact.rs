//! Keeps secrets out of what is stored.

use std::borrow::Cow;
use twiceproof_model::Target;
use twiceproof_model::record::Output;
use twiceproof_model::scenario::Placeholders;

/// A shorter value is no secret: blanking out every `1` would hide more than it protects.
const SECRET_BYTES_MIN: usize = 4;

/// Replaces the values of secret variables in text.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Values with the names of their variables, the longest first.
    secrets: Vec<(String, String)>,
}

impl Redactor {
    /// Returns what hides the target's secrets: the variables it names, and those that look like
    /// secrets.
    pub fn new(target: &Target, instances: u8) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in &target.env {
            if !target.secrets.contains(name) && !looks_secret(name) {
                continue;
            }
            for instance in 1..=instances.max(1) {
                let places = Placeholders {
                    instance,
                    count: instances,
                    slot: String::new(),
                };
                let value = places.fill(value);
                secrets.extend(password_of(&value).map(|part| (part.to_owned(), name.clone())));
                secrets.push((value, name.clone()));
            }
        }
        secrets.retain(|(value, _)| value.len() >= SECRET_BYTES_MIN);
        secrets.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self { secrets }
    }

    /// Returns the text with `[NAME]` for every secret value.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for (value, name) in &self.secrets {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), &format!("[{name}]")).into();
            }
        }
        text
    }

    /// Hides the secrets in what an instance wrote, also one that the bound cut in two.
    pub fn output(&self, output: &mut Output) {
        output.head = self.text(&output.head).into_owned();
        output.tail = self.text(&output.tail).into_owned();
        let whole = output.tail.is_empty() && output.head.len() as u64 >= output.bytes;
        if whole {
            return;
        }
        for (value, name) in &self.secrets {
            let parts = value
                .char_indices()
                .map(|(at, _)| at)
                .filter(|at| *at >= SECRET_BYTES_MIN);
            if let Some(at) = parts.rev().find(|at| output.head.ends_with(&value[..*at])) {
                output.head.truncate(output.head.len() - at);
                output.head.push_str(&format!("[{name}]"));
            }
            let ends = value.char_indices().map(|(at, _)| at);
            let mut ends = ends.filter(|at| *at > 0 && value.len() - at >= SECRET_BYTES_MIN);
            if let Some(at) = ends.find(|at| output.tail.starts_with(&value[*at..])) {
                output
                    .tail
                    .replace_range(..value.len() - at, &format!("[{name}]"));
            }
        }
    }
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASSWORD", "TOKEN", "SECRET"]
        .iter()
        .any(|word| name.contains(word))
}

/// Returns the password of a URL: `postgresql://user:PASSWORD@host/`.
fn password_of(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    let (_, password) = login.split_once(':')?;
    Some(password)
}
