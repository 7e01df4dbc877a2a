//! The lower axis of a sweep's lines: where the values of a key lie, and which of their names have room.

use super::axes::{Axis, Panel};
use super::canvas::text_width;
use super::{labels, theme};

/// Greatest value over least from which an axis of numbers is logarithmic.
const DECADE: f64 = 10.0;
/// Space between texts under the axis, points.
pub const GAP: f64 = 6.0;

/// Where the values of an axis lie.
pub struct Positions {
    /// A number for each value, in the order of the values.
    pub at: Vec<f64>,
    /// The axis under them.
    pub axis: Axis,
    /// Whether between two values there are others, so that a line between them means something.
    pub continuous: bool,
}

impl Positions {
    /// Numbers of one unit lie where they belong, logarithmically over a decade and more unless their steps are equal;
    /// anything else side by side.
    pub fn of(axis: &crate::scenario::Axis) -> Positions {
        let Some((at, _)) = axis.numbers().filter(|(at, _)| at.len() > 1) else {
            let count = axis.values.len();
            let at = (0..count).map(|index| index as f64).collect();
            return Positions { at, axis: Axis::linear(-0.5, count as f64 - 0.5), continuous: false };
        };
        let mut sorted = at.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
        let step = sorted[1] - low;
        let even = sorted.len() > 2 && sorted.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() < 1e-6 * step);
        let axis = if low > 0.0 && high / low >= DECADE && !even {
            let pad = (high / low).powf(0.05);
            Axis::logarithmic(low / pad, high * pad)
        } else {
            let pad = 0.05 * (high - low);
            Axis::linear(low - pad, high + pad)
        };
        Positions { at, axis, continuous: true }
    }
}

/// Room under a value: the least distance between two values, or of the outermost ones from the sheet's edges.
pub fn room_for_each(xs: &[f64], panel: &Panel) -> f64 {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let between = sorted.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let edges = sorted.first().map_or(f64::INFINITY, |first| 2.0 * (first - theme::MARGIN));
    let end = sorted.last().map_or(f64::INFINITY, |last| 2.0 * (theme::WIDTH - theme::MARGIN - last));
    between.min(edges).min(end).min(panel.right - panel.left)
}

/// The names that can stand side by side, from the left, each at its place and no wider than `room`.
pub fn thinned(xs: &[f64], names: &[String], room: f64) -> Vec<(f64, String)> {
    let mut sorted: Vec<(f64, &String)> = xs.iter().copied().zip(names).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut kept: Vec<(f64, String)> = Vec::new();
    let mut edge = f64::NEG_INFINITY;
    // Measuring takes time: what begins before the last one ends is left out unmeasured.
    for (x, name) in sorted {
        if x < edge + GAP {
            continue;
        }
        let name = labels::shorten(name, theme::TICK_SIZE, room);
        let half = text_width(&name, theme::TICK_SIZE, false) / 2.0;
        if x - half >= edge + GAP {
            edge = x + half;
            kept.push((x, name));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Axis as Swept, Unit};

    #[test]
    fn numbers_lie_where_they_belong_and_words_side_by_side() {
        let of = |text: &str| Positions::of(&Swept::parse(text).unwrap());
        let linear = of("a=30s,60s,2m");
        assert_eq!((linear.at, linear.axis.logarithmic, linear.continuous), (vec![30.0, 60.0, 120.0], false, true));
        assert!(of("a=10,1,2").axis.logarithmic && !of("a=0,2,10").axis.logarithmic);
        assert!(!of("a=1..40/1").axis.logarithmic && of("a=1..64*2").axis.logarithmic);
        let words = of("a=1,25%,50%");
        assert_eq!((words.at, words.continuous), (vec![0.0, 1.0, 2.0], false));
        assert_eq!(Swept::parse("a=5%,10%").unwrap().numbers().unwrap().1, Unit::Percent);
        let one = of("a=5");
        assert_eq!((one.at, one.continuous), (vec![0.0], false));
    }

    #[test]
    fn names_that_would_overlap_are_left_out() {
        let names = ["30s", "60s", "90s"].map(str::to_owned);
        assert_eq!(thinned(&[100.0, 200.0, 300.0], &names, 80.0).len(), 3);
        let kept = thinned(&[100.0, 105.0, 300.0], &names, 80.0);
        assert_eq!(kept.iter().map(|(_, name)| name.as_str()).collect::<Vec<&str>>(), ["30s", "90s"]);
    }
}
