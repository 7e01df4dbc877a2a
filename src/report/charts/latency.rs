//! The panel that charts over time share: TTFT of all runs' requests, its spread over runs, and the objective.

use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Text};
use super::labels::{self, EndLabel};
use super::numbers;
use super::over_time::{TimeView, finite, last_finite};
use super::theme;
use crate::ledger::{Metric, Series};
use crate::scenario::{Slo, Strategy};

/// What the panel shows.
#[derive(Debug)]
pub struct Latency {
    p50: Vec<f64>,
    p99: Vec<f64>,
    /// P99 of the requests that reached the new version, where that is told apart.
    new_p99: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Latency {
    /// Reads it from a view.
    pub fn of(view: &TimeView<'_>) -> Latency {
        // One run has no spread over runs.
        let spread = view.result.records.len() > 1;
        let none = || vec![f64::NAN; view.len()];
        Latency {
            p50: view.pooled_ttft(0.5),
            p99: view.pooled_ttft(0.99),
            new_p99: none(),
            low: if spread { view.low(Series::TtftP99) } else { none() },
            high: if spread { view.high(Series::TtftP99) } else { none() },
        }
    }

    /// With the new version by itself, where it serves beside the stable one under a traffic router.
    pub fn by_version(self, view: &TimeView<'_>) -> Latency {
        match view.result.scenario.rollout.strategy {
            Strategy::Canary(_) | Strategy::Flagger(_) => Latency { new_p99: view.pooled_ttft_of_new(0.99), ..self },
            _ => self,
        }
    }

    /// Whether any request got a first token.
    pub fn is_empty(&self) -> bool {
        finite(&self.p99).next().is_none()
    }

    /// The y axis: seconds, equal factors equally long.
    fn axis(&self, slo: Option<&Slo>) -> Axis {
        let bound = slo.map(|slo| slo.ttft.seconds());
        let values = || {
            [&self.p50, &self.p99, &self.new_p99, &self.low, &self.high]
                .into_iter()
                .flat_map(|values| finite(values))
                .chain(bound)
                .filter(|value| *value > 0.0)
        };
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        if high > 0.0 { Axis::logarithmic(low / 1.15, high * 1.15) } else { Axis::logarithmic(0.1, 10.0) }
    }

    /// Draws the panel, from `top` to `bottom`, with labels at the ends of its lines. Returns the panel.
    pub fn draw(&self, canvas: &mut Canvas, view: &TimeView<'_>, top: f64, bottom: f64) -> Panel {
        let slo = view.result.scenario.slo.as_ref();
        let (left, right) = (theme::PANEL_LEFT, theme::PANEL_RIGHT);
        let panel = Panel { left, top, right, bottom, x: view.axis(), y: self.axis(slo) };
        let ticks = panel.y.ticks(((bottom - top) / 20.0) as usize);
        panel.grid(canvas, &ticks);
        view.band(canvas, &panel, &self.low, &self.high, theme::NEW_TINT);
        view.curve(canvas, &panel, &self.p50, theme::SECOND_STROKE);
        view.curve(canvas, &panel, &self.p99, theme::DATA_STROKE);
        view.curve(canvas, &panel, &self.new_p99, theme::NEW_VERSION_STROKE);
        if let Some(slo) = slo {
            panel.level(canvas, slo.ttft.seconds(), theme::BOUND_STROKE);
        }
        panel.left_axis(canvas, &ticks, "TTFT, s (log)");
        if self.is_empty() {
            let middle = (view.clear_middle(&panel), bottom - 0.2 * (bottom - top));
            canvas.text(Text::new("no request got a first token", middle, Anchor::Middle, theme::MUTED));
        }
        labels::at_line_ends(canvas, &panel, self.labels(view, &panel, slo));
        panel
    }

    fn labels(&self, view: &TimeView<'_>, panel: &Panel, slo: Option<&Slo>) -> Vec<EndLabel> {
        let mut labels = Vec::new();
        if let Some(slo) = slo {
            let bound = slo.ttft.seconds();
            let quantile = numbers::short(slo.quantile * 100.0);
            let mut lines = vec![format!("SLO: P{quantile} \u{2264} {} s", numbers::short(bound))];
            let missed = view.result.metric(Metric::SloViolation).mean;
            if missed.value.is_finite() {
                let decimals = numbers::estimate_decimals(&missed);
                let seconds = numbers::fixed(missed.value, decimals);
                // A run's own lines may pass the bound where its bins for the objective, which are longer, do not.
                lines.extend(match view.result.records.len() {
                    1 => [format!("missed for {seconds} s"), format!("by bins of {}", slo.bin)],
                    _ => [format!("missed {seconds} s a run"), numbers::interval_95(missed.interval, decimals)],
                });
            }
            labels.push(EndLabel { lines, y: panel.up(bound), color: theme::ALERT });
        }
        if let Some(p99) = last_finite(&self.p99) {
            let spread = finite(&self.high).next().is_some();
            // A run's own P99 over a bin's few requests lies below the P99 of all runs' requests together.
            let remark: &[&str] =
                if spread { &["band: P99 within a", "run, 90 % of runs"] } else { &["no band: 1 run"] };
            let lines = ["P99 of all requests"].iter().chain(remark).map(|line| (*line).to_owned()).collect();
            labels.push(EndLabel { lines, y: panel.up(p99), color: theme::NEW });
        }
        if let Some(new) = last_finite(&self.new_p99) {
            let lines = ["dotted: P99 of those", "sent to the new version"].map(str::to_owned).to_vec();
            labels.push(EndLabel { lines, y: panel.up(new), color: theme::COSTLY_INK });
        }
        if let Some(p50) = last_finite(&self.p50) {
            let lines = vec!["P50 of all requests".to_owned()];
            labels.push(EndLabel { lines, y: panel.up(p50), color: theme::STABLE_INK });
        }
        labels
    }
}
