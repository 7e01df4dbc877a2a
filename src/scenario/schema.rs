//! The JSON Schema of a scenario, for editors: from the catalogue of keys, so that the two cannot differ.
//!
//! Draft 7, the newest that both Taplo (which Even Better TOML, Helix and Neovim use) and Tombi read whole: `oneOf`,
//! `const`, exclusive bounds and `dependencies` that are schemas. It takes whatever the reader takes, and refuses wrong
//! types, unknown keys, words and ranges; what spans tables is left to the reader.

mod patterns;

use serde_json::{Map, Value, json};

use super::keys::{
    Bound, DISTRIBUTIONS, Default, Extra, Key, Kind, MAX, Need, PROCESSES, ROOT, Reals, Table, Unit, Variant, When,
};

/// Version of the schema: it changes when a scenario that was valid no longer is.
pub const SCHEMA_VERSION: u32 = 1;

/// What a name stands for that the format takes from elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Names<'n> {
    /// The metrics of a run, each with its meaning.
    pub metrics: &'n [(&'n str, &'n str)],
    /// Words that [`plan`](super::Plan) minimises, each with its metric.
    pub objectives: &'n [(&'n str, &'n str)],
    /// The hardware profiles.
    pub profiles: &'n [&'n str],
}

/// The schema of a scenario.
pub fn schema(names: &Names<'_>) -> Value {
    let mut schema = table(&ROOT, names);
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("urn:cutover:schema:scenario:{SCHEMA_VERSION}"),
        "title": "Cutover scenario",
        "definitions": definitions(names),
    });
    merge(&mut schema, head);
    schema
}

/// Adds the members of another object.
fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// The tables of every distribution, for every unit and place where they stand.
fn definitions(names: &Names<'_>) -> Value {
    let mut definitions = Map::new();
    for unit in [Unit::Seconds, Unit::Tokens, Unit::GigabytesPerSecond] {
        for extra in [Extra::Nothing, Extra::Skip, Extra::Weight] {
            // Only durations have stages.
            if extra == Extra::Skip && unit != Unit::Seconds {
                continue;
            }
            for variant in &DISTRIBUTIONS {
                let mut keys: Vec<&Key> = variant.keys.iter().chain(extra.keys()).collect();
                if !keys.iter().any(|key| key.name == MAX.name) {
                    keys.push(&MAX);
                }
                let schema = variant_table("distribution", variant, &keys, Some(unit), names);
                definitions.insert(definition(unit, extra, variant), schema);
            }
        }
    }
    Value::Object(definitions)
}

fn definition(unit: Unit, extra: Extra, variant: &Variant) -> String {
    let unit = match unit {
        Unit::Seconds => "duration",
        Unit::Tokens => "tokens",
        Unit::GigabytesPerSecond => "bandwidth",
    };
    let place = match extra {
        Extra::Nothing => "",
        Extra::Skip => "stage_",
        Extra::Weight => "part_",
    };
    format!("{unit}_{place}{}", variant.name)
}

/// A table that a word chooses.
fn variant_table(tag: &str, variant: &Variant, keys: &[&Key], unit: Option<Unit>, names: &Names<'_>) -> Value {
    let mut schema = object(keys, variant.needs, unit, names);
    merge(
        &mut schema,
        json!({ "title": variant.name, "description": format!("{}: {}.", variant.name, variant.about) }),
    );
    schema["properties"][tag] = json!({ "const": variant.name, "description": format!("{}.", variant.about) });
    let mut required = vec![json!(tag)];
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    schema["required"] = Value::Array(required);
    schema
}

fn table(table: &Table, names: &Names<'_>) -> Value {
    let keys: Vec<&Key> = table.keys.iter().collect();
    let mut schema = object(&keys, table.needs, None, names);
    let description = [table.title, "\n\n", table.intro].concat();
    merge(&mut schema, json!({ "description": plain(description.trim_end()) }));
    schema
}

/// An object of these keys and no others.
fn object(keys: &[&Key], needs: &[Need], unit: Option<Unit>, names: &Names<'_>) -> Value {
    let mut schema = json!({ "type": "object", "additionalProperties": false });
    let properties = keys.iter().map(|key| (key.name.to_owned(), property(key, unit, names)));
    schema["properties"] = properties.collect::<Map<_, _>>().into();
    let required: Vec<&str> =
        keys.iter().filter(|key| matches!(key.default, Default::Needed)).map(|key| key.name).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let conditions = keys.iter().filter(|key| !key.only.is_empty()).map(|key| {
        let all: Vec<Value> = key.only.iter().map(|when| condition(when, keys)).collect();
        (
            key.name.to_owned(),
            match <[Value; 1]>::try_from(all) {
                Ok([only]) => only,
                Err(all) => json!({ "allOf": all }),
            },
        )
    });
    let conditions: Map<String, Value> = conditions.collect();
    if !conditions.is_empty() {
        schema["dependencies"] = Value::Object(conditions);
    }
    let needs: Vec<Value> = needs.iter().map(|need| needed(need, keys)).collect();
    if !needs.is_empty() {
        schema["allOf"] = Value::Array(needs);
    }
    schema
}

