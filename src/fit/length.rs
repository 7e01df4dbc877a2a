//! What recorded lengths are like, the distributions that could stand for them, and which of those to take.

use super::closeness::{Closeness, Target};
use super::counts::ValueCounts;
use super::expectation::Part;
use super::families;
use super::grid::Grid;
use super::mixture;
use super::tail::Tail;
use crate::random::{Distribution, Family};

/// Shares of the greatest values that tails are estimated from.
const TAILS: [f64; 2] = [0.05, 0.01];
/// How much farther than the closest candidate the recommended one may be.
const ABOUT_AS_CLOSE: f64 = 0.01;
/// Kolmogorov-Smirnov distance above which a fit is poor.
const POOR_KS: f64 = 0.03;
/// That distance times the root of the number of values which the true distribution exceeds once in twenty times.
const BY_CHANCE: f64 = 1.36;
/// Error of the mean above which a fit is poor.
const POOR_MEAN: f64 = 0.05;
/// Factor by which the P99 of a fit that is not poor may be off.
const POOR_P99: f64 = 1.25;
/// Fewest values of which the P99 is judged.
const FEWEST_FOR_P99: u64 = 1_000;
/// Factor by which the P99.9 of a fit that is not poor may be off: these are the answers that a drain cuts.
const POOR_P999: f64 = 1.5;
/// Fewest values of which the P99.9 is judged.
const FEWEST_FOR_P999: u64 = 10_000;
/// Significant digits of parameters: what is pasted is what was judged.
const DIGITS: usize = 4;
/// Weights are multiples of one over this.
const WEIGHT_UNITS: f64 = 1e4;
/// Parts of a mixture with less weight are left out.
const LEAST_WEIGHT: f64 = 5e-4;

/// What kind of distribution a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Always the same value.
    Constant,
    /// Exponential.
    Exponential,
    /// Lognormal.
    Lognormal,
    /// Gamma.
    Gamma,
    /// Weibull.
    Weibull,
    /// Pareto.
    Pareto,
    /// A mixture of two lognormals, or of fewer where one was left with no weight.
    TwoLognormals,
    /// A mixture of three lognormals, or of fewer likewise.
    ThreeLognormals,
}

impl Kind {
    /// Name for people.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Constant => "constant",
            Kind::Exponential => "exponential",
            Kind::Lognormal => "lognormal",
            Kind::Gamma => "gamma",
            Kind::Weibull => "weibull",
            Kind::Pareto => "pareto",
            Kind::TwoLognormals => "2 lognormals",
            Kind::ThreeLognormals => "3 lognormals",
        }
    }

    /// Whether it is a single family rather than a mixture.
    pub fn is_single(self) -> bool {
        !matches!(self, Kind::TwoLognormals | Kind::ThreeLognormals)
    }

    /// Number of parameters.
    pub fn parameters(self) -> usize {
        match self {
            Kind::Constant | Kind::Exponential => 1,
            Kind::Lognormal | Kind::Gamma | Kind::Weibull | Kind::Pareto => 2,
            Kind::TwoLognormals => 5,
            Kind::ThreeLognormals => 8,
        }
    }
}

/// A distribution that could stand for recorded lengths.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// The distribution, cut at the greatest recorded length, its parameters rounded as they are to be pasted.
    pub distribution: Distribution,
    /// How close it is.
    pub closeness: Closeness,
}

/// Recorded lengths and what could stand for them.
#[derive(Clone, Debug)]
pub struct LengthFit {
    /// How often each length occurs.
    pub values: ValueCounts,
    /// The greatest 5 % and the greatest 1 %, where they are enough.
    pub tails: [Option<Tail>; 2],
    /// The candidates, by ascending number of parameters; one at least.
    pub candidates: Vec<Candidate>,
    /// Place of the recommended one among them.
    pub recommended: usize,
    /// Whether even that one is poor, so that the recorded lengths themselves should be drawn from.
    pub is_poor: bool,
}

impl LengthFit {
    /// Fits everything to some lengths.
    pub(super) fn of(values: ValueCounts) -> LengthFit {
        let candidates = candidates(&values);
        let poor: Vec<bool> = candidates.iter().map(|candidate| is_poor(&candidate.closeness, &values)).collect();
        let recommended = recommend(&candidates, &poor, values.total());
        let is_poor = poor[recommended];
        let tails = TAILS.map(|share| Tail::of(&values, share));
        LengthFit { values, tails, candidates, recommended, is_poor }
    }

    /// The recommended candidate.
    pub fn recommended(&self) -> &Candidate {
        &self.candidates[self.recommended]
    }

    /// The closest candidate of those that are a single family.
    pub fn closest_single(&self) -> &Candidate {
        let singles = self.candidates.iter().filter(|candidate| candidate.kind.is_single());
        let closest = singles.min_by(|one, other| one.closeness.distance.total_cmp(&other.closeness.distance));
        closest.unwrap_or(&self.candidates[0])
    }

    /// The candidate of this kind, if there is one.
    pub fn candidate(&self, kind: Kind) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.kind == kind)
    }
}

