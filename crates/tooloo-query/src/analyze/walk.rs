//! Goes over the syntax tree and shows each node to the rules that are about its kind.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Query, Select, Statement, Visit, Visitor};

use super::{
    Catalogue, Finding, rules,
    scope::{Scope, only_select},
};

/// Lists what the rules find in some statements.
pub(super) fn findings(statements: &[Statement], catalogue: &Catalogue) -> Vec<Finding> {
    let mut walk = Walk(Scope::new(catalogue));
    for statement in statements {
        let _: ControlFlow<()> = statement.visit(&mut walk);
    }
    walk.0.into_findings()
}

struct Walk<'a>(Scope<'a>);

impl Visitor for Walk<'_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        rules::writes::check(&mut self.0, statement);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let scope = &mut self.0;
        scope.enter(query);
        rules::ordering::check(scope, query);
        rules::unions::check(scope, query);
        if let Some(select) = only_select(query) {
            rules::paging::check(scope, query, select);
            rules::projection::check(scope, query, select);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.0.leave();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let scope = &mut self.0;
        rules::joins::check(scope, select);
        rules::grouping::check(scope, select);
        rules::filters::check_select(scope, select);
        rules::casts::check(scope, select);
        rules::nulls::check_select(scope, select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let scope = &mut self.0;
        scope.note_subqueries(expr);
        rules::nulls::check(scope, expr);
        rules::filters::check(scope, expr);
        rules::values::check(scope, expr);
        ControlFlow::Continue(())
    }
}
