//! Numbers as the page's script reads them: few digits, so that a page of a thousand runs stays small.

use serde::{Serialize, Serializer};

/// Significant digits that are kept: more than any chart or table shows.
const DIGITS: usize = 5;

/// A number in five significant digits; empty and infinite ones are null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Short(pub f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_finite() {
            return serializer.serialize_none();
        }
        let rounded = format!("{:.*e}", DIGITS - 1, self.0).parse::<f64>().unwrap_or(self.0);
        if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
            serializer.serialize_i64(rounded as i64)
        } else {
            serializer.serialize_f64(rounded)
        }
    }
}

/// A column of numbers.
pub fn short(values: &[f64]) -> Vec<Short> {
    values.iter().map(|value| Short(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_five_digits_and_without_empty_decimals() {
        let text = serde_json::to_string(&short(&[12.0, 0.123_456_7, 123_456.0, f64::NAN, f64::INFINITY, -0.5]));
        assert_eq!(text.expect("plain data"), "[12,0.12346,123460,null,null,-0.5]");
    }
}
