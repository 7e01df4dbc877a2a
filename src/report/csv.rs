//! The tables that scripts read: `runs.csv`, `timeline.csv`, `events.csv`, `requests.csv`.
//!
//! Empty values are empty cells. Numbers are the shortest text that reads back as the same number; simulated instants
//! are exact to the nanosecond. Columns follow from the tables of metrics and of series.

use crate::ledger::{METRICS, Metric, OUTCOME_COLUMN, RunLog, RunRecord};
use crate::study::{Estimate, StudyResult, Timeline};
use crate::units::{NANOS_PER_SECOND, Time};

/// Rows of comma-separated cells in memory.
pub(super) struct Table(::csv::Writer<Vec<u8>>);

impl Table {
    /// No rows yet.
    pub(super) fn new() -> Table {
        Table(::csv::Writer::from_writer(Vec::new()))
    }

    /// Adds a row.
    pub(super) fn row<S: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.0.write_record(cells).expect("rows of one length are written to memory");
    }

    /// All rows.
    pub(super) fn text(self) -> String {
        let bytes = self.0.into_inner().expect("memory takes what is written to it");
        String::from_utf8(bytes).expect("every cell is text")
    }
}

/// A number as the shortest text that reads back as the same; empty for NaN, `inf` for infinity.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        String::new()
    } else if value == 0.0 {
        // Negative zero is zero.
        "0".to_owned()
    } else {
        value.to_string()
    }
}

/// The columns of an estimate: its value and the ends of its interval.
pub(super) fn columns_of(name: &str) -> [String; 3] {
    [name.to_owned(), format!("{name}_low"), format!("{name}_high")]
}

/// The cells of an estimate; empty where there is none.
pub(super) fn cells_of(estimate: Option<&Estimate>) -> [String; 3] {
    let value = estimate.map_or(f64::NAN, |estimate| estimate.value);
    let (low, high) = estimate.and_then(|estimate| estimate.interval).unwrap_or((f64::NAN, f64::NAN));
    [value, low, high].map(number)
}

/// An instant in seconds, exact to the nanosecond: `-0.5`, `123.000000001`.
fn seconds(time: Time) -> String {
    let sign = if time.0 < 0 { "-" } else { "" };
    let (whole, rest) = (time.0.unsigned_abs() / NANOS_PER_SECOND, time.0.unsigned_abs() % NANOS_PER_SECOND);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{rest:09}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The columns of `runs.csv`.
pub(super) fn run_columns() -> Vec<&'static str> {
    let mut header = vec!["run"];
    for metric in METRICS {
        header.push(metric.name());
        if *metric == Metric::RolledBack {
            header.push(OUTCOME_COLUMN);
        }
    }
    header
}

/// `runs.csv`: a row per run, a column per metric, `rollout_outcome` after `rolled_back`.
pub fn runs(result: &StudyResult) -> String {
    records(&result.records)
}

/// Runs as `runs.csv` has them.
pub(super) fn records(records: &[RunRecord]) -> String {
    let mut table = Table::new();
    table.row(run_columns());
    for record in records {
        let mut cells = vec![record.run.to_string()];
        for metric in METRICS {
            cells.push(number(record.value(*metric)));
            if *metric == Metric::RolledBack {
                cells.push(record.outcome.name().to_owned());
            }
        }
        table.row(cells);
    }
    table.text()
}

/// `timeline.csv`: a row per bin; over runs, the mean and three quantiles of each series; then quantiles of TTFT over
/// all runs' requests of the bin.
pub fn timeline(timeline: &Timeline) -> String {
    let mut table = Table::new();
    let mut header = vec!["time_s".to_owned()];
    for series in &timeline.series {
        header.extend(["mean", "p5", "p50", "p95"].map(|statistic| format!("{}_{statistic}", series.name)));
    }
    header.extend(["ttft_p50_s_pooled", "ttft_p99_s_pooled"].map(str::to_owned));
    table.row(header);
    for (bin, time) in timeline.times.iter().enumerate() {
        let mut cells = vec![number(*time)];
        for series in &timeline.series {
            cells.extend([&series.mean, &series.p5, &series.p50, &series.p95].map(|values| number(values[bin])));
        }
        cells.extend([&timeline.pooled_ttft_p50, &timeline.pooled_ttft_p99].map(|values| number(values[bin])));
        table.row(cells);
    }
    table.text()
}

