//! Where a source is asked.

use serde_json::{Map, Value};
use tooloo_hub::Hub;
use tooloo_service::{Peer, PeerError};

use crate::source::Source;

/// Where a source is.
#[derive(Debug)]
pub(crate) enum Place {
    Here(Hub),
    There(Peer),
}

/// What a source said, or why it said nothing.
pub(crate) type Said = Result<Map<String, Value>, String>;

impl Place {
    pub(crate) async fn ask(&self, source: Source) -> Said {
        let mut answer = match self {
            Self::Here(hub) => Map::from_iter(hub.snapshot()),
            Self::There(peer) => {
                let answer = peer.get(source.path).await;
                answer.map_err(|error: PeerError| error.to_string())?
            }
        };
        // The answer's own trace is nothing to report, and spans are no figures.
        answer.remove("traceId");
        if let Some(Value::Object(tracer)) = answer.get_mut("tracer") {
            tracer.remove("spans");
        }
        Ok(answer)
    }
}
