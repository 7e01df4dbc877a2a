//! How narrow the intervals became that a precision was asked for, and what it would take where they did not.

use crate::digits::{figure, percent};
use crate::report::format::{Quantity, counted, value};
use crate::study::{Ended, Precision, Standing, StudyResult};

/// A sentence for each target, and why the study ended; empty where no precision was asked for.
pub fn sentences(result: &StudyResult) -> Vec<String> {
    let Some(precision) = &result.precision else { return Vec::new() };
    let runs = result.records.len() as u64;
    let mut sentences: Vec<String> = precision.standings.iter().map(|standing| one(standing, runs)).collect();
    sentences.push(ended(precision, runs));
    sentences
}

fn one(standing: &Standing, runs: u64) -> String {
    let target = &standing.target;
    let quantity = Quantity::of(target.measure.metric);
    let name = target.measure.name();
    let asked = match (target.relative, target.absolute) {
        (relative, 0.0) => percent(relative),
        (0.0, absolute) => value(absolute, quantity),
        (relative, absolute) => format!("{} or {}", percent(relative), value(absolute, quantity)),
    };
    if standing.distance.is_infinite() {
        return format!("{name} has no finite interval yet; asked for \u{b1}{asked}");
    }
    let share = standing.distance / standing.value.abs();
    let distance = match target.relative > 0.0 && share.is_finite() {
        true => format!("{} ({})", value(standing.distance, quantity), percent(share)),
        false => value(standing.distance, quantity),
    };
    if standing.is_reached() {
        return format!("{name} is known to \u{b1}{distance}, as asked for (\u{b1}{asked})");
    }
    if standing.allowed == 0.0 {
        return format!(
            "{name} is known to \u{b1}{distance}; \u{b1}{asked} of an estimate of zero is nothing: give an \
                        absolute width too, such as {}={},0.1",
            target.measure.name(),
            percent(target.relative).replace(' ', "")
        );
    }
    // The distance shrinks with the square root of the number of runs.
    let needed = runs as f64 * (standing.distance / standing.allowed).powi(2);
    let digits = 10f64.powf((needed.log10().floor() - 1.0).max(0.0));
    let needed = (needed / digits).ceil() * digits;
    format!("{name} is known to \u{b1}{distance}, not to \u{b1}{asked}: about {} runs would do", figure(needed))
}

fn ended(precision: &Precision, runs: u64) -> String {
    let done = counted(runs, "run");
    let ended = match precision.ended {
        Ended::Reached => format!("precise enough after {done}"),
        Ended::AllRuns => format!("not precise enough after all {done} that were allowed (--max-runs)"),
        Ended::OutOfTime => format!("not precise enough when the time was over, after {done} (--time-budget)"),
        Ended::Interrupted => format!("interrupted after {done}"),
    };
    match precision.looks.len() {
        0 | 1 => ended,
        looks => format!(
            "{ended}; intervals are of {} standard errors, so that they hold at 95 % over all {looks} looks that were \
             planned",
            figure(precision.standard_errors)
        ),
    }
}
