//! Words on charts: the heading, labels at the ends of lines and above panels that never overlap, and text that is
//! wrapped or shortened to the room there is.

use super::axes::Panel;
use super::canvas::{Anchor, Canvas, Point, Text, text_width};
use super::numbers;
use super::theme::{self, Color, Stroke};
use crate::report::compare_report::Compared;
use crate::study::StudyResult;

/// Least space between two labels side by side, points.
const GAP: f64 = 10.0;

/// Room for a heading's lines, points.
const HEADING_ROOM: f64 = theme::WIDTH - theme::PANEL_LEFT - theme::MARGIN;

/// Writes the question and, under it, what was simulated; returns where the room below begins, points.
pub fn heading(canvas: &mut Canvas, question: &str, result: &StudyResult) -> f64 {
    let mut provenance = format!("{}, seed {}", runs(result), result.scenario.study.seed);
    if result.partial {
        provenance.push_str(", interrupted");
    }
    heading_of(canvas, question, result.scenario.name.trim(), &provenance)
}

/// Writes the question and, under it, the name of what it is asked of and how much of that there is; returns where the
/// room below begins, points.
pub fn heading_of(canvas: &mut Canvas, question: &str, name: &str, provenance: &str) -> f64 {
    heading_over(canvas, question, &subtitle(name, provenance, HEADING_ROOM))
}

/// Writes the question and lines under it, which fit; returns where the room below begins, points.
pub fn heading_over(canvas: &mut Canvas, question: &str, lines: &[String]) -> f64 {
    let left = theme::PANEL_LEFT;
    let size = fitting_size(question, theme::TITLE_SIZE, HEADING_ROOM, true);
    canvas.text(Text::new(question, (left, 26.0), Anchor::Start, theme::INK).size(size).bold());
    for (i, line) in lines.iter().enumerate() {
        let at = (left, 46.0 + i as f64 * theme::SUBTITLE_SIZE * theme::LINE_HEIGHT);
        canvas.text(Text::new(line, at, Anchor::Start, theme::MUTED).size(theme::SUBTITLE_SIZE));
    }
    40.0 + lines.len() as f64 * theme::SUBTITLE_SIZE * theme::LINE_HEIGHT
}

/// What is compared, a line for each as far as there is room, and over what.
pub fn subjects(compared: &Compared<'_>) -> Vec<String> {
    const MOST: usize = 3;
    let count = compared.studies.len();
    let one = |at: usize| shorten(&compared.subject(at), theme::SUBTITLE_SIZE, HEADING_ROOM);
    let mut lines: Vec<String> = (0..count.min(MOST)).map(one).collect();
    let runs = compared.comparisons.iter().map(|comparison| comparison.runs).min().unwrap_or(0);
    let (runs, plural) = (numbers::fixed(runs as f64, 0), if runs == 1 { "" } else { "s" });
    let more = if count > MOST { format!("and {} more, ", count - MOST) } else { String::new() };
    let seed = compared.studies[0].scenario.study.seed;
    lines.push(format!("{more}{runs} run{plural} of the same requests, seed {seed}"));
    lines
}

/// The name, at most two lines of it, then the rest, which is always shown whole.
fn subtitle(name: &str, provenance: &str, room: f64) -> Vec<String> {
    let width = |text: &str| text_width(text, theme::SUBTITLE_SIZE, false);
    let whole = format!("{name} \u{b7} {provenance}");
    if width(&whole) <= room {
        return vec![whole];
    }
    let mut lines = wrap(name, theme::SUBTITLE_SIZE, room);
    let rest = lines.split_off(1).join(" ");
    if rest.is_empty() {
        lines.push(provenance.to_owned());
    } else {
        let ending = format!(" \u{b7} {provenance}");
        lines.push(format!("{}{ending}", shorten(&rest, theme::SUBTITLE_SIZE, room - width(&ending))));
    }
    lines
}

/// `1 run`, `1,000 runs`.
pub fn runs(result: &StudyResult) -> String {
    match result.records.len() {
        1 => "1 run".to_owned(),
        many => format!("{} runs", numbers::fixed(many as f64, 0)),
    }
}

/// The text, or as much of its beginning as fits, with an ellipsis.
pub fn shorten(text: &str, size: f64, room: f64) -> String {
    if text_width(text, size, false) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let beginning =
        |n: usize| format!("{}\u{2026}", letters[..n].iter().collect::<String>().trim_end().trim_end_matches(','));
    let (mut fits, mut too_long) = (0, letters.len());
    while too_long - fits > 1 {
        let middle = (fits + too_long) / 2;
        if text_width(&beginning(middle), size, false) <= room { fits = middle } else { too_long = middle }
    }
    beginning(fits)
}

