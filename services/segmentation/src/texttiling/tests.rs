//! What the boundaries of a conversation hold to.

use proptest::prelude::*;

use super::*;

const TILING: Tiling = Tiling {
    block: 40,
    smoothing: 1,
    cutoff: 0.5,
    min_depth: 0.2,
    min_messages: 2,
};

fn boundaries(texts: &[&str], tiling: &Tiling) -> Vec<usize> {
    let tiles = tile(&Terms::of(texts.iter().copied()), tiling);
    tiles
        .boundaries
        .iter()
        .map(|boundary| boundary.message)
        .collect()
}

#[test]
fn finds_no_boundary_where_nothing_can_be_compared() {
    for texts in [&[][..], &["one message only"], &["", "\u{1f600}", "of the"]] {
        let tiles = tile(&Terms::of(texts.iter().copied()), &TILING);
        assert_eq!(tiles.boundaries, []);
        assert_eq!(tiles.cutoff, None);
    }
}

#[test]
fn keeps_an_even_conversation_whole() {
    let texts = ["graph edges nodes"; 12];
    assert!(boundaries(&texts, &TILING).is_empty());
}

#[test]
fn leaves_a_wordless_message_with_what_came_before() {
    let texts = [
        "graph edges nodes",
        "nodes edges graph",
        "graph nodes edges",
        "\u{1f44d}",
        "flour yeast oven",
        "oven yeast flour",
        "yeast flour oven",
    ];
    assert_eq!(boundaries(&texts, &TILING), [4]);
}

#[test]
fn a_negative_cutoff_demands_more_depth() {
    let texts = [
        "graph edges nodes",
        "nodes edges graph path",
        "graph nodes edges path",
        "flour yeast oven path",
        "oven yeast flour path",
        "yeast flour oven",
        "tenor opera aria",
        "aria tenor opera",
        "opera aria tenor",
    ];
    let tiling = Tiling {
        block: 9,
        smoothing: 0,
        ..TILING
    };
    let liberal = boundaries(&texts, &tiling);
    let strict = boundaries(
        &texts,
        &Tiling {
            cutoff: -1.5,
            ..tiling
        },
    );
    assert_eq!(liberal, [3, 6]);
    assert_eq!(strict, [6]);
}

// Texts over a few words of one topic, so that neighbours share some.
fn topic(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let text = proptest::collection::vec(proptest::sample::select(words), 6..14);
    proptest::collection::vec(text.prop_map(|words| words.join(" ")), 3..10)
}

const GRAPHS: &[&str] = &["graph", "edge", "vertex", "path"];
const BREAD: &[&str] = &["flour", "yeast", "oven", "crust"];

proptest! {
    #[test]
    fn splits_two_topics_at_their_seam(first in topic(GRAPHS), second in topic(BREAD)) {
        let texts: Vec<&str> = first.iter().chain(&second).map(String::as_str).collect();
        let terms = Terms::of(texts.iter().copied());
        let tiles = tile(&terms, &TILING);
        let seam = tiles.boundaries.iter().find(|boundary| boundary.message == first.len());
        prop_assert!(seam.is_some(), "{:?} in {texts:?}", tiles);
        prop_assert!(seam.unwrap().similarity < 1e-12);
    }

    #[test]
    fn cuts_in_order_and_never_closer_than_allowed(
        texts in proptest::collection::vec("([a-f]{2} ){0,6}", 0..40),
        block in 1_usize..60,
        smoothing in 0_usize..4,
        cutoff in -2.0..2.0,
        min_messages in 1_usize..5,
    ) {
        let tiling = Tiling { block, smoothing, cutoff, min_depth: 0.0, min_messages };
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut edges = vec![0];
        edges.extend(boundaries(&texts, &tiling));
        edges.push(texts.len());
        if edges.len() > 2 {
            prop_assert!(edges.windows(2).all(|pair| pair[0] + min_messages <= pair[1]));
        }
    }
}
