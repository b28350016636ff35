//! Finds where the topic of a conversation changes, by TextTiling.
//!
//! M. A. Hearst, "TextTiling: Segmenting Text into Multi-paragraph Subtopic Passages",
//! Computational Linguistics 23(1), 1997: compare the words of the block before each gap with
//! those of the block after it, and cut where the similarity is low beside the peaks around it.
//!
//! Hearst compares at fixed steps and then moves each boundary to the closest paragraph break. A
//! conversation's breaks are known beforehand, so here the blocks, of as many token sequences on
//! either side, are laid out from each gap between two messages, and no boundary needs moving.

mod blocks;

use std::ops::RangeInclusive;

use self::blocks::Blocks;
use crate::tokens::Terms;

/// How the similarity curve is made and cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiling {
    /// Terms in a block: token sequences in a block times terms in a sequence.
    pub(crate) block: usize,
    /// Gaps on either side that a smoothed similarity is averaged over.
    pub(crate) smoothing: usize,
    /// A boundary's depth is at least the mean less this many standard deviations.
    pub(crate) cutoff: f64,
    /// A boundary's depth is never below this, so an even conversation stays whole.
    pub(crate) min_depth: f64,
    /// Messages that lie at least between two boundaries.
    pub(crate) min_messages: usize,
}

/// A change of topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Boundary {
    /// The first message of the new topic.
    pub(crate) message: usize,
    /// Cosine of the blocks on its two sides: 0 where they share no word.
    pub(crate) similarity: f64,
    /// How far the smoothed similarity falls below the peaks on its two sides.
    pub(crate) depth: f64,
}

/// A conversation's boundaries, and what they had to reach.
#[derive(Debug)]
pub(crate) struct Tiles {
    pub(crate) boundaries: Vec<Boundary>,
    /// The depth that made a boundary; `None` where there was nothing to compare.
    pub(crate) cutoff: Option<f64>,
}

/// Finds the boundaries of a conversation, in order.
pub(crate) fn tile(terms: &Terms, tiling: &Tiling) -> Tiles {
    let gaps = similarities(terms, tiling.block);
    if gaps.is_empty() {
        return Tiles {
            boundaries: Vec::new(),
            cutoff: None,
        };
    }
    let raw: Vec<f64> = gaps.iter().map(|gap| gap.similarity).collect();
    let smooth = smoothed(&raw, tiling.smoothing);
    let depths: Vec<f64> = (0..smooth.len()).map(|gap| depth(&smooth, gap)).collect();
    let cutoff = cutoff(&depths, tiling.cutoff).max(tiling.min_depth);

    let mut valleys: Vec<Boundary> = (0..gaps.len())
        .filter(|&gap| depths[gap] > 0.0 && depths[gap] >= cutoff && is_valley(&smooth, gap))
        .map(|gap| {
            // Smoothing tells that there is a change; the curve itself tells where.
            let lowest = lowest(&raw, around(gap, tiling.smoothing, raw.len()));
            Boundary {
                message: gaps[lowest].message,
                similarity: raw[lowest],
                depth: depths[gap],
            }
        })
        .collect();
    valleys.sort_by(|a, b| {
        let deepest = b.depth.total_cmp(&a.depth);
        deepest
            .then(a.similarity.total_cmp(&b.similarity))
            .then(a.message.cmp(&b.message))
    });

    let mut boundaries: Vec<Boundary> = Vec::new();
    let end = terms.messages().len();
    for valley in valleys {
        let mut taken = boundaries.iter().map(|b| b.message).chain([0, end]);
        if taken.all(|other| valley.message.abs_diff(other) >= tiling.min_messages) {
            boundaries.push(valley);
        }
    }
    boundaries.sort_by_key(|boundary| boundary.message);
    Tiles {
        boundaries,
        cutoff: Some(cutoff),
    }
}

#[derive(Clone, Copy, Debug)]
struct Gap {
    message: usize,
    similarity: f64,
}

/// Compares the blocks on the two sides of each gap that has terms on both.
fn similarities(terms: &Terms, block: usize) -> Vec<Gap> {
    let stream: Vec<usize> = terms.messages().iter().flatten().copied().collect();
    let mut blocks = Blocks::new(&stream, terms.vocabulary(), block);
    let mut gaps = Vec::new();
    for (message, own) in terms.messages().iter().enumerate() {
        // A message without a term belongs to what came before it, so no gap opens there.
        if blocks.position() > 0 && !own.is_empty() {
            let similarity = blocks.similarity();
            gaps.push(Gap {
                message,
                similarity,
            });
        }
        blocks.advance(own.len());
    }
    gaps
}

fn smoothed(raw: &[f64], radius: usize) -> Vec<f64> {
    let average = |gap| {
        let near = &raw[around(gap, radius, raw.len())];
        near.iter().sum::<f64>() / count(near.len())
    };
    (0..raw.len()).map(average).collect()
}

fn depth(scores: &[f64], gap: usize) -> f64 {
    let here = scores[gap];
    peak(here, scores[..gap].iter().rev()) + peak(here, scores[gap + 1..].iter()) - 2.0 * here
}

/// Climbs from `start` for as long as the scores do not fall.
fn peak<'a>(start: f64, scores: impl Iterator<Item = &'a f64>) -> f64 {
    let mut top = start;
    for &score in scores {
        if score < top {
            break;
        }
        top = score;
    }
    top
}

fn is_valley(scores: &[f64], gap: usize) -> bool {
    let near = &scores[around(gap, 1, scores.len())];
    near.iter().all(|&score| score >= scores[gap])
}

fn lowest(scores: &[f64], range: RangeInclusive<usize>) -> usize {
    range
        .min_by(|&a, &b| scores[a].total_cmp(&scores[b]))
        .expect("a gap lies in its own surroundings")
}

fn around(gap: usize, radius: usize, len: usize) -> RangeInclusive<usize> {
    gap.saturating_sub(radius)..=(gap + radius).min(len - 1)
}

fn cutoff(depths: &[f64], deviations: f64) -> f64 {
    let n = count(depths.len());
    let mean = depths.iter().sum::<f64>() / n;
    let variance = depths
        .iter()
        .map(|depth| (depth - mean).powi(2))
        .sum::<f64>()
        / n;
    mean - deviations * variance.sqrt()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the number of messages is bounded far below 2^52"
)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests;
