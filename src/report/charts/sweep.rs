//! Which charts a sweep has, and what they share: scales of values, marks of points, words. The charts themselves are
//! `sweep_lines` and `heat_map`.

use super::Sheet;
use super::canvas::{Anchor, Canvas, Point as Place, Text, arc};
use super::theme::{self, Color, Stroke};
use super::{heat_map, labels, numbers, sweep_lines, tornado};
use crate::digits;
use crate::report::format::Quantity;
use crate::report::sweep::{quantity, short_keys};
use crate::scenario::Statistic;
use crate::study::{CheckResult, Estimate, Measure, Overall, Point, Sweep};

/// Decimals up to which an interval's width is told.
const MOST_DECIMALS: usize = 4;
/// Radius of a point's mark, points of the sheet.
pub const RADIUS: f64 = 4.2;

/// How a sweep is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Cells over the values of these two axes, the first downwards.
    HeatMap(usize, usize),
    /// Lines along this axis, one for each combination of the others.
    Lines(usize),
    /// Too many lines to tell apart, or a single point.
    NotDrawn,
}

/// How this sweep is drawn.
pub fn kind(sweep: &Sweep) -> Kind {
    let axes = sweep.grid.axes().iter().enumerate();
    let long: Vec<usize> = axes.filter(|(_, axis)| axis.values.len() > 1).map(|(at, _)| at).collect();
    let count = |at: usize| sweep.grid.axes()[at].values.len();
    match long.as_slice() {
        [one, other] => Kind::HeatMap(*one, *other),
        [along, ..] if sweep.points.len() / count(*along) <= theme::SWEEP_STROKES.len() => Kind::Lines(*along),
        _ => Kind::NotDrawn,
    }
}

/// A sheet for each selection that has values, and, of several keys, one for each metric that says which matters most.
pub fn sheets(sweep: &Sweep) -> Vec<Sheet> {
    let sheet = |selection: &Measure| {
        let values = Values::of(sweep, *selection)?;
        let canvas = match kind(sweep) {
            Kind::HeatMap(rows, columns) => heat_map::draw(sweep, &values, rows, columns),
            Kind::Lines(along) => sweep_lines::draw(sweep, &values, along),
            Kind::NotDrawn => return None,
        };
        let file_name = format!("sweep-{}-{}.png", selection.metric.name(), selection.statistic.name());
        Some(Sheet { file_name, canvas, alt_text: alt_text(sweep, &values) })
    };
    let along_keys = sweep.selected.iter().filter_map(sheet);
    along_keys.chain(tornado::sheets(sweep)).collect()
}

/// What a chart shows of every point, in the unit in which it shows it.
pub struct Values {
    /// Which statistic of which metric.
    pub selection: Measure,
    /// For each point; `None` where it is not done.
    pub estimates: Vec<Option<Estimate>>,
    /// Least and greatest finite value.
    pub range: (f64, f64),
    /// What one of the metric's own unit is in the chart's.
    factor: f64,
    /// The chart's unit.
    pub unit: &'static str,
}

