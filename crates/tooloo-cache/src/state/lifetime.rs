//! For how long an entry lives, and whether it is refreshed before it has to be.

use std::time::Duration;

use tooloo_clock::Moment;

use crate::{CacheConfig, EntryOptions, Record, config::Eagerness};

impl Record {
    /// Says how an entry is to live: by its options, else by the settings.
    ///
    /// `roll` is drawn from 0 up to 1, for the jitter.
    #[inline]
    pub(crate) fn new(
        options: EntryOptions,
        config: &CacheConfig,
        roll: impl FnOnce() -> f64,
    ) -> Self {
        let by_config = if options.negative {
            Some(config.negative_ttl)
        } else {
            config.ttl
        };
        let fresh_for = options.ttl.or(by_config);
        let jitter = config.jitter.get();
        let fresh_for = if jitter > 0.0 && !options.exact {
            fresh_for.map(|ttl| ttl.mul_f64(1.0 - jitter * roll()))
        } else {
            fresh_for
        };
        let stale_while_revalidate = options.stale_while_revalidate;
        let stale_if_error = options.stale_if_error;
        let mut labels = options.labels;
        if !labels.is_empty() {
            labels.retain(|label| !label.name().is_empty());
            labels.sort_unstable();
            labels.dedup();
        }
        Self {
            fresh_for,
            stale_while_revalidate: stale_while_revalidate.unwrap_or(config.stale_while_revalidate),
            stale_if_error: stale_if_error.unwrap_or(config.stale_if_error),
            keep_for: options.keep_for.unwrap_or_default(),
            idle_for: options.idle_for.or(config.idle_for),
            fill_time: options.fill_time.unwrap_or_default(),
            eagerness: config.early_refresh.map_or(0, Eagerness::thousandths),
            labels: labels.into(),
            negative: options.negative,
            ..Self::default()
        }
    }

    /// Returns whether a purge can be sure to reach an entry of these labels.
    pub(crate) fn is_within(&self, config: &CacheConfig) -> bool {
        let longest = self.labels.iter().map(|label| label.name().len()).max();
        self.labels.len() <= config.max_tags && longest.unwrap_or(0) <= config.max_tag_length
    }

    /// Returns whether a fresh entry is refreshed now already.
    ///
    /// By Vattani, Chierichetti and Lowenstein, *Optimal Probabilistic Cache Stampede Prevention*,
    /// 2015: where the fill time times the eagerness times an exponential draw reaches past the end. `roll` is
    /// drawn from 0 up to 1.
    pub(crate) fn is_early(
        &self,
        fresh_until: Moment,
        now: Moment,
        roll: impl FnOnce() -> f64,
    ) -> bool {
        let left = fresh_until.saturating_duration_since(now);
        let scale = self.early_scale();
        !scale.is_zero() && scale.as_secs_f64() * -(1.0 - roll()).ln() >= left.as_secs_f64()
    }

    pub(crate) fn is_idle(&self, unused: Duration) -> bool {
        self.idle_for.is_some_and(|idle_for| unused >= idle_for)
    }
}
