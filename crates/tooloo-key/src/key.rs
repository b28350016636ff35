//! The name of a caller.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// A name that requests are grouped by: a client, a route, an upstream.
///
/// Clones share the text.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Key(Arc<str>);

/// How many leading bits of an IPv6 address name one client; 64 by default, what one site has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ipv6Prefix(u8);

impl Key {
    /// Names a client by its address.
    ///
    /// An IPv6 address counts by its prefix, since one client has many; an IPv4 address that is
    /// mapped into IPv6 counts as itself, or all of IPv4 would be one client.
    pub fn client(address: IpAddr, prefix: Ipv6Prefix) -> Self {
        let text = match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) if prefix.0 == 128 => address.to_string(),
            IpAddr::V6(address) => format!("{}/{}", prefix.network(address), prefix.0),
        };
        Self(text.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
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
}

impl Default for Ipv6Prefix {
    fn default() -> Self {
        Self(64)
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

impl From<String> for Key {
    fn from(name: String) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
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
}
