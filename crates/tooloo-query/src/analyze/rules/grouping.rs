//! Rules about groups.

use sqlparser::ast::{Distinct, Expr, GroupByExpr, Select, SelectItem, Spanned};

use crate::analyze::{
    Rule,
    aggregate::{is_grouped, item_expr, may_aggregate},
    names::fold,
    rules::ordering::{Aliases, aliases, check_reference},
    scope::Scope,
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, select: &Select) {
    let aliases = aliases(&select.projection);
    if let GroupByExpr::Expressions(by, _) = &select.group_by {
        for expr in by {
            check_reference(scope, "GROUP BY", expr, Some(&aliases));
        }
        check_distinct(scope, select, by);
    }
    check_having(scope, select, &aliases);
}

/// `DISTINCT` does nothing where the groups' own columns are all selected.
fn check_distinct(scope: &mut Scope<'_>, select: &Select, by: &[Expr]) {
    if !matches!(select.distinct, Some(Distinct::Distinct)) || by.is_empty() {
        return;
    }
    let all = by
        .iter()
        .all(|key| select.projection.iter().any(|item| is_item(item, key)));
    if all {
        let message = "the groups that are selected are distinct without DISTINCT";
        scope.report(Rule::DistinctWithGroupBy, select.span(), message);
    }
}

fn is_item(item: &SelectItem, key: &Expr) -> bool {
    let alias = match (item, key) {
        (SelectItem::ExprWithAlias { alias, .. }, Expr::Identifier(name)) => {
            fold(alias) == fold(name)
        }
        _ => false,
    };
    alias || item_expr(item) == Some(key)
}

fn check_having(scope: &mut Scope<'_>, select: &Select, aliases: &Aliases<'_>) {
    let Some(having) = &select.having else {
        return;
    };
    if may_aggregate(having) || names_aggregate(having, aliases) || has_subquery(having) {
        return;
    }
    let message = if is_grouped(select) {
        "the condition is about single rows, yet it is applied to the groups"
    } else {
        "HAVING without groups or aggregates is a WHERE"
    };
    scope.report(Rule::HavingWithoutAggregate, having.span(), message);
}

/// Says whether a condition names an alias that stands for something about a group.
fn names_aggregate(having: &Expr, aliases: &Aliases<'_>) -> bool {
    crate::analyze::columns::columns(having).iter().any(|name| {
        name.table.is_none()
            && aliases
                .get(&name.column)
                .is_some_and(|meant| may_aggregate(meant))
    })
}

fn has_subquery(expr: &Expr) -> bool {
    use std::ops::ControlFlow;

    use sqlparser::ast::{Query, Visit, Visitor};

    struct Search;
    impl Visitor for Search {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
    }
    expr.visit(&mut Search).is_break()
}
