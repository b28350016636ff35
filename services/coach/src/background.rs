//! The loop in the background: a session whenever one is due.

use std::future::pending;

use jiff::Timestamp;
use tokio::time::sleep_until;
use tooloo_clock::Instant;
use tooloo_service::Stop;

use crate::{coach::Coach, error::CoachError, pace::Pace};

/// Practises until the service ends, and then waits for what goes on.
///
/// The wait has no limit of its own: a call to training has one, and so has the drain.
pub(crate) async fn run(coach: Coach, stop: Stop) {
    practise(&coach, &stop).await;
    let lasting = &coach.inner.lasting;
    lasting.close();
    lasting.wait().await;
}

async fn practise(coach: &Coach, stop: &Stop) {
    let mut pace = Pace::new(tooloo_clock::now() + coach.inner.config.settle);
    loop {
        let due = next_session(coach, &mut pace).await;
        tokio::select! {
            biased;
            () = stop.requested() => return,
            () = coach.inner.changed.notified() => continue,
            () = at(due) => {}
        }
        tokio::select! {
            biased;
            // The session has no next round; the present one is no part of it.
            () = stop.requested() => return,
            result = coach.session() => ended(coach, &mut pace, &result),
        }
    }
}

/// Returns when the next session is due, if the coach runs.
async fn next_session(coach: &Coach, pace: &mut Pace) -> Option<Instant> {
    let longest = coach.inner.config.longest_backoff;
    let now = database::now();
    let interval = match coach.record().await {
        Ok(record) => {
            let Some(run) = record.running_since else {
                coach.update_contact(|contact| contact.next_session = None);
                return None;
            };
            pace.follow(run);
            record.interval(now)
        }
        // A database that is busy now may be free by the next attempt.
        Err(error) => {
            tracing::warn!(%error, "the coach cannot read its record");
            pace.ended(tooloo_clock::now(), false);
            longest
        }
    };
    let due = pace.due(interval, longest);
    coach.update_contact(|contact| contact.next_session = on_the_wall(due, now));
    Some(due)
}

fn ended(coach: &Coach, pace: &mut Pace, result: &Result<(), CoachError>) {
    pace.ended(tooloo_clock::now(), result.is_ok());
    if let Err(error) = result {
        tracing::warn!(%error, failures = pace.failures(), "a session failed");
    }
    coach.update_contact(|contact| {
        contact.failures = pace.failures();
        contact.last_error = result.as_ref().err().map(ToString::to_string);
        contact.reachable = match result {
            // Whatever it answered, it answered.
            Err(CoachError::Training(error)) => Some(error.status().is_some()),
            Err(CoachError::Store(_)) => contact.reachable,
            _ => Some(true),
        };
    });
}

/// Converts a time on the monotonic clock into one that can be shown.
fn on_the_wall(due: Instant, now: Timestamp) -> Option<Timestamp> {
    let left = due.saturating_duration_since(tooloo_clock::now());
    now.checked_add(left).ok()
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
