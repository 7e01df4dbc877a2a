//! CSV files that a scenario names, plain or compressed with gzip: traces, and columns of measured values.
//!
//! Every error names the file and the line of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use super::TraceRequest;

/// Most tokens of one request of a trace.
const MOST_TOKENS: u32 = 100_000_000;
/// Most rows of a file, all of which are kept in memory.
const MOST_ROWS: u64 = 50_000_000;
/// Longest row, bytes, before it is taken for something other than a row.
const LONGEST_ROW: usize = 1 << 20;
/// Longest recorded time of a trace, seconds: some three years. Its rate is kept minute by minute.
const LONGEST_TRACE: f64 = 1e8;

/// Reads a trace: `arrival_s,prompt_tokens,output_tokens` in any order, other columns ignored. Every request must fit
/// `largest_context` tokens of KV cache (`None` if that is not known).
///
/// # Errors
/// The first thing that is wrong, with the name of the file and the line.
pub(super) fn read_trace(path: &Path, name: &str, largest_context: Option<u64>) -> Result<Vec<TraceRequest>, String> {
    let mut file = TableFile::open(path, name)?;
    let arrival = file.column("arrival_s")?;
    let prompt = file.column("prompt_tokens")?;
    let output = file.column("output_tokens")?;
    let mut requests: Vec<TraceRequest> = Vec::new();
    let mut record = StringRecord::new();
    while file.next(&mut record)? {
        let request = TraceRequest {
            arrival_s: file.number(&record, arrival, 0.0)?,
            prompt_tokens: file.tokens(&record, prompt)?,
            output_tokens: file.tokens(&record, output)?,
        };
        if requests.last().is_some_and(|last| last.arrival_s > request.arrival_s) {
            return Err(
                file.at_line(&record, "expected arrivals in order, found one earlier than that of the row before")
            );
        }
        let context = u64::from(request.prompt_tokens) + u64::from(request.output_tokens) - 1;
        if let Some(largest) = largest_context.filter(|largest| context > *largest) {
            let why = format!("this request needs {context} tokens of KV cache; all blocks together hold {largest}");
            return Err(file.at_line(&record, &why));
        }
        requests.push(request);
    }
    match requests.as_slice() {
        [first, .., last] if last.arrival_s - first.arrival_s > LONGEST_TRACE => Err(format!(
            "{name}: expected arrivals within {LONGEST_TRACE:e} s, found {:e} s from the first to the last",
            last.arrival_s - first.arrival_s
        )),
        [first, .., last] if last.arrival_s > first.arrival_s => Ok(requests),
        [_, _, ..] => Err(format!("{name}: expected arrivals over some time, found all at the same instant")),
        rows => Err(format!("{name}: expected at least 2 rows below the header, found {}", rows.len())),
    }
}

/// Reads one column of numbers, each at least `least`.
///
/// # Errors
/// The first thing that is wrong, with the name of the file and the line.
pub(super) fn read_column(path: &Path, name: &str, column: &str, least: f64) -> Result<Vec<f64>, String> {
    let mut file = TableFile::open(path, name)?;
    let index = file.column(column)?;
    let mut values = Vec::new();
    let mut record = StringRecord::new();
    while file.next(&mut record)? {
        values.push(file.number(&record, index, least)?);
    }
    if values.is_empty() { Err(format!("{name}: expected at least one row below the header")) } else { Ok(values) }
}

/// A CSV file being read.
struct TableFile<'n> {
    name: &'n str,
    reader: csv::Reader<Rows>,
    header: Vec<String>,
    rows_left: u64,
}

/// The bytes of a file, decompressed; a row must not take more than [`LONGEST_ROW`] of them, whatever the file's size.
struct Rows {
    bytes: Box<dyn Read>,
    /// Bytes that may still be read for the present row.
    left: usize,
}

impl Read for Rows {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        // The reader's buffer holds a part of a row beforehand, so the limit is not exact to the byte.
        self.left = self.left.checked_sub(count).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("it has a row of more than {LONGEST_ROW} bytes"))
        })?;
        Ok(count)
    }
}

