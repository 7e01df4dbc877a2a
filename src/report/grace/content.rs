//! What the report on grace periods says: its sentences and its tables.

use crate::digits::figure;
use crate::report::format::{self, Quantity, counted, difference};
use crate::report::layout::glued;
use crate::study::grace::{FEWEST_EFFECTIVE_RUNS, GraceAnswer, Method, Probability, Standing, Target};
use crate::study::{Change, Difference, Estimate};

/// Numbers below this are written as powers of ten.
const SMALL: f64 = 1e-3;

/// A number that may be very small: `12.3`, `0.0123`, `1.23e-6`.
pub fn small(value: f64) -> String {
    if value != 0.0 && value.abs() < SMALL { format!("{value:.2e}") } else { format::value(value, Quantity::Plain) }
}

/// An end of an interval that may be very small: two digits.
fn small_end(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}

/// An estimate that may be very small, with its interval.
fn small_estimate(estimate: &Estimate) -> String {
    let high = estimate.interval.map_or(0.0, |(_, high)| high);
    let magnitude = if estimate.value == 0.0 { high } else { estimate.value };
    if magnitude >= SMALL || magnitude == 0.0 || !magnitude.is_finite() {
        return format::estimate(estimate, Quantity::Plain);
    }
    match estimate.interval {
        Some((low, high)) => format!("{} [{}, {}]", small(estimate.value), small_end(low), small_end(high)),
        None => small(estimate.value),
    }
}

/// What was simulated, how often.
pub fn extent(answer: &GraceAnswer) -> String {
    let interrupted = if answer.partial { "INTERRUPTED: " } else { "" };
    let study = &answer.scenario.study;
    let costs = if answer.cost_runs < answer.runs && answer.cost_runs > 0 {
        format!(", costs from the first {}", answer.cost_runs)
    } else {
        String::new()
    };
    format!(
        "{} ({}): {interrupted}{}{costs}, seed {}; intervals are 95\u{a0}%",
        answer.scenario.name.trim(),
        answer.scenario.hash.get(..12).unwrap_or_default(),
        counted(answer.runs, "run"),
        study.seed
    )
}

/// What the target is about, in words.
fn quantity(target: Target) -> &'static str {
    match target {
        Target::Probability(_) => "the probability that a rollout cuts any answer",
        Target::Count(_) => "the expected number of answers that a rollout cuts",
    }
}

/// The answer in a sentence.
pub fn headline(answer: &GraceAnswer) -> String {
    let (quantity, target) = (quantity(answer.target), figure(answer.target.value()));
    if let Some(at) = answer.smallest {
        let period = &answer.periods[at];
        let whose = if at == answer.today { "Today's grace period" } else { "A grace period" };
        if period.is_settled {
            return format!(
                "{whose} of {} is enough: in all of {}, even the longest answer that there may be would have ended before \
                 SIGKILL, in a drain slower by a quarter than the slowest ({quantity}; target: {target}).",
                period.grace,
                counted(answer.runs, "run")
            );
        }
        return format!(
            "{whose} of {} is enough: {quantity} is at most {}, with 95 % confidence (target: {target}).",
            period.grace,
            small(period.upper_bound)
        );
    }
    let longest = answer.periods.last().map_or(String::new(), |period| {
        let why = match period.standing {
            Standing::TooFewRuns if period.effective_runs == 0.0 => format!(
                "no run cuts any answer, and {} show no more than a bound of {}",
                counted(answer.runs, "run"),
                small(period.upper_bound)
            ),
            Standing::TooFewRuns => format!(
                "the 95 % bound is {}, because few runs make up its estimate: as many as {} of equal values, where \
                 {FEWEST_EFFECTIVE_RUNS} know how heavy one may be",
                small(period.upper_bound),
                figure(period.effective_runs)
            ),
            _ => format!("the 95 % bound is {}", small(period.upper_bound)),
        };
        format!(" Of the longest, {}, {why}.", period.grace)
    });
    format!(
        "No grace period that was looked at is shown to keep {quantity} at {target} or below.{longest} {}",
        advice(answer)
    )
    .trim_end()
    .to_owned()
}

