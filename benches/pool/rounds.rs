//! Times of contenders that take turns.

use std::{fmt, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// What each contender took, round by round.
pub(crate) struct Rounds {
    title: String,
    // In nanoseconds a lease.
    times: Vec<(&'static str, Vec<f64>)>,
}

impl Rounds {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            times: Vec::new(),
        }
    }

    /// Times one turn of a contender, in processor time: what other programs do meanwhile does not count.
    pub(crate) fn time(&mut self, name: &'static str, leases: usize, turn: impl FnOnce()) {
        let start = read(ClockId::ProcessCPUTime);
        turn();
        self.add(name, leases, read(ClockId::ProcessCPUTime) - start);
    }

    /// Times one turn of a contender on the clock.
    pub(crate) fn time_on_the_clock(
        &mut self,
        name: &'static str,
        leases: usize,
        turn: impl FnOnce(),
    ) {
        let start = read(ClockId::Monotonic);
        turn();
        self.add(name, leases, read(ClockId::Monotonic) - start);
    }

    /// Returns the middle one of the ratios of all rounds.
    pub(crate) fn ratio(&self, one: &str, other: &str) -> f64 {
        let pairs = self.of(one).iter().zip(self.of(other));
        middle(pairs.map(|(one, other)| one / other).collect())
    }

    fn add(&mut self, name: &'static str, leases: usize, time: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a mean over many leases")]
        let each = time.as_nanos() as f64 / leases as f64;
        match self.times.iter_mut().find(|(other, _)| *other == name) {
            Some((_, times)) => times.push(each),
            None => self.times.push((name, vec![each])),
        }
    }

    fn of(&self, name: &str) -> &[f64] {
        let mut times = self.times.iter();
        let times = times.find(|(other, _)| *other == name);
        &times.expect("every contender has had its turns").1
    }
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for (name, times) in &self.times {
            writeln!(f, "  {name:26} {:>9.1}", middle(times.clone()))?;
        }
        Ok(())
    }
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}
