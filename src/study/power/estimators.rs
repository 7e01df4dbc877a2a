//! The same canary with other estimators: its analyses written down once more, each with another one, as far as that is
//! legal and means the same.

use crate::scenario::{Analysis, AnalysisBound, AnalysisMetric, Estimator, NoData, Scenario};
use crate::units::Duration;

/// Points into which a window is cut where an analysis is judged by the Mann-Whitney test that was not written for it.
const POINTS: u64 = 10;
/// Points without which there is no such verdict: of five above five others, chance makes one in 252.
const LEAST_POINTS: u64 = 5;
/// Between scrapes where no analysis says it.
const SCRAPE_INTERVAL: Duration = Duration::from_seconds(15);

/// An estimator or judge by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EstimatorName {
    /// Every attempt.
    Exact,
    /// What Prometheus scraped.
    Prometheus,
    /// Kayenta's judge.
    MannWhitney,
}

impl EstimatorName {
    /// Every one.
    pub const ALL: [EstimatorName; 3] = [EstimatorName::Exact, EstimatorName::Prometheus, EstimatorName::MannWhitney];

    /// Its name in a scenario.
    pub fn name(self) -> &'static str {
        match self {
            EstimatorName::Exact => "exact",
            EstimatorName::Prometheus => "prometheus",
            EstimatorName::MannWhitney => "mann_whitney",
        }
    }

    /// That of an analysis.
    pub fn of(analysis: &Analysis) -> EstimatorName {
        match analysis.estimator {
            Estimator::Exact => EstimatorName::Exact,
            Estimator::Prometheus { .. } => EstimatorName::Prometheus,
            Estimator::MannWhitney { .. } => EstimatorName::MannWhitney,
        }
    }
}

/// The canary with another estimator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Converted {
    /// What is set, each as `KEY=VALUE`; empty where nothing changes.
    pub settings: Vec<String>,
    /// Which analyses stay as they are, and why.
    pub notes: Vec<String>,
}

/// Gives these analyses another estimator.
pub(super) fn convert(scenario: &Scenario, deciding: &[usize], to: EstimatorName) -> Converted {
    let scrape_interval = scenario.analyses.iter().find_map(|analysis| match analysis.estimator {
        Estimator::Prometheus { scrape_interval } => Some(scrape_interval),
        _ => None,
    });
    let scrape_interval = scrape_interval.unwrap_or(SCRAPE_INTERVAL);
    let (mut settings, mut notes) = (Vec::new(), Vec::new());
    for analysis in deciding.iter().map(|index| &scenario.analyses[*index]) {
        match with(analysis, to, scrape_interval) {
            Ok(Some(converted)) => settings.push(format!("{}={}", path(&analysis.name), written(&converted))),
            Ok(None) => {}
            Err(why) => {
                notes.push(format!("`{}` stays {}: {why}", analysis.name, EstimatorName::of(analysis).name()));
            }
        }
    }
    Converted { settings, notes }
}

/// The analysis with this estimator; `None` where it has it already.
fn with(analysis: &Analysis, to: EstimatorName, scrape_interval: Duration) -> Result<Option<Analysis>, String> {
    if EstimatorName::of(analysis) == to {
        return Ok(None);
    }
    if let (EstimatorName::MannWhitney, AnalysisBound::MaxShift { .. }) = (EstimatorName::of(analysis), analysis.bound)
    {
        return Err("it has no bound on a value that another estimator could be held to".to_owned());
    }
    let mut analysis = analysis.clone();
    match to {
        EstimatorName::Exact => analysis.estimator = Estimator::Exact,
        EstimatorName::Prometheus => {
            if analysis.metric == AnalysisMetric::TruncationRate {
                return Err("vLLM has no metric of answers that were cut".to_owned());
            }
            if analysis.window < scrape_interval + scrape_interval {
                return Err(format!("a window of {} holds no two scrapes of {scrape_interval}", analysis.window));
            }
            analysis.estimator = Estimator::Prometheus { scrape_interval };
        }
        EstimatorName::MannWhitney => {
            let ratio = if let AnalysisBound::MaxRatioToStable(ratio) = analysis.bound { ratio } else { 1.0 };
            analysis.bound = AnalysisBound::MaxShift { tolerance: 0.25, ratio };
            analysis.fail_above = None;
            analysis.min_samples = LEAST_POINTS;
            let step = Duration(analysis.window.0 / POINTS);
            if step.is_zero() {
                return Err(format!("a window of {} has no {POINTS} points", analysis.window));
            }
            analysis.estimator = Estimator::MannWhitney { confidence: 0.98, step };
        }
    }
    Ok(Some(analysis))
}

