//! What is known of a statement by its text alone.

mod verb;

use sqlparser::{
    keywords::Keyword,
    tokenizer::{Token, Tokenizer, Word},
};

pub(crate) use self::verb::Verb;
use crate::{Dialect, Fingerprint};

/// What a statement may do, for all that its text tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// It only reads, and answers the same as long as nothing is written.
    None,
    /// It may write, lock, or answer differently each time.
    Some,
    /// It begins or ends a transaction.
    Transaction,
}

/// Tells statements apart; what is not surely harmless counts as having an effect.
///
/// A function that a database's owner put in place of a built-in one, or a view over a volatile one, cannot be seen.
fn effect(tokens: &[Token]) -> Effect {
    let mut words = tokens.iter().filter_map(|token| match token {
        Token::Word(word) => Some(word),
        _ => None,
    });
    match words.next().map(|word| word.value.to_ascii_uppercase()) {
        Some(first) if TRANSACTION.contains(&first.as_str()) => Effect::Transaction,
        Some(first) if READING.contains(&first.as_str()) && is_harmless(tokens) => Effect::None,
        _ => Effect::Some,
    }
}

fn is_harmless(tokens: &[Token]) -> bool {
    let mut tokens = tokens;
    // A semicolon at the end parts nothing.
    while let [rest @ .., Token::SemiColon] = tokens {
        tokens = rest;
    }
    tokens.iter().enumerate().all(|(place, token)| {
        let before = place.checked_sub(1).map(|place| &tokens[place]);
        match token {
            Token::SemiColon => false,
            // PostgreSQL reads these as times.
            Token::SingleQuotedString(text) => {
                !MOMENTS.contains(&text.trim().to_ascii_lowercase().as_str())
            }
            Token::Word(word) => {
                let calls = tokens.get(place + 1) == Some(&Token::LParen);
                let qualified = before == Some(&Token::Period);
                is_harmless_word(word, calls, qualified)
            }
            _ => true,
        }
    })
}

fn is_harmless_word(word: &Word, calls: bool, qualified: bool) -> bool {
    if word.quote_style.is_some() || qualified {
        return !calls;
    }
    let name = word.value.to_ascii_lowercase();
    if calls {
        return PURE.contains(&name.as_str()) || is_syntax(word.keyword);
    }
    !CHANGING.contains(&name.as_str())
}

/// Says whether a word before a parenthesis calls nothing.
fn is_syntax(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::ALL
            | Keyword::AND
            | Keyword::ANY
            | Keyword::AS
            | Keyword::BETWEEN
            | Keyword::BY
            | Keyword::CASE
            | Keyword::CAST
            | Keyword::DISTINCT
            | Keyword::ELSE
            | Keyword::EXCEPT
            | Keyword::EXISTS
            | Keyword::FILTER
            | Keyword::FROM
            | Keyword::HAVING
            | Keyword::IN
            | Keyword::INTERSECT
            | Keyword::IS
            | Keyword::JOIN
            | Keyword::LIKE
            | Keyword::LIMIT
            | Keyword::NOT
            | Keyword::OFFSET
            | Keyword::ON
            | Keyword::OR
            | Keyword::OVER
            | Keyword::SELECT
            | Keyword::THEN
            | Keyword::UNION
            | Keyword::USING
            | Keyword::VALUES
            | Keyword::WHEN
            | Keyword::WHERE
    )
}

const TRANSACTION: &[&str] = &[
    "ABORT",
    "BEGIN",
    "COMMIT",
    "END",
    "RELEASE",
    "ROLLBACK",
    "SAVEPOINT",
    "START",
];

const READING: &[&str] = &["SELECT", "VALUES", "WITH"];

/// Words of statements that write or lock, and of values that are the moment's or the session's.
const CHANGING: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "delete",
    "insert",
    "into",
    "localtime",
    "localtimestamp",
    "lock",
    "merge",
    "replace",
    "session_user",
    "share",
    "system_user",
    "tablesample",
    "truncate",
    "update",
    "user",
];

/// Texts that a cast makes into the moment, or a day that goes by.
const MOMENTS: &[&str] = &["now", "today", "tomorrow", "yesterday"];

/// Functions of both databases that answer the same to the same; not those of date and time, which know a `'now'`.
const PURE: &[&str] = &[
    "abs",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "ceil",
    "char_length",
    "coalesce",
    "concat",
    "count",
    "dense_rank",
    "exp",
    "floor",
    "greatest",
    "group_concat",
    "ifnull",
    "iif",
    "instr",
    "json_agg",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "jsonb_agg",
    "lag",
    "lead",
    "least",
    "left",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nullif",
    "octet_length",
    "position",
    "power",
    "rank",
    "right",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sqrt",
    "string_agg",
    "strpos",
    "substr",
    "substring",
    "sum",
    "total",
    "trim",
    "typeof",
    "unnest",
    "upper",
];

