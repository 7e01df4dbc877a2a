//! What must hold of every chart, whatever the study or the trace.

mod view;
mod words;

use std::sync::LazyLock;

use resvg::usvg;

use super::samples::{SHAPES, Shape, study};
use super::*;
use crate::ledger::{METRICS, Metric, Pooled, SERIES};
use crate::report::fit::example;
use crate::study::summarize;
use crate::units::Duration;

/// The sheets of every shape, with several runs and with one, and of every profile, as SVG; and before each what to call it.
static DRAWN: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let cases = SHAPES.into_iter().flat_map(|shape| [(shape, 40), (shape, 1)]);
    let mut drawings = Vec::new();
    for (shape, runs) in cases {
        drawings.extend(drawings_of(&format!("{shape:?} {runs}"), &study(shape, runs)));
    }
    let mut named = study(Shape::Rolling, 2);
    named.scenario.name = "A <very> long & \"quoted\" name \u{1} ".repeat(20);
    named.scenario.slo = None;
    named.partial = true;
    drawings.extend(drawings_of("long name", &named));
    named.scenario.name = "W".repeat(500);
    named.scenario.fleet.needed_replicas = 0.5;
    drawings.extend(drawings_of("one word", &named));
    for (case, name) in [
        ("right to left", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}".repeat(30)),
        ("wide", "\u{6a21}\u{578b}\u{53d1}\u{5e03}".repeat(60)),
    ] {
        let mut named = study(Shape::Mixed, 3);
        named.scenario.name = name;
        drawings.extend(drawings_of(case, &named));
    }
    drawings.extend(comparison_drawings());
    drawings.extend(crate::profiles::all().iter().map(|profile| {
        let sheet = profile::sheet(&Figures::of(profile));
        (profile.name.clone(), sheet.canvas.to_svg().expect("an SVG"))
    }));
    for (sizes, canaries, stages) in [(2, 1, 1), (5, 2, 3), (9, 4, 12)] {
        let mut power = crate::report::power::example::power(sizes, canaries, stages);
        drawings.extend(power::sheets(&power).iter().map(|sheet| drawing(&format!("power {sizes}"), sheet)));
        (power.partial, power.effects, power.scenario.name) = (true, Vec::new(), "W ".repeat(300));
        drawings.extend(power::sheets(&power).iter().map(|sheet| drawing(&format!("power {sizes}, long"), sheet)));
    }
    let fits = [example::bursty(), example::batched(), example::constant(), example::poor(), example::least()];
    for (number, fit) in fits.into_iter().enumerate() {
        for name in ["a trace.csv.gz".to_owned(), "A <very> long & \"quoted\" name \u{1} ".repeat(20), "W".repeat(500)]
        {
            let sheets = fit_sheets(&Fitted { name: &name, fit }).into_iter();
            drawings.extend(sheets.map(|sheet| drawing(&format!("fit {number}"), &sheet)));
        }
    }
    for (number, sweep) in crate::report::sweep::example::every().iter().enumerate() {
        drawings.extend(sweep::sheets(sweep).iter().map(|sheet| drawing(&format!("sweep {number}"), sheet)));
    }
    drawings.extend(plan_drawings());
    drawings
});

/// Comparisons of two and of eight scenarios, with names short and long.
fn comparison_drawings() -> Vec<(String, String)> {
    let mut drawings = Vec::new();
    for (count, name) in [(2, "A canary".to_owned()), (8, "W ".repeat(300))] {
        let shapes = [Shape::Mixed, Shape::RolledBack, Shape::Rolling, Shape::Stuck];
        let mut studies: Vec<StudyResult> = (0..count).map(|at| study(shapes[at % 4], 4)).collect();
        studies.iter_mut().for_each(|study| study.scenario.name = name.clone());
        let compare = |other: &StudyResult| crate::study::compare(&studies[0], other).expect("the same runs");
        let comparisons: Vec<_> = studies[1..].iter().map(compare).collect();
        let settings: Vec<Vec<String>> =
            (0..count).map(|at| vec![format!("rollout.rolling.max_surge=\"{at}0%\"")]).collect();
        for settings in [settings, vec![Vec::new(); count]] {
            let compared = Compared { studies: &studies, comparisons: &comparisons, settings: &settings };
            let others = [
                outcomes::of_comparison(&compared),
                capacity::of_comparison(&compared),
                exposed::of_comparison(&compared),
            ];
            let sheets = (0..count - 1).map(|index| comparison::sheet(&compared, index));
            let sheets: Vec<Sheet> = sheets.chain(others.into_iter().flatten()).collect();
            assert_eq!(sheets.len(), count - 1 + 3);
            drawings.extend(sheets.iter().map(|sheet| drawing(&format!("comparison of {count}"), sheet)));
        }
    }
    drawings
}

