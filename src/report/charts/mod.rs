//! Charts for design reviews: each answers the question in its title from a study's result, from a hardware profile or from
//! a fitted trace.
//!
//! A chart is one file here; what they share lives in `theme` (looks), `canvas` (shapes to SVG and PNG), `axes`,
//! `labels`, `numbers`, `moments`, `over_time` and
//! `distribution`. Nothing here writes files.

mod arrivals;
mod axes;
mod canvas;
mod capacity;
mod cold_start;
mod comparison;
mod cost;
mod distribution;
mod exposed;
mod grace;
mod heat_map;
mod labels;
mod latency;
mod levers;
mod levers_waterfall;
mod moments;
mod numbers;
mod outcomes;
mod over_time;
mod plan;
mod power;
mod profile;
mod qq;
mod replicas;
mod residual;
mod survival;
mod sweep;
mod sweep_axis;
mod sweep_lines;
pub(super) mod theme;
mod timeline;
mod tornado;
mod truncated;
mod ttft;

pub(super) use cost::part_of_price;
pub(super) use over_time::TimeView;
pub(super) use timeline::{Bar, bars};
pub(super) use truncated::{Bins, counts as cut_responses};

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use super::compare_report::Compared;
use super::fit::Fitted;
use super::plan::Planned;
use super::profiles::Figures;
use crate::study::grace::GraceAnswer;
use crate::study::levers::LeversResult;
use crate::study::{StudyResult, Sweep};
use canvas::Canvas;

/// A finished chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The PNG's name under `charts/`.
    pub file_name: String,
    /// The picture, 1760 by 1024 pixels: two for each of its points.
    pub png: Vec<u8>,
    /// The same picture as SVG, its text as outlines.
    pub svg: String,
    /// What it says, in a sentence for those who cannot see it.
    pub alt_text: String,
}

impl Chart {
    /// The SVG's name under `charts/`.
    pub fn svg_name(&self) -> String {
        svg_name(&self.file_name)
    }
}

/// The name of the SVG that lies beside a PNG.
pub fn svg_name(png: &str) -> String {
    format!("{}.svg", png.strip_suffix(".png").unwrap_or(png))
}

/// Why a chart could not be drawn; no data should bring it about.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The drawing libraries refused.
    #[error("a chart could not be drawn: {0}")]
    Drawing(String),
    /// No picture of that size can be made.
    #[error("a chart could not be drawn: its size is impossible")]
    Size,
}

impl ChartError {
    /// From what a drawing library said.
    fn drawing(error: impl std::fmt::Display) -> ChartError {
        ChartError::Drawing(error.to_string())
    }
}

/// A chart before it is drawn: a sheet and what it says.
struct Sheet {
    file_name: String,
    canvas: Canvas,
    alt_text: String,
}

/// The file names of all charts of a study, whether or not their data exist.
pub const FILE_NAMES: [&str; 9] = [
    "timeline.png",
    "ttft.png",
    "truncated.png",
    "residual.png",
    "capacity.png",
    "outcomes.png",
    "exposed.png",
    "cost.png",
    "cold_start.png",
];

/// The file names of all charts of a fitted trace, whether or not their data exist.
pub const FIT_FILE_NAMES: [&str; 4] = ["arrivals.png", "prompt_tokens.png", "output_tokens.png", "qq.png"];

/// Every chart whose data exist. The same result gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn all(result: &StudyResult) -> Result<Vec<Chart>, ChartError> {
    sheets(result).into_iter().map(finish).collect()
}

/// The chart of a hardware profile. The same profile gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn profile(figures: &Figures) -> Result<Chart, ChartError> {
    finish(profile::sheet(figures))
}

/// Every chart of a fitted trace whose data exist. The same fit gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_fit(fitted: &Fitted<'_>) -> Result<Vec<Chart>, ChartError> {
    fit_sheets(fitted).into_iter().map(finish).collect()
}

/// A chart of each comparison's differences, and those of all scenarios side by side whose data exist. The same comparison gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_comparison(compared: &Compared<'_>) -> Result<Vec<Chart>, ChartError> {
    let differences = (0..compared.comparisons.len()).map(|index| comparison::sheet(compared, index));
    let others =
        [outcomes::of_comparison(compared), capacity::of_comparison(compared), exposed::of_comparison(compared)];
    differences.chain(others.into_iter().flatten()).map(finish).collect()
}

/// Every chart of a canary's power whose data exist. The same answer gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_power(power: &crate::study::power::Power) -> Result<Vec<Chart>, ChartError> {
    power::sheets(power).into_iter().map(finish).collect()
}

/// The charts of a plan, if there is anything to draw. The same plan gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub(super) fn of_plan(planned: &Planned<'_>) -> Result<Vec<Chart>, ChartError> {
    [plan::sheet(planned), outcomes::of_plan(planned)].into_iter().flatten().map(finish).collect()
}

/// The charts of a study of levers. The same result gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_levers(result: &LeversResult) -> Result<Vec<Chart>, ChartError> {
    [levers::sheet(result), levers_waterfall::sheet(result)].into_iter().flatten().map(finish).collect()
}

/// Every chart of a sweep whose data exist. The same sweep gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_sweep(sweep: &Sweep) -> Result<Vec<Chart>, ChartError> {
    sweep::sheets(sweep).into_iter().map(finish).collect()
}

/// Whether a sweep has so many axes and values that no chart could tell its points apart.
pub fn is_too_wide(sweep: &Sweep) -> bool {
    sweep.points.len() > 1 && sweep::kind(sweep) == sweep::Kind::NotDrawn
}

/// The chart of an answer to how long the grace period must be. The same answer gives the same bytes.
///
/// # Errors
/// When the drawing libraries refuse, which no data should bring about.
pub fn of_grace(answer: &GraceAnswer) -> Result<Vec<Chart>, ChartError> {
    finish(grace::sheet(answer)).map(|chart| vec![chart])
}

fn finish(sheet: Sheet) -> Result<Chart, ChartError> {
    let drawing = canvas::read(&sheet.canvas.to_svg()?)?;
    let (png, svg) = (canvas::rasterize(&drawing)?, canvas::outlined(&drawing, &sheet.alt_text));
    Ok(Chart { file_name: sheet.file_name, png, svg, alt_text: sheet.alt_text })
}

/// The sheets whose data exist.
fn sheets(result: &StudyResult) -> Vec<Sheet> {
    let sheets = [
        timeline::sheet(result),
        ttft::sheet(result),
        truncated::sheet(result),
        residual::sheet(result),
        capacity::sheet(result),
        outcomes::sheet(result),
        exposed::sheet(result),
        cost::sheet(result),
        cold_start::sheet(result),
    ];
    sheets.into_iter().flatten().collect()
}

/// The sheets of a fit whose data exist.
fn fit_sheets(fitted: &Fitted<'_>) -> Vec<Sheet> {
    let sheets =
        [arrivals::sheet(fitted), survival::of_prompts(fitted), survival::of_outputs(fitted), qq::sheet(fitted)];
    sheets.into_iter().flatten().collect()
}
