//! A queue whose members can leave from the middle: a list that is linked by places in one vector.

/// Who waits, the longest waiting first.
///
/// A member that is called out of the queue keeps its place in the vector until it leaves that too. Places are written
/// over and not moved: a member gets what was left in its place, and leaves what the next one may find.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    places: Vec<Place<T>>,
    free: Vec<usize>,
    first: Option<usize>,
    last: Option<usize>,
    len: usize,
}

#[derive(Debug)]
struct Place<T> {
    member: T,
    standing: Standing,
    previous: Option<usize>,
    next: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Free,
    InLine,
    Called,
}

impl<T: Default> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            first: None,
            last: None,
            len: 0,
        }
    }

    /// Returns how many are in line.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the place of the first in line.
    #[inline]
    pub(crate) fn first(&self) -> Option<usize> {
        self.first
    }

    /// Makes a place at the end of the line.
    #[inline]
    pub(crate) fn push_back(&mut self) -> usize {
        let index = self.settle(self.last, None);
        match self.last.replace(index) {
            Some(last) => self.places[last].next = Some(index),
            None => self.first = Some(index),
        }
        index
    }

    /// Makes a place at the head of the line.
    #[inline]
    pub(crate) fn push_front(&mut self) -> usize {
        let index = self.settle(None, self.first);
        match self.first.replace(index) {
            Some(first) => self.places[first].previous = Some(index),
            None => self.last = Some(index),
        }
        index
    }

    /// Calls a member out of the line; nothing where that was done before.
    #[inline]
    pub(crate) fn unlink(&mut self, index: usize) {
        let place = &mut self.places[index];
        if place.standing != Standing::InLine {
            return;
        }
        place.standing = Standing::Called;
        let (previous, next) = (place.previous.take(), place.next.take());
        match previous {
            Some(previous) => self.places[previous].next = next,
            None => self.first = next,
        }
        match next {
            Some(next) => self.places[next].previous = previous,
            None => self.last = previous,
        }
        self.len -= 1;
    }

    /// Takes a member's place away, in line or not.
    #[inline]
    pub(crate) fn remove(&mut self, index: usize) {
        self.unlink(index);
        self.at_mut(index).standing = Standing::Free;
        self.free.push(index);
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        &mut self.at_mut(index).member
    }

    /// Returns the places of those in line, the first of them first.
    pub(crate) fn in_line(&self) -> impl Iterator<Item = (usize, &T)> {
        let next = |&(index, _): &(usize, &T)| self.at(self.places[index].next);
        std::iter::successors(self.at(self.first), next)
    }

    fn at(&self, index: Option<usize>) -> Option<(usize, &T)> {
        index.map(|index| (index, &self.places[index].member))
    }

    #[inline]
    fn at_mut(&mut self, index: usize) -> &mut Place<T> {
        let place = &mut self.places[index];
        assert_ne!(
            place.standing,
            Standing::Free,
            "a place is left once, by its owner"
        );
        place
    }

    #[inline]
    fn settle(&mut self, previous: Option<usize>, next: Option<usize>) -> usize {
        self.len += 1;
        let index = self.free.pop().unwrap_or_else(|| self.add());
        let place = &mut self.places[index];
        place.standing = Standing::InLine;
        (place.previous, place.next) = (previous, next);
        index
    }

    #[cold]
    fn add(&mut self) -> usize {
        self.places.push(Place {
            member: T::default(),
            standing: Standing::Free,
            previous: None,
            next: None,
        });
        self.places.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Back,
        Front,
        Call(usize),
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Back),
            1 => Just(Step::Front),
            2 => any::<usize>().prop_map(Step::Call),
            2 => any::<usize>().prop_map(Step::Leave),
        ]
    }

    proptest! {
        #[test]
        fn is_in_the_order_of_a_plain_queue(steps in prop::collection::vec(step(), 0..200)) {
            let mut queue = Queue::new();
            let mut line = VecDeque::new();
            let mut present = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Back => {
                        let index = queue.push_back();
                        *queue.get_mut(index) = number;
                        present.push((index, number));
                        line.push_back(number);
                    }
                    Step::Front => {
                        let index = queue.push_front();
                        *queue.get_mut(index) = number;
                        present.push((index, number));
                        line.push_front(number);
                    }
                    Step::Call(nth) if !present.is_empty() => {
                        let (index, number) = present[nth % present.len()];
                        queue.unlink(index);
                        line.retain(|&other| other != number);
                        prop_assert_eq!(*queue.get_mut(index), number);
                    }
                    Step::Leave(nth) if !present.is_empty() => {
                        let (index, number) = present.swap_remove(nth % present.len());
                        prop_assert_eq!(*queue.get_mut(index), number);
                        queue.remove(index);
                        line.retain(|&other| other != number);
                    }
                    Step::Call(_) | Step::Leave(_) => {}
                }
                let order: Vec<_> = queue.in_line().map(|(_, &number)| number).collect();
                prop_assert_eq!(&order, &Vec::from(line.clone()));
                prop_assert_eq!(queue.len(), line.len());
                prop_assert_eq!(queue.places.len() - queue.free.len(), present.len());
            }
        }
    }
}
