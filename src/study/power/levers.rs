//! What about a canary might be changed so that it catches more, or alarms less: one change at a time.

use serde::{Deserialize, Serialize};

use super::estimators::{path, value};
use super::regression::Kind;
use crate::scenario::{
    Analysis, AnalysisBound, AnalysisMetric, CanarySettings, CanaryStep, Estimator, FlaggerSettings, FlaggerWeights,
    Scenario, Strategy,
};
use crate::units::Duration;

/// Factors of windows, counts and weights.
const MORE: [u32; 2] = [2, 4];
/// Factors of a bound on a latency: a tenth and a quarter tighter and looser.
const OF_LATENCY: [f64; 4] = [0.75, 0.9, 1.1, 1.25];
/// Factors of a bound on a rate, and of what a bound on a ratio allows above 1.
const OF_RATE: [f64; 4] = [0.5, 0.75, 1.5, 2.0];
/// Failed measurements that may be tolerated.
const FAILURE_LIMITS: [u32; 3] = [0, 1, 2];
/// Failed checks after which Flagger rolls back.
const THRESHOLDS: [u32; 4] = [1, 2, 3, 5];
/// Confidences of the Mann-Whitney interval.
const CONFIDENCES: [f64; 3] = [0.9, 0.95, 0.99];
/// Tolerances of the Mann-Whitney judge.
const TOLERANCES: [f64; 3] = [0.0, 0.1, 0.5];
/// Flagger's longest interval.
const LONGEST_INTERVAL: Duration = Duration::from_seconds(24 * 3600);

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lever {
    /// What is changed, for people: a key, or what several keys have in common.
    pub what: String,
    /// As it is.
    pub from: String,
    /// As it would be.
    pub to: String,
    /// What is set, each as `KEY=VALUE`; empty: the canary as it is.
    pub settings: Vec<String>,
}

impl Lever {
    /// A key gets another value.
    fn key(key: String, from: impl ToString, to: impl ToString) -> Lever {
        let (from, to) = (from.to_string(), to.to_string());
        Lever { settings: vec![format!("{key}={to}")], what: key, from, to }
    }
}

/// The changes of a canary that bear on this kind of regression; the canary as it is comes first.
pub(super) fn levers(scenario: &Scenario, deciding: &[usize], kind: &Kind) -> Vec<Lever> {
    let mut levers =
        vec![Lever { what: "as written".to_owned(), from: String::new(), to: String::new(), settings: Vec::new() }];
    let concerned: Vec<usize> =
        deciding.iter().copied().filter(|index| kind.shows_in(scenario.analyses[*index].metric)).collect();
    // Where none can see it, any may still do by chance.
    let concerned = if concerned.is_empty() { deciding.to_vec() } else { concerned };
    let is_flagger = matches!(scenario.rollout.strategy, Strategy::Flagger(_));
    for analysis in concerned.iter().map(|index| &scenario.analyses[*index]) {
        levers.extend(of_analysis(analysis, is_flagger));
    }
    match &scenario.rollout.strategy {
        Strategy::Canary(settings) => levers.extend(of_argo(settings, &concerned)),
        Strategy::Flagger(settings) => levers.extend(of_flagger(settings)),
        _ => {}
    }
    levers
}

fn of_analysis(analysis: &Analysis, is_flagger: bool) -> Vec<Lever> {
    let key = |name: &str| format!("{}.{name}", path(&analysis.name));
    let window = |factor: &u32| {
        Lever::key(key("window"), analysis.window, Duration(analysis.window.0.saturating_mul(u64::from(*factor))))
    };
    let mut levers: Vec<Lever> = MORE.iter().map(window).collect();
    levers.extend(of_bound(analysis));
    if is_flagger {
        // It measures once a tick, and counts the failed checks itself.
        return levers;
    }
    if let Some(count) = analysis.count {
        levers.extend(MORE.map(|factor| Lever::key(key("count"), count, count.saturating_mul(factor))));
        let half = Duration(analysis.interval.0 / 2);
        let twice = count.saturating_mul(2);
        levers.push(Lever {
            what: format!("{} and count", key("interval")),
            from: format!("{}, {count}", analysis.interval),
            to: format!("{half}, {twice}"),
            settings: vec![format!("{}={half}", key("interval")), format!("{}={twice}", key("count"))],
        });
    }
    if let Some(limit) = analysis.failure_limit {
        // One that cannot be exceeded is left out.
        let possible = |other: &u32| {
            *other != limit
                && analysis.count.is_none_or(|count| {
                    *other < count && count >= other.saturating_add(analysis.consecutive_success_limit)
                })
        };
        let others = FAILURE_LIMITS.into_iter().filter(possible);
        levers.extend(others.map(|other| Lever::key(key("failure_limit"), limit, other)));
    }
    levers
}