impl Values {
    /// What there is to show; `None` where no point has a value.
    pub(super) fn of(sweep: &Sweep, selection: Measure) -> Option<Values> {
        let raw: Vec<Option<Estimate>> =
            sweep.points.iter().map(|point| point.as_ref().map(|point| point.estimate(selection))).collect();
        let finite = || raw.iter().flatten().map(|estimate| estimate.value).filter(|value| value.is_finite());
        finite().next()?;
        let greatest = finite().fold(0.0, |greatest: f64, value| greatest.max(value.abs()));
        let least = finite().fold(f64::INFINITY, f64::min);
        // On a logarithmic axis the small are as large as the great.
        let usual = if spread_widely((least, greatest)) { (least * greatest).sqrt() } else { greatest };
        let (factor, unit) = unit_for(usual, selection);
        let scaled = |estimate: Estimate| scaled(estimate, factor);
        let range = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value * factor), high.max(value * factor))
        });
        Some(Values { selection, estimates: raw.into_iter().map(|one| one.map(scaled)).collect(), range, factor, unit })
    }

    /// An estimate of the same metric in the chart's unit.
    pub fn scaled(&self, estimate: Estimate) -> Estimate {
        scaled(estimate, self.factor)
    }

    /// What the numbers are: `P90 over runs of truncated_attempts (attempts)`.
    pub fn title(&self) -> String {
        let name = self.selection.metric.name();
        let what = match self.selection.statistic {
            Statistic::Mean => format!("mean of {name}"),
            Statistic::Min => format!("least over runs of {name}"),
            Statistic::Max => format!("greatest over runs of {name}"),
            Statistic::ProbabilityPositive => format!("share of runs with {name} above 0"),
            quantile => format!("{} over runs of {name}", quantile.name().to_uppercase()),
        };
        if self.unit.is_empty() { what } else { format!("{what} ({})", self.unit) }
    }

    /// The bounds that checks set for this at every point alike, with their words.
    pub fn bounds(&self, sweep: &Sweep) -> Vec<(f64, String)> {
        let asked = (self.selection.metric.name(), self.selection.statistic);
        let points: Vec<&Point> = sweep.done().map(|(_, point)| point).collect();
        let everywhere = |(at, check): (usize, &CheckResult)| {
            let bounds = |point: &&Point| point.checks.get(at).map(|check| (check.min, check.max));
            let alike = points.iter().all(|point| bounds(point) == Some((check.min, check.max)));
            alike && (check.metric.as_str(), check.statistic) == asked
        };
        let bound = |bound: Option<f64>, word: &str| {
            let bound = bound? * self.factor;
            Some((bound, format!("{word} {}", numbers::short(bound))))
        };
        let checks = points.first().map_or(&[][..], |point| point.checks.as_slice()).iter().enumerate();
        let checks = checks.filter(|check| everywhere(*check)).map(|(_, check)| check);
        checks.flat_map(|check| [bound(check.min, "at least"), bound(check.max, "at most")]).flatten().collect()
    }
}

fn scaled(estimate: Estimate, factor: f64) -> Estimate {
    let interval = estimate.interval.map(|(low, high)| (low * factor, high * factor));
    Estimate { value: estimate.value * factor, interval }
}

/// Whether values from the least to the greatest lie by factors rather than by differences: all above zero, and more than
/// one and a half decades apart.
pub fn spread_widely((least, greatest): (f64, f64)) -> bool {
    const WIDE: f64 = 31.622_776_601_683_793;
    least > 0.0 && greatest / least > WIDE
}

/// The factor to, and the name of, the unit in which values of about this size are shown.
fn unit_for(greatest: f64, selection: Measure) -> (f64, &'static str) {
    match quantity(selection) {
        Quantity::Share => (100.0, "%"),
        Quantity::Usd => (1.0, "USD"),
        Quantity::Plain => (1.0, selection.metric.description().unit),
        Quantity::Seconds if greatest >= 7_200.0 => (1.0 / 3_600.0, "hours"),
        Quantity::Seconds if greatest >= 120.0 => (1.0 / 60.0, "minutes"),
        Quantity::Seconds if greatest >= 1.0 || greatest == 0.0 => (1.0, "seconds"),
        Quantity::Seconds => (1_000.0, "milliseconds"),
    }
}

/// An estimate's value and its interval as a chart writes them: whole numbers whole, others with three digits, or as many
/// more as tell the ends of the interval apart; the interval empty where there is none.
pub fn told(estimate: &Estimate) -> (String, String) {
    let numbers = [Some(estimate.value), estimate.interval.map(|of| of.0), estimate.interval.map(|of| of.1)];
    let whole = numbers.into_iter().flatten().all(|number| number.fract() == 0.0 && number.abs() < 1e4);
    let width = estimate.interval.map_or(f64::NAN, |(low, high)| high - low);
    let of_width = if width > 0.0 { digits::decimals(width, 1).min(MOST_DECIMALS) } else { 0 };
    let decimals = if whole { 0 } else { numbers::estimate_decimals(estimate).max(of_width) };
    let interval = estimate.interval.map_or_else(String::new, |of| numbers::interval(Some(of), decimals));
    (numbers::fixed(estimate.value, decimals), interval)
}

