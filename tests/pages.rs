//! What the pages on commands show is what these print: every line of output that a page quotes below a command and, where
//! a page puts figures in bold, each of them, which must be in the output of a command of its section.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin_cmd;

/// The words of a command line; quotes, single or double, hold a word together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (Some(end), _) if c == end => quote = None,
            (None, '"' | '\'') => (quote, open) = (Some(c), true),
            (None, ' ') => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            _ => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}

/// What a command prints, run once for all sections that show it.
fn printed(line: &str, known: &mut BTreeMap<String, String>) -> String {
    if let Some(text) = known.get(line) {
        return text.clone();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().expect("a place for results");
    let assert = cargo_bin_cmd!("cutover")
        .current_dir(root)
        .args(&words(line)[1..])
        .args(["--quiet", "--out"])
        .arg(out.path())
        .assert();
    let text = String::from_utf8(assert.get_output().stdout.clone()).expect("text");
    assert!(!text.is_empty(), "{line}: {}", String::from_utf8_lossy(&assert.get_output().stderr));
    known.insert(line.to_owned(), text.clone());
    text
}

/// A text with single spaces and without line breaks, so that figures that a line breaks are found.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Checks a section: quoted lines, and with `bold_too` bold figures, against the output of its commands; returns how many
/// figures those were.
fn check(section: &str, bold_too: bool, known: &mut BTreeMap<String, String>) -> usize {
    let (mut prose, mut outputs) = (String::new(), String::new());
    for (i, part) in section.split("```").enumerate() {
        let Some(block) = part.strip_prefix("console\n") else {
            // Other blocks show keys, not output.
            if i % 2 == 0 {
                prose.push_str(part);
            }
            continue;
        };
        let mut lines = block.lines();
        let command = lines.next().and_then(|line| line.strip_prefix("$ ")).expect("a command");
        let output = printed(command, known);
        let squeezed: Vec<String> = output.lines().map(in_one_line).collect();
        for line in lines.filter(|line| !line.trim().is_empty() && *line != "...") {
            assert!(squeezed.contains(&in_one_line(line)), "{command}\ndoes not print\n{line}\nbut\n{output}");
        }
        outputs.push_str(&in_one_line(&output));
    }
    let bold = prose.split("**").skip(1).step_by(2).map(in_one_line);
    let figures: Vec<String> = bold.filter(|text| bold_too && text.chars().any(|c| c.is_ascii_digit())).collect();
    for figure in &figures {
        assert!(outputs.contains(figure), "**{figure}** is in the output of no command of its section:\n{prose}");
    }
    figures.len()
}

#[test]
fn the_pages_show_what_their_commands_print() {
    let mut known = BTreeMap::new();
    let pages =
        [("rules-of-thumb", 20), ("levers", 5), ("grace", 0), ("plan", 0), ("power", 0), ("sweep", 0), ("tutorial", 0)];
    for (page, least) in pages {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/{page}.md"));
        let text = fs::read_to_string(place).expect("it ships");
        let figures: usize = text.split("\n## ").map(|section| check(section, least > 0, &mut known)).sum();
        assert!(figures >= least, "{page}: {figures} figures are checked");
    }
    assert!(known.len() >= 13);
}

#[test]
fn quotes_hold_words_together() {
    assert_eq!(words("a --b 'c d = \"e\"' \"f: g\"  h"), ["a", "--b", "c d = \"e\"", "f: g", "h"]);
}
