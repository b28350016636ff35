//! Ours and a peer's job, timed by turns.

use std::fmt::Write as _;

use benches::contenders::Job;
use tooloo_clock::Moment;

/// How often both are made anew: where their memory lies differs each time.
const INSTANCES: usize = 7;

/// How often each of them runs twice in one instance.
const ROUNDS: usize = 13;

/// What an operation of ours and of a peer's took, in nanoseconds, round by round.
#[derive(Debug)]
pub(crate) struct Pair {
    rounds: Vec<(f64, f64)>,
}

impl Pair {
    /// Times both by turns, so that what else the machine does hits both alike.
    pub(crate) fn measure(ours: impl Fn() -> Job, theirs: impl Fn() -> Job) -> Self {
        let mut rounds = Vec::new();
        for _ in 0..INSTANCES {
            let (mut ours, mut theirs) = (ours().warm(), theirs().warm());
            for _ in 0..ROUNDS {
                // Each runs once after itself, with what it needs still in the caches, and once after the other.
                // Told apart, the two would lie so far from each other that a median says little.
                let ours_warm = time(&mut ours);
                let theirs_taken = time(&mut theirs) + time(&mut theirs);
                let ours_taken = ours_warm + time(&mut ours);
                rounds.push((ours_taken / 2.0, theirs_taken / 2.0));
            }
        }
        Self { rounds }
    }

    /// Returns the median of how much of the peer's time ours took in each round.
    pub(crate) fn ratio(&self) -> f64 {
        self.quantiles(|(ours, theirs)| ours / theirs)[1]
    }

    /// Prints a row.
    pub(crate) fn show(&self, name: &str) {
        let [low, middle, high] = self.quantiles(|(ours, theirs)| ours / theirs);
        let mut row = format!("{name:58}");
        for figure in [
            self.quantiles(|(ours, _)| *ours)[1],
            self.quantiles(|(_, theirs)| *theirs)[1],
        ] {
            write!(row, " {figure:>8.1}").expect("a string takes all that is written");
        }
        println!("{row} {middle:>6.3}  {low:.3} to {high:.3}");
    }

    /// Returns the lower quartile, the median and the upper quartile.
    fn quantiles(&self, of: impl Fn(&(f64, f64)) -> f64) -> [f64; 3] {
        let mut figures: Vec<_> = self.rounds.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| figures[figures.len() * quarter / 4])
    }
}

/// Prints what the columns are.
pub(crate) fn title() {
    println!(
        "{:58} {:>8} {:>8} {:>6}  quartiles",
        "nanoseconds an operation", "ours", "peer", "ratio"
    );
}

#[expect(clippy::cast_precision_loss, reason = "operations are some thousands")]
fn time(job: &mut Job) -> f64 {
    let begun = Moment::exact();
    job.run();
    let taken = Moment::exact().saturating_duration_since(begun);
    taken.as_secs_f64() * 1e9 / job.operations() as f64
}
