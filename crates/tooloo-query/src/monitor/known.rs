//! What is known of each text, found out once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use rustc_hash::FxBuildHasher;

use super::plan::LastPlan;
use crate::{
    Dialect,
    figures::{Figures, Table},
    query::Text,
    statement::Statement,
};

/// What is known of one text.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) text: Arc<str>,
    pub(crate) statement: Statement,
    pub(crate) figures: Arc<Figures>,
    pub(crate) plan: LastPlan,
}

/// What is known of texts, in two generations: what was not asked for while one filled up is forgotten.
///
/// The texts are the program's own: nobody chooses them for their hash.
#[derive(Debug)]
pub(crate) struct Texts {
    most: usize,
    generations: Mutex<[Generation; 2]>,
}

type Generation = HashMap<Arc<str>, Arc<Known>, FxBuildHasher>;

impl Texts {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: (most / 2).max(1),
            generations: Mutex::default(),
        }
    }

    /// Returns what is known of a text, and whether it was not known before.
    pub(crate) fn get(&self, text: &Text, dialect: Dialect, table: &Table) -> (Arc<Known>, bool) {
        if let Some(known) = self.find(text) {
            return (known, false);
        }
        let statement = Statement::of(text, dialect);
        let known = Arc::new(Known {
            text: text.to_shared(),
            figures: table.of(&statement.fingerprint),
            statement,
            plan: LastPlan::default(),
        });
        self.insert(Arc::clone(&known));
        (known, true)
    }

    fn find(&self, text: &str) -> Option<Arc<Known>> {
        let generations = self.generations.lock();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if let Some(known) = young.get(text) {
            return Some(Arc::clone(known));
        }
        let known = old.remove(text)?;
        Self::put(&mut generations, self.most, Arc::clone(&known));
        Some(known)
    }

    fn insert(&self, known: Arc<Known>) {
        let generations = self.generations.lock();
        let mut generations = generations.unwrap_or_else(PoisonError::into_inner);
        Self::put(&mut generations, self.most, known);
    }

    fn put(generations: &mut [Generation; 2], most: usize, known: Arc<Known>) {
        let [young, old] = generations;
        if young.len() >= most {
            *old = std::mem::take(young);
        }
        young.insert(Arc::clone(&known.text), known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_use_stays_while_others_come_and_go() {
        let (texts, table) = (Texts::new(8), Table::new(100));
        let get = |text: &str| texts.get(&Text::Shared(text.into()), Dialect::Sqlite, &table);
        assert!(get("SELECT 1").1);
        for number in 0..100 {
            let _ = get(&format!("SELECT {number} FROM t"));
            assert!(!get("SELECT 1").1, "after {number} others");
        }
        assert!(get("SELECT 0 FROM t").1, "it was forgotten");
        let held: usize = texts
            .generations
            .lock()
            .unwrap()
            .iter()
            .map(HashMap::len)
            .sum();
        assert!(held <= 8, "{held}");
    }
}
