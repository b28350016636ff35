//! `UNION` that need not look for duplicates.

use sqlparser::ast::{
    Expr, Query, SelectItem, SetExpr, SetOperator, SetQuantifier, Spanned, Value,
};

use crate::analyze::{Rule, aggregate::item_expr, scope::Scope};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, query: &Query) {
    let set = scope.is_set(query);
    check_body(scope, &query.body, set);
}

fn check_body(scope: &mut Scope<'_>, body: &SetExpr, set: bool) {
    let SetExpr::SetOperation {
        left,
        op,
        set_quantifier,
        right,
    } = body
    else {
        return;
    };
    let distinct = matches!(
        set_quantifier,
        SetQuantifier::None | SetQuantifier::Distinct
    );
    if *op == SetOperator::Union && distinct {
        if set {
            let message = "duplicates do not matter here, yet UNION looks for them";
            scope.report(Rule::NeedlessUnion, body.span(), message);
        } else if are_apart(left, right) {
            let message = "rows of the two differ in a constant, yet UNION compares them";
            scope.report(Rule::NeedlessUnion, body.span(), message);
        }
    }
    // Under EXCEPT and INTERSECT a set is a set as well.
    check_body(scope, left, set);
    check_body(scope, right, set);
}

/// Says whether a constant in some column keeps any row of one from being a row of the other.
fn are_apart(left: &SetExpr, right: &SetExpr) -> bool {
    let (SetExpr::Select(left), SetExpr::Select(right)) = (left, right) else {
        return false;
    };
    let pairs = left.projection.iter().zip(&right.projection);
    let wild = |items: &[SelectItem]| items.iter().any(|item| item_expr(item).is_none());
    if wild(&left.projection) || wild(&right.projection) {
        return false;
    }
    pairs
        .filter_map(|(one, other)| Some((constant(one)?, constant(other)?)))
        .any(|(one, other)| one != other)
}

fn constant(item: &SelectItem) -> Option<&Value> {
    match item_expr(item)? {
        Expr::Value(value) => match &value.value {
            Value::Placeholder(_) | Value::Null => None,
            // `1` and `1.0` are one number.
            Value::Number(text, _) if text.contains(['.', 'e', 'E']) => None,
            value => Some(value),
        },
        _ => None,
    }
}