/// What holds where a condition does.
fn condition(when: &When, keys: &[&Key]) -> Value {
    match when {
        When::Always => json!({}),
        When::Beside(key) => json!({ "required": [key] }),
        When::Without(key) => json!({ "not": { "required": [key] } }),
        When::With(key, words) => {
            let mut schema = json!({ "properties": { *key: { "enum": words } } });
            if !is_default(key, words, keys) {
                schema["required"] = json!([key]);
            }
            schema
        }
    }
}

/// Whether the default of a key is one of these words.
fn is_default(name: &str, words: &[&str], keys: &[&Key]) -> bool {
    keys.iter().filter(|key| key.name == name).any(|key| match key.default {
        Default::Value(value) => words.iter().any(|word| value == format!("{word:?}")),
        _ => false,
    })
}

fn needed(need: &Need, keys: &[&Key]) -> Value {
    let each: Vec<Value> = need.of.iter().map(|key| json!({ "required": [key] })).collect();
    let some = match each.as_slice() {
        [only] => only.clone(),
        _ if need.exactly_one => json!({ "oneOf": each }),
        _ => json!({ "anyOf": each }),
    };
    match need.when {
        When::Always => some,
        when => json!({ "anyOf": [{ "not": condition(&when, keys) }, some] }),
    }
}

/// A key: what it takes, and what there is to say of it.
fn property(key: &Key, unit: Option<Unit>, names: &Names<'_>) -> Value {
    let mut schema = kind(&key.kind, unit, names);
    let mut description = key.about.to_owned();
    if let Kind::Choice(words) = key.kind {
        description += "\n";
        words.iter().for_each(|word| description += &format!("\n- `{}`: {}", word.name, word.about));
        description += "\n";
        schema["x-taplo"] =
            json!({ "docs": { "enumValues": words.iter().map(|word| word.about).collect::<Vec<_>>() } });
    }
    if let Kind::Table(table) | Kind::Tables(table) | Kind::Named(table) = key.kind {
        description = [table.title, "\n\n", table.intro].concat().trim_end().to_owned();
    }
    if !key.unit.is_empty() {
        description += &format!("\n\nUnit: {}.", key.unit);
    }
    match key.default {
        Default::Needed => {}
        Default::Value(value) => schema["default"] = in_json(value),
        Default::Words(words) => description += &format!("\n\nLeft out: {words}."),
    }
    if !key.example.is_empty() {
        schema["examples"] = json!([in_json(key.example)]);
    }
    schema["description"] = json!(plain(&description));
    schema
}

/// Text without links, which lead nowhere from an editor or a terminal.
pub fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(name, after)| Some((name, after.split_once(')')?.1)));
        match link.filter(|(name, _)| !name.contains(['[', ']', '\n'])) {
            Some((name, after)) => {
                text += &format!("{before}{name}");
                rest = after;
            }
            None => {
                text += &format!("{before}[");
                rest = after;
            }
        }
    }
    text + rest
}

/// A value of the catalogue, TOML, as JSON.
fn in_json(value: &str) -> Value {
    let document: toml::Table = format!("it = {value}").parse().unwrap_or_default();
    document.get("it").and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
}

