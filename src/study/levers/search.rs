//! The least number of replicas that keeps a promise, by bisection.
//!
//! What is asked is a number, what comes back is yes or no; nothing here knows what a replica is. Bisection assumes that whatever
//! a fleet keeps, a larger one keeps too; on common random numbers that holds but for rare accidents. Where a number breaks only
//! what smaller ones keep, it is too large, and the search goes on below it.

/// How much larger than today a fleet is looked for.
pub const MOST_TIMES: u32 = 4;

/// A search under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// The largest number that is known, or taken, not to keep it.
    broken: u32,
    /// The smallest number that is known to keep it.
    kept: Option<u32>,
    /// The smallest number that is known to be too large, while none is known to keep it.
    too_large: Option<u32>,
    /// The largest number that is tried.
    limit: u32,
}

impl Search {
    /// A search that knows how today's number fares, and that a fleet of up to `too_few` cannot keep up with its traffic.
    pub fn new(today: u32, keeps_today: bool, too_few: u32) -> Search {
        let broken = if keeps_today { too_few.min(today - 1) } else { today };
        Search { broken, kept: keeps_today.then_some(today), too_large: None, limit: today.saturating_mul(MOST_TIMES) }
    }

    /// The number to try next; `None` where the search is over.
    pub fn next(&self) -> Option<u32> {
        match self.kept.or(self.too_large) {
            Some(above) => (above - self.broken > 1).then(|| self.broken + (above - self.broken) / 2),
            None => (self.broken < self.limit).then(|| self.broken.saturating_mul(2).clamp(1, self.limit)),
        }
    }

    /// Whether this number keeps it.
    pub fn learn(&mut self, number: u32, keeps: bool) {
        if keeps { self.kept = Some(number) } else { self.broken = number }
    }

    /// That this number breaks only what smaller ones keep.
    pub fn learn_too_large(&mut self, number: u32) {
        self.too_large = Some(number);
    }

    /// The least number that keeps it once the search is over; `None` where none up to the limit does.
    pub fn found(&self) -> Option<u32> {
        self.kept
    }

    /// The largest number that is tried.
    pub fn limit(&self) -> u32 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least(today: u32, too_few: u32, keeps: impl Fn(u32) -> bool) -> (Option<u32>, Vec<u32>) {
        let mut search = Search::new(today, keeps(today), too_few);
        let mut tried = Vec::new();
        while let Some(number) = search.next() {
            tried.push(number);
            search.learn(number, keeps(number));
        }
        (search.found(), tried)
    }

    #[test]
    fn every_threshold_is_found_and_none_is_tried_twice() {
        for today in 1..40 {
            for threshold in 1..=today * MOST_TIMES {
                for too_few in [0, threshold - 1] {
                    let (found, mut tried) = least(today, too_few, |number| number >= threshold);
                    assert_eq!(found, Some(threshold), "{today} {threshold} {too_few}");
                    let count = tried.len();
                    tried.sort_unstable();
                    tried.dedup();
                    assert!(count == tried.len() && !tried.contains(&today) && !tried.contains(&0));
                    assert!(threshold > today || count <= today.max(2).ilog2() as usize + 1);
                }
            }
        }
    }

    #[test]
    fn what_is_too_large_is_sought_below() {
        // Seven and eight of six to twenty-four keep it; more are too many.
        let search = |least: u32, most: u32| {
            let mut search = Search::new(6, false, 0);
            let mut tried = Vec::new();
            while let Some(number) = search.next() {
                tried.push(number);
                match number {
                    number if number > most => search.learn_too_large(number),
                    number => search.learn(number, number >= least),
                }
            }
            (search.found(), tried)
        };
        assert_eq!(search(7, 8), (Some(7), vec![12, 9, 7]));
        assert_eq!(search(8, 8), (Some(8), vec![12, 9, 7, 8]));
        assert_eq!(search(9, 8).0, None);
    }

    #[test]
    fn what_no_fleet_keeps_is_given_up_at_four_times_today() {
        assert_eq!(least(3, 0, |_| false), (None, vec![6, 12]));
        // A bound on the traffic that today's fleet contradicts is not believed.
        assert_eq!(least(3, 7, |number| number >= 2), (Some(3), vec![]));
    }
}
