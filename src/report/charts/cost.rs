//! `cost.png`: where the price of a million useful output tokens comes from, beside the paper formula.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels;
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::digits::NONE;
use crate::ledger::{Metric, WATERFALL};
use crate::report::format::{self, Quantity};
use crate::study::{Estimate, StudyResult};

/// Share of its column that a bar fills.
const BAR_SHARE: f64 = 0.62;
/// Bars lower than this are drawn so high, points, so that they can be seen.
const LEAST_HEIGHT: f64 = 1.5;

/// One column.
struct Column {
    name: String,
    remark: String,
    color: Color,
    estimate: Estimate,
    /// Where the bar begins.
    base: f64,
    kind: Kind,
}

/// What a column is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A part of the price, on top of those before it.
    Part,
    /// The price.
    Total,
    /// What a formula says that the price is.
    Formula,
}

impl Column {
    /// Where the bar ends.
    fn end(&self) -> f64 {
        self.base + self.estimate.value
    }

    /// The ends of the estimate's interval on the axis.
    fn interval(&self) -> Option<(f64, f64)> {
        self.estimate.interval.map(|(low, high)| (self.base + low, self.base + high))
    }

    /// The estimate in dollars, where the total has so many decimals; a part that is `added` to others with its sign.
    fn words(&self, total_decimals: usize, added: bool) -> String {
        let text = match self.kind {
            Kind::Part => part_in_dollars(&self.estimate, total_decimals),
            _ if !self.estimate.value.is_finite() => NONE.to_owned(),
            _ => dollars(self.estimate.value, own_decimals(self.estimate.value, total_decimals)),
        };
        let adds = self.kind == Kind::Part && added && self.estimate.value > 0.0 && text.starts_with('$');
        if adds { format!("+{text}") } else { text }
    }

    /// The ends of the bar and of its whisker.
    fn extremes(&self) -> impl Iterator<Item = f64> {
        let (low, high) = self.interval().unwrap_or((self.base, self.base));
        [self.base, self.end(), low, high].into_iter().filter(|value| value.is_finite())
    }
}

