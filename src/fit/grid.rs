//! Counts in a few hundred intervals, which is what estimating goes through again and again.
//!
//! An interval holds the whole numbers above its lower end up to its upper one, as a draw that is rounded up falls into
//! them. A value with much weight has an interval of its own, so that spikes stay as sharp as they are; no interval is
//! wide, so that the tail keeps its shape. The likelihood of grouped counts is exact for the groups.

use super::counts::ValueCounts;

/// Intervals for the bulk, about: each holds this part of all values at most, unless it is a single one.
const INTERVALS: f64 = 400.0;
/// Greatest ratio of the ends of an interval, unless it is a single number.
const WIDEST: f64 = 1.1;

/// Counts in adjacent intervals from 0 to the greatest value.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Ends of the intervals, tokens, ascending; the first is 0, the last the greatest value, where draws are cut: what
    /// is above belongs to the last interval.
    pub(super) edges: Vec<f64>,
    /// Logarithms of the edges; the last is infinite, because what is above belongs to the last interval.
    pub(super) logarithms: Vec<f64>,
    /// Values in each interval; one fewer than edges.
    pub(super) counts: Vec<f64>,
    /// Values in all.
    pub(super) total: f64,
}

impl Grid {
    /// The grid for some values.
    pub(super) fn of(values: &ValueCounts) -> Grid {
        let total = values.total() as f64;
        let most = (total / INTERVALS).max(1.0);
        let mut grid = Grid { edges: vec![0.0], logarithms: Vec::new(), counts: Vec::new(), total };
        // The interval under way: its first value, its last, and how many there are.
        let mut open: Option<(f64, f64, f64)> = None;
        for (value, count) in values.iter() {
            let (value, count) = (f64::from(value), count as f64);
            open = match open {
                Some((first, _, counted)) if counted + count <= most && value <= WIDEST * first => {
                    Some((first, value, counted + count))
                }
                ended => {
                    if let Some((_, last, counted)) = ended {
                        grid.push(last, counted);
                    }
                    grid.leave_empty(value - 1.0);
                    Some((value, value, count))
                }
            };
        }
        if let Some((_, last, counted)) = open {
            grid.push(last, counted);
        }
        grid.logarithms = grid.edges.iter().map(|edge| edge.ln()).collect();
        if let Some(last) = grid.logarithms.last_mut() {
            *last = f64::INFINITY;
        }
        grid
    }

    fn push(&mut self, end: f64, count: f64) {
        self.edges.push(end);
        self.counts.push(count);
    }

    /// Empty intervals from the present end to this one.
    fn leave_empty(&mut self, end: f64) {
        loop {
            let begin = self.edges[self.edges.len() - 1];
            if begin >= end {
                return;
            }
            self.push((begin * WIDEST).floor().clamp(begin + 1.0, end), 0.0);
        }
    }

    /// Mean of whole numbers of which these shares lie above each edge but the last, none above that.
    ///
    /// The sum of the shares above 0, 1, 2, ...; between edges by the trapezoidal rule of Euler and Maclaurin, which is
    /// exact where they are neighbours.
    pub(super) fn mean(&self, above: &[f64]) -> f64 {
        let intervals = self.edges.windows(2).zip(above.windows(2));
        let sum = |(edges, above): (&[f64], &[f64])| {
            (edges[1] - edges[0]) * (above[0] + above[1]) / 2.0 + (above[0] - above[1]) / 2.0
        };
        intervals.map(sum).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::*;

    fn skewed() -> ValueCounts {
        counts_of((0..20_000u32).map(|i| 3 + i * i % 7_919 * (1 + i % 3) / 2))
    }

    /// Shares of the values above each edge.
    fn shares_above(grid: &Grid) -> Vec<f64> {
        let mut above = grid.total;
        let rest = grid.counts.iter().map(|count| {
            above -= count;
            above / grid.total
        });
        let mut shares = Vec::with_capacity(grid.edges.len());
        shares.push(1.0);
        shares.extend(rest);
        shares
    }

    #[test]
    fn every_value_is_in_one_interval_and_no_interval_is_wide() {
        let values = skewed();
        let grid = Grid::of(&values);
        assert_eq!(grid.counts.len() + 1, grid.edges.len());
        assert_eq!(grid.counts.iter().sum::<f64>(), 20_000.0);
        assert_eq!((grid.edges[0], grid.edges[grid.edges.len() - 1]), (0.0, f64::from(values.greatest())));
        for ends in grid.edges.windows(2) {
            assert!(ends[1] - ends[0] == 1.0 || ends[1] <= WIDEST * (ends[0] + 1.0), "{ends:?}");
        }
        for (edge, share) in grid.edges.iter().zip(shares_above(&grid)) {
            assert!((share - values.share_above(*edge as u32)).abs() < 1e-12, "{edge}");
        }
    }

    #[test]
    fn a_value_with_much_weight_stands_alone() {
        let grid = Grid::of(&counts_of((1..=1_000).chain([500; 300])));
        let at = grid.edges.iter().position(|edge| *edge == 500.0).expect("an edge");
        assert_eq!((grid.edges[at - 1], grid.counts[at - 1]), (499.0, 301.0));
    }

    #[test]
    fn the_mean_over_the_grid_is_nearly_that_of_the_values() {
        let values = skewed();
        let grid = Grid::of(&values);
        let (found, expected) = (grid.mean(&shares_above(&grid)), values.mean());
        assert!((found / expected - 1.0).abs() < 2e-3, "{found} {expected}");
    }
}
