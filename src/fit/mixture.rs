//! Mixtures of lognormals: expectation-maximisation on grouped counts, from many starts, then refinement.
//!
//! The likelihood has many local maxima, and its greatest often spends a part on one sharp peak, such as the prompts of
//! one template, and leaves the bulk poorly covered. So every start goes its own way, and of all ends those are taken
//! further that are closest to the recorded lengths by [`super::closeness`], which is what counts for a simulation.
//! Nothing here is random, and nothing depends on time or on the number of threads.

use rayon::prelude::*;

use super::closeness::Target;
use super::expectation::{Part, arrive};
use super::grid::Grid;
use super::refine::{grid_distance, refine};
use super::starts::starts;

/// Ends that are refined.
const REFINED: usize = 16;
/// Ends whose distances differ by less are the same.
const SAME: f64 = 2e-4;

/// The closest mixture of so many lognormals, at least two, by ascending medians.
pub(super) fn closest(grid: &Grid, target: &Target, size: usize) -> Vec<Part> {
    let go = |start: Vec<Part>| {
        let parts = arrive(grid, start);
        (grid_distance(grid, &parts, target), parts)
    };
    let mut ends: Vec<(f64, Vec<Part>)> = starts(grid, size).into_par_iter().map(go).collect();
    // The sort is stable: among equals, the first start wins.
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    ends.dedup_by(|later, earlier| later.0 - earlier.0 < SAME);
    ends.truncate(REFINED);
    let mut refined: Vec<(f64, Vec<Part>)> = ends.into_par_iter().map(|(_, end)| refine(grid, &end, target)).collect();
    refined.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut parts = refined.swap_remove(0).1;
    parts.sort_by(|one, other| one.mu.total_cmp(&other.mu));
    parts
}

/// The most likely single lognormal.
pub(super) fn single(grid: &Grid) -> Part {
    arrive(grid, starts(grid, 1).swap_remove(0))[0]
}