/// Plans that ended in every way, with names short and long.
fn plan_drawings() -> Vec<(String, String)> {
    use crate::report::plan::example::{axes, outcome, planned, scenario};
    use crate::study::plan::Ending;
    let mut drawings = Vec::new();
    for ending in [Ending::Decided, Ending::OutOfRuns, Ending::NothingMeets, Ending::Interrupted] {
        for name in ["A plan".to_owned(), "A <very> long & \"quoted\" name \u{1} ".repeat(20), "W".repeat(500)] {
            let (mut scenario, axes, outcome) = (scenario(), axes(), outcome(ending));
            scenario.name = name;
            let planned = planned(&scenario, &axes, &outcome);
            drawings.extend(outcomes::of_plan(&planned).iter().map(|sheet| drawing(&format!("{ending:?}"), sheet)));
            drawings.extend(plan::sheet(&planned).iter().map(|sheet| drawing(&format!("{ending:?}"), sheet)));
        }
    }
    drawings
}

fn drawings_of(case: &str, result: &StudyResult) -> Vec<(String, String)> {
    sheets(result).iter().map(|sheet| drawing(case, sheet)).collect()
}

fn drawing(case: &str, sheet: &Sheet) -> (String, String) {
    (format!("{case} {}", sheet.file_name), sheet.canvas.to_svg().expect("an SVG"))
}

/// Every text of a drawing with its box: left, top, right, bottom.
fn text_boxes(svg: &str) -> Vec<(String, [f32; 4])> {
    fn collect(group: &usvg::Group, boxes: &mut Vec<(String, [f32; 4])>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(inner) => collect(inner, boxes),
                usvg::Node::Text(text) => {
                    let area = text.abs_bounding_box();
                    let words = text.chunks().iter().map(|chunk| chunk.text()).collect();
                    boxes.push((words, [area.left(), area.top(), area.right(), area.bottom()]));
                }
                _ => {}
            }
        }
    }
    let tree = usvg::Tree::from_str(svg, &canvas::options()).expect("an SVG");
    let mut boxes = Vec::new();
    collect(tree.root(), &mut boxes);
    boxes
}

