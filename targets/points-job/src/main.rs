//! A nightly batch job: 1,000 points and a mail for every eligible member.
//!
//! It is written as such jobs are, and knows nothing of the harness that runs it. Two arguments
//! make the difference between the broken and the fixed variant:
//!
//! * `--guard check` looks whether the lock file is there, greets the mail server, then creates the
//!   file. `--guard flock` locks a file that is never deleted, which the kernel does in one step
//!   and undoes at the end.
//! * `--idempotent` grants only what was not granted yet, and sends mails from the ledger after the
//!   commit. Without it each member's points are added whatever is there, and the mail goes out
//!   first.

mod lock;
mod mail;
mod options;
mod points;

use lock::{Guard, Lock};
use mail::Mailer;
use options::Options;
use points::{Claim, Points};
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Options::read(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("points-job: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does the night's work, and returns what there is to say about it.
fn run(options: &Options) -> Result<String, Box<dyn Error>> {
    let path = options.folder.join("points.db");
    if options.init {
        points::init(&path)?;
        return Ok(format!("made {}", path.display()));
    }
    let mut points = Points::open(&path)?;
    let lock_file = options.folder.join("points.lock");
    if options.guard == Guard::Check && lock_file.exists() {
        return Ok("another run is at work".to_owned());
    }
    let members = points.eligible(&options.date)?;
    let mut mailer = Mailer::greet(&options.mail)?;
    let Some(_lock) = Lock::take(options.guard, &lock_file)? else {
        return Ok("another run is at work".to_owned());
    };
    for member in &members {
        if options.idempotent {
            points.grant(member, &options.date, Claim::Unclaimed)?;
        } else {
            mailer.send(&member.mail, &options.date, None)?;
            points.grant(member, &options.date, Claim::Any)?;
        }
    }
    for member in points.unmailed(&options.date)? {
        let id = format!("<points-{}-{}@example.test>", options.date, member.id);
        mailer.send(&member.mail, &options.date, Some(&id))?;
        points.set_mailed(&member, &options.date)?;
    }
    mailer.quit()?;
    Ok(format!("granted points to {} members", members.len()))
}
