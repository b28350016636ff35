//! The form of an entry outside of memory: magic, version, coding, checksum, record, body.
//!
//! | bytes | hold |
//! |---|---|
//! | 0..4 | the magic `TLCE` |
//! | 4 | the version of this form |
//! | 5 | how the body is coded: plain, zstd, zstd with a dictionary, gzip |
//! | 6 | 1 where record and body are encrypted, else 0 |
//! | 7 | 0 |
//! | 8..12 | the dictionary's id, or 0 |
//! | 12..16 | the length of the plain body |
//! | 16..20 | the length of the record |
//! | 20..28 | the XXH3 checksum of the key and of all the rest |
//! | 28.. | where encrypted a nonce of 24 bytes; then the record in postcard's format, and the body |
//!
//! Numbers have their highest byte first. The key is no part of an envelope, but checksum and encryption
//! cover it: an envelope that lies at another key is not read.

use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{
    compression::{Coding, Compression},
    dictionary::{Dictionaries, Dictionary},
    encryption::{Cipher, EncryptionKey, NONCE_BYTES},
};
use crate::Record;

const MAGIC: [u8; 4] = *b"TLCE";
const VERSION: u8 = 2;
const HEAD: usize = 28;
const CHECKSUM: std::ops::Range<usize> = 20..28;

/// Makes envelopes, and opens them.
#[derive(Clone)]
pub(crate) struct Envelopes {
    compression: Arc<Compression>,
    pub(crate) dictionaries: Arc<Dictionaries>,
    cipher: Option<Cipher>,
    max_bytes: usize,
}

/// Why bytes are no envelope that can be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Nothing of ours, or of another version.
    Foreign,
    /// Cut off, changed, or another key's.
    Damaged,
    /// Encrypted with another key, or not encrypted where it should be.
    Sealed,
    /// Compressed with a dictionary that is gone.
    NoDictionary,
    /// Sound, but no entry.
    Senseless,
}

impl Envelopes {
    /// Makes envelopes whose plain bodies have so many bytes at most.
    pub(crate) fn new(level: i32, key: Option<&EncryptionKey>, max_bytes: usize) -> Self {
        Self {
            compression: Arc::new(Compression::new(level)),
            dictionaries: Arc::default(),
            cipher: key.map(Cipher::new),
            max_bytes,
        }
    }

