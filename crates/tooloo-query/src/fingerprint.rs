//! What two statements have in common that differ in their values alone.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use rustc_hash::FxHasher;
use serde::{Serialize, Serializer};
use sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, Tokenizer, Word},
};

use crate::Dialect;

/// How many bytes of a statement are kept to be shown.
const LONGEST: usize = 4_096;

/// Stands for a text that cannot be taken apart; nothing of it may be shown.
const UNREADABLE: &str = "(unreadable)";

/// The words that give a statement its shape; others are written small, names like `id` among them.
const SHOUTED: &[Keyword] = &[
    Keyword::ALL,
    Keyword::AND,
    Keyword::AS,
    Keyword::ASC,
    Keyword::BEGIN,
    Keyword::BETWEEN,
    Keyword::BY,
    Keyword::CASE,
    Keyword::COMMIT,
    Keyword::CONFLICT,
    Keyword::CREATE,
    Keyword::CROSS,
    Keyword::DELETE,
    Keyword::DESC,
    Keyword::DISTINCT,
    Keyword::DO,
    Keyword::ELSE,
    Keyword::END,
    Keyword::EXCEPT,
    Keyword::EXISTS,
    Keyword::FROM,
    Keyword::FULL,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::INDEX,
    Keyword::INNER,
    Keyword::INSERT,
    Keyword::INTERSECT,
    Keyword::INTO,
    Keyword::IS,
    Keyword::JOIN,
    Keyword::LEFT,
    Keyword::LIKE,
    Keyword::LIMIT,
    Keyword::NOT,
    Keyword::NOTHING,
    Keyword::OFFSET,
    Keyword::ON,
    Keyword::OR,
    Keyword::ORDER,
    Keyword::OUTER,
    Keyword::OVER,
    Keyword::PARTITION,
    Keyword::RETURNING,
    Keyword::RIGHT,
    Keyword::ROLLBACK,
    Keyword::SELECT,
    Keyword::SET,
    Keyword::TABLE,
    Keyword::THEN,
    Keyword::UNION,
    Keyword::UPDATE,
    Keyword::USING,
    Keyword::VALUES,
    Keyword::WHEN,
    Keyword::WHERE,
    Keyword::WITH,
];

/// A statement without its values.
///
/// Values and parameters become `?`; lists of values after `IN` and rows of values after `VALUES` become
/// `(…)`, however many there are; comments go, white space and the case of names and keywords do not
/// count. So nothing in it is data, and it may be shown where the statement may not.
///
/// Clones share the text. Two are equal where their statements are, also past what is kept of the text.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    text: Arc<str>,
    hash: u64,
}

impl Fingerprint {
    /// Takes the values out of `sql`.
    pub fn of(sql: &str, dialect: Dialect) -> Self {
        let text = Tokenizer::new(dialect.grammar(), sql)
            .tokenize()
            .map_or_else(|_| UNREADABLE.to_owned(), |tokens| print(&parts(tokens)));
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        Self {
            text: shortened(text).into(),
            hash,
        }
    }

    /// Returns the statement without its values, cut off after 4096 bytes.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A piece of the text as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Value,
    /// A list of values, however long.
    Values,
    Keyword(String),
    Name(String),
    Sign(String),
}

/// Folds tokens to parts.
fn parts(tokens: Vec<Token>) -> Vec<Part> {
    let mut parts = Vec::new();
    for token in tokens {
        match token {
            Token::Whitespace(_) | Token::SemiColon | Token::EOF => continue,
            Token::Word(word) => parts.push(self::word(&word)),
            token if is_value(&token) => {
                // The sign of a number belongs to it, unless there is something to subtract from.
                if parts.last().is_some_and(is_sign)
                    && !parts.iter().rev().nth(1).is_some_and(ends_value)
                {
                    parts.pop();
                }
                parts.push(Part::Value);
            }
            token => parts.push(Part::Sign(token.to_string())),
        }
        fold(&mut parts);
    }
    parts
}

fn word(word: &Word) -> Part {
    match (word.quote_style, word.keyword) {
        (None, Keyword::NULL | Keyword::TRUE | Keyword::FALSE) => Part::Value,
        (None, keyword) if SHOUTED.contains(&keyword) => Part::Keyword(word.value.to_uppercase()),
        (None, _) => Part::Name(word.value.to_lowercase()),
        (Some(_), _) => Part::Name(word.to_string()),
    }
}

fn is_value(token: &Token) -> bool {
    matches!(
        token,
        Token::Number(..)
            | Token::Placeholder(_)
            | Token::SingleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
    )
}

fn is_sign(part: &Part) -> bool {
    matches!(part, Part::Sign(sign) if sign == "-" || sign == "+")
}

/// Says whether a value may end with this part, so that a sign after it is an operator.
fn ends_value(part: &Part) -> bool {
    match part {
        Part::Value | Part::Name(_) | Part::Values => true,
        Part::Sign(sign) => sign == ")" || sign == "]",
        Part::Keyword(_) => false,
    }
}

/// Folds a list of values that has just been closed, and rows of them.
fn fold(parts: &mut Vec<Part>) {
    if parts.last() != Some(&sign(")")) {
        return;
    }
    let inside = parts[..parts.len() - 1]
        .iter()
        .rev()
        .take_while(|part| **part == Part::Value || **part == sign(","))
        .count();
    let Some(open) = (parts.len() - 1).checked_sub(inside + 1) else {
        return;
    };
    if inside == 0 || parts[open] != sign("(") {
        return;
    }
    let before = open.checked_sub(1).map(|at| &parts[at]);
    let listed = |word: &str| before == Some(&Part::Keyword(word.to_owned()));
    if listed("IN") || listed("VALUES") {
        parts.truncate(open);
        parts.push(Part::Values);
    } else if before == Some(&sign(",")) && open >= 2 && parts[open - 2] == Part::Values {
        // One more row.
        parts.truncate(open - 1);
    }
}

fn sign(sign: &str) -> Part {
    Part::Sign(sign.to_owned())
}

fn print(parts: &[Part]) -> String {
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        let before = index.checked_sub(1).map(|at| &parts[at]);
        if before.is_some_and(|before| is_spaced(before, part)) {
            text.push(' ');
        }
        match part {
            Part::Value => text.push('?'),
            Part::Values => text.push_str("(…)"),
            Part::Keyword(word) | Part::Name(word) | Part::Sign(word) => text.push_str(word),
        }
    }
    text
}

fn is_spaced(before: &Part, part: &Part) -> bool {
    let is =
        |part: &Part, signs: &[&str]| matches!(part, Part::Sign(sign) if signs.contains(&&**sign));
    let calls = is(part, &["("]) && matches!(before, Part::Name(_));
    !(calls || is(part, &[",", ")", ".", "]", "::", "["]) || is(before, &["(", ".", "[", "::"]))
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for Fingerprint {}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
