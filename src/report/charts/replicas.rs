//! The panel of replicas over time: stacked bands by version and state, and the lines that they are held against.

use super::axes::{Axis, Panel};
use super::canvas::{Anchor, Canvas, Point, Text};
use super::labels::{self, Callout, EndLabel};
use super::numbers;
use super::over_time::{TimeView, finite, last_finite};
use super::theme::{self, Color, Stroke};
use crate::ledger::Series;

/// Bands thinner than this everywhere are not named, replicas.
const NOTEWORTHY: f64 = 0.05;
/// Distance between the lines of a hatching, points.
const HATCH: f64 = 5.0;

/// One band of the stack.
struct Band {
    name: &'static str,
    fill: Fill,
    ink: Color,
    /// Replicas below it, by group.
    low: Vec<f64>,
    /// Replicas up to its upper edge.
    high: Vec<f64>,
}

/// How a band is filled.
#[derive(Clone, Copy, PartialEq)]
enum Fill {
    Plain(Color),
    /// With lines over it: as light as a neighbour, and told apart without its colour.
    Striped(Color),
    /// Only lines: these replicas hold no GPUs.
    Hatched,
}

/// Bands from below: name, series that are added up, filling, colour of the name.
const BANDS: [(&str, &[Series], Fill, Color); 6] = [
    ("stable, ready", &[Series::ReadyStable], Fill::Plain(theme::STABLE), theme::INK),
    ("new, ready", &[Series::ReadyNew], Fill::Plain(theme::NEW), theme::PAPER),
    ("new, starting", &[Series::StartingNew], Fill::Plain(theme::NEW_TINT), theme::INK),
    ("stable, starting", &[Series::StartingStable], Fill::Striped(theme::STABLE_TINT), theme::INK),
    (
        "draining, holds GPUs",
        &[Series::DrainingStable, Series::DrainingNew],
        Fill::Plain(theme::COSTLY),
        theme::COSTLY_INK,
    ),
    ("pending, waits for GPUs", &[Series::PendingStable, Series::PendingNew], Fill::Hatched, theme::MUTED),
];

/// Everything that the panel shows.
pub struct Replicas {
    bands: Vec<Band>,
    least_ready: Vec<f64>,
    needed: f64,
    /// What the GPU limit allows, replicas.
    limit: Option<f64>,
}

impl Replicas {
    /// Reads it from a view.
    pub fn of(view: &TimeView<'_>) -> Replicas {
        let fleet = &view.result.scenario.fleet;
        let mut below = vec![0.0; view.len()];
        let mut bands = Vec::new();
        for (name, series, fill, ink) in BANDS {
            let mut high = below.clone();
            for one in series {
                for (sum, value) in high.iter_mut().zip(view.mean(*one)) {
                    *sum += if value.is_finite() { value.max(0.0) } else { 0.0 };
                }
            }
            bands.push(Band { name, fill, ink, low: std::mem::replace(&mut below, high.clone()), high });
        }
        let limit = fleet.gpu_limit.map(|gpus| f64::from(gpus) / f64::from(fleet.gpus_per_replica.max(1)));
        Replicas { bands, least_ready: view.low(Series::LeastReady), needed: fleet.needed_replicas, limit }
    }

    /// The greatest thing to be shown, the limit only where it is not far off.
    fn greatest(&self) -> f64 {
        let stacked = self.bands.last().map_or(0.0, |band| finite(&band.high).fold(0.0, f64::max));
        let shown = finite(&self.least_ready).fold(stacked.max(self.needed), f64::max).max(1.0);
        self.limit.filter(|limit| *limit <= 1.6 * shown).map_or(shown, |limit| limit.max(shown))
    }

