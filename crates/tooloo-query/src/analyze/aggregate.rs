//! Tells functions over groups from functions over rows.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, GroupByExpr, Query, Select,
    SelectItem, SetExpr, Visit, Visitor,
};

use super::names::last;

/// Functions of both databases that make one value of many rows.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "every",
    "group_concat",
    "json_agg",
    "json_arrayagg",
    "json_group_array",
    "json_group_object",
    "json_object_agg",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_group_array",
    "jsonb_group_object",
    "jsonb_object_agg",
    "max",
    "median",
    "min",
    "mode",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "total",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];

/// Functions of both databases that make one value of one row; others may be an extension's.
const SCALARS: &[&str] = &[
    "abs",
    "ceil",
    "coalesce",
    "concat",
    "date",
    "date_part",
    "date_trunc",
    "datetime",
    "floor",
    "ifnull",
    "iif",
    "instr",
    "json_extract",
    "julianday",
    "left",
    "length",
    "lower",
    "ltrim",
    "nullif",
    "replace",
    "right",
    "round",
    "rtrim",
    "strftime",
    "substr",
    "substring",
    "to_char",
    "trim",
    "typeof",
    "unixepoch",
    "upper",
];

/// Says whether a call makes one value of many rows.
pub(super) fn is_aggregate(call: &Function) -> bool {
    if call.over.is_some() {
        return false;
    }
    if call.filter.is_some() || !call.within_group.is_empty() {
        return true;
    }
    let Some(name) = last(&call.name) else {
        return false;
    };
    // SQLite's min and max of several arguments are the least and the greatest of a row.
    let several = matches!(name.as_str(), "min" | "max") && arguments(call) > 1;
    AGGREGATES.contains(&name.as_str()) && !several
}

fn arguments(call: &Function) -> usize {
    match &call.args {
        FunctionArguments::List(list) => list.args.len(),
        FunctionArguments::None | FunctionArguments::Subquery(_) => 0,
    }
}

/// Says whether a call makes one value of one row, for all that is known.
fn is_scalar(call: &Function) -> bool {
    last(&call.name).is_some_and(|name| SCALARS.contains(&name.as_str()))
}

/// Says whether an expression holds a call for which `wanted` is true, outside of subqueries.
pub(super) fn has_call(expr: &Expr, wanted: fn(&Function) -> bool) -> bool {
    struct Search(fn(&Function) -> bool, usize);
    impl Visitor for Search {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 += 1;
            ControlFlow::Continue(())
        }
        fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.1 -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(call) if self.1 == 0 && (self.0)(call) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Search(wanted, 0)).is_break()
}

/// Says whether an expression may be about a whole group.
pub(super) fn may_aggregate(expr: &Expr) -> bool {
    has_call(expr, |call| is_aggregate(call) || !is_scalar(call))
}

/// Returns what a selected item is made of.
pub(super) fn item_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr)
        | SelectItem::ExprWithAlias { expr, .. }
        | SelectItem::ExprWithAliases { expr, .. } => Some(expr),
        SelectItem::QualifiedWildcard(..) | SelectItem::Wildcard(_) => None,
    }
}

/// Says whether rows are grouped by something.
pub(super) fn is_grouped(select: &Select) -> bool {
    match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(by, modifiers) => !by.is_empty() || !modifiers.is_empty(),
    }
}

/// Says whether a selection makes exactly one row, or at most one, of any table.
pub(super) fn is_single_row(select: &Select) -> bool {
    if is_grouped(select) {
        return false;
    }
    let aggregated = select
        .projection
        .iter()
        .filter_map(item_expr)
        .any(|expr| has_call(expr, is_aggregate));
    aggregated || select.from.is_empty()
}

/// Says whether a query answers with at most one row whatever the tables hold.
pub(super) fn answers_one_row(query: &Query) -> bool {
    match &*query.body {
        SetExpr::Select(select) => is_single_row(select) && !spreads(select),
        SetExpr::Query(inner) => answers_one_row(inner),
        SetExpr::Values(values) => values.rows.len() <= 1,
        _ => false,
    }
}

/// Says whether a selected item may be a function that answers with many rows.
fn spreads(select: &Select) -> bool {
    const SPREADING: &[&str] = &[
        "unnest",
        "generate_series",
        "jsonb_array_elements",
        "json_each",
        "regexp_matches",
    ];
    let spreading =
        |call: &Function| last(&call.name).is_some_and(|name| SPREADING.contains(&name.as_str()));
    select
        .projection
        .iter()
        .filter_map(item_expr)
        .any(|expr| has_call(expr, spreading))
}

/// Lists the plain expressions among a call's arguments.
pub(super) fn argument_exprs(call: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &call.args else {
        return Vec::new();
    };
    let plain = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Some(expr),
        _ => None,
    };
    list.args.iter().filter_map(plain).collect()
}
