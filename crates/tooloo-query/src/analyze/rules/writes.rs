//! Rules about statements that change rows.

use sqlparser::ast::{Delete, FromTable, Spanned, Statement, TableFactor, Update};

use crate::analyze::{
    Rule,
    rules::{filters, nulls},
    scope::{Scope, factor_name},
};

pub(in crate::analyze) fn check(scope: &mut Scope<'_>, statement: &Statement) {
    match statement {
        Statement::Update(update) => {
            check_update(scope, update);
        }
        Statement::Delete(delete) => {
            check_delete(scope, delete);
        }
        _ => {}
    }
}

fn check_update(scope: &mut Scope<'_>, update: &Update) {
    let Update {
        table, selection, ..
    } = update;
    if let Some(condition) = selection {
        let tables = known(scope, &table.relation);
        filters::check_condition(scope, &tables, condition);
        nulls::check_condition(scope, condition);
    } else if update.limit.is_none() {
        let name = factor_name(&table.relation).unwrap_or_default();
        scope.report(
            Rule::MissingWhere,
            update.span(),
            format!("UPDATE without WHERE changes every row of {name}"),
        );
    }
}

fn check_delete(scope: &mut Scope<'_>, delete: &Delete) {
    let from = match &delete.from {
        FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from) => from.first(),
    };
    if let Some(condition) = &delete.selection {
        let tables = from.map(|from| known(scope, &from.relation));
        filters::check_condition(scope, &tables.unwrap_or_default(), condition);
        nulls::check_condition(scope, condition);
    } else if delete.limit.is_none() {
        let name = from.and_then(|from| factor_name(&from.relation));
        let name = name.unwrap_or_default();
        scope.report(
            Rule::MissingWhere,
            delete.span(),
            format!("DELETE without WHERE removes every row of {name}"),
        );
    }
}

fn known<'a>(scope: &Scope<'a>, factor: &TableFactor) -> filters::Tables<'a> {
    let known = factor_name(factor).zip(scope.table(factor));
    known.into_iter().collect()
}
