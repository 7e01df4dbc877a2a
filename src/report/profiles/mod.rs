//! The library of hardware profiles for people and scripts: all of them in a table, one of them in full.
//!
//! `figures` computes, `keys` is the scenario that a profile stands for, `list` and `page` put
//! into words, `json` is for scripts. The profiles
//! themselves are [`crate::profiles`]'s.

mod figures;
mod json;
mod keys;
mod list;
mod page;
#[cfg(test)]
mod tests;

pub(super) use json::{ListJson, ProfileJson};

pub use figures::{ANSWER_TOKENS, AtBatch, Figures, PROMPT_TOKENS, REFERENCE_BATCH};

use super::charts::{self, ChartError};
use super::files::OutputFile;
use super::{Form, Style, chart_files};
use crate::digits::figure;
use crate::profiles::Profile;

/// The whole library for standard output.
pub fn list_report(form: Form) -> String {
    match form {
        Form::Text(style) => list::text(style),
        Form::Json => json::list(),
        Form::Markdown => list::markdown(),
    }
}

/// One profile for standard output.
pub fn profile_report(profile: &'static Profile, form: Form) -> String {
    let figures = Figures::of(profile);
    match form {
        Form::Text(style) => page::text(&figures, style),
        Form::Json => json::page(&figures),
        Form::Markdown => page::markdown(&figures, None),
    }
}

/// The files of one profile: `profile.json`, `profile.md`, `charts/profile.png|svg`.
///
/// # Errors
/// A chart that cannot be drawn.
pub fn profile_files(profile: &'static Profile) -> Result<Vec<OutputFile>, ChartError> {
    let figures = Figures::of(profile);
    let chart = charts::profile(&figures)?;
    let mut files = vec![
        OutputFile::new("profile.json", json::page(&figures)),
        OutputFile::new("profile.md", page::markdown(&figures, Some(&chart))),
    ];
    files.extend(chart_files(chart));
    Ok(files)
}

/// The sentence that says what the figures are of.
fn assumptions(mean_context: f64) -> String {
    format!(
        "prompts of {PROMPT_TOKENS} and answers of {ANSWER_TOKENS} tokens (mean context {}), the others' prompts and the \
         overhead included",
        figure(mean_context)
    )
}
