//! Tower's laws.

use tooloo_query::{Budget, QueryScopeLayer};
use tooloo_testkit::Contract;

#[test]
fn a_scope_keeps_towers_laws() {
    let layer = || QueryScopeLayer::new().with_budget(Budget::refuse(1));
    let contract = Contract::new(layer, || "request", || "answer");
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
}
