//! The text of a starter: sections of keys with their values, and a comment of a line from the catalogue beside each.

use super::super::arguments::StrategyArgument;
use super::sizing::{Sizing, Wanted};
use super::strategy;
use crate::scenario::keys::find;
use crate::scenario::schema::plain;

/// The column that comments of a section begin at, at most.
const FARTHEST: usize = 40;
/// Longest line.
const WIDTH: usize = 120;

/// A line of the file: TOML, and a comment.
pub struct Line {
    toml: String,
    comment: String,
}

impl Line {
    fn new(toml: &str, comment: impl Into<String>) -> Line {
        let comment: String = comment.into();
        let mut characters = comment.chars();
        let first = characters.next().into_iter().flat_map(char::to_uppercase);
        Line { toml: toml.to_owned(), comment: first.chain(characters).collect() }
    }

    /// The header of a table.
    pub fn heading(toml: &str, title: &str) -> Line {
        Line::new(toml, plain(title))
    }

    /// A key by its dotted path, with what the catalogue says of it.
    pub fn of(path: &str, value: &str) -> Line {
        let about = find(path).first().map_or("", |found| found.key.about);
        let sentence = about.split(". ").next().unwrap_or_default().trim_end_matches('.');
        Line::with(path, value, plain(sentence).replace('`', ""))
    }

    /// A key by its dotted path, with a comment of its own.
    fn with(path: &str, value: &str, comment: impl Into<String>) -> Line {
        let key = path.rsplit('.').next().unwrap_or_default();
        Line::new(&format!("{key} = {value}"), comment)
    }
}

/// The whole file.
pub fn write(wanted: &Wanted, sizing: &Sizing) -> String {
    let mut text = head(wanted);
    let mut sections = vec![study(wanted, sizing), traffic(sizing), clients(), fleet(wanted), engine(wanted)];
    sections.extend([cold_start(wanted), termination(sizing), slo(sizing), rollout(wanted)]);
    sections.push(strategy::table(wanted, sizing));
    if wanted.strategy != StrategyArgument::None {
        sections.push(new_version());
    }
    if wanted.strategy.has_analyses() {
        sections.extend([analysis_of_latency(wanted, sizing), analysis_of_errors(wanted, sizing)]);
    }
    sections.extend(checks(wanted, sizing));
    for section in sections.iter().filter(|section| !section.is_empty()) {
        text.push('\n');
        text += &laid_out(section);
    }
    text
}

fn head(wanted: &Wanted) -> String {
    let title = &wanted.profile.model.title;
    let how = match wanted.strategy {
        StrategyArgument::None => "no rollout",
        StrategyArgument::Recreate => "recreate",
        StrategyArgument::Rolling => "rolling update",
        StrategyArgument::BlueGreen => "blue-green",
        StrategyArgument::Canary => "canary (Argo Rollouts)",
        StrategyArgument::Flagger => "canary (Flagger)",
    };
    format!(
        "# A scenario for `cutover run`: a fleet, its traffic, and the rollout of a new version.\n\
         # Change a value here, or try one out without editing: --set fleet.replicas=12. `cutover schema --key KEY` tells more\n\
         # of a key. To let an editor complete and explain keys: `cutover schema --out scenario.schema.json`, and as first line\n\
         #   #:schema ./scenario.schema.json\n\n\
         name = \"{title} on {} replicas: {how}\"\n",
        wanted.replicas
    )
}

fn study(wanted: &Wanted, sizing: &Sizing) -> Vec<Line> {
    let minutes = wanted.strategy.minutes(wanted.replicas, sizing.cold_start_s);
    // The rollout starts after five minutes; what comes after it is seen too.
    let window = ((minutes * 1.5 + 15.0) / 10.0).ceil() * 10.0;
    let warm_up = ((sizing.longest_answer_s / 60.0).ceil() + 1.0).max(5.0);
    vec![
        Line::new("[study]", ""),
        Line::of("study.runs", "200"),
        Line::of("study.seed", "1"),
        Line::with(
            "study.warm_up",
            &format!("\"{warm_up}m\""),
            "simulated before anything is counted: the longest answers and a minute",
        ),
        Line::with(
            "study.duration",
            &format!("\"{window}m\""),
            "the measured window: the whole rollout and some time after it",
        ),
    ]
}

fn traffic(sizing: &Sizing) -> Vec<Line> {
    let lengths = |[median, p99, max]: [u32; 3]| {
        format!("{{ distribution = \"lognormal\", median = {median}, p99 = {p99}, max = {max} }}")
    };
    let load = sizing.load * 100.0;
    vec![
        Line::new("[traffic]", "yours, from a log of requests: cutover fit requests.csv"),
        Line::with(
            "traffic.arrivals",
            &format!("{{ process = \"poisson\", rate = {:?} }}", sizing.rate),
            format!("requests/s: {load:.0} % of what this fleet can serve"),
        ),
        Line::with("traffic.prompt_tokens", &lengths(sizing.prompt), ""),
        Line::with("traffic.output_tokens", &lengths(sizing.answer), ""),
    ]
}

