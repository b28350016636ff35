//! The last purges of one target.

use tooloo_clock::Moment;

use super::{Since, Verdict};
use crate::Mark;

/// The last purges of one target, a hard one and a soft one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marked {
    hard: Option<Position>,
    soft: Option<(Position, Moment)>,
}

/// Where in the order of things a purge stands: by this cache's count, and by the one that all agree on.
#[derive(Clone, Copy, Debug, Default)]
struct Position {
    generation: u64,
    sequence: u64,
    /// How many purges have no number yet: until they do, they come after everything.
    unnumbered: u32,
}

impl Marked {
    pub(super) fn verdict(&self, since: Since) -> Verdict {
        match (self.hard, self.soft) {
            (Some(hard), _) if hard.is_after(since) => Verdict::Purged,
            (_, Some((soft, moment))) if soft.is_after(since) => Verdict::Stale(moment),
            _ => Verdict::Untouched,
        }
    }

    /// Returns the generation of the last purge.
    pub(super) fn last(&self) -> Option<u64> {
        let hard = self.hard.map(|position| position.generation);
        hard.max(self.soft.map(|(position, _)| position.generation))
    }

    pub(super) fn add(&mut self, mark: &Mark, now: Moment) {
        let position = Position {
            generation: mark.generation,
            sequence: mark.sequence.unwrap_or(0),
            unnumbered: u32::from(mark.sequence.is_none()),
        };
        if mark.purge.soft {
            self.add_soft(position, now);
        } else {
            self.add_hard(position);
        }
    }

    pub(super) fn number(&mut self, sequence: u64, soft: bool) {
        let position = match (soft, self.soft.as_mut()) {
            (true, Some((position, _))) => Some(position),
            // A soft purge that was forgotten is among the hard ones.
            _ => self.hard.as_mut(),
        };
        if let Some(position) = position {
            position.sequence = position.sequence.max(sequence);
            position.unnumbered = position.unnumbered.saturating_sub(1);
        }
    }

    /// Takes in the purges of another target.
    ///
    /// A soft purge that is forgotten leaves nothing stale any more: it becomes a hard one.
    pub(super) fn merge(&mut self, other: Self) {
        let soft = other.soft.map(|(position, _)| position);
        for position in other.hard.into_iter().chain(soft) {
            self.add_hard(position);
        }
    }

    fn add_hard(&mut self, position: Position) {
        self.hard = Some(self.hard.unwrap_or_default().max(position));
    }

    fn add_soft(&mut self, position: Position, now: Moment) {
        let (before, _) = self.soft.unwrap_or((Position::default(), now));
        self.soft = Some((before.max(position), now));
    }
}

impl Position {
    fn is_after(self, since: Since) -> bool {
        match since {
            Since::Generation(generation) => generation < self.generation,
            // The tier has checked it.
            Since::Sequence(u64::MAX) => false,
            Since::Sequence(sequence) => self.unnumbered > 0 || sequence < self.sequence,
        }
    }

    fn max(self, other: Self) -> Self {
        Self {
            generation: self.generation.max(other.generation),
            sequence: self.sequence.max(other.sequence),
            unnumbered: self.unnumbered.saturating_add(other.unnumbered),
        }
    }
}
