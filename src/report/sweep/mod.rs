//! What a sweep says: on a terminal, as JSON, Markdown and CSV, and which charts it has.
//!
//! The words and cells that these share are here; each form has a file of its own.

mod csv;
#[cfg(test)]
pub mod example;
mod json;
mod saved;
mod text;

pub(super) use json::SweepJson;

use super::OutputError;
use super::answer::Answer;
use super::charts::{self, Chart, ChartError};
use super::compare_report::differing;
use super::format::{Quantity, counted, difference, estimate};
use super::layout::{Style, glued};
use super::markdown::{Page, escape};
use super::saved::Saved;
use super::terminal::mark;
use crate::scenario::Statistic;
use crate::study::{Change, Difference, Measure, Overall, PRICE, Point, Sweep, Verdict, runs_for_quantile};

pub use saved::{read_runs, written_runs};

/// The folder of the runs of points, which later sweeps take up again.
pub const SAVED_POINTS: &str = "sweep-points";

/// Characters of a scenario's hash that name the file of its runs.
const HASH: usize = 16;

/// The file of a point's runs, by its scenario's hash, relative to the directory of results.
pub fn saved_point(scenario_hash: &str) -> String {
    let hash = scenario_hash.get(..HASH).unwrap_or(scenario_hash);
    format!("{SAVED_POINTS}/{hash}-{}.csv", env!("CARGO_PKG_VERSION"))
}

/// Whether a file's name, without its folder, is one that [`saved_point`] gives, in any version of the program.
pub fn is_saved_point(name: &str) -> bool {
    let stem = name.strip_suffix(".csv").and_then(|stem| stem.split_once('-'));
    stem.is_some_and(|(hash, _)| hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Answer for Sweep {
    fn name(&self) -> &'static str {
        "sweep"
    }

    fn text(&self, style: Style) -> String {
        text::text(self, style)
    }

    fn json(&self) -> String {
        json::json(self)
    }

    fn markdown(&self, charts: &[Chart]) -> String {
        markdown(self, charts)
    }

    fn csv(&self) -> String {
        csv::csv(self)
    }

    fn saved(&self) -> Result<Saved, OutputError> {
        Saved::new(&self.scenario.read_by).with(self.name(), self)
    }

    fn charts(&self) -> Result<Vec<Chart>, ChartError> {
        charts::of_sweep(self)
    }
}

/// The kind of quantity that a selection is.
pub(super) fn quantity(selection: Measure) -> Quantity {
    match selection.statistic {
        Statistic::ProbabilityPositive => Quantity::Share,
        _ => Quantity::of(selection.metric),
    }
}

/// A selection as people read it: `ttft_p99_s p95`.
pub(super) fn title(selection: Measure) -> String {
    format!("{} {}", selection.metric.name(), selection.statistic.name())
}

/// The keys of the axes, each as short as tells it from the others.
pub(super) fn short_keys(sweep: &Sweep) -> Vec<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let keys: Vec<&str> = sweep.grid.axes().iter().map(|axis| axis.key.as_str()).collect();
    let unique = |key: &str| keys.iter().filter(|other| last(other) == last(key)).count() == 1;
    keys.iter().map(|key| if unique(key) { last(key) } else { (*key).to_owned() }).collect()
}

/// The mark of a point: whether its checks hold. Empty without checks.
fn point_mark(point: &Point) -> &'static str {
    match point.verdict() {
        None => "",
        Some(Overall::Passed) => mark(Verdict::Passed).0,
        Some(Overall::Failed) => mark(Verdict::Failed).0,
        Some(Overall::Inconclusive) => mark(Verdict::Inconclusive).0,
    }
}

/// What the point that others are held against is called.
pub(super) fn reference_name(sweep: &Sweep) -> &'static str {
    if sweep.as_written { "as written" } else { "reference" }
}

