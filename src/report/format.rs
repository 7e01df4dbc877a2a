//! Numbers as people read them: three significant digits, a unit, the interval beside the estimate.
//!
//! Shared by everything that is read by people. Files for machines ([`super::csv`], [`super::json`]) do not use it.

use crate::digits::{self, DIGITS, NONE, decimals, percent_as_given};
use crate::ledger::Metric;
use crate::study::Estimate;

/// What kind of quantity a number is, which decides its unit and how it is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Seconds, written as µs, ms, s, min or h.
    Seconds,
    /// US dollars.
    Usd,
    /// A share from 0 to 1, written in percent.
    Share,
    /// Anything else, written with k, M or G.
    Plain,
}

impl Quantity {
    /// The kind of quantity that a metric is, by its unit.
    pub fn of(metric: Metric) -> Quantity {
        match metric.description().unit {
            "s" => Quantity::Seconds,
            "USD" => Quantity::Usd,
            "" => Quantity::Share,
            _ => Quantity::Plain,
        }
    }
}

/// How one number, and the ends of its interval with it, is scaled and rounded.
struct Scale {
    prefix: &'static str,
    factor: f64,
    decimals: usize,
    suffix: &'static str,
}

/// Units of time as (least magnitude in seconds that is written so, seconds in the unit, name).
const TIMES: [(f64, f64, &str); 5] =
    [(7_200.0, 3_600.0, " h"), (120.0, 60.0, " min"), (1.0, 1.0, " s"), (1e-3, 1e-3, " ms"), (0.0, 1e-6, " µs")];

/// Decimals of a percentage: a tenth, or as many more as show two digits of a small share, or tell one near 1 from it.
fn percent_decimals(share: f64) -> usize {
    let (share, rest) = (share.abs(), (1.0 - share).abs());
    if share == 0.0 || rest == 0.0 {
        return 0;
    }
    decimals(100.0 * share, 2).max(decimals(100.0 * rest, 1)).clamp(1, 5)
}

/// Decimals that tell the end of an interval from 0 and 1.
fn percent_end_decimals(share: f64) -> usize {
    let distance = share.abs().min((1.0 - share).abs());
    if distance == 0.0 { 0 } else { decimals(100.0 * distance, 1).clamp(1, 5) }
}

impl Scale {
    /// The scale for numbers of this magnitude.
    fn of(magnitude: f64, quantity: Quantity) -> Scale {
        let magnitude = if magnitude.is_finite() { magnitude.abs() } else { 0.0 };
        let scaled = |prefix, factor: f64, suffix| {
            let shown = magnitude / factor;
            let whole = shown < 1e4 && shown.fract() == 0.0;
            Scale { prefix, factor, decimals: if whole { 0 } else { decimals(shown, DIGITS) }, suffix }
        };
        match quantity {
            Quantity::Seconds if magnitude == 0.0 => scaled("", 1.0, " s"),
            Quantity::Seconds => {
                let (_, factor, name) = TIMES.iter().find(|(least, ..)| magnitude >= *least).unwrap_or(&TIMES[2]);
                scaled("", *factor, name)
            }
            Quantity::Usd => {
                let mut scale = multiple(magnitude, &scaled);
                // Cents, and more of them where three digits need more.
                scale.decimals = if scale.factor == 1.0 { decimals(magnitude, DIGITS).max(2) } else { scale.decimals };
                Scale { prefix: "$", ..scale }
            }
            Quantity::Share => Scale { prefix: "", factor: 0.01, decimals: percent_decimals(magnitude), suffix: " %" },
            Quantity::Plain => multiple(magnitude, &scaled),
        }
    }

    /// The number alone, without unit.
    fn number(&self, value: f64) -> String {
        digits::fixed(value / self.factor, self.decimals)
    }

    /// The number with its unit.
    fn with_unit(&self, value: f64) -> String {
        let number = self.number(value);
        if value.is_infinite() {
            return number;
        }
        match number.strip_prefix('-') {
            Some(rest) if !self.prefix.is_empty() => format!("-{}{rest}{}", self.prefix, self.suffix),
            _ => format!("{}{number}{}", self.prefix, self.suffix),
        }
    }
}

