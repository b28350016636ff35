//! A statement with its values.

use std::{borrow::Cow, fmt, ops::Deref, panic::Location, sync::Arc};

use tooloo_key::Key;

use crate::{Value, keyed::Gatherable, scope::Scope};

/// A statement and the values of its parameters, `$1` and on.
///
/// The same text serves both databases. Values travel beside the text, never in it.
#[derive(Clone)]
#[must_use = "a query does nothing until a service is called with it"]
pub struct Query {
    pub(crate) text: Text,
    pub(crate) parameters: Vec<Value>,
    pub(crate) tenant: Option<Key>,
    pub(crate) place: &'static Location<'static>,
    pub(crate) alone: bool,
    // Those that queries of other callers may be gathered with.
    pub(crate) keyed: Option<Gatherable>,
    // Where it belongs to, once it may have left its caller's task.
    pub(crate) scope: Option<Scope>,
}

/// SQL that is part of the program, or was put together by it.
#[derive(Clone)]
pub(crate) enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Query {
    /// Creates a query of one statement, and notes where that was.
    #[track_caller]
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = match text.into() {
            Cow::Borrowed(text) => Text::Static(text),
            Cow::Owned(text) => Text::Shared(text.into()),
        };
        Self::of(text, Location::caller())
    }

    pub(crate) fn of(text: Text, place: &'static Location<'static>) -> Self {
        Self {
            text,
            parameters: Vec::new(),
            tenant: None,
            place,
            alone: false,
            keyed: None,
            scope: None,
        }
    }

    /// Adds the value of the next parameter.
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.parameters.push(value.into());
        self
    }

    /// Asks on behalf of a tenant: with a connection of its share, and never together with another's queries.
    pub fn for_tenant(mut self, tenant: Key) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Keeps the query to itself: no layer merges it with another, such as where a view or an operator it reads
    /// through answers differently each time.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self.keyed = None;
        self
    }

    /// Returns the statement.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the values of its parameters.
    pub fn parameters(&self) -> &[Value] {
        &self.parameters
    }

    /// Returns the tenant it is asked for.
    pub fn tenant(&self) -> Option<&Key> {
        self.tenant.as_ref()
    }

    /// Returns where in the code it was created.
    pub fn place(&self) -> &'static Location<'static> {
        self.place
    }
}

/// Shows the statement and how many values there are, but none of them.
impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("text", &self.text())
            .field("parameters", &self.parameters.len())
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

impl From<&'static str> for Query {
    #[track_caller]
    fn from(text: &'static str) -> Self {
        Self::of(Text::Static(text), Location::caller())
    }
}

impl Text {
    /// Returns the text to keep.
    pub(crate) fn to_shared(&self) -> Arc<str> {
        match self {
            Self::Static(text) => Arc::from(*text),
            Self::Shared(text) => Arc::clone(text),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Static(text) => text,
            Self::Shared(text) => text,
        }
    }
}
