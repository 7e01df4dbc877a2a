//! How the race's error is spent: shares for the ways to err, and equal parts of each share for the single tests.

use super::limits::student_t_at;
use crate::scenario::Check;

/// Probability that anything that a race says is wrong.
pub const ERROR: f64 = 0.05;

/// How often each kind of test is made of what could go wrong, and the share of the error that all of them have.
///
/// The statement errs only if the truly best candidate that meets the checks is put out for breaking one (its own bounds,
/// at each look), if one that breaks a check passes (any candidate, at each look), or if the best is taken for worse than
/// another, or the chosen one for hardly worse than the best (each other candidate, at each look).
#[derive(Clone, Copy, Debug)]
pub struct Spending {
    /// Comparisons of the best with another.
    pub compare: Part,
    /// Tests whether the best breaks a bound.
    pub breaks: Part,
    /// Tests whether a candidate meets the checks.
    pub meets: Part,
}

/// A share of the error and the number of tests that have it together.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What all tests of this kind may err with.
    pub share: f64,
    /// How many tests there are of what could go wrong.
    pub tests: f64,
}

impl Part {
    /// What one test may err with.
    pub fn level(self) -> f64 {
        self.share / self.tests
    }

    /// What all would err with, were each made at this level; at least the share.
    pub fn at_level(self, level: f64) -> f64 {
        self.share.max(level * self.tests)
    }
}

impl Spending {
    /// The divisions of a race with so many looks and candidates.
    pub fn of(checks: &[Check], looks: usize, candidates: usize) -> Spending {
        let looks = looks as f64;
        let bounds = checks.iter().map(|check| [check.min, check.max].into_iter().flatten().count()).sum::<usize>();
        let (compare, check) = if checks.is_empty() { (ERROR, 0.0) } else { (ERROR / 2.0, ERROR / 4.0) };
        let part = |share, tests: usize| Part { share, tests: looks * tests.max(1) as f64 };
        Spending {
            compare: part(compare, candidates.saturating_sub(1)),
            breaks: part(check, bounds),
            meets: part(check, candidates),
        }
    }
}

/// Student's t of a level for the mean of so many runs.
pub fn t_of(level: f64, runs: u64) -> f64 {
    student_t_at(level, (runs.max(2) - 1) as f64)
}

/// The least level, up to 1/2, at which something holds that holds at every greater one; 1/2 where it never does.
pub fn least_level(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut fails, mut succeeds) = (1e-9_f64.ln(), 0.5_f64.ln());
    if !holds(0.499) {
        return 0.5;
    }
    for _ in 0..40 {
        let middle = (fails + succeeds) / 2.0;
        if holds(middle.exp()) { succeeds = middle } else { fails = middle }
    }
    succeeds.exp()
}
