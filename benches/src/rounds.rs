//! Times of contenders that take turns, on one clock.

use std::{fmt, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// What each contender took, round by round.
#[derive(Debug)]
pub struct Rounds {
    title: String,
    clock: ClockId,
    // In nanoseconds an operation.
    times: Vec<(&'static str, Vec<f64>)>,
}

impl Rounds {
    /// Makes rounds in which nothing has been timed yet.
    pub fn new(title: impl Into<String>, clock: ClockId) -> Self {
        Self {
            title: title.into(),
            clock,
            times: Vec::new(),
        }
    }

    /// Times one turn of a contender.
    pub fn time(&mut self, name: &'static str, operations: usize, turn: impl FnOnce()) {
        let start = read(self.clock);
        turn();
        self.add(name, operations, read(self.clock).saturating_sub(start));
    }

    /// Returns the middle one of the ratios of all rounds.
    ///
    /// # Panics
    ///
    /// Panics where one of the two has had no turn.
    pub fn ratio(&self, one: &str, other: &str) -> f64 {
        let pairs = self.of(one).iter().zip(self.of(other));
        middle(pairs.map(|(one, other)| one / other).collect())
    }

    fn add(&mut self, name: &'static str, operations: usize, time: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a mean over many")]
        let each = time.as_nanos() as f64 / operations as f64;
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
