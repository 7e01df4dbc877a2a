//! `report.html` in a real browser: it loads in silence and alone, draws, zooms, explores, filters, prints, fits a phone,
//! and says what it shows. Where there is no Chromium, the tests that need one say so and pass.

#[path = "support/browser.rs"]
mod browser;
mod support;

use std::path::PathBuf;
use std::sync::LazyLock;

use browser::Browser;
use cutover::report::html;
use cutover::study::{self, Explored, StudyResult};
use serde_json::json;
use tempfile::TempDir;

/// A small fleet that cuts answers: every chart has something to show.
const SCENARIO: &str = r#"
name = "Small fleet & <short> grace"

[study]
runs = 24
warm_up = "3m"
duration = "20m"
timeline_bin = "10s"

[traffic]
arrivals = { process = "poisson", rate = 3.0 }
prompt_tokens = { distribution = "lognormal", median = 400, p99 = 3000, max = 8000 }
output_tokens = { distribution = "lognormal", median = 250, p99 = 2500, max = 4000 }

[fleet]
replicas = 3
gpu_limit = 4
gpu_hour_usd = 3.0

[engine]
step_time = { base = "15ms", per_sequence = "50us", per_kv_token = "20ns", per_prefill_token = "60us" }

[cold_start]
image_pull = { distribution = "lognormal", median = "30s", p99 = "60s" }
engine_start = "40s"

[termination]
grace_period = "10s"

[slo]
ttft = "1s"

[rollout]
strategy = "rolling"
start = "4m"

[[check]]
metric = "truncated_attempts"
statistic = "mean"
max = 1
"#;

static STUDY: LazyLock<(StudyResult, Explored)> = LazyLock::new(|| {
    let result = support::study(SCENARIO, &[]);
    let explored = study::explore(&result, Some(2));
    (result, explored)
});

/// The page in a file of its own.
fn written(page: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).expect("a page");
    (folder, file)
}

/// The study's page in a browser of this size.
fn opened(width: u32, height: u32) -> Option<(Browser, TempDir)> {
    let mut browser = Browser::start()?;
    let (folder, file) = written(&html::page(&STUDY.0, &STUDY.1));
    browser.open(&file, width, height);
    Some((browser, folder))
}

/// The part of its x axis that a chart shows.
fn shown(browser: &mut Browser, chart: &str) -> (f64, f64) {
    let zoom = browser.evaluate(&format!(
        "(({{startValue, endValue}}) => [startValue, endValue])\
         (echarts.getInstanceByDom(document.getElementById('{chart}-chart')).getOption().dataZoom[0])"
    ));
    (zoom[0].as_f64().expect("a beginning"), zoom[1].as_f64().expect("an end"))
}

/// Attributes of charts that are to be numbers and are not.
const BROKEN: &str = "[...document.querySelectorAll('svg *')].flatMap(e => [...e.attributes])\
                      .filter(a => /NaN|undefined|Infinity/.test(a.value)).map(a => a.value.slice(0, 80)).slice(0, 5)";

/// Every chart, and how many shapes it has at least.
const CHARTS: [(&str, i64); 7] = [
    ("timeline", 40),
    ("latencies", 8),
    ("cut-responses", 6),
    ("needed-grace", 6),
    ("cost", 12),
    ("run-among", 6),
    ("run-life", 40),
];

#[test]
fn the_page_loads_in_silence_and_alone_and_draws_every_chart() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    for (chart, marks) in CHARTS {
        let drawn = browser.evaluate(&format!("document.querySelectorAll('#{chart}-chart svg path').length"));
        assert!(drawn.as_i64() >= Some(marks), "{chart}: {drawn} paths, at least {marks} expected");
    }
    // Nothing of a chart may be anything but a number.
    assert_eq!(browser.evaluate(BROKEN), json!([]));
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
    let asked: Vec<String> = browser.requests().into_iter().filter(|url| !url.starts_with("data:")).collect();
    assert!(asked.len() == 1 && asked[0].starts_with("file://"), "{asked:?}");
}