    /// Draws the panel from `top` to `bottom`, with the names of its bands in or above it. Returns the panel.
    pub fn draw(&self, canvas: &mut Canvas, view: &TimeView<'_>, top: f64, bottom: f64) -> Panel {
        let (left, right) = (theme::PANEL_LEFT, theme::PANEL_RIGHT);
        let y = Axis::linear(0.0, self.greatest() * 1.05);
        let panel = Panel { left, top, right, bottom, x: view.axis(), y };
        let ticks = panel.y.whole_ticks(6);
        panel.grid(canvas, &ticks);
        for band in self.bands.iter().rev() {
            band.draw(canvas, view, &panel);
        }
        if let Some(limit) = self.limit.filter(|limit| *limit <= y.high) {
            panel.level(canvas, limit, Stroke::dotted(theme::INK, 1.4));
        }
        // White under both lines keeps them visible on dark bands, and the bound between the dashes.
        panel.level(canvas, self.needed, Stroke::solid(theme::PAPER, 3.4));
        view.step_line(canvas, &panel, &self.least_ready, Stroke::solid(theme::PAPER, 2.4));
        panel.level(canvas, self.needed, theme::BOUND_STROKE);
        view.step_line(canvas, &panel, &self.least_ready, Stroke::dashed(theme::INK, 1.4));
        let title = if view.result.records.len() == 1 { "replicas" } else { "replicas, mean of runs" };
        panel.left_axis(canvas, &ticks, title);
        self.name_bands(canvas, view, &panel);
        labels::at_line_ends(canvas, &panel, self.end_labels(view, &panel));
        panel
    }

    /// Names each band inside it where there is room, else in the row above the panel.
    fn name_bands(&self, canvas: &mut Canvas, view: &TimeView<'_>, panel: &Panel) {
        let mut callouts = view.callouts(panel);
        for band in self.bands.iter().filter(|band| band.thickness() >= NOTEWORTHY) {
            let name = Text::new(band.name, (0.0, 0.0), Anchor::Middle, band.ink).bold();
            match self.room_inside(band, view, panel, name.width()) {
                Some(at) => canvas.text(Text { at, ..name }),
                None => {
                    let group = band.typical_group();
                    let minutes = (view.edges[group] + view.edges[group + 1]) / 2.0;
                    let target = panel.at(minutes, (band.low[group] + band.high[group]) / 2.0);
                    let color = if band.ink == theme::PAPER { theme::NEW } else { band.ink };
                    callouts.push(Callout { content: band.name.to_owned(), target, color });
                }
            }
        }
        labels::in_a_row(canvas, panel.top - 18.0, callouts);
    }

