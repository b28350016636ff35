//! Makes [`QueryScopeService`]s.

use tower_layer::Layer;

use super::{Budget, QueryScopeService};

/// Has the queries of each request belong together: watched for repetition, and kept within a budget.
///
/// It goes around any service, such as an axum router. What a request's task spawns, and what its response's body asks
/// for once the response is there, does not belong to it.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryScopeLayer {
    budget: Option<Budget>,
}

impl QueryScopeLayer {
    /// Creates a layer without a budget.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives each request a budget.
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl<S> Layer<S> for QueryScopeLayer {
    type Service = QueryScopeService<S>;

    fn layer(&self, inner: S) -> QueryScopeService<S> {
        QueryScopeService::new(inner, self.budget)
    }
}
