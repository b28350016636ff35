//! Figures by fingerprint, as many as there is room for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::Figures;
use crate::Fingerprint;

/// Figures by fingerprint; what finds no place any more is counted together.
#[derive(Debug)]
pub(crate) struct Table {
    most: usize,
    figures: Mutex<HashMap<Fingerprint, Arc<Figures>>>,
    others: Arc<Figures>,
}

impl Table {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            figures: Mutex::default(),
            others: Arc::new(Figures::new(None)),
        }
    }

    pub(crate) fn of(&self, fingerprint: &Fingerprint) -> Arc<Figures> {
        let mut table = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(figures) = table.get(fingerprint) {
            return Arc::clone(figures);
        }
        if table.len() >= self.most {
            return Arc::clone(&self.others);
        }
        let figures = Arc::new(Figures::new(Some(fingerprint.clone())));
        table.insert(fingerprint.clone(), Arc::clone(&figures));
        figures
    }

    /// Lists all figures there are, those of the others last.
    pub(crate) fn all(&self) -> Vec<Arc<Figures>> {
        let table = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = table.values().cloned().collect();
        drop(table);
        if self.others.times.count() > 0 {
            all.push(Arc::clone(&self.others));
        }
        all
    }
}