/// What is known of a statement by its text.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) effect: Effect,
    pub(crate) verb: Verb,
}

impl Statement {
    pub(crate) fn of(sql: &str, dialect: Dialect) -> Self {
        let tokens = Tokenizer::new(dialect.grammar(), sql).tokenize();
        let mut tokens = tokens.unwrap_or_default();
        tokens.retain(|token| !matches!(token, Token::Whitespace(_) | Token::EOF));
        Self {
            fingerprint: Fingerprint::of(sql, dialect),
            // Of what cannot be read into tokens there are none, which may do anything.
            effect: effect(&tokens),
            verb: Verb::of(&tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

    fn effect(sql: &str, dialect: Dialect) -> Effect {
        Statement::of(sql, dialect).effect
    }

    #[test]
    fn reads_are_told_from_what_may_have_an_effect() {
        let reads = [
            "SELECT id, name FROM users WHERE id = $1",
            "select count(*) from users u join posts p on (p.user_id = u.id) where u.id in ($1, $2);",
            "WITH old AS (SELECT id FROM users) SELECT max(id) FROM old",
            "SELECT \"update\" FROM users WHERE lower(name) = 'delete'",
            "-- INSERT\nSELECT 1",
        ];
        let effects = [
            "INSERT INTO users (name) VALUES ($1)",
            "WITH gone AS (DELETE FROM users RETURNING id) SELECT id FROM gone",
            "SELECT id FROM users FOR UPDATE",
            "SELECT id FROM users FOR SHARE",
            "SELECT nextval('users_id_seq')",
            "SELECT random()",
            "SELECT \"random\"()",
            "SELECT mine.lower(name) FROM users",
            "SELECT now()",
            "SELECT CURRENT_TIMESTAMP",
            "SELECT datetime('now')",
            "SELECT id FROM users WHERE made < ' Today'",
            "SELECT 1 INTO copy",
            "SELECT 1; DELETE FROM users",
            "PRAGMA user_version = 3",
            "EXPLAIN SELECT 1",
            "SELECT 'unclosed",
            "",
        ];
        for dialect in BOTH {
            for sql in reads {
                assert_eq!(effect(sql, dialect), Effect::None, "{dialect}: {sql}");
            }
            for sql in effects {
                assert_eq!(effect(sql, dialect), Effect::Some, "{dialect}: {sql}");
            }
        }
    }

    #[test]
    fn statements_that_end_a_transaction_are_told_by_their_first_word() {
        for sql in [
            "BEGIN",
            " commit;",
            "ROLLBACK TO here",
            "/* x */ SAVEPOINT here",
            "START TRANSACTION",
        ] {
            assert_eq!(effect(sql, Dialect::Postgres), Effect::Transaction, "{sql}");
        }
    }
    #[test]
    fn only_what_may_write_takes_a_writers_place_and_only_changes_of_rows_are_put_together() {
        let verbs = [
            ("SELECT datetime('now')", Verb::Read),
            ("(SELECT 1) UNION SELECT 2", Verb::Read),
            (
                "WITH n AS (SELECT 1 AS \"update\") SELECT * FROM n",
                Verb::Read,
            ),
            ("PRAGMA user_version", Verb::Read),
            ("PRAGMA user_version = 3", Verb::Other),
            ("insert into t (a) values (1)", Verb::Change),
            ("/* x */ UPDATE t SET a = 1", Verb::Change),
            ("DELETE FROM t", Verb::Change),
            ("INSERT OR IGNORE INTO t VALUES (1)", Verb::Change),
            ("INSERT OR FAIL INTO t VALUES (1)", Verb::Other),
            ("UPDATE OR ROLLBACK t SET a = 1", Verb::Other),
            (
                "WITH n AS (SELECT 1) INSERT INTO t SELECT * FROM n",
                Verb::Other,
            ),
            ("CREATE TABLE t (a)", Verb::Other),
            ("VACUUM", Verb::Other),
            ("INSERT 'unclosed", Verb::Other),
            ("", Verb::Other),
        ];
        for dialect in BOTH {
            for (sql, verb) in verbs {
                assert_eq!(Statement::of(sql, dialect).verb, verb, "{dialect}: {sql}");
            }
        }
    }
}
