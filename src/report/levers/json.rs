//! `levers.json`: numbers and estimates as in `summary.json`; shares and relative changes are fractions.

use serde::Serialize;

use crate::ledger::WATERFALL;
use crate::report::json::{EstimateJson, Number, Ordered, Provenance, SCHEMA_VERSION, pretty};
use crate::study::levers::{Bound, Fewest, LeftOut, LeversResult, Point, Turned};

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
    utilization: EstimateJson,
    keeps_bound: bool,
    waterfall_usd: Ordered<EstimateJson>,
    /// The keys that make it meet different requests from today's.
    unequal: Vec<&'static str>,
}

impl From<&Point> for PointJson {
    fn from(point: &Point) -> PointJson {
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
            utilization: (&point.utilization).into(),
            keeps_bound: point.keeps_bound,
            waterfall_usd: Ordered(parts.collect()),
            unequal: point.unequal.clone(),
        }
    }
}

/// The least fleet: `point` where it was found, else `out_of_reach_up_to` replicas, or neither where none was sought.
#[derive(Serialize)]
struct FewestJson {
    point: Option<PointJson>,
    /// Against today's engine with its own least fleet.
    gain: Option<EstimateJson>,
    out_of_reach_up_to: Option<u32>,
}

impl From<&Fewest> for FewestJson {
    fn from(fewest: &Fewest) -> FewestJson {
        FewestJson {
            point: fewest.point().map(PointJson::from),
            gain: fewest.gain().map(|gain| (&gain.estimate).into()),
            out_of_reach_up_to: match fewest {
                Fewest::OutOfReach(limit) => Some(*limit),
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

impl<'a> From<&'a Turned> for LeverJson<'a> {
    fn from(turned: &'a Turned) -> LeverJson<'a> {
        LeverJson {
            name: &turned.lever.name,
            sentence: &turned.lever.sentence,
            formula_change: Number(turned.formula_change),
            same_fleet: (&turned.same).into(),
            fewest_replicas: (&turned.fewest).into(),
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
struct TogetherJson<'a> {
    names: &'a [String],
    dropped: Vec<LeftOutJson<'a>>,
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
    fewest_replicas_today: FewestJson,
    /// Why the fleet's size was left alone.
    fixed_fleet: Option<&'a str>,
    levers: Vec<LeverJson<'a>>,
    together: Option<TogetherJson<'a>>,
    left_out: Vec<LeftOutJson<'a>>,
}

/// The text of `levers.json`.
pub fn json(result: &LeversResult) -> String {
    pretty(&LeversJson {
        schema_version: SCHEMA_VERSION,
        provenance: Provenance::of(&result.base),
        partial: result.partial,
        today: (&result.today).into(),
        formula_usd_per_million_output_tokens: (&result.formula_today).into(),
        bound_ttft_p99_s: match result.bound {
            Bound::Seconds(bound) => Some(bound),
            Bound::Today => None,
        },
        fewest_replicas_today: (&result.fewest_today).into(),
        fixed_fleet: result.fixed_fleet.as_deref(),
        levers: result.levers.iter().map(LeverJson::from).collect(),
        together: result.together.as_ref().map(|together| TogetherJson {
            names: &together.names,
            dropped: left_out(&together.dropped),
            formula_change: Number(together.formula_change),
            product_change: Number(together.product_change),
            same_fleet: (&together.same).into(),
            fewest_replicas: (&together.fewest).into(),
        }),
        left_out: left_out(&result.left_out),
    })
}
