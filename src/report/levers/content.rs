//! The tables and sentences about levers that people read, in no form yet.

use super::broken::{MARK, parts, why_dropped};
use crate::digits::{DIGITS, NONE, decimals, fixed};
use crate::ledger::{Metric, WATERFALL};
use crate::report::format::{Quantity, counted, difference, estimate, in_dollars, value};
use crate::study::Estimate;
use crate::study::levers::{Fewest, LeversResult, Point, Together, Turned};

/// The row of today's engine.
pub const AS_IT_IS: &str = "as it is";

/// A relative change in per cent: `-49.8 % [-50.1, -49.5]`, `+0.3 %`.
pub fn change(estimate: &Estimate) -> String {
    if estimate.value.is_nan() {
        return NONE.to_owned();
    }
    let decimals = if estimate.value.abs() < 0.01 { 2 } else { 1 };
    let signed = |share: f64| {
        let text = fixed(100.0 * share, decimals);
        let is_zero = text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.'));
        match share {
            _ if is_zero => text.trim_start_matches('-').to_owned(),
            share if share > 0.0 => format!("+{text}"),
            _ => text,
        }
    };
    let interval =
        estimate.interval.map(|(low, high)| format!(" [{}, {}]", signed(low), signed(high))).unwrap_or_default();
    format!("{} %{interval}", signed(estimate.value))
}

/// A change without an interval.
fn plain_change(share: f64) -> String {
    change(&Estimate { value: share, interval: None })
}

fn texts<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Over what.
pub fn extent(result: &LeversResult) -> String {
    let interrupted = if result.partial { "INTERRUPTED: " } else { "" };
    let runs = counted(result.base.records.len() as u64, "run");
    let others: Vec<&str> = (result.levers.iter())
        .filter(|turned| !turned.same.unequal.is_empty())
        .map(|turned| turned.lever.name.as_str())
        .collect();
    let but = if others.is_empty() { String::new() } else { format!(" but {}", others.join(", ")) };
    format!("{interrupted}{runs}, in each the same requests for every lever{but}; intervals are 95 %")
}

/// The scenario as it is.
pub fn today(result: &LeversResult) -> String {
    let (today, fleet) = (&result.today, &result.base.scenario.fleet);
    let gpus = match fleet.gpus_per_replica {
        1 => "one GPU".to_owned(),
        many => format!("{many} GPUs"),
    };
    format!(
        "{} per million output tokens with {} of {gpus} at {} an hour, {} utilized; TTFT P99 {}, TPOT P99 {}; the paper formula says {}",
        estimate(&today.price, Quantity::Usd),
        counted(u64::from(today.replicas), "replica"),
        value(fleet.gpu_hour_usd, Quantity::Usd),
        estimate(&today.utilization, Quantity::Share),
        estimate(&today.ttft, Quantity::Seconds),
        estimate(&today.tpot, Quantity::Seconds),
        estimate(&result.formula_today, Quantity::Usd),
    )
}

/// The promise that a fleet must keep.
pub fn bound(result: &LeversResult) -> String {
    if let Some(reason) = &result.fixed_fleet {
        return format!("the fleet's size is left alone: {reason}");
    }
    format!("a smaller fleet must keep: {}", parts(&result.promise).join("; "))
}

fn replicas(today: &Point, fewest: &Fewest) -> String {
    match fewest {
        Fewest::Found { point, .. } if point.replicas == today.replicas => today.replicas.to_string(),
        Fewest::Found { point, .. } => format!("{} -> {}", today.replicas, point.replicas),
        Fewest::OutOfReach(_) => "none".to_owned(),
        Fewest::NotSought => "-".to_owned(),
    }
}

fn of_point(fewest: &Fewest, text: impl Fn(&Point) -> String) -> String {
    fewest.point().map_or_else(|| "-".to_owned(), text)
}

/// The change of the price against today, with a mark where the fleet breaks the bound.
fn marked(point: &Point) -> String {
    let change = if point.change.estimate.value == 0.0 { "0 %".to_owned() } else { change(&point.change.estimate) };
    if point.keeps_bound() { change } else { format!("{change}{MARK}") }
}