    /// Returns the envelope of an entry; `None` where it is too large.
    pub(crate) fn close(
        &self,
        key: &[u8],
        record: &Record,
        plain: &[u8],
        dictionary: Option<&Dictionary>,
    ) -> Option<Vec<u8>> {
        let length = u32::try_from(plain.len()).ok()?;
        if plain.len() > self.max_bytes {
            return None;
        }
        let small = self.compression.compress(plain, dictionary);
        let (coding, body) = match &small {
            Some((coding, small)) => (*coding, &small[..]),
            None => (Coding::Plain, plain),
        };
        let dictionary = match (coding, dictionary) {
            (Coding::ZstdWithDictionary, Some(dictionary)) => dictionary.id(),
            _ => 0,
        };
        let record = postcard::to_stdvec(record).ok()?;
        let record_length = u32::try_from(record.len()).ok()?;
        let mut out = Vec::with_capacity(HEAD + NONCE_BYTES + record.len() + body.len() + 16);
        out.extend(MAGIC);
        out.extend([VERSION, coding as u8, u8::from(self.cipher.is_some()), 0]);
        out.extend(dictionary.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend(record_length.to_be_bytes());
        if let Some(cipher) = &self.cipher {
            let (nonce, sealed) = cipher.seal(&[&record, body].concat(), &context(&out, key))?;
            out.extend([0; 8]);
            out.extend(nonce);
            out.extend(sealed);
        } else {
            out.extend([0; 8]);
            out.extend(record);
            out.extend(body);
        }
        let checksum = checksum(key, &out);
        out[CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
        Some(out)
    }

    /// Returns the record and the plain body of an envelope that lies at this key.
    pub(crate) fn open(&self, key: &[u8], envelope: &[u8]) -> Result<(Record, Bytes), Fault> {
        let (head, rest) = envelope.split_at_checked(HEAD).ok_or(Fault::Foreign)?;
        if head[..4] != MAGIC || head[4] != VERSION {
            return Err(Fault::Foreign);
        }
        if checksum(key, envelope).to_be_bytes() != head[CHECKSUM] {
            return Err(Fault::Damaged);
        }
        let opened = match (&self.cipher, head[6]) {
            (None, 0) => None,
            (Some(cipher), 1) => {
                let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES).ok_or(Fault::Damaged)?;
                let opened = cipher.open(nonce, sealed, &context(&head[..CHECKSUM.start], key));
                Some(opened.ok_or(Fault::Sealed)?)
            }
            _ => return Err(Fault::Sealed),
        };
        let content = opened.as_deref().unwrap_or(rest);
        let record_length = number(head, 16) as usize;
        let (record, body) = content
            .split_at_checked(record_length)
            .ok_or(Fault::Senseless)?;
        let record = postcard::from_bytes(record).map_err(|_| Fault::Senseless)?;
        let coding = Coding::try_from(head[5]).map_err(|()| Fault::Senseless)?;
        let length = number(head, 12) as usize;
        if length > self.max_bytes {
            return Err(Fault::Senseless);
        }
        let dictionary = match number(head, 8) {
            0 => None,
            id => Some(self.dictionaries.find(id).ok_or(Fault::NoDictionary)?),
        };
        let plain = self
            .compression
            .decompress(coding, body, length, dictionary.as_deref());
        Ok((record, plain.ok_or(Fault::Senseless)?.into()))
    }

    /// Returns a small piece of bookkeeping, protected as envelopes are; `context` is not part of it.
    pub(crate) fn close_note(&self, context: &[u8], note: &[u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; 8];
        if let Some(cipher) = &self.cipher {
            let (nonce, sealed) = cipher.seal(note, context)?;
            out.extend(nonce);
            out.extend(sealed);
        } else {
            out.extend(note);
        }
        let checksum = note_checksum(context, &out[8..]);
        out[..8].copy_from_slice(&checksum.to_be_bytes());
        Some(out)
    }

    /// Returns the piece of bookkeeping that was closed so, if it is sound.
    pub(crate) fn open_note(&self, context: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
        let (checksum, rest) = bytes.split_at_checked(8)?;
        if note_checksum(context, rest).to_be_bytes() != checksum {
            return None;
        }
        match &self.cipher {
            None => Some(rest.to_vec()),
            Some(cipher) => {
                let (nonce, sealed) = rest.split_at_checked(NONCE_BYTES)?;
                cipher.open(nonce, sealed, context)
            }
        }
    }
}

fn number(head: &[u8], at: usize) -> u32 {
    let bytes = head[at..at + 4].try_into().expect("four bytes");
    u32::from_be_bytes(bytes)
}

fn context(head: &[u8], key: &[u8]) -> Vec<u8> {
    [head, key].concat()
}

fn checksum(key: &[u8], envelope: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(&envelope[..CHECKSUM.start]);
    hash.update(&envelope[CHECKSUM.end..]);
    hash.digest()
}

fn note_checksum(context: &[u8], note: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&(context.len() as u64).to_be_bytes());
    hash.update(context);
    hash.update(note);
    hash.digest()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::Label;

    const MAX: usize = 1 << 20;

    fn plain() -> Envelopes {
        Envelopes::new(3, None, MAX)
    }

    fn sealed(key: u8) -> Envelopes {
        Envelopes::new(3, Some(&EncryptionKey::new([key; 32])), MAX)
    }

    fn record() -> impl Strategy<Value = Record> {
        let labels = prop::collection::vec("[a-z]{0,20}", 0..5);
        (
            any::<[u64; 4]>(),
            prop::option::of(0..1_000_000_u64),
            labels,
        )
            .prop_map(
                |([generation, sequence, created, bytes], fresh_for, labels)| Record {
                    generation,
                    sequence,
                    created,
                    bytes,
                    fresh_for: fresh_for.map(Duration::from_millis),
                    labels: labels
                        .into_iter()
                        .map(|tag| Label::Tag(tag.into()))
                        .collect(),
                    ..Record::default()
                },
            )
    }

