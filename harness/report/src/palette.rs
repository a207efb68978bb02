//! Colours as data: the caller decides whether there are any. Colour never carries a meaning alone.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;

/// The styles of terminal text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// A pass.
    pub good: Style,
    /// A failure.
    pub bad: Style,
    /// A doubt, a fault.
    pub warn: Style,
    /// Headings.
    pub head: Style,
    /// What matters less.
    pub dim: Style,
}

impl Palette {
    /// No styles: what files and pipes get.
    pub const PLAIN: Palette = Palette {
        good: Style::new(),
        bad: Style::new(),
        warn: Style::new(),
        head: Style::new(),
        dim: Style::new(),
    };

    /// Styles of the 16 colours that every terminal has.
    pub const COLOURED: Palette = Palette {
        good: AnsiColor::Green.on_default().bold(),
        bad: AnsiColor::Red.on_default().bold(),
        warn: AnsiColor::Yellow.on_default(),
        head: Style::new().bold(),
        dim: Style::new().dimmed(),
    };
}

/// Returns the text in this style.
pub fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
