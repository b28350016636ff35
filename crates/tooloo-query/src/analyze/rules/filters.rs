//! Filters that no index can serve.

use std::collections::HashMap;

use sqlparser::ast::{BinaryOperator, Expr, JoinConstraint, JoinOperator, Select, Spanned, Value};

use crate::analyze::{
    Rule, Table,
    aggregate::{has_call, is_aggregate},
    columns::{ColumnName, columns, conjuncts},
    scope::Scope,
};

/// The known tables of a statement, by the names they have there.
pub(in crate::analyze) type Tables<'a> = HashMap<String, &'a Table>;

/// Looks at one expression, wherever it stands.
pub(in crate::analyze) fn check(scope: &mut Scope<'_>, expr: &Expr) {
    let (Expr::Like {
        expr: tested,
        pattern,
        ..
    }
    | Expr::ILike {
        expr: tested,
        pattern,
        ..
    }) = expr
    else {
        return;
    };
    if columns(tested).is_empty() || !is_open(pattern) {
        return;
    }
    let message = "a pattern that begins with a wildcard compares with every row";
    scope.report(Rule::LeadingWildcard, pattern.span(), message);
}

/// Says whether a pattern begins with a wildcard for certain; one that is escaped begins with the escape.
fn is_open(pattern: &Expr) -> bool {
    match pattern {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                text.starts_with(['%', '_'])
            }
            _ => false,
        },
        Expr::BinaryOp {
            left,
            op: BinaryOperator::StringConcat,
            ..
        } => is_open(left),
        Expr::Nested(inner) => is_open(inner),
        _ => false,
    }
}

/// Looks at the conditions of a selection and of its joins.
pub(in crate::analyze) fn check_select(scope: &mut Scope<'_>, select: &Select) {
    let tables = scope.tables(select);
    if let Some(condition) = &select.selection {
        check_condition(scope, &tables, condition);
    }
    let joins = select.from.iter().flat_map(|from| &from.joins);
    for join in joins {
        if let Some(condition) = on(&join.join_operator) {
            check_condition(scope, &tables, condition);
        }
    }
}

fn on(operator: &JoinOperator) -> Option<&Expr> {
    use JoinOperator::{FullOuter, Inner, Join, Left, LeftOuter, Right, RightOuter};
    match operator {
        Join(JoinConstraint::On(condition))
        | Inner(JoinConstraint::On(condition))
        | Left(JoinConstraint::On(condition))
        | LeftOuter(JoinConstraint::On(condition))
        | Right(JoinConstraint::On(condition))
        | RightOuter(JoinConstraint::On(condition))
        | FullOuter(JoinConstraint::On(condition)) => Some(condition),
        _ => None,
    }
}

/// Looks for columns that a condition wraps before it compares them.
pub(in crate::analyze) fn check_condition(
    scope: &mut Scope<'_>,
    tables: &Tables<'_>,
    condition: &Expr,
) {
    for part in conjuncts(condition) {
        let (tested, others) = match part {
            Expr::BinaryOp { left, op, right } if is_sargable(op) => {
                check_side(scope, tables, left, &[right]);
                (&**right, vec![&**left])
            }
            Expr::Between {
                expr,
                negated: false,
                low,
                high,
            } => (&**expr, vec![&**low, &**high]),
            Expr::InList {
                expr,
                list,
                negated: false,
            } => (&**expr, list.iter().collect()),
            _ => continue,
        };
        check_side(scope, tables, tested, &others);
    }
}

fn is_sargable(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq};
    matches!(op, Eq | Lt | LtEq | Gt | GtEq)
}

fn check_side(scope: &mut Scope<'_>, tables: &Tables<'_>, tested: &Expr, others: &[&Expr]) {
    // Between two columns each side may be the one that is looked up by.
    let constant = others.iter().all(|other| columns(other).is_empty());
    let Some(wrapped) = wrapped(tested).filter(|_| constant) else {
        return;
    };
    let shown = tested.to_string();
    if tables.values().any(|table| table.is_indexed(&shown)) {
        return;
    }
    let message =
        format!("`{shown}` is worked out for every row: an index on {wrapped} does not serve it");
    scope.report(Rule::FunctionOnColumn, tested.span(), message);
}

/// Returns the one column that an expression wraps in something.
fn wrapped(expr: &Expr) -> Option<String> {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus, StringConcat};
    let inside = match expr {
        Expr::Nested(inner) => return wrapped(inner),
        Expr::BinaryOp { op, .. } => {
            matches!(op, Plus | Minus | Multiply | Divide | Modulo | StringConcat)
        }
        Expr::Function(_) => !has_call(expr, is_aggregate),
        Expr::Cast { .. }
        | Expr::Extract { .. }
        | Expr::Substring { .. }
        | Expr::Trim { .. }
        | Expr::Ceil { .. }
        | Expr::Floor { .. } => true,
        _ => false,
    };
    let mut named = columns(expr).into_iter();
    let first = inside.then(|| named.next()).flatten()?;
    let alone = named.all(|name| name == first);
    alone.then(|| show(&first))
}

fn show(name: &ColumnName) -> String {
    match &name.table {
        Some(table) => format!("{table}.{}", name.column),
        None => name.column.clone(),
    }
}
