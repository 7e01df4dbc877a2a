//! A sweep on a terminal: for two axes a small grid a metric where it fits, else a row for each point.

use super::{
    axes, best, extent, few, pairing, point_mark, quantity, reference_name, rows, short_keys, title, without_interval,
};
use crate::report::format::{counted, estimate};
use crate::report::layout::{Style, Tone, columns, wrap};
use crate::report::terminal::{begin, mark};
use crate::study::{Measure, Point, Sweep, Verdict};

/// Most rows of a table; a sweep of more points is read in its file.
const MOST_ROWS: usize = 60;

/// The sweep for a terminal, ending in a newline.
pub fn text(sweep: &Sweep, style: Style) -> String {
    let mut lines = begin(&sweep.scenario.read_by, &sweep.scenario.name, &extent(sweep), style);
    lines.extend(axes(sweep).iter().flat_map(|axis| wrap("  ", axis, style.width)));
    lines.push(String::new());
    let (table, place) =
        grids(sweep, style).map_or_else(|| (list(sweep, style), ""), |grids| (grids, ", in sweep.csv,"));
    lines.extend(table);
    lines.push(String::new());
    let few = if place.is_empty() { few(sweep) } else { String::new() };
    let notes =
        [best(sweep), without_interval(sweep), few, pairing(sweep, place)].into_iter().filter(|note| !note.is_empty());
    lines.extend(notes.flat_map(|note| wrap("", &note, style.width)));
    lines.join("\n") + "\n"
}

/// Text in which marks have the colours of what they say.
fn painted(line: &str, style: Style) -> String {
    [Verdict::Passed, Verdict::Failed].into_iter().fold(line.to_owned(), |line, verdict| {
        let (mark, tone) = mark(verdict);
        line.replace(mark, &style.paint(tone, mark))
    })
}

/// For two axes, a grid for each selection: rows of the one axis, columns of the other. `None` where neither way fits.
fn grids(sweep: &Sweep, style: Style) -> Option<Vec<String>> {
    let [first, second] = sweep.grid.axes() else { return None };
    if first.values.len() < 2 || second.values.len() < 2 {
        return None;
    }
    let fits = |grids: &Vec<Vec<String>>| {
        let short = |line: &String| line.chars().count() + 2 <= style.width;
        grids.iter().all(|grid| grid.len() <= MOST_ROWS && grid.iter().all(short))
    };
    let grids = |(rows, columns)| {
        sweep.selected.iter().map(|selection| grid(sweep, *selection, rows, columns)).collect::<Vec<Vec<String>>>()
    };
    let way = [(0, 1), (1, 0)].into_iter().find(|way| fits(&grids(*way)))?;
    let keys = short_keys(sweep);
    let mut lines = Vec::new();
    for (selection, grid) in sweep.selected.iter().zip(grids(way)) {
        let title = title(*selection);
        let mut heading = wrap("", &format!("{title}  {} down, {} across", keys[way.0], keys[way.1]), style.width);
        heading[0] = heading[0].replacen(&title, &style.paint(Tone::Heading, &title), 1);
        lines.extend(heading);
        lines.extend(grid.iter().map(|line| painted(&format!("  {line}"), style)));
        lines.push(String::new());
    }
    let marks = marks(sweep).map_or_else(String::new, |marks| format!("; {marks}"));
    lines.extend(wrap("", &format!("* {}{marks}", reference_name(sweep)), style.width));
    Some(lines)
}

/// What the marks of points say; `None` without checks.
fn marks(sweep: &Sweep) -> Option<String> {
    let [passed, failed, open] =
        [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive].map(|verdict| mark(verdict).0);
    let is_judged = sweep.done().any(|(_, point)| point.verdict().is_some());
    is_judged.then(|| format!("{passed} every check holds, {failed} one fails, {open} one is undecided"))
}

