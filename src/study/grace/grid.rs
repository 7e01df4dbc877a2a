//! The grace periods that are looked at where nobody names any.

use super::law::LengthLaw;
use crate::scenario::Scenario;
use crate::simulation::Prepared;
use crate::units::Duration;

/// Round grace periods, seconds.
const ROUND: [u64; 26] = [
    5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 420, 600, 900, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200, 10_800,
    14_400, 21_600, 28_800, 43_200, 86_400,
];
/// Grace periods that are looked at, at most, today's aside.
const MOST: usize = 10;
/// The probability that an answer is still longer than the longest that a period must let finish.
const NEGLIGIBLE: f64 = 1e-9;

/// Round grace periods, about equally far apart on a logarithmic scale, from a little more than the preStop hook to where
/// the longest answer would be done in a replica that is full, with today's among them; ascending.
pub fn default_periods(scenario: &Scenario) -> Vec<Duration> {
    let least = scenario.termination.pre_stop.seconds() + 2.0;
    let end = scenario.termination.pre_stop.seconds() + longest_answer_seconds(scenario);
    let from = ROUND.iter().position(|round| *round as f64 >= least).unwrap_or(ROUND.len() - 1);
    let to = ROUND.iter().position(|round| *round as f64 >= end).unwrap_or(ROUND.len() - 1).max(from);
    let steps = (to - from).clamp(1, MOST - 1);
    let mut periods: Vec<Duration> = (0..=steps)
        .map(|step| Duration::from_seconds(ROUND[(from + ((to - from) * step + steps / 2) / steps).min(to)]))
        .collect();
    periods.push(scenario.termination.grace_period);
    periods.sort_unstable();
    periods.dedup();
    periods
}

/// Seconds that the longest answer takes, as good as surely, in a replica that is as full as it can be.
fn longest_answer_seconds(scenario: &Scenario) -> f64 {
    let prepared = Prepared::new(scenario.clone());
    let tokens = match LengthLaw::new(scenario) {
        Ok(law) => law.quantile(prepared.moments.mean_prompt.ceil() as u32, NEGLIGIBLE),
        Err(_) => prepared.moments.longest_output,
    };
    let slowest = scenario.versions.iter().map(|version| version.step_time_factor).fold(1.0, f64::max);
    let pace = prepared.saturation.batch / prepared.saturation.rate;
    // Where the scenario gives the rate there is no batch that it follows from.
    let pace = if pace.is_finite() { pace } else { scenario.engine.step_time.base * 1e-9 };
    f64::from(tokens) * pace * slowest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Distribution, Family};
    use crate::scenario::Traffic;
    use crate::study::samples;

    #[test]
    fn default_periods_are_round_and_reach_from_the_hook_to_the_longest_answer() {
        let mut scenario = samples::scenario(1);
        let Traffic::Synthetic { output_tokens, .. } = &mut scenario.traffic else { unreachable!() };
        *output_tokens = Distribution { family: Family::Exponential { mean: 500.0 }, max: f64::INFINITY };
        scenario.termination.grace_period = Duration::from_seconds(33);
        let periods: Vec<f64> = default_periods(&scenario).iter().map(|period| period.seconds()).collect();
        // Of exponential answers with a mean of 500 one in a thousand million is longer than 10,362 tokens; steps take at
        // most 8 ms + 256 x 50 us.
        assert_eq!(periods, [10.0, 15.0, 20.0, 30.0, 33.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0]);
        scenario.termination.pre_stop = Duration::from_seconds(200_000);
        assert_eq!(default_periods(&scenario).len(), 2);
    }
}