#[test]
fn studies_with_little_in_them_draw_what_there_is() {
    let Some(mut browser) = Browser::start() else { return };
    for sets in [
        &["study.runs=1"][..],
        &["study.runs=2", "rollout.strategy=\"none\""],
        &["study.runs=3", "traffic.arrivals.rate=0.00001", "slo.ttft=\"5s\""],
        &["study.runs=3", "fleet.gpu_limit=3", "rollout.rolling.max_unavailable=0", "study.timeline_bin=\"20m\""],
    ] {
        let result = support::study(SCENARIO, sets);
        let (_folder, file) = written(&html::page(&result, &study::explore(&result, None)));
        browser.open(&file, 1200, 900);
        let drawn = browser.evaluate("document.querySelectorAll('#timeline-chart svg path').length");
        assert!(drawn.as_i64() > Some(10), "{sets:?}: {drawn}");
        assert_eq!(browser.evaluate(BROKEN), json!([]), "{sets:?}");
        assert!(browser.complaints().is_empty(), "{sets:?}: {:?}", browser.complaints());
    }
}

#[test]
fn buttons_and_the_mouse_zoom_the_time_axis_and_the_whole_window_comes_back() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    let whole = shown(&mut browser, "timeline");
    assert_eq!(whole, (0.0, 20.0));
    let press = |browser: &mut Browser, does: &str| {
        browser.evaluate(&format!("document.querySelector('[data-chart=timeline] [data-zoom={does}]').click()"));
    };
    press(&mut browser, "in");
    assert_eq!(shown(&mut browser, "timeline"), (5.0, 15.0));
    press(&mut browser, "later");
    let later = shown(&mut browser, "timeline");
    assert!(later.0 > 8.0 && (later.1 - later.0 - 10.0).abs() < 1e-9, "{later:?}");
    press(&mut browser, "reset");
    assert_eq!(shown(&mut browser, "timeline"), whole);

    browser.evaluate("document.getElementById('timeline-chart').scrollIntoView({ behavior: 'instant' })");
    let at = |browser: &mut Browser, minute: f64| -> (f64, f64) {
        let place = browser.evaluate(&format!(
            "(() => {{ const frame = document.getElementById('timeline-chart'); const box = frame.getBoundingClientRect(); \
             return [box.left + echarts.getInstanceByDom(frame).convertToPixel({{ gridIndex: 0 }}, [{minute}, 0])[0], box.top + 200]; }})()"
        ));
        (place[0].as_f64().expect("x"), place[1].as_f64().expect("y"))
    };
    let (from, to) = (at(&mut browser, 4.0), at(&mut browser, 9.0));
    browser.drag(from, to);
    let dragged = shown(&mut browser, "timeline");
    assert!((dragged.0 - 4.0).abs() < 0.1 && (dragged.1 - 9.0).abs() < 0.1, "{dragged:?}");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn pointing_at_the_timeline_tells_every_series_of_that_minute() {
    let Some((mut browser, _folder)) = opened(1200, 1000) else { return };
    let told = browser.evaluate(
        "(() => { const frame = document.getElementById('timeline-chart'); const chart = echarts.getInstanceByDom(frame); \
         const [x, y] = chart.convertToPixel({ xAxisIndex: 1, yAxisIndex: 1 }, [5.9, 0.3]); \
         chart.dispatchAction({ type: 'showTip', x, y }); return frame.textContent; })()",
    );
    let told = told.as_str().expect("text");
    for part in ["minute 5.83", "TTFT P99", "least ready", "requests/s", "cut a minute"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn the_explorer_shows_the_run_that_is_picked() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    let title = |browser: &mut Browser| browser.evaluate("document.getElementById('run-title').textContent");
    let explored = |metric: &str| {
        let choice = STUDY.1.choices.iter().find(|choice| choice.metric == metric);
        choice.expect("a metric that varies").runs
    };
    let starts = |title: &serde_json::Value, run: u64| {
        let title = title.as_str().expect("a title").to_owned();
        assert!(title.starts_with(&format!("Run {run}: ")), "{title} instead of run {run}");
    };
    starts(&title(&mut browser), explored("truncated_attempts")[4]);
    let life = "document.getElementById('run-life-chart').getAttribute('aria-label')";
    let before = browser.evaluate(life);
    browser.evaluate("document.querySelectorAll('#pick-quantile button')[0].click()");
    starts(&title(&mut browser), explored("truncated_attempts")[0]);
    assert_ne!(browser.evaluate(life), before);
    browser.evaluate(
        "(() => { const metric = document.getElementById('pick-metric'); metric.value = 'ttft_p99_s'; \
         metric.dispatchEvent(new Event('change')); })()",
    );
    starts(&title(&mut browser), explored("ttft_p99_s")[0]);
    let pick = |browser: &mut Browser, run: u64| {
        browser.evaluate(&format!(
            "(() => {{ const run = document.getElementById('pick-run'); run.value = '{run}'; run.dispatchEvent(new Event('change')); }})()"
        ));
    };
    let with = STUDY.1.runs[0].run;
    pick(&mut browser, with);
    starts(&title(&mut browser), with);
    assert_eq!(browser.evaluate("document.getElementById('run-detail').hidden"), json!(false));
    let rows = browser.evaluate("document.querySelectorAll('#run-attempts tbody tr').length");
    assert!(rows.as_i64() > Some(20), "{rows}");
    pick(&mut browser, 999);
    assert_eq!(title(&mut browser), json!("No run 999 on this page"));
    if let Some(without) = (0..24).find(|run| STUDY.1.runs.iter().all(|detail| detail.run != *run)) {
        pick(&mut browser, without);
        assert_eq!(browser.evaluate("document.getElementById('run-detail').hidden"), json!(true));
        let command = browser.evaluate("document.getElementById('run-command').textContent");
        assert!(command.as_str().is_some_and(|text| text.ends_with(&format!("--run {without}"))), "{command}");
    }
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn the_filter_hides_other_metrics_and_the_theme_turns() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    let rows = "[...document.querySelectorAll('#metric-table tbody tr')].filter(row => !row.hidden).length";
    let all = browser.evaluate(rows);
    browser.evaluate(
        "(() => { const filter = document.getElementById('filter'); filter.value = 'ttft p99'; \
         filter.dispatchEvent(new Event('input')); })()",
    );
    let some = browser.evaluate(rows);
    assert!(some.as_i64() >= Some(1) && some.as_i64() < Some(6), "{some} of {all}");

    let colors = "[getComputedStyle(document.body).backgroundColor, \
                  document.querySelector('#latencies-chart svg').outerHTML.includes('#e6ebf0')]";
    let light = browser.evaluate(colors);
    assert_eq!(light, json!(["rgb(255, 255, 255)", false]));
    browser.evaluate("document.getElementById('theme').click()");
    let dark = browser.evaluate(colors);
    assert_eq!(dark, json!(["rgb(19, 25, 31)", true]));
    assert_eq!(browser.evaluate("document.getElementById('theme').getAttribute('aria-pressed')"), json!("true"));
    let zoomed = shown(&mut browser, "timeline");
    assert_eq!(zoomed, (0.0, 20.0));
}

#[test]
fn a_system_that_is_dark_gets_a_dark_page() {
    let Some(mut browser) = Browser::start() else { return };
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
    browser.call("Emulation.setEmulatedMedia", features);
    let (_folder, file) = written(&html::page(&STUDY.0, &STUDY.1));
    browser.open(&file, 1200, 900);
    assert_eq!(browser.evaluate("getComputedStyle(document.body).backgroundColor"), json!("rgb(19, 25, 31)"));
    assert_eq!(
        browser.evaluate("document.querySelector('#cost-chart svg').outerHTML.includes('#e6ebf0')"),
        json!(true)
    );
}

#[test]
fn a_phone_never_scrolls_sideways() {
    let Some((mut browser, _folder)) = opened(390, 844) else { return };
    for (width, height) in [(390, 844), (320, 640), (844, 390)] {
        browser.resize(width, height);
        browser.wait_for(
            "[...document.querySelectorAll('.chart')].every(c => !c.clientWidth || c.querySelector('svg').getBoundingClientRect().width <= c.clientWidth + 1)",
        );
        let wide = browser.evaluate(
            "[document.documentElement.scrollWidth, innerWidth, [...document.querySelectorAll('body *')].filter(e => \
             e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, nav, pre, svg, .chart')).map(e => e.tagName + '.' + e.className + '#' + e.id).slice(0, 5)]",
        );
        assert!(wide[0].as_i64() <= Some(i64::from(width)), "{wide}");
    }
}

#[test]
fn it_prints_light_with_every_table_open() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    browser.evaluate("document.getElementById('theme').click()");
    browser.evaluate(
        "addEventListener('beforeprint', () => { window.inPrint = [getComputedStyle(document.body).backgroundColor, \
         document.querySelectorAll('details:not([open])').length]; })",
    );
    let pdf = browser.call("Page.printToPDF", json!({ "printBackground": true }));
    assert!(pdf["data"].as_str().is_some_and(|data| data.len() > 50_000));
    assert_eq!(browser.evaluate("window.inPrint"), json!(["rgb(255, 255, 255)", 0]));
    browser.wait_for("getComputedStyle(document.body).backgroundColor === 'rgb(19, 25, 31)'");
    assert!(browser.complaints().is_empty(), "{:?}", browser.complaints());
}

