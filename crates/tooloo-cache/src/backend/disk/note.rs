//! What a segment says beside its envelopes: heads of entries, removals, purges.
//!
//! Each has a number; later ones have higher numbers, in whichever segment they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    Mark, Record,
    backend::{
        engine::{Space, Write},
        envelope::Envelopes,
    },
};

/// An entry's key and record, and how large its envelope is.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Head {
    pub(crate) key: Arc<[u8]>,
    pub(crate) record: Record,
    /// The plain body's bytes.
    pub(crate) plain: u32,
    /// The envelope's bytes.
    pub(crate) length: u32,
}

/// Something that makes entries of lower numbers, or lower generations, invalid.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Note {
    /// The key has no entry.
    Removed(Arc<[u8]>),
    /// A purge.
    Purged(Mark),
}

pub(crate) fn write<T: Serialize>(
    envelopes: &Envelopes,
    space: Space,
    number: u64,
    what: &T,
) -> Option<Write> {
    let bytes = postcard::to_stdvec(what).ok()?;
    let record = envelopes.close_note(&context(space, number), &bytes)?;
    Some(Write {
        space,
        number,
        record: Some(record),
    })
}

pub(crate) fn read<T: for<'de> Deserialize<'de>>(
    envelopes: &Envelopes,
    space: Space,
    number: u64,
    bytes: &[u8],
) -> Option<T> {
    let bytes = envelopes.open_note(&context(space, number), bytes)?;
    postcard::from_bytes(&bytes).ok()
}

fn context(space: Space, number: u64) -> [u8; 9] {
    let mut context = [space as u8; 9];
    context[1..].copy_from_slice(&number.to_be_bytes());
    context
}
