//! The layers around every route. Their order is the design.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
};
use tooloo_trace::{TraceLayer, Tracer};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
};

use crate::{
    KitConfig,
    admin::AdminToken,
    bounds::{self, Bounds},
    caching, cors, fallback,
    head::{self, HeadLimits},
    methods::Methods,
    panics, problems, request_id,
};

/// Smaller answers fit in a packet anyway, in bytes.
const SMALLEST_COMPRESSED: u64 = 1024;

/// Puts the domain's and the system's routes under the same layers, but for the count.
pub(crate) fn compose(
    domain: Router,
    system: Router,
    tracer: &Tracer,
    methods: &Methods,
    config: &KitConfig,
) -> Router {
    let counted = TraceLayer::new(tracer.clone());
    let domain = wrap(
        domain.fallback(fallback::unknown),
        counted.clone(),
        methods,
        config,
    );
    // Scrapes and probes would drown what they report.
    let system = wrap(system, counted.uncounted(), methods, config);
    domain.merge(system)
}

fn wrap(routes: Router, trace: TraceLayer, methods: &Methods, config: &KitConfig) -> Router {
    let layers = ServiceBuilder::new()
        // Outermost: counts every request, also those refused below, and gives the rest its context.
        .layer(trace)
        // Before anything can refuse: every answer carries the request's id.
        .layer(from_fn(request_id::carry))
        // Outside of what makes errors: pages of allowed origins may read them, too.
        .option_layer(cors::layer(config))
        // Outside of the problems, which read the plain text of other layers' errors.
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .compress_when(compressible()),
        )
        // Outside of the problems, which say nothing about caches either.
        .layer(from_fn(caching::keep_nothing))
        .layer(from_fn(caching::answer_conditions))
        // Outside of every layer that refuses: all errors leave as problems.
        .layer(from_fn_with_state(methods.clone(), problems::render))
        // Outside of everything that runs a handler's code.
        .layer(CatchPanicLayer::custom(panics::answer))
        // Before a byte of the body is asked for.
        .layer(from_fn_with_state(HeadLimits::new(config), head::check))
        // Innermost: bounds the handler, and the body while the handler reads it.
        .layer(from_fn_with_state(Bounds::new(config), bounds::keep))
        // Where an extractor finds it, whatever state a handler has.
        .layer(Extension(AdminToken(Arc::new(config.admin_token.clone()))))
        // The bound above is the only one: axum's own would answer without naming it.
        .layer(DefaultBodyLimit::disable());
    routes.layer(layers)
}

/// Says what is worth compressing: no small answer, no image, and no event stream, whose events would
/// wait for each other.
fn compressible() -> impl Predicate {
    SizeAbove::new(SMALLEST_COMPRESSED)
        .and(NotForContentType::const_new("text/event-stream"))
        .and(NotForContentType::const_new(
            "application/vnd.google.protobuf",
        ))
        .and(NotForContentType::IMAGES)
}
