//! The measured window cut into bins of one width, the last one perhaps shorter.

use crate::units::{Duration, Time};

/// Bins of the window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    width: u64,
    window: u64,
    /// 2^64 / width, rounded up: multiplying is quicker than dividing.
    reciprocal: u64,
}

impl Grid {
    /// Bins of `width`, above zero, from time zero to the end of a window of this length.
    pub(super) fn new(width: Duration, window: Duration) -> Grid {
        // A width of one nanosecond needs no bins that could be told apart from those of two.
        let width = width.0.max(2);
        Grid { width, window: window.0, reciprocal: (u64::MAX / width) + 1 }
    }

    /// The number of bins.
    pub(super) fn len(&self) -> usize {
        self.window.div_ceil(self.width) as usize
    }

    /// Whether a moment lies in the window.
    #[inline]
    pub(super) fn contains(&self, time: Time) -> bool {
        // What is before time zero is, taken as unsigned, far beyond the window.
        (time.0 as u64) < self.window
    }

    /// The bin that a moment lies in.
    #[inline]
    pub(super) fn index(&self, time: Time) -> Option<usize> {
        if !self.contains(time) {
            return None;
        }
        let time = time.0 as u64;
        let index = ((u128::from(time) * u128::from(self.reciprocal)) >> 64) as u64;
        // The reciprocal is a little too large: far out, the last moments of a bin seem to be in the next.
        Some((index - u64::from(index * self.width > time)) as usize)
    }

    /// Where a bin begins.
    pub(super) fn begin(&self, index: usize) -> Time {
        Time((index as u64 * self.width) as i64)
    }

    /// How long a bin lasts.
    pub(super) fn length(&self, index: usize) -> Duration {
        Duration((self.window - index as u64 * self.width).min(self.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_moment_lies_in_the_bin_that_division_finds(
            width in prop_oneof![2_u64..100, 1_000_u64..10_000_000_000_000],
            window in 1_u64..4_000_000_000_000_000_000,
            place in 0.0..1.0_f64,
            shift in 0_u64..3,
        ) {
            let grid = Grid::new(Duration(width), Duration(window));
            let anywhere = (place * window as f64) as u64;
            for time in [anywhere, (anywhere / width * width + shift).saturating_sub(1)] {
                let expected = (time < window).then_some((time / width) as usize);
                prop_assert_eq!(grid.index(Time(time as i64)), expected, "{} of {}", time, width);
            }
        }
    }

    #[test]
    fn the_last_bin_ends_with_the_window() {
        let grid = Grid::new(Duration(10), Duration(25));
        assert_eq!(
            (grid.len(), grid.begin(2), grid.length(1), grid.length(2)),
            (3, Time(20), Duration(10), Duration(5))
        );
        assert_eq!([-1, 0, 24, 25].map(|time| grid.index(Time(time))), [None, Some(0), Some(2), None]);
    }
}
