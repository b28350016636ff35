//! Looks at all services: now and then in the background, and on demand.

use std::{sync::Arc, time::Duration};

use database::{StoreError, now};
use futures_util::future::join_all;
use http::HeaderValue;
use tokio::sync::Mutex;
use tooloo_clock::Instant;
use tooloo_service::{Peer, Stop};

use crate::{
    document,
    fetch::{self, Answer, Unread},
    operation::Operation,
    sources::{Present, Sources},
    store::{Records, Seen},
    usage::Figures,
};

/// The first wait while some service cannot be read; it doubles up to the interval.
const FIRST_RETRY: Duration = Duration::from_millis(500);

/// Asks every service for its document and its figures.
#[derive(Debug)]
pub(crate) struct Refresher {
    sources: Arc<Sources>,
    records: Records,
    operations: usize,
    // When the last round that came to its end began.
    begun: Mutex<Option<Instant>>,
}

impl Refresher {
    /// Reads documents of at most `operations` operations.
    pub(crate) fn new(sources: Arc<Sources>, records: Records, operations: usize) -> Self {
        Self {
            sources,
            records,
            operations,
            begun: Mutex::new(None),
        }
    }

    /// Looks at every service once.
    ///
    /// Who asks while a round runs waits for one that begins later; all who wait share it.
    ///
    /// # Errors
    ///
    /// Where the database fails. A service that does not answer is no error.
    pub(crate) async fn refresh(&self) -> Result<(), StoreError> {
        let asked = tooloo_clock::now();
        let mut begun = self.begun.lock().await;
        if begun.is_some_and(|begun| begun >= asked) {
            return Ok(());
        }
        let now = tooloo_clock::now();
        self.round().await?;
        *begun = Some(now);
        Ok(())
    }

    /// Looks at every service unless that was done since the start.
    pub(crate) async fn refresh_once(&self) -> Result<(), StoreError> {
        let mut begun = self.begun.lock().await;
        if begun.is_none() {
            let now = tooloo_clock::now();
            self.round().await?;
            *begun = Some(now);
        }
        Ok(())
    }

    /// Looks at every service each `interval`, and sooner while one cannot be read.
    pub(crate) async fn keep_fresh(&self, interval: Duration, stop: Stop) {
        let mut retry = FIRST_RETRY.min(interval);
        loop {
            tokio::select! {
                () = stop.requested() => return,
                outcome = self.refresh() => if let Err(error) = outcome {
                    tracing::error!(%error, "what the services offer could not be kept");
                },
            }
            let wait = if self.sources.all_read() {
                retry = FIRST_RETRY.min(interval);
                interval
            } else {
                let longer = (retry * 2).min(interval);
                std::mem::replace(&mut retry, longer)
            };
            tokio::select! {
                () = stop.requested() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let looks = self.sources.peers().iter().map(|peer| self.look(peer));
        let (seen, tags): (Vec<_>, Vec<_>) = join_all(looks).await.into_iter().flatten().unzip();
        let told: Vec<String> = seen
            .iter()
            .map(|seen: &Seen| seen.service.clone())
            .collect();
        self.records.merge(seen, now()).await?;
        // Only now: to ask with a document's tag is to say that its operations are here.
        for (service, etag) in told.iter().zip(tags) {
            self.sources.tag(service, etag);
        }
        Ok(())
    }

    /// Looks at one service and returns what it offers and its document's tag, where it told.
    async fn look(&self, peer: &Peer) -> Option<(Seen, Option<HeaderValue>)> {
        let before = self.sources.present(peer.name());
        let (document, figures) = tokio::join!(
            self.document(peer, before.etag.as_ref()),
            self.figures(peer),
        );
        let (seen, present) = match document {
            Ok((operations, etag)) => {
                let present = Present {
                    reachable: Some(true),
                    looked: Some(now()),
                    error: None,
                    figures,
                    // New operations take the place of those that it stands for, and whoever waits for
                    // that may leave before it is known.
                    etag: before.etag.filter(|_| operations.is_none()),
                };
                let service = peer.name().to_owned();
                let seen = Seen {
                    service,
                    operations,
                };
                (Some((seen, etag)), present)
            }
            Err(unread) => {
                let present = Present {
                    reachable: Some(unread.answered),
                    looked: Some(now()),
                    error: Some(unread.why),
                    figures,
                    etag: before.etag,
                };
                (None, present)
            }
        };
        self.sources.replace(peer.name(), present);
        seen
    }

    /// Returns the operations, or `None` where they are what they were, and the document's tag.
    async fn document(
        &self,
        peer: &Peer,
        etag: Option<&HeaderValue>,
    ) -> Result<(Option<Vec<Operation>>, Option<HeaderValue>), Unusable> {
        match fetch::get(peer, "/openapi.json", etag).await? {
            Answer::Unchanged => Ok((None, etag.cloned())),
            Answer::Whole { body, etag } => {
                let operations = document::operations(peer.name(), &body, self.operations)?;
                Ok((Some(operations), etag))
            }
        }
    }

    async fn figures(&self, peer: &Peer) -> Option<Figures> {
        let path = "/api/v1/system/observability";
        match fetch::get(peer, path, None).await.ok()? {
            Answer::Whole { body, .. } => Figures::read(&body).ok(),
            Answer::Unchanged => None,
        }
    }
}

/// Why a look gave no operations.
struct Unusable {
    answered: bool,
    why: String,
}

impl From<Unread> for Unusable {
    fn from(unread: Unread) -> Self {
        Self {
            answered: unread.answered(),
            why: unread.to_string(),
        }
    }
}

impl From<document::Unusable> for Unusable {
    fn from(unusable: document::Unusable) -> Self {
        Self {
            answered: true,
            why: unusable.to_string(),
        }
    }
}
