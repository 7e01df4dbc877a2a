//! A run of steps in which nothing changes but the contexts: where its boundaries lie, and which of them a moment precedes.

use crate::serving::model::{END_OF_TIME, Ticks, length_of_steps};

/// Steps that follow one another without a change of the batch. The n-th boundary lies at `start + n A + G n (n - 1) / 2`.
#[derive(Clone, Debug)]
pub struct Stride {
    start: Ticks,
    first: u128,
    growth: u128,
    steps: u64,
    end: Ticks,
}

impl Stride {
    /// The stride of an idle engine: it never ends.
    pub const IDLE: Stride = Stride { start: 0, first: 0, growth: 0, steps: 0, end: END_OF_TIME };

    /// `steps` steps from `start`, the first lasting `first` ticks, each next one `growth` ticks more.
    #[inline]
    pub fn new(start: Ticks, first: u128, growth: u128, steps: u64) -> Stride {
        let mut stride = Stride { start, first, growth, steps, end: start };
        stride.end = stride.boundary(steps);
        stride
    }

    /// One step from `start` that lasts so many ticks.
    #[inline]
    pub fn single(start: Ticks, length: u128) -> Stride {
        let end = (start + length as Ticks).min(END_OF_TIME);
        Stride { start, first: length, growth: 0, steps: 1, end }
    }

    /// Where the `n`-th step ends.
    #[inline]
    pub fn boundary(&self, n: u64) -> Ticks {
        let length = if n == 1 { self.first } else { length_of_steps(self.first, self.growth, n) };
        (self.start + length as Ticks).min(END_OF_TIME)
    }

    /// Where the last step ends.
    #[inline]
    pub fn end(&self) -> Ticks {
        self.end
    }

    /// The number of steps.
    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The number of boundaries before `limit`, the last one aside: `limit` must not be after the end.
    #[inline]
    pub fn boundaries_before(&self, limit: Ticks) -> u64 {
        if self.steps <= 1 || limit <= self.start + self.first as Ticks {
            return 0;
        }
        self.first_from(limit).0 - 1
    }

    /// The first boundary that is not before `limit`, by its number and its place; `limit` is after the first one and not
    /// after the last.
    fn first_from(&self, limit: Ticks) -> (u64, Ticks) {
        // The quadratic is solved in floating point, in the form that loses nothing when the growth is small, and the
        // whole number found is then mended in integers.
        let (length, first, growth) = (real((limit - self.start) as u128), real(self.first), real(self.growth));
        let linear = first - growth / 2.0;
        let solution = 2.0 * length / (linear + (linear * linear + 2.0 * growth * length).sqrt());
        let mut number = (solution as u64).clamp(1, self.steps - 1) + 1;
        let mut place = self.boundary(number);
        while place < limit && number < self.steps {
            number += 1;
            place = self.boundary(number);
        }
        while number > 2 {
            let before = self.boundary(number - 1);
            if before < limit {
                break;
            }
            (number, place) = (number - 1, before);
        }
        (number, place)
    }

    /// Ends the stride at its first boundary that is not before `limit`; returns whether that makes it shorter.
    #[inline]
    pub fn cut(&mut self, limit: Ticks) -> bool {
        if self.steps <= 1 {
            return false;
        }
        let first = self.start + self.first as Ticks;
        let (steps, end) = if limit <= first { (1, first.min(END_OF_TIME)) } else { self.first_from(limit) };
        let shorter = steps < self.steps;
        (self.steps, self.end) = (steps, end);
        shorter
    }
}

/// An integer as a real number, without the detour that a conversion from 128 bits takes.
#[inline]
fn real(ticks: u128) -> f64 {
    const LOW_BITS: u32 = 62;
    const LOW: u128 = 1 << LOW_BITS;
    let (high, low) = ((ticks >> LOW_BITS) as i64, (ticks & (LOW - 1)) as i64);
    high as f64 * LOW as f64 + low as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverting_finds_the_boundary_that_counting_finds(
            start in -1_000_000_i128..1_000_000,
            first_bits in 0_u32..70,
            growth_bits in 0_u32..64,
            steps in 1_u64..400,
            place in 0.0..1.0_f64,
            shift in -1_i128..2,
        ) {
            let growth = (1_u128 << growth_bits) - 1;
            let stride = Stride::new(start, (1 << first_bits) + growth, growth, steps);
            // A limit on, just before or just after some boundary, or anywhere.
            let on_boundary = stride.boundary((place * steps as f64) as u64);
            let anywhere = start + ((stride.end() - start) as f64 * place) as i128;
            for limit in [on_boundary + shift, anywhere] {
                let limit = limit.min(stride.end());
                let counted = (1..steps).filter(|n| stride.boundary(*n) < limit).count() as u64;
                prop_assert_eq!(stride.boundaries_before(limit), counted);
            }
        }
    }

    #[test]
    fn inverting_is_exact_after_a_billion_steps() {
        let stride = Stride::new(0, (12 << 32) + 12_345, 7, 2_000_000_000);
        for n in [1, 2, 1_000_000_007, 1_999_999_999] {
            assert_eq!(stride.boundaries_before(stride.boundary(n)), n - 1);
            assert_eq!(stride.boundaries_before(stride.boundary(n) + 1), n);
        }
    }

    #[test]
    fn steps_of_no_length_are_legal() {
        let mut stride = Stride::new(50, 0, 0, 10);
        assert_eq!(stride.end(), 50);
        assert_eq!(stride.boundaries_before(50), 0);
        assert!(stride.cut(50));
        assert_eq!(stride.steps(), 1);
    }
}
