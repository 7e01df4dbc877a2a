//! Finding a profile by what somebody typed: its name, the beginning of it where that is clear, or the nearest ones.

use super::{Profile, all, by_name};

/// Most names that are suggested.
const MOST_SUGGESTED: usize = 3;
/// Most names that are listed because they have in them what was typed.
const MOST_LISTED: usize = 8;
/// Fewest characters that are looked for within names.
const LEAST_PART: usize = 3;
/// Similarity (Jaro-Winkler) below which a name is no suggestion.
const LEAST_SIMILARITY: f64 = 0.8;

/// A name that is no profile's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Several profiles begin so.
    Ambiguous(Vec<&'static str>),
    /// None does; these are the nearest, the nearest first, perhaps none.
    Misspelt(Vec<&'static str>),
}

impl Unknown {
    /// What to do about it, in a sentence that can stand after "help:".
    pub fn help(&self) -> String {
        const LIST: &str = "`cutover profiles` lists all";
        let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        match self {
            Unknown::Ambiguous(names) => {
                format!("it begins the names of {}; write one of them", quoted(names).join(", "))
            }
            Unknown::Misspelt(names) => match quoted(names).split_last() {
                None => LIST.to_owned(),
                Some((only, [])) => format!("did you mean {only}? {LIST}"),
                Some((last, others)) => format!("did you mean {} or {last}? {LIST}", others.join(", ")),
            },
        }
    }
}

/// The profile of this name, or the only one whose name begins with it: `b200-qwen3-32b` is `b200-qwen3-32b-vllm`. Names
/// that go on with a hyphen come before those that were cut off in a word.
///
/// # Errors
/// No profile is meant, or more than one could be.
pub fn find(name: &str) -> Result<&'static Profile, Unknown> {
    if let Some(profile) = by_name(name) {
        return Ok(profile);
    }
    if name.is_empty() {
        return Err(Unknown::Misspelt(Vec::new()));
    }
    let beginning = |goes_on: fn(&str) -> bool| -> Vec<&'static Profile> {
        all().iter().filter(|profile| profile.name.strip_prefix(name).is_some_and(goes_on)).collect()
    };
    let whole_words = beginning(|rest| rest.starts_with('-'));
    let candidates = if whole_words.is_empty() { beginning(|_| true) } else { whole_words };
    match candidates.as_slice() {
        [] => Err(Unknown::Misspelt(nearest(name))),
        [only] => Ok(only),
        several => Err(Unknown::Ambiguous(several.iter().map(|profile| profile.name.as_str()).collect())),
    }
}

/// The names that have this in them, else those most like it, the most alike first.
fn nearest(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace('_', "-");
    let having = all().iter().filter(|profile| profile.name.contains(&name));
    let having: Vec<&str> = having.map(|profile| profile.name.as_str()).take(MOST_LISTED).collect();
    if name.len() >= LEAST_PART && !having.is_empty() {
        return having;
    }
    let mut ranked: Vec<(f64, &'static Profile)> =
        all().iter().map(|profile| (similarity(&name, profile), profile)).collect();
    // Among those that are equally alike the engine that is simulated comes first, then the order of the alphabet.
    ranked.sort_by(|(one, profile), (other, another)| {
        other.total_cmp(one).then((profile.engine != "vllm").cmp(&(another.engine != "vllm")))
    });
    let alike = ranked.into_iter().take_while(|(similarity, _)| *similarity >= LEAST_SIMILARITY);
    alike.take(MOST_SUGGESTED).map(|(_, profile)| profile.name.as_str()).collect()
}

/// How like a profile's name this is, from 0 to 1, whether or not parallelism and engine were written.
fn similarity(name: &str, profile: &Profile) -> f64 {
    let short = format!("{}-{}", profile.gpu.name, profile.model.name);
    let without_parallelism = format!("{short}-{}", profile.engine);
    let ways = [profile.name.as_str(), without_parallelism.as_str(), short.as_str()];
    ways.iter().map(|way| strsim::jaro_winkler(name, way)).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Result<&'static str, Unknown> {
        find(name).map(|profile| profile.name.as_str())
    }

    #[test]
    fn a_whole_name_and_a_clear_beginning_find_their_profile() {
        assert_eq!(found("h100-llama-3.1-8b-vllm"), Ok("h100-llama-3.1-8b-vllm"));
        assert_eq!(found("b200-qwen3-32b"), Ok("b200-qwen3-32b-vllm"));
        assert_eq!(found("a100-llama-3-8b"), Ok("a100-llama-3-8b-vidur"));
        assert_eq!(found("h100-llama-3.1-70b-tp4-v"), Ok("h100-llama-3.1-70b-tp4-vllm"));
    }

    #[test]
    fn a_model_without_its_gpu_gets_all_that_have_it() {
        let Err(Unknown::Misspelt(names)) = find("Llama-3.1-70B") else { panic!("it names no GPU") };
        assert!(names.len() > 1 && names.iter().all(|name| name.contains("llama-3.1-70b")), "{names:?}");
        assert_eq!(found(""), Err(Unknown::Misspelt(vec![])));
    }

    #[test]
    fn a_beginning_that_several_share_names_them_all() {
        let expected = ["h100-llama-3.1-8b-sglang", "h100-llama-3.1-8b-trtllm", "h100-llama-3.1-8b-vllm"];
        assert_eq!(found("h100-llama-3.1-8b"), Err(Unknown::Ambiguous(expected.to_vec())));
    }

    #[test]
    fn a_slip_gets_the_nearest_names_first() {
        for (slip, expected) in [
            ("h100-llama-3-8b", "h100-llama-3.1-8b-vllm"),
            ("H100_llama-3.1-8b_vlm", "h100-llama-3.1-8b-vllm"),
            ("h100-qwen-32b-vllm", "h100-qwen3-32b-"),
            ("h200-llama-3.1-70b-vllm", "h200-llama-3.1-70b-tp4-vllm"),
            ("a100-codelama-34b", "a100-codellama-34b-tp2-vidur"),
        ] {
            let Err(Unknown::Misspelt(names)) = find(slip) else { panic!("{slip} is no slip") };
            assert!(names.first().is_some_and(|name| name.starts_with(expected)), "{slip}: {names:?}");
            assert!(names.len() <= MOST_SUGGESTED);
        }
    }

    #[test]
    fn what_is_like_nothing_gets_no_names_and_is_told_where_they_are() {
        assert_eq!(found("banana"), Err(Unknown::Misspelt(vec![])));
        assert_eq!(Unknown::Misspelt(vec![]).help(), "`cutover profiles` lists all");
        assert_eq!(Unknown::Misspelt(vec!["a"]).help(), "did you mean `a`? `cutover profiles` lists all");
        assert_eq!(
            Unknown::Misspelt(vec!["a", "b", "c"]).help(),
            "did you mean `a`, `b` or `c`? `cutover profiles` lists all"
        );
    }
}