/// A tighter and a looser bound.
fn of_bound(analysis: &Analysis) -> Vec<Lever> {
    let key = |name: &str| format!("{}.{name}", path(&analysis.name));
    let metric = analysis.metric;
    let is_rate = matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate);
    match analysis.bound {
        AnalysisBound::Max(max) => {
            let factors = if is_rate { OF_RATE } else { OF_LATENCY };
            let scaled = |factor: f64, bound: f64| {
                let bound = rounded(factor * bound);
                value(metric, if is_rate { bound.min(1.0) } else { bound })
            };
            factors
                .map(|factor| bounded(analysis, ["max", "fail_above"], value(metric, max), &|it| scaled(factor, it)))
                .to_vec()
        }
        AnalysisBound::MaxRatioToStable(ratio) if ratio > 1.0 => {
            let scaled = |factor: f64, bound: f64| rounded(1.0 + factor * (bound - 1.0)).to_string();
            let names = ["max_ratio_to_stable", "fail_above_ratio_to_stable"];
            OF_RATE.map(|factor| bounded(analysis, names, ratio.to_string(), &|it| scaled(factor, it))).to_vec()
        }
        AnalysisBound::MaxRatioToStable(_) => Vec::new(),
        AnalysisBound::MaxShift { tolerance, .. } => {
            let Estimator::MannWhitney { confidence, .. } = analysis.estimator else { return Vec::new() };
            let confidences = CONFIDENCES.into_iter().filter(|other| *other != confidence);
            let tolerances = TOLERANCES.into_iter().filter(|other| *other != tolerance);
            (confidences.map(|other| Lever::key(key("confidence"), confidence, other)))
                .chain(tolerances.map(|other| Lever::key(key("tolerance"), tolerance, other)))
                .collect()
        }
    }
}

/// The bound, and with it what fails beyond it where that is another.
fn bounded(analysis: &Analysis, names: [&str; 2], from: String, scaled: &dyn Fn(f64) -> String) -> Lever {
    let bound = match analysis.bound {
        AnalysisBound::Max(bound) | AnalysisBound::MaxRatioToStable(bound) => bound,
        AnalysisBound::MaxShift { ratio, .. } => ratio,
    };
    let [key, fail_key] = names.map(|name| format!("{}.{name}", path(&analysis.name)));
    let mut lever = Lever::key(key, from, scaled(bound));
    lever.settings.extend(analysis.fail_above.map(|above| format!("{fail_key}={}", scaled(above))));
    lever
}

/// Without the last bits of binary fractions.
fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

/// Larger weights at the steps that wait for the analyses; where they only run beside the steps, at all of them.
fn of_argo(settings: &CanarySettings, concerned: &[usize]) -> Vec<Lever> {
    let weights: Vec<(usize, u32)> = (settings.steps.iter().enumerate())
        .filter_map(|(at, step)| if let CanaryStep::SetWeight(weight) = step { Some((at, *weight)) } else { None })
        .collect();
    let names =
        |step: &CanaryStep| matches!(step, CanaryStep::Analysis(of) if of.iter().any(|it| concerned.contains(it)));
    let mut analysed: Vec<(usize, u32)> = (settings.steps.iter().enumerate())
        .filter(|(_, step)| names(step))
        .filter_map(|(at, _)| weights.iter().rev().find(|(set, _)| *set < at).copied())
        .collect();
    analysed.dedup();
    let what = if analysed.is_empty() { "every weight" } else { "weight of the analysed step" };
    let grown = if analysed.is_empty() { weights.clone() } else { analysed };
    let lever = |factor: &u32| {
        let to = |(at, weight): &(usize, u32)| {
            if grown.contains(&(*at, *weight)) { weight.saturating_mul(*factor).min(100) } else { *weight }
        };
        // Later steps do not fall back below what was reached.
        let mut most = 0;
        let after: Vec<u32> = (weights.iter())
            .map(|step| {
                let lowered = weights.iter().any(|(at, weight)| *at < step.0 && *weight > step.1);
                most = if lowered { to(step) } else { to(step).max(most) };
                most
            })
            .collect();
        let changed = || weights.iter().zip(&after).filter(|((_, before), after)| before != *after);
        let listed = |weights: Vec<u32>| weights.iter().map(u32::to_string).collect::<Vec<String>>().join(", ") + " %";
        Lever {
            what: what.to_owned(),
            from: listed(changed().map(|((_, before), _)| *before).collect()),
            to: listed(changed().map(|(_, after)| *after).collect()),
            settings: changed().map(|((at, _), to)| format!("rollout.canary.steps.{at}.set_weight={to}")).collect(),
        }
    };
    let mut levers: Vec<Lever> = MORE.iter().map(lever).filter(|lever| !lever.settings.is_empty()).collect();
    levers.dedup_by(|one, other| one.settings == other.settings);
    levers
}