#[test]
fn a_screen_reader_finds_names_headings_and_tables() {
    let Some((mut browser, _folder)) = opened(1200, 900) else { return };
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let nodes = tree["nodes"].as_array().expect("nodes").clone();
    let role = |node: &serde_json::Value| node["role"]["value"].as_str().unwrap_or_default().to_owned();
    let name = |node: &serde_json::Value| node["name"]["value"].as_str().unwrap_or_default().to_owned();
    let of = |wanted: &str| {
        nodes.iter().filter(|node| role(node) == wanted && node["ignored"] != json!(true)).collect::<Vec<_>>()
    };
    for landmark in ["main", "navigation", "banner"] {
        assert_eq!(of(landmark).len(), 1, "{landmark}");
    }
    let images: Vec<_> = nodes
        .iter()
        .filter(|node| ["image", "img"].contains(&role(node).as_str()) && node["ignored"] != json!(true))
        .collect();
    assert_eq!(images.len(), CHARTS.len());
    for image in images {
        assert!(name(image).split(' ').count() >= 6, "a chart that does not say what it shows: {}", name(image));
    }
    for control in ["button", "combobox", "spinbutton", "searchbox"] {
        assert!(!of(control).is_empty(), "{control}");
        assert!(of(control).iter().all(|node| !name(node).is_empty()), "a {control} without a name");
    }
    let skipped = browser.evaluate(
        "(() => { let last = 0, wrong = []; for (const h of document.querySelectorAll('h1,h2,h3,h4')) { \
         const level = Number(h.tagName[1]); if (level > last + 1) wrong.push(h.textContent); last = level; } \
         return [wrong, document.querySelectorAll('h1').length]; })()",
    );
    assert_eq!(skipped, json!([[], 1]));
    let tables = browser.evaluate(
        "[...document.querySelectorAll('table')].filter(t => !t.caption || ![...t.querySelectorAll('th')].every(h => h.scope)).length",
    );
    assert_eq!(tables, json!(0), "every table has a caption, and every header a scope");
}

