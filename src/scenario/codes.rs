//! The codes of errors and warnings: what a script may rely on, and what `cutover explain CODE` explains.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of a kind of problem: `E` and four digits for an error, `W` for a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub &'static str);

impl Code {
    /// Any other error.
    pub const OTHER: Code = Code("E0000");
    /// Any warning.
    pub const UNWISE: Code = Code("W0000");

    /// Every code: those that are read back from saved results.
    const ALL: [Code; 2] = [Code::OTHER, Code::UNWISE];

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

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Code {
    /// A code that this version of the program does not have is any other error or warning.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unknown = if text.starts_with('W') { Code::UNWISE } else { Code::OTHER };
        Ok(Code::ALL.into_iter().find(|code| code.0 == text).unwrap_or(unknown))
    }
}