/// Writes the question and what was simulated; returns where the room below begins.
pub fn heading(canvas: &mut Canvas, sweep: &Sweep, values: &Values) -> f64 {
    let axes: Vec<usize> = (0..sweep.grid.axes().len()).filter(|at| sweep.grid.axes()[*at].values.len() > 1).collect();
    let short = short_keys(sweep);
    let names: Vec<&str> = match axes.as_slice() {
        [one] => vec![sweep.grid.axes()[*one].key.as_str()],
        _ => axes.iter().map(|at| short[*at].as_str()).collect(),
    };
    let question = question(&names, values.selection.metric.name());
    labels::heading_of(canvas, &question, sweep.scenario.name.trim(), &provenance(sweep))
}

/// What a chart of these keys answers.
fn question(keys: &[&str], metric: &str) -> String {
    match keys {
        [key] if key.starts_with("cold_start.") => {
            format!("Is a faster cold start worth it? What {key} does to {metric}")
        }
        [key] => format!("What does {key} do to {metric}?"),
        _ => format!("What do {} do to {metric}?", listed(keys)),
    }
}

/// How many points of how many runs, and the seed.
pub fn provenance(sweep: &Sweep) -> String {
    let study = &sweep.scenario.study;
    let runs =
        if study.runs == 1 { "1 run".to_owned() } else { format!("{} runs", numbers::fixed(study.runs as f64, 0)) };
    let provenance = format!("{} points of {runs}, seed {}", sweep.points.len(), study.seed);
    if sweep.partial() { format!("{} of {provenance}, interrupted", sweep.done().count()) } else { provenance }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

/// How a point's checks came out, in words.
pub fn verdict_words(verdict: Option<Overall>) -> &'static str {
    match verdict {
        None => "no check",
        Some(Overall::Passed) => "every check holds",
        Some(Overall::Failed) => "a check fails",
        Some(Overall::Inconclusive) => "undecided",
    }
}

/// The verdicts that occur, each once.
pub fn verdicts(sweep: &Sweep) -> Vec<Overall> {
    let occurs = |verdict: &Overall| sweep.done().any(|(_, point)| point.verdict() == Some(*verdict));
    [Overall::Passed, Overall::Failed, Overall::Inconclusive].into_iter().filter(occurs).collect()
}

/// A point's mark: full where every check holds or there is none, hollow where one fails, half full where it is undecided.
pub fn mark(canvas: &mut Canvas, at: Place, verdict: Option<Overall>, color: Color) {
    canvas.disc(at, RADIUS + 1.2, theme::PAPER);
    match verdict {
        None | Some(Overall::Passed) => canvas.disc(at, RADIUS, color),
        Some(Overall::Failed) => {}
        Some(Overall::Inconclusive) => canvas.area(arc(at, RADIUS, 0.25, 0.75), color),
    }
    canvas.line(arc(at, RADIUS, 0.0, 1.0), Stroke::solid(color, 1.4));
}

/// A ring around the mark of the scenario as written.
pub fn ring(canvas: &mut Canvas, at: Place) {
    canvas.line(arc(at, RADIUS + 3.4, 0.0, 1.0), Stroke::solid(theme::INK, 1.2));
}

/// A cross where a point has no value.
pub fn cross(canvas: &mut Canvas, at: Place, color: Color) {
    for slope in [-1.0, 1.0] {
        let ends = vec![(at.0 - RADIUS, at.1 - slope * RADIUS), (at.0 + RADIUS, at.1 + slope * RADIUS)];
        canvas.line(ends, Stroke::solid(color, 1.6));
    }
}

/// A line of small text, beginning here.
pub fn remark(canvas: &mut Canvas, content: &str, at: Place) {
    canvas.text(Text::new(content, at, Anchor::Start, theme::MUTED).size(theme::SMALL_SIZE));
}