impl<'n> TableFile<'n> {
    fn open(path: &Path, name: &'n str) -> Result<TableFile<'n>, String> {
        let unreadable = |reason: &dyn std::fmt::Display| format!("cannot read {name}: {reason}");
        // A pipe or a device might never end, or never begin.
        let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
        if metadata.is_dir() {
            return Err(unreadable(&"it is a directory, not a regular file"));
        }
        if !metadata.is_file() {
            return Err(unreadable(&"it is not a regular file"));
        }
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let compressed = path.extension().is_some_and(|extension| extension == "gz");
        let bytes: Box<dyn Read> = if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(Rows { bytes, left: LONGEST_ROW });
        let header = reader.headers().map_err(|error| broken(name, &error))?;
        let header = header.iter().map(|column| column.trim_start_matches('\u{feff}').to_owned()).collect();
        Ok(TableFile { name, reader, header, rows_left: MOST_ROWS })
    }

    fn column(&self, column: &str) -> Result<usize, String> {
        self.header.iter().position(|name| name == column).ok_or_else(|| {
            let found = self.header.join(",").chars().take(80).collect::<String>();
            format!("{}:1: expected a header with a column `{column}`, found {found:?}", self.name)
        })
    }

    /// Reads the next row; false after the last.
    fn next(&mut self, record: &mut StringRecord) -> Result<bool, String> {
        self.reader.get_mut().left = LONGEST_ROW;
        if !self.reader.read_record(record).map_err(|error| broken(self.name, &error))? {
            return Ok(false);
        }
        match self.rows_left.checked_sub(1) {
            Some(left) => self.rows_left = left,
            None => return Err(self.at_line(record, &format!("expected at most {MOST_ROWS} rows"))),
        }
        Ok(true)
    }

    fn at_line(&self, record: &StringRecord, what: &str) -> String {
        let line = record.position().map_or(0, csv::Position::line);
        format!("{}:{line}: {what}", self.name)
    }

    fn expected(&self, record: &StringRecord, column: usize, expected: &str) -> String {
        let found = record.get(column).unwrap_or_default().chars().take(40).collect::<String>();
        self.at_line(record, &format!("expected `{}` to be {expected}, found {found:?}", self.header[column]))
    }

    fn number(&self, record: &StringRecord, column: usize, least: f64) -> Result<f64, String> {
        let number = record.get(column).and_then(|text| text.parse::<f64>().ok());
        number
            .filter(|number| (least..=1e15).contains(number))
            .ok_or_else(|| self.expected(record, column, &format!("a number from {least} to 1e15")))
    }

    fn tokens(&self, record: &StringRecord, column: usize) -> Result<u32, String> {
        let tokens = record.get(column).and_then(|text| text.parse::<u32>().ok());
        tokens
            .filter(|tokens| (1..=MOST_TOKENS).contains(tokens))
            .ok_or_else(|| self.expected(record, column, &format!("a whole number from 1 to {MOST_TOKENS}")))
    }
}

/// A row that is torn, or not text, or not what its compression promised.
fn broken(name: &str, error: &csv::Error) -> String {
    let line = error.position().map(|position| format!(":{}", position.line())).unwrap_or_default();
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{name}{line}: expected {expected_len} columns as in the header, found {len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("{name}{line}: expected text, found bytes that are not UTF-8"),
        csv::ErrorKind::Io(error) => format!("cannot read {name}: {error}"),
        _ => format!("{name}{line}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_the_limit_are_refused_with_their_line() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("values.csv");
        fs::write(&path, "x\n1\n2\n3\n").expect("values");
        let mut file = TableFile::open(&path, "values.csv").expect("a table");
        assert_eq!(file.rows_left, MOST_ROWS);
        file.rows_left = 2;
        let mut record = StringRecord::new();
        assert_eq!((file.next(&mut record), file.next(&mut record)), (Ok(true), Ok(true)));
        assert_eq!(file.next(&mut record), Err("values.csv:4: expected at most 50000000 rows".to_owned()));
    }
}
