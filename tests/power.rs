//! The power that `cutover power` finds is the known power of the same test where that is known: on independent samples.

mod support;

use std::sync::atomic::AtomicBool;

use cutover::rollout::mann_whitney::compare;
use cutover::scenario::Scenario;
use cutover::study::Estimate;
use cutover::study::power::{EstimatorName, Power, Regression, Request, design};
use rand::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::function::erf::erfc;
use support::scenario;

/// Half of four requests a second go to the canary at once; constant steps and slots for all, so that each attempt's fate
/// is its own. The first window begins when the canary is as full as it gets: answers take half a second.
const INDEPENDENT: &str = r#"
name = "independent attempts"
[study]
runs = 400
seed = 11
warm_up = "5s"
duration = "80s"
cool_down = "5s"
[traffic]
arrivals = { process = "poisson", rate = 4.0 }
prompt_tokens = 1
output_tokens = 50
[fleet]
replicas = 2
[engine]
max_num_seqs = 256
step_time = { base = "10ms" }
[rollout]
strategy = "canary"
start = "0s"
[rollout.canary]
steps = [{ set_weight = 50 }, { analysis = ["errors"] }]
[analysis.errors]
metric = "error_rate"
max = 0.02
count = 1
interval = "60s"
window = "60s"
initial_delay = "70s"
"#;
const BOUND: f64 = 0.02;
/// Attempts at the canary in a window, mean.
const IN_WINDOW: f64 = 2.0 * 60.0;

/// What `cutover power` finds, without further estimators or changes.
fn power(text: &str, sets: &[&str], regression: &str) -> Power {
    let load = |further: &[String]| -> Result<Scenario, String> {
        let sets: Vec<&str> = sets.iter().copied().chain(further.iter().map(String::as_str)).collect();
        Ok(scenario(text, &sets))
    };
    let request = Request {
        regressions: vec![Regression::parse(regression).unwrap_or_else(|error| panic!("{error}"))],
        estimators: Some(vec![EstimatorName::Exact]),
        power: 0.9,
        false_alarm: 0.05,
        at: None,
        levers: false,
    };
    let design = design(scenario(text, sets), request, &load, &|expected| expected);
    let design = design.unwrap_or_else(|expected| panic!("{expected}"));
    design.simulate(None, &|_| {}, &AtomicBool::new(false)).expect("runs")
}

/// The probability of rollback by size.
fn caught(power: &Power) -> Vec<Estimate> {
    let outcomes = &power.as_written().outcomes;
    power.regressions[0].sizes.iter().map(|size| outcomes[size.version].caught).collect()
}

/// Probabilities of a Poisson variable up to where they vanish.
fn poisson(mean: f64) -> Vec<f64> {
    let mut terms = vec![(-mean).exp()];
    for n in 1..(mean + 12.0 * mean.sqrt() + 40.0) as usize {
        terms.push(terms[n - 1] * mean / n as f64);
    }
    terms
}

/// The probability that a window's error rate exceeds the bound: errors and answers that end in it are independent Poisson
/// variables, because attempts arrive so, err independently, and answers all take equally long.
fn exceeds(error_probability: f64) -> f64 {
    let (errors, answers) = (poisson(IN_WINDOW * error_probability), poisson(IN_WINDOW * (1.0 - error_probability)));
    let mut sum = 0.0;
    for (failed, p) in errors.iter().enumerate().skip(1) {
        for (answered, q) in answers.iter().enumerate() {
            sum += if failed as f64 > BOUND * (failed + answered) as f64 { p * q } else { 0.0 };
        }
    }
    sum
}

/// A share of runs against its probability, within four of its standard errors: a right program is outside for one seed in
/// 16,000, one that is off by a tenth in the middle of a curve nearly always.
fn assert_share(found: &Estimate, expected: f64, runs: f64) {
    let error = (expected * (1.0 - expected) / runs).sqrt();
    assert!((found.value - expected).abs() <= 4.0 * error + 1e-9, "{} for {expected} +- {error}", found.value);
}

#[test]
fn the_power_of_one_look_at_independent_errors_is_the_closed_form() {
    let power = power(INDEPENDENT, &[], "error_rate=0%,1%,2%,4%");
    let caught = caught(&power);
    let expected: Vec<f64> = [0.0, 0.01, 0.02, 0.04].map(exceeds).to_vec();
    // From never over a coin's toss to nearly always: bounds that a wrong curve could not keep.
    assert!(expected[1] < 0.2 && (0.35..0.6).contains(&expected[2]) && expected[3] > 0.8, "{expected:?}");
    for (caught, expected) in caught.iter().zip(&expected) {
        assert_share(caught, *expected, 400.0);
    }
    assert!(caught.windows(2).all(|pair| pair[0].value <= pair[1].value), "it is not monotone: {caught:?}");
    // What was set is what is measured: each interval of four standard errors holds the truth.
    for (size, truth) in power.regressions[0].sizes.iter().zip([0.0, 0.01, 0.02, 0.04]) {
        let (_, found) = power.own_effect(&power.regressions[0], size).expect("an effect");
        let (low, high) = found.interval.expect("an interval");
        assert!((found.value - truth).abs() <= (high - low) + 1e-12, "{found:?} for {truth}");
    }
}