fn multiple(magnitude: f64, scaled: &dyn Fn(&'static str, f64, &'static str) -> Scale) -> Scale {
    let (factor, name) = digits::prefix(magnitude);
    scaled("", factor, name)
}

/// One number with its unit: `18.4M`, `47.3 min`, `1.91 s`, `12 ms`, `$1.07`, `99.6 %`; [`NONE`] for NaN.
pub fn value(value: f64, quantity: Quantity) -> String {
    if value.is_nan() { NONE.to_owned() } else { Scale::of(value, quantity).with_unit(value) }
}

/// An estimate with its interval in the same unit: `1.91 s [1.84, 1.98]`; without interval where there is none.
pub fn estimate(estimate: &Estimate, quantity: Quantity) -> String {
    if estimate.value.is_nan() {
        return NONE.to_owned();
    }
    let Some((low, high)) = estimate.interval else {
        return value(estimate.value, quantity);
    };
    // A zero takes the unit of its upper end, and what is infinite that of a finite end.
    let ends = [low, high].into_iter().find(|end| end.is_finite());
    let magnitude = match estimate.value {
        0.0 => high,
        value if value.is_infinite() => ends.unwrap_or(value),
        value => value,
    };
    let mut scale = Scale::of(magnitude, quantity);
    if quantity == Quantity::Share {
        let ends = percent_end_decimals(low).max(percent_end_decimals(high));
        scale.decimals = percent_decimals(estimate.value).max(ends);
    } else if low != high && scale.decimals == 0 && scale.factor == 1.0 && magnitude < 100.0 {
        // A whole estimate whose interval is not: 12 [11.6, 12.4].
        scale.decimals = decimals(magnitude, DIGITS).min(if low.fract() == 0.0 && high.fract() == 0.0 { 0 } else { 9 });
    }
    // The unit stands once, at the first number that can carry it.
    let low = if estimate.value.is_infinite() { scale.with_unit(low) } else { scale.number(low) };
    format!("{} [{low}, {}]", scale.with_unit(estimate.value), scale.number(high))
}

/// A number that the scenario gives, every digit of it: `2.5 s`, `$1.2`, `99.9 %`.
pub fn given(value: f64, quantity: Quantity) -> String {
    match quantity {
        Quantity::Seconds => format!("{value} s"),
        Quantity::Usd => in_dollars(&value.to_string()),
        Quantity::Share => percent_as_given(value),
        Quantity::Plain => value.to_string(),
    }
}

/// An estimate of a number with what it counts: `12 [11, 13] requests`, `1 [1, 1] request`.
pub fn counted_estimate(estimate: &Estimate, noun: &str) -> String {
    let plural = if estimate.value == 1.0 { "" } else { "s" };
    format!("{} {noun}{plural}", self::estimate(estimate, Quantity::Plain))
}

/// A number that is written already, in dollars: `$0.18`, `-$0.18`.
pub fn in_dollars(number: &str) -> String {
    number.strip_prefix('-').map_or_else(|| format!("${number}"), |rest| format!("-${rest}"))
}

/// Parts that are written already as a sum: `0.32 ideal + 0.45 idle - 0.18 surge`.
pub fn sum_of(parts: &[String]) -> String {
    let mut sum = String::new();
    for part in parts {
        match part.strip_prefix('-') {
            Some(rest) if !sum.is_empty() => sum.push_str(&format!(" - {rest}")),
            _ if sum.is_empty() => sum.push_str(part),
            _ => sum.push_str(&format!(" + {part}")),
        }
    }
    sum
}

/// A difference with its sign, and its interval: `+0.12 s [+0.08, +0.16]`. Shares are in percentage points.
pub fn difference(estimate: &Estimate, quantity: Quantity) -> String {
    if estimate.value.is_nan() {
        return NONE.to_owned();
    }
    let (low, high) = estimate.interval.unwrap_or((estimate.value, estimate.value));
    let magnitude = [estimate.value, low, high].into_iter().map(f64::abs).filter(|m| m.is_finite()).fold(0.0, f64::max);
    let mut scale = Scale::of(magnitude, quantity);
    if quantity == Quantity::Share {
        scale.suffix = " points";
    }
    let signed = |value: f64, text: String| if value > 0.0 { format!("+{text}") } else { text };
    let text = signed(estimate.value, scale.with_unit(estimate.value));
    match estimate.interval {
        None => text,
        Some((low, high)) => {
            format!("{text} [{}, {}]", signed(low, scale.number(low)), signed(high, scale.number(high)))
        }
    }
}

