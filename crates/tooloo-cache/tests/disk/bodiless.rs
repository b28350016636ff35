//! An engine that loses what it said was safe.

use std::path::Path;

use tooloo_cache::backend::{DiskEngine, EngineError, Segment, Space, Write};

/// Keeps what another engine keeps, but for the entries' bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bodiless<E>(pub(crate) E);

impl<E: DiskEngine> DiskEngine for Bodiless<E> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn reopens_sealed(&self) -> bool {
        self.0.reopens_sealed()
    }

    fn open(
        &self,
        path: &Path,
        cache_bytes: usize,
        writable: bool,
    ) -> Result<Box<dyn Segment>, EngineError> {
        let segment = self.0.open(path, cache_bytes, writable)?;
        Ok(Box::new(Bodiless(segment)))
    }
}

impl Segment for Bodiless<Box<dyn Segment>> {
    fn commit(&self, writes: &[Write]) -> Result<(), EngineError> {
        let kept = writes.iter().filter(|write| write.space != Space::Bodies);
        self.0.commit(&kept.cloned().collect::<Vec<_>>())
    }

    fn get(&self, space: Space, number: u64) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, number)
    }

    fn scan(&self, space: Space, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), EngineError> {
        self.0.scan(space, visit)
    }
}
