//! The catalogue of keys is what the readers read: every key of the one is asked for by the others and the other way
//! round, defaults written out change nothing, and ranges and words end where the catalogue says.

mod places;
mod values;

use std::collections::BTreeSet;

use super::super::keys::{Default, elsewhere, find};
use super::super::reader::ASKED;
use super::super::written::Written;
use super::*;
use places::{BASES, Place, all_labels, document, labels_of, places, rendered};

/// What Flagger has and this version does not act on: read in order to say so.
const NOT_SUPPORTED: [&str; 5] = ["iterations", "mirror", "match", "webhooks", "skip_analysis"];

#[test]
fn every_key_that_is_asked_for_is_in_the_catalogue_and_the_other_way_round() {
    ASKED.take();
    for base in BASES {
        read(base);
    }
    // Only where it is wrong is another table's key asked for.
    let asked = ASKED.take();
    let known = |path: &&String| {
        let last = path.rsplit('.').next().unwrap_or_default();
        !find(path).is_empty() || (path.starts_with("rollout.canary.") && NOT_SUPPORTED.contains(&last))
    };
    let unknown: Vec<&String> = asked.iter().filter(|path| !known(path)).collect();
    assert_eq!(unknown, Vec::<&String>::new(), "asked for and not in the catalogue");
    let reached: BTreeSet<String> = asked.iter().flat_map(|path| labels_of(path)).collect();
    let unasked: Vec<String> = all_labels().difference(&reached).cloned().collect();
    assert_eq!(unasked, Vec::<String>::new(), "in the catalogue and never asked for");
}

/// What a scenario becomes, without its hash, which tells of how it is written.
fn meaning(text: &str) -> String {
    let mut scenario = Scenario {
        hash: String::new(),
        source: String::new(),
        written: Written::default(),
        warnings: Vec::new(),
        ..read(text)
    };
    scenario.checks.iter_mut().for_each(|check| check.line = 0);
    format!("{scenario:?}")
}

#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let mut tried = BTreeSet::new();
    for base in BASES {
        for place in places(&document(base)) {
            let Default::Value(default) = place.key.default else { continue };
            if !tried.insert(place.label()) {
                continue;
            }
            let (mut without, mut with) = (document(base), document(base));
            place.remove(&mut without);
            place.set(&mut with, &values::parsed(default));
            assert_eq!(meaning(&rendered(&without)), meaning(&rendered(&with)), "{} = {default}", place.path());
        }
    }
    assert!(tried.len() > 70, "{} defaults were tried", tried.len());
}

/// Whether something is said about this very key, or what is in it.
fn is_refused(text: &str, place: &Place) -> bool {
    let Err(LoadError::Problems(problems)) = read_with(text, &[]) else { return false };
    let (key, inside) = (place.path(), format!("{}.", place.path()));
    problems.problems.iter().any(|problem| problem.key == key || problem.key.starts_with(&inside))
}

/// What is wrong with what reader and schema make of a value.
fn mistakes(base: &str, place: &Place, validator: &jsonschema::Validator) -> Vec<String> {
    let mut mistakes = Vec::new();
    for (value, is_good) in values::around(&place.key.kind, place.unit) {
        let mut changed = document(base);
        place.set(&mut changed, &value);
        let refused = is_refused(&rendered(&changed), place);
        let valid = values::is_valid(validator, &changed);
        let clashes = is_good && values::is_excepted(&place.path(), &value);
        let mut note = |is_so: bool, what: &str| {
            if is_so {
                mistakes.push(format!("{} = {value} {what}", place.path()));
            }
        };
        note(is_good && refused && !clashes, "should be taken");
        note(!is_good && !refused, "should be refused");
        note(is_good && !valid && values::stands_alone(place), "should be valid");
        note(!is_good && valid && !values::is_beyond_schemas(&place.key.kind), "should be invalid");
    }
    mistakes
}

#[test]
fn words_and_ranges_end_where_the_catalogue_says() {
    let validator = values::validator();
    let (mut tried, mut found) = (BTreeSet::new(), Vec::new());
    for base in BASES {
        for place in places(&document(base)) {
            if tried.insert(place.label()) {
                found.extend(mistakes(base, &place, &validator));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    let untried: Vec<String> = all_labels().into_iter().filter(|label| !tried.contains(label)).collect();
    assert_eq!(untried, Vec::<String>::new(), "keys that no base has");
}

#[test]
fn a_key_stands_only_where_the_catalogue_says() {
    let mut tried = 0;
    for base in BASES {
        for place in places::misplaced(&document(base)) {
            let Some(value) = values::example(place.key) else { continue };
            let mut changed = document(base);
            place.set(&mut changed, &value);
            let outcome = read_with(&rendered(&changed), &[]);
            assert!(outcome.is_err(), "{} should be refused here:\n{}", place.path(), rendered(&changed));
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried} keys were misplaced");
}

#[test]
fn every_example_of_the_catalogue_is_taken() {
    for base in BASES {
        for place in places(&document(base)) {
            let Some(value) = values::example(place.key) else { continue };
            // Its file is looked for beside the scenario; a rate has no duration for a bound; only `ship` takes a table.
            let path = place.path();
            if ["traffic.trace", "action.1.version"].contains(&&*path) || path.starts_with("analysis.errors.") {
                continue;
            }
            let mut changed = document(base);
            place.set(&mut changed, &value);
            let problems = read_with(&rendered(&changed), &[]).err().map(|error| error.to_string());
            assert!(!is_refused(&rendered(&changed), &place), "{} = {value}: {problems:?}", place.path());
        }
    }
}

#[test]
fn paths_lead_to_keys() {
    for (path, label) in [
        ("name", "name"),
        ("study.runs", "study.runs"),
        ("analysis.anything.metric", "analysis.NAME.metric"),
        ("check.3.statistic", "check.statistic"),
        ("rollout.canary.steps.2.set_canary_scale.weight", "rollout.canary.steps.set_canary_scale.weight"),
        ("traffic.output_tokens.parts.1.p99", "lognormal.p99"),
        ("traffic.arrivals.dwell", "mmpp.dwell"),
        ("cold_start.weight_load.gigabytes", "cold_start.weight_load.gigabytes"),
        ("engine.step_time.base_table.0", "engine.step_time.base_table"),
    ] {
        assert!(labels_of(path).contains(label), "{path}: {:?}", labels_of(path));
    }
    for path in ["", "bogus", "study", "study.", "study.runs.more", "check.x.max.y", "analysis.ttft.bogus"] {
        assert!(find(path).is_empty() || path == "study", "{path}");
    }
}

#[test]
fn a_key_is_found_in_every_other_table_that_has_it() {
    let tables =
        |name: &str, path: &str| -> Vec<&str> { elsewhere(name, path).iter().map(|table| table.path).collect() };
    assert_eq!(tables("max_surge", "rollout.blue_green"), ["rollout.rolling", "rollout.canary"]);
    assert_eq!(tables("max_surge", "rollout.canary"), ["rollout.rolling"]);
    assert_eq!(tables("set_weight", "rollout.canary.steps.2"), [""; 0], "a step of the list is of the table of steps");
    assert_eq!(tables("estimator", "analysis.7"), [""; 0], "a name that looks like an index is a name");
    assert_eq!(tables("acceptance", "engine"), ["engine.speculative"], "a table inside another");
    assert_eq!(tables("slo", "fleet"), [""], "the whole document");
}
