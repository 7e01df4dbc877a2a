//! The runs of a point as they are kept between sweeps: a `runs.csv` that can be read back.

use crate::ledger::{METRICS, OUTCOME_COLUMN, RolloutOutcome, RunRecord};
use crate::report::csv;

/// Runs as `runs.csv` has them.
pub fn written_runs(records: &[RunRecord]) -> String {
    csv::records(records)
}

/// The runs that [`written_runs`] wrote, equal in every metric and outcome; reasons and timelines are not kept. `None`
/// where the text is anything else, such as that of a program with other metrics.
pub fn read_runs(text: &str) -> Option<Vec<RunRecord>> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    if !reader.headers().ok()?.iter().eq(csv::run_columns()) {
        return None;
    }
    reader.records().enumerate().map(|(number, row)| read_run(number as u64, &row.ok()?)).collect()
}

fn read_run(number: u64, row: &::csv::StringRecord) -> Option<RunRecord> {
    let mut record = RunRecord {
        run: number,
        values: Vec::with_capacity(METRICS.len()),
        outcome: RolloutOutcome::None,
        reason: String::new(),
        timeline: Vec::new(),
        empty_measurements: (0, 0),
    };
    for (column, cell) in csv::run_columns().into_iter().zip(row) {
        match column {
            "run" => (cell.parse() == Ok(number)).then_some(())?,
            OUTCOME_COLUMN => {
                record.outcome = RolloutOutcome::ALL.into_iter().find(|outcome| outcome.name() == cell)?
            }
            _ => record.values.push(if cell.is_empty() { f64::NAN } else { cell.parse().ok()? }),
        }
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Metric;
    use crate::report::example;

    #[test]
    fn runs_are_read_back_to_the_last_bit() {
        let mut records = example::study().records;
        records[0].values[Metric::Cost as usize] = 0.1 + 0.2;
        records[1].values[Metric::Cost as usize] = f64::MIN_POSITIVE / 3.0;
        records[2].values[Metric::Cost as usize] = f64::INFINITY;
        let read = read_runs(&written_runs(&records)).unwrap();
        assert_eq!(read.len(), records.len());
        for (read, record) in read.iter().zip(&records) {
            assert_eq!((read.run, read.outcome), (record.run, record.outcome));
            for (read, value) in read.values.iter().zip(&record.values) {
                assert!(read.to_bits() == value.to_bits() || read.is_nan() && value.is_nan(), "{read} {value}");
            }
        }
        assert_eq!(written_runs(&read), written_runs(&records));
    }

    #[test]
    fn anything_else_is_not_taken_for_runs() {
        let text = written_runs(&example::study().records);
        let (header, rows) = text.split_once('\n').unwrap();
        for wrong in [
            String::new(),
            "{}".to_owned(),
            rows.to_owned(),
            text.replace("cost_usd", "cost_eur"),
            format!("{header}\n{}", rows.split_once('\n').unwrap().1),
            format!("{header}\n{}", rows.replacen("completed", "complete", 1)),
            text[..text.len() - 20].to_owned(),
        ] {
            assert!(read_runs(&wrong).is_none(), "{}", &wrong[..wrong.len().min(80)]);
        }
    }
}
