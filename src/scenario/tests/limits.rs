//! Limits: names that would steer a terminal, defaults that other values run into, problems without number.

use super::*;
use crate::random::Family;
use crate::scenario::{Arrivals, Traffic};

#[test]
fn names_with_control_characters_or_without_end_are_refused() {
    for (escape, code) in [
        ("\\u001b", "U+001B"),
        ("\\u0007", "U+0007"),
        ("\\n", "U+000A"),
        ("\\u007f", "U+007F"),
        ("\\u202a", "U+202A"),
        ("\\u202e", "U+202E"),
        ("\u{2066}", "U+2066"),
        ("\u{2069}", "U+2069"),
    ] {
        let problem = problem_with(&format!("name = \"a {escape} b\"\n{SMALLEST}"));
        assert_eq!((problem.key.as_str(), problem.line), ("name", 1), "{escape}");
        assert!(problem.expected.contains(code), "{escape}: {}", problem.expected);
    }
    let named = |length| format!("name = \"{}\"\n{SMALLEST}", "é".repeat(length));
    assert_eq!(read(&named(200)).name.chars().count(), 200);
    assert!(problem_with(&named(201)).expected.contains("at most 200 characters, found 201"));
}

#[test]
fn a_file_name_that_becomes_the_title_is_made_harmless() {
    let file = format!("a\u{1b}[31m\u{202e}{}.toml", "é".repeat(300));
    let scenario = parse(SMALLEST, &file, Path::new("."), &[], &METRICS).unwrap_or_else(|error| panic!("{error}"));
    assert!(scenario.name.starts_with("a\u{fffd}[31m\u{fffd}é"), "{}", scenario.name);
    assert_eq!(scenario.name.chars().count(), 200);
}

#[test]
fn the_least_and_greatest_values_are_accepted() {
    let sets = [
        "traffic.output_tokens={ distribution = \"gamma\", mean = 30, cv = 0.01, max = 1 }",
        "traffic.prompt_tokens={ distribution = \"gamma\", mean = 30, cv = 0, max = 50 }",
        "traffic.arrivals={ process = \"mmpp\", rates = [0, 1e-6, 1e6], dwell = [\"100ms\", \"8760h\", \"1s\"] }",
        "fleet.gpu_hour_usd=1e6",
        "fleet.needed_replicas=0.001",
        "new_version={ step_time_factor = 0.001, output_tokens_factor = 0.001 }",
    ];
    let scenario = read_with(SMALLEST, &sets).unwrap_or_else(|error| panic!("{error}"));
    let Traffic::Synthetic { arrivals, prompt_tokens, .. } = scenario.traffic else {
        panic!("expected drawn requests")
    };
    assert!(matches!(arrivals, Arrivals::Mmpp { rates, .. } if rates.len() == 3));
    assert!(matches!(prompt_tokens.family, Family::Gamma { cv, .. } if cv == 0.0));
}

#[test]
fn a_duration_that_runs_into_a_default_is_where_the_problem_is() {
    for (section, key, longest) in
        [("", "study.timeline_bin", "55h33m20s"), ("[slo]\nttft = \"2s\"", "slo.bin", "333h20m")]
    {
        // The bins of the timeline are made wide enough where the other default is meant.
        let bin = if section.is_empty() { "" } else { "timeline_bin = \"1h\"\n" };
        let problem = problem_with(&with(&format!("{section}\n[study]\n{bin}duration = \"400h\"")));
        assert_eq!(problem.key, "study.duration");
        assert_eq!(problem.message, format!("`study.duration` is too long for the default `{key}`"));
        assert!(problem.expected.contains(&format!("at most {longest}, which is 20000 bins")), "{}", problem.expected);
        assert_eq!(problem.help, Some(format!("set `{key}`, to at least 72 s")));
    }
    let written = problem_with(&with("[study]\nduration = \"400h\"\ntimeline_bin = \"10s\""));
    assert_eq!(written.key, "study.timeline_bin");
}

#[test]
fn a_kv_cache_that_answers_overflow_points_at_their_bound() {
    let bounded = "{ distribution = \"exponential\", mean = 100, max = 1000 }";
    for (prompt, output, key) in [
        ("1000", bounded, "traffic.output_tokens.max"),
        ("1000", "1000", "traffic.output_tokens"),
        (bounded, "1000", "traffic.output_tokens"),
        ("2000", bounded, "traffic.prompt_tokens"),
        ("{ distribution = \"constant\", value = 2000, max = 1700 }", "5", "traffic.prompt_tokens.max"),
    ] {
        let text = format!(
            "[engine]\nkv_cache_tokens = 1600\n[traffic]\narrivals = {{ process = \"poisson\", rate = 1 }}\nprompt_tokens \
             = {prompt}\noutput_tokens = {output}\n"
        );
        let problem = problem_with(&text);
        assert_eq!(problem.key, key, "{prompt} {output}");
        assert_eq!(problem.line, if key.contains("output") { 6 } else { 5 }, "{prompt} {output}");
        let bound = if key.ends_with(".max") { text[problem.span].parse::<u32>().ok() } else { None };
        assert_eq!(bound.is_some(), key.ends_with(".max"), "{prompt} {output}");
    }
}

#[test]
fn keys_that_are_known_are_listed_once() {
    for (text, list) in [
        (with("[zzzzzzzzzzzz]"), "known here: name, study, engine, traffic, slo, analysis, rollout, "),
        (with("[engine]\nzzzzzzzzzzzzzzzzz = 1"), "known here: profile, chunked_prefill, max_num_seqs, "),
    ] {
        let help = problem_with(&text).help.expect("the keys that are known");
        assert!(help.starts_with(list), "{help}");
        let keys: Vec<&str> = help.trim_start_matches("known here: ").split(", ").collect();
        let repeated = keys.iter().enumerate().find(|(i, key)| keys[..*i].contains(key));
        assert_eq!(repeated, None, "{help}");
    }
}

#[test]
fn at_most_twenty_problems_are_printed_and_the_rest_counted() {
    let with_problems = |count: usize| {
        let keys: String = (0..count).map(|i| format!("zzzzzzzzzz{i} = 1\n")).collect();
        problems_with(&format!("{keys}{SMALLEST}"), &[])
    };
    let printed = |count: usize| with_problems(count).to_string().matches("error[E0003]:").count();
    assert_eq!((printed(19), printed(20), printed(23)), (19, 20, 20));
    let text = with_problems(23).to_string();
    assert!(text.contains("\n\nand 3 more\n\n23 problems; nothing was simulated\n"), "{text}");
    assert!(!with_problems(20).to_string().contains(" more\n"));
    assert_eq!(with_problems(23).problems.len(), 23, "none is lost to programs");
}
