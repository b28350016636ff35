//! Conversations: where their topics change.

use std::sync::Arc;

use axum::extract::State;
use database::now;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, Problem};
use utoipa::ToSchema;

use super::Segmentation;
use crate::{
    SegmentationConfig, demo as built_in, segments, texttiling, tokens::Terms, tuning::Tuning,
};

/// The longest name of a role, in bytes.
const LONGEST_ROLE: usize = 32;

/// A conversation to split.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation {
    #[schema(min_items = 1)]
    messages: Vec<Message>,
}

/// Something that was said.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct Message {
    /// Who said it.
    #[schema(min_length = 1, max_length = 32, examples("user"))]
    role: String,
    text: String,
}

/// A conversation's topics.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Analysis {
    messages: usize,
    segments: Vec<Segment>,
    boundaries: Vec<Boundary>,
    /// The depth that made a boundary; `null` where there was nothing to compare.
    cutoff: Option<f64>,
    /// The settings that were in force.
    settings: Tuning,
}

/// A run of messages on one topic.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Segment {
    /// Index of its first message, counted from 0.
    first_message: usize,
    /// Index of its last message.
    last_message: usize,
    /// Words that carry meaning.
    words: usize,
    /// The words that tell this topic from the others, most telling first.
    keywords: Vec<Keyword>,
    /// How alike its messages are, from 0 to 1; `null` where there are no two to compare.
    cohesion: Option<f64>,
}

/// A telling word.
#[derive(Debug, Serialize, ToSchema)]
struct Keyword {
    word: String,
    weight: f64,
}

/// A change of topic.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Boundary {
    /// Index of the first message of the new topic.
    before_message: usize,
    /// Cosine of what was said before and after: 0 where no word is shared.
    similarity: f64,
    /// How far the similarity falls below the peaks around it.
    depth: f64,
}

/// The built-in conversation and its topics.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Demonstration {
    conversation: Vec<Message>,
    #[serde(flatten)]
    analysis: Analysis,
}

/// Splits a conversation into topics.
#[utoipa::path(
    post,
    path = "/api/v1/segmentation/analyze",
    tag = "segmentation",
    summary = "Splits a conversation into topics",
    request_body = Conversation,
    responses(
        (status = 200, body = Analysis),
        (status = 413, description = "Too many messages, or too long a text"),
        (status = 422, description = "A field is missing or will not do"),
        (status = 503, description = "All places for computations are taken"),
    )
)]
pub(super) async fn analyze(
    State(segmentation): State<Arc<Segmentation>>,
    Json(Conversation { messages }): Json<Conversation>,
) -> Result<Answer<Analysis>, Problem> {
    check(&messages, &segmentation.config)?;
    let texts = messages.into_iter().map(|message| message.text).collect();
    let analysis = analysis(&segmentation, texts).await?;
    let count = |n| u32::try_from(n).expect("the number of messages is bounded");
    let (messages, segments) = (count(analysis.messages), count(analysis.segments.len()));
    segmentation
        .records
        .count_analysis(messages, segments, now())
        .await?;
    Ok(Answer(analysis))
}

/// Splits a built-in conversation of four topics, with the settings in force.
#[utoipa::path(
    get,
    path = "/api/v1/segmentation/demo",
    tag = "segmentation",
    summary = "Splits a built-in conversation",
    responses((status = 200, body = Demonstration))
)]
pub(super) async fn demo(
    State(segmentation): State<Arc<Segmentation>>,
) -> Result<Answer<Demonstration>, Problem> {
    let texts = built_in::CONVERSATION
        .iter()
        .map(|&(_, text)| text.to_owned())
        .collect();
    let analysis = analysis(&segmentation, texts).await?;
    let message = |&(role, text): &(&str, &str)| Message {
        role: role.to_owned(),
        text: text.to_owned(),
    };
    Ok(Answer(Demonstration {
        conversation: built_in::CONVERSATION.iter().map(message).collect(),
        analysis,
    }))
}

async fn analysis(segmentation: &Segmentation, texts: Vec<String>) -> Result<Analysis, Problem> {
    let tuning = segmentation.records.tuning().await?;
    segmentation
        .jobs
        .run(move || Analysis::of(&texts, tuning))
        .await
}

impl Analysis {
    fn of(texts: &[String], tuning: Tuning) -> Self {
        let terms = Terms::of(texts.iter().map(String::as_str));
        let tiles = texttiling::tile(&terms, &tuning.tiling());
        let segments = segments::describe(&terms, &tiles, tuning.shown_keywords());
        Self {
            messages: texts.len(),
            segments: segments.into_iter().map(Segment::from).collect(),
            boundaries: tiles.boundaries.into_iter().map(Boundary::from).collect(),
            cutoff: tiles.cutoff,
            settings: tuning,
        }
    }
}

impl From<segments::Segment> for Segment {
    fn from(segment: segments::Segment) -> Self {
        let keyword = |segments::Keyword { word, weight }| Keyword { word, weight };
        Self {
            first_message: segment.messages.start,
            last_message: segment.messages.end - 1,
            words: segment.terms,
            keywords: segment.keywords.into_iter().map(keyword).collect(),
            cohesion: segment.cohesion,
        }
    }
}

impl From<texttiling::Boundary> for Boundary {
    fn from(boundary: texttiling::Boundary) -> Self {
        Self {
            before_message: boundary.message,
            similarity: boundary.similarity,
            depth: boundary.depth,
        }
    }
}

fn check(messages: &[Message], config: &SegmentationConfig) -> Result<(), Problem> {
    if messages.is_empty() {
        let detail = "`messages` must hold at least one message";
        return Err(Problem::unprocessable("no_messages", detail));
    }
    let most = config.max_messages.get();
    if messages.len() > most {
        let detail = format!(
            "`messages` holds {}, at most {most} are allowed",
            messages.len()
        );
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_messages",
            detail,
        ));
    }
    for (index, Message { role, text }) in messages.iter().enumerate() {
        if role.trim().is_empty() || role.len() > LONGEST_ROLE {
            let detail =
                format!("`messages[{index}].role` must be a name of at most {LONGEST_ROLE} bytes");
            return Err(Problem::unprocessable("invalid_role", detail));
        }
        let most = config.max_text_bytes.get();
        if text.len() > most {
            let detail = format!(
                "`messages[{index}].text` has {} bytes, at most {most} are allowed",
                text.len()
            );
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "text_too_long",
                detail,
            ));
        }
    }
    Ok(())
}
