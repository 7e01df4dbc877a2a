//! The codes of errors and warnings: what a script may rely on, and what `cutover explain CODE` explains.
//!
//! A code, its title and its explanation stand together in one entry of a table. A number that was ever published is never
//! given to anything else: what is no longer reported leaves a gap.

/// Declares codes as constants of [`Code`], and the table of what explains them, in the order of their numbers.
macro_rules! codes {
    ($table:ident: $($name:ident = $code:literal, $title:literal, $text:literal;)*) => {
        impl Code {
            $(#[doc = $title] pub const $name: Code = Code($code);)*
        }

        /// These codes with what explains them.
        pub(super) const $table: &[Explanation] =
            &[$(Explanation { code: Code($code), title: $title, text: $text }),*];
    };
}

mod errors;
mod warnings;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::problems::nearest;

/// The name of a kind of problem: `E` and four digits for an error, `W` for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

/// What a code means, at length.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: Code,
    /// What kind of problem it is, in a few words.
    pub title: &'static str,
    /// Markdown. Where it shows TOML, the first block brings the problem about when it is added to a scenario, and the
    /// second does not.
    pub text: &'static str,
}

impl Code {
    /// Whether it is a warning rather than an error.
    pub fn is_warning(self) -> bool {
        self.0.starts_with('W')
    }

    /// What it means.
    pub fn explanation(self) -> Option<&'static Explanation> {
        explanations().find(|explanation| explanation.code == self)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A code that this version of the program does not have is refused with what holds it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = explanations().map(|explanation| explanation.code).find(|code| code.0 == text);
        known.ok_or_else(|| serde::de::Error::custom(format!("unknown code {text}")))
    }
}

/// Every code with what it means: errors, then warnings, by number.
pub fn explanations() -> impl Iterator<Item = &'static Explanation> {
    errors::ERRORS.iter().chain(warnings::WARNINGS)
}

/// Whether a word has the form of a code, known or not: a letter and digits.
pub fn is_code(word: &str) -> bool {
    let mut characters = word.chars();
    matches!(characters.next(), Some('e' | 'E' | 'w' | 'W'))
        && (2..=6).contains(&word.len())
        && characters.all(|character| character.is_ascii_digit())
}

/// What a code means, written in any case.
///
/// # Errors
/// There is no such code: the nearest one, as a question.
pub fn explain(code: &str) -> Result<&'static Explanation, String> {
    let known: Vec<&str> = explanations().map(|explanation| explanation.code.0).collect();
    match explanations().find(|explanation| explanation.code.0.eq_ignore_ascii_case(code)) {
        Some(explanation) => Ok(explanation),
        None => Err(nearest(code, &known).map_or_else(String::new, |near| format!("did you mean `{near}`?"))),
    }
}

/// What leads from the codes of a message to what they mean: one line.
pub(super) fn where_to_read_on(codes: impl Iterator<Item = Code>) -> Option<String> {
    let mut codes: Vec<Code> = codes.collect();
    codes.sort_unstable();
    codes.dedup();
    match codes.as_slice() {
        [] => None,
        [code] => Some(format!("for more about this: cutover explain {code}")),
        codes => {
            let listed: Vec<&str> = codes.iter().map(|code| code.0).collect();
            Some(format!("for more about any of {}: cutover explain CODE", listed.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_each_once_and_explained_at_length() {
        let codes: Vec<Code> = explanations().map(|explanation| explanation.code).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
        for Explanation { code, title, text } in explanations() {
            let digits = code.0.len() == 5 && code.0[1..].chars().all(|digit| digit.is_ascii_digit());
            assert!(digits && (code.is_warning() || code.0.starts_with('E')), "{code}");
            assert!(title.len() <= 72 && !title.ends_with('.'), "{code}: {title}");
            let lines = text.trim().lines().count();
            assert!((5..=36).contains(&lines), "{code}: {lines} lines");
            assert!(text.lines().all(|line| line.chars().count() <= 100), "{code} has a long line");
            assert!(text.contains("```"), "{code} has an example");
        }
    }

    #[test]
    fn a_code_is_found_in_any_case_and_a_slip_leads_to_the_nearest() {
        assert_eq!(explain("e0003").map(|explanation| explanation.code), Ok(Code::UNKNOWN_KEY));
        assert_eq!(explain("E003").unwrap_err(), "did you mean `E0003`?");
        assert_eq!(explain("E9999").unwrap_err(), "");
        let yes = ["E0003", "w101", "E1"].map(is_code);
        let no = ["scenario.toml", "E", "e2e", "0003", "warm", "E0003.toml", "E00031234"].map(is_code);
        assert_eq!((yes, no), ([true; 3], [false; 7]));
    }

    #[test]
    fn a_message_says_once_where_to_read_on() {
        let of = |codes: &[Code]| where_to_read_on(codes.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(
            of(&[Code::MISSING_KEY, Code::MISSING_KEY]).as_deref(),
            Some("for more about this: cutover explain E0004")
        );
        assert_eq!(
            of(&[Code::MISSING_KEY, Code::UNKNOWN_KEY]).as_deref(),
            Some("for more about any of E0003, E0004: cutover explain CODE")
        );
    }
}
