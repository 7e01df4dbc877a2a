//! The page's parts as markup: header, checks, sections of the report, figures, tables, scenario, provenance.

use maud::{Markup, html};

use super::figures::{self, Figure};
use crate::ledger::{METRICS, Metric};
use crate::report::content::{self, Block, CheckLine, Section};
use crate::report::format::{Quantity, counted, estimate, value};
use crate::report::terminal::gate_mark;
use crate::study::{FailOn, Outcome, StudyResult, why};

/// What a table's figures are, for who meets one alone.
const INTERVALS: &str = "Brackets are 95 % intervals.";

/// Title, extent, the answer in a sentence, why, what to plan, warnings.
pub fn header(result: &StudyResult) -> Markup {
    let planning = content::plain(&content::planning_line(result));
    html! {
        header .top {
            div .bar {
                span .brand { "cutover " (env!("CARGO_PKG_VERSION")) " \u{b7} rollout report" }
                button #theme type="button" hidden aria-pressed="false" { "Dark" }
            }
            h1 { (result.scenario.name) }
            p .extent { (content::plain(&content::extent(result))) }
            @if result.partial {
                p .note role="note" { strong { "Interrupted: partial results." } }
            }
            p .answer { (content::plain(&content::answer(result))) }
            p { strong { "Why. " } (prose(&why(result))) }
            @if !planning.is_empty() { p { strong { "Plan. " } (prose(&planning)) "." } }
            p .muted { (content::plain(&content::setting(result))) "." }
            @for warning in &result.scenario.warnings {
                p .note role="note" { strong { "Warning. " } (prose(&warning.message)) }
            }
        }
    }
}

