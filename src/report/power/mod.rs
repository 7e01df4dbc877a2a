//! Whether a canary catches regressions: on a terminal, as JSON, Markdown and CSV.

mod content;
mod csv;
mod json;

pub(super) use content::{effect, named};

use super::answer::Answer;
use super::charts::{self, Chart, ChartError};
use super::content::Section;
use super::layout::{Style, wrap};
use super::markdown::{Page, escape};
use super::terminal::section_lines;
use crate::study::power::Power;

impl Answer for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn text(&self, style: Style) -> String {
        let head = format!("cutover {}  {}", env!("CARGO_PKG_VERSION"), self.scenario.name);
        let mut lines = wrap("", &head, style.width);
        lines.extend(wrap("", &content::extent(self), style.width));
        lines.push(String::new());
        for section in sections(self) {
            lines.extend(section_lines(&section, style));
            lines.push(String::new());
        }
        lines.pop();
        lines.join("\n") + "\n"
    }

    fn json(&self) -> String {
        json::json(self)
    }

    fn markdown(&self, charts: &[Chart]) -> String {
        let mut page = Page::default();
        page.paragraph(&format!("# {}", escape(&self.scenario.name)));
        page.paragraph(&escape(&content::extent(self)));
        for section in sections(self) {
            page.section(&section);
        }
        page.charts(charts);
        page.paragraph("## Provenance");
        page.table(&[
            vec!["what".to_owned(), "value".to_owned()],
            vec!["version".to_owned(), format!("cutover {}", env!("CARGO_PKG_VERSION"))],
            vec!["scenario hash (SHA-256)".to_owned(), format!("`{}`", self.scenario.hash)],
            vec!["seed".to_owned(), self.scenario.study.seed.to_string()],
            vec!["runs of each canary and version".to_owned(), self.runs.to_string()],
        ]);
        page.text
    }

    fn csv(&self) -> String {
        csv::csv(self)
    }

    fn charts(&self) -> Result<Vec<Chart>, ChartError> {
        charts::of_power(self)
    }
}

/// Everything that people read, the answer first.
fn sections(power: &Power) -> Vec<Section> {
    let mut sections = vec![content::answer(power)];
    for regression in &power.regressions {
        sections.push(content::curve(power, regression));
    }
    sections.extend(content::levers(power));
    sections
}
