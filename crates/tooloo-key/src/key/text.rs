//! A text that is in place where it is short.

use std::{
    hash::{Hash, Hasher},
    net::Ipv4Addr,
    sync::Arc,
};

/// Bytes that stand in place: with them a text takes four words.
const SHORT: usize = 30;

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
        let (mut len, mut bytes) = (0, [0; SHORT]);
        let mut push = |byte| {
            bytes[len] = byte;
            len += 1;
        };
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                push(b'.');
            }
            if octet >= 100 {
                push(b'0' + octet / 100);
            }
            if octet >= 10 {
                push(b'0' + octet / 10 % 10);
            }
            push(b'0' + octet % 10);
        }
        Self::short(len, bytes)
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
