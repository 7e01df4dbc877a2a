//! How long the grace period must be: on a terminal, as Markdown, as JSON and as CSV.
//!
//! The sentences and tables that the first two share are in `content`; the chart is `charts/grace.rs`.

mod content;
mod csv;
#[cfg(test)]
pub(super) mod example;
mod json;

pub(super) use json::GraceJson;

use super::OutputError;
use super::answer::Answer;
use super::charts::{self, Chart, ChartError};
use super::layout::{Style, Tone, in_pieces, pieces, wrap};
use super::markdown::{Page, escape};
use super::saved::Saved;
use super::terminal::begin;
use crate::study::grace::{GraceAnswer, Standing};

/// The answer to how long the grace period must be.
#[derive(Clone, Copy, Debug)]
pub struct GraceReport<'a> {
    /// The answer.
    pub answer: &'a GraceAnswer,
}

impl Answer for GraceReport<'_> {
    fn name(&self) -> &'static str {
        "grace"
    }

    fn text(&self, style: Style) -> String {
        let answer = self.answer;
        let tone = if answer.smallest.is_some() { Tone::Good } else { Tone::Unsure };
        let mut lines = begin(&answer.scenario.read_by, &answer.scenario.name, &content::extent(answer), style);
        lines.push(String::new());
        lines.extend(wrap("", &content::headline(answer), style.width).iter().map(|line| style.paint(tone, line)));
        lines.extend(wrap("", &content::today(answer), style.width));
        lines.push(String::new());
        let cuts = pieces(&content::cuts(answer), &[0], style.width);
        lines.extend(
            cuts.into_iter().map(|piece| colored(piece, answer, style)).collect::<Vec<_>>().join(&String::new()),
        );
        for table in [content::costs(answer), content::counts(answer)].into_iter().filter(|table| table.len() > 1) {
            lines.push(String::new());
            lines.extend(in_pieces(&table, &[0], style.width));
        }
        lines.push(String::new());
        for note in content::notes(answer) {
            lines.extend(wrap("- ", &note, style.width));
        }
        lines.join("\n") + "\n"
    }

    fn json(&self) -> String {
        json::json(self.answer)
    }

    fn markdown(&self, charts: &[Chart]) -> String {
        let answer = self.answer;
        let mut page = Page::default();
        page.paragraph(&format!("# {}: how long must the grace period be?", escape(answer.scenario.name.trim())));
        if answer.partial {
            page.paragraph(&format!(
                "**Interrupted after {} of {} runs: partial results.**",
                answer.runs, answer.scenario.study.runs
            ));
        }
        page.paragraph(&format!("**{}**", escape(&content::headline(answer))));
        page.paragraph(&escape(&content::today(answer)));
        page.paragraph("## Cut answers");
        page.table(&content::cuts(answer));
        let tables = [("## What a period costs", content::costs(answer)), ("## Counted", content::counts(answer))];
        for (heading, table) in tables.iter().filter(|(_, table)| table.len() > 1) {
            page.paragraph(heading);
            page.table(table);
        }
        let notes: Vec<String> = content::notes(answer).iter().map(|note| format!("- {}", escape(note))).collect();
        page.paragraph("## How this was found");
        page.paragraph(&notes.join("\n"));
        page.charts(charts);
        page.paragraph("## Provenance");
        page.table(&content::provenance(answer));
        page.text
    }

    fn csv(&self) -> String {
        csv::csv(self.answer)
    }

    fn saved(&self) -> Result<Saved, OutputError> {
        Saved::new(&self.answer.scenario.read_by).with(self.name(), self.answer)
    }

    fn charts(&self) -> Result<Vec<Chart>, ChartError> {
        charts::of_grace(self.answer)
    }
}

