//! The codes of errors and warnings: what a script may rely on, and what `cutover explain CODE` explains.

use std::fmt;

/// The name of a kind of problem: `E` and four digits for an error, `W` for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub &'static str);

impl Code {
    /// Any other error.
    pub const OTHER: Code = Code("E0000");
    /// Any warning.
    pub const UNWISE: Code = Code("W0000");

    /// Whether it is a warning rather than an error.
    pub fn is_warning(self) -> bool {
        self.0.starts_with('W')
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
