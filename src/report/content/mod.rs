//! What a report for people says, as plain data: sections of labelled lines and small tables.
//!
//! The terminal's summary and the Markdown report are two renderings of this.

mod fleet;
mod planning;
mod precision;
mod requests;
mod rollout;
mod setting;

pub use planning::planning_line;
pub use precision::sentences as precision;
pub use rollout::strategy;
pub use setting::{facts, setting};

use super::format::{Quantity, counted, counted_estimate, estimate, given, value};
use super::layout::{glued, unglued};
use crate::ledger::{Metric, RolloutOutcome};
use crate::scenario::{Severity, Statistic, Strategy};
use crate::study::{CheckResult, FailOn, Outcome, StudyResult, Verdict, outcome_of, telling_run};

/// A part of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// One word.
    pub title: &'static str,
    /// What stands beside the title.
    pub subtitle: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A label and what is said of it; estimates are glued to their intervals.
    Line(&'static str, String),
    /// A table: its first row is the header, its first column the labels.
    Table(Vec<Vec<String>>),
    /// A table of nothing but figures beside its labels; on its side where it is too wide.
    Figures(Vec<Vec<String>>),
}

/// A check as people read it.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckLine {
    /// How it came out.
    pub verdict: Verdict,
    /// What the gate makes of it.
    pub outcome: Outcome,
    /// What must hold: `ttft_p99_s mean <= 2.50 s`.
    pub claim: String,
    /// What was found.
    pub found: String,
    /// Why it is inconclusive; else empty.
    pub explanation: String,
    /// Why it is promised; else empty.
    pub description: String,
    /// Whether it only warns, as it is written.
    pub only_warns: bool,
}

impl CheckLine {
    /// How it stands, as the end of a sentence about it.
    pub fn standing(&self) -> &'static str {
        match self.verdict {
            Verdict::Passed => "holds",
            Verdict::Failed => "does not hold",
            Verdict::Inconclusive => "is undecided",
        }
    }
}

/// The text for where nothing is wrapped: estimates apart from their intervals only by plain spaces.
pub fn plain(text: &str) -> String {
    unglued(text).replace("   ", "; ")
}

/// The estimate of a metric's mean, glued.
fn mean(result: &StudyResult, metric: Metric) -> String {
    glued(&estimate(&result.metric(metric).mean, Quantity::of(metric)))
}

/// The estimate of the mean of a metric that counts, with what it counts, glued.
fn mean_count(result: &StudyResult, metric: Metric, noun: &str) -> String {
    glued(&counted_estimate(&result.metric(metric).mean, noun))
}

/// What is said in the place of prices that do not exist.
const NO_PRICE: &str = "no price: no useful token";

/// Whether any run has anything of this.
fn any(result: &StudyResult, metric: Metric) -> bool {
    result.metric(metric).max > 0.0
}

/// How often, how long, with which seed, over how many requests.
pub fn extent(result: &StudyResult) -> String {
    let study = &result.scenario.study;
    let done = result.records.len() as u64;
    let requests: f64 = result.records.iter().map(|record| record.value(Metric::Requests)).sum();
    let runs = if result.partial {
        format!("INTERRUPTED after {} of {}", done, counted(study.runs, "run"))
    } else {
        counted(done, "run")
    };
    let plural = if requests == 1.0 { "" } else { "s" };
    let requests = value(requests, Quantity::Plain);
    format!("{runs} x {}, seed {}, {requests} request{plural}", study.duration, study.seed)
}

