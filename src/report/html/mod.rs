//! `report.html`: the whole study in one file for a browser, with charts to point at and zoom into and its runs to explore.
//!
//! What is said and how numbers are written are [`super::content`]'s and [`super::format`]'s. Here: the markup (`parts`),
//! what the charts show (`figures`, `timeline`), what the run explorer knows (`explorer`), the colours (`palette`).
//! `assets/` holds the style sheet, the script and the charting library that it draws with. The page asks for nothing
//! over the network and forbids itself to; without its script it still has every table.

mod explorer;
mod figures;
mod numbers;
mod palette;
mod parts;
mod timeline;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use serde_json::value::RawValue;

use super::content;
use crate::study::{Explored, StudyResult};
use figures::Figure;

/// The charting library: see `assets/echarts/build.sh` for how it is made.
const LIBRARY: &str = include_str!("assets/echarts/echarts.min.js");
/// The script's parts, in order.
const SCRIPTS: [&str; 5] = [
    include_str!("assets/common.js"),
    include_str!("assets/charts.js"),
    include_str!("assets/timeline.js"),
    include_str!("assets/explorer.js"),
    include_str!("assets/page.js"),
];
const STYLES: &str = include_str!("assets/page.css");

/// Nothing may be fetched, whatever a name in the scenario says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// What the script draws.
#[derive(Serialize)]
struct Data<'a> {
    figures: Vec<(&'a str, &'a RawValue)>,
    explorer: Option<&'a RawValue>,
}

/// The page of a study and the runs of it that were looked at one by one. The same study gives the same bytes.
pub fn page(result: &StudyResult, explored: &Explored) -> String {
    let over_time = timeline::figure(result);
    let distributions: Vec<Figure> =
        [figures::latencies(result), figures::cut_responses(result), figures::needed_grace(result)]
            .into_iter()
            .flatten()
            .collect();
    let cost = figures::cost(result);
    let explorer = explorer::data(result, explored);
    let all = over_time.iter().chain(&distributions).chain(&cost);
    let data =
        Data { figures: all.map(|figure| (figure.id, figure.data.as_ref())).collect(), explorer: explorer.as_deref() };
    let body = html! {
        a .skip href="#main" { "Skip to the report" }
        (parts::header(result))
        (parts::contents(explorer.is_some(), over_time.is_some(), cost.is_some()))
        main #main {
            noscript { p .note { "The charts and the run explorer need JavaScript. Every table is here without it." } }
            (parts::checks(result))
            @if let Some(figure) = &over_time {
                section #over-time aria-labelledby="over-time-title" {
                    h2 #over-time-title { "Timeline" }
                    (parts::figure(result, figure))
                }
            }
            (parts::story(result))
            @if !distributions.is_empty() {
                section #distributions aria-labelledby="distributions-title" {
                    h2 #distributions-title { "Distributions" }
                    @for figure in &distributions { (parts::figure(result, figure)) }
                }
            }
            @if let Some(figure) = &cost {
                section #price aria-labelledby="price-title" {
                    h2 #price-title { "Cost" }
                    (parts::figure(result, figure))
                }
            }
            @if explorer.is_some() { (parts::explorer(&explorer::extent(result, explored))) }
            (parts::metrics(result))
            (parts::scenario(result))
            (parts::provenance(result))
        }
    };
    document(result, &body, &data)
}

fn document(result: &StudyResult, body: &Markup, data: &Data<'_>) -> String {
    let styles = format!("{}{STYLES}", palette::rules());
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="description" content=(content::plain(&content::answer(result)));
                meta name="generator" content={ "cutover " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { (result.scenario.name) " \u{b7} cutover" }
                style { (PreEscaped(styles)) }
            }
            body {
                (body)
                script #data type="application/json" { (PreEscaped(harmless(data))) }
                script { (PreEscaped(LIBRARY)) }
                script { (PreEscaped(script())) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// JSON that cannot end the element that it stands in, nor begin another.
fn harmless(data: &Data<'_>) -> String {
    figures::json(data).get().replace('<', "\\u003c")
}

/// The parts of the script, in one function of their own.
fn script() -> String {
    format!("(() => {{\n'use strict';\n{}}})();\n", SCRIPTS.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn what_a_user_writes_is_text_and_never_markup() {
        let mut result = example::study_with(|record| record.reason = "</script><b>".to_owned());
        result.scenario.name = "</title><script>alert(1)</script>\" onload=\"x".to_owned();
        result.scenario.source = "name = '<img src=x onerror=alert(1)>'".to_owned();
        let page = page(&result, &Explored::default());
        for markup in ["</title><script>alert", "<img src=x", "\" onload=\"x", "</script><b>"] {
            assert!(!page.contains(markup), "{markup}");
        }
        // The three scripts of the page, and no fourth.
        assert_eq!(page.matches("<script").count(), 3);
        assert_eq!(page.matches("</script>").count(), 3);
    }

    #[test]
    fn the_assets_cannot_end_the_elements_that_they_stand_in() {
        for script in SCRIPTS.iter().chain(&[LIBRARY]) {
            assert!(!script.contains("</script") && !script.contains("<!--"));
        }
        assert!(!STYLES.contains("</style"));
    }

    #[test]
    fn the_page_names_no_address_that_it_could_fetch() {
        let page = page(&example::study(), &Explored::default());
        let without_library = page.replace(LIBRARY, "");
        for attribute in ["src=", "href=\"http", "url(", "@import", "fetch(", "XMLHttpRequest"] {
            assert!(!without_library.contains(attribute), "{attribute}");
        }
    }
}
