//! Reads schedule files.

use super::{Directive, OrderedRequest, Schedule, Until};
use crate::diag::{Flaw, code};
use crate::escape::escape_cut;
use crate::fault::{Fault, HEAL};
use crate::file::choices;
use crate::kind::Kinds;
use crate::moment::RequestMoment;
use crate::token::Tokens;
use crate::version;

/// The largest schedule file.
pub const SCHEDULE_BYTES_MAX: usize = 64 << 10;
/// The most lines of a schedule file.
pub const SCHEDULE_LINES_MAX: usize = 1000;

/// What a line can begin with.
const KEYWORDS: &[&str] = &[
    "seed", "target", "service", "start", "run", "fault", "order",
];

impl Schedule {
    /// Reads a schedule file, or returns the first error in it. Kinds of faults are not looked at.
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        read(text, None)
    }

    /// Reads a schedule file whose faults must be among these kinds, with none but their keys.
    pub fn parse_known(text: &str, kinds: &Kinds<'_>) -> Result<Self, Flaw> {
        read(text, Some(kinds))
    }
}

fn read(text: &str, kinds: Option<&Kinds<'_>>) -> Result<Schedule, Flaw> {
    if text.len() > SCHEDULE_BYTES_MAX {
        let message = format!("a schedule of {} bytes", text.len());
        return Err(flaw(
            code::TYPE,
            message,
            0..0,
            "at most 64 KiB (65536 bytes)",
        ));
    }
    let mut schedule = Schedule::default();
    let mut is_seeded = false;
    let mut offset = 0;
    for (index, whole) in text.split_inclusive('\n').enumerate() {
        let line = whole.strip_suffix('\n');
        let line = line.map(|line| line.strip_suffix('\r').unwrap_or(line));
        if index == 0 {
            check_version(line.unwrap_or(whole))?;
        }
        let Some(line) = line else {
            let message = "the last line does not end".to_owned();
            let span = offset..text.len();
            return Err(flaw(
                code::SYNTAX,
                message,
                span,
                "the file may have been cut",
            ));
        };
        if index == SCHEDULE_LINES_MAX {
            let message = format!("more than {SCHEDULE_LINES_MAX} lines");
            return Err(flaw(code::TYPE, message, offset..offset + line.len(), ""));
        }
        let mut tokens = Tokens::new(line, offset);
        if index > 0 && !tokens.is_end() {
            read_line(&mut tokens, &mut schedule, &mut is_seeded, kinds)?;
            tokens.end()?;
        }
        offset += whole.len();
    }
    match text.is_empty() {
        true => check_version("").map(|()| schedule),
        false => Ok(schedule),
    }
}

fn flaw(code: &'static str, message: String, span: std::ops::Range<usize>, help: &str) -> Flaw {
    Flaw {
        code,
        message,
        span,
        help: help.to_owned(),
    }
}

/// Checks the first line.
fn check_version(line: &str) -> Result<(), Flaw> {
    let (format, ours) = version::SCHEDULE.rsplit_once(' ').unwrap_or_default();
    let span = 0..line.len();
    match line
        .strip_prefix(format)
        .and_then(|rest| rest.strip_prefix(' '))
    {
        Some(theirs) if theirs == ours => Ok(()),
        Some(theirs) if !theirs.is_empty() && theirs.bytes().all(|b| b.is_ascii_digit()) => {
            let theirs = escape_cut(theirs, 20);
            let message = format!("a schedule of format {theirs}; this program reads {ours}");
            let help = "replay it with the version of twiceproof that wrote it";
            Err(flaw(code::SYNTAX, message, span, help))
        }
        _ => {
            let help = format!("the first line must be `{}`", version::SCHEDULE);
            Err(flaw(
                code::SYNTAX,
                "not a schedule file".to_owned(),
                span,
                &help,
            ))
        }
    }
}

/// Reads one line that is neither empty nor a comment.
fn read_line(
    tokens: &mut Tokens<'_>,
    schedule: &mut Schedule,
    is_seeded: &mut bool,
    kinds: Option<&Kinds<'_>>,
) -> Result<(), Flaw> {
    let span = tokens.next_span();
    if tokens.take("start") {
        schedule.body.push(Directive::Start(tokens.instance()?));
    } else if tokens.take("run") {
        let instance = tokens.instance()?;
        schedule
            .body
            .push(Directive::Run(instance, read_until(tokens)?));
    } else if tokens.take("fault") {
        let heals = tokens.take(HEAL);
        let directive = [Directive::Fault, Directive::Heal][usize::from(heals)];
        let fault = Fault::read(tokens, kinds)?;
        schedule.body.push(directive(fault));
    } else if tokens.take("seed") {
        let (place, digits) = (tokens.next_span(), tokens.word("a seed in hex digits")?);
        let is_hex = digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u64::from_str_radix(&digits, 16) {
            Ok(seed) if is_hex && !*is_seeded => schedule.seed = seed,
            Ok(_) if is_hex => {
                return Err(flaw(
                    code::SYNTAX,
                    "a second seed".to_owned(),
                    span,
                    "keep one",
                ));
            }
            _ => {
                let message = format!("`{}` is no seed", escape_cut(&digits, 40));
                return Err(flaw(code::TYPE, message, place, "1 to 16 hex digits"));
            }
        }
        *is_seeded = true;
    } else if tokens.take("target") {
        let name = tokens.word("the target's name")?;
        let (place, hash) = (tokens.next_span(), tokens.word("the target's hash")?);
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hash.len() != 8 || !hash.bytes().all(is_digit) {
            let message = format!("`{}` is no hash", escape_cut(&hash, 40));
            return Err(flaw(code::TYPE, message, place, "8 lowercase hex digits"));
        }
        if schedule.target.replace((name, hash)).is_some() {
            return Err(flaw(
                code::SYNTAX,
                "a second target".to_owned(),
                span,
                "keep one",
            ));
        }
    } else if tokens.take("service") {
        let name = tokens.word("the service's name")?;
        if schedule.services.iter().any(|(first, ..)| *first == name) {
            let message = format!("a second line for service `{}`", escape_cut(&name, 40));
            return Err(flaw(code::SYNTAX, message, span, "keep one"));
        }
        let kind = tokens.word("the service's kind")?;
        schedule
            .services
            .push((name, kind, tokens.word("the service's version")?));
    } else if tokens.take("order") {
        schedule.orders.push(read_order(tokens)?);
    } else {
        let mut flaw = tokens.expected("a directive");
        let word = tokens.word("a directive").unwrap_or_default();
        flaw.help = choices(&word, "lines begin with", KEYWORDS);
        return Err(flaw);
    }
    Ok(())
}

fn read_order(tokens: &mut Tokens<'_>) -> Result<Vec<OrderedRequest>, Flaw> {
    let mut order = Vec::new();
    loop {
        order.push(OrderedRequest {
            instance: tokens.instance()?,
            request: RequestMoment::read_replied(tokens)?,
        });
        if !tokens.take("<") {
            return Ok(order);
        }
    }
}

fn read_until(tokens: &mut Tokens<'_>) -> Result<Until, Flaw> {
    if tokens.take("until") {
        return RequestMoment::read(tokens).map(Until::Request);
    }
    if tokens.take("to") {
        return tokens
            .one_of(&[("exit", false), ("blocked", true)])
            .map(|is_blocked| {
                if is_blocked {
                    Until::Blocked
                } else {
                    Until::Exit
                }
            });
    }
    let mut flaw = tokens.expected("`until` or `to`");
    flaw.help = "until SERVICE \"REQUEST\" N held|answered|replied, to exit, or to blocked".into();
    Err(flaw)
}
