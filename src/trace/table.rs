//! Files of rows with named columns, plain or compressed with gzip: CSV with a header, or JSON Lines.
//!
//! Every error names the file and the line of it. What the columns mean is none of this module's business.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use serde_json::value::RawValue;

/// Most rows of a file.
const MOST_ROWS: u64 = 1_000_000_000;
/// Longest row, bytes, before it is taken for something other than a row.
const LONGEST_ROW: usize = 1 << 20;
/// Most characters of a file that a message quotes.
const LONGEST_QUOTE: usize = 80;

/// Reads one column of numbers, each at least `least`.
///
/// # Errors
/// The first thing that is wrong, with the name of the file and the line.
pub fn read_column(path: &Path, name: &str, column: &str, least: f64) -> Result<Vec<f64>, String> {
    let mut table = Table::open(path, name)?;
    table.select(&[column])?;
    let mut values = Vec::new();
    while table.next()? {
        values.push(table.number(0, least, 1e15)?);
    }
    if values.is_empty() { Err(format!("{name}: expected at least one row of values")) } else { Ok(values) }
}

/// A file being read row by row.
pub(super) struct Table<'n> {
    name: &'n str,
    rows: Rows,
    /// The columns that are wanted, in the order in which they were asked for.
    columns: Vec<String>,
    rows_left: u64,
}

enum Rows {
    Csv {
        reader: csv::Reader<Limited>,
        header: Vec<String>,
        record: StringRecord,
        /// Where in a record the wanted columns are.
        places: Vec<usize>,
    },
    JsonLines {
        reader: BufReader<Limited>,
        line: String,
        number: u64,
        /// Keys of the first row, which has been read and not yet handed out.
        first: Vec<String>,
        is_first_pending: bool,
        /// The wanted values of the present row.
        cells: Vec<String>,
    },
}

/// The bytes of a file, decompressed, each line of them ended by a `\n` alone, the last one too, and without a byte order
/// mark; a row must not take more than [`LONGEST_ROW`] of them, whatever the file's size.
struct Limited {
    bytes: Box<dyn BufRead>,
    /// Bytes that may still be read for the present row.
    left: usize,
    /// Whether what was read so far ends a line.
    ends_line: bool,
    /// Whether the byte before was a carriage return, which has been handed out as a `\n`.
    after_return: bool,
    /// Whether the file itself ended with the end of a line, as far as it has been read.
    is_whole: bool,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_lines(buffer)?;
        // The reader's buffer holds a part of a row beforehand, so the limit is not exact to the byte.
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("it has a row of more than {LONGEST_ROW} bytes"))
        })?;
        Ok(count)
    }
}

impl Limited {
    fn new(mut bytes: Box<dyn BufRead>) -> io::Result<Limited> {
        if bytes.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            bytes.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Limited { bytes, left: LONGEST_ROW, ends_line: true, after_return: false, is_whole: true })
    }

    fn read_lines(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.after_return) && self.bytes.fill_buf()?.first() == Some(&b'\n') {
            self.bytes.consume(1);
        }
        let available = self.bytes.fill_buf()?;
        if available.is_empty() {
            self.is_whole &= self.ends_line;
            return Ok(self.end_line(buffer));
        }
        match available.iter().take(buffer.len()).position(|byte| *byte == b'\r') {
            Some(0) => {
                self.bytes.consume(1);
                self.after_return = true;
                self.ends_line = false;
                Ok(self.end_line(buffer))
            }
            returns_at => {
                let count = returns_at.unwrap_or(available.len()).min(buffer.len());
                buffer[..count].copy_from_slice(&available[..count]);
                self.ends_line = count > 0 && available[count - 1] == b'\n';
                self.bytes.consume(count);
                Ok(count)
            }
        }
    }

    /// Ends the line that is not ended; the number of bytes that this takes.
    fn end_line(&mut self, buffer: &mut [u8]) -> usize {
        match buffer.first_mut() {
            Some(byte) if !self.ends_line => {
                *byte = b'\n';
                self.ends_line = true;
                1
            }
            _ => 0,
        }
    }
}

