//! Axes and panels: from values to points, round tick values, and the drawing of frames, grids and titles.

use super::canvas::{Anchor, Canvas, Point, Text, text_width};
use super::numbers;
use super::theme;
use crate::digits;

/// Steps between ticks of an axis in minutes: what divides hours and days.
const MINUTE_STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 240.0, 360.0, 720.0, 1440.0];
/// Ticks of an axis of shares, per cent.
pub const SHARE_TICKS: [f64; 6] = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0];
/// Space between tick labels and the axis, points.
const TICK_GAP: f64 = 7.0;

/// A range of values and how it is spread over a length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Value at the left or lower end.
    pub low: f64,
    /// Value at the right or upper end, greater.
    pub high: f64,
    /// Whether equal factors are equally long; then `low` is positive.
    pub logarithmic: bool,
}

impl Axis {
    /// Equal differences are equally long. An empty range is widened to one.
    pub fn linear(low: f64, high: f64) -> Axis {
        Axis { low, high: if high > low { high } else { low + 1.0 }, logarithmic: false }
    }

    /// Equal factors are equally long; `low` is positive. A range under a factor of four is widened to it.
    pub fn logarithmic(low: f64, high: f64) -> Axis {
        let widen = (2.0 / (high / low).sqrt()).max(1.0);
        Axis { low: low / widen, high: high * widen, logarithmic: true }
    }

    /// Where a value lies: 0 at the low end, 1 at the high one; values outside lie at the ends.
    pub fn position(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// Round values on the axis, about so many at most.
    pub fn ticks(&self, at_most: usize) -> Vec<f64> {
        if self.logarithmic { self.logarithmic_ticks(at_most) } else { self.multiples(self.round_step(at_most)) }
    }

    /// Ticks of an axis in minutes.
    pub fn minute_ticks(&self, at_most: usize) -> Vec<f64> {
        let least = (self.high - self.low) / at_most as f64;
        let round = MINUTE_STEPS.iter().copied().find(|step| *step >= least);
        self.multiples(round.unwrap_or_else(|| self.round_step(at_most)))
    }

    /// Ticks that are whole numbers.
    pub fn whole_ticks(&self, at_most: usize) -> Vec<f64> {
        self.multiples(self.round_step(at_most).max(1.0).round())
    }

    /// The least of 1, 2, 5, 10, ... that makes at most so many steps.
    fn round_step(&self, at_most: usize) -> f64 {
        let least = (self.high - self.low) / at_most.max(1) as f64;
        let decade = 10f64.powf(least.log10().floor());
        [1.0, 2.0, 5.0, 10.0].iter().map(|factor| factor * decade).find(|step| *step >= least * 0.999).unwrap_or(least)
    }

    fn multiples(&self, step: f64) -> Vec<f64> {
        let slack = step * 1e-9;
        let first = ((self.low - slack) / step).ceil() as i64;
        let last = ((self.high + slack) / step).floor() as i64;
        (first..=last).map(|k| k as f64 * step).collect()
    }

    /// 1, 2, 5 of every decade where they fit, else powers of ten, else every n-th of those.
    fn logarithmic_ticks(&self, at_most: usize) -> Vec<f64> {
        let decades = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let within = |value: &f64| *value >= self.low * 0.999 && *value <= self.high * 1.001;
        let fine: Vec<f64> = (decades.0..=decades.1)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|factor| power_of_ten_times(factor, decade)))
            .filter(within)
            .collect();
        if fine.len() <= at_most {
            return fine;
        }
        let coarse: Vec<f64> =
            (decades.0..=decades.1).map(|decade| power_of_ten_times(1.0, decade)).filter(within).collect();
        let stride = coarse.len().div_ceil(at_most.max(1)).max(1);
        coarse.into_iter().step_by(stride).collect()
    }
}

/// `factor * 10^decade`, to the last digit what one would write.
fn power_of_ten_times(factor: f64, decade: i32) -> f64 {
    if decade < 0 { factor / 10f64.powi(-decade) } else { factor * 10f64.powi(decade) }
}

/// A rectangle of the sheet with an axis along its lower and its left edge.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Left edge, points.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Along the lower edge.
    pub x: Axis,
    /// Along the left edge.
    pub y: Axis,
}

impl Panel {
    /// Where a pair of values lies on the sheet.
    pub fn at(&self, x: f64, y: f64) -> Point {
        (self.across(x), self.up(y))
    }

    /// Where a value of the x axis lies.
    pub fn across(&self, x: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.position(x)
    }

    /// Where a value of the y axis lies.
    pub fn up(&self, y: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.position(y)
    }

    /// Grid lines at these values of the y axis, to be drawn before the data.
    pub fn grid(&self, canvas: &mut Canvas, ticks: &[f64]) {
        for tick in ticks {
            let y = self.up(*tick);
            canvas.line(vec![(self.left, y), (self.right, y)], theme::GRID_STROKE);
        }
    }

    /// Grid lines at these values of the x axis, to be drawn before the data.
    pub fn upright_grid(&self, canvas: &mut Canvas, ticks: &[f64]) {
        for tick in ticks {
            let x = self.across(*tick);
            canvas.line(vec![(x, self.top), (x, self.bottom)], theme::GRID_STROKE);
        }
    }

