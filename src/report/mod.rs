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
mod grace;
mod json;
mod layout;
mod levers;
mod lint;
mod markdown;
mod plan;
mod power;
pub mod profiles;
mod sweep;
mod terminal;

pub use answer::{Answer, answer_files, answer_report};
pub use compare_report::{Compared, differing};
pub use explain::Explained;
pub use fit::Fitted;
pub use grace::GraceReport;
pub use layout::Style;
pub use levers::LeversAnswer;
pub use lint::{github_annotations, lint_report, list_of_codes, meaning_of, page_of_codes};
pub use plan::{LeftOut, Planned};
pub use sweep::{SAVED_POINTS, is_saved_point, read_runs, saved_point, written_runs};

use crate::study::StudyResult;
use charts::ChartError;
use files::{CHARTS, COMPARED_FOLDERS, OutputFile};

/// The report of a study in each of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Text for a terminal of this style.
    Text(Style),
    /// What `summary.json` holds.
    Json,
    /// What `report.md` holds, without the charts.
    Markdown,
}

/// The report of a study for standard output.
pub fn study_report(result: &StudyResult, form: Form) -> String {
    match form {
        Form::Text(style) => terminal::summary(result, style),
        Form::Json => json::summary(result),
        Form::Markdown => markdown::report(result, &[]),
    }
}

/// Whether the checks of some studies hold, for standard output; in JSON, an array of what `summary.json` would hold.
pub fn checks_report(results: &[StudyResult], form: Form) -> String {
    let texts = |of: &dyn Fn(&StudyResult) -> String| results.iter().map(of).collect::<Vec<String>>();
    match form {
        Form::Text(style) => texts(&|result| terminal::checks(result, style)).join("\n"),
        Form::Json => format!("[{}]\n", texts(&|result| json::summary(result).trim_end().to_owned()).join(",\n")),
        Form::Markdown => texts(&|result| markdown::report(result, &[])).join("\n"),
    }
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

/// The files that fitting a trace leaves: `fit.json`, `fit.md`, `fit.toml`, `charts/*.png`.
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
    files.extend(charts.into_iter().map(chart_file));
    Ok(files)
}

fn chart_file(chart: charts::Chart) -> OutputFile {
    OutputFile::new(format!("{CHARTS}{}", chart.file_name), chart.png)
}

/// The files that every study leaves: `summary.json`, `runs.csv`, `timeline.csv`, `report.md`, `charts/*.png`.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn study_files(result: &StudyResult) -> Result<Vec<OutputFile>, ChartError> {
    let charts = charts::all(result)?;
    let mut files = vec![
        OutputFile::new("summary.json", json::summary(result)),
        OutputFile::new("runs.csv", csv::runs(result)),
        OutputFile::new("timeline.csv", csv::timeline(&result.timeline)),
        OutputFile::new("report.md", markdown::report(result, &charts)),
    ];
    files.extend(charts.into_iter().map(chart_file));
    Ok(files)
}

/// A study's files in a folder.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn study_files_in(folder: &str, result: &StudyResult) -> Result<Vec<OutputFile>, ChartError> {
    let files = study_files(result)?;
    Ok(files.into_iter().map(|file| OutputFile::new(format!("{folder}/{}", file.name), file.content)).collect())
}

/// The files that a comparison leaves: `comparison.json`, `comparison.md`, a chart of each of its differences, and each
/// study's own files in `a/`, `b/` and so on.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn comparison_files(compared: &Compared) -> Result<Vec<OutputFile>, ChartError> {
    let charts = charts::of_comparison(compared)?;
    let mut files = vec![
        OutputFile::new("comparison.json", compare_report::json(compared)),
        OutputFile::new("comparison.md", compare_report::markdown(compared, &charts)),
    ];
    files.extend(charts.into_iter().map(chart_file));
    for (folder, study) in COMPARED_FOLDERS.into_iter().zip(compared.studies) {
        files.extend(study_files_in(folder, study)?);
    }
    Ok(files)
}