/// A sentence in which what stands between backticks is code.
fn prose(text: &str) -> Markup {
    html! {
        @for (i, part) in text.split('`').enumerate() {
            @if i % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Links to the page's parts.
pub fn contents(explorer: bool, timeline: bool, cost: bool) -> Markup {
    let link = |shown: bool, to: &str, name: &str| html! { @if shown { li { a href={ "#" (to) } { (name) } } } };
    html! {
        nav aria-label="Contents" {
            ul {
                (link(true, "checks", "Checks"))
                (link(timeline, "over-time", "Timeline"))
                (link(true, "story", "Results"))
                (link(true, "distributions", "Distributions"))
                (link(cost, "price", "Cost"))
                (link(explorer, "explorer", "Runs"))
                (link(true, "metrics", "Metrics"))
                (link(true, "scenario", "Scenario"))
                (link(true, "provenance", "Provenance"))
            }
        }
    }
}

/// What the gate makes of a check, in a word, and the class that colours it.
fn outcome(check: &CheckLine) -> (&'static str, &'static str) {
    match check.outcome {
        Outcome::Passed => ("passed", "good"),
        Outcome::Failed => ("failed", "bad"),
        Outcome::Undecided => ("inconclusive", "unsure"),
        Outcome::Warned => ("warning", "unsure"),
    }
}

/// What must hold, and whether it does.
pub fn checks(result: &StudyResult) -> Markup {
    let checks = content::checks(result, FailOn::default());
    html! {
        section #checks aria-labelledby="checks-title" {
            h2 #checks-title { "Checks" }
            @if checks.is_empty() {
                p { "The scenario has no checks: nothing is required of it." }
            } @else {
                div .scroll tabindex="0" role="region" aria-label="Checks, a table" {
                    table .checks {
                        caption { "What must hold. " (INTERVALS) }
                        thead { tr { @for name in ["verdict", "check", "found"] { th scope="col" { (name) } } } }
                        tbody {
                            @for check in &checks {
                                @let (word, class) = outcome(check);
                                tr {
                                    td { span .verdict .(class) { (gate_mark(check.outcome).0) " " (word) } }
                                    th scope="row" { (check.claim) }
                                    td {
                                        (check.found)
                                        @if !check.description.is_empty() { p .small { (check.description) } }
                                        @if !check.explanation.is_empty() { p .small { (check.explanation) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The report's sections as the terminal has them.
pub fn story(result: &StudyResult) -> Markup {
    let precision = content::precision(result);
    html! {
        section #story aria-labelledby="story-title" {
            h2 #story-title { "Results" }
            div .cards { @for section in content::sections(result) { (card(&section)) } }
            @if !precision.is_empty() {
                h3 { "Precision" }
                ul { @for sentence in &precision { li { (sentence) } } }
            }
        }
    }
}

fn card(section: &Section) -> Markup {
    let mut title = section.title.to_lowercase();
    title[..1].make_ascii_uppercase();
    html! {
        article .card {
            h3 { (title) }
            p .muted { (content::plain(&section.subtitle)) }
            @for block in &section.blocks {
                @match block {
                    Block::Line(label, text) => dl { dt { (label) } dd { (content::plain(text)) } },
                    Block::Table(rows) | Block::Figures(rows) => (table(&format!("{title}, a table"), rows)),
                }
            }
        }
    }
}

/// A table whose first row is its header and whose first column names its rows.
pub fn table(caption: &str, rows: &[Vec<String>]) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label=(caption) {
            table {
                caption .quiet { (caption) }
                @if let Some((header, rows)) = rows.split_first() {
                    thead { tr { @for name in header { th scope="col" { (name) } } } }
                    tbody {
                        @for row in rows {
                            tr {
                                @for (i, cell) in row.iter().enumerate() {
                                    @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A chart with its question, its finding, its controls and its data as a table.
pub fn figure(result: &StudyResult, figure: &Figure) -> Markup {
    let zooms = figure.id == "timeline";
    html! {
        figure id=(figure.id) aria-labelledby={ (figure.id) "-title" } {
            h3 id={ (figure.id) "-title" } { (figure.title) }
            p .muted { (result.scenario.name) " \u{b7} " (figures::provenance(result)) }
            p .finding { (figure.finding) }
            @if zooms { (zoom("timeline")) }
            div .chart .(figure.id) id={ (figure.id) "-chart" } role="img" aria-label={ (figure.title) " " (figure.finding) } {}
            figcaption .small { (figure.reading) }
            details { summary { "The data as a table" } (table(&format!("{} (data)", figure.title), &figure.table)) }
        }
    }
}

/// The buttons of a chart over time.
fn zoom(chart: &str) -> Markup {
    let button = |does: &str, name: &str| {
        html! { button type="button" data-zoom=(does) aria-controls={ (chart) "-chart" } { (name) } }
    };
    html! {
        div .controls .scripted hidden role="group" aria-label="Part of the time axis" data-chart=(chart) {
            (button("in", "Zoom in")) (button("out", "Zoom out"))
            (button("earlier", "\u{2190} Earlier")) (button("later", "Later \u{2192}"))
            (button("reset", "Whole window"))
            span .small .pointer { "or drag across the chart, or shift and wheel" }
        }
    }
}

/// The frame of the run explorer, which the script fills.
pub fn explorer(extent: &str) -> Markup {
    html! {
        section #explorer aria-labelledby="explorer-title" {
            h2 #explorer-title { "Run explorer" }
            p { "Single runs behind the estimates: the best, the median or the worst by any metric, and what happened in \
                 them. " (extent) }
            noscript { p .note { "The run explorer needs JavaScript; " code { "cutover explain SCENARIO.toml --run N" } " shows a run." } }
            form #pick .controls .scripted hidden aria-label="Which run" {
                label { "by " select #pick-metric {} }
                div role="group" aria-label="Which run by this metric" #pick-quantile {}
                label { "or run " input #pick-run type="number" min="0" step="1" inputmode="numeric"; }
            }
            div #run .scripted hidden {
                h3 #run-title tabindex="-1" aria-live="polite" {}
                p #run-finding .finding {}
                p #run-command .note hidden {}
                figure #run-among {
                    h4 { "Where does this run lie among all?" }
                    div .chart .among #run-among-chart role="img" aria-label="" {}
                }
                div #run-detail {
                    figure #run-life {
                        h4 { "What did its replicas and requests go through?" }
                        (zoom("run-life"))
                        div .chart #run-life-chart role="img" aria-label="" {}
                        figcaption .small #run-life-caption {}
                    }
                    details open { summary { "What the controller did" } div #run-decisions {} }
                    details { summary { "Attempts by how they ended, and the worst thirty" } div #run-attempts {} }
                }
                details { summary { "Its metrics beside the median run" } div #run-metrics {} }
            }
        }
    }
}

/// Every metric with its statistics over runs.
pub fn metrics(result: &StudyResult) -> Markup {
    html! {
        section #metrics aria-labelledby="metrics-title" {
            h2 #metrics-title { "Metrics" }
            p { label .scripted hidden for="filter" {
                "Show metrics with " input #filter type="search" placeholder="ttft" autocomplete="off" spellcheck="false"; }
                " " span #filter-count .small role="status" {} }
            div .scroll tabindex="0" role="region" aria-label="Every metric over runs, a table" {
                table #metric-table {
                    caption { "Every metric over " (counted(result.records.len() as u64, "run")) ". " (INTERVALS) }
                    thead { tr {
                        @for name in ["metric", "mean", "P50 of runs", "P95 of runs", "least", "greatest", "unit"] {
                            th scope="col" { (name) }
                        }
                    } }
                    tbody { @for metric in METRICS { (metric_row(result, *metric)) } }
                }
            }
        }
    }
}

fn metric_row(result: &StudyResult, metric: Metric) -> Markup {
    let (summary, quantity, description) = (result.metric(metric), Quantity::of(metric), metric.description());
    html! {
        tr {
            th scope="row" { code { (description.name) } div .small { (description.meaning) } }
            @for one in [&summary.mean, &summary.p50, &summary.p95] { td { (estimate(one, quantity)) } }
            @for one in [summary.min, summary.max] { td { (value(one, quantity)) } }
            td { (if description.unit.is_empty() { "share" } else { description.unit }) }
        }
    }
}

/// What was simulated: what follows from it, and its text.
pub fn scenario(result: &StudyResult) -> Markup {
    let facts = content::facts(result).into_iter().map(|(what, value)| vec![what.to_owned(), value]);
    let rows: Vec<Vec<String>> = std::iter::once(vec!["fact".to_owned(), "value".to_owned()]).chain(facts).collect();
    let scenario = &result.scenario;
    html! {
        section #scenario aria-labelledby="scenario-title" {
            h2 #scenario-title { "Scenario" }
            (table("What follows from the scenario alone", &rows))
            @if !scenario.source.is_empty() {
                details {
                    summary { "The scenario as written" }
                    pre tabindex="0" { code { (scenario.source) } }
                }
            }
            @if !scenario.settings.is_empty() {
                p { "With these settings on top of it:" }
                ul { @for set in &scenario.settings { li { code { "--set " (set) } } } }
            }
        }
    }
}

/// Where the numbers come from, and how to read them.
pub fn provenance(result: &StudyResult) -> Markup {
    let study = &result.scenario.study;
    let row = |what: &str, value: String| vec![what.to_owned(), value];
    let rows = [
        row("what", "value".to_owned()),
        row("version", format!("cutover {}", env!("CARGO_PKG_VERSION"))),
        row("scenario hash (SHA-256)", result.scenario.hash.clone()),
        row("seed", study.seed.to_string()),
        row("runs", result.records.len().to_string()),
        row("warm-up, measured window", format!("{}, {}", study.warm_up, study.duration)),
    ];
    html! {
        section #provenance aria-labelledby="provenance-title" {
            h2 #provenance-title { "Provenance" }
            (table("Where these numbers come from", &rows))
            p { "The same version, scenario, seed and number of runs give this page again, byte for byte." }
            h3 { "How to read intervals" }
            p { "A run is one possible course of events; the study is many of them. Brackets beside an estimate are its 95 % \
                 interval: of studies like this one, with other seeds, 95 in 100 would have an interval that holds the true \
                 value of the model. It says how well so many runs know the model's answer, not how well the model knows your \
                 fleet. A band that holds 90 % of runs is something else: how much one rollout differs from the next, however \
                 many runs there are. P95 of runs is the value that one run in twenty exceeds." }
        }
    }
}
