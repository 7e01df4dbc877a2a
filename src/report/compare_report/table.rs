//! The table of a comparison for a terminal of any width: metric, A, B, their difference with its interval, verdict.

use crate::report::layout::{columns, fit, wrap};

/// Least columns for names and for verdicts where these are broken over lines; below that each row takes two lines.
const LEAST: (usize, usize) = (24, 10);

/// The lines of a row, one of which ends in its verdict unless that is broken.
pub(super) struct Row {
    /// One or more.
    pub lines: Vec<String>,
    /// The verdict.
    pub verdict: String,
}

/// Each row's lines. All rows are laid out alike: in columns; where the terminal is too narrow, with long names and
/// verdicts broken; where it is narrower still, with the figures on a line below the name.
pub(super) fn lines(rows: &[Vec<String>], width: usize) -> Vec<Row> {
    let whole = columns(rows, &[1, 2]);
    let lines = if fit(&whole, width) {
        whole.into_iter().map(|line| vec![line]).collect()
    } else {
        broken(rows, width).unwrap_or_else(|| doubled(rows, width))
    };
    let verdict = |row: &Vec<String>| row.last().cloned().unwrap_or_default();
    lines.into_iter().zip(rows).map(|(lines, row)| Row { lines, verdict: verdict(row) }).collect()
}

fn widest(rows: &[Vec<String>], column: usize) -> usize {
    rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
}

/// The rows with names broken after an underscore, and verdicts between words. `None` where too little is left for them.
fn broken(rows: &[Vec<String>], width: usize) -> Option<Vec<Vec<String>>> {
    let figures = columns(&rows.iter().map(|row| row[1..4].to_vec()).collect::<Vec<Vec<String>>>(), &[0, 1]);
    let middle = figures.iter().map(|figures| figures.chars().count()).max().unwrap_or(0);
    let left = width.checked_sub(middle + 4)?;
    let for_verdicts = left.saturating_sub(widest(rows, 0)).clamp(LEAST.1, widest(rows, 4).max(LEAST.1));
    let for_names = left.checked_sub(for_verdicts).filter(|names| *names >= LEAST.0)?;
    let row = |(row, figures): (&Vec<String>, &String)| {
        let names = name_lines(&row[0], for_names);
        let verdicts = wrap("", &row[4], for_verdicts);
        let line = |at: usize| {
            let name = names.get(at).map_or("", String::as_str);
            let figures = if at == 0 { figures.as_str() } else { "" };
            let verdict = verdicts.get(at).map_or("", String::as_str);
            format!("{name:<for_names$}  {figures:<middle$}  {verdict}").trim_end().to_owned()
        };
        (0..names.len().max(verdicts.len())).map(line).collect()
    };
    Some(rows.iter().zip(&figures).map(row).collect())
}

/// A name in lines of so many columns, broken after underscores; what goes on is indented.
fn name_lines(name: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive('_') {
        let last = lines.last_mut().expect("there is a line");
        if !last.trim().is_empty() && last.chars().count() + part.chars().count() > width {
            lines.push(format!("  {part}"));
        } else {
            last.push_str(part);
        }
    }
    lines
}

/// The rows on two lines each: name and verdict, figures below.
fn doubled(rows: &[Vec<String>], width: usize) -> Vec<Vec<String>> {
    let figures = columns(&rows.iter().map(|row| row[1..4].to_vec()).collect::<Vec<Vec<String>>>(), &[0, 1]);
    let names = widest(rows, 0).min(width.saturating_sub(2 + widest(rows, 4)));
    let row = |(row, figures): (&Vec<String>, &String)| {
        let mut lines = wrap("", &format!("{:<names$}  {}", row[0], row[4]), width);
        lines.push(format!("  {figures}"));
        lines
    };
    rows.iter().zip(&figures).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of the longest name, difference and verdict.
    fn rows() -> Vec<Vec<String>> {
        [
            ["mean of", "A", "B", "B - A", "verdict"],
            ["capacity_dip_replica_seconds", "861", "0", "-861 [-938, -784]", "no difference beyond 3.91 min"],
            ["formula_usd_per_million_output_tokens", "$0.846", "$0.887", "+$0.0407 [+0.0305, +0.0509]", "higher"],
            ["waterfall_cold_usd", "$0.0988", "$0.0706", "-$0.0000173 [-0.0000312, -0.0000035]", "better, under 1 %"],
        ]
        .map(|cells| cells.map(str::to_owned).to_vec())
        .to_vec()
    }

    fn text(width: usize) -> Vec<String> {
        lines(&rows(), width).into_iter().flat_map(|row| row.lines).collect()
    }

    #[test]
    fn every_width_holds_every_word_in_columns() {
        for width in 60..160 {
            let text = text(width);
            assert!(fit(&text, width), "{width}: {text:#?}");
            let joined: String = text.join(" ").split_whitespace().collect();
            for cell in rows().iter().flatten() {
                let words: Vec<&str> = cell.split_inclusive(['_', ' ']).map(str::trim).collect();
                assert!(words.iter().all(|word| joined.contains(word)), "{width}: {cell} is not in {text:#?}");
            }
        }
        assert_eq!(text(150).len(), 4);
    }

    #[test]
    fn differences_stand_in_one_column() {
        for width in [60, 80, 100, 140] {
            let found: Vec<usize> = text(width).iter().filter_map(|line| line.find(['+', '-'])).collect();
            let starts: Vec<usize> = found.into_iter().skip(1).collect();
            assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{width}: {:#?}", text(width));
        }
    }
}
