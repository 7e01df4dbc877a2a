//! About how many runs would show how a grace period stands to its target.

use super::super::intervals::bisect;
use super::Period;
use super::bound::{FEWEST_EFFECTIVE_RUNS, Values, runs_without_an_event};

/// More times as many runs than this are not told: nobody waits for them, and these runs know too little of them.
const MOST_TIMES: f64 = 1e4;
/// Significant digits of what is told, at most.
const DIGITS: i32 = 2;

/// About how many runs it takes until the upper bound of `tested` is at or below the target, or the lower bound of `seen`
/// above it, if further runs go as these did; rounded up to two digits. `None` where it is shown already, where there is
/// no run, and where no number up to ten thousand times as many runs would do.
pub fn runs_needed(tested: Values, seen: Option<Values>, target: f64) -> Option<u64> {
    let shows = |times: f64| {
        let exceeds = |seen: Values| seen.times(times).lower_bound() > target;
        tested.times(times).upper_bound() <= target || seen.is_some_and(exceeds)
    };
    if tested.runs() == 0.0 || shows(1.0) || !shows(MOST_TIMES) {
        return None;
    }
    // Bounds close in on the mean, so that what is shown once is shown by any more runs.
    let log = bisect(0.0, MOST_TIMES.ln(), 0.5, |log| f64::from(u8::from(shows(log.exp()))));
    Some(rounded_up(tested.runs() * log.exp()))
}

/// Where no run cuts any answer, an event is reckoned with that is lighter as soon as the next shorter period that cuts some
/// has a hundred effective runs: about how many runs it takes then, where these are fewer than otherwise.
pub fn with_what_shorter_periods_will_know(periods: &mut [Period], runs: f64, target: f64) {
    let mut shorter: Option<(f64, f64)> = None;
    for period in periods {
        if period.effective_runs > 0.0 {
            let greatest = period.expected_by_run.iter().copied().fold(0.0, f64::max);
            shorter =
                Some((period.effective_runs, greatest)).filter(|(effective, _)| *effective < FEWEST_EFFECTIVE_RUNS);
        } else if let (Some(needed), Some((effective, greatest))) = (period.runs_needed, shorter) {
            let known_in = runs * FEWEST_EFFECTIVE_RUNS / effective;
            period.runs_needed = Some(needed.min(rounded_up(known_in.max(runs_without_an_event(target / greatest)))));
        }
    }
}

/// The number, or the next greater one of two significant digits.
fn rounded_up(value: f64) -> u64 {
    let unit = 10f64.powi((value.log10().floor() as i32 + 1 - DIGITS).max(0));
    // What a bisection leaves undone is no reason for another unit.
    ((value / unit - 1e-6).ceil() * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_no_run_shows_needs_three_runs_over_the_target() {
        // -ln 5 % / 0.01 = 299.6; an event of weight 0.5 half of that.
        let zeros = |least_heavy| Values::new(&[0.0; 40], least_heavy);
        assert_eq!(runs_needed(zeros(1.0), Some(zeros(1.0)), 0.01), Some(300));
        assert_eq!(runs_needed(zeros(0.5), None, 0.01), Some(150));
        assert_eq!(runs_needed(zeros(0.5), None, 0.1), None, "shown already: 0.037");
        assert_eq!(runs_needed(zeros(1.0), None, 1e-9), None, "nobody waits for that");
    }

    #[test]
    fn so_many_runs_show_it_and_clearly_fewer_do_not() {
        // A mean of 0.1 of which a tenth of the runs tells.
        let values = |runs: usize| -> Vec<f64> { (0..runs).map(|run| f64::from(u8::from(run % 10 == 0))).collect() };
        for (target, meets) in [(0.13, true), (0.08, false)] {
            let of = |runs: usize| Values::new(&values(runs), 1.0);
            let needed = runs_needed(of(50), Some(of(50)), target).expect("an end") as usize;
            let shows = |runs: usize| {
                if meets { of(runs).upper_bound() <= target } else { of(runs).lower_bound() > target }
            };
            assert!(shows(needed + 10) && !shows(needed * 9 / 10), "{target}: {needed}");
        }
        // A mean above the target, of which nothing is seen.
        let none = Values::new(&[0.0; 50], 1.0);
        assert_eq!(runs_needed(Values::new(&values(50), 1.0), Some(none), 0.05), None);
    }

    #[test]
    fn numbers_are_rounded_up_to_two_digits() {
        assert_eq!([7.2, 100.0, 497.1, 12_345.0].map(rounded_up), [8, 100, 500, 13_000]);
    }
}
