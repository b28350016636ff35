//! zstd, with and without a dictionary, and gzip for reading.

use std::{
    io::Read,
    sync::{Mutex, PoisonError},
};

use flate2::read::GzDecoder;
use zstd::zstd_safe::{CCtx, DCtx, compress_bound};

use super::dictionary::Dictionary;

/// Bodies shorter than this are left alone: there is nothing to gain.
const WORTH_IT: usize = 64;

/// Contexts that are kept for the next call; more calls at once make their own.
const KEPT_CONTEXTS: usize = 8;

/// How a body is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Coding {
    Plain = 0,
    Zstd = 1,
    ZstdWithDictionary = 2,
    /// Never written: for reading only.
    Gzip = 3,
}

/// Compresses and decompresses, and keeps the large contexts that zstd needs for it.
pub(crate) struct Compression {
    level: i32,
    decompressors: Mutex<Vec<DCtx<'static>>>,
    compressors: Mutex<Vec<CCtx<'static>>>,
}

impl Compression {
    pub(crate) fn new(level: i32) -> Self {
        Self {
            level,
            decompressors: Mutex::default(),
            compressors: Mutex::default(),
        }
    }

    /// Returns the body as it is smallest; `None` where that is as it is.
    pub(crate) fn compress(
        &self,
        plain: &[u8],
        dictionary: Option<&Dictionary>,
    ) -> Option<(Coding, Vec<u8>)> {
        if plain.len() < WORTH_IT {
            return None;
        }
        let mut out = Vec::with_capacity(compress_bound(plain.len()));
        let mut context = take(&self.compressors).unwrap_or_else(CCtx::create);
        let (coding, result) = if let Some(dictionary) = dictionary {
            let result = context.compress_using_cdict(&mut out, plain, dictionary.writing());
            (Coding::ZstdWithDictionary, result)
        } else {
            (Coding::Zstd, context.compress(&mut out, plain, self.level))
        };
        give_back(&self.compressors, context);
        result.ok()?;
        // A few percent are not worth the reader's time.
        (out.len() < plain.len() - plain.len() / 16).then_some((coding, out))
    }

    /// Returns the plain body of exactly this length; `None` where the bytes are no such body.
    pub(crate) fn decompress(
        &self,
        coding: Coding,
        bytes: &[u8],
        length: usize,
        dictionary: Option<&Dictionary>,
    ) -> Option<Vec<u8>> {
        let plain = match coding {
            Coding::Plain => bytes.to_vec(),
            Coding::Gzip => {
                let mut plain = Vec::new();
                let most = u64::try_from(length).ok()?.saturating_add(1);
                let mut decoder = GzDecoder::new(bytes).take(most);
                decoder.read_to_end(&mut plain).ok()?;
                plain
            }
            Coding::Zstd | Coding::ZstdWithDictionary => {
                let mut plain = Vec::with_capacity(length);
                let mut context = take(&self.decompressors).unwrap_or_else(DCtx::create);
                let result = match (coding, dictionary) {
                    (Coding::ZstdWithDictionary, None) => return None,
                    (Coding::ZstdWithDictionary, Some(dictionary)) => {
                        context.decompress_using_ddict(&mut plain, bytes, dictionary.reading())
                    }
                    _ => context.decompress(&mut plain, bytes),
                };
                give_back(&self.decompressors, context);
                result.ok()?;
                plain
            }
        };
        (plain.len() == length).then_some(plain)
    }
}

impl TryFrom<u8> for Coding {
    type Error = ();

    fn try_from(byte: u8) -> Result<Self, ()> {
        [
            Self::Plain,
            Self::Zstd,
            Self::ZstdWithDictionary,
            Self::Gzip,
        ]
        .into_iter()
        .find(|coding| *coding as u8 == byte)
        .ok_or(())
    }
}

fn take<T>(kept: &Mutex<Vec<T>>) -> Option<T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn give_back<T>(kept: &Mutex<Vec<T>>, context: T) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < KEPT_CONTEXTS {
        kept.push(context);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let compression = Compression::new(3);
        let plain = b"over and over ".repeat(100);
        let (coding, small) = compression.compress(&plain, None).unwrap();
        assert_eq!(coding, Coding::Zstd);
        assert!(small.len() * 10 < plain.len());
        let back = compression.decompress(coding, &small, plain.len(), None);
        assert_eq!(back.unwrap(), plain);
    }

    #[test]
    fn what_does_not_shrink_stays_as_it_is() {
        let mut random = fastrand::Rng::with_seed(7);
        let noise: Vec<u8> = (0..1000).map(|_| random.u8(..)).collect();
        let compression = Compression::new(3);
        assert_eq!(compression.compress(&noise, None), None);
        assert_eq!(compression.compress(b"short", None), None);
    }

    #[test]
    fn gzip_is_read_and_bounded() {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&vec![b'a'; 1_000_000]).unwrap();
        let bomb = encoder.finish().unwrap();
        let compression = Compression::new(3);
        let read = |length| compression.decompress(Coding::Gzip, &bomb, length, None);
        assert_eq!(read(1_000_000).unwrap().len(), 1_000_000);
        assert_eq!(read(1000), None);
    }

    #[test]
    fn a_longer_body_than_announced_is_none() {
        let compression = Compression::new(3);
        let (coding, small) = compression.compress(&[b'a'; 5000], None).unwrap();
        assert_eq!(compression.decompress(coding, &small, 4999, None), None);
        assert_eq!(compression.decompress(coding, &small, 5001, None), None);
    }
}
