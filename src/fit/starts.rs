//! Where expectation-maximisation begins: lengths cut at quantiles, and sharp peaks apart from the rest.

use super::expectation::Part;
use super::grid::Grid;

/// Quantiles at which the lengths are cut in two or three.
const CUTS: [f64; 11] = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];
/// Quantiles at which what is beside a peak is cut in two.
const CUTS_BESIDE: [f64; 5] = [0.15, 0.3, 0.5, 0.7, 0.85];
/// Peaks that are tried.
const PEAKS: usize = 5;
/// Width of a peak, as a difference of logarithms.
const PEAK_WIDTH: f64 = 0.06;
/// Least distance between two peaks, as a difference of logarithms.
const APART: f64 = 0.15;
/// Standard deviation of the logarithm with which a peak begins.
const PEAK_SIGMA: f64 = 0.03;
/// Least with which anything else begins.
const LEAST_SIGMA: f64 = 0.05;

/// A non-empty interval: the logarithm of its middle, and how many values it holds.
type Point = (f64, f64);

/// Starts for a mixture of one, two or three lognormals, always the same for the same grid.
pub(super) fn starts(grid: &Grid, size: usize) -> Vec<Vec<Part>> {
    let points = points(grid);
    let total = grid.total;
    let starts: Vec<Vec<Part>> = match size {
        1 => Vec::new(),
        2 => in_two(&points, &CUTS, total).chain(beside_peaks(&points, &[], total)).collect(),
        _ => in_three(&points, total).into_iter().chain(beside_peaks(&points, &CUTS_BESIDE, total)).collect(),
    };
    // A single part, or too few points to be cut.
    let whole = part(&points, total);
    if starts.is_empty() { vec![vec![Part { weight: 1.0 / size as f64, ..whole }; size]] } else { starts }
}

fn points(grid: &Grid) -> Vec<Point> {
    let intervals = grid.edges.windows(2).zip(&grid.counts).filter(|(_, count)| **count > 0.0);
    intervals.map(|(ends, count)| (((ends[0] + ends[1]) / 2.0).ln(), *count)).collect()
}

fn weight(points: &[Point]) -> f64 {
    points.iter().map(|(_, count)| count).sum()
}

/// The lognormal with the moments of these points, which are some of all.
fn part(points: &[Point], total: f64) -> Part {
    let all = weight(points);
    let mu = points.iter().map(|(at, count)| at * count).sum::<f64>() / all;
    let squares = points.iter().map(|(at, count)| (at - mu).powi(2) * count).sum::<f64>();
    Part { weight: all / total, mu, sigma: (squares / all).sqrt().max(LEAST_SIGMA) }
}

/// The place that leaves about this share of the points' weight before it, and at least one point on each side; `None`
/// for a single point.
fn cut(points: &[Point], share: f64) -> Option<usize> {
    let wanted = share * weight(points);
    let mut before = 0.0;
    let reached = points.iter().position(|(_, count)| {
        before += count;
        before >= wanted
    });
    let last = points.len().checked_sub(1).filter(|last| *last > 0)?;
    Some(reached.map_or(last, |place| place + 1).clamp(1, last))
}

/// A part on each side of each cut.
fn in_two(points: &[Point], cuts: &[f64], total: f64) -> impl Iterator<Item = Vec<Part>> {
    let places = cuts.iter().filter_map(|share| cut(points, *share));
    places.map(move |place| vec![part(&points[..place], total), part(&points[place..], total)])
}

/// A part before, between and after each pair of cuts.
fn in_three(points: &[Point], total: f64) -> Vec<Vec<Part>> {
    let places: Vec<usize> = CUTS.iter().filter_map(|share| cut(points, *share)).collect();
    let pairs = places.iter().enumerate().flat_map(|(i, one)| places[i + 1..].iter().map(move |other| (*one, *other)));
    pairs
        .filter(|(one, other)| one < other)
        .map(|(one, other)| {
            vec![part(&points[..one], total), part(&points[one..other], total), part(&points[other..], total)]
        })
        .collect()
}

/// A part on each peak, and the rest as one part or, with cuts, as two; with cuts also on each pair of peaks.
fn beside_peaks(points: &[Point], cuts: &[f64], total: f64) -> Vec<Vec<Part>> {
    let peaks = peaks(points);
    let on = |peak: &Peak| Part { sigma: PEAK_SIGMA, ..part(&points[peak.from..peak.to], total) };
    let mut starts = Vec::new();
    for (number, peak) in peaks.iter().enumerate() {
        let rest: Vec<Point> = points[..peak.from].iter().chain(&points[peak.to..]).copied().collect();
        if rest.is_empty() {
            continue;
        }
        if cuts.is_empty() {
            starts.push(vec![on(peak), part(&rest, total)]);
            continue;
        }
        for sides in in_two(&rest, cuts, total) {
            starts.push([vec![on(peak)], sides].concat());
        }
        for other in &peaks[number + 1..] {
            let beside = |at: &&Point| !(points[other.from].0..=points[other.to - 1].0).contains(&at.0);
            let rest: Vec<Point> = rest.iter().filter(beside).copied().collect();
            if !rest.is_empty() {
                starts.push(vec![on(peak), on(other), part(&rest, total)]);
            }
        }
    }
    starts
}

/// A narrow range of points with much weight.
#[derive(Clone, Copy, Debug)]
struct Peak {
    from: usize,
    to: usize,
    weight: f64,
}

/// The heaviest narrow ranges, apart from one another.
fn peaks(points: &[Point]) -> Vec<Peak> {
    let mut to = 0;
    let mut ranges: Vec<Peak> = (0..points.len())
        .map(|from| {
            while to < points.len() && points[to].0 <= points[from].0 + PEAK_WIDTH {
                to += 1;
            }
            Peak { from, to, weight: weight(&points[from..to]) }
        })
        .collect();
    ranges.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    let mut peaks: Vec<Peak> = Vec::new();
    for range in ranges {
        let is_apart = |peak: &Peak| (points[peak.from].0 - points[range.from].0).abs() > APART;
        if peaks.len() < PEAKS && peaks.iter().all(is_apart) {
            peaks.push(range);
        }
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::super::counts::tests::counts_of;
    use super::*;

    #[test]
    fn every_start_has_its_size_and_all_the_weight() {
        let grid = Grid::of(&counts_of((0..3_000u32).map(|i| if i % 4 == 0 { 75 } else { 1 + i * i % 1_789 })));
        for (size, least) in [(1, 1), (2, 16), (3, 80)] {
            let starts = starts(&grid, size);
            assert!(starts.len() >= least, "{} of {size}", starts.len());
            for start in starts {
                assert_eq!(start.len(), size);
                assert!((start.iter().map(|part| part.weight).sum::<f64>() - 1.0).abs() < 1e-9, "{start:?}");
            }
        }
    }

    #[test]
    fn the_heaviest_peak_is_tried() {
        let grid = Grid::of(&counts_of((0..3_000u32).map(|i| if i % 4 == 0 { 75 } else { 1 + i * i % 1_789 })));
        let peaked = starts(&grid, 2).into_iter().find(|start| start[0].sigma == PEAK_SIGMA).expect("a peak");
        assert!((peaked[0].mu.exp() - 75.0).abs() < 2.0 && peaked[0].weight > 0.25, "{peaked:?}");
    }

    #[test]
    fn two_values_can_be_cut_and_one_cannot() {
        assert_eq!(cut(&[(0.0, 5.0), (1.0, 5.0)], 0.95), Some(1));
        assert_eq!(cut(&[(0.0, 5.0)], 0.5), None);
    }
}
