//! What a rule may ask while it looks at one node.

use std::collections::{HashMap, HashSet};

use sqlparser::{
    ast::{Expr, Query, Select, SetExpr, TableFactor, With},
    tokenizer::Span,
};

use super::{
    Catalogue, Column, Finding, Rule, Table,
    aggregate::answers_one_row,
    columns::ColumnName,
    names::{fold, known_as, last},
};

/// The analysis as far as it has come.
pub(super) struct Scope<'a> {
    catalogue: &'a Catalogue,
    findings: Vec<Finding>,
    /// How many queries the walk stands in.
    depth: usize,
    /// The common table expressions in sight, and how many each query brought.
    ctes: Vec<Cte>,
    brought: Vec<usize>,
    /// Subqueries of which only the set of their rows counts.
    sets: HashSet<*const Query>,
    /// Subqueries of which it only counts whether they have a row.
    existences: HashSet<*const Query>,
}

struct Cte {
    name: String,
    one_row: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            findings: Vec::new(),
            depth: 0,
            ctes: Vec::new(),
            brought: Vec::new(),
            sets: HashSet::new(),
            existences: HashSet::new(),
        }
    }

    /// Reports a finding.
    pub(super) fn report(&mut self, rule: Rule, span: Span, message: impl Into<String>) {
        self.findings.push(Finding::new(rule, span, message));
    }

    /// Returns all findings, in the order of their places.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings
            .sort_by(|a, b| (a.place, a.rule, &a.message).cmp(&(b.place, b.rule, &b.message)));
        self.findings.dedup();
        self.findings
    }

    pub(super) fn enter(&mut self, query: &Query) {
        self.depth += 1;
        let ctes = query.with.iter().flat_map(ctes);
        let before = self.ctes.len();
        self.ctes.extend(ctes);
        self.brought.push(self.ctes.len() - before);
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
        let brought = self.brought.pop().unwrap_or_default();
        self.ctes.truncate(self.ctes.len() - brought);
    }

    /// Notes what the subqueries right under an expression are asked for.
    pub(super) fn note_subqueries(&mut self, expr: &Expr) {
        match expr {
            Expr::Exists { subquery, .. } => {
                self.existences.insert(&raw const **subquery);
                self.sets.insert(&raw const **subquery);
            }
            Expr::InSubquery { subquery, .. } => {
                self.sets.insert(&raw const **subquery);
            }
            _ => {}
        }
    }

    /// Says whether it only counts whether the query has a row.
    pub(super) fn is_existence(&self, query: &Query) -> bool {
        self.existences.contains(&(&raw const *query))
    }

    /// Says whether duplicates among the query's rows change nothing.
    pub(super) fn is_set(&self, query: &Query) -> bool {
        self.sets.contains(&(&raw const *query))
    }

    /// Says whether the query's rows are the statement's answer.
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 1
    }

    /// Says whether a table in `FROM` is one that is stored, for all that is known.
    pub(super) fn is_stored(&self, factor: &TableFactor) -> bool {
        match factor {
            TableFactor::Table { name, args, .. } => {
                args.is_none() && last(name).is_some_and(|name| self.cte(&name).is_none())
            }
            _ => false,
        }
    }

    /// Says whether a table in `FROM` has at most one row.
    pub(super) fn has_one_row(&self, factor: &TableFactor) -> bool {
        match factor {
            TableFactor::Table {
                name, args: None, ..
            } => last(name)
                .and_then(|name| self.cte(&name))
                .is_some_and(|cte| cte.one_row),
            TableFactor::Derived { subquery, .. } => answers_one_row(subquery),
            _ => false,
        }
    }

    fn cte(&self, name: &str) -> Option<&Cte> {
        self.ctes.iter().rev().find(|cte| cte.name == name)
    }

    /// Returns what the catalogue knows of a table in `FROM`.
    pub(super) fn table(&self, factor: &TableFactor) -> Option<&'a Table> {
        match factor {
            TableFactor::Table { name, .. } if self.is_stored(factor) => {
                self.catalogue.table(&last(name)?)
            }
            _ => None,
        }
    }

    /// Returns the tables of a selection that the catalogue knows, by the names they have there.
    pub(super) fn tables(&self, select: &Select) -> HashMap<String, &'a Table> {
        let factors = select.from.iter().flat_map(|from| {
            let joined = from.joins.iter().map(|join| &join.relation);
            std::iter::once(&from.relation).chain(joined)
        });
        factors
            .filter_map(|factor| Some((factor_name(factor)?, self.table(factor)?)))
            .collect()
    }

    /// Returns what the catalogue knows of a column among `tables`.
    pub(super) fn column(tables: &HashMap<String, &Table>, name: &ColumnName) -> Option<Column> {
        if let Some(table) = &name.table {
            return tables.get(table)?.column(&name.column);
        }
        // Without its table's name a column is known where only one table has it.
        let mut having = tables.values().filter_map(|t| t.column(&name.column));
        let first = having.next()?;
        having.next().is_none().then_some(first)
    }
}

/// Returns the name under which a table in `FROM` is known.
pub(super) fn factor_name(factor: &TableFactor) -> Option<String> {
    match factor {
        TableFactor::Table { name, alias, .. } | TableFactor::Function { name, alias, .. } => {
            known_as(name, alias.as_ref())
        }
        TableFactor::Derived { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::TableFunction { alias, .. } => alias.as_ref().map(|alias| fold(&alias.name)),
        TableFactor::UNNEST { alias, .. } => alias.as_ref().map(|alias| fold(&alias.name)),
        _ => None,
    }
}

/// Returns a query's selection, where it is a single one.
pub(super) fn only_select(query: &Query) -> Option<&Select> {
    match &*query.body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(inner) => only_select(inner),
        _ => None,
    }
}

fn ctes(with: &With) -> impl Iterator<Item = Cte> + '_ {
    with.cte_tables.iter().map(|cte| Cte {
        name: fold(&cte.alias.name),
        one_row: answers_one_row(&cte.query),
    })
}
