//! What the stacks of a benchmark cost, side by side, and whether that keeps the bounds.

use std::{fmt, io, path::Path};

use crate::{
    Bound, Counts, REQUESTS,
    counts::{Count, missing},
};

/// What the trace layer may add to a request at the most.
const MAX_OVER_BARE: u64 = 3_500;

/// The instructions a request takes in each stack of a benchmark, the cheapest first.
#[derive(Debug)]
pub struct Report {
    stacks: Vec<Stack>,
    bounds: Vec<Bound>,
}

#[derive(Debug)]
struct Stack {
    // The benchmark function it was given to: `bare`, `layer` or `peer`.
    group: String,
    name: String,
    // Of one request.
    instructions: u64,
    over_bare: u64,
}

impl Report {
    /// Reads the summaries that gungraun left of the benchmark `trace` in a folder.
    ///
    /// # Errors
    ///
    /// Returns an error where there are none, one is not understood, or a stack is missing.
    pub fn read(folder: &Path) -> io::Result<Self> {
        Self::new(Counts::read(folder)?)
    }

    /// Returns whether every bound is kept.
    pub fn holds(&self) -> bool {
        self.bounds.iter().all(Bound::holds)
    }

    fn new(counts: Counts) -> io::Result<Self> {
        let mut stacks: Vec<_> = counts.0.into_iter().map(Stack::from).collect();
        let bare = find(&stacks, "bare", "router")?.instructions;
        for stack in &mut stacks {
            stack.over_bare = stack.instructions.saturating_sub(bare);
        }
        stacks.sort_by(|a, b| (a.instructions, &a.name).cmp(&(b.instructions, &b.name)));

        let ours = find(&stacks, "layer", "tenth")?.over_bare;
        let peers = stacks.iter().filter(|stack| stack.group == "peer");
        let least = peers.map(|peer| peer.over_bare).min();
        let least = least.ok_or_else(|| missing("peer", "any"))?;
        let bound = |measure: &str, most| Bound::new(measure, real(ours), real(most));
        let bounds = vec![
            bound("trace-instructions-over-bare", MAX_OVER_BARE),
            bound("trace-below-every-peer", least.saturating_sub(1)),
        ];
        Ok(Self { stacks, bounds })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:54} {:>12} {:>9} {:>6}",
            "stack", "instructions", "over bare", "times"
        )?;
        for stack in &self.stacks {
            let name = format!("{} {}", stack.group, stack.name);
            let times = real(stack.instructions) / real(stack.instructions - stack.over_bare);
            writeln!(
                f,
                "{name:54} {:>12} {:>+9} {times:>6.2}",
                stack.instructions, stack.over_bare
            )?;
        }
        self.bounds
            .iter()
            .try_for_each(|bound| writeln!(f, "{bound}"))
    }
}

impl From<Count> for Stack {
    fn from(count: Count) -> Self {
        Self {
            group: count.group,
            name: count.name,
            instructions: count.instructions / REQUESTS as u64,
            over_bare: 0,
        }
    }
}

fn find<'a>(stacks: &'a [Stack], group: &str, name: &str) -> io::Result<&'a Stack> {
    let found = stacks
        .iter()
        .find(|stack| stack.group == group && stack.name == name);
    found.ok_or_else(|| missing(group, name))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of instructions are far below what is exact"
)]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(group: &str, name: &str, instructions: u64) -> Count {
        let counted = instructions * REQUESTS as u64;
        let summary = json!({
            "function_name": group,
            "id": name,
            "profiles": [{"data": {"total": {"metrics": {"Ir": {"values": {"new": counted}}}}}}],
        });
        Count::read(&summary.to_string()).unwrap()
    }

    fn report(layer: u64, peer: u64) -> Report {
        let stacks = [
            ("layer", "tenth", layer),
            ("peer", "slow", 40_000),
            ("peer", "quick", peer),
            ("bare", "router", 10_000),
        ];
        let counts = stacks.map(|(group, name, instructions)| count(group, name, instructions));
        Report::new(Counts(counts.into())).unwrap()
    }

    #[test]
    fn a_layer_that_costs_little_and_less_than_its_peers_keeps_the_bounds() {
        let report = report(13_500, 13_501);
        assert!(report.holds());
        let text = report.to_string();
        assert!(
            text.contains("ok    trace-instructions-over-bare 3500 3500\n"),
            "{text}"
        );
        assert!(
            text.contains("ok    trace-below-every-peer 3500 3500\n"),
            "{text}"
        );
        assert!(text.contains("4.00"), "{text}");
    }

    #[test]
    fn a_layer_that_costs_too_much_is_short_of_the_first_bound() {
        let report = report(13_501, 13_502);
        assert!(!report.holds());
        let text = report.to_string();
        assert!(
            text.contains("short trace-instructions-over-bare 3501 3500\n"),
            "{text}"
        );
        assert!(
            text.contains("ok    trace-below-every-peer 3501 3501\n"),
            "{text}"
        );
    }

    #[test]
    fn a_layer_that_costs_as_much_as_a_peer_is_short_of_the_second() {
        let report = report(13_000, 13_000);
        assert!(!report.holds());
        let text = report.to_string();
        assert!(
            text.contains("short trace-below-every-peer 3000 2999\n"),
            "{text}"
        );
    }

    #[test]
    fn what_was_not_counted_is_an_error_that_names_it() {
        let error = Report::new(Counts(vec![count("bare", "router", 1)])).unwrap_err();
        assert!(error.to_string().contains("layer tenth"), "{error}");
    }
}
