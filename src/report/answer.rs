//! What the commands that answer a question of their own have in common: one name, from which their files follow, and a
//! form for people, for scripts and for spreadsheets.

use super::charts::{Chart, ChartError};
use super::files::{CHARTS, OutputFile};
use super::layout::Style;
use super::{Form, chart_files};

/// The answer to a command's question.
pub trait Answer {
    /// The command's name: its files are `NAME.json`, `NAME.md`, `NAME.csv`, and charts of the names `NAME.png`,
    /// `NAME-anything.png` and their SVGs. It stands in [`super::files::ANSWERS`].
    fn name(&self) -> &'static str;

    /// For a terminal, ending in a newline.
    fn text(&self, style: Style) -> String;

    /// For scripts, written as `summary.json` is, ending in a newline.
    fn json(&self) -> String;

    /// For people, with these charts linked.
    fn markdown(&self, charts: &[Chart]) -> String;

    /// A row for each point, a header first.
    fn csv(&self) -> String;

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

/// The files that an answer leaves.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn answer_files(answer: &dyn Answer) -> Result<Vec<OutputFile>, ChartError> {
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
