//! Probes of what becomes of the inner service's errors.

use std::error;

use tokio_test::{assert_ready, task};
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Broken, Contract, Inner,
    inner::{Outcome, Readiness},
};

impl<L, Req, Res> Contract<L, Req, Res>
where
    L: Layer<Inner<Req, Res>>,
    L::Service: Service<Req, Error = Broken>,
{
    /// Probes that the inner service's error comes out as it went in: the law of our HTTP layers.
    pub fn passes_errors(&self) {
        assert_eq!(self.error(), Broken, "the inner error was replaced");
    }

    /// Probes that the inner service's readiness error comes out of `poll_ready` as it went in.
    pub fn passes_readiness_errors(&self) {
        assert_eq!(
            self.readiness_error(),
            Broken,
            "the readiness error was replaced"
        );
    }
}

impl<L, Req, Res> Contract<L, Req, Res>
where
    L: Layer<Inner<Req, Res>>,
    L::Service: Service<Req>,
    <L::Service as Service<Req>>::Error: error::Error + 'static,
{
    /// Probes that the inner service's error is kept, itself or as a source: the law of our client layers.
    pub fn keeps_errors(&self) {
        assert!(keeps_broken(&self.error()), "the inner error was lost");
    }

    /// Probes that the inner service's readiness error is kept, itself or as a source.
    pub fn keeps_readiness_errors(&self) {
        assert!(
            keeps_broken(&self.readiness_error()),
            "the readiness error was lost"
        );
    }

    fn error(&self) -> <L::Service as Service<Req>>::Error {
        let (inner, _script) = self.inner(Readiness::Ready, Outcome::Fail);
        let mut service = (self.layer)().layer(inner);
        task::spawn(()).enter(|cx, _| {
            assert!(
                assert_ready!(service.poll_ready(cx)).is_ok(),
                "the inner service is ready"
            );
        });
        let result = assert_ready!(task::spawn(service.call((self.request)())).poll());
        result
            .err()
            .expect("the inner service failed and the wrapped one did not")
    }

    fn readiness_error(&self) -> <L::Service as Service<Req>>::Error {
        let (inner, _script) = self.inner(Readiness::Dead, Outcome::Fail);
        let mut service = (self.layer)().layer(inner);
        let result = task::spawn(()).enter(|cx, _| assert_ready!(service.poll_ready(cx)));
        result.expect_err("the inner service is dead and the wrapped one is ready")
    }
}

fn keeps_broken(error: &(dyn error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Broken>() {
            return true;
        }
        next = error.source();
    }
    false
}
