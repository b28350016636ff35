//! sled 0.34: a log-structured tree in a folder.

use std::{path::Path, thread, time::Duration};

use sled::{Batch, Config, Db, Tree};

use super::engine::{DiskEngine, EngineError, Segment, Space, Write};

/// Keeps segments in folders of [sled](https://docs.rs/sled/0.34.7)'s.
#[derive(Clone, Copy, Debug, Default)]
pub struct SledEngine;

struct Sled {
    database: Db,
    trees: [Tree; Space::ALL.len()],
}

impl DiskEngine for SledEngine {
    fn name(&self) -> &'static str {
        "sled"
    }

    /// Every commit is flushed, so closing adds nothing; and each time that it is opened, sled 0.34 makes a
    /// snapshot, in which now and then it panics.
    fn reopens_sealed(&self) -> bool {
        false
    }

    fn open(
        &self,
        path: &Path,
        cache_bytes: usize,
        _writable: bool,
    ) -> Result<Box<dyn Segment>, EngineError> {
        let config = Config::new()
            .path(path)
            .cache_capacity(u64::try_from(cache_bytes).unwrap_or(u64::MAX))
            // Every commit is flushed by hand.
            .flush_every_ms(None);
        let database = open_when_free(&config)?;
        let mut trees = Vec::with_capacity(Space::ALL.len());
        for space in Space::ALL {
            trees.push(database.open_tree(space.name())?);
        }
        let trees = trees
            .try_into()
            .map_err(|_| EngineError::new("a tree a space"))?;
        Ok(Box::new(Sled { database, trees }))
    }
}

/// How often a database is tried to be opened that is not free yet, and how long after each other.
const TRIES: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(5);

/// Opens a database, waiting for this process to have let go of it.
///
/// Threads of sled's own hold a database a moment longer than whoever dropped it; other processes are kept out of the
/// folder.
fn open_when_free(config: &Config) -> sled::Result<Db> {
    let mut tries = 1;
    loop {
        match config.open() {
            Err(error) if tries < TRIES && is_held(&error) => {
                tries += 1;
                thread::sleep(BETWEEN);
            }
            opened => return opened,
        }
    }
}

fn is_held(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("acquire lock"))
}

impl Sled {
    fn tree(&self, space: Space) -> &Tree {
        &self.trees[space as usize]
    }
}

impl Segment for Sled {
    fn commit(&self, writes: &[Write]) -> Result<(), EngineError> {
        // A batch is atomic within a tree, and the log keeps the order of batches.
        for space in Space::ALL {
            let mut batch = Batch::default();
            let mut is_empty = true;
            for write in writes.iter().filter(|write| write.space == space) {
                let number = write.number.to_be_bytes();
                match &write.record {
                    Some(record) => batch.insert(&number, &record[..]),
                    None => batch.remove(&number),
                }
                is_empty = false;
            }
            if !is_empty {
                self.tree(space).apply_batch(batch)?;
            }
        }
        self.database.flush()?;
        Ok(())
    }

    fn get(&self, space: Space, number: u64) -> Result<Option<Vec<u8>>, EngineError> {
        let found = self.tree(space).get(number.to_be_bytes())?;
        Ok(found.map(|record| record.to_vec()))
    }

    fn scan(&self, space: Space, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), EngineError> {
        for record in self.tree(space) {
            let (number, record) = record?;
            let number = number[..].try_into().map_err(EngineError::new)?;
            visit(u64::from_be_bytes(number), &record);
        }
        Ok(())
    }
}

impl From<sled::Error> for EngineError {
    fn from(error: sled::Error) -> Self {
        Self::new(error)
    }
}
