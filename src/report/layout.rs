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

/// The widest line of a sentence: eyes lose their way back on longer ones, however wide the terminal is.
const PROSE: usize = 100;

/// Breaks text into lines of at most `width` columns, and 100 (a longer word stays whole): the first line after `first`,
/// the others indented by as many columns.
pub fn wrap(first: &str, text: &str, width: usize) -> Vec<String> {
    wrap_within(first, text, width.min(PROSE))
}

/// As [`wrap`], however wide.
fn wrap_within(first: &str, text: &str, width: usize) -> Vec<String> {
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

/// Whether every line keeps within the width.
pub fn fit(lines: &[String], width: usize) -> bool {
    lines.iter().all(|line| line.chars().count() <= width)
}

/// A table whose labels are long: in columns, those named in `right` at their right ends; where it is too wide for that,
/// each label on a line of its own above its cells.
pub fn labelled(rows: &[Vec<String>], right: &[usize], width: usize) -> Vec<String> {
    let whole = columns(rows, right);
    if fit(&whole, width) {
        return whole;
    }
    let all_right = right.to_vec();
    let right: Vec<usize> = right.iter().filter_map(|column| column.checked_sub(1)).collect();
    let cells = |row: &Vec<String>| row.iter().skip(1).cloned().collect();
    let cells = columns(&rows.iter().map(cells).collect::<Vec<Vec<String>>>(), &right);
    let both = |(row, cells): (&Vec<String>, String)| [row.first().cloned().unwrap_or_default(), format!("  {cells}")];
    let lines: Vec<String> = rows.iter().zip(cells).flat_map(both).filter(|line| !line.trim().is_empty()).collect();
    if fit(&lines, width) { lines } else { in_pieces(rows, &all_right, width) }
}

/// Least columns for a last column that is wrapped under itself.
const LEAST_LAST: usize = 12;

/// A table whose last column is wrapped under itself where it is too wide, or stands on lines of its own where too little
/// is left for that; the others are columns, those named in `right` aligned at their right ends.
pub fn hanging(rows: &[Vec<String>], right: &[usize], width: usize) -> Vec<String> {
    let last = rows.iter().map(Vec::len).max().unwrap_or(1) - 1;
    let before = |row: &Vec<String>| row.iter().take(last).cloned().collect();
    let mut starts = columns(&rows.iter().map(before).collect::<Vec<Vec<String>>>(), right);
    let widest = starts.iter().map(|start| start.chars().count()).max().unwrap_or(0);
    if widest + 2 + LEAST_LAST > width {
        let below = |row: &Vec<String>| match row.get(last).filter(|cell| !cell.is_empty()) {
            Some(cell) => wrap_within("    ", cell, width),
            None => Vec::new(),
        };
        return starts
            .iter()
            .zip(rows)
            .flat_map(|(start, row)| std::iter::once(start.clone()).chain(below(row)))
            .collect();
    }
    starts.iter_mut().for_each(|start| start.push_str(&" ".repeat(widest + 2 - start.chars().count())));
    let line =
        |(start, row): (&String, &Vec<String>)| wrap_within(start, row.get(last).map_or("", String::as_str), width);
    starts.iter().zip(rows).flat_map(line).collect()
}

/// A table in as many pieces, one under the other, as its columns need: each begins with the first column, and one whose
/// column is too wide by itself is wrapped. The columns named in `right` are aligned at their right ends.
pub fn pieces(table: &[Vec<String>], right: &[usize], width: usize) -> Vec<Vec<String>> {
    let count = table.iter().map(Vec::len).max().unwrap_or(0);
    let piece = |from: usize, to: usize| -> Vec<String> {
        let cell = |row: &Vec<String>, column: usize| row.get(column).cloned().unwrap_or_default();
        let row = |row: &Vec<String>| std::iter::once(0).chain(from..to).map(|column| cell(row, column)).collect();
        let aligned = |column: &usize| *column == 0 || (from..to).contains(column);
        let place = |column: &usize| if *column == 0 { 0 } else { column - from + 1 };
        let right: Vec<usize> = right.iter().filter(|column| aligned(column)).map(place).collect();
        columns(&table.iter().map(row).collect::<Vec<Vec<String>>>(), &right)
    };
    let mut pieces = Vec::new();
    let mut from = 1;
    while from < count {
        let to = (from + 1..=count).take_while(|to| fit(&piece(from, *to), width)).last().unwrap_or(from + 1);
        let fitting = |line: String| if line.chars().count() <= width { vec![line] } else { wrap("", &line, width) };
        pieces.push(piece(from, to).into_iter().flat_map(fitting).collect());
        from = to;
    }
    pieces
}

/// The pieces as lines, an empty one between them.
pub fn in_pieces(table: &[Vec<String>], right: &[usize], width: usize) -> Vec<String> {
    pieces(table, right, width).join(&String::new())
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

    fn texts(cells: [&str; 3]) -> Vec<String> {
        cells.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_last_column_that_is_too_wide_hangs_under_itself() {
        let rows = [texts(["at", "n", "why"]), texts(["+1m", "12", "its server stopped"])];
        assert_eq!(hanging(&rows, &[0, 1], 80), [" at   n  why", "+1m  12  its server stopped"]);
        assert_eq!(hanging(&rows, &[0, 1], 21), [" at   n  why", "+1m  12  its server", "         stopped"]);
        assert_eq!(hanging(&rows, &[0, 1], 18), [" at   n", "    why", "+1m  12", "    its server", "    stopped"]);
    }

    #[test]
    fn wide_tables_come_in_pieces_that_each_begin_with_the_first_column() {
        let rows = [texts(["name", "left", "right"]), texts(["a", "1", "22"])];
        assert_eq!(in_pieces(&rows, &[2], 80), ["name  left  right", "a     1        22"]);
        assert_eq!(in_pieces(&rows, &[2], 12), ["name  left", "a     1", "", "name  right", "a        22"]);
        assert_eq!(labelled(&rows, &[1, 2], 14), ["name", "  left  right", "a", "     1     22"]);
    }

    #[test]
    fn colour_only_where_it_is_asked_for() {
        assert_eq!(Style { color: false, width: 80 }.paint(Tone::Bad, "x"), "x");
        assert_eq!(Style { color: true, width: 80 }.paint(Tone::Bad, "x"), "\x1b[31mx\x1b[0m");
    }
}