/// The path of an analysis, as `--set` takes it.
pub(super) fn path(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare { format!("analysis.{name}") } else { format!("analysis.{name:?}") }
}

/// A value that a bound is compared with, as a scenario has it: a duration, in seconds, or a share.
pub(super) fn value(metric: AnalysisMetric, value: f64) -> String {
    match metric {
        AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate => value.to_string(),
        _ => format!("{value}s"),
    }
}

/// An analysis as an inline table.
fn written(analysis: &Analysis) -> String {
    let quoted = |text: String| format!("\"{text}\"");
    let metric = analysis.metric;
    let is_rate = matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate);
    let bound_value = |of: f64| if is_rate { value(metric, of) } else { quoted(value(metric, of)) };
    let mut keys: Vec<(&str, String)> = vec![("metric", quoted(metric_name(metric).to_owned()))];
    if !is_rate {
        keys.push(("quantile", analysis.quantile.to_string()));
    }
    match analysis.bound {
        AnalysisBound::Max(max) => {
            keys.push(("max", bound_value(max)));
            keys.extend(analysis.fail_above.map(|above| ("fail_above", bound_value(above))));
        }
        AnalysisBound::MaxRatioToStable(ratio) => {
            keys.push(("max_ratio_to_stable", ratio.to_string()));
            keys.extend(analysis.fail_above.map(|above| ("fail_above_ratio_to_stable", above.to_string())));
        }
        AnalysisBound::MaxShift { tolerance, ratio } => {
            keys.extend([("tolerance", tolerance.to_string()), ("max_ratio_to_stable", ratio.to_string())]);
        }
    }
    keys.extend(limits(analysis));
    match analysis.estimator {
        Estimator::Exact => keys.push(("estimator", quoted("exact".to_owned()))),
        Estimator::Prometheus { scrape_interval } => keys.extend([
            ("estimator", quoted("prometheus".to_owned())),
            ("scrape_interval", quoted(scrape_interval.to_string())),
        ]),
        Estimator::MannWhitney { confidence, step } => keys.extend([
            ("estimator", quoted("mann_whitney".to_owned())),
            ("confidence", confidence.to_string()),
            ("step", quoted(step.to_string())),
        ]),
    }
    let keys: Vec<String> = keys.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", keys.join(", "))
}

/// The keys of an analysis that no estimator changes.
fn limits(analysis: &Analysis) -> Vec<(&'static str, String)> {
    let quoted = |duration: Duration| format!("\"{duration}\"");
    let no_data = match analysis.no_data {
        NoData::Success => "\"success\"",
        NoData::Error => "\"error\"",
        NoData::Inconclusive => "\"inconclusive\"",
    };
    let mut keys = vec![
        ("interval", quoted(analysis.interval)),
        ("failure_limit", analysis.failure_limit.map_or("-1".to_owned(), |limit| limit.to_string())),
        ("inconclusive_limit", analysis.inconclusive_limit.to_string()),
        ("consecutive_error_limit", analysis.consecutive_error_limit.to_string()),
        ("consecutive_success_limit", analysis.consecutive_success_limit.to_string()),
        ("dry_run", analysis.dry_run.to_string()),
        ("initial_delay", quoted(analysis.initial_delay)),
        ("window", quoted(analysis.window)),
        ("min_samples", analysis.min_samples.to_string()),
        ("no_data", no_data.to_owned()),
    ];
    keys.extend(analysis.count.map(|count| ("count", count.to_string())));
    keys
}

