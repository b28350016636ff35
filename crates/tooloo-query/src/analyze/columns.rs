//! The columns that an expression speaks of.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Visit, Visitor};

use super::names::fold;

/// A column as the text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnName {
    /// The table's name or alias, where it is written.
    pub(super) table: Option<String>,
    /// The column's.
    pub(super) column: String,
}

impl ColumnName {
    /// Reads an expression that is a bare column.
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        match expr {
            Expr::Identifier(name) => Some(Self {
                table: None,
                column: fold(name),
            }),
            Expr::CompoundIdentifier(parts) => {
                let (column, before) = parts.split_last()?;
                Some(Self {
                    table: before.last().map(fold),
                    column: fold(column),
                })
            }
            Expr::Nested(inner) => Self::of(inner),
            _ => None,
        }
    }
}

/// Lists all columns in an expression, those of its subqueries too.
pub(super) fn columns(expr: &Expr) -> Vec<ColumnName> {
    let mut found = Collector(Vec::new());
    let _: ControlFlow<()> = expr.visit(&mut found);
    found.0
}

struct Collector(Vec<ColumnName>);

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if !matches!(expr, Expr::Nested(_)) {
            self.0.extend(ColumnName::of(expr));
        }
        ControlFlow::Continue(())
    }
}

/// Splits a condition at its top-level `AND`s.
pub(super) fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    use sqlparser::ast::BinaryOperator::And;

    let mut left = vec![condition];
    let mut parts = Vec::new();
    while let Some(expr) = left.pop() {
        match expr {
            Expr::BinaryOp {
                left: one,
                op: And,
                right: other,
            } => left.extend([&**other, &**one]),
            Expr::Nested(inner) => left.push(inner),
            part => parts.push(part),
        }
    }
    parts
}
