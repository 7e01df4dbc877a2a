//! `fit.json`: everything that was found, for scripts. What there is not is null. Tokens, seconds, requests per second and
//! shares from 0 to 1 throughout.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::Fitted;
use super::paste::{paste, table};
use crate::fit::{Basis, Candidate, DrawnDispersion, Kind, LengthFit, Process, Rates, Tail, TraceFit, WindowCounts};
use crate::random::Distribution;
use crate::report::json::{Document, Kind as DocumentKind, Number, document};

/// What was fitted.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct Recording {
    /// Version of cutover.
    version: &'static str,
    /// The trace's file, without its directory.
    trace: String,
    /// SHA-256, in hexadecimal, of what it records.
    trace_hash: String,
}

/// Requests counted in windows of one length.
#[derive(Serialize, JsonSchema)]
struct WindowJson {
    /// Length of a window.
    window_s: u64,
    /// Whole windows in the recording.
    windows: u64,
    /// Requests of the fullest over those of the mean window.
    peak_to_mean: Number,
    /// Requests of the emptiest over those of the mean window.
    least_to_mean: Number,
    /// Variance over mean of the counts: 1 for Poisson arrivals.
    index_of_dispersion: Number,
    /// The same of arrivals drawn from what was fitted, mean over recordings; null where none were drawn.
    drawn_index_of_dispersion: Option<Number>,
    /// Its standard deviation over recordings.
    drawn_standard_deviation: Option<Number>,
}

impl WindowJson {
    fn of((counts, drawn): (&Option<WindowCounts>, &Option<DrawnDispersion>)) -> Option<WindowJson> {
        let counts = (*counts)?;
        Some(WindowJson {
            window_s: counts.seconds,
            windows: counts.windows,
            peak_to_mean: Number(counts.peak_to_mean),
            least_to_mean: Number(counts.least_to_mean),
            index_of_dispersion: Number(counts.dispersion),
            drawn_index_of_dispersion: drawn.map(|drawn| Number(drawn.mean)),
            drawn_standard_deviation: drawn.map(|drawn| Number(drawn.deviation)),
        })
    }
}

/// When requests arrived.
#[derive(Serialize, JsonSchema)]
struct TrafficJson {
    /// Requests.
    requests: u64,
    /// Length of the recording.
    span_s: Number,
    /// Mean rate.
    requests_per_second: Number,
    /// Coefficient of variation of the times between arrivals: 1 for Poisson arrivals.
    interarrival_cv: Number,
    /// Share of the times between arrivals that are zero.
    zero_gaps: Number,
    /// Counts in windows of several lengths.
    windows: Vec<WindowJson>,
}

/// The arrival process that was chosen.
#[derive(Serialize, JsonSchema)]
struct ArrivalsJson {
    /// Its name in a scenario.
    process: ProcessJson,
    /// Requests per second.
    rate: Number,
    /// Coefficient of variation of the times between arrivals; null for Poisson.
    cv: Option<Number>,
    /// What it was fitted to.
    basis: BasisJson,
    /// Length of the windows whose counts it was fitted to; null where it was fitted to anything else.
    basis_window_s: Option<u64>,
    /// Over windows from this length on, what is drawn is calmer than what was recorded; null: over none.
    too_calm_over_s: Option<u64>,
    /// Over windows from this length on, what is drawn is burstier than what was recorded; null: over none.
    too_sharp_over_s: Option<u64>,
}

/// An arrival process.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ProcessJson {
    /// Arrivals independent of one another.
    Poisson,
    /// Times between arrivals drawn from a gamma distribution.
    Gamma,
}

/// What an arrival process was fitted to.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BasisJson {
    /// The times between arrivals.
    Gaps,
    /// The counts in windows.
    Counts,
    /// The rate alone.
    Rate,
}

impl From<&TraceFit> for ArrivalsJson {
    fn from(fit: &TraceFit) -> ArrivalsJson {
        let arrivals = &fit.arrivals;
        let (process, rate, cv) = match arrivals.process {
            Process::Poisson { rate } => (ProcessJson::Poisson, rate, None),
            Process::Gamma { rate, cv } => (ProcessJson::Gamma, rate, Some(Number(cv))),
        };
        let (basis, basis_window_s) = match arrivals.basis {
            Basis::Gaps => (BasisJson::Gaps, None),
            Basis::Counts(window) => (BasisJson::Counts, Some(window)),
            Basis::RateAlone => (BasisJson::Rate, None),
        };
        let (too_calm_over_s, too_sharp_over_s) = (arrivals.too_calm_over_s, arrivals.too_sharp_over_s);
        ArrivalsJson { process, rate: Number(rate), cv, basis, basis_window_s, too_calm_over_s, too_sharp_over_s }
    }
}

