//! True regressions of a new version: what is bad about it, and by how much.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::scenario::{Analysis, AnalysisBound, AnalysisMetric, Axis, parse_values};
use crate::units::parse_duration;

/// What takes back all that a scenario says of its new version.
pub(super) const AS_STABLE: &str = "new_version={}";
/// Sizes of slow steps and slow prompts, where none are given.
const SLOWER: [&str; 5] = ["0%", "10%", "25%", "50%", "100%"];
/// Error rates where the bound is a ratio and so names none.
const ERRING: [&str; 5] = ["0%", "0.5%", "1%", "2%", "5%"];
/// Error rates as multiples of the bound that they are to be caught by.
const OF_BOUND: [f64; 5] = [0.5, 1.0, 1.5, 2.0, 4.0];
/// Mean times between the crashes of a replica.
const CRASHING: [&str; 5] = ["0s", "2h", "40m", "15m", "5m"];

/// What is bad about a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Prompts are read more slowly: `new_version.prefill_time_factor`.
    Ttft,
    /// Every step is slower, and so prompts too: `new_version.step_time_factor`.
    Tpot,
    /// Attempts are answered with an error: `new_version.error_probability`.
    ErrorRate,
    /// Replicas crash and cut what they are answering: `new_version.crash_mtbf`.
    Truncation,
    /// Any key of `[new_version]`, without the section's name.
    Key(String),
}

/// The kinds that have a name of their own.
const KINDS: [(&str, Kind); 4] =
    [("ttft", Kind::Ttft), ("tpot", Kind::Tpot), ("error_rate", Kind::ErrorRate), ("truncation", Kind::Truncation)];

impl Kind {
    /// The name by which it is asked for.
    pub fn name(&self) -> String {
        let named = KINDS.iter().find(|(_, kind)| kind == self);
        match (named, self) {
            (None, Kind::Key(key)) => format!("new_version.{key}"),
            (named, _) => named.map_or("", |(name, _)| name).to_owned(),
        }
    }

    /// What it does, for people.
    pub fn meaning(&self) -> String {
        match self {
            Kind::Ttft => "prompts are read more slowly".to_owned(),
            Kind::Tpot => "every step is slower".to_owned(),
            Kind::ErrorRate => "attempts are answered with an error".to_owned(),
            Kind::Truncation => "replicas crash".to_owned(),
            Kind::Key(key) => format!("`new_version.{key}` is set"),
        }
    }

    /// The key of the scenario that it sets.
    pub fn key(&self) -> String {
        let key = match self {
            Kind::Ttft => "prefill_time_factor",
            Kind::Tpot => "step_time_factor",
            Kind::ErrorRate => "error_probability",
            Kind::Truncation => "crash_mtbf",
            Kind::Key(key) => key,
        };
        format!("new_version.{key}")
    }

    /// A size at which the version is as stable: as it is written, and for people.
    pub(super) fn none(&self) -> (&'static str, &'static str) {
        match self {
            Kind::Ttft | Kind::Tpot | Kind::ErrorRate => ("0%", "0 %"),
            Kind::Truncation => ("0s", "never"),
            Kind::Key(_) => ("as stable", "as stable"),
        }
    }

    /// What it is about, and the quantile of a latency that is looked at where no analysis says which.
    pub(super) fn metric(&self) -> Option<(AnalysisMetric, f64)> {
        match self {
            Kind::Ttft => Some((AnalysisMetric::Ttft, 0.99)),
            Kind::Tpot => Some((AnalysisMetric::Tpot, 0.5)),
            Kind::ErrorRate => Some((AnalysisMetric::ErrorRate, 0.0)),
            Kind::Truncation => Some((AnalysisMetric::TruncationRate, 0.0)),
            Kind::Key(_) => None,
        }
    }

    /// Whether an analysis of this metric may see it.
    pub(super) fn shows_in(&self, metric: AnalysisMetric) -> bool {
        let is_rate = matches!(metric, AnalysisMetric::ErrorRate | AnalysisMetric::TruncationRate);
        match self {
            Kind::Ttft | Kind::Tpot => !is_rate,
            Kind::ErrorRate => metric == AnalysisMetric::ErrorRate,
            // A crash drops what has no token yet, which is an error.
            Kind::Truncation => is_rate,
            Kind::Key(_) => true,
        }
    }

    /// The kind that moves what this metric measures.
    fn that_moves(metric: AnalysisMetric) -> Kind {
        match metric {
            AnalysisMetric::Ttft | AnalysisMetric::QueueTime => Kind::Ttft,
            AnalysisMetric::Tpot | AnalysisMetric::EndToEnd => Kind::Tpot,
            AnalysisMetric::ErrorRate => Kind::ErrorRate,
            AnalysisMetric::TruncationRate => Kind::Truncation,
        }
    }
}

