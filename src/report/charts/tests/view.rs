//! Which part of the window charts over time show, and where its bins end.

use super::super::over_time::TimeView;
use super::super::samples::{Shape, study};
use super::super::{canvas, replicas, timeline};
use super::text_boxes;
use crate::ledger::{Pooled, SERIES, Series};
use crate::study::{StudyResult, summarize};
use crate::units::Duration;

/// A study of two bins of which the second ends with a window of 15 s, cut as often in each.
fn with_a_partial_bin() -> StudyResult {
    let mut sample = study(Shape::Rolling, 3);
    let study = &mut sample.scenario.study;
    (study.duration, study.timeline_bin) = (Duration::from_seconds(15), Duration::from_seconds(10));
    for record in &mut sample.records {
        record.timeline = vec![2.0; 2 * SERIES.len()];
    }
    summarize(sample.scenario, sample.facts, sample.records, Pooled::new(2), false)
}

#[test]
fn the_axis_and_the_bars_end_with_the_window() {
    let result = with_a_partial_bin();
    let view = TimeView::whole(&result).expect("a view");
    assert_eq!(view.edges, [0.0, 10.0 / 60.0, 0.25]);
    let bars = timeline::bars(&view, Series::Truncated);
    // Four cut in a quarter of a minute.
    let ends: Vec<(f64, f64, f64)> = bars.iter().map(|bar| (bar.from, bar.to, bar.mean)).collect();
    assert_eq!(ends, [(0.0, 0.25, 16.0)]);
}

#[test]
fn a_bin_longer_than_the_window_is_as_long_as_the_window() {
    let mut result = with_a_partial_bin();
    result.timeline.bin_s = 600.0;
    result.timeline.times = vec![0.0];
    for series in &mut result.timeline.series {
        series.mean.truncate(1);
    }
    result.timeline.truncated_by_run = vec![vec![(0, 2.0)]; 3];
    let view = TimeView::whole(&result).expect("a view");
    assert_eq!(view.edges, [0.0, 0.25]);
    assert_eq!(timeline::bars(&view, Series::Truncated)[0].mean, 8.0);
}

#[test]
fn no_name_in_a_band_is_crossed_by_the_line_of_least_ready_replicas() {
    // As after a recreation: ready replicas fall to none and, shortly after the mean has, the least come back at once.
    let mut result = study(Shape::Rolling, 3);
    let bins = result.timeline.times.len();
    for (series, summary) in SERIES.iter().zip(&mut result.timeline.series) {
        for bin in 0..bins {
            let since = bin as f64 / 6.0 - 20.0;
            let ready = if (0.0..8.5).contains(&since) { 0.0 } else { 8.0 };
            let value = match series.0 {
                Series::ReadyStable if since < 0.0 => 8.0,
                Series::StartingNew if (0.0..8.0).contains(&since) => 8.0,
                Series::ReadyNew if since >= 8.0 => 8.0,
                Series::LeastReady => ready,
                _ => 0.0,
            };
            (summary.mean[bin], summary.p5[bin]) = (value, value);
        }
    }
    let sheet = timeline::sheet(&result).expect("a sheet");
    let svg = sheet.canvas.to_svg().expect("an SVG");
    let boxes = text_boxes(&svg);
    let (_, name) = boxes.iter().find(|(text, _)| text == "new, ready").expect("a name");
    let view = TimeView::interesting(&result).expect("a view");
    let panel = replicas::Replicas::of(&view).draw(&mut canvas::Canvas::new(), &view, 90.0, 266.0);
    let least = view.low(Series::LeastReady);
    let middle = f64::from(name[1] + name[3]) / 2.0;
    for group in 0..view.len() - 1 {
        let x = panel.across(view.edges[group + 1]);
        if x >= f64::from(name[0]) && x <= f64::from(name[2]) {
            let (one, other) = (panel.up(least[group]), panel.up(least[group + 1]));
            assert!(middle < one.min(other) - 5.0 || middle > one.max(other) + 5.0, "{name:?} {one} {other}");
        }
    }
}

#[test]
fn the_view_begins_before_the_rollout_and_ends_after_the_last_change() {
    let rolling = study(Shape::Rolling, 10);
    let view = TimeView::interesting(&rolling).expect("a view");
    let (begin, end) = (view.edges[0], view.edges[view.len()]);
    assert!((15.0..20.0).contains(&begin), "{begin}");
    // The last of four waves ends after 4.75 minutes each at the most, and drains for half a minute.
    assert!((40.0..55.0).contains(&end), "{end}");
    for whole in [Shape::Stuck, Shape::None] {
        let result = study(whole, 10);
        let view = TimeView::interesting(&result).expect("a view");
        assert_eq!((view.edges[0], view.edges[view.len()]), (0.0, 90.0), "{whole:?}");
    }
}

#[test]
fn the_view_lasts_until_latency_has_recovered() {
    let mut result = study(Shape::Rolling, 10);
    let ends = |result: &StudyResult| TimeView::interesting(result).map_or(f64::NAN, |view| view.edges[view.len()]);
    let before = ends(&result);
    // Slow until minute 60, that is bin 360, and once more long after: only the first is the rollout's doing.
    for bin in (200..360).chain(480..500) {
        result.timeline.pooled_ttft_p99[bin] = 30.0;
    }
    let after = ends(&result);
    assert!(before < 60.0 && (60.0..79.0).contains(&after), "{before} {after}");
}
