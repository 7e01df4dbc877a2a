//! The timeline as charts over time read it: a part of the window in at most a few hundred points, and curves, steps
//! and bands through them with gaps where there is nothing.

use std::ops::Range;

use super::axes::{Axis, Panel};
use super::canvas::{Canvas, Point};
use super::labels::Callout;
use super::moments::{self, Moment};
use super::theme::{Color, Stroke};
use crate::ledger::{Histogram, REPLICA_SERIES, Series};
use crate::scenario::Strategy;
use crate::study::{SeriesSummary, StudyResult};

/// Points of a curve at most; more could not be told apart on the sheet.
const MOST_POINTS: usize = 240;
/// Replicas by which the mean must differ from its last value to count as still changing.
const CHANGE: f64 = 0.05;
/// How far above its worst level before the rollout the P99 of TTFT must be to count as disturbed.
const DISTURBED: f64 = 1.25;
/// Bins that are judged together for that.
const NEIGHBOURS: usize = 6;

/// A part of the timeline, its bins joined into groups.
#[derive(Debug)]
pub struct TimeView<'a> {
    /// The study.
    pub result: &'a StudyResult,
    groups: Vec<Range<usize>>,
    /// Where groups begin and, last, where the view ends; minutes from time zero.
    pub edges: Vec<f64>,
    /// What is marked in it, in the order of time.
    pub moments: Vec<Moment>,
}