    /// Where in a band a name of this width fits, clear of the lines across it and of the marked moments.
    fn room_inside(&self, band: &Band, view: &TimeView<'_>, panel: &Panel, width: f64) -> Option<Point> {
        if !matches!(band.fill, Fill::Plain(_)) {
            return None;
        }
        let marks: Vec<f64> = view.moments.iter().map(|moment| panel.across(moment.minutes)).collect();
        let clear_of_marks = |at: &Point| marks.iter().all(|mark| (mark - at.0).abs() >= width / 2.0 + 5.0);
        let places = self.places_inside(band, view, panel, width);
        let clear = places.iter().filter(|(_, at)| clear_of_marks(at));
        clear.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, at)| *at)
    }

    /// The places in a band where a name of this width fits, each with how good it is.
    fn places_inside(&self, band: &Band, view: &TimeView<'_>, panel: &Panel, width: f64) -> Vec<(f64, Point)> {
        let height = theme::LABEL_SIZE * 1.5;
        let edges: Vec<f64> = view.edges.iter().map(|minutes| panel.across(*minutes)).collect();
        let mut places = Vec::new();
        for first in 0..view.len() {
            let Some(last) = (first..view.len()).find(|last| edges[last + 1] - edges[first] >= width + 8.0) else {
                break;
            };
            let floor = panel.up(band.low[first..=last].iter().copied().fold(0.0, f64::max));
            let ceiling = panel.up(band.high[first..=last].iter().copied().fold(f64::INFINITY, f64::min));
            let lines = self.lines_across(first..last + 1, panel);
            if let Some(y) = clear_height(ceiling, floor, height, &lines) {
                let x = (edges[first] + edges[last + 1]) / 2.0;
                // A thick place is good up to a point; among thick ones the first reads best.
                places.push(((floor - ceiling).min(4.0 * height) - (x - panel.left) * 0.02, (x, y)));
            }
        }
        places
    }

    /// The lines that cross these groups, each with its highest and its lowest point: where the least ready replicas
    /// jump, their line is upright.
    fn lines_across(&self, groups: std::ops::Range<usize>, panel: &Panel) -> Vec<(f64, f64)> {
        let ready: Vec<f64> = finite(&self.least_ready[groups]).collect();
        let jumps = ready.windows(2).map(|pair| (pair[0].max(pair[1]), pair[0].min(pair[1])));
        let levels = ready.iter().copied().chain([self.needed]).chain(self.limit).map(|level| (level, level));
        levels.chain(jumps).map(|(high, low)| (panel.up(high), panel.up(low))).collect()
    }

    fn end_labels(&self, view: &TimeView<'_>, panel: &Panel) -> Vec<EndLabel> {
        let needed = format!("needed: {}", numbers::short(self.needed));
        let mut labels = vec![EndLabel { lines: vec![needed], y: panel.up(self.needed), color: theme::ALERT }];
        if let Some(limit) = self.limit {
            let fleet = &view.result.scenario.fleet;
            let gpus = numbers::fixed(f64::from(fleet.gpu_limit.unwrap_or(0)), 0);
            let mut lines = vec![format!("GPU limit: {gpus}")];
            if fleet.gpus_per_replica > 1 {
                let plural = if limit == 1.0 { "" } else { "s" };
                lines.push(format!("= {} replica{plural}", numbers::short(limit)));
            }
            if limit > panel.y.high {
                lines.push("above this panel".to_owned());
            }
            labels.push(EndLabel { lines, y: panel.up(limit), color: theme::INK });
        }
        if let Some(ready) = last_finite(&self.least_ready) {
            let of = if view.result.records.len() > 1 { "P5 of runs" } else { "this run" };
            let lines = vec!["dashed: least ready".to_owned(), of.to_owned()];
            labels.push(EndLabel { lines, y: panel.up(ready), color: theme::INK });
        }
        labels
    }
}

impl Band {
    /// How thick it is where it is thickest, replicas.
    fn thickness(&self) -> f64 {
        self.low.iter().zip(&self.high).map(|(low, high)| high - low).fold(0.0, f64::max)
    }

    /// The group to point at: the one nearest to the middle of the band's area of those that are about as thick as any
    /// near it.
    fn typical_group(&self) -> usize {
        let thickness: Vec<f64> = self.low.iter().zip(&self.high).map(|(low, high)| high - low).collect();
        let half = thickness.iter().sum::<f64>() / 2.0;
        let mut area = 0.0;
        let reaches_half = |value: &f64| {
            area += value;
            area >= half
        };
        let middle = thickness.iter().position(reaches_half).unwrap_or(0);
        let reach = thickness.len() / 12;
        let near = middle.saturating_sub(reach)..(middle + reach + 1).min(thickness.len());
        let enough = 0.9 * thickness[near.clone()].iter().copied().fold(0.0, f64::max);
        near.filter(|group| thickness[*group] >= enough).min_by_key(|group| group.abs_diff(middle)).unwrap_or(middle)
    }

    /// Draws everything up to its upper edge: the bands below are drawn over it, so that no seam shows between them.
    fn draw(&self, canvas: &mut Canvas, view: &TimeView<'_>, panel: &Panel) {
        if self.thickness() <= 0.0 {
            return;
        }
        let mut outline = view.steps(panel, &self.high);
        let upper = outline.clone();
        outline.extend([(panel.right, panel.bottom), (panel.left, panel.bottom)]);
        match self.fill {
            Fill::Plain(color) => {
                canvas.area(outline, color);
                canvas.line(upper, Stroke::solid(theme::PAPER, 0.6));
            }
            Fill::Striped(color) => {
                canvas.area(outline, color);
                self.hatch(canvas, view, panel, theme::STABLE);
                canvas.line(upper, Stroke::solid(theme::PAPER, 0.6));
            }
            Fill::Hatched => {
                self.hatch(canvas, view, panel, theme::MUTED);
                canvas.line(upper, Stroke::solid(theme::MUTED, 0.8));
            }
        }
    }

