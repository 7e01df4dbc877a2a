//! `residual.png`: how much longer the answers in flight run when their replica is told to stop, against the time that they
//! are given today.

use super::Sheet;
use super::axes::{Axis, Panel};
use super::canvas::{Canvas, Point};
use super::labels::{self, EndLabel, Upright};
use super::numbers;
use super::theme::{self, Stroke};
use crate::ledger::Histogram;
use crate::study::{SHARE_TO_FINISH, StudyResult, planning, wilson};

/// Answers below which a curve would be noise.
const FEWEST: u64 = 20;
/// Points of the curve.
const POINTS: usize = 160;
/// Shortest time shown, seconds: what the axis begins with however soon answers end.
const SHORTEST_S: f64 = 0.1;

/// The sheet; `None` where hardly any answer was in flight.
pub fn sheet(result: &StudyResult) -> Option<Sheet> {
    let needed = &result.pooled.needed_grace;
    if needed.count() < FEWEST {
        return None;
    }
    let planned = planning(result);
    let (today, proposed) = (planned.current_grace_s, planned.grace_s.unwrap_or(f64::NAN));
    let mut canvas = Canvas::new();
    let question = "How long do the answers that a shutdown meets still run?";
    let top = labels::heading(&mut canvas, question, result) + 36.0;
    let panel = panel(needed, today, top);
    let ticks = panel.y.ticks(9);
    panel.grid(&mut canvas, &ticks);
    let curve = Curve::of(needed, &panel);
    let mut outline = curve.high.clone();
    outline.extend(curve.low.iter().rev());
    canvas.area(outline, theme::NEW_TINT);
    canvas.line(curve.middle, theme::DATA_STROKE);
    panel.left_axis(&mut canvas, &ticks, "answers that need longer, % (log)");
    panel.lower_axis(
        &mut canvas,
        &panel.x.ticks(14),
        Some("seconds from the shutdown to the answer's last token (log)"),
    );
    mark(&mut canvas, &panel, result, today, proposed);
    let lines = vec![
        format!("{} answers", numbers::fixed(needed.count() as f64, 0)),
        if result.records.len() == 1 { "in flight, of one run" } else { "of all runs, in flight" }.to_owned(),
        "band: 95 %, taken as".to_owned(),
        "independent".to_owned(),
    ];
    let y = curve.end;
    labels::at_line_ends(&mut canvas, &panel, vec![EndLabel { lines, y, color: theme::NEW }]);
    Some(Sheet { file_name: "residual.png".to_owned(), canvas, alt_text: alt_text(result, today, proposed) })
}

fn panel(needed: &Histogram, today: f64, top: f64) -> Panel {
    let (least, longest) = (needed.quantile(0.01).max(SHORTEST_S), needed.quantile(1.0));
    let x = Axis::logarithmic((least / 1.2).min(today.max(SHORTEST_S) / 1.3), longest.max(today) * 1.25);
    let y = Axis::logarithmic(50.0 / needed.count() as f64, 110.0);
    Panel { left: theme::PANEL_LEFT + 10.0, top, right: theme::PANEL_RIGHT, bottom: 462.0, x, y }
}

/// The share that needs longer, and the ends of its interval.
struct Curve {
    middle: Vec<Point>,
    low: Vec<Point>,
    high: Vec<Point>,
    /// Where it ends, points.
    end: f64,
}

impl Curve {
    fn of(needed: &Histogram, panel: &Panel) -> Curve {
        let mut curve = Curve { middle: Vec::new(), low: Vec::new(), high: Vec::new(), end: panel.bottom };
        let factor = (panel.x.high / panel.x.low).powf(1.0 / (POINTS - 1) as f64);
        for i in 0..POINTS {
            let seconds = panel.x.low * factor.powi(i as i32);
            let share = needed.share_above(seconds);
            let above = (share * needed.count() as f64).round() as u64;
            let Some((low, high)) = wilson(above, needed.count()) else { continue };
            curve.low.push(panel.at(seconds, 100.0 * low));
            curve.high.push(panel.at(seconds, 100.0 * high));
            // Zero has no place on the axis: the band tells of it.
            if above > 0 {
                curve.middle.push(panel.at(seconds, 100.0 * share));
                curve.end = panel.up(100.0 * share);
            }
        }
        curve
    }
}

/// Today's time and the one that lets nearly all finish, upright, with what they cut.
fn mark(canvas: &mut Canvas, panel: &Panel, result: &StudyResult, today: f64, proposed: f64) {
    let needed = &result.pooled.needed_grace;
    let cut = |seconds: f64| {
        let share = needed.share_above(seconds);
        let interval = wilson((share * needed.count() as f64).round() as u64, needed.count());
        let interval = interval.map(|(low, high)| (100.0 * low, 100.0 * high));
        let decimals = interval.map_or(2, |(_, high)| numbers::decimals(high));
        format!("{} % {} cut", numbers::fixed(100.0 * share, decimals), numbers::interval(interval, decimals))
    };
    let enough = format!("{} s let {} finish", numbers::readable(proposed), nearly_all(needed));
    let marks = [
        (today, format!("today {} s: {}", numbers::short(today), cut(today)), theme::BOUND_STROKE),
        (proposed, enough, Stroke::dotted(theme::NEW, 1.4)),
    ];
    let marks = marks.map(|(value, content, stroke)| Upright { value, content, stroke });
    labels::uprights(canvas, panel, marks.into());
}

/// The share that the proposed time lets finish. Of so few answers that the share left is less than one, it is the time of
/// the longest.
fn nearly_all(needed: &Histogram) -> String {
    if needed.count() as f64 * (1.0 - SHARE_TO_FINISH) < 0.999 {
        return format!("all of these {}", numbers::fixed(needed.count() as f64, 0));
    }
    format!("{} %", numbers::short(100.0 * SHARE_TO_FINISH))
}

fn alt_text(result: &StudyResult, today: f64, proposed: f64) -> String {
    let needed = &result.pooled.needed_grace;
    format!(
        "Of the answers in flight when their replica is told to stop, {} % need longer than the {} s that they have today; \
         {} s would let {} finish.",
        numbers::readable(100.0 * needed.share_above(today)),
        numbers::short(today),
        numbers::readable(proposed),
        nearly_all(needed),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::samples::{Shape, study};
    use crate::units::Duration;

    #[test]
    fn the_chart_says_what_todays_time_cuts() {
        let mut result = study(Shape::Quiet, 3);
        assert!(sheet(&result).is_none());
        for seconds in 1..=1_000 {
            result.pooled.needed_grace.record(Duration::from_seconds(seconds));
            if seconds == 50 {
                // The quantile of 50 is their longest: nothing is known of one in a thousand.
                let told = super::sheet(&result).expect("a sheet").alt_text;
                assert!(told.contains("would let all of these 50 finish"), "{told}");
            }
        }
        let sheet = sheet(&result).expect("a sheet");
        // Today's 30 s cut 970 of 1,000, give or take what shares a bucket of the histogram.
        assert!(sheet.alt_text.contains("97.0 % need longer than the 30 s"), "{}", sheet.alt_text);
        let svg = sheet.canvas.to_svg().expect("an SVG");
        for said in ["today 30 s: 97.0 % [95.7, 97.9] cut", "999 s let 99.9 % finish"] {
            let near: String = svg.lines().filter(|line| line.contains("today") || line.contains("finish")).collect();
            assert!(svg.contains(said), "{said}: {near}");
        }
    }
}
