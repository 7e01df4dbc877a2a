//! `ttft.png`: time to first token and the traffic that it is to be read against, over the whole window.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::Canvas;
use super::labels::{self, Callout, EndLabel};
use super::latency::Latency;
use super::numbers;
use super::over_time::{TimeView, finite, last_finite};
use super::theme;
use crate::ledger::{Metric, Series};
use crate::study::StudyResult;

/// The sheet; `None` where no request got a first token.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let view = TimeView::whole(result)?;
    let latency = Latency::of(&view);
    if latency.is_empty() {
        return None;
    }
    let mut canvas = Canvas::new();
    let top = labels::heading(&mut canvas, "Do users wait for their first token, and when?", result) + 32.0;
    let ticks = view.axis().minute_ticks(10);
    mark_rollout(&mut canvas, &view, top);
    let upper = latency.draw(&mut canvas, &view, top, 362.0);
    upper.lower_axis(&mut canvas, &ticks, None);
    let lower = draw_traffic(&mut canvas, &view, 386.0, 468.0);
    lower.lower_axis(&mut canvas, &ticks, Some("minutes since time zero, the end of the warm-up"));
    view.mark_start(&mut canvas, &lower, top - 6.0, lower.bottom);
    Some(Sheet { file_name: "ttft.png".to_owned(), canvas, alt_text: alt_text(result) })
}

fn alt_text(result: &StudyResult) -> String {
    let p99 = &result.metric(Metric::TtftP99).mean;
    format!(
        "Median and P99 of time to first token over time with the spread over {}, above the traffic. P99 of a run, \
         seconds, on average: {}.",
        labels::runs(result),
        numbers::estimate(p99),
    )
}

/// Names the start of the rollout and says how long it takes.
fn mark_rollout(canvas: &mut Canvas, view: &TimeView<'_>, top: f64) {
    let Some(minutes) = view.rollout_start() else { return };
    let axis = view.axis();
    let x = theme::PANEL_LEFT + (theme::PANEL_RIGHT - theme::PANEL_LEFT) * axis.position(minutes);
    let duration = &view.result.metric(Metric::RolloutDuration).mean;
    let content = if duration.value.is_finite() {
        let minutes = duration.interval.map(|(low, high)| (low / 60.0, high / 60.0));
        let value = duration.value / 60.0;
        let decimals = numbers::decimals(value);
        let interval = numbers::interval(minutes, decimals);
        format!("rollout starts; it takes {} min {interval} on average", numbers::fixed(value, decimals))
    } else {
        "rollout starts".to_owned()
    };
    labels::in_a_row(canvas, top - 18.0, vec![Callout { content, target: (x, top - 6.0), color: theme::MUTED }]);
}

/// First arrivals per second, with their spread over runs.
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
    view.band(canvas, &panel, &low, &high, theme::STABLE_TINT);
    view.curve(canvas, &panel, &mean, theme::Stroke::solid(theme::STABLE_INK, 1.4));
    panel.left_axis(canvas, &ticks, "requests / s");
    if let Some(last) = last_finite(&mean) {
        let remark = if many { "band: 90 % of runs" } else { "no band: 1 run" };
        let (count, sum) = finite(&mean).fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
        let average = numbers::readable(sum / f64::from(count));
        let lines = vec![format!("mean {average} requests / s"), remark.to_owned()];
        let label = EndLabel { lines, y: panel.up(last), color: theme::STABLE_INK };
        labels::at_line_ends(canvas, &panel, vec![label]);
    }
    panel
}
