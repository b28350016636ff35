//! How long to leave training alone after it failed.

use std::time::Duration;

/// The wait after a first failure.
const FIRST: Duration = Duration::from_secs(1);

/// Returns the wait after so many failures in a row: it doubles, up to `longest`.
pub(crate) fn wait(failures: u32, longest: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(30);
    FIRST.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_wait() {
        let longest = Duration::from_secs(60);
        let waits: Vec<u64> = (1..=8)
            .map(|failures| wait(failures, longest).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(u32::MAX, longest), longest);
    }
}
