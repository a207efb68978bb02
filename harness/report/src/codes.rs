//! The stable codes, with the sentence that stands beside each.

/// Every code that a verdict, a doubt or an error can carry. None is reused or translated.
pub const CODES: &[(&str, &str)] = &[
    ("TP-V01", "state differs from a clean run"),
    ("TP-V02", "an invariant is broken"),
    ("TP-V03", "a status transition is not allowed"),
    ("TP-V04", "an effect happened twice"),
    ("TP-V05", "critical sections overlapped"),
    (
        "TP-V06",
        "the run is lost: calm runs do not reach the clean state",
    ),
    ("TP-V07", "an exit code is not allowed"),
    ("TP-V08", "no progress"),
    ("TP-I01", "the budget cut an obligation short"),
    ("TP-I02", "a fault had no effect"),
    ("TP-I03", "a replay left its schedule"),
    ("TP-I04", "steps were needed on a link that cannot be read"),
    (
        "TP-I05",
        "whether an instance was quiet could only be guessed",
    ),
    ("TP-S01", "syntax"),
    ("TP-S02", "type"),
    ("TP-S03", "unknown key"),
    ("TP-S04", "missing key"),
    ("TP-S05", "unknown kind"),
    ("TP-S06", "unknown name"),
    ("TP-S07", "a moment matches nothing"),
    ("TP-S08", "not on this backend"),
    ("TP-E", "environment"),
];

/// Returns the sentence of a code; empty for one that is not ours.
pub fn sentence(code: &str) -> &'static str {
    let found = CODES.iter().find(|(known, _)| *known == code);
    found.map_or("", |(_, sentence)| sentence)
}
