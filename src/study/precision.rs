//! Precision: runs are added until intervals are as narrow as was asked for.
//!
//! The looks are planned beforehand (`looks`), and all intervals of the study are taken at the confidence that belongs to
//! them, so that 95 % of studies cover whichever look was the last: no luck is gained by stopping when it looks well.

use std::sync::atomic::{AtomicBool, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::intervals::Confidence;
use super::looks::{confidence_over, looks};
use super::measure::Measure;
use super::result::{Estimate, StudyResult};
use super::run::{Growing, grow};
use super::summary::summarize_runs_at;
use crate::scenario::{Scenario, Statistic};

/// How narrow the interval of one statistic is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Of what.
    pub measure: Measure,
    /// Greatest distance from the estimate to an end of its interval, as a share of the estimate; zero for none.
    pub relative: f64,
    /// Greatest distance in the metric's unit, which is enough whatever the estimate is; zero for none.
    pub absolute: f64,
}

impl Target {
    /// Reads `METRIC.STATISTIC=5%` (relative), `=0.2` (absolute, in the metric's unit) or `=5%,0.2` (relative, and the
    /// absolute distance is enough where the estimate is near zero).
    ///
    /// # Errors
    /// What was expected, for a person.
    pub fn parse(text: &str) -> Result<Target, String> {
        let expected = "expected METRIC.STATISTIC=5% (relative), =0.2 (absolute) or =5%,0.2 (whichever is wider)";
        let (measure, widths) = text.split_once('=').ok_or(expected)?;
        let measure = Measure::parse(measure.trim())?;
        if matches!(measure.statistic, Statistic::Min | Statistic::Max) {
            return Err(format!("the {} over runs has no interval that runs could narrow", measure.statistic.name()));
        }
        let (mut relative, mut absolute) = (0.0, 0.0);
        for width in widths.split(',') {
            let (number, share) = match width.trim().strip_suffix('%') {
                Some(percent) => (percent, true),
                None => (width, false),
            };
            let number: f64 = number.trim().parse().map_err(|_| format!("{expected}, found `{width}`"))?;
            if !(number.is_finite() && number > 0.0) {
                return Err(format!("{expected}, each above zero, found `{width}`"));
            }
            let place = if share { &mut relative } else { &mut absolute };
            if *place > 0.0 {
                return Err(format!("{expected}; found two of a kind in `{widths}`"));
            }
            *place = if share { number / 100.0 } else { number };
        }
        Ok(Target { measure, relative, absolute })
    }

    /// Greatest distance that is allowed at this estimate.
    pub fn allowed(&self, value: f64) -> f64 {
        (self.relative * value.abs()).max(self.absolute)
    }

    /// How the estimate stands to it.
    fn standing(&self, estimate: &Estimate) -> Standing {
        // An end that is infinite, as a quantile's with unfinished rollouts, is as far as can be.
        let distance = estimate.interval.map_or(f64::INFINITY, |(low, high)| {
            let far = (high - estimate.value).max(estimate.value - low);
            if far.is_nan() { f64::INFINITY } else { far }
        });
        Standing { target: *self, value: estimate.value, distance, allowed: self.allowed(estimate.value) }
    }
}

/// How a target stood at the last look.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// What was asked for.
    pub target: Target,
    /// The estimate.
    pub value: f64,
    /// Distance from the estimate to the farther end of its interval; infinite without one.
    pub distance: f64,
    /// Greatest distance that was allowed.
    pub allowed: f64,
}

impl Standing {
    /// Whether the interval is narrow enough.
    pub fn is_reached(&self) -> bool {
        self.distance <= self.allowed
    }
}

/// Why no further runs were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every interval is as narrow as was asked for.
    Reached,
    /// All runs that were allowed are done.
    AllRuns,
    /// The time that was allowed is over.
    OutOfTime,
    /// Somebody interrupted it.
    Interrupted,
}

/// Precision as it was asked for: targets, and when to look.
#[derive(Clone, Debug)]
pub struct Sequence {
    targets: Vec<Target>,
    looks: Vec<u64>,
    confidence: Confidence,
}

impl Sequence {
    /// Looks after `first` runs, then at each doubling up to `most`.
    pub fn new(targets: Vec<Target>, first: u64, most: u64) -> Sequence {
        let looks = looks(first, most);
        let confidence = confidence_over(&looks);
        Sequence { targets, looks, confidence }
    }

    /// At which each interval is taken.
    pub fn confidence(&self) -> Confidence {
        self.confidence
    }

    /// The greatest number of runs.
    pub fn most(&self) -> u64 {
        self.looks.last().copied().unwrap_or(0)
    }

    /// How the targets stand, from the estimate of each measure.
    fn standings(&self, estimate: impl Fn(Measure) -> Estimate) -> Vec<Standing> {
        self.targets.iter().map(|target| target.standing(&estimate(target.measure))).collect()
    }
}

