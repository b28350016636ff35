//! Colours, where the reader is a terminal that wants them.

use std::{
    env,
    io::{self, IsTerminal},
};

/// Colours text, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tint {
    Plain,
    Bold,
    Dim,
    Good,
    Warning,
    Bad,
    /// One of a few colours that tell things apart.
    Distinct(usize),
}

/// Cyan, magenta, blue, yellow, green: none of them means that something is wrong.
const DISTINCT: [&str; 5] = ["36", "35", "34", "33", "32"];

impl Paint {
    /// Colours only for a terminal, and not where `NO_COLOR` is set (no-color.org).
    pub(crate) fn for_stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            on: io::stdout().is_terminal() && !unwanted && !dumb,
        }
    }

    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { on: false }
    }

    pub(crate) fn paint(self, tint: Tint, text: &str) -> String {
        let code = match tint {
            Tint::Plain => None,
            Tint::Bold => Some("1"),
            Tint::Dim => Some("2"),
            Tint::Good => Some("32"),
            Tint::Warning => Some("33"),
            Tint::Bad => Some("31"),
            Tint::Distinct(nth) => Some(DISTINCT[nth % DISTINCT.len()]),
        };
        match code {
            Some(code) if self.on => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_nothing_unless_it_is_on() {
        assert_eq!(Paint::plain().paint(Tint::Bad, "down"), "down");
        assert_eq!(
            Paint { on: true }.paint(Tint::Bad, "down"),
            "\x1b[31mdown\x1b[0m"
        );
        assert_eq!(Paint { on: true }.paint(Tint::Plain, "up"), "up");
    }
}
