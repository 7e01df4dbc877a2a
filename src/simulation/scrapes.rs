//! What Prometheus has scraped of the replicas, and what an analysis with `estimator = "prometheus"` reads from it:
//! `histogram_quantile(q, sum by (le) (rate(..._bucket[window])))` of a version, or
//! `sum(rate(http_requests_total{status="5xx"}[window])) / sum(rate(http_requests_total[window]))`.
//!
//! A failed scrape leaves nothing here: the stale markers that a server writes then are not seen by any rate.

use std::collections::VecDeque;
use std::ops::Range;

use super::exposition::{Counters, STATUSES, Status, bounds};
use crate::ledger::Outcome;
use crate::prometheus::{Bucket, Sample, Window, histogram_quantile, sum};
use crate::random::{Purpose, RunKey};
use crate::rollout::{Measured, Version};
use crate::scenario::{ActionKind, Analysis, AnalysisBound, AnalysisMetric, Estimator, Scenario};
use crate::units::{Duration, Time};

/// The values of all series of a replica at one scrape.
#[derive(Clone, Debug)]
struct Scrape {
    /// Milliseconds.
    at: i64,
    values: Vec<f64>,
}

/// A replica as a target.
#[derive(Clone, Debug)]
struct Target {
    version: Version,
    /// As in `Scrapes::metrics`.
    counters: Vec<Counters>,
    /// In order of time, as far back as a window reaches.
    scrapes: VecDeque<Scrape>,
}

impl Target {
    fn series(&self, series: usize) -> impl Iterator<Item = Sample> {
        self.scrapes.iter().map(move |scrape| Sample { at: scrape.at, value: scrape.values[series] })
    }
}

/// When a version is shipped first.
fn first_ship(scenario: &Scenario) -> Time {
    let shipped = scenario.actions.iter().filter(|action| matches!(action.kind, ActionKind::Ship(_)));
    shipped.map(|action| action.at).fold(scenario.rollout.start, Time::min)
}

/// The scrapes of one run.
#[derive(Clone, Debug)]
pub(super) struct Scrapes {
    /// Time between scrapes of a replica.
    pub(super) interval: Duration,
    /// The longest window.
    window: Duration,
    /// No measurement looks back to before this.
    begin: Time,
    /// What is exposed, each with its series in a scrape.
    metrics: Vec<(AnalysisMetric, Range<usize>)>,
    /// By replica.
    targets: Vec<Target>,
}

impl Scrapes {
    /// Nothing scraped yet; `None` if no analysis reads any.
    pub(super) fn new(scenario: &Scenario) -> Option<Scrapes> {
        let mut scrapes: Option<Scrapes> = None;
        for analysis in &scenario.analyses {
            let Estimator::Prometheus { scrape_interval: interval } = analysis.estimator else { continue };
            let scrapes = scrapes.get_or_insert(Scrapes {
                interval,
                window: Duration::ZERO,
                begin: Time::ZERO,
                metrics: Vec::new(),
                targets: Vec::new(),
            });
            scrapes.window = scrapes.window.max(analysis.window);
            scrapes.begin = first_ship(scenario) - scrapes.window;
            if scrapes.series(analysis.metric).is_none() {
                let from = scrapes.metrics.last().map_or(0, |(_, series)| series.end);
                let width = if is_rate(analysis.metric) { STATUSES } else { bounds(analysis.metric).len() + 1 };
                scrapes.metrics.push((analysis.metric, from..from + width));
            }
        }
        scrapes
    }

    fn series(&self, metric: AnalysisMetric) -> Option<Range<usize>> {
        self.metrics.iter().find(|(exposed, _)| *exposed == metric).map(|(_, series)| series.clone())
    }

    /// A new replica, which is the next by its number, is found. Returns when it is scraped first: each has a phase of its
    /// own within the interval, in whole milliseconds.
    pub(super) fn discover(&mut self, version: Version, key: RunKey, now: Time) -> Time {
        let replica = self.targets.len() as u64;
        let counters = self.metrics.iter().map(|(metric, _)| Counters::new(*metric)).collect();
        self.targets.push(Target { version, counters, scrapes: VecDeque::new() });
        let interval = self.interval.0 as i64;
        let milliseconds = (key.keyed_uniform(Purpose::Scrape, replica, 0) * (interval / 1_000_000) as f64) as i64;
        let phase = milliseconds * 1_000_000;
        let from = now.max(self.begin).0 - phase;
        Time(phase + from.div_euclid(interval) * interval + if from.rem_euclid(interval) > 0 { interval } else { 0 })
    }

