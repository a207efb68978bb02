//! Slots that come twice or never, because clocks are put back or forward.

use super::cron::Schedule;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How far ahead changes of a zone are looked for.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(400 * 24);
/// Most changes within that time that are looked at.
const CHANGES_MAX: usize = 8;
/// Longest change; zones that move to another side of the world are no daylight saving.
const CHANGE_MINUTES_MAX: i64 = 26 * 60;
/// Most slots that are named.
const SLOTS_SHOWN_MAX: usize = 3;

/// A change of a zone's clocks, and the slots that it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether clocks are put back, so that local times come twice; else they are left out.
    pub(super) is_back: bool,
    /// The first local time that comes twice or never.
    pub(super) from: DateTime,
    /// The first one after those.
    pub(super) to: DateTime,
    /// The offset before the change.
    pub(super) before: Offset,
    /// The slots among these times.
    pub(super) slots: Vec<DateTime>,
}

/// Returns the next change of each direction, and the slots that they touch.
pub(super) fn changes(schedule: &Schedule, zone: &TimeZone, now: Timestamp) -> Vec<Change> {
    let mut found: Vec<Change> = Vec::new();
    for transition in zone.following(now).take(CHANGES_MAX) {
        let at = transition.timestamp();
        if at.duration_since(now) > AHEAD_MAX {
            break;
        }
        let Ok(moment_before) = at.checked_sub(SignedDuration::from_secs(1)) else {
            continue;
        };
        let (before, after) = (zone.to_offset(moment_before), transition.offset());
        let is_back = after < before;
        let (from, to) = match is_back {
            true => (after.to_datetime(at), before.to_datetime(at)),
            false => (before.to_datetime(at), after.to_datetime(at)),
        };
        let length = i64::from((before.seconds() - after.seconds()).abs()) / 60;
        let is_known = found.iter().any(|change| change.is_back == is_back);
        if before == after || is_known || length > CHANGE_MINUTES_MAX {
            continue;
        }
        let minute = |number: i64| from.saturating_add(SignedDuration::from_mins(number));
        let slots = (0..length)
            .map(minute)
            .filter(|at| schedule.fits(*at))
            .collect();
        found.push(Change {
            is_back,
            from,
            to,
            before,
            slots,
        });
    }
    found
}

/// Returns what a reader should know of these changes, a line each.
pub(super) fn describe(changes: &[Change], zone: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for change in changes {
        let what = match change.is_back {
            true => "comes twice",
            false => "is left out",
        };
        let head = format!(
            "in {zone} the time from {} to {} {what} on {}",
            change.from.strftime("%H:%M"),
            change.to.strftime("%H:%M"),
            change.from.date(),
        );
        let Some(first) = change.slots.first() else {
            lines.push(format!("{head}: no slot lies in it"));
            continue;
        };
        let shown: Vec<String> = change
            .slots
            .iter()
            .take(SLOTS_SHOWN_MAX)
            .map(time)
            .collect();
        let more = match change.slots.len().saturating_sub(SLOTS_SHOWN_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let shown = format!("{}{more}", shown.join(", "));
        let is_one = change.slots.len() == 1;
        lines.push(match change.is_back {
            true => format!(
                "{head}: {shown} {} twice where starts go by local time",
                if is_one { "starts" } else { "start" }
            ),
            false => format!(
                "{head}: {shown} never {}, or late",
                if is_one { "starts" } else { "start" }
            ),
        });
        if change.is_back {
            let sign = change.before;
            lines.push(format!("clock = {first}{sign} is the first of the two"));
        }
    }
    lines
}

fn time(at: &DateTime) -> String {
    at.strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::cron;

    #[track_caller]
    fn check(schedule: &str, zone: &str, expect: &[&str]) {
        let schedule = cron::parse(schedule).expect("the time is sound");
        let found = TimeZone::get(zone).expect("the zone is known");
        let now: Timestamp = "2026-11-27T06:00:00Z".parse().expect("a time");
        assert_eq!(describe(&changes(&schedule, &found, now), zone), expect);
    }

    #[test]
    fn slots_that_come_twice_or_never() {
        check(
            "30 2 * * *",
            "Europe/Berlin",
            &[
                "in Europe/Berlin the time from 02:00 to 03:00 is left out on 2027-03-28: \
                 02:30 never starts, or late",
                "in Europe/Berlin the time from 02:00 to 03:00 comes twice on 2027-10-31: \
                 02:30 starts twice where starts go by local time",
                "clock = 2027-10-31T02:30:00+02 is the first of the two",
            ],
        );
        check("0 2 * * *", "Asia/Tokyo", &[]);
        check(
            "*/10 * * * *",
            "Australia/Lord_Howe",
            &[
                "in Australia/Lord_Howe the time from 01:30 to 02:00 comes twice on 2027-04-04: \
                 01:30, 01:40, 01:50 start twice where starts go by local time",
                "clock = 2027-04-04T01:30:00+11 is the first of the two",
                "in Australia/Lord_Howe the time from 02:00 to 02:30 is left out on 2027-10-03: \
                 02:00, 02:10, 02:20 never start, or late",
            ],
        );
        check(
            "0 12 * * *",
            "America/New_York",
            &[
                "in America/New_York the time from 02:00 to 03:00 is left out on 2027-03-14: \
                 no slot lies in it",
                "in America/New_York the time from 01:00 to 02:00 comes twice on 2027-11-07: \
                 no slot lies in it",
            ],
        );
    }
}
