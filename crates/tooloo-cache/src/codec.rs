//! How a value becomes bytes and comes back.

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use crate::CodecError;

/// Makes bytes of a value, and a value of bytes.
///
/// It runs on a tier's own thread or task, never under a lock. What it cannot read is a miss.
pub trait Codec<V>: Send + Sync + 'static {
    /// Appends the value's bytes to `out`.
    ///
    /// # Errors
    ///
    /// Returns an error where the value has no bytes; it is then kept in memory only.
    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError>;

    /// Returns the value that these bytes are of.
    ///
    /// # Errors
    ///
    /// Returns an error where they are of none.
    fn decode(&self, bytes: Bytes) -> Result<V, CodecError>;
}

/// Keeps values that serde knows, in the [postcard](https://postcard.jamesmunns.com/wire-format) format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postcard;

/// Keeps values that are bytes, such as [`Bytes`] or `Arc<[u8]>`, as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw;

impl<V: Serialize + DeserializeOwned> Codec<V> for Postcard {
    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let taken = std::mem::take(out);
        *out = postcard::to_extend(value, taken).map_err(CodecError::new)?;
        Ok(())
    }

    fn decode(&self, bytes: Bytes) -> Result<V, CodecError> {
        postcard::from_bytes(&bytes).map_err(CodecError::new)
    }
}

impl<V: AsRef<[u8]> + From<Vec<u8>>> Codec<V> for Raw {
    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError> {
        out.extend_from_slice(value.as_ref());
        Ok(())
    }

    fn decode(&self, bytes: Bytes) -> Result<V, CodecError> {
        Ok(Vec::from(bytes).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_from_its_bytes() {
        let mut out = Vec::new();
        let value = (7_u32, "seven".to_owned());
        Postcard.encode(&value, &mut out).unwrap();
        let back: (u32, String) = Postcard.decode(out.into()).unwrap();
        assert_eq!(back, value);
        let mut out = Vec::new();
        Raw.encode(&Bytes::from_static(b"seven"), &mut out).unwrap();
        let back: Bytes = Raw.decode(out.into()).unwrap();
        assert_eq!(back, "seven");
    }

    #[test]
    fn foreign_bytes_are_an_error() {
        let back: Result<(u32, String), _> = Postcard.decode(Bytes::from_static(b"\xff"));
        assert!(back.is_err());
    }
}
