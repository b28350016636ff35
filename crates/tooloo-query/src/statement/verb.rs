//! What a statement sets out to do, by its first words.

use sqlparser::tokenizer::Token;

/// What a statement sets out to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    /// It takes no writer's place in SQLite, whether it answers the same each time or not.
    Read,
    /// It inserts, updates or deletes rows, and does nothing where it fails.
    Change,
    /// It may do anything else.
    Other,
}

impl Verb {
    /// Tells what the tokens of a statement, without its white space, are about.
    pub(super) fn of(tokens: &[Token]) -> Self {
        let words = tokens.iter().filter_map(|token| match token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.value.as_str()),
            _ => None,
        });
        let mut words = words;
        let first = words.next().unwrap_or_default().to_ascii_uppercase();
        match first.as_str() {
            "SELECT" | "VALUES" | "EXPLAIN" => Self::Read,
            // Such as OR FAIL, which keeps what a statement did before it failed.
            "INSERT" | "UPDATE" if words.any(outlasts_failure) => Self::Other,
            "INSERT" | "UPDATE" | "DELETE" => Self::Change,
            "WITH" if !words.any(changes) => Self::Read,
            "PRAGMA" if !tokens.contains(&Token::Eq) => Self::Read,
            _ => Self::Other,
        }
    }
}

/// Says whether a word may begin the part of a statement that writes.
fn changes(word: &str) -> bool {
    ["INSERT", "UPDATE", "DELETE", "REPLACE"]
        .iter()
        .any(|change| word.eq_ignore_ascii_case(change))
}

/// Says whether a word may have a failure change more, or less, than nothing.
fn outlasts_failure(word: &str) -> bool {
    word.eq_ignore_ascii_case("FAIL") || word.eq_ignore_ascii_case("ROLLBACK")
}
