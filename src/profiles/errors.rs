//! How far a profile's step times are from what its source measured or computed: the errors of the fits, in one form
//! whatever the source.

use super::{Basis, Profile};

/// One error: of what, as it usually is and at its largest, as shares of the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitError {
    /// What errs: `decode steps`.
    pub of: &'static str,
    /// The usual error.
    pub usual: f64,
    /// What the usual error is: `mean` or `median`.
    pub usual_is: &'static str,
    /// The large error.
    pub large: f64,
    /// What the large error is: `largest` or `95 % quantile`.
    pub large_is: &'static str,
}

impl Profile {
    /// The errors, in the order in which the steps of the derivation make them.
    pub fn errors(&self) -> Vec<FitError> {
        let of = |usual_is, large_is| {
            move |of, (usual, large): (f64, f64)| FitError { of, usual, usual_is, large, large_is }
        };
        match &self.basis {
            Basis::AiConfigurator(fit, folding) => {
                let error = of("mean", "largest");
                vec![
                    error("decode steps", (fit.step_mean_error, fit.step_largest_error)),
                    error("prefills", (fit.prefill_mean_error, fit.prefill_largest_error)),
                    error("prefills, by folding", (folding.mean_error, folding.largest_error)),
                ]
            }
            Basis::Vidur(fit, _) => {
                let error = of("median", "95 % quantile");
                let classes = &fit.rel_err_by_class;
                vec![
                    error("decode steps", (classes.decode_only.median, classes.decode_only.p95)),
                    error("prefills", (classes.prefill_only.median, classes.prefill_only.p95)),
                    error("steps of both", (classes.mixed.median, classes.mixed.p95)),
                ]
            }
        }
    }
}
