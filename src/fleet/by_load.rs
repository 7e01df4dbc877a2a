//! Replicas by the number of their requests: for fleets too large to look at every replica for every request.

/// Replicas that may be sent to, by their number of requests.
#[derive(Clone, Debug, Default)]
pub(super) struct ByLoad {
    /// Replicas with each number of requests, in no particular order.
    replicas: Vec<Vec<u32>>,
    /// The place of each replica in its list.
    places: Vec<u32>,
    /// No replica has fewer requests.
    least: usize,
    len: usize,
}

impl ByLoad {
    /// Adds a replica with so many requests.
    pub(super) fn add(&mut self, replica: u32, load: u32) {
        self.insert(replica, load as usize);
        self.len += 1;
    }

    /// Takes out a replica that has so many requests.
    pub(super) fn remove(&mut self, replica: u32, load: u32) {
        self.take(replica, load as usize);
        self.len -= 1;
    }

    /// The number of requests of a replica has changed.
    #[inline]
    pub(super) fn change(&mut self, replica: u32, before: u32, after: u32) {
        self.take(replica, before as usize);
        self.insert(replica, after as usize);
    }

    /// Those with the fewest requests, and how many they have.
    #[inline]
    pub(super) fn least(&mut self) -> Option<(usize, &[u32])> {
        if self.len == 0 {
            return None;
        }
        while self.replicas[self.least].is_empty() {
            self.least += 1;
        }
        Some((self.least, &self.replicas[self.least]))
    }

    fn insert(&mut self, replica: u32, load: usize) {
        if self.replicas.len() <= load {
            self.replicas.resize_with(load + 1, Vec::new);
        }
        if self.places.len() <= replica as usize {
            self.places.resize(replica as usize + 1, 0);
        }
        self.least = self.least.min(load);
        self.places[replica as usize] = self.replicas[load].len() as u32;
        self.replicas[load].push(replica);
    }

    fn take(&mut self, replica: u32, load: usize) {
        let place = self.places[replica as usize];
        let list = &mut self.replicas[load];
        list.swap_remove(place as usize);
        if let Some(moved) = list.get(place as usize) {
            self.places[*moved as usize] = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_loaded_are_those_that_counting_finds(
            changes in prop::collection::vec((0_u32..12, 0_u32..9, any::<bool>()), 1..200),
        ) {
            let (mut index, mut loads) = (ByLoad::default(), vec![None; 12]);
            for (replica, load, present) in changes {
                let before = &mut loads[replica as usize];
                match (*before, present) {
                    (Some(old), true) => index.change(replica, old, load),
                    (Some(old), false) => index.remove(replica, old),
                    (None, true) => index.add(replica, load),
                    (None, false) => {}
                }
                *before = present.then_some(load);
                let least = loads.iter().flatten().min();
                let mut expected: Vec<u32> = (0..12).filter(|it| loads[*it as usize].as_ref() == least).collect();
                expected.retain(|_| least.is_some());
                let mut found = index.least().map_or(Vec::new(), |(load, replicas)| {
                    assert_eq!(Some(&(load as u32)), least);
                    replicas.to_vec()
                });
                found.sort_unstable();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
