//! Names the parts of a program and shows what they are doing.
//!
//! A layer's handle implements [`Observe`]; a program registers the handles it wants to show in a
//! [`Hub`]. The hub turns them into one JSON object and into one metrics page, and knows nothing of
//! what they are. There are no globals: two hubs in one process do not see each other. What many threads count is kept
//! in [`PerThread`] counters or [`Sharded`] values.
//!
//! ```
//! use std::fmt;
//!
//! use prometheus_client::{
//!     encoding::{DescriptorEncoder, EncodeMetric},
//!     metrics::{MetricType, gauge::ConstGauge},
//! };
//! use tooloo_hub::{Hub, Observe};
//!
//! struct Queue;
//!
//! impl Observe for Queue {
//!     type Snapshot = usize;
//!
//!     fn snapshot(&self) -> usize {
//!         3
//!     }
//!
//!     fn encode(&self, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
//!         let waiting = metrics.encode_descriptor("queue_waiting", "Jobs that wait", None, MetricType::Gauge)?;
//!         ConstGauge::new(3_i64).encode(waiting)
//!     }
//! }
//!
//! let hub = Hub::new();
//! hub.register("mail", Queue, &["queues"]);
//! assert_eq!(hub.snapshot()["queues"]["mail"], 3);
//! assert!(hub.openmetrics()?.contains(r#"queue_waiting{component="mail"} 3"#));
//! # Ok::<(), fmt::Error>(())
//! ```

mod exposition;
mod hub;
mod observe;
mod per_thread;
mod sharded;

pub use self::{
    hub::Hub,
    observe::Observe,
    per_thread::{PerThread, add_to_own},
    sharded::{Sharded, Thread},
};
