//! Weights loading over a bandwidth that replicas share: max-min fair, each limited by its own bandwidth.

use crate::units::{Duration, Time};

/// A replica that loads.
#[derive(Clone, Debug)]
struct Loader {
    replica: u32,
    /// Gigabytes still to read.
    remaining: f64,
    /// Its own bandwidth, GB/s.
    own: f64,
    /// What it gets now, GB/s.
    rate: f64,
}

/// All replicas that load at this moment.
#[derive(Clone, Debug)]
pub(super) struct LoadingPool {
    /// What all share, GB/s.
    shared: f64,
    loaders: Vec<Loader>,
    /// When `remaining` was right.
    at: Time,
    /// Counts changes: a timer set before the last change is stale.
    pub(super) epoch: u32,
}

impl LoadingPool {
    pub(super) fn new(shared: f64) -> LoadingPool {
        LoadingPool { shared, loaders: Vec::new(), at: Time::ZERO, epoch: 0 }
    }

    /// A replica begins to load; returns when the next one ends, if nothing changes.
    pub(super) fn join(&mut self, now: Time, replica: u32, gigabytes: f64, own: f64) -> Time {
        self.progress(now);
        self.loaders.push(Loader { replica, remaining: gigabytes, own, rate: 0.0 });
        self.share_out(now)
    }

    /// A replica stops loading before its end; returns when the next one ends, if it was loading.
    pub(super) fn leave(&mut self, now: Time, replica: u32) -> Option<Time> {
        let at = self.loaders.iter().position(|loader| loader.replica == replica)?;
        self.progress(now);
        self.loaders.remove(at);
        Some(self.share_out(now))
    }

    /// Takes out those that have ended at `now`, in the order in which they began, and returns when the next one ends.
    pub(super) fn take_loaded(&mut self, now: Time) -> (Vec<u32>, Time) {
        self.progress(now);
        // A timer is a whole nanosecond: what two nanoseconds would read is done.
        let done = |loader: &Loader| loader.remaining <= loader.rate * 2e-9;
        let loaded = self.loaders.iter().filter(|loader| done(loader)).map(|loader| loader.replica).collect();
        self.loaders.retain(|loader| !done(loader));
        (loaded, self.share_out(now))
    }

    fn progress(&mut self, now: Time) {
        let seconds = now.since(self.at).seconds();
        for loader in &mut self.loaders {
            loader.remaining -= loader.rate * seconds;
        }
        self.at = now;
    }

    /// Shares the bandwidth max-min fairly: whoever cannot use a fair share leaves the rest to the others.
    fn share_out(&mut self, now: Time) -> Time {
        self.epoch += 1;
        let mut order: Vec<usize> = (0..self.loaders.len()).collect();
        order.sort_by(|a, b| self.loaders[*a].own.total_cmp(&self.loaders[*b].own));
        let mut left = self.shared;
        for (i, index) in order.iter().enumerate() {
            let fair = left / (order.len() - i) as f64;
            let rate = self.loaders[*index].own.min(fair);
            self.loaders[*index].rate = rate;
            left -= rate;
        }
        (self.loaders.iter())
            .map(|loader| now + Duration::from_seconds_f64((loader.remaining / loader.rate).max(0.0)))
            .min()
            .unwrap_or(Time::NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Time {
        Time::ZERO + Duration::from_seconds_f64(seconds)
    }

    #[test]
    fn ten_that_load_at_once_slow_each_other_down() {
        let mut pool = LoadingPool::new(4.0);
        let ends: Vec<Time> = (0..10).map(|i| pool.join(Time::ZERO, i, 27.0, 0.7)).collect();
        assert_eq!(ends[0], at(27.0 / 0.7), "one alone is limited by its own bandwidth");
        assert_eq!(ends[9], at(27.0 / 0.4), "ten share 4 GB/s");
        let (loaded, next) = pool.take_loaded(ends[9]);
        assert_eq!((loaded.len(), next), (10, Time::NEVER));
    }

    #[test]
    fn who_cannot_use_its_share_leaves_it_to_the_others() {
        let mut pool = LoadingPool::new(3.0);
        pool.join(Time::ZERO, 0, 10.0, 0.5);
        let end = pool.join(Time::ZERO, 1, 10.0, 9.0);
        assert_eq!(end, at(4.0), "2.5 GB/s are left");
        let (loaded, next) = pool.take_loaded(end);
        assert_eq!((loaded, next), (vec![1], at(20.0)));
    }

    #[test]
    fn leaving_speeds_up_the_rest() {
        let mut pool = LoadingPool::new(1.0);
        pool.join(Time::ZERO, 0, 10.0, 1.0);
        assert_eq!(pool.join(Time::ZERO, 1, 10.0, 1.0), at(20.0));
        assert_eq!(pool.leave(at(10.0), 1), Some(at(15.0)));
        assert_eq!(pool.leave(at(10.0), 7), None);
    }
}
