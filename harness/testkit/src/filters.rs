//! Filters that make snapshots the same on every machine and day.

/// Pairs of a regular expression and what stands in its place, for `insta::Settings::add_filter`.
pub const FILTERS: &[(&str, &str)] = &[
    (r"\d{8}-\d{6}-\d{4}", "[run]"),
    (r"\b\d+(\.\d+)? (us|ms|s|min)\b", "[time]"),
    (
        r"(/[\w.@#-]+)+/(reports|targets|scenarios)/",
        "[project]/$2/",
    ),
    (r"\bpid \d+\b", "pid [pid]"),
];

/// Returns snapshot settings with all filters.
pub fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    for (pattern, replacement) in FILTERS {
        settings.add_filter(pattern, *replacement);
    }
    settings
}
