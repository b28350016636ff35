//! Text measured in the terminal's columns.

use std::{env, io::IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How wide to print where no terminal says it.
const COLUMNS: usize = 100;

/// Returns how many columns `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Shortens `text` to `columns`, with an ellipsis where something was cut.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut room = columns.saturating_sub(1);
    for character in text.chars() {
        let Some(rest) = room.checked_sub(character.width().unwrap_or(0)) else {
            break;
        };
        room = rest;
        kept.push(character);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Fills `text` up to `columns` with spaces.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    let spaces = columns.saturating_sub(width(text));
    format!("{text}{:spaces$}", "")
}

/// Replaces control characters: what a service reports must not steer the reader's terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

/// Returns how many columns standard output has.
pub(crate) fn terminal_columns() -> usize {
    let named = env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    if let Some(columns) = named {
        return columns;
    }
    if !std::io::stdout().is_terminal() {
        return COLUMNS;
    }
    terminal_size::terminal_size().map_or(COLUMNS, |(columns, _)| usize::from(columns.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_columns_and_not_characters() {
        assert_eq!(["abc", "é", "日本", "e\u{301}"].map(width), [3, 1, 4, 1]);
        assert_eq!(pad("日本", 6), "日本  ");
        assert_eq!(pad("long", 2), "long");
    }

    #[test]
    fn shortens_to_whole_characters() {
        assert_eq!(fit("overview", 8), "overview");
        assert_eq!(fit("overview", 5), "over…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("overview", 0), "");
    }

    #[test]
    fn lets_no_control_character_through() {
        assert_eq!(
            printable("a\x1b[31mb\nc\u{9b}"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}"
        );
    }
}
