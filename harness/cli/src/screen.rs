//! What a person sees while a run goes on: a bar on a terminal, plain lines elsewhere. Progress
//! goes to standard error, verdicts to standard output.

use crate::args::{Color, Global};
use crate::environment;
use crate::events::milliseconds;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use twiceproof_report::progress::{self, Standing};
use twiceproof_report::view::ScenarioView;
use twiceproof_report::{Outcome, Palette};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// A bar on a terminal, lines elsewhere and where CI is set
    Auto,
    /// A bar
    Bar,
    /// A line an event, and a heartbeat
    Lines,
    /// Nothing
    None,
}

/// How often a log says that the run still lives.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Frames of the bar a second.
const FRAMES: u8 = 20;

/// The screen.
pub(crate) struct Screen {
    mode: Progress,
    verbose: bool,
    color: Color,
    standing: Arc<Mutex<(Standing, Instant)>>,
    begun: Instant,
    bar: Option<ProgressBar>,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Screen {
    /// Returns the screen that these flags ask for.
    pub(crate) fn new(asked: Progress, global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let mode = match asked {
            _ if global.quiet => Progress::None,
            Progress::Auto if terminal && !environment::is_ci() => Progress::Bar,
            Progress::Auto => Progress::Lines,
            other => other,
        };
        let standing = Arc::new(Mutex::new((Standing::default(), Instant::now())));
        Self {
            mode,
            verbose: global.verbose,
            color: global.color,
            heart: (mode == Progress::Lines)
                .then(|| heart(Arc::clone(&standing)))
                .flatten(),
            standing,
            begun: Instant::now(),
            bar: None,
        }
    }

    /// Returns the colours of verdicts.
    pub(crate) fn palette(&self) -> Palette {
        self.color.palette(&std::io::stdout())
    }

    /// Prints a line of progress.
    pub(crate) fn line(&self, text: &str) {
        match (&self.bar, self.mode) {
            (_, Progress::None) => {}
            (Some(bar), _) => bar.println(text),
            (None, _) => eprint(self.color, &format!("{text}\n")),
        }
    }

    /// Prints a line that only `-v` asks for.
    pub(crate) fn detail(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            self.line(&text());
        }
    }

    /// Prints a verdict.
    pub(crate) fn verdict(&self, text: &str) {
        let print = || {
            let mut out = anstream::AutoStream::new(std::io::stdout(), self.color.choice()).lock();
            // A reader that closed its end has seen enough.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// A scenario begins.
    pub(crate) fn begin(&mut self, number: u32, of: u32, name: &str) {
        self.begun = Instant::now();
        self.standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1 = self.begun;
        let failed = self.lock(|standing| standing.failed);
        self.lock(|standing| {
            *standing = Standing {
                scenario: number,
                scenarios: of,
                name: name.to_owned(),
                stage: "baseline".to_owned(),
                failed,
                ..Standing::default()
            };
        });
        if self.mode == Progress::Bar && self.bar.is_none() {
            let target = ProgressDrawTarget::stderr_with_hz(FRAMES);
            let bar = ProgressBar::with_draw_target(Some(u64::from(of)), target);
            let style =
                ProgressStyle::with_template(" [{elapsed_precise}] {bar:20} {pos}/{len}   {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.enable_steady_tick(Duration::from_millis(250));
            self.bar = Some(bar);
        }
        self.show();
    }

    /// A trial ended.
    pub(crate) fn trial(&self, stage: &str, trials: u32) {
        let elapsed_ms = milliseconds(self.begun);
        self.lock(|standing| {
            standing.stage = stage.to_owned();
            standing.trials = trials;
            standing.elapsed_ms = elapsed_ms;
        });
        self.show();
    }

    /// A scenario ended.
    pub(crate) fn end(&self, view: &ScenarioView) {
        let (number, of) = self.lock(|standing| {
            standing.failed += u32::from(view.outcome != Outcome::Pass);
            (standing.scenario, standing.scenarios)
        });
        match self.mode {
            Progress::Lines => self.line(&progress::ended_plain(number, of, view)),
            _ => self.line(&progress::ended(
                view,
                &self.color.palette(&std::io::stderr()),
            )),
        }
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Nothing more comes.
    pub(crate) fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if let Some((stop, thread)) = self.heart.take() {
            drop(stop);
            // A heart that panicked has nothing more to say.
            let _ = thread.join();
        }
    }

    fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_message(self.lock(|standing| progress::bar(standing)));
        }
    }

    fn lock<T>(&self, act: impl FnOnce(&mut Standing) -> T) -> T {
        act(&mut self
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.close();
    }
}

fn heart(standing: Arc<Mutex<(Standing, Instant)>>) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let beat = move || {
        while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
            let (mut standing, begun) = standing
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            if standing.scenario > 0 {
                standing.elapsed_ms = milliseconds(begun);
                eprint(
                    Color::Auto,
                    &format!("{}\n", progress::heartbeat(&standing)),
                );
            }
        }
    };
    let thread = std::thread::Builder::new()
        .name("heartbeat".to_owned())
        .spawn(beat);
    thread.ok().map(|thread| (stop, thread))
}

fn eprint(color: Color, text: &str) {
    let mut err = anstream::AutoStream::new(std::io::stderr(), color.choice()).lock();
    // Nobody is left to tell where standard error is gone.
    let _ = err.write_all(text.as_bytes());
}
