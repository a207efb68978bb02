//! Days of the calendar, without clock and zone.

use std::fmt;

/// A day of the Gregorian calendar, which exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Returns the day, where there is one.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = year <= 9999 && (1..=days_of(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// Returns the day after it.
    #[must_use]
    pub fn next(self) -> Self {
        let Self { year, month, day } = self;
        Self::new(year, month, day + 1)
            .or_else(|| Self::new(year, month + 1, 1))
            .or_else(|| Self::new(year + 1, 1, 1))
            .unwrap_or(self)
    }
}

/// Returns how many days the month has; a month that is none has none.
fn days_of(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_that_exist_and_those_after_them() {
        let cases = [
            ((2026, 11, 30), Some("2026-12-01")),
            ((2026, 12, 31), Some("2027-01-01")),
            ((2027, 2, 28), Some("2027-03-01")),
            ((2028, 2, 28), Some("2028-02-29")),
            ((2000, 2, 29), Some("2000-03-01")),
            ((2100, 2, 29), None),
            ((2026, 4, 31), None),
            ((2026, 13, 1), None),
            ((2026, 0, 1), None),
            ((2026, 1, 0), None),
            ((9999, 12, 31), Some("9999-12-31")),
        ];
        for ((year, month, day), next) in cases {
            let date = Date::new(year, month, day);
            let found = date.map(|date| date.next().to_string());
            assert_eq!(found.as_deref(), next, "{year} {month} {day}");
        }
    }
}
