//! Distributions over runs as curves: which share of the runs stays at or below a value, with a band for the whole curve.

use super::axes::Panel;
use super::canvas::{Canvas, Point};
use super::labels::{self, EndLabel};
use super::theme::{self, Stroke};

/// Confidence of the band.
const CONFIDENCE: f64 = 0.95;

/// One curve: values of so many runs.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// What it is of: lines beside its end.
    pub name: Vec<String>,
    /// A value for each run that has one, ascending.
    values: Vec<f64>,
    /// Runs in all: those without a value lie beyond every one.
    runs: usize,
}

impl Distribution {
    /// Of the values of runs; those that are not numbers are beyond all others.
    pub fn new(name: Vec<String>, of_runs: impl Iterator<Item = f64>) -> Distribution {
        let all: Vec<f64> = of_runs.collect();
        let mut values: Vec<f64> = all.iter().copied().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Distribution { name, values, runs: all.len() }
    }

    /// Runs in all.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// The least and the greatest value.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((*self.values.first()?, *self.values.last()?))
    }

    /// The share of runs at or below a value.
    pub fn share_up_to(&self, value: f64) -> f64 {
        self.values.partition_point(|one| *one <= value) as f64 / self.runs.max(1) as f64
    }

    /// The least value that so large a share of the runs stays at or below; `None` beyond those that have a value.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = ((share * self.runs as f64).ceil() as usize).max(1);
        self.values.get(rank - 1).copied()
    }

    /// How far the true curve may be from this one anywhere, with 95 % confidence: Dvoretzky, Kiefer and Wolfowitz with
    /// Massart's constant (1990).
    pub fn reach(&self) -> f64 {
        ((2.0 / (1.0 - CONFIDENCE)).ln() / (2.0 * self.runs.max(1) as f64)).sqrt()
    }

    /// Corners of the curve moved up by a share, per cent, over the whole panel.
    fn steps(&self, panel: &Panel, moved: f64) -> Vec<Point> {
        let level = |share: f64| 100.0 * (share + moved).clamp(0.0, 1.0);
        let mut points = vec![panel.at(panel.x.low, level(0.0))];
        let mut at = 0;
        while at < self.values.len() {
            let value = self.values[at];
            let next = self.values.partition_point(|one| *one <= value);
            let share = |count: usize| level(count as f64 / self.runs as f64);
            points.extend([panel.at(value, share(at)), panel.at(value, share(next))]);
            at = next;
        }
        points.push(panel.at(panel.x.high, level(self.values.len() as f64 / self.runs.max(1) as f64)));
        points
    }
}

/// Draws the curves and names each at its right end: the first with its band filled, a second with the edges of its own,
/// more without, which would hide one another.
pub fn draw(canvas: &mut Canvas, panel: &Panel, curves: &[Distribution]) {
    let rivals = theme::rivals();
    if let Some(first) = curves.first() {
        let mut outline = first.steps(panel, first.reach());
        outline.extend(first.steps(panel, -first.reach()).into_iter().rev());
        canvas.area(outline, rivals[0].tint);
    }
    if let [_, second] = curves {
        let edge = Stroke { color: rivals[1].stroke.color, ..theme::SPREAD_STROKE };
        canvas.line(second.steps(panel, second.reach()), edge);
        canvas.line(second.steps(panel, -second.reach()), edge);
    }
    let mut names: Vec<(EndLabel, Stroke)> = Vec::new();
    for (at, (curve, rival)) in curves.iter().zip(&rivals).enumerate() {
        let points = curve.steps(panel, 0.0);
        let y = points.last().map_or(panel.top, |last| last.1);
        canvas.line(points, rival.stroke);
        let mut lines = curve.name.clone();
        match (at, curves.len()) {
            (0, _) => lines.push("band: 95 %".to_owned()),
            (1, 2) => lines.push("dotted edges: 95 %".to_owned()),
            _ => {}
        }
        names.push((EndLabel { lines, y, color: rival.stroke.color }, rival.stroke));
    }
    labels::at_line_ends_with_samples(canvas, panel, names);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::axes::Axis;

    #[test]
    fn runs_without_a_value_are_beyond_every_one() {
        let values = [3.0, f64::NAN, 1.0, 1.0];
        let curve = Distribution::new(Vec::new(), values.into_iter());
        assert_eq!(curve.range(), Some((1.0, 3.0)));
        assert_eq!([0.5, 0.75, 0.95].map(|share| curve.quantile(share)), [Some(1.0), Some(3.0), None]);
        assert_eq!([0.5, 1.0, 2.0, 3.0, 99.0].map(|value| curve.share_up_to(value)), [0.0, 0.5, 0.5, 0.75, 0.75]);
    }

    #[test]
    fn the_band_has_massarts_width() {
        let curve = Distribution::new(Vec::new(), (0..1_000).map(f64::from));
        // sqrt(ln 40 / 2000).
        assert!((curve.reach() - 0.042_947).abs() < 1e-6, "{}", curve.reach());
    }

    #[test]
    fn the_steps_go_over_the_whole_panel() {
        let axis = Axis::linear(0.0, 100.0);
        let panel = Panel { left: 10.0, top: 10.0, right: 110.0, bottom: 110.0, x: axis, y: axis };
        let curve = Distribution::new(Vec::new(), [50.0, 50.0].into_iter());
        assert_eq!(curve.steps(&panel, 0.0), [(10.0, 110.0), (60.0, 110.0), (60.0, 10.0), (110.0, 10.0)]);
        assert!(Distribution::new(Vec::new(), [].into_iter()).steps(&panel, 0.0).iter().all(|point| point.1 == 110.0));
    }
}
