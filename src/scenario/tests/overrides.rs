//! `--set KEY=VALUE`: what it reaches, and how its mistakes are reported.

use super::*;
use crate::random::Family;
use crate::scenario::{Strategy, Traffic};
use crate::units::{CountOrPercent, Duration};

#[test]
fn any_key_can_be_set_with_or_without_quotes() {
    let sets = [
        "termination.grace_period=60s",
        "rollout.rolling.max_surge=1",
        "rollout.rolling.max_unavailable=10%",
        "traffic.output_tokens.median=300",
        "check.0.max=5",
        "name=\"as run\"",
        "fleet.gpu_hour_usd = 2.25",
    ];
    let scenario = read_with(EXAMPLE, &sets).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.termination.grace_period, Duration::from_seconds(60));
    let Strategy::Rolling(rolling) = &scenario.rollout.strategy else { panic!("expected a rolling update") };
    assert_eq!(rolling.max_surge, CountOrPercent::Count(1));
    assert_eq!(rolling.max_unavailable, CountOrPercent::Percent(10));
    let Traffic::Synthetic { output_tokens, .. } = &scenario.traffic else { panic!("expected drawn requests") };
    assert!(matches!(output_tokens.family, Family::Lognormal { median, .. } if median.to_bits() == 300f64.to_bits()));
    assert_eq!(scenario.checks[0].max, Some(5.0));
    assert_eq!(scenario.name, "as run");
    assert_eq!(scenario.fleet.gpu_hour_usd.to_bits(), 2.25f64.to_bits());
}

#[test]
fn a_strategy_can_be_set_quoted_or_bare() {
    for set in ["rollout.strategy=\"none\"", "rollout.strategy=none"] {
        let scenario = read_with(EXAMPLE, &[set]).unwrap_or_else(|error| panic!("{error}"));
        assert!(matches!(scenario.rollout.strategy, Strategy::None), "{set}");
    }
}

#[test]
fn a_table_can_be_replaced_and_made() {
    let sets = ["traffic.output_tokens=300", "slo.ttft=1s", "engine.step_time={ base = \"20ms\" }"];
    let scenario = read_with(SMALLEST, &sets).unwrap_or_else(|error| panic!("{error}"));
    let Traffic::Synthetic { output_tokens, .. } = &scenario.traffic else { panic!("expected drawn requests") };
    assert_eq!(output_tokens.as_constant(), Some(300.0));
    assert_eq!(scenario.slo.map(|slo| slo.ttft), Some(Duration::from_seconds(1)));
    assert_eq!(scenario.engine.step_time.base.to_bits(), 2e7f64.to_bits());
}

#[test]
fn the_last_of_two_sets_of_a_key_counts() {
    let scenario = read_with(SMALLEST, &["study.runs=5", "study.runs=7"]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.study.runs, 7);
}

#[test]
fn a_mistake_in_a_set_is_reported_as_that_set() {
    let problems = problems_with(SMALLEST, &["study.runs=3", "termination.grace_period=-5s"]);
    let problem = &problems.problems[0];
    assert_eq!(problem.set.as_deref(), Some("--set termination.grace_period=-5s"));
    assert_eq!((problem.key.as_str(), problem.line), ("termination.grace_period", 0));
    insta::assert_snapshot!(problems.to_string(), @r#"
    error[E0006]: wrong value for `termination.grace_period`
    --> --set termination.grace_period=-5s
     = note: expected a duration such as "90s", "5m", "1h30m" or "20ms"; a duration cannot be negative, found "-5s"

    1 problem; nothing was simulated
    for more about this: cutover explain E0006
    "#);
}

#[test]
fn an_unknown_key_of_a_set_gives_the_nearest_name() {
    let problems = problems_with(EXAMPLE, &["rollout.rolling.max_unavailabel=1"]);
    let problem = &problems.problems[0];
    assert_eq!(problem.set.as_deref(), Some("--set rollout.rolling.max_unavailabel=1"));
    assert_eq!(problem.help.as_deref(), Some("did you mean `max_unavailable`?"));
}

#[test]
fn a_set_that_leads_nowhere_says_why() {
    let cases = [
        ("runs", "expected KEY=VALUE"),
        ("=5", "expected a dotted key"),
        ("a..b=5", "expected a dotted key"),
        ("study\n.runs=5", "expected a dotted key"),
        ("check.1.max=5", "which has 1 elements"),
        ("check.first.max=5", "expected an index"),
        ("study.runs.more=5", "`study.runs` is a single value"),
    ];
    for (set, expected) in cases {
        let problems = problems_with(EXAMPLE, &[set]);
        assert_eq!(problems.problems.len(), 1, "{problems}");
        let problem = &problems.problems[0];
        assert_eq!(problem.set, Some(format!("--set {set}")));
        assert!(problem.expected.contains(expected), "{set}: {}", problem.expected);
    }
    let deep = format!("{}=1", ["a"; 200].join("."));
    assert_eq!(problems_with(EXAMPLE, &[&deep]).problems.len(), 1);
}

#[test]
fn a_conflict_that_a_set_brought_in_is_reported_as_that_set() {
    let problems = problems_with(EXAMPLE, &["rollout.start=3h"]);
    assert_eq!(problems.problems[0].set.as_deref(), Some("--set rollout.start=3h"));
    assert_eq!(problems.problems[0].message, "the rollout starts after the end");
}
