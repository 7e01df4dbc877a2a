//! How problems look: the line, the caret, what else they have to do with, and what is said about a text that is only
//! partly TOML.

use super::*;
use crate::ledger;
use crate::scenario::Code;

fn codes(problems: &Problems) -> Vec<Code> {
    problems.problems.iter().map(|problem| problem.code).collect()
}

#[test]
fn a_conflict_points_at_both_keys() {
    let text = with("[rollout]\nstrategy = \"rolling\"\nrolling.max_surge = 0\nrolling.max_unavailable = 0");
    insta::assert_snapshot!(problems_with(&text, &[]).to_string(), @r#"
    error[E0202]: `rollout.rolling` could never replace a replica
     --> scenario.toml:9:27
      |
    8 | rolling.max_surge = 0
      |                     - no surge either
    9 | rolling.max_unavailable = 0
      |                           ^ expected `max_surge` or `max_unavailable` above zero, found both zero
      |
      = help: set one of them to 1, or leave one out: the default is 25 %

    1 problem; nothing was simulated
    for more about this: cutover explain E0202
    "#);
}

#[test]
fn warnings_look_like_errors_and_say_where_a_default_holds() {
    let text = with("[rollout]\nstrategy = \"rolling\"\n[fleet]\ngpu_limit = 8\n[termination]\nendpoint_lag = \"2s\"");
    let scenario = read(&text);
    insta::assert_snapshot!(scenario.written.problems(scenario.warnings.clone()).render(false), @r#"
    warning[W0101]: a surge of 2 replicas needs 10 GPUs; fleet.gpu_limit is 8
     --> scenario.toml:9:13
      |
    9 | gpu_limit = 8
      |             ^ no surge replica gets GPUs before an old one has left
      |
      = help: gpu_limit = 10, or max_surge = 0, which says what happens

    warning[W0203]: termination.endpoint_lag (2s) exceeds pre_stop (0s)
      --> scenario.toml:11:16
       |
    11 | endpoint_lag = "2s"
       |                ^^^^ requests routed after SIGTERM and before the lag is over are refused
       |
       = help: pre_stop = "2s" or more: a hook that sleeps through the lag

    for more about any of W0101, W0203: cutover explain CODE
    "#);
    let by_default = read_with(SMALLEST, &["rollout.strategy=rolling", "termination.pre_stop=1m"]).expect("legal");
    insta::assert_snapshot!(by_default.written.problems(by_default.warnings.clone()).render(false), @r"
    warning[W0202]: termination.grace_period (30s) is no longer than pre_stop (1m)
    --> --set termination.pre_stop=1m
     = note: the hook is cut, and only 2 s remain for answers (`grace_period` has its default)
     = help: the grace period must hold the hook and what the answers need after it

    for more about this: cutover explain W0202
    ");
}

#[test]
fn colours_are_there_only_where_they_are_asked_for() {
    let problems = problems_with(&with("[fleet]\nreplica = 8"), &[]);
    assert!(problems.render(true).contains("\u{1b}["));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn a_line_that_is_no_toml_does_not_hide_what_is_wrong_elsewhere() {
    let text = with("[fleet]\nreplicas = eight\ngpu_hour_us = 3\n[study]\nduration = 90\n[slo]\nttft = \"2 parsecs\"");
    let problems = problems_with(&text, &[]);
    let expected = [Code::NOT_TOML, Code::UNKNOWN_KEY, Code::WRONG_UNIT, Code::WRONG_UNIT];
    assert_eq!(codes(&problems), expected, "{problems}");
    assert_eq!(problems.problems.iter().map(|problem| problem.line).collect::<Vec<usize>>(), [7, 8, 10, 12]);
}

#[test]
fn a_line_that_ends_too_early_is_shown_with_a_caret_behind_it() {
    for (text, line, caret) in [
        (with("[study\nruns = 3"), "6 | [study\n", "      ^ "),
        (with("[study\r\nruns = 3"), "6 | [study\n", "      ^ "),
        (with("[fleet]\nreplicas =\n[study]"), "7 | replicas =\n", "          ^ "),
        (with("[fleet]\nreplicas = \"8"), "7 | replicas = \"8\n", "^ "),
        (with("[fleet]\nreplicas = [8,\n\n\n"), "7 | replicas = [8,\n", "^ "),
    ] {
        let rendered = problems_with(&text, &[]).to_string();
        assert!(rendered.contains(line) && rendered.contains(caret), "{rendered}");
    }
    // Of a line, what comes after the first thing that is wrong is its consequence.
    assert_eq!(codes(&problems_with(&with("[study]\nruns = = 3"), &[])), [Code::NOT_TOML]);
}

#[test]
fn what_depends_on_a_line_that_is_no_toml_is_not_said() {
    // Of the key on that line, that it is missing; of the table behind a header, that it is missing or unknown.
    for text in [
        "[traffic]\narrivals = { process = \"poisson\", rate = }\nprompt_tokens = 9\noutput_tokens = 9",
        &with("[rollout\nstrategy = \"rolling\""),
        &with("[fleet]\nreplicas = \"8"),
    ] {
        let problems = problems_with(text, &[]);
        assert!(codes(&problems).iter().all(|code| *code == Code::NOT_TOML), "{problems}");
    }
}

#[test]
fn problems_of_several_kinds_and_sections_are_told_at_once_and_no_more() {
    let text = with(
        "[fleet]\nreplica = 8\ngpu_limit = 4\n[rollout]\nstrategy = \"rollling\"\n[termination]\npre_stop = 5\n\
         [[check]]\nmetric = \"p99_ttft\"\nstatistic = \"mean\"\nmax = 2\n[analysis.a]\nmetric = \"ttft\"",
    );
    let found: Vec<(Code, String)> =
        problems_with(&text, &[]).problems.into_iter().map(|problem| (problem.code, problem.key)).collect();
    let expected = [
        (Code::UNKNOWN_KEY, "fleet.replica"),
        (Code::FLEET_EXCEEDS_LIMIT, "fleet.gpu_limit"),
        (Code::UNKNOWN_WORD, "rollout.strategy"),
        (Code::WRONG_UNIT, "termination.pre_stop"),
        (Code::UNKNOWN_METRIC, "check.0.metric"),
        (Code::MISSING_KEY, "analysis.a.max"),
    ];
    assert_eq!(found, expected.map(|(code, key)| (code, key.to_owned())));
}

#[test]
fn the_metric_that_was_meant_is_found_by_its_words() {
    let metrics: Vec<&str> = ledger::METRICS.iter().map(|metric| metric.name()).collect();
    for (written, meant) in [
        ("p99_ttft", "ttft_p99_s"),
        ("ttft_p99", "ttft_p99_s"),
        ("ttft.p99", "ttft_p99_s"),
        ("cost", "cost_usd"),
        ("truncated", "truncated_attempts"),
        ("truncated_attempt", "truncated_attempts"),
        ("rollout_duration", "rollout_duration_s"),
        ("utilisation", "utilization"),
        ("e2e_p90", "e2e_p90_s"),
        ("min_ready", "min_ready_fraction"),
        ("Gpu-Hours", "gpu_hours"),
    ] {
        let text = with(&format!("[[check]]\nmetric = \"{written}\"\nstatistic = \"mean\"\nmax = 1"));
        let Err(LoadError::Problems(problems)) = parse(&text, "scenario.toml", Path::new("."), &[], &metrics) else {
            panic!("{written} is a metric")
        };
        let expected = format!("did you mean `{meant}`?");
        assert_eq!(problems.problems[0].help.as_deref(), Some(expected.as_str()), "{written}");
    }
}

#[test]
fn a_slip_of_a_required_key_is_one_problem() {
    let text = SMALLEST.replace("[traffic]", "[trafic]");
    assert_eq!(problem_with(&text).help.as_deref(), Some("did you mean `traffic`?"));
    let check = problem_with(&with("[[check]]\nmetrc = \"cost_usd\"\nstatistic = \"mean\"\nmax = 1"));
    assert_eq!(check.key, "check.0.metrc");
}

#[test]
fn a_fleet_beyond_its_limit_is_shown_with_what_makes_it_so() {
    let text = with("[fleet]\nreplicas = 8\ngpus_per_replica = 4\ngpu_limit = 16");
    insta::assert_snapshot!(problems_with(&text, &[]).listed(false).trim_end(), @r"
    error[E0103]: the fleet does not fit `fleet.gpu_limit`
     --> scenario.toml:9:13
      |
    7 | replicas = 8
      |            - 8 replicas
    8 | gpus_per_replica = 4
      |                    - 4 GPUs each
    9 | gpu_limit = 16
      |             ^^ expected room for 8 replicas of 4 GPUs, which is 32 GPUs, found 16
    ");
}

#[test]
fn a_place_of_many_lines_is_shown_by_its_first() {
    let text = with("[rollout]\nstrategy = \"canary\"\n[rollout.canary]\nsteps = {\n  set_weight = 5\n}");
    let rendered = problems_with(&text, &[]).to_string();
    assert!(rendered.contains("9 | steps = {\n") && !rendered.contains("10 |"), "{rendered}");
}
