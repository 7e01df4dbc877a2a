//! Reading tables key by key: every problem is noted and reading goes on, so that all are reported at once.
//!
//! A reader of a section asks for the keys that it knows; whatever nobody asked for is an unknown key. Values that are
//! wrong are replaced by their defaults, which nobody will see: a scenario with a problem is never handed out.

mod context;
mod field;
mod section;

#[cfg(test)]
use std::cell::RefCell;

pub(super) use context::Context;
pub(super) use field::Field;
pub(super) use section::Section;

#[cfg(test)]
thread_local! {
    /// Every key that a reader asked for in this thread: what the catalogue is held against.
    pub(super) static ASKED: RefCell<std::collections::BTreeSet<String>> = RefCell::default();
}

/// Greatest number that any key takes.
const GREATEST: f64 = 1e15;

/// Which real numbers a key takes.
pub(super) struct Real {
    /// In words: "a number above 0".
    pub expected: &'static str,
    /// Whether a finite number is one of them.
    pub holds: fn(f64) -> bool,
}

/// Factors, rates, sizes.
pub(super) const POSITIVE: Real =
    Real { expected: "a number above 0, at most 1e15", holds: |x| x > 0.0 && x <= GREATEST };
/// Probabilities and shares.
pub(super) const PROBABILITY: Real = Real { expected: "a number from 0 to 1", holds: |x| (0.0..=1.0).contains(&x) };
/// Quantiles.
pub(super) const QUANTILE: Real =
    Real { expected: "a number above 0 and below 1, such as 0.99", holds: |x| x > 0.0 && x < 1.0 };
/// Any number that is not absurd.
pub(super) const FINITE: Real =
    Real { expected: "a number between -1e15 and 1e15", holds: |x| (-GREATEST..=GREATEST).contains(&x) };
