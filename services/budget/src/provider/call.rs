//! One call to a provider, in the chat-completions format.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use jiff::fmt::rfc2822;

use super::{
    chat::{ChatMessage, ChatRequest, ChatResponse, ErrorResponse},
    failure::{Bill, Failure},
    record::FailureKind,
    upstream::Upstream,
};

/// The largest answer that is read.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How much of an error's message is kept.
const MOST_MESSAGE: usize = 200;

/// The longest rest that a provider gets, whatever it asks for.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) model: &'a str,
    pub(super) prompt: &'a str,
    pub(super) max_tokens: u32,
}

/// What is answered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Completion {
    pub(crate) text: String,
    /// Tokens of prompt and answer, where the provider told.
    pub(crate) usage: Option<(u32, u32)>,
}

/// Asks a provider and reads its answer. The caller bounds the time.
pub(super) async fn complete(
    upstream: &Upstream,
    key: Option<&HeaderValue>,
    question: Question<'_>,
) -> Result<Completion, Failure> {
    let request = request(upstream.uri("/chat/completions"), key, question);
    let response = upstream.send(request).await.map_err(|error| {
        let detail = format!("cannot be reached ({})", cause(&error));
        let bill = if error.is_connect() {
            Bill::Nothing
        } else {
            Bill::Unknown
        };
        Failure::new(FailureKind::Unreachable, detail).with_bill(bill)
    })?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await;
    if !head.status.is_success() {
        // The status says enough where the rest does not arrive.
        let body = body.map(Collected::to_bytes).unwrap_or_default();
        let now = tooloo_clock::wall();
        return Err(refusal(head.status, &head.headers, &body, now));
    }
    let body = body.map_err(|error| {
        let failure = if error.is::<LengthLimitError>() {
            Failure::new(FailureKind::BadAnswer, "answered with too much")
        } else {
            Failure::new(FailureKind::Unreachable, "broke off its answer")
        };
        failure.with_bill(Bill::Unknown)
    })?;
    completion(&body.to_bytes())
}

fn request(uri: Uri, key: Option<&HeaderValue>, question: Question<'_>) -> Request<Body> {
    let chat = ChatRequest {
        model: question.model,
        messages: [ChatMessage {
            role: "user",
            content: question.prompt,
        }],
        max_tokens: question.max_tokens,
    };
    let body = serde_json::to_vec(&chat).expect("strings and numbers serialize");
    let mut request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .body(Body::from(body))
        .expect("an address and constant fields make a request");
    if let Some(key) = key {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, key.clone());
    }
    request
}

fn completion(body: &[u8]) -> Result<Completion, Failure> {
    let bad = |what, bill| Failure::new(FailureKind::BadAnswer, what).with_bill(bill);
    let response: ChatResponse = serde_json::from_slice(body).map_err(|_| {
        let what = "answered with something that is no chat completion";
        bad(what, Bill::Unknown)
    })?;
    let usage = response
        .usage
        .map(|usage| (usage.prompt_tokens, usage.completion_tokens));
    let choice = response.choices.into_iter().next();
    let text = choice
        .and_then(|choice| choice.message.content)
        .ok_or_else(|| {
            let bill = usage.map_or(Bill::Unknown, |(input, output)| Bill::Usage(input, output));
            bad("answered without a text", bill)
        })?;
    Ok(Completion { text, usage })
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Failure {
    let status_code = status.as_u16();
    let detail = match serde_json::from_slice::<ErrorResponse>(body) {
        Ok(said) => {
            let said: String = said.error.message.chars().take(MOST_MESSAGE).collect();
            format!("answered {status_code} ({said})")
        }
        Err(_) => format!("answered {status_code}"),
    };
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => FailureKind::RateLimited,
        StatusCode::REQUEST_TIMEOUT => FailureKind::TimedOut,
        status if status.is_server_error() => FailureKind::ServerError,
        StatusCode::UNAUTHORIZED
        | StatusCode::PAYMENT_REQUIRED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND => FailureKind::Refused,
        status if status.is_client_error() => FailureKind::BadRequest,
        _ => FailureKind::BadAnswer,
    };
    let asked = headers
        .get(header::RETRY_AFTER)
        .and_then(|after| retry_after(after, now));
    Failure {
        kind,
        detail,
        retry_after: asked.map(|asked| asked.min(LONGEST_REST)),
        bill: Bill::Nothing,
    }
}

