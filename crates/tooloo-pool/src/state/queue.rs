//! A queue whose members can leave from the middle: a list that is linked by places in one vector.

/// Who waits, the longest waiting first.
///
/// A member that is called out of the queue keeps its place in the vector until it is taken away.
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
    // None where the place is free.
    member: Option<T>,
    linked: bool,
    previous: Option<usize>,
    next: Option<usize>,
}

impl<T> Queue<T> {
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
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the place of the first in line.
    pub(crate) fn first(&self) -> Option<usize> {
        self.first
    }

    pub(crate) fn push_back(&mut self, member: T) -> usize {
        let index = self.settle(member, self.last, None);
        match self.last.replace(index) {
            Some(last) => self.places[last].next = Some(index),
            None => self.first = Some(index),
        }
        index
    }

    pub(crate) fn push_front(&mut self, member: T) -> usize {
        let index = self.settle(member, None, self.first);
        match self.first.replace(index) {
            Some(first) => self.places[first].previous = Some(index),
            None => self.last = Some(index),
        }
        index
    }

    /// Calls a member out of the line; nothing where that was done before.
    pub(crate) fn unlink(&mut self, index: usize) {
        let place = &mut self.places[index];
        if !place.linked {
            return;
        }
        place.linked = false;
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

    /// Takes a member away, in line or not.
    pub(crate) fn remove(&mut self, index: usize) -> T {
        self.unlink(index);
        self.free.push(index);
        let member = self.places[index].member.take();
        member.expect("a place is left once, by its owner")
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> &mut T {
        let member = self.places[index].member.as_mut();
        member.expect("a place has its member until its owner leaves")
    }

    /// Returns the places of those in line, the first of them first.
    pub(crate) fn in_line(&self) -> impl Iterator<Item = (usize, &T)> {
        let next = |&(index, _): &(usize, &T)| self.at(self.places[index].next);
        std::iter::successors(self.at(self.first), next)
    }

    fn at(&self, index: Option<usize>) -> Option<(usize, &T)> {
        let index = index?;
        let member = self.places[index].member.as_ref();
        Some((index, member.expect("who is in line is there")))
    }

    fn settle(&mut self, member: T, previous: Option<usize>, next: Option<usize>) -> usize {
        self.len += 1;
        let place = Place {
            member: Some(member),
            linked: true,
            previous,
            next,
        };
        if let Some(index) = self.free.pop() {
            self.places[index] = place;
            index
        } else {
            self.places.push(place);
            self.places.len() - 1
        }
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
                        present.push((queue.push_back(number), number));
                        line.push_back(number);
                    }
                    Step::Front => {
                        present.push((queue.push_front(number), number));
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
                        prop_assert_eq!(queue.remove(index), number);
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