/// How bad a version is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// As it was asked for: `25%`.
    pub written: String,
    /// For people: `+25 %`.
    pub label: String,
    /// What is set, each as `KEY=VALUE`.
    pub settings: Vec<String>,
    /// Index of the version in the design; 0 is the one that is as stable.
    pub version: usize,
}

/// A regression in several sizes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Regression {
    /// What is bad.
    pub kind: Kind,
    /// How bad, in the order given.
    pub sizes: Vec<Size>,
    /// What it is about: an index into the design's measures.
    pub measure: Option<usize>,
}

impl Regression {
    /// Reads `ttft=0%,10%,25%`, `error_rate=0%..5%/1%`, `truncation=0s,30m,10m` or `new_version.KEY=VALUES`.
    ///
    /// # Errors
    /// What was expected, for a person.
    pub fn parse(text: &str) -> Result<Regression, String> {
        let names = "`ttft`, `tpot`, `error_rate`, `truncation` or a key of [new_version]";
        let example = "such as `ttft=0%,10%,25%` or `new_version.output_tokens_factor=1,1.5`";
        let (name, values) = text.split_once('=').ok_or_else(|| format!("expected {names} and sizes, {example}"))?;
        let kind = kind(name.trim()).map_err(|near| format!("expected {names}, {example}; found `{name}`{near}"))?;
        Regression::of(kind, &parse_values(values)?)
    }

    /// A regression of these sizes, as a person writes them.
    ///
    /// # Errors
    /// What was expected of a size, for a person.
    fn of(kind: Kind, sizes: &[String]) -> Result<Regression, String> {
        let sizes = sizes.iter().map(|written| size(&kind, written)).collect::<Result<_, String>>()?;
        Ok(Regression { kind, sizes, measure: None })
    }

    /// The place of the middle one of the sizes at which the version is not as stable; `None` where there is none.
    pub fn middle(&self) -> Option<usize> {
        let bad: Vec<usize> = (0..self.sizes.len()).filter(|size| self.sizes[*size].version != 0).collect();
        bad.get(bad.len() / 2).or(bad.last()).copied()
    }

    /// The regressions that move what these analyses measure, in the order of the kinds, each in a ladder of sizes.
    pub(super) fn of_analyses(analyses: &[&Analysis]) -> Vec<Regression> {
        let ladder = |kind: &Kind| -> Vec<String> {
            let written = |sizes: [&str; 5]| sizes.map(str::to_owned).to_vec();
            match kind {
                Kind::ErrorRate => error_ladder(analyses).unwrap_or_else(|| written(ERRING)),
                Kind::Truncation => written(CRASHING),
                _ => written(SLOWER),
            }
        };
        let moved = |kind: &Kind| analyses.iter().any(|analysis| Kind::that_moves(analysis.metric) == *kind);
        let kinds = KINDS.into_iter().map(|(_, kind)| kind).filter(moved);
        kinds.filter_map(|kind| Regression::of(kind.clone(), &ladder(&kind)).ok()).collect()
    }
}

/// Zero and multiples of the bound of the analysis of the error rate.
fn error_ladder(analyses: &[&Analysis]) -> Option<Vec<String>> {
    let bound = analyses.iter().find_map(|analysis| match (analysis.metric, analysis.bound) {
        (AnalysisMetric::ErrorRate, AnalysisBound::Max(max)) if max > 0.0 => Some(max),
        _ => None,
    })?;
    let rungs = OF_BOUND.iter().map(|multiple| 100.0 * bound * multiple).filter(|percent| *percent <= 100.0);
    Some(std::iter::once("0%".to_owned()).chain(rungs.map(|percent| format!("{}%", number(percent)))).collect())
}

