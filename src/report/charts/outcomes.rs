//! `outcomes.png`, `comparison-outcomes.png`, `plan-outcomes.png`: how the rollouts of each policy end, as shares of runs.

use super::Sheet;
use super::axes::{Axis, Panel, SHARE_TICKS};
use super::canvas::{Anchor, Canvas, Text, text_width};
use super::exposed::is_worse;
use super::labels;
use super::numbers;
use super::theme::{self, Color};
use crate::ledger::{Metric, RolloutOutcome};
use crate::report::compare_report::Compared;
use crate::report::plan::{Planned, label, ranking};
use crate::scenario::Scenario;
use crate::study::{Estimate, StudyResult, wilson};

/// Policies that there is room for.
const MOST_ROWS: usize = 8;
/// Greatest height of a policy's bar, points, and of one that stands alone.
const BAR: f64 = 34.0;
const LONE_BAR: f64 = 84.0;
/// Greatest height of a policy's row, and of one that stands alone.
const ROW: f64 = 96.0;
const LONE_ROW: f64 = 240.0;
/// Where names end and bars begin, points.
const LEFT: f64 = 168.0;

/// How a rollout ends, with its colours: the fill and the ink of words in it.
struct Ending {
    name: &'static str,
    fill: Color,
    ink: Color,
    hatched: bool,
}

const PROMOTED: Ending = Ending { name: "completed", fill: theme::NEW, ink: theme::PAPER, hatched: false };
const MISSED: Ending = Ending { name: "completed, though worse", fill: theme::ALERT, ink: theme::PAPER, hatched: true };
const TRUE_ALARM: Ending =
    Ending { name: "rolled back, rightly", fill: theme::STABLE, ink: theme::INK, hatched: false };
const FALSE_ALARM: Ending =
    Ending { name: "rolled back, wrongly", fill: theme::COSTLY, ink: theme::INK, hatched: true };
const STUCK: Ending = Ending { name: "stuck", fill: theme::ALERT, ink: theme::PAPER, hatched: false };
const UNFINISHED: Ending =
    Ending { name: "not over in the window", fill: theme::STABLE_TINT, ink: theme::INK, hatched: false };

/// Every one, in the order in which they are drawn.
const ENDINGS: [&Ending; 6] = [&PROMOTED, &MISSED, &TRUE_ALARM, &FALSE_ALARM, &STUCK, &UNFINISHED];

/// What it is that a rollout completes and that one is rolled back, by what the version is like.
fn by_truth(scenario: &Scenario) -> (&'static Ending, &'static Ending) {
    if is_worse(scenario) { (&MISSED, &TRUE_ALARM) } else { (&PROMOTED, &FALSE_ALARM) }
}

/// One policy and the shares of its endings, which sum to one.
struct Row {
    name: String,
    runs: u64,
    shares: Vec<(&'static Ending, Estimate)>,
}

impl Row {
    fn of_study(name: String, result: &StudyResult) -> Row {
        let count =
            |of: &[RolloutOutcome]| result.records.iter().filter(|record| of.contains(&record.outcome)).count() as u64;
        let (promoted, alarm) = by_truth(&result.scenario);
        let counts = [
            (promoted, count(&[RolloutOutcome::Completed])),
            (alarm, count(&[RolloutOutcome::RolledBack])),
            (&STUCK, count(&[RolloutOutcome::Stuck, RolloutOutcome::Deadlock])),
            (&UNFINISHED, count(&[RolloutOutcome::Unfinished])),
        ];
        Row::of_counts(name, result.records.len() as u64, &counts)
    }