/// What the marks mean; `None` where there are none.
pub fn legend(result: &LeversResult) -> Option<String> {
    let sames = result.levers.iter().map(|turned| &turned.same).chain([&result.today]);
    let broken = sames.chain(result.together.iter().map(|together| &together.same)).any(|same| !same.keeps_bound());
    broken.then(|| "!: this fleet breaks the bound (see WHAT BREAKS THE BOUND): no saving that may be had".to_owned())
}

/// What each lever does to the price: by the formula, with the fleet as it is, with the least one.
pub fn prices(result: &LeversResult) -> Vec<Vec<String>> {
    let mut rows = vec![texts(["lever", "formula", "same fleet", "replicas", "fewest replicas", "saves"])];
    let resized = |fewest: &Fewest| of_point(fewest, |point| change(&point.change.estimate));
    let today = &result.today;
    if result.fixed_fleet.is_none() {
        let name = AS_IT_IS.to_owned();
        rows.push(vec![
            name,
            "0 %".to_owned(),
            marked(today),
            replicas(today, &result.fewest_today),
            resized(&result.fewest_today),
            String::new(),
        ]);
    }
    rows.extend(result.levers.iter().map(|turned| {
        vec![
            turned.lever.name.clone(),
            plain_change(turned.formula_change),
            marked(&turned.same),
            if matches!(turned.fewest, Fewest::NotSought) && turned.same.replicas != today.replicas {
                format!("{} -> {}", today.replicas, turned.same.replicas)
            } else {
                replicas(today, &turned.fewest)
            },
            resized(&turned.fewest),
            turned.verdict.words().to_owned(),
        ]
    }));
    if let Some(together) = &result.together {
        rows.push(vec![
            "together".to_owned(),
            plain_change(together.formula_change),
            marked(&together.same),
            replicas(today, &together.fewest),
            resized(&together.fewest),
            String::new(),
        ]);
    }
    rows
}

/// The columns of what a fleet does to users.
const USERS: [&str; 7] = ["lever", "TTFT P99", "TPOT P99", "lost", "utilized", "$/1M", "kept"];

/// What each lever does to users with the same fleet, against today.
pub fn users_same(result: &LeversResult) -> Vec<Vec<String>> {
    let row = |name: &str, point: &Point| {
        let latency = |estimate: &Estimate| difference(estimate, Quantity::Seconds);
        user_row(name, point, [latency(&point.ttft_difference), latency(&point.tpot_difference)])
    };
    let levers = result.levers.iter().map(|turned| row(&turned.lever.name, &turned.same));
    let together = result.together.iter().map(|together| row("together", &together.same));
    std::iter::once(texts(USERS)).chain(levers).chain(together).collect()
}

/// What each lever does to users with the fewest replicas; no more than the header where none were sought.
pub fn users_fewest(result: &LeversResult) -> Vec<Vec<String>> {
    let row = |name: &str, fewest: &Fewest| {
        let point = fewest.point()?;
        let latency = |estimate: &Estimate| self::estimate(estimate, Quantity::Seconds);
        Some(user_row(name, point, [latency(&point.ttft), latency(&point.tpot)]))
    };
    let today = row(AS_IT_IS, &result.fewest_today);
    let levers = result.levers.iter().filter_map(|turned| row(&turned.lever.name, &turned.fewest));
    let together = result.together.iter().filter_map(|together| row("together", &together.fewest));
    std::iter::once(texts(USERS)).chain(today).chain(levers).chain(together).collect()
}

fn user_row(name: &str, point: &Point, [ttft, tpot]: [String; 2]) -> Vec<String> {
    let unanswered = Estimate { interval: None, ..point.unanswered };
    vec![
        name.to_owned(),
        ttft,
        tpot,
        plain_change(unanswered.value),
        value(point.utilization.value, Quantity::Share),
        value(point.price.value, Quantity::Usd),
        if point.keeps_bound() { "yes" } else { "no" }.to_owned(),
    ]
}

