//! One round, from the draw of its answer to its place on the record.

use tooloo_trace::Span;

use crate::{
    action::{Action, Kind},
    coach::Coach,
    error::CoachError,
    learner,
    record::{Counters, Record},
    training::Topic,
};

/// A topic in practice, and how likely its next answer is right, once known.
#[derive(Debug)]
pub(crate) struct InPractice {
    pub(crate) topic: Topic,
    chance: Option<f64>,
}

impl InPractice {
    pub(crate) fn new(topic: Topic) -> Self {
        Self {
            topic,
            chance: None,
        }
    }
}

impl Coach {
    /// Plays one round and puts it on the record.
    ///
    /// It runs to its end even where whoever asked for it is gone: what training has counted, the
    /// coach counts too. A drain waits for it.
    pub(crate) async fn round(
        &self,
        turn: &mut InPractice,
        kind: Kind,
        span: &Span,
    ) -> Result<Action, CoachError> {
        let coach = self.clone();
        let topic = turn.topic.id.clone();
        let known = turn.chance;
        let span = span.child("coach round");
        let round = async move { span.in_scope(coach.play(topic, known, kind)).await };
        let (action, next) = self.to_its_end(round).await?;
        turn.chance = Some(next);
        Ok(action)
    }

    async fn play(
        &self,
        topic: String,
        known: Option<f64>,
        kind: Kind,
    ) -> Result<(Action, f64), CoachError> {
        let _in_turn = self.inner.round.lock().await;
        let record = self.record().await?;
        let chance = match known {
            Some(chance) => chance,
            None => self.inner.training.chance(&topic).await?,
        };
        let number = record.counters.rounds.into();
        let correct = learner::answers_right(record.settings.seed.into(), number, chance);
        let played = self.inner.training.play(&topic, correct).await?;
        let action = Action {
            topic: Some(topic),
            correct: Some(correct),
            chance: Some(chance),
            mastery_before: Some(played.round.mastery_before),
            mastery: Some(played.round.mastery),
            ..Action::new(database::now(), kind)
        };
        self.count_with(action.clone(), move |counters| {
            counters.rounds += 1;
            counters.correct += u32::from(correct);
        })
        .await?;
        Ok((action, played.predicted_correct))
    }

    /// Asks for a hint; one that cannot be had is counted, and stops nothing.
    pub(crate) async fn hint(&self, topic: &Topic) -> Result<(), CoachError> {
        match self.inner.hints.on(topic).await {
            Ok(hint) => {
                let action = Action::hinted(database::now(), &topic.id, &hint.text);
                self.count_with(action, move |counters| {
                    counters.hints += u32::from(hint.is_new);
                })
                .await
            }
            Err(reason) => {
                tracing::debug!(topic = topic.id, %reason, "practice goes on without a hint");
                self.count(|counters| counters.hint_failures += 1).await
            }
        }
    }

    /// Counts a failure, if it is training's.
    pub(crate) async fn count_failure(&self, error: &CoachError) {
        if !matches!(error, CoachError::Training(_)) {
            return;
        }
        let action = Action::failed(database::now(), &error.to_string());
        let counted = self.count_with(action, |counters| counters.failures += 1);
        if let Err(error) = counted.await {
            tracing::warn!(%error, "a failure could not be put on the record");
        }
    }

    pub(crate) async fn count(
        &self,
        count: impl FnOnce(&mut Counters) + Send + 'static,
    ) -> Result<(), CoachError> {
        let change = |record: &mut Record| {
            count(&mut record.counters);
            None
        };
        self.to_its_end(self.clone().update(change)).await?;
        Ok(())
    }

    /// Counts, and adds to the log what was counted.
    async fn count_with(
        &self,
        action: Action,
        count: impl FnOnce(&mut Counters) + Send + 'static,
    ) -> Result<(), CoachError> {
        let change = |record: &mut Record| {
            count(&mut record.counters);
            Some(action)
        };
        self.to_its_end(self.clone().update(change)).await?;
        Ok(())
    }
}
