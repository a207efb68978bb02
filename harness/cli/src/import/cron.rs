//! Times of a crontab: five fields, or a word such as `@daily`.

use jiff::civil::DateTime;
use std::ops::{Range, RangeInclusive};

/// What is wrong with a time, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// What is wrong.
    pub(crate) message: String,
    /// Bytes of the text.
    pub(crate) span: Range<usize>,
    /// What to do.
    pub(crate) help: String,
}

/// When a job starts, by local time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    /// Whether either of days and weekdays allows all: then both must fit, else one of them.
    is_both: bool,
}

/// One of the five fields.
struct Field {
    noun: &'static str,
    bounds: RangeInclusive<u8>,
    /// Names of its values, from the smallest on.
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        noun: "minute",
        bounds: 0..=59,
        names: &[],
    },
    Field {
        noun: "hour",
        bounds: 0..=23,
        names: &[],
    },
    Field {
        noun: "day of the month",
        bounds: 1..=31,
        names: &[],
    },
    Field {
        noun: "month",
        bounds: 1..=12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        noun: "day of the week",
        // Sunday is both.
        bounds: 0..=7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Words that stand for five fields (crontab(5)).
const WORDS: &[(&str, &str)] = &[
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// Reads a time: five fields, or a word.
pub(crate) fn parse(text: &str) -> Result<Schedule, Flaw> {
    let whole = |message: String, help: &str| Flaw {
        message,
        span: 0..text.len(),
        help: help.to_owned(),
    };
    if text.starts_with('@') {
        return match WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, fields)) => parse(fields),
            None => Err(whole(
                format!("`{text}` names no time of the clock"),
                "only starts at given times can overlap at one; known are @hourly, @daily, \
                 @weekly, @monthly, @yearly",
            )),
        };
    }
    let fields = split(text);
    if fields.len() != FIELDS.len() {
        return Err(whole(
            format!("{} fields, expected 5", fields.len()),
            "minute, hour, day of the month, month, day of the week",
        ));
    }
    let mut sets = [0_u64; 5];
    for ((set, field), span) in sets.iter_mut().zip(&FIELDS).zip(&fields) {
        *set = parse_field(field, text, span.clone())?;
    }
    let [minutes, hours, days, months, mut weekdays] = sets;
    if weekdays & (1 << 7) != 0 {
        weekdays |= 1;
    }
    let is_open = |index: usize| text[fields[index].clone()].starts_with(['*', '?']);
    Ok(Schedule {
        minutes,
        hours,
        days,
        months,
        weekdays,
        is_both: is_open(2) || is_open(4),
    })
}

/// Returns the places of the words.
pub(crate) fn split(text: &str) -> Vec<Range<usize>> {
    let base = text.as_ptr() as usize;
    let words = text.split_ascii_whitespace();
    let place = |word: &str| word.as_ptr() as usize - base;
    words
        .map(|word| place(word)..place(word) + word.len())
        .collect()
}

/// Reads one field: a list of values, ranges and steps.
fn parse_field(field: &Field, text: &str, span: Range<usize>) -> Result<u64, Flaw> {
    let (first, last) = (*field.bounds.start(), *field.bounds.end());
    let mut set = 0;
    let mut start = span.start;
    for item in text[span].split(',') {
        let place = start..start + item.len();
        start += item.len() + 1;
        let flaw = |what: &str| Flaw {
            message: format!("`{item}` is no {} {what}", field.noun),
            span: place.clone(),
            help: format!("{first} to {last}, `*`, `2-5`, `*/10`, or a list with commas"),
        };
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (
                range,
                step.parse().ok().filter(|step| (1..=59).contains(step)),
            ),
            None => (item, Some(1)),
        };
        let step: usize = step.ok_or_else(|| flaw("with a step from 1"))?;
        let value = |text: &str| value(field, text);
        let (from, to) = match range.split_once('-') {
            _ if matches!(range, "*" | "?") => (Some(first), Some(last)),
            Some((from, to)) => (value(from), value(to)),
            None if item.contains('/') => (value(range), Some(last)),
            None => (value(range), value(range)),
        };
        let (Some(from), Some(to)) = (from, to) else {
            return Err(flaw("of a crontab"));
        };
        if from > to {
            return Err(flaw("range: it ends before it begins"));
        }
        for number in (from..=to).step_by(step) {
            set |= 1 << number;
        }
    }
    Ok(set)
}

fn value(field: &Field, text: &str) -> Option<u8> {
    let mut names = field.names.iter();
    let named = names.position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(index) => u8::try_from(index).ok()? + *field.bounds.start(),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok()?,
        None => return None,
    };
    field.bounds.contains(&number).then_some(number)
}