/// What all that helped comes to, or why there is no more than one.
pub fn together(result: &LeversResult) -> String {
    if result.partial {
        return "interrupted before they could be turned together".to_owned();
    }
    let Some(together) = &result.together else {
        let helped: Vec<&str> = result
            .levers
            .iter()
            .filter(|turned| turned.helps().is_some())
            .map(|turned| turned.lever.name.as_str())
            .collect();
        let than = if result.fixed_fleet.is_none() { "today's engine with its own fewest replicas" } else { "today" };
        return match helped.as_slice() {
            [] => format!("no lever is shown to be cheaper than {than}"),
            [only] => format!("only {only} is shown to be cheaper than {than}"),
            several => {
                format!("{} are shown to be cheaper than {than}; no two can be turned together", several.join(", "))
            }
        };
    };
    let point = together.fewest.point().unwrap_or(&together.same);
    let least = if result.fixed_fleet.is_none() { ", today's own least fleet among them," } else { "" };
    let names = match together.names.as_slice() {
        [only] => format!("{only} alone is the cheapest that keeps the bound"),
        names => names.join(" + "),
    };
    let mut text = format!(
        "{}: {} per million output tokens, {}, with {}; the product of the single changes{least} would be {}; the formula \
         says {} at today's utilization",
        names,
        estimate(&point.price, Quantity::Usd),
        change(&point.change.estimate),
        counted(u64::from(point.replicas), "replica"),
        plain_change(together.product_change),
        plain_change(together.formula_change),
    );
    text.push_str(&dropped(together));
    text
}

fn dropped(together: &Together) -> String {
    let dropped = together.dropped.iter().map(|left| format!("; without {}: {}", left.name, why_dropped(left)));
    dropped.collect()
}

/// From ideal to actual, today and at best, each part with its interval.
pub fn waterfall(result: &LeversResult) -> Vec<Vec<String>> {
    let best = result.best();
    let mut header = texts(["USD per million output tokens", "today", "95 %"]);
    header.extend(best.iter().flat_map(|(name, _)| [name.clone(), "95 %".to_owned()]));
    let points: Vec<&Point> = std::iter::once(&result.today).chain(best.iter().map(|(_, point)| *point)).collect();
    let decimals = decimals(result.today.price.value, DIGITS).max(3);
    let row = |name: &str, of: &dyn Fn(&Point) -> Estimate| {
        let cells = points.iter().flat_map(|point| dollars(&of(point), decimals));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let parts = WATERFALL.iter().enumerate().map(|(i, (_, name))| row(name, &|point| point.waterfall[i]));
    std::iter::once(header).chain(parts).chain([row("price", &|point| point.price)]).collect()
}

/// A number of dollars and its interval, in cells of their own.
fn dollars(estimate: &Estimate, decimals: usize) -> [String; 2] {
    if estimate.value.is_nan() {
        return [NONE.to_owned(), String::new()];
    }
    let ends = |(low, high): (f64, f64)| format!("[{}, {}]", fixed(low, decimals), fixed(high, decimals));
    [in_dollars(&fixed(estimate.value, decimals)), estimate.interval.map_or_else(String::new, ends)]
}

/// What each lever is and sets.
pub fn meanings(result: &LeversResult) -> Vec<(String, String, String)> {
    let of = |turned: &Turned| {
        let mut sentence = turned.lever.sentence.clone();
        if !turned.same.unequal.is_empty() {
            let keys = crate::report::differing(&turned.same.unequal);
            sentence.push_str(&format!(" (not the same requests: {keys})"));
        }
        (turned.lever.name.clone(), sentence, turned.same.settings.join(", "))
    };
    result.levers.iter().map(of).collect()
}

/// How to read the figures, in a few sentences.
pub fn reading() -> String {
    let metric = Metric::UsdPerMillionOutput.name();
    format!(
        "Changes are of the mean of {metric} against today, run by run. The formula is asked for the lever's own saturated rate \
         at today's utilization, a fleet's size at its own. \"Fewest replicas\" is the least fleet that keeps the bound; \
         a lever saves if that is cheaper than the first row's, today's engine with its own least fleet. It has no spare for \
         a lost node, nor for a peak that the scenario does not have: --max-utilization 85% keeps some. Lost: how \
         many more of the requests than today are refused, dropped, cut or timed out, in percentage points."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_in_per_cent_with_their_sign_and_finer_near_nothing() {
        let with = |value, low, high| Estimate { value, interval: Some((low, high)) };
        assert_eq!(change(&with(-0.4981, -0.501, -0.495)), "-49.8 % [-50.1, -49.5]");
        assert_eq!(change(&with(0.003, -0.00004, 0.0061)), "+0.30 % [0.00, +0.61]");
        assert_eq!(change(&with(0.0, 0.0, 0.0)), "0 % [0, 0]");
        assert_eq!(plain_change(0.25), "+25.0 %");
        assert_eq!(plain_change(f64::NAN), "n/a");
    }
}