/// How a study came to its number of runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Precision {
    /// The targets in the order given.
    pub standings: Vec<Standing>,
    /// Planned looks, as numbers of runs.
    pub looks: Vec<u64>,
    /// Standard errors to either side at which intervals are taken, for 95 % over all looks.
    pub standard_errors: f64,
    /// Why it ended.
    pub ended: Ended,
}

/// Runs a scenario until its intervals are narrow enough, as [`super::run()`] runs it so often.
///
/// `progress` is told how many runs are done, `is_over` says when the time that was allowed is over; it and `stop` are
/// asked after each run. An interrupted study is partial; one that is out of time is not, since time takes no part in
/// luck: its last look comes earlier than planned.
pub fn run_until_precise(
    scenario: Scenario,
    sequence: &Sequence,
    threads: Option<usize>,
    progress: &(dyn Fn(u64) + Sync),
    is_over: &(dyn Fn() -> bool + Sync),
    stop: &AtomicBool,
) -> StudyResult {
    let mut study = Growing::new(scenario);
    let halt = AtomicBool::new(false);
    let mut ended = Ended::AllRuns;
    for runs in &sequence.looks {
        let before = study.runs();
        let tell = |done: u64| {
            progress(before + done);
            if stop.load(Ordering::Relaxed) || is_over() {
                halt.store(true, Ordering::Relaxed);
            }
        };
        grow(&mut [&mut study], *runs, threads, &tell, &halt);
        let standings = sequence.standings(|measure| estimate(sequence.confidence, measure, &study));
        let cut_short = if stop.load(Ordering::Relaxed) { Ended::Interrupted } else { Ended::OutOfTime };
        if study.runs() < *runs {
            ended = cut_short;
            break;
        }
        if standings.iter().all(Standing::is_reached) {
            ended = Ended::Reached;
            break;
        }
        if halt.load(Ordering::Relaxed) && study.runs() < sequence.most() {
            ended = cut_short;
            break;
        }
    }
    let standings = sequence.standings(|measure| estimate(sequence.confidence, measure, &study));
    let mut result = study.result_at(sequence.confidence, ended == Ended::Interrupted);
    if ended != Ended::Interrupted {
        result.scenario.study.runs = result.records.len() as u64;
    }
    let standard_errors = sequence.confidence.standard_errors();
    result.precision = Some(Precision { standings, looks: sequence.looks.clone(), standard_errors, ended });
    result
}

