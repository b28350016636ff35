//! How often clients may ask.

use std::{fs, io, num::NonZeroU32, path::Path};

use serde::{Deserialize, Deserializer, de::Error};
use tooloo_rate_limit::{ConfigError, PoliciesConfig, Quota, RateLimitConfig, RouteConfig};

/// Limits as they stand in settings: what is left out is as usual.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default = "per_client")]
    default: RateLimitConfig,
    #[serde(default)]
    routes: Vec<RouteConfig>,
    #[serde(default)]
    shadow: bool,
}

/// The longest file, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Returns the limits where nothing is set.
pub(crate) fn usual() -> PoliciesConfig {
    PoliciesConfig::new(per_client())
}

/// Reads limits in settings.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PoliciesConfig, D::Error> {
    let written = Written::deserialize(deserializer)?;
    written.policies().map_err(D::Error::custom)
}

/// Reads the text of the file at `path`, and the limits in it.
///
/// # Errors
///
/// Returns an error that names the file where it cannot be read, or makes no sense.
pub(crate) fn from_file(path: &Path) -> Result<(String, PoliciesConfig), io::Error> {
    let named = |why: &dyn std::fmt::Display| {
        let shown = path.display();
        io::Error::new(io::ErrorKind::InvalidData, format!("{shown}: {why}"))
    };
    let length = fs::metadata(path).map_err(|error| named(&error))?.len();
    if length > LONGEST {
        return Err(named(&format_args!("it is longer than {LONGEST} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| named(&error))?;
    let written: Written = toml::from_str(&text).map_err(|error| named(&error))?;
    let policies = written.policies().map_err(|error| named(&error))?;
    Ok((text, policies))
}

fn per_client() -> RateLimitConfig {
    let number = |number| NonZeroU32::new(number).expect("it is not zero");
    RateLimitConfig::new(Quota::per_second(number(100)).with_burst(number(1000)))
}

impl Written {
    fn policies(self) -> Result<PoliciesConfig, ConfigError> {
        let policies = PoliciesConfig::new(self.default).with_shadow(self.shadow);
        self.routes
            .into_iter()
            .try_fold(policies, PoliciesConfig::with_route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PoliciesConfig, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        written.policies().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_as_usual() {
        assert_eq!(read("").unwrap(), usual());
        let shadow = read("shadow = true").unwrap();
        assert_eq!(shadow, usual().with_shadow(true));
        let quota = Quota::per_minute(NonZeroU32::new(5).unwrap());
        let limits = RateLimitConfig::new(quota);
        let route = RouteConfig::new("/api/v1/providers/*", limits);
        let routes = r#"
            [[routes]]
            path = "/api/v1/providers/*"
            limits = { tiers = [{ name = "default", quota = { limit = 5, period = "1m" } }] }
        "#;
        assert_eq!(read(routes), Ok(usual().with_route(route).unwrap()));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, named) in [
            ("shadows = true", "shadows"),
            ("default = { tiers = [] }", "tiers"),
            (
                "[[routes]]\npath = \"api\"\nlimits = { tiers = [{ name = \"a\", quota = { limit = 5, period = \"1m\" } }] }",
                "slash",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
    }
}
