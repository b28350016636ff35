//! Two blocks of terms, on either side of a point that moves along a conversation.

/// Counts the terms of the block before a point and of the block after it.
///
/// Moving on by one term costs constant time: the dot product and the two norms are kept as
/// whole numbers, so they stay exact however far the point moves.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    stream: &'a [usize],
    size: usize,
    position: usize,
    before: Counts,
    after: Counts,
    dot: u64,
}

#[derive(Debug)]
struct Counts {
    terms: Vec<u64>,
    // The sum of the squared counts.
    norm: u64,
}

impl<'a> Blocks<'a> {
    /// Stands at the start of `stream`, whose terms are below `vocabulary`.
    pub(super) fn new(stream: &'a [usize], vocabulary: usize, size: usize) -> Self {
        let mut after = Counts::new(vocabulary);
        for &term in stream.iter().take(size) {
            after.add(term);
        }
        Self {
            stream,
            size,
            position: 0,
            before: Counts::new(vocabulary),
            after,
            dot: 0,
        }
    }

    /// Returns how many terms lie before the point.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Returns the cosine of the two blocks; 0 where one of them is empty.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a block holds thousands of terms, and its squares stay below 2^52"
    )]
    pub(super) fn similarity(&self) -> f64 {
        if self.dot == 0 {
            return 0.0;
        }
        let norms = (self.before.norm as f64).sqrt() * (self.after.norm as f64).sqrt();
        (self.dot as f64 / norms).min(1.0)
    }

    /// Moves on by `terms` terms.
    pub(super) fn advance(&mut self, terms: usize) {
        for _ in 0..terms {
            self.step();
        }
    }

    fn step(&mut self) {
        let Some(&passed) = self.stream.get(self.position) else {
            return;
        };
        self.dot -= self.before.terms[passed];
        self.after.remove(passed);
        self.dot += self.after.terms[passed];
        self.before.add(passed);
        if let Some(&entered) = self.stream.get(self.position + self.size) {
            self.dot += self.before.terms[entered];
            self.after.add(entered);
        }
        if let Some(left) = self.position.checked_sub(self.size) {
            let left = self.stream[left];
            self.dot -= self.after.terms[left];
            self.before.remove(left);
        }
        self.position += 1;
    }
}

impl Counts {
    fn new(vocabulary: usize) -> Self {
        Self {
            terms: vec![0; vocabulary],
            norm: 0,
        }
    }

    fn add(&mut self, term: usize) {
        self.norm += 2 * self.terms[term] + 1;
        self.terms[term] += 1;
    }

    fn remove(&mut self, term: usize) {
        self.terms[term] -= 1;
        self.norm -= 2 * self.terms[term] + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(stream: &[usize], vocabulary: usize, size: usize, at: usize) -> f64 {
        let count = |terms: &[usize]| {
            let mut counts = vec![0_u32; vocabulary];
            for &term in terms {
                counts[term] += 1;
            }
            counts.into_iter().map(f64::from).collect::<Vec<_>>()
        };
        let before = count(&stream[at.saturating_sub(size)..at]);
        let after = count(&stream[at..(at + size).min(stream.len())]);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norms = dot(&before, &before).sqrt() * dot(&after, &after).sqrt();
        if norms == 0.0 {
            0.0
        } else {
            dot(&before, &after) / norms
        }
    }

    proptest! {
        #[test]
        fn agrees_with_counting_afresh_at_every_step(
            stream in proptest::collection::vec(0_usize..5, 0..60),
            size in 1_usize..12,
            stride in 1_usize..4,
        ) {
            let mut blocks = Blocks::new(&stream, 5, size);
            while blocks.position() < stream.len() {
                let expected = naive(&stream, 5, size, blocks.position());
                prop_assert!((blocks.similarity() - expected).abs() < 1e-12);
                blocks.advance(stride);
            }
        }
    }
}
