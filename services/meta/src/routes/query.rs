//! What a request may ask for.

use serde::Deserialize;
use tooloo_service::Problem;
use utoipa::IntoParams;

use crate::{
    reading::Lens,
    trend::{ALPHAS, MIN_POINTS},
};

const USUAL_WINDOW: usize = 30;
const MAX_WINDOW: usize = 500;
const USUAL_ALPHA: f64 = 0.05;

/// The longest name that a topic can have, in bytes.
const MAX_TOPIC: usize = 320;

#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AnalysisQuery {
    /// A topic's id, or any spelling of its name; all of them where none is given.
    topic: Option<String>,
    /// How many of the newest rounds to look at: 8 to 500, 30 where none is given.
    #[param(minimum = 8, maximum = 500)]
    window: Option<usize>,
    /// The level of significance: 0.001 to 0.2, 0.05 where none is given.
    #[param(minimum = 0.001, maximum = 0.2)]
    alpha: Option<f64>,
}

/// A request found to make sense.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Analysis {
    pub(super) topic: Option<String>,
    pub(super) lens: Lens,
}

impl AnalysisQuery {
    pub(super) fn new(topic: Option<String>, window: Option<usize>, alpha: Option<f64>) -> Self {
        Self {
            topic,
            window,
            alpha,
        }
    }

    /// # Errors
    ///
    /// Returns a 400 [`Problem`] that names the parameter and its bounds.
    pub(super) fn check(self) -> Result<Analysis, Problem> {
        let window = self.window.unwrap_or(USUAL_WINDOW);
        if !(MIN_POINTS..=MAX_WINDOW).contains(&window) {
            return Err(invalid(format!(
                "`window` must be from {MIN_POINTS} to {MAX_WINDOW}, not {window}"
            )));
        }
        let alpha = self.alpha.unwrap_or(USUAL_ALPHA);
        if !ALPHAS.contains(&alpha) {
            return Err(invalid(format!(
                "`alpha` must be from {} to {}, not {alpha}",
                ALPHAS.start(),
                ALPHAS.end()
            )));
        }
        if self
            .topic
            .as_ref()
            .is_some_and(|topic| topic.is_empty() || topic.len() > MAX_TOPIC)
        {
            return Err(invalid(format!(
                "`topic` must have from 1 to {MAX_TOPIC} bytes"
            )));
        }
        Ok(Analysis {
            topic: self.topic,
            lens: Lens { window, alpha },
        })
    }
}

/// Returns a 404 [`Problem`] for a topic that does not exist.
pub(super) fn unknown_topic(wanted: &str) -> Problem {
    Problem::not_found("unknown_topic", format!("there is no topic `{wanted}`"))
}

pub(super) fn invalid(detail: String) -> Problem {
    Problem::bad_request("invalid_query", detail)
}
