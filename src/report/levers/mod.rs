//! What the study of levers says: on a terminal, as Markdown, JSON, CSV, and its charts.
//!
//! `content` is what people read, in tables and sentences, `broken` what they read about the bound; the other files bring it into their forms.

mod broken;
mod content;
mod csv;
mod json;
mod text;

pub(super) use json::LeversJson;

use super::Answer;
use super::OutputError;
use super::charts::{self, Chart, ChartError};
use super::layout::Style;
use super::saved::Saved;
use crate::study::levers::{LeversResult, Turned};

/// The answer of `cutover levers`.
#[derive(Clone, Debug)]
pub struct LeversAnswer {
    /// The study, its levers in order of what they do to the price, the best first.
    pub result: LeversResult,
}

/// Relative change of the price that a lever is ranked by: with the least fleet where there is one.
pub(super) fn effect(turned: &Turned) -> f64 {
    turned.fewest.point().unwrap_or(&turned.same).change.estimate.value
}

impl LeversAnswer {
    /// The answer, with the levers put in order.
    pub fn new(mut result: LeversResult) -> LeversAnswer {
        result.levers.sort_by(|one, other| effect(one).total_cmp(&effect(other)));
        LeversAnswer { result }
    }
}

impl Answer for LeversAnswer {
    fn name(&self) -> &'static str {
        "levers"
    }

    fn text(&self, style: Style) -> String {
        text::text(&self.result, style)
    }

    fn json(&self) -> String {
        json::json(&self.result)
    }

    fn markdown(&self, charts: &[Chart]) -> String {
        text::markdown(&self.result, charts)
    }

    fn csv(&self) -> String {
        csv::csv(&self.result)
    }

    fn saved(&self) -> Result<Saved, OutputError> {
        Saved::new(&self.result.base.scenario.read_by).with(self.name(), &self.result)
    }

    fn charts(&self) -> Result<Vec<Chart>, ChartError> {
        charts::of_levers(&self.result)
    }
}