/// Returns the first cause of an error: what the system or TLS said.
fn cause(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => cause(source),
        None => error.to_string(),
    }
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let date = SystemTime::from(date);
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;
    use tooloo_circuit_breaker::Outcome;

    use super::*;

    fn refused(status: u16, retry_after: Option<&'static str>, body: &str) -> Failure {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        // Sun, 06 Nov 1994 08:49:07 GMT.
        let now = UNIX_EPOCH + Duration::from_secs(784_111_747);
        refusal(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
            now,
        )
    }

    #[test]
    fn a_429_asks_for_a_rest_in_seconds_or_until_a_date() {
        for (value, seconds) in [
            (None, 1),
            (Some("7"), 7),
            (Some("Sun, 06 Nov 1994 08:49:37 GMT"), 30),
            (Some("Sun, 06 Nov 1994 08:00:00 GMT"), 0),
            (Some("soon"), 1),
            (Some("99999999999"), 300),
        ] {
            let failure = refused(429, value, "");
            assert_eq!(failure.kind, FailureKind::RateLimited);
            assert_eq!(
                failure.rest(),
                Some(Duration::from_secs(seconds)),
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_refusal_repeats_a_part_of_what_the_provider_said() {
        let failure = refused(401, None, r#"{"error": {"message": "no such key"}}"#);
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(failure.detail, "answered 401 (no such key)");
        let long = format!(r#"{{"error": {{"message": "{}"}}}}"#, "x".repeat(10_000));
        assert!(refused(500, None, &long).detail.len() < 300);
        assert_eq!(refused(500, None, "<html>").detail, "answered 500");
        assert_eq!(refused(500, None, "").rest(), None);
        assert_eq!(refused(302, None, "").kind, FailureKind::BadAnswer);
    }

    #[test]
    fn a_failure_tells_of_the_provider_and_not_of_the_prompt() {
        let asked = Some(Duration::from_secs(7));
        for (status, outcome) in [
            (400, Outcome::Ignored),
            (413, Outcome::Ignored),
            (422, Outcome::Ignored),
            (401, Outcome::Failure { retry_after: asked }),
            (404, Outcome::Failure { retry_after: asked }),
            (408, Outcome::Failure { retry_after: asked }),
            (500, Outcome::Failure { retry_after: asked }),
            (429, Outcome::Throttled { retry_after: asked }),
        ] {
            assert_eq!(
                refused(status, Some("7"), "").outcome(),
                outcome,
                "{status}"
            );
        }
        // The breaker has an open time of its own where the provider names none.
        let outcome = Outcome::Throttled { retry_after: None };
        assert_eq!(refused(429, None, "").outcome(), outcome);
    }

    #[test]
    fn an_answer_needs_a_text_but_no_usage() {
        let answer = completion(br#"{"choices": [{"message": {"content": "hi"}}]}"#).unwrap();
        assert_eq!((answer.text.as_str(), answer.usage), ("hi", None));
        for body in [
            "",
            "{}",
            r#"{"choices": []}"#,
            r#"{"choices": [{"message": {}}]}"#,
        ] {
            let failure = completion(body.as_bytes()).unwrap_err();
            assert_eq!(failure.kind, FailureKind::BadAnswer, "{body}");
            assert_eq!(failure.bill, Bill::Unknown, "{body}");
        }
    }

    #[test]
    fn an_answer_without_a_text_is_billed_as_it_says() {
        for choices in ["[]", r#"[{"message": {"content": null}}]"#] {
            let usage = r#"{"prompt_tokens": 7, "completion_tokens": 9}"#;
            let body = format!(r#"{{"choices": {choices}, "usage": {usage}}}"#);
            let failure = completion(body.as_bytes()).unwrap_err();
            assert_eq!(failure.bill, Bill::Usage(7, 9), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..600u16) {
            let _ = completion(&body);
            let status = StatusCode::from_u16(status).unwrap();
            let _ = refusal(status, &HeaderMap::new(), &body, UNIX_EPOCH);
        }

        #[test]
        fn no_retry_after_panics(value in "\\PC{0,40}") {
            if let Ok(value) = HeaderValue::from_str(&value) {
                let _ = retry_after(&value, UNIX_EPOCH);
            }
        }
    }
}
