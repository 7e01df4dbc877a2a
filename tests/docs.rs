//! Documentation that follows from the program: `docs/metrics.md` from the table of metrics, the tables of
//! `docs/profiles.md` from the library of profiles. And what the documentation shows can be used.

use std::path::Path;

use cutover::ledger::{Better, METRICS, RolloutOutcome, SERIES};
use cutover::profiles;
use cutover::report::{Form, profiles::list_report};

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

#[test]
fn the_page_of_errors_is_what_the_tables_of_codes_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let page = cutover::report::page_of_codes();
    if std::env::var_os("CUTOVER_BLESS").is_some() {
        std::fs::write(&path, &page).expect("docs can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, page, "make it anew with CUTOVER_BLESS=1 cargo test --test docs");
}

/// The errors of each step of the derivation, in per cent.
fn table_of_errors() -> String {
    let mut table = String::from(
        "| name | decode steps | prefills | folding, or steps of both | what the two are |\n|---|---|---|---|---|\n",
    );
    for profile in profiles::all() {
        let errors = profile.errors();
        let cells: Vec<String> =
            errors.iter().map(|error| format!("{:.1}, {:.1}", 100.0 * error.usual, 100.0 * error.large)).collect();
        let what = format!("{}, {}", errors[0].usual_is, errors[0].large_is);
        table += &format!("| `{}` | {} | {what} |\n", profile.name, cells.join(" | "));
    }
    table
}

#[test]
fn the_tables_of_profiles_are_what_the_library_holds() {
    const HEADING: &str = "## The library\n\n<!-- ";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/profiles.md");
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let begins = written.find(HEADING).expect("the page has a place for the tables");
    let (before, tables) = written.split_at(begins + written[begins..].find("-->\n").expect("the comment ends") + 4);
    let expected = format!(
        "\n{}\nErrors of the fits, relative, in per cent: the usual one and a large one.\n\n{}",
        list_report(Form::Markdown),
        table_of_errors()
    );
    if std::env::var_os("CUTOVER_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{expected}")).expect("docs can be written");
        return;
    }
    assert_eq!(tables, expected, "make them anew with CUTOVER_BLESS=1 cargo test --release --test docs");
}

/// The first TOML of a page, or the n-th from 0.
fn toml_of(page: &str, n: usize) -> &str {
    let after = page.split("```toml\n").nth(n + 1).expect("the page has an example");
    after.split("```").next().expect("the example ends")
}

#[test]
fn what_the_page_of_profiles_shows_is_read_without_a_problem() {
    const TRAFFIC: &str =
        "[traffic]\narrivals = { process = \"poisson\", rate = 1 }\nprompt_tokens = 9\noutput_tokens = 9\n";
    for n in 0..2 {
        let text = format!("{TRAFFIC}{}", toml_of(include_str!("../docs/profiles.md"), n));
        let parsed = cutover::scenario::parse(&text, "profiles.md", Path::new("."), &[], &[]);
        assert!(parsed.is_ok(), "{}", parsed.err().map_or(String::new(), |error| error.to_string()));
    }
}
