//! Tables of estimates for a terminal: in columns where they fit, else in pieces that do.

use super::super::content::{Block, Section};
use super::super::layout::{Style, columns, fit, labelled};
use super::super::terminal::section_lines;

/// Spaces before each line of a table.
const INDENT: usize = 2;

/// A section whose tables keep within the width.
pub fn lines(section: &Section, style: Style) -> Vec<String> {
    let head = Section { blocks: Vec::new(), ..section.clone() };
    let mut lines = section_lines(&head, style);
    for block in &section.blocks {
        match block {
            Block::Figures(rows) => lines.extend(figures(rows, style.width)),
            Block::Table(rows) => lines.extend(indented(labelled(rows, &[1, 2], style.width - INDENT))),
            Block::Line(..) => {
                let only = Section { title: "", subtitle: String::new(), blocks: vec![block.clone()] };
                // What comes first is the empty title.
                lines.extend(section_lines(&only, style).into_iter().skip(1));
            }
        }
    }
    lines
}

fn indented(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!("{}{line}", " ".repeat(INDENT))).collect()
}

/// A table of figures beside its labels: where it is too wide its columns follow one another in several tables, each
/// with the labels.
fn figures(rows: &[Vec<String>], width: usize) -> Vec<String> {
    let count = rows.first().map_or(0, Vec::len);
    let piece = |from: usize, to: usize| -> Vec<String> {
        let row = |row: &Vec<String>| row[..1].iter().chain(&row[from..to]).cloned().collect();
        let right: Vec<usize> = (1..=to - from).collect();
        columns(&rows.iter().map(row).collect::<Vec<Vec<String>>>(), &right)
    };
    let (mut lines, mut from) = (Vec::new(), 1);
    while from < count {
        // At least one column, whatever its width.
        let to = (from + 1..=count).rev().find(|to| fit(&piece(from, *to), width - INDENT)).unwrap_or(from + 1);
        lines.extend(indented(piece(from, to)));
        from = to;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: usize) -> Vec<Vec<String>> {
        let row = |row: usize| (0..columns).map(|column| format!("cell {row} of column {column}")).collect();
        (0..3).map(row).collect()
    }

    #[test]
    fn wide_tables_are_cut_into_pieces_that_have_every_cell() {
        for width in [66, 80, 100] {
            for rows in [table(3), table(7), table(12)] {
                let text = figures(&rows, width).join("\n");
                assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
                assert!(rows.iter().flatten().all(|cell| text.contains(cell.as_str())), "{text}");
            }
            let text = indented(labelled(&table(4), &[1, 2], width - INDENT)).join("\n");
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
            assert_eq!(text.lines().count(), if width >= 80 { 3 } else { 6 });
        }
    }
}
