//! Completes a service's OpenAPI document.

use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
    path::{Operation, PathItem},
};
use utoipa::{PartialSchema, ToSchema};

use crate::{Identity, problem::ProblemSchema};

/// Joins the descriptions of the domain's and the system's operations, and says who offers them.
pub(super) fn whole(identity: &Identity, domain: OpenApi, system: OpenApi) -> OpenApi {
    let mut openapi = domain;
    openapi.merge(system);
    openapi.info.title = format!("TooLoo {}", identity.name);
    identity.version.clone_into(&mut openapi.info.version);
    openapi.info.description = Some(identity.summary.to_owned());
    let components = openapi.components.get_or_insert_default();
    components
        .schemas
        .insert(ProblemSchema::name().into_owned(), ProblemSchema::schema());
    for item in openapi.paths.paths.values_mut() {
        operations(item).for_each(add_problem);
    }
    openapi
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.options,
        &mut item.head,
        &mut item.patch,
        &mut item.trace,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

/// Every operation may answer with a problem.
fn add_problem(operation: &mut Operation) {
    let schema = Ref::from_schema_name(ProblemSchema::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new()
        .description("A problem (RFC 9457)")
        .content("application/problem+json", content)
        .build();
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert(RefOr::T(response));
}
