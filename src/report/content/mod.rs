//! What a report for people says, as plain data: sections of labelled lines and small tables.
//!
//! The terminal's summary and the Markdown report are two renderings of this.

mod precision;
mod rollout;

pub use precision::sentences as precision;
pub use rollout::strategy;

use super::format::{
    Quantity, counted, counted_estimate, dollars_that_add_up, estimate, given, in_dollars, sum_of, value,
};
use super::layout::{glued, unglued};
use crate::digits::{NONE, figure, percent_as_given};
use crate::ledger::{Histogram, Metric, RolloutOutcome, WATERFALL};
use crate::scenario::{Engine, OnSigterm, Replay, Severity, Statistic, Strategy, Stretch, Traffic};
use crate::study::{
    CheckResult, FailOn, Outcome, SHARE_TO_FINISH, StudyResult, Verdict, outcome_of, planning, survivorship_note,
    telling_run, time_to_finish,
};
use crate::units::Duration;

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

/// How long a window to reserve, and the grace period that would cut almost nobody; empty where nothing follows.
pub fn planning_line(result: &StudyResult) -> String {
    let planning = planning(result);
    let mut sentences = Vec::new();
    if planning.window_s.value.is_infinite() {
        sentences.push("no window is long enough: more than one rollout in twenty does not finish".to_owned());
    } else if planning.window_s.value.is_finite() {
        let window = estimate(&planning.window_s, Quantity::Seconds);
        sentences.push(format!("a window of {} (P95 duration){}", glued(&window), last_drain(result)));
    }
    if let Some(grace_s) = planning.grace_s {
        let what = match result.scenario.termination.on_sigterm {
            OnSigterm::Drain => "grace period",
            OnSigterm::Abort => "preStop hook",
        };
        let share = planning.cut_share.unwrap_or(0.0);
        if share <= 1.0 - SHARE_TO_FINISH {
            let now = today(result, planning.current_grace_s);
            let enough = match share {
                0.0 => "all".to_owned(),
                share => format!("all but {}", glued(&value(share, Quantity::Share))),
            };
            sentences.push(format!("a {what} of {now} is enough for {enough} of the answers in flight"));
        } else {
            // What is still cut, a run: whoever must cut nobody needs more than this.
            let in_flight = result.pooled.needed_grace.count() as f64 / result.records.len() as f64;
            sentences.push(format!(
                "a {what} of {} lets {} of the answers in flight finish, all but {} a run (see `cutover grace`)",
                Duration::from_seconds(grace_s.ceil() as u64),
                glued(&percent_as_given(SHARE_TO_FINISH)),
                figure((1.0 - SHARE_TO_FINISH) * in_flight),
            ));
        }
    }
    sentences.join("; ")
}

/// What a rollout leaves under way when it is over: answers that its last replicas still finish.
fn last_drain(result: &StudyResult) -> String {
    let longest = time_to_finish(&result.scenario.termination);
    if longest.is_zero() { String::new() } else { format!(" and {longest} of drain") }
}

/// How long an answer has today, as the setting that gives it so long: SIGKILL comes no sooner than a moment after preStop.
fn today(result: &StudyResult, seconds: f64) -> String {
    let termination = &result.scenario.termination;
    let has = glued(&value(seconds, Quantity::Seconds));
    let is_put_off = termination.on_sigterm == OnSigterm::Drain && seconds > termination.grace_period.seconds();
    if !is_put_off {
        return format!("{has}, as now,");
    }
    let hook = if termination.pre_stop < termination.grace_period { "preStop" } else { "itself" };
    format!("{}, as now (SIGKILL after {has}: {hook} and 2 s),", termination.grace_period)
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
    vec![rollout::section(result), requests(result), capacity(result), cost(result)]
}

/// What a request may end as, with its word.
const ENDINGS: [(Metric, &str); 7] = [
    (Metric::CompletedRequests, "completed"),
    (Metric::TruncatedRequests, "truncated"),
    (Metric::RefusedRequests, "refused"),
    (Metric::DroppedRequests, "dropped"),
    (Metric::TimedOutRequests, "timed out"),
    (Metric::FailedRequests, "failed"),
    (Metric::InFlightRequests, "in flight"),
];

