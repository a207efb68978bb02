//! Effects outside of any database: mails sent, requests taken. What of them is compared, by name.

/// The effects of one kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effects {
    /// The kind of service.
    pub kind: &'static str,
    /// Name of the object whose rows they are.
    pub object: &'static str,
    /// The columns of that object, in order.
    pub columns: &'static [&'static str],
    /// The column with the key that its sender gave to an effect, if it gave one.
    pub key: &'static str,
    /// What tells effects without a key apart, and those with one from others of its name.
    pub content: &'static [&'static str],
}

/// Mails: one row per recipient.
pub const MAILS: Effects = Effects {
    kind: "smtp",
    object: "(mails)",
    columns: &["message_id", "from", "to", "subject", "body_hash", "body"],
    key: "message_id",
    content: &["to", "subject", "body_hash"],
};

/// Requests of HTTP that changed something.
pub const REQUESTS: Effects = Effects {
    kind: "http",
    object: "(requests)",
    columns: &[
        "key",
        "method",
        "path",
        "query",
        "headers",
        "body_hash",
        "body",
    ],
    key: "key",
    content: &["method", "path", "query", "body_hash"],
};

/// Every kind of effect.
pub const EFFECTS: &[Effects] = &[MAILS, REQUESTS];

/// Returns the effects of this kind of service.
pub fn of_kind(kind: &str) -> Option<&'static Effects> {
    EFFECTS.iter().find(|effects| effects.kind == kind)
}

/// Returns the effects that this object holds.
pub fn of_object(object: &str) -> Option<&'static Effects> {
    EFFECTS.iter().find(|effects| effects.object == object)
}
