//! What a caller of the typed cache sees: lifetimes, fills, stale entries, purges, bounds, figures.

#[path = "behavior/bounds.rs"]
mod bounds;
#[path = "behavior/figures.rs"]
mod figures;
#[path = "behavior/fills.rs"]
mod fills;
#[path = "behavior/lifetimes.rs"]
mod lifetimes;
#[path = "behavior/purges.rs"]
mod purges;
#[path = "behavior/stale.rs"]
mod stale;
#[path = "behavior/upstream.rs"]
mod upstream;
