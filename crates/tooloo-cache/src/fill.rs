//! Filling by need: one asker fills, in a task of its own, and the others wait for it.

mod result;

use tokio::{sync::oneshot, time::timeout};
use tooloo_clock::Moment;

pub use self::result::Fill;
use crate::{Cache, CacheKey, Claim, Entry, FillError, Followed, Freshness, Lead, figures::Event};

/// What is at hand while a key is filled: a stale entry to serve where that fails.
type Fallback<V> = Option<Entry<V>>;

impl<K: CacheKey, V: Send + Sync + 'static> Cache<K, V> {
    /// Returns the entry of a key, and fills it where there is none.
    ///
    /// However many ask at once, one of them fills, and the others wait for it. The fill runs in a task of its
    /// own, which goes on when its asker has left. Where it fails its asker gets the error, and one of
    /// those who wait fills in its place; where the value is [not to be stored](Fill::pass) they all
    /// fill for themselves, at once. What is purged, removed or written while it runs is not overwritten.
    ///
    /// By the settings, a stale entry is returned while it is refreshed behind its asker's back, or where the
    /// fill fails; and a fresh one may be refreshed early.
    ///
    /// # Errors
    ///
    /// Returns the fill's own error, or that it took too long or panicked.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    pub async fn get_or_fill<F, Fut, T, E>(
        &self,
        key: &K,
        fill: F,
    ) -> Result<Entry<V>, FillError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Fill<V>>,
        E: Send + 'static,
    {
        let inner = self.inner();
        let figures = &inner.figures;
        let now = tooloo_clock::coarse();
        let found = inner.find_in_memory(key, now);
        if let Some(entry) = &found {
            if entry.is_fresh_at_a_glance(now, inner.ledger.generation()) {
                figures.hit_in_memory();
                return Ok(entry.clone());
            }
            match self.serve(key, entry, fill) {
                Ok(()) => return Ok(entry.clone()),
                Err(fill) => return self.fill(key, fill, found).await,
            }
        }
        self.fill(key, fill, None).await
    }

    /// Counts an entry as served and refreshes it where that is due; gives the fill back where it may not be
    /// served yet.
    fn serve<F, Fut, T, E>(&self, key: &K, entry: &Entry<V>, fill: F) -> Result<(), F>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Fill<V>>,
        E: Send + 'static,
    {
        let now = Moment::exact();
        let inner = self.inner();
        match entry.freshness(now) {
            Freshness::Fresh => {
                if entry
                    .record()
                    .is_early(entry.fresh_until(), now, || inner.roll())
                {
                    self.refresh(key, entry, fill);
                }
            }
            Freshness::StaleWhileRevalidate => {
                inner.figures.count(Event::Stale);
                self.refresh(key, entry, fill);
            }
            Freshness::StaleIfError if !entry.may_retry(now) => inner.figures.count(Event::Stale),
            _ => return Err(fill),
        }
        inner.figures.hit_in_memory();
        Ok(())
    }

    /// Fills a key that has an entry, behind its asker's back, unless somebody does or too many are.
    fn refresh<F, Fut, T, E>(&self, key: &K, entry: &Entry<V>, fill: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Fill<V>>,
        E: Send + 'static,
    {
        if !entry.may_retry(Moment::exact()) {
            return;
        }
        let Some(permit) = self.refresh_permit() else {
            return;
        };
        if let Claim::Lead(lead) = self.claim(key) {
            let fallback = Some(entry.clone());
            tokio::spawn(async move {
                // Whoever asked has been served: the outcome is for those who come later.
                let _ = run(lead, fill, fallback).await;
                drop(permit);
            });
        }
    }

    async fn fill<F, Fut, T, E>(
        &self,
        key: &K,
        fill: F,
        mut fallback: Fallback<V>,
    ) -> Result<Entry<V>, FillError<E>>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Fill<V>>,
        E: Send + 'static,
    {
        let figures = &self.inner().figures;
        figures.count(Event::MemoryMiss);
        let lead = match self.claim(key) {
            Claim::Lead(lead) | Claim::Alone(lead) => lead,
            Claim::Follow(follow) => match follow.wait().await {
                Followed::Entry(entry) => {
                    figures.count(Event::Miss);
                    figures.count(Event::Coalesced);
                    return Ok(entry);
                }
                Followed::Lead(lead) | Followed::Alone(lead) => lead,
            },
        };
        // Another fill may have ended between the look and the claim.
        let found = match self.inner().find_in_memory(key, tooloo_clock::coarse()) {
            Some(entry) => Some(entry),
            None => self.inner().find_below(&lead).await,
        };
        if let Some(entry) = found {
            match entry.freshness(Moment::exact()) {
                Freshness::Fresh => {
                    figures.count(Event::LowerHit);
                    lead.hand_over(&entry);
                    return Ok(entry);
                }
                Freshness::StaleWhileRevalidate => {
                    figures.count(Event::LowerHit);
                    figures.count(Event::Stale);
                    lead.hand_over(&entry);
                    self.refresh(key, &entry, fill);
                    return Ok(entry);
                }
                _ => fallback = Some(entry),
            }
        }
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move {
            // The asker may have left; what was filled is stored all the same.
            let _ = sender.send(run(lead, fill, fallback).await);
        });
        let outcome = receiver.await.unwrap_or(Err(FillError::Lost));
        match &outcome {
            Ok((_, true)) => {
                figures.count(Event::LowerHit);
                figures.count(Event::Stale);
            }
            Ok((_, false)) | Err(_) => figures.count(Event::Miss),
        }
        outcome.map(|(entry, _)| entry)
    }
}

/// Fills a key; returns the entry, and whether it is the fallback.
async fn run<K, V, F, Fut, T, E>(
    lead: Lead<K, V>,
    fill: F,
    fallback: Fallback<V>,
) -> Result<(Entry<V>, bool), FillError<E>>
where
    K: CacheKey,
    V: Send + Sync + 'static,
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Into<Fill<V>>,
{
    let config = &lead.cache().inner().config;
    let error = match timeout(config.fill_timeout, fill()).await {
        Ok(Ok(filled)) => return Ok((filled.into().land(lead), false)),
        Ok(Err(error)) => FillError::Failed(error),
        Err(_) => FillError::TimedOut,
    };
    let Some(entry) = fallback else {
        return Err(error);
    };
    let now = Moment::exact();
    entry.retry_from(now + config.retry_after);
    if entry.freshness(now) > Freshness::StaleIfError {
        return Err(error);
    }
    lead.hand_over(&entry);
    Ok((entry, true))
}