fn requests(result: &StudyResult) -> Section {
    let mut endings: Vec<String> = (ENDINGS.iter())
        .filter(|(metric, _)| any(result, *metric))
        .map(|(metric, word)| glued(&format!("{word} {}", estimate(&result.metric(*metric).mean, Quantity::Plain))))
        .collect();
    if endings.is_empty() {
        let arrived = any(result, Metric::Requests);
        endings.push(if arrived { NONE.to_owned() } else { glued("no request arrived") });
    } else if endings.len() < ENDINGS.len() {
        endings.push(glued("nothing else"));
    }
    let cut = result.metric(Metric::TruncatedAttempts);
    let mut blocks = vec![
        Block::Line("ended as", endings.join("   ")),
        Block::Line(
            "cut responses",
            format!(
                "{}   {}   {}",
                glued(&format!("mean {}", mean(result, Metric::TruncatedAttempts))),
                glued(&format!("P95 {}", estimate(&cut.p95, Quantity::Plain))),
                glued(&format!("some in {} of runs", estimate(&cut.probability_positive, Quantity::Share))),
            ),
        ),
    ];
    if any(result, Metric::Retries) {
        blocks.push(Block::Line("retries", mean(result, Metric::Retries)));
    }
    blocks.push(Block::Table(latencies(result)));
    if let Some(note) = survivorship_note(result) {
        blocks.push(Block::Line("note", note));
    }
    if let Some(slo) = &result.scenario.slo {
        let text = format!(
            "TTFT within {} for {} of requests: missed for {} of {}",
            slo.ttft,
            glued(&percent_as_given(slo.quantile)),
            mean(result, Metric::SloViolation),
            result.scenario.study.duration,
        );
        blocks.push(Block::Line("SLO", text));
    }
    Section { title: "REQUESTS", subtitle: format!("{} a run", mean(result, Metric::Requests)), blocks }
}

/// Latencies: over runs the means of each run's P50 and P99, which have intervals, and over all requests of all runs a
/// quantile that one run is often too short for.
fn latencies(result: &StudyResult) -> Vec<Vec<String>> {
    let row = |label: &str, histogram: &Histogram, of_a_run: [Metric; 2]| {
        let [p50, p99] = of_a_run.map(|metric| estimate(&result.metric(metric).mean, Quantity::Seconds));
        vec![label.to_owned(), p50, p99, value(histogram.quantile(0.999), Quantity::Seconds)]
    };
    vec![
        ["mean of a run's", "P50", "P99", "P99.9 of all"].map(str::to_owned).to_vec(),
        row("first token (TTFT)", &result.pooled.ttft, [Metric::TtftP50, Metric::TtftP99]),
        row("per token (TPOT)", &result.pooled.tpot, [Metric::TpotP50, Metric::TpotP99]),
        row("end to end (E2E)", &result.pooled.e2e, [Metric::E2eP50, Metric::E2eP99]),
    ]
}

fn capacity(result: &StudyResult) -> Section {
    let fleet = &result.scenario.fleet;
    let least = |metric| {
        let summary = result.metric(metric);
        let worst = glued(&format!("worst run {}", value(summary.min, Quantity::Share)));
        format!("{}   {worst}", glued(&format!("mean {}", mean(result, metric))))
    };
    let limit = fleet.gpu_limit.map_or_else(String::new, |limit| format!(" of at most {limit}"));
    let (ready, capacity) = (least(Metric::MinReadyFraction), least(Metric::MinCapacityFraction));
    let mut blocks = if ready == capacity {
        vec![Block::Line("least ready", format!("{ready}   capacity the same"))]
    } else {
        vec![Block::Line("least ready", ready), Block::Line("least capacity", capacity)]
    };
    let overloaded = if any(result, Metric::SecondsOverloaded) {
        format!("overloaded for {}", mean(result, Metric::SecondsOverloaded))
    } else {
        "never overloaded".to_owned()
    };
    blocks.extend([
        Block::Line(
            "dip",
            format!(
                "{}   {}",
                mean_count(result, Metric::CapacityDip, "replica-second"),
                glued(&format!("below need for {}", mean(result, Metric::SecondsBelowCapacity))),
            ),
        ),
        Block::Line("most GPUs", format!("{}{limit}", mean(result, Metric::PeakGpus))),
    ]);
    let needed = value(fleet.needed_replicas, Quantity::Plain);
    let utilization = mean(result, Metric::Utilization);
    let replicas = counted(u64::from(fleet.replicas), "replica");
    let subtitle = format!("{needed} of {replicas} needed; {utilization} utilized; {overloaded}");
    Section { title: "CAPACITY", subtitle, blocks }
}