/// The text in lines that fit, broken between words; a word that fits no line is shortened.
pub fn wrap(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || text_width(&longer, size, false) <= room {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        }
    }
    lines.push(line);
    lines.iter().map(|line| shorten(line, size, room)).collect()
}

/// The greatest size up to `size` in which a line fits.
pub fn fitting_size(text: &str, size: f64, room: f64, bold: bool) -> f64 {
    let width = text_width(text, size, bold);
    if width <= room { size } else { size * room / width }
}

/// Places labels of these sizes, one after the other in the order given, as near to their wished centres as can be
/// without overlap, within `low..high`; returns the centres. Where there is too little room the last ones stand beyond `high`.
pub fn spread(wishes: &[(f64, f64)], low: f64, high: f64) -> Vec<f64> {
    // Labels that touch form a block: (beginning, length, labels). A block stands where its labels wish on average.
    let mut blocks: Vec<(f64, f64, Vec<usize>)> = Vec::new();
    for label in 0..wishes.len() {
        let mut block = settled(vec![label], wishes, low, high);
        while let Some(previous) = blocks.pop_if(|previous| previous.0 + previous.1 > block.0) {
            let members = previous.2.into_iter().chain(block.2).collect();
            block = settled(members, wishes, low, high);
        }
        blocks.push(block);
    }
    let mut centres = vec![0.0; wishes.len()];
    for (beginning, _, members) in blocks {
        let mut edge = beginning;
        for label in members {
            centres[label] = edge + wishes[label].1 / 2.0;
            edge += wishes[label].1;
        }
    }
    centres
}

/// A block of labels in this order: where it begins so that they stand, on average, where they wish.
fn settled(members: Vec<usize>, wishes: &[(f64, f64)], low: f64, high: f64) -> (f64, f64, Vec<usize>) {
    let (mut length, mut beginnings) = (0.0, 0.0);
    for label in &members {
        beginnings += wishes[*label].0 - wishes[*label].1 / 2.0 - length;
        length += wishes[*label].1;
    }
    let beginning = (beginnings / members.len() as f64).min(high - length).max(low);
    (beginning, length, members)
}

/// A label to the right of a panel, at the end of what it names.
#[derive(Clone, Debug)]
pub struct EndLabel {
    /// Its lines; the first is level with the end, those after it are smaller.
    pub lines: Vec<String>,
    /// Where the line that it names ends, points.
    pub y: f64,
    /// Its colour.
    pub color: Color,
}

impl EndLabel {
    fn height(&self) -> f64 {
        theme::LABEL_SIZE * theme::LINE_HEIGHT
            + (self.lines.len() - 1) as f64 * theme::SMALL_SIZE * theme::LINE_HEIGHT
            + 3.0
    }
}

/// Writes labels at the right edge of a panel, apart from one another, each tied to its line where it had to move.
pub fn at_line_ends(canvas: &mut Canvas, panel: &Panel, labels: Vec<EndLabel>) {
    let tied = labels.into_iter().map(|label| (label, theme::LEADER_STROKE)).collect();
    tied_to_line_ends(canvas, panel, tied, 9.0);
}

/// As [`at_line_ends`], each tied by a stretch of its own line, which tells it from others that end near it.
pub fn at_line_ends_with_samples(canvas: &mut Canvas, panel: &Panel, labels: Vec<(EndLabel, Stroke)>) {
    tied_to_line_ends(canvas, panel, labels, 26.0);
}

/// Writes labels this far from the panel's right edge, with ties of these strokes.
fn tied_to_line_ends(canvas: &mut Canvas, panel: &Panel, mut labels: Vec<(EndLabel, Stroke)>, distance: f64) {
    labels.sort_by(|one, other| one.0.y.total_cmp(&other.0.y));
    let wishes: Vec<(f64, f64)> = (labels.iter())
        .map(|(label, _)| (label.y + (label.height() - theme::LABEL_SIZE * theme::LINE_HEIGHT) / 2.0, label.height()))
        .collect();
    let centres = spread(&wishes, panel.top - 8.0, panel.bottom + 8.0);
    for ((label, stroke), centre) in labels.iter().zip(centres) {
        let first = centre - label.height() / 2.0 + theme::LABEL_SIZE * theme::LINE_HEIGHT / 2.0;
        canvas.line(vec![(panel.right + 2.0, label.y), (panel.right + distance, first)], *stroke);
        let left = panel.right + distance + 3.0;
        let room = theme::WIDTH - theme::MARGIN / 2.0 - left;
        for (i, line) in label.lines.iter().enumerate() {
            let size = if i == 0 { theme::LABEL_SIZE } else { theme::SMALL_SIZE };
            let at = (left, first + i as f64 * theme::SMALL_SIZE * theme::LINE_HEIGHT + if i > 0 { 1.0 } else { 0.0 });
            let size = fitting_size(line, size, room, false);
            canvas.text(Text::new(line, at, Anchor::Start, label.color).size(size));
        }
    }
}

