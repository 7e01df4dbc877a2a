//! From what was asked for to what is simulated: every scenario is read once more from its file with further settings, so
//! that whatever cannot be is refused as it would be anywhere else.

use serde::{Deserialize, Serialize};

use super::canary::deciding;
use super::effect::{Measure, SPLIT};
use super::estimators::{EstimatorName, convert};
use super::levers::{Lever, levers};
use super::regression::{self, AS_STABLE, Kind, Regression, Size};
use crate::scenario::{Scenario, VersionSettings};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Regressions; none: those of what the canary's analyses measure.
    pub regressions: Vec<Regression>,
    /// Further estimators; `None`: the exact one, where an analysis has another.
    pub estimators: Option<Vec<EstimatorName>>,
    /// Wanted probability of rollback.
    pub power: f64,
    /// Probability of rollback that is allowed without a regression.
    pub false_alarm: f64,
    /// At which size, as `25%` or `ttft=25%`; `None`: the middle one of the first regression.
    pub at: Option<String>,
    /// Whether changes of the canary are tried.
    pub levers: bool,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Probability of rollback at the size of interest.
    pub power: f64,
    /// Probability of rollback that is allowed without a regression.
    pub false_alarm: f64,
    /// The regression of interest.
    pub regression: usize,
    /// The size of interest.
    pub size: usize,
}

/// How bad the new version may be.
#[derive(Clone, Debug)]
pub struct Version {
    /// What is set, each as `KEY=VALUE`.
    pub settings: Vec<String>,
    /// What comes of it.
    pub version: VersionSettings,
}

/// A canary that is simulated with every version.
#[derive(Clone, Debug)]
pub struct CanaryDesign {
    /// `as written (prometheus)`, `exact`, ...
    pub name: String,
    /// What must be said of it.
    pub notes: Vec<String>,
    /// By version.
    pub scenarios: Vec<Scenario>,
}

/// A change of the canary as written.
#[derive(Clone, Debug)]
pub struct LeverDesign {
    /// The change.
    pub lever: Lever,
    /// Without a regression, and at the size of interest.
    pub scenarios: [Scenario; 2],
}

/// All that is simulated.
#[derive(Clone, Debug)]
pub struct Design {
    /// The scenario as written.
    pub base: Scenario,
    /// The regressions with their sizes.
    pub regressions: Vec<Regression>,
    /// What is measured of each version.
    pub measures: Vec<Measure>,
    /// The versions; the first is as stable.
    pub versions: Vec<Version>,
    /// For each version, the even split that measures it.
    pub splits: Vec<Scenario>,
    /// The canaries, the one as written first.
    pub canaries: Vec<CanaryDesign>,
    /// Estimators that were asked for and left out, each with the reason.
    pub left_out: Vec<String>,
    /// What is wanted.
    pub goal: Goal,
    /// The changes.
    pub levers: Vec<LeverDesign>,
}

/// Works out what is to be simulated of a scenario. `load` reads it anew with further settings; `refuse` makes an error of
/// what was expected of the request, for a person.
///
/// # Errors
/// Of `load`; the canary catches nothing; a size that is asked for does not exist.
pub fn design<E>(
    base: Scenario,
    request: Request,
    load: &dyn Fn(&[String]) -> Result<Scenario, E>,
    refuse: &dyn Fn(String) -> E,
) -> Result<Design, E> {
    let deciding = deciding(&base).map_err(refuse)?;
    let analyses: Vec<_> = deciding.iter().map(|index| &base.analyses[*index]).collect();
    let mut regressions = request.regressions;
    if regressions.is_empty() {
        regressions = Regression::of_analyses(&analyses);
    }
    let mut measures: Vec<Measure> = Vec::new();
    analyses.iter().map(|analysis| Measure::of(analysis)).for_each(|it| {
        place(&mut measures, it);
    });
    for regression in &mut regressions {
        let own = regression.kind.metric();
        let measured = own.and_then(|(metric, _)| measures.iter().position(|it| it.metric == metric));
        let added = own.map(|(metric, quantile)| Measure { metric, quantile });
        regression.measure = measured.or_else(|| added.map(|it| place(&mut measures, it)));
        if regression.kind.metric().is_none() && !measures.is_empty() {
            regression.measure = Some(0);
        }
    }
    let versions = versions(&mut regressions, load)?;
    let goal = goal(&regressions, request.power, request.false_alarm, request.at.as_deref()).map_err(refuse)?;
    let splits = (versions.iter().map(|version| load(&with(&SPLIT.map(str::to_owned), &version.settings))))
        .collect::<Result<_, E>>()?;
    let (canaries, left_out) = canaries(&base, &deciding, request.estimators.as_deref(), &versions, load)?;
    let levers = if request.levers {
        let bad = &versions[regressions[goal.regression].sizes[goal.size].version];
        let changed = |lever: Lever| {
            let read = |version: &Version| load(&with(&lever.settings, &version.settings));
            let scenarios = [read(&versions[0])?, read(bad)?];
            Ok(LeverDesign { lever, scenarios })
        };
        let of = &regressions[goal.regression].kind;
        levers(&base, &deciding, of).into_iter().map(changed).collect::<Result<_, E>>()?
    } else {
        Vec::new()
    };
    Ok(Design { base, regressions, measures, versions, splits, canaries, left_out, goal, levers })
}

