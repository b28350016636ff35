//! What is known of each service right now: whether it answers, and its figures.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::HeaderValue;
use jiff::Timestamp;
use tooloo_service::Peer;

use crate::{
    operation::Operation,
    usage::{Figures, Usage},
};

/// The services that are looked at.
///
/// All of this is forgotten at a restart: it is true of the present only.
#[derive(Debug)]
pub(crate) struct Sources {
    peers: Vec<Peer>,
    present: Mutex<BTreeMap<String, Present>>,
}

/// A service, as of the last look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Present {
    /// Whether it answered; `None` before the first look.
    pub(crate) reachable: Option<bool>,
    pub(crate) looked: Option<Timestamp>,
    /// Why the last look gave no usable document.
    pub(crate) error: Option<String>,
    /// Its figures, where the last look gave them.
    pub(crate) figures: Option<Figures>,
    /// The tag of the last good document, once its operations are stored.
    pub(crate) etag: Option<HeaderValue>,
}

impl Sources {
    pub(crate) fn new(peers: Vec<Peer>) -> Self {
        Self {
            peers,
            present: Mutex::default(),
        }
    }

    /// Returns the services, as peers.
    pub(crate) fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// Returns the peer called `name`.
    pub(crate) fn peer(&self, name: &str) -> Option<&Peer> {
        self.peers.iter().find(|peer| peer.name() == name)
    }

    /// Returns what is known of the service called `name`.
    pub(crate) fn present(&self, name: &str) -> Present {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// Says whether every service gave a usable document at the last look.
    pub(crate) fn all_read(&self) -> bool {
        let present = self.lock();
        let read = |peer: &Peer| present.get(peer.name()).is_some_and(Present::is_read);
        self.peers.iter().all(read)
    }

    /// Replaces what is known of the service called `name`.
    pub(crate) fn replace(&self, name: &str, present: Present) {
        self.lock().insert(name.to_owned(), present);
    }

    /// Remembers the tag of the document of the service called `name`.
    pub(crate) fn tag(&self, name: &str, etag: Option<HeaderValue>) {
        if let Some(present) = self.lock().get_mut(name) {
            present.etag = etag;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Present>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// Says whether the last look gave a usable document.
    pub(crate) fn is_read(&self) -> bool {
        self.looked.is_some() && self.error.is_none()
    }

    /// Returns how often `operation` was called, where its service tells.
    pub(crate) fn usage(&self, operation: &Operation) -> Option<Usage> {
        let figures = self.figures.as_ref().filter(|_| operation.counted)?;
        Some(figures.of(&operation.method, &operation.path))
    }
}
