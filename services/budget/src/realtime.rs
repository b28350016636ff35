//! The figures of the moment, gathered once a second for everyone who listens.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{self, MissedTickBehavior},
};
use tooloo_service::Stop;
use utoipa::ToSchema;

use crate::{burst::Desk, day::Moment, money::Money, provider::status::ProviderStatus};

/// How often the figures are sent.
const PERIOD: Duration = Duration::from_secs(1);

/// Hands the figures to listeners. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Realtime {
    latest: watch::Receiver<Option<Arc<str>>>,
    places: Arc<Semaphore>,
}

/// Gathers the figures.
#[derive(Debug)]
pub(crate) struct Gatherer {
    desk: Desk,
    publish: watch::Sender<Option<Arc<str>>>,
    places: Arc<Semaphore>,
    all_places: usize,
}

/// Someone who listens; the place is free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    latest: watch::Receiver<Option<Arc<str>>>,
    _place: OwnedSemaphorePermit,
}

/// The figures of the moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    ok: bool,
    timestamp: Moment,
    /// Providers that can be called.
    providers_available: usize,
    /// Calls to providers under way.
    in_flight: u32,
    /// Requests that wait for one of them to end.
    waiting: usize,
    providers: Vec<ProviderStatus>,
    /// Today's money; `null` where the ledger cannot be read.
    budget: Option<Today>,
}

/// Today's money, in dollars.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Today {
    daily_limit: Money,
    spent: Money,
    reserved: Money,
}

impl Realtime {
    /// Makes room for `places` listeners to what the other half gathers.
    pub(crate) fn new(places: u32, desk: Desk) -> (Self, Gatherer) {
        let (publish, latest) = watch::channel(None);
        let all_places = places as usize;
        let places = Arc::new(Semaphore::new(all_places));
        let realtime = Self {
            latest,
            places: Arc::clone(&places),
        };
        let gatherer = Gatherer {
            desk,
            publish,
            places,
            all_places,
        };
        (realtime, gatherer)
    }

    /// Takes a place among the listeners, if one is free; they hear what is gathered from now on.
    pub(crate) fn listen(&self) -> Option<Listener> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut latest = self.latest.clone();
        // Nothing is gathered while nobody listens, so what is there may be old.
        latest.mark_unchanged();
        Some(Listener {
            latest,
            _place: place,
        })
    }
}

impl Listener {
    /// Waits for the next figures; `None` once there will be no more.
    pub(crate) async fn next(&mut self) -> Option<Arc<str>> {
        self.latest.changed().await.ok()?;
        self.latest.borrow_and_update().clone()
    }
}

impl Gatherer {
    /// Gathers while someone listens, until the service closes; the listeners end with it.
    pub(crate) async fn run(self, closing: Stop) {
        let mut ticks = time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = closing.requested() => return,
                _ = ticks.tick() => {}
            }
            if self.places.available_permits() < self.all_places {
                self.publish.send_replace(Some(self.gather().await.into()));
            }
        }
    }

    async fn gather(&self) -> String {
        let now = tooloo_clock::now();
        let standing = self.desk.ledger.standing().await.ok();
        let figures = Figures {
            ok: true,
            timestamp: tooloo_clock::wall().into(),
            providers_available: self.desk.providers.available(now),
            in_flight: self.desk.gate.in_use(),
            waiting: self.desk.gate.waiting(),
            providers: self.desk.providers.statuses(now),
            budget: standing.map(|standing| Today {
                daily_limit: self.desk.daily_limit,
                spent: standing.spent,
                reserved: standing.reserved,
            }),
        };
        serde_json::to_string(&figures).expect("strings and numbers serialize")
    }
}
