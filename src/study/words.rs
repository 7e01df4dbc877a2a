//! Numbers in sentences, in one way for explanations and verdicts. Tables and files format their own.

/// Three significant digits, without trailing zeros: `214`, `25.3`, `0.00123`.
pub fn figure(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "none".to_owned() } else { "infinity".to_owned() };
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as per cent: `12.5 %`.
pub fn percent(share: f64) -> String {
    format!("{} %", figure(100.0 * share))
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
            (f64::INFINITY, "infinity"),
        ] {
            assert_eq!(figure(value), text);
        }
        assert_eq!(percent(0.125), "12.5 %");
    }
}
