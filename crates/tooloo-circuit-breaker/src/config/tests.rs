//! What can be set, and what is refused.

use super::*;

fn parse(text: &str) -> Result<CircuitBreakerConfig, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn what_is_not_set_has_its_default() {
    let config = parse("consecutive_failures = 5\nopen_for = \"2s\"").unwrap();
    assert_eq!(config.consecutive_failures, NonZeroU32::new(5));
    assert_eq!(config.open_for, Duration::from_secs(2));
    assert_eq!(config.failure_rate, Some(Rate::HALF));
    assert_eq!(config.probes(), 3);
}

#[test]
fn every_setting_is_read() {
    let config = parse(
        r#"
        window = { time = "1m" }
        minimum_calls = 7
        failure_rate = "off"
        slow_calls = { longer_than = "250ms", rate = 0.8 }
        backoff = { factor = 1.5, longest = "2m" }
        probes = 9
        probe_timeout = "4s"
        "#,
    )
    .unwrap();
    assert_eq!(
        config.window,
        Window::time(Duration::from_secs(60)).unwrap()
    );
    assert_eq!(config.minimum_calls.get(), 7);
    assert_eq!(config.failure_rate, None);
    let slow = config.slow_calls.unwrap();
    assert_eq!(slow.longer_than, Duration::from_millis(250));
    assert_eq!(slow.rate, Rate::new(0.8).unwrap());
    assert_eq!(
        config.backoff,
        Backoff::new(1.5, Duration::from_secs(120), 0.1).unwrap()
    );
    assert_eq!(config.probes(), 9);
    assert_eq!(config.probe_timeout, Duration::from_secs(4));
}

#[test]
fn a_bad_value_says_what_is_wrong() {
    for (text, named) in [
        ("failure_rates = 0.5", "failure_rates"),
        ("failure_rate = 0.0", "a rate lies above 0"),
        ("failure_rate = 1.1", "a rate lies above 0"),
        ("failure_rate = \"on\"", "\"off\""),
        ("window = { calls = 0 }", "1 to 10000 calls"),
        ("window = { calls = 10001 }", "1 to 10000 calls"),
        (
            "window = { time = \"10ms\" }",
            "100 milliseconds to an hour",
        ),
        ("window = { time = \"2h\" }", "100 milliseconds to an hour"),
        ("open_for = \"0s\"", "above zero"),
        ("open_for = \"soon\"", "open_for"),
        ("minimum_calls = 0", "nonzero"),
        ("probes = 1001", "at most 1000 probes"),
        ("backoff = { factor = 0.5 }", "a factor of at least 1"),
        ("backoff = { jitter = 1.5 }", "a jitter from 0 to 1"),
        ("backoff = { jitter = -0.1 }", "a jitter from 0 to 1"),
        ("slow_calls = { rate = 0.5 }", "longer_than"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn settings_for_many_hold_those_of_each() {
    let config: CircuitBreakersConfig =
        toml::from_str("max_keys = 7\nidle_for = \"1m\"\nbreaker = { probes = 1 }").unwrap();
    assert_eq!(config.max_keys.get(), 7);
    assert_eq!(config.idle_for, Duration::from_secs(60));
    assert_eq!(config.breaker.probes(), 1);
}

#[test]
fn a_rate_is_reached_exactly() {
    for percent in 1..=100_u32 {
        let rate = Rate::new(f64::from(percent) / 100.0).unwrap();
        for of in 1..=200 {
            for part in 0..=of {
                assert_eq!(
                    rate.is_reached(part, of),
                    part * 100 >= percent * of,
                    "{part} of {of} at {percent} %"
                );
            }
        }
    }
}
