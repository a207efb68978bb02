//! Samples, and what is told of them.

/// Values of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = f64>) {
        self.0.extend(values);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    pub(crate) fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let sorted = self.sorted();
        if sorted.is_empty() {
            return f64::NAN;
        }
        let place = part * (sorted.len() - 1) as f64;
        let (low, high) = (
            sorted[place.floor() as usize],
            sorted[place.ceil() as usize],
        );
        low + (high - low) * place.fract()
    }

    /// Returns `min / median / max`.
    pub(crate) fn show(&self, digits: usize) -> String {
        if self.0.is_empty() {
            return "-".to_owned();
        }
        let (min, median, max) = (self.min(), self.median(), self.max());
        format!("{min:.digits$} / **{median:.digits$}** / {max:.digits$}")
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "n": self.len(), "min": self.min(), "median": self.median(), "max": self.max(),
        })
    }
}
