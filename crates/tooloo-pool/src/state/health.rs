//! What the pool thinks of the other end, and how patiently it tries again.

use std::time::Duration;

/// What failures and successes say of the connections that are there.
///
/// A connection carries the epoch in which it was last known to be good, and the generation it was made in.
#[derive(Debug)]
pub(crate) struct Health {
    state: Opinion,
    epoch: u32,
    generation: u32,
    // To connect, one after the other.
    failures: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Opinion {
    Good,
    /// One connection is broken: the others are checked before they are lent.
    Suspect,
    /// The other end is gone or was: what was made before is closed.
    Down,
}

/// How a connection showed that it is of no use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// It is closed, or answered with an error.
    Broken,
    /// It did not answer in time.
    Silent,
}

impl Health {
    pub(crate) const fn new() -> Self {
        Self {
            state: Opinion::Good,
            epoch: 0,
            generation: 0,
            failures: 0,
        }
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes note of a connection that failed; returns whether all that were made before have to go.
    ///
    /// One failure may be that connection's own, so it makes the others suspect; a second one before any
    /// success, or silence, is the other end's.
    pub(crate) fn failed(&mut self, generation: u32, failure: Failure) -> bool {
        // One of an older generation tells what is known.
        if generation != self.generation {
            return false;
        }
        if self.state == Opinion::Good && failure == Failure::Broken {
            self.state = Opinion::Suspect;
            self.epoch = self.epoch.wrapping_add(1);
            return false;
        }
        self.bump();
        true
    }

    /// Takes note of a failure to connect; returns whether all connections have to go.
    pub(crate) fn connect_failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        let down = self.state == Opinion::Suspect;
        if down {
            self.bump();
        }
        down
    }

    /// Takes note of a good check, or of a new connection.
    pub(crate) fn succeeded(&mut self) {
        self.state = Opinion::Good;
        self.failures = 0;
    }

    /// Begins a generation: all connections that were made before have to go.
    pub(crate) fn bump(&mut self) {
        self.state = Opinion::Down;
        self.generation = self.generation.wrapping_add(1);
    }

    /// Returns how long to wait before the next attempt to connect, a part of it by `random`, which is below 1.
    pub(crate) fn backoff(&self, first: Duration, longest: Duration, random: f64) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(30);
        let whole = first.saturating_mul(1 << doublings).min(longest);
        whole.mul_f64(0.5 + random / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_failure_or_silence_condemns_a_generation() {
        let mut health = Health::new();
        assert!(!health.failed(0, Failure::Broken));
        assert_eq!((health.epoch(), health.generation()), (1, 0));
        assert!(health.failed(0, Failure::Broken));
        assert_eq!(health.generation(), 1);
        assert!(
            !health.failed(0, Failure::Silent),
            "an old one says nothing new"
        );
        health.succeeded();
        assert!(health.failed(1, Failure::Silent));
    }

    #[test]
    fn a_success_between_two_failures_spares_the_others() {
        let mut health = Health::new();
        for _ in 0..3 {
            assert!(!health.failed(0, Failure::Broken));
            health.succeeded();
        }
        assert_eq!((health.epoch(), health.generation()), (3, 0));
    }

    #[test]
    fn a_failure_to_connect_condemns_only_what_is_suspect() {
        let mut health = Health::new();
        assert!(!health.connect_failed());
        assert!(!health.failed(0, Failure::Broken));
        assert!(health.connect_failed());
    }

    #[test]
    fn waits_double_up_to_the_longest_and_differ_by_half() {
        let mut health = Health::new();
        let (first, longest) = (Duration::from_millis(10), Duration::from_millis(200));
        let mut waits = Vec::new();
        for _ in 0..40 {
            health.connect_failed();
            waits.push(health.backoff(first, longest, 1.0).as_millis());
        }
        assert_eq!(waits[..6], [10, 20, 40, 80, 160, 200]);
        assert_eq!(waits[39], 200);
        assert_eq!(health.backoff(first, longest, 0.0).as_millis(), 100);
        health.succeeded();
        health.connect_failed();
        assert_eq!(health.backoff(first, longest, 1.0), first);
    }
}
