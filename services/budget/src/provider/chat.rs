//! The chat-completions format: what is sent, and what is read of an answer.
//!
//! <https://platform.openai.com/docs/api-reference/chat>

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct ChatRequest<'a> {
    pub(super) model: &'a str,
    pub(super) messages: [ChatMessage<'a>; 1],
    pub(super) max_tokens: u32,
}

#[derive(Serialize)]
pub(super) struct ChatMessage<'a> {
    pub(super) role: &'static str,
    pub(super) content: &'a str,
}

#[derive(Deserialize)]
pub(super) struct ChatResponse {
    #[serde(default)]
    pub(super) choices: Vec<ChatChoice>,
    pub(super) usage: Option<ChatUsage>,
}

#[derive(Deserialize)]
pub(super) struct ChatChoice {
    pub(super) message: ChatAnswer,
}

#[derive(Deserialize)]
pub(super) struct ChatAnswer {
    pub(super) content: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ChatUsage {
    pub(super) prompt_tokens: u32,
    #[serde(default)]
    pub(super) completion_tokens: u32,
}

#[derive(Deserialize)]
pub(super) struct ErrorResponse {
    pub(super) error: ErrorMember,
}

#[derive(Deserialize)]
pub(super) struct ErrorMember {
    pub(super) message: String,
}