fn cost(result: &StudyResult) -> Section {
    let parts: Vec<f64> = WATERFALL.iter().map(|(metric, _)| result.metric(*metric).mean.value).collect();
    let (total, texts) = dollars_that_add_up(&parts);
    // Without the parts that are written as nothing, which the others add up without.
    let sum: Vec<String> = (texts.iter().zip(WATERFALL))
        .filter(|(text, _)| text.contains(|c| matches!(c, '1'..='9')))
        .map(|(text, (_, word))| glued(&format!("{text} {word}")))
        .collect();
    let hours = |metric| glued(&estimate(&result.metric(metric).mean, Quantity::Plain));
    let is_priced = |metric| !result.metric(metric).mean.value.is_nan();
    let mut blocks = Vec::new();
    if is_priced(Metric::UsdPerMillionOutput) {
        blocks.push(Block::Line("waterfall", format!("{} = {}", in_dollars(&total), sum_of(&sum))));
    }
    if is_priced(Metric::Formula) {
        let formula = mean(result, Metric::Formula);
        blocks.push(Block::Line("paper formula", format!("{formula} by saturated rate and utilization")));
    }
    blocks.extend([
        Block::Line(
            "GPU-hours",
            format!(
                "{} = {} serving + {} idle + {} cold + {} draining; {} of them above the steady fleet",
                hours(Metric::GpuHours),
                hours(Metric::GpuHoursServing),
                hours(Metric::GpuHoursIdle),
                hours(Metric::GpuHoursCold),
                hours(Metric::GpuHoursDraining),
                hours(Metric::GpuHoursSurge),
            ),
        ),
        Block::Line(
            "the rollout",
            format!("costs {} of a bill of {}", mean(result, Metric::RolloutCost), mean(result, Metric::Cost)),
        ),
    ]);
    if result.metric(Metric::GpuHoursIdle).mean.value < 0.0 {
        blocks.push(Block::Line(
            "note",
            "Idle is what serving at the saturated rate leaves of the time of ready replicas. These served faster than \
             that rate, which is one at average lengths, so that it is below zero."
                .to_owned(),
        ));
    }
    let subtitle = if is_priced(Metric::UsdPerMillionOutput) {
        let with_prompts = if is_priced(Metric::UsdPerMillion) {
            format!("; with prompts {}", mean(result, Metric::UsdPerMillion))
        } else {
            String::new()
        };
        format!("{} per million output tokens{with_prompts}", mean(result, Metric::UsdPerMillionOutput))
    } else {
        NO_PRICE.to_owned()
    };
    Section { title: "COST", subtitle, blocks }
}

/// What a trace's runs replay.
fn replayed(requests: u64, replay: &Replay) -> String {
    let speed = match replay.speed {
        1.0 => String::new(),
        speed => format!(" at {speed} times its speed"),
    };
    let stretch = match replay.stretch {
        Stretch::FromAnyRow => "each run from a row of its own".to_owned(),
        Stretch::From(offset) => format!("each run from {offset} on"),
        Stretch::Blocks(block) => format!("in blocks of {block} that each run draws anew"),
    };
    let end = if replay.wraps { "" } else { ", to its end" };
    format!("trace of {}{speed}, {stretch}{end}", counted(requests, "request"))
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

/// What is served by what, in a sentence: traffic, load and engine.
pub fn setting(result: &StudyResult) -> String {
    let facts = &result.facts;
    let plain = |number| value(number, Quantity::Plain);
    let source = match &result.scenario.traffic {
        Traffic::Synthetic { .. } => "",
        Traffic::Trace { .. } => " from a trace",
    };
    let profile = result.scenario.engine.profile.map_or_else(String::new, |profile| format!("; {}", profile.name));
    format!(
        "{} requests/s{source}, prompts of {}, answers of {} tokens on average: {} of needed capacity{profile}",
        plain(facts.mean_rate),
        plain(facts.mean_prompt_tokens),
        plain(facts.mean_output_tokens),
        glued(&value(result.offered_load(), Quantity::Share)),
    )
}

/// How the engine reads prompts and decodes, where its step times come from, and what each step takes beyond them.
fn engine(engine: &Engine) -> String {
    let mut said = vec![engine.profile.map_or_else(|| "as written".to_owned(), |profile| profile.name.clone())];
    said.push(if engine.chunked_prefill {
        format!("prompts in chunks of up to {} tokens a step", engine.max_num_batched_tokens)
    } else {
        format!("whole prompts first, up to {} tokens a step", engine.max_num_batched_tokens)
    });
    said.push(format!("at most {} sequences", engine.max_num_seqs));
    if let Some(speculative) = engine.speculative {
        let drafted = counted(u64::from(speculative.tokens), "draft token");
        said.push(format!("{drafted} a step, accepted with probability {}", speculative.acceptance));
    }
    if engine.overhead > 0.0 {
        said.push(format!("{} of overhead a step", value(engine.overhead / 1e9, Quantity::Seconds)));
    }
    said.join(", ")
}

/// What follows from the scenario alone, as (what, value).
pub fn facts(result: &StudyResult) -> Vec<(&'static str, String)> {
    let facts = &result.facts;
    let plain = |number| value(number, Quantity::Plain);
    let traffic = match &result.scenario.traffic {
        Traffic::Synthetic { .. } => "synthetic".to_owned(),
        Traffic::Trace { trace, replay, .. } => replayed(trace.len(), replay),
    };
    vec![
        ("traffic", traffic),
        ("mean arrival rate", format!("{} requests/s", plain(facts.mean_rate))),
        ("mean prompt", format!("{} tokens", plain(facts.mean_prompt_tokens))),
        ("mean answer", format!("{} tokens", plain(facts.mean_output_tokens))),
        ("engine", engine(&result.scenario.engine)),
        ("saturated rate of a replica", format!("{} output tokens/s", plain(facts.saturated_rate))),
        ("batch at saturation", format!("{} sequences", plain(facts.saturated_batch))),
        ("offered load over needed capacity", value(result.offered_load(), Quantity::Share)),
    ]
}

#[cfg(test)]
mod tests {
    use super::rollout::section as rollout;
    use super::*;
    use crate::ledger::{METRICS, RunRecord};
    use crate::report::example;

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
