//! The timeline over runs: for each series and bin its mean and quantiles.

use rayon::prelude::*;

use super::result::{SeriesSummary, Timeline};
use super::summary::quantile_index;
use crate::ledger::{Pooled, RunRecord, SERIES, Series};
use crate::scenario::Study;

/// The timeline of all runs, in the order of their numbers. Empty values are left out, bin by bin.
pub fn timeline(study: &Study, records: &[RunRecord], pooled: &Pooled) -> Timeline {
    let bin_s = study.timeline_bin.seconds();
    let bins = records.first().map_or(pooled.ttft_by_bin.len(), |record| record.timeline.len() / SERIES.len());
    let series = SERIES.par_iter().enumerate().map(|(i, (_, name))| series_over_runs(name, records, i * bins, bins));
    let pooled_quantile = |q: f64| -> Vec<f64> {
        (0..bins).map(|bin| pooled.ttft_by_bin.get(bin).map_or(f64::NAN, |ttft| ttft.quantile(q))).collect()
    };
    let by_run = |series| records.iter().map(|record| counted_in(series, record, bins)).collect();
    Timeline {
        bin_s,
        window_s: study.duration.seconds(),
        times: (0..bins).map(|bin| bin as f64 * bin_s).collect(),
        series: series.collect(),
        pooled_ttft_p50: pooled_quantile(0.5),
        pooled_ttft_p99: pooled_quantile(0.99),
        new_requests_per_s: (0..bins).map(|bin| new_rate(records, bins, bin)).collect(),
        truncated_by_run: by_run(Series::Truncated),
        errors_by_run: by_run(Series::Errors),
        first_new_by_run: records.iter().map(|record| first_new_in(record, bins)).collect(),
    }
}

/// One series, whose bins begin at `first` in every record's timeline.
fn series_over_runs(name: &'static str, records: &[RunRecord], first: usize, bins: usize) -> SeriesSummary {
    let nothing = || Vec::with_capacity(bins);
    let mut summary = SeriesSummary { name, mean: nothing(), p5: nothing(), p50: nothing(), p95: nothing() };
    let mut values: Vec<f32> = Vec::with_capacity(records.len());
    for bin in first..first + bins {
        values.clear();
        // A record of another length, which no run writes, has no value here.
        values.extend(records.iter().filter_map(|record| record.timeline.get(bin)).filter(|value| !value.is_nan()));
        let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
        summary.mean.push(if values.is_empty() { f64::NAN } else { sum / values.len() as f64 });
        values.sort_unstable_by(f32::total_cmp);
        let quantile = |q| values.get(quantile_index_or_first(q, values.len())).map_or(f64::NAN, |v| f64::from(*v));
        summary.p5.push(quantile(0.05));
        summary.p50.push(quantile(0.5));
        summary.p95.push(quantile(0.95));
    }
    summary
}

/// The bins of a run in which a series counts anything, with how much: most have nothing.
fn counted_in(series: Series, record: &RunRecord, bins: usize) -> Vec<(u32, f32)> {
    let first = series as usize * bins;
    let values = record.timeline.get(first..first + bins).unwrap_or(&[]);
    (0..).zip(values).filter(|(_, value)| **value > 0.0).map(|(bin, value)| (bin, *value)).collect()
}

/// First arrivals per second that go to the new version in a bin, mean over runs; a run in which nobody was routed counts
/// as none.
fn new_rate(records: &[RunRecord], bins: usize, bin: usize) -> f64 {
    let rate = |record: &RunRecord| {
        let at = |series: Series| record.timeline.get(series as usize * bins + bin).map_or(f64::NAN, |v| f64::from(*v));
        let rate = at(Series::RequestsPerSecond) * at(Series::NewVersionShare);
        if rate.is_finite() { rate } else { 0.0 }
    };
    records.iter().map(rate).sum::<f64>() / records.len().max(1) as f64
}