/// The name that a scenario gives a metric.
pub(super) fn metric_name(metric: AnalysisMetric) -> &'static str {
    match metric {
        AnalysisMetric::Ttft => "ttft",
        AnalysisMetric::Tpot => "tpot",
        AnalysisMetric::EndToEnd => "e2e",
        AnalysisMetric::ErrorRate => "error_rate",
        AnalysisMetric::TruncationRate => "truncation_rate",
        AnalysisMetric::QueueTime => "queue_time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;
    use std::path::Path;

    const ANALYSES: &str = r#"
        [traffic]
        arrivals = { process = "poisson", rate = 1.0 }
        prompt_tokens = 100
        output_tokens = 100
        [rollout]
        strategy = "canary"
        [rollout.canary]
        background_analysis = ["cut", "judge"]
        steps = [{ set_weight = 5 }, { analysis = ["the slow", "errors"] }]
        [analysis."the slow"]
        metric = "ttft"
        quantile = 0.9
        max = "1.6s"
        fail_above = "1801ms"
        interval = "45s"
        count = 5
        failure_limit = 2
        inconclusive_limit = 1
        consecutive_error_limit = 3
        consecutive_success_limit = 2
        initial_delay = "61s"
        window = "3m"
        min_samples = 40
        no_data = "inconclusive"
        estimator = "prometheus"
        scrape_interval = "5s"
        [analysis.errors]
        metric = "error_rate"
        max_ratio_to_stable = 1.5
        fail_above_ratio_to_stable = 2.0
        count = 3
        [analysis.cut]
        metric = "truncation_rate"
        max = 0.003
        failure_limit = -1
        consecutive_success_limit = 1
        [analysis.judge]
        metric = "e2e"
        estimator = "mann_whitney"
        window = "10m"
    "#;

    fn read(sets: &[String]) -> Scenario {
        parse(ANALYSES, "test.toml", Path::new(""), sets, &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn an_analysis_that_is_written_down_reads_back_as_itself() {
        let scenario = read(&[]);
        let sets: Vec<String> =
            (scenario.analyses.iter()).map(|it| format!("{}={}", path(&it.name), written(it))).collect();
        assert_eq!(format!("{:?}", read(&sets).analyses), format!("{:?}", scenario.analyses));
    }

    #[test]
    fn what_can_be_is_converted_and_what_cannot_stays_with_its_reason() {
        let scenario = read(&[]);
        for to in EstimatorName::ALL {
            let converted = convert(&scenario, &[0, 1, 2, 3], to);
            let read = read(&converted.settings);
            let names: Vec<&str> = read.analyses.iter().map(|it| EstimatorName::of(it).name()).collect();
            let (expected, kept) = match to {
                EstimatorName::Exact => (["exact", "exact", "exact", "mann_whitney"], 1),
                EstimatorName::Prometheus => (["prometheus", "prometheus", "exact", "mann_whitney"], 2),
                EstimatorName::MannWhitney => (["mann_whitney"; 4], 0),
            };
            assert_eq!(names, expected);
            assert_eq!(converted.notes.len(), kept, "{:?}", converted.notes);
        }
        let judged = &read(&convert(&scenario, &[0, 1], EstimatorName::MannWhitney).settings).analyses;
        assert_eq!(judged[0].estimator, Estimator::MannWhitney { confidence: 0.98, step: Duration::from_seconds(18) });
        assert_eq!(judged[1].bound, AnalysisBound::MaxShift { tolerance: 0.25, ratio: 1.5 });
        let seen = &read(&convert(&scenario, &[1], EstimatorName::Prometheus).settings).analyses[1];
        assert_eq!(seen.estimator, Estimator::Prometheus { scrape_interval: Duration::from_seconds(5) });
    }
}
