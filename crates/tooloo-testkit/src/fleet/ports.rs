//! Free ports for a whole fleet.

use std::{
    collections::HashSet,
    fs,
    net::{Ipv4Addr, TcpListener},
    sync::{LazyLock, Mutex, PoisonError},
};

use super::PARTS;

const ATTEMPTS: usize = 1000;
const LOWEST: u16 = 10_000;
/// Where Linux starts to give ports to outgoing connections unless told otherwise.
const FIRST_EPHEMERAL: u16 = 32_768;

static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// Finds a base port whose whole fleet of ports is free, and gives it to nobody else in this process.
///
/// The ports lie below those that the system gives to outgoing connections: a fleet that is
/// killed and started again finds them free still.
///
/// # Panics
///
/// Panics where none is found.
pub fn free_base_port() -> u16 {
    let span = PARTS
        .iter()
        .map(|(_, offset)| offset)
        .max()
        .expect("the fleet has parts")
        + 1;
    let highest = first_ephemeral() - span;
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..ATTEMPTS {
        let base = fastrand::u16(LOWEST / span..highest / span) * span;
        let free =
            (base..base + span).all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok());
        if free && given.insert(base) {
            return base;
        }
    }
    panic!("no {span} neighbouring ports are free");
}

fn first_ephemeral() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range
        .split_whitespace()
        .next()
        .and_then(|first| first.parse().ok());
    first
        .filter(|first| *first > 2 * LOWEST)
        .unwrap_or(FIRST_EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_every_caller_ports_of_its_own() {
        let bases: HashSet<_> = (0..50).map(|_| free_base_port()).collect();
        assert_eq!(bases.len(), 50);
        let mut ports = HashSet::new();
        for base in bases {
            assert!(PARTS.iter().all(|(_, offset)| ports.insert(base + offset)));
        }
    }
}
