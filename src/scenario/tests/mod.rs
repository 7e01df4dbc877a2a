//! Tests of reading scenarios: what a good one becomes, and what is said about a bad one.

mod actions;
mod bad_checks;
mod bad_input;
mod files;
mod good_input;
mod keys;
mod limits;
mod mutations;
mod overrides;
mod plan;
mod profiles;
mod shown;

use std::path::Path;

use super::{LoadError, Problem, Problems, Scenario, parse};

/// The example of the format, every section of it, as far as it is supported.
const EXAMPLE: &str = include_str!("example.toml");

/// The least that a scenario needs.
const SMALLEST: &str = r#"
[traffic]
arrivals = { process = "poisson", rate = 6.0 }
prompt_tokens = 800
output_tokens = { distribution = "exponential", mean = 250 }
"#;

/// Names that a check may use.
const METRICS: [&str; 9] = [
    "truncated_attempts",
    "ttft_p99_s",
    "rollout_duration_s",
    "rollout_completed",
    "rolled_back",
    "min_ready_fraction",
    "slo_violation_seconds",
    "cost_usd",
    "rollout_cost_usd",
];

fn read_with(text: &str, sets: &[&str]) -> Result<Scenario, LoadError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    parse(text, "scenario.toml", Path::new("."), &sets, &METRICS)
}

fn read(text: &str) -> Scenario {
    read_with(text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that is wrong with a text.
fn problems_with(text: &str, sets: &[&str]) -> Problems {
    match read_with(text, sets) {
        Ok(_) => panic!("nothing was found wrong with {sets:?} and\n{text}"),
        Err(LoadError::Problems(problems)) => *problems,
        Err(error) => panic!("{error}"),
    }
}

/// The only thing that is wrong with a text.
fn problem_with(text: &str) -> Problem {
    let problems = problems_with(text, &[]);
    assert_eq!(problems.problems.len(), 1, "expected one problem in\n{text}\n{problems}");
    problems.problems[0].clone()
}

/// The smallest scenario with more at its end.
fn with(more: &str) -> String {
    format!("{SMALLEST}{more}\n")
}
