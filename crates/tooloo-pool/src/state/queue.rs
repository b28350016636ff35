//! A queue whose members can leave from the middle: a list that is linked by places in one vector.

/// Who waits, the longest waiting first.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    places: Vec<Place<T>>,
    // The first of the places that are free, each of which names the next.
    free: Option<u32>,
    first: Option<u32>,
    last: Option<u32>,
    len: usize,
}

/// Of a size that fits one cache line: whoever joins or leaves touches its own place and a neighbour's.
#[derive(Debug)]
struct Place<T> {
    // None where it is free.
    member: Option<T>,
    previous: Option<u32>,
    next: Option<u32>,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: None,
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
        self.first.map(index)
    }

    /// Makes a place at the end of the line.
    #[inline]
    pub(crate) fn push_back(&mut self, member: T) -> usize {
        let place = self.settle(member, self.last, None);
        match self.last.replace(place) {
            Some(last) => self.at_mut(last).next = Some(place),
            None => self.first = Some(place),
        }
        index(place)
    }

    /// Makes a place at the head of the line.
    #[inline]
    pub(crate) fn push_front(&mut self, member: T) -> usize {
        let place = self.settle(member, None, self.first);
        match self.first.replace(place) {
            Some(first) => self.at_mut(first).previous = Some(place),
            None => self.last = Some(place),
        }
        index(place)
    }

    /// Takes a member out of the line.
    #[inline]
    pub(crate) fn remove(&mut self, ticket: usize) -> T {
        let place = &mut self.places[ticket];
        let member = place.member.take();
        let member = member.expect("a place is left once");
        let (previous, next) = (place.previous.take(), place.next.take());
        place.next = self.free.replace(number(ticket));
        match previous {
            Some(previous) => self.at_mut(previous).next = next,
            None => self.first = next,
        }
        match next {
            Some(next) => self.at_mut(next).previous = previous,
            None => self.last = previous,
        }
        self.len -= 1;
        member
    }

    /// Returns the places of those in line, the first of them first.
    pub(crate) fn in_line(&self) -> impl Iterator<Item = (usize, &T)> {
        let mut place = self.first;
        std::iter::from_fn(move || {
            let at = index(place?);
            place = self.places[at].next;
            self.places[at].member.as_ref().map(|member| (at, member))
        })
    }

    #[inline]
    fn at_mut(&mut self, place: u32) -> &mut Place<T> {
        &mut self.places[index(place)]
    }

    #[inline]
    fn settle(&mut self, member: T, previous: Option<u32>, next: Option<u32>) -> u32 {
        self.len += 1;
        let place = Place {
            member: Some(member),
            previous,
            next,
        };
        let Some(free) = self.free else {
            return self.add(place);
        };
        let former = std::mem::replace(self.at_mut(free), place);
        self.free = former.next;
        free
    }

    #[cold]
    fn add(&mut self, place: Place<T>) -> u32 {
        self.places.push(place);
        number(self.places.len() - 1)
    }
}

#[inline]
fn index(place: u32) -> usize {
    place as usize
}

#[inline]
fn number(ticket: usize) -> u32 {
    u32::try_from(ticket).expect("fewer wait than fit into memory")
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
        Leave(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Back),
            1 => Just(Step::Front),
            2 => any::<usize>().prop_map(Step::Leave),
        ]
    }

    proptest! {
        #[test]
        fn is_in_the_order_of_a_plain_queue(steps in prop::collection::vec(step(), 0..200)) {
            let mut queue = Queue::new();
            let mut line = VecDeque::new();
            let mut present = Vec::new();
            let mut longest = 0;
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Back => {
                        let index = queue.push_back(number);
                        present.push((index, number));
                        line.push_back(number);
                    }
                    Step::Front => {
                        let index = queue.push_front(number);
                        present.push((index, number));
                        line.push_front(number);
                    }
                    Step::Leave(nth) if !present.is_empty() => {
                        let (index, number) = present.swap_remove(nth % present.len());
                        prop_assert_eq!(queue.remove(index), number);
                        line.retain(|&other| other != number);
                    }
                    Step::Leave(_) => {}
                }
                let order: Vec<_> = queue.in_line().map(|(_, &number)| number).collect();
                prop_assert_eq!(&order, &Vec::from(line.clone()));
                prop_assert_eq!(queue.len(), line.len());
                longest = longest.max(line.len());
                prop_assert_eq!(queue.places.len(), longest, "places are used again");
            }
        }
    }
}