/// Parts that are printed so that they add up to their printed total, largest remainders rounded up first.
///
/// Returns (total, parts), in dollars with as many decimals as leave the total three significant digits.
pub fn dollars_that_add_up(parts: &[f64]) -> (String, Vec<String>) {
    let total: f64 = parts.iter().sum();
    if !total.is_finite() {
        return (NONE.to_owned(), vec![NONE.to_owned(); parts.len()]);
    }
    let decimals = decimals(total, DIGITS).max(2);
    let unit = 10f64.powi(-(decimals as i32));
    let mut rounded: Vec<i64> = parts.iter().map(|part| (part / unit).floor() as i64).collect();
    let missing = (total / unit).round() as i64 - rounded.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let remainder = |i: &usize| (parts[*i] / unit).rem_euclid(1.0);
    order.sort_by(|a, b| remainder(b).total_cmp(&remainder(a)));
    for i in order.into_iter().take(missing.max(0) as usize) {
        rounded[i] += 1;
    }
    let text = |units: i64| format!("{:.decimals$}", units as f64 * unit);
    (text((total / unit).round() as i64), rounded.into_iter().map(text).collect())
}

/// A time of the simulated clock for logs: `+20m00.000s`, `-1h02m03.500s`, rounded down to the millisecond.
pub fn clock(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { '-' } else { '+' };
    let milliseconds = nanoseconds.unsigned_abs() / 1_000_000;
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    let (seconds, rest) = (milliseconds / 1_000 % 60, milliseconds % 1_000);
    if hours > 0 {
        format!("{sign}{hours}h{minutes:02}m{seconds:02}.{rest:03}s")
    } else {
        format!("{sign}{minutes}m{seconds:02}.{rest:03}s")
    }
}

/// A noun after its number: `1 run`, `1000 runs`, `10,000 runs`.
pub fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{} {noun}s", with_separators(count)) }
}

