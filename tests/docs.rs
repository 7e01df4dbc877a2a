//! Documentation that follows from the program: `docs/metrics.md` from the table of metrics, the tables of
//! `docs/profiles.md` from the library of profiles. And what the documentation shows can be used, and what it links to is
//! there.

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
    assert_eq!(written, page, "make it anew with CUTOVER_BLESS=1 cargo test --release --test docs");
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

/// The anchors that a page of Markdown offers, as GitHub makes them of its headings.
fn anchors(page: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for heading in prose(page).lines().filter(|line| line.starts_with('#')) {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        // A heading that stands there before gets a number behind it.
        let before = anchors.iter().filter(|known| **known == anchor).count();
        anchors.push(anchor.clone());
        if before > 0 {
            anchors.push(format!("{anchor}-{before}"));
        }
    }
    anchors
}

/// A page without its blocks of code.
fn prose(page: &str) -> String {
    let mut in_code = false;
    let lines = page.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.collect::<Vec<&str>>().join("\n")
}

/// What a page links to, or shows, that is no address on the web.
fn relative_links(page: &str) -> Vec<String> {
    // Every second part between backticks is code.
    let text: String = prose(page).split('`').step_by(2).collect();
    let between = |begin: &str, end: char| -> Vec<String> {
        text.split(begin).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0.to_owned())).collect()
    };
    let links = [between("](", ')'), between("src=\"", '"'), between("href=\"", '"')].concat();
    links.into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
}

#[test]
fn every_relative_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs =
        std::fs::read_dir(root.join("docs")).expect("there are pages").map(|entry| entry.expect("a page").path());
    let pages: Vec<_> = docs.filter(|path| path.extension().is_some_and(|is| is == "md")).collect();
    let mut broken = Vec::new();
    for page in pages.iter().chain([&root.join("README.md")]) {
        let text = std::fs::read_to_string(page).expect("a page is text");
        let name = page.file_name().expect("a page has a name").to_string_lossy();
        for link in relative_links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let leads = match std::fs::read_to_string(&target) {
                _ if anchor.is_empty() => target.exists(),
                Ok(text) => anchors(&text).iter().any(|known| known == anchor),
                Err(_) => false,
            };
            if !leads {
                broken.push(format!("{name}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "these links lead nowhere: {broken:#?}");
}

#[test]
fn links_and_anchors_are_told_from_code() {
    let page = "# A `b` (c)!\n[x](#a-b-c) `[y](z)`\n```\n# no heading\n[n](o)\n```\n## Same\n## Same\n<img src=\"i.png\"> [w](https://w.w)\n";
    assert_eq!(anchors(page), ["a-b-c", "same", "same", "same-1"]);
    assert_eq!(relative_links(page), ["#a-b-c", "i.png"]);
}
