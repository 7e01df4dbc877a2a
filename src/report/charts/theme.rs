//! What every chart looks like: the canvas, colours, strokes and sizes of type. No chart states its own.
//!
//! The colours differ in lightness as well as in hue, so that a chart survives colour blindness and a grey print.

/// Width of a chart in points; its PNG has two pixels a point.
pub const WIDTH: f64 = 880.0;
/// Height of a chart in points.
pub const HEIGHT: f64 = 512.0;
/// Empty border around everything, points.
pub const MARGIN: f64 = 16.0;
/// Left end of every panel, points: room for tick labels and an axis title.
pub const PANEL_LEFT: f64 = 64.0;
/// Right end of panels whose lines are labelled at their ends, points.
pub const PANEL_RIGHT: f64 = 726.0;

/// An opaque colour: red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Text and emphasis.
pub const INK: Color = Color(0x1f, 0x29, 0x33);
/// Axes and secondary text.
pub const MUTED: Color = Color(0x5c, 0x69, 0x76);
/// Grid lines.
const GRID: Color = Color(0xe4, 0xe9, 0xed);
/// Background.
pub const PAPER: Color = Color(0xff, 0xff, 0xff);
/// The stable version.
pub const STABLE: Color = Color(0x8e, 0xa4, 0xbb);
/// Text and lines about the stable version, or about the typical request.
pub const STABLE_INK: Color = Color(0x4b, 0x66, 0x82);
/// Stable replicas that do not serve yet.
pub const STABLE_TINT: Color = Color(0xe1, 0xe7, 0xee);
/// The new version.
pub const NEW: Color = Color(0x1b, 0x7f, 0x79);
/// New replicas that do not serve yet; bands around lines in [`NEW`].
pub const NEW_TINT: Color = Color(0xcf, 0xe5, 0xe2);
/// What costs and does not serve: draining, surge.
pub const COSTLY: Color = Color(0xe9, 0xb3, 0x66);
/// Bands around lines about it.
pub const COSTLY_TINT: Color = Color(0xf7, 0xe6, 0xcc);
/// Text about it.
pub const COSTLY_INK: Color = Color(0x85, 0x53, 0x0c);
/// Harm to users, and the bounds that say what harm is.
pub const ALERT: Color = Color(0xb3, 0x26, 0x1e);

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stroke {
    /// Its colour.
    pub color: Color,
    /// Its width, points.
    pub width: f64,
    /// Lengths of dash and gap, points; `None`: solid.
    pub dash: Option<(f64, f64)>,
}

impl Stroke {
    /// A solid line.
    pub const fn solid(color: Color, width: f64) -> Stroke {
        Stroke { color, width, dash: None }
    }

    /// A dashed line.
    pub const fn dashed(color: Color, width: f64) -> Stroke {
        Stroke { color, width, dash: Some((5.0, 3.0)) }
    }

    /// A dotted line.
    pub const fn dotted(color: Color, width: f64) -> Stroke {
        Stroke { color, width, dash: Some((1.2, 2.4)) }
    }
}

/// Axis lines and ticks.
pub const AXIS_STROKE: Stroke = Stroke::solid(MUTED, 0.9);
/// Grid lines.
pub const GRID_STROKE: Stroke = Stroke::solid(GRID, 0.8);
/// Lines from a label to what it names.
pub const LEADER_STROKE: Stroke = Stroke::solid(MUTED, 0.7);
/// Bounds that must hold.
pub const BOUND_STROKE: Stroke = Stroke::solid(ALERT, 1.5);
/// Data.
pub const DATA_STROKE: Stroke = Stroke::solid(NEW, 1.6);
/// Data of the second rank.
pub const SECOND_STROKE: Stroke = Stroke::dashed(STABLE_INK, 1.6);
/// What was recorded, under the lines that are held against it.
pub const RECORDED_STROKE: Stroke = Stroke::solid(STABLE, 4.0);
/// The first of the lines that are held against one another.
pub const FIRST_RIVAL_STROKE: Stroke = Stroke::dotted(COSTLY_INK, 1.8);
/// The second of them.
pub const SECOND_RIVAL_STROKE: Stroke = Stroke::dashed(INK, 1.4);
/// The third of them.
pub const THIRD_RIVAL_STROKE: Stroke = Stroke::solid(NEW, 1.6);
/// Whiskers of intervals.
pub const WHISKER_STROKE: Stroke = Stroke::solid(INK, 0.9);
/// Where the rollout starts.
pub const START_STROKE: Stroke = Stroke::dashed(MUTED, 0.9);

/// Where operators or the world do something.
pub const ACTION_STROKE: Stroke = Stroke::dotted(INK, 1.1);
/// Where a rollout is given up.
pub const VERDICT_STROKE: Stroke = Stroke::dotted(ALERT, 1.4);
/// Where a rollout ends.
pub const END_STROKE: Stroke = Stroke::dotted(MUTED, 1.1);

/// Lines of a hatching.
pub const HATCH_STROKE: Stroke = Stroke::solid(INK, 0.6);
/// Ends of a spread that is not filled.
pub const SPREAD_STROKE: Stroke = Stroke::dotted(STABLE_INK, 1.0);

/// Lines of a sweep, as many as can be told apart.
pub const SWEEP_STROKES: [Stroke; 6] = [
    Stroke::solid(NEW, 1.8),
    Stroke::dashed(STABLE_INK, 1.6),
    Stroke::dotted(COSTLY_INK, 1.8),
    Stroke::dashed(ALERT, 1.6),
    Stroke::solid(INK, 1.4),
    Stroke::dotted(INK, 1.8),
];
/// One of several things that are drawn alike: its line, and the fill of its band.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    /// Its line.
    pub stroke: Stroke,
    /// Its band.
    pub tint: Color,
}

/// Those that are held against one another, as many as can be told apart.
pub fn rivals() -> Vec<Rival> {
    let tints = [NEW_TINT, STABLE_TINT, COSTLY_TINT];
    let rival = |(at, stroke): (usize, &Stroke)| Rival { stroke: *stroke, tint: tints[at % tints.len()] };
    SWEEP_STROKES.iter().enumerate().map(rival).collect()
}

/// The least value of a heat map.
pub const HEAT_LEAST: Color = Color(0xf1, 0xf6, 0xf6);
/// The greatest value of a heat map.
pub const HEAT_GREATEST: Color = Color(0x0e, 0x52, 0x4e);

/// Size of a title, points.
pub const TITLE_SIZE: f64 = 17.0;
/// Size of the line under the title.
pub const SUBTITLE_SIZE: f64 = 11.0;
/// Size of axis titles and labels.
pub const LABEL_SIZE: f64 = 10.5;
/// Size of tick labels.
pub const TICK_SIZE: f64 = 10.0;
/// Size of intervals and remarks.
pub const SMALL_SIZE: f64 = 9.0;
/// Distance between lines of text, as a multiple of their size.
pub const LINE_HEIGHT: f64 = 1.3;
