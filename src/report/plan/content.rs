//! What a plan says, in sentences and tables that the terminal and Markdown share.

use super::Planned;
use super::ranking::{label, ranking, short_keys, standing};
use crate::digits::percent_as_given;
use crate::ledger::Metric;
use crate::report::content::check_line;
use crate::report::format::{Quantity, counted, difference, estimate, given, value};
use crate::report::layout::glued;
use crate::report::terminal::mark;
use crate::scenario::{Check, Tolerance};
use crate::study::plan::{Ending, Feasibility, Probability, RESAMPLES, Ranked, Standing};
use crate::study::{Estimate, Verdict, wilson};

/// Candidates that are told; the files have all.
const MOST_TOLD: usize = 10;

/// What is minimised over what.
pub fn question(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let mut parts = vec![counted(outcome.candidates.len() as u64, "candidate")];
    if !planned.left_out.is_empty() {
        parts.push(format!("{} left out (no scenario)", planned.left_out.len()));
    }
    if !planned.unequal.is_empty() {
        let keys = crate::report::differing(planned.unequal);
        parts.push(format!("not all on the same requests ({keys}): luck does not cancel between them"));
    }
    if planned.repeated > 0 {
        parts.push(format!("{} the same as another", planned.repeated));
    }
    let checks = counted(outcome.rules.checks.len() as u64, "check");
    format!(
        "least {} (mean over runs) that meets {checks}; {}, at most {} each, seed {}; intervals are 95 %",
        outcome.rules.objective.name(),
        parts.join(", "),
        counted(outcome.rules.max_runs, "run"),
        planned.scenario.study.seed
    )
}

/// The tolerance as it was given, with what it comes to.
pub fn tolerance(planned: &Planned<'_>) -> String {
    let (quantity, outcome) = (Quantity::of(planned.outcome.rules.objective), planned.outcome);
    match outcome.rules.tolerance {
        Tolerance::Absolute(tolerance) => given(tolerance, quantity),
        Tolerance::Share(share) if outcome.tolerance.is_nan() => percent_as_given(share),
        Tolerance::Share(share) => format!("{} ({})", percent_as_given(share), value(outcome.tolerance, quantity)),
    }
}

/// The headline: the best, or that there is none.
pub fn headline(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let Some(best) = outcome.best.map(|best| &outcome.candidates[best]) else {
        if outcome.candidates.iter().all(|candidate| candidate.standing == Standing::Empty) {
            let objective = outcome.rules.objective.name();
            return format!("Every candidate has a run without a value of {objective}: there is nothing to compare.");
        }
        let is_certain = outcome.candidates.iter().all(|candidate| candidate.standing != Standing::Open);
        return match (outcome.ending, is_certain) {
            (Ending::Interrupted, _) => "Interrupted: no candidate has met the checks so far.".to_owned(),
            (_, true) => "No candidate meets the checks.".to_owned(),
            (_, false) => "No candidate seems to meet the checks; of some the runs did not tell.".to_owned(),
        };
    };
    let objective = outcome.rules.objective;
    let prefix = match outcome.ending {
        Ending::Decided => "Best",
        Ending::Interrupted => "Interrupted; best so far",
        _ => "Best guess",
    };
    format!(
        "{prefix}: {}, with {} {} over {}",
        label(planned, best),
        objective.name(),
        glued(&estimate(&best.metric(objective).mean, Quantity::of(objective))),
        counted(best.runs, "run"),
    )
}

/// That no candidate could be said to meet the checks with the runs that are allowed, and how many it takes; empty where
/// they are enough.
pub fn too_few_runs(planned: &Planned<'_>) -> String {
    let rules = &planned.outcome.rules;
    let Some(needed) = planned.outcome.fewest_runs else { return String::new() };
    format!(
        "No candidate can be certified to meet the checks: among {} that takes at least {} of the best one, even if every \
         run speaks for it, and at most {} are allowed. Use `--runs {needed}` or more.",
        glued(&counted(planned.outcome.candidates.len() as u64, "candidate")),
        glued(&counted(needed, "run")),
        rules.max_runs
    )
}

/// How sure that is.
pub fn confidence(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let Some(best) = outcome.best.map(|best| &outcome.candidates[best]) else { return String::new() };
    let meets = if outcome.rules.checks.is_empty() { "" } else { "it meets the checks, and that " };
    let among = if outcome.rules.checks.is_empty() { "" } else { " that meets them" };
    let claim = format!(
        "{meets}no other candidate{among} has less {} by more than {}",
        outcome.rules.objective.name(),
        glued(&tolerance(planned))
    );
    let mut text = match outcome.ending {
        Ending::Decided => format!("With at least 95 % confidence (all looks and comparisons together) {claim}."),
        _ => format!(
            "It is not certain, at 95 % confidence, that {claim}. Confidence reached: {}, which is what the runs prove (all \
             looks and comparisons together).",
            percent_as_given((100.0 * outcome.confidence).floor() / 100.0)
        ),
    };
    if outcome.ending != Ending::Decided {
        text.push_str(&what_is_open(planned, best.feasibility));
    }
    if let Some(probability) = outcome.probability {
        text.push_str(&stability(planned, probability));
    }
    text
}

