//! Values at the ends of what a key takes, and just beyond them.

use jsonschema::Validator;
use toml::{Table as Document, Value};

use super::super::super::keys::{Bound, Key, Kind, Reals, Unit};
use super::super::super::schema::{Names, schema};
use super::super::super::{OBJECTIVES, keys::Default};
use super::super::METRICS;
use super::places::Place;

/// A value of the catalogue.
pub(super) fn parsed(value: &str) -> Value {
    let document: Document = format!("it = {value}").parse().unwrap_or_else(|error| panic!("{value}: {error}"));
    document["it"].clone()
}

/// The value that shows what a key is for; `None` where the catalogue has none.
pub(super) fn example(key: &Key) -> Option<Value> {
    match (key.example, key.default) {
        ("", Default::Value(value)) => Some(parsed(value)),
        ("", _) => None,
        (example, _) => Some(parsed(example)),
    }
}

/// Values for a key, each with whether it is to be taken.
pub(super) fn around(kind: &Kind, unit: Option<Unit>) -> Vec<(Value, bool)> {
    let mut values = match kind {
        Kind::Title => vec![(text(&"x".repeat(200)), true), (text(&"x".repeat(201)), false)],
        Kind::Boolean => vec![(true.into(), true), (false.into(), true), (text("true"), false), (1.into(), false)],
        Kind::True => vec![(true.into(), true), (false.into(), false)],
        Kind::Duration(least, most) => durations(least, most),
        Kind::Whole(least, most) => wholes(*least, *most),
        Kind::Real(reals) => real_numbers(reals),
        Kind::Choice(words) => {
            let mut values: Vec<_> = words.iter().map(|word| (text(word.name), true)).collect();
            values.extend([(text("bogus"), false), (text(""), false), (0.into(), false)]);
            values
        }
        Kind::Metric | Kind::Objective => vec![(text("cost_usd"), true), (text("bogus"), false)],
        Kind::CountOrPercent(most) => vec![
            (text(&format!("{most}%")), true),
            (text(&format!("{}%", most + 1)), false),
            (10_000.into(), true),
            (10_001.into(), false),
            ((-1).into(), false),
            (text("25"), false),
        ],
        Kind::Tolerance => {
            vec![(text("0.5%"), true), (0.into(), true), (1e15.into(), true), (text("1"), false), ((-1).into(), false)]
        }
        Kind::Bandwidth => vec![(0.5.into(), true), (text("700 MB/s"), true), (0.into(), false), (text("1"), false)],
        Kind::Quantity(unit, _) => in_unit(*unit, Bound::Value),
        Kind::InUnit(bound) => unit.map_or_else(Vec::new, |unit| in_unit(unit, *bound)),
        Kind::Analyses(0) => vec![(Value::Array(Vec::new()), true), (text("ttft"), false)],
        Kind::Analyses(_) => vec![(Value::Array(Vec::new()), false), (text("ttft"), false)],
        Kind::List(_, 1) => vec![(Value::Array(Vec::new()), false)],
        _ => Vec::new(),
    };
    if !matches!(kind, Kind::Named(_) | Kind::Choices) {
        values.push((parsed("1979-05-27"), false));
        values.push((parsed("[[[]]]"), false));
    }
    values.push((parsed("{ bogus = 1 }"), false));
    values
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn durations(least: &str, most: &str) -> Vec<(Value, bool)> {
    let mut values = vec![(text("90"), false), (text("-1s"), false), (text("1 parsec"), false), (5.into(), false)];
    let nanoseconds = |text: &str| crate::units::parse_duration(text).expect("a duration").0;
    match least {
        "" => values.push((text("0s"), true)),
        "+" => values.extend([(text("0s"), false), (text("1ns"), true)]),
        least => values.extend([(text(least), true), (text(&format!("{}ns", nanoseconds(least) - 1)), false)]),
    }
    match most {
        "" => values.extend([(text("1h"), true), (text("101y"), false), (text("876601h"), false)]),
        most => values.extend([(text(most), true), (text(&format!("{}ns", nanoseconds(most) + 1_000_000)), false)]),
    }
    values
}

fn wholes(least: i64, most: i64) -> Vec<(Value, bool)> {
    let mut values = vec![(least.into(), true), (most.into(), true), ((least - 1).into(), false), (text("1"), false)];
    values.extend(most.checked_add(1).map(|beyond| (beyond.into(), false)));
    values.push((1.5.into(), false));
    values
}

fn real_numbers(reals: &Reals) -> Vec<(Value, bool)> {
    let Reals { least, greatest, above_least, below_greatest, or_zero } = *reals;
    let mut values = vec![
        (least.into(), !above_least),
        (greatest.into(), !below_greatest),
        (least.next_up().into(), true),
        (greatest.next_down().into(), true),
        (least.next_down().into(), false),
        (greatest.next_up().into(), false),
        (text("1"), false),
    ];
    if least > 0.0 {
        values.push((0.into(), or_zero));
    }
    values
}

fn in_unit(unit: Unit, bound: Bound) -> Vec<(Value, bool)> {
    let zero_too = bound == Bound::Any || (unit == Unit::Seconds && bound == Bound::Value);
    match unit {
        Unit::Seconds => vec![(text("0s"), zero_too), (text("5m"), true), (5.into(), false), (text("never"), false)],
        Unit::Tokens => vec![
            (0.into(), zero_too),
            (0.5.into(), bound != Bound::Value),
            (1.into(), true),
            ((-1).into(), false),
            (1e9_f64.next_up().into(), false),
            (text("1"), false),
        ],
        Unit::GigabytesPerSecond => {
            vec![(0.into(), zero_too), (1e6.into(), true), (1e6_f64.next_up().into(), false), (text("1.5 GB/s"), true)]
        }
    }
}

/// Good values that clash with others of the base, whose problem is noted at this key.
pub(super) fn is_excepted(path: &str, value: &Value) -> bool {
    let written = value.to_string();
    let last = path.rsplit('.').next().unwrap_or_default();
    match path {
        // Bins of the window, which is 90 minutes long; a window in which the rollout starts.
        "study.timeline_bin" | "slo.bin" | "study.duration" => written == "\"1ns\"",
        // The fleet of eight must fit.
        "fleet.gpu_limit" => written == "1",
        // A block of the cache holds 16 tokens, and lengths must fit the cache.
        "engine.kv_cache_tokens" | "engine.block_size" => true,
        _ if path.starts_with("traffic.prompt_tokens") || path.starts_with("traffic.output_tokens") => true,
        // No more steps than there are.
        "rollout.canary.background_starting_step" => written == i64::MAX.to_string(),
        // The recording is shorter.
        "traffic.trace_offset" => written == "\"1h\"",
        // A bound above the ratio up to which it succeeds; an analysis that can end.
        _ if path.starts_with("analysis.") => match last {
            "fail_above_ratio_to_stable" => value.as_float().is_some_and(|ratio| ratio < 1.0),
            "failure_limit" => written == "-1",
            "window" | "step" => written == "\"1ns\"",
            _ => false,
        },
        _ => false,
    }
}

/// Whether a base stays valid whatever good value this key has: its word chooses which other keys there may be.
pub(super) fn stands_alone(place: &Place) -> bool {
    !["controller", "estimator", "do", "metric"].contains(&place.key.name)
}

/// What a schema does not say: ends of durations and of percentages, which are text.
pub(super) fn is_beyond_schemas(kind: &Kind) -> bool {
    matches!(kind, Kind::Duration(..) | Kind::CountOrPercent(_))
}

/// The schema of a scenario.
pub(super) fn validator() -> Validator {
    let metrics = METRICS.map(|name| (name, ""));
    let schema = schema(&Names { metrics: &metrics, objectives: &OBJECTIVES, profiles: &[] });
    jsonschema::validator_for(&schema).expect("a schema")
}

/// Whether a document is valid.
pub(super) fn is_valid(validator: &Validator, document: &Document) -> bool {
    validator.is_valid(&serde_json::to_value(document).expect("JSON"))
}
