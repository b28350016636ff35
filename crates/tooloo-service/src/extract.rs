//! Extractors whose rejections are problems that name the field or the bound.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use http_body::Body as _;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::{Map, Value};

use crate::{Problem, body, object::Object};

/// A JSON object as the body, as [`axum::Json`] but with problem responses.
///
/// Where a handler takes an `Option` of it, a request may come without a body.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// A query string, as [`axum::extract::Query`] but with problem responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

/// Parameters of the path, as [`axum::extract::Path`] but with problem responses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "expected a body with `content-type: application/json`",
            ));
        }
        let bytes = read(request.into_body()).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let described = request.headers().contains_key(header::CONTENT_TYPE);
        let empty = request.body().size_hint().exact() == Some(0);
        if empty && !described {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state)
            .await
            .map(Some)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Problem::bad_request("invalid_query", rejection.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(path)| Self(path))
            .map_err(|rejection| Problem::bad_request("invalid_path", rejection.body_text()))
    }
}

impl<T: Serialize> axum::response::IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads a whole body; the stack has bounded it.
async fn read(body: Body) -> Result<Bytes, Problem> {
    axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(|error| body::refusal(&error))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return Err(Problem::bad_request(
            "invalid_json",
            "expected a JSON body, found none",
        ));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.inner();
        // The parser calls it a fault of syntax where it meets, say, a number in place of a name.
        if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
            Problem::bad_request("invalid_json", format!("the body is not JSON: {error}"))
        } else if path == "." {
            Problem::unprocessable("invalid_field", inner.to_string())
        } else {
            Problem::unprocessable("invalid_field", format!("`{path}`: {inner}"))
        }
    })?;
    json.end().map_err(|error| {
        Problem::bad_request("invalid_json", format!("the body is not JSON: {error}"))
    })?;
    Ok(value)
}

/// Reads an object that was parsed without knowing what it is.
pub(crate) fn typed<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(object)).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        let detail = if path == "." {
            inner.to_string()
        } else {
            format!("`{path}`: {inner}")
        };
        Problem::unprocessable("invalid_field", detail)
    })
}

/// Says whether the content type is `application/json` or one that ends in `+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(content_type) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let essence = content_type.as_bytes().split(|byte| *byte == b';').next();
    let essence = essence
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    match essence.strip_prefix(b"application/") {
        Some(subtype) => subtype == b"json" || subtype.ends_with(b"+json"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its reading is of interest")]
    struct Order {
        size: Size,
        names: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    fn refused(body: &str) -> (u16, String) {
        let problem = parse::<Order>(body.as_bytes()).unwrap_err();
        (problem.status().as_u16(), problem.to_string())
    }

    #[test]
    fn names_the_field_that_is_missing_or_of_a_wrong_type() {
        for (body, named) in [
            (r#"{"size": 3, "names": []}"#, "`size`"),
            (r#"{"size": "huge", "names": []}"#, "`size`"),
            (r#"{"size": "small"}"#, "`names`"),
            (r#"{"size": "large", "names": ["a", 1]}"#, "`names[1]`"),
        ] {
            let (status, detail) = refused(body);
            assert_eq!(status, 422, "{body}");
            assert!(detail.contains(named), "{detail}");
        }
    }

    #[test]
    fn what_is_no_object_is_refused_without_naming_types_of_ours() {
        for body in [r#"["small", []]"#, "null", "5", r#""small""#] {
            let (status, detail) = refused(body);
            assert_eq!(status, 422, "{body}");
            assert!(detail.contains("a JSON object"), "{detail}");
            assert!(!detail.contains("Order"), "{detail}");
        }
    }

    #[test]
    fn what_is_no_json_is_a_bad_request() {
        for body in [
            "",
            "{",
            "[1,",
            r#"{"size": small}"#,
            r#"{"size": "small", "names": []} x"#,
            "\u{feff}{}",
        ] {
            assert_eq!(refused(body).0, 400, "{body}");
        }
    }
}