/// How often other runs would choose the same, told so that nobody takes it for the confidence.
fn stability(planned: &Planned<'_>, probability: Probability) -> String {
    let share = probability.share;
    let interval = wilson((share * RESAMPLES as f64).round() as u64, RESAMPLES as u64);
    let meets = if planned.outcome.rules.checks.is_empty() { "is" } else { "meets the checks and is" };
    format!(
        " How stable the choice is, which proves nothing: in {} of {RESAMPLES} resamples of {} it {meets} best within the \
         tolerance by its estimates, among {} not ruled out.",
        glued(&estimate(&Estimate { value: share, interval }, Quantity::Share)),
        counted(probability.runs as u64, "run"),
        counted(probability.candidates as u64, "candidate")
    )
}

/// Those that cost less and fail a check, which a reader will ask for; empty without any.
pub fn cheaper(planned: &Planned<'_>) -> String {
    let outcome = planned.outcome;
    let excess = |candidate: &Ranked| candidate.excess.map_or(f64::INFINITY, |excess| excess.value);
    let fails = |candidate: &&Ranked| matches!(candidate.standing, Standing::Breaks(_)) && excess(candidate) < 0.0;
    let cheaper: Vec<&Ranked> = outcome.candidates.iter().filter(fails).collect();
    let Some(least) = cheaper.iter().min_by(|a, b| excess(a).total_cmp(&excess(b))) else { return String::new() };
    let (Standing::Breaks(check), Some(difference_to_best)) = (least.standing, &least.excess) else {
        return String::new();
    };
    let objective = outcome.rules.objective;
    let found = check_line(&least.checks[check]);
    format!(
        "Less {} by the estimates, but failing a check: {}. The least: {}, {}, fails {}: {}.",
        objective.name(),
        counted(cheaper.len() as u64, "candidate"),
        label(planned, least),
        glued(&difference(difference_to_best, Quantity::of(objective))),
        found.claim,
        glued(&found.found)
    )
}

/// What more runs would have to settle.
fn what_is_open(planned: &Planned<'_>, feasibility: Feasibility) -> String {
    let outcome = planned.outcome;
    let open = (outcome.candidates.iter().enumerate())
        .filter(|(index, candidate)| Some(*index) != outcome.best && candidate.standing == Standing::Open)
        .count();
    let mut text = String::new();
    if feasibility == Feasibility::Undecided && !outcome.rules.checks.is_empty() {
        text.push_str(" Its checks hold by their estimates, and are not certified.");
    }
    if open > 0 {
        let others = if open == 1 { "1 other".to_owned() } else { format!("{open} others") };
        text.push_str(&format!(" {others} may still be better by more than that."));
    }
    text
}

/// The check that binds, by how much, and what would help; empty where a best one was found.
pub fn diagnosis(planned: &Planned<'_>) -> Vec<String> {
    let outcome = planned.outcome;
    let Some(diagnosis) = &outcome.diagnosis else { return Vec::new() };
    let mut lines: Vec<String> = (diagnosis.failed.iter())
        .map(|failed| {
            let claim = claim(&outcome.rules.checks[failed.check]);
            format!("{} of {} fail {claim}", failed.candidates, counted(outcome.candidates.len() as u64, "candidate"))
        })
        .collect();
    if let (Some(nearest), Some(binding)) = (diagnosis.nearest, diagnosis.binding) {
        let check = &outcome.rules.checks[binding];
        let found = check_line(&outcome.candidates[nearest].checks[binding]).found;
        let is_relative = check.max.or(check.min) != Some(0.0);
        let beyond = if is_relative {
            format!("{} beyond the bound", value(diagnosis.violation, Quantity::Share))
        } else {
            "where the bound is zero".to_owned()
        };
        lines.push(format!(
            "nearest: {}, with {} {} of {}, {beyond}",
            label(planned, &outcome.candidates[nearest]),
            check.metric,
            check.statistic.name(),
            glued(&found)
        ));
        if let Some(help) = &diagnosis.help {
            let axis = &planned.axes[help.axis];
            let quantity = Metric::by_name(&check.metric).map_or(Quantity::Plain, Quantity::of);
            lines.push(format!(
                "what helps most: {} = {}, with which {} {} is {} on average over candidates, else {}",
                axis.key,
                axis.values[help.value],
                check.metric,
                check.statistic.name(),
                value(help.with, quantity),
                value(help.without, quantity)
            ));
        }
    }
    lines
}

/// A check's claim: `truncated_attempts p95 <= 0`.
pub fn claim(check: &Check) -> String {
    let found = crate::study::CheckResult {
        metric: check.metric.clone(),
        statistic: check.statistic,
        min: check.min,
        max: check.max,
        estimate: Estimate { value: f64::NAN, interval: None },
        severity: check.severity,
        description: None,
        verdict: Verdict::Inconclusive,
        explanation: String::new(),
    };
    check_line(&found).claim
}