    fn counters(&mut self, replica: u32, metric: AnalysisMetric) -> Option<&mut Counters> {
        let exposed = self.metrics.iter().position(|(exposed, _)| *exposed == metric)?;
        self.targets.get_mut(replica as usize).map(|target| &mut target.counters[exposed])
    }

    /// A latency at a replica became known to it.
    pub(super) fn observe(&mut self, replica: u32, metric: AnalysisMetric, value: Duration) {
        if let Some(counters) = self.counters(replica, metric) {
            counters.observe(value);
        }
    }

    /// An attempt at a replica has ended.
    pub(super) fn ended(&mut self, replica: u32, outcome: Outcome) {
        if let (Some(status), Some(counters)) = (Status::of(outcome), self.counters(replica, AnalysisMetric::ErrorRate))
        {
            counters.count(status);
        }
    }

    /// A replica's process has ended, and all that it had counted with it.
    pub(super) fn restart(&mut self, replica: u32) {
        let counters = self.targets.get_mut(replica as usize).map(|target| &mut target.counters);
        counters.into_iter().flatten().for_each(Counters::reset);
    }

    /// A replica answers a scrape.
    pub(super) fn scrape(&mut self, replica: u32, now: Time) {
        let Some(target) = self.targets.get_mut(replica as usize) else { return };
        let oldest = milliseconds(now - self.window);
        let mut values = Vec::new();
        while target.scrapes.front().is_some_and(|scrape| scrape.at <= oldest) {
            // Its memory is used again.
            values = target.scrapes.pop_front().map(|scrape| scrape.values).unwrap_or_default();
        }
        values.clear();
        for counters in &target.counters {
            counters.values(&mut values);
        }
        target.scrapes.push_back(Scrape { at: milliseconds(now), values });
    }

    /// What an analysis of the version `subject` measures now.
    pub(super) fn measure(&self, analysis: &Analysis, subject: Version, stable: Version, now: Time) -> Measured {
        let window = Window { at: milliseconds(now), range: (analysis.window.0 / 1_000_000) as i64 };
        let samples = self.samples(analysis.metric, subject, window);
        let stable = match analysis.bound {
            AnalysisBound::Max(_) | AnalysisBound::MaxShift { .. } => None,
            AnalysisBound::MaxRatioToStable(_) => self.value(analysis, stable, window),
        };
        match self.value(analysis, subject, window) {
            Some(value) if samples >= analysis.min_samples as f64 => {
                Measured::Value { value, samples: samples as u64, stable }
            }
            _ => Measured::NoData { samples: samples.round() as u64 },
        }
    }

    /// `sum(rate(...))` of one series over the replicas of a version; `None`: nothing to add.
    fn sum_of_rates(&self, version: Version, series: Range<usize>, window: Window) -> Option<f64> {
        let of_version = self.targets.iter().filter(|target| target.version == version);
        let rates = of_version.flat_map(|target| series.clone().map(|series| window.rate(target.series(series))));
        let rates: Vec<f64> = rates.flatten().collect();
        (!rates.is_empty()).then(|| sum(rates))
    }

    /// `sum(increase(..._count[window]))`, or of requests of all statuses.
    fn samples(&self, metric: AnalysisMetric, version: Version, window: Window) -> f64 {
        let Some(series) = self.series(metric) else { return 0.0 };
        // The bucket for infinity is the histogram's count.
        let counts = if is_rate(metric) { series } else { series.end - 1..series.end };
        let seconds = window.range as f64 / 1000.0;
        self.sum_of_rates(version, counts, window).map_or(0.0, |rate| rate * seconds)
    }

    /// A version's value; `None` for an empty result and for NaN.
    fn value(&self, analysis: &Analysis, version: Version, window: Window) -> Option<f64> {
        let series = self.series(analysis.metric)?;
        let value = if is_rate(analysis.metric) {
            let errors = series.start + Status::Error as usize;
            let errors = self.sum_of_rates(version, errors..errors + 1, window)?;
            errors / self.sum_of_rates(version, series, window)?
        } else {
            let uppers = bounds(analysis.metric).iter().copied().chain([f64::INFINITY]);
            let bucket = |(series, upper)| {
                let count = self.sum_of_rates(version, series..series + 1, window)?;
                Some(Bucket { upper, count })
            };
            let buckets: Vec<Bucket> = series.zip(uppers).filter_map(bucket).collect();
            histogram_quantile(analysis.quantile, &buckets)
        };
        (!value.is_nan()).then_some(value)
    }
}

fn milliseconds(time: Time) -> i64 {
    time.0.div_euclid(1_000_000)
}

fn is_rate(metric: AnalysisMetric) -> bool {
    matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate)
}
