//! Finds what is wrong with a statement by its syntax tree.

mod aggregate;
mod catalogue;
mod columns;
mod error;
mod filtered;
mod finding;
mod names;
mod rule;
mod rules;
mod scope;
mod walk;

use sqlparser::{
    ast::Statement,
    keywords::Keyword,
    parser::{Parser, ParserError},
    tokenizer::{Token, TokenWithSpan, Tokenizer},
};

pub(crate) use self::filtered::{Filter, filters};
pub use self::{
    catalogue::{Catalogue, Class, Column, Table},
    error::SyntaxError,
    finding::{Finding, Place, Severity},
    rule::Rule,
};
use crate::Dialect;

/// How deep parentheses and queries may nest; what nests deeper is a [`SyntaxError`].
const DEEPEST: usize = 64;

/// How many operators a statement may have: the tree of a chain of them is as deep as the chain is long.
const LONGEST_CHAIN: usize = 1_000;

/// Finds the anti-patterns in the statements of `sql`, in the order of their places.
///
/// Nothing is known of the tables: the rules that need to ask a [`Catalogue`] stay silent, and those
/// that a catalogue could acquit someone of go by the text alone. See [`analyze_with`].
///
/// # Errors
///
/// Returns a [`SyntaxError`] where `sql` is none of the dialect's SQL, and where it nests too deep.
pub fn analyze(sql: &str, dialect: Dialect) -> Result<Vec<Finding>, SyntaxError> {
    analyze_with(sql, dialect, &Catalogue::default())
}

/// Finds the anti-patterns in the statements of `sql`, over tables that the catalogue knows.
///
/// # Errors
///
/// Returns a [`SyntaxError`] where `sql` is none of the dialect's SQL, and where it nests too deep.
pub fn analyze_with(
    sql: &str,
    dialect: Dialect,
    catalogue: &Catalogue,
) -> Result<Vec<Finding>, SyntaxError> {
    let statements = parse(sql, dialect)?;
    Ok(walk::findings(&statements, catalogue))
}

/// Parses statements whose trees are not too deep to walk.
fn parse(sql: &str, dialect: Dialect) -> Result<Vec<Statement>, SyntaxError> {
    let grammar = dialect.grammar();
    let tokens = Tokenizer::new(grammar, sql)
        .tokenize_with_location()
        .map_err(|error| SyntaxError::from(ParserError::from(error)))?;
    if is_too_long(&tokens) {
        return Err(SyntaxError::too_long(LONGEST_CHAIN));
    }
    Parser::new(grammar)
        .with_recursion_limit(DEEPEST)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(SyntaxError::from)
}

/// Says whether a statement has so many operators that its tree could be too deep to walk.
fn is_too_long(tokens: &[TokenWithSpan]) -> bool {
    let statements = tokens.split(|token| token.token == Token::SemiColon);
    let longest = statements.map(|tokens| {
        tokens
            .iter()
            .filter(|token| may_chain(&token.token))
            .count()
    });
    longest.max().is_some_and(|longest| longest > LONGEST_CHAIN)
}

/// Says whether a token may be an operator; commas and values only make lists longer.
fn may_chain(token: &Token) -> bool {
    match token {
        Token::Word(word) => CHAINING.contains(&word.keyword),
        Token::Comma
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::Placeholder(_)
        | Token::SingleQuotedString(_)
        | Token::LParen
        | Token::RParen
        | Token::Period => false,
        _ => true,
    }
}

/// The operators that are words, and those that join queries and tables.
const CHAINING: &[Keyword] = &[
    Keyword::AND,
    Keyword::OR,
    Keyword::XOR,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
    Keyword::COLLATE,
    Keyword::IS,
    Keyword::NOT,
    Keyword::LIKE,
    Keyword::ILIKE,
    Keyword::IN,
    Keyword::BETWEEN,
    Keyword::AT,
    Keyword::GLOB,
];