/// A whole number, from five digits on in groups of three.
fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: f64, low: f64, high: f64) -> Estimate {
        Estimate { value, interval: Some((low, high)) }
    }

    #[test]
    fn numbers_have_three_digits_and_a_unit() {
        for (number, quantity, text) in [
            (18_400_000.0, Quantity::Plain, "18.4M"),
            (18_412.0, Quantity::Plain, "18.4k"),
            (1_234.0, Quantity::Plain, "1234"),
            (0.0, Quantity::Plain, "0"),
            (12.345, Quantity::Plain, "12.3"),
            (9.999, Quantity::Plain, "10.0"),
            (2_820.0, Quantity::Seconds, "47 min"),
            (2_825.0, Quantity::Seconds, "47.1 min"),
            (1.9114, Quantity::Seconds, "1.91 s"),
            (0.012, Quantity::Seconds, "12 ms"),
            (0.0, Quantity::Seconds, "0 s"),
            (12_600.0, Quantity::Seconds, "3.50 h"),
            (1.07, Quantity::Usd, "$1.07"),
            (36.0, Quantity::Usd, "$36.00"),
            (0.00123, Quantity::Usd, "$0.00123"),
            (-3.5, Quantity::Usd, "-$3.50"),
            (0.965, Quantity::Share, "96.5 %"),
            (0.9997, Quantity::Share, "99.97 %"),
            (1.0, Quantity::Share, "100 %"),
            (0.0, Quantity::Share, "0 %"),
            (0.00031, Quantity::Share, "0.031 %"),
            (f64::NAN, Quantity::Seconds, "n/a"),
            (f64::INFINITY, Quantity::Seconds, "∞"),
        ] {
            assert_eq!(value(number, quantity), text, "{number} as {quantity:?}");
        }
    }

    #[test]
    fn an_interval_is_in_the_unit_of_its_estimate() {
        assert_eq!(estimate(&with(1.91, 1.84, 1.98), Quantity::Seconds), "1.91 s [1.84, 1.98]");
        assert_eq!(estimate(&with(1.02, 0.98, 1.06), Quantity::Seconds), "1.02 s [0.98, 1.06]");
        assert_eq!(estimate(&with(0.0, 0.0, 0.0037), Quantity::Plain), "0 [0, 0.00370]");
        assert_eq!(estimate(&with(0.0, 0.0, 0.0037), Quantity::Share), "0 % [0, 0.4]");
        assert_eq!(estimate(&with(12.0, 11.6, 12.4), Quantity::Plain), "12.0 [11.6, 12.4]");
        assert_eq!(estimate(&with(12.0, 11.0, 13.0), Quantity::Plain), "12 [11, 13]");
        assert_eq!(estimate(&with(71.0 * 60.0, 4_000.0, f64::INFINITY), Quantity::Seconds), "71 min [67, ∞]");
        let unbounded = with(f64::INFINITY, 4_219.0, f64::INFINITY);
        assert_eq!(estimate(&unbounded, Quantity::Seconds), "∞ [70.3 min, ∞]");
        assert_eq!(estimate(&Estimate { value: 3.0, interval: None }, Quantity::Plain), "3");
    }

    #[test]
    fn what_the_scenario_gives_keeps_every_digit() {
        assert_eq!(given(2.5, Quantity::Seconds), "2.5 s");
        assert_eq!(given(1_234_567.0, Quantity::Plain), "1234567");
        assert_eq!(given(0.29, Quantity::Share), "29 %");
    }

    #[test]
    fn a_difference_shows_its_sign() {
        assert_eq!(difference(&with(0.12, -0.01, 0.25), Quantity::Usd), "+$0.120 [-0.010, +0.250]");
        assert_eq!(difference(&with(-0.02, -0.03, -0.01), Quantity::Share), "-2.0 points [-3.0, -1.0]");
        assert_eq!(difference(&with(0.0, 0.0, 0.0), Quantity::Plain), "0 [0, 0]");
    }

    #[test]
    fn printed_parts_add_up_to_the_printed_total() {
        let (total, parts) = dollars_that_add_up(&[0.334, 0.334, 0.334]);
        assert_eq!(total, "1.00");
        let cents: i64 = parts.iter().map(|part| (part.parse::<f64>().unwrap() * 100.0).round() as i64).sum();
        assert_eq!(cents, 100, "{parts:?}");
        assert_eq!(dollars_that_add_up(&[f64::NAN, 1.0]).0, NONE);
    }

    #[test]
    fn negative_dollars_have_their_sign_first_and_negative_parts_are_deducted() {
        assert_eq!(["-0.18", "0.18"].map(in_dollars), ["-$0.18", "$0.18"]);
        assert_eq!(given(-1.5, Quantity::Usd), "-$1.5");
        let parts = ["0.32 ideal", "-0.18 surge", "0.02 drain"].map(str::to_owned);
        assert_eq!(sum_of(&parts), "0.32 ideal - 0.18 surge + 0.02 drain");
        assert_eq!(sum_of(&["-0.18 idle".to_owned(), "0.02 drain".to_owned()]), "-0.18 idle + 0.02 drain");
        let (total, texts) = dollars_that_add_up(&[0.5, -0.18, -0.5]);
        assert_eq!((total.as_str(), texts), ("-0.180", ["0.500", "-0.180", "-0.500"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn one_of_something_is_singular() {
        let exactly = |value| counted_estimate(&with(value, value, value), "request");
        assert_eq!(
            [1, 1_000, 12_345, 1_234_567].map(|count| counted(count, "run")),
            ["1 run", "1000 runs", "12,345 runs", "1,234,567 runs"]
        );
        assert_eq!([exactly(1.0), exactly(2.0)], ["1 [1, 1] request", "2 [2, 2] requests"]);
        assert_eq!(counted_estimate(&with(0.0, 0.0, 0.4), "request"), "0 [0, 0.400] requests");
    }

    #[test]
    fn the_clock_reads_as_an_operator_writes_it() {
        assert_eq!(clock(1_200_000_000_000), "+20m00.000s");
        assert_eq!(clock(-600_500_000_000), "-10m00.500s");
        assert_eq!(clock(3_723_000_000_001), "+1h02m03.000s");
    }
}
