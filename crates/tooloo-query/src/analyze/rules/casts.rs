//! Comparisons of values of different types.

use sqlparser::ast::{BinaryOperator, Expr, Select, Spanned, Value};

use crate::analyze::{
    Class, Rule,
    columns::{ColumnName, conjuncts},
    rules::filters::Tables,
    scope::Scope,
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, select: &Select) {
    let tables = scope.tables(select);
    if tables.is_empty() {
        return;
    }
    for part in select.selection.iter().flat_map(conjuncts) {
        let Expr::BinaryOp { left, op, right } = part else {
            continue;
        };
        if !is_comparison(op) {
            continue;
        }
        if let (Some(one), Some(other)) = (class(&tables, left), class(&tables, right))
            && one != other
            && one != Class::Other
            && other != Class::Other
            && !is_flag(one, other, left, right)
        {
            let message = format!("`{part}` compares {} with {}", name(one), name(other));
            scope.report(Rule::ImplicitCast, part.span(), message);
        }
    }
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn class(tables: &Tables<'_>, expr: &Expr) -> Option<Class> {
    if let Some(column) = ColumnName::of(expr) {
        return Scope::column(tables, &column).map(|column| column.class);
    }
    match expr {
        Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => class(tables, inner),
        Expr::Value(value) => match &value.value {
            Value::Number(..) => Some(Class::Number),
            Value::SingleQuotedString(_) => Some(Class::Text),
            Value::Boolean(_) => Some(Class::Boolean),
            _ => None,
        },
        _ => None,
    }
}

/// SQLite's truth values are the numbers 0 and 1.
fn is_flag(one: Class, other: Class, left: &Expr, right: &Expr) -> bool {
    let classes = [one, other];
    let bit = |expr: &Expr| matches!(expr.to_string().as_str(), "0" | "1" | "true" | "false");
    classes.contains(&Class::Boolean)
        && classes.contains(&Class::Number)
        && (bit(left) || bit(right))
}

fn name(class: Class) -> &'static str {
    match class {
        Class::Number => "a number",
        Class::Text => "a text",
        Class::Boolean => "a truth value",
        Class::Other => "something else",
    }
}
