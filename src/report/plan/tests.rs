//! What a plan's report says.

use super::ranking::short_keys;
use super::*;
use crate::report::plan::example::{axes, outcome, scenario};
use crate::study::plan::Ending;

/// A plan that ended so, shown to `see`.
fn with(ending: Ending, see: impl Fn(&Planned<'_>)) {
    let (scenario, axes, outcome) = (scenario(), axes(), outcome(ending));
    let left_out = [LeftOut { settings: vec!["a=1".to_owned()], reason: "`a` cannot be 1".to_owned() }];
    let (as_written, repeated) = (Some(0), 2);
    see(&Planned {
        scenario: &scenario,
        axes: &axes,
        outcome: &outcome,
        as_written,
        left_out: &left_out,
        repeated,
        unequal: &[],
    });
}

#[test]
fn a_decided_plan_fills_a_screen_of_100_columns() {
    with(Ending::Decided, |planned| {
        let text = planned.text(Style { color: false, width: 100 });
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        insta::assert_snapshot!(text);
    });
}

#[test]
fn where_nothing_meets_the_checks_the_report_says_which_binds() {
    with(Ending::NothingMeets, |planned| {
        let text = planned.text(Style { color: false, width: 80 });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text);
    });
}

#[test]
fn runs_that_do_not_tell_are_said_with_the_confidence_reached() {
    with(Ending::OutOfRuns, |planned| {
        let text = planned.markdown(&[]);
        assert!(
            text.contains("**Best guess: rolling, max_surge 25%, grace_period 5m, with rollout_cost_usd $0.420"),
            "{text}"
        );
        assert!(text.contains("Confidence reached: 61 %, which is what the runs prove"), "{text}");
        assert!(text.contains("1 other may still be better by more than that."), "{text}");
        assert!(text.contains("How stable the choice is, which proves nothing: "), "{text}");
        assert!(text.contains("To run: `best.toml`, `runner-up.toml`."), "{text}");
    });
}

#[test]
fn too_few_runs_to_certify_anything_are_said_in_every_form_with_how_many_it_takes() {
    let (scenario, axes, mut outcome) = (scenario(), axes(), outcome(Ending::OutOfRuns));
    (outcome.rules.max_runs, outcome.fewest_runs) = (100, Some(172));
    let (as_written, repeated) = (None, 0);
    let planned = Planned {
        scenario: &scenario,
        axes: &axes,
        outcome: &outcome,
        as_written,
        left_out: &[],
        repeated,
        unequal: &[],
    };
    let said = "among 6 candidates that takes at least 172 runs of the best one, even if every run speaks for it, and at \
                most 100 are allowed. Use `--runs 172` or more.";
    let json: serde_json::Value = serde_json::from_str(&planned.json()).unwrap();
    assert_eq!(json["runs_needed"], 172);
    let text = planned.text(Style { color: false, width: 1_000 }).replace('\n', " ");
    for told in [planned.markdown(&[]), text, json["runs_needed_text"].to_string()] {
        assert!(told.replace('\u{a0}', " ").contains(said), "{told}");
    }
}

#[test]
fn cut_answers_are_told_as_they_are_checked() {
    let column = |metric: &str| {
        let (scenario, axes, mut outcome) = (scenario(), axes(), outcome(Ending::Decided));
        outcome.rules.checks[0].metric = metric.to_owned();
        let (as_written, repeated) = (None, 0);
        let planned = Planned {
            scenario: &scenario,
            axes: &axes,
            outcome: &outcome,
            as_written,
            left_out: &[],
            repeated,
            unequal: &[],
        };
        let header = content::table(&planned, &[0]).remove(0);
        header.into_iter().find(|name| name.starts_with("truncated")).unwrap()
    };
    assert_eq!(column("truncated_requests"), "truncated_requests");
    assert_eq!([column("truncated_attempts"), column("cost_usd")], ["truncated_attempts"; 2]);
}

#[test]
fn the_files_for_machines_have_every_candidate() {
    with(Ending::Decided, |planned| {
        let json: serde_json::Value = serde_json::from_str(&planned.json()).unwrap();
        assert_eq!(
            (json["best"].as_u64(), json["runner_up"].as_u64(), json["as_written"].as_u64()),
            (Some(3), Some(6), Some(1))
        );
        assert_eq!(json["candidates"][0]["values"]["rollout.rolling.max_surge"], "25%");
        assert_eq!(json["candidates"][5]["standing"], "fails_check");
        assert_eq!(json["objective"]["tolerance"]["share"], 0.01);
        let csv = planned.csv();
        assert_eq!(csv.lines().count(), 7);
        let columns = csv.lines().map(|line| line.split(',').count()).collect::<Vec<usize>>();
        // The runner-up's words have a comma in them.
        assert!(columns.iter().all(|count| count.abs_diff(columns[0]) <= 1), "{csv}");
    });
}

#[test]
fn keys_are_shortened_as_far_as_they_stay_apart() {
    let keys = |texts: &[&str]| short_keys(&texts.iter().map(|text| Axis::parse(text).unwrap()).collect::<Vec<Axis>>());
    assert_eq!(keys(&["rollout.rolling.max_surge=1", "fleet.replicas=1"]), ["max_surge", "replicas"]);
    assert_eq!(
        keys(&["rollout.rolling.max_surge=1", "rollout.canary.max_surge=1"]),
        ["rolling.max_surge", "canary.max_surge"]
    );
}
