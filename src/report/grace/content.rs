//! What the report on grace periods says: its sentences and its tables.

use crate::digits::{NONE, figure};
use crate::report::format::{self, Quantity, counted, difference};
use crate::report::layout::glued;
use crate::study::grace::{FEWEST_EFFECTIVE_RUNS, GraceAnswer, Method, Period, Probability, Standing, Target};
use crate::study::{Change, Difference, Estimate};

/// Numbers below this are written as powers of ten.
const SMALL: f64 = 1e-3;
/// An upper bound of a probability that is not below this says too little to be told where it was counted, too.
const TELLING: f64 = 0.5;

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
        "{interrupted}{}{costs}, seed {}; brackets are 95\u{a0}% intervals",
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
                "no run cuts any answer, but {} show no more than a bound of {}",
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
fn advice(answer: &GraceAnswer) -> String {
    if answer.method == Method::CountedAtAbort {
        return "The server drops everything at SIGTERM, so that no grace period beyond the preStop hook helps: let it \
                drain (termination.on_sigterm), or lengthen termination.pre_stop and the grace period with it."
            .to_owned();
    }
    let Some(longest) = answer.periods.last() else { return String::new() };
    let cuts_none = longest.effective_runs == 0.0;
    match longest.runs_needed {
        Some(needed) if longest.would_be_settled => {
            let settled = match needed as f64 >= FEWEST_EFFECTIVE_RUNS {
                true => format!(", which counts as settled in {FEWEST_EFFECTIVE_RUNS} runs or more"),
                false => String::new(),
            };
            format!(
                "Simulate {needed} runs or more (--runs {needed}). Longer periods cannot help: even the longest answer that \
                 there may be ends in time{settled}."
            )
        }
        Some(needed) if !cuts_none => {
            format!("Simulate about {needed} runs (--runs {needed}), or look at longer ones (--periods).")
        }
        Some(needed) if answer.method == Method::Conditional && answer.shutdowns > 0.0 => format!(
            "Simulate about {needed} runs (--runs {needed}), or {} and longer periods (--periods), in which even the \
             longest answer would end.",
            counted(answer.runs.max(FEWEST_EFFECTIVE_RUNS as u64), "run")
        ),
        Some(needed) => format!("Simulate about {needed} runs (--runs {needed}): a longer period cannot help."),
        None => "Look at longer ones (--periods).".to_owned(),
    }
}

/// What today's period does.
pub fn today(answer: &GraceAnswer) -> String {
    let period = &answer.periods[answer.today];
    let probability = glued(&small_estimate(&period.probability));
    let counted = match (answer.probability, answer.any(period)) {
        (Probability::AtMost, Some(any)) => {
            Some(format!("{} of runs cut any (counted)", glued(&format::estimate(&any, Quantity::Share))))
        }
        _ => None,
    };
    // A bound near one says nothing.
    let told = period.probability.interval.map_or(period.probability.value, |(_, high)| high) < TELLING;
    let any = match (answer.probability, counted) {
        (Probability::AtMost, Some(counted)) if told => {
            format!("{counted}; the probability of any is at most {probability}")
        }
        (_, Some(counted)) => counted,
        (Probability::AtMost, None) => format!("the probability of any is at most {probability}"),
        (Probability::Exact, None) => format!("the probability of any is {probability}"),
        (Probability::Counted, None) => format!("the share of runs with any is {probability} (counted)"),
    };
    format!("Today's {}: {} answers cut a rollout; {any}.", period.grace, glued(&small_estimate(&period.truncated)))
}

