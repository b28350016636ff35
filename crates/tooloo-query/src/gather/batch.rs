//! Sends one batch and hands out its answer.

use std::{future::poll_fn, sync::Arc};

use futures_util::future::join_all;
use tower_service::Service;

use super::groups::Waiter;
use crate::{
    Dialect, ErrorKind, KeyedRead, Query, QueryError, Row, Rows, Value, future::Answer,
    monitor::Monitor,
};

/// Asks for the keys of all who wait at once, and tells each of them.
pub(super) async fn send<S>(
    service: S,
    monitor: Arc<Monitor>,
    read: KeyedRead,
    waiters: Vec<Waiter>,
) where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone,
{
    let [first, _, ..] = &waiters[..] else {
        return alone(service, waiters).await;
    };
    let keys = waiters
        .iter()
        .map(|waiter| waiter.query.parameters[0].clone());
    let mut batch = read.by_all(keys, monitor.dialect, first.query.place);
    batch.tenant.clone_from(&first.query.tenant);
    // One statement is one request's to pay for.
    batch.scope.clone_from(&first.query.scope);
    let answer = ask(service.clone(), batch).await;
    let answer = answer.and_then(|rows| parted(&rows, waiters.len(), monitor.dialect));
    match answer {
        Ok(answers) => {
            monitor.counts.add_batch(waiters.len());
            for (waiter, rows) in waiters.into_iter().zip(answers) {
                // Whoever went away does not hear of it.
                let _ = waiter.answer.send(Ok(rows));
            }
        }
        Err(error) if concerns_all(&error) => {
            for waiter in waiters {
                let _ = waiter.answer.send(Err(error.clone()));
            }
        }
        Err(_) => alone(service, waiters).await,
    }
}

/// Says whether every key would have failed on its own as well.
fn concerns_all(error: &QueryError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Pool | ErrorKind::Connection | ErrorKind::Busy
    )
}

/// Asks for each key by itself.
async fn alone<S>(service: S, waiters: Vec<Waiter>)
where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone,
{
    let waiters = waiters.into_iter().map(|waiter| {
        let service = service.clone();
        async move {
            let mut gone = waiter.answer;
            let answer = tokio::select! {
                answer = ask(service, waiter.query) => answer,
                () = gone.closed() => return,
            };
            let _ = gone.send(answer);
        }
    });
    join_all(waiters).await;
}

async fn ask<S>(mut service: S, query: Query) -> Answer
where
    S: Service<Query, Response = Rows, Error = QueryError>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(query).await
}

/// Parts the rows by the places of their keys, which stand in the first column.
fn parted(rows: &Rows, keys: usize, dialect: Dialect) -> Result<Vec<Rows>, QueryError> {
    let first = match dialect {
        Dialect::Sqlite => 0,
        Dialect::Postgres => 1,
    };
    let strange = || QueryError::new(ErrorKind::Other, "a row without a key");
    let columns = rows.columns().get(1..).ok_or_else(strange)?.into();
    let mut parts: Vec<Vec<Row>> = vec![Vec::new(); keys];
    for row in rows {
        let place = match row.values().first() {
            Some(Value::Int(place)) => usize::try_from(place - first).ok(),
            _ => None,
        };
        let part = place
            .and_then(|place| parts.get_mut(place))
            .ok_or_else(strange)?;
        part.push(Row::new(&columns, row.values()[1..].into()));
    }
    let parts = parts.into_iter();
    Ok(parts
        .map(|part| Rows::of(Arc::clone(&columns), part))
        .collect())
}
