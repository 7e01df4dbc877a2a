//! No text makes the reader panic: random mutations of a good scenario are read or refused with rendered problems.

use proptest::prelude::*;

use super::*;

/// Values that have broken readers before.
const NASTY: [&str; 24] = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e308",
    "9223372036854775808",
    "0xffffffffffffffffffffffffffffffffffffff",
    "\"\"",
    "\"0s\"",
    "\"100y\"",
    "\"99999999999999999999h\"",
    "\"never\"",
    "\"0%\"",
    "\"4294967296%\"",
    "[]",
    "[[]]",
    "{}",
    "true",
    "1979-05-27",
    "\"µs\"",
    "\"é\"",
    "{ distribution = \"zipf\", exponent = 0, max = 1 }",
    "[{ weight = 1 }]",
];

/// Puts a nasty value after the `=` of a line.
fn with_nasty_value(line: usize, value: &str) -> String {
    let mut lines: Vec<String> = EXAMPLE.lines().map(str::to_owned).collect();
    let assignments: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].contains(" = ")).collect();
    let chosen = assignments[line % assignments.len()];
    let (key, _) = lines[chosen].split_once(" = ").expect("the line was chosen for its sign");
    lines[chosen] = format!("{key} = {value}");
    lines.join("\n")
}

/// Reads, and renders what is wrong: neither may panic, and there is always something to say.
fn read_or_refuse(text: &str, sets: &[&str]) {
    match read_with(text, sets) {
        Ok(scenario) => assert_eq!(scenario.hash.len(), 64),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            if let LoadError::Problems(problems) = error {
                assert!(!problems.problems.is_empty());
                let _ = problems.render(true);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nasty_values_at_any_key_never_panic(line in 0usize..1000, value in prop::sample::select(&NASTY[..])) {
        read_or_refuse(&with_nasty_value(line, value), &[]);
    }

    #[test]
    fn cut_and_patched_text_never_panics(
        cuts in prop::collection::vec((0usize..6000, 0usize..40, "[\\x00-\\x7fé\u{feff}=\\[\\]{}\"'.#]{0,4}"), 1..6)
    ) {
        let mut characters: Vec<char> = EXAMPLE.chars().collect();
        for (at, length, patch) in cuts {
            let at = at % (characters.len() + 1);
            let end = (at + length).min(characters.len());
            characters.splice(at..end, patch.chars());
        }
        read_or_refuse(&characters.into_iter().collect::<String>(), &[]);
    }

    #[test]
    fn shuffled_lines_never_panic(order in prop::collection::vec(0usize..1000, 1..150)) {
        let lines: Vec<&str> = EXAMPLE.lines().collect();
        let text: Vec<&str> = order.iter().map(|i| lines[i % lines.len()]).collect();
        read_or_refuse(&text.join("\n"), &[]);
    }

    #[test]
    fn arbitrary_sets_never_panic(key in "[a-z_.0-9\"]{0,30}", value in "\\PC{0,20}", nasty in prop::sample::select(&NASTY[..])) {
        read_or_refuse(EXAMPLE, &[&format!("{key}={value}"), &format!("{key}={nasty}"), &value]);
    }
}
