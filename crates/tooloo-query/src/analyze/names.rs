//! Names as databases compare them.

use sqlparser::ast::{Ident, ObjectName, TableAlias};

/// Folds a name; quoted ones too, since a column is rarely told from another by its case alone.
pub(super) fn fold(name: &Ident) -> String {
    name.value.to_lowercase()
}

/// Returns the last part of a name with dots, folded.
pub(super) fn last(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(fold)
}

/// Returns the name under which a table is known in a query.
pub(super) fn known_as(name: &ObjectName, alias: Option<&TableAlias>) -> Option<String> {
    match alias {
        Some(alias) => Some(fold(&alias.name)),
        None => last(name),
    }
}
