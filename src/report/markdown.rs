//! `report.md`: the answer, the tables and the charts on one page, for people.

use super::charts::Chart;
use super::content::{self, Block, Section};
use super::format::counted;
use super::terminal::gate_mark;
use crate::study::{FailOn, StudyResult, Verdict, why};

/// The text of `report.md`; charts are linked relatively.
pub fn report(result: &StudyResult, charts: &[Chart]) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("# {}", escape(&result.scenario.name)));
    if result.partial {
        let (done, asked) = (result.records.len(), result.scenario.study.runs);
        page.paragraph(&format!("**Interrupted after {done} of {}: partial results.**", counted(asked, "run")));
    }
    page.paragraph(&format!("**{}**", content::plain(&content::answer(result))));
    page.paragraph(&escape(&why(result)));
    let planning = content::plain(&content::planning_line(result));
    if !planning.is_empty() {
        page.paragraph(&format!("Plan: {}.", escape(&planning)));
    }
    checks(&mut page, result);
    for section in content::sections(result) {
        page.section(&section);
    }
    let precision = content::precision(result);
    if !precision.is_empty() {
        page.paragraph("## Precision");
        page.paragraph(
            &precision.iter().map(|sentence| format!("- {}", escape(sentence))).collect::<Vec<_>>().join("\n"),
        );
    }
    page.charts(charts);
    page.paragraph("## Scenario");
    let facts: Vec<Vec<String>> = std::iter::once(vec!["fact".to_owned(), "value".to_owned()])
        .chain(content::facts(result).into_iter().map(|(what, value)| vec![what.to_owned(), value]))
        .collect();
    page.table(&facts);
    page.paragraph("## Provenance");
    let study = &result.scenario.study;
    page.table(&[
        vec!["what".to_owned(), "value".to_owned()],
        vec!["version".to_owned(), format!("cutover {}", result.scenario.read_by)],
        vec!["scenario hash (SHA-256)".to_owned(), format!("`{}`", result.scenario.hash)],
        vec!["seed".to_owned(), study.seed.to_string()],
        vec!["runs".to_owned(), result.records.len().to_string()],
        vec!["measured window".to_owned(), study.duration.to_string()],
    ]);
    page.paragraph("Brackets are 95 % intervals.");
    page.text
}

fn checks(page: &mut Page, result: &StudyResult) {
    let checks = content::checks(result, FailOn::default());
    if checks.is_empty() {
        return;
    }
    page.paragraph("## Checks");
    let mut rows = vec![["", "check", "found", "verdict"].map(str::to_owned).to_vec()];
    for check in checks {
        let verdict = match check.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed => "failed".to_owned(),
            Verdict::Inconclusive => format!("inconclusive: {}", check.explanation),
        };
        let warns = if check.only_warns { " (only warns)" } else { "" };
        let why = if check.description.is_empty() { String::new() } else { format!(": {}", check.description) };
        let claim = format!("{}{why}", check.claim);
        rows.push(vec![gate_mark(check.outcome).0.to_owned(), claim, check.found, verdict + warns]);
    }
    page.table(&rows);
}

/// Markdown under construction.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
}

impl Page {
    /// Adds a paragraph, unless it is empty.
    pub(super) fn paragraph(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a table whose first row is its header.
    pub(super) fn table(&mut self, rows: &[Vec<String>]) {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text = rows.first().map(line).unwrap_or_default();
        let rule: Vec<&str> = rows.first().into_iter().flatten().map(|_| "---").collect();
        text.push_str(&format!("| {} |\n", rule.join(" | ")));
        text.extend(rows.iter().skip(1).map(line));
        self.paragraph(text.trim_end());
    }

    /// Adds charts, linked relatively, under their heading if there are any.
    pub(super) fn charts(&mut self, charts: &[Chart]) {
        if !charts.is_empty() {
            self.paragraph("## Charts");
        }
        for chart in charts {
            self.paragraph(&format!("![{}](charts/{})", escape(&chart.alt_text), chart.file_name));
        }
    }

    /// Adds a section: its title as a heading, its lines as a list, its tables.
    pub(super) fn section(&mut self, section: &Section) {
        let mut title = section.title.to_lowercase();
        title[..1].make_ascii_uppercase();
        self.paragraph(&format!("## {title}"));
        self.paragraph(&escape(&content::plain(&section.subtitle)));
        // Lines that follow each other make one list.
        let mut list = Vec::new();
        for block in &section.blocks {
            match block {
                Block::Line(label, text) => list.push(format!("- {label}: {}", escape(&content::plain(text)))),
                Block::Table(rows) | Block::Figures(rows) => {
                    self.paragraph(&std::mem::take(&mut list).join("\n"));
                    self.table(rows);
                }
            }
        }
        self.paragraph(&list.join("\n"));
    }
}

/// Text in which nothing is taken for Markdown's table or emphasis.
pub(super) fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_page_shows_answer_checks_tables_charts_and_provenance() {
        let chart = Chart {
            file_name: "timeline.png".to_owned(),
            png: Vec::new(),
            svg: String::new(),
            alt_text: "Replicas over time".to_owned(),
        };
        let page = report(&example::study(), &[chart]);
        insta::assert_snapshot!(page);
    }

    #[test]
    fn a_table_cell_cannot_break_its_table() {
        assert_eq!(escape("a | b\nc <= d"), "a \\| b c &lt;= d");
    }
}
