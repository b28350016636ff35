//! Instructions of rate limits and circuit breakers beside their peers'.

use std::io;

use benches::{Bound, Counts, REQUESTS, contenders::OPERATIONS};

/// Prints what was counted, and returns the bounds on the HTTP layer.
pub(crate) fn show(counts: &Counts) -> io::Result<Vec<Bound>> {
    let mut counted: Vec<_> = counts.0.iter().collect();
    counted.sort_by_key(|count| (&count.group, count.instructions));
    println!("\n{:58} {:>8}", "instructions an operation", "");
    for count in counted {
        let name = format!("{}, {}", count.group, count.name.replace('_', " "));
        println!("{name:58} {:>8}", each(&count.group, count.instructions));
    }
    let bare = counts.find("http", "bare")?;
    let over_bare = |name| {
        let counted = counts.find("http", name)?.saturating_sub(bare);
        Ok::<_, io::Error>(each("http", counted))
    };
    println!();
    let mut bounds = Vec::new();
    for (ours, peer, measure) in [
        (
            "ours",
            "tower_governor_with_headers",
            Some("http-instructions-over-tower-governor"),
        ),
        // As many headers as the peer's.
        ("ours_with_two_headers", "tower_governor_with_headers", None),
        ("ours_without_headers", "tower_governor", None),
    ] {
        let (our, their) = (over_bare(ours)?, over_bare(peer)?);
        let ratio = f64::from(our) / f64::from(their);
        println!(
            "over a bare router: {} {our}, {} {their}, ratio {ratio:.3}",
            ours.replace('_', " "),
            peer.replace('_', " ")
        );
        bounds.extend(measure.map(|measure| Bound::new(measure, ratio, 0.5)));
    }
    Ok(bounds)
}

/// Returns what one operation took.
fn each(group: &str, instructions: u64) -> u32 {
    let operations = if group == "http" {
        REQUESTS
    } else {
        OPERATIONS
    };
    u32::try_from(instructions / operations as u64).unwrap_or(u32::MAX)
}
