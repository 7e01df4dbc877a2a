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
pub const GRID: Color = Color(0xe4, 0xe9, 0xed);
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
/// Data of the new version beside that of all.
pub const NEW_VERSION_STROKE: Stroke = Stroke::dotted(COSTLY_INK, 1.8);
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

/// How colours look to people, for tests.
#[cfg(test)]
pub mod vision {
    use super::Color;

    /// Least difference of lightness, of 100, between neighbours in a grey print: a reader tells about half of it.
    pub const LEAST_LIGHTNESS: f64 = 8.0;
    /// Least distance in CIELAB between what colour alone tells apart; about 2.3 is just noticeable (Mahy et al. 1994).
    pub const LEAST_DISTANCE: f64 = 12.0;

    /// Whose eyes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Vision {
        /// All three cones.
        Common,
        /// Without long-wave cones.
        Protanopia,
        /// Without middle-wave cones.
        Deuteranopia,
    }

    impl Vision {
        /// Every one.
        pub const ALL: [Vision; 3] = [Vision::Common, Vision::Protanopia, Vision::Deuteranopia];

        /// From linear RGB to what is seen: Machado, Oliveira and Fernandes 2009, severity 1.
        fn matrix(self) -> [[f64; 3]; 3] {
            match self {
                Vision::Common => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
                Vision::Protanopia => [
                    [0.152_286, 1.052_583, -0.204_868],
                    [0.114_503, 0.786_281, 0.099_216],
                    [-0.003_882, -0.048_116, 1.051_998],
                ],
                Vision::Deuteranopia => [
                    [0.367_322, 0.860_646, -0.227_968],
                    [0.280_085, 0.672_501, 0.047_413],
                    [-0.011_820, 0.042_940, 0.968_881],
                ],
            }
        }
    }

    fn times(matrix: [[f64; 3]; 3], vector: [f64; 3]) -> [f64; 3] {
        matrix.map(|row| row.iter().zip(vector).map(|(factor, part)| factor * part).sum())
    }

    /// CIELAB under D65 of a colour of sRGB (IEC 61966-2-1) as it is seen.
    fn lab(color: Color, vision: Vision) -> [f64; 3] {
        let linear = [color.0, color.1, color.2].map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        let seen = times(vision.matrix(), linear).map(|part| part.clamp(0.0, 1.0));
        let to_xyz = [
            [0.412_456_4, 0.357_576_1, 0.180_437_5],
            [0.212_672_9, 0.715_152_2, 0.072_175_0],
            [0.019_333_9, 0.119_192_0, 0.950_304_1],
        ];
        let [x, y, z] = times(to_xyz, seen);
        let root = |t: f64| if t > 216.0 / 24_389.0 { t.cbrt() } else { (24_389.0 / 27.0 * t + 16.0) / 116.0 };
        let (x, y, z) = (root(x / 0.950_47), root(y), root(z / 1.088_83));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// Lightness, 0 to 100: what a grey print keeps.
    pub fn lightness(color: Color) -> f64 {
        lab(color, Vision::Common)[0]
    }

    /// Distance in CIELAB as it is seen.
    pub fn distance(one: Color, other: Color, vision: Vision) -> f64 {
        let squares = lab(one, vision).into_iter().zip(lab(other, vision)).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::vision::{LEAST_DISTANCE, Vision, distance, lightness};
    use super::*;

    #[test]
    fn lightness_is_that_of_cielab() {
        assert!((lightness(PAPER) - 100.0).abs() < 0.01 && lightness(Color(0, 0, 0)).abs() < 0.01);
        // sRGB's middle grey, 119, is 50 of CIELAB.
        assert!((lightness(Color(119, 119, 119)) - 50.0).abs() < 0.2);
    }

    #[test]
    fn lines_of_one_chart_differ_in_their_dashes_or_to_every_eye() {
        for (i, one) in SWEEP_STROKES.iter().enumerate() {
            for other in &SWEEP_STROKES[..i] {
                let apart = Vision::ALL.map(|vision| distance(one.color, other.color, vision));
                let least = apart.into_iter().fold(f64::INFINITY, f64::min);
                assert!(one.dash != other.dash || least >= LEAST_DISTANCE, "{one:?} and {other:?}: {apart:?}");
            }
        }
        let rivals = [RECORDED_STROKE, FIRST_RIVAL_STROKE, SECOND_RIVAL_STROKE, THIRD_RIVAL_STROKE];
        for (i, one) in rivals.iter().enumerate() {
            assert!(rivals[..i].iter().all(|other| one.dash != other.dash || one.width != other.width), "{one:?}");
        }
    }

    #[test]
    fn words_can_be_read_on_paper() {
        // A lightness of 50 has a contrast of 4.5 to white, which WCAG 2 asks for.
        for ink in [INK, MUTED, STABLE_INK, NEW, COSTLY_INK, ALERT] {
            assert!(lightness(ink) <= 50.0, "{ink:?}: {}", lightness(ink));
        }
    }
}