/// The bin of a run in which the new version got its first request.
fn first_new_in(record: &RunRecord, bins: usize) -> Option<u32> {
    let share = record.timeline.get(Series::NewVersionShare as usize * bins..)?;
    (0..).zip(share.iter().take(bins)).find(|(_, share)| **share > 0.0).map(|(bin, _)| bin)
}

/// As [`quantile_index`], and 0 of no values.
fn quantile_index_or_first(q: f64, n: usize) -> usize {
    if n == 0 { 0 } else { quantile_index(q, n) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::RolloutOutcome;
    use crate::units::Duration;

    const NAN: f32 = f32::NAN;

    /// Bins of ten seconds in a window of fifteen.
    fn study() -> Study {
        let sample = crate::study::samples::scenario(1).study;
        Study { duration: Duration::from_seconds(15), timeline_bin: Duration::from_seconds(10), ..sample }
    }

    #[test]
    fn the_last_bin_ends_with_the_window() {
        let timeline = timeline(&study(), &records(&[[0.0, 0.0]]), &Pooled::new(2));
        assert_eq!([0, 1].map(|bin| timeline.end_of(bin)), [10.0, 15.0]);
    }

    /// Records whose first series has these two bins, the others only empty values.
    fn records(first_series: &[[f32; 2]]) -> Vec<RunRecord> {
        let record = |(run, bins): (usize, &[f32; 2])| {
            let mut timeline = vec![NAN; 2 * SERIES.len()];
            timeline[..2].copy_from_slice(bins);
            let outcome = RolloutOutcome::Completed;
            RunRecord {
                run: run as u64,
                values: vec![],
                outcome,
                reason: String::new(),
                timeline,
                empty_measurements: (0, 0),
            }
        };
        first_series.iter().enumerate().map(record).collect()
    }

    #[test]
    fn empty_values_are_left_out_bin_by_bin() {
        let timeline = timeline(&study(), &records(&[[4.0, NAN], [2.0, NAN], [NAN, 7.0], [3.0, 9.0]]), &Pooled::new(2));
        assert_eq!(timeline.times, [0.0, 10.0]);
        assert_eq!(timeline.series.len(), SERIES.len());
        let series = &timeline.series[0];
        assert_eq!((series.mean[0], series.p5[0], series.p50[0], series.p95[0]), (3.0, 2.0, 3.0, 4.0));
        assert_eq!((series.mean[1], series.p5[1], series.p50[1], series.p95[1]), (8.0, 7.0, 7.0, 9.0));
        assert!(timeline.series[1].mean.iter().chain(&timeline.series[1].p50).all(|value| value.is_nan()));
    }

    #[test]
    fn what_the_new_version_gets_is_each_runs_rate_by_its_share() {
        let mut records = records(&[[0.0, 0.0], [0.0, 0.0]]);
        for (record, share) in records.iter_mut().zip([0.5, NAN]) {
            record.timeline[2 * Series::RequestsPerSecond as usize + 1] = 10.0;
            record.timeline[2 * Series::NewVersionShare as usize + 1] = share;
        }
        let timeline = timeline(&study(), &records, &Pooled::new(2));
        assert_eq!(timeline.new_requests_per_s, [0.0, 2.5]);
        assert_eq!(timeline.first_new_by_run, [Some(1), None]);
    }

    #[test]
    fn pooled_quantiles_are_those_of_each_bins_histogram() {
        let mut pooled = Pooled::new(2);
        for i in 1..=100 {
            pooled.ttft_by_bin[1].record(Duration::from_seconds(i));
        }
        let timeline = timeline(&study(), &records(&[[0.0, 0.0]]), &pooled);
        assert!(timeline.pooled_ttft_p50[0].is_nan());
        assert!((timeline.pooled_ttft_p50[1] / 50.0 - 1.0).abs() <= 0.004);
        assert!((timeline.pooled_ttft_p99[1] / 99.0 - 1.0).abs() <= 0.004);
    }
}
