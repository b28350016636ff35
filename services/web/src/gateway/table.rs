//! Which service answers which paths.

use serde::Serialize;
use utoipa::ToSchema;

/// A path, and maybe all below it, that one service answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct Prefix {
    /// The path itself.
    pub(crate) path: &'static str,
    /// Whether the paths below it are passed on too.
    pub(crate) below: bool,
    /// The service that answers.
    pub(crate) service: &'static str,
}

/// Every path that the gateway passes on.
pub(crate) const PREFIXES: [Prefix; 9] = [
    tree("/api/v1/training", "training"),
    Prefix {
        path: "/api/v1/next-domain",
        below: false,
        service: "training",
    },
    tree("/api/v4/meta-learning", "meta"),
    tree("/api/v1/budget", "budget"),
    tree("/api/v1/providers", "budget"),
    tree("/api/v1/auto-coach", "coach"),
    tree("/api/v1/segmentation", "segmentation"),
    tree("/api/v1/reports", "reports"),
    tree("/api/v1/capabilities", "capabilities"),
];

impl Prefix {
    /// Returns the router's patterns for this prefix; figures are kept by pattern.
    pub(crate) fn patterns(self) -> impl Iterator<Item = String> {
        let below = self.below.then(|| format!("{}/{{*path}}", self.path));
        std::iter::once(self.path.to_owned()).chain(below)
    }
}

const fn tree(path: &'static str, service: &'static str) -> Prefix {
    Prefix {
        path,
        below: true,
        service,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tooloo_service::directory;

    use super::*;

    #[test]
    fn every_prefix_leads_to_a_service_of_the_fleet_and_none_back_to_the_gateway() {
        for prefix in PREFIXES {
            assert!(directory::find(prefix.service).is_some(), "{prefix:?}");
            assert_ne!(prefix.service, "web");
        }
    }

    #[test]
    fn no_two_prefixes_share_a_pattern() {
        let mut seen = HashSet::new();
        for pattern in PREFIXES.into_iter().flat_map(Prefix::patterns) {
            assert!(seen.insert(pattern.clone()), "{pattern}");
        }
    }
}
