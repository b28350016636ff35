//! What settings read and refuse.

use super::*;
use crate::Target;

fn read(text: &str) -> Result<CacheConfig, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

#[test]
fn what_is_left_out_has_its_default() {
    let config = read("").unwrap();
    assert_eq!(config.ttl, None);
    assert_eq!(config.memory.max_bytes.get(), 64 << 20);
    assert_eq!(config.max_refreshes.get(), 64);
    assert_eq!(config.stale_if_error, Duration::ZERO);
}

#[test]
fn what_is_unknown_or_out_of_range_is_an_error_that_names_it() {
    for (text, named) in [
        ("tll = \"5m\"", "tll"),
        ("ttl = \"0s\"", "above zero"),
        ("jitter = 1.5", "1.5"),
        ("early_refresh = 0.0", "early refresh"),
        ("early_refresh = nan", "NaN"),
        ("max_fills = 0", "nonzero"),
        ("memory = { max_bytes = 0 }", "nonzero"),
        ("rules = [{ on = { day = \"x\" }, purge = \"all\" }]", "day"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(named), "{text}: {error}");
    }
}

#[test]
fn rules_are_read_and_bounded() {
    let text = r#"
        [[rules]]
        on = { event = "trained" }
        purge = { tag = "reports" }
        soft = true

        [[rules]]
        on = { tag = "a" }
        purge = "all"
    "#;
    let config = read(text).unwrap();
    let expected = [
        Rule::event("trained", Target::Tag("reports".into())).soft(),
        Rule::new(crate::Cause::Tag("a".into()), Target::All),
    ];
    assert_eq!(config.rules, expected);
    let many = std::iter::repeat_n(Rule::dependant("a", "b"), 1025);
    let error = CacheConfig::new().with_rules(many).unwrap_err();
    assert_eq!(error, ConfigError::Rules(1025));
}
