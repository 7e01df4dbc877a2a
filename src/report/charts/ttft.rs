//! `ttft.png`: traffic by version and, under it, time to first token, over the whole window.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::Canvas;
use super::labels::{self, EndLabel};
use super::latency::Latency;
use super::numbers;
use super::over_time::{TimeView, finite, last_finite};
use super::theme;
use crate::ledger::{Metric, Series};
use crate::study::StudyResult;

/// The sheet; `None` where no request got a first token.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let view = TimeView::whole(result)?;
    let latency = Latency::of(&view).by_version(&view);
    if latency.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, "Do users wait for their first token, and when?", result) + 32.0;
    let ticks = view.axis().minute_ticks(10);
    let upper = draw_traffic(&mut canvas, &view, top, top + 92.0);
    upper.lower_axis(&mut canvas, &ticks, None);
    labels::in_a_row(&mut canvas, top - 18.0, view.callouts(&upper));
    let lower = latency.draw(&mut canvas, &view, upper.bottom + 24.0, 468.0);
    lower.lower_axis(&mut canvas, &ticks, Some("minutes since time zero, the end of the warm-up"));
    view.mark_moments(&mut canvas, &lower, top - 6.0, lower.bottom);
    Some(Sheet { file_name: "ttft.png".to_owned(), canvas, alt_text: alt_text(&view) })
}

fn alt_text(view: &TimeView<'_>) -> String {
    let p99 = view.pooled_ttft(0.99);
    let mut sorted: Vec<f64> = finite(&p99).collect();
    sorted.sort_by(f64::total_cmp);
    let (usual, worst) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let at = p99.iter().position(|value| *value == worst).map_or(0.0, |group| view.edges[group]);
    let own = &view.result.metric(Metric::TtftP99).mean;
    format!(
        "P99 of time to first token of all requests is {} s at its worst, in the bin from minute {}, and usually {} s; a run's own is {} s \
         on average over {}.",
        numbers::readable(worst),
        numbers::short(at),
        numbers::readable(usual),
        numbers::estimate(own),
        labels::runs(view.result),
    )
}

/// First arrivals per second by the version that they are sent to, with the spread of their sum over runs.
fn draw_traffic(canvas: &mut Canvas, view: &TimeView<'_>, top: f64, bottom: f64) -> Panel {
    let mean = view.mean(Series::RequestsPerSecond);
    let many = view.result.records.len() > 1;
    let none = || vec![f64::NAN; view.len()];
    let low = if many { view.low(Series::RequestsPerSecond) } else { none() };
    let high = if many { view.high(Series::RequestsPerSecond) } else { none() };
    let greatest = finite(&mean).chain(finite(&high)).fold(0.0, f64::max);
    let (left, right) = (theme::PANEL_LEFT, theme::PANEL_RIGHT);
    let panel = Panel { left, top, right, bottom, x: view.axis(), y: Axis::linear(0.0, greatest * 1.1) };
    let ticks = panel.y.ticks(4);
    panel.grid(canvas, &ticks);
    let shares = view.mean(Series::NewVersionShare);
    // Where nobody reached a version, nobody reached the new one.
    let new: Vec<f64> =
        mean.iter().zip(&shares).map(|(all, new)| if new.is_finite() { all * new } else { 0.0 }).collect();
    let by_version = finite(&new).fold(0.0, f64::max) > 0.0;
    if by_version {
        view.band(canvas, &panel, &new, &mean, theme::STABLE);
        view.band(canvas, &panel, &vec![0.0; view.len()], &new, theme::NEW);
        view.curve(canvas, &panel, &low, theme::SPREAD_STROKE);
        view.curve(canvas, &panel, &high, theme::SPREAD_STROKE);
    } else {
        view.band(canvas, &panel, &low, &high, theme::STABLE_TINT);
    }
    view.curve(canvas, &panel, &mean, theme::Stroke::solid(theme::STABLE_INK, 1.4));
    panel.left_axis(canvas, &ticks, "requests / s");
    labels::at_line_ends(canvas, &panel, traffic_labels(&panel, &mean, by_version.then_some(&new), many));
    panel
}

/// What the lines and areas of the traffic are.
fn traffic_labels(panel: &Panel, mean: &[f64], new: Option<&Vec<f64>>, many: bool) -> Vec<EndLabel> {
    let Some(last) = last_finite(mean) else { return Vec::new() };
    let (count, sum) = finite(mean).fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
    let spread = match (many, new.is_some()) {
        (false, _) => "no band: 1 run",
        (true, true) => "dotted: 90 % of runs",
        (true, false) => "band: 90 % of runs",
    };
    let lines = vec![format!("mean {} requests / s", numbers::readable(sum / f64::from(count))), spread.to_owned()];
    let mut labels = vec![EndLabel { lines, y: panel.up(last), color: theme::STABLE_INK }];
    if let Some(at) = new.and_then(|new| new.iter().copied().max_by(f64::total_cmp)) {
        let lines = vec!["below: to the".to_owned(), "new version".to_owned()];
        labels.push(EndLabel { lines, y: panel.up(at / 2.0).max(panel.up(last) + 30.0), color: theme::NEW });
    }
    labels
}
