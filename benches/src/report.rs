//! What the stacks of a benchmark cost, side by side, and whether that keeps the bounds.

use std::{
    fmt, fs,
    io::{self, ErrorKind},
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

use crate::REQUESTS;

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

#[derive(Debug)]
struct Bound {
    measure: &'static str,
    figure: u64,
    // The largest figure that keeps it.
    most: u64,
}

/// The part of gungraun's summary that says what was run and what it took.
#[derive(Deserialize)]
struct Summary {
    function_name: String,
    id: String,
    profiles: Vec<Value>,
}

impl Report {
    /// Reads the summaries that gungraun left of the benchmark `trace` in a folder.
    ///
    /// # Errors
    ///
    /// Returns an error where there are none, one is not understood, or a stack is missing.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut stacks = Vec::new();
        for entry in fs::read_dir(folder)? {
            let file = entry?.path().join("summary.json");
            if file.is_file() {
                stacks.push(Stack::read(&fs::read_to_string(file)?)?);
            }
        }
        Self::new(stacks)
    }

    /// Returns whether every bound is kept.
    pub fn holds(&self) -> bool {
        self.bounds.iter().all(Bound::holds)
    }

    fn new(mut stacks: Vec<Stack>) -> io::Result<Self> {
        let bare = find(&stacks, "bare", "router")?.instructions;
        for stack in &mut stacks {
            stack.over_bare = stack.instructions.saturating_sub(bare);
        }
        stacks.sort_by(|a, b| (a.instructions, &a.name).cmp(&(b.instructions, &b.name)));

        let ours = find(&stacks, "layer", "tenth")?.over_bare;
        let peers = stacks.iter().filter(|stack| stack.group == "peer");
        let least = peers.map(|peer| peer.over_bare).min();
        let least = least.ok_or_else(|| missing("peer", "any"))?;
        let bounds = vec![
            Bound {
                measure: "trace-instructions-over-bare",
                figure: ours,
                most: MAX_OVER_BARE,
            },
            Bound {
                measure: "trace-below-every-peer",
                figure: ours,
                most: least.saturating_sub(1),
            },
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
            #[expect(clippy::cast_precision_loss, reason = "a ratio is shown")]
            let times = stack.instructions as f64 / (stack.instructions - stack.over_bare) as f64;
            writeln!(
                f,
                "{name:54} {:>12} {:>+9} {times:>6.2}",
                stack.instructions, stack.over_bare
            )?;
        }
        self.bounds.iter().try_for_each(|bound| {
            let verdict = if bound.holds() { "ok" } else { "short" };
            let Bound {
                measure,
                figure,
                most,
            } = bound;
            writeln!(f, "{verdict:5} {measure} {figure} {most}")
        })
    }
}

impl Stack {
    fn read(summary: &str) -> io::Result<Self> {
        let summary: Summary = serde_json::from_str(summary)?;
        let instructions = summary.profiles.first().and_then(|profile| {
            profile
                .pointer("/data/total/metrics/Ir/values/new")
                .and_then(Value::as_u64)
        });
        let Some(instructions) = instructions else {
            let error = format!("no instructions are counted for {}", summary.id);
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        };
        Ok(Self {
            group: summary.function_name,
            name: summary.id,
            instructions: instructions / REQUESTS as u64,
            over_bare: 0,
        })
    }
}

impl Bound {
    fn holds(&self) -> bool {
        self.figure <= self.most
    }
}

fn find<'a>(stacks: &'a [Stack], group: &str, name: &str) -> io::Result<&'a Stack> {
    let found = stacks
        .iter()
        .find(|stack| stack.group == group && stack.name == name);
    found.ok_or_else(|| missing(group, name))
}

fn missing(group: &str, name: &str) -> io::Error {
    let error = format!("there are no figures of {group} {name}: run the benchmark first");
    io::Error::new(ErrorKind::NotFound, error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stack(group: &str, name: &str, instructions: u64) -> Stack {
        let counted = instructions * REQUESTS as u64;
        let summary = json!({
            "function_name": group,
            "id": name,
            "profiles": [{"data": {"total": {"metrics": {"Ir": {"values": {"new": counted}}}}}}],
        });
        Stack::read(&summary.to_string()).unwrap()
    }

    fn report(layer: u64, peer: u64) -> Report {
        let stacks = [
            ("layer", "tenth", layer),
            ("peer", "slow", 40_000),
            ("peer", "quick", peer),
            ("bare", "router", 10_000),
        ];
        Report::new(
            stacks
                .map(|(group, name, count)| stack(group, name, count))
                .into(),
        )
        .unwrap()
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
        let error = Report::new(vec![stack("bare", "router", 1)]).unwrap_err();
        assert!(error.to_string().contains("layer tenth"), "{error}");
        let error =
            Stack::read(r#"{"function_name": "peer", "id": "slow", "profiles": []}"#).unwrap_err();
        assert!(error.to_string().contains("slow"), "{error}");
    }
}