#[test]
fn without_its_script_the_page_still_has_its_tables() {
    let Some(mut browser) = Browser::start() else { return };
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    let (_folder, file) = written(&html::page(&STUDY.0, &STUDY.1));
    browser.open(&file, 1200, 900);
    let text = browser.evaluate("document.body.innerText");
    let text = text.as_str().expect("text");
    assert!(text.contains("need JavaScript") && text.contains("truncated_attempts"), "{text}");
    assert!(!text.contains("Zoom in"), "controls that do nothing");
}

#[test]
fn a_thousand_runs_of_ninety_minutes_stay_below_two_megabytes() {
    // What grows with runs and minutes, without simulating them: the study's own runs again and again, jittered.
    let sets = ["study.duration=\"90m\"", "study.runs=6", "traffic.arrivals.rate=0.5"];
    let small = support::study(SCENARIO, &sets);
    let records = (0..1000u64).map(|run| {
        let mut record = small.records[(run % 6) as usize].clone();
        record.run = run;
        record.values.iter_mut().for_each(|value| *value *= 1.0 + 1e-4 * ((run * 7919) % 1000) as f64);
        record
    });
    let mut scenario = small.scenario.clone();
    scenario.study.runs = 1000;
    let pooled = small.pooled.clone();
    let result = study::summarize(scenario, small.facts, records.collect(), pooled, false);
    let bytes = html::page(&result, &study::explore(&result, None)).len();
    println!("{bytes} bytes");
    assert!(bytes < 2_000_000, "{bytes} bytes");
}

#[test]
fn the_same_study_gives_the_same_bytes_on_any_number_of_threads() {
    let page = |threads| html::page(&STUDY.0, &study::explore(&STUDY.0, Some(threads)));
    assert!(page(1) == page(3));
}
