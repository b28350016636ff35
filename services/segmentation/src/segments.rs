//! Describes the topics between the boundaries: their words and how closely they hold together.

use std::{collections::HashMap, ops::Range};

use crate::{texttiling::Tiles, tokens::Terms};

/// A run of messages on one topic.
#[derive(Debug, PartialEq)]
pub(crate) struct Segment {
    /// The messages, by index.
    pub(crate) messages: Range<usize>,
    /// How many terms they hold.
    pub(crate) terms: usize,
    /// The words that tell this segment from the others, most telling first.
    pub(crate) keywords: Vec<Keyword>,
    /// The mean cosine between a message and the rest of its segment; `None` where fewer than
    /// two messages hold a term.
    pub(crate) cohesion: Option<f64>,
}

/// A telling word.
#[derive(Debug, PartialEq)]
pub(crate) struct Keyword {
    pub(crate) word: String,
    /// Occurrences times `ln(1 + segments / segments with the word)`.
    pub(crate) weight: f64,
}

/// Describes the segments that `tiles` cuts a conversation into, at most `keywords` words each.
pub(crate) fn describe(terms: &Terms, tiles: &Tiles, keywords: usize) -> Vec<Segment> {
    let cuts = tiles.boundaries.iter().map(|boundary| boundary.message);
    let starts: Vec<usize> = std::iter::once(0).chain(cuts).collect();
    let ends = starts
        .iter()
        .copied()
        .skip(1)
        .chain([terms.messages().len()]);
    let ranges: Vec<Range<usize>> = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| start..end)
        .collect();

    let counts: Vec<_> = ranges
        .iter()
        .map(|range| tally(terms.messages()[range.clone()].iter().flatten()))
        .collect();
    let mut spread = vec![0_u32; terms.vocabulary()];
    for &term in counts.iter().flat_map(HashMap::keys) {
        spread[term] += 1;
    }
    let segments = number(ranges.len());

    let telling = |counts: &HashMap<usize, u64>| {
        let mut weighed: Vec<(usize, f64)> = counts
            .iter()
            .map(|(&term, &count)| {
                let rarity = (1.0 + segments / f64::from(spread[term])).ln();
                (term, whole(count) * rarity)
            })
            .collect();
        // Terms are numbered as they first appear: of equals, the earlier comes first.
        weighed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        weighed.truncate(keywords);
        let word = |(term, weight)| Keyword {
            word: terms.word(term).to_owned(),
            weight,
        };
        weighed.into_iter().map(word).collect()
    };

    ranges
        .into_iter()
        .zip(&counts)
        .map(|(range, counts)| Segment {
            terms: terms.messages()[range.clone()].iter().map(Vec::len).sum(),
            keywords: telling(counts),
            cohesion: cohesion(&terms.messages()[range.clone()], counts),
            messages: range,
        })
        .collect()
}

fn tally<'a>(terms: impl IntoIterator<Item = &'a usize>) -> HashMap<usize, u64> {
    let mut counts = HashMap::new();
    for &term in terms {
        *counts.entry(term).or_default() += 1;
    }
    counts
}

fn cohesion(messages: &[Vec<usize>], segment: &HashMap<usize, u64>) -> Option<f64> {
    let square: u64 = segment.values().map(|count| count * count).sum();
    let spoken: Vec<_> = messages
        .iter()
        .filter(|message| !message.is_empty())
        .collect();
    if spoken.len() < 2 {
        return None;
    }
    let cosines = spoken.iter().map(|message| {
        let own = tally(message.iter());
        let own_square: u64 = own.values().map(|count| count * count).sum();
        let with_segment: u64 = own.iter().map(|(term, count)| count * segment[term]).sum();
        // |segment - own|² and own · (segment - own), from sums over this message alone.
        let rest_square = square + own_square - 2 * with_segment;
        let dot = with_segment - own_square;
        if dot == 0 {
            return 0.0;
        }
        (whole(dot) / (whole(own_square).sqrt() * whole(rest_square).sqrt())).min(1.0)
    });
    Some(cosines.sum::<f64>() / number(spoken.len()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of words in a bounded text, far below 2^52"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

fn number(count: usize) -> f64 {
    whole(count as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::texttiling::Boundary;

    fn cut(at: &[usize]) -> Tiles {
        let boundary = |&message| Boundary {
            message,
            similarity: 0.0,
            depth: 1.0,
        };
        Tiles {
            boundaries: at.iter().map(boundary).collect(),
            cutoff: Some(0.0),
        }
    }

    #[test]
    fn prefers_the_words_that_other_segments_lack() {
        let terms = Terms::of([
            "plan graph graph",
            "plan edge graph",
            "plan oven",
            "plan plan oven",
        ]);
        let segments = describe(&terms, &cut(&[2]), 1);
        assert_eq!(segments[0].messages, 0..2);
        assert_eq!(segments[0].keywords[0].word, "graph");
        assert_eq!(segments[1].messages, 2..4);
        assert_eq!(segments[1].keywords[0].word, "oven");
        assert_eq!(segments[1].terms, 5);
    }

    #[test]
    fn measures_cohesion_from_none_to_full() {
        let cohesion = |texts: [&str; 2]| describe(&Terms::of(texts), &cut(&[]), 3)[0].cohesion;
        assert_eq!(cohesion(["graph edge", "oven flour"]), Some(0.0));
        assert!(cohesion(["graph edge", "edge graph"]).is_some_and(|value| value > 0.999_999));
        assert_eq!(cohesion(["graph edge", "the"]), None);
    }

    proptest! {
        #[test]
        fn segments_partition_the_messages_in_order(
            texts in proptest::collection::vec("([a-e]{2} ){0,5}", 1..30),
            cuts in proptest::collection::btree_set(1_usize..30, 0..6),
        ) {
            let cuts: Vec<usize> = cuts.into_iter().filter(|&at| at < texts.len()).collect();
            let terms = Terms::of(texts.iter().map(String::as_str));
            let segments = describe(&terms, &cut(&cuts), 4);
            let covered: Vec<usize> = segments.iter().flat_map(|s| s.messages.clone()).collect();
            prop_assert_eq!(covered, (0..texts.len()).collect::<Vec<_>>());
            for segment in &segments {
                prop_assert!(segment.keywords.len() <= 4);
                prop_assert!(segment.keywords.is_sorted_by(|a, b| a.weight >= b.weight));
                prop_assert!(segment.cohesion.is_none_or(|value| (0.0..=1.0).contains(&value)));
            }
        }
    }
}
