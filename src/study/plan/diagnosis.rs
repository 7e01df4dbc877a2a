//! Why no candidate meets the checks: which check binds, who comes nearest, what would help.

use serde::{Deserialize, Serialize};

use super::Ranked;
use super::bounds::holds;
use crate::scenario::{Axis, Check};

/// A check and how many candidates fail it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// Its index.
    pub check: usize,
    /// Candidates whose estimate does not hold.
    pub candidates: usize,
}

/// A value of a choice and what it does to the check that binds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Help {
    /// Index of the axis.
    pub axis: usize,
    /// Index of the value.
    pub value: usize,
    /// The check's estimate, mean over the candidates with this value.
    pub with: f64,
    /// The same over those with another value of this choice.
    pub without: f64,
}

/// Why nothing meets the checks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The checks that some candidate fails, those that most fail first.
    pub failed: Vec<FailedCheck>,
    /// The candidate whose greatest violation is the least, if any has an estimate of all checks.
    pub nearest: Option<usize>,
    /// The check that it violates most: the one that binds.
    pub binding: Option<usize>,
    /// By how much it does, as [`violation`].
    pub violation: f64,
    /// The value of a choice that brings the binding check nearest to its bound, if any does.
    pub help: Option<Help>,
}

/// By how much a value lies beyond a check's bounds: as a share of the bound, or as it is where that is zero; 0 within
/// them; infinite for no value.
pub fn violation(check: &Check, value: f64) -> f64 {
    let beyond = |excess: f64, bound: f64| excess.max(0.0) / if bound == 0.0 { 1.0 } else { bound.abs() };
    let over = check.max.map_or(0.0, |max| beyond(value - max, max));
    let under = check.min.map_or(0.0, |min| beyond(min - value, min));
    if value.is_nan() { f64::INFINITY } else { over.max(under) }
}

/// Looks for what binds.
pub fn diagnose(candidates: &[Ranked], checks: &[Check], axes: &[Axis]) -> Diagnosis {
    let found = |candidate: &Ranked, check: usize| candidate.checks[check].estimate.value;
    let mut failed: Vec<FailedCheck> = (0..checks.len())
        .map(|check| {
            let fails = |candidate: &&Ranked| !holds(&checks[check], found(candidate, check));
            FailedCheck { check, candidates: candidates.iter().filter(fails).count() }
        })
        .filter(|failed| failed.candidates > 0)
        .collect();
    failed.sort_by_key(|failed| (usize::MAX - failed.candidates, failed.check));
    let worst = |candidate: &Ranked| {
        let each = checks.iter().enumerate().map(|(at, check)| (violation(check, found(candidate, at)), at));
        // Of equals the first.
        each.fold((0.0, None), |worst, (by, at)| if by > worst.0 { (by, Some(at)) } else { worst })
    };
    let nearest = (0..candidates.len()).min_by(|a, b| worst(&candidates[*a]).0.total_cmp(&worst(&candidates[*b]).0));
    let nearest = nearest.filter(|nearest| worst(&candidates[*nearest]).0.is_finite());
    let (violation, binding) = nearest.map_or((f64::NAN, None), |nearest| worst(&candidates[nearest]));
    let help = binding.and_then(|check| help(candidates, check, &checks[check], axes));
    Diagnosis { failed, nearest, binding, violation, help }
}

/// The value whose candidates violate a check less, on average, than those with another value of that choice: the one
/// with the greatest gain.
fn help(candidates: &[Ranked], at: usize, check: &Check, axes: &[Axis]) -> Option<Help> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut best: Option<(f64, Help)> = None;
    for (axis, value) in axes.iter().enumerate().flat_map(|(axis, each)| (0..each.values.len()).map(move |v| (axis, v)))
    {
        let estimates = |holds: &dyn Fn(usize) -> bool| -> Vec<f64> {
            let chosen = candidates.iter().filter(|candidate| candidate.assignment[axis].is_some_and(holds));
            chosen.map(|candidate| candidate.checks[at].estimate.value).filter(|value| value.is_finite()).collect()
        };
        let (with, without) = (estimates(&|v| v == value), estimates(&|v| v != value));
        let violated =
            |values: &[f64]| mean(&values.iter().map(|value| violation(check, *value)).collect::<Vec<f64>>());
        let gain = violated(&without) - violated(&with);
        if gain > best.as_ref().map_or(0.0, |(gain, _)| *gain) {
            best = Some((gain, Help { axis, value, with: mean(&with), without: mean(&without) }));
        }
    }
    best.map(|(_, help)| help)
}
