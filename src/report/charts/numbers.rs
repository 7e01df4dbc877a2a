//! Numbers as charts write them: digits enough to act on, thousands apart, and the same decimals for an estimate and
//! its interval.

use crate::study::Estimate;

/// Decimals with which a number of this size shows three digits, at most nine.
pub fn decimals(value: f64) -> usize {
    let magnitude = value.abs();
    if !magnitude.is_finite() || magnitude == 0.0 {
        return 0;
    }
    (2 - magnitude.log10().floor() as i32).clamp(0, 9) as usize
}

/// The number with so many decimals and its thousands apart; `n/a` for NaN, `unbounded` for infinity.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "n/a".to_owned();
    }
    if value.is_infinite() {
        return "unbounded".to_owned();
    }
    if value.abs() >= 1e12 {
        return format!("{value:.2e}");
    }
    let plain = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let negative = value < 0.0 && plain.chars().any(|c| ('1'..='9').contains(&c));
    format!("{}{grouped}{fraction}", if negative { "\u{2212}" } else { "" })
}

/// The number with three digits.
pub fn readable(value: f64) -> String {
    fixed(value, decimals(value))
}

/// The number without decimals that say nothing: 2, 2.5, 0.125.
pub fn short(value: f64) -> String {
    let text = fixed(value, decimals(value));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The number with so many decimals, but an exact zero as `0`.
pub fn exact(value: f64, decimals: usize) -> String {
    fixed(value, if value == 0.0 { 0 } else { decimals })
}

/// `[low, high]`, or words where there is none.
pub fn interval(interval: Option<(f64, f64)>, decimals: usize) -> String {
    match interval {
        Some((low, high)) => format!("[{}, {}]", exact(low, decimals), exact(high, decimals)),
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
    format!("{} {}", exact(estimate.value, decimals), interval(estimate.interval, decimals))
}

/// Decimals for an estimate and its interval: three digits of the estimate, or two of the upper end where the estimate
/// is zero.
pub fn estimate_decimals(estimate: &Estimate) -> usize {
    match estimate.interval {
        Some((_, high)) if estimate.value == 0.0 => decimals(high).saturating_sub(1),
        _ => decimals(estimate.value),
    }
}

/// A quantile of counts, which is a count, and its interval: `19 [17, 22]`.
pub fn count(estimate: &Estimate) -> String {
    format!("{} {}", fixed(estimate.value, 0), interval(estimate.interval, 0))
}

/// A share in percent with one decimal, and its interval: `12.3 % [10.3, 14.4]`.
pub fn percent(share: &Estimate) -> String {
    let scaled = share.interval.map(|(low, high)| (low * 100.0, high * 100.0));
    format!("{} % {}", exact(share.value * 100.0, 1), interval(scaled, 1))
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
            (1e-12, "0.000000000"),
            (-1e-12, "0.000000000"),
            (12_345_678.0, "12,345,678"),
            (f64::NAN, "n/a"),
            (f64::INFINITY, "unbounded"),
        ];
        for (value, text) in cases {
            assert_eq!(readable(value), text, "{value}");
        }
        assert_eq!((short(2.0).as_str(), short(0.5).as_str(), short(200.0).as_str()), ("2", "0.5", "200"));
    }

    #[test]
    fn a_zero_estimate_takes_its_decimals_from_the_interval() {
        let none = Estimate { value: 0.0, interval: Some((0.0, 0.00369)) };
        assert_eq!(super::estimate(&none), "0 [0, 0.0037]");
        assert_eq!(percent(&none), "0 % [0, 0.4]");
    }
}
