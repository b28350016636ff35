//! Encryption at rest: XChaCha20-Poly1305 with a random nonce for each envelope.

use std::{error, fmt, str::FromStr};

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, Generate, KeyInit, Payload},
};
use serde::Deserialize;

pub(crate) const NONCE_BYTES: usize = 24;

/// A key of 256 bits that entries outside of memory are encrypted with.
///
/// In settings it is written as 64 hexadecimal digits; it is never shown.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct EncryptionKey([u8; 32]);

/// What should be a key is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct InvalidKey;

/// Seals bytes, and opens what was sealed with the same key.
#[derive(Clone)]
pub(crate) struct Cipher(XChaCha20Poly1305);

impl EncryptionKey {
    /// Takes the key's bytes; they are to be random.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Cipher {
    pub(crate) fn new(key: &EncryptionKey) -> Self {
        Self(XChaCha20Poly1305::new(&key.0.into()))
    }

    /// Returns the nonce and the sealed bytes; `context` is no part of them, and is needed to open them.
    pub(crate) fn seal(
        &self,
        plain: &[u8],
        context: &[u8],
    ) -> Option<([u8; NONCE_BYTES], Vec<u8>)> {
        let nonce = XNonce::try_generate().ok()?;
        let payload = Payload {
            msg: plain,
            aad: context,
        };
        let sealed = self.0.encrypt(&nonce, payload).ok()?;
        Some((nonce.into(), sealed))
    }

    /// Returns the plain bytes, unless anything was sealed otherwise or changed since.
    pub(crate) fn open(&self, nonce: &[u8], sealed: &[u8], context: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload {
            msg: sealed,
            aad: context,
        };
        self.0.decrypt(&nonce.try_into().ok()?, payload).ok()
    }
}

impl FromStr for EncryptionKey {
    type Err = InvalidKey;

    fn from_str(digits: &str) -> Result<Self, InvalidKey> {
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(InvalidKey);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let pair = &digits[index * 2..index * 2 + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| InvalidKey)?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for EncryptionKey {
    type Error = InvalidKey;

    fn try_from(digits: String) -> Result<Self, InvalidKey> {
        digits.parse()
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey")
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher")
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key is 64 hexadecimal digits")
    }
}

impl error::Error for InvalidKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_context_open_what_is_sealed() {
        let cipher = Cipher::new(&EncryptionKey::new([7; 32]));
        let (nonce, mut sealed) = cipher.seal(b"plain", b"context").unwrap();
        assert_eq!(cipher.open(&nonce, &sealed, b"context").unwrap(), b"plain");
        assert_eq!(cipher.open(&nonce, &sealed, b"another"), None);
        let other = Cipher::new(&EncryptionKey::new([8; 32]));
        assert_eq!(other.open(&nonce, &sealed, b"context"), None);
        sealed[0] ^= 1;
        assert_eq!(cipher.open(&nonce, &sealed, b"context"), None);
    }

    #[test]
    fn a_key_is_64_digits_and_never_shown() {
        let key: EncryptionKey = "0f".repeat(32).parse().unwrap();
        assert_eq!(key, EncryptionKey::new([15; 32]));
        assert_eq!(format!("{key:?}"), "EncryptionKey");
        for bad in ["", "0f", &"0g".repeat(32), &"é".repeat(32)] {
            assert_eq!(bad.parse::<EncryptionKey>(), Err(InvalidKey));
        }
    }
}
