//! A priority queue of small keys, least first: a heap with four children to a node, which for keys of a machine word or
//! two is shallower and quicker than the standard library's binary one.
//!
//! What the keys mean is none of this module's business; equal keys come in no particular order.

/// Children of a node.
const ARITY: usize = 4;

/// A heap, least key first.
#[derive(Clone, Debug, Default)]
pub struct MinHeap<K> {
    keys: Vec<K>,
}

impl<K: Copy + Ord> MinHeap<K> {
    /// An empty heap.
    pub const fn new() -> MinHeap<K> {
        MinHeap { keys: Vec::new() }
    }

    /// The number of keys.
    #[inline]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The least key.
    #[inline]
    pub fn first(&self) -> Option<K> {
        self.keys.first().copied()
    }

    /// Adds a key.
    #[inline]
    pub fn push(&mut self, key: K) {
        self.keys.push(key);
        self.rise(self.keys.len() - 1, key);
    }

    /// Removes the least key.
    #[inline]
    pub fn pop(&mut self) -> Option<K> {
        let last = self.keys.pop()?;
        let Some(first) = self.keys.first().copied() else { return Some(last) };
        self.sink(0, last);
        Some(first)
    }

    /// Every key, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = K> + '_ {
        self.keys.iter().copied()
    }

    /// Keeps only the keys that are wanted.
    pub fn retain(&mut self, wanted: impl Fn(K) -> bool) {
        self.keys.retain(|key| wanted(*key));
        for place in (0..self.keys.len().div_ceil(ARITY)).rev() {
            self.sink(place, self.keys[place]);
        }
    }

    /// Changes every key in a way that keeps their order.
    pub fn shift(&mut self, change: impl Fn(K) -> K) {
        self.keys.iter_mut().for_each(|key| *key = change(*key));
    }

    /// Removes all keys.
    pub fn clear(&mut self) {
        self.keys.clear();
    }

    /// Puts a key in a place that is free, or above it.
    #[inline]
    fn rise(&mut self, mut place: usize, key: K) {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.keys[parent] <= key {
                break;
            }
            self.keys[place] = self.keys[parent];
            place = parent;
        }
        self.keys[place] = key;
    }

    /// Puts a key in a place that is free, or below it.
    #[inline]
    fn sink(&mut self, mut place: usize, key: K) {
        let keys = &mut self.keys[..];
        loop {
            let first = ARITY * place + 1;
            let (least, least_key) = match keys.get(first..first + ARITY) {
                Some(&[a, b, c, d]) => {
                    let (left, left_key) = if b < a { (1, b) } else { (0, a) };
                    let (right, right_key) = if d < c { (3, d) } else { (2, c) };
                    if right_key < left_key { (right, right_key) } else { (left, left_key) }
                }
                // Fewer children, or none.
                _ => match keys.get(first..).unwrap_or_default().iter().copied().zip(0..).min() {
                    Some((least_key, least)) => (least, least_key),
                    None => break,
                },
            };
            if least_key >= key {
                break;
            }
            keys[place] = least_key;
            place = first + least;
        }
        keys[place] = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_come_out_in_order_whatever_was_done_before(
            deeds in prop::collection::vec((0_u8..8, 0_u64..1000), 0..300),
        ) {
            let (mut heap, mut sorted) = (MinHeap::new(), Vec::new());
            for (deed, key) in deeds {
                match deed {
                    0..5 => {
                        heap.push(key);
                        sorted.push(key);
                        sorted.sort_unstable();
                    }
                    5..7 => {
                        prop_assert_eq!(heap.first(), sorted.first().copied());
                        let least = (!sorted.is_empty()).then(|| sorted.remove(0));
                        prop_assert_eq!(heap.pop(), least);
                    }
                    _ => {
                        heap.retain(|other| other % 7 != key % 7);
                        sorted.retain(|other| other % 7 != key % 7);
                        heap.shift(|other| other + 1);
                        sorted.iter_mut().for_each(|other| *other += 1);
                    }
                }
                prop_assert_eq!(heap.len(), sorted.len());
            }
            let drained: Vec<u64> = std::iter::from_fn(|| heap.pop()).collect();
            prop_assert_eq!(drained, sorted);
        }
    }
}
