//! What a purge reaches, and how hard.

use serde::{Deserialize, Serialize};

/// What a purge reaches.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Target {
    /// The entries with this tag.
    Tag(Box<str>),
    /// The entries of this group.
    Group(Box<str>),
    /// The entries whose keys' bytes begin so.
    Prefix(Box<[u8]>),
    /// Every entry.
    All,
}

/// A purge: what it reaches, and whether it leaves stale entries.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[must_use]
pub struct Purge {
    pub(crate) target: Target,
    pub(crate) soft: bool,
}

/// A purge that happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Mark {
    /// What it was.
    pub purge: Purge,
    /// Its generation here: entries with a lower one are from before it.
    pub generation: u64,
    /// Its number in the order that all caches on a backplane agree on; `None` while it has none.
    pub sequence: Option<u64>,
    /// When it happened, in milliseconds since 1970.
    pub wall: u64,
}

/// A name that an entry can be purged by, with what kind of name it is.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Label {
    /// A tag.
    Tag(Box<str>),
    /// A group.
    Group(Box<str>),
}

impl Purge {
    /// Reaches the entries with this tag.
    pub fn tag(tag: impl Into<Box<str>>) -> Self {
        Self::new(Target::Tag(tag.into()))
    }

    /// Reaches the entries of this group.
    pub fn group(group: impl Into<Box<str>>) -> Self {
        Self::new(Target::Group(group.into()))
    }

    /// Reaches the entries whose keys' [bytes](crate::CacheKey::bytes) begin so.
    pub fn prefix(prefix: impl AsRef<[u8]>) -> Self {
        Self::new(Target::Prefix(prefix.as_ref().into()))
    }

    /// Reaches every entry.
    pub fn all() -> Self {
        Self::new(Target::All)
    }

    /// Makes a purge of a target, a hard one.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            soft: false,
        }
    }

    /// Leaves the entries as stale ones, to be served while they are refreshed.
    pub fn soft(mut self) -> Self {
        self.soft = true;
        self
    }

    /// Returns what it reaches.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns whether it leaves stale entries.
    pub fn is_soft(&self) -> bool {
        self.soft
    }
}

impl Label {
    /// Returns the name.
    pub fn name(&self) -> &str {
        match self {
            Self::Tag(name) | Self::Group(name) => name,
        }
    }
}
