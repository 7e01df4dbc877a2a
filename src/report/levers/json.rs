//! `levers.json`: shares and relative changes are fractions.

use schemars::JsonSchema;
use serde::Serialize;

use super::broken::{breach, parts, why_dropped};
use crate::ledger::WATERFALL;
use crate::report::json::{Document, EstimateJson, Kind, Named, Number, Provenance, Waterfall, document};
use crate::study::Change;
use crate::study::levers::{Bound, Breach, Fewest, LeftOut, LeverVerdict, LeversResult, Point, Promise, Turned};

/// A fleet with its engine, against the scenario as it is.
#[derive(Serialize, JsonSchema)]
struct PointJson {
    /// What was set on top of the scenario, each as `KEY=VALUE`.
    settings: Vec<String>,
    /// Replicas.
    replicas: u32,
    /// GPUs that they hold without a rollout.
    gpus: u32,
    /// Price of a GPU-hour.
    gpu_hour_usd: Number,
    /// Saturated rate of a replica, output tokens per second.
    saturated_tokens_per_second: Number,
    /// Runs that this and today's scenario both have.
    runs: u64,
    /// Price of a million useful output tokens, mean over runs.
    usd_per_million_output_tokens: EstimateJson,
    /// Relative change of that price against today, as a fraction.
    price_change: EstimateJson,
    /// TTFT P99 of a run, mean over runs.
    ttft_p99_s: EstimateJson,
    /// How much longer it is than today, mean over runs.
    ttft_p99_difference_s: EstimateJson,
    /// How it stands to today's.
    ttft_p99_change: Change,
    /// TPOT P99 of a run, mean over runs.
    tpot_p99_s: EstimateJson,
    /// How much longer it is than today, mean over runs.
    tpot_p99_difference_s: EstimateJson,
    /// Tokens emitted over what the ready replicas emit saturated, mean over runs.
    utilization: EstimateJson,
    /// How many more of the requests than today are without their whole answer, as a fraction.
    unanswered_difference: EstimateJson,
    /// For how many more seconds of a run than today the objective is missed; null without an objective.
    slo_violation_difference_s: EstimateJson,
    /// Whether it keeps all that a fleet must keep.
    keeps_bound: bool,
    /// What of that it breaks, in words.
    breaks: Vec<String>,
    /// Parts of the price of a million useful output tokens, US dollars, means over runs.
    waterfall: Named<Waterfall, EstimateJson>,
    /// The keys that make it meet different requests from today's.
    unequal: Vec<&'static str>,
}

impl PointJson {
    fn of(point: &Point, promise: &Promise) -> PointJson {
        let parts = WATERFALL.iter().zip(&point.waterfall).map(|((metric, _), part)| (metric.name(), part.into()));
        PointJson {
            settings: point.settings.clone(),
            replicas: point.replicas,
            gpus: point.gpus,
            gpu_hour_usd: Number(point.gpu_hour_usd),
            saturated_tokens_per_second: Number(point.saturated_rate),
            runs: point.runs,
            usd_per_million_output_tokens: (&point.price).into(),
            price_change: (&point.change.estimate).into(),
            ttft_p99_s: (&point.ttft).into(),
            ttft_p99_difference_s: (&point.ttft_difference).into(),
            ttft_p99_change: point.ttft_change,
            tpot_p99_s: (&point.tpot).into(),
            tpot_p99_difference_s: (&point.tpot_difference).into(),
            utilization: (&point.utilization).into(),
            unanswered_difference: (&point.unanswered).into(),
            slo_violation_difference_s: (&point.missed).into(),
            keeps_bound: point.keeps_bound(),
            breaks: breaks(&point.breaches, promise),
            waterfall: parts.collect(),
            unequal: point.unequal.clone(),
        }
    }
}

fn breaks(breaches: &[Breach], promise: &Promise) -> Vec<String> {
    breaches.iter().map(|one| breach(promise, one)).collect()
}

/// A fleet that was tried and broke the bound.
#[derive(Serialize, JsonSchema)]
struct StopJson {
    /// Its replicas.
    replicas: u32,
    /// What it broke, in words; empty where the scenario's other keys allow no such fleet.
    breaks: Vec<String>,
}

