//! What fitting a trace found: on a terminal, as Markdown, as JSON, and as the TOML to paste into a scenario.

mod content;
#[cfg(test)]
pub(super) mod example;
mod json;
mod paste;

pub(super) use json::FitJson;

pub use json::json;
pub use paste::paste;

use super::charts::Chart;
use super::content::Section;
use super::layout::{Style, Tone};
use super::markdown::{Page, escape};
use super::terminal::{begin, section_lines};
use crate::fit::TraceFit;

/// A fit and the name of the trace's file.
#[derive(Clone, Copy, Debug)]
pub struct Fitted<'a> {
    /// Name of the file, without its directory.
    pub name: &'a str,
    /// What was found.
    pub fit: &'a TraceFit,
}

/// The fit for a terminal, ending in a newline.
pub fn text(fitted: &Fitted<'_>, style: Style) -> String {
    let mut lines = begin(env!("CARGO_PKG_VERSION"), fitted.name, &content::extent(fitted.fit), style);
    lines.push(String::new());
    for section in sections(fitted) {
        lines.extend(section_lines(&section, style));
    }
    lines.push(style.paint(Tone::Heading, "TOML"));
    lines.join("\n") + "\n" + &paste(fitted)
}

/// What was found, the advice first.
fn sections(fitted: &Fitted<'_>) -> Vec<Section> {
    vec![
        content::advice(fitted),
        content::arrivals(fitted.fit),
        content::lengths(fitted.fit),
        content::fits(fitted.fit),
    ]
}

/// The fit as Markdown; charts are linked relatively.
pub fn markdown(fitted: &Fitted<'_>, charts: &[Chart]) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("# {}", escape(fitted.name)));
    page.paragraph(&escape(&content::extent(fitted.fit)));
    for section in sections(fitted) {
        page.section(&section);
    }
    page.paragraph("## TOML");
    page.paragraph(&format!("```toml\n{}```", paste(fitted)));
    page.charts(charts);
    page.paragraph("## Provenance");
    page.table(&[
        vec!["what".to_owned(), "value".to_owned()],
        vec!["version".to_owned(), format!("cutover {}", env!("CARGO_PKG_VERSION"))],
        vec!["the trace's requests (SHA-256)".to_owned(), format!("`{}`", fitted.fit.digest)],
    ]);
    page.text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(name: &str, fit: &TraceFit, width: usize) -> String {
        text(&Fitted { name, fit }, Style { color: false, width })
    }

    #[test]
    fn the_report_of_a_small_trace_fills_a_screen() {
        let text = text_of("small.csv", example::bursty(), 100);
        insta::assert_snapshot!(text);
        assert!(text.lines().count() <= 64, "{} lines", text.lines().count());
    }

    #[test]
    fn the_report_adapts_to_narrow_terminals() {
        for fit in [example::bursty(), example::batched(), example::constant(), example::least()] {
            for width in [60, 80, 100] {
                let text = text_of("a-trace-with-a-long-name.csv.gz", fit, width);
                let report = text.split("TOML\n").next().unwrap_or_default();
                for line in report.lines() {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_page_has_the_same_and_the_charts() {
        let chart = Chart {
            file_name: "prompt_tokens.png".to_owned(),
            png: Vec::new(),
            svg: String::new(),
            alt_text: "Survival of prompts".to_owned(),
        };
        let page = markdown(&Fitted { name: "a|b.csv", fit: example::batched() }, &[chart]);
        assert!(page.starts_with("# a\\|b.csv\n"), "{page}");
        for part in ["## Advice", "| 3 lognormals |", "```toml\n", "[traffic]", "![Survival of prompts](charts/"] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
