//! What a component shows of itself.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;

/// Shows one component: its figures for people and for a metrics scraper.
///
/// Both methods are called while the component works, so they read and never wait.
pub trait Observe: Send + Sync + 'static {
    /// The figures, as they appear in JSON.
    type Snapshot: Serialize;

    /// Returns the present figures.
    fn snapshot(&self) -> Self::Snapshot;

    /// Writes the metrics.
    ///
    /// # Errors
    ///
    /// Returns the encoder's error; the whole page then fails, so there is none to make up.
    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result;

    /// Writes histograms of only those observations that have an exemplar, under the names, labels
    /// and bounds they have in [`encode`](Self::encode): their exemplars are moved over there, their
    /// counts are dropped.
    ///
    /// A lock-free histogram cannot hold exemplars; one that sees only the sampled requests can.
    ///
    /// # Errors
    ///
    /// Returns the encoder's error.
    fn encode_exemplars(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let _ = metrics;
        Ok(())
    }
}