fn clients() -> Vec<Line> {
    vec![
        Line::new("[clients]", ""),
        Line::with("clients.max_retries", "0", "attempts after one that was refused, dropped, cut or failed"),
    ]
}

fn fleet(wanted: &Wanted) -> Vec<Line> {
    let gpus = wanted.profile.gpus;
    let surge = wanted.strategy.surge(wanted.replicas);
    let limit = (wanted.replicas + surge) * gpus;
    let room = match surge {
        0 => "GPUs that the cluster gives you".to_owned(),
        _ => format!("GPUs that the cluster gives you: room for {surge} replicas beside the fleet"),
    };
    vec![
        Line::new("[fleet]", ""),
        Line::of("fleet.replicas", &wanted.replicas.to_string()),
        Line::of("fleet.gpus_per_replica", &gpus.to_string()),
        Line::with("fleet.gpu_limit", &limit.to_string(), room),
        Line::with("fleet.gpu_hour_usd", &format!("{:?}", wanted.gpu_hour_usd), "USD for an hour of a GPU"),
    ]
}

fn engine(wanted: &Wanted) -> Vec<Line> {
    vec![
        Line::new("[engine]", ""),
        Line::with(
            "engine.profile",
            &format!("\"{}\"", wanted.profile.name),
            "step times, KV cache and weights; `cutover profiles` lists all",
        ),
        Line::of("engine.max_num_seqs", "256"),
        Line::of("engine.max_num_batched_tokens", "8192"),
    ]
}

fn cold_start(wanted: &Wanted) -> Vec<Line> {
    let gigabytes = wanted.profile.model.gigabytes();
    vec![
        Line::new("[cold_start]", "what a new replica goes through before it is ready"),
        Line::with("cold_start.image_pull", "{ distribution = \"lognormal\", median = \"60s\", p99 = \"240s\" }", ""),
        Line::with(
            "cold_start.weight_load",
            "{ shared_gigabytes_per_second = 4.0 }",
            format!("the profile's {gigabytes:.1} GB, at 0.72 GB/s a replica"),
        ),
        Line::with("cold_start.engine_start", "{ distribution = \"lognormal\", median = \"75s\", p99 = \"150s\" }", ""),
        Line::with("cold_start.readiness_period", "\"10s\"", "of the readiness probe"),
    ]
}

fn termination(sizing: &Sizing) -> Vec<Line> {
    let longest = sizing.longest_answer_s;
    // The hook, the first token and the longest answer, in whole minutes.
    let minutes = ((5.0 + sizing.ttft_s + longest) / 60.0).ceil();
    vec![
        Line::new("[termination]", "what an old replica goes through, as in the pod's specification"),
        Line::with(
            "termination.grace_period",
            &format!("\"{minutes}m\""),
            format!(
                "until SIGKILL: answers of {} tokens take some {longest:.0} s when replicas are full",
                sizing.answer[2]
            ),
        ),
        Line::with("termination.pre_stop", "\"5s\"", "before SIGTERM, inside the grace period"),
        Line::with("termination.endpoint_lag", "\"1s\"", "until the router stops sending"),
        Line::with("termination.on_sigterm", "\"drain\"", "finish what was accepted; or \"abort\", vLLM's own default"),
    ]
}

fn slo(sizing: &Sizing) -> Vec<Line> {
    vec![
        Line::new("[slo]", "what users were promised"),
        Line::of("slo.ttft", &format!("\"{}s\"", sizing.ttft_s)),
        Line::of("slo.quantile", "0.99"),
    ]
}

fn rollout(wanted: &Wanted) -> Vec<Line> {
    vec![
        Line::new("[rollout]", ""),
        Line::with(
            "rollout.strategy",
            &format!("\"{}\"", wanted.strategy.word()),
            "or none, recreate, rolling, blue_green, canary",
        ),
        Line::with("rollout.start", "\"5m\"", "after the warm-up"),
    ]
}

fn new_version() -> Vec<Line> {
    vec![
        Line::new("[new_version]", "how it differs from the version that serves now: make it bad and see who notices"),
        Line::of("new_version.step_time_factor", "1.0"),
        Line::of("new_version.error_probability", "0.0"),
    ]
}

/// Fewest requests that a measurement needs: half of what a canary of 5 % sees in two minutes, 20 where there are so many.
fn least_samples(sizing: &Sizing) -> u32 {
    (0.05 * sizing.rate * 120.0 / 2.0).clamp(1.0, 20.0) as u32
}

