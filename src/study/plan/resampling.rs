//! How sure the choice is, by resampling: what it would be had other runs been drawn.

use rand::{Rng, SeedableRng};

use serde::{Deserialize, Serialize};

use super::bounds::{holds, value_in};
use super::limits::statistic_of;
use crate::ledger::{Metric, RunRecord};
use crate::random::{Stream, unit_interval};
use crate::scenario::Check;

/// Resamples; a share of so many is known within 2.2 points (two standard errors of a half), and better near 1.
pub const RESAMPLES: usize = 2_000;
/// The generator's seed: the same runs give the same share.
const SEED: u64 = 0x63_75_74_6f_76_65_72;

/// How often the choice is as good as any other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probability {
    /// Share of resamples in which the chosen candidate keeps the checks and none that does is better by more than the
    /// tolerance.
    pub share: f64,
    /// Runs that were resampled.
    pub runs: usize,
    /// Candidates that were compared, the chosen one among them.
    pub candidates: usize,
}

/// One candidate: its runs' objective, and its values for each check.
struct Sample {
    objective: Vec<f64>,
    checked: Vec<Vec<f64>>,
}

/// The share of resamples in which the first of `rivals` would be chosen, within `tolerance`; `None` without runs or
/// others.
///
/// Runs are drawn with replacement (Efron 1979), the same numbers for all candidates, so that what they share by common
/// random numbers stays shared. It says how stable the choice is against the luck of these runs; with rare events and
/// few runs it is too sure, because what was never seen is never drawn.
pub fn probability(
    rivals: &[&[RunRecord]],
    objective: Metric,
    checks: &[Check],
    tolerance: f64,
) -> Option<Probability> {
    let runs = rivals.iter().map(|records| records.len()).min().filter(|runs| *runs > 0)?;
    let samples: Vec<Sample> = rivals.iter().map(|records| sample(&records[..runs], objective, checks)).collect();
    let mut stream = Stream::seed_from_u64(SEED);
    let mut good = 0;
    for _ in 0..RESAMPLES {
        let drawn: Vec<usize> = (0..runs).map(|_| (unit_interval(stream.next_u64()) * runs as f64) as usize).collect();
        good += usize::from(is_best(&samples, &drawn, checks, tolerance));
    }
    Some(Probability { share: good as f64 / RESAMPLES as f64, runs, candidates: rivals.len() })
}

fn sample(records: &[RunRecord], objective: Metric, checks: &[Check]) -> Sample {
    let values = |metric: Metric| records.iter().map(|record| value_in(record, metric)).collect();
    let of_check = |check: &Check| Metric::by_name(&check.metric).map(values).unwrap_or_default();
    Sample { objective: values(objective), checked: checks.iter().map(of_check).collect() }
}

/// Whether the first is feasible in these runs, and no feasible one better by more than the tolerance.
fn is_best(samples: &[Sample], drawn: &[usize], checks: &[Check], tolerance: f64) -> bool {
    let mean = |sample: &Sample| drawn.iter().map(|run| sample.objective[*run]).sum::<f64>() / drawn.len() as f64;
    let is_feasible = |sample: &Sample| {
        checks.iter().zip(&sample.checked).all(|(check, values)| {
            let drawn: Vec<f64> = drawn.iter().map(|run| values[*run]).filter(|value| !value.is_nan()).collect();
            holds(check, statistic_of(check.statistic, &drawn))
        })
    };
    let Some((chosen, others)) = samples.split_first() else { return false };
    let bar = mean(chosen) - tolerance;
    is_feasible(chosen) && !others.iter().any(|other| mean(other) < bar && is_feasible(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, RunKey, exponential};
    use crate::scenario::Statistic;
    use crate::study::samples::{check, record};

    fn runs(seed: u64, mean: f64) -> Vec<RunRecord> {
        let cost = |run| mean * exponential(&mut RunKey::new(seed, run).stream(Purpose::Arrivals));
        (0..100).map(|run| record(run, &[(Metric::Cost, cost(run))])).collect()
    }

    #[test]
    fn a_clear_choice_is_certain_and_a_tie_is_not() {
        let (cheap, dear, other) = (runs(1, 1.0), runs(1, 3.0), runs(2, 1.0));
        let of = |rivals: &[&[RunRecord]]| probability(rivals, Metric::Cost, &[], 0.0).unwrap();
        assert_eq!(of(&[&cheap, &dear]).share, 1.0);
        assert_eq!(of(&[&dear, &cheap]).share, 0.0);
        let (one, two) = (of(&[&cheap, &other]).share, of(&[&other, &cheap]).share);
        // Whichever is called the first; equal means do not occur.
        assert!((one + two - 1.0).abs() < 1e-12 && one > 0.02 && two > 0.02, "{one} {two}");
        assert_eq!(of(&[&cheap]), Probability { share: 1.0, runs: 100, candidates: 1 });
        assert_eq!(probability(&[], Metric::Cost, &[], 0.0), None);
    }

    #[test]
    fn breaking_a_check_is_no_way_to_be_best() {
        let (cheap, dear) = (runs(1, 1.0), runs(1, 3.0));
        let checks = [check(Metric::Cost, Statistic::Mean, Some(2.0), None)];
        assert_eq!(probability(&[&cheap, &dear], Metric::Cost, &checks, 0.0).unwrap().share, 0.0);
        assert!(probability(&[&dear, &cheap], Metric::Cost, &checks, 0.0).unwrap().share > 0.99);
    }
}
