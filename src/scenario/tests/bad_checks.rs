//! What is said about a `[[check]]` that is wrong, or that no run or every run would obey.

use super::*;
use crate::ledger::Metric;
use crate::scenario::checks;

/// The problem of a scenario with this check, and more.
fn problem_of(check: &str, more: &str) -> Problem {
    problem_with(&with(&format!("{more}\n[[check]]\n{check}")))
}

#[test]
fn a_check_on_an_unknown_metric_or_statistic_gives_the_nearest_name() {
    let check = |text: &str| problem_with(&with(&format!("[[check]]\n{text}")));
    let problem = check("metric = \"truncated_atempts\"\nstatistic = \"p95\"\nmax = 0");
    assert_eq!((problem.key.as_str(), problem.line), ("check.0.metric", 7));
    assert_eq!(problem.help.as_deref(), Some("did you mean `truncated_attempts`?"));
    let problem = check("metric = \"cost_usd\"\nstatistic = \"maen\"\nmax = 0");
    assert_eq!(problem.key, "check.0.statistic");
    assert_eq!(problem.help.as_deref(), Some("did you mean `mean`?"));
    assert_eq!(check("metric = \"cost_usd\"\nstatistic = \"mean\"").key, "check.0.max");
    assert_eq!(check("metric = \"cost_usd\"\nstatistic = \"mean\"\nmin = 5\nmax = 4").key, "check.0.max");
    assert_eq!(check("statistic = \"mean\"\nmin = 5").key, "check.0.metric");
}

#[test]
fn a_check_on_a_metric_without_a_value_is_refused() {
    let check = "metric = \"slo_violation_seconds\"\nstatistic = \"mean\"\nmax = 60";
    let problem = problem_of(check, "");
    assert_eq!(problem.key, "check.0.metric");
    assert!(problem.expected.contains("expected a table [slo]"), "{}", problem.expected);
    read(&with(&format!("[slo]\nttft = \"2s\"\n[[check]]\n{check}")));

    let check = "metric = \"rollout_duration_s\"\nstatistic = \"p95\"\nmax = 600";
    // Without a rollout there is none either, but comparing against `strategy = "none"` must not be in the way.
    for rollout in ["", "[rollout]\nstrategy = \"none\"\n"] {
        read(&with(&format!("{rollout}[[check]]\n{check}")));
    }
    read(&with(&format!("[rollout]\nstrategy = \"rolling\"\n[[check]]\n{check}")));
    // A strategy that cannot be read is none that was chosen.
    assert_eq!(problem_of(check, "[rollout]\nstrategy = \"rollin\"").key, "rollout.strategy");
}

#[test]
fn a_bound_that_no_run_or_every_run_obeys_is_refused() {
    for (metric, statistic, bound, expected) in [
        ("truncated_attempts", "probability_positive", "max = 1.01", "from 0 to 1: `probability_positive`"),
        ("truncated_attempts", "probability_positive", "min = 2", "from 0 to 1: `probability_positive`"),
        ("rollout_cost_usd", "probability_positive", "max = -0.1", "from 0 to 1: `probability_positive`"),
        ("min_ready_fraction", "mean", "min = 1.5", "from 0 to 1: in every run, `min_ready_fraction` is, found 1.5"),
        ("rollout_completed", "mean", "min = 99", "`rollout_completed`"),
        ("rolled_back", "mean", "max = 1.1", "`rolled_back`"),
        ("rolled_back", "p95", "max = -1", "`rolled_back`"),
        ("cost_usd", "mean", "max = -5", "expected a number from 0: `cost_usd` is never negative, found -5"),
        ("truncated_attempts", "p95", "min = -1", "`truncated_attempts` is never negative"),
    ] {
        let problem = problem_of(&format!("metric = \"{metric}\"\nstatistic = \"{statistic}\"\n{bound}"), "");
        assert_eq!(problem.key, format!("check.0.{}", &bound[..3]), "{metric} {bound}");
        assert!(problem.expected.contains(expected), "{metric} {bound}: {}", problem.expected);
    }
}

#[test]
fn a_bound_that_can_be_obeyed_and_broken_is_accepted() {
    for (metric, statistic, bound) in [
        ("rollout_cost_usd", "mean", -5.0),
        ("min_ready_fraction", "mean", 0.0),
        ("rolled_back", "probability_positive", 1.0),
        ("rollout_completed", "mean", 0.99),
        ("truncated_attempts", "p95", 0.0),
        ("cost_usd", "max", 1e5),
    ] {
        let check = format!("[[check]]\nmetric = \"{metric}\"\nstatistic = \"{statistic}\"\nmax = {bound:?}");
        assert_eq!(read(&with(&check)).checks[0].max, Some(bound), "{metric}");
    }
}

#[test]
fn the_metrics_that_are_judged_by_name_exist() {
    for name in checks::SHARES.iter().chain(&checks::DIFFERENCES).chain(&METRICS) {
        assert!(Metric::by_name(name).is_some(), "{name}");
    }
}
