//! `comparison.png`, `comparison-c.png`, ...: what changes from one scenario to another, metric by metric, as a share of the
//! larger of the two means, so that all are on one axis, from -100 % (it vanishes) to +100 % (it appears).

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, fitting_size};
use super::theme::{self, Color};
use crate::report::compare_report::{Compared, letter, shown, verdict};
use crate::report::format::{Quantity, difference};
use crate::study::{Change, Comparison, Difference, HEADLINES};

/// Rows that the sheet has room for.
const MOST_ROWS: usize = 14;
/// Greatest height of a row, points.
const ROW_HEIGHT: f64 = 28.0;
/// Where names of metrics end and the axis begins, points.
const AXIS_LEFT: f64 = 272.0;
/// Where the axis ends and the words begin, points.
const AXIS_RIGHT: f64 = 590.0;
/// Half the side of a mark, points.
const MARK: f64 = 4.0;
/// Share of the axis beyond 100 %, so that marks at its ends are seen.
const BEYOND: f64 = 106.0;

/// A difference as a share of the larger mean, per cent, with the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Share {
    value: f64,
    ends: Option<(f64, f64)>,
}

impl Share {
    /// `None` where there is nothing to be a share of.
    fn of(row: &Difference) -> Option<Share> {
        let larger = row.mean_a.abs().max(row.mean_b.abs());
        let share = |value: f64| 100.0 * value / larger;
        let value = share(row.difference.value);
        let ends = row.difference.interval.map(|(low, high)| (share(low), share(high)));
        value.is_finite().then_some(Share { value, ends })
    }
}

/// The sheet of the comparison of this index with the first study.
pub fn sheet(compared: &Compared<'_>, index: usize) -> Sheet {
    let comparison = &compared.comparisons[index];
    let rows = rows(comparison);
    let mut canvas = Canvas::new();
    let question = format!("What changes from A to {}?", letter(index + 1));
    let top = labels::heading_over(&mut canvas, &question, &subjects(compared, index)) + 14.0;
    let panel = Panel {
        left: AXIS_LEFT,
        top,
        right: AXIS_RIGHT,
        bottom: (top + ROW_HEIGHT * rows.len() as f64 + 6.0).min(462.0),
        x: Axis::linear(-BEYOND, BEYOND),
        y: Axis::linear(0.0, 1.0),
    };
    let ticks = [-100.0, -50.0, 0.0, 50.0, 100.0];
    for tick in ticks {
        let x = panel.across(tick);
        let stroke = if tick == 0.0 { theme::AXIS_STROKE } else { theme::GRID_STROKE };
        canvas.line(vec![(x, panel.top), (x, panel.bottom)], stroke);
    }
    let height = (panel.bottom - panel.top) / rows.len().max(1) as f64;
    for (at, row) in rows.iter().enumerate() {
        draw(&mut canvas, &panel, row, panel.top + height * (at as f64 + 0.5));
    }
    let title = if comparison.runs == 1 {
        "difference in the one run, % of the larger value; one run gives no intervals"
    } else {
        "difference of the means, % of the larger one; whiskers: 95 % intervals over paired runs"
    };
    panel.lower_axis(&mut canvas, &ticks, Some(title));
    let file_name = match index {
        0 => "comparison.png".to_owned(),
        _ => format!("comparison-{}.png", letter(index + 1).to_ascii_lowercase()),
    };
    Sheet { file_name, canvas, alt_text: alt_text(comparison, index) }
}

/// The rows that there is room for: the headlines that are not identical, filled up with the others that come first.
fn rows(comparison: &Comparison) -> Vec<&Difference> {
    let is_headline = |row: &Difference| HEADLINES.contains(&row.metric);
    let headlines = shown(comparison).filter(|row| is_headline(row) && row.change != Change::Identical).count();
    let mut room = MOST_ROWS - headlines;
    let fits = |row: &&Difference| match is_headline(row) {
        true => row.change != Change::Identical || headlines == 0,
        false if room > 0 => {
            room -= 1;
            true
        }
        false => false,
    };
    shown(comparison).filter(fits).collect()
}

