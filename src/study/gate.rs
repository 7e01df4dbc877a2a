//! What the gate makes of a study: of each check by its severity, of each metric that got worse, and of all together.
//!
//! Exit codes and words for it live with those who say them.

use super::baseline::Against;
use super::compare::{Change, Difference};
use super::result::{CheckResult, StudyResult, Verdict};
use crate::scenario::Severity;

/// What fails the gate beside a promise that is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailOn {
    /// A check that only warns counts like any other.
    pub warn: bool,
    /// A headline metric that got worse since the baseline, beyond noise and by at least one per cent.
    pub worse: bool,
}

/// How something came out at the gate, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As it should be.
    Passed,
    /// Not as it should be, or not known to be; the gate does not mind.
    Warned,
    /// The runs do not tell.
    Undecided,
    /// The gate fails.
    Failed,
}

/// How a check came out at the gate.
pub fn outcome_of(check: &CheckResult, fail_on: FailOn) -> Outcome {
    match check.verdict {
        Verdict::Passed => Outcome::Passed,
        _ if check.severity == Severity::Warn && !fail_on.warn => Outcome::Warned,
        Verdict::Inconclusive => Outcome::Undecided,
        Verdict::Failed => Outcome::Failed,
    }
}

/// How a headline metric stands at the gate against the baseline.
pub fn outcome_of_row(row: &Difference, fail_on: FailOn) -> Outcome {
    match row.change {
        Change::Worse if !row.is_slight() && fail_on.worse => Outcome::Failed,
        Change::Worse if !row.is_slight() => Outcome::Warned,
        _ => Outcome::Passed,
    }
}

/// How a study came out at the gate: as the worst of its checks and of its headline metrics against the baseline.
pub fn outcome_of_study(result: &StudyResult, baseline: Option<&Against>, fail_on: FailOn) -> Outcome {
    let checks = result.checks.iter().map(|check| outcome_of(check, fail_on));
    let headlines = baseline.map_or(&[][..], Against::headlines);
    let rows = headlines.iter().map(|row| outcome_of_row(row, fail_on));
    checks.chain(rows).max().unwrap_or(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::scenario::Statistic;
    use crate::study::baseline::{Past, against};
    use crate::study::result::Estimate;
    use crate::study::samples::{record, study};

    fn check(severity: Severity, verdict: Verdict) -> CheckResult {
        CheckResult {
            metric: "cost_usd".to_owned(),
            statistic: Statistic::Mean,
            min: None,
            max: Some(1.0),
            estimate: Estimate { value: 1.0, interval: None },
            severity,
            description: None,
            verdict,
            explanation: String::new(),
        }
    }

    fn of_checks(checks: &[(Severity, Verdict)], fail_on: FailOn) -> Outcome {
        let mut result = study(vec![record(0, &[]), record(1, &[])]);
        result.checks = checks.iter().map(|(severity, verdict)| check(*severity, *verdict)).collect();
        outcome_of_study(&result, None, fail_on)
    }

    /// Every combination of the severities and verdicts of two checks, against the rule in words: the worst that counts.
    #[test]
    fn the_worst_of_what_counts_decides_and_the_rest_warns() {
        let severities = [Severity::Fail, Severity::Warn];
        let verdicts = [Verdict::Passed, Verdict::Failed, Verdict::Inconclusive];
        let all: Vec<(Severity, Verdict)> =
            severities.into_iter().flat_map(|severity| verdicts.map(|verdict| (severity, verdict))).collect();
        for warn in [false, true] {
            for a in &all {
                for b in &all {
                    let counts =
                        |verdict| [a, b].iter().any(|check| check.1 == verdict && (warn || check.0 == Severity::Fail));
                    let expected = if counts(Verdict::Failed) {
                        Outcome::Failed
                    } else if counts(Verdict::Inconclusive) {
                        Outcome::Undecided
                    } else if [a, b].iter().any(|check| check.1 != Verdict::Passed) {
                        Outcome::Warned
                    } else {
                        Outcome::Passed
                    };
                    let found = of_checks(&[*a, *b], FailOn { warn, worse: false });
                    assert_eq!(found, expected, "{a:?} {b:?} {warn}");
                }
            }
        }
        assert_eq!(of_checks(&[], FailOn::default()), Outcome::Passed);
    }

    #[test]
    fn what_got_worse_counts_where_it_is_asked_to_and_what_got_slightly_worse_never() {
        let runs = |shift: f64| {
            let run = |number| record(number, &[(Metric::Cost, 17.0 + 0.01 * number as f64 + shift)]);
            study((0..30).map(run).collect())
        };
        for (shift, worse, expected) in [
            (1.0, true, Outcome::Failed),
            (1.0, false, Outcome::Warned),
            (0.1, true, Outcome::Passed),
            (-1.0, true, Outcome::Passed),
            (0.0, true, Outcome::Passed),
        ] {
            let (before, after) = (runs(0.0), runs(shift));
            let found = against(Past::of(&before), &after);
            let fail_on = FailOn { warn: false, worse };
            assert_eq!(outcome_of_study(&after, Some(&found), fail_on), expected, "{shift} {worse}");
        }
    }
}
