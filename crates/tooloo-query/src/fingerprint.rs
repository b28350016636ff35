//! What two statements have in common that differ in their values alone.

mod parts;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use rustc_hash::FxHasher;
use serde::{Serialize, Serializer};
use sqlparser::tokenizer::Tokenizer;

use self::parts::{parts, print};
use crate::Dialect;

/// How many bytes of a statement are kept to be shown.
const LONGEST: usize = 4_096;

/// Stands for a text that cannot be taken apart; nothing of it may be shown.
const UNREADABLE: &str = "(unreadable)";

/// A statement without its values.
///
/// Values and parameters become `?`; lists of values after `IN` and rows of values after `VALUES` become
/// `(…)`, however many there are; comments go, white space and the case of names and keywords do not
/// count. So nothing in it is data, and it may be shown where the statement may not.
///
/// Clones share the text. Two are equal where their statements are, also past what is kept of the text.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    text: Arc<str>,
    hash: u64,
}

impl Fingerprint {
    /// Takes the values out of `sql`.
    pub fn of(sql: &str, dialect: Dialect) -> Self {
        let text = Tokenizer::new(dialect.grammar(), sql)
            .tokenize()
            .map_or_else(|_| UNREADABLE.to_owned(), |tokens| print(&parts(tokens)));
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        Self {
            text: shortened(text).into(),
            hash,
        }
    }

    /// Returns a number that two fingerprints share by chance alone.
    pub(crate) fn as_u64(&self) -> u64 {
        self.hash
    }

    /// Returns the statement without its values, cut off after 4096 bytes.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for Fingerprint {}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
