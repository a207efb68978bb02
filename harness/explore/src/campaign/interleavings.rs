//! What a search over all interleavings says of itself.

/// How far a search over all interleavings came.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Interleavings {
    /// How many instances took part.
    pub instances: u8,
    /// Requests on what they share, in the trial with the most of them.
    pub operations: u32,
    /// Preemptions up to which a pass owes every order.
    pub bound: u32,
    /// Preemptions up to which every order was tried; absent where not even those without one
    /// were, or where all were, with whatever number.
    pub preemptions: Option<u32>,
    /// Whether every order was tried, with whatever number of preemptions.
    pub is_complete: bool,
    /// Classes of orders up to there: orders of one class differ in nothing that depends on order.
    pub classes: u32,
    /// Classes that ran in all.
    pub ran: u32,
    /// Orders that were left out and run after all, to see that they end like their class.
    pub twins: u32,
    /// Whether an instance had several requests held at once: the oldest went first, always.
    pub is_parallel: bool,
    /// Why the search was given up, if it was: the job does not repeat itself, or is too long.
    pub gave_up: Option<String>,
}

impl Interleavings {
    /// Returns so many preemptions, in words.
    pub fn words(&self, preemptions: u32) -> String {
        match preemptions {
            1 => "1 preemption".to_owned(),
            _ => format!("{preemptions} preemptions"),
        }
    }

    /// Returns what was covered; `None` where nothing is complete.
    pub fn covered(&self) -> Option<String> {
        let bound = match self.preemptions {
            Some(preemptions) => format!(" with at most {}", self.words(preemptions)),
            None if self.is_complete => String::new(),
            None => return None,
        };
        let classes = match self.classes {
            1 => "1 class".to_owned(),
            classes => format!("{classes} classes"),
        };
        Some(format!(
            "all interleavings of {} instances over {} shared operations{bound} ({classes})",
            self.instances, self.operations
        ))
    }

    /// Returns what was not covered, a line each.
    pub fn gaps(&self) -> Vec<String> {
        let more = match self.ran.saturating_sub(self.classes) {
            1 => "1 class".to_owned(),
            more => format!("{more} classes"),
        };
        let beyond = match (&self.gave_up, self.preemptions) {
            (Some(why), _) => Some(format!("interleavings, but for {more}: {why}")),
            _ if self.is_complete => None,
            (None, Some(preemptions)) => Some(format!(
                "interleavings with more than {}, but for {more}",
                self.words(preemptions)
            )),
            (None, None) => Some(format!("interleavings, but for {more}")),
        };
        let inner = "orders of requests that one instance sends at once".to_owned();
        let inner = self.is_parallel.then_some(inner);
        beyond.into_iter().chain(inner).collect()
    }
}