fn candidates(values: &ValueCounts) -> Vec<Candidate> {
    let most = f64::from(values.greatest());
    if values.distinct() == 1 {
        return vec![candidate(Kind::Constant, Family::Constant(most), values)];
    }
    let grid = Grid::of(values);
    let target = Target::of(values);
    let (mean, variation) = (values.mean(), values.variation());
    let families = [
        (Kind::Exponential, families::exponential(&grid, mean)),
        (Kind::Lognormal, lognormal(&mixture::single(&grid))),
        (Kind::Gamma, families::gamma(&grid, mean, variation)),
        (Kind::Weibull, families::weibull(&grid, mean, variation)),
        (Kind::Pareto, families::pareto(&grid, f64::from(values.least()))),
        (Kind::TwoLognormals, lognormals(&mixture::closest(&grid, &target, 2))),
        (Kind::ThreeLognormals, lognormals(&mixture::closest(&grid, &target, 3))),
    ];
    families.into_iter().map(|(kind, family)| candidate(kind, family, values)).collect()
}

fn candidate(kind: Kind, family: Family, values: &ValueCounts) -> Candidate {
    let distribution = Distribution { family: rounded(family), max: f64::from(values.greatest()) };
    let closeness = Closeness::of(&distribution, values);
    Candidate { kind, distribution, closeness }
}

fn lognormal(part: &Part) -> Family {
    Family::Lognormal { median: part.mu.exp(), sigma: part.sigma }
}

fn lognormals(parts: &[Part]) -> Family {
    let kept = parts.iter().filter(|part| part.weight >= LEAST_WEIGHT);
    let plain = |part: &Part| Distribution { family: lognormal(part), max: f64::INFINITY };
    Family::Mixture(kept.map(|part| (part.weight, plain(part))).collect())
}

/// The family with its parameters as they are to be pasted.
fn rounded(family: Family) -> Family {
    let round = |number: f64| format!("{number:.*e}", DIGITS - 1).parse().unwrap_or(number);
    match family {
        Family::Exponential { mean } => Family::Exponential { mean: round(mean) },
        Family::Lognormal { median, sigma } => Family::Lognormal { median: round(median), sigma: round(sigma) },
        Family::Gamma { mean, cv } => Family::Gamma { mean: round(mean), cv: round(cv) },
        Family::Weibull { scale, shape } => Family::Weibull { scale: round(scale), shape: round(shape) },
        Family::Pareto { minimum, alpha } => Family::Pareto { minimum: round(minimum), alpha: round(alpha) },
        Family::Mixture(parts) => {
            let weights = round_weights(parts.iter().map(|(weight, _)| *weight).collect());
            let parts = parts.into_iter().zip(weights);
            let round_part = |part: Distribution| Distribution { family: rounded(part.family), ..part };
            Family::Mixture(parts.map(|((_, part), weight)| (weight, round_part(part))).collect())
        }
        other => other,
    }
}

/// The weights in whole units that add up to 1; the greatest takes what is missing.
fn round_weights(weights: Vec<f64>) -> Vec<f64> {
    let total: f64 = weights.iter().sum();
    let mut units: Vec<f64> = weights.iter().map(|weight| (weight / total * WEIGHT_UNITS).round()).collect();
    let missing = WEIGHT_UNITS - units.iter().sum::<f64>();
    if let Some(greatest) = units.iter_mut().max_by(|one, other| one.total_cmp(other)) {
        *greatest += missing;
    }
    units.into_iter().map(|units| units / WEIGHT_UNITS).collect()
}

/// The simplest candidate that is about as close as the closest: at most [`ABOUT_AS_CLOSE`] farther, or one over the
/// root of the number of values, because what chance makes of a sample is not worth a parameter. One that is poor only
/// where all of these are; of equally simple ones the closest.
fn recommend(candidates: &[Candidate], poor: &[bool], values: u64) -> usize {
    let distances = candidates.iter().map(|candidate| candidate.closeness.distance);
    let farthest = distances.fold(f64::INFINITY, f64::min) + ABOUT_AS_CLOSE.max((values as f64).sqrt().recip());
    let close = candidates.iter().enumerate().filter(|(_, candidate)| candidate.closeness.distance <= farthest);
    let best = close.min_by(|(place, one), (other_place, other)| {
        let quality = poor[*place].cmp(&poor[*other_place]);
        let parameters = one.kind.parameters().cmp(&other.kind.parameters());
        quality.then(parameters).then(one.closeness.distance.total_cmp(&other.closeness.distance))
    });
    best.map_or(0, |(place, _)| place)
}

/// Whether a fit is farther from the values than it should be to stand for them.
fn is_poor(closeness: &Closeness, values: &ValueCounts) -> bool {
    let n = values.total();
    let is_off = |drawn: f64, share: f64, most: f64| {
        let factor = drawn / f64::from(values.exceeded_by(share));
        factor.max(factor.recip()) > most
    };
    let is_p99_off = n >= FEWEST_FOR_P99 && is_off(closeness.p99, 0.01, POOR_P99);
    let is_p999_off = n >= FEWEST_FOR_P999 && is_off(closeness.p999, 0.001, POOR_P999);
    let is_mean_off = (closeness.mean / values.mean() - 1.0).abs() > POOR_MEAN.max(values.variation() * chance(n));
    closeness.ks > POOR_KS.max(chance(n)) || is_mean_off || is_p99_off || is_p999_off
}

