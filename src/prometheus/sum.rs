//! Sums and means as aggregations compute them.

/// The sum of the values in this order, compensated (Neumaier 1974). A server adds the series in the order of their sorted
/// label sets; another order may differ in the last bit.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = total + value;
        if next.is_infinite() {
            lost = 0.0;
        } else if total.abs() >= value.abs() {
            lost += (total - next) + value;
        } else {
            lost += (value - next) + total;
        }
        total = next;
    }
    total + lost
}

/// The mean of the values; NaN without any.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut number = 0u32;
    let total = sum(values.into_iter().inspect(|_| number += 1));
    total / f64::from(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plain_sum_loses_is_kept() {
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum([]), 0.0);
        assert_eq!(sum([f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum([f64::NAN, 1.0]).is_nan());
        assert_eq!(mean([1.0, 2.0, 6.0]), 3.0);
    }
}
