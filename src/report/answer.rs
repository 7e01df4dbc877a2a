//! What the commands that answer a question of their own have in common: one name, from which their files follow, and a
//! form for people, for scripts and for spreadsheets.

use super::charts::{Chart, ChartError};
use super::files::{CHARTS, OutputFile};
use super::layout::Style;
use super::saved::{self, Saved};
use super::{Form, OutputError, chart_files};

/// The answer to a command's question.
pub trait Answer {
    /// The command's name: its files are `NAME.json`, `NAME.md`, `NAME.csv`, and charts of the names `NAME.png`,
    /// `NAME-anything.png` and their SVGs. It stands in `ANSWERS` of `report/files.rs`.
    fn name(&self) -> &'static str;

    /// For a terminal, ending in a newline.
    fn text(&self, style: Style) -> String;

    /// For scripts, written as `summary.json` is, ending in a newline.
    fn json(&self) -> String;

    /// For people, with these charts linked.
    fn markdown(&self, charts: &[Chart]) -> String;

    /// A row for each point, a header first.
    fn csv(&self) -> String;

    /// What all of this can be made from again.
    ///
    /// # Errors
    /// A value that the format of saved results cannot hold.
    fn saved(&self) -> Result<Saved, OutputError>;

    /// Its charts. The same answer gives the same bytes.
    ///
    /// # Errors
    /// When the drawing libraries refuse, which no data should bring about.
    fn charts(&self) -> Result<Vec<Chart>, ChartError>;
}

/// The answer for standard output.
pub fn answer_report(answer: &dyn Answer, form: Form) -> String {
    match form {
        Form::Text(style) => answer.text(style),
        Form::Json => answer.json(),
        Form::Markdown => answer.markdown(&[]),
    }
}

/// The files that an answer leaves: `NAME.saved`, those of [`rendered_answer_files`], and `further` ones, which lie beside
/// it and are not made from it.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn answer_files(answer: &dyn Answer, further: Vec<OutputFile>) -> Result<Vec<OutputFile>, OutputError> {
    let mut saved = answer.saved()?;
    if !further.is_empty() {
        saved = saved.with(saved::BESIDE, &further.iter().map(|file| &file.name).collect::<Vec<&String>>())?;
    }
    let mut files = vec![OutputFile::new(saved::file_name(answer.name()), saved.to_bytes())];
    files.extend(rendered_answer_files(answer)?);
    files.extend(further);
    Ok(files)
}

/// The files that are made again from a saved answer: `NAME.json`, `NAME.md`, `NAME.csv`, its charts.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn rendered_answer_files(answer: &dyn Answer) -> Result<Vec<OutputFile>, OutputError> {
    let (name, charts) = (answer.name(), answer.charts()?);
    debug_assert!(charts.iter().all(|chart| super::files::is_chart_of(name, &format!("{CHARTS}{}", chart.file_name))));
    let mut files = vec![
        OutputFile::new(format!("{name}.json"), answer.json()),
        OutputFile::new(format!("{name}.md"), answer.markdown(&charts)),
        OutputFile::new(format!("{name}.csv"), answer.csv()),
    ];
    files.extend(charts.into_iter().flat_map(chart_files));
    Ok(files)
}
