//! The name of a caller.

mod text;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    io::Write as _,
    net::{IpAddr, Ipv6Addr},
};

use self::text::Text;

/// An IPv6 address and its prefix take no more bytes.
const LONGEST: usize = 48;

/// A name that requests are grouped by: a client, a route, an upstream.
///
/// A short name, of up to 30 bytes, stands in the key itself: those of addresses are never on the heap.
/// Clones of a longer one share its text.
#[derive(Clone, Eq, PartialEq)]
pub struct Key(Text);

/// How many leading bits of an IPv6 address name one client; 64 by default, what one site has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipv6Prefix(u8);

impl Key {
    /// Names a client by its address.
    ///
    /// An IPv6 address counts by its prefix, since one client has many; an IPv4 address that is
    /// mapped into IPv6 counts as itself, or all of IPv4 would be one client.
    pub fn client(address: IpAddr, prefix: Ipv6Prefix) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Text::of_ipv4(address),
            IpAddr::V6(address) => prefix.text(address),
        })
    }

    /// Returns the name.
    ///
    /// # Panics
    ///
    /// Never: a key is made of a text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.0.as_bytes()).expect("a key is made of a text")
    }

    /// Returns the name's bytes: cheaper than the name where it is not shown.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Ipv6Prefix {
    /// Groups by `bits` leading bits, or returns `None` of more than 128.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits <= 128 { Some(Self(bits)) } else { None }
    }

    fn network(self, address: Ipv6Addr) -> Ipv6Addr {
        let host_bits = 128 - u32::from(self.0);
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        Ipv6Addr::from_bits(address.to_bits() & mask)
    }

    fn text(self, address: Ipv6Addr) -> Text {
        let network = self.network(address);
        let mut bytes = [0; LONGEST];
        let mut rest = &mut bytes[..];
        let written = if self.0 == 128 {
            write!(rest, "{network}")
        } else {
            write!(rest, "{network}/{}", self.0)
        };
        written.expect("no address is longer");
        let len = LONGEST - rest.len();
        Text::from(str::from_utf8(&bytes[..len]).expect("it was written as text"))
    }
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self(64)
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self(Text::from(name))
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self(Text::from(name.as_str()))
    }
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.as_str()).finish()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, net::Ipv4Addr};

    use proptest::prelude::*;

    use super::*;

    fn client(address: &str, bits: u8) -> String {
        let prefix = Ipv6Prefix::new(bits).unwrap();
        Key::client(address.parse().unwrap(), prefix).to_string()
    }

    #[test]
    fn groups_ipv6_by_its_prefix() {
        assert_eq!(client("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::/64");
        assert_eq!(client("2001:db8:1:2:3:4:5:6", 56), "2001:db8:1::/56");
        assert_eq!(client("2001:db8::6", 128), "2001:db8::6");
        assert_eq!(client("2001:db8::6", 0), "::/0");
        assert_eq!(Ipv6Prefix::new(129), None);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address() {
        assert_eq!(client("::ffff:192.0.2.7", 64), "192.0.2.7");
        assert_eq!(client("192.0.2.7", 64), "192.0.2.7");
    }

    #[test]
    fn a_key_says_what_it_names() {
        let key = Key::from("ada");
        assert_eq!(format!("{key:?} {key:>5}"), r#"Key("ada")   ada"#);
        assert_eq!(size_of::<Key>(), 32);
    }

    proptest! {
        #[test]
        fn an_address_is_the_key_that_its_text_is(bits in any::<u32>(), wide: u128, prefix in 0..=128_u8) {
            let address = Ipv4Addr::from_bits(bits);
            let key = Key::client(address.into(), Ipv6Prefix::default());
            prop_assert_eq!(&key, &Key::from(address.to_string()));

            let (wide, prefix) = (Ipv6Addr::from_bits(wide), Ipv6Prefix(prefix));
            prop_assume!(wide.to_ipv4_mapped().is_none());
            let key = Key::client(wide.into(), prefix);
            let slash = format!("{}/{}", prefix.network(wide), prefix.0);
            let text = slash.strip_suffix("/128").unwrap_or(&slash);
            prop_assert_eq!(key.as_str(), text);
            prop_assert!(HashSet::from([key]).contains(&Key::from(text)));
        }

        #[test]
        fn keys_are_told_apart_and_ordered_as_texts_are(one in "\\PC{0,40}", other in "\\PC{0,40}") {
            let (a, b) = (Key::from(one.clone()), Key::from(other.as_str()));
            prop_assert_eq!(a.as_str(), &one);
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            prop_assert_eq!(a == b, one == other);
            prop_assert!(HashSet::from([a]).contains(&Key::from(one)));
        }
    }
}
