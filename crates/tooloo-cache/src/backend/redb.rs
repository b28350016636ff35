//! redb: a copy-on-write tree in one file, the default engine.

use std::{fmt, path::Path};

use redb::{
    Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, TableDefinition,
    TableError,
};

use super::engine::{DiskEngine, EngineError, Segment, Space, Write};

/// Keeps segments in [redb](https://docs.rs/redb) files.
///
/// A commit is one transaction and one `fsync`, so it survives a loss of power too.
#[derive(Clone, Copy, Debug, Default)]
pub struct RedbEngine;

enum Redb {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl DiskEngine for RedbEngine {
    fn name(&self) -> &'static str {
        "redb"
    }

    fn open(
        &self,
        path: &Path,
        cache_bytes: usize,
        writable: bool,
    ) -> Result<Box<dyn Segment>, EngineError> {
        let mut builder = Builder::new();
        builder.set_cache_size(cache_bytes);
        let segment = if writable {
            Redb::Writable(builder.create(path)?)
        } else {
            match builder.open_read_only(path) {
                Ok(database) => Redb::ReadOnly(database),
                // A crash came between the last write and the file's being closed.
                Err(redb::DatabaseError::RepairAborted) => Redb::Writable(builder.open(path)?),
                Err(error) => return Err(error.into()),
            }
        };
        Ok(Box::new(segment))
    }
}

impl Redb {
    fn begin_read(&self) -> Result<ReadTransaction, EngineError> {
        let begun = match self {
            Self::Writable(database) => database.begin_read(),
            Self::ReadOnly(database) => database.begin_read(),
        };
        begun.map_err(Into::into)
    }
}

impl Segment for Redb {
    fn commit(&self, writes: &[Write]) -> Result<(), EngineError> {
        let Self::Writable(database) = self else {
            return Err(EngineError::new("the segment is open for reading only"));
        };
        let transaction = database.begin_write()?;
        for space in Space::ALL {
            let mut writes = writes
                .iter()
                .filter(|write| write.space == space)
                .peekable();
            if writes.peek().is_none() {
                continue;
            }
            let mut table = transaction.open_table(table(space))?;
            for write in writes {
                match &write.record {
                    Some(record) => table.insert(write.number, &record[..])?,
                    None => table.remove(write.number)?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }

    fn get(&self, space: Space, number: u64) -> Result<Option<Vec<u8>>, EngineError> {
        let table = match self.begin_read()?.open_table(table(space)) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            table => table?,
        };
        let found = table.get(number)?;
        Ok(found.map(|record| record.value().to_vec()))
    }

    fn scan(&self, space: Space, visit: &mut dyn FnMut(u64, &[u8])) -> Result<(), EngineError> {
        let table = match self.begin_read()?.open_table(table(space)) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            table => table?,
        };
        for record in redb::ReadableTable::iter(&table)? {
            let (number, record) = record?;
            visit(number.value(), record.value());
        }
        Ok(())
    }
}

impl fmt::Debug for Redb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redb")
    }
}

fn table(space: Space) -> TableDefinition<'static, u64, &'static [u8]> {
    TableDefinition::new(space.name())
}

macro_rules! errors {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for EngineError {
            fn from(error: redb::$error) -> Self {
                Self::new(error)
            }
        }
    )*};
}

errors!(
    DatabaseError,
    TransactionError,
    TableError,
    StorageError,
    CommitError
);