/// A label above a panel with a line down to what it names.
#[derive(Clone, Debug)]
pub struct Callout {
    /// Its line of text.
    pub content: String,
    /// What it points at, points.
    pub target: Point,
    /// Its colour.
    pub color: Color,
}

/// Writes labels in one row at this height, apart from one another, each with a line to its target.
pub fn in_a_row(canvas: &mut Canvas, y: f64, mut callouts: Vec<Callout>) {
    callouts.sort_by(|one, other| one.target.0.total_cmp(&other.target.0));
    let (low, high) = (theme::PANEL_LEFT - 24.0, theme::WIDTH - theme::MARGIN / 2.0);
    let natural: f64 = callouts.iter().map(|c| text_width(&c.content, theme::LABEL_SIZE, false) + GAP).sum();
    let size = theme::LABEL_SIZE * ((high - low) / natural.max(1.0)).min(1.0);
    let wishes: Vec<(f64, f64)> = (callouts.iter())
        .map(|callout| (callout.target.0, text_width(&callout.content, size, false) + GAP * size / theme::LABEL_SIZE))
        .collect();
    for (callout, x) in callouts.iter().zip(spread(&wishes, low, high)) {
        canvas.line(vec![(x, y + 7.0), callout.target], theme::LEADER_STROKE);
        canvas.text(Text::new(callout.content.clone(), (x, y), Anchor::Middle, callout.color).size(size));
    }
}

/// A value of the x axis that is marked across a panel, and what it is.
#[derive(Clone, Debug)]
pub struct Upright {
    /// Where.
    pub value: f64,
    /// What it is.
    pub content: String,
    /// Its line, whose colour the words have too.
    pub stroke: Stroke,
}

/// Draws lines across a panel at those values that lie on it, and names them in a row above.
pub fn uprights(canvas: &mut Canvas, panel: &Panel, uprights: Vec<Upright>) {
    let on_axis = uprights.into_iter().filter(|upright| (panel.x.low..=panel.x.high).contains(&upright.value));
    let mark = |upright: Upright| {
        let target = (panel.across(upright.value), panel.top - 6.0);
        canvas.line(vec![target, (target.0, panel.bottom)], upright.stroke);
        Callout { content: upright.content, target, color: upright.stroke.color }
    };
    let callouts = on_axis.map(mark).collect();
    in_a_row(canvas, panel.top - 20.0, callouts);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_have_room_stand_where_they_wish() {
        assert_eq!(spread(&[(20.0, 10.0), (50.0, 10.0)], 0.0, 100.0), vec![20.0, 50.0]);
    }

    #[test]
    fn crowded_labels_touch_without_overlap_and_stay_inside() {
        let wishes = [(2.0, 30.0), (94.0, 10.0), (96.0, 10.0), (94.0, 10.0), (95.0, 20.0)];
        let centres = spread(&wishes, 0.0, 100.0);
        let spans: Vec<(f64, f64)> =
            wishes.iter().zip(&centres).map(|((_, size), centre)| (centre - size / 2.0, centre + size / 2.0)).collect();
        assert!(spans[0].0 >= 0.0 && spans[4].1 <= 100.0 + 1e-9, "{spans:?}");
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 1e-9), "{spans:?}");
    }

    #[test]
    fn long_text_is_shortened_to_its_room_and_short_text_is_left_alone() {
        let text = "Qwen 27 GB on 8 H100: rolling update with the default grace period";
        let short = shorten(text, 11.0, 150.0);
        assert!(short.ends_with('\u{2026}') && text_width(&short, 11.0, false) <= 150.0, "{short}");
        assert_eq!(shorten(text, 11.0, 1e4), text);
        assert!(wrap(text, 11.0, 150.0).iter().all(|line| text_width(line, 11.0, false) <= 150.0));
        assert_eq!(wrap(text, 11.0, 150.0).join(" "), text);
    }
}