/// How many points of how many runs.
fn extent(sweep: &Sweep) -> String {
    let counts: Vec<String> = sweep.grid.axes().iter().map(|axis| axis.values.len().to_string()).collect();
    let product = if counts.len() > 1 { format!("{} = ", counts.join(" x ")) } else { String::new() };
    let all = counted(sweep.points.len() as u64, "point");
    let points = if sweep.partial() {
        format!("INTERRUPTED after {} of {product}{all}", sweep.done().count())
    } else {
        format!("{product}{all}")
    };
    let study = &sweep.scenario.study;
    let requests = if sweep.unequal.is_empty() {
        "the same requests at every point".to_owned()
    } else {
        format!("not the same requests at every point: {}", differing(&sweep.unequal))
    };
    let runs = counted(study.runs, "run");
    format!("{points}, each {runs} x {}, seed {}, {requests}; brackets are 95 % intervals", study.duration, study.seed)
}

/// What every axis varies: `termination.grace_period: 30s, 1m`.
fn axes(sweep: &Sweep) -> Vec<String> {
    let values = |axis: &crate::scenario::Axis| {
        (0..axis.values.len()).map(|index| axis.label(index)).collect::<Vec<String>>().join(", ")
    };
    sweep.grid.axes().iter().map(|axis| format!("{}: {}", axis.key, values(axis))).collect()
}