#[test]
fn looks_at_separate_windows_are_independent_and_looks_at_overlapping_ones_are_not() {
    let looks = ["study.duration=190s", "analysis.errors.count=3"];
    let once = exceeds(0.01);
    let thrice = 1.0 - (1.0 - once).powi(3);
    let separate = caught(&power(INDEPENDENT, &looks, "error_rate=1%"))[1];
    assert_share(&separate, thrice, 400.0);
    let sets = [looks[0], looks[1], "analysis.errors.interval=10s"];
    let overlapping = caught(&power(INDEPENDENT, &sets, "error_rate=1%"))[1];
    // Three looks at nearly the same minute find more than one look and less than three at three minutes. The first look
    // is the same in both, so that the difference is that of the later ones.
    assert!(overlapping.value > once && overlapping.value < separate.value, "{overlapping:?} {separate:?}");
}

/// A prompt of a hundred tokens takes a tenth of a second alone, and a step that decodes a millisecond.
#[test]
fn the_effect_of_slow_prompts_is_theirs_and_leaves_the_time_between_tokens_alone() {
    let sets = [
        "traffic={ arrivals = { process = \"poisson\", rate = 0.4 }, prompt_tokens = 100, output_tokens = 10 }",
        "engine.step_time={ base = \"1ms\", per_prefill_token = \"1ms\" }",
        "study.runs=20",
        "analysis={ slow = { metric = \"ttft\", quantile = 0.5, max = \"1s\", count = 1 }, \
         gaps = { metric = \"tpot\", quantile = 0.5, max = \"1s\", count = 1 } }",
        "rollout.canary.steps=[{ set_weight = 50 }, { analysis = [\"slow\", \"gaps\"] }]",
    ];
    let power = power(INDEPENDENT, &sets, "ttft=50%");
    let version = power.regressions[0].sizes[1].version;
    let [ttft, tpot] = power.effects[version][..] else { panic!("two measures") };
    // 1 ms and 150 ms over 1 ms and 100 ms; the median request meets nobody.
    assert!((ttft.value - (151.0 / 101.0 - 1.0)).abs() < 0.01, "{ttft:?}");
    assert!(tpot.value.abs() < 0.01, "{tpot:?}");
}

fn normal_below(z: f64) -> f64 {
    0.5 * erfc(-z / std::f64::consts::SQRT_2)
}

/// P(X > Y1 and X > Y2) of standard normals when X is shifted: the integral of Phi(x + shift)^2 over the normal density,
/// by the midpoint rule, which is exact to far below what is tested.
fn above_both(shift: f64) -> f64 {
    let step = 0.01;
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (-800..800).map(|i| (f64::from(i) + 0.5) * step).map(|x| density(x) * normal_below(x + shift).powi(2) * step).sum()
}

/// The share of samples of n each that the judge with this confidence, and no tolerance, calls high.
fn rejected(n: usize, shift: f64, repetitions: u32) -> f64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5 + (100.0 * shift) as u64);
    let mut sample = |shift: f64| -> Vec<f64> {
        (0..n).map(|_| shift + Distribution::<f64>::sample(&StandardNormal, &mut random)).collect()
    };
    let is_high = |_: &u32| compare(&sample(shift), &sample(0.0), 0.98).expect("two samples").lower > 0.0;
    f64::from((0..repetitions).filter(is_high).count() as u32) / f64::from(repetitions)
}

/// Noether (1987, JASA 82, 645-647): power = Phi(sqrt(12 c (1 - c) N) |p - 1/2| - z), with N values in all, a share c of
/// them in one sample, and p = P(X > Y), which is Phi(shift / sqrt 2) of normals. He takes the variance of U to be that
/// without a shift, which is why his formula is a few hundredths off; with the variance under the shift (Lehmann 1975,
/// Nonparametrics, section 2.3) and the continuity correction it is nearly exact.
#[test]
fn the_mann_whitney_judge_has_the_known_power_on_independent_samples() {
    let (n, repetitions, z) = (40usize, 2_000u32, 2.326_347_874_040_841);
    let (pairs, size) = ((n * n) as f64, n as f64);
    let deviation_at_zero = (pairs * (2.0 * size + 1.0) / 12.0).sqrt();
    let mut last = 0.0;
    for shift in [0.4, 0.6, 0.8] {
        let p = normal_below(shift / std::f64::consts::SQRT_2);
        let both = above_both(shift);
        let variance = pairs * (p * (1.0 - p) + 2.0 * (size - 1.0) * (both - p * p));
        let exact = normal_below((pairs * (p - 0.5) - 0.5 - z * deviation_at_zero) / variance.sqrt());
        let noether = normal_below((12.0 * 0.25 * 2.0 * size).sqrt() * (p - 0.5) - z);
        let found = rejected(n, shift, repetitions);
        let error = (exact * (1.0 - exact) / f64::from(repetitions)).sqrt();
        assert!((found - exact).abs() < 4.0 * error + 0.01, "{found} for {exact} +- {error} at {shift}");
        assert!((found - noether).abs() < 4.0 * error + 0.05, "{found} for Noether's {noether} at {shift}");
        assert!(found > last, "it is not monotone");
        last = found;
    }
    // Two-sided at 98 %: without a shift at most one in a hundred is called high.
    let (found, level) = (rejected(n, 0.0, repetitions), 0.01);
    assert!(found <= level + 3.0 * (level * (1.0 - level) / f64::from(repetitions)).sqrt(), "{found}");
}
