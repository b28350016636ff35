//! Reads of rows by a key, which can be gathered.

use std::{panic::Location, sync::Arc};

use crate::{Dialect, Query, Value, query::Text};

/// A read of a table's rows by the value of one column, declared once and asked for many keys.
///
/// Each [`by`](Self::by) makes an ordinary query; under a [`GatherLayer`](crate::GatherLayer) those of many callers
/// become one statement. Names are written as the database has them, with a dot behind a schema.
///
/// ```
/// use tooloo_query::KeyedRead;
///
/// let user = KeyedRead::new("users", "id", ["name", "email"]);
/// assert_eq!(user.by(7).text(), r#"SELECT "name", "email" FROM "users" WHERE "id" = $1"#);
/// ```
#[derive(Clone, Debug)]
pub struct KeyedRead {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    table: String,
    key: String,
    columns: Vec<String>,
    order: Vec<String>,
    // Written out, for one key and for several in each dialect.
    single: Arc<str>,
    sqlite: Arc<str>,
    postgres: Arc<str>,
}

/// A query that others of the same read may be gathered with.
#[derive(Clone, Debug)]
pub(crate) struct Gatherable {
    pub(crate) read: KeyedRead,
}

/// Which kinds of keys fit into one array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyKind {
    Int,
    Text,
}

impl KeyedRead {
    /// Declares a read of `columns` from `table`, by the column `key`.
    pub fn new<'a>(table: &str, key: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self::written(Inner {
            table: quoted(table),
            key: quoted(key),
            columns: columns.into_iter().map(quoted).collect(),
            order: Vec::new(),
            single: "".into(),
            sqlite: "".into(),
            postgres: "".into(),
        })
    }

    /// Orders the rows of one key by these columns; without, their order is the database's.
    #[must_use]
    pub fn ordered_by<'a>(self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self::written(Inner {
            order: columns.into_iter().map(quoted).collect(),
            ..(*self.inner).clone()
        })
    }

    /// Makes the query for one key, and notes where that was.
    #[track_caller]
    pub fn by(&self, key: impl Into<Value>) -> Query {
        let key = key.into();
        let text = Text::Shared(Arc::clone(&self.inner.single));
        let mut query = Query::of(text, Location::caller());
        query.keyed = KeyKind::of(&key).map(|_| Gatherable { read: self.clone() });
        query.bind(key)
    }

    /// Makes the query for several keys: each row begins with the place of its key, from 1 in PostgreSQL and from 0
    /// in SQLite.
    pub(crate) fn by_all(
        &self,
        keys: impl IntoIterator<Item = Value>,
        dialect: Dialect,
        place: &'static Location<'static>,
    ) -> Query {
        let text = match dialect {
            Dialect::Sqlite => &self.inner.sqlite,
            Dialect::Postgres => &self.inner.postgres,
        };
        Query::of(Text::Shared(Arc::clone(text)), place).bind(Value::array(keys))
    }

    /// Returns what tells one read from another.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.inner.single
    }

    fn written(mut inner: Inner) -> Self {
        let Inner {
            table,
            key,
            columns,
            order,
            ..
        } = &inner;
        let of = |table: &str| {
            let names = columns.iter().map(|column| format!("{table}{column}"));
            names.collect::<Vec<_>>().join(", ")
        };
        let then = |lead: &str, table: &str| {
            let names = order.iter().map(|column| format!("{table}{column}"));
            let names: Vec<_> = (!lead.is_empty())
                .then(|| lead.to_owned())
                .into_iter()
                .chain(names)
                .collect();
            if names.is_empty() {
                String::new()
            } else {
                format!(" ORDER BY {}", names.join(", "))
            }
        };
        let (bare, qualified) = (of(""), of("t."));
        let single = format!(
            "SELECT {bare} FROM {table} WHERE {key} = $1{}",
            then("", "")
        );
        let sqlite = format!(
            "SELECT b.key, {qualified} FROM json_each($1) AS b JOIN {table} AS t ON t.{key} = b.value{}",
            then("b.key", "t.")
        );
        // The empty array tells the parameter's type, which the server cannot find out from `unnest` alone.
        let postgres = format!(
            "SELECT b.place, {qualified} FROM unnest(array_cat(ARRAY(SELECT {key} FROM {table} LIMIT 0), $1)) \
             WITH ORDINALITY AS b (key, place) JOIN {table} AS t ON t.{key} = b.key{}",
            then("b.place", "t.")
        );
        inner.single = single.into();
        inner.sqlite = sqlite.into();
        inner.postgres = postgres.into();
        Self {
            inner: Arc::new(inner),
        }
    }
}

impl KeyKind {
    /// Returns the kind of a key; of one that cannot be gathered there is none.
    pub(crate) fn of(key: &Value) -> Option<Self> {
        match key {
            Value::Int(_) => Some(Self::Int),
            // JSON and PostgreSQL have no such character.
            Value::Text(text) if !text.contains('\0') => Some(Self::Text),
            _ => None,
        }
    }
}

fn quoted(name: &str) -> String {
    let parts = name.split('.');
    let parts: Vec<_> = parts
        .map(|part| format!("\"{}\"", part.replace('"', "\"\"")))
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze;

    #[test]
    fn what_is_asked_is_free_of_findings() {
        let read = KeyedRead::new("app.users", "id", ["name"]).ordered_by(["made"]);
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let all = read.by_all([Value::Int(1)], dialect, Location::caller());
            for query in [read.by(1), all] {
                let findings = analyze(query.text(), dialect);
                assert_eq!(findings, Ok(Vec::new()), "{}", query.text());
            }
        }
    }

    #[test]
    fn names_are_quoted_whatever_they_hold() {
        let read = KeyedRead::new("a\"b.c", "select", ["x"]);
        let expected = r#"SELECT "x" FROM "a""b"."c" WHERE "select" = $1"#;
        assert_eq!(read.by(1).text(), expected);
    }

    #[test]
    fn keys_that_do_not_fit_into_an_array_are_asked_alone() {
        let read = KeyedRead::new("users", "id", ["name"]);
        assert!(read.by(1).keyed.is_some() && read.by("a").keyed.is_some());
        assert!(read.by(1).alone().keyed.is_none());
        for key in [
            Value::Null,
            Value::Real(1.0),
            Value::from("\0"),
            Value::from(vec![1_u8]),
        ] {
            assert!(read.by(key).keyed.is_none());
        }
    }
}
