//! Sends one batch and hands out its answers.

use std::{future::poll_fn, sync::Arc};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use tower_service::Service;

use super::{
    Lines, UnderWay,
    state::{Tenant, Waiter},
};
use crate::{
    ErrorKind, Query, QueryError, Rows,
    backend::{Batched, Outcome, Purpose, Terms},
    database::Asked,
    future::Answer,
};

/// A statement of a batch.
struct Member {
    asked: Asked,
    answer: oneshot::Sender<Answer>,
}

/// Sends what waits, and tells each who waits for it.
pub(super) async fn send<S>(
    service: S,
    lines: Arc<Lines>,
    mut waiters: Vec<Waiter>,
    under_way: UnderWay,
) where
    S: Service<Query, Response = Rows, Error = QueryError>,
{
    if waiters.len() > 1 {
        send_several(&lines, waiters).await;
    } else if let Some(waiter) = waiters.pop() {
        let asked = ask(service, waiter.query);
        unless_gone(waiter.answer, asked).await;
    }
    drop(under_way);
}

async fn send_several(lines: &Lines, waiters: Vec<Waiter>) {
    let tenant = waiters.first().and_then(|first| first.query.tenant.clone());
    let members = admitted(lines, waiters);
    match together(lines, &tenant, &members).await {
        Batched::Committed(outcomes) => {
            let again = hand_out(lines, members, outcomes);
            one_by_one(again, &tenant).await;
        }
        Batched::Undone => one_by_one(members, &tenant).await,
        Batched::Failed(error) => {
            for member in members {
                // Whoever went away does not hear of it.
                let _ = member.answer.send(Err(error.clone()));
            }
        }
    }
}

/// Tells those that may not be sent, and returns the others.
fn admitted(lines: &Lines, waiters: Vec<Waiter>) -> Vec<Member> {
    let mut members = Vec::with_capacity(waiters.len());
    for Waiter { query, answer, .. } in waiters {
        match lines.database.ask(vec![query]) {
            Ok(asked) => members.push(Member { asked, answer }),
            Err(error) => drop(answer.send(Err(error))),
        }
    }
    members
}

async fn together(lines: &Lines, tenant: &Tenant, members: &[Member]) -> Batched {
    let database = &lines.database;
    let mut session = match database.lease(tenant.clone(), Purpose::Write).await {
        Ok(session) => session,
        Err(error) => return Batched::Failed(error),
    };
    session.set_writing(Some(database.fence().enter()));
    let queries = members.iter().flat_map(|member| &**member.asked.queries());
    let terms = Terms {
        max_rows: database.config().max_rows,
        lock_wait: lines.config.lock_wait,
    };
    let batched = session.batch(queries.cloned().collect(), terms).await;
    // Where it failed, what is left of it is undone before its connection is lent again.
    if !matches!(batched, Batched::Failed(_)) {
        session.set_writing(None);
    }
    batched
}

/// Answers the statements of a committed batch; returns those that others were in the way of.
fn hand_out(lines: &Lines, members: Vec<Member>, outcomes: Vec<Outcome>) -> Vec<Member> {
    let mut again = Vec::new();
    let mut answered = 0;
    for (member, outcome) in members.into_iter().zip(outcomes) {
        if outcome.0.as_ref().is_err_and(is_anothers) {
            again.push(member);
            continue;
        }
        answered += 1;
        let _ = member.answer.send(member.asked.answer_one(outcome));
    }
    lines.database.inner.monitor.counts.add_committed(answered);
    again
}

/// Says whether a statement may have failed only for what was under way beside it; it took no effect.
fn is_anothers(error: &QueryError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Busy | ErrorKind::Serialization | ErrorKind::Aborted
    )
}

/// Asks each by itself.
async fn one_by_one(members: Vec<Member>, tenant: &Tenant) {
    let members = members.into_iter().map(|Member { asked, answer }| {
        let asked = asked.stand_alone(tenant.clone());
        unless_gone(answer, asked)
    });
    join_all(members).await;
}

/// Waits for what is asked as long as somebody waits for the answer.
async fn unless_gone(mut answer: oneshot::Sender<Answer>, asked: impl Future<Output = Answer>) {
    let asked = tokio::select! {
        asked = asked => asked,
        () = answer.closed() => return,
    };
    let _ = answer.send(asked);
}

async fn ask<S>(mut service: S, query: Query) -> Answer
where
    S: Service<Query, Response = Rows, Error = QueryError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(query).await
}
