//! Which limits apply to which routes.

use http::Method;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ConfigError, RateLimitConfig};

/// Routes that may have limits of their own.
const MAX_ROUTES: usize = 256;

/// The limits of a layer: those of most routes, and those of some.
///
/// ```
/// use tooloo_rate_limit::PoliciesConfig;
///
/// let config: PoliciesConfig = serde_json::from_str(r#"{
///     "default": {"tiers": [{"name": "burst", "quota": {"limit": 100, "period": "1s", "burst": 1000}}]},
///     "routes": [{
///         "method": "POST",
///         "path": "/api/v1/budget/*",
///         "limits": {"tiers": [{"name": "spending", "quota": {"limit": 5, "period": "1m"}}]}
///     }]
/// }"#).unwrap();
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Raw", into = "Raw")]
#[non_exhaustive]
pub struct PoliciesConfig {
    pub(crate) default: RateLimitConfig,
    pub(crate) routes: Vec<RouteConfig>,
    pub(crate) shadow: bool,
}

/// The limits of one route.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RouteConfig {
    #[serde(
        default,
        deserialize_with = "read_method",
        serialize_with = "write_method",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) method: Option<Method>,
    pub(crate) path: String,
    pub(crate) limits: RateLimitConfig,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    default: RateLimitConfig,
    #[serde(default)]
    routes: Vec<RouteConfig>,
    #[serde(default)]
    shadow: bool,
}

impl PoliciesConfig {
    /// Limits all routes alike, together.
    pub fn new(default: RateLimitConfig) -> Self {
        Self {
            default,
            routes: Vec::new(),
            shadow: false,
        }
    }

    /// Gives a route limits of its own, counted apart; the first route that matches is the one.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] where the path does not begin with `/`, or there are 256 routes already.
    pub fn with_route(mut self, route: RouteConfig) -> Result<Self, ConfigError> {
        self.routes.push(route);
        self.validate()
    }

    /// Only counts what would be refused, and lets it through; off by default.
    #[must_use]
    pub fn with_shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    fn validate(self) -> Result<Self, ConfigError> {
        if self.routes.len() > MAX_ROUTES {
            return Err(ConfigError::Routes(self.routes.len()));
        }
        match self
            .routes
            .iter()
            .find(|route| !route.path.starts_with('/'))
        {
            Some(route) => Err(ConfigError::Path(route.path.clone())),
            None => Ok(self),
        }
    }
}

impl RouteConfig {
    /// Limits the requests to `path`, of every method.
    ///
    /// A segment `*` or `{name}` stands for any one; a `*` or `{*name}` at the end for any rest.
    pub fn new(path: impl Into<String>, limits: RateLimitConfig) -> Self {
        Self {
            method: None,
            path: path.into(),
            limits,
        }
    }

    /// Limits the requests of this method only.
    #[must_use]
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    pub(crate) fn matches(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|only| only == method) && matches_path(&self.path, path)
    }
}

impl From<RateLimitConfig> for PoliciesConfig {
    fn from(default: RateLimitConfig) -> Self {
        Self::new(default)
    }
}

impl TryFrom<Raw> for PoliciesConfig {
    type Error = ConfigError;

    fn try_from(raw: Raw) -> Result<Self, ConfigError> {
        Self {
            default: raw.default,
            routes: raw.routes,
            shadow: raw.shadow,
        }
        .validate()
    }
}

impl From<PoliciesConfig> for Raw {
    fn from(config: PoliciesConfig) -> Self {
        Self {
            default: config.default,
            routes: config.routes,
            shadow: config.shadow,
        }
    }
}

fn matches_path(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let mut wanted = pattern.split('/').peekable();
    while let Some(segment) = wanted.next() {
        let last = wanted.peek().is_none();
        if last && (segment == "*" || segment.starts_with("{*")) {
            return given.next().is_some();
        }
        let any = segment == "*" || segment.starts_with('{') && segment.ends_with('}');
        match given.next() {
            Some(given) if any && !given.is_empty() || given == segment => {}
            _ => return false,
        }
    }
    given.next().is_none()
}

fn read_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Method>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    let method = name.map(|name| name.to_ascii_uppercase().parse());
    method.transpose().map_err(serde::de::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde hands the field over by reference")]
fn write_method<S: Serializer>(method: &Option<Method>, serializer: S) -> Result<S::Ok, S::Error> {
    method.as_ref().map(Method::as_str).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::matches_path;

    #[test]
    fn a_path_is_matched_by_its_segments() {
        for (pattern, path, matches) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/b/", false),
            ("/a/b", "/a", false),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a", false),
            ("/a/*", "/ab", false),
            ("/a/{id}/c", "/a/7/c", true),
            ("/a/{id}/c", "/a//c", false),
            ("/a/{id}", "/a/7/c", false),
            ("/a/{*rest}", "/a/7/c", true),
            ("/*", "/", true),
        ] {
            assert_eq!(matches_path(pattern, path), matches, "{pattern} {path}");
        }
    }
}
