//! Rules about how many rows are read.

use sqlparser::ast::{Expr, LimitClause, Query, Select, Spanned, TableFactor, Value};

use crate::analyze::{
    Rule, Table,
    aggregate::{is_grouped, is_single_row, item_expr},
    columns::{ColumnName, conjuncts},
    scope::{Scope, factor_name},
};

/// From how many rows on a table is large.
const LARGE: u64 = 10_000;

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, query: &Query, select: &Select) {
    let (limit, offset) = bounds(query);
    if let Some(offset) = offset
        && is_paging(limit, offset)
    {
        let message = "OFFSET reads and throws away the rows of all pages before";
        scope.report(Rule::OffsetPaging, offset.span(), message);
    }
    let one_row = is_single_row(select) || is_one_of(scope, select);
    if let Some(limit) = limit
        && query.order_by.is_none()
        && !one_row
        && !scope.is_existence(query)
        && !is_probe(select)
        && number(limit) != Some(0)
        && !is_all(limit)
    {
        let message = "LIMIT without ORDER BY answers with whichever rows come first";
        scope.report(Rule::LimitWithoutOrder, limit.span(), message);
    }
    if limit.is_none() && query.fetch.is_none() && scope.is_outermost() && !one_row {
        check_size(scope, select);
    }
}

fn bounds(query: &Query) -> (Option<&Expr>, Option<&Expr>) {
    match &query.limit_clause {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        None => (None, None),
    }
}

/// Says whether an offset can grow; `LIMIT 1 OFFSET 4` asks for the fifth row and no other.
fn is_paging(limit: Option<&Expr>, offset: &Expr) -> bool {
    match number(offset) {
        Some(0) => false,
        Some(_) => limit.and_then(number) != Some(1),
        None => true,
    }
}

fn number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        Expr::Nested(inner) => number(inner),
        _ => None,
    }
}

/// SQLite takes a negative limit for none.
fn is_all(limit: &Expr) -> bool {
    matches!(limit, Expr::UnaryOp { .. })
}

/// Says whether a selection only asks whether there is a row: it reads no column.
fn is_probe(select: &Select) -> bool {
    select
        .projection
        .iter()
        .all(|item| item_expr(item).is_some_and(|expr| matches!(expr, Expr::Value(_))))
}

/// Says whether the conditions fix a key, so that one row at most answers.
fn is_one_of(scope: &Scope<'_>, select: &Select) -> bool {
    let ([from], Some(condition)) = (&select.from[..], &select.selection) else {
        return false;
    };
    let Some(table) = scope
        .table(&from.relation)
        .filter(|_| from.joins.is_empty())
    else {
        return false;
    };
    let fixed: Vec<String> = conjuncts(condition).into_iter().filter_map(fixed).collect();
    table.is_key(&fixed)
}

/// Returns the column that a condition gives one value.
fn fixed(condition: &Expr) -> Option<String> {
    let Expr::BinaryOp {
        left,
        op: sqlparser::ast::BinaryOperator::Eq,
        right,
    } = condition
    else {
        return None;
    };
    let value = |expr: &Expr| matches!(expr, Expr::Value(_));
    match (ColumnName::of(left), ColumnName::of(right)) {
        (Some(name), None) if value(right) => Some(name.column),
        (None, Some(name)) if value(left) => Some(name.column),
        _ => None,
    }
}

/// Looks for a large table that is read whole.
fn check_size(scope: &mut Scope<'_>, select: &Select) {
    if select.selection.is_some() || is_grouped(select) {
        return;
    }
    let large = select.from.iter().find_map(|from| {
        let rows = rows(scope, &from.relation)?;
        (rows >= LARGE).then_some((&from.relation, rows))
    });
    if let Some((factor, rows)) = large {
        let name = factor_name(factor).unwrap_or_default();
        let message = format!("all of about {rows} rows of {name} are read");
        scope.report(Rule::UnboundedSelect, factor.span(), message);
    }
}

fn rows(scope: &Scope<'_>, factor: &TableFactor) -> Option<u64> {
    scope.table(factor).and_then(Table::rows)
}
