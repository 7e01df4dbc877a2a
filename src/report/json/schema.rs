//! JSON Schemas, draft 2020-12, of every document: made from the types that write them, so that the two cannot drift.
//!
//! `docs/schemas/` holds them as files; a test keeps those as they are here.

use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::document::Whole;
use super::{Document, Kind, SummaryJson, written};
use crate::report::{compare_report, explain, fit, grace, levers, lint, plan, power, profiles, sweep};

/// A published schema.
#[derive(Clone, Copy)]
pub struct Published {
    /// What it is of: the `kind` of a document; or `check`, what `cutover check --format json` prints.
    pub name: &'static str,
    /// Version of the shape.
    pub version: u32,
    /// Where the document is met, in a sentence.
    pub meaning: &'static str,
    text: fn(&Published) -> String,
}

impl Published {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("{}.v{}.json", self.name, self.version)
    }

    /// The schema's text, ending in a newline.
    pub fn text(&self) -> String {
        (self.text)(self)
    }
}

/// The schema of a document of this type.
fn of<B: Document>(meaning: &'static str) -> Published {
    let text = |published: &Published| written(&whole::<B>(published));
    Published { name: B::KIND.name(), version: B::KIND.version(), meaning, text }
}

/// Every schema, in the order of the documentation.
pub fn published() -> Vec<Published> {
    vec![
        of::<SummaryJson<'_>>("`summary.json` of `run` and `check`, and of every study beside another answer."),
        Published {
            name: "check",
            version: Kind::Summary.version(),
            meaning: "What `check --format json` prints: an array with the summary of each scenario.",
            text: array_of_summaries,
        },
        of::<compare_report::ComparisonJson<'_>>("`comparison.json` of `compare`."),
        of::<sweep::SweepJson<'_>>("`sweep.json` of `sweep`."),
        of::<grace::GraceJson>("`grace.json` of `grace`."),
        of::<plan::PlanJson<'_>>("`plan.json` of `plan`."),
        of::<levers::LeversJson<'_>>("`levers.json` of `levers`."),
        of::<power::PowerJson<'_>>("`power.json` of `power`."),
        of::<fit::FitJson>("`fit.json` of `fit`."),
        of::<explain::RunJson<'_>>("What `explain --format json` prints: one run."),
        of::<lint::LintJson<'_>>("What `check --lint-only --format json` prints: the problems of some scenarios."),
        of::<profiles::ListJson>("What `profiles --format json` prints: the library of hardware profiles."),
        of::<profiles::ProfileJson>("`profile.json` of `profiles NAME`: one hardware profile."),
    ]
}

/// The schema of a whole document.
fn whole<B: Document>(published: &Published) -> Schema {
    let mut schema = bare::<Whole<B::Provenance, B>>();
    // What is flattened into another type leaves its own description behind.
    if let Some(about) = bare::<B>().remove("description") {
        schema.insert("description".to_owned(), about);
    }
    headed(&mut schema, published);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut).expect("a document is an object");
    for (key, value) in [("schema_version", json!(published.version)), ("kind", json!(published.name))] {
        let property = properties.get_mut(key).and_then(Value::as_object_mut).expect("every document has it");
        property.retain(|keyword, _| keyword == "description");
        property.insert("const".to_owned(), value);
    }
    schema
}

/// The schema of an array of summaries: the summary's own, and a line that makes it the elements'.
fn array_of_summaries(published: &Published) -> String {
    let summaries = of::<SummaryJson<'_>>("");
    let mut summary = whole::<SummaryJson<'_>>(&summaries);
    for key in ["$schema", "$id", "title", "$comment"] {
        summary.remove(key);
    }
    let mut definitions = summary.remove("$defs").unwrap_or_else(|| json!({}));
    definitions["Summary"] = summary.into();
    let mut schema = schemars::json_schema!({
        "type": "array",
        "items": { "$ref": "#/$defs/Summary" },
        "$defs": definitions,
    });
    headed(&mut schema, published);
    written(&schema)
}

/// What every schema begins with.
fn headed(schema: &mut Schema, published: &Published) {
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".to_owned(), json!(format!("urn:cutover:schema:{}:{}", published.name, published.version)));
    schema.insert("title".to_owned(), json!(format!("cutover {}", published.name)));
    if schema.get("description").is_none() {
        schema.insert("description".to_owned(), json!(published.meaning));
    }
    schema.insert(
        "$comment".to_owned(),
        json!("Documents of this version may have further keys, and words may be added."),
    );
}

/// The schema of what is written of a type, in the words of its documentation.
fn bare<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize().with_transform(tidy);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let count = definitions.len();
    let renamed: serde_json::Map<String, Value> =
        definitions.into_iter().map(|(name, definition)| (named(&name).to_owned(), definition)).collect();
    assert_eq!(renamed.len(), count, "two types of one document have one name");
    schema.insert("$defs".to_owned(), Value::Object(renamed));
    schema
}

/// The name of a definition: the type's, without the ending that tells it from what it is of.
fn named(definition: &str) -> &str {
    definition.strip_suffix("Json").unwrap_or(definition)
}

/// Descriptions without line breaks and links, references by the names of definitions, and no keyword that restricts
/// nothing: formats of Rust's numbers.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ").replace("[`", "`").replace("`]", "`");
    }
    if let Some(Value::String(reference)) = schema.get_mut("$ref") {
        *reference = named(reference).to_owned();
    }
    if schema.get("type").is_some_and(|of| *of != json!("string")) {
        schema.remove("format");
    }
    transform_subschemas(&mut tidy, schema);
}
