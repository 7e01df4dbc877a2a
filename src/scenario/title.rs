//! Titles: one line for people, which goes to terminals and into reports.

use std::path::Path;

use super::codes::Code;
use super::reader::Field;

/// Longest name of a scenario, characters.
const LONGEST: usize = 200;

/// One line for people: text of a reasonable length. It goes to terminals and into reports, so nothing in it may steer a
/// terminal or turn text around.
pub(super) fn read(field: &Field<'_>, expected: &str) -> Option<String> {
    let name = field.text(expected)?;
    if let Some(control) = name.chars().find(|character| steers(*character)) {
        let expected =
            format!("expected {expected} without control characters, found U+{:04X} in it", u32::from(control));
        return field.wrong_because(Code::WRONG_VALUE, expected, None);
    }
    match name.chars().count() {
        length if length > LONGEST => field.wrong_because(
            Code::WRONG_VALUE,
            format!("expected at most {LONGEST} characters, found {length}"),
            None,
        ),
        _ => Some(name.to_owned()),
    }
}

/// The name of the file as a title.
pub(super) fn of_file(file: &str) -> String {
    let stem = Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let harmless = |character| if steers(character) { char::REPLACEMENT_CHARACTER } else { character };
    stem.chars().map(harmless).take(LONGEST).collect()
}

/// Whether a character is a control character, or overrides the direction of the text around it.
fn steers(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
