//! Text that is not SQL.

use std::fmt;

use sqlparser::parser::ParserError;

use super::Place;

/// The text is not a statement of its dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    message: String,
    place: Option<Place>,
}

impl SyntaxError {
    /// Returns what is wrong, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Says that a statement has more than `most` operators.
    pub(super) fn too_long(most: usize) -> Self {
        Self {
            message: format!("the statement has more than {most} operators"),
            place: None,
        }
    }

    /// Returns where the parser gave up, where it knows.
    pub fn place(&self) -> Option<Place> {
        self.place
    }
}

impl From<ParserError> for SyntaxError {
    fn from(error: ParserError) -> Self {
        let text = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
            ParserError::RecursionLimitExceeded => {
                return Self {
                    message: "the statement nests too deep".to_owned(),
                    place: None,
                };
            }
        };
        let (message, place) = split(&text);
        Self {
            message: message.to_owned(),
            place,
        }
    }
}

/// Takes the place off the end of one of the parser's messages.
fn split(text: &str) -> (&str, Option<Place>) {
    let found = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let line = line.trim().parse().ok()?;
        let column = column.trim().parse().ok()?;
        Some((message, Place::at(line, column)))
    });
    match found {
        Some((message, place)) => (message, Some(place)),
        None => (text, None),
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}