/// The lines of the table with each period's standing, which ends its line, in its colour.
fn colored(lines: Vec<String>, answer: &GraceAnswer, style: Style) -> Vec<String> {
    let standings = std::iter::once(None).chain(answer.periods.iter().map(|period| Some(period.standing)));
    let paint = |(line, standing): (String, Option<Standing>)| {
        let tone = match standing {
            Some(Standing::Meets) => Tone::Good,
            Some(Standing::Exceeds) => Tone::Bad,
            Some(Standing::NotShown | Standing::NotTested | Standing::TooFewRuns) => Tone::Unsure,
            None => return line,
        };
        let words = standing.map_or("", Standing::words);
        line.find(words).map_or(line.clone(), |at| {
            format!("{}{}{}", &line[..at], style.paint(tone, words), &line[at + words.len()..])
        })
    };
    lines.into_iter().zip(standings).map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::grace::{Period, Probability, Target};
    use crate::study::{Estimate, wilson};

    fn text(answer: &GraceAnswer, width: usize) -> String {
        GraceReport { answer }.text(Style { color: false, width })
    }

    /// The text without line breaks.
    fn in_one_line(answer: &GraceAnswer) -> String {
        text(answer, 100).split_whitespace().collect::<Vec<&str>>().join(" ")
    }

    #[test]
    fn the_report_says_which_period_is_enough_and_what_it_costs() {
        insta::assert_snapshot!(text(&example::answer(), 100));
    }

    #[test]
    fn lines_keep_within_the_terminal_where_the_tables_do() {
        let text = text(&example::answer(), 100);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }

    #[test]
    fn colour_is_only_in_the_words_of_a_standing_and_the_answer() {
        let answer = example::answer();
        let colored = GraceReport { answer: &answer }.text(Style { color: true, width: 100 });
        assert!(colored.contains("\x1b[32mmeets the target\x1b[0m"), "{colored}");
        assert!(colored.contains("\x1b[31mexceeds the target\x1b[0m"), "{colored}");
    }

    #[test]
    fn without_a_sufficient_period_the_report_says_so() {
        let mut answer = example::answer();
        answer.smallest = None;
        answer.probability = Probability::AtMost;
        answer.target = Target::Count(1e-9);
        let text = text(&answer, 100);
        assert!(text.contains("No grace period that was looked at is shown to keep the expected number"), "{text}");
        assert!(text.contains("at most"), "{text}");
    }

    /// The headline where the longest period is as this makes it, and none is enough.
    fn headline(change: impl Fn(&mut GraceAnswer)) -> String {
        let mut answer = example::answer();
        answer.smallest = None;
        if let Some(longest) = answer.periods.last_mut() {
            (longest.standing, longest.is_settled, longest.effective_runs) = (Standing::TooFewRuns, false, 0.0);
            longest.runs_needed = Some(480);
        }
        change(&mut answer);
        in_one_line(&answer)
    }

    #[test]
    fn too_few_runs_are_told_how_many_would_do_and_longer_periods_only_where_they_may_help() {
        let with_longest =
            |change: fn(&mut Period)| headline(|answer| answer.periods.last_mut().into_iter().for_each(change));
        let would_be = with_longest(|longest| (longest.would_be_settled, longest.runs_needed) = (true, Some(100)));
        assert!(would_be.contains("Simulate 100 runs or more (--runs 100). Longer periods cannot help"), "{would_be}");
        assert!(would_be.contains("At 5m even the longest answer that there may be would have ended"), "{would_be}");
        let slow = with_longest(|_| ());
        assert!(slow.contains("about 480 runs (--runs 480), or 1000 runs and longer periods (--periods)"), "{slow}");
        assert!(slow.contains("about this many would tell: 480 of 5m."), "{slow}");
        let few = with_longest(|longest| longest.effective_runs = 12.0);
        assert!(few.contains("or look at longer ones (--periods)"), "{few}");
        assert!(
            few.contains("At 5m no more than 12 effective runs make up the estimate: below 100 the bound"),
            "{few}"
        );
        let idle = headline(|answer| answer.shutdowns = 0.0);
        assert!(idle.contains("a longer period cannot help"), "{idle}");
    }

    #[test]
    fn a_bound_that_says_nothing_is_replaced_by_what_was_counted() {
        let mut answer = example::answer();
        if let Some(counted) = answer.periods[1].counted.as_mut() {
            counted.any = Estimate { value: 0.78, interval: wilson(78, 100) };
        }
        let text = in_one_line(&answer);
        let said =
            "Today's 30s: 11.2 [10.1, 12.9] answers cut a rollout; 78.0 % [68.9, 85.0] of runs cut any (counted).";
        assert!(text.replace('\u{a0}', " ").contains(said), "{text}");
        answer.today = 2;
        let told = in_one_line(&answer);
        assert!(
            told.replace('\u{a0}', " ").contains("cut any (counted); the probability of any is at most 8.40e-4"),
            "{told}"
        );
    }

    #[test]
    fn the_json_and_the_csv_have_every_period() {
        let answer = example::answer();
        let report = GraceReport { answer: &answer };
        let json: serde_json::Value = serde_json::from_str(&report.json()).expect("JSON");
        assert_eq!(json["periods"].as_array().map(Vec::len), Some(answer.periods.len()));
        assert_eq!(json["smallest_s"], 60.0);
        assert_eq!(json["periods"][1]["is_today"], true);
        assert_eq!(json["periods"][2]["cost_difference_usd"]["value"], 0.25);
        let csv = report.csv();
        let columns = csv.lines().next().map_or(0, |header| header.split(',').count());
        assert_eq!(csv.lines().count(), answer.periods.len() + 1);
        assert!(csv.lines().all(|line| line.split(',').count() == columns), "{csv}");
    }
}