/// The rate over time.
#[derive(Serialize, JsonSchema)]
struct RatesJson {
    /// Width of a bin.
    bin_s: Number,
    /// Requests per second in each bin.
    requests_per_second: Vec<Number>,
    /// 5 % quantile of the rate in bins of arrivals drawn from what was fitted; null where none were drawn.
    drawn_p5_requests_per_second: Option<Number>,
    /// 95 % quantile of that rate.
    drawn_p95_requests_per_second: Option<Number>,
}

impl From<&Rates> for RatesJson {
    fn from(rates: &Rates) -> RatesJson {
        RatesJson {
            bin_s: Number(rates.bin_s),
            requests_per_second: rates.recorded.iter().map(|rate| Number(*rate)).collect(),
            drawn_p5_requests_per_second: rates.drawn.map(|(low, _)| Number(low)),
            drawn_p95_requests_per_second: rates.drawn.map(|(_, high)| Number(high)),
        }
    }
}

/// The longest values.
#[derive(Serialize, JsonSchema)]
struct TailJson {
    /// Share of the values that it takes.
    top_share: f64,
    /// Values.
    values: u64,
    /// The tail lies above it, tokens.
    threshold: u32,
    /// Hill's estimate of the tail's exponent.
    hill_alpha: Number,
    /// Shape of the generalised Pareto distribution of what lies above the threshold; null where it cannot be fitted.
    gpd_xi: Option<Number>,
    /// Its scale, tokens.
    gpd_beta: Option<Number>,
}

impl From<&Tail> for TailJson {
    fn from(tail: &Tail) -> TailJson {
        TailJson {
            top_share: tail.share,
            values: tail.values,
            threshold: tail.threshold,
            hill_alpha: Number(tail.hill_alpha),
            gpd_xi: tail.excess.map(|excess| Number(excess.xi)),
            gpd_beta: tail.excess.map(|excess| Number(excess.beta)),
        }
    }
}

/// A distribution that was fitted, and how close it is.
#[derive(Serialize, JsonSchema)]
struct CandidateJson {
    /// The family.
    name: &'static str,
    /// How many parameters it has.
    parameters: usize,
    /// Largest difference of the distribution functions (Kolmogorov and Smirnov).
    ks: Number,
    /// Relative error of the mean.
    mean: Number,
    /// Relative error of the 99 % quantile.
    p99: Number,
    /// Relative error of the 99.9 % quantile.
    p999: Number,
    /// All of these in one figure, by which candidates are ranked.
    distance: Number,
    /// As a scenario has it.
    #[schemars(schema_with = "in_a_scenario")]
    value: toml::Value,
}

fn in_a_scenario(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [
            { "description": "A number that is always drawn.", "type": "number" },
            {
                "description": "The name of a distribution, and its parameters.",
                "type": "object",
                "properties": { "distribution": { "description": "The name.", "type": "string" } },
                "required": ["distribution"],
            },
        ],
    })
}

impl From<&Candidate> for CandidateJson {
    fn from(candidate: &Candidate) -> CandidateJson {
        CandidateJson {
            name: key(candidate.kind),
            parameters: candidate.kind.parameters(),
            ks: Number(candidate.closeness.ks),
            mean: Number(candidate.closeness.mean),
            p99: Number(candidate.closeness.p99),
            p999: Number(candidate.closeness.p999),
            distance: Number(candidate.closeness.distance),
            value: as_in_a_scenario(&candidate.distribution),
        }
    }
}

fn as_in_a_scenario(distribution: &Distribution) -> toml::Value {
    let text = format!("value = {}", table(distribution));
    let mut read: toml::Table = toml::from_str(&text).expect("what is to be pasted is TOML");
    read.remove("value").expect("it was just written")
}

fn key(kind: Kind) -> &'static str {
    match kind {
        Kind::TwoLognormals => "lognormal_mixture_2",
        Kind::ThreeLognormals => "lognormal_mixture_3",
        single => single.name(),
    }
}

/// Lengths, and what fits them.
#[derive(Serialize, JsonSchema)]
struct LengthJson {
    /// Values.
    count: u64,
    /// Different values.
    distinct: usize,
    /// Mean, tokens.
    mean: Number,
    /// Coefficient of variation.
    cv: Number,
    /// Shortest, tokens.
    min: u32,
    /// 1 % quantile, tokens.
    p1: Number,
    /// 5 % quantile, tokens.
    p5: Number,
    /// 10 % quantile, tokens.
    p10: Number,
    /// 25 % quantile, tokens.
    p25: Number,
    /// Median, tokens.
    p50: Number,
    /// 75 % quantile, tokens.
    p75: Number,
    /// 90 % quantile, tokens.
    p90: Number,
    /// 95 % quantile, tokens.
    p95: Number,
    /// 99 % quantile, tokens.
    p99: Number,
    /// 99.9 % quantile, tokens.
    p999: Number,
    /// Longest, tokens.
    max: u32,
    /// The longest values.
    tails: Vec<TailJson>,
    /// Name of the candidate that is recommended.
    recommended: &'static str,
    /// Whether even that one fits poorly.
    poor: bool,
    /// What was fitted, in the order in which it is told.
    candidates: Vec<CandidateJson>,
}

