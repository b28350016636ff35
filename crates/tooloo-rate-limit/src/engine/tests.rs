//! What depends on how far the coarse clock lags, which is not at all where tests pause it.

use std::{sync::Weak, time::Duration};

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::Engine;
use crate::{Quota, RateLimitConfig};

#[test]
fn a_refusal_close_to_its_end_is_not_waited_for() {
    let token = Duration::from_secs(5);
    let quota = Quota::new(1.try_into().unwrap(), token).unwrap();
    let engine = Engine {
        // Every refusal is this close.
        lag: u64::MAX,
        ..Engine::known(Weak::new(), RateLimitConfig::new(quota))
    };
    let ada = Key::from("ada");
    let begun = Moment::exact();
    assert!(engine.spend(&ada, 1).is_ok());
    let refused = engine.spend(&ada, 1).unwrap_err();
    assert!(Moment::exact().saturating_duration_since(begun) < token / 2);
    let wait = refused.retry_after().unwrap();
    assert!(token / 2 < wait && wait <= token, "{wait:?}");
}
