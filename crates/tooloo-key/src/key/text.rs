//! A text that is in place where it is short.

use std::{
    hash::{Hash, Hasher},
    net::Ipv4Addr,
    sync::Arc,
};

/// Bytes that stand in place: with them a text takes four words.
const SHORT: usize = 30;

/// What each octet of an address is written as, with a dot, and how long that is.
static OCTETS: [([u8; 4], u8); 256] = octets();

/// A text. Whether it is in place depends on its length alone, so that equal ones look alike.
#[derive(Clone, Eq, PartialEq)]
pub(super) enum Text {
    Short {
        len: u8,
        // Zeros beyond the length.
        bytes: [u8; SHORT],
    },
    Long(Arc<str>),
}

impl Text {
    /// Writes an address as its `Display` does.
    pub(super) fn of_ipv4(address: Ipv4Addr) -> Self {
        let (mut end, mut bytes) = (0, [0; SHORT]);
        for octet in address.octets() {
            let (digits, len) = OCTETS[usize::from(octet)];
            bytes[end..end + digits.len()].copy_from_slice(&digits);
            end += usize::from(len);
        }
        // The last dot.
        bytes[end - 1] = 0;
        Self::short(end - 1, bytes)
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(text) => text.as_bytes(),
        }
    }

    fn short(len: usize, bytes: [u8; SHORT]) -> Self {
        let len = u8::try_from(len).expect("a short text has at most 30 bytes");
        Self::Short { len, bytes }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::short(0, [0; SHORT])
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match bytes.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self::short(text.len(), bytes)
            }
            None => Self::Long(text.into()),
        }
    }
}

impl Hash for Text {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As the bytes of a text: the end keeps pairs of texts apart.
        state.write(self.as_bytes());
        state.write_u8(0xff);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the index is an octet")]
const fn octets() -> [([u8; 4], u8); 256] {
    let mut octets = [([0; 4], 0); 256];
    let mut octet = 0;
    while octet < octets.len() {
        let (a, b, c) = (octet / 100, octet / 10 % 10, octet % 10);
        let (a, b, c) = (b'0' + a as u8, b'0' + b as u8, b'0' + c as u8);
        octets[octet] = match octet {
            0..10 => ([c, b'.', 0, 0], 2),
            10..100 => ([b, c, b'.', 0], 3),
            _ => ([a, b, c, b'.'], 4),
        };
        octet += 1;
    }
    octets
}