    /// Rising lines across the band.
    fn hatch(&self, canvas: &mut Canvas, view: &TimeView<'_>, panel: &Panel, color: Color) {
        let stroke = Stroke::solid(color, 0.6);
        let height = panel.bottom - panel.top;
        let lines = ((panel.right - panel.left + height) / HATCH) as usize;
        for line in 0..lines {
            let foot = panel.left - height + line as f64 * HATCH;
            let mut piece = Vec::new();
            for rise in 0..=height as usize {
                let (x, y) = (foot + rise as f64, panel.bottom - rise as f64);
                if x >= panel.left && x < panel.right && self.holds(view, panel, x, y) {
                    piece.push((x, y));
                } else {
                    canvas.line(std::mem::take(&mut piece), stroke);
                }
            }
            canvas.line(piece, stroke);
        }
    }

    /// Whether a point of the panel lies in the band.
    fn holds(&self, view: &TimeView<'_>, panel: &Panel, x: f64, y: f64) -> bool {
        let minutes = panel.x.low + (x - panel.left) / (panel.right - panel.left) * (panel.x.high - panel.x.low);
        let group = view.edges.partition_point(|edge| *edge <= minutes).saturating_sub(1).min(view.len() - 1);
        y <= panel.up(self.low[group]) && y >= panel.up(self.high[group])
    }
}

/// The height between a ceiling and a floor, nearest their middle, at which a text this high is clear of all lines, each
/// given by its highest and its lowest point.
fn clear_height(ceiling: f64, floor: f64, text: f64, lines: &[(f64, f64)]) -> Option<f64> {
    let middle = (ceiling + floor) / 2.0;
    let slack = (floor - ceiling - text) / 2.0;
    if slack < 0.0 {
        return None;
    }
    (0..=20)
        .map(|step| {
            let away = slack * f64::from((step + 1) / 2) / 10.0;
            if step % 2 == 0 { middle - away } else { middle + away }
        })
        .find(|y| lines.iter().all(|(top, bottom)| *y < top - text * 0.55 || *y > bottom + text * 0.55))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::charts::theme::vision::{LEAST_DISTANCE, LEAST_LIGHTNESS, Vision, distance, lightness};

    #[test]
    fn bands_can_be_told_apart_in_grey_and_by_the_colour_blind() {
        let plain: Vec<(&str, Color)> = (BANDS.iter())
            .filter_map(|(name, _, fill, _)| if let Fill::Plain(color) = fill { Some((*name, *color)) } else { None })
            .collect();
        assert_eq!(plain.len(), 4, "the others are told apart by their lines");
        for (i, one) in plain.iter().enumerate() {
            for other in &plain[..i] {
                let grey = (lightness(one.1) - lightness(other.1)).abs();
                assert!(grey >= LEAST_LIGHTNESS, "{} and {}: {grey} in grey", one.0, other.0);
                for vision in Vision::ALL {
                    let apart = distance(one.1, other.1, vision);
                    assert!(apart >= LEAST_DISTANCE, "{} and {}: {apart} for {vision:?}", one.0, other.0);
                }
            }
        }
    }

    #[test]
    fn a_name_stands_beside_level_lines_and_avoids_upright_ones() {
        assert_eq!(clear_height(0.0, 100.0, 10.0, &[]), Some(50.0));
        let beside = clear_height(0.0, 100.0, 10.0, &[(50.0, 50.0)]).expect("room beside the line");
        assert!((beside - 50.0).abs() > 5.0, "{beside}");
        let above = clear_height(0.0, 100.0, 10.0, &[(30.0, 100.0)]).expect("room above the jump");
        assert!(above < 25.0, "{above}");
        assert_eq!(clear_height(0.0, 100.0, 10.0, &[(0.0, 100.0)]), None);
    }
}