/// What to do where no period is shown to be enough.
fn advice(answer: &GraceAnswer) -> &'static str {
    match (answer.method, answer.periods.last().map(|period| period.standing)) {
        (Method::CountedAtAbort, _) => {
            "The server drops everything at SIGTERM, so that no grace period beyond the preStop hook helps: let it drain \
             (termination.on_sigterm), or lengthen termination.pre_stop and the grace period with it."
        }
        (_, Some(Standing::Exceeds)) => "Look at longer ones (--periods).",
        _ => "Simulate more runs (--runs), or look at longer ones (--periods).",
    }
}

/// What today's period does.
pub fn today(answer: &GraceAnswer) -> String {
    let period = &answer.periods[answer.today];
    let at_most = if answer.probability == Probability::AtMost { "at most " } else { "" };
    format!(
        "Today's {}: {} answers cut a rollout; the probability of any is {at_most}{}.",
        period.grace,
        glued(&small_estimate(&period.truncated)),
        glued(&small_estimate(&period.probability))
    )
}

/// The periods and the answers that they cut, a header first.
pub fn cuts(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let any = match answer.probability {
        Probability::Exact => "chance of any",
        Probability::AtMost => "chance of any, at most",
        Probability::Counted => "share of runs with any",
    };
    let mut rows = vec![["grace", "", "cut a rollout", any, "95 % bound", ""].map(str::to_owned).to_vec()];
    rows.extend(answer.periods.iter().enumerate().map(|(at, period)| {
        let mark = match (at == answer.today, answer.smallest == Some(at)) {
            (true, true) => "today, enough",
            (true, false) => "today",
            (false, true) => "enough",
            (false, false) => "",
        };
        vec![
            period.grace.to_string(),
            mark.to_owned(),
            small_estimate(&period.truncated),
            small_estimate(&period.probability),
            if period.is_settled { "settled".to_owned() } else { small(period.upper_bound) },
            period.standing.words().to_owned(),
        ]
    }));
    rows
}

/// The periods that were simulated and what they cost against today's, a header first.
pub fn costs(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let mut rows = vec![["grace", "rollout, against today", "bill, against today"].map(str::to_owned).to_vec()];
    for period in &answer.periods {
        let Some(of) = &period.cost else { continue };
        rows.push(vec![period.grace.to_string(), cost(&of.duration, Quantity::Seconds), cost(&of.bill, Quantity::Usd)]);
    }
    rows
}

