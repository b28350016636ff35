//! Values that were written into the text.

use sqlparser::ast::{BinaryOperator, Expr, Spanned, Value};

use crate::analyze::{Rule, columns::ColumnName, scope::Scope};

/// From how many characters on a text is data rather than a word of the schema.
const LONG: usize = 40;

/// From how many digits on a number is somebody's key.
const DIGITS: usize = 7;

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, expr: &Expr) {
    let Expr::BinaryOp { left, op, right } = expr else {
        return;
    };
    match op {
        BinaryOperator::Or if is_truth(left) || is_truth(right) => {
            let message = "a condition that is always true stands beside the others";
            scope.report(Rule::EmbeddedValue, expr.span(), message);
        }
        BinaryOperator::Eq | BinaryOperator::NotEq => {
            let value = match (ColumnName::of(left), ColumnName::of(right)) {
                (Some(_), None) => right,
                (None, Some(_)) => left,
                _ => return,
            };
            if let Some(kind) = data(value) {
                let message = format!("{kind} is written into the text");
                scope.report(Rule::EmbeddedValue, value.span(), message);
            }
        }
        _ => {}
    }
}

/// Says whether a condition compares a constant with itself, as an injected one does.
fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_truth(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => match (&**left, &**right) {
            (Expr::Value(one), Expr::Value(other)) => {
                one.value == other.value && !matches!(one.value, Value::Placeholder(_))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Says what a constant looks like, where it looks like data.
fn data(expr: &Expr) -> Option<&'static str> {
    let Expr::Value(value) = expr else {
        return None;
    };
    match &value.value {
        Value::Number(text, _) => (text.len() >= DIGITS
            && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some("a number that looks like a key"),
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => described(text),
        _ => None,
    }
}

fn described(text: &str) -> Option<&'static str> {
    if is_uuid(text) {
        Some("a UUID")
    } else if is_email(text) {
        Some("an e-mail address")
    } else if text.contains('\'') {
        Some("a text with a quote in it")
    } else if text.chars().count() > LONG {
        Some("a long text")
    } else if text.len() >= DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Some("a text of digits")
    } else {
        None
    }
}

fn is_uuid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| {
            if dashes.contains(&index) {
                byte == b'-'
            } else {
                byte.is_ascii_hexdigit()
            }
        })
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}
