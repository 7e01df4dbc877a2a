//! What scripts read: one shape for every JSON document, and the schemas that are published of them.
//!
//! A document begins with `schema_version`, `kind` and `provenance`; what follows is its own. Here lives what all of them
//! share (`document`: the head; `values`: numbers, estimates and tables; `check`: a check), the summary of a study, and
//! `schema`, which makes a JSON Schema of the types that write the documents. What another command's document says is
//! beside that command's other forms.

mod check;
mod document;
mod schema;
mod summary;
mod values;

pub use schema::{Published, published};

/// Version of the shape of a summary.
pub(super) const SUMMARY_VERSION: u32 = Kind::Summary.version();

pub(super) use check::CheckJson;
pub(super) use document::{Document, Kind, ProgramProvenance, Provenance, document, word, written};
pub(super) use summary::{SummaryJson, summary, summary_against};
pub(super) use values::{EstimateJson, EveryMetric, Named, Number, Ordered, Outcomes, SomeMetrics, Waterfall};
