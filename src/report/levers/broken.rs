//! Sentences about the bound: what a fleet must keep, and which part of it was broken, with the number that broke it.

use super::content::{AS_IT_IS, change};
use crate::digits::{NONE, percent_as_given};
use crate::ledger::Metric;
use crate::report::format::{Quantity, difference, estimate, given, value};
use crate::scenario::{Check, Statistic};
use crate::study::levers::{Bound, Breach, Dropped, Fewest, LeversResult, Point, Promise, UNANSWERED, WhyDropped};

/// Beside a change of the price where the fleet breaks the bound.
pub const MARK: &str = " !";

/// The parts of the promise, each in words.
pub fn parts(promise: &Promise) -> Vec<String> {
    let mut parts = vec![match promise.ttft {
        Bound::Seconds(bound) => format!("TTFT P99 within {}, its whole interval", value(bound, Quantity::Seconds)),
        Bound::Today => "a mean TTFT P99 no longer than today's".to_owned(),
    }];
    let unanswered = percent_as_given(UNANSWERED);
    parts.push(format!("at most {unanswered} more of the requests than today without their whole answer"));
    if let Some(seconds) = promise.missed_seconds {
        let seconds = value(seconds, Quantity::Seconds);
        parts.push(format!("the SLO missed for at most {seconds} a run longer than today"));
    }
    match promise.checks.as_slice() {
        [] => {}
        [check] => parts.push(format!("the check that holds today: {}", of_check(check))),
        checks => {
            let checks: Vec<String> = checks.iter().map(of_check).collect();
            parts.push(format!("the checks that hold today: {}", checks.join(", ")));
        }
    }
    parts.extend(promise.utilization.map(|most| format!("utilization within {}", percent_as_given(most))));
    parts
}

fn of_check(check: &Check) -> String {
    let named = named(&check.metric, check.statistic);
    format!("{named}{}", bounds(&check.metric, (check.min, check.max)))
}

fn named(metric: &str, statistic: Statistic) -> String {
    format!("{metric} {}", statistic.name())
}

fn quantity(metric: &str) -> Quantity {
    Metric::by_name(metric).map_or(Quantity::Plain, Quantity::of)
}

fn bounds(metric: &str, (min, max): (Option<f64>, Option<f64>)) -> String {
    let bound = |word: &str, bound: Option<f64>| {
        bound.map_or_else(String::new, |bound| format!(" {word} {}", given(bound, quantity(metric))))
    };
    format!("{}{}", bound("at least", min), bound("at most", max))
}

/// What broke, and by which number.
pub fn breach(promise: &Promise, breach: &Breach) -> String {
    match breach {
        Breach::Ttft(found) => {
            let bound = match promise.ttft {
                Bound::Seconds(bound) => value(bound, Quantity::Seconds),
                Bound::Today => NONE.to_owned(),
            };
            format!("TTFT P99 {}, not within {bound}", estimate(found, Quantity::Seconds))
        }
        Breach::TtftDifference(found) => {
            format!("TTFT P99 {} longer than today", difference(found, Quantity::Seconds))
        }
        Breach::Unanswered(found) => {
            let more = difference(found, Quantity::Share);
            format!("{more} of the requests without their whole answer, not within +{} points", 100.0 * UNANSWERED)
        }
        Breach::Missed(found) => {
            let most = promise.missed_seconds.map_or_else(|| NONE.to_owned(), |most| value(most, Quantity::Seconds));
            format!(
                "the SLO missed for {} a run against today, not within +{most}",
                difference(found, Quantity::Seconds)
            )
        }
        Breach::Check(found) => format!(
            "{} {}, not{}",
            named(&found.metric, found.statistic),
            estimate(&found.estimate, quantity(&found.metric)),
            bounds(&found.metric, (found.min, found.max)),
        ),
        Breach::Utilization(found) => {
            let most = promise.utilization.map_or_else(|| NONE.to_owned(), percent_as_given);
            format!("{} utilized, not within {most}", estimate(found, Quantity::Share))
        }
    }
}

/// What broke, in one sentence without a full stop.
pub fn breaches(promise: &Promise, broken: &[Breach]) -> String {
    broken.iter().map(|one| breach(promise, one)).collect::<Vec<String>>().join("; ")
}

/// For every lever: what the same fleet broke, and why its least fleet is no smaller.
pub fn rows(result: &LeversResult) -> Vec<Vec<String>> {
    let mut rows = vec![["lever", "replicas", "what broke"].map(str::to_owned).to_vec()];
    rows.extend(rows_of(&result.promise, AS_IT_IS, &result.today, &result.fewest_today));
    for turned in &result.levers {
        rows.extend(rows_of(&result.promise, &turned.lever.name, &turned.same, &turned.fewest));
    }
    if let Some(together) = &result.together {
        rows.extend(rows_of(&result.promise, "together", &together.same, &together.fewest));
    }
    rows
}

fn rows_of(promise: &Promise, name: &str, same: &Point, fewest: &Fewest) -> Vec<Vec<String>> {
    let row = |replicas: u32, text: String| vec![name.to_owned(), replicas.to_string(), text];
    let mut rows = Vec::new();
    if !same.keeps_bound() {
        rows.push(row(same.replicas, breaches(promise, &same.breaches)));
    }
    let stop = match fewest {
        Fewest::Found { stop, point, .. } if stop.is_none() && point.replicas > 1 => {
            rows.push(row(point.replicas - 1, "not tried: the traffic exceeds its saturated rate".to_owned()));
            None
        }
        Fewest::Found { stop, .. } => stop.as_ref(),
        Fewest::OutOfReach(stop) => Some(stop),
        Fewest::NotSought => None,
    };
    // A search upwards from the same fleet may end beside it.
    if let Some(stop) = stop.filter(|stop| same.keeps_bound() || stop.replicas != same.replicas) {
        let text = match stop.breaches.as_slice() {
            [] => "the scenario's other keys do not allow such a fleet".to_owned(),
            broken => breaches(promise, broken),
        };
        rows.push(row(stop.replicas, text));
    }
    rows
}

/// Why a lever that helped is not turned with the others, without a full stop.
pub fn why_dropped(dropped: &Dropped) -> String {
    match &dropped.why {
        WhyDropped::Refused(reason) => reason.clone(),
        WhyDropped::Dearer { without } if without.estimate.value.is_nan() => {
            "with it the bound is broken, whatever the fleet".to_owned()
        }
        WhyDropped::Dearer { without } => {
            format!("leaving it out changes the price by {}", change(&without.estimate))
        }
        WhyDropped::Alone(name) => format!("{name} alone is cheaper"),
    }
}