    /// The left edge with ticks, their labels and, at the left edge of the sheet, a title.
    pub fn left_axis(&self, canvas: &mut Canvas, ticks: &[f64], title: &str) {
        self.left_axis_at(canvas, ticks, title, theme::MARGIN + theme::LABEL_SIZE / 2.0);
    }

    /// As [`Panel::left_axis`], of a panel with another to its left: the title stands beside the labels.
    pub fn left_axis_beside(&self, canvas: &mut Canvas, ticks: &[f64], title: &str) {
        self.left_axis_at(
            canvas,
            ticks,
            title,
            self.left - theme::PANEL_LEFT + theme::MARGIN + theme::LABEL_SIZE / 2.0,
        );
    }

    fn left_axis_at(&self, canvas: &mut Canvas, ticks: &[f64], title: &str, x: f64) {
        canvas.line(vec![(self.left, self.top), (self.left, self.bottom)], theme::AXIS_STROKE);
        let labels = tick_labels(ticks, self.y.logarithmic);
        let widest = labels.iter().map(|label| text_width(label, theme::TICK_SIZE, false)).fold(0.0, f64::max);
        // Clear of the longest label.
        let x = x.min(self.left - TICK_GAP - widest - 4.0 - theme::LABEL_SIZE / 2.0).max(1.2 * theme::LABEL_SIZE);
        for (tick, label) in ticks.iter().zip(labels) {
            let y = self.up(*tick);
            canvas.line(vec![(self.left - 4.0, y), (self.left, y)], theme::AXIS_STROKE);
            let at = (self.left - TICK_GAP, y);
            canvas.text(Text::new(label, at, Anchor::End, theme::MUTED).size(theme::TICK_SIZE));
        }
        let at = (x, (self.top + self.bottom) / 2.0);
        canvas.text(Text::new(title, at, Anchor::Middle, theme::INK).upwards());
    }

    /// The lower edge with ticks; with a title also their labels.
    pub fn lower_axis(&self, canvas: &mut Canvas, ticks: &[f64], title: Option<&str>) {
        canvas.line(vec![(self.left, self.bottom), (self.right, self.bottom)], theme::AXIS_STROKE);
        for tick in ticks {
            let x = self.across(*tick);
            canvas.line(vec![(x, self.bottom), (x, self.bottom + 4.0)], theme::AXIS_STROKE);
        }
        let Some(title) = title else { return };
        for (tick, label) in ticks.iter().zip(tick_labels(ticks, self.x.logarithmic)) {
            let at = (self.across(*tick), self.bottom + 12.0);
            canvas.text(Text::new(label, at, Anchor::Middle, theme::MUTED).size(theme::TICK_SIZE));
        }
        let at = ((self.left + self.right) / 2.0, self.bottom + 28.0);
        canvas.text(Text::new(title, at, Anchor::Middle, theme::INK));
    }

    /// A bound across the whole panel, unless it is not a number.
    pub fn level(&self, canvas: &mut Canvas, y: f64, stroke: theme::Stroke) {
        if y.is_finite() {
            canvas.line(vec![self.at(self.x.low, y), self.at(self.x.high, y)], stroke);
        }
    }
}

/// Labels of ticks: on a linear axis all in the same unit, with the decimals that the finest needs.
fn tick_labels(ticks: &[f64], logarithmic: bool) -> Vec<String> {
    if logarithmic {
        return ticks.iter().map(|tick| numbers::short(*tick)).collect();
    }
    let greatest = ticks.iter().fold(0.0, |greatest: f64, tick| greatest.max(tick.abs()));
    let (unit, suffix) = digits::prefix(greatest);
    let step = ticks.windows(2).map(|pair| (pair[1] - pair[0]) / unit).fold(f64::INFINITY, f64::min);
    let decimals = if step < 1.0 { (-step.log10() - 1e-9).ceil().clamp(0.0, 9.0) as usize } else { 0 };
    let label =
        |tick: &f64| format!("{}{}", numbers::fixed(*tick / unit, decimals), if *tick == 0.0 { "" } else { suffix });
    ticks.iter().map(label).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_ticks_are_round_and_within_the_axis() {
        assert_eq!(Axis::linear(0.0, 10.6).ticks(6), vec![0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(Axis::linear(13.0, 47.0).minute_ticks(6), vec![20.0, 30.0, 40.0]);
        assert_eq!(Axis::linear(-0.5, 3.5).whole_ticks(10), vec![0.0, 1.0, 2.0, 3.0]);
        assert_eq!(tick_labels(&[0.0, 0.05, 0.1], false), ["0", "0.05", "0.10"]);
        assert_eq!(tick_labels(&[0.0, 5e3, 1e4], false), ["0", "5k", "10k"]);
    }

    #[test]
    fn logarithmic_ticks_thin_out_over_many_decades() {
        assert_eq!(Axis::logarithmic(0.2, 4.0).ticks(6), vec![0.2, 0.5, 1.0, 2.0]);
        assert_eq!(Axis::logarithmic(1e-4, 1e4).ticks(5), vec![1e-4, 1e-2, 1.0, 1e2, 1e4]);
    }

    #[test]
    fn positions_stay_on_the_axis_whatever_the_value() {
        for axis in [Axis::linear(1.0, 1.0), Axis::logarithmic(1.0, 1.0)] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300] {
                assert!((0.0..=1.0).contains(&axis.position(value)), "{axis:?} {value}");
            }
        }
    }
}
