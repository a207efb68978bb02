//! How far a pass reaches.

use crate::escape::show;
use crate::view::ScenarioView;

/// The most sentences that are shown.
const SENTENCES_MAX: usize = 12;

/// Returns the word of the claim and what it rests on; empty where nothing is claimed.
pub(crate) fn words(scenario: &ScenarioView) -> String {
    let (word, because) = &scenario.claim;
    if word.is_empty() {
        return String::new();
    }
    let because = because.iter().take(SENTENCES_MAX).map(|one| show(one, 600));
    format!("{word}: {}", because.collect::<Vec<_>>().join("; "))
}