fn of_flagger(settings: &FlaggerSettings) -> Vec<Lever> {
    let thresholds = THRESHOLDS.into_iter().filter(|other| *other != settings.threshold);
    let mut levers: Vec<Lever> =
        thresholds.map(|other| Lever::key("rollout.canary.threshold".to_owned(), settings.threshold, other)).collect();
    let intervals = MORE.map(|factor| Duration(settings.interval.0.saturating_mul(u64::from(factor))));
    let intervals = intervals.into_iter().filter(|interval| *interval <= LONGEST_INTERVAL);
    levers.extend(intervals.map(|to| Lever::key("rollout.canary.interval".to_owned(), settings.interval, to)));
    if let FlaggerWeights::List(list) = &settings.weights {
        let text = |list: &[u32]| list.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        let grown = |factor: u32| {
            let mut grown: Vec<u32> = list.iter().map(|weight| weight.saturating_mul(factor).min(100)).collect();
            grown.dedup();
            Lever {
                what: "every weight".to_owned(),
                from: format!("{} %", text(list)),
                to: format!("{} %", text(&grown)),
                settings: vec![format!("rollout.canary.step_weights=[{}]", text(&grown))],
            }
        };
        levers.extend(MORE.map(grown));
    }
    levers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;
    use std::path::Path;

    const BASE: &str = r#"
        [traffic]
        arrivals = { process = "poisson", rate = 1.0 }
        prompt_tokens = 100
        output_tokens = 100
        [rollout]
        strategy = "canary"
        [rollout.canary]
        background_analysis = ["errors"]
        steps = [{ set_weight = 5 }, { pause = "1m" }, { set_weight = 20 }, { analysis = ["ttft"] }, { set_weight = 50 }]
        [analysis.ttft]
        metric = "ttft"
        max = "1.6s"
        fail_above = "2s"
        count = 2
        window = "5m"
        [analysis.errors]
        metric = "error_rate"
        max = 0.01
    "#;
    const FLAGGER: &str =
        r#"rollout.canary={ controller = "flagger", step_weights = [10, 30, 60], analysis = ["ttft"] }"#;

    fn read(sets: &[String]) -> Scenario {
        parse(BASE, "test.toml", Path::new(""), sets, &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_change_is_a_legal_scenario_and_no_two_are_the_same() {
        for (base, kind) in [("study.seed=1", Kind::Ttft), ("study.seed=1", Kind::ErrorRate), (FLAGGER, Kind::Tpot)] {
            let scenario = read(&[base.to_owned()]);
            let deciding = super::super::canary::deciding(&scenario).unwrap();
            let levers = levers(&scenario, &deciding, &kind);
            let described = |it: &Scenario| format!("{:?} {:?}", it.rollout, it.analyses);
            let mut seen: Vec<String> = Vec::new();
            for lever in &levers {
                let sets: Vec<String> = std::iter::once(base.to_owned()).chain(lever.settings.clone()).collect();
                let changed = described(&read(&sets));
                assert!(!seen.contains(&changed), "{lever:?}");
                seen.push(changed);
            }
            assert!(levers.len() > 8, "{}", levers.len());
        }
    }

    #[test]
    fn the_weight_of_the_analysed_step_grows_and_later_steps_keep_up() {
        let scenario = read(&[]);
        let of = |kind| -> Vec<Lever> {
            levers(&scenario, &[0, 1], &kind).into_iter().filter(|lever| lever.what.contains("weight")).collect()
        };
        let ttft = of(Kind::Ttft);
        assert_eq!(ttft[0].settings, ["rollout.canary.steps.2.set_weight=40"]);
        assert_eq!(ttft[1].settings, ["rollout.canary.steps.2.set_weight=80", "rollout.canary.steps.4.set_weight=80"]);
        assert_eq!((ttft[1].from.as_str(), ttft[1].to.as_str()), ("20, 50 %", "80, 80 %"));
        assert_eq!(of(Kind::ErrorRate)[0].to, "10, 40, 100 %");
    }

    #[test]
    fn what_fails_moves_with_the_bound_and_impossible_limits_are_left_out() {
        let scenario = read(&[]);
        let levers = levers(&scenario, &[0], &Kind::Ttft);
        let tighter = levers.iter().find(|lever| lever.what == "analysis.ttft.max").unwrap();
        assert_eq!(tighter.settings, ["analysis.ttft.max=1.2s", "analysis.ttft.fail_above=1.5s"]);
        let limits: Vec<&str> = (levers.iter().filter(|lever| lever.what.ends_with("failure_limit")))
            .map(|lever| lever.to.as_str())
            .collect();
        assert_eq!(limits, ["1"], "of two measurements, two failures are the most");
    }
}
