//! A plan for a terminal and as Markdown.

use super::{Planned, content};
use crate::report::charts::Chart;
use crate::report::content::plain;
use crate::report::layout::{Style, Tone, pieces, unglued, wrap};
use crate::report::markdown::{Page, escape};
use crate::report::terminal::begin;
use crate::study::plan::Ending;

/// The plan for a terminal, ending in a newline.
pub fn text(planned: &Planned<'_>, style: Style) -> String {
    let width = style.width;
    let mut lines = begin(&planned.scenario.read_by, &planned.scenario.name, &content::question(planned), style);
    lines.push(String::new());
    let tone = match planned.outcome.ending {
        Ending::Decided => Tone::Good,
        Ending::NothingMeets => Tone::Bad,
        _ => Tone::Unsure,
    };
    lines.extend(wrap("", &content::headline(planned), width).iter().map(|line| style.paint(tone, line)));
    for paragraph in [content::too_few_runs(planned), content::confidence(planned), content::cheaper(planned)] {
        if !paragraph.is_empty() {
            lines.extend(wrap("", &paragraph, width));
        }
    }
    for line in content::diagnosis(planned) {
        lines.extend(wrap("  ", &line, width));
    }
    let told = content::told(planned);
    for piece in pieces(&stacked(&content::table(planned, &told)), &[0], width) {
        lines.push(String::new());
        lines.extend(piece);
    }
    lines.push(String::new());
    let legend = content::legend(planned);
    if !legend.is_empty() {
        lines.extend(wrap("", &legend, width));
    }
    for line in content::left_out(planned) {
        lines.extend(wrap("", &line, width));
    }
    lines.join("\n") + "\n"
}

/// A table with its header on two lines, long names broken after an underscore or a dot near their middle.
fn stacked(table: &[Vec<String>]) -> Vec<Vec<String>> {
    let Some((header, rows)) = table.split_first() else { return Vec::new() };
    let halves = |name: &String| -> (String, String) {
        let breaks = name.match_indices(['_', '.', ' ']).map(|(at, _)| at + 1).filter(|_| name.len() > 8);
        let middle = breaks.min_by_key(|at| (2 * at).abs_diff(name.len()));
        middle.map_or_else(|| (String::new(), name.clone()), |at| (name[..at].to_owned(), name[at..].to_owned()))
    };
    let (upper, lower) = header.iter().map(halves).unzip();
    [upper, lower].into_iter().chain(rows.iter().cloned()).collect()
}

/// The plan as Markdown.
pub fn markdown(planned: &Planned<'_>, charts: &[Chart]) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("# Plan: {}", escape(&planned.scenario.name)));
    page.paragraph(&escape(&content::question(planned)));
    page.paragraph(&format!("**{}**", escape(&plain(&content::headline(planned)))));
    page.paragraph(&escape(&plain(&content::too_few_runs(planned))));
    page.paragraph(&escape(&plain(&content::confidence(planned))));
    page.paragraph(&escape(&plain(&content::cheaper(planned))));
    let list: Vec<String> =
        content::diagnosis(planned).iter().map(|line| format!("- {}", escape(&unglued(line)))).collect();
    page.paragraph(&list.join("\n"));
    let told = content::told(planned);
    page.paragraph("## Candidates");
    page.table(&content::table(planned, &told));
    page.paragraph(&escape(&content::legend(planned)));
    page.paragraph(
        &content::left_out(planned).iter().map(|line| format!("- {}", escape(line))).collect::<Vec<_>>().join("\n"),
    );
    page.charts(charts);
    let scenarios: Vec<String> = planned.chosen().map(|(file, _)| format!("`{file}`")).collect();
    if !scenarios.is_empty() {
        page.paragraph(&format!("To run: {}.", scenarios.join(", ")));
    }
    page.paragraph("## Provenance");
    page.table(&[
        vec!["what".to_owned(), "value".to_owned()],
        vec!["version".to_owned(), format!("cutover {}", planned.scenario.read_by)],
        vec!["scenario hash (SHA-256)".to_owned(), format!("`{}`", planned.scenario.hash)],
        vec!["seed".to_owned(), planned.scenario.study.seed.to_string()],
        vec!["most runs of a candidate".to_owned(), planned.most_runs().to_string()],
    ]);
    page.paragraph("Brackets are 95 % intervals.");
    page.text
}
