//! Stored responses as bytes: a head that serde writes, then the body as it is.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use tooloo_clock::Moment;

use super::{Head, Kind, StoredResponse, Whole};
use crate::{
    Codec, CodecError,
    http::{HttpCacheConfig, age::Aging, terms::Terms, vary::Marker},
};

/// The version of the format; others are not read.
const VERSION: u8 = 1;

/// Writes and reads stored responses, for tiers below memory.
///
/// It is made with the settings of the layer, which decide about what is shown of a response.
#[derive(Clone, Debug)]
pub struct HttpCodec {
    config: Arc<HttpCacheConfig>,
}

#[derive(Deserialize, Serialize)]
enum Form<'a> {
    #[serde(borrow)]
    Head(HeadForm<'a>),
    Marker(Marker),
}

#[derive(Deserialize, Serialize)]
struct HeadForm<'a> {
    status: u16,
    #[serde(borrow)]
    fields: Vec<(&'a str, &'a [u8])>,
    terms: Terms,
    /// The age that it came with, and the wall clock then.
    age: Duration,
    received: SystemTime,
    body: u64,
}

impl HttpCodec {
    /// Creates a codec for a layer with these settings.
    pub fn new(config: HttpCacheConfig) -> Self {
        Self {
            config: Arc::new(config),
        }
    }

    fn read(&self, form: &HeadForm<'_>) -> Result<Head, CodecError> {
        let mut headers = HeaderMap::with_capacity(form.fields.len());
        for (name, value) in &form.fields {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(CodecError::new)?;
            let value = HeaderValue::from_bytes(value).map_err(CodecError::new)?;
            headers.append(name, value);
        }
        let status = StatusCode::from_u16(form.status).map_err(CodecError::new)?;
        let now = tooloo_clock::coarse();
        let aging = Aging::resume(form.age, form.received, tooloo_clock::wall(), now);
        let received = form.received;
        let config = &self.config;
        Ok(Head::new(
            status, headers, form.terms, aging, received, config,
        ))
    }
}

impl Codec<StoredResponse> for HttpCodec {
    fn encode(&self, value: &StoredResponse, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.push(VERSION);
        match &value.0 {
            Kind::Whole(whole) => {
                write(&Form::Head(HeadForm::of(whole)), out)?;
                out.extend_from_slice(&whole.body);
                Ok(())
            }
            Kind::Varies(marker) => write(&Form::Marker(marker.clone()), out),
            Kind::Filling(..) | Kind::Excused(_) => {
                Err(CodecError::new("what is for those who wait only"))
            }
        }
    }

    fn decode(&self, bytes: Bytes) -> Result<StoredResponse, CodecError> {
        let Some((&VERSION, rest)) = bytes.split_first() else {
            return Err(CodecError::new("another version of the format"));
        };
        let (form, body) = postcard::take_from_bytes(rest).map_err(CodecError::new)?;
        match form {
            Form::Marker(marker) if body.is_empty() => Ok(StoredResponse(Kind::Varies(marker))),
            Form::Head(form) if form.body == body.len() as u64 => {
                let head = Arc::new(self.read(&form)?);
                Ok(StoredResponse::whole(head, bytes.slice_ref(body)))
            }
            _ => Err(CodecError::new("a body of another length")),
        }
    }
}

impl<'a> HeadForm<'a> {
    fn of(whole: &'a Whole) -> Self {
        let head = &whole.head;
        let fields = head.headers.iter();
        Self {
            status: head.status.as_u16(),
            fields: fields
                .map(|(name, value)| (name.as_str(), value.as_bytes()))
                .collect(),
            terms: head.terms,
            age: head.aging.at(Moment::from_nanos(0)),
            received: head.received,
            body: whole.body.len() as u64,
        }
    }
}

fn write(form: &Form<'_>, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let taken = std::mem::take(out);
    *out = postcard::to_extend(form, taken).map_err(CodecError::new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn stored() -> StoredResponse {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::ETAG, &b"\"a\""[..]),
            (header::VIA, b"one"),
            (header::VIA, b"two"),
            (header::SERVER, b"caf\xe9"),
        ] {
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let terms = Terms {
            fresh_for: Duration::from_secs(60),
            while_revalidate: Duration::from_secs(5),
            if_error: Duration::ZERO,
            always_validate: false,
            never_stale: true,
            for_authorized: true,
        };
        let received = tooloo_clock::wall() - Duration::from_secs(30);
        let aging = Aging::new(Duration::from_secs(7), tooloo_clock::coarse());
        let config = HttpCacheConfig::default();
        let head = Head::new(StatusCode::OK, headers, terms, aging, received, &config);
        StoredResponse::whole(Arc::new(head), Bytes::from_static(b"body"))
    }

    fn encoded(response: &StoredResponse) -> Vec<u8> {
        let mut out = Vec::new();
        let codec = HttpCodec::new(HttpCacheConfig::default());
        codec.encode(response, &mut out).unwrap();
        out
    }

    fn decoded(bytes: Vec<u8>) -> Option<StoredResponse> {
        let codec = HttpCodec::new(HttpCacheConfig::default());
        codec.decode(bytes.into()).ok()
    }

    #[test]
    fn a_response_comes_back_with_its_age() {
        let response = stored();
        let Some(StoredResponse(Kind::Whole(back))) = decoded(encoded(&response)) else {
            panic!("no response came back");
        };
        let Kind::Whole(whole) = &response.0 else {
            panic!("it is whole");
        };
        assert_eq!(back.body, "body");
        assert_eq!(back.head.status, StatusCode::OK);
        assert_eq!(back.head.headers, whole.head.headers);
        assert_eq!(back.head.terms, whole.head.terms);
        assert_eq!(back.head.validators.etag, whole.head.validators.etag);
        let age = back.head.aging.at(tooloo_clock::coarse());
        assert!((37..39).contains(&age.as_secs()), "{age:?}");
    }

    #[test]
    fn a_marker_comes_back() {
        let marker = Marker::covering(&[header::ACCEPT], None);
        let back = decoded(encoded(&StoredResponse(Kind::Varies(marker.clone()))));
        let Some(StoredResponse(Kind::Varies(back))) = back else {
            panic!("no marker came back");
        };
        assert_eq!(back, marker);
    }

    #[test]
    fn foreign_and_cut_bytes_are_an_error() {
        let bytes = encoded(&stored());
        for length in 0..bytes.len() {
            assert!(decoded(bytes[..length].to_vec()).is_none(), "{length}");
        }
        let mut other = bytes.clone();
        other[0] = 99;
        assert!(decoded(other).is_none());
        let mut longer = bytes;
        longer.push(0);
        assert!(decoded(longer).is_none());
    }
}
