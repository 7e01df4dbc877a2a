//! `[plan]`.

use super::*;
use crate::scenario::{Axis, Plan, Tolerance};

fn plan_of(text: &str) -> Plan {
    read(&with(text)).plan.expect("there is a [plan]")
}

#[test]
fn choices_are_lists_of_values_as_set_takes_them() {
    let plan = plan_of(
        "[plan]\nminimize = \"dollars\"\ntolerance = 0.5\nmax_runs = 200\n\
         [plan.choices]\n\"termination.grace_period\" = [\"30s\", \"2m\"]\nrollout.rolling.max_surge = [1, \"25%\"]\n\
         \"rollout.canary.steps\" = [[{ set_weight = 5 }, { pause = \"5m\" }], []]\nfleet.needed_replicas = [7.5, 8]\n\
         \"rollout.blue_green.auto_promotion_enabled\" = [true]\n\"traffic.trace\" = [\"a\\\"b\", \"17\", \" c\"]",
    );
    assert_eq!(
        (plan.minimize.as_str(), plan.tolerance, plan.max_runs),
        ("rollout_cost_usd", Tolerance::Absolute(0.5), Some(200))
    );
    let axis = |key: &str, values: &[&str]| Axis {
        key: key.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    assert_eq!(
        plan.choices,
        [
            axis("termination.grace_period", &["30s", "2m"]),
            axis("rollout.rolling.max_surge", &["1", "25%"]),
            axis("rollout.canary.steps", &["[{ set_weight = 5 }, { pause = \"5m\" }]", "[]"]),
            axis("fleet.needed_replicas", &["7.5", "8"]),
            axis("rollout.blue_green.auto_promotion_enabled", &["true"]),
            // A text that would be taken for something else keeps its quotes.
            axis("traffic.trace", &["a\"b", "\"17\"", "\" c\""]),
        ]
    );
    // Each is read back as what it was.
    for (axis, index) in [(0, 1), (1, 0), (1, 1), (3, 0)] {
        let set = plan.choices[axis].setting(index);
        assert!(read_with(&with("[rollout]\nstrategy = \"rolling\""), &[&set]).is_ok(), "{set}");
    }
    assert_eq!(plan_of("[plan]"), Plan::default());
    assert_eq!(plan_of("[plan]\ntolerance = \"2.5%\"").tolerance, Tolerance::Share(0.025));
    assert!(read(&with("")).plan.is_none());
}

#[test]
fn what_is_wrong_with_a_plan_is_said_with_its_place() {
    for (text, key, expected) in [
        ("minimise = \"dollars\"", "plan.minimise", "did you mean `minimize`?"),
        ("minimize = \"dolars\"", "plan.minimize", "did you mean `dollars`?"),
        ("minimize = \"truncated_attemps\"", "plan.minimize", "did you mean `truncated_attempts`?"),
        ("minimize = 5", "plan.minimize", "found 5"),
        ("tolerance = \"a bit\"", "plan.tolerance", "a percentage such as \"1%\""),
        ("tolerance = -1", "plan.tolerance", "found -1"),
        ("max_runs = 1", "plan.max_runs", "from 2 to"),
        ("choices = 5", "plan.choices", "a list of values"),
        ("choices = { fleet.replicas = 8 }", "plan.choices.fleet.replicas", "a list of values"),
        ("choices = { fleet.replicas = [] }", "plan.choices.fleet.replicas", "at least one value"),
        ("choices = { fleet.replicas = [8, 9, 8] }", "plan.choices.fleet.replicas", "found 8 twice"),
        ("choices = { fleet.replicas = [8], \"fleet.replicas\" = [9] }", "plan.choices.fleet.replicas", "already"),
        ("choices = { study.seed = [1, 2] }", "plan.choices.study.seed", "cannot be a choice"),
    ] {
        let problem = problem_with(&with(&format!("[plan]\n{text}")));
        let said = format!("{} {}", problem.expected, problem.help.unwrap_or_default());
        assert!(problem.key == key && said.contains(expected), "{text}: {} {said}", problem.key);
        assert!(problem.line > 1, "{text}");
    }
}
