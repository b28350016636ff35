//! Asks all sources at once, and falls back on what they last said.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use database::Store;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tooloo_cache::{Cache, CacheConfig, Entry, Purge};
use tooloo_service::{CachePurge, Kit, Problem};
use utoipa::ToSchema;

use crate::{
    ReportsConfig,
    archive::Archive,
    figures::Figures,
    place::Place,
    source::{Kind, SOURCES, Source},
    store::{copies::Last, snapshots::Snapshot},
};

/// What was gathered is kept under one key: all reports are made from the same.
const KEY: &str = "gathered";

/// Gathers what reports are made from.
///
/// Clones share what was gathered last: a flood of reports asks each source about once a second.
#[derive(Clone, Debug)]
pub(crate) struct Gatherer {
    inner: Arc<Inner>,
    kept: Cache<String, Gathered>,
}

#[derive(Debug)]
struct Inner {
    places: Vec<(Source, Place)>,
    archive: Archive,
}

/// What the sources said, now or last.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    pub(crate) time: Timestamp,
    pub(crate) domain: BTreeMap<&'static str, Copy>,
    pub(crate) observability: BTreeMap<&'static str, Copy>,
    /// The figures that are known now, from nothing stale.
    pub(crate) figures: Figures,
    /// The newest snapshot that is older than this.
    pub(crate) previous: Option<Snapshot>,
}

/// What one source said.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copy {
    /// Whether there is no new answer: this is an old one, or none at all.
    pub(crate) stale: bool,
    /// When the answer was taken.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) taken_at: Option<Timestamp>,
    /// How old the answer is, in seconds.
    pub(crate) age: Option<f64>,
    /// Why there is no new answer.
    pub(crate) error: Option<String>,
    /// The answer; `null` where there never was one.
    #[schema(value_type = Option<Object>)]
    pub(crate) data: Option<Map<String, Value>>,
}

impl Gatherer {
    pub(crate) fn new(kit: &mut Kit, store: Store, config: &ReportsConfig) -> Self {
        let own = kit.identity().name;
        let mut place = |source: Source| match source.kind {
            Kind::Observability if source.service == own => Place::Here(kit.hub().clone()),
            _ => {
                let (service, name) = (source.service, source.breaker());
                let peer = upstream::guarded(kit, service, &name, &config.circuit_breaker);
                Place::There(peer.with_timeout(config.deadline))
            }
        };
        let places = SOURCES.map(|source| (source, place(source))).into();
        // Sources are given up one by one: the whole takes no longer than the slowest of them.
        let kept = Cache::new(
            CacheConfig::new()
                .with_ttl(config.share_for)
                .with_fill_timeout(config.deadline.saturating_mul(4)),
        );
        let by_hand = kept.clone();
        kit.cache(kept.handle(), move |wanted| forget(by_hand.clone(), wanted));
        Self {
            inner: Arc::new(Inner {
                places,
                archive: Archive::new(store, config),
            }),
            kept,
        }
    }

    /// Returns what was gathered a moment ago, or gathers anew.
    ///
    /// # Errors
    ///
    /// Returns a [`Problem`] where gathering takes far longer than any source may.
    pub(crate) async fn gather(&self) -> Result<Entry<Gathered>, Problem> {
        let (inner, trace) = (Arc::clone(&self.inner), tooloo_trace::current());
        let gather = move || async move {
            let gathering = inner.gather();
            // In a task of its own, and yet in the trace of who asked for it.
            Ok::<_, Infallible>(match trace {
                Some(trace) => trace.in_scope(gathering).await,
                None => gathering.await,
            })
        };
        let gathered = self.kept.get_or_fill(&KEY.to_owned(), gather).await;
        gathered.map_err(|error| {
            tracing::error!(%error, "nothing could be gathered");
            Problem::unavailable("not_gathered", "the sources could not be asked")
        })
    }
}

/// Forgets what was gathered, whatever is named: there is one entry.
async fn forget(kept: Cache<String, Gathered>, wanted: CachePurge) -> Result<(), Infallible> {
    let purge = if wanted.soft {
        Purge::all().soft()
    } else {
        Purge::all()
    };
    kept.purge(purge).await;
    Ok(())
}

impl Inner {
    async fn gather(&self) -> Gathered {
        let asked = self
            .places
            .iter()
            .map(|(source, place)| async move { (*source, place.ask(*source).await) });
        let said = join_all(asked).await;
        let time = database::now();
        let figures = Figures::of(&said);
        let previous = self.archive.keep(time, &said, &figures).await;
        let mut last = self.archive.last_said(&said).await.into_iter();

        let mut gathered = Gathered {
            time,
            domain: BTreeMap::new(),
            observability: BTreeMap::new(),
            figures,
            previous,
        };
        for (source, said) in said {
            let copy = match said {
                Ok(data) => Copy::fresh(time, data),
                Err(error) => match last.next().flatten() {
                    Some(last) => Copy::stale(time, last, error),
                    None => Copy::absent(error),
                },
            };
            let kind = match source.kind {
                Kind::Domain => &mut gathered.domain,
                Kind::Observability => &mut gathered.observability,
            };
            kind.insert(source.name, copy);
        }
        gathered
    }
}

impl Copy {
    fn fresh(time: Timestamp, data: Map<String, Value>) -> Self {
        Self {
            stale: false,
            taken_at: Some(time),
            age: Some(0.0),
            error: None,
            data: Some(data),
        }
    }

    fn stale(now: Timestamp, last: Last, error: String) -> Self {
        let age = now.duration_since(last.taken_at).as_secs_f64();
        Self {
            stale: true,
            taken_at: Some(last.taken_at),
            age: Some(age.max(0.0)),
            error: Some(error),
            data: Some(last.data),
        }
    }

    fn absent(error: String) -> Self {
        Self {
            stale: true,
            taken_at: None,
            age: None,
            error: Some(error),
            data: None,
        }
    }
}
