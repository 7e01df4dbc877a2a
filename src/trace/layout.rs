//! The layouts in which traces come: our own columns, and those of public traces as they are published.

use super::table::Table;

/// Greatest second that an arrival may have: some 285 years.
const GREATEST_SECOND: f64 = 9e9;

/// What the columns of a file are called and how its times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// `arrival_s,prompt_tokens,output_tokens`: seconds.
    Own,
    /// Azure's LLM inference traces (github.com/Azure/AzurePublicDataset): `TIMESTAMP,ContextTokens,GeneratedTokens`,
    /// a date and a time of day, with fractions and sometimes with an offset from UTC.
    Azure,
    /// Mooncake's traces (github.com/kvcache-ai/Mooncake): `timestamp`, `input_length`, `output_length`; milliseconds.
    Mooncake,
}

const ALL: [Layout; 3] = [Layout::Own, Layout::Azure, Layout::Mooncake];

impl Layout {
    /// The layout whose column of times the table has.
    pub(super) fn of(table: &Table<'_>, name: &str) -> Result<Layout, String> {
        ALL.into_iter().find(|layout| table.has(layout.columns()[0])).ok_or_else(|| {
            let known: Vec<String> = ALL.iter().map(|layout| layout.columns().join(",")).collect();
            format!("{name}:1: expected the columns {}; found {}", known.join(" or "), table.quoted_header())
        })
    }

    /// Names of the columns with times, prompt tokens and output tokens.
    pub(super) fn columns(self) -> [&'static str; 3] {
        match self {
            Layout::Own => ["arrival_s", "prompt_tokens", "output_tokens"],
            Layout::Azure => ["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
            Layout::Mooncake => ["timestamp", "input_length", "output_length"],
        }
    }

    /// The present row's time in nanoseconds, from an origin of the file's own.
    pub(super) fn instant(self, table: &Table<'_>) -> Result<i64, String> {
        let nanoseconds = |number: f64, unit: f64| (number * unit).round() as i64;
        match self {
            Layout::Own => table.number(0, 0.0, GREATEST_SECOND).map(|seconds| nanoseconds(seconds, 1e9)),
            Layout::Mooncake => table.number(0, 0.0, GREATEST_SECOND * 1e3).map(|millis| nanoseconds(millis, 1e6)),
            Layout::Azure => {
                let expected = "a date and time such as 2023-11-16 18:15:46.6805900";
                table.parsed(0, expected, date_and_time)
            }
        }
    }
}

/// Nanoseconds since 1970 of a date and a time of day; without an offset, UTC is as good as any.
fn date_and_time(text: &str) -> Option<i64> {
    let without_offset = || jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<jiff::civil::DateTime>().ok()?).ok();
    let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(without_offset)?;
    i64::try_from(timestamp.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_with_fractions_and_with_or_without_an_offset() {
        let plain = date_and_time("2023-11-16 18:15:46.6805900");
        assert_eq!(plain, Some(1_700_158_546_680_590_000));
        assert_eq!(date_and_time("2023-11-16 18:15:46.680590+00:00"), plain);
        assert_eq!(date_and_time("2023-11-16T19:15:46.68059+01:00"), plain);
        for wrong in ["", "18:15:46", "2023-13-16 18:15:46", "-5", "NaN", "2023-11-16 18:15:4"] {
            assert_eq!(date_and_time(wrong), None, "{wrong}");
        }
    }
}