/// The periods of which more can be said than how many answers they cut after their first token: those cut before it, and
/// what was counted. A header first.
pub fn counts(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let header = ["grace", "cut before a token", "counted a run", "variance of counting over ours"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (at, period) in answer.periods.iter().enumerate() {
        let counted = period.counted.as_ref().filter(|_| answer.method == Method::Conditional);
        let is_worth_a_row = counted.is_some_and(|counted| counted.truncated.value > 0.0);
        let is_today = at == answer.today && counted.is_some();
        if !is_today && !is_worth_a_row && period.dropped.value == 0.0 {
            continue;
        }
        let ratio = counted.and_then(|counted| counted.variance_ratio.as_ref());
        let none = || "n/a".to_owned();
        rows.push(vec![
            period.grace.to_string(),
            small_estimate(&period.dropped),
            counted.map_or_else(none, |counted| small_estimate(&counted.truncated)),
            ratio.map_or_else(none, |ratio| format::estimate(ratio, Quantity::Plain)),
        ]);
    }
    rows
}

fn cost(of: &Difference, quantity: Quantity) -> String {
    match of.change {
        Change::Identical => "as today".to_owned(),
        Change::NotComparable => format!("{} one-sided", counted(of.unpaired, "run")),
        _ => difference(&of.difference, quantity),
    }
}

/// How this was found, and what must be known to read it.
pub fn notes(answer: &GraceAnswer) -> Vec<String> {
    let mut notes = vec![method_note(answer)];
    notes.extend(feedback_note(answer));
    notes.push(probability_note(answer.probability).to_owned());
    if answer.shutdowns == 0.0 {
        notes.push("No replica was shut down with anything in flight in any run.".to_owned());
    }
    if answer.truncated_otherwise.value > 0.0 {
        notes.push(format!(
            "Crashes and lost nodes cut {} answers a run besides; they are not counted above, and no grace period helps.",
            glued(&format::estimate(&answer.truncated_otherwise, Quantity::Plain))
        ));
    }
    if answer.periods.iter().any(|period| period.is_settled) {
        notes.push(
            "Where the bound is `settled`, no run cuts any answer, and none would if each were as long as it may be and its \
             drain slower by a quarter than the slowest of all runs: taken as enough for any target, which intervals of so \
             many runs cannot show."
                .to_owned(),
        );
    }
    if answer.unfinished > 0 {
        notes.push(format!(
            "In {} today's rollout had not finished when the window ended: what is shut down later may be missing above.",
            counted(answer.unfinished, "run")
        ));
    }
    let today = answer.periods[answer.today].counted.as_ref();
    if let Some(ratio) = today.and_then(|counted| counted.variance_ratio.as_ref()) {
        notes.push(format!(
            "At today's period counting cut answers would need {} times as many runs for the same precision.",
            glued(&format::estimate(ratio, Quantity::Plain))
        ));
    }
    notes.push(format!("The 95 % bound is one-sided, of {}; it decides how a period stands.", quantity(answer.target)));
    notes.push(
        "Where runs agree, bounds and intervals are those of a mean, else Fay and Feuer's (1997) for rare weighted events: \
         they reckon with one more run as bad as the worst seen, or worse where few runs make up an estimate or none cuts \
         any."
            .to_owned(),
    );
    notes
}

fn method_note(answer: &GraceAnswer) -> String {
    match answer.method {
        Method::Conditional => {
            "Cut answers are expected numbers: for each answer in flight at a SIGTERM, the probability \
                                that it is longer than what it has emitted at SIGKILL, given what was seen of it \
                                (conditional Monte Carlo)."
                .to_owned()
        }
        Method::CountedWithoutLaw(why) => format!(
            "Cut answers are counted (brute force), each period simulated anew on the same requests, because {}: what no \
             run shows is not told.",
            why.words()
        ),
        Method::CountedAtAbort => "Cut answers are counted: the server drops everything at SIGTERM \
                                   (termination.on_sigterm = \"abort\"), which comes when the preStop hook ends or the \
                                   grace period, whichever is first. A grace period beyond the hook changes nothing."
            .to_owned(),
    }
}

fn feedback_note(answer: &GraceAnswer) -> Option<String> {
    if answer.method != Method::Conditional {
        return None;
    }
    let reasons: Vec<&str> = answer.feedback.iter().map(|reason| reason.words()).collect();
    Some(if reasons.is_empty() {
        "One simulation tells of all periods with the same SIGTERM: here the end of a drain changes nothing for others."
            .to_owned()
    } else {
        format!("Each period is simulated anew, on the same requests, because {}.", reasons.join("; "))
    })
}

fn probability_note(probability: Probability) -> &'static str {
    match probability {
        Probability::Exact => {
            "The probability of any cut is that of independent answers, which they are here: steps take a constant time \
             and nobody waits for another."
        }
        Probability::AtMost => {
            "The probability of any cut is at most the expected number (union bound); answers are not independent of one \
             another here, so that it may be less."
        }
        Probability::Counted => "The probability of any cut is the share of runs that cut one.",
    }
}

/// Where the answer comes from, a header first.
pub fn provenance(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let study = &answer.scenario.study;
    [
        ("what", "value".to_owned()),
        ("version", format!("cutover {}", env!("CARGO_PKG_VERSION"))),
        ("scenario hash (SHA-256)", format!("`{}`", answer.scenario.hash)),
        ("seed", study.seed.to_string()),
        ("runs", answer.runs.to_string()),
        ("runs with costs", answer.cost_runs.to_string()),
        ("measured window", study.duration.to_string()),
    ]
    .map(|(what, value)| vec![what.to_owned(), value])
    .to_vec()
}