/// The lines of a grid over two axes.
fn grid(sweep: &Sweep, selection: Measure, rows: usize, columns_of: usize) -> Vec<String> {
    let axes = sweep.grid.axes();
    let across = axes[columns_of].values.len();
    let mut table = vec![vec![String::new()]];
    table[0].extend((0..across).map(|index| axes[columns_of].label(index)));
    for row in 0..axes[rows].values.len() {
        let point = |column| sweep.grid.point_at(&if rows == 0 { [row, column] } else { [column, row] });
        let cells = (0..across).map(|column| cell(sweep, point(column), selection));
        table.push(std::iter::once(axes[rows].label(row)).chain(cells).collect());
    }
    columns(&table, &[])
}

/// What stands in a cell of a grid.
fn cell(sweep: &Sweep, at: usize, selection: Measure) -> String {
    let star = if at == sweep.reference { " *" } else { "" };
    let done =
        |point: &Point| format!("{} {}", estimate(&point.estimate(selection), quantity(selection)), point_mark(point));
    sweep.points[at].as_ref().map_or_else(|| "-".to_owned(), |point| format!("{}{star}", done(point).trim_end()))
}

/// A row for each point; as many selections side by side as fit, the others in tables below.
fn list(sweep: &Sweep, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = sweep.selected.as_slice();
    while !rest.is_empty() {
        let fits = |count: &usize| table(sweep, &rest[..*count]).iter().all(|line| line.chars().count() <= style.width);
        let count = (1..=rest.len()).rev().find(fits).unwrap_or(1);
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(table(sweep, &rest[..count]).iter().map(|line| painted(line, style)));
        rest = &rest[count..];
    }
    let left_out = sweep.done().count().saturating_sub(MOST_ROWS);
    lines.extend(marks(sweep).iter().flat_map(|marks| wrap("", marks, style.width)));
    if left_out > 0 {
        lines.push(format!("and {}, which are in sweep.csv", counted(left_out as u64, "more point")));
    }
    lines
}

fn table(sweep: &Sweep, selections: &[Measure]) -> Vec<String> {
    let mut rows = rows(sweep, selections);
    rows.truncate(MOST_ROWS + 1);
    columns(&rows, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::report::sweep::example;

    fn plain(sweep: &Sweep, width: usize) -> String {
        text(sweep, Style { color: false, width })
    }

    #[test]
    fn one_axis_is_a_row_for_each_value() {
        insta::assert_snapshot!(plain(&example::over(&["termination.grace_period=30s,60s,2m"]), 100));
    }

    #[test]
    fn two_axes_are_a_grid_for_each_metric_where_it_fits() {
        let sweep = example::over(&["termination.grace_period=30s,60s,2m", "rollout.rolling.max_surge=1,25%"]);
        let wide = plain(&sweep, 100);
        insta::assert_snapshot!(wide);
        let narrow = plain(&sweep, 40);
        assert!(!narrow.contains(" across") && narrow.contains("difference"), "{narrow}");
    }

    #[test]
    fn many_metrics_and_points_are_told_in_several_tables_and_cut() {
        let mut sweep = example::over(&["fleet.replicas=1..90/1"]);
        sweep.selected = [Metric::Cost, Metric::TtftP99, Metric::CapacityDip].map(Measure::mean).to_vec();
        let told = plain(&sweep, 80);
        assert!(told.contains("and 30 more points, which are in sweep.csv"), "{told}");
        for line in told.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
        for metric in ["cost_usd mean", "ttft_p99_s mean", "capacity_dip_replica_seconds mean"] {
            assert_eq!(told.matches(metric).count(), 1, "{metric}");
        }
    }

    #[test]
    fn an_interrupted_sweep_says_how_far_it_came() {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m", "rollout.rolling.max_surge=1,25%"]);
        sweep.points[4] = None;
        let told = plain(&sweep, 100);
        assert!(told.contains("INTERRUPTED after 5 of 3 x 2 = 6 points, each 40 runs"), "{told}");
        let row = told.lines().find(|line| line.trim_start().starts_with("2m")).unwrap();
        assert!(row.split_whitespace().nth(1) == Some("-"), "{row}");
    }
}
