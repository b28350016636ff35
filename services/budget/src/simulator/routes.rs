//! What the simulated provider answers.

use std::time::UNIX_EPOCH;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tooloo_service::{Answer, Json as Body, Problem};
use utoipa::ToSchema;

use super::{
    config::{Change, Shown},
    dice::{Counts, Fate, InFlight, Simulator},
    stream, text,
    wire::{ChatRequest, Choice, Completion, ErrorBody, Message, Model, ModelList, Usage},
};

/// An answer in the making.
pub(super) struct Draft {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) text: String,
    pub(super) finish_reason: &'static str,
    pub(super) usage: Usage,
    pub(super) in_flight: InFlight,
}

/// The counts, as they are shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stats {
    ok: bool,
    #[serde(flatten)]
    counts: Counts,
}

#[utoipa::path(
    post,
    path = "/v1/chat/completions",
    tag = "simulator",
    summary = "Completes a chat, whole or as a stream of server-sent events",
    request_body = ChatRequest,
    responses(
        (status = 200, body = Completion<Choice>),
        (status = 400, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 429, body = ErrorBody),
        (status = 500, body = ErrorBody),
    )
)]
pub(super) async fn chat_completions(
    State(simulator): State<Simulator>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ErrorBody> {
    let body = body.map_err(|rejection| {
        let message = rejection.body_text();
        ErrorBody::new(rejection.status(), "invalid_request_error", None, message)
    })?;
    let json = &mut serde_json::Deserializer::from_slice(&body);
    let request: ChatRequest = serde_path_to_error::deserialize(json)
        .map_err(|error| ErrorBody::invalid(format!("the body is no chat request: {error}")))?;
    check(&request, &simulator)?;

    let (delay, fate, in_flight) = simulator.throw();
    tokio::time::sleep(delay).await;
    match fate {
        Fate::Answered => {}
        Fate::Failed => {
            let message = "The server had an error while processing your request.";
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return Err(ErrorBody::new(status, "server_error", None, message));
        }
        Fate::RateLimited(wait) => {
            let message = format!("Rate limit reached for {}.", request.model);
            let code = Some("rate_limit_exceeded");
            let error = ErrorBody::new(StatusCode::TOO_MANY_REQUESTS, "requests", code, message);
            return Err(error.retry_after(wait.as_secs()));
        }
    }
    let include_usage = request.stream_options.include_usage;
    let streaming = request.stream;
    let draft = draft(&simulator, request, in_flight);
    Ok(if streaming {
        stream::respond(draft, include_usage).into_response()
    } else {
        Json(whole(draft)).into_response()
    })
}

#[utoipa::path(
    get,
    path = "/v1/models",
    tag = "simulator",
    summary = "Lists the models",
    responses((status = 200, body = ModelList))
)]
pub(super) async fn list_models(State(simulator): State<Simulator>) -> Json<ModelList> {
    let models = simulator.config().models.into_iter().map(|id| Model {
        id,
        object: "model",
        created: 0,
        owned_by: "tooloo",
    });
    Json(ModelList {
        object: "list",
        data: models.collect(),
    })
}

#[utoipa::path(
    get,
    path = "/simulator/settings",
    tag = "simulator",
    summary = "Shows how the simulated provider behaves",
    responses((status = 200, body = Shown))
)]
pub(super) async fn settings(State(simulator): State<Simulator>) -> Answer<Shown> {
    Answer(Shown::from(&simulator.config()))
}

#[utoipa::path(
    put,
    path = "/simulator/settings",
    tag = "simulator",
    summary = "Changes how the simulated provider behaves; what is left out stays as it is",
    request_body = Change,
    responses((status = 200, body = Shown), (status = 422, description = "A setting makes no sense"))
)]
pub(super) async fn change_settings(
    State(simulator): State<Simulator>,
    Body(change): Body<Change>,
) -> Result<Answer<Shown>, Problem> {
    let config = simulator
        .change(change)
        .map_err(|complaint| Problem::unprocessable("invalid_field", complaint))?;
    Ok(Answer(Shown::from(&config)))
}

#[utoipa::path(
    get,
    path = "/simulator/stats",
    tag = "simulator",
    summary = "Counts what the simulated provider has done",
    responses((status = 200, body = Stats))
)]
pub(super) async fn stats(State(simulator): State<Simulator>) -> Answer<Stats> {
    Answer(Stats {
        ok: true,
        counts: simulator.counts(),
    })
}

fn check(request: &ChatRequest, simulator: &Simulator) -> Result<(), ErrorBody> {
    if request.messages.is_empty() {
        return Err(ErrorBody::invalid("`messages` is empty").about("messages"));
    }
    if request.max_tokens == Some(0) {
        return Err(ErrorBody::invalid("`max_tokens` is 0").about("max_tokens"));
    }
    if !simulator.config().models.contains(&request.model) {
        // The name comes from the client: no more of it than fits in a line.
        let name: String = request.model.chars().take(80).collect();
        let message = format!("The model `{name}` does not exist.");
        let code = Some("model_not_found");
        let error = ErrorBody::new(
            StatusCode::NOT_FOUND,
            "invalid_request_error",
            code,
            message,
        );
        return Err(error.about("model"));
    }
    Ok(())
}

fn draft(simulator: &Simulator, request: ChatRequest, in_flight: InFlight) -> Draft {
    let contents = || {
        request
            .messages
            .iter()
            .map(|message| message.content.as_str())
    };
    let prompt = contents().next_back().unwrap_or_default();
    let text = text::answer(&request.model, prompt);
    let tokens = text::tokens(&text);
    let most = request.max_tokens.map_or(usize::MAX, |most| most as usize);
    let finish_reason = if tokens.len() > most {
        "length"
    } else {
        "stop"
    };
    let said = &tokens[..tokens.len().min(most)];
    let usage = Usage::new(
        text::count_prompt(contents()),
        u32::try_from(said.len()).unwrap_or(u32::MAX),
    );
    let created = tooloo_clock::wall().duration_since(UNIX_EPOCH);
    Draft {
        id: format!("chatcmpl-{:012x}", simulator.answered()),
        created: created.unwrap_or_default().as_secs(),
        text: said.concat(),
        model: request.model,
        finish_reason,
        usage,
        in_flight,
    }
}

fn whole(draft: Draft) -> Completion<Choice> {
    Completion {
        id: draft.id,
        object: "chat.completion",
        created: draft.created,
        model: draft.model,
        choices: vec![Choice {
            index: 0,
            message: Message {
                role: "assistant".to_owned(),
                content: draft.text,
            },
            finish_reason: draft.finish_reason,
        }],
        usage: Some(draft.usage),
    }
}
