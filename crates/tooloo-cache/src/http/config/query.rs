//! Which queries are one.

use std::borrow::Cow;

use serde::Deserialize;

/// Which queries the cache takes for one and the same.
///
/// The service still sees the query of the request that was let through: what a rule hides must not
/// change the answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct QueryRule {
    sort: bool,
    without: Vec<Box<str>>,
    only: Option<Vec<Box<str>>>,
}

impl QueryRule {
    /// Takes queries for one that are written alike.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes no notice of the order of parameters; those of one name keep theirs.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.sort = true;
        self
    }

    /// Takes no notice of these parameters.
    #[must_use]
    pub fn without<T: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.without.extend(names.into_iter().map(Into::into));
        self
    }

    /// Takes notice of these parameters only.
    #[must_use]
    pub fn only<T: Into<Box<str>>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        let names = names.into_iter().map(Into::into);
        self.only.get_or_insert_default().extend(names);
        self
    }

    /// Returns the query as a part of the key; `None` where all of it is hidden.
    pub(crate) fn apply<'a>(&self, query: &'a str) -> Option<Cow<'a, str>> {
        if !self.sort && self.without.is_empty() && self.only.is_none() {
            return Some(Cow::Borrowed(query));
        }
        let mut pairs: Vec<&str> = query.split('&').filter(|pair| self.keeps(pair)).collect();
        if self.sort {
            pairs.sort_by_key(|pair| name(pair));
        }
        (!pairs.is_empty()).then(|| Cow::Owned(pairs.join("&")))
    }

    fn keeps(&self, pair: &str) -> bool {
        let names = |list: &[Box<str>]| list.iter().any(|known| **known == *name(pair));
        !pair.is_empty() && !names(&self.without) && self.only.as_deref().is_none_or(names)
    }
}

fn name(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_hides_order_and_names() {
        let query = "b=2&a=1&utm=x&a=0&&c";
        let applied = |rule: QueryRule| rule.apply(query).map(Cow::into_owned);
        assert_eq!(applied(QueryRule::new()).as_deref(), Some(query));
        let sorted = applied(QueryRule::new().sorted());
        assert_eq!(sorted.as_deref(), Some("a=1&a=0&b=2&c&utm=x"));
        let without = applied(QueryRule::new().without(["utm", "c"]));
        assert_eq!(without.as_deref(), Some("b=2&a=1&a=0"));
        let only = applied(QueryRule::new().sorted().only(["b", "c"]));
        assert_eq!(only.as_deref(), Some("b=2&c"));
        assert_eq!(applied(QueryRule::new().only(["d"])), None);
    }
}
