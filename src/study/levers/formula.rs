//! What a person with the paper formula expects of a lever.
//!
//! The formula divides the price of a replica's hour by what it emits in one at a typed-in utilization. It knows no queue,
//! no rollout and no traffic: whoever asks it about a faster engine keeps the utilization that they measured before.

use crate::scenario::Fleet;
use crate::study::result::Facts;

/// USD per million output tokens: `gpu_hour_usd gpus / (rate utilization 3600) 10^6`, with the saturated rate of a replica in
/// output tokens/s.
pub fn formula(gpu_hour_usd: f64, gpus_per_replica: u32, saturated_rate: f64, utilization: f64) -> f64 {
    gpu_hour_usd * f64::from(gpus_per_replica) / (saturated_rate * utilization * 3600.0) * 1e6
}

/// The relative change of the price that the formula says: the new price, GPUs and saturated rate at the same utilization.
/// Where the fleet itself is another, the utilization changes inversely to its size, up to 100 %, because the tokens do not.
pub fn predicted_change(today: (&Fleet, &Facts), turned: (&Fleet, &Facts), utilization: f64) -> f64 {
    let price = |(fleet, facts): (&Fleet, &Facts), utilization: f64| {
        formula(fleet.gpu_hour_usd, fleet.gpus_per_replica, facts.saturated_rate, utilization)
    };
    let smaller = f64::from(today.0.replicas) / f64::from(turned.0.replicas.max(1));
    let then = (utilization * smaller).min(utilization.max(1.0));
    price(turned, then) / price(today, utilization) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::samples::{facts, scenario};

    #[test]
    fn the_formula_gives_its_textbook_figures() {
        // 2,000 tok/s at 70 % and $3: 3 / (2,000 x 0.7 x 3,600) x 10^6 = 0.595238.
        assert!((formula(3.0, 1, 2_000.0, 0.7) - 0.595_238).abs() < 1e-6);
        // 70 % instead of 30 %: 2.33 times cheaper; with a rate four times as high: 9.33 times.
        let before = formula(3.0, 1, 2_000.0, 0.3);
        assert!((before / formula(3.0, 1, 2_000.0, 0.7) - 7.0 / 3.0).abs() < 1e-12);
        assert!((before / formula(3.0, 1, 8_000.0, 0.7) - 28.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn an_engine_is_judged_at_the_same_utilization_and_a_fleet_at_its_own() {
        let fleet = scenario(1).fleet;
        let (today, twice) = (facts(), Facts { saturated_rate: 4_000.0, ..facts() });
        assert!((predicted_change((&fleet, &today), (&fleet, &twice), 0.4) + 0.5).abs() < 1e-12);
        let half = Fleet { replicas: 4, ..fleet.clone() };
        assert!((predicted_change((&fleet, &today), (&half, &today), 0.4) + 0.5).abs() < 1e-12);
        // 60 % cannot double.
        assert!((predicted_change((&fleet, &today), (&half, &today), 0.6) + 0.4).abs() < 1e-12);
        let dear = Fleet { gpu_hour_usd: 6.0, gpus_per_replica: 2, ..fleet.clone() };
        assert!((predicted_change((&fleet, &today), (&dear, &twice), 0.4) - 1.0).abs() < 1e-12);
    }
}
