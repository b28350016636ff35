//! The register of a program's components.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, registry::Registry};
use serde_json::{Map, Value};

use crate::{Observe, exposition};

/// Names a program's components and shows them together.
///
/// Clones share the same components.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    entries: Arc<RwLock<Vec<Entry>>>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    tags: Vec<String>,
    component: Arc<dyn Component>,
}

impl Hub {
    /// Creates a hub without components.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `component` under `name`, in place of one that had the same name and kind.
    ///
    /// The first tag is the component's kind, the member it has in [`snapshot`](Self::snapshot); a
    /// component without tags is of a kind of its own.
    pub fn register<O: Observe>(&self, name: &str, component: O, tags: &[&str]) {
        let entry = Entry {
            name: name.to_owned(),
            tags: tags.iter().map(ToString::to_string).collect(),
            component: Arc::new(component),
        };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        match entries
            .iter_mut()
            .find(|known| known.name == entry.name && known.kind() == entry.kind())
        {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
    }

    /// Returns the names of the components that have `tag`, in order of registration.
    pub fn tagged(&self, tag: &str) -> Vec<String> {
        self.entries()
            .into_iter()
            .filter(|entry| entry.tags.iter().any(|known| known == tag))
            .map(|entry| entry.name)
            .collect()
    }

    /// Returns the figures of every component, by kind.
    ///
    /// The one component of a kind that is named like it is the member itself; several are members of
    /// it, by name. Figures that cannot be told as JSON are `null`.
    pub fn snapshot(&self) -> Map<String, Value> {
        let entries = self.entries();
        let mut kinds = Map::new();
        for entry in &entries {
            let figures = entry.component.figures();
            let alone = entries
                .iter()
                .filter(|other| other.kind() == entry.kind())
                .count()
                == 1;
            if alone && entry.kind() == entry.name {
                kinds.insert(entry.name.clone(), figures);
            } else if let Value::Object(members) = kinds
                .entry(entry.kind())
                .or_insert_with(|| Value::Object(Map::new()))
            {
                members.insert(entry.name.clone(), figures);
            }
        }
        kinds
    }

    /// Returns the metrics of every component as one OpenMetrics 1.0 text page.
    ///
    /// # Errors
    ///
    /// Returns the error of the first component that fails to write its own.
    pub fn openmetrics(&self) -> Result<String, fmt::Error> {
        exposition::text(
            &self.registry(Part::Metrics),
            &self.registry(Part::Exemplars),
        )
    }

    /// Returns the metrics of every component as length-delimited Prometheus protobuf, which alone
    /// carries native histograms.
    ///
    /// # Errors
    ///
    /// Returns the error of the first component that fails to write its own.
    pub fn prometheus_protobuf(&self) -> Result<Vec<u8>, fmt::Error> {
        exposition::protobuf(
            &self.registry(Part::Metrics),
            &self.registry(Part::Exemplars),
        )
    }

    fn registry(&self, part: Part) -> Registry {
        let mut registry = Registry::default();
        for entry in self.entries() {
            let collector = Box::new(Collected(Arc::clone(&entry.component), part));
            if entry.kind() == entry.name {
                registry.register_collector(collector);
            } else {
                registry
                    .sub_registry_with_label(("component".into(), entry.name.into()))
                    .register_collector(collector);
            }
        }
        registry
    }

    // Components are shown outside the lock: they are foreign code.
    fn entries(&self) -> Vec<Entry> {
        self.entries
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Entry {
    fn kind(&self) -> &str {
        self.tags.first().unwrap_or(&self.name)
    }
}

/// [`Observe`] without its associated type.
trait Component: Send + Sync {
    fn figures(&self) -> Value;
    fn encode(&self, part: Part, metrics: DescriptorEncoder<'_>) -> fmt::Result;
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Metrics,
    Exemplars,
}

impl<O: Observe> Component for O {
    fn figures(&self) -> Value {
        serde_json::to_value(self.snapshot()).unwrap_or(Value::Null)
    }

    fn encode(&self, part: Part, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        match part {
            Part::Metrics => Observe::encode(self, metrics),
            Part::Exemplars => self.encode_exemplars(metrics),
        }
    }
}

impl fmt::Debug for dyn Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Component")
    }
}

#[derive(Debug)]
struct Collected(Arc<dyn Component>, Part);

impl Collector for Collected {
    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.encode(self.1, metrics)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Figure(u32);

    impl Observe for Figure {
        type Snapshot = u32;

        fn snapshot(&self) -> u32 {
            self.0
        }

        fn encode(&self, _: DescriptorEncoder<'_>) -> fmt::Result {
            Ok(())
        }
    }

    #[test]
    fn one_of_a_kind_is_the_member_and_several_are_members_of_it() {
        let hub = Hub::new();
        hub.register("cache", Figure(1), &["cache"]);
        hub.register("pool", Figure(2), &[]);
        assert_eq!(
            Value::Object(hub.snapshot()),
            serde_json::json!({"cache": 1, "pool": 2})
        );
        hub.register("disk", Figure(3), &["cache", "slow"]);
        hub.register("disk", Figure(4), &["cache", "slow"]);
        let several = serde_json::json!({"cache": {"cache": 1, "disk": 4}, "pool": 2});
        assert_eq!(Value::Object(hub.snapshot()), several);
        assert_eq!(hub.tagged("slow"), ["disk"]);
    }
}
