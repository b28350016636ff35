//! Tests of what an entry tells at a glance.

use std::time::Duration;

use proptest::prelude::*;
use tooloo_clock::Moment;

use super::glance::{GENERATION, Glance, LASTS, TICK};

proptest! {
    #[test]
    fn a_glance_holds_for_what_is_fresh_and_unpurged_only(
        made in 0_u64..1 << 58,
        (fresh_for, later) in (0_u64..100_000_000_000, 0_u64..100_000_000_000),
        generation in any::<u64>(),
        purges in prop_oneof![4 => Just(0), 1 => 1_u64..1 << GENERATION],
    ) {
        let [made, fresh_until, now] =
            [made, made + fresh_for, made + later].map(Moment::from_nanos);
        let glance = Glance::new(fresh_until, made, generation);
        let until = fresh_until.min(made + LASTS);
        let holds = glance.holds(now, generation.wrapping_add(purges));
        if purges > 0 || until <= now {
            prop_assert!(!holds);
        } else if now + Duration::from_nanos(1 << TICK) < until {
            prop_assert!(holds);
        }
    }
}

#[test]
fn a_glance_holds_up_to_a_tick_before_its_end() {
    let (now, hour) = (Moment::from_nanos(1 << 40), Duration::from_secs(3600));
    let second = Duration::from_secs(1);
    let glance = Glance::new(now + second, now, 7);
    assert!(glance.holds(now + Duration::from_millis(991), 7));
    assert!(!glance.holds(now + second, 7));
    assert!(!glance.holds(now, 8));
    let glance = Glance::new(now + hour, now, 7);
    assert!(glance.holds(now + Duration::from_secs(59), 7));
    assert!(!glance.holds(now + LASTS, 7));
    glance.renew(now + hour, now + LASTS, 7);
    assert!(glance.holds(now + LASTS, 7));
}

#[test]
fn a_machine_that_is_up_for_decades_has_each_entry_looked_at() {
    let now = Moment::from_nanos(1 << 62);
    assert!(!Glance::new(now + LASTS, now, 7).holds(now, 7));
}
