//! What people and scripts read: the terminal's summary, CSV, JSON, Markdown, charts.
//!
//! Everything here is a function of a study's result, or of what fitting a trace found, to text or bytes; only [`files`]
//! touches the disk. Nothing here names a path, date, host, thread count or elapsed time.

mod answer;
pub mod charts;
mod compare_report;
mod content;
pub mod csv;
#[cfg(test)]
mod example;
mod explain;
pub mod files;
mod fit;
mod format;
mod gate;
mod grace;
pub mod html;
mod json;
pub mod keys;
mod layout;
mod levers;
mod lint;
mod markdown;
mod plan;
mod power;
pub mod profiles;
pub mod saved;
mod sweep;
mod terminal;
#[cfg(test)]
mod widths;

pub use answer::{Answer, answer_files, answer_report, rendered_answer_files};
pub use compare_report::{Compared, differing};
pub use explain::Explained;
pub use fit::Fitted;
pub use gate::{
    Annotation, Judged, Level, NoPast, StudyForm, annotations, check_files, check_report, of_problems, page, read_past,
    run_files, run_report_of, tag,
};
pub use grace::GraceReport;
pub use json::{Published, published};
pub use layout::{Style, wrap};
pub use levers::LeversAnswer;
pub use lint::{LintForm, lint_report, list_of_codes, meaning_of, page_of_codes};
pub use plan::{KeptPlan, LeftOut, Planned};
pub use sweep::{SAVED_POINTS, is_saved_point, read_runs, saved_point, written_runs};

use crate::study::StudyResult;
use charts::ChartError;
use files::{CHARTS, COMPARED_FOLDERS, OutputFile};

/// A report in the forms that every command has; a study has more, see [`StudyForm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text for a terminal of this style.
    Text(Style),
    /// What `summary.json` holds.
    Json,
    /// What `report.md` holds, without the charts.
    Markdown,
}

/// Files that could not be made; no result should bring it about.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A chart could not be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A result could not be saved.
    #[error("a result could not be saved: {0}")]
    Saved(String),
}

/// One run, explained, for standard output.
pub fn run_report(explained: &Explained<'_>, form: Form) -> String {
    const PAGE: Style = Style { color: false, width: 100 };
    match form {
        Form::Text(style) => explain::text(explained, style),
        Form::Json => explain::json(explained),
        Form::Markdown => format!("```\n{}```\n", explain::text(explained, PAGE)),
    }
}

/// The report of a comparison for standard output.
pub fn comparison_report(compared: &Compared, form: Form) -> String {
    match form {
        Form::Text(style) => compare_report::text(compared, style),
        Form::Json => compare_report::json(compared),
        Form::Markdown => compare_report::markdown(compared, &[]),
    }
}

/// The report of a fit for standard output.
pub fn fit_report(fitted: &Fitted<'_>, form: Form) -> String {
    match form {
        Form::Text(style) => fit::text(fitted, style),
        Form::Json => fit::json(fitted),
        Form::Markdown => fit::markdown(fitted, &[]),
    }
}

/// The files that fitting a trace leaves: `fit.json`, `fit.md`, `fit.toml`, `charts/*.png|svg`.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn fit_files(fitted: &Fitted<'_>) -> Result<Vec<OutputFile>, ChartError> {
    let charts = charts::of_fit(fitted)?;
    let mut files = vec![
        OutputFile::new("fit.json", fit::json(fitted)),
        OutputFile::new("fit.md", fit::markdown(fitted, &charts)),
        OutputFile::new("fit.toml", fit::paste(fitted)),
    ];
    files.extend(charts.into_iter().flat_map(chart_files));
    Ok(files)
}

/// A chart's two files.
fn chart_files(chart: charts::Chart) -> [OutputFile; 2] {
    let svg = OutputFile::new(format!("{CHARTS}{}", chart.svg_name()), chart.svg);
    [OutputFile::new(format!("{CHARTS}{}", chart.file_name), chart.png), svg]
}

/// The files that every study leaves: `study.saved`, and those of [`rendered_study_files`].
///
/// # Errors
/// A chart that cannot be drawn.
pub fn study_files(result: &StudyResult) -> Result<Vec<OutputFile>, OutputError> {
    let saved = saved::of_study(result)?.to_bytes();
    let mut files = vec![OutputFile::new(saved::file_name(saved::STUDY), saved)];
    files.extend(rendered_study_files(result)?);
    Ok(files)
}

/// The files that are made again from a saved study: `summary.json`, `runs.csv`, `timeline.csv`, `report.md`,
/// `charts/*.png`.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn rendered_study_files(result: &StudyResult) -> Result<Vec<OutputFile>, OutputError> {
    let charts = charts::all(result)?;
    let mut files = vec![
        OutputFile::new("summary.json", json::summary(result)),
        OutputFile::new("runs.csv", csv::runs(result)),
        OutputFile::new("timeline.csv", csv::timeline(&result.timeline)),
        OutputFile::new("report.md", markdown::report(result, &charts)),
    ];
    files.extend(charts.into_iter().flat_map(chart_files));
    Ok(files)
}

/// A study's files in a folder.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn study_files_in(folder: &str, result: &StudyResult) -> Result<Vec<OutputFile>, OutputError> {
    Ok(in_folder(folder, study_files(result)?))
}

/// The same files in a folder.
fn in_folder(folder: &str, files: Vec<OutputFile>) -> Vec<OutputFile> {
    files.into_iter().map(|file| OutputFile::new(format!("{folder}/{}", file.name), file.content)).collect()
}

/// The files that a comparison leaves: `comparison.saved`, those of [`rendered_comparison_files`], and each study's own
/// files in `a/`, `b/` and so on.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn comparison_files(compared: &Compared) -> Result<Vec<OutputFile>, OutputError> {
    let folders = COMPARED_FOLDERS.into_iter().zip(compared.studies);
    let studies = folders.map(|(folder, study)| study_files_in(folder, study)).collect::<Result<Vec<_>, _>>()?.concat();
    let saved = saved::of_comparison(compared, &studies)?.to_bytes();
    let mut files = vec![OutputFile::new(saved::file_name(saved::COMPARISON), saved)];
    files.extend(rendered_comparison_files(compared)?);
    files.extend(studies);
    Ok(files)
}

/// The files that are made again from a saved comparison, its studies' own aside: `comparison.json`, `comparison.md`, a
/// chart of each of its differences.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn rendered_comparison_files(compared: &Compared) -> Result<Vec<OutputFile>, OutputError> {
    let charts = charts::of_comparison(compared)?;
    let mut files = vec![
        OutputFile::new("comparison.json", compare_report::json(compared)),
        OutputFile::new("comparison.md", compare_report::markdown(compared, &charts)),
    ];
    files.extend(charts.into_iter().flat_map(chart_files));
    Ok(files)
}