fn kind(kind_of_key: &Kind, unit: Option<Unit>, names: &Names<'_>) -> Value {
    match kind_of_key {
        Kind::Title => json!({ "type": "string", "maxLength": 200 }),
        Kind::Text(_) => json!({ "type": "string" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::True => json!({ "const": true }),
        Kind::Duration(least, _) => patterns::duration(!least.is_empty()),
        Kind::Whole(least, most) => whole(*least, *most),
        Kind::Real(reals) => real(reals),
        Kind::Choice(words) => json!({ "enum": words.iter().map(|word| word.name).collect::<Vec<_>>() }),
        Kind::Metric => words_with_meanings(names.metrics),
        Kind::Objective => words_with_meanings(&[names.objectives, names.metrics].concat()),
        Kind::Profile => json!({ "anyOf": [
            { "title": "a profile", "enum": names.profiles },
            { "title": "the beginning of one", "type": "string" },
        ] }),
        Kind::CountOrPercent(_) => json!({ "oneOf": [
            { "title": "replicas", "type": "integer", "minimum": 0, "maximum": 10_000 },
            patterns::percent("percentage of the desired replicas"),
        ] }),
        Kind::Bandwidth => in_unit(Unit::GigabytesPerSecond, Bound::Positive),
        Kind::Tolerance => json!({ "oneOf": [
            { "title": "in the metric's unit", "type": "number", "minimum": 0, "maximum": 1e15 },
            patterns::share("share of the better value"),
        ] }),
        Kind::Quantity(unit, extra) => quantity(*unit, *extra),
        Kind::InUnit(bound) => in_unit(unit.unwrap_or(Unit::Seconds), *bound),
        Kind::Analyses(least) => {
            list(&json!({ "type": "string", "description": "The name of an [analysis] table." }), *least)
        }
        Kind::List(of, least) => list(&kind(of, unit, names), *least),
        Kind::Pair(pair) => {
            let both: Vec<Value> = pair.iter().map(|it| kind(it, unit, names)).collect();
            json!({ "type": "array", "items": both, "minItems": 2, "maxItems": 2 })
        }
        Kind::Either(kinds) => either(kinds, unit, names),
        Kind::Table(of) => table(of, names),
        Kind::Tables(of) => list(&table(of, names), 0),
        Kind::Named(of) => json!({ "type": "object", "additionalProperties": table(of, names) }),
        Kind::Process => {
            let tables = PROCESSES.iter().map(|process| {
                variant_table("process", process, &process.keys.iter().collect::<Vec<_>>(), None, names)
            });
            json!({ "oneOf": tables.collect::<Vec<_>>() })
        }
        Kind::Parts => list(&json!({ "oneOf": distributions(unit.unwrap_or(Unit::Seconds), Extra::Weight) }), 1),
        Kind::Choices => choices(),
    }
}

fn whole(least: i64, most: i64) -> Value {
    let mut schema = json!({ "type": "integer", "minimum": least });
    // TOML itself has no greater number.
    if most < i64::MAX {
        schema["maximum"] = json!(most);
    }
    schema
}

fn real(reals: &Reals) -> Value {
    let mut schema = json!({ "type": "number" });
    schema[if reals.above_least { "exclusiveMinimum" } else { "minimum" }] = number(reals.least);
    schema[if reals.below_greatest { "exclusiveMaximum" } else { "maximum" }] = number(reals.greatest);
    if reals.or_zero {
        return json!({ "anyOf": [schema, { "const": 0 }] });
    }
    schema
}

/// Whole numbers without a point: a bound is read by people too.
fn number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

fn list(of: &Value, least: usize) -> Value {
    let mut schema = json!({ "type": "array", "items": of });
    if least > 0 {
        schema["minItems"] = json!(least);
    }
    schema
}

/// Words, each with its meaning for the editor to show.
fn words_with_meanings(words: &[(&str, &str)]) -> Value {
    let (names, meanings): (Vec<&str>, Vec<&str>) = words.iter().copied().unzip();
    json!({ "enum": names, "x-taplo": { "docs": { "enumValues": meanings } } })
}

/// One of several kinds; what is itself a choice is laid out beside the others.
fn either(kinds: &[Kind], unit: Option<Unit>, names: &Names<'_>) -> Value {
    let mut all = Vec::new();
    for each in kinds {
        match kind(each, unit, names) {
            Value::Object(mut schema) if schema.len() == 1 && schema.contains_key("oneOf") => {
                all.extend(
                    schema
                        .remove("oneOf")
                        .as_mut()
                        .and_then(Value::as_array_mut)
                        .map(std::mem::take)
                        .unwrap_or_default(),
                );
            }
            schema => all.push(schema),
        }
    }
    json!({ "oneOf": all })
}

/// A constant, or one of the distributions.
fn quantity(unit: Unit, extra: Extra) -> Value {
    let mut all = match extra {
        Extra::Weight => Vec::new(),
        _ => vec![in_unit(unit, Bound::Value)],
    };
    all.extend(distributions(unit, extra));
    json!({ "oneOf": all })
}

fn distributions(unit: Unit, extra: Extra) -> Vec<Value> {
    let reference = |variant| json!({ "$ref": format!("#/definitions/{}", definition(unit, extra, variant)) });
    DISTRIBUTIONS.iter().map(reference).collect()
}

/// A value in its unit.
fn in_unit(unit: Unit, bound: Bound) -> Value {
    match (unit, bound) {
        (Unit::Seconds, Bound::ValueOrNever) => {
            json!({ "anyOf": [patterns::duration(false), { "const": "never", "description": "It does not end." }] })
        }
        (Unit::Seconds, _) => patterns::duration(bound == Bound::Positive),
        (Unit::Tokens, Bound::Any) => {
            json!({ "title": "tokens", "type": "number", "minimum": 0, "maximum": 1_000_000_000 })
        }
        (Unit::Tokens, Bound::Positive) => {
            json!({ "title": "tokens", "type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000 })
        }
        (Unit::Tokens, _) => json!({ "title": "tokens", "type": "number", "minimum": 1, "maximum": 1_000_000_000 }),
        (Unit::GigabytesPerSecond, _) => {
            let least = if bound == Bound::Any { "minimum" } else { "exclusiveMinimum" };
            json!({ "oneOf": [
                { "title": "GB/s", "type": "number", least: 0, "maximum": 1_000_000 },
                patterns::bandwidth("bandwidth with its unit"),
            ] })
        }
    }
}

/// Lists under dotted keys, in quotes or as tables.
fn choices() -> Value {
    let values = json!({ "title": "values to choose among", "type": "array", "minItems": 1 });
    // Tables may nest as deep as a key has dots; deeper than any key has is deep enough.
    let nested = (0..6).fold(
        values.clone(),
        |inner, _| json!({ "oneOf": [values, { "type": "object", "additionalProperties": inner }] }),
    );
    json!({ "type": "object", "additionalProperties": nested })
}