/// Where the checks hold, and the cheapest point at which they do.
fn best(sweep: &Sweep) -> String {
    let Some(best) = sweep.best() else {
        return "The scenario has no [[check]], so that no point is judged.".to_owned();
    };
    let others: Vec<String> = [(best.fail, "a check fails"), (best.undecided, "none fails and one is undecided")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{what} at {count}"))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    let points = counted((best.hold + best.fail + best.undecided) as u64, "point");
    if best.hold == 0 {
        let more = if best.undecided > 0 { " More runs may decide." } else { "" };
        return format!("Every check holds at none of {points}{others}.{more}");
    }
    let cheapest = best.cheapest.and_then(|at| Some((at, sweep.points[at].as_ref()?)));
    let cheapest = cheapest.map_or_else(String::new, |(at, point)| {
        let price = glued(&estimate(&point.estimate(Measure::mean(PRICE)), Quantity::Usd));
        format!(
            " The cheapest of these is {}: a million output tokens cost {price}. This is what these runs show, not a choice \
             made with confidence: the least of several estimates is often a lucky one. `cutover plan` takes that into \
             account.",
            point_name(sweep, at)
        )
    });
    format!("Every check holds at {} of {points}{others}.{cheapest}", best.hold)
}

/// A point's settings: `grace_period = 2m, max_surge = 1`.
pub(super) fn point_name(sweep: &Sweep, point: usize) -> String {
    let settings = short_keys(sweep).into_iter().zip(sweep.grid.labels(point));
    settings.map(|(key, value)| format!("{key} = {value}")).collect::<Vec<String>>().join(", ")
}

/// How to read the points against one another, `place` being where differences are if not above, and why there is no chart where there is none.
fn pairing(sweep: &Sweep, place: &str) -> String {
    if sweep.points.len() < 2 {
        return String::new();
    }
    let chart = if charts::is_too_wide(sweep) {
        " There is no chart: it would need more than six lines along the first key. sweep.csv has every point."
    } else {
        ""
    };
    let what = if sweep.as_written {
        format!("Differences{place} are those of means from the scenario as written")
    } else {
        format!(
            "The scenario as written is not among the points: differences{place} are those of means from the first of them"
        )
    };
    let how = if sweep.unequal.is_empty() {
        "taken run by run. All points meet the same requests and move together, so that a difference is surer than the \
         intervals of two points suggest"
    } else {
        "taken between runs of the same number, which do not all meet the same requests"
    };
    format!("{what}, {how}.{chart}")
}

/// Which of what is shown has no interval, and how many runs that takes; empty where everything has one.
fn without_interval(sweep: &Sweep) -> String {
    let lacks = |selection: &&Measure| {
        let estimates = sweep.done().map(|(_, point)| point.estimate(**selection));
        estimates.into_iter().any(|estimate| estimate.value.is_finite() && estimate.interval.is_none())
    };
    let sentence = |selection: &Measure| match selection.statistic {
        Statistic::Min | Statistic::Max => format!("{} has no interval, being what these runs had", title(*selection)),
        statistic => {
            let runs = statistic.quantile().map_or(2, runs_for_quantile);
            format!("a 95 % interval of {} needs at least {runs} runs with a value", title(*selection))
        }
    };
    let sentences: Vec<String> = sweep.selected.iter().filter(lacks).map(sentence).collect();
    if sentences.is_empty() { String::new() } else { format!("Without brackets: {}.", sentences.join("; ")) }
}

/// The header and a row for each point that is done: mark, values, and for each selection the estimate and, of means, the
/// difference from the reference.
fn rows(sweep: &Sweep, selections: &[Measure]) -> Vec<Vec<String>> {
    let judged = sweep.done().any(|(_, point)| point.verdict().is_some());
    let mut header: Vec<String> = judged.then(String::new).into_iter().chain(short_keys(sweep)).collect();
    for selection in selections {
        header.push(title(*selection));
        header.extend((selection.statistic == Statistic::Mean).then(|| "difference".to_owned()));
    }
    header.push(String::new());
    let mut rows = vec![header];
    for (at, point) in sweep.done() {
        let mut row: Vec<String> = judged.then(|| point_mark(point).to_owned()).into_iter().collect();
        row.extend(sweep.grid.labels(at));
        for selection in selections {
            row.push(estimate(&point.estimate(*selection), quantity(*selection)));
            row.extend((selection.statistic == Statistic::Mean).then(|| difference_cell(sweep, at, point, *selection)));
        }
        row.push(if at == sweep.reference { reference_name(sweep).to_owned() } else { String::new() });
        rows.push(row);
    }
    rows
}

fn difference_cell(sweep: &Sweep, at: usize, point: &Point, selection: Measure) -> String {
    let found = point.difference(selection.metric);
    match found.change {
        _ if at == sweep.reference => "-".to_owned(),
        Change::Identical => "none".to_owned(),
        Change::NotComparable => found.change.words().to_owned(),
        _ if is_few(found) => format!("{} (few)", difference(&found.difference, quantity(selection))),
        _ => difference(&found.difference, quantity(selection)),
    }
}

/// Whether an interval excludes zero of which `compare` would not say that there is a difference: with fewer than six runs
/// that differ it says so of nothing.
fn is_few(found: &Difference) -> bool {
    let excludes_zero = found.difference.interval.is_some_and(|(low, high)| low > 0.0 || high < 0.0);
    excludes_zero && matches!(found.change, Change::NotShown | Change::NotEnoughRuns)
}

/// What `(few)` means; empty where no difference that is shown has it.
fn few(sweep: &Sweep) -> String {
    let is_shown = |selection: &&Measure| selection.statistic == Statistic::Mean;
    let points = || sweep.done().filter(|(at, _)| *at != sweep.reference);
    let has_few = |selection: &Measure| points().any(|(_, point)| is_few(point.difference(selection.metric)));
    if !sweep.selected.iter().filter(is_shown).any(has_few) {
        return String::new();
    }
    "(few): fewer than six runs differ, which shows no difference, whatever the interval says.".to_owned()
}

/// The sweep as Markdown.
fn markdown(sweep: &Sweep, charts: &[Chart]) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("# Sweep: {}", escape(&sweep.scenario.name)));
    let axes: Vec<String> = axes(sweep).iter().map(|axis| format!("- {}", escape(axis))).collect();
    page.paragraph(&axes.join("\n"));
    let mut extent = extent(sweep);
    extent[..1].make_ascii_uppercase();
    page.paragraph(&format!("{}.", escape(&extent)));
    page.paragraph(&format!("**{}**", escape(&super::layout::unglued(&best(sweep)))));
    page.paragraph("## Points");
    page.table(&rows(sweep, &sweep.selected));
    page.paragraph(&without_interval(sweep));
    page.paragraph(&few(sweep));
    page.paragraph(&pairing(sweep, ""));
    page.charts(charts);
    page.paragraph("## Provenance");
    page.table(&[
        vec!["what".to_owned(), "value".to_owned()],
        vec!["version".to_owned(), format!("cutover {}", env!("CARGO_PKG_VERSION"))],
        vec!["hash of the scenario as written (SHA-256)".to_owned(), format!("`{}`", sweep.scenario.hash)],
        vec!["seed".to_owned(), sweep.scenario.study.seed.to_string()],
        vec!["runs of each point".to_owned(), sweep.scenario.study.runs.to_string()],
    ]);
    page.text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Metric, RunRecord};

    #[test]
    fn files_of_points_are_told_from_others() {
        let name = saved_point(&"0123456789abcdef".repeat(4));
        assert_eq!(name, format!("sweep-points/0123456789abcdef-{}.csv", env!("CARGO_PKG_VERSION")));
        assert!(is_saved_point("0123456789abcdef-9.9.9.csv"));
        for other in ["notes.csv", "my-notes.csv", "0123456789abcdeg-0.1.0.csv", "0123456789abcdef-0.1.0.txt"] {
            assert!(!is_saved_point(other), "{other}");
        }
    }

    #[test]
    fn keys_are_as_short_as_tells_them_apart() {
        assert_eq!(short_keys(&example::over(&["termination.grace_period=30s,60s"])), ["grace_period"]);
        let both = ["rollout.rolling.max_surge=1,2", "rollout.canary.max_surge=1,2"];
        assert_eq!(short_keys(&example::over(&both)), ["rollout.rolling.max_surge", "rollout.canary.max_surge"]);
    }

    #[test]
    fn the_best_point_is_told_with_its_price_and_what_that_is_worth() {
        let sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        let told = super::super::layout::unglued(&best(&sweep));
        assert!(
            told.starts_with(
                "Every check holds at 1 of 3 points (a check fails at 1, none fails and one is undecided at 1)."
            ),
            "{told}"
        );
        assert!(
            told.contains("The cheapest of these is grace_period = 2m: a million output tokens cost $2.5"),
            "{told}"
        );
        assert!(told.contains("not a choice made with confidence"), "{told}");
        let mut unjudged = sweep;
        unjudged.points.iter_mut().flatten().for_each(|point| point.checks.clear());
        assert_eq!(best(&unjudged), "The scenario has no [[check]], so that no point is judged.");
    }

    #[test]
    fn differences_in_fewer_than_six_runs_are_marked_and_the_mark_is_explained() {
        let mut sweep = example::over(&["fleet.replicas=8,9,10"]);
        sweep.selected = vec![Measure::mean(Metric::Cost)];
        assert_eq!(few(&sweep), "");
        let metric = |values: &[f64]| -> Vec<RunRecord> {
            let mut records = super::super::example::study().records;
            records.iter_mut().zip(values).for_each(|(record, cost)| record.values[Metric::Cost as usize] = *cost);
            records.truncate(values.len());
            records
        };
        let differ = |runs: usize| {
            let records = metric(&(0..runs).map(|run| 3.0 + 0.01 * run as f64).collect::<Vec<f64>>());
            Point::new(&sweep.scenario, &records, &metric(&vec![1.0; runs]))
        };
        let (five, six) = (differ(5), differ(6));
        sweep.points[2] = Some(six);
        assert_eq!(few(&sweep), "");
        sweep.points[2] = Some(five);
        assert!(few(&sweep).starts_with("(few): fewer than six runs differ"));
        let cells: Vec<String> = rows(&sweep, &sweep.selected).into_iter().map(|row| row[3].clone()).collect();
        assert!(cells[3].ends_with(" (few)") && !cells[1].contains("few"), "{cells:?}");
    }

    #[test]
    fn the_page_has_a_row_for_every_point_and_links_its_charts() {
        let sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        let chart = Chart {
            file_name: "sweep.png".to_owned(),
            png: Vec::new(),
            svg: String::new(),
            alt_text: "A line".to_owned(),
        };
        let page = markdown(&sweep, &[chart]);
        insta::assert_snapshot!(page);
    }
}
