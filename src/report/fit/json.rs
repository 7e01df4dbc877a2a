//! `fit.json`: everything that was found, for scripts. Its numbers are written as [`crate::report::json`] writes them;
//! what there is not is null. Tokens, seconds, requests per second and shares from 0 to 1 throughout.

use serde::Serialize;

use super::Fitted;
use super::paste::{paste, table};
use crate::fit::{Basis, Candidate, DrawnDispersion, Kind, LengthFit, Process, Rates, Tail, TraceFit, WindowCounts};
use crate::random::Distribution;
use crate::report::json::{Number, Ordered, SCHEMA_VERSION, pretty};

/// The quantiles that are written, with their keys.
const QUANTILES: [(&str, f64); 10] = [
    ("p1", 0.01),
    ("p5", 0.05),
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
];

#[derive(Serialize)]
struct Provenance<'a> {
    version: &'static str,
    trace: &'a str,
    trace_digest: &'a str,
}

#[derive(Serialize)]
struct WindowJson {
    window_s: u64,
    windows: u64,
    peak_to_mean: Number,
    least_to_mean: Number,
    index_of_dispersion: Number,
    drawn_index_of_dispersion: Option<Number>,
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

#[derive(Serialize)]
struct TrafficJson {
    requests: u64,
    span_s: Number,
    mean_rps: Number,
    interarrival_cv: Number,
    zero_gaps: Number,
    windows: Vec<WindowJson>,
}

#[derive(Serialize)]
struct ArrivalsJson {
    process: &'static str,
    rate: Number,
    cv: Option<Number>,
    basis: &'static str,
    basis_window_s: Option<u64>,
    too_calm_over_s: Option<u64>,
    too_sharp_over_s: Option<u64>,
}

impl From<&TraceFit> for ArrivalsJson {
    fn from(fit: &TraceFit) -> ArrivalsJson {
        let arrivals = &fit.arrivals;
        let (process, rate, cv) = match arrivals.process {
            Process::Poisson { rate } => ("poisson", rate, None),
            Process::Gamma { rate, cv } => ("gamma", rate, Some(Number(cv))),
        };
        let (basis, basis_window_s) = match arrivals.basis {
            Basis::Gaps => ("gaps", None),
            Basis::Counts(window) => ("counts", Some(window)),
            Basis::RateAlone => ("rate", None),
        };
        let (too_calm_over_s, too_sharp_over_s) = (arrivals.too_calm_over_s, arrivals.too_sharp_over_s);
        ArrivalsJson { process, rate: Number(rate), cv, basis, basis_window_s, too_calm_over_s, too_sharp_over_s }
    }
}

#[derive(Serialize)]
struct RatesJson {
    bin_s: Number,
    rps: Vec<Number>,
    drawn_p5_rps: Option<Number>,
    drawn_p95_rps: Option<Number>,
}

impl From<&Rates> for RatesJson {
    fn from(rates: &Rates) -> RatesJson {
        RatesJson {
            bin_s: Number(rates.bin_s),
            rps: rates.recorded.iter().map(|rate| Number(*rate)).collect(),
            drawn_p5_rps: rates.drawn.map(|(low, _)| Number(low)),
            drawn_p95_rps: rates.drawn.map(|(_, high)| Number(high)),
        }
    }
}

#[derive(Serialize)]
struct TailJson {
    top_share: f64,
    values: u64,
    threshold: u32,
    hill_alpha: Number,
    gpd_xi: Option<Number>,
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

#[derive(Serialize)]
struct CandidateJson {
    name: &'static str,
    parameters: usize,
    ks: Number,
    mean: Number,
    p99: Number,
    p999: Number,
    distance: Number,
    /// As a scenario has it: the name of the distribution and its parameters, or a number that is always drawn.
    value: toml::Value,
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

#[derive(Serialize)]
struct LengthJson {
    n: u64,
    distinct: usize,
    mean: Number,
    cv: Number,
    min: u32,
    #[serde(flatten)]
    quantiles: Ordered<Number>,
    max: u32,
    tails: Vec<TailJson>,
    recommended: &'static str,
    poor: bool,
    candidates: Vec<CandidateJson>,
}

impl From<&LengthFit> for LengthJson {
    fn from(fit: &LengthFit) -> LengthJson {
        let values = &fit.values;
        LengthJson {
            n: values.total(),
            distinct: values.distinct(),
            mean: Number(values.mean()),
            cv: Number(values.variation()),
            min: values.least(),
            quantiles: Ordered(QUANTILES.map(|(key, share)| (key, Number(values.quantile(share)))).to_vec()),
            max: values.greatest(),
            tails: fit.tails.iter().flatten().map(TailJson::from).collect(),
            recommended: key(fit.recommended().kind),
            poor: fit.is_poor,
            candidates: fit.candidates.iter().map(CandidateJson::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct FitJson<'a> {
    schema_version: u32,
    provenance: Provenance<'a>,
    traffic: TrafficJson,
    arrivals: ArrivalsJson,
    rate_over_time: RatesJson,
    prompt_tokens: LengthJson,
    output_tokens: LengthJson,
    rank_correlation: Number,
    toml: String,
}

/// The text of `fit.json`.
pub fn json(fitted: &Fitted<'_>) -> String {
    let fit = fitted.fit;
    let traffic = &fit.traffic;
    pretty(&FitJson {
        schema_version: SCHEMA_VERSION,
        provenance: Provenance { version: env!("CARGO_PKG_VERSION"), trace: fitted.name, trace_digest: &fit.digest },
        traffic: TrafficJson {
            requests: traffic.requests,
            span_s: Number(traffic.recorded_s),
            mean_rps: Number(traffic.rate),
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
    })
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
                for name in ["n", "mean", "cv", "min", "p1", "p5", "p25", "p75", "p95", "p999", "max", "tails"] {
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
