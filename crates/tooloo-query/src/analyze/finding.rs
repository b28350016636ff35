//! What the analysis reports.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlparser::tokenizer::Span;

use super::Rule;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// There is a better way to write it.
    Hint,
    /// It costs more than it must, or breaks when a table changes.
    Warning,
    /// It does not do what it says, or does more.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Where something stands in a text; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Place {
    /// The line of the first character.
    pub line: u64,
    /// The column of the first character.
    pub column: u64,
    /// The line of the last character.
    pub end_line: u64,
    /// The column after the last character.
    pub end_column: u64,
}

impl Place {
    /// Returns the place of one character.
    pub(super) fn at(line: u64, column: u64) -> Self {
        Self {
            line,
            column,
            end_line: line,
            end_column: column + 1,
        }
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        // The parser has no place for a few kinds of nodes, and says so with zeros.
        Self {
            line: span.start.line.max(1),
            column: span.start.column.max(1),
            end_line: span.end.line.max(1),
            end_column: span.end.column.max(1),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that a rule found in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule that was broken.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is wrong there, in a sentence.
    pub message: String,
    /// What to write instead.
    pub advice: &'static str,
}

impl Finding {
    pub(super) fn new(rule: Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity(),
            place: span.into(),
            message: message.into(),
            advice: rule.advice(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            severity,
            place,
            message,
            ..
        } = self;
        write!(f, "{place}: {severity}: {message} [{rule}]")
    }
}
