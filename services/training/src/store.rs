//! What is kept: topics, their standing, sessions, and every round.
//!
//! The functions below it work in the caller's transaction; `database::Store` opens it. Times are whole microseconds
//! since 1970.

pub(crate) mod progress;
pub(crate) mod rounds;
mod schema;
pub(crate) mod sessions;
pub(crate) mod topics;

pub(crate) use self::schema::MIGRATIONS;

#[cfg(test)]
pub(crate) mod testing {
    //! A database of a test's own.

    use database::{Store, Transaction, testing};
    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::{MIGRATIONS, topics};
    use crate::config::TrainingConfig;

    pub(crate) const NOON: Timestamp = Timestamp::constant(1_763_121_600, 0);

    /// A store and the folder it lives in.
    pub(crate) struct Kept {
        store: Store,
        _folder: TempDir,
    }

    impl Kept {
        /// Opens an empty database with the present schema.
        pub(crate) async fn empty() -> Self {
            let folder = TempDir::new().unwrap();
            let store = testing::store(folder.path(), MIGRATIONS).await;
            Self {
                store,
                _folder: folder,
            }
        }

        /// Opens a database with the first topics.
        pub(crate) async fn seeded() -> Self {
            let kept = Self::empty().await;
            let mut tx = kept.write().await;
            let models = TrainingConfig::default().models;
            topics::seed(&mut tx, models, NOON).await.unwrap();
            tx.commit().await.unwrap();
            kept
        }

        /// Begins what is undone at its end, unless it is committed.
        pub(crate) async fn write(&self) -> Transaction {
            self.store.write().await.unwrap()
        }
    }
}
