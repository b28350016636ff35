//! Storing what was fetched.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::HeaderMap;
use tooloo_clock::Moment;

use super::{
    Ask,
    admit::Admitted,
    turn::{ResponseLead, Turn},
};
use crate::{
    Entry, EntryOptions, HttpCache, StoredResponse,
    http::{
        HttpCacheConfig, Kind,
        key::PrimaryKey,
        labels::Labels,
        stored::{self, Head, Whole},
        vary::{Marker, VaryOn},
    },
};

/// Where a response is to be stored, once it is whole.
pub(super) struct Landing {
    http: HttpCache,
    key: PrimaryKey,
    /// The request's, by which variants are told apart.
    fields: HeaderMap,
    pub(super) lead: ResponseLead,
    primary: Option<ResponseLead>,
    marker: Option<Marker>,
    admitted: Admitted,
}

impl Landing {
    pub(super) fn new(ask: &Ask, turn: Turn, admitted: Admitted) -> Self {
        Self {
            http: ask.http.clone(),
            key: ask.key.clone(),
            fields: ask.fields.clone(),
            lead: turn.right.lead,
            primary: turn.primary,
            marker: turn.selection.marker,
            admitted,
        }
    }

    pub(super) fn length(&self) -> Option<usize> {
        self.admitted.length
    }

    /// Returns the head for those who read the body while it comes; `None` where nobody may.
    pub(super) fn shared_head(&self) -> Option<Arc<Head>> {
        let mut head = self.admitted.head.clone();
        stored::announce(&mut head, self.admitted.length?);
        head.variant = match self.place(self.marker.as_ref())? {
            Place::Own => None,
            Place::Variant(marker, key) => Some((marker, key)),
        };
        Some(Arc::new(head))
    }

    /// Stores the response with its body, tells those who wait, and returns it.
    pub(super) fn store(self, body: Bytes) -> Whole {
        // Another variant may have come meanwhile.
        let current = self.http.cache().lookup_in_memory(self.key.as_str());
        let current = current.as_deref().and_then(|response| match &response.0 {
            Kind::Varies(marker) => Some(marker),
            _ => None,
        });
        let before = current.or(self.marker.as_ref());
        let place = self.place(before);
        let mut head = self.admitted.head.clone();
        stored::announce(&mut head, body.len());
        if let Some(Place::Variant(marker, key)) = &place {
            head.variant = Some((marker.clone(), Arc::clone(key)));
        }
        let whole = Whole {
            head: Arc::new(head),
            body,
        };
        if let Some(place) = place {
            self.land(place, &whole);
        }
        whole
    }

    fn land(self, place: Place, whole: &Whole) {
        let response = StoredResponse(Kind::Whole(whole.clone()));
        let config = self.http.config();
        let options = options(&whole.head, &self.admitted.labels, config);
        let (marker, key) = match place {
            Place::Own => {
                drop(self.lead.store(response, options));
                return;
            }
            Place::Variant(marker, key) => (marker, key),
        };
        let marker = StoredResponse(Kind::Varies(marker));
        let time = marker_time(&whole.head, config);
        match self.primary {
            // The lead is to the target itself: those who wait look again.
            None => {
                drop(self.lead.store_as(&key, response, options));
                drop(self.lead.store(marker, time));
            }
            Some(primary) if *self.lead.key() == key => {
                drop(self.lead.store(response, options));
                drop(primary.store(marker, time));
            }
            Some(primary) => {
                drop(self.lead.store_as(&key, response, options));
                drop(primary.store(marker.clone(), time));
                drop::<Entry<_>>(self.lead.share(marker, EntryOptions::new().exact()));
            }
        }
    }

    /// Tells under which key the response goes; `None` where that would be too long.
    fn place(&self, before: Option<&Marker>) -> Option<Place> {
        let config = self.http.config();
        let marker = match (&self.admitted.vary, before) {
            (VaryOn::Anything, _) => return None,
            (VaryOn::Nothing, None) => return Some(Place::Own),
            (VaryOn::Nothing, Some(before)) => before.clone(),
            (VaryOn::Fields(fields), before) => {
                let most = config.max_vary.get() + config.unkeyed.len();
                let both = Marker::covering(fields, before);
                if both.len() <= most {
                    both
                } else {
                    Marker::covering(fields, None)
                }
            }
        };
        let key = marker.key(self.key.as_str(), &self.fields, config)?;
        Some(Place::Variant(marker, key.into()))
    }
}

enum Place {
    /// Under the target's own key.
    Own,
    /// Under a key that the marker makes.
    Variant(Marker, Arc<str>),
}

/// Says how long a response is kept, and what purges it.
pub(super) fn options(head: &Head, labels: &Labels, config: &HttpCacheConfig) -> EntryOptions {
    let terms = &head.terms;
    let age = head.aging.at(Moment::exact());
    let late = age.saturating_sub(terms.fresh_for);
    let options = EntryOptions::new()
        .exact()
        .with_ttl(terms.fresh_for.saturating_sub(age))
        .with_stale_while_revalidate(terms.while_revalidate.saturating_sub(late))
        .with_stale_if_error(terms.if_error.saturating_sub(late))
        .with_keep_for(kept(head, config))
        .with_tags(labels.tags.iter().cloned());
    let groups = labels.groups.iter().cloned();
    groups.fold(options, EntryOptions::with_group)
}

/// Says how long a marker is kept: longer than what it leads to.
fn marker_time(head: &Head, config: &HttpCacheConfig) -> EntryOptions {
    let useful = head.terms.useful_for().saturating_add(kept(head, config));
    let slack = Duration::from_secs(3600);
    let time = useful.saturating_mul(2).saturating_add(slack);
    EntryOptions::new().exact().with_ttl(time)
}

/// Says how long a stale response is kept to compare with, or for requests that take it stale.
fn kept(head: &Head, config: &HttpCacheConfig) -> Duration {
    if head.validators.is_empty() && head.terms.never_stale {
        Duration::ZERO
    } else {
        config.keep_for
    }
}