fn analysis_of_latency(wanted: &Wanted, sizing: &Sizing) -> Vec<Line> {
    let mut lines = vec![
        Line::new("[analysis.ttft]", "what the canary must not exceed"),
        Line::with("analysis.ttft.metric", "\"ttft\"", "time to first token"),
        Line::with("analysis.ttft.quantile", "0.9", "a P90 is steadier than a P99 of a few hundred requests"),
        Line::with("analysis.ttft.max_ratio_to_stable", "1.25", "so many times stable's own at most"),
        Line::with("analysis.ttft.window", "\"2m\"", "what a measurement looks back on"),
        Line::with("analysis.ttft.min_samples", &least_samples(sizing).to_string(), "fewer are no data"),
    ];
    if wanted.strategy == StrategyArgument::Canary {
        lines.extend([
            Line::with("analysis.ttft.interval", "\"60s\"", "between measurements"),
            Line::with("analysis.ttft.count", "5", "measurements until it passes"),
            Line::with("analysis.ttft.failure_limit", "2", "failed ones that are tolerated"),
            Line::with("analysis.ttft.initial_delay", "\"3m\"", "until the canary has filled up"),
        ]);
    }
    lines
}

fn analysis_of_errors(wanted: &Wanted, sizing: &Sizing) -> Vec<Line> {
    let mut lines = vec![
        Line::new("[analysis.errors]", ""),
        Line::with("analysis.errors.metric", "\"error_rate\"", ""),
        Line::with("analysis.errors.max", "0.01", "a share: 1 %"),
        Line::with("analysis.errors.window", "\"2m\"", ""),
        Line::with("analysis.errors.min_samples", &least_samples(sizing).to_string(), ""),
    ];
    if wanted.strategy == StrategyArgument::Canary {
        lines.push(Line::with("analysis.errors.interval", "\"60s\"", ""));
    }
    lines
}

fn checks(wanted: &Wanted, sizing: &Sizing) -> Vec<Vec<Line>> {
    let check = |metric: &str, statistic: &str, bound: &str, comment: &str| {
        vec![
            Line::new("[[check]]", comment),
            Line::with("check.metric", &format!("\"{metric}\""), ""),
            Line::with("check.statistic", &format!("\"{statistic}\""), ""),
            Line::new(bound, ""),
        ]
    };
    let mut checks =
        vec![check("truncated_attempts", "p95", "max = 0", "19 runs in 20 cut no answer off in mid-sentence")];
    if wanted.strategy != StrategyArgument::None {
        checks.push(check("rollout_completed", "mean", "min = 0.9", "nine rollouts in ten reach their end"));
    }
    // All replicas go before the new ones start: nothing can be promised of latency then.
    if wanted.strategy != StrategyArgument::Recreate {
        let bound = format!("max = {}", sizing.ttft_s);
        checks.push(check("ttft_p99_s", "p90", &bound, "seconds to the first token, in nine runs of ten"));
    }
    checks
}

/// The lines of a section with their comments in one column, as far as lines are short enough; a comment that does not fit
/// beside its line stands above it.
fn laid_out(section: &[Line]) -> String {
    let width = |line: &Line| line.toml.lines().last().map_or(0, |last| last.chars().count());
    let column = section
        .iter()
        .filter(|line| !line.comment.is_empty())
        .map(width)
        .filter(|width| *width <= FARTHEST)
        .max()
        .unwrap_or(0)
        + 2;
    let mut text = String::new();
    for line in section {
        let beside =
            width(line).max(column - 2) + 4 + line.comment.chars().count() <= WIDTH && !line.toml.contains('\n');
        match (line.comment.is_empty(), beside) {
            (true, _) => text += &line.toml,
            (false, true) => {
                let column = column.max(width(line) + 2);
                text += &format!("{:<column$}# {}", line.toml, line.comment);
            }
            (false, false) => text += &format!("# {}\n{}", line.comment, line.toml),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A starter's text.
    fn starter(profile: &str, strategy: StrategyArgument) -> String {
        let profile = crate::profiles::find(profile).expect("a profile");
        let wanted = Wanted { profile, strategy, replicas: 6, rate: None, gpu_hour_usd: 3.0 };
        write(&wanted, &Sizing::of(&wanted))
    }

    #[test]
    fn a_starter_reads_as_a_person_would_write_it() {
        insta::assert_snapshot!(starter("h100-llama-3.1-8b-vllm", StrategyArgument::Rolling));
        insta::assert_snapshot!(starter("h100-llama-3.1-8b-vllm", StrategyArgument::Canary));
    }

    #[test]
    fn every_profile_and_strategy_gives_a_scenario_without_warnings() {
        let metrics: Vec<&str> = crate::ledger::METRICS.iter().map(|metric| metric.name()).collect();
        for profile in crate::profiles::all() {
            for strategy in <StrategyArgument as clap::ValueEnum>::value_variants() {
                let text = starter(&profile.name, *strategy);
                let parsed = crate::scenario::parse(&text, "it.toml", std::path::Path::new("."), &[], &metrics);
                let scenario = parsed.unwrap_or_else(|error| panic!("{} {strategy:?}: {error}\n{text}", profile.name));
                let said: Vec<String> = scenario.warning_messages();
                let others: Vec<&String> =
                    said.iter().filter(|it| !it.contains("is an estimate, not a measurement")).collect();
                assert!(others.is_empty(), "{} {strategy:?}: {others:?}", profile.name);
                assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            }
        }
    }
}