/// The sheet; `None` where no run has a price, for want of useful tokens.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let total = result.metric(Metric::UsdPerMillionOutput).mean;
    if !total.value.is_finite() {
        return None;
    }
    let columns = columns(result, total);
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, "Where does the price of a token come from?", result) + 34.0;
    let panel = panel(&columns, top);
    let ticks = panel.y.ticks(8);
    panel.grid(&mut canvas, &ticks);
    draw_connectors(&mut canvas, &panel, &columns);
    let decimals = numbers::decimals(total.value);
    for (i, column) in columns.iter().enumerate() {
        draw_bar(&mut canvas, &panel, i, column);
        write_value(&mut canvas, &panel, i, column, decimals);
        write_name(&mut canvas, &panel, i, column);
    }
    panel.left_axis(&mut canvas, &ticks, "USD per million useful output tokens");
    let zero = panel.up(0.0);
    canvas.line(vec![(panel.left, zero), (panel.right, zero)], theme::AXIS_STROKE);
    let remark = match result.records.len() {
        1 => "One run gives no intervals.",
        _ => "Whiskers and brackets: 95 % intervals of means over runs.",
    };
    let at = (panel.left, 496.0);
    canvas.text(Text::new(remark, at, Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
    Some(Sheet { file_name: "cost.png".to_owned(), canvas, alt_text: alt_text(&columns) })
}

/// The colour of a part, and a remark under its name.
fn look(part: Metric) -> (Color, &'static str) {
    match part {
        Metric::WaterfallIdeal => (theme::STABLE, "saturated"),
        Metric::WaterfallIdle => (theme::NEW, "ready, unused"),
        Metric::WaterfallWasted => (theme::ALERT, "answers not finished"),
        Metric::WaterfallSurge => (theme::COSTLY, "beyond the fleet"),
        Metric::WaterfallCold => (theme::COSTLY, "before readiness"),
        _ => (theme::COSTLY, "after termination"),
    }
}

fn columns(result: &StudyResult, total: Estimate) -> Vec<Column> {
    let mut columns = Vec::new();
    let mut base = 0.0;
    for (metric, name) in WATERFALL {
        let (color, remark) = look(metric);
        let estimate = result.metric(metric).mean;
        let (name, remark) = (name.to_owned(), remark.to_owned());
        columns.push(Column { name, remark, color, estimate, base, kind: Kind::Part });
        base += if estimate.value.is_finite() { estimate.value } else { 0.0 };
    }
    columns.push(Column {
        name: "simulated".to_owned(),
        remark: "total".to_owned(),
        color: theme::INK,
        estimate: total,
        base: 0.0,
        kind: Kind::Total,
    });
    let utilization = result.metric(Metric::Utilization).mean.value;
    columns.push(Column {
        name: "paper formula".to_owned(),
        remark: format!("at {} % utilization", numbers::fixed(utilization * 100.0, 0)),
        color: theme::ALERT,
        estimate: result.metric(Metric::Formula).mean,
        base: 0.0,
        kind: Kind::Formula,
    });
    columns
}

fn alt_text(columns: &[Column]) -> String {
    let told = |column: &Column| format!("{} {}", column.name, format::estimate(&column.estimate, Quantity::Usd));
    let of = |kind: Kind| columns.iter().filter(move |column| column.kind == kind);
    let parts: Vec<String> = of(Kind::Part).map(told).collect();
    let [total, formula] = [Kind::Total, Kind::Formula].map(|kind| of(kind).map(told).collect::<String>());
    format!(
        "A million useful output tokens costs, in USD with 95 % intervals, {total}: {}; {formula}.",
        parts.join(", ")
    )
}

/// A panel whose x axis counts columns, high enough for two lines of text above every bar.
fn panel(columns: &[Column], top: f64) -> Panel {
    let bars = || columns.iter().map(Column::end).filter(|end| end.is_finite());
    let whiskers = || columns.iter().flat_map(Column::extremes);
    let (lowest, highest) = (bars().fold(0.0, f64::min), bars().fold(0.0, f64::max));
    let span = if highest > lowest { highest - lowest } else { 1.0 };
    // The whiskers of a few runs can be many times as long as the bars, and are cut off then.
    let low = whiskers().fold(0.0, f64::min).max(lowest - 0.5 * span);
    let high = whiskers().fold(0.0, f64::max).min(highest + 0.5 * span);
    Panel {
        left: theme::PANEL_LEFT,
        top,
        right: theme::WIDTH - theme::MARGIN,
        bottom: 446.0,
        x: Axis::linear(0.0, columns.len() as f64),
        y: Axis::linear(if low < 0.0 { low - 0.05 * span } else { 0.0 }, high + 0.02 * span),
    }
}

/// Left and right end of a column's bar, points.
fn sides(panel: &Panel, column: usize) -> (f64, f64) {
    let middle = panel.across(column as f64 + 0.5);
    let half = (panel.across(1.0) - panel.across(0.0)) * BAR_SHARE / 2.0;
    (middle - half, middle + half)
}

/// Lines that carry the level from one part to the next, and to the total.
fn draw_connectors(canvas: &mut Canvas, panel: &Panel, columns: &[Column]) {
    for (i, pair) in columns.windows(2).enumerate() {
        if pair[0].kind == Kind::Part && pair[0].estimate.value.is_finite() {
            let y = panel.up(pair[0].end());
            canvas.line(vec![(sides(panel, i).1, y), (sides(panel, i + 1).0, y)], theme::LEADER_STROKE);
        }
    }
}

fn draw_bar(canvas: &mut Canvas, panel: &Panel, i: usize, column: &Column) {
    if !column.estimate.value.is_finite() {
        return;
    }
    let (left, right) = sides(panel, i);
    let (mut upper, lower) = (panel.up(column.base.max(column.end())), panel.up(column.base.min(column.end())));
    if column.estimate.value != 0.0 {
        upper = upper.min(lower - LEAST_HEIGHT);
    }
    if column.kind == Kind::Formula {
        let corners = vec![(left, lower), (left, upper), (right, upper), (right, lower)];
        canvas.line(corners, Stroke::dashed(column.color, 1.5));
    } else {
        canvas.rectangle((left, upper), (right, lower), column.color);
    }
    if column.kind == Kind::Part && column.estimate.value == 0.0 {
        // The level goes on where there is no bar.
        canvas.line(vec![(left, lower), (right, lower)], theme::LEADER_STROKE);
        return;
    }
    if let Some((low, high)) = column.interval() {
        let x = (left + right) / 2.0;
        canvas.whisker((x, panel.up(low)), (x, panel.up(high)));
    }
}

/// The estimate and, under it, its interval, above the bar.
fn write_value(canvas: &mut Canvas, panel: &Panel, i: usize, column: &Column, decimals: usize) {
    let text = column.words(decimals, i > 0);
    let decimals = own_decimals(column.estimate.value, decimals);
    let interval = numbers::interval(column.estimate.interval, decimals);
    let (left, right) = sides(panel, i);
    let (x, room) = ((left + right) / 2.0, (right - left) / BAR_SHARE - 4.0);
    let highest = column.extremes().fold(column.base, f64::max);
    let y = panel.up(highest) - 2.0;
    let color = if column.kind == Kind::Formula { theme::ALERT } else { theme::INK };
    let bold = column.kind == Kind::Total;
    let size = labels::fitting_size(&interval, theme::SMALL_SIZE, room, false);
    canvas.text(Text::new(interval, (x, y - 8.0), Anchor::Middle, theme::MUTED).size(size));
    let size = labels::fitting_size(&text, theme::LABEL_SIZE + 1.0, room, bold);
    let value = Text::new(text, (x, y - 21.0), Anchor::Middle, color).size(size);
    canvas.text(if bold { value.bold() } else { value });
}

/// A part of a price as the charts tell it, with its interval where it has one: `$0.0195 [0.0194, 0.0197]`.
pub fn part_of_price(part: &Estimate, total: f64) -> String {
    let decimals = numbers::decimals(total);
    let interval =
        part.interval.map(|ends| format!(" {}", numbers::interval(Some(ends), own_decimals(part.value, decimals))));
    format!("{}{}", part_in_dollars(part, decimals), interval.unwrap_or_default())
}

/// A part in dollars, of a total with so many decimals. What its interval cannot tell from nothing, and is too little to be
/// seen in the total, is about nothing.
fn part_in_dollars(part: &Estimate, total_decimals: usize) -> String {
    let unclear = part.interval.is_some_and(|(low, high)| low < 0.0 && high > 0.0);
    let unseen = part.value != 0.0 && part.value.abs() < 0.5 * 10f64.powi(-(total_decimals as i32));
    match part.value {
        value if !value.is_finite() => NONE.to_owned(),
        _ if unclear && unseen => "\u{2248}\u{2009}$0".to_owned(),
        value => dollars(value, own_decimals(value, total_decimals)),
    }
}

/// Decimals for three digits, but no fewer than the total has and at most three more.
fn own_decimals(value: f64, decimals: usize) -> usize {
    numbers::decimals(value).clamp(decimals, decimals + 3)
}

/// `$0.616`, `−$0.004`: the sign first, as in text.
fn dollars(value: f64, decimals: usize) -> String {
    let text = numbers::fixed(value, decimals);
    match text.strip_prefix('\u{2212}') {
        Some(positive) => format!("\u{2212}${positive}"),
        None => format!("${text}"),
    }
}

fn write_name(canvas: &mut Canvas, panel: &Panel, i: usize, column: &Column) {
    let x = panel.across(i as f64 + 0.5);
    let room = panel.across(1.0) - panel.across(0.0) - 4.0;
    let lines = [(&column.name, theme::LABEL_SIZE, theme::INK), (&column.remark, theme::SMALL_SIZE, theme::MUTED)];
    for (line, (text, size, color)) in lines.into_iter().enumerate() {
        let size = labels::fitting_size(text, size, room, false);
        let at = (x, panel.bottom + 13.0 + 13.0 * line as f64);
        canvas.text(Text::new(text.clone(), at, Anchor::Middle, color).size(size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::samples::{Shape, study};

    #[test]
    fn each_part_begins_where_the_one_before_it_ends_also_where_one_is_negative() {
        let result = study(Shape::RolledBack, 20);
        let columns = columns(&result, result.metric(Metric::UsdPerMillionOutput).mean);
        let parts: Vec<&Column> = columns.iter().filter(|column| column.kind == Kind::Part).collect();
        assert_eq!(parts.len(), WATERFALL.len());
        assert!(parts[2].end() < parts[2].base, "the sample's surge is negative");
        for pair in parts.windows(2) {
            assert_eq!(pair[0].end(), pair[1].base);
        }
        let sum: f64 = WATERFALL.iter().map(|(part, _)| result.metric(*part).mean.value).sum();
        assert!((parts[5].end() - sum).abs() < 1e-12);
    }

    #[test]
    fn the_axis_holds_every_bar_and_is_not_flattened_by_wide_intervals() {
        let result = study(Shape::Rolling, 20);
        let mut columns = columns(&result, result.metric(Metric::UsdPerMillionOutput).mean);
        columns[1].estimate.interval = Some((-50.0, 50.0));
        let panel = panel(&columns, 100.0);
        let bars = columns.iter().map(Column::end).fold(0.0, f64::max);
        assert!(panel.y.high >= bars && panel.y.high < 2.0 * bars, "{:?}", panel.y);
    }

    #[test]
    fn small_parts_get_the_decimals_that_they_need() {
        assert_eq!([2.25, 0.0208, 0.000041, 0.0].map(|value| own_decimals(value, 2)), [2, 4, 5, 2]);
        assert_eq!((dollars(-0.0041, 3).as_str(), dollars(1234.5, 0).as_str()), ("\u{2212}$0.004", "$1,234"));
    }

    #[test]
    fn a_part_that_cannot_be_told_from_nothing_is_about_nothing() {
        let part = |value: f64, interval: Option<(f64, f64)>| {
            let estimate = Estimate { value, interval };
            let column = Column {
                name: "wasted".into(),
                remark: String::new(),
                color: theme::ALERT,
                estimate,
                base: 0.9,
                kind: Kind::Part,
            };
            column.words(3, true)
        };
        assert_eq!(part(0.000_005, Some((-0.000_028, 0.000_038))), "\u{2248}\u{2009}$0");
        assert_eq!(part(0.000_110, Some((0.000_093, 0.000_126))), "+$0.000110");
        assert_eq!((part(-0.004, None).as_str(), part(0.0, Some((0.0, 0.0))).as_str()), ("\u{2212}$0.00400", "$0"));
    }
}
