//! What the charts of the examples say, word for word, and that the page on charts names every one.

use super::super::samples::{Shape, study};
use super::super::{FILE_NAMES, FIT_FILE_NAMES, Fitted, Sheet, fit_sheets, sheets, sweep};
use super::{DRAWN, example, text_boxes};

/// What charts say: for each its name, its finding and all its words.
fn said(sheets: &[Sheet]) -> String {
    let one = |sheet: &Sheet| {
        let words = text_boxes(&sheet.canvas.to_svg().expect("an SVG"));
        let words: Vec<String> = words.into_iter().map(|(text, _)| format!("  {text}")).collect();
        format!("{}: {}\n{}\n", sheet.file_name, sheet.alt_text, words.join("\n"))
    };
    sheets.iter().map(one).collect::<Vec<String>>().join("\n")
}

#[test]
fn the_words_of_a_studys_charts() {
    insta::assert_snapshot!(said(&sheets(&crate::report::example::study())));
}

#[test]
fn the_words_of_a_canarys_charts() {
    insta::assert_snapshot!(said(&sheets(&study(Shape::Mixed, 40))));
}

#[test]
fn the_words_of_a_fits_and_a_sweeps_charts() {
    let fitted = Fitted { name: "a trace.csv.gz", fit: example::bursty() };
    let sweep = crate::report::sweep::example::over(&["termination.grace_period=30s,60s,2m", "fleet.gpu_limit=9,10"]);
    insta::assert_snapshot!(format!("{}\n{}", said(&fit_sheets(&fitted)), said(&sweep::sheets(&sweep))));
}

#[test]
fn the_page_on_charts_names_every_one() {
    let page = include_str!("../../../../docs/charts.md");
    for name in FILE_NAMES.iter().chain(&FIT_FILE_NAMES) {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
    for (case, _) in DRAWN.iter().filter(|(case, _)| case.starts_with("comparison of 2")) {
        let name = case.rsplit(' ').next().unwrap_or_default();
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}