impl From<&LengthFit> for LengthJson {
    fn from(fit: &LengthFit) -> LengthJson {
        let values = &fit.values;
        let quantile = |share| Number(values.quantile(share));
        LengthJson {
            count: values.total(),
            distinct: values.distinct(),
            mean: Number(values.mean()),
            cv: Number(values.variation()),
            min: values.least(),
            p1: quantile(0.01),
            p5: quantile(0.05),
            p10: quantile(0.1),
            p25: quantile(0.25),
            p50: quantile(0.5),
            p75: quantile(0.75),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: values.greatest(),
            tails: fit.tails.iter().flatten().map(TailJson::from).collect(),
            recommended: key(fit.recommended().kind),
            poor: fit.is_poor,
            candidates: fit.candidates.iter().map(CandidateJson::from).collect(),
        }
    }
}

/// What `cutover fit` finds in a recording.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct FitJson {
    /// When requests arrived.
    traffic: TrafficJson,
    /// The arrival process that was chosen.
    arrivals: ArrivalsJson,
    /// The rate over time.
    rate_over_time: RatesJson,
    /// Lengths of the prompts.
    prompt_tokens: LengthJson,
    /// Lengths of the answers.
    output_tokens: LengthJson,
    /// Spearman's correlation of a request's prompt and answer.
    rank_correlation: Number,
    /// The table `[traffic]` of a scenario, to be pasted.
    toml: String,
}

impl Document for FitJson {
    const KIND: DocumentKind = DocumentKind::Fit;
    type Provenance = Recording;
}

/// The text of `fit.json`.
pub fn json(fitted: &Fitted<'_>) -> String {
    let fit = fitted.fit;
    let traffic = &fit.traffic;
    let body = FitJson {
        traffic: TrafficJson {
            requests: traffic.requests,
            span_s: Number(traffic.recorded_s),
            requests_per_second: Number(traffic.rate),
            interarrival_cv: Number(traffic.gap_variation),
            zero_gaps: Number(traffic.zero_gaps),
            windows: traffic.windows.iter().zip(&fit.arrivals.drawn).filter_map(WindowJson::of).collect(),
        },
        arrivals: fit.into(),
        rate_over_time: (&fit.arrivals.rates).into(),
        prompt_tokens: (&fit.prompt_tokens).into(),
        output_tokens: (&fit.output_tokens).into(),
        rank_correlation: Number(fit.rank_correlation),
        toml: paste(fitted),
    };
    let recording =
        Recording { version: env!("CARGO_PKG_VERSION"), trace: fitted.name.to_owned(), trace_hash: fit.digest.clone() };
    document(recording, body)
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;
    use serde_json::Value;

    #[test]
    fn everything_of_the_report_is_there() {
        for fit in [example::bursty(), example::constant()] {
            let json: Value = serde_json::from_str(&json(&Fitted { name: "a.csv", fit })).expect("JSON");
            assert_eq!((&json["schema_version"], &json["provenance"]["trace"]), (&1.into(), &"a.csv".into()));
            assert_eq!(json["traffic"]["requests"], fit.traffic.requests);
            assert_eq!(json["traffic"]["windows"].as_array().map(Vec::len), Some(4));
            for (key, length) in [("prompt_tokens", &fit.prompt_tokens), ("output_tokens", &fit.output_tokens)] {
                let found = &json[key];
                assert_eq!(found["p50"].as_f64(), Some(length.values.quantile(0.5)), "{key}");
                for name in ["count", "mean", "cv", "min", "p1", "p5", "p25", "p75", "p95", "p999", "max", "tails"] {
                    assert!(!found[name].is_null(), "{key}.{name}");
                }
                let candidates = found["candidates"].as_array().expect("candidates");
                assert_eq!(candidates.len(), length.candidates.len());
                assert!(candidates.iter().any(|candidate| candidate["name"] == found["recommended"]), "{key}");
            }
            let last = json["output_tokens"]["candidates"].as_array().and_then(|candidates| candidates.last());
            assert_eq!(last.expect("a candidate")["value"]["parts"][0]["distribution"], "lognormal");
            assert!(json["toml"].as_str().is_some_and(|toml| toml.contains("[traffic]")));
        }
    }
}
