//! Analyses that are legal and do not do what their author may think.

use crate::scenario::{AnalysisMetric, CanaryStep, Code, Estimator, NoData, Problem, Scenario, Strategy};

/// What a person who knows the real controllers would point out of a scenario's analyses.
pub fn warnings(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    error_rates(scenario, warnings);
    unread(scenario, warnings);
    blind_preview(scenario, warnings);
}

/// Whether a version without any error would be failed for want of a series that counts errors.
fn error_rates(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    for analysis in &scenario.analyses {
        let is_scraped = matches!(analysis.estimator, Estimator::Prometheus { .. });
        if is_scraped && analysis.metric == AnalysisMetric::ErrorRate && analysis.no_data != NoData::Success {
            let message =
                format!("analysis.{}: in Prometheus a version without a single 5xx has no error rate", analysis.name);
            let key = format!("analysis.{}.no_data", analysis.name);
            let label = "no_data does not count that as a success";
            let warning = scenario.written.problem(Code::NO_ERROR_SERIES, &key, message, label);
            warnings.push(warning.help("no_data = \"success\""));
        }
    }
}

/// The analyses that a strategy reads, as indices.
fn read_by(strategy: &Strategy) -> Vec<usize> {
    let of_step = |step: &CanaryStep| match step {
        CanaryStep::Analysis(analyses) => analyses.clone(),
        _ => Vec::new(),
    };
    match strategy {
        Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_) => Vec::new(),
        Strategy::BlueGreen(settings) => {
            [&settings.pre_promotion_analysis[..], &settings.post_promotion_analysis[..]].concat()
        }
        Strategy::Canary(settings) => {
            settings.steps.iter().flat_map(of_step).chain(settings.background_analysis.iter().copied()).collect()
        }
        Strategy::Flagger(settings) => settings.analysis.clone(),
    }
}

/// Analyses that nobody measures, under a strategy that could.
fn unread(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    if matches!(scenario.rollout.strategy, Strategy::None | Strategy::Recreate(_) | Strategy::Rolling(_)) {
        return;
    }
    let read = read_by(&scenario.rollout.strategy);
    for (index, analysis) in scenario.analyses.iter().enumerate() {
        if !read.contains(&index) {
            let key = format!("analysis.{}", analysis.name);
            let message = format!("{key}: the rollout does not name it");
            let label = "it is never measured";
            warnings.push(scenario.written.problem(Code::UNREAD_ANALYSIS, &key, message, label));
        }
    }
}

/// Before the switch a preview gets no requests, so an analysis of it passes or fails by `no_data` alone.
fn blind_preview(scenario: &Scenario, warnings: &mut Vec<Problem>) {
    const KEY: &str = "rollout.blue_green.pre_promotion_analysis";
    let Strategy::BlueGreen(settings) = &scenario.rollout.strategy else { return };
    for analysis in settings.pre_promotion_analysis.iter().filter_map(|index| scenario.analyses.get(*index)) {
        let counts_as = match analysis.no_data {
            NoData::Success => "success",
            NoData::Error => "error",
            NoData::Inconclusive => "inconclusive",
        };
        let message = format!("no request reaches the preview before the switch, so {} has no data", analysis.name);
        let label = format!("it counts as {counts_as}, whatever the version does");
        let warning = scenario.written.problem(Code::BLIND_PREVIEW, KEY, message, label);
        warnings.push(warning.help("name it in `post_promotion_analysis`"));
    }
}
