//! One run's timeline: series in bins over the measured window.

use super::grid::Grid;
use super::histogram::Histogram;
use super::record::{Pooled, REPLICA_SERIES, SERIES, Series};
use crate::units::{Duration, Time};

/// What a bin of one run holds.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    /// Integrals over the bin of the series that are means, in replica-seconds (GPU-seconds).
    integrals: [f64; LEVELS],
    least_ready: Option<u32>,
    arrivals: u32,
    routed: u32,
    routed_new: u32,
    truncated: u32,
    errors: u32,
}

/// Series that are means of a level over the bin.
const LEVELS: usize = REPLICA_SERIES.len() + 2;

/// The level of each of those series at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Levels {
    /// The replicas of [`REPLICA_SERIES`], capacity, GPUs held.
    pub(super) values: [f64; LEVELS],
    /// Ready replicas.
    pub(super) ready: u32,
}

/// Where in the levels a series stands, if it is the mean of one.
fn level_of(series: Series) -> Option<usize> {
    let beyond_replicas = [Series::Capacity, Series::GpusHeld];
    REPLICA_SERIES.iter().chain(&beyond_replicas).position(|level| *level == series)
}

/// The bins of one run.
#[derive(Clone, Debug)]
pub(super) struct TimelineBins {
    grid: Grid,
    bins: Vec<Bin>,
    ttft: Vec<Histogram>,
    /// Of those of which an attempt reached the new version.
    ttft_new: Vec<Histogram>,
}

impl TimelineBins {
    pub(super) fn new(width: Duration, duration: Duration) -> TimelineBins {
        let grid = Grid::new(width, duration);
        let n = grid.len();
        TimelineBins {
            grid,
            bins: vec![Bin::default(); n],
            ttft: vec![Histogram::new(); n],
            ttft_new: vec![Histogram::new(); n],
        }
    }

    #[inline]
    fn bin(&mut self, time: Time) -> Option<&mut Bin> {
        self.bins.get_mut(self.grid.index(time)?)
    }

    /// Adds levels that held between two times inside the window.
    pub(super) fn add_levels(&mut self, from: Time, to: Time, levels: &Levels) {
        let mut at = from;
        while at < to {
            let Some(i) = self.grid.index(at) else { return };
            let end = self.grid.begin(i + 1).min(to);
            let seconds = end.since(at).seconds();
            let bin = &mut self.bins[i];
            for (integral, level) in bin.integrals.iter_mut().zip(levels.values) {
                *integral += level * seconds;
            }
            bin.least_ready = Some(bin.least_ready.map_or(levels.ready, |least| least.min(levels.ready)));
            at = end;
        }
    }

    pub(super) fn arrival(&mut self, time: Time) {
        if let Some(bin) = self.bin(time) {
            bin.arrivals += 1;
        }
    }

    pub(super) fn routed(&mut self, time: Time, to_new: bool) {
        if let Some(bin) = self.bin(time) {
            bin.routed += 1;
            bin.routed_new += u32::from(to_new);
        }
    }

    pub(super) fn truncated(&mut self, time: Time) {
        if let Some(bin) = self.bin(time) {
            bin.truncated += 1;
        }
    }

    pub(super) fn error(&mut self, time: Time) {
        if let Some(bin) = self.bin(time) {
            bin.errors += 1;
        }
    }

    pub(super) fn ttft(&mut self, arrival: Time, ttft: Duration, reached_new: bool) {
        if let Some(i) = self.grid.index(arrival) {
            self.ttft[i].record(ttft);
            if reached_new {
                self.ttft_new[i].record(ttft);
            }
        }
    }

    /// Adds the TTFT of each bin to those of all runs.
    pub(super) fn pool_ttft(&self, pooled: &mut Pooled) {
        let all = pooled.ttft_by_bin.iter_mut().zip(&self.ttft);
        let new = pooled.ttft_new_by_bin.iter_mut().zip(&self.ttft_new);
        for (all, mine) in all.chain(new) {
            all.merge(mine);
        }
    }

    /// The values of [`SERIES`], series by series.
    pub(super) fn values(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(SERIES.len() * self.bins.len());
        for (series, _) in SERIES {
            values.extend((0..self.bins.len()).map(|i| self.value(series, i) as f32));
        }
        values
    }

    fn value(&self, series: Series, i: usize) -> f64 {
        let bin = &self.bins[i];
        let seconds = self.grid.length(i).seconds();
        if let Some(level) = level_of(series) {
            return bin.integrals[level] / seconds;
        }
        match series {
            Series::LeastReady => bin.least_ready.map_or(f64::NAN, f64::from),
            Series::NewVersionShare if bin.routed == 0 => f64::NAN,
            Series::NewVersionShare => f64::from(bin.routed_new) / f64::from(bin.routed),
            Series::RequestsPerSecond => f64::from(bin.arrivals) / seconds,
            Series::Truncated => f64::from(bin.truncated),
            Series::Errors => f64::from(bin.errors),
            Series::TtftP50 => self.ttft[i].quantile(0.5),
            Series::TtftP99 => self.ttft[i].quantile(0.99),
            _ => unreachable!("levels were handled above"),
        }
    }

    /// Forgets the run, keeps the storage.
    pub(super) fn clear(&mut self) {
        self.bins.fill(Bin::default());
        self.ttft.iter_mut().chain(&mut self.ttft_new).for_each(Histogram::clear);
    }
}
