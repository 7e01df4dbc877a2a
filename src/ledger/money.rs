//! Billed GPU time by use and by reason, and what follows from it in dollars.

use super::metrics::Metric;

/// GPU-nanoseconds in the window, exact.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GpuTime {
    /// Before readiness, back-off included.
    pub(super) cold: u128,
    /// From termination to the last process's exit.
    pub(super) draining: u128,
    /// Ready.
    pub(super) ready: u128,
    /// Above the steady fleet, whatever they do.
    pub(super) surge: u128,
    /// Ready ones above the steady fleet.
    pub(super) ready_surge: u128,
}

/// Tokens in the window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TokenFlows {
    /// Emitted by anyone.
    pub(super) emitted: u64,
    /// Emitted by terminating replicas.
    pub(super) emitted_draining: u64,
    /// Of completed answers that ended in the window.
    pub(super) useful: u64,
    /// Of attempts that ended otherwise.
    pub(super) wasted: u64,
    /// Prompts of the completed answers.
    pub(super) useful_prompts: u64,
}

/// Prices and sizes that the bill depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tariff {
    /// USD per GPU-hour.
    pub(super) gpu_hour_usd: f64,
    /// USD per GPU-hour above the steady fleet.
    pub(super) surge_gpu_hour_usd: f64,
    /// GPUs of a replica.
    pub(super) gpus_per_replica: f64,
    /// GPU-hours that the steady fleet takes in the window.
    pub(super) steady_gpu_hours: f64,
    /// Saturated rate of a replica, tokens/s.
    pub(super) saturated_rate: f64,
}

fn hours(gpu_nanoseconds: u128) -> f64 {
    gpu_nanoseconds as f64 / 3.6e12
}

/// Every metric of GPUs and money.
pub(super) fn bill(time: &GpuTime, tokens: &TokenFlows, tariff: &Tariff) -> Vec<(Metric, f64)> {
    let (cold, draining, ready) = (hours(time.cold), hours(time.draining), hours(time.ready));
    let (surge, ready_surge) = (hours(time.surge), hours(time.ready_surge));
    let billed = cold + draining + ready;
    let surcharge = surge * (tariff.surge_gpu_hour_usd - tariff.gpu_hour_usd);
    let cost = billed * tariff.gpu_hour_usd + surcharge;
    // GPU-hours that so many tokens take at the saturated rate.
    let token_hours = |tokens: f64| tokens / tariff.saturated_rate / 3600.0 * tariff.gpus_per_replica;
    let (emitted, emitted_draining) = (tokens.emitted as f64, tokens.emitted_draining as f64);
    let serving = token_hours(emitted - emitted_draining);
    let unused = ready - serving;
    let useful = tokens.useful as f64;
    // Empty (NaN) where no answer was completed: nothing divides by it.
    let per_million = |usd: f64, tokens: f64| if tokens > 0.0 { usd / tokens * 1e6 } else { f64::NAN };
    let share = |gpu_hours: f64| per_million(gpu_hours * tariff.gpu_hour_usd, useful);
    let utilization = if ready > 0.0 { token_hours(emitted) / ready } else { f64::NAN };
    let formula = tariff.gpu_hour_usd * tariff.gpus_per_replica / (tariff.saturated_rate * utilization * 3600.0) * 1e6;
    vec![
        (Metric::GpuHours, billed),
        (Metric::GpuHoursServing, serving),
        (Metric::GpuHoursIdle, unused),
        (Metric::GpuHoursCold, cold),
        (Metric::GpuHoursDraining, draining),
        (Metric::GpuHoursSurge, surge),
        (Metric::Cost, cost),
        (Metric::RolloutCost, cost - tariff.steady_gpu_hours * tariff.gpu_hour_usd),
        (Metric::UsdPerMillionOutput, per_million(cost, useful)),
        (Metric::UsdPerMillion, per_million(cost, useful + tokens.useful_prompts as f64)),
        (Metric::Utilization, utilization),
        (Metric::Formula, if emitted > 0.0 { formula } else { f64::NAN }),
        (Metric::WaterfallIdeal, share(token_hours(useful))),
        (Metric::WaterfallWasted, share(token_hours(emitted - useful))),
        (Metric::WaterfallDrain, share(draining - token_hours(emitted_draining))),
        (Metric::WaterfallCold, share(cold)),
        (Metric::WaterfallSurge, share(ready_surge) + per_million(surcharge, useful)),
        (Metric::WaterfallIdle, share(unused - ready_surge)),
    ]
}

/// The parts of the waterfall, from ideal to the simulated price.
pub const WATERFALL: [(Metric, &str); 6] = [
    (Metric::WaterfallIdeal, "ideal"),
    (Metric::WaterfallIdle, "idle"),
    (Metric::WaterfallSurge, "surge"),
    (Metric::WaterfallCold, "cold start"),
    (Metric::WaterfallDrain, "drain"),
    (Metric::WaterfallWasted, "wasted"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bill: &[(Metric, f64)], metric: Metric) -> f64 {
        bill.iter().find(|(m, _)| *m == metric).map_or(f64::NAN, |(_, value)| *value)
    }

    #[test]
    fn the_waterfall_sums_to_the_price_exactly() {
        let time = GpuTime {
            cold: 3_000_000_000_000,
            draining: 500_000_000_000,
            ready: 40_000_000_000_000,
            surge: 2_000_000_000_000,
            ready_surge: 700_000_000_000,
        };
        let tokens = TokenFlows {
            emitted: 50_000_000,
            emitted_draining: 90_000,
            useful: 49_700_000,
            wasted: 250_000,
            useful_prompts: 120_000_000,
        };
        let tariff = Tariff {
            gpu_hour_usd: 3.0,
            surge_gpu_hour_usd: 4.5,
            gpus_per_replica: 2.0,
            steady_gpu_hours: 11.0,
            saturated_rate: 2_900.0,
        };
        let bill = bill(&time, &tokens, &tariff);
        let sum: f64 = WATERFALL.iter().map(|(metric, _)| value(&bill, *metric)).sum();
        let price = value(&bill, Metric::UsdPerMillionOutput);
        assert!((sum / price - 1.0).abs() < 1e-12, "{sum} against {price}");
        let uses = [Metric::GpuHoursServing, Metric::GpuHoursIdle, Metric::GpuHoursCold, Metric::GpuHoursDraining];
        let hours: f64 = uses.iter().map(|metric| value(&bill, *metric)).sum();
        assert!((hours / value(&bill, Metric::GpuHours) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_paper_formula_gives_its_textbook_figure() {
        // One replica for an hour at 2,000 tok/s saturated, 70 % utilised, at $3 per GPU-hour: $0.595 per million.
        let time = GpuTime { ready: 3_600_000_000_000, ..GpuTime::default() };
        let emitted = 1_400 * 3_600;
        let tokens = TokenFlows { emitted, useful: emitted, ..TokenFlows::default() };
        let tariff = Tariff {
            gpu_hour_usd: 3.0,
            surge_gpu_hour_usd: 3.0,
            gpus_per_replica: 1.0,
            steady_gpu_hours: 1.0,
            saturated_rate: 2_000.0,
        };
        let bill = bill(&time, &tokens, &tariff);
        assert!((value(&bill, Metric::Formula) - 0.595_238).abs() < 1e-6);
        assert!((value(&bill, Metric::UsdPerMillionOutput) - 0.595_238).abs() < 1e-6);
    }
}
