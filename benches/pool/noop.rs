//! Pools of connections that do nothing: ours and the peers', each as its users set it up.

use std::{convert::Infallible, num::NonZeroUsize, time::Duration};

use deadpool::{
    Runtime,
    managed::{self, Metrics, RecycleResult, Timeouts},
};
use tooloo_pool::{Connection, Lease, Pool, PoolConfig};
use tower::service_fn;

use crate::work::Lend;

/// A connection that does nothing.
#[derive(Debug)]
pub(crate) struct Nothing;

/// Ours, with deadlines and figures, which are always on.
#[derive(Clone)]
pub(crate) struct Ours(Pool<Nothing>);

/// deadpool's, without timeouts as by default, or with them.
#[derive(Clone)]
pub(crate) struct Deadpool(managed::Pool<Manager>);

/// bb8's, with its timeout, and without a check at each lease.
#[derive(Clone)]
pub(crate) struct Bb8(bb8::Pool<Manager>);

pub(crate) struct Manager;

impl Connection for Nothing {
    type Error = Infallible;

    async fn check(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn reset(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl managed::Manager for Manager {
    type Type = Nothing;
    type Error = Infallible;

    async fn create(&self) -> Result<Nothing, Infallible> {
        Ok(Nothing)
    }

    async fn recycle(&self, _: &mut Nothing, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Nothing;
    type Error = Infallible;

    async fn connect(&self) -> Result<Nothing, Infallible> {
        Ok(Nothing)
    }

    async fn is_valid(&self, _: &mut Nothing) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut Nothing) -> bool {
        false
    }
}

impl Ours {
    pub(crate) fn new(max: usize) -> Self {
        let max = NonZeroUsize::new(max).expect("a pool has connections");
        let connector = service_fn(async |()| Ok::<_, Infallible>(Nothing));
        Self(Pool::new(connector, PoolConfig::new().with_max(max)))
    }
}

impl Deadpool {
    pub(crate) fn new(max: usize, timeouts: bool) -> Self {
        let mut builder = managed::Pool::builder(Manager).max_size(max);
        if timeouts {
            let mut limits = Timeouts::new();
            limits.wait = Some(Duration::from_secs(5));
            limits.create = Some(Duration::from_secs(3));
            limits.recycle = Some(Duration::from_secs(1));
            builder = builder.timeouts(limits).runtime(Runtime::Tokio1);
        }
        Self(builder.build().expect("its settings are good"))
    }
}

impl Bb8 {
    pub(crate) async fn new(max: u32) -> Self {
        let builder = bb8::Pool::builder().max_size(max).test_on_check_out(false);
        let Ok(pool) = builder.build(Manager).await;
        Self(pool)
    }
}

impl Lend for Ours {
    type Lease = Lease<Nothing>;

    async fn lease(&self) -> Self::Lease {
        self.0.get().await.expect("it never takes long")
    }
}

impl Lend for Deadpool {
    type Lease = managed::Object<Manager>;

    async fn lease(&self) -> Self::Lease {
        self.0.get().await.expect("it never takes long")
    }
}

impl Lend for Bb8 {
    type Lease = bb8::PooledConnection<'static, Manager>;

    async fn lease(&self) -> Self::Lease {
        self.0.get_owned().await.expect("it never takes long")
    }
}