/// The answer in a sentence.
pub fn answer(result: &StudyResult) -> String {
    let price = &result.metric(Metric::UsdPerMillionOutput).mean;
    let price = if price.value.is_nan() {
        NO_PRICE.to_owned()
    } else {
        format!("a million output tokens cost {}", glued(&estimate(price, Quantity::Usd)))
    };
    let cut = mean_count(result, Metric::TruncatedAttempts, "response");
    let below = match any(result, Metric::SecondsBelowCapacity) {
        true => {
            format!("leaves the fleet below its needed capacity for {}", mean(result, Metric::SecondsBelowCapacity))
        }
        false => "never leaves the fleet below its needed capacity".to_owned(),
    };
    if matches!(result.scenario.rollout.strategy, Strategy::None) {
        return format!("Without a rollout, a window of {} cuts {cut}; {price}.", result.scenario.study.duration);
    }
    let completed = (result.outcomes.iter())
        .find(|(outcome, _)| *outcome == RolloutOutcome::Completed)
        .map_or_else(|| "0 %".to_owned(), |(_, share)| glued(&estimate(share, Quantity::Share)));
    format!(
        "The rollout completes in {completed} of runs, cuts {cut}, {below} and costs {}; {price}.",
        mean(result, Metric::RolloutCost)
    )
}

/// The checks.
pub fn checks(result: &StudyResult, fail_on: FailOn) -> Vec<CheckLine> {
    let line = |check| CheckLine { outcome: outcome_of(check, fail_on), ..check_line(check) };
    result.checks.iter().map(line).collect()
}

/// What kind of number a check is about.
pub(super) fn quantity_of(check: &CheckResult) -> Quantity {
    match (check.statistic, Metric::by_name(&check.metric)) {
        (Statistic::ProbabilityPositive, _) => Quantity::Share,
        (_, Some(metric)) => Quantity::of(metric),
        (_, None) => Quantity::Plain,
    }
}

pub(super) fn check_line(check: &CheckResult) -> CheckLine {
    let quantity = quantity_of(check);
    let bound = |sign: &str, bound: Option<f64>| bound.map(|bound| format!("{sign} {}", given(bound, quantity)));
    let bounds: Vec<String> = [bound(">=", check.min), bound("<=", check.max)].into_iter().flatten().collect();
    CheckLine {
        verdict: check.verdict,
        outcome: outcome_of(check, FailOn::default()),
        claim: format!("{} {} {}", check.metric, check.statistic.name(), bounds.join(" and ")),
        found: estimate(&check.estimate, quantity),
        explanation: check.explanation.clone(),
        description: check.description.clone().unwrap_or_default(),
        only_warns: check.severity == Severity::Warn,
    }
}

/// Everything but the checks, in the order in which it is read.
pub fn sections(result: &StudyResult) -> Vec<Section> {
    vec![rollout::section(result), requests::section(result), fleet::capacity(result), fleet::cost(result)]
}

/// A run that shows what the study's one sentence is about; empty where nothing went wrong.
pub fn example(result: &StudyResult) -> String {
    match telling_run(result) {
        Some(run) => format!("See run {run}: {}.", glued(&format!("`cutover explain FILE --run {run}`"))),
        None => String::new(),
    }
}

/// How the figures are read: what brackets are, why some have none, what the short names of latencies are.
pub fn legend(result: &StudyResult) -> String {
    let shown = [
        &result.metric(Metric::RolloutDuration).p50,
        &result.metric(Metric::RolloutDuration).p95,
        &result.metric(Metric::TruncatedAttempts).p95,
        &result.metric(Metric::Requests).mean,
    ];
    let lacks = shown.into_iter().any(|shown| shown.value.is_finite() && shown.interval.is_none());
    let without = if lacks { ", missing where runs are too few" } else { "" };
    let unseen =
        if leaves_room(result) { "; 0 [0, b]: no run had any, and so few runs leave room for a mean of b" } else { "" };
    format!(
        "[a, b]: 95 % interval{without}{unseen}; TTFT, TPOT, E2E: time to the first token, per further token, to the \
         last; P99: 99 % are below"
    )
}

/// Whether a harm that no run had is shown with the mean that it could have all the same.
fn leaves_room(result: &StudyResult) -> bool {
    [Metric::TruncatedAttempts, Metric::CapacityDip, Metric::SecondsBelowCapacity, Metric::SloViolation]
        .into_iter()
        .map(|metric| &result.metric(metric).mean)
        .any(|mean| mean.value == 0.0 && mean.interval.is_some_and(|(_, high)| high > 0.0))
}

