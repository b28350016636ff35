//! JSON bodies that must be objects, and may be left out where every member may.

use std::{fmt, marker::PhantomData};

use axum::extract::{FromRequest, Request};
use http::header;
use http_body::Body;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use tooloo_service::{Json, Problem};

/// A JSON object; a struct alone would also read its members from an array, by position.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Object<T>(pub(crate) T);

/// A JSON object, or no body at all, which is the default value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OptionalObject<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

impl<T, S> FromRequest<S> for OptionalObject<T>
where
    T: for<'de> Deserialize<'de> + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let described = request.headers().contains_key(header::CONTENT_TYPE);
        let empty = request.body().size_hint().exact() == Some(0);
        if empty && !described {
            return Ok(Self(T::default()));
        }
        Json::from_request(request, state)
            .await
            .map(|Json(Object(value))| Self(value))
    }
}