    fn of_counts(name: String, runs: u64, counts: &[(&'static Ending, u64)]) -> Row {
        let share = |(ending, count): &(&'static Ending, u64)| {
            let value = *count as f64 / runs as f64;
            (*count > 0).then(|| (*ending, Estimate { value, interval: wilson(*count, runs) }))
        };
        Row { name, runs, shares: counts.iter().filter_map(share).collect() }
    }
}

/// The sheet of a study; `None` where all of its rollouts end alike, which a word says as well.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let row = Row::of_study("this scenario".to_owned(), result);
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, QUESTION, result);
    draw(canvas, top, &[row], "outcomes.png")
}

/// The sheet of a comparison; `None` where all rollouts of all scenarios end alike.
pub fn of_comparison(compared: &Compared<'_>) -> Option<Sheet> {
    let studies = compared.studies.iter().enumerate().take(MOST_ROWS);
    let rows: Vec<Row> = studies.map(|(at, study)| Row::of_study(compared.letter_and_change(at), study)).collect();
    let mut canvas = Canvas::new();
    let top = labels::heading_over(&mut canvas, QUESTION, &labels::subjects(compared));
    draw(canvas, top, &rows, "comparison-outcomes.png")
}

/// The sheet of a plan: its first candidates; `None` where all rollouts of all of them end alike.
pub fn of_plan(planned: &Planned<'_>) -> Option<Sheet> {
    let ranked = ranking(planned).into_iter().take(MOST_ROWS);
    let rows: Vec<Row> = ranked
        .map(|index| {
            let candidate = &planned.outcome.candidates[index];
            let counted = |metric: Metric| (candidate.metric(metric).mean.value * candidate.runs as f64).round() as u64;
            let (completed, back) = (counted(Metric::RolloutCompleted), counted(Metric::RolledBack));
            let rest = candidate.runs.saturating_sub(completed + back);
            let (promoted, alarm) = by_truth(planned.scenario);
            let counts = [(promoted, completed), (alarm, back), (&UNFINISHED, rest)];
            Row::of_counts(label(planned, candidate), candidate.runs, &counts)
        })
        .collect();
    let mut canvas = Canvas::new();
    let seed = planned.scenario.study.seed;
    let provenance = format!("best first, seed {seed}");
    let top = labels::heading_of(&mut canvas, QUESTION, planned.scenario.name.trim(), &provenance);
    draw(canvas, top, &rows, "plan-outcomes.png")
}

const QUESTION: &str = "How do rollouts end?";

fn draw(mut canvas: Canvas, top: f64, rows: &[Row], file_name: &str) -> Option<Sheet> {
    let occurs = |ending: &&Ending| rows.iter().flat_map(|row| &row.shares).any(|share| share.0.name == ending.name);
    let kinds: Vec<&Ending> = ENDINGS.into_iter().filter(occurs).collect();
    if kinds.len() < 2 {
        return None;
    }
    let top = legend(&mut canvas, top + 16.0, &kinds) + 12.0;
    let panel = Panel {
        left: LEFT,
        top,
        right: theme::WIDTH - 2.0 * theme::MARGIN,
        bottom: if rows.len() == 1 { top + LONE_ROW } else { (top + ROW * rows.len() as f64).min(462.0) },
        x: Axis::linear(0.0, 100.0),
        y: Axis::linear(0.0, rows.len() as f64),
    };
    panel.upright_grid(&mut canvas, &SHARE_TICKS);
    for (at, row) in rows.iter().enumerate() {
        draw_row(&mut canvas, &panel, at, row);
    }
    panel.lower_axis(&mut canvas, &SHARE_TICKS, Some("runs, %; whiskers: 95 % interval of the share to their left"));
    Some(Sheet { file_name: file_name.to_owned(), canvas, alt_text: alt_text(rows) })
}

/// What the fills mean, in one line; returns where the room below begins.
fn legend(canvas: &mut Canvas, y: f64, kinds: &[&Ending]) -> f64 {
    let mut x = theme::PANEL_LEFT;
    for kind in kinds {
        fill(canvas, (x, y - 5.0), (x + 14.0, y + 5.0), kind);
        canvas.text(Text::new(kind.name, (x + 20.0, y), Anchor::Start, theme::INK));
        x += 20.0 + text_width(kind.name, theme::LABEL_SIZE, false) + 22.0;
    }
    y + 8.0
}

fn fill(canvas: &mut Canvas, one: (f64, f64), other: (f64, f64), ending: &Ending) {
    canvas.rectangle(one, other, ending.fill);
    if ending.hatched {
        canvas.hatch(one, other, theme::HATCH_STROKE);
    }
}

fn draw_row(canvas: &mut Canvas, panel: &Panel, at: usize, row: &Row) {
    let height = (panel.bottom - panel.top) / (panel.y.high - panel.y.low);
    let lone = panel.y.high - panel.y.low == 1.0;
    let half = (height * 0.26).min(if lone { LONE_BAR } else { BAR } / 2.0);
    let middle = panel.top + (at as f64 + 0.42) * height;
    let name = labels::shorten(&row.name, theme::LABEL_SIZE, LEFT - theme::MARGIN - 12.0);
    canvas.text(Text::new(name, (LEFT - 10.0, middle - 6.0), Anchor::End, theme::INK));
    let runs = format!("{} run{}", numbers::fixed(row.runs as f64, 0), if row.runs == 1 { "" } else { "s" });
    let runs = Text::new(runs, (LEFT - 10.0, middle + 7.0), Anchor::End, theme::MUTED);
    canvas.text(runs.size(theme::SMALL_SIZE));
    let mut start = 0.0;
    let mut told = Vec::new();
    for (i, (ending, share)) in row.shares.iter().enumerate() {
        let (from, to) = (panel.across(start), panel.across(start + 100.0 * share.value));
        let gap = if i == 0 { 0.0 } else { 1.0 };
        fill(canvas, (from + gap, middle - half), (to.max(from + gap + 0.5), middle + half), ending);
        let words = format!("{} %", numbers::readable(100.0 * share.value));
        if text_width(&words, theme::LABEL_SIZE, true) + 10.0 < to - from && half > 8.0 && !ending.hatched {
            canvas.text(Text::new(words, ((from + to) / 2.0, middle), Anchor::Middle, ending.ink).bold());
        }
        told.push(told_share(ending, share));
        start += 100.0 * share.value;
    }
    let mut start = 0.0;
    for (_, share) in row.shares.iter().take(row.shares.len().saturating_sub(1)) {
        if let Some((low, high)) = share.interval {
            let at = |value: f64| panel.across((start + 100.0 * value).min(100.0));
            canvas.whisker((at(low), middle - half * 0.5), (at(high), middle - half * 0.5));
        }
        start += 100.0 * share.value;
    }
    if lone {
        for (i, told) in told.into_iter().enumerate() {
            let at = (panel.left + 2.0, middle + half + 16.0 * (i + 1) as f64);
            canvas.text(Text::new(told, at, Anchor::Start, theme::INK));
        }
        return;
    }
    let told = told.join("; ");
    let size = labels::fitting_size(&told, theme::SMALL_SIZE, panel.right - panel.left, false);
    let at = (panel.left + 2.0, middle + half + 9.0);
    canvas.text(Text::new(told, at, Anchor::Start, theme::MUTED).size(size));
}

fn told_share(ending: &Ending, share: &Estimate) -> String {
    let interval = share.interval.map(|(low, high)| (100.0 * low, 100.0 * high));
    let decimals = numbers::decimals(100.0 * share.value).min(1);
    format!(
        "{} {} % {}",
        ending.name,
        numbers::fixed(100.0 * share.value, decimals),
        numbers::interval(interval, decimals)
    )
}

fn alt_text(rows: &[Row]) -> String {
    let one = |row: &Row| {
        let shares: Vec<String> = row.shares.iter().map(|(ending, share)| told_share(ending, share)).collect();
        let name = if rows.len() > 1 { format!("{}: ", row.name) } else { String::new() };
        format!("{name}{}", shares.join(", "))
    };
    format!(
        "How rollouts end, as shares of runs with 95 % intervals: {}.",
        rows.iter().map(one).collect::<Vec<_>>().join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::samples::{Shape, study};

    #[test]
    fn rollouts_that_all_end_alike_need_no_chart() {
        assert!(sheet(&study(Shape::Rolling, 20)).is_none());
        assert!(sheet(&study(Shape::Quiet, 20)).is_none());
    }

    #[test]
    fn a_rollback_of_a_good_version_is_wrong_and_of_a_bad_one_right() {
        let mut result = study(Shape::RolledBack, 20);
        for record in &mut result.records {
            if record.run < 15 {
                record.outcome = RolloutOutcome::Completed;
            }
        }
        let told = sheet(&result).expect("a sheet").alt_text;
        // Wilson's interval for 15 of 20.
        assert!(told.contains("completed 75.0 % [53.1, 88.8], rolled back, wrongly 25.0 %"), "{told}");
        result.scenario.versions[1].step_time_factor = 1.4;
        let told = sheet(&result).expect("a sheet").alt_text;
        assert!(
            told.contains("completed, though worse 75.0 %") && told.contains("rolled back, rightly 25.0 %"),
            "{told}"
        );
        // What is only faster is no reason for a rollback.
        result.scenario.versions[1].step_time_factor = 0.8;
        assert!(sheet(&result).expect("a sheet").alt_text.contains("rolled back, wrongly 25.0 %"));
    }
}