#[cfg(test)]
mod tests {
    use super::fleet::{capacity, cost};
    use super::requests::{ENDINGS, section as requests};
    use super::rollout::section as rollout;
    use super::*;
    use crate::ledger::{METRICS, RunRecord, WATERFALL};
    use crate::report::example;
    use crate::scenario::OnSigterm;

    fn lines(section: &Section) -> Vec<&'static str> {
        (section.blocks.iter())
            .filter_map(|block| match block {
                Block::Line(label, _) => Some(*label),
                Block::Table(_) | Block::Figures(_) => None,
            })
            .collect()
    }

    fn line<'a>(section: &'a Section, label: &str) -> &'a str {
        let found = section.blocks.iter().find_map(|block| match block {
            Block::Line(name, text) if *name == label => Some(text.as_str()),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("no line {label} in {section:?}"))
    }

    #[test]
    fn without_a_rollout_nothing_is_said_of_its_outcome() {
        let mut result = example::study();
        result.scenario.rollout.strategy = Strategy::None;
        let section = rollout(&result);
        assert!(section.subtitle.starts_with("none"), "{}", section.subtitle);
        assert_eq!(lines(&section), Vec::<&str>::new());
        assert!(answer(&result).starts_with("Without a rollout"));
    }

    #[test]
    fn an_interrupted_study_says_so() {
        let mut result = example::study();
        result.partial = true;
        result.scenario.study.runs = 1_000;
        assert!(extent(&result).starts_with("INTERRUPTED after 40 of 1000 runs"), "{}", extent(&result));
    }

    #[test]
    fn the_most_frequent_reason_and_the_empty_measurements_are_named() {
        let result = example::study_with(|record: &mut RunRecord| {
            record.reason = if record.run < 3 { "analysis ttft failed" } else { "" }.to_owned();
            record.reason = if record.run == 9 { "analysis errors failed".to_owned() } else { record.reason.clone() };
            record.empty_measurements = (1, 4);
        });
        let section = rollout(&result);
        assert_eq!(line(&section, "because"), "analysis ttft failed (3 runs)");
        let analyses = plain(line(&section, "analyses"));
        assert_eq!(analyses, "40 of 160 measurements found too little data (25.0 %)");
    }

    #[test]
    fn aborted_rollouts_tell_whom_they_exposed_and_what_the_abort_cost() {
        assert!(!lines(&rollout(&example::study())).contains(&"exposure"));
        let result = example::study_with(|record: &mut RunRecord| {
            if record.run.is_multiple_of(2) {
                let abort = [
                    (Metric::ExposedRequests, 1_240.0),
                    (Metric::TimeToDetect, 372.0),
                    (Metric::TimeToSafety, 375.0),
                    (Metric::AbortDip, 12.0),
                    (Metric::AbortColdStarts, 1.0),
                    (Metric::AbortOverloaded, 3.0),
                ];
                abort.into_iter().for_each(|(metric, value)| record.values[metric as usize] = value);
            }
        });
        let section = rollout(&result);
        assert_eq!(
            plain(line(&section, "exposure")),
            "1240 [1240, 1240] requests before the abort; detected after 6.20 min [6.20, 6.20]; traffic safe after 6.25 \
             min [6.25, 6.25]"
        );
        assert_eq!(
            plain(line(&section, "the abort")),
            "dip of 12 [12, 12] replica-seconds; 1 [1, 1] cold start; overloaded for 3 s [3, 3]"
        );
    }

    #[test]
    fn what_an_estimator_changed_is_told_where_there_is_one() {
        let mut result = example::study_with(|record| {
            record.values[Metric::MisjudgedMeasurements as usize] = 2.0;
            record.values[Metric::EstimatorOnlyFailures as usize] = f64::from(u8::from(record.run % 2 == 0));
        });
        assert!(!lines(&rollout(&result)).contains(&"estimator"));
        let text = "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 1\noutput_tokens = 1\n\
                    [analysis.ttft]\nmetric = \"ttft\"\nmax = \"2s\"\nestimator = \"prometheus\"";
        let scenario = crate::scenario::parse(text, "it.toml", std::path::Path::new("."), &[], &[]);
        result.scenario.analyses = scenario.expect("a good scenario").analyses;
        let text = plain(line(&rollout(&result), "estimator"));
        assert!(text.contains("2.00 [1.59, 2.49] measurements a run judged otherwise"), "{text}");
        assert!(text.contains("failed an analysis in 50.0 %"), "{text}");
    }

    #[test]
    fn a_rollout_that_often_does_not_finish_has_no_window() {
        let result = example::study_with(|record| {
            if record.run % 4 == 0 {
                record.values[Metric::RolloutDuration as usize] = f64::NAN;
                record.outcome = RolloutOutcome::Stuck;
            }
        });
        assert!(planning_line(&result).starts_with("no window is long enough"), "{}", planning_line(&result));
    }

    #[test]
    fn a_server_that_aborts_needs_a_pre_stop_hook_instead_of_grace() {
        let mut result = example::study();
        result.scenario.termination.on_sigterm = OnSigterm::Abort;
        assert!(planning_line(&result).contains("a preStop hook of"), "{}", planning_line(&result));
    }

    #[test]
    fn a_fleet_that_nobody_asks_has_no_endings_and_no_price() {
        let result = example::study_with(|record| {
            for metric in METRICS {
                let is_price = WATERFALL.iter().any(|(part, _)| part == metric)
                    || [Metric::UsdPerMillionOutput, Metric::UsdPerMillion, Metric::Formula].contains(metric);
                record.values[*metric as usize] = if is_price { f64::NAN } else { 0.0 };
            }
        });
        assert_eq!(plain(line(&requests(&result), "ended as")), "no request arrived");
        let cost = cost(&result);
        assert_eq!(cost.subtitle, "no price: no useful token");
        assert_eq!(lines(&cost), ["GPU-hours", "the rollout"]);
        assert!(answer(&result).ends_with("; no price: no useful token."), "{}", answer(&result));
    }

    #[test]
    fn a_fleet_of_one_is_spoken_of_in_the_singular() {
        let mut result = example::study_with(|record| {
            for metric in [Metric::TruncatedAttempts, Metric::NewVersionRequests, Metric::CapacityDip] {
                record.values[metric as usize] = 1.0;
            }
        });
        result.scenario.fleet.gpu_limit = Some(1);
        result.scenario.fleet.replicas = 1;
        assert!(rollout(&result).subtitle.ends_with("1 replica x 1 GPU, at most 1 GPU"));
        assert!(plain(line(&rollout(&result), "new version")).ends_with("] request a run"));
        assert!(capacity(&result).subtitle.contains("of 1 replica needed"));
        assert!(plain(line(&capacity(&result), "dip")).contains("] replica-second;"));
        assert!(plain(&answer(&result)).contains("] response,"), "{}", answer(&result));
    }

    #[test]
    fn a_negative_part_of_the_price_is_deducted() {
        let result = example::study_with(|record| {
            let surge = &mut record.values[Metric::WaterfallSurge as usize];
            let change = -0.18 - *surge;
            *surge = -0.18;
            record.values[Metric::WaterfallIdle as usize] -= change;
        });
        let text = plain(line(&cost(&result), "waterfall"));
        assert!(text.contains(" - 0.18 surge + "), "{text}");
    }

    #[test]
    fn requests_that_ended_badly_each_way_are_all_named() {
        let result = example::study_with(|record| {
            for (metric, _) in ENDINGS {
                record.values[metric as usize] = 1.0;
            }
        });
        let text = line(&requests(&result), "ended as").to_owned();
        for (_, word) in ENDINGS {
            assert!(plain(&text).contains(word), "{word} is missing from {text}");
        }
        assert!(!plain(&text).contains("nothing else"));
    }
}
