//! `levers.json`: numbers and estimates as in `summary.json`; shares and relative changes are fractions.

use serde::Serialize;

use super::broken::{breach, parts, why_dropped};
use crate::ledger::WATERFALL;
use crate::report::json::{EstimateJson, Number, Ordered, Provenance, SCHEMA_VERSION, pretty};
use crate::study::levers::{Bound, Breach, Fewest, LeftOut, LeversResult, Point, Promise, Turned};

#[derive(Serialize)]
struct PointJson {
    settings: Vec<String>,
    replicas: u32,
    gpus: u32,
    gpu_hour_usd: Number,
    saturated_tokens_per_second: Number,
    runs: u64,
    usd_per_million_output_tokens: EstimateJson,
    change: EstimateJson,
    ttft_p99_s: EstimateJson,
    ttft_p99_difference_s: EstimateJson,
    ttft_p99_change: &'static str,
    tpot_p99_s: EstimateJson,
    tpot_p99_difference_s: EstimateJson,
    utilization: EstimateJson,
    /// How many more of the requests than today are without their whole answer, as a fraction.
    unanswered_difference: EstimateJson,
    slo_violation_difference_s: EstimateJson,
    keeps_bound: bool,
    /// What of the bound it breaks, in words.
    breaks: Vec<String>,
    waterfall_usd: Ordered<EstimateJson>,
    /// The keys that make it meet different requests from today's.
    unequal: Vec<&'static str>,
}

impl PointJson {
    fn of(point: &Point, promise: &Promise) -> PointJson {
        let parts = WATERFALL.iter().zip(&point.waterfall).map(|((_, name), part)| (*name, part.into()));
        PointJson {
            settings: point.settings.clone(),
            replicas: point.replicas,
            gpus: point.gpus,
            gpu_hour_usd: Number(point.gpu_hour_usd),
            saturated_tokens_per_second: Number(point.saturated_rate),
            runs: point.runs,
            usd_per_million_output_tokens: (&point.price).into(),
            change: (&point.change.estimate).into(),
            ttft_p99_s: (&point.ttft).into(),
            ttft_p99_difference_s: (&point.ttft_difference).into(),
            ttft_p99_change: point.ttft_change.words(),
            tpot_p99_s: (&point.tpot).into(),
            tpot_p99_difference_s: (&point.tpot_difference).into(),
            utilization: (&point.utilization).into(),
            unanswered_difference: (&point.unanswered).into(),
            slo_violation_difference_s: (&point.missed).into(),
            keeps_bound: point.keeps_bound(),
            breaks: breaks(&point.breaches, promise),
            waterfall_usd: Ordered(parts.collect()),
            unequal: point.unequal.clone(),
        }
    }
}

fn breaks(breaches: &[Breach], promise: &Promise) -> Vec<String> {
    breaches.iter().map(|one| breach(promise, one)).collect()
}

/// A fleet that was tried and broke the bound.
#[derive(Serialize)]
struct StopJson {
    replicas: u32,
    breaks: Vec<String>,
}

/// The least fleet: `point` where it was found, else `out_of_reach_up_to` replicas, or neither where none was sought.
#[derive(Serialize)]
struct FewestJson {
    point: Option<PointJson>,
    /// Against today's engine with its own least fleet.
    gain: Option<EstimateJson>,
    out_of_reach_up_to: Option<u32>,
    /// What one replica fewer, or the largest fleet that was tried, broke.
    stopped_by: Option<StopJson>,
}

impl FewestJson {
    fn of(fewest: &Fewest, promise: &Promise) -> FewestJson {
        let stop = match fewest {
            Fewest::Found { stop, .. } => stop.as_ref(),
            Fewest::OutOfReach(stop) => Some(stop),
            Fewest::NotSought => None,
        };
        FewestJson {
            stopped_by: stop.map(|stop| StopJson { replicas: stop.replicas, breaks: breaks(&stop.breaches, promise) }),
            point: fewest.point().map(|point| PointJson::of(point, promise)),
            gain: fewest.gain().map(|gain| (&gain.estimate).into()),
            out_of_reach_up_to: match fewest {
                Fewest::OutOfReach(stop) => Some(stop.replicas),
                _ => None,
            },
        }
    }
}

#[derive(Serialize)]
struct LeverJson<'a> {
    name: &'a str,
    sentence: &'a str,
    formula_change: Number,
    same_fleet: PointJson,
    fewest_replicas: FewestJson,
    saves: &'static str,
}

impl<'a> LeverJson<'a> {
    fn of(turned: &'a Turned, promise: &Promise) -> LeverJson<'a> {
        LeverJson {
            name: &turned.lever.name,
            sentence: &turned.lever.sentence,
            formula_change: Number(turned.formula_change),
            same_fleet: PointJson::of(&turned.same, promise),
            fewest_replicas: FewestJson::of(&turned.fewest, promise),
            saves: turned.verdict.words(),
        }
    }
}

#[derive(Serialize)]
struct LeftOutJson<'a> {
    name: &'a str,
    reason: &'a str,
}

fn left_out(left: &[LeftOut]) -> Vec<LeftOutJson<'_>> {
    left.iter().map(|left| LeftOutJson { name: &left.name, reason: &left.reason }).collect()
}

#[derive(Serialize)]
struct DroppedJson<'a> {
    name: &'a str,
    reason: String,
}

#[derive(Serialize)]
struct TogetherJson<'a> {
    names: &'a [String],
    dropped: Vec<DroppedJson<'a>>,
    formula_change: Number,
    product_change: Number,
    same_fleet: PointJson,
    fewest_replicas: FewestJson,
}

#[derive(Serialize)]
struct LeversJson<'a> {
    schema_version: u32,
    provenance: Provenance,
    partial: bool,
    today: PointJson,
    formula_usd_per_million_output_tokens: EstimateJson,
    /// TTFT P99 that a fleet must keep, seconds; null: today's.
    bound_ttft_p99_s: Option<f64>,
    /// All that a fleet must keep, in words.
    bounds: Vec<String>,
    fewest_replicas_today: FewestJson,
    /// Why the fleet's size was left alone.
    fixed_fleet: Option<&'a str>,
    levers: Vec<LeverJson<'a>>,
    together: Option<TogetherJson<'a>>,
    left_out: Vec<LeftOutJson<'a>>,
}

/// The text of `levers.json`.
pub fn json(result: &LeversResult) -> String {
    let promise = &result.promise;
    pretty(&LeversJson {
        schema_version: SCHEMA_VERSION,
        provenance: Provenance::of(&result.base),
        partial: result.partial,
        today: PointJson::of(&result.today, promise),
        formula_usd_per_million_output_tokens: (&result.formula_today).into(),
        bound_ttft_p99_s: match promise.ttft {
            Bound::Seconds(bound) => Some(bound),
            Bound::Today => None,
        },
        bounds: parts(promise),
        fewest_replicas_today: FewestJson::of(&result.fewest_today, promise),
        fixed_fleet: result.fixed_fleet.as_deref(),
        levers: result.levers.iter().map(|turned| LeverJson::of(turned, promise)).collect(),
        together: result.together.as_ref().map(|together| TogetherJson {
            names: &together.names,
            dropped: (together.dropped.iter())
                .map(|dropped| DroppedJson { name: &dropped.name, reason: why_dropped(dropped) })
                .collect(),
            formula_change: Number(together.formula_change),
            product_change: Number(together.product_change),
            same_fleet: PointJson::of(&together.same, promise),
            fewest_replicas: FewestJson::of(&together.fewest, promise),
        }),
        left_out: left_out(&result.left_out),
    })
}