    /// Bodies that compress and bodies that do not.
    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            (any::<u8>(), 0..5000_usize).prop_map(|(byte, length)| vec![byte; length]),
        ]
    }

    proptest! {
        #[test]
        fn an_entry_comes_back_from_its_envelope(key: Vec<u8>, record in record(), body in body()) {
            for envelopes in [plain(), sealed(1)] {
                let envelope = envelopes.close(&key, &record, &body, None).unwrap();
                let (record_back, body_back) = envelopes.open(&key, &envelope).unwrap();
                prop_assert_eq!(&record_back, &record);
                prop_assert_eq!(&body_back[..], &body[..]);
            }
        }

        #[test]
        fn what_is_changed_cut_or_moved_is_not_read(
            key: Vec<u8>,
            record in record(),
            body in body(),
            place: prop::sample::Index,
            bit in 0..8_u32,
        ) {
            for envelopes in [plain(), sealed(1)] {
                let envelope = envelopes.close(&key, &record, &body, None).unwrap();
                let place = place.index(envelope.len());
                let mut flipped = envelope.clone();
                flipped[place] ^= 1 << bit;
                prop_assert!(envelopes.open(&key, &flipped).is_err());
                prop_assert!(envelopes.open(&key, &envelope[..place]).is_err());
                let mut moved = key.clone();
                moved.push(0);
                prop_assert!(envelopes.open(&moved, &envelope).is_err());
            }
        }

        /// The checksum is made to fit, so that what lies behind it is reached.
        #[test]
        fn senseless_bytes_are_a_fault_and_no_panic(
            key: Vec<u8>,
            mut bytes in prop::collection::vec(any::<u8>(), 0..400),
            coding in 0..5_u8,
        ) {
            let _ = plain().open(&key, &bytes);
            let _ = sealed(1).open(&key, &bytes);
            let _ = plain().open_note(&key, &bytes);
            if bytes.len() >= HEAD {
                bytes[..4].copy_from_slice(&MAGIC);
                bytes[4..8].copy_from_slice(&[VERSION, coding, 0, 0]);
                bytes[8..10].copy_from_slice(&[0, 0]);
                bytes[12..14].copy_from_slice(&[0, 0]);
                bytes[16..19].copy_from_slice(&[0, 0, 0]);
                let checksum = checksum(&key, &bytes).to_be_bytes();
                bytes[CHECKSUM].copy_from_slice(&checksum);
                if let Ok((_, body)) = plain().open(&key, &bytes) {
                    prop_assert!(body.len() <= MAX);
                }
            }
        }
    }

    #[test]
    fn another_encryption_key_or_none_is_a_fault() {
        let envelope = sealed(1)
            .close(b"key", &Record::default(), b"body", None)
            .unwrap();
        assert_eq!(
            sealed(2).open(b"key", &envelope).unwrap_err(),
            Fault::Sealed
        );
        assert_eq!(plain().open(b"key", &envelope).unwrap_err(), Fault::Sealed);
        let envelope = plain()
            .close(b"key", &Record::default(), b"body", None)
            .unwrap();
        assert_eq!(
            sealed(1).open(b"key", &envelope).unwrap_err(),
            Fault::Sealed
        );
    }

    #[test]
    fn a_sealed_envelope_shows_neither_tags_nor_body() {
        let record = Record {
            labels: vec![Label::Tag("customer-7".into())].into(),
            ..Record::default()
        };
        let envelope = sealed(1).close(b"key", &record, b"a secret", None).unwrap();
        let shows = |text: &[u8]| envelope.windows(text.len()).any(|bytes| bytes == text);
        assert!(!shows(b"customer-7") && !shows(b"a secret"));
    }

    #[test]
    fn another_version_is_foreign() {
        let mut envelope = plain()
            .close(b"key", &Record::default(), b"body", None)
            .unwrap();
        envelope[4] = VERSION + 1;
        assert_eq!(plain().open(b"key", &envelope).unwrap_err(), Fault::Foreign);
    }

    #[test]
    fn a_body_that_is_too_large_has_no_envelope() {
        assert_eq!(
            plain().close(b"key", &Record::default(), &vec![0; MAX + 1], None),
            None
        );
    }

    #[test]
    fn a_note_comes_back_only_as_it_was() {
        for envelopes in [plain(), sealed(1)] {
            let note = envelopes.close_note(b"7", b"removed").unwrap();
            assert_eq!(envelopes.open_note(b"7", &note).unwrap(), b"removed");
            assert_eq!(envelopes.open_note(b"8", &note), None);
            let mut flipped = note.clone();
            flipped[9] ^= 1;
            assert_eq!(envelopes.open_note(b"7", &flipped), None);
        }
    }
}