/// What chance alone makes of distances of so many values.
fn chance(values: u64) -> f64 {
    BY_CHANCE / (values as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::super::tests::{mixture, sample};
    use super::*;

    #[test]
    fn the_family_that_lengths_come_from_is_recommended() {
        for (family, kind) in [
            (Family::Exponential { mean: 300.0 }, Kind::Exponential),
            (Family::Lognormal { median: 200.0, sigma: 1.0 }, Kind::Lognormal),
            (Family::Gamma { mean: 500.0, cv: 0.5 }, Kind::Gamma),
            (Family::Weibull { scale: 300.0, shape: 2.5 }, Kind::Weibull),
            (mixture(&[(0.6, 80.0, 0.5), (0.4, 1_500.0, 0.3)]), Kind::TwoLognormals),
        ] {
            let fit = LengthFit::of(sample(family, 10_000));
            assert_eq!((fit.recommended().kind, fit.is_poor), (kind, false), "{:?}", fit.candidates);
            assert!(fit.recommended().closeness.ks < 1.5 * chance(10_000), "{:?}", fit.recommended());
        }
    }

    #[test]
    fn a_mixture_of_three_is_found_again() {
        let parts = [(0.5, 40.0, 0.4), (0.3, 600.0, 0.2), (0.2, 4_000.0, 0.7)];
        let fit = LengthFit::of(sample(mixture(&parts), 40_000));
        let three = fit.candidate(Kind::ThreeLognormals).expect("a mixture of three");
        let Family::Mixture(found) = &three.distribution.family else { panic!("{three:?}") };
        for ((weight, median, sigma), (found_weight, found)) in parts.iter().zip(found) {
            let Family::Lognormal { median: found_median, sigma: found_sigma } = found.family else { panic!() };
            assert!((found_weight - weight).abs() < 0.03, "{three:?}");
            assert!((found_median / median - 1.0).abs() < 0.05 && (found_sigma - sigma).abs() < 0.08, "{three:?}");
        }
        assert!(three.closeness.ks < chance(40_000), "{three:?}");
    }

    #[test]
    fn a_few_lengths_are_not_worth_many_parameters() {
        let fit = LengthFit::of(sample(Family::Exponential { mean: 300.0 }, 60));
        assert!(fit.recommended().kind.parameters() <= 2, "{:?}", fit.candidates);
        assert!(!fit.is_poor);
    }

    #[test]
    fn what_nothing_fits_is_called_poor() {
        // Five spikes: three parts cannot be on all.
        let fit = LengthFit::of(counts_of((0..10_000).map(|i| [20, 90, 400, 2_000, 9_000][i % 5])));
        assert!(fit.is_poor, "{:?}", fit.recommended());
    }

    #[test]
    fn a_parameter_more_is_better_than_a_poor_fit() {
        let fit = LengthFit::of(sample(Family::Exponential { mean: 300.0 }, 10_000));
        let distances: Vec<f64> = fit.candidates.iter().map(|candidate| candidate.closeness.distance).collect();
        let mut poor = vec![false; distances.len()];
        assert_eq!(recommend(&fit.candidates, &poor, 10_000), 0, "{distances:?}");
        poor[0] = true;
        let next = recommend(&fit.candidates, &poor, 10_000);
        assert_eq!(fit.candidates[next].kind.parameters(), 2, "{distances:?}");
        assert_eq!(recommend(&fit.candidates, &vec![true; distances.len()], 10_000), 0);
    }

    #[test]
    fn equal_lengths_are_a_constant_and_two_lengths_are_fitted() {
        let constant = LengthFit::of(counts_of([512; 100]));
        assert_eq!(constant.candidates.len(), 1);
        assert_eq!((constant.recommended().kind, constant.recommended().closeness.ks), (Kind::Constant, 0.0));
        assert_eq!((constant.recommended().closeness.mean, constant.is_poor), (512.0, false));
        let two = LengthFit::of(counts_of([1, 2]));
        assert!(two.candidates.iter().all(|candidate| candidate.closeness.ks.is_finite()), "{:?}", two.candidates);
        let apart = LengthFit::of(counts_of([1, 100_000_000, 100_000_000]));
        assert!(apart.candidates.iter().all(|candidate| candidate.closeness.ks <= 1.0), "{:?}", apart.candidates);
    }

    #[test]
    fn weights_are_rounded_to_a_whole() {
        let weights = round_weights(vec![1.0, 1.0, 1.0]);
        assert_eq!(weights, [0.3333, 0.3333, 0.3334]);
        assert_eq!(round_weights(vec![0.69177, 0.30823]), [0.6918, 0.3082]);
    }
}
