//! Every command's text at every width of a terminal: no line is wider, colour changes nothing but colour, and what people
//! see at four widths is kept.

use super::example;
use super::layout::Style;
use super::{Answer, Compared, Fitted, Form, GraceReport, Judged, LeftOut, Planned, StudyForm};
use crate::study::plan::Ending;
use crate::study::{FailOn, StudyResult, compare};

const WIDTHS: [usize; 4] = [60, 80, 100, 140];

fn judged(result: &StudyResult) -> Judged<'_> {
    let file = std::path::Path::new("scenario.toml");
    Judged { file, result, baseline: None, lacks_baseline: false, fail_on: FailOn::default() }
}

fn run(style: Style) -> String {
    super::run_report_of(&judged(&example::study()), StudyForm::Text(style))
}

fn check(style: Style) -> String {
    super::check_report(&[judged(&example::study())], StudyForm::Text(style))
}

fn comparison(style: Style) -> String {
    let a = example::study();
    let b = example::study_with(|record| {
        record.values.iter_mut().enumerate().for_each(|(at, value)| *value *= 1.0 - 0.002 * at as f64);
    });
    let comparisons = [compare(&a, &b).expect("the same runs")];
    let settings = [Vec::new(), vec!["termination.grace_period=2m".to_owned()]];
    let compared = Compared { studies: &[a, b], comparisons: &comparisons, settings: &settings };
    super::comparison_report(&compared, Form::Text(style))
}

fn grace(style: Style) -> String {
    GraceReport { answer: &super::grace::example::answer() }.text(style)
}

fn power(style: Style) -> String {
    super::power::example::power(5, 1, 2).text(style)
}

fn plan(style: Style) -> String {
    let (scenario, axes) = (super::plan::example::scenario(), super::plan::example::axes());
    let outcome = super::plan::example::outcome(Ending::Decided);
    let left_out = [LeftOut { settings: vec!["a=1".to_owned()], reason: "`a` cannot be 1".to_owned() }];
    Planned {
        scenario: &scenario,
        axes: &axes,
        outcome: &outcome,
        left_out: &left_out,
        repeated: 2,
        as_written: Some(0),
        unequal: &[],
    }
    .text(style)
}

fn sweep(style: Style) -> String {
    super::sweep::example::over(&["termination.grace_period=30s,60s,2m", "rollout.rolling.max_surge=1,25%"]).text(style)
}

fn fit(style: Style) -> String {
    let fitted = Fitted { name: "small.csv", fit: super::fit::example::bursty() };
    let text = super::fit_report(&fitted, Form::Text(style));
    // What follows is TOML to paste, which is not wrapped.
    let end = ["\nTOML", "\n\u{1b}[1mTOML"].iter().find_map(|heading| text.find(heading));
    text[..end.unwrap_or(text.len())].to_owned()
}

fn profiles(style: Style) -> String {
    super::profiles::list_report(Form::Text(style))
}

fn explain(style: Style) -> String {
    super::explain::tests::explained(style, false)
}

fn every_event(style: Style) -> String {
    super::explain::tests::explained(style, true)
}

/// A command's text in a style.
type Text = fn(Style) -> String;

/// Each command with its text, and whether what it shows is kept at every width.
const TEXTS: [(&str, Text, bool); 11] = [
    ("run", run, true),
    ("check", check, true),
    ("compare", comparison, true),
    ("grace", grace, true),
    ("power", power, false),
    ("plan", plan, true),
    ("sweep", sweep, true),
    ("fit", fit, false),
    ("profiles", profiles, false),
    ("explain", explain, true),
    ("explain_events", every_event, false),
];

fn plain(width: usize) -> Style {
    Style { color: false, width }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, text, _) in TEXTS {
        for width in WIDTHS {
            for line in text(plain(width)).lines() {
                assert!(line.chars().count() <= width, "{name} at {width}: {line}");
                assert!(line.trim_end() == line, "{name} at {width} ends in a space: {line}");
            }
        }
    }
}

#[test]
fn every_text_begins_with_the_program_and_says_its_extent() {
    for (name, text, _) in TEXTS {
        let text = text(plain(100));
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        assert!(first.starts_with(concat!("cutover ", env!("CARGO_PKG_VERSION"), "  ")), "{name}: {first}");
        if !["fit", "profiles"].contains(&name) {
            assert!(lines.take(2).any(|line| line.contains("seed 1")), "{name}: {text}");
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, text, _) in TEXTS {
        for width in WIDTHS {
            let mut bare = text(Style { color: true, width });
            for code in ["0", "1", "31", "32", "33"] {
                bare = bare.replace(&format!("\x1b[{code}m"), "");
            }
            assert_eq!(bare, text(plain(width)), "{name} at {width}");
            assert!(!text(plain(width)).contains('\x1b'), "{name}");
        }
    }
}

#[test]
fn what_people_see_at_each_width_is_kept() {
    for (name, text, _) in TEXTS.iter().filter(|(_, _, kept)| *kept) {
        for width in WIDTHS {
            insta::assert_snapshot!(format!("{name}_{width}"), text(plain(width)));
        }
    }
}
