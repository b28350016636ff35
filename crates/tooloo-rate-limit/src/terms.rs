//! What a layer asks of each request.

use std::{num::NonZeroU32, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use sdd::Guard;
use tooloo_key::{ExtractKey, Key};

use crate::{
    Headers, Policies, RateLimited, RequestCost, Standing,
    future::Acquire,
    headers::Stamp,
    policies::{Policy, Table},
    pooled::Answer,
    problem,
};

/// What a layer and its services share.
#[derive(Clone, Debug)]
pub(crate) struct Terms<X, C> {
    pub(crate) policies: Policies,
    pub(crate) extract: X,
    pub(crate) cost: C,
    pub(crate) patience: Duration,
    pub(crate) headers: Headers,
}

/// What becomes of a request.
pub(crate) enum Verdict {
    Admitted(Option<Stamp>),
    Refused(RateLimited, Decided),
    Waits(Pin<Box<Acquire>>, Decided),
    Asks(BoxFuture<'static, Answer>, Decided),
}

/// What was decided about, by which policy.
#[derive(Debug)]
pub(crate) struct Decided {
    policy: Arc<Policy>,
    key: Key,
    cost: NonZeroU32,
    shadow: bool,
    headers: Headers,
}

impl<X, C> Terms<X, C> {
    /// Decides what becomes of a request, at once where that can be.
    #[inline]
    pub(crate) fn decide<B>(&self, request: &Request<B>) -> Verdict
    where
        X: ExtractKey<Request<B>>,
        C: RequestCost<Request<B>>,
    {
        let Some(key) = self.extract.key(request) else {
            return Verdict::Admitted(None);
        };
        let cost = self.cost.cost(request);
        let guard = Guard::new();
        let table = self.policies.table(&guard);
        let policy = table.policy_of(request);
        if policy.shared.is_some() || !self.patience.is_zero() && !table.shadow {
            return self.defer(table, policy, key, cost);
        }
        let (engine, tokens) = (policy.limiter.engine(), cost.get().into());
        let decided = if self.headers == Headers::None {
            engine.spend(&key, tokens).map(|()| None)
        } else {
            let usual = policy.notice.tiers();
            let stands = engine.spend_and_tell(&key, tokens, usual);
            stands.map(|stands| Some(policy.notice.admitted(stands)))
        };
        match decided {
            Ok(stamp) => Verdict::Admitted(stamp.map(|stamp| stamp.with_headers(self.headers))),
            // In the shadow nobody is refused, and nobody is told.
            Err(_) if table.shadow => Verdict::Admitted(None),
            Err(refusal) => {
                let decided = Decided::new(table, policy, key, cost, self.headers);
                Verdict::Refused(refusal, decided)
            }
        }
    }

    /// Decides what cannot be decided at once.
    fn defer(&self, table: &Table, policy: &Arc<Policy>, key: Key, cost: NonZeroU32) -> Verdict {
        let decided = Decided::new(table, policy, key, cost, self.headers);
        if let Some(shared) = policy.shared.clone() {
            let key = decided.key.clone();
            let asked = Box::pin(async move { shared.ask(&key, cost).await });
            return Verdict::Asks(asked, decided);
        }
        let deadline = tooloo_clock::now() + self.patience;
        let acquire = policy.limiter.acquire_cost(&decided.key, cost, deadline);
        Verdict::Waits(Box::pin(acquire), decided)
    }
}

impl Decided {
    fn new(
        table: &Table,
        policy: &Arc<Policy>,
        key: Key,
        cost: NonZeroU32,
        headers: Headers,
    ) -> Self {
        Self {
            policy: Arc::clone(policy),
            key,
            cost,
            shadow: table.shadow,
            headers,
        }
    }

    /// Tells how the key stands after it waited.
    pub(crate) fn stamp(&self) -> Stamp {
        let standings = self.policy.limiter.peek(&self.key);
        self.stamped(&standings, None)
    }

    fn stamped(&self, standings: &[Standing], wait: Option<Duration>) -> Stamp {
        let stamp = self.policy.notice.stamp(standings, wait);
        stamp.with_headers(self.headers)
    }

    /// Writes the answer to a request that was refused.
    pub(crate) fn refusal<R: From<Bytes>>(&self, refusal: RateLimited) -> Response<R> {
        let standings = self.policy.limiter.peek(&self.key);
        self.problem(refusal, &standings)
    }

    /// Tells what a store's answer says of the key, or writes the answer to a request that it refused.
    pub(crate) fn told<R: From<Bytes>>(
        &self,
        Answer { result, standings }: Answer,
    ) -> Result<Option<Stamp>, Response<R>> {
        match result {
            Ok(()) if standings.is_empty() => Ok(None),
            Ok(()) => Ok(Some(self.stamped(&standings, None))),
            Err(_) if self.shadow => Ok(None),
            Err(refusal) => Err(self.problem(refusal, &standings)),
        }
    }

    fn problem<R: From<Bytes>>(&self, refusal: RateLimited, standings: &[Standing]) -> Response<R> {
        let wait = problem::told(refusal);
        // Of a store that is away nothing is known.
        let known = !standings.is_empty();
        let stamp = known.then(|| self.stamped(standings, wait));
        problem::response(refusal, self.cost.get(), standings, stamp)
    }
}
