//! Whether a canary catches regressions: on a terminal, as JSON, Markdown and CSV.

mod content;
mod csv;
#[cfg(test)]
pub(super) mod example;
mod json;
mod layout;

pub(super) use json::PowerJson;

pub(super) use content::{effect, named};

use super::OutputError;
use super::answer::Answer;
use super::charts::{self, Chart, ChartError};
use super::content::Section;
use super::layout::Style;
use super::markdown::{Page, escape};
use super::saved::Saved;
use super::terminal::begin;
use crate::study::power::Power;

impl Answer for Power {
    fn name(&self) -> &'static str {
        "power"
    }

    fn text(&self, style: Style) -> String {
        let mut lines = begin(&self.scenario.read_by, &self.scenario.name, &content::extent(self), style);
        lines.push(String::new());
        for section in sections(self) {
            lines.extend(layout::lines(&section, style));
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

    fn saved(&self) -> Result<Saved, OutputError> {
        Saved::new(&self.scenario.read_by).with(self.name(), self)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Form, answer_files, answer_report};
    use crate::study::{Estimate, wilson};

    #[test]
    fn the_report_says_whether_what_is_wanted_is_reached() {
        insta::assert_snapshot!(example::power(5, 2, 3).text(Style { color: false, width: 100 }));
    }

    #[test]
    fn the_report_keeps_within_every_width() {
        for (sizes, canaries, stages) in [(2, 1, 1), (5, 2, 3), (9, 4, 12)] {
            for width in [60, 80, 100] {
                let text = example::power(sizes, canaries, stages).text(Style { color: false, width });
                let longest = text.lines().max_by_key(|line| line.chars().count()).unwrap_or_default();
                assert!(longest.chars().count() <= width, "{width}: {longest}");
            }
        }
    }

    #[test]
    fn what_is_undecided_is_named_with_the_runs_that_would_tell() {
        let verdict = |caught: u64, alarms: u64| {
            let mut power = example::power(5, 2, 3);
            let share = |successes: u64| Estimate { value: successes as f64 / 100.0, interval: wilson(successes, 100) };
            let at_goal = power.size_at_goal().version;
            power.canaries[0].outcomes[at_goal].caught = share(caught);
            power.canaries[0].outcomes[0].caught = share(alarms);
            let text = power.text(Style { color: false, width: 1_000 });
            text.split_whitespace().collect::<Vec<&str>>().join(" ")
        };
        let text = verdict(93, 0);
        let said =
            "undecided whether enough bad versions are caught: the interval straddles 90 %; about 390 runs would tell";
        assert!(text.contains(said), "{text}");
        assert!(text.contains("the verdict is about ttft +24 %"), "{text}");
        assert!(
            verdict(99, 2)
                .contains("undecided whether few enough good versions are caught: the interval straddles 5 %")
        );
        assert!(verdict(10, 30).contains("too few bad versions are caught, and too many good ones"));
        assert!(verdict(90, 0).contains("so near that no number of runs is sure to tell"));
        assert!(verdict(100, 0).contains("both are as wanted"));
    }

    #[test]
    fn every_form_tells_of_an_interruption_and_of_what_was_not_measured() {
        let mut power = example::power(3, 2, 2);
        (power.partial, power.effects) = (true, Vec::new());
        let at_goal = power.size_at_goal().version;
        for version in [0, at_goal] {
            power.canaries[0].outcomes[version].caught = Estimate { value: 0.0, interval: None };
        }
        let json: serde_json::Value = serde_json::from_str(&answer_report(&power, Form::Json)).unwrap();
        assert_eq!(json["provenance"]["partial"], true);
        assert_eq!(json["goal"]["verdict"], "undecided");
        assert_eq!(json["regressions"][0]["sizes"][1]["effects"], serde_json::json!({}));
        for form in [Form::Markdown, Form::Text(Style { color: false, width: 100 })] {
            assert!(answer_report(&power, form).contains("INTERRUPTED: 100 runs"));
        }
        let files = answer_files(&power, Vec::new()).expect("the charts can be drawn");
        let csv = files.iter().find(|file| file.name == "power.csv").expect("a table");
        let rows: Vec<&str> = std::str::from_utf8(&csv.content).unwrap().lines().collect();
        assert_eq!(rows.len(), 1 + 2 * 2 * 3);
        assert!(rows[1].ends_with(",,,,,,"), "what was not measured is empty: {}", rows[1]);
    }
}