impl Schedule {
    /// Returns whether a start is due at this minute of local time.
    pub(crate) fn fits(&self, at: DateTime) -> bool {
        let has = |set: u64, number: i8| set & (1 << number) != 0;
        has(self.minutes, at.minute()) && has(self.hours, at.hour()) && self.fits_day(at)
    }

    fn fits_day(&self, at: DateTime) -> bool {
        let has = |set: u64, number: i8| set & (1 << number) != 0;
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        let is_day = match self.is_both {
            true => day && weekday,
            false => day || weekday,
        };
        has(self.months, at.month()) && is_day
    }

    /// Returns whether starts go by the hour or more often.
    pub(crate) fn is_frequent(&self) -> bool {
        self.hours == (1 << 24) - 1
    }

    /// Returns the first start at or after this time, and the least number of minutes between
    /// starts of the year after it; `None` if there are none.
    pub(crate) fn next(&self, from: DateTime) -> Option<(DateTime, u64)> {
        let mut first = None;
        let mut last: Option<u64> = None;
        let mut least = u64::MAX;
        let mut day = from.date();
        for number in 0..DAYS {
            if self.fits_day(day.to_datetime(jiff::civil::Time::midnight())) {
                for minute in self.minutes_of_day() {
                    let (hour, rest) = (minute / 60, minute % 60);
                    let at = day.at(i8::try_from(hour).ok()?, i8::try_from(rest).ok()?, 0, 0);
                    if at < from {
                        continue;
                    }
                    first.get_or_insert(at);
                    let now = number * DAY_MINUTES + minute;
                    least = last.map_or(least, |last| least.min(now - last));
                    last = Some(now);
                }
            }
            day = day.tomorrow().ok()?;
        }
        Some((first?, least))
    }

    fn minutes_of_day(&self) -> impl Iterator<Item = u64> {
        (0..DAY_MINUTES).filter(|minute| {
            self.hours & (1 << (minute / 60)) != 0 && self.minutes & (1 << (minute % 60)) != 0
        })
    }
}

/// Days that are looked at: a leap year's February comes within them.
const DAYS: u64 = 4 * 366;
const DAY_MINUTES: u64 = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[track_caller]
    fn check(text: &str, expect: &str, minutes: u64) {
        let schedule = parse(text).expect("the time is sound");
        let (first, least) = schedule
            .next(date(2026, 11, 27).at(6, 0, 0, 0))
            .expect("it comes");
        assert_eq!((first.to_string().as_str(), least), (expect, minutes));
        assert!(schedule.fits(first));
    }

    #[test]
    fn times() {
        check("0 2 * * *", "2026-11-28T02:00:00", 1440);
        check("*/15 * * * *", "2026-11-27T06:00:00", 15);
        check("30 1-5/2,22 * * mon-fri", "2026-11-27T22:30:00", 120);
        check("0 0 1 * *", "2026-12-01T00:00:00", 28 * 1440);
        check("0 0 29 feb ?", "2028-02-29T00:00:00", u64::MAX);
        check("@weekly", "2026-11-29T00:00:00", 7 * 1440);
        check("0 0 * * 7", "2026-11-29T00:00:00", 7 * 1440);
        // Days and weekdays are joined where both are given.
        check("0 0 13 * FRI", "2026-12-04T00:00:00", 1440);
        check("5/20 6 * * *", "2026-11-27T06:05:00", 20);
    }

    #[test]
    fn flaws() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            let flaw = parse(text).expect_err("the time is wrong");
            assert_eq!(
                format!("{} at {:?}", flaw.message, &text[flaw.span]),
                expect
            );
        }
        check("0 2 * *", "4 fields, expected 5 at \"0 2 * *\"");
        check("60 2 * * *", "`60` is no minute of a crontab at \"60\"");
        check("0 2,x * * *", "`x` is no hour of a crontab at \"x\"");
        check(
            "0 5-2 * * *",
            "`5-2` is no hour range: it ends before it begins at \"5-2\"",
        );
        check(
            "*/0 * * * *",
            "`*/0` is no minute with a step from 1 at \"*/0\"",
        );
        check(
            "0 0 0 * *",
            "`0` is no day of the month of a crontab at \"0\"",
        );
        check(
            "0 0 * jann *",
            "`jann` is no month of a crontab at \"jann\"",
        );
        check(
            "@reboot",
            "`@reboot` names no time of the clock at \"@reboot\"",
        );
    }
}