/// `events.csv`: every state change, controller's command and verdict of one run.
pub fn events(log: &RunLog) -> String {
    let mut table = Table::new();
    table.row(["time_s", "event", "replica", "version", "detail"]);
    for row in &log.events {
        table.row([&seconds(row.time), row.event, &optional(row.replica), &row.version, &row.detail]);
    }
    table.text()
}

/// `requests.csv`: every attempt of one run.
pub fn requests(log: &RunLog) -> String {
    let mut table = Table::new();
    table.row([
        "id",
        "attempt",
        "arrival_s",
        "prompt_tokens",
        "output_tokens",
        "version",
        "replica",
        "scheduled_s",
        "first_token_s",
        "finish_s",
        "tokens_out",
        "outcome",
        "preemptions",
    ]);
    for row in &log.requests {
        table.row([
            &row.id.to_string(),
            &row.attempt.to_string(),
            &seconds(row.arrival),
            &row.prompt_tokens.to_string(),
            &row.output_tokens.to_string(),
            &row.version,
            &optional(row.replica),
            &optional(row.scheduled.map(seconds)),
            &optional(row.first_token.map(seconds)),
            &optional(row.finish.map(seconds)),
            &row.tokens_out.to_string(),
            row.outcome,
            &row.preemptions.to_string(),
        ]);
    }
    table.text()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ledger::{EventRow, RequestRow, SERIES};
    use crate::report::example;

    /// The text read back by an independent reader: (header, rows).
    pub fn read(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        (header, rows)
    }

    #[test]
    fn instants_are_exact_to_the_nanosecond() {
        assert_eq!(seconds(Time(123_000_000_001)), "123.000000001");
        assert_eq!(seconds(Time(1_500_000_000)), "1.5");
        assert_eq!(seconds(Time(-600_000_000_000)), "-600");
        assert_eq!(seconds(Time(-1)), "-0.000000001");
    }

    #[test]
    fn runs_have_a_column_a_metric_and_empty_cells_for_empty_values() {
        let result = example::study();
        let (header, rows) = read(&runs(&result));
        assert_eq!(header.len(), METRICS.len() + 2);
        assert_eq!(header[0], "run");
        let at = |name: &str| header.iter().position(|column| column == name).unwrap();
        assert_eq!(at("rollout_outcome"), at("rolled_back") + 1);
        assert_eq!(rows.len(), result.records.len());
        for (row, record) in rows.iter().zip(&result.records) {
            assert_eq!(row[at("rollout_outcome")], record.outcome.name());
            let duration = record.value(Metric::RolloutDuration);
            let cell = &row[at("rollout_duration_s")];
            assert!(if duration.is_nan() { cell.is_empty() } else { cell.parse() == Ok(duration) }, "{cell}");
        }
    }

    #[test]
    fn the_timeline_has_four_statistics_a_series_and_the_pooled_quantiles() {
        let result = example::study();
        let (header, rows) = read(&timeline(&result.timeline));
        assert_eq!(header.len(), 1 + 4 * SERIES.len() + 2);
        assert_eq!(header[..3], ["time_s", "ready_stable_mean", "ready_stable_p5"]);
        assert_eq!(header.last().unwrap(), "ttft_p99_s_pooled");
        assert_eq!(rows.len(), result.timeline.times.len());
    }

    #[test]
    fn logs_keep_their_contracts_columns_and_quote_what_must_be_quoted() {
        let log = RunLog {
            events: vec![EventRow {
                time: Time(1),
                event: "aborted",
                replica: None,
                version: "new".to_owned(),
                detail: "reason=a, \"b\"".to_owned(),
                why: "no column of the file".to_owned(),
            }],
            requests: vec![RequestRow {
                id: 7,
                attempt: 1,
                arrival: Time(-5_000_000_000),
                prompt_tokens: 10,
                output_tokens: 20,
                version: "stable".to_owned(),
                replica: Some(3),
                scheduled: Some(Time(0)),
                first_token: None,
                finish: None,
                tokens_out: 0,
                outcome: "dropped",
                preemptions: 0,
            }],
        };
        assert!(events(&log).starts_with("time_s,event,replica,version,detail\n0.000000001,aborted,,new,"));
        assert_eq!(read(&events(&log)).1[0][4], "reason=a, \"b\"");
        let text = requests(&log);
        let (header, row) = text.split_once('\n').unwrap();
        assert_eq!(
            header,
            "id,attempt,arrival_s,prompt_tokens,output_tokens,version,replica,scheduled_s,first_token_s,finish_s,\
             tokens_out,outcome,preemptions"
        );
        assert_eq!(row, "7,1,-5,10,20,stable,3,0,,,0,dropped,0\n");
    }
}
