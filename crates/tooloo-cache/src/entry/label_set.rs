//! The labels of one entry.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Label;

/// The names that an entry can be purged by; it reads as a slice of them.
///
/// Most entries have few or none, so it takes one word, and no room beside that where there are none.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct LabelSet {
    #[expect(clippy::box_collection, reason = "a vector takes three words")]
    labels: Option<Box<Vec<Label>>>,
}

impl Deref for LabelSet {
    type Target = [Label];

    #[inline]
    fn deref(&self) -> &[Label] {
        self.labels.as_ref().map_or(&[], |labels| labels)
    }
}

impl From<Vec<Label>> for LabelSet {
    #[inline]
    fn from(labels: Vec<Label>) -> Self {
        let labels = (!labels.is_empty()).then(|| Box::new(labels));
        Self { labels }
    }
}

impl FromIterator<Label> for LabelSet {
    fn from_iter<T: IntoIterator<Item = Label>>(labels: T) -> Self {
        Vec::from_iter(labels).into()
    }
}

impl Serialize for LabelSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LabelSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
