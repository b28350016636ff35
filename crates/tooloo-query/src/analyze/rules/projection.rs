//! `SELECT *`.

use sqlparser::ast::{
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, Spanned, TableFactor,
};

use crate::analyze::{
    Rule,
    names::last,
    scope::{Scope, factor_name},
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, query: &Query, select: &Select) {
    // What EXISTS selects is never read.
    if scope.is_existence(query) {
        return;
    }
    for item in &select.projection {
        if let Some(message) = wild(scope, select, item) {
            scope.report(Rule::SelectStar, item.span(), message);
        }
    }
}

/// Says what is wrong with an item, where it stands for the columns of a stored table.
fn wild(scope: &Scope<'_>, select: &Select, item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::Wildcard(_) => {
            let stored = factors(select).any(|factor| scope.is_stored(factor));
            stored.then(|| "`*` reads whatever columns the tables have".to_owned())
        }
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
            let name = last(name)?;
            let mut factors = factors(select);
            let table = factors.find(|factor| factor_name(factor).as_ref() == Some(&name))?;
            let stored = scope.is_stored(table);
            stored.then(|| format!("`{name}.*` reads whatever columns the table has"))
        }
        _ => None,
    }
}

/// Lists the tables of a selection.
fn factors(select: &Select) -> impl Iterator<Item = &TableFactor> {
    select.from.iter().flat_map(|from| {
        let joined = from.joins.iter().map(|join| &join.relation);
        std::iter::once(&from.relation).chain(joined)
    })
}
