//! The file of a saved result: a line of text with its format, the program's version and the number of parts, then named
//! parts, each with its length and SHA-256.
//!
//! ```text
//! cutover-saved 1 0.1.0 1
//! study 553016 1369129 eacefffa152ebb83...
//! <553016 bytes: gzip of 1369129 bytes of MessagePack>
//! ```
//!
//! A reader ignores parts whose names it does not know, so that a later version may add some. MessagePack has the names
//! of fields and variants: a result that does not fit this version of the program is noticed, not misread. What is in
//! the parts is none of this module's business.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::report::OutputError;

/// What every file begins with.
const MAGIC: &str = "cutover-saved";
/// Version of the container and of what is in it. It grows when a part changes its meaning without changing its names:
/// a reader of another one refuses the file.
const FORMAT: u32 = 1;
/// Longest line of text before a part, bytes.
const LONGEST_LINE: usize = 256;

/// A saved result, its parts still compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Version of the program that simulated it.
    version: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: String,
    /// Bytes of the content before it was compressed.
    length: u64,
    compressed: Vec<u8>,
}

/// Why bytes are no saved result that this version of the program can show. Each sentence goes on after the file's name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SavedError {
    /// They are something else.
    #[error("is not a saved result of cutover")]
    NotSaved,
    /// They are not as they were written.
    #[error("is damaged: {0}; simulate again, or copy it again from where it came from")]
    Damaged(String),
    /// They were written in a format of another version.
    #[error(
        "was written by cutover {version} in format {format}, and cutover {} reads format {FORMAT}; render it with cutover \
         {version}, or simulate again with this version",
        env!("CARGO_PKG_VERSION")
    )]
    OtherFormat {
        /// Version of the program that wrote them.
        version: String,
        /// Its format.
        format: u32,
    },
    /// They are whole, and what they hold is not what this version has.
    #[error(
        "was written by {} and does not fit this one: {reason}; render it with the program that wrote it, or simulate again \
         with this one",
        writer(version)
    )]
    Unfit {
        /// Version of the program that wrote them.
        version: String,
        /// What does not fit.
        reason: String,
    },
}

impl Saved {
    /// A saved result without parts, of what this version of the program simulated.
    pub fn new(version: &str) -> Saved {
        Saved { version: version.to_owned(), parts: Vec::new() }
    }

    /// The same with one more part. The same content gives the same bytes: nothing tells of time or place.
    ///
    /// # Errors
    /// A value that the format cannot hold.
    pub fn with<T: Serialize + ?Sized>(mut self, name: &str, content: &T) -> Result<Saved, OutputError> {
        let wrong = |reason: &dyn std::fmt::Display| OutputError::Saved(reason.to_string());
        let bytes = rmp_serde::to_vec_named(content).map_err(|error| wrong(&error))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&bytes).map_err(|error| wrong(&error))?;
        let compressed = encoder.finish().map_err(|error| wrong(&error))?;
        self.parts.push(Part { name: name.to_owned(), length: bytes.len() as u64, compressed });
        Ok(self)
    }

    /// Version of the program that simulated it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The content of a part; `None` where there is no part of that name.
    ///
    /// # Errors
    /// It does not fit this version of the program.
    pub fn part<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, SavedError> {
        let Some(part) = self.parts.iter().find(|part| part.name == name) else { return Ok(None) };
        let mut bytes = Vec::new();
        // One byte more than there should be, and never the terabytes that a few bytes may expand to.
        let read = GzDecoder::new(part.compressed.as_slice()).take(part.length + 1).read_to_end(&mut bytes);
        if read.is_err() || bytes.len() as u64 != part.length {
            return Err(SavedError::Damaged(format!("part `{name}` does not have {} bytes", part.length)));
        }
        rmp_serde::from_slice(&bytes).map(Some).map_err(|error| self.unfit(&error.to_string()))
    }

    /// The content of a part that must be there.
    ///
    /// # Errors
    /// It is not, or does not fit this version of the program.
    pub fn required<T: DeserializeOwned>(&self, name: &str) -> Result<T, SavedError> {
        self.part(name)?.ok_or_else(|| self.unfit(&format!("it has no part `{name}`")))
    }

    /// What is said of a result that does not fit this version of the program.
    pub(super) fn unfit(&self, reason: &str) -> SavedError {
        SavedError::Unfit { version: self.version.clone(), reason: reason.to_owned() }
    }

    /// Every byte of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{MAGIC} {FORMAT} {} {}\n", self.version, self.parts.len()).into_bytes();
        for Part { name, length, compressed } in &self.parts {
            bytes.extend(format!("{name} {} {length} {}\n", compressed.len(), digest(compressed)).bytes());
            bytes.extend(compressed);
        }
        bytes
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// They are something else, of another format, or not as they were written.
    pub fn from_bytes(bytes: &[u8]) -> Result<Saved, SavedError> {
        let (head, mut rest) = line(bytes).ok_or(SavedError::NotSaved)?;
        let words = words(head).filter(|words| words[0] == MAGIC).ok_or(SavedError::NotSaved)?;
        // The format and the version stand in every format's first line, whatever follows them.
        let [_, format, version, further @ ..] = words.as_slice() else { return Err(SavedError::NotSaved) };
        let format = format.parse().map_err(|_| SavedError::NotSaved)?;
        if format != FORMAT {
            return Err(SavedError::OtherFormat { version: (*version).to_owned(), format });
        }
        let count = further.first().and_then(|count| count.parse::<u16>().ok());
        let count = count.ok_or_else(|| SavedError::Damaged("it does not say how many parts it has".to_owned()))?;
        let mut saved = Saved::new(version);
        for _ in 0..count {
            let (part, after) = part(rest)?;
            saved.parts.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            return Err(SavedError::Damaged("something follows its last part".to_owned()));
        }
        Ok(saved)
    }
}