/// What some editors begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of a regular file, decompressed if its name ends in `.gz`.
fn open(path: &Path, name: &str) -> Result<Limited, String> {
    let unreadable = |reason: &dyn Display| format!("cannot read {name}: {reason}");
    // A pipe or a device might never end, or never begin.
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if metadata.is_dir() {
        return Err(unreadable(&"it is a directory, not a regular file"));
    }
    if !metadata.is_file() {
        return Err(unreadable(&"it is not a regular file"));
    }
    let file = BufReader::with_capacity(1 << 16, File::open(path).map_err(|error| unreadable(&error))?);
    let compressed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let bytes: Box<dyn BufRead> =
        if compressed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    Limited::new(bytes).map_err(|error| self::unreadable(name, 1, &error))
}

/// Whether a file of this name holds a JSON object on each line.
fn is_json_lines(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".jsonl", ".ndjson", ".json"].iter().any(|ending| name.ends_with(ending))
}

impl<'n> Table<'n> {
    pub(super) fn open(path: &Path, name: &'n str) -> Result<Table<'n>, String> {
        let bytes = open(path, name)?;
        let rows = if is_json_lines(name) { Rows::json_lines(bytes, name)? } else { Rows::csv(bytes, name)? };
        Ok(Table { name, rows, columns: Vec::new(), rows_left: MOST_ROWS })
    }

    /// Names of the columns, as far as the header or the first row tells.
    pub(super) fn header(&self) -> &[String] {
        match &self.rows {
            Rows::Csv { header, .. } => header,
            Rows::JsonLines { first, .. } => first,
        }
    }

    pub(super) fn has(&self, column: &str) -> bool {
        self.header().iter().any(|name| name == column)
    }

    /// Whether the file ended with the end of a line, so that its last row can be trusted to be whole; once all is read.
    pub(super) fn is_whole(&self) -> bool {
        match &self.rows {
            Rows::Csv { reader, .. } => reader.get_ref().is_whole,
            Rows::JsonLines { reader, .. } => reader.get_ref().is_whole,
        }
    }

    /// The header for a message, cut if it is long.
    pub(super) fn quoted_header(&self) -> String {
        match self.header() {
            [] => "an empty file".to_owned(),
            header => format!("{:?}", shortened(&header.join(","), LONGEST_QUOTE)),
        }
    }

    /// Chooses the columns whose cells are wanted; from now on they are named by their place among them.
    pub(super) fn select(&mut self, columns: &[&str]) -> Result<(), String> {
        if let Some(missing) = columns.iter().find(|column| !self.has(column)) {
            let what = match &self.rows {
                Rows::Csv { .. } => "a header with a column",
                Rows::JsonLines { .. } => "an object with a key",
            };
            return Err(format!("{}:1: expected {what} `{missing}`, found {}", self.name, self.quoted_header()));
        }
        let times = |column: &str| self.header().iter().filter(|name| *name == column).count();
        if let Some(repeated) = columns.iter().find(|column| times(column) > 1) {
            return Err(format!("{}:1: expected one column `{repeated}`, found {}", self.name, times(repeated)));
        }
        self.columns = columns.iter().map(|column| (*column).to_owned()).collect();
        match &mut self.rows {
            Rows::Csv { header, places, .. } => {
                *places = columns.iter().filter_map(|column| header.iter().position(|name| name == column)).collect();
            }
            Rows::JsonLines { cells, .. } => *cells = vec![String::new(); columns.len()],
        }
        Ok(())
    }

    /// Reads the next row; false after the last.
    pub(super) fn next(&mut self) -> Result<bool, String> {
        if !self.rows.next(self.name, &self.columns)? {
            return Ok(false);
        }
        match self.rows_left.checked_sub(1) {
            Some(left) => self.rows_left = left,
            None => return Err(self.at_line(&format!("expected at most {MOST_ROWS} rows"))),
        }
        Ok(true)
    }

    fn cell(&self, column: usize) -> &str {
        match &self.rows {
            Rows::Csv { record, places, .. } => record.get(places[column]).unwrap_or_default(),
            Rows::JsonLines { cells, .. } => &cells[column],
        }
    }

    pub(super) fn at_line(&self, what: &str) -> String {
        format!("{}:{}: {what}", self.name, self.rows.line())
    }

    fn expected(&self, column: usize, expected: &str) -> String {
        let found = shortened(self.cell(column), 40);
        self.at_line(&format!("expected `{}` to be {expected}, found {found:?}", self.columns[column]))
    }

    /// The present row's value of a column as a number within these bounds.
    pub(super) fn number(&self, column: usize, least: f64, greatest: f64) -> Result<f64, String> {
        let number = self.cell(column).parse::<f64>().ok();
        number
            .filter(|number| (least..=greatest).contains(number))
            .ok_or_else(|| self.expected(column, &format!("a number from {least} to {greatest:e}")))
    }

    /// The present row's value of a column as a whole number from 1.
    pub(super) fn count(&self, column: usize, most: u32) -> Result<u32, String> {
        let count = self.cell(column).parse::<u32>().ok();
        count
            .filter(|count| (1..=most).contains(count))
            .ok_or_else(|| self.expected(column, &format!("a whole number from 1 to {most}")))
    }

    /// The present row's value of a column, read by `parse`; what it should be is `expected`.
    pub(super) fn parsed<T>(
        &self,
        column: usize,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, String> {
        parse(self.cell(column)).ok_or_else(|| self.expected(column, expected))
    }
}

impl Rows {
    fn csv(bytes: Limited, name: &str) -> Result<Rows, String> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header = match reader.headers() {
            Ok(header) => header.iter().map(str::to_owned).collect(),
            Err(error) => return Err(broken(name, 1, &error)),
        };
        Ok(Rows::Csv { reader, header, record: StringRecord::new(), places: Vec::new() })
    }

    fn json_lines(bytes: Limited, name: &str) -> Result<Rows, String> {
        let (mut reader, mut line, mut number) = (BufReader::new(bytes), String::new(), 0);
        let mut first = Vec::new();
        let is_first_pending = next_line(&mut reader, &mut line, &mut number, name)?;
        if is_first_pending {
            first = object(&line, name, number)?.into_keys().map(Cow::into_owned).collect();
            first.sort_unstable();
        }
        Ok(Rows::JsonLines { reader, line, number, first, is_first_pending, cells: Vec::new() })
    }

    fn line(&self) -> u64 {
        match self {
            Rows::Csv { reader, .. } => line_read(reader),
            Rows::JsonLines { number, .. } => *number,
        }
    }

    fn next(&mut self, name: &str, columns: &[String]) -> Result<bool, String> {
        match self {
            Rows::Csv { reader, record, .. } => {
                reader.get_mut().left = LONGEST_ROW;
                let read = reader.read_record(record);
                read.map_err(|error| broken(name, line_read(reader), &error))
            }
            Rows::JsonLines { reader, line, number, is_first_pending, cells, .. } => {
                if !std::mem::take(is_first_pending) && !next_line(reader, line, number, name)? {
                    return Ok(false);
                }
                let object = object(line, name, *number)?;
                for (cell, column) in cells.iter_mut().zip(columns) {
                    let Some(value) = object.get(column.as_str()) else {
                        return Err(format!("{name}:{number}: expected an object with a key `{column}`"));
                    };
                    cell.clear();
                    cell.push_str(value.get().trim_matches('"'));
                }
                Ok(true)
            }
        }
    }
}

/// The line in which the row that was read last ends. Where a row begins is not known so well: empty lines before it are
/// skipped with it.
fn line_read(reader: &csv::Reader<Limited>) -> u64 {
    reader.position().line().saturating_sub(1).max(1)
}

/// The next line that is not empty; false after the last.
fn next_line(reader: &mut BufReader<Limited>, line: &mut String, number: &mut u64, name: &str) -> Result<bool, String> {
    loop {
        line.clear();
        reader.get_mut().left = LONGEST_ROW;
        let read = reader.read_line(line).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData if !error.to_string().contains("row of more") => {
                format!("{name}:{}: expected text, found bytes that are not UTF-8", *number + 1)
            }
            _ => unreadable(name, *number + 1, &error),
        })?;
        *number += 1;
        if read == 0 {
            return Ok(false);
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

/// The keys and values of a line.
fn object<'l>(line: &'l str, name: &str, number: u64) -> Result<HashMap<Cow<'l, str>, &'l RawValue>, String> {
    serde_json::from_str(line.trim_end()).map_err(|error| {
        let what = if error.is_eof() { "a whole JSON object: this one is torn" } else { "a JSON object" };
        format!("{name}:{number}: expected {what}, found {:?}", shortened(line.trim_end(), LONGEST_QUOTE))
    })
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn unreadable(name: &str, line: u64, error: &dyn Display) -> String {
    format!("cannot read {name} beyond line {line}: {error}")
}

/// A row, ending in this line, that is torn, or not text, or not what its compression promised.
fn broken(name: &str, line: u64, error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{name}:{line}: expected {expected_len} columns as in the header, found {len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("{name}:{line}: expected text, found bytes that are not UTF-8"),
        csv::ErrorKind::Io(error) => unreadable(name, line, error),
        _ => format!("{name}:{line}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table<'n>(directory: &Path, name: &'n str, text: &str, columns: &[&str]) -> Table<'n> {
        fs::write(directory.join(name), text).expect("a file");
        let mut table = Table::open(&directory.join(name), name).expect("a table");
        table.select(columns).expect("the columns");
        table
    }

    #[test]
    fn rows_beyond_the_limit_are_refused_with_their_line() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut table = table(directory.path(), "values.csv", "x\n1\n2\n3\n", &["x"]);
        table.rows_left = 2;
        assert_eq!((table.next(), table.next()), (Ok(true), Ok(true)));
        assert_eq!(table.next(), Err(format!("values.csv:4: expected at most {MOST_ROWS} rows")));
    }

    #[test]
    fn lines_of_json_are_read_like_rows_of_csv() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let text = "{\"b\": 2, \"a\": \"1.5\", \"ids\": [1, 2]}\n\n{\"a\": 3, \"b\": 4}\n";
        let mut table = table(directory.path(), "rows.jsonl", text, &["a", "b"]);
        assert_eq!(table.header(), ["a", "b", "ids"]);
        let mut rows = Vec::new();
        while table.next().expect("a row") {
            rows.push((table.number(0, 0.0, 9.0).expect("a number"), table.count(1, 9).expect("a count")));
        }
        assert_eq!(rows, [(1.5, 2), (3.0, 4)]);
        assert_eq!(table.at_line("x"), "rows.jsonl:4: x");
    }

    #[test]
    fn lines_are_counted_whatever_ends_them_and_however_many_are_empty() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for end in ["\n", "\r\n", "\r"] {
            for (rows, line) in [("1,2||x,4", 4), ("1,2|x,4|", 3), ("|||x,4|", 5), ("1,2|3,4|x", 4), ("1,2||3||", 4)] {
                let text = format!("a,b|{rows}").replace('|', end);
                let mut table = table(directory.path(), "rows.csv", &text, &["a", "b"]);
                let said = loop {
                    match table.next().and_then(|_| table.number(0, 0.0, 9.0)) {
                        Ok(_) => {}
                        Err(said) => break said,
                    }
                };
                assert!(said.starts_with(&format!("rows.csv:{line}: expected ")), "{text:?}: {said}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_row_and_a_last_line_without_an_end_is_noticed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, row, end, is_whole) in [
            ("rows.csv", "a\n7", "\n", true),
            ("rows.csv", "a\n7", "\r\n", true),
            ("rows.csv", "a\n7", "", false),
            ("rows.JSONL", "{\"a\": 7}", "\n", true),
            ("rows.JSONL", "{\"a\": 7}", "", false),
        ] {
            let mut table = table(directory.path(), name, &format!("\u{feff}{row}{end}"), &["a"]);
            assert_eq!((table.next(), table.count(0, 9), table.next()), (Ok(true), Ok(7), Ok(false)));
            assert_eq!(table.is_whole(), is_whole, "{name} {row:?} {end:?}");
        }
    }

    #[test]
    fn torn_and_incomplete_objects_name_their_line() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (second, expected) in [
            ("{\"a\": 3", "rows.jsonl:2: expected a whole JSON object: this one is torn"),
            ("{\"b\": 3}", "rows.jsonl:2: expected an object with a key `a`"),
            ("[1]", "rows.jsonl:2: expected a JSON object"),
        ] {
            let mut table = table(directory.path(), "rows.jsonl", &format!("{{\"a\": 1}}\n{second}"), &["a"]);
            assert_eq!(table.next(), Ok(true));
            let said = table.next().expect_err(second);
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
