//! What documents are made of: numbers that JSON may not be able to write, estimates, and tables with a value for each of
//! some names.

use std::borrow::Cow;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::ledger::{METRICS, RolloutOutcome, WATERFALL};
use crate::study::Estimate;

/// A number that JSON may not be able to write: null where there is none, `"inf"` and `"-inf"` for infinity.
#[derive(Clone, Copy)]
pub(in crate::report) struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => serializer.serialize_none(),
            f64::INFINITY => serializer.serialize_str("inf"),
            f64::NEG_INFINITY => serializer.serialize_str("-inf"),
            value => serializer.serialize_f64(value),
        }
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number; null where there is none. JSON has no infinity: it is the string \"inf\" or \"-inf\", \
                            as in a quantile of the duration of rollouts that do not finish.",
            "anyOf": [{ "type": "number" }, { "enum": ["inf", "-inf"] }, { "type": "null" }],
        })
    }
}

/// An estimate with the ends of its 95 % interval.
#[derive(Serialize, JsonSchema)]
pub(in crate::report) struct EstimateJson {
    /// The point estimate.
    value: Number,
    /// Lower end of the 95 % interval; null where the runs give none.
    low: Number,
    /// Upper end of the 95 % interval; null where the runs give none.
    high: Number,
}

impl From<&Estimate> for EstimateJson {
    fn from(estimate: &Estimate) -> EstimateJson {
        let (low, high) = estimate.interval.unwrap_or((f64::NAN, f64::NAN));
        EstimateJson { value: Number(estimate.value), low: Number(low), high: Number(high) }
    }
}

/// An object with keys that the scenario or the arguments give, in their order.
pub(in crate::report) struct Ordered<T>(pub Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<T: JsonSchema> JsonSchema for Ordered<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Ordered_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// Names that are known beforehand.
pub(in crate::report) trait Names {
    /// Whether a table has a value for every one of them.
    const ALL: bool;

    /// Each name and what it is.
    fn names() -> Vec<(&'static str, String)>;
}

/// Every metric of a run.
pub(in crate::report) struct EveryMetric;
/// Those metrics of a run that are told.
pub(in crate::report) struct SomeMetrics;
/// How rollouts ended, those outcomes that occur.
pub(in crate::report) struct Outcomes;
/// The parts of the price of a million output tokens.
pub(in crate::report) struct Waterfall;

/// Each metric and what it is.
fn metrics() -> Vec<(&'static str, String)> {
    METRICS.iter().map(|metric| (metric.name(), metric.description().meaning.to_owned())).collect()
}

impl Names for EveryMetric {
    const ALL: bool = true;

    fn names() -> Vec<(&'static str, String)> {
        metrics()
    }
}

impl Names for SomeMetrics {
    const ALL: bool = false;

    fn names() -> Vec<(&'static str, String)> {
        metrics()
    }
}

impl Names for Outcomes {
    const ALL: bool = false;

    fn names() -> Vec<(&'static str, String)> {
        RolloutOutcome::ALL.iter().map(|outcome| (outcome.name(), outcome.meaning().to_owned())).collect()
    }
}

impl Names for Waterfall {
    const ALL: bool = true;

    fn names() -> Vec<(&'static str, String)> {
        WATERFALL.iter().map(|(metric, _)| (metric.name(), metric.description().meaning.to_owned())).collect()
    }
}

/// A value for each of these names, in order.
pub(in crate::report) struct Named<N, T> {
    values: Vec<(&'static str, T)>,
    names: PhantomData<fn() -> N>,
}

impl<N, T> FromIterator<(&'static str, T)> for Named<N, T> {
    fn from_iter<I: IntoIterator<Item = (&'static str, T)>>(values: I) -> Named<N, T> {
        Named { values: values.into_iter().collect(), names: PhantomData }
    }
}

impl<N, T: Serialize> Serialize for Named<N, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.values.iter().map(|(key, value)| (key, value)))
    }
}

impl<N: Names, T: JsonSchema> JsonSchema for Named<N, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for (name, meaning) in N::names() {
            let mut property = generator.subschema_for::<T>();
            property.insert("description".to_owned(), meaning.into());
            properties.insert(name.to_owned(), property.into());
        }
        let required: Vec<&str> = N::names().into_iter().filter(|_| N::ALL).map(|(name, _)| name).collect();
        json_schema!({ "type": "object", "properties": properties, "required": required })
    }
}