/// The periods and the answers that they cut, a header first.
pub fn cuts(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let any = match answer.probability {
        Probability::Exact => "chance of any",
        Probability::AtMost => "runs that cut any",
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
            match (answer.probability, answer.any(period)) {
                (Probability::AtMost, Some(any)) => format::estimate(&any, Quantity::Share),
                (Probability::AtMost, None) => NONE.to_owned(),
                _ => small_estimate(&period.probability),
            },
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
    notes.extend(needed_note(answer));
    notes.extend(settling_note(answer));
    notes.push(
        "Where runs agree, bounds and intervals are those of a mean, else Fay and Feuer's (1997) for rare weighted events: \
         they reckon with one more run as bad as the worst seen, or worse where few runs make up an estimate or none cuts \
         any."
            .to_owned(),
    );
    notes
}

/// The names of periods: `1m`; `1m, 2m and 3m`.
fn names(periods: &[&Period]) -> String {
    let names: Vec<String> = periods.iter().map(|period| period.grace.to_string()).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

/// How many runs would tell where these do not.
fn needed_note(answer: &GraceAnswer) -> Option<String> {
    let open: Vec<&Period> = answer.periods.iter().filter(|period| period.runs_needed.is_some()).collect();
    let needed = open.chunk_by(|one, next| one.runs_needed == next.runs_needed).map(|periods| {
        let runs = periods[0].runs_needed.map_or_else(String::new, |needed| needed.to_string());
        format!("{runs} of {}", names(periods))
    });
    let needed: Vec<String> = needed.collect();
    if needed.is_empty() {
        return None;
    }
    let few: Vec<&Period> = (open.iter().copied())
        .filter(|period| period.standing == Standing::TooFewRuns && period.effective_runs > 0.0)
        .collect();
    let why = if few.is_empty() {
        String::new()
    } else {
        let effective: Vec<String> = few.iter().map(|period| figure(period.effective_runs)).collect();
        format!(
            " At {} no more than {} effective runs make up the estimate: below {FEWEST_EFFECTIVE_RUNS} the bound reckons \
             with a run worse than any that was seen, from there on with the worst seen, and falls at once.",
            names(&few),
            effective.join(", ")
        )
    };
    let none = shorter_note(answer).unwrap_or_default();
    Some(format!("If more runs go as these did, about this many would tell: {}.{why}{none}", needed.join("; ")))
}

/// Why the bound falls at once in a few more runs where no run cuts any.
fn shorter_note(answer: &GraceAnswer) -> Option<String> {
    let last = answer.periods.iter().rposition(|period| period.effective_runs > 0.0)?;
    let cuts = &answer.periods[last];
    let longer = answer.periods.get(last + 1).filter(|period| period.runs_needed.is_some())?;
    (answer.method == Method::Conditional && cuts.effective_runs < FEWEST_EFFECTIVE_RUNS).then(|| {
        format!(
            " No run cuts any at {} or longer: there the bound reckons with the answer most likely to be the longest, but \
             with the worst run at {} as soon as {FEWEST_EFFECTIVE_RUNS} effective runs (here {}) tell of that one, and \
             falls at once.",
            longer.grace,
            cuts.grace,
            figure(cuts.effective_runs)
        )
    })
}

/// That periods would be settled, were there more runs.
fn settling_note(answer: &GraceAnswer) -> Option<String> {
    let would_be: Vec<&Period> = answer.periods.iter().filter(|period| period.would_be_settled).collect();
    (!would_be.is_empty()).then(|| {
        format!(
            "At {} even the longest answer that there may be would have ended before SIGKILL in every run, in a drain slower \
             by a quarter than the slowest; that counts as settled, enough for any target, only in {FEWEST_EFFECTIVE_RUNS} \
             runs or more.",
            names(&would_be)
        )
    })
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
            "The probability of any cut is at most the expected number (union bound), which is what the 95 % bound is of; \
             answers are not independent of one another here, so that it may be less. `runs that cut any` is what was \
             really seen in the runs that simulate the period, with Wilson's interval."
        }
        Probability::Counted => "The probability of any cut is the share of runs that cut one.",
    }
}

/// Where the answer comes from, a header first.
pub fn provenance(answer: &GraceAnswer) -> Vec<Vec<String>> {
    let study = &answer.scenario.study;
    [
        ("what", "value".to_owned()),
        ("version", format!("cutover {}", answer.scenario.read_by)),
        ("scenario hash (SHA-256)", format!("`{}`", answer.scenario.hash)),
        ("seed", study.seed.to_string()),
        ("runs", answer.runs.to_string()),
        ("runs with costs", answer.cost_runs.to_string()),
        ("measured window", study.duration.to_string()),
    ]
    .map(|(what, value)| vec![what.to_owned(), value])
    .to_vec()
}