/// The index of a measure, which is added if need be.
fn place(measures: &mut Vec<Measure>, measure: Measure) -> usize {
    measures.iter().position(|known| *known == measure).unwrap_or_else(|| {
        measures.push(measure);
        measures.len() - 1
    })
}

fn with(settings: &[String], further: &[String]) -> Vec<String> {
    settings.iter().chain(further).cloned().collect()
}

/// The versions, each once, the one as stable first; it becomes a size of every regression, and sizes get their version.
fn versions<E>(
    regressions: &mut [Regression],
    load: &dyn Fn(&[String]) -> Result<Scenario, E>,
) -> Result<Vec<Version>, E> {
    let read = |settings: Vec<String>| -> Result<Version, E> {
        let version = load(&settings)?.versions[1].clone();
        Ok(Version { settings, version })
    };
    let mut versions = vec![read(vec![AS_STABLE.to_owned()])?];
    for regression in regressions {
        for size in &mut regression.sizes {
            let version = read(size.settings.clone())?;
            size.version = versions.iter().position(|known| known.version == version.version).unwrap_or_else(|| {
                versions.push(version);
                versions.len() - 1
            });
        }
        if regression.sizes.iter().all(|size| size.version != 0) {
            let settings = vec![AS_STABLE.to_owned()];
            let (written, label) = regression.kind.none();
            let (written, label) = (written.to_owned(), label.to_owned());
            regression.sizes.insert(0, Size { written, label, settings, version: 0 });
        }
    }
    Ok(versions)
}

/// What is wanted at which size.
fn goal(regressions: &[Regression], power: f64, false_alarm: f64, at: Option<&str>) -> Result<Goal, String> {
    let of = |regression, size| Goal { power, false_alarm, regression, size };
    let Some(at) = at else {
        return regressions[0].middle().map(|size| of(0, size)).ok_or_else(|| {
            format!("expected a size of {} at which the new version is worse than stable", regressions[0].kind.name())
        });
    };
    let (kind, written): (Option<Kind>, String) = regression::at(at)?;
    let is_meant = |regression: &Regression| kind.as_ref().is_none_or(|kind| *kind == regression.kind);
    let matches = regressions.iter().enumerate().filter(|(_, regression)| is_meant(regression));
    let found = matches.filter_map(|(index, regression)| {
        let size = regression.sizes.iter().position(|size| size.written == written && size.version != 0)?;
        Some(of(index, size))
    });
    found.into_iter().next().ok_or_else(|| {
        let sizes = |regression: &Regression| {
            let bad = regression.sizes.iter().filter(|size| size.version != 0);
            bad.map(|size| format!("{}={}", regression.kind.name(), size.written)).collect::<Vec<String>>()
        };
        let known: Vec<String> = regressions.iter().flat_map(sizes).collect();
        format!("expected --at one of the sizes that are simulated ({}), found `{at}`", known.join(", "))
    })
}

/// The canary as written and with other estimators, each with every version; and what had to be left out.
fn canaries<E>(
    base: &Scenario,
    deciding: &[usize],
    estimators: Option<&[EstimatorName]>,
    versions: &[Version],
    load: &dyn Fn(&[String]) -> Result<Scenario, E>,
) -> Result<(Vec<CanaryDesign>, Vec<String>), E> {
    let canary = |name: String, notes: Vec<String>, settings: &[String]| -> Result<CanaryDesign, E> {
        let read = |version: &Version| load(&with(settings, &version.settings));
        let scenarios = versions.iter().map(read).collect::<Result<_, E>>()?;
        Ok(CanaryDesign { name, notes, scenarios })
    };
    let mut written: Vec<&str> =
        deciding.iter().map(|index| EstimatorName::of(&base.analyses[*index]).name()).collect();
    written.sort_unstable();
    written.dedup();
    let name = format!("as written ({})", written.join(" and "));
    let mut canaries = vec![canary(name, Vec::new(), &[])?];
    let mut left_out = Vec::new();
    for estimator in estimators.unwrap_or(&[EstimatorName::Exact]) {
        let converted = convert(base, deciding, *estimator);
        if !converted.settings.is_empty() {
            canaries.push(canary(estimator.name().to_owned(), converted.notes, &converted.settings)?);
        } else if !converted.notes.is_empty() {
            left_out.push(format!("{}: {}", estimator.name(), converted.notes.join("; ")));
        }
    }
    Ok((canaries, left_out))
}