/// Whether two boxes overlap. The height of a line's box holds accents and descenders that rarely meet those of the
/// next line; a fifth at each end is therefore not counted.
fn overlap(one: &[f32; 4], other: &[f32; 4]) -> bool {
    let inner = |area: &[f32; 4]| {
        let (width, height) = (area[2] - area[0], area[3] - area[1]);
        if height > width { *area } else { [area[0], area[1] + height * 0.2, area[2], area[3] - height * 0.2] }
    };
    let (one, other) = (inner(one), inner(other));
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

#[test]
fn every_text_is_inside_the_sheet_and_overlaps_no_other() {
    for (case, svg) in DRAWN.iter() {
        let boxes = text_boxes(svg);
        assert!(boxes.len() > 3, "{case}");
        for (i, (text, area)) in boxes.iter().enumerate() {
            let inside = area[0] >= 4.0 && area[1] >= 4.0 && area[2] <= 876.0 && area[3] <= 508.0;
            assert!(inside, "{case}: {text} at {area:?}");
            for (other, other_area) in &boxes[..i] {
                assert!(!overlap(area, other_area), "{case}: {text} {area:?} on {other} {other_area:?}");
            }
        }
    }
}

/// Fails where a point is not a number or not on the sheet.
fn assert_on_the_sheet(case: &str, svg: &str) {
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{case}");
    for points in svg.split("points=\"").skip(1) {
        for point in points.split('"').next().unwrap_or("").split_whitespace() {
            let (x, y) = point.split_once(',').expect("two coordinates");
            let (x, y): (i32, i32) = (x.parse().expect("a number"), y.parse().expect("a number"));
            // What is not a number would be drawn at zero.
            assert!(x > 0 && y > 0 && x < 880 * 8 && y < 512 * 8, "{case}: {point}");
        }
    }
}

#[test]
fn every_point_is_a_number_inside_the_sheet() {
    DRAWN.iter().for_each(|(case, svg)| assert_on_the_sheet(case, svg));
}

#[test]
fn whatever_the_values_charts_are_drawn_on_their_sheets() {
    for value in [0.0, f64::NAN, f64::INFINITY, -1.0, 1e-12, 1e6] {
        let mut sample = study(Shape::Mixed, 2);
        for record in &mut sample.records {
            for (metric, of_run) in METRICS.iter().zip(&mut record.values) {
                // A count is finite.
                let is_count = metric.description().kind == crate::ledger::Kind::Count;
                *of_run = if is_count && value.is_infinite() { 1e6 } else { value };
            }
            record.timeline.fill(value as f32);
        }
        let result = summarize(sample.scenario, sample.facts, sample.records, sample.pooled, false);
        for (case, svg) in drawings_of(&value.to_string(), &result) {
            assert_on_the_sheet(&case, &svg);
        }
    }
}

#[test]
fn the_same_study_gives_the_same_bytes_and_pictures_of_the_promised_size() {
    let (one, other) = (all(&study(Shape::Rolling, 5)).unwrap(), all(&study(Shape::Rolling, 5)).unwrap());
    let names: Vec<&str> = one.iter().map(|chart| chart.file_name.as_str()).collect();
    // A rolling update exposes everyone without a verdict, and these all complete.
    let expected = FILE_NAMES.iter().copied().filter(|name| !["exposed.png", "outcomes.png"].contains(name));
    assert_eq!(names, expected.collect::<Vec<&str>>());
    let mixed: Vec<String> = sheets(&study(Shape::Mixed, 8)).into_iter().map(|sheet| sheet.file_name).collect();
    assert_eq!(mixed, FILE_NAMES);
    for (one, other) in one.iter().zip(&other) {
        assert!(one.png == other.png && one.svg == other.svg, "{}", one.file_name);
        assert_eq!(one.png[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(one.png[16..24], [0, 0, 0x06, 0xe0, 0, 0, 0x04, 0x00], "1760 by 1024");
        assert!(!one.alt_text.contains("NaN"), "{}", one.alt_text);
    }
}

#[test]
fn the_same_fit_gives_the_same_bytes_and_every_chart() {
    let fitted = Fitted { name: "a trace.csv.gz", fit: example::bursty() };
    let (one, other) = (of_fit(&fitted).unwrap(), of_fit(&fitted).unwrap());
    assert_eq!(one.iter().map(|chart| chart.file_name.as_str()).collect::<Vec<&str>>(), FIT_FILE_NAMES);
    for (one, other) in one.iter().zip(&other) {
        assert!(one.png == other.png && one.svg == other.svg, "{}", one.file_name);
        assert!(!one.alt_text.contains("NaN"), "{}", one.alt_text);
    }
    let constant = fit_sheets(&Fitted { name: "a trace.csv.gz", fit: example::constant() });
    assert_eq!(
        constant.iter().map(|sheet| sheet.file_name.as_str()).collect::<Vec<&str>>(),
        ["arrivals.png", "output_tokens.png"]
    );
    assert!(fit_sheets(&Fitted { name: "a trace.csv.gz", fit: example::least() }).len() <= 2);
}

#[test]
fn charts_without_data_are_left_out() {
    let names =
        |result: &StudyResult| -> Vec<String> { sheets(result).into_iter().map(|sheet| sheet.file_name).collect() };
    assert_eq!(names(&study(Shape::Silent, 3)), ["timeline.png", "truncated.png"]);
    let sample = study(Shape::Rolling, 1);
    let empty = summarize(sample.scenario, sample.facts, vec![], Pooled::default(), true);
    assert!(names(&empty).is_empty());
}

#[test]
fn a_timeline_of_one_bin_is_drawn() {
    let mut sample = study(Shape::Rolling, 2);
    for record in &mut sample.records {
        record.timeline = vec![1.0; SERIES.len()];
    }
    let mut pooled = Pooled::new(1);
    pooled.ttft_by_bin[0].record(Duration::from_seconds(1));
    let result = summarize(sample.scenario, sample.facts, sample.records, pooled, false);
    let drawings = drawings_of("one bin", &result);
    assert_eq!(drawings.len(), 6);
    assert!(drawings.iter().all(|(_, svg)| text_boxes(svg).len() > 3));
}

#[test]
fn where_nothing_was_cut_the_chart_says_so_with_its_interval() {
    let result = study(Shape::Quiet, 40);
    let sheet = truncated::sheet(&result).expect("a sheet");
    let texts: Vec<String> = text_boxes(&sheet.canvas.to_svg().unwrap()).into_iter().map(|(text, _)| text).collect();
    assert!(texts.iter().any(|text| text.contains("No response was cut in any of 40 runs.")), "{texts:?}");
    // Wilson's upper end for 0 of 40 is 8.76 %.
    assert!(texts.iter().any(|text| text.contains("0 % [0, 8.8]")), "{texts:?}");
}

#[test]
fn samples_have_a_value_for_every_metric() {
    let sample = study(Shape::Rolling, 1);
    assert_eq!(sample.records[0].values.len(), METRICS.len());
    assert!(sample.metric(Metric::TruncatedAttempts).mean.value > 0.0);
}

#[test]
fn no_number_is_written_with_a_power_of_ten_that_only_programmers_read() {
    let is_exponent = |text: &str| {
        text.as_bytes()
            .windows(3)
            .any(|part| part[0].is_ascii_digit() && part[1] == b'e' && (part[2] == b'-' || part[2].is_ascii_digit()))
    };
    for (case, svg) in DRAWN.iter() {
        for (text, _) in text_boxes(svg) {
            assert!(!is_exponent(&text), "{case}: {text}");
        }
    }
}

#[test]
fn a_picture_is_crisp_at_twice_its_size() {
    // An upright of one point, drawn at a whole point, covers two whole pixels: no grey beside it.
    let mut canvas = Canvas::new();
    canvas.line(vec![(100.5, 50.0), (100.5, 400.0)], theme::Stroke::solid(theme::INK, 1.0));
    let drawing = canvas::read(&canvas.to_svg().expect("an SVG")).expect("a drawing");
    let png = canvas::rasterize(&drawing).expect("a picture");
    let pixels = resvg::tiny_skia::Pixmap::decode_png(&png).expect("pixels");
    let row: Vec<u8> = (198..205).filter_map(|x| pixels.pixel(x, 400)).map(|pixel| pixel.red()).collect();
    assert_eq!(row, [255, 255, theme::INK.0, theme::INK.0, 255, 255, 255]);
}