/// The candidates that are told, in order.
pub fn told(planned: &Planned<'_>) -> Vec<usize> {
    let mut order = ranking(planned);
    let last = planned.as_written.filter(|written| !order[..order.len().min(MOST_TOLD)].contains(written));
    order.truncate(MOST_TOLD - usize::from(last.is_some()));
    order.extend(last);
    order
}

/// Some candidates in a table with a header: settings, objective, standing, then what they do.
pub fn table(planned: &Planned<'_>, told: &[usize]) -> Vec<Vec<String>> {
    let rules = &planned.outcome.rules;
    let others = [cut_metric(&rules.checks), Metric::RolloutDuration, Metric::PeakGpus, planned.money()];
    let metrics: Vec<Metric> = others.into_iter().filter(|metric| *metric != rules.objective).collect();
    let axes = told_axes(planned, told);
    let keys = short_keys(planned.axes);
    let mut header = vec!["#".to_owned()];
    header.extend(axes.iter().map(|axis| keys[*axis].clone()));
    header.extend(["standing", rules.objective.name(), "more than best", "runs", "checks"].map(str::to_owned));
    header.extend(metrics.iter().map(|metric| short_name(*metric).to_owned()));
    let row = |index: &usize| row(planned, *index, &axes, &metrics);
    let mut table: Vec<Vec<String>> = std::iter::once(header).chain(told.iter().map(row)).collect();
    // From right to left, so that places stay what they are.
    for (at, is_empty) in [(axes.len() + 5, rules.checks.is_empty()), (axes.len() + 3, planned.outcome.best.is_none())]
    {
        if is_empty {
            table.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    table
}

/// Which count of cut answers is told: of requests where only these are checked, else of attempts.
fn cut_metric(checks: &[Check]) -> Metric {
    let is_checked = |metric: Metric| checks.iter().any(|check| check.metric == metric.name());
    match is_checked(Metric::TruncatedRequests) && !is_checked(Metric::TruncatedAttempts) {
        true => Metric::TruncatedRequests,
        false => Metric::TruncatedAttempts,
    }
}

/// What is told of one candidate, under the header of [`table`].
fn row(planned: &Planned<'_>, index: usize, axes: &[usize], metrics: &[Metric]) -> Vec<String> {
    let (candidate, objective) = (&planned.outcome.candidates[index], planned.outcome.rules.objective);
    let mean = |metric: &Metric| estimate(&candidate.metric(*metric).mean, Quantity::of(*metric));
    let value = |axis: &usize| {
        let value = candidate.assignment[*axis].map(|value| &planned.axes[*axis].values[value]);
        value.map_or("-", |value| value.trim_matches('"')).to_owned()
    };
    let marks: String = candidate.checks.iter().map(|check| mark(check.verdict).0).collect();
    let excess = candidate.excess.filter(|_| Some(index) != planned.outcome.best);
    let excess = excess.map_or("-".to_owned(), |excess| difference(&excess, Quantity::of(objective)));
    let mut cells = vec![number(planned, index)];
    cells.extend(axes.iter().map(value));
    cells.extend([standing(planned, index), mean(&objective), excess, candidate.runs.to_string(), marks]);
    cells.extend(metrics.iter().map(mean));
    cells
}

/// The axes that have several values, and one for some candidate that is told.
fn told_axes(planned: &Planned<'_>, told: &[usize]) -> Vec<usize> {
    let has_say = |axis: usize| told.iter().any(|index| planned.outcome.candidates[*index].assignment[axis].is_some());
    (0..planned.axes.len()).filter(|axis| planned.axes[*axis].values.len() > 1 && has_say(*axis)).collect()
}

/// The number by which a candidate is told, with a star at what the scenario does as written.
fn number(planned: &Planned<'_>, index: usize) -> String {
    let star = if planned.as_written == Some(index) { "*" } else { "" };
    format!("{}{star}", index + 1)
}

/// A metric's name where there is little room.
fn short_name(metric: Metric) -> &'static str {
    match metric {
        Metric::RolloutDuration => "duration",
        other => other.name(),
    }
}

/// What the table's marks mean.
pub fn legend(planned: &Planned<'_>) -> String {
    let told = told(planned).len();
    let mut parts = Vec::new();
    let checks: Vec<String> = planned.outcome.rules.checks.iter().map(claim).collect();
    if !checks.is_empty() {
        parts.push(format!("checks, in this order, by ordinary 95 % intervals: {}", checks.join("; ")));
    }
    if planned.as_written.is_some() {
        parts.push("* the scenario as written".to_owned());
    }
    if let more @ 1.. = planned.outcome.candidates.len() - told {
        parts.push(format!("{} more in plan.csv", counted(more as u64, "candidate")));
    }
    parts.join("; ")
}

/// Combinations that are no scenarios, each reason once with how many it concerns.
pub fn left_out(planned: &Planned<'_>) -> Vec<String> {
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for left_out in planned.left_out {
        match reasons.iter_mut().find(|(reason, _)| *reason == left_out.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&left_out.reason, 1)),
        }
    }
    reasons
        .iter()
        .map(|(reason, count)| format!("left out, {}: {reason}", counted(*count as u64, "combination")))
        .collect()
}