/// The two that are compared, a line each, and over what.
fn subjects(compared: &Compared<'_>, index: usize) -> Vec<String> {
    let room = theme::WIDTH - theme::PANEL_LEFT - theme::MARGIN;
    let one = |at: usize| labels::shorten(&compared.subject(at), theme::SUBTITLE_SIZE, room);
    let (runs, seed) = (compared.comparisons[index].runs, compared.studies[0].scenario.study.seed);
    let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    vec![one(0), one(index + 1), format!("{runs} of the same requests, seed {seed}")]
}

fn alt_text(comparison: &Comparison, index: usize) -> String {
    let told: Vec<String> =
        (shown(comparison).take(MOST_ROWS)).map(|row| format!("{} {}", row.metric.name(), verdict(row))).collect();
    format!("Differences between A and {} with 95 % intervals: {}.", letter(index + 1), told.join(", "))
}

/// The colour of a verdict; the words beside it say the same.
fn color(change: Change) -> Color {
    match change {
        Change::Worse => theme::ALERT,
        Change::Better => theme::NEW,
        Change::Higher | Change::Lower => theme::STABLE_INK,
        _ => theme::MUTED,
    }
}

/// A row: name, mark with its whisker, and in words how large it is.
fn draw(canvas: &mut Canvas, panel: &Panel, row: &Difference, y: f64) {
    let name = Text::new(row.metric.name(), (panel.left - 10.0, y), Anchor::End, theme::INK);
    let size = fitting_size(&name.content, theme::LABEL_SIZE, panel.left - 10.0 - theme::MARGIN, false);
    canvas.text(name.size(size));
    let color = color(row.change);
    if let Some(share) = Share::of(row) {
        let x = |value: f64| panel.across(value);
        if let Some((low, high)) = share.ends {
            canvas.whisker((x(low), y), (x(high), y));
            beyond(canvas, panel, (low, high), y);
        }
        mark(canvas, (x(share.value), y), row.change, color);
    }
    let left = panel.right + 12.0;
    let room = theme::WIDTH - theme::MARGIN - left;
    let told = match row.change {
        Change::Identical | Change::NotComparable => String::new(),
        _ => told(row),
    };
    let word = verdict(row);
    let lines = if told.is_empty() { vec![(word, color)] } else { vec![(told, theme::INK), (word, color)] };
    let below = if lines.len() == 2 { 6.0 } else { 0.0 };
    for (at, (line, color)) in lines.into_iter().enumerate() {
        let size = fitting_size(&line, theme::SMALL_SIZE, room, false);
        canvas.text(Text::new(line, (left, y - below + 12.0 * at as f64), Anchor::Start, color).size(size));
    }
}

/// The difference with its interval and its unit: `−916 replica-s [−936, −898]`.
fn told(row: &Difference) -> String {
    let quantity = Quantity::of(row.metric);
    let text = difference(&row.difference, quantity).replace('-', "\u{2212}");
    if quantity != Quantity::Plain {
        return text;
    }
    let unit = row.metric.description().unit;
    match text.split_once(" [") {
        Some((value, interval)) => format!("{value} {unit} [{interval}"),
        None => format!("{text} {unit}"),
    }
}

/// Arrows over the caps of an interval that goes on beyond the axis.
fn beyond(canvas: &mut Canvas, panel: &Panel, (low, high): (f64, f64), y: f64) {
    let arrow = |canvas: &mut Canvas, tip: f64, base: f64| {
        let half = 4.5;
        canvas.area(vec![(tip, y), (base, y - half), (base, y + half)], theme::INK);
    };
    if low < panel.x.low {
        arrow(canvas, panel.left - 6.0, panel.left + 1.0);
    }
    if high > panel.x.high {
        arrow(canvas, panel.right + 6.0, panel.right - 1.0);
    }
}

/// A filled square where something was found, an open one where nothing was.
fn mark(canvas: &mut Canvas, (x, y): (f64, f64), change: Change, color: Color) {
    let corners = |half: f64| ((x - half, y - half), (x + half, y + half));
    let (one, other) = corners(MARK);
    canvas.rectangle(one, other, color);
    if matches!(change, Change::NotShown | Change::NotEnoughRuns | Change::Identical) {
        let (one, other) = corners(MARK - 1.4);
        canvas.rectangle(one, other, theme::PAPER);
    }
}