/// The program of this version that wrote something which this one cannot have written.
fn writer(version: &str) -> String {
    let build = if version == env!("CARGO_PKG_VERSION") { "another build of " } else { "" };
    format!("{build}cutover {version}")
}

/// The first part of these bytes, and what follows it.
fn part(bytes: &[u8]) -> Result<(Part, &[u8]), SavedError> {
    let damaged = |what: &str| SavedError::Damaged(what.to_owned());
    let (head, rest) = line(bytes).ok_or_else(|| damaged("a part has no name"))?;
    let words = words(head).unwrap_or_default();
    let [name, size, length, written] = words[..] else { return Err(damaged("a part has no name")) };
    let (size, length) = match (size.parse::<usize>(), length.parse::<u32>()) {
        (Ok(size), Ok(length)) => (size, u64::from(length)),
        _ => return Err(damaged("a part has no length")),
    };
    if rest.len() < size {
        return Err(SavedError::Damaged(format!("part `{name}` ends after {} of {size} bytes", rest.len())));
    }
    let (compressed, after) = rest.split_at(size);
    if digest(compressed) != written {
        return Err(SavedError::Damaged(format!("part `{name}` is not what its SHA-256 says")));
    }
    Ok((Part { name: name.to_owned(), length, compressed: compressed.to_vec() }, after))
}

/// The first line, which must be text and short, and what follows it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The words of a line, which must be such as can be shown.
fn words(line: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = line.split(' ').collect();
    let is_shown = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
    words.iter().all(is_shown).then_some(words)
}

/// SHA-256 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NaN, both infinities, the least number, text and nothing.
    type Content = (Vec<f64>, String, Option<u32>);

    fn content() -> Content {
        (vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(1), -0.0, 0.1 + 0.2], "a\nb".to_owned(), None)
    }

    fn saved() -> Saved {
        Saved::new("0.1.0").with("one", &content()).unwrap().with("two", &[7_u8; 10_000].as_slice()).unwrap()
    }

    #[test]
    fn what_is_saved_is_read_back_to_the_last_bit() {
        let saved = Saved::from_bytes(&saved().to_bytes()).unwrap();
        assert_eq!((saved.version(), saved.to_bytes()), ("0.1.0", self::saved().to_bytes()));
        let (numbers, text, nothing): Content = saved.required("one").unwrap();
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<u64>>();
        assert_eq!((bits(&numbers), text, nothing), (bits(&content().0), content().1, None));
        assert_eq!(saved.part::<Vec<u8>>("two").unwrap().map(|bytes| bytes.len()), Some(10_000));
        assert_eq!(saved.part::<u8>("three"), Ok(None));
        assert!(saved.to_bytes().len() < 1_000, "{}", saved.to_bytes().len());
    }

    #[test]
    fn the_first_line_says_what_it_is() {
        let bytes = saved().to_bytes();
        assert!(bytes.starts_with(b"cutover-saved 1 0.1.0 2\none "));
    }

    #[test]
    fn no_shortened_file_is_taken_for_a_whole_one() {
        let bytes = saved().to_bytes();
        for length in 0..bytes.len() {
            assert!(Saved::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(Saved::from_bytes(&[bytes.as_slice(), b" "].concat()).is_err());
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed_in_what_is_read() {
        let bytes = saved().to_bytes();
        for at in 0..bytes.len() {
            for bit in [0, 3, 7] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let Ok(saved) = Saved::from_bytes(&flipped) else { continue };
                // A flipped version or name reads well, and is another version or name; a flipped length does not.
                let numbers = saved.part::<Content>("one").map(|content| content.map(|content| content.1));
                assert!(!matches!(numbers, Ok(Some(text)) if text != content().1), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let said = |bytes: &[u8]| Saved::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(said(b"run,requests\n0,5\n"), "is not a saved result of cutover");
        let other = said(b"cutover-saved 9 7.8.9\n");
        assert!(other.starts_with("was written by cutover 7.8.9 in format 9, and cutover "), "{other}");
        let mut bytes = saved().to_bytes();
        bytes.truncate(bytes.len() - 1);
        assert!(said(&bytes).starts_with("is damaged: part `two` ends after "), "{}", said(&bytes));
        let missing = saved().required::<u8>("three").unwrap_err().to_string();
        assert!(missing.contains("written by another build of cutover 0.1.0 and does not fit this one"), "{missing}");
        let unfit = saved().required::<String>("one").unwrap_err().to_string();
        assert!(unfit.ends_with("or simulate again with this one"), "{unfit}");
    }

    #[test]
    fn a_few_bytes_do_not_expand_to_more_than_is_said() {
        let mut saved = saved();
        saved.parts[1].length = 100;
        let read = Saved::from_bytes(&saved.to_bytes()).unwrap().part::<Vec<u8>>("two");
        assert_eq!(read, Err(SavedError::Damaged("part `two` does not have 100 bytes".to_owned())));
    }
}
