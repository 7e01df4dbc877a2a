//! The documentation of the metrics follows from their one table: `docs/metrics.md` is what the table says.

use std::path::Path;

use cutover::ledger::{Better, METRICS, RolloutOutcome, SERIES};

/// The page as the table has it.
fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\nEvery metric of one run: a column of `runs.csv`, a key of `summary.json`, a name for `[[check]]`. \
         This page is made from the table in `src/ledger/metrics.rs`.\n\n| name | unit | better | what it is |\n|---|---|---|---|\n",
    );
    for metric in METRICS {
        let description = metric.description();
        let better = match description.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "",
        };
        page += &format!("| `{}` | {} | {better} | {} |\n", description.name, description.unit, description.meaning);
    }
    let outcomes: Vec<String> = RolloutOutcome::ALL.iter().map(|outcome| format!("`{}`", outcome.name())).collect();
    page += &format!("\n`runs.csv` has one more column, `rollout_outcome`: {}.\n", outcomes.join(", "));
    page += "\n## Series of the timeline\n\n`timeline.csv` has a row per bin and, over runs, `NAME_mean`, `NAME_p5`, `NAME_p50` \
             and `NAME_p95` of each series, and the quantiles of all runs' requests together as `ttft_p50_s_pooled` and \
             `ttft_p99_s_pooled`:\n\n";
    let series: Vec<String> = SERIES.iter().map(|(_, name)| format!("`{name}`")).collect();
    page += &format!("{}.\n", series.join(", "));
    page
}

#[test]
fn the_page_of_metrics_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    if std::env::var_os("CUTOVER_BLESS").is_some() {
        std::fs::write(&path, page()).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page(), "make it anew with CUTOVER_BLESS=1 cargo test --release --test docs");
}

/// The TOML that the documentation shows is a scenario.
#[test]
fn the_scenario_of_the_reference_is_read_without_a_problem() {
    let text = include_str!("../docs/scenario.md");
    let start = text.find("```toml\n").expect("the reference has an example") + "```toml\n".len();
    let end = start + text[start..].find("```").expect("the example ends");
    let metrics: Vec<&str> = METRICS.iter().map(|metric| metric.name()).collect();
    let parsed = cutover::scenario::parse(&text[start..end], "scenario.md", Path::new("."), &[], &metrics);
    assert!(parsed.is_ok(), "{}", parsed.err().map_or(String::new(), |error| error.to_string()));
}
