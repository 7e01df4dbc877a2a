//! The answer for a terminal and as Markdown.

use super::{broken, content};
use crate::report::charts::Chart;
use crate::report::layout::{Style, Tone, columns, wrap};
use crate::report::markdown::{Page, escape};
use crate::report::terminal::begin;
use crate::study::levers::{LeverVerdict, LeversResult};

/// Columns of labels at the left.
const LABEL: usize = 10;

fn labelled(label: &str, text: &str, style: Style) -> Vec<String> {
    wrap(&format!("{label:<LABEL$}"), text, style.width)
}

/// The rows in columns where they fit, else each with its cells below its name.
fn table(rows: &[Vec<String>], right: &[usize], width: usize) -> Vec<String> {
    let aligned = columns(rows, right);
    if aligned.iter().all(|line| line.chars().count() <= width) {
        return aligned;
    }
    let (header, body) = rows.split_first().map_or((&[][..], rows), |(header, body)| (header.as_slice(), body));
    let mut lines = Vec::new();
    for row in body {
        lines.push(row.first().cloned().unwrap_or_default());
        for (title, cell) in header.iter().zip(row).skip(1).filter(|(_, cell)| !cell.is_empty()) {
            lines.extend(wrap(&format!("    {title:<22}"), cell, width));
        }
    }
    lines
}

fn tone(word: &str) -> Option<Tone> {
    let is = |verdict: LeverVerdict| word == verdict.words();
    if [LeverVerdict::PaysAtOnce, LeverVerdict::PaysResized, LeverVerdict::PaysBoth].into_iter().any(is) {
        Some(Tone::Good)
    } else if [LeverVerdict::BreaksBound, LeverVerdict::Dearer].into_iter().any(is) {
        Some(Tone::Bad)
    } else {
        None
    }
}

/// The answer for a terminal, ending in a newline.
pub fn text(result: &LeversResult, style: Style) -> String {
    let scenario = &result.base.scenario;
    let extent = format!("{}; seed {}", content::extent(result), scenario.study.seed);
    let mut lines = begin(&scenario.read_by, &scenario.name, &extent, style);
    lines.push(String::new());
    lines.extend(labelled("TODAY", &content::today(result), style));
    lines.extend(labelled("BOUND", &content::bound(result), style));
    let mut section = |title: &str, body: Vec<String>| {
        lines.push(String::new());
        lines.push(style.paint(Tone::Heading, title));
        lines.extend(body);
    };
    let rows = content::prices(result);
    let mut priced = table(&rows, &[1], style.width);
    for line in &mut priced {
        let painted = rows.iter().filter_map(|row| row.last()).find(|word| !word.is_empty() && line.ends_with(*word));
        if let Some((word, tone)) = painted.and_then(|word| Some((word, tone(word)?))) {
            let start = line.strip_suffix(word.as_str()).unwrap_or_default().to_owned();
            *line = format!("{start}{}", style.paint(tone, word));
        }
    }
    priced.extend(content::legend(result).into_iter().flat_map(|legend| wrap("", &legend, style.width)));
    section("WHAT IT DOES TO $/1M OUTPUT TOKENS", priced);
    let users = |rows: &[Vec<String>]| table(rows, &[3, 4, 5], style.width);
    section("WHAT IT DOES TO USERS, SAME FLEET, AGAINST TODAY", users(&content::users_same(result)));
    let fewest = content::users_fewest(result);
    if fewest.len() > 1 {
        section("WHAT IT DOES TO USERS, FEWEST REPLICAS", users(&fewest));
    }
    let broken = broken::rows(result);
    if broken.len() > 1 {
        section("WHAT BREAKS THE BOUND", breaches(&broken, style.width));
    }
    section("TOGETHER", wrap("", &content::together(result), style.width));
    section("WHERE THE PRICE COMES FROM", table(&content::waterfall(result), &[1, 3], style.width));
    section("THE LEVERS", meanings(result, style));
    if !result.left_out.is_empty() {
        let width = widest(result.left_out.iter().map(|left| left.name.as_str()));
        let left = result.left_out.iter();
        let left = left.flat_map(|left| wrap(&format!("{:<width$}  ", left.name), &left.reason, style.width));
        section("LEFT OUT", left.collect());
    }
    section("READING IT", wrap("", &content::reading(), style.width));
    lines.join("\n") + "\n"
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| name.chars().count()).max().unwrap_or(0)
}

/// What each fleet broke, beside its lever and its replicas.
fn breaches(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let [names, replicas] = [0, 1].map(|column| widest(rows.iter().map(|row| row[column].as_str())));
    let lines =
        rows.iter().flat_map(|row| wrap(&format!("{:<names$}  {:>replicas$}  ", row[0], row[1]), &row[2], width));
    lines.collect()
}

/// What each lever is and, below, what it sets.
fn meanings(result: &LeversResult, style: Style) -> Vec<String> {
    let meanings = content::meanings(result);
    let width = widest(meanings.iter().map(|(name, ..)| name.as_str()));
    let mut lines = Vec::new();
    for (name, sentence, settings) in meanings {
        lines.extend(wrap(&format!("{name:<width$}  "), &sentence, style.width));
        if settings != sentence {
            lines.extend(wrap(&" ".repeat(width + 2), &settings, style.width));
        }
    }
    lines
}

/// The answer as Markdown, with these charts linked.
pub fn markdown(result: &LeversResult, charts: &[Chart]) -> String {
    let scenario = &result.base.scenario;
    let mut page = Page::default();
    page.paragraph("# What moves the price of a token?");
    page.paragraph(&format!("{} (`{}`)", escape(&scenario.name), scenario.hash.get(..12).unwrap_or_default()));
    page.paragraph(&format!("{}, seed {}.", escape(&content::extent(result)), scenario.study.seed));
    let facts = [
        format!("- Today: {}", escape(&content::today(result))),
        format!("- Bound: {}", escape(&content::bound(result))),
    ];
    page.paragraph(&facts.join("\n"));
    page.paragraph("## What each lever does to $/1M output tokens");
    page.table(&content::prices(result));
    if let Some(legend) = content::legend(result) {
        page.paragraph(&escape(&legend));
    }
    page.paragraph(&escape(&content::reading()));
    page.paragraph("## What each lever does to users");
    page.paragraph("With the same fleet, against today:");
    page.table(&content::users_same(result));
    let fewest = content::users_fewest(result);
    if fewest.len() > 1 {
        page.paragraph("With the fewest replicas:");
        page.table(&fewest);
    }
    let broken = broken::rows(result);
    if broken.len() > 1 {
        page.paragraph("## What breaks the bound");
        page.table(&broken);
    }
    page.paragraph("## Together");
    page.paragraph(&escape(&content::together(result)));
    page.paragraph("## Where the price comes from");
    page.table(&content::waterfall(result));
    page.charts(charts);
    page.paragraph("## The levers");
    let mut rows = vec![["lever", "what it is", "what it sets"].map(str::to_owned).to_vec()];
    rows.extend(content::meanings(result).into_iter().map(|(name, sentence, settings)| vec![name, sentence, settings]));
    page.table(&rows);
    if !result.left_out.is_empty() {
        page.paragraph("## Left out");
        let left = result.left_out.iter().map(|left| format!("- {}: {}", escape(&left.name), escape(&left.reason)));
        page.paragraph(&left.collect::<Vec<String>>().join("\n"));
    }
    page.text
}
