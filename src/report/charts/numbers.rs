//! Numbers as charts write them: as everywhere, but with thousands apart, a true minus sign, and no unit, which the axis
//! or the text beside them names.

use crate::digits::{self, DIGITS};
use crate::study::Estimate;

/// Decimals with which a number of this size shows three digits.
pub fn decimals(value: f64) -> usize {
    digits::decimals(value, DIGITS)
}

/// The number with so many decimals and its thousands apart.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_finite() && value.abs() >= 1e12 {
        return format!("{value:.2e}");
    }
    let text = digits::fixed(value, decimals);
    let (sign, plain) = text.strip_prefix('-').map_or(("", text.as_str()), |plain| ("\u{2212}", plain));
    if !value.is_finite() {
        return format!("{sign}{plain}");
    }
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

/// The number with three digits.
pub fn readable(value: f64) -> String {
    fixed(value, decimals(value))
}

/// The number without decimals that say nothing: 2, 2.5, 0.125.
pub fn short(value: f64) -> String {
    digits::trimmed(&readable(value)).to_owned()
}

/// `[low, high]`, or words where there is none.
pub fn interval(interval: Option<(f64, f64)>, decimals: usize) -> String {
    match interval {
        Some((low, high)) => format!("[{}, {}]", fixed(low, decimals), fixed(high, decimals)),
        None => "(no interval)".to_owned(),
    }
}

/// `95 % [low, high]`, or words where there is none.
pub fn interval_95(interval: Option<(f64, f64)>, decimals: usize) -> String {
    let confidence = if interval.is_some() { "95 % " } else { "" };
    format!("{confidence}{}", self::interval(interval, decimals))
}

/// The value and its interval: `15.4 [14.9, 15.9]`.
pub fn estimate(estimate: &Estimate) -> String {
    let decimals = estimate_decimals(estimate);
    format!("{} {}", fixed(estimate.value, decimals), interval(estimate.interval, decimals))
}

/// Decimals for an estimate and its interval: three digits of the estimate, or of the upper end where the estimate is
/// zero.
pub fn estimate_decimals(estimate: &Estimate) -> usize {
    match estimate.interval {
        Some((_, high)) if estimate.value == 0.0 => decimals(high),
        _ => decimals(estimate.value),
    }
}

/// A quantile of counts, which is a count, and its interval: `19 [17, 22]`.
pub fn count(estimate: &Estimate) -> String {
    format!("{} {}", fixed(estimate.value, 0), interval(estimate.interval, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_part_thousands() {
        let cases = [
            (0.0, "0"),
            (0.5949, "0.595"),
            (15.42, "15.4"),
            (1234.5, "1,234"),
            (-0.0123, "\u{2212}0.0123"),
            (-1e-15, "0.000000000000"),
            (9.999, "10.0"),
            (12_345_678.0, "12,345,678"),
            (f64::NAN, "n/a"),
            (f64::INFINITY, "∞"),
        ];
        for (value, text) in cases {
            assert_eq!(readable(value), text, "{value}");
        }
        assert_eq!((short(2.0).as_str(), short(0.5).as_str(), short(200.0).as_str()), ("2", "0.5", "200"));
    }

    #[test]
    fn a_zero_estimate_takes_its_decimals_from_the_interval() {
        let none = Estimate { value: 0.0, interval: Some((0.0, 0.00369)) };
        assert_eq!(super::estimate(&none), "0 [0, 0.00369]");
    }
}
