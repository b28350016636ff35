//! Comparisons that a null makes unknown.

use std::collections::HashMap;

use sqlparser::ast::{BinaryOperator, Expr, Query, Select, Spanned, UnaryOperator, Value};

use crate::analyze::{
    Rule, Table,
    aggregate::{argument_exprs, item_expr},
    columns::{ColumnName, conjuncts},
    names::last,
    scope::{Scope, only_select},
};

/// Looks at one expression, wherever it stands.
pub(in crate::analyze) fn check(scope: &mut Scope<'_>, expr: &Expr) {
    match expr {
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq | BinaryOperator::NotEq,
            right,
        } if is_null(left) || is_null(right) => {
            let message = "a comparison with NULL is never true, not even of NULL";
            scope.report(Rule::EqualsNull, expr.span(), message);
        }
        Expr::InList {
            list,
            negated: true,
            ..
        } if list.iter().any(is_null) => {
            let message = "NOT IN with NULL in its list is never true";
            scope.report(Rule::NotInNullable, expr.span(), message);
        }
        _ => {}
    }
}

/// Looks for `NOT IN` over a subquery in a selection's conditions.
pub(in crate::analyze) fn check_select(scope: &mut Scope<'_>, select: &Select) {
    for condition in select.selection.iter().chain(&select.having) {
        check_condition(scope, condition);
    }
}

/// Looks for `NOT IN` over a subquery in a condition.
pub(in crate::analyze) fn check_condition(scope: &mut Scope<'_>, condition: &Expr) {
    let mut left = vec![condition];
    while let Some(condition) = left.pop() {
        match condition {
            Expr::BinaryOp {
                left: one,
                op: BinaryOperator::And | BinaryOperator::Or,
                right: other,
            } => left.extend([&**one, &**other]),
            Expr::Nested(inner) => left.push(inner),
            _ => check_exclusion(scope, condition),
        }
    }
}

fn check_exclusion(scope: &mut Scope<'_>, condition: &Expr) {
    let subquery = match condition {
        Expr::InSubquery {
            subquery,
            negated: true,
            ..
        } => subquery,
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => match &**expr {
            Expr::InSubquery {
                subquery,
                negated: false,
                ..
            } => subquery,
            _ => return,
        },
        _ => return,
    };
    if may_hold_null(scope, subquery) {
        let message = "NOT IN is never true once the subquery answers with a NULL";
        scope.report(Rule::NotInNullable, condition.span(), message);
    }
}

fn is_null(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Null),
        Expr::Nested(inner) => is_null(inner),
        _ => false,
    }
}

/// Says whether a subquery's only column may be null, for all that is known.
fn may_hold_null(scope: &Scope<'_>, query: &Query) -> bool {
    let Some(select) = only_select(query) else {
        return true;
    };
    let [item] = &select.projection[..] else {
        return true;
    };
    let Some(expr) = item_expr(item) else {
        return true;
    };
    let tables = scope.tables(select);
    !(is_never_null(&tables, expr) || is_filtered(select, expr))
}

/// Says whether an expression has a value whatever the rows hold.
fn is_never_null(tables: &HashMap<String, &Table>, expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => !matches!(value.value, Value::Null | Value::Placeholder(_)),
        Expr::Nested(inner) => is_never_null(tables, inner),
        Expr::Function(call) => match last(&call.name).as_deref() {
            Some("count") => true,
            Some("coalesce" | "ifnull") => argument_exprs(call)
                .into_iter()
                .any(|argument| is_never_null(tables, argument)),
            _ => false,
        },
        _ => ColumnName::of(expr)
            .and_then(|name| Scope::column(tables, &name))
            .is_some_and(|column| !column.nullable),
    }
}

/// Says whether the subquery's own conditions keep nulls out of `expr`.
fn is_filtered(select: &Select, expr: &Expr) -> bool {
    let Some(wanted) = ColumnName::of(expr) else {
        return false;
    };
    let is_wanted = |expr: &Expr| ColumnName::of(expr).as_ref() == Some(&wanted);
    let Some(condition) = &select.selection else {
        return false;
    };
    conjuncts(condition).into_iter().any(|part| match part {
        Expr::IsNotNull(inner) => is_wanted(inner),
        // No comparison is true of a null.
        Expr::BinaryOp { left, op, right } => {
            is_comparison(op) && (is_wanted(left) || is_wanted(right))
        }
        Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } | Expr::Between { expr, .. } => {
            is_wanted(expr)
        }
        Expr::Like { expr, .. } | Expr::ILike { expr, .. } => is_wanted(expr),
        _ => false,
    })
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}
