//! The prepared statements of a connection.

use std::{collections::HashMap, sync::Arc};

use rustc_hash::FxBuildHasher;
use tokio_postgres::Statement;

use crate::query::Text;

/// Statements by their text; the one that was not used for longest gives way.
///
/// The text is the program's own: nobody chooses it for its hash.
pub(super) struct Statements {
    most: usize,
    uses: u64,
    prepared: HashMap<Arc<str>, (Statement, u64), FxBuildHasher>,
}

impl Statements {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            uses: 0,
            prepared: HashMap::default(),
        }
    }

    pub(super) fn get(&mut self, text: &str) -> Option<Statement> {
        let (statement, used) = self.prepared.get_mut(text)?;
        self.uses += 1;
        *used = self.uses;
        Some(statement.clone())
    }

    pub(super) fn insert(&mut self, text: &Text, statement: Statement) {
        if self.most == 0 {
            return;
        }
        if self.prepared.len() >= self.most {
            let oldest = self.prepared.iter().min_by_key(|(_, (_, used))| *used);
            // Its last clone closes it on the server.
            if let Some(text) = oldest.map(|(text, _)| Arc::clone(text)) {
                self.prepared.remove(&text);
            }
        }
        self.uses += 1;
        self.prepared
            .insert(text.to_shared(), (statement, self.uses));
    }

    /// Forgets a statement that the server no longer takes.
    pub(super) fn remove(&mut self, text: &str) {
        self.prepared.remove(text);
    }
}
