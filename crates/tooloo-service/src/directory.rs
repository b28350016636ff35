//! The fleet's address book: which service answers on which port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::uri::{self, PathAndQuery, Scheme, Uri};

/// The port that all others are counted from.
pub const BASE_PORT: u16 = 3000;

/// How far above the base port the fleet's last default port lies.
pub(crate) const SPAN: u16 = 10;

/// A service's name and default port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// The service's name, which is also its table in the configuration file.
    pub name: &'static str,
    /// The port it answers on where nothing else is set.
    pub port: u16,
}

/// The services of the fleet. Whoever calls others stands before those it calls.
pub const SERVICES: [Entry; 8] = [
    entry("web", 3000),
    entry("capabilities", 3009),
    entry("reports", 3008),
    entry("coach", 3004),
    entry("meta", 3002),
    entry("segmentation", 3007),
    entry("budget", 3003),
    entry("training", 3001),
];

/// Tables of the configuration file that belong to none of the services: the fleet's own, and that of
/// the simulated model provider.
pub(crate) const OTHER_TABLES: [&str; 2] = ["fleet", "simulator"];

const fn entry(name: &'static str, port: u16) -> Entry {
    Entry { name, port }
}

/// Finds a service by name.
pub fn find(name: &str) -> Option<Entry> {
    SERVICES.into_iter().find(|entry| entry.name == name)
}

/// Returns the names of the tables that a configuration file may hold.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> + Clone {
    SERVICES.iter().map(|entry| entry.name).chain(OTHER_TABLES)
}

/// Returns where to reach a server that listens on `host` and `port` from the same machine.
pub fn address(host: IpAddr, port: u16) -> Uri {
    let reachable = match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let authority = SocketAddr::new(reachable, port).to_string();
    let mut parts = uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = authority.parse().ok();
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {

    #[test]
    fn reaches_a_wildcard_server_over_loopback() {
        let address = |host: &str| super::address(host.parse().unwrap(), 80).to_string();
        assert_eq!(address("0.0.0.0"), "http://127.0.0.1:80/");
        assert_eq!(address("::"), "http://[::1]:80/");
        assert_eq!(address("10.1.2.3"), "http://10.1.2.3:80/");
    }
}