/// The least fleet: `point` where it was found, else `out_of_reach_up_to` replicas, or neither where none was sought.
#[derive(Serialize, JsonSchema)]
struct FewestJson {
    /// The fleet; null where none was found or none was sought.
    point: Option<PointJson>,
    /// Relative change of the price against today's engine with its own least fleet, as a fraction; null where there is none.
    gain: Option<EstimateJson>,
    /// No fleet of up to so many replicas keeps the bound; null where one does, or none was sought.
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

/// A lever and what turning it does.
#[derive(Serialize, JsonSchema)]
struct LeverJson<'a> {
    /// Its name, as `--levers` takes it.
    name: &'a str,
    /// What it does.
    sentence: &'a str,
    /// Relative change of the price by the paper formula, as a fraction.
    formula_change: Number,
    /// With today's fleet.
    same_fleet: PointJson,
    /// With the least fleet that keeps the bound.
    fewest_replicas: FewestJson,
    /// Whether it saves money, the bound kept.
    saves: LeverVerdict,
}

impl<'a> LeverJson<'a> {
    fn of(turned: &'a Turned, promise: &Promise) -> LeverJson<'a> {
        LeverJson {
            name: &turned.lever.name,
            sentence: &turned.lever.sentence,
            formula_change: Number(turned.formula_change),
            same_fleet: PointJson::of(&turned.same, promise),
            fewest_replicas: FewestJson::of(&turned.fewest, promise),
            saves: turned.verdict,
        }
    }
}

/// A lever that was not turned.
#[derive(Serialize, JsonSchema)]
struct LeftOutJson<'a> {
    /// Its name.
    name: &'a str,
    /// Why not.
    reason: &'a str,
}

fn left_out(left: &[LeftOut]) -> Vec<LeftOutJson<'_>> {
    left.iter().map(|left| LeftOutJson { name: &left.name, reason: &left.reason }).collect()
}

/// A lever that helped by itself and is not among those that are turned together.
#[derive(Serialize, JsonSchema)]
struct DroppedJson<'a> {
    /// Its name.
    name: &'a str,
    /// Why not.
    reason: String,
}

/// The levers that help, turned together.
#[derive(Serialize, JsonSchema)]
struct TogetherJson<'a> {
    /// Their names.
    names: &'a [String],
    /// Levers that helped by themselves and were left out.
    dropped: Vec<DroppedJson<'a>>,
    /// Relative change of the price by the paper formula, as a fraction.
    formula_change: Number,
    /// What multiplying the levers' own changes would promise, as a fraction.
    product_change: Number,
    /// With today's fleet.
    same_fleet: PointJson,
    /// With the least fleet that keeps the bound.
    fewest_replicas: FewestJson,
}

/// What `cutover levers` finds: what each lever does to the price of a token.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct LeversJson<'a> {
    /// The scenario as it is.
    today: PointJson,
    /// Today's price by the paper formula.
    formula_usd_per_million_output_tokens: EstimateJson,
    /// TTFT P99 that a fleet must keep, seconds; null: today's.
    bound_ttft_p99_s: Option<f64>,
    /// All that a fleet must keep, in words.
    bounds: Vec<String>,
    /// The least fleet with today's engine.
    fewest_replicas_today: FewestJson,
    /// Why the fleet's size was left alone; null where it was not.
    fixed_fleet: Option<&'a str>,
    /// The levers, in the order in which they are told.
    levers: Vec<LeverJson<'a>>,
    /// Those that help, turned together; null where that was not looked at.
    together: Option<TogetherJson<'a>>,
    /// Levers that were not turned.
    left_out: Vec<LeftOutJson<'a>>,
}

impl Document for LeversJson<'_> {
    const KIND: Kind = Kind::Levers;
    type Provenance = Provenance;
}

/// The text of `levers.json`.
pub fn json(result: &LeversResult) -> String {
    let promise = &result.promise;
    let body = LeversJson {
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
    };
    let runs = result.base.records.len() as u64;
    document(Provenance::of_runs(&result.base.scenario, runs, result.partial), body)
}
