//! What is done about entries that are stale, or soon will be.

use std::{num::NonZeroUsize, time::Duration};

use super::{CacheConfig, Eagerness};
use crate::ConfigError;

impl CacheConfig {
    /// Serves an entry for this long after it was fresh, while it is refreshed; not by default.
    #[must_use]
    pub fn with_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window;
        self
    }

    /// Serves an entry for this long after it was fresh where a refresh fails; not by default.
    #[must_use]
    pub fn with_stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// Refreshes entries at random a little before they are stale, the earlier the longer they took to
    /// fill; not by default.
    ///
    /// 1 is the best choice in theory, more refreshes earlier: Vattani, Chierichetti and Lowenstein,
    /// *Optimal Probabilistic Cache Stampede Prevention*, 2015. Only
    /// [`get_or_fill`](crate::Cache::get_or_fill) does so.
    ///
    /// # Errors
    ///
    /// Refuses what is not above 0 and at most 10.
    pub fn with_early_refresh(
        mut self,
        eagerness: impl Into<Option<f64>>,
    ) -> Result<Self, ConfigError> {
        self.early_refresh = eagerness.into().map(Eagerness::try_from).transpose()?;
        Ok(self)
    }

    /// Leaves an entry alone for this long where its refresh has failed; a second by default.
    ///
    /// Meanwhile it is served stale, if it may be, without asking again.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Refreshes this many entries at once behind their askers' backs; 64 by default.
    #[must_use]
    pub fn with_max_refreshes(mut self, refreshes: NonZeroUsize) -> Self {
        self.max_refreshes = refreshes;
        self
    }
}
