//! Rules about tables side by side.

use sqlparser::{
    ast::{
        Expr, JoinConstraint, JoinOperator, Select, Spanned, TableFactor, TableWithJoins, Value,
    },
    tokenizer::Span,
};

use crate::analyze::{
    Rule,
    columns::{columns, conjuncts},
    scope::{Scope, factor_name},
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, select: &Select) {
    check_list(scope, select);
    for from in &select.from {
        check_joins(scope, from, select.selection.as_ref());
    }
}

/// Looks for entries of the list in `FROM` that no condition connects to the others.
fn check_list(scope: &mut Scope<'_>, select: &Select) {
    if select.from.len() < 2 {
        return;
    }
    let mut groups: Vec<Group> = select
        .from
        .iter()
        .enumerate()
        .map(|(index, from)| Group::new(scope, from, index))
        .collect();
    for part in select.selection.iter().flat_map(conjuncts) {
        connect(&mut groups, part);
    }
    let Some(first) = groups.iter().position(|group| !group.free) else {
        return;
    };
    let main = groups[first].root;
    let mut lost = groups
        .iter()
        .filter(|group| !group.free && group.root != main);
    if let Some(group) = lost.next() {
        let message = format!(
            "no condition connects {} to the tables before it: every pair of rows is made",
            group.names.first().map_or("this table", String::as_str)
        );
        let span = group.span;
        scope.report(Rule::ImplicitCrossJoin, span, message);
    }
}

/// One entry of the list in `FROM`.
struct Group {
    names: Vec<String>,
    span: Span,
    /// Whether it may stand alone: it has one row, or depends on the entries before it.
    free: bool,
    root: usize,
}

impl Group {
    fn new(scope: &Scope<'_>, from: &TableWithJoins, index: usize) -> Self {
        let joined = from.joins.iter().map(|join| &join.relation);
        let factors: Vec<_> = std::iter::once(&from.relation).chain(joined).collect();
        Self {
            names: factors.iter().filter_map(|f| factor_name(f)).collect(),
            span: from.span(),
            free: factors.iter().all(|factor| is_free(scope, factor)),
            root: index,
        }
    }
}

fn is_free(scope: &Scope<'_>, factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { args, .. } => args.is_some() || scope.has_one_row(factor),
        TableFactor::Derived { lateral, .. } => *lateral || scope.has_one_row(factor),
        _ => true,
    }
}

/// Joins the groups that a condition speaks of.
fn connect(groups: &mut [Group], condition: &Expr) {
    let named = columns(condition);
    // A column without its table's name may be any table's: give it the benefit of the doubt, where
    // there is another that it is compared with.
    let open = named.iter().any(|name| name.table.is_none()) && named.len() > 1;
    let spoken: Vec<usize> = (0..groups.len())
        .filter(|&index| {
            open || named.iter().any(|name| {
                let table = name.table.as_ref();
                table.is_some_and(|table| groups[index].names.contains(table))
            })
        })
        .map(|index| groups[index].root)
        .collect();
    if let Some(&root) = spoken.iter().min() {
        for group in groups {
            if spoken.contains(&group.root) {
                group.root = root;
            }
        }
    }
}

/// Looks for joins without a condition, or with one that does not speak of what is joined.
fn check_joins(scope: &mut Scope<'_>, from: &TableWithJoins, filter: Option<&Expr>) {
    for join in &from.joins {
        let Some(constraint) = constraint(&join.join_operator) else {
            continue;
        };
        if is_free(scope, &join.relation) || is_free(scope, &from.relation) {
            continue;
        }
        let name = factor_name(&join.relation);
        let shown = name.as_deref().unwrap_or("a table");
        match constraint {
            JoinConstraint::None if !is_connected(filter, name.as_deref()) => scope.report(
                Rule::MissingJoinCondition,
                join.relation.span(),
                format!("{shown} is joined without a condition"),
            ),
            JoinConstraint::On(condition) if !speaks_of(condition, name.as_deref()) => scope
                .report(
                    Rule::MissingJoinCondition,
                    condition.span(),
                    format!("the condition does not connect {shown} to the tables before it"),
                ),
            _ => {}
        }
    }
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    use JoinOperator::{FullOuter, Inner, Join, Left, LeftOuter, Right, RightOuter};
    match operator {
        Join(constraint)
        | Inner(constraint)
        | Left(constraint)
        | LeftOuter(constraint)
        | Right(constraint)
        | RightOuter(constraint)
        | FullOuter(constraint) => Some(constraint),
        _ => None,
    }
}

/// Says whether the condition of `WHERE` makes up for the one that a join lacks.
fn is_connected(filter: Option<&Expr>, name: Option<&str>) -> bool {
    filter.is_some_and(|filter| {
        conjuncts(filter)
            .into_iter()
            .any(|part| connects(part, name))
    })
}

/// Says whether a join's own condition connects what is joined, or says that it is not meant to.
fn speaks_of(condition: &Expr, name: Option<&str>) -> bool {
    let truth = match condition {
        Expr::Value(value) => matches!(value.value, Value::Boolean(true)),
        _ => false,
    };
    truth || connects(condition, name)
}

/// Says whether a condition speaks of the joined table and of another.
fn connects(condition: &Expr, joined: Option<&str>) -> bool {
    let named = columns(condition);
    let unknown = named.iter().any(|name| name.table.is_none()) && named.len() > 1;
    let here = named.iter().any(|name| name.table.as_deref() == joined);
    let there = named.iter().any(|name| name.table.as_deref() != joined);
    unknown || joined.is_none() || (here && there)
}