impl<'a> TimeView<'a> {
    /// The whole window; `None` without bins.
    pub fn whole(result: &'a StudyResult) -> Option<TimeView<'a>> {
        TimeView::at_most(MOST_POINTS, result)
    }

    /// The whole window in so many points at most; `None` without bins.
    pub fn at_most(points: usize, result: &'a StudyResult) -> Option<TimeView<'a>> {
        TimeView::of(points, result, 0..result.timeline.times.len())
    }

    /// From shortly before the rollout until shortly after it has stopped changing anything; the whole window where
    /// there is no rollout, where it does not settle, or where little could be left out.
    pub fn interesting(result: &'a StudyResult) -> Option<TimeView<'a>> {
        TimeView::of(MOST_POINTS, result, interesting_bins(result))
    }

    fn of(points: usize, result: &'a StudyResult, bins: Range<usize>) -> Option<TimeView<'a>> {
        let timeline = &result.timeline;
        if bins.is_empty() {
            return None;
        }
        let size = bins.len().div_ceil(points.max(1));
        let groups: Vec<Range<usize>> =
            bins.clone().step_by(size).map(|first| first..(first + size).min(bins.end)).collect();
        let mut edges: Vec<f64> = groups.iter().map(|group| timeline.times[group.start] / 60.0).collect();
        edges.push(timeline.end_of(bins.end - 1) / 60.0);
        let mut moments = moments::of(result);
        moments.retain(|moment| moment.minutes >= edges[0] && moment.minutes <= edges[groups.len()]);
        moments.sort_by(|one, other| one.minutes.total_cmp(&other.minutes));
        Some(TimeView { result, groups, edges, moments })
    }

    /// The bins of each group.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// The x axis of the view, minutes.
    pub fn axis(&self) -> Axis {
        Axis::linear(self.edges[0], self.edges[self.len()])
    }

    /// The bins of the view.
    pub fn bins(&self) -> Range<usize> {
        self.groups[0].start..self.groups[self.len() - 1].end
    }

    fn summary(&self, series: Series) -> &'a SeriesSummary {
        summary(self.result, series)
    }

    /// The mean over runs of a series, by group; NaN where no bin has one.
    pub fn mean(&self, series: Series) -> Vec<f64> {
        let values = &self.summary(series).mean;
        self.by_group(|group| {
            let (count, sum) = finite(&values[group]).fold((0, 0.0), |(n, sum), value| (n + 1, sum + value));
            sum / f64::from(count)
        })
    }

    /// The 5 % quantile over runs, the least of each group.
    pub fn low(&self, series: Series) -> Vec<f64> {
        let values = &self.summary(series).p5;
        self.by_group(|group| finite(&values[group]).fold(f64::NAN, f64::min))
    }

    /// The 95 % quantile over runs, the greatest of each group.
    pub fn high(&self, series: Series) -> Vec<f64> {
        let values = &self.summary(series).p95;
        self.by_group(|group| finite(&values[group]).fold(f64::NAN, f64::max))
    }

    /// A quantile of TTFT of all runs' requests that arrived in each group, seconds; NaN without any.
    pub fn pooled_ttft(&self, quantile: f64) -> Vec<f64> {
        self.pooled(&self.result.pooled.ttft_by_bin, 1, quantile)
    }

    /// The same of the requests that reached the new version; NaN where there are fewer than the quantile needs to be one
    /// of them rather than their greatest.
    pub fn pooled_ttft_of_new(&self, quantile: f64) -> Vec<f64> {
        let fewest = (1.0 / (1.0 - quantile)).ceil() as u64;
        self.pooled(&self.result.pooled.ttft_new_by_bin, fewest, quantile)
    }

    fn pooled(&self, by_bin: &[Histogram], fewest: u64, quantile: f64) -> Vec<f64> {
        self.by_group(|group| {
            let mut together = Histogram::new();
            for histogram in by_bin.get(group).unwrap_or(&[]) {
                together.merge(histogram);
            }
            if together.count() < fewest { f64::NAN } else { together.quantile(quantile) }
        })
    }

    fn by_group(&self, value: impl Fn(Range<usize>) -> f64) -> Vec<f64> {
        self.groups.iter().cloned().map(value).collect()
    }

    /// Draws a curve through the middles of the groups.
    pub fn curve(&self, canvas: &mut Canvas, panel: &Panel, values: &[f64], stroke: Stroke) {
        for part in finite_parts(values) {
            canvas.line(self.through_middles(panel, values, &part), stroke);
        }
    }

    /// Fills the band between two curves.
    pub fn band(&self, canvas: &mut Canvas, panel: &Panel, low: &[f64], high: &[f64], color: Color) {
        let both: Vec<f64> = low.iter().zip(high).map(|(low, high)| low + high).collect();
        for part in finite_parts(&both) {
            let mut outline = self.through_middles(panel, low, &part);
            outline.extend(self.through_middles(panel, high, &part).into_iter().rev());
            canvas.area(outline, color);
        }
    }

    /// A curve's points: the middles of a part's groups, prolonged to the part's own edges.
    fn through_middles(&self, panel: &Panel, values: &[f64], part: &Range<usize>) -> Vec<Point> {
        let middle = |i: usize| panel.at((self.edges[i] + self.edges[i + 1]) / 2.0, values[i]);
        let mut points = vec![panel.at(self.edges[part.start], values[part.start])];
        points.extend(part.clone().map(middle));
        points.push(panel.at(self.edges[part.end], values[part.end - 1]));
        points
    }

    /// The points of a line that is level over each group.
    pub fn steps(&self, panel: &Panel, values: &[f64]) -> Vec<Point> {
        (values.iter().enumerate())
            .flat_map(|(i, value)| [panel.at(self.edges[i], *value), panel.at(self.edges[i + 1], *value)])
            .collect()
    }

    /// Draws a line that is level over each group, with gaps where there is no value.
    pub fn step_line(&self, canvas: &mut Canvas, panel: &Panel, values: &[f64], stroke: Stroke) {
        let points = self.steps(panel, values);
        for part in finite_parts(values) {
            canvas.line(points[2 * part.start..2 * part.end].to_vec(), stroke);
        }
    }

    /// The middle of the panel's widest part between moments, for words that should not be crossed by their marks.
    pub fn clear_middle(&self, panel: &Panel) -> f64 {
        let marks = self.moments.iter().map(|moment| panel.across(moment.minutes));
        let edges: Vec<f64> = [panel.left].into_iter().chain(marks).chain([panel.right]).collect();
        let widest = edges.windows(2).max_by(|one, other| (one[1] - one[0]).total_cmp(&(other[1] - other[0])));
        widest.map_or(panel.left, |pair| (pair[0] + pair[1]) / 2.0)
    }

    /// Marks the moments from one height to another.
    pub fn mark_moments(&self, canvas: &mut Canvas, panel: &Panel, top: f64, bottom: f64) {
        for moment in &self.moments {
            let x = panel.across(moment.minutes);
            canvas.line(vec![(x, top), (x, bottom)], moment.stroke);
        }
    }

    /// The moments' names above a panel that begins at this height.
    pub fn callouts(&self, panel: &Panel) -> Vec<Callout> {
        let callout = |moment: &Moment| moment.callout((panel.across(moment.minutes), panel.top - 6.0));
        self.moments.iter().filter_map(callout).collect()
    }
}

/// The last value that is a number.
pub fn last_finite(values: &[f64]) -> Option<f64> {
    values.iter().rev().copied().find(|value| value.is_finite())
}

/// The values that are numbers.
pub fn finite(values: &[f64]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().filter(|value| value.is_finite())
}

/// The longest runs of values that are numbers.
fn finite_parts(values: &[f64]) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (i, _) in values.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        match parts.last_mut() {
            Some(part) if part.end == i => part.end += 1,
            _ => parts.push(i..i + 1),
        }
    }
    parts
}

fn summary(result: &StudyResult, series: Series) -> &SeriesSummary {
    &result.timeline.series[series as usize]
}

fn interesting_bins(result: &StudyResult) -> Range<usize> {
    let timeline = &result.timeline;
    let bins = timeline.times.len();
    let start = result.scenario.rollout.start.seconds();
    let Some(first) = timeline.times.iter().position(|time| *time + timeline.bin_s > start) else { return 0..bins };
    if matches!(result.scenario.rollout.strategy, Strategy::None) || unsettled(result) {
        return 0..bins;
    }
    let last = recovery(result, first, last_change(result).max(first));
    let length = (last - first) as f64 * timeline.bin_s;
    let before = ((0.15 * length).max(180.0) / timeline.bin_s).ceil() as usize;
    let after = ((0.25 * length).max(300.0) / timeline.bin_s).ceil() as usize;
    let view = first.saturating_sub(before)..(last + after + 1).min(bins);
    if view.len() * 4 > bins * 3 { 0..bins } else { view }
}

/// Whether replicas are still starting, waiting or draining in the last bin.
fn unsettled(result: &StudyResult) -> bool {
    let moving = REPLICA_SERIES.iter().skip(2).map(|series| summary(result, *series).mean.last().copied());
    moving.flatten().filter(|value| value.is_finite()).sum::<f64>() > CHANGE
}

/// The last bin in which some count of replicas differs from what it is in the end.
fn last_change(result: &StudyResult) -> usize {
    let last = |series: &Series| {
        let values = &summary(result, *series).mean;
        let end = last_finite(values).unwrap_or(0.0);
        values.iter().rposition(|value| (value - end).abs() > CHANGE).unwrap_or(0)
    };
    REPLICA_SERIES.iter().map(last).max().unwrap_or(0)
}

/// The first bin from `last` on around which the P99 of TTFT is no longer well above what it was before the rollout,
/// which starts in bin `first`.
fn recovery(result: &StudyResult, first: usize, last: usize) -> usize {
    let values = &result.timeline.pooled_ttft_p99;
    let before = values.get(..first).unwrap_or(&[]);
    let worst = before.windows(NEIGHBOURS).map(median).fold(median(before), f64::max);
    let after = values.get(last..).unwrap_or(&[]).windows(NEIGHBOURS);
    last + after.take_while(|neighbours| median(neighbours) > DISTURBED * worst).count()
}

/// The median of the values that are numbers; NaN without any.
fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = finite(values).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
