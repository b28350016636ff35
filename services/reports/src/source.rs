//! Which answers of which services the reports are made from.

/// One answer of one service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Source {
    /// What it is called in reports and kept under.
    pub(crate) name: &'static str,
    /// The service that gives it.
    pub(crate) service: &'static str,
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
}

/// What an answer is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// What the service is for.
    Domain,
    /// How the service is doing.
    Observability,
}

/// Everything that is gathered for a report.
pub(crate) const SOURCES: [Source; 16] = [
    domain("training", "training", "/api/v1/training/overview"),
    domain("meta", "meta", "/api/v4/meta-learning/insights"),
    domain("budget", "budget", "/api/v1/budget"),
    domain("costs", "budget", "/api/v1/providers/costs"),
    domain("spending", "budget", "/api/v1/budget/history?entries=0"),
    domain("coach", "coach", "/api/v1/auto-coach/status"),
    domain(
        "segmentation",
        "segmentation",
        "/api/v1/segmentation/status",
    ),
    domain(
        "capabilities",
        "capabilities",
        "/api/v1/capabilities/status",
    ),
    observability("web"),
    observability("training"),
    observability("meta"),
    observability("budget"),
    observability("coach"),
    observability("segmentation"),
    observability("reports"),
    observability("capabilities"),
];

impl Source {
    /// Returns the name under which its last good answer is kept.
    pub(crate) fn key(self) -> String {
        match self.kind {
            Kind::Domain => self.name.to_owned(),
            Kind::Observability => format!("{}/observability", self.name),
        }
    }

    /// Returns the name of its breaker, which may stand in a path.
    pub(crate) fn breaker(self) -> String {
        self.key().replace('/', "-")
    }
}

const fn domain(name: &'static str, service: &'static str, path: &'static str) -> Source {
    Source {
        name,
        service,
        path,
        kind: Kind::Domain,
    }
}

const fn observability(service: &'static str) -> Source {
    Source {
        name: service,
        service,
        path: "/api/v1/system/observability",
        kind: Kind::Observability,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tooloo_service::directory;

    use super::*;

    #[test]
    fn looks_at_every_service_of_the_fleet_and_keeps_each_answer_apart() {
        let keys: HashSet<_> = SOURCES.into_iter().map(Source::key).collect();
        assert_eq!(keys.len(), SOURCES.len());
        for entry in directory::SERVICES {
            let seen = |source: &Source| {
                source.service == entry.name && source.kind == Kind::Observability
            };
            assert!(SOURCES.iter().any(seen), "{}", entry.name);
        }
    }
}