fn estimate(confidence: Confidence, measure: Measure, study: &Growing) -> Estimate {
    measure.of(&summarize_runs_at(confidence, study.scenario(), measure.metric, study.records()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::random::{Purpose, RunKey, Stream, exponential, unit_interval};
    use crate::study::samples::scenario;
    use crate::study::summary::summarize_metric_in;
    use rand::Rng;
    use rand_distr::{Distribution, Poisson, StandardNormal};

    /// Simulated studies for each coverage: three standard errors of 95 % are 1.5 points.
    const STUDIES: u64 = 2_000;

    fn target(text: &str) -> Target {
        Target::parse(text).expect(text)
    }

    /// Share of studies whose interval at the last look holds the truth, and their mean number of runs.
    fn coverage(text: &str, (first, most): (u64, u64), truth: f64, draw: impl Fn(&mut Stream) -> f64) -> (f64, f64) {
        let target = target(text);
        let sequence = Sequence::new(vec![target], first, most);
        let (mut covered, mut runs) = (0, 0);
        for study in 0..STUDIES {
            let mut stream = RunKey::new(77, study).stream(Purpose::Arrivals);
            let mut values = Vec::new();
            let last = sequence.looks.iter().find_map(|look| {
                values.resize_with(*look as usize, || draw(&mut stream));
                let summary = summarize_metric_in(None, sequence.confidence, target.measure.metric, &values, 0);
                let estimate = target.measure.of(&summary);
                let reached = sequence.standings(|_| estimate).iter().all(Standing::is_reached);
                (reached || *look == most).then_some(estimate)
            });
            let (low, high) = last.and_then(|estimate| estimate.interval).expect("an interval at the last look");
            covered += u64::from((low..=high).contains(&truth));
            runs += values.len() as u64;
        }
        (covered as f64 / STUDIES as f64, runs as f64 / STUDIES as f64)
    }

    /// The method that a metric's interval is made by, on draws for which it is hard: skewed, rare, discrete, in the tail.
    /// At least 93 % of studies must cover; 95 % is what the looks are corrected for.
    #[test]
    fn intervals_hold_although_runs_were_added_until_they_were_narrow() {
        let rare = |stream: &mut Stream| Poisson::new(0.05).expect("a mean").sample(stream);
        let share = |stream: &mut Stream| f64::from(u8::from(unit_interval(stream.next_u64()) < 0.03));
        let normal = |stream: &mut Stream| -> f64 {
            10.0 + <StandardNormal as Distribution<f64>>::sample(&StandardNormal, stream)
        };
        for (name, (found, runs)) in [
            ("normal mean", coverage("ttft_p99_s.mean=1%", (50, 1600), 10.0, normal)),
            ("exponential mean", coverage("ttft_p99_s.mean=10%", (100, 3200), 1.0, exponential)),
            ("rare count", coverage("truncated_attempts.mean=30%,0.001", (100, 6400), 0.05, rare)),
            ("rare count, absolute", coverage("truncated_attempts.mean=0.02", (100, 6400), 0.05, rare)),
            ("probability", coverage("rolled_back.mean=40%,0.001", (100, 3200), 0.03, share)),
            ("median", coverage("ttft_p99_s.p50=15%", (50, 1600), std::f64::consts::LN_2, exponential)),
            ("P95", coverage("ttft_p99_s.p95=15%", (100, 3200), 20f64.ln(), exponential)),
        ] {
            println!("{name}: covered {:.1} %, {runs:.0} runs on average", 100.0 * found);
            assert!(found >= 0.93, "{name}: {found}");
        }
    }

    /// Without the correction, who stops when the estimate looks well is misled: the more often, the more looks.
    #[test]
    fn uncorrected_looks_would_be_misleading_under_the_worst_way_to_stop() {
        let looks = looks(100, 1600);
        let sound = confidence_over(&looks);
        let (mut plain, mut corrected) = (0u64, 0u64);
        for study in 0..STUDIES {
            let mut stream = RunKey::new(78, study).stream(Purpose::Arrivals);
            let (mut sum, mut n) = (0.0, 0u64);
            let mut farthest: f64 = 0.0;
            for look in &looks {
                while n < *look {
                    let z: f64 = StandardNormal.sample(&mut stream);
                    (sum, n) = (sum + z, n + 1);
                }
                farthest = farthest.max(sum.abs() / (n as f64).sqrt());
            }
            plain += u64::from(farthest <= Confidence::NINETY_FIVE.standard_errors());
            corrected += u64::from(farthest <= sound.standard_errors());
        }
        let share = |count: u64| count as f64 / STUDIES as f64;
        // Three binomial standard errors at 95 %: 1.5 points.
        assert!((share(corrected) - 0.95).abs() <= 0.015, "{}", share(corrected));
        assert!(share(plain) < 0.90, "{}", share(plain));
    }

    #[test]
    fn targets_are_read_and_refused_with_what_was_expected() {
        let both = target("truncated_attempts.mean=5%,0.1");
        assert_eq!((both.relative, both.absolute), (0.05, 0.1));
        assert_eq!(both.allowed(10.0), 0.5);
        assert_eq!(both.allowed(0.0), 0.1);
        assert_eq!(
            target("ttft_p99_s.p95=0.2"),
            Target { relative: 0.0, absolute: 0.2, ..target("ttft_p99_s.p95=1%") }
        );
        for (text, said) in [
            ("truncated_attempts.mean", "expected METRIC.STATISTIC=5%"),
            ("truncated_attempts.mean=", "found ``"),
            ("truncated_attempts.mean=0%", "above zero"),
            ("truncated_attempts.mean=-1", "above zero"),
            ("truncated_attempts.mean=5%,6%", "two of a kind"),
            ("truncated_attempts.max=5%", "no interval"),
            ("truncated_attempt.mean=5%", "did you mean `truncated_attempts`?"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn a_study_ends_at_the_first_look_that_is_precise_enough() {
        let run = |text: &str, is_over: &(dyn Fn() -> bool + Sync)| {
            let sequence = Sequence::new(vec![target(text)], 8, 64);
            run_until_precise(scenario(8), &sequence, Some(2), &|_| {}, is_over, &NEVER)
        };
        let ended = |result: &StudyResult| result.precision.as_ref().map(|precision| precision.ended);
        // 60 requests a run, so that the interval of the mean is +-2 of 60 after some 60 runs.
        let loose = run("requests.mean=50%", &|| false);
        assert_eq!((loose.records.len(), ended(&loose)), (8, Some(Ended::Reached)));
        let tight = run("requests.mean=0.1%", &|| false);
        assert_eq!((tight.records.len(), ended(&tight), tight.partial), (64, Some(Ended::AllRuns), false));
        let middle = run("requests.mean=5%", &|| false);
        assert_eq!(ended(&middle), Some(Ended::Reached));
        assert!([16, 32, 64].contains(&middle.records.len()), "{}", middle.records.len());
        let late = run("requests.mean=0.1%", &|| true);
        assert_eq!((ended(&late), late.partial), (Some(Ended::OutOfTime), false));
        assert_eq!(late.scenario.study.runs, late.records.len() as u64);
        // The intervals are wider than those of the same runs looked at once.
        let once = super::super::run(scenario(64), Some(1), &|_| {}, &NEVER);
        let width = |result: &StudyResult| {
            let (low, high) = result.metric(Metric::Requests).mean.interval.expect("an interval");
            high - low
        };
        assert_eq!(once.metric(Metric::Requests).mean.value, tight.metric(Metric::Requests).mean.value);
        assert!(width(&tight) > 1.1 * width(&once));
    }
}
