//! The marks against a model that remembers every purge.

use proptest::prelude::*;

use super::*;

const KEYS: [&str; 4] = ["a", "aa", "ab", "b"];

#[derive(Clone, Debug)]
enum Step {
    Store { key: usize, labels: Vec<usize> },
    Purge { target: usize, soft: bool },
}

struct Stored {
    key: &'static str,
    labels: Vec<Label>,
    generation: u64,
    made: Verdict,
}

fn label(number: usize) -> Label {
    match number {
        0..3 => Label::Tag(number.to_string().into()),
        _ => Label::Group(number.to_string().into()),
    }
}

fn target(number: usize) -> Target {
    match number {
        0..3 => Target::Tag(number.to_string().into()),
        3..6 => Target::Group(number.to_string().into()),
        6 => Target::Prefix((*b"a").into()),
        7 => Target::Prefix((*b"aa").into()),
        8 => Target::Prefix((*b"").into()),
        _ => Target::All,
    }
}

fn reaches(target: &Target, stored: &Stored) -> bool {
    match target {
        Target::Tag(name) => stored.labels.contains(&Label::Tag(name.clone())),
        Target::Group(name) => stored.labels.contains(&Label::Group(name.clone())),
        Target::Prefix(prefix) => stored.key.as_bytes().starts_with(prefix),
        Target::All => true,
    }
}

fn step() -> impl Strategy<Value = Step> {
    let labels = prop::collection::vec(0..6_usize, 0..3);
    prop_oneof![
        (0..KEYS.len(), labels).prop_map(|(key, labels)| Step::Store { key, labels }),
        (0..10_usize, any::<bool>()).prop_map(|(target, soft)| Step::Purge { target, soft }),
    ]
}

fn harder(before: Verdict, now: Verdict) -> Verdict {
    match (before, now) {
        (Verdict::Purged, _) | (_, Verdict::Purged) => Verdict::Purged,
        // What counts is the last soft purge of a target: the model asks only whether it is stale.
        (Verdict::Stale(moment), _) | (_, Verdict::Stale(moment)) => Verdict::Stale(moment),
        _ => Verdict::Untouched,
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Untouched => 0,
        Verdict::Stale(_) => 1,
        Verdict::Purged => 2,
    }
}

/// Runs the steps, and returns for each entry what the model says and what the marks say.
fn run(steps: Vec<Step>, bound: usize) -> Vec<(Verdict, Verdict)> {
    let mut marks = Marks::new(bound);
    let mut all: Vec<Stored> = Vec::new();
    for (moment, step) in (0..).map(Moment::from_nanos).zip(steps) {
        match step {
            Step::Store { key, labels } => all.push(Stored {
                key: KEYS[key],
                labels: labels.into_iter().map(label).collect(),
                generation: marks.generation(),
                made: Verdict::Untouched,
            }),
            Step::Purge {
                target: number,
                soft,
            } => {
                let target = target(number);
                let made = if soft {
                    Verdict::Stale(moment)
                } else {
                    Verdict::Purged
                };
                for stored in all.iter_mut().filter(|stored| reaches(&target, stored)) {
                    stored.made = harder(stored.made, made);
                }
                let purge = Purge { target, soft };
                marks.add(purge, None, moment, 0);
            }
        }
    }
    let verdict = |stored: &Stored| {
        let since = Since::Generation(stored.generation);
        marks.verdict(since, &stored.labels, || stored.key.as_bytes().into())
    };
    all.iter()
        .map(|stored| (stored.made, verdict(stored)))
        .collect()
}

proptest! {
    #[test]
    fn every_entry_is_what_the_purges_since_have_made_of_it(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        for (model, marks) in run(steps, 100) {
            prop_assert_eq!(severity(model), severity(marks));
        }
    }

    #[test]
    fn what_is_forgotten_purges_more_and_never_less(
        steps in prop::collection::vec(step(), 0..60),
        bound in 1..6_usize,
    ) {
        for (model, marks) in run(steps, bound) {
            prop_assert!(severity(model) <= severity(marks));
        }
    }
}

#[test]
fn an_early_run_is_known_after_a_restart() {
    let now = Moment::from_nanos(1);
    let mut before = Marks::new(10);
    let mark = before.add(Purge::tag("t"), None, now, 0);
    let restored = Restored {
        generation: 1,
        sequence: 9,
        marks: vec![mark],
    };
    let mut after = Marks::new(10);
    after.restore(restored, now);
    let labels = [Label::Tag("t".into())];
    let verdict = |generation| after.verdict(Since::Generation(generation), &labels, Cow::default);
    assert_eq!(verdict(0), Verdict::Purged);
    assert_eq!(verdict(after.generation()), Verdict::Untouched);
    assert_eq!(after.sequence(), 9);
}

#[test]
fn a_purge_without_a_number_comes_after_everything_that_others_stored() {
    let now = Moment::from_nanos(1);
    let mut marks = Marks::new(10);
    let mark = marks.add(Purge::tag("t"), None, now, 0);
    let labels = [Label::Tag("t".into())];
    let verdict =
        |marks: &Marks, number| marks.verdict(Since::Sequence(number), &labels, Cow::default);
    assert_eq!(verdict(&marks, 7), Verdict::Purged);
    marks.number(&mark, 5);
    assert_eq!(verdict(&marks, 4), Verdict::Purged);
    assert_eq!(verdict(&marks, 5), Verdict::Untouched);
    // What a tier has compared itself is not compared again.
    let _ = marks.add(Purge::tag("t"), None, now, 0);
    assert_eq!(verdict(&marks, u64::MAX), Verdict::Untouched);
}

#[test]
fn a_purge_that_was_forgotten_still_gets_its_number() {
    let now = Moment::from_nanos(1);
    let mut marks = Marks::new(1);
    let soft = marks.add(Purge::tag("t").soft(), None, now, 0);
    marks.add(Purge::tag("u"), Some(3), now, 0);
    let labels = [Label::Tag("t".into())];
    marks.number(&soft, 5);
    let verdict = |number| marks.verdict(Since::Sequence(number), &labels, Cow::default);
    assert_eq!(verdict(4), Verdict::Purged);
    assert_eq!(verdict(5), Verdict::Untouched);
}
