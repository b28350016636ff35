//! What a fingerprint keeps of a statement, and what it does not.

use proptest::prelude::*;
use tooloo_query::{Dialect, Fingerprint};

const BOTH: [Dialect; 2] = [Dialect::Sqlite, Dialect::Postgres];

fn of(sql: &str) -> String {
    let [one, other] = BOTH.map(|dialect| Fingerprint::of(sql, dialect));
    assert_eq!(one, other, "the dialects disagree");
    one.to_string()
}

#[test]
fn takes_values_and_parameters_out() {
    assert_eq!(
        of("select id from users where name = 'Ada' and age >= 36"),
        "SELECT id FROM users WHERE name = ? AND age >= ?"
    );
    assert_eq!(
        of("SELECT id FROM users WHERE id = $1"),
        "SELECT id FROM users WHERE id = ?"
    );
    assert_eq!(
        of("SELECT id FROM users WHERE gone = TRUE OR x = NULL"),
        "SELECT id FROM users WHERE gone = ? OR x = ?"
    );
}

#[test]
fn folds_lists_and_rows_of_any_length() {
    let one = of("SELECT id FROM users WHERE id IN (1)");
    assert_eq!(one, "SELECT id FROM users WHERE id IN (…)");
    assert_eq!(of("SELECT id FROM users WHERE id in ($1, $2,$3)"), one);
    let row = of("INSERT INTO users(id, name) VALUES (1, 'a')");
    assert_eq!(
        of("INSERT INTO users (id, name) VALUES (1, 'a'), (2, 'b'), (3, NULL)"),
        row
    );
}

#[test]
fn takes_the_sign_of_a_number_for_part_of_it() {
    assert_eq!(
        of("SELECT id FROM t WHERE a = -1"),
        of("SELECT id FROM t WHERE a = 1")
    );
    assert_ne!(of("SELECT a -1 FROM t"), of("SELECT a 1 FROM t"));
    assert_eq!(of("SELECT a - 1 FROM t"), "SELECT a - ? FROM t");
}

#[test]
fn ignores_space_case_and_comments() {
    let plain = of("SELECT count(*) FROM users u WHERE u.id = 1");
    let loose = of("select\n COUNT ( * )\tfrom Users U -- who\n where /* which */ u . id=1;");
    assert_eq!(plain, loose);
}

#[test]
fn keeps_statements_apart_that_differ_in_more_than_values() {
    assert_ne!(of("SELECT id FROM users"), of("SELECT id FROM posts"));
    assert_ne!(
        of("SELECT a FROM t WHERE b = 1"),
        of("SELECT a FROM t WHERE b > 1")
    );
    assert_ne!(
        of("SELECT id FROM users WHERE id IN (SELECT 1)"),
        of("SELECT id FROM users WHERE id IN (1)")
    );
}

#[test]
fn shows_nothing_of_what_it_cannot_read() {
    assert_eq!(of("SELECT 'a secret that never ends"), "(unreadable)");
}

#[test]
fn keeps_long_statements_apart_past_what_it_shows() {
    let long = |last: &str| format!("SELECT {} {last} FROM t", "some_column, ".repeat(500));
    let [one, other] = ["a", "b"].map(|last| Fingerprint::of(&long(last), Dialect::Sqlite));
    assert!(one.as_str().len() < 4_200);
    assert_ne!(one, other);
}

proptest! {
    #[test]
    fn never_shows_a_value(text in "[^'\\\\]{1,40}", number in 1_000_u64..) {
        let sql = format!("SELECT id FROM t WHERE a = 'kept{text}' AND b = {number} AND c IN ({number}, 'kept{text}')");
        for dialect in BOTH {
            let shown = Fingerprint::of(&sql, dialect).to_string();
            prop_assert_eq!(shown, "SELECT id FROM t WHERE a = ? AND b = ? AND c IN (…)");
        }
    }

    #[test]
    fn takes_any_text(sql in ".{0,200}") {
        for dialect in BOTH {
            let _ = Fingerprint::of(&sql, dialect);
        }
    }
}