/// A number without the last bits of binary fractions.
fn number(value: f64) -> String {
    let text = format!("{value:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The kind of this name; else the nearest name, to be appended to a message.
fn kind(name: &str) -> Result<Kind, String> {
    if let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == name) {
        return Ok(kind.clone());
    }
    match name.strip_prefix("new_version.") {
        Some(key) if !key.is_empty() => Ok(Kind::Key(key.to_owned())),
        _ => {
            let mut near = String::new();
            let distance = |known: &str| strsim::damerau_levenshtein(name, known);
            if let Some((known, _)) =
                KINDS.iter().min_by_key(|(known, _)| distance(known)).filter(|(known, _)| distance(known) < 4)
            {
                // Writing to a string does not fail.
                let _ = write!(near, "; did you mean `{known}`?");
            }
            Err(near)
        }
    }
}

fn size(kind: &Kind, written: &str) -> Result<Size, String> {
    let (value, label) = match kind {
        Kind::Ttft | Kind::Tpot => {
            let percent = percent(written)
                .filter(|percent| (..=99_900.0).contains(percent))
                .ok_or_else(|| format!("expected how much slower, such as `25%`, found `{written}`"))?;
            if percent < 0.0 {
                return Err(format!(
                    "expected how much slower, such as `25%`, found `{written}`: a faster version is no regression, and \
                     giving it up would be a false alarm"
                ));
            }
            let sign = if percent > 0.0 { "+" } else { "" };
            (number(1.0 + percent / 100.0), format!("{sign}{} %", number(percent)))
        }
        Kind::ErrorRate => {
            let percent = percent(written)
                .filter(|percent| (0.0..=100.0).contains(percent))
                .ok_or_else(|| format!("expected a share of attempts from `0%` to `100%`, found `{written}`"))?;
            (number(percent / 100.0), format!("{} %", number(percent)))
        }
        Kind::Truncation => {
            let mtbf = parse_duration(written).map_err(|_| {
                format!(
                    "expected the mean time between a replica's crashes, such as `30m` (`0s`: never), found `{written}`"
                )
            })?;
            (mtbf.to_string(), if mtbf.is_zero() { "never".to_owned() } else { format!("every {mtbf}") })
        }
        Kind::Key(_) => (written.to_owned(), written.to_owned()),
    };
    let settings = vec![AS_STABLE.to_owned(), format!("{}={value}", kind.key())];
    Ok(Size { written: written.to_owned(), label, settings, version: 0 })
}

/// A percentage; a bare zero is one, too.
fn percent(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = if text == "0" { text } else { text.strip_suffix('%')? };
    number.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// What `--at` names: a size, and the regression where there are several: `25%` or `ttft=25%`.
pub(super) fn at(text: &str) -> Result<(Option<Kind>, String), String> {
    match Axis::parse(text) {
        Ok(axis) => {
            let kind = kind(&axis.key).map_err(|near| format!("`{}` is no regression{near}", axis.key))?;
            Ok((Some(kind), axis.values[0].clone()))
        }
        Err(_) => Ok((None, text.trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Vec<String> {
        let regression = Regression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        regression.sizes.into_iter().map(|size| size.settings[1].clone()).collect()
    }

    #[test]
    fn sizes_become_settings_of_the_new_version() {
        assert_eq!(
            settings("ttft=0,10%,100%"),
            [
                "new_version.prefill_time_factor=1",
                "new_version.prefill_time_factor=1.1",
                "new_version.prefill_time_factor=2"
            ]
        );
        assert_eq!(settings("tpot=25%"), ["new_version.step_time_factor=1.25"]);
        assert_eq!(settings("error_rate=0%..2%/1%").len(), 3);
        assert_eq!(settings("error_rate=0.5%"), ["new_version.error_probability=0.005"]);
        assert_eq!(settings("truncation=30m"), ["new_version.crash_mtbf=30m"]);
        assert_eq!(settings("new_version.output_tokens_factor=1.5"), ["new_version.output_tokens_factor=1.5"]);
        let labels: Vec<String> =
            Regression::parse("ttft=0%,2.5%,25%").unwrap().sizes.into_iter().map(|size| size.label).collect();
        assert_eq!(labels, ["0 %", "+2.5 %", "+25 %"]);
    }

    #[test]
    fn what_is_no_regression_is_refused_with_what_was_expected() {
        for (text, said) in [
            ("ttft", "and sizes"),
            ("tfft=10%", "did you mean `ttft`?"),
            ("fleet.replicas=1", "a key of [new_version]"),
            ("ttft=10", "such as `25%`"),
            ("ttft=-10%", "a faster version is no regression"),
            ("ttft=100000%", "such as `25%`"),
            ("error_rate=101%", "from `0%` to `100%`"),
            ("truncation=5%", "between a replica's crashes"),
            ("ttft=10%,10%", "stands twice"),
        ] {
            let error = Regression::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn without_being_asked_what_the_analyses_measure_gets_worse() {
        let errors = Analysis { bound: AnalysisBound::Max(0.01), ..Analysis::default() };
        let ttft = Analysis { metric: AnalysisMetric::Ttft, ..Analysis::default() };
        let regressions = Regression::of_analyses(&[&errors, &ttft]);
        assert_eq!(regressions.iter().map(|it| it.kind.name()).collect::<Vec<_>>(), ["ttft", "error_rate"]);
        let sizes: Vec<&str> = regressions[1].sizes.iter().map(|size| size.written.as_str()).collect();
        assert_eq!(sizes, ["0%", "0.5%", "1%", "1.5%", "2%", "4%"]);
        assert_eq!(at("ttft=25%"), Ok((Some(Kind::Ttft), "25%".to_owned())));
        assert_eq!(at("25%"), Ok((None, "25%".to_owned())));
    }
}
