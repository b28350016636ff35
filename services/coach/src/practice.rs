//! Sessions and boosts: rounds of the weakest topics in turn.

use tooloo_trace::Span;

use crate::{
    action::{Action, Kind},
    coach::Coach,
    error::CoachError,
    round::InPractice,
};

/// What a boost has done.
#[derive(Debug)]
pub(crate) struct Boosted {
    pub(crate) rounds: Vec<Action>,
    /// What ended it before its last round.
    pub(crate) error: Option<CoachError>,
}

impl Coach {
    /// Practises the weakest topics in turn, for one session's rounds or until the coach is
    /// stopped.
    pub(crate) async fn session(&self) -> Result<(), CoachError> {
        let mut span = self.inner.tracer.start_trace("coach session");
        let result = span.in_scope(self.session_rounds(&span)).await;
        if let Err(error) = &result {
            span.fail(error_type(error));
            self.count_failure(error).await;
        }
        result
    }

    async fn session_rounds(&self, span: &Span) -> Result<(), CoachError> {
        let settings = self.record().await?.settings;
        let mut turns = self.weakest(settings.focus).await?;
        if settings.hints {
            self.hint(&turns[0].topic).await?;
        }
        let topics = turns.len();
        for turn in (0..topics)
            .cycle()
            .take(settings.rounds_per_session as usize)
        {
            if self.record().await?.running_since.is_none() {
                return Ok(());
            }
            self.round(&mut turns[turn], Kind::Practised, span).await?;
        }
        self.count(|counters| counters.sessions += 1).await
    }

    /// Practises some rounds now: of one topic, or of the weakest in turn.
    ///
    /// # Errors
    ///
    /// Returns a [`CoachError`] where there was no first round. A boost that is cut short later
    /// says so beside its rounds.
    pub(crate) async fn boost(
        &self,
        topic: Option<&str>,
        rounds: u32,
    ) -> Result<Boosted, CoachError> {
        let _alone = self
            .inner
            .boost
            .try_lock()
            .map_err(|_| CoachError::Boosting)?;
        let mut span = self.inner.tracer.start_span("coach boost");
        let boosted = span.in_scope(self.boost_rounds(topic, rounds, &span)).await;
        let error = match &boosted {
            Ok(boosted) => boosted.error.as_ref(),
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            span.fail(error_type(error));
            self.count_failure(error).await;
        }
        boosted
    }

    async fn boost_rounds(
        &self,
        topic: Option<&str>,
        rounds: u32,
        span: &Span,
    ) -> Result<Boosted, CoachError> {
        let focus = self.record().await?.settings.focus;
        let mut turns = match topic {
            Some(topic) => vec![self.named(topic).await?],
            None => self.weakest(focus).await?,
        };
        self.count(|counters| counters.boosts += 1).await?;
        let mut played = Vec::new();
        let topics = turns.len();
        for turn in (0..topics).cycle().take(rounds as usize) {
            match self.round(&mut turns[turn], Kind::Boosted, span).await {
                Ok(action) => played.push(action),
                Err(error) if played.is_empty() => return Err(error),
                Err(error) => {
                    return Ok(Boosted {
                        rounds: played,
                        error: Some(error),
                    });
                }
            }
        }
        Ok(Boosted {
            rounds: played,
            error: None,
        })
    }

    /// Returns the weakest topics, at least one.
    async fn weakest(&self, focus: u32) -> Result<Vec<InPractice>, CoachError> {
        let topics = self.inner.training.weakest_first().await?;
        let topics = topics.into_iter().take(focus as usize);
        let turns: Vec<_> = topics.map(InPractice::new).collect();
        if turns.is_empty() {
            Err(CoachError::NoTopics)
        } else {
            Ok(turns)
        }
    }

    async fn named(&self, wanted: &str) -> Result<InPractice, CoachError> {
        let topic = self.inner.training.named(wanted).await?;
        topic
            .map(InPractice::new)
            .ok_or_else(|| CoachError::UnknownTopic(wanted.to_owned()))
    }
}

/// Names an error in few words, for spans.
fn error_type(error: &CoachError) -> &'static str {
    match error {
        CoachError::Training(error) if error.is_timeout() => "timeout",
        CoachError::Training(_) => "peer",
        CoachError::Store(_) => "database",
        CoachError::UnknownTopic(_) | CoachError::NoTopics => "no_topic",
        CoachError::Boosting | CoachError::NotFaster { .. } => "refused",
    }
}
