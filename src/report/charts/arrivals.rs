//! `arrivals.png`: the rate over time as recorded, and the range in which the fitted process would keep it.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Canvas, Point};
use super::labels::{self, EndLabel};
use super::numbers;
use super::theme;
use crate::fit::{Process, Rates, TraceFit};
use crate::report::fit::Fitted;
use crate::report::format::{Quantity, value};

/// Seconds from which on the axis of time is in hours.
const IN_HOURS: f64 = 10.0 * 3_600.0;
/// Units of the rate as (seconds in it, name).
const UNITS: [(f64, &str); 3] = [(1.0, "s"), (60.0, "min"), (3_600.0, "h")];
/// Rates below this are written with too many zeros.
const TOO_LOW: f64 = 0.05;

/// The rates in a unit in which they are readable.
struct Shown<'f> {
    fit: &'f TraceFit,
    rates: &'f Rates,
    /// Seconds in the unit of the rate.
    unit_s: f64,
    /// Its name.
    unit: &'static str,
    /// The greatest rate, in that unit.
    greatest: f64,
}

impl Shown<'_> {
    fn of(fit: &TraceFit) -> Shown<'_> {
        let rates = &fit.arrivals.rates;
        let drawn_high = rates.drawn.map_or(0.0, |(_, high)| high);
        let greatest = rates.recorded.iter().copied().fold(drawn_high, f64::max);
        let readable = UNITS.into_iter().find(|(seconds, _)| greatest * seconds >= TOO_LOW);
        let (unit_s, unit) = readable.unwrap_or(UNITS[2]);
        Shown { fit, rates, unit_s, unit, greatest: greatest * unit_s }
    }

    fn mean(&self) -> f64 {
        self.fit.traffic.rate * self.unit_s
    }

    fn drawn(&self) -> Option<(f64, f64)> {
        self.rates.drawn.map(|(low, high)| (low * self.unit_s, high * self.unit_s))
    }

    /// The recorded rate, level over each bin; `seconds` are in the unit of time.
    fn steps(&self, panel: &Panel, seconds: f64) -> Vec<Point> {
        let edge = |bin: usize| bin as f64 * self.rates.bin_s / seconds;
        let level = |(bin, rate): (usize, &f64)| {
            let rate = *rate * self.unit_s;
            [panel.at(edge(bin), rate), panel.at(edge(bin + 1), rate)]
        };
        self.rates.recorded.iter().enumerate().flat_map(level).collect()
    }

    fn end_labels(&self, panel: &Panel) -> Vec<EndLabel> {
        let bins = format!("in bins of {}", value(self.rates.bin_s, Quantity::Seconds));
        let mean = format!("mean {} / {}", numbers::readable(self.mean()), self.unit);
        let last = self.rates.recorded.last().copied().unwrap_or_default() * self.unit_s;
        let mut labels = vec![
            EndLabel { lines: vec!["recorded".to_owned(), bins], y: panel.up(last), color: theme::NEW },
            EndLabel { lines: vec![mean], y: panel.up(self.mean()), color: theme::STABLE_INK },
        ];
        if let Some((_, high)) = self.drawn() {
            let lines = vec![format!("band: {}", process(self.fit)), "90 % of its bins".to_owned()];
            labels.push(EndLabel { lines, y: panel.up(high), color: theme::STABLE_INK });
        }
        labels
    }

    fn alt_text(&self) -> String {
        let least = self.rates.recorded.iter().copied().fold(f64::INFINITY, f64::min) * self.unit_s;
        let greatest = self.rates.recorded.iter().copied().fold(0.0, f64::max) * self.unit_s;
        let readable = numbers::readable;
        let band = self.drawn().map_or_else(String::new, |(low, high)| {
            format!("; drawn as {}, 90 % of bins have from {} to {}", process(self.fit), readable(low), readable(high))
        });
        let (least, greatest) = (readable(least), readable(greatest));
        format!("The recorded rate goes from {least} to {greatest} requests / {}{band}.", self.unit)
    }
}

/// The sheet; `None` where the recording has fewer than two whole bins.
pub fn sheet(fitted: &Fitted<'_>) -> Option<Sheet> {
    let shown = Shown::of(fitted.fit);
    let bins = shown.rates.recorded.len();
    if bins < 2 {
        return None;
    }
    let mut canvas = Canvas::new();
    let requests = format!("{} requests", numbers::fixed(fitted.fit.traffic.requests as f64, 0));
    let question = "Is the traffic as steady as what would be drawn?";
    let top = labels::heading_of(&mut canvas, question, fitted.name, &requests) + 12.0;
    let end_s = shown.rates.bin_s * bins as f64;
    let (seconds, times) = if end_s >= IN_HOURS { (3_600.0, "hours") } else { (60.0, "minutes") };
    let panel = Panel {
        left: theme::PANEL_LEFT,
        top,
        right: theme::PANEL_RIGHT,
        bottom: 462.0,
        x: Axis::linear(0.0, end_s / seconds),
        y: Axis::linear(0.0, shown.greatest * 1.06),
    };
    let ticks = panel.y.ticks(8);
    panel.grid(&mut canvas, &ticks);
    if let Some((low, high)) = shown.drawn() {
        canvas.rectangle((panel.left, panel.up(high)), (panel.right, panel.up(low)), theme::STABLE_TINT);
    }
    panel.level(&mut canvas, shown.mean(), theme::SECOND_STROKE);
    canvas.line(shown.steps(&panel, seconds), theme::DATA_STROKE);
    panel.left_axis(&mut canvas, &ticks, &format!("requests / {}", shown.unit));
    let at = if seconds == 60.0 { panel.x.minute_ticks(10) } else { panel.x.ticks(10) };
    panel.lower_axis(&mut canvas, &at, Some(&format!("{times} since the first request")));
    labels::at_line_ends(&mut canvas, &panel, shown.end_labels(&panel));
    Some(Sheet { file_name: "arrivals.png".to_owned(), canvas, alt_text: shown.alt_text() })
}

/// What is drawn.
fn process(fit: &TraceFit) -> String {
    match fit.arrivals.process {
        Process::Poisson { .. } => "poisson".to_owned(),
        Process::Gamma { cv, .. } => format!("gamma, CV {}", numbers::readable(cv)),
    }
}
