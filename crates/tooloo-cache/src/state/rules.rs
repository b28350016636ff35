//! Which further purges a purge or an event brings.

use std::collections::{HashSet, VecDeque};

use serde::Deserialize;

use crate::{Purge, Target};

/// The most purges that one purge or event may bring.
///
/// Each is of a target of its own, so a ring of rules ends by itself; this bounds what is left.
const MAX_PURGES: usize = 4096;

/// One purge, or an event, that brings another purge.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    on: Cause,
    purge: Target,
    #[serde(default)]
    soft: bool,
}

/// What a rule waits for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cause {
    /// The purge of a tag.
    Tag(Box<str>),
    /// The purge of a group.
    Group(Box<str>),
    /// An event of this name, from [`emit`](crate::Cache::emit).
    Event(Box<str>),
}

impl Rule {
    /// Brings a purge of `purge` with whatever `on` says.
    ///
    /// It is as hard as the purge that brought it; that of an event is hard.
    pub fn new(on: Cause, purge: Target) -> Self {
        Self {
            on,
            purge,
            soft: false,
        }
    }

    /// Purges `dependant` with each purge of `tag`.
    pub fn dependant(tag: impl Into<Box<str>>, dependant: impl Into<Box<str>>) -> Self {
        Self::new(Cause::Tag(tag.into()), Target::Tag(dependant.into()))
    }

    /// Purges a target on an event.
    pub fn event(name: impl Into<Box<str>>, purge: Target) -> Self {
        Self::new(Cause::Event(name.into()), purge)
    }

    /// Leaves stale entries, also where the purge that brought it leaves none.
    #[must_use]
    pub fn soft(mut self) -> Self {
        self.soft = true;
        self
    }

    fn follows(&self, purge: &Purge) -> bool {
        match (&self.on, purge.target()) {
            (Cause::Tag(on), Target::Tag(name)) | (Cause::Group(on), Target::Group(name)) => {
                on == name
            }
            _ => false,
        }
    }
}

/// Returns a purge and all that it brings, each target once; where both are brought, the hard one counts.
pub(crate) fn of_purge(rules: &[Rule], purge: Purge) -> Vec<Purge> {
    closure(rules, VecDeque::from([purge]))
}

/// Returns the purges that an event brings.
pub(crate) fn of_event(rules: &[Rule], event: &str) -> Vec<Purge> {
    let first = rules.iter().filter_map(|rule| match &rule.on {
        Cause::Event(on) if **on == *event => Some(rule.bring(false)),
        _ => None,
    });
    closure(rules, first.collect())
}

impl Rule {
    fn bring(&self, soft: bool) -> Purge {
        Purge {
            target: self.purge.clone(),
            soft: self.soft || soft,
        }
    }
}

fn closure(rules: &[Rule], mut open: VecDeque<Purge>) -> Vec<Purge> {
    let mut seen = HashSet::new();
    let mut purges: Vec<Purge> = Vec::new();
    while let Some(purge) = open.pop_front() {
        if purges.len() == MAX_PURGES {
            break;
        }
        let hard = Purge::new(purge.target.clone());
        if seen.contains(&hard) || !seen.insert(purge.clone()) {
            continue;
        }
        let brought = rules.iter().filter(|rule| rule.follows(&purge));
        open.extend(brought.map(|rule| rule.bring(purge.soft)));
        purges.push(purge);
    }
    // A soft purge changes nothing where a hard one of the same target comes too.
    purges.retain(|purge| !purge.soft || !seen.contains(&Purge::new(purge.target.clone())));
    purges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_brings_dependants_of_dependants() {
        let rules = [Rule::dependant("a", "b"), Rule::dependant("b", "c")];
        let purges = of_purge(&rules, Purge::tag("a"));
        assert_eq!(purges, [Purge::tag("a"), Purge::tag("b"), Purge::tag("c")]);
        assert_eq!(of_purge(&rules, Purge::tag("c")), [Purge::tag("c")]);
    }

    #[test]
    fn a_ring_of_rules_ends() {
        let rules = [Rule::dependant("a", "b"), Rule::dependant("b", "a")];
        let purges = of_purge(&rules, Purge::tag("b").soft());
        assert_eq!(purges, [Purge::tag("b").soft(), Purge::tag("a").soft()]);
    }

    #[test]
    fn an_event_brings_what_its_rules_say() {
        let rules = [
            Rule::event("trained", Target::Tag("reports".into())).soft(),
            Rule::event("trained", Target::Prefix((*b"users/").into())),
            Rule::event("other", Target::All),
            Rule::dependant("reports", "charts"),
        ];
        let purges = of_event(&rules, "trained");
        let charts = Purge::tag("charts").soft();
        let reports = Purge::tag("reports").soft();
        assert_eq!(purges, [reports, Purge::prefix("users/"), charts]);
        assert!(of_event(&rules, "unknown").is_empty());
    }

    #[test]
    fn the_harder_of_two_purges_counts() {
        let rules = [
            Rule::dependant("a", "b").soft(),
            Rule::dependant("a", "c"),
            Rule::dependant("c", "b"),
        ];
        let purges = of_purge(&rules, Purge::tag("a"));
        assert_eq!(purges, [Purge::tag("a"), Purge::tag("c"), Purge::tag("b")]);
    }
}
