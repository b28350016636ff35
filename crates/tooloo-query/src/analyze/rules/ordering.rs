//! Rules about the order of rows.

use std::collections::HashMap;

use sqlparser::ast::{Expr, OrderByKind, Query, SelectItem, Spanned, Value};

use crate::analyze::{
    Rule,
    columns::{ColumnName, columns},
    names::{fold, last},
    scope::{Scope, only_select},
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, query: &Query) {
    let Some(OrderByKind::Expressions(by)) = query.order_by.as_ref().map(|by| &by.kind) else {
        return;
    };
    let aliases = only_select(query).map(|select| aliases(&select.projection));
    for item in by {
        if is_random(&item.expr) {
            let message = "every row gets a random number and all of them are sorted";
            scope.report(Rule::OrderByRandom, item.expr.span(), message);
        }
        check_reference(scope, "ORDER BY", &item.expr, aliases.as_ref());
    }
}

/// What each alias of a selection stands for.
pub(in crate::analyze) type Aliases<'a> = HashMap<String, &'a Expr>;

pub(in crate::analyze) fn aliases(projection: &[SelectItem]) -> Aliases<'_> {
    fn named(item: &SelectItem) -> Option<(String, &Expr)> {
        match item {
            SelectItem::ExprWithAlias { expr, alias } => Some((fold(alias), expr)),
            _ => None,
        }
    }
    projection.iter().filter_map(named).collect()
}

/// Looks for positions and for names of two meanings.
pub(in crate::analyze) fn check_reference(
    scope: &mut Scope<'_>,
    clause: &str,
    expr: &Expr,
    aliases: Option<&Aliases<'_>>,
) {
    if let Expr::Value(value) = expr
        && let Value::Number(position, _) = &value.value
    {
        let message = format!("{clause} {position} means whatever column stands there");
        scope.report(Rule::OrdinalReference, expr.span(), message);
    }
    if let Expr::Identifier(name) = expr
        && let Some(meant) = aliases.and_then(|aliases| aliases.get(&fold(name)))
        && ColumnName::of(meant).is_none()
        && columns(meant)
            .iter()
            .any(|column| column.column == fold(name))
    {
        let message = format!(
            "`{name}` is both a column and the alias of `{meant}`: {clause} may mean either"
        );
        scope.report(Rule::AmbiguousReference, expr.span(), message);
    }
}

fn is_random(expr: &Expr) -> bool {
    const RANDOM: &[&str] = &[
        "random",
        "rand",
        "gen_random_uuid",
        "uuid_generate_v4",
        "randomblob",
    ];
    match expr {
        Expr::Nested(inner) => is_random(inner),
        Expr::Function(call) => {
            last(&call.name).is_some_and(|name| RANDOM.contains(&name.as_str()))
        }
        _ => false,
    }
}