fn alt_text(sweep: &Sweep, values: &Values) -> String {
    let name = |at: usize| crate::report::sweep::point_name(sweep, at);
    let found = |want: f64| {
        let at = values.estimates.iter().position(|one| one.is_some_and(|one| one.value == want));
        at.map_or_else(String::new, |at| {
            let estimate = values.estimates[at].unwrap_or(Estimate { value: want, interval: None });
            format!("{} at {}", numbers::estimate(&estimate), name(at))
        })
    };
    let holding = sweep.done().filter(|(_, point): &(usize, &Point)| point.verdict() == Some(Overall::Passed)).count();
    let checks = match sweep.best() {
        Some(_) => format!(", and every check holds at {holding} of {} points", sweep.done().count()),
        None => String::new(),
    };
    let (low, high) = values.range;
    let goes = if low < high {
        format!("goes from {} to {}", found(low), found(high))
    } else {
        format!("is the same wherever it has a value, as {}", found(low))
    };
    let keys = listed(&sweep.grid.axes().iter().map(|axis| axis.key.as_str()).collect::<Vec<&str>>());
    format!("Over {keys}, the {} {goes}{checks}.", values.title())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::report::sweep::example;

    #[test]
    fn one_axis_makes_a_line_two_a_map_and_more_as_many_lines_as_can_be_told_apart() {
        let kind_of = |axes: &[&str]| kind(&example::over(axes));
        assert_eq!(kind_of(&["a=1,2,3"]), Kind::Lines(0));
        assert_eq!(kind_of(&["a=1", "b=1,2"]), Kind::Lines(1));
        assert_eq!(kind_of(&["a=1,2", "b=1", "c=1,2"]), Kind::HeatMap(0, 2));
        assert_eq!(kind_of(&["a=1,2,3,4", "b=1,2,3", "c=1,2"]), Kind::Lines(0));
        assert_eq!(kind_of(&["a=1,2,3,4", "b=1,2,3,4", "c=1,2"]), Kind::NotDrawn);
        assert_eq!(kind_of(&["a=1"]), Kind::NotDrawn);
    }

    #[test]
    fn there_is_a_chart_for_each_selection_that_has_values() {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        // No rollout was aborted, so that nothing was detected.
        sweep.selected = [Metric::TruncatedAttempts, Metric::TimeToDetect].map(Measure::mean).to_vec();
        let names: Vec<String> = sheets(&sweep).into_iter().map(|sheet| sheet.file_name).collect();
        assert_eq!(names, ["sweep-truncated_attempts-mean.png"]);
        let (one, other) = (super::super::of_sweep(&sweep).unwrap(), super::super::of_sweep(&sweep).unwrap());
        assert!(one[0].png == other[0].png && one[0].alt_text.contains(" to 12"), "{}", one[0].alt_text);
    }

    #[test]
    fn values_and_bounds_are_in_the_charts_unit() {
        let mut sweep = example::over(&["termination.grace_period=30s,60s,2m"]);
        let check = |sweep: &mut Sweep, metric: Metric, max: f64| {
            for point in sweep.points.iter_mut().flatten() {
                point.checks[0].metric = metric.name().to_owned();
                (point.checks[0].statistic, point.checks[0].max) = (Statistic::Mean, Some(max));
            }
            Values::of(sweep, Measure::mean(metric)).map(|values| (values.unit, values.bounds(sweep)))
        };
        let capacity = check(&mut sweep, Metric::SecondsBelowCapacity, 300.0).unwrap();
        assert_eq!(capacity, ("minutes", vec![(5.0, "at most 5".to_owned())]));
        let share = check(&mut sweep, Metric::MinReadyFraction, 0.5).unwrap();
        assert_eq!(share, ("%", vec![(50.0, "at most 50".to_owned())]));
        // A bound that is itself varied is no line across the chart.
        sweep.points[1].as_mut().unwrap().checks[0].max = Some(0.6);
        let values = Values::of(&sweep, Measure::mean(Metric::MinReadyFraction)).unwrap();
        assert_eq!(values.bounds(&sweep), []);
        assert_eq!(told(&Estimate { value: 40.0, interval: Some((37.0, 47.0)) }).1, "[37, 47]");
        assert_eq!(
            told(&Estimate { value: 40.0, interval: Some((37.25, 47.0)) }),
            ("40.0".into(), "[37.2, 47.0]".into())
        );
        let narrow = Estimate { value: 17.412, interval: Some((17.404, 17.419)) };
        assert_eq!(told(&narrow), ("17.41".into(), "[17.40, 17.42]".into()));
    }
}
