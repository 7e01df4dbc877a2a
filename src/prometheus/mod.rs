//! What a Prometheus server makes of the samples that it scraped: rates with their extrapolation, quantiles of classic
//! histograms, sums.
//!
//! The rules are those of Prometheus 3.5.3 (`promql/functions.go`, `promql/quantile.go`, `promql/engine.go`); the answers of
//! such a server are among the tests. Nothing here knows what the samples are of, who scrapes them and when, or PromQL's
//! grammar. Native histograms are left out.

mod quantile;
mod series;
mod sum;

pub use quantile::{Bucket, histogram_quantile};
pub use series::{LOOKBACK, STALE, Sample, Window, instant};
pub use sum::{mean, sum};
