//! Numbers as people read them, the same in sentences, tables and charts: how many digits, what stands for none and for
//! infinity, prefixes of large ones.
//!
//! Units, signs and intervals are the report's. Files for machines write every digit and do not use this.

/// What stands where there is no value.
pub const NONE: &str = "n/a";

/// Significant digits of an estimate: as many as there is reason to read.
pub const DIGITS: i32 = 3;

/// Decimal prefixes as (least magnitude, factor, name). Up to 10,000 a count is written out.
const PREFIXES: [(f64, f64, &str); 3] = [(1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")];

/// The factor by which numbers of this magnitude are divided, and the prefix that says so.
pub fn prefix(magnitude: f64) -> (f64, &'static str) {
    PREFIXES.iter().find(|(least, ..)| magnitude >= *least).map_or((1.0, ""), |(_, factor, name)| (*factor, *name))
}

/// Decimals that leave so many significant digits of a number, at most twelve.
pub fn decimals(value: f64, digits: i32) -> usize {
    let magnitude = value.abs();
    if magnitude == 0.0 || !magnitude.is_finite() {
        return 0;
    }
    // Rounding may carry into the next power of ten: 9.999 is "10.0", not "10.00".
    let exponent = magnitude.log10().floor() as i32;
    let rounded = magnitude * 10f64.powi(digits - 1 - exponent);
    let exponent = if rounded.round() >= 10f64.powi(digits) { exponent + 1 } else { exponent };
    (digits - 1 - exponent).clamp(0, 12) as usize
}

/// The number with so many decimals. Zero is `0`, which tells it from what is only rounded to it.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return NONE.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞".to_owned() } else { "-∞".to_owned() };
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{value:.decimals$}");
    // No negative zero, which rounding may leave.
    let zero = text.starts_with('-') && text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    if zero { text[1..].to_owned() } else { text }
}

/// The number without zeros that say nothing after its point: `25` for `25.0`.
pub fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Three significant digits, without trailing zeros: `214`, `25.3`, `0.00123`. For sentences.
pub fn figure(value: f64) -> String {
    trimmed(&fixed(value, decimals(value, DIGITS))).to_owned()
}

/// A number in three significant digits with what it counts: `1 run`, `0.5 runs`, `214 runs`. For sentences.
pub fn counted(number: f64, noun: &str) -> String {
    let text = figure(number);
    let plural = if text == "1" { "" } else { "s" };
    format!("{text} {noun}{plural}")
}

/// A share as per cent, in three significant digits: `12.5 %`. For sentences.
pub fn percent(share: f64) -> String {
    format!("{} %", figure(100.0 * share))
}

/// A share that somebody gave, as per cent with every digit of it: `99.95 %`.
pub fn percent_as_given(share: f64) -> String {
    // Multiplying by 100 may leave a last digit that nobody wrote.
    format!("{} %", (share * 1e10).round() / 1e8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_no_trailing_zeros() {
        for (value, text) in [
            (214.4, "214"),
            (25.0, "25"),
            (0.001234, "0.00123"),
            (-3.1, "-3.1"),
            (1234.5, "1234"),
            (0.0, "0"),
            (100.0, "100"),
            (9.999, "10"),
            (1e-12, "0.000000000001"),
            (f64::INFINITY, "∞"),
            (f64::NEG_INFINITY, "-∞"),
            (f64::NAN, "n/a"),
        ] {
            assert_eq!(figure(value), text);
        }
        assert_eq!(percent(0.125), "12.5 %");
    }

    #[test]
    fn one_thing_is_singular_and_everything_else_plural() {
        let texts = [1.0, 1.0004, 0.5, 0.0, 2.0, 1_000.0].map(|number| counted(number, "run"));
        assert_eq!(texts, ["1 run", "1 run", "0.5 runs", "0 runs", "2 runs", "1000 runs"]);
    }

    #[test]
    fn decimals_leave_the_digits_that_are_asked_for_after_rounding() {
        for (value, digits, expected) in
            [(1.234, 3, 2), (9.999, 3, 1), (-0.0123, 2, 3), (1234.5, 3, 0), (0.0, 3, 0), (f64::INFINITY, 3, 0)]
        {
            assert_eq!(decimals(value, digits), expected, "{value}");
        }
    }

    #[test]
    fn only_zero_is_written_as_zero_alone_and_never_negative() {
        assert_eq!([0.0, -0.0, 0.001, -0.001].map(|value| fixed(value, 2)), ["0", "0", "0.00", "0.00"]);
    }

    #[test]
    fn prefixes_begin_at_ten_thousand() {
        assert_eq!([9_999.0, 1e4, 1e6, 1e12].map(prefix), [(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")]);
    }

    #[test]
    fn a_given_share_keeps_every_digit() {
        assert_eq!([0.999, 0.29, 0.9995].map(percent_as_given), ["99.9 %", "29 %", "99.95 %"]);
    }
}
