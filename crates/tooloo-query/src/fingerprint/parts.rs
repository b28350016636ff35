//! The pieces of a statement, values folded.

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, Word},
};

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

/// A piece of the text as it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Value,
    /// A list of values, however long.
    Values,
    Keyword(String),
    Name(String),
    Sign(String),
}

/// Folds tokens to parts.
pub(super) fn parts(tokens: Vec<Token>) -> Vec<Part> {
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

/// Writes the parts out, spaced in one way.
pub(super) fn print(parts: &[Part]) -> String {
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
