//! Text on a terminal: colour, wrapping with a hanging indent, aligned columns.
//!
//! Knows nothing of what it lays out.

/// How a terminal wants its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Columns to fill.
    pub width: usize,
}

/// What a stretch of text means, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Heading,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// Undecided.
    Unsure,
}

impl Style {
    /// The text in the colour of its tone, or unchanged where colour is off.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Heading => "1",
            Tone::Good => "32",
            Tone::Bad => "31",
            Tone::Unsure => "33",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

/// A space at which [`wrap`] does not break, so that an estimate stays with its interval.
const GLUE: char = '\u{a0}';

/// Text that is not broken by [`wrap`].
pub fn glued(text: &str) -> String {
    text.replace(' ', &GLUE.to_string())
}

/// The text with plain spaces where it was [`glued`].
pub fn unglued(text: &str) -> String {
    text.replace(GLUE, " ")
}

/// Breaks text into lines of at most `width` columns (a longer word stays whole): the first line after `first`, the
/// others indented by as many columns.
pub fn wrap(first: &str, text: &str, width: usize) -> Vec<String> {
    let indent = first.chars().count();
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut length = indent;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let word_start = rest.find(|c| c != ' ').unwrap_or(rest.len());
        let word_end = rest[word_start..].find(' ').map_or(rest.len(), |end| word_start + end);
        let (gap, word) = (&rest[..word_start], &rest[word_start..word_end]);
        let word_length = word.chars().count();
        if length > indent && length + gap.len() + word_length > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
            length = indent;
        } else {
            line.push_str(gap);
            length += gap.len();
        }
        line.push_str(word);
        length += word_length;
        rest = &rest[word_end..];
    }
    lines.push(line);
    lines.iter().map(|line| unglued(line).trim_end().to_owned()).collect()
}

/// Pads each column to its widest cell, two spaces apart; the columns named in `right` to the left, so that they align
/// at their right end. Trailing spaces are cut.
pub fn columns(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let length = |cell: &String| cell.chars().count();
    let widths: Vec<usize> =
        (0..count).map(|i| rows.iter().filter_map(|row| row.get(i)).map(length).max().unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = (row.iter().enumerate())
                .map(|(i, cell)| {
                    let padding = " ".repeat(widths[i] - length(cell));
                    if right.contains(&i) { padding + cell } else { cell.clone() + &padding }
                })
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

/// The table on its side: its columns as rows.
pub fn transposed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let column = |i: usize| rows.iter().map(|row| row.get(i).cloned().unwrap_or_default()).collect();
    (0..count).map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_within_the_width_and_glued_text_whole() {
        let text = format!("one two {} four", glued("1.91 s [1.84, 1.98]"));
        let lines = wrap("  label  ", &text, 30);
        assert_eq!(lines, ["  label  one two", "         1.91 s [1.84, 1.98]", "         four"]);
        assert_eq!(wrap("  label  ", &text, 80), ["  label  one two 1.91 s [1.84, 1.98] four"]);
    }

    #[test]
    fn columns_align_and_leave_no_trailing_space() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["bbb".to_owned(), "100".to_owned(), String::new()]];
        assert_eq!(columns(&rows, &[1]), ["a      1", "bbb  100"]);
    }

    #[test]
    fn a_table_on_its_side_has_a_cell_for_each() {
        let rows = [vec!["a".to_owned(), "b".to_owned()], vec!["1".to_owned()]];
        assert_eq!(transposed(&rows), [["a", "1"], ["b", ""]]);
    }

    #[test]
    fn colour_only_where_it_is_asked_for() {
        assert_eq!(Style { color: false, width: 80 }.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style { color: true, width: 80 }.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
    }
}
