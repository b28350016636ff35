//! The client's address, where proxies stand in front.

use std::net::{IpAddr, SocketAddr};

use forwarded_header_value::ForwardedHeaderValue;
use http::{HeaderMap, header::FORWARDED};
use ipnet::IpNet;

/// Addresses in a header that are looked at; a longer chain is somebody's game.
const MAX_HOPS: usize = 32;

/// The proxies whose word on a client's address is taken.
///
/// Each proxy appends the address that it was called from. Read from the right, the first address
/// that is no trusted proxy's is the client: what stands left of it, the client wrote itself.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedBy,
}

/// The header that the proxies write. They must write this one: another is the client's to forge.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

impl TrustedProxies {
    /// Trusts the proxies in these networks; none by default.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        Self {
            networks: networks.into_iter().collect(),
            header: ForwardedBy::default(),
        }
    }

    /// Reads the header that the proxies write; `X-Forwarded-For` by default.
    #[must_use]
    pub fn with_header(mut self, header: ForwardedBy) -> Self {
        self.header = header;
        self
    }

    /// Returns the address of the client of a request that came from `peer`.
    ///
    /// A hop that is no address ends the search: the client is then the last one that was.
    #[inline]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if self.networks.is_empty() {
            return peer;
        }
        self.behind(peer, headers)
    }

    fn behind(&self, mut client: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(client) {
            return client;
        }
        let hops = match self.header {
            ForwardedBy::XForwardedFor => x_forwarded_for(headers),
            ForwardedBy::Forwarded => forwarded(headers),
        };
        for hop in hops.into_iter().rev().take(MAX_HOPS) {
            let Some(hop) = hop else { break };
            client = hop.to_canonical();
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// Returns the hops from left to right; one that is no address is `None`.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all("x-forwarded-for").iter();
    values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|hop| address(str::from_utf8(hop).ok()?.trim()))
        .collect()
}

fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = headers.get_all(FORWARDED).iter();
    values
        .flat_map(|value| elements(value.to_str().unwrap_or_default()))
        .map(|element| {
            // Each by itself: what a client wrote must not spoil what a proxy added.
            let parsed = ForwardedHeaderValue::from_forwarded(element).ok()?;
            parsed.iter().next()?.forwarded_for_ip()
        })
        .collect()
}

/// Splits a list at its commas, but for those within quotes.
///
/// From the right, as it is read: a quote that a client left open must not swallow what a proxy added.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let from_the_right = list.rsplit(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    });
    let mut elements: Vec<_> = from_the_right.take(MAX_HOPS).collect();
    elements.reverse();
    elements.into_iter()
}

/// Reads an address, with or without a port, bracketed or not.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| {
        let socket = text.parse::<SocketAddr>().map(|socket| socket.ip());
        socket
            .ok()
            .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::new([
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ])
    }

    fn client(proxies: &TrustedProxies, peer: &str, name: &'static str, values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, value.parse().unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn takes_the_right_most_address_that_is_not_trusted() {
        let told = |peer, values: &[&str]| client(&proxies(), peer, "x-forwarded-for", values);
        assert_eq!(
            told("10.0.0.1", &["1.1.1.1, 203.0.113.7, 10.9.9.9"]),
            "203.0.113.7"
        );
        assert_eq!(
            told("10.0.0.1", &["1.1.1.1", "203.0.113.7:4711"]),
            "203.0.113.7"
        );
        assert_eq!(
            told("10.0.0.1", &["[2001:db9::1]:80, 2001:db8::5"]),
            "2001:db9::1"
        );
        assert_eq!(told("::ffff:10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn believes_nobody_who_is_not_trusted() {
        assert_eq!(
            client(&proxies(), "203.0.113.1", "x-forwarded-for", &["1.1.1.1"]),
            "203.0.113.1"
        );
        assert_eq!(
            client(
                &TrustedProxies::default(),
                "10.0.0.1",
                "x-forwarded-for",
                &["1.1.1.1"]
            ),
            "10.0.0.1"
        );
    }

    #[test]
    fn stops_at_a_hop_that_is_no_address() {
        let told = |values: &[&str]| client(&proxies(), "10.0.0.1", "x-forwarded-for", values);
        assert_eq!(told(&["1.1.1.1, unknown, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(told(&["1.1.1.1,"]), "10.0.0.1");
        assert_eq!(told(&[]), "10.0.0.1");
    }

    #[test]
    fn reads_only_the_header_that_the_proxies_write() {
        let standard = proxies().with_header(ForwardedBy::Forwarded);
        assert_eq!(
            client(&standard, "10.0.0.1", "x-forwarded-for", &["1.1.1.1"]),
            "10.0.0.1"
        );
        let told = |value: &str| client(&standard, "10.0.0.1", "forwarded", &[value]);
        assert_eq!(
            told("for=1.1.1.1;proto=https, for=\"203.0.113.7:80\""),
            "203.0.113.7"
        );
        assert_eq!(told("for=\"[2001:db9::7]\", for=10.1.1.1"), "2001:db9::7");
        assert_eq!(told("for=_hidden"), "10.0.0.1");
        assert_eq!(told("nonsense"), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn what_a_client_claims_in_forwarded_never_changes_who_it_is(claims in "[a-z0-9=;:, \"]{0,60}") {
            let standard = proxies().with_header(ForwardedBy::Forwarded);
            let forged = format!("{claims}, for=203.0.113.7");
            prop_assert_eq!(client(&standard, "10.0.0.1", "forwarded", &[&forged]), "203.0.113.7");
        }

        #[test]
        fn what_a_client_claims_never_changes_who_it_is(claims in "[0-9a-f.:, ]{0,60}") {
            let honest = client(&proxies(), "10.0.0.1", "x-forwarded-for", &["203.0.113.7"]);
            let forged = format!("{claims},203.0.113.7");
            prop_assert_eq!(client(&proxies(), "10.0.0.1", "x-forwarded-for", &[&forged]), honest);
        }
    }
}
