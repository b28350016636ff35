//! How one entry is stored, where that differs from the cache's settings.

use std::time::Duration;

use crate::Label;

/// How one entry is stored; what is not said here is as the [settings](crate::CacheConfig) say.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct EntryOptions {
    pub(crate) ttl: Term,
    pub(crate) idle_for: Term,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    pub(crate) keep_for: Option<Duration>,
    pub(crate) fill_time: Option<Duration>,
    pub(crate) labels: Vec<Label>,
    pub(crate) negative: bool,
    pub(crate) exact: bool,
}

/// How long something lasts, where that may be for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Term {
    #[default]
    AsSet,
    Own(Option<Duration>),
}

impl Term {
    /// Returns it, where the settings say `set`.
    pub(crate) fn or(self, set: Option<Duration>) -> Option<Duration> {
        match self {
            Self::AsSet => set,
            Self::Own(own) => own,
        }
    }
}

impl EntryOptions {
    /// Stores an entry as the settings say.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps it fresh for this long; `None` for ever.
    pub fn with_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = Term::Own(ttl.into());
        self
    }

    /// Drops it when it has not been used for this long; `None` never does.
    pub fn with_idle_for(mut self, idle_for: impl Into<Option<Duration>>) -> Self {
        self.idle_for = Term::Own(idle_for.into());
        self
    }

    /// Serves it stale for this long while it is refreshed.
    pub fn with_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = Some(window);
        self
    }

    /// Serves it stale for this long where a refresh fails.
    pub fn with_stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = Some(window);
        self
    }

    /// Keeps it for this long after it was fresh, to compare with.
    pub fn with_keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = Some(keep_for);
        self
    }

    /// Says how long the value took to make, which an early refresh goes by.
    ///
    /// A fill is timed; this is for values that come otherwise.
    pub fn with_fill_time(mut self, time: Duration) -> Self {
        self.fill_time = Some(time);
        self
    }

    /// Gives it a tag. An empty one is ignored, as are those that are too long or too many.
    pub fn with_tag(mut self, tag: impl Into<Box<str>>) -> Self {
        self.labels.push(Label::Tag(tag.into()));
        self
    }

    /// Gives it tags.
    pub fn with_tags<T: Into<Box<str>>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        let tags = tags.into_iter().map(|tag| Label::Tag(tag.into()));
        self.labels.extend(tags);
        self
    }

    /// Puts it in a group, under the same bounds as tags.
    pub fn with_group(mut self, group: impl Into<Box<str>>) -> Self {
        self.labels.push(Label::Group(group.into()));
        self
    }

    /// Says that the value stands for nothing: it has the settings' time to live for such.
    pub fn negative(mut self) -> Self {
        self.negative = true;
        self
    }

    /// Takes the time to live as it is, without jitter.
    pub fn exact(mut self) -> Self {
        self.exact = true;
        self
    }
}
