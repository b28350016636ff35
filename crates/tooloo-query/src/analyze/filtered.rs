//! The columns of stored tables that a statement compares with values.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, FromTable, Select, Statement, TableFactor, TableWithJoins, Visit, Visitor,
};

use super::{
    columns::{ColumnName, conjuncts},
    names::last,
    parse,
    scope::factor_name,
};
use crate::Dialect;

/// A bare column that is compared with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The name by which the query knows the table.
    pub(crate) alias: String,
    pub(crate) table: String,
    pub(crate) column: String,
    /// Whether it is compared with one value, rather than a range of them.
    pub(crate) is_equal: bool,
}

/// Lists the filters of the statements that an index could serve; of what cannot be parsed there are none.
pub(crate) fn filters(sql: &str, dialect: Dialect) -> Vec<Filter> {
    let mut found = Collector(Vec::new());
    let statements = parse(sql, dialect).unwrap_or_default();
    let _: ControlFlow<()> = statements.visit(&mut found);
    found.0
}

struct Collector(Vec<Filter>);

impl Collector {
    fn add(&mut self, tables: &[&TableFactor], condition: Option<&Expr>) {
        for part in condition.map(conjuncts).unwrap_or_default() {
            self.0.extend(filter(tables, part));
        }
    }
}

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let tables: Vec<_> = select.from.iter().flat_map(factors).collect();
        self.add(&tables, select.selection.as_ref());
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Update(update) => {
                let tables: Vec<_> = factors(&update.table).collect();
                self.add(&tables, update.selection.as_ref());
            }
            Statement::Delete(delete) => {
                let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) =
                    &delete.from;
                let tables: Vec<_> = from.iter().flat_map(factors).collect();
                self.add(&tables, delete.selection.as_ref());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn factors(from: &TableWithJoins) -> impl Iterator<Item = &TableFactor> {
    let joined = from.joins.iter().map(|join| &join.relation);
    std::iter::once(&from.relation).chain(joined)
}

fn filter(tables: &[&TableFactor], condition: &Expr) -> Option<Filter> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq};

    let (column, is_equal) = match condition {
        Expr::BinaryOp { left, op, right } => {
            let ((Some(column), None) | (None, Some(column))) =
                (ColumnName::of(left), ColumnName::of(right))
            else {
                return None;
            };
            match op {
                Eq => (column, true),
                Lt | LtEq | Gt | GtEq => (column, false),
                _ => return None,
            }
        }
        Expr::InList {
            expr,
            negated: false,
            ..
        } => (ColumnName::of(expr)?, true),
        Expr::Between {
            expr,
            negated: false,
            ..
        } => (ColumnName::of(expr)?, false),
        _ => return None,
    };
    let named = |factor: &&&TableFactor| match &column.table {
        Some(table) => factor_name(factor).as_ref() == Some(table),
        // Whose it is can only be told where there is one.
        None => tables.len() == 1,
    };
    let factor = tables.iter().find(named)?;
    let TableFactor::Table {
        name, args: None, ..
    } = factor
    else {
        return None;
    };
    Some(Filter {
        alias: factor_name(factor)?,
        table: last(name)?,
        column: column.column,
        is_equal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_columns_are_told_from_what_no_index_serves() {
        let found = |sql: &str| -> Vec<(String, String, bool)> {
            let filters = filters(sql, Dialect::Postgres).into_iter();
            filters
                .map(|filter| (filter.table, filter.column, filter.is_equal))
                .collect()
        };
        let filter =
            |table: &str, column: &str, equal| (table.to_owned(), column.to_owned(), equal);
        assert_eq!(
            found(
                "SELECT u.id FROM users u JOIN posts p ON p.user_id = u.id WHERE u.name = $1 AND p.made > $2 AND 7 = u.team"
            ),
            [
                filter("users", "name", true),
                filter("posts", "made", false),
                filter("users", "team", true)
            ],
        );
        assert_eq!(
            found("DELETE FROM users WHERE id IN ($1, $2)"),
            [filter("users", "id", true)]
        );
        assert_eq!(
            found("UPDATE users SET name = $1 WHERE age BETWEEN 1 AND 2"),
            [filter("users", "age", false)]
        );
        for sql in [
            "SELECT id FROM users WHERE lower(name) = $1",
            "SELECT id FROM users WHERE name <> $1",
            "SELECT id FROM users WHERE name = $1 OR id = $2",
            "SELECT id FROM users, posts WHERE name = $1",
            "not SQL",
        ] {
            assert_eq!(found(sql), [], "{sql}");
        }
    }
}
